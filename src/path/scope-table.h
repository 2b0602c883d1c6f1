/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-table: from what relays report of their links to the table that all of them compute next hops from
 * (data/protocol.md, section 9). A link needs the word of both ends, so a liar hurts links of its own only; what is
 * lost leaves the table at once, what merely changes has to last. Pure: the clock is handed in; who calls it publishes.
 *
 * All times: monotonic, ms.
 */
#pragma once

#include "wire/scope-latency.h"

#define SCOPE_TABLE_MAX_RELAYS 512
#define SCOPE_TABLE_MAX_LINKS 60000
#define SCOPE_TABLE_MAX_MSEC 60000
#define SCOPE_TABLE_DOWN G_MAXUINT /* of a link that does not work */

#define SCOPE_TABLE_STALE_MSEC 90000    /* nothing was heard of a link: it is lost */
#define SCOPE_TABLE_DAMPED_MSEC 300000  /* so long a change has to last, in 80 % of the samples: one is a report of each end */
#define SCOPE_TABLE_DAMPED_SAMPLES 5    /* at least */
#define SCOPE_TABLE_DAMPED_STEP 10      /* ms; or 15 %, whichever is more */
#define SCOPE_TABLE_LOSSY 20            /* percent: with so much for LOSSY_MSEC a link is unusable … */
#define SCOPE_TABLE_LOSSY_MSEC 10000    /* two reports of 40 probes, not one */
#define SCOPE_TABLE_CLEAN 10            /* … until it has less than this for CLEAN_MSEC */
#define SCOPE_TABLE_CLEAN_MSEC 55000
#define SCOPE_TABLE_HOLD_MSEC 30000     /* how long a link that is lost again is held down, doubling to … */
#define SCOPE_TABLE_HOLD_MAX_MSEC 600000 /* … this; a link that was there for so long is not held down when it is lost */

/* What has changed: bits. */
typedef enum {
  SCOPE_TABLE_LOST = 1 << 0,    /* a link has gone: tell at once */
  SCOPE_TABLE_NEW = 1 << 1,     /* a link has come */
  SCOPE_TABLE_CHANGED = 1 << 2, /* a latency has, for long enough */
} ScopeTableChange;

typedef struct _ScopeTable ScopeTable;

ScopeTable *scope_table_new (void);
void scope_table_free (ScopeTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeTable, scope_table_free)

/* FALSE: there are SCOPE_TABLE_MAX_RELAYS. Who joins has no links, also when it was there before. */
gboolean scope_table_join (ScopeTable *table, const ScopeKey *relay);
void scope_table_leave (ScopeTable *table, const ScopeKey *relay);
gboolean scope_table_has (const ScopeTable *table, const ScopeKey *relay);
guint scope_table_size (const ScopeTable *table);

/**
 * scope_table_report:
 * @ms: round trip, or SCOPE_TABLE_DOWN
 * @loss: percent
 *
 * What @from says of its link to @to. Not counted unless both have joined.
 */
void scope_table_report (ScopeTable *table, const ScopeKey *from, const ScopeKey *to, guint ms, guint loss, gint64 now);

/* What time does to links that nobody speaks of. To be called every few seconds while scope_table_is_waiting(). */
void scope_table_tick (ScopeTable *table, gint64 now);

/* Whether time alone may change something: some link is reported. */
gboolean scope_table_is_waiting (const ScopeTable *table);

/* ScopeTableChange bits: what is not committed yet. Who is there without links is no change. */
guint scope_table_pending (const ScopeTable *table);

/**
 * scope_table_commit:
 * @changes: ScopeTableChange bits: with SCOPE_TABLE_LOST alone all stays as it was but for the links that are gone
 */
void scope_table_commit (ScopeTable *table, guint changes);

/**
 * scope_table_get:
 * @relays: (out) (transfer full) (element-type ScopeKey): who has joined, by key
 * @links: (out) (transfer full) (element-type ScopeLatency): as committed, by key; when there are more than
 *   SCOPE_TABLE_MAX_LINKS, the fastest
 */
void scope_table_get (const ScopeTable *table, GArray **relays, GArray **links);

/* How many direct links @relay has now, committed or not. */
guint scope_table_direct (const ScopeTable *table, const ScopeKey *relay);

/* Whether there is a direct link now, committed or not. */
gboolean scope_table_linked (const ScopeTable *table, const ScopeKey *a, const ScopeKey *b);

/* ms of a link with @loss percent: what is lost has to be sent again. From 1, so that no detour is as good as a link */
guint scope_table_cost (guint ms, guint loss);
