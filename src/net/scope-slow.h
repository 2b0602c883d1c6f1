/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-slow: whether a link that carries packets has become much slower than it was, within a second. Pure: the clock
 * (µs, monotonic), counters and echoes are handed in. scope-pulse sees links that are silent; averages see what lasts.
 */
#pragma once

#include <glib.h>

typedef enum {
  SCOPE_SLOW_PROBE = 1 << 0, /* send a probe now */
  SCOPE_SLOW_LATE = 1 << 1,  /* an echo takes three times as long as usual, and 150 ms more: look for something else */
} ScopeSlowAct;

/**
 * ScopeSlow:
 *
 * A value: {0} watches nothing. Only the functions below touch its fields.
 */
typedef struct {
  gboolean watched;
  gboolean flows; /* something has moved since the last probe */
  guint64 tx, rx;
  gint64 usual; /* round trip; 0 when it is not known */
  gint64 sent;  /* the last probe */
  gint64 late;  /* when its echo is late, 0 for none that is waited for */
} ScopeSlow;

void scope_slow_watch (ScopeSlow *slow, gboolean watched);
void scope_slow_sample (ScopeSlow *slow, guint64 tx, guint64 rx);

/* @usec: there and back, of any probe */
void scope_slow_echo (ScopeSlow *slow, gint64 usec, gint64 now);

/* @next: (inout): lowered to when to ask again */
ScopeSlowAct scope_slow_step (ScopeSlow *slow, gint64 now, gint64 *next);
