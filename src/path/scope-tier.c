/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "path/scope-tier.h"

#include <string.h>

#define MAX_AWAY 512 /* pipes that have left, to be remembered */

typedef enum { UNKNOWN, GOOD, BAD } Verdict;

/**
 * Relay:
 * @left: 0 while it is there
 * @reached: key → when it said so: whom it reaches
 * @samples: percent of the others that it reached; a ring, the next one at @next
 * @since: since when @verdict is what it is
 * @hold: how long it has to be good; @demoted: when that was the last time, 0 for never
 */
typedef struct {
  ScopeKey key;
  gboolean master;
  gint64 joined;
  gint64 left;
  GHashTable *reached;
  gint64 sampled;
  guint8 samples[SCOPE_TIER_SAMPLES];
  guint next, count;
  gboolean pipe;
  Verdict verdict;
  gint64 since;
  gint64 hold;
  gint64 demoted;
} Relay;

struct _ScopeTier {
  GHashTable *relays; /* Relay, by its key; also those who left as pipes */
  guint online;
  gboolean reported; /* by anybody: where all are silent, they are older than reports are */
  gboolean waiting;
};

static void
relay_free (Relay *relay)
{
  g_hash_table_unref (relay->reached);
  g_free (relay);
}

ScopeTier *
scope_tier_new (void)
{
  ScopeTier *tier = g_new0 (ScopeTier, 1);

  tier->relays = g_hash_table_new_full (scope_key_hash, scope_key_equal, NULL, (GDestroyNotify) relay_free);
  return tier;
}

void
scope_tier_free (ScopeTier *tier)
{
  g_hash_table_unref (tier->relays);
  g_free (tier);
}

static Relay *
find_online (const ScopeTier *tier, const ScopeKey *key)
{
  Relay *relay = g_hash_table_lookup (tier->relays, key);

  return relay && !relay->left ? relay : NULL;
}

void
scope_tier_join (ScopeTier *tier, const ScopeKey *key, gboolean master, gint64 now)
{
  Relay *old = g_hash_table_lookup (tier->relays, key);
  gboolean recent = old && (!old->left || now - old->left < SCOPE_TIER_KEPT_MSEC);
  Relay *relay = g_new0 (Relay, 1);

  if (!old || old->left)
    tier->online++;
  relay->key = *key;
  relay->master = master;
  relay->joined = relay->since = now;
  relay->hold = recent ? old->hold : SCOPE_TIER_GOOD_MSEC;
  relay->demoted = recent ? old->demoted : 0;
  relay->pipe = recent && old->pipe && !master;
  relay->reached = g_hash_table_new_full (scope_key_hash, scope_key_equal, g_free, g_free);
  g_hash_table_replace (tier->relays, &relay->key, relay);
  tier->waiting = TRUE;
}

static gboolean
is_forgotten (gpointer key, gpointer value, gpointer user_data)
{
  const Relay *relay = value;

  return relay->left && *(gint64 *) user_data - relay->left >= SCOPE_TIER_KEPT_MSEC;
}

void
scope_tier_leave (ScopeTier *tier, const ScopeKey *key, gint64 now)
{
  Relay *relay = find_online (tier, key);
  GHashTableIter iter;
  gpointer other;

  if (!relay)
    return;
  if (--tier->online == 0)
    tier->reported = FALSE;
  tier->waiting = TRUE;
  relay->left = now;
  g_hash_table_remove_all (relay->reached);
  g_hash_table_iter_init (&iter, tier->relays);
  while (g_hash_table_iter_next (&iter, NULL, &other))
    g_hash_table_remove (((Relay *) other)->reached, key);
  g_hash_table_foreach_remove (tier->relays, is_forgotten, &now);
  if (!relay->pipe || g_hash_table_size (tier->relays) - tier->online > MAX_AWAY)
    g_hash_table_remove (tier->relays, key);
}

void
scope_tier_set_master (ScopeTier *tier, const ScopeKey *key, gboolean master)
{
  Relay *relay = find_online (tier, key);

  if (!relay || relay->master == master)
    return;
  relay->master = master;
  relay->pipe = FALSE;
  tier->waiting = TRUE;
}

void
scope_tier_report (ScopeTier *tier, const ScopeKey *from, const ScopeKey *to, gboolean reached, gint64 now)
{
  Relay *relay = find_online (tier, from);
  gint64 *at;

  if (!relay || !find_online (tier, to) || scope_key_equal (from, to))
    return;
  tier->waiting = tier->reported = TRUE;
  if (!reached)
    {
      g_hash_table_remove (relay->reached, to);
      return;
    }
  at = g_hash_table_lookup (relay->reached, to);
  if (!at)
    {
      at = g_new (gint64, 1);
      g_hash_table_insert (relay->reached, g_memdup2 (to, sizeof *to), at);
    }
  *at = now;
}

/* Steps */

static gboolean
is_settled (const Relay *relay, gint64 now)
{
  return !relay->left && now - relay->joined >= SCOPE_TIER_GRACE_MSEC;
}

/* @others: (element-type Relay): those that are settled, perhaps with itself */
static void
sample (Relay *relay, const GPtrArray *others, gint64 now)
{
  guint count = 0, reached = 0;

  if (now - relay->joined < SCOPE_TIER_SETTLE_MSEC || (relay->sampled && now - relay->sampled < SCOPE_TIER_STEP_MSEC))
    return;
  for (guint i = 0; i < others->len; i++)
    {
      const Relay *other = g_ptr_array_index (others, i);
      const gint64 *at;

      if (other == relay)
        continue;
      count++;
      at = g_hash_table_lookup (relay->reached, &other->key);
      reached += at && now - *at < SCOPE_TIER_STALE_MSEC;
    }
  relay->sampled = now;
  relay->samples[relay->next] = count ? reached * 100 / count : 100;
  relay->next = (relay->next + 1) % SCOPE_TIER_SAMPLES;
  relay->count = MIN (relay->count + 1, SCOPE_TIER_SAMPLES);
}

static Verdict
judge (const Relay *relay, const GPtrArray *settled, const ScopeTable *table, gint64 now)
{
  guint others = settled->len - (is_settled (relay, now) ? 1 : 0);
  guint sum = 0;

  if (scope_table_direct (table, &relay->key) < (others + 1) / 2)
    return BAD;
  if (relay->count < SCOPE_TIER_SAMPLES)
    return UNKNOWN;
  for (guint i = 0; i < SCOPE_TIER_SAMPLES; i++)
    sum += relay->samples[i];
  return sum < SCOPE_TIER_REACH * SCOPE_TIER_SAMPLES ? BAD : GOOD;
}

/* TRUE when it is another tier now */
static gboolean
decide (Relay *relay, Verdict verdict, gint64 now)
{
  if (verdict != relay->verdict)
    {
      relay->verdict = verdict;
      relay->since = now;
    }
  if (!relay->pipe && verdict == BAD && is_settled (relay, now) && now - relay->since >= SCOPE_TIER_BAD_MSEC)
    {
      gboolean soon = relay->demoted && now - relay->demoted < SCOPE_TIER_LONG_MSEC;

      relay->hold = soon ? MIN (relay->hold * 2, SCOPE_TIER_GOOD_MAX_MSEC) : SCOPE_TIER_GOOD_MSEC;
      relay->demoted = now;
      relay->pipe = TRUE;
      return TRUE;
    }
  if (relay->pipe && verdict == GOOD && now - relay->since >= relay->hold)
    {
      relay->pipe = FALSE;
      return TRUE;
    }
  return FALSE;
}

void
scope_tier_step (ScopeTier *tier, const ScopeTable *table, gint64 now,
                 void (*changed) (const ScopeKey *relay, gboolean pipe, gpointer user_data), gpointer user_data)
{
  g_autoptr (GPtrArray) settled = g_ptr_array_new ();
  g_autoptr (GArray) news = g_array_new (FALSE, FALSE, sizeof (ScopeKey));
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, tier->relays);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (is_settled (value, now))
      g_ptr_array_add (settled, value);

  tier->waiting = FALSE;
  g_hash_table_iter_init (&iter, tier->relays);
  while (tier->reported && g_hash_table_iter_next (&iter, NULL, &value))
    {
      Relay *relay = value;

      if (relay->left || relay->master)
        continue;
      sample (relay, settled, now);
      if (decide (relay, judge (relay, settled, table, now), now))
        g_array_append_val (news, relay->key);
      /* Alone, or as bad as it is said to be: then only news can change that. */
      if (relay->pipe ? relay->verdict != BAD : tier->online > 1)
        tier->waiting = TRUE;
    }
  for (guint i = 0; changed && i < news->len; i++)
    {
      const ScopeKey *key = &g_array_index (news, ScopeKey, i);
      changed (key, scope_tier_is_pipe (tier, key), user_data);
    }
}

gboolean
scope_tier_is_pipe (const ScopeTier *tier, const ScopeKey *key)
{
  const Relay *relay = g_hash_table_lookup (tier->relays, key);

  return relay && relay->pipe;
}

gboolean
scope_tier_is_waiting (const ScopeTier *tier)
{
  return tier->waiting;
}
