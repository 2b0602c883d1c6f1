/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "path/scope-least.h"

static GHashTable *
ways_new (void)
{
  return g_hash_table_new_full (scope_key_hash, scope_key_equal, g_free, g_free);
}

static void
offer (GHashTable *ways, const ScopeKey *to, guint sum, const ScopeKey *source)
{
  ScopeLeast *best = g_hash_table_lookup (ways, to);
  ScopeLeast way = { sum, source ? *source : (ScopeKey) { { 0 } } };

  if (!best)
    g_hash_table_insert (ways, g_memdup2 (to, sizeof *to), g_memdup2 (&way, sizeof way));
  else if (sum < best->sum || (sum == best->sum && scope_key_compare (&way.source, &best->source) < 0))
    *best = way; /* no source is below all others */
}

/* @near: what has a link to @from */
static void
offer_detour (GHashTable *ways, GHashTable *near, const ScopeKey *from, const ScopeKey *over, const ScopeKey *to, guint ms)
{
  const ScopeLeast *first = g_hash_table_lookup (near, over);

  if (first && !scope_key_equal (to, from))
    offer (ways, to, first->sum + ms, over);
}

GHashTable *
scope_least_from (const GArray *links, const ScopeKey *from)
{
  g_autoptr (GHashTable) near = ways_new ();
  GHashTable *ways = ways_new ();

  for (guint i = 0; i < links->len; i++)
    {
      const ScopeLatency *link = &g_array_index (links, ScopeLatency, i);
      const ScopeKey *to = scope_key_equal (&link->a, from) ? &link->b : scope_key_equal (&link->b, from) ? &link->a : NULL;

      if (!to)
        continue;
      offer (near, to, link->ms, NULL);
      offer (ways, to, link->ms, NULL);
    }
  for (guint i = 0; i < links->len; i++)
    {
      const ScopeLatency *link = &g_array_index (links, ScopeLatency, i);

      offer_detour (ways, near, from, &link->a, &link->b, link->ms);
      offer_detour (ways, near, from, &link->b, &link->a, link->ms);
    }
  return ways;
}
