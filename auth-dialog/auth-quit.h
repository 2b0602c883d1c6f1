/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth-quit: an agent ends the dialog by QUIT on its standard input, or by closing it.
 */
#pragma once

#include <glib.h>

typedef struct _AuthQuit AuthQuit;

/* @quit: called once for the line QUIT. At the end of the input, too? No: who only closes his end still reads. */
AuthQuit *auth_quit_watch (void (*quit) (gpointer data), gpointer data);
void auth_quit_free (AuthQuit *quit);

/* Blocks until QUIT or the end of the input. */
void auth_quit_wait (void);
