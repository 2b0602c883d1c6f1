/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-nudger: lets all peers hear from us several times in a row, after the base connection changed.
 */
#pragma once

#include <glib.h>

typedef struct _ScopeNudger ScopeNudger;

/* Sends something to everybody. */
typedef void (*ScopeNudge) (gpointer data);

ScopeNudger *scope_nudger_new (ScopeNudge nudge, gpointer data);
void scope_nudger_free (ScopeNudger *nudger);

/* Nudges now, and 0.2, 0.6, 1.4 and 3 s later. */
void scope_nudger_start (ScopeNudger *nudger);
