/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl-file: files that are there whole or not at all, and that are not overwritten. Errors: SCOPE_ERROR_FAILED. */
#pragma once

#include <glib.h>

/* FALSE, with an error that says so, when there is something at @path. */
gboolean ctl_file_is_free (const char *path, GError **error);

/* Writes a new file, mode 0600; never replaces one. */
gboolean ctl_file_create (const char *path, const char *text, GError **error);

/* Writes a file, mode 0600, in place of an older one. */
gboolean ctl_file_replace (const char *path, const char *text, GError **error);

/**
 * ctl_file_read:
 * @path: "-" for the standard input
 *
 * Returns: (transfer full): the content, at most @max bytes; may have secrets in it: scope_secret_free()
 */
char *ctl_file_read (const char *path, gsize max, gsize *len, GError **error);
