/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scope-export: writes a connection to a file as a profile (scope-profile.h). */
#pragma once

#include <NetworkManager.h>

/**
 * scope_export_file:
 * @path: a file to make or to replace; it appears whole or not at all, with mode 0600
 * @error: %NM_CONNECTION_ERROR if @connection is not ours or wrong, %G_FILE_ERROR
 */
gboolean scope_export_file (const char *path, NMConnection *connection, GError **error);

/* A file name for a connection, newly allocated: its id with safe characters, and our suffix. */
char *scope_export_filename (NMConnection *connection);
