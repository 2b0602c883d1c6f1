/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-clock-watch: tells when the machine was asleep, with logind or without: the kernel wakes us when the wall clock
 * jumps, which it does with each resume. Nothing is polled.
 */
#pragma once

#include <glib.h>

/* ms. @boot goes on while the machine sleeps, @monotonic does not. */
typedef struct {
  gint64 boot;
  gint64 monotonic;
  gint64 real;
} ScopeClocks;

/* Whether between the two the machine slept for a second or more; or stood still as a whole, as virtual ones do when they are
 * paused, and has been told the time again: 10 s or more. */
gboolean scope_clocks_slept (const ScopeClocks *before, const ScopeClocks *now);

typedef struct _ScopeClockWatch ScopeClockWatch;
typedef void (*ScopeClockSlept) (gpointer data);

/* NULL, with a line in the log, when the kernel gives no timer. It may not be freed from @slept. */
ScopeClockWatch *scope_clock_watch_new (ScopeClockSlept slept, gpointer data);
void scope_clock_watch_free (ScopeClockWatch *watch);
