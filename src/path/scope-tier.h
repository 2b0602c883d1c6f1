/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-tier: which relays are pipes: connected so badly that others use them only when there is nothing better
 * (data/protocol.md, section 9). Direct links count as both ends report them (scope-table), reachability as the
 * relay itself does. Pure: the clock is handed in.
 *
 * All times: monotonic, ms.
 */
#pragma once

#include "path/scope-table.h"

#define SCOPE_TIER_GRACE_MSEC 120000 /* after it came: not judged, and not counted among the others */
#define SCOPE_TIER_STEP_MSEC 10000   /* between two samples */
#define SCOPE_TIER_SAMPLES 15        /* of reachability: 150 s */
#define SCOPE_TIER_SETTLE_MSEC 30000 /* after it came: no samples yet */
#define SCOPE_TIER_REACH 90          /* percent of the others */
#define SCOPE_TIER_STALE_MSEC 90000  /* what was said of reachability so long ago does not count */
#define SCOPE_TIER_BAD_MSEC 30000    /* so long it must be bad … */
#define SCOPE_TIER_GOOD_MSEC 60000   /* … and good; doubled with each time that it was not for long, up to … */
#define SCOPE_TIER_GOOD_MAX_MSEC 600000
#define SCOPE_TIER_LONG_MSEC 3600000
#define SCOPE_TIER_KEPT_MSEC 600000  /* who was a pipe when it left still is when it comes back within this */

typedef struct _ScopeTier ScopeTier;

ScopeTier *scope_tier_new (void);
void scope_tier_free (ScopeTier *tier);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeTier, scope_tier_free)

/* @master: counts as one of the others, but never is a pipe */
void scope_tier_join (ScopeTier *tier, const ScopeKey *relay, gboolean master, gint64 now);
void scope_tier_leave (ScopeTier *tier, const ScopeKey *relay, gint64 now);

/* Without a change when it has not joined. */
void scope_tier_set_master (ScopeTier *tier, const ScopeKey *relay, gboolean master);

/* @from says whether it reaches @to, directly or through other relays. */
void scope_tier_report (ScopeTier *tier, const ScopeKey *from, const ScopeKey *to, gboolean reached, gint64 now);

/**
 * scope_tier_step:
 * @changed: (nullable): called for each relay that is a pipe now, or no longer
 *
 * To be called every SCOPE_TIER_STEP_MSEC while scope_tier_is_waiting(); more often does no harm.
 */
void scope_tier_step (ScopeTier *tier, const ScopeTable *table, gint64 now,
                      void (*changed) (const ScopeKey *relay, gboolean pipe, gpointer user_data), gpointer user_data);

gboolean scope_tier_is_pipe (const ScopeTier *tier, const ScopeKey *relay);

/* Whether time, or reports, may change something. */
gboolean scope_tier_is_waiting (const ScopeTier *tier);
