/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-plan.h"

#include "common/scope-error.h"
#include "tunnel/scope-wg.h"

static gboolean
is_single (const ScopePrefix *prefix)
{
  return prefix->len == (prefix->family == AF_INET ? 32 : 128);
}

/* Ours: in the table of what is taken, an owner that is no peer. */
static void
keep (GHashTable *taken, ScopePrefix prefix)
{
  scope_prefix_mask (&prefix);
  g_hash_table_replace (taken, g_memdup2 (&prefix, sizeof prefix), NULL);
}

/* Gives @prefix to @peer unless somebody else has it. */
static gboolean
claim (GHashTable *taken, ScopeWgPeer *peer, ScopePrefix prefix)
{
  gpointer owner;

  scope_prefix_mask (&prefix);
  if (g_hash_table_lookup_extended (taken, &prefix, NULL, &owner))
    return owner == peer; /* said twice by the same one is no conflict */
  g_hash_table_insert (taken, g_memdup2 (&prefix, sizeof prefix), peer);
  g_array_append_val (peer->allowed, prefix);
  return TRUE;
}

static gboolean
covered (const ScopePrefix *route, const GArray *addresses)
{
  for (guint i = 0; i < addresses->len; i++)
    {
      const ScopePrefix *own = &g_array_index (addresses, ScopePrefix, i);
      if (!is_single (own) && scope_prefix_contains (own, route))
        return TRUE;
    }
  return FALSE;
}

/* An endpoint in a network that our interface is in by its own addresses would send the tunnel through itself. One in a range
 * of a peer's would not (scope-outside.h). */
static gboolean
loops (const ScopeSockaddr *sa, const GArray *addresses)
{
  ScopePrefix host = { .family = sa->any.sa_family, .len = sa->any.sa_family == AF_INET ? 32 : 128 };

  if (sa->any.sa_family == AF_INET)
    memcpy (host.addr, &sa->in.sin_addr, 4);
  else
    memcpy (host.addr, &sa->in6.sin6_addr, 16);
  return covered (&host, addresses);
}

/* Everything belongs to whom we choose, and may be offered by many. Without a choice it is no route, only what the first
 * one may send from. */
static void
claim_all (ScopePlan *plan, GHashTable *taken, ScopeWgPeer *peer, const ScopePrefix *prefix, const ScopeKey *exit)
{
  if (exit && !scope_key_equal (exit, &peer->pub))
    return;
  if (claim (taken, peer, *prefix) && exit)
    *(prefix->family == AF_INET ? &plan->exit4 : &plan->exit6) = TRUE;
}

static void
add_peer (ScopePlan *plan, GHashTable *taken, const ScopeRosterPeer *entry, const GArray *extra, guint keepalive,
          const ScopeSettings *settings, const GArray *addresses, const ScopeKey *exit, GHashTable *resolved)
{
  ScopeWgPeer *peer = scope_wg_peer_new (&entry->pub);
  const ScopeSockaddr *endpoint = entry->end ? g_hash_table_lookup (resolved, entry->end) : NULL;

  for (guint i = 0; i < entry->ranges->len; i++)
    {
      const ScopePrefix *prefix = &g_array_index (entry->ranges, ScopePrefix, i);

      if (prefix->len == 0)
        claim_all (plan, taken, peer, prefix, exit);
      else
        plan->conflicts += !claim (taken, peer, *prefix);
    }
  for (guint i = 0; extra && i < extra->len; i++)
    plan->conflicts += !claim (taken, peer, g_array_index (extra, ScopePrefix, i));
  g_array_sort (peer->allowed, scope_prefix_compare);
  if (endpoint && !loops (endpoint, addresses))
    peer->endpoint = *endpoint;
  /* Without an endpoint a keepalive only starts the 5 s in which WireGuard makes no other handshake. */
  peer->keepalive = peer->endpoint.any.sa_family != AF_UNSPEC ? keepalive : 0;
  if (settings->has_preshared_key)
    peer->preshared = settings->preshared_key;
  g_ptr_array_add (plan->peers, peer);
}

static void
collect_routes (ScopePlan *plan, const GArray *addresses)
{
  for (guint i = 0; i < plan->peers->len; i++)
    {
      const ScopeWgPeer *peer = g_ptr_array_index (plan->peers, i);

      for (guint j = 0; j < peer->allowed->len; j++)
        {
          const ScopePrefix *prefix = &g_array_index (peer->allowed, ScopePrefix, j);
          if (prefix->len > 0 && !covered (prefix, addresses))
            g_array_append_val (plan->routes, *prefix);
        }
    }
  g_array_sort (plan->routes, scope_prefix_compare);
}

ScopePlan *
scope_plan_new (const ScopeRoster *roster, const ScopeSettings *settings, const ScopeKey *own, const GArray *addresses,
                const ScopeKey *exit, GHashTable *resolved)
{
  ScopePlan *plan = g_new0 (ScopePlan, 1);
  g_autoptr (GHashTable) taken = g_hash_table_new_full (scope_prefix_hash, scope_prefix_same, g_free, NULL);
  g_autoptr (GHashTable) seen = g_hash_table_new (scope_key_hash, scope_key_equal);
  const ScopeRosterPeer *listed = scope_roster_find (roster, own);
  guint keepalive = settings->keepalive >= 0 ? (guint) settings->keepalive : MIN (roster->heartbeat, G_MAXUINT16);

  plan->peers = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_wg_peer_free);
  plan->routes = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));

  for (guint i = 0; i < addresses->len; i++)
    {
      ScopePrefix prefix = g_array_index (addresses, ScopePrefix, i);
      prefix.len = prefix.family == AF_INET ? 32 : 128;
      keep (taken, prefix);
    }
  /* Networks behind us, too: a route to somebody else would cut us off from them. */
  for (guint i = 0; listed && i < listed->ranges->len; i++)
    keep (taken, g_array_index (listed->ranges, ScopePrefix, i));
  g_hash_table_add (seen, (gpointer) own);

  /* The root first: what it claims, nobody else gets. */
  if (roster->self && g_hash_table_add (seen, &roster->self->pub))
    add_peer (plan, taken, roster->self, settings->routes, keepalive, settings, addresses, exit, resolved);
  for (guint i = 0; i < roster->peers->len; i++)
    {
      const ScopeRosterPeer *entry = g_ptr_array_index (roster->peers, i);
      if (g_hash_table_add (seen, (gpointer) &entry->pub))
        add_peer (plan, taken, entry, NULL, keepalive, settings, addresses, exit, resolved);
    }
  collect_routes (plan, addresses);
  return plan;
}

void
scope_plan_free (ScopePlan *plan)
{
  g_clear_pointer (&plan->peers, g_ptr_array_unref);
  g_clear_pointer (&plan->routes, g_array_unref);
  g_free (plan);
}

GArray *
scope_plan_addresses (const ScopeRoster *roster, const ScopeSettings *settings, const ScopeKey *own, GError **error)
{
  g_autoptr (GArray) addresses = NULL;
  const ScopeRosterPeer *entry = scope_roster_find (roster, own);

  if (settings->addresses->len)
    return g_array_ref (settings->addresses);
  if (!entry)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_NOT_LISTED,
                   "network %s does not list our public key, and the profile has no addresses", settings->netreg);
      return NULL;
    }
  addresses = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  for (guint i = 0; i < entry->ranges->len; i++)
    if (is_single (&g_array_index (entry->ranges, ScopePrefix, i)))
      g_array_append_val (addresses, g_array_index (entry->ranges, ScopePrefix, i));
  if (addresses->len == 0)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
                   "addresses: network %s lists no single address for our key; set them in the profile",
                   settings->netreg);
      return NULL;
    }
  return g_steal_pointer (&addresses);
}
