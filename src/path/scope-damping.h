/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-damping: when something better is better for long enough to be worth a change, and how long something that
 * failed is left alone (design 6, "Paths"). Used for the relay of an edge, and by the registry for what it publishes.
 */
#pragma once

#include <glib.h>

#define SCOPE_DAMPING_MS 300000
#define SCOPE_DAMPING_PERCENT 80
#define SCOPE_HOLD_MIN_MS 30000
#define SCOPE_HOLD_MAX_MS 600000

/* Whether @candidate (ms) is better than @current by max(10 ms, 15 %) */
gboolean scope_damping_better (guint candidate, guint current);

#define SCOPE_DAMPING_SLICES 16
#define SCOPE_DAMPING_SLICE_MS (SCOPE_DAMPING_MS / (SCOPE_DAMPING_SLICES - 1))

/**
 * ScopeDamping:
 *
 * Samples of one comparison in the last 300 s. All zero is a fresh one.
 */
typedef struct {
  gint64 begun; /* of the first slice; 0: no sample yet */
  gint64 slice; /* number of the newest */
  guint8 better[SCOPE_DAMPING_SLICES];
  guint8 all[SCOPE_DAMPING_SLICES];
} ScopeDamping;

/* After a change, or when the candidate was away: begins anew. */
void scope_damping_reset (ScopeDamping *damping);

/**
 * scope_damping_add:
 * @better: of this sample
 *
 * Returns: whether 80 % of the samples of the last 300 s, and this one, were better, and there were samples for that long
 */
gboolean scope_damping_add (ScopeDamping *damping, gint64 now, gboolean better);

/**
 * ScopeHold:
 *
 * How long something that fails again and again is left alone: 30 s, then twice as long, up to 600 s. All zero is a
 * fresh one.
 */
typedef struct {
  gint64 until;
  guint length;
} ScopeHold;

/* It failed. Having worked for 600 s since the last hold ended counts as new. */
void scope_hold_fail (ScopeHold *hold, gint64 now);

/* The other end says so: at least until @until. */
void scope_hold_extend (ScopeHold *hold, gint64 until);

gboolean scope_hold_active (const ScopeHold *hold, gint64 now);
