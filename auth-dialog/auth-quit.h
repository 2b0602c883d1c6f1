/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth-quit: an agent ends the dialog by a line QUIT on its standard input.
 */
#pragma once

#include <glib.h>

typedef struct _AuthQuit AuthQuit;

/* @quit: called once, for QUIT; not at the end of the input: who closes his end may still read ours. */
AuthQuit *auth_quit_watch (void (*quit) (gpointer data), gpointer data);
void auth_quit_free (AuthQuit *quit);

/* Blocks until QUIT or the end of the input. */
void auth_quit_wait (void);
