/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl-terminal: questions to the person at the terminal (/dev/tty, whatever the standard input is). */
#pragma once

#include <glib.h>

/* Whether there is a terminal to ask on. */
gboolean ctl_terminal_there (void);

/**
 * ctl_terminal_ask:
 * @secret: whether what is typed stays invisible; free the answer with scope_secret_free()
 * @error: SCOPE_ERROR_FAILED: there is no terminal, or the answer was broken off (Ctrl+D)
 *
 * A signal while a secret is typed first makes the terminal visible again, then takes its course.
 *
 * Returns: (transfer full): the line, without its end
 */
char *ctl_terminal_ask (const char *question, gboolean secret, GError **error);

/* Columns of the terminal that the standard output is, 0 when it is none. */
guint ctl_terminal_columns (void);
