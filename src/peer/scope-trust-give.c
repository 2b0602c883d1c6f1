/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a scope-trust hands out.
 */
#include "peer/scope-trust-private.h"

gboolean
scope_trust_has_root (const ScopeTrust *trust)
{
  return trust->authority != NULL;
}

const ScopeAuthority *
scope_trust_authority (const ScopeTrust *trust)
{
  return trust->authority;
}

const ScopeGrant *
scope_trust_own_grant (const ScopeTrust *trust)
{
  return trust->own_grant;
}

char *
scope_trust_own_envelope (const ScopeTrust *trust)
{
  return trust->own_packed ? scope_envelope_unpack (trust->own_packed, NULL) : NULL;
}

GArray *
scope_trust_addresses (const ScopeTrust *trust)
{
  GArray *addresses = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  gboolean has4 = FALSE, has6 = FALSE;

  for (guint i = 0; trust->own_grant && i < trust->own_grant->ranges->len; i++)
    {
      const ScopePrefix *prefix = &g_array_index (trust->own_grant->ranges, ScopePrefix, i);
      gboolean *has = prefix->family == AF_INET ? &has4 : &has6;

      if (*has || prefix->len != (prefix->family == AF_INET ? 32 : 128))
        continue;
      *has = TRUE;
      g_array_append_vals (addresses, prefix, 1);
    }
  return addresses;
}

static int
compare_keys (gconstpointer a, gconstpointer b)
{
  const ScopeTrustPeer *const *pa = a, *const *pb = b;

  return scope_key_compare (&(*pa)->key, &(*pb)->key);
}

GPtrArray *
scope_trust_peers (const ScopeTrust *trust)
{
  GPtrArray *peers = g_ptr_array_sized_new (trust->n_in_force);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, trust->peers);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((Peer *) value)->record)
      g_ptr_array_add (peers, value);
  g_ptr_array_sort (peers, compare_keys);
  return peers;
}

guint
scope_trust_n_peers (const ScopeTrust *trust)
{
  return trust->n_in_force;
}

const ScopeTrustPeer *
scope_trust_find (const ScopeTrust *trust, const ScopeKey *key)
{
  const Peer *peer = g_hash_table_lookup (trust->keys, key);

  return peer && peer->record ? &peer->pub : NULL;
}

char *
scope_trust_peer_kex (const ScopeTrustPeer *pub)
{
  const Peer *peer = (const Peer *) pub;

  return peer->kex_packed ? scope_envelope_unpack (peer->kex_packed, NULL) : NULL;
}

void
scope_trust_drop_kex (ScopeTrust *trust, const ScopeKey *key)
{
  Peer *peer = g_hash_table_lookup (trust->keys, key);

  if (!peer)
    return;
  g_clear_pointer (&peer->kex_packed, g_bytes_unref);
  peer->pub.has_kex = FALSE;
}

static void
add_to_roster (ScopeRoster *roster, const ScopeKey *key, const GArray *ranges, const char *endpoint)
{
  ScopeRosterPeer *entry = scope_roster_peer_new (key);

  g_array_append_vals (entry->ranges, ranges->data, ranges->len);
  entry->end = g_strdup (endpoint);
  g_ptr_array_add (roster->peers, entry);
}

ScopeRoster *
scope_trust_roster (const ScopeTrust *trust)
{
  ScopeRoster *roster = scope_roster_new (trust->network);
  g_autoptr (GPtrArray) peers = scope_trust_peers (trust);

  if (trust->own_grant)
    add_to_roster (roster, &trust->own, trust->own_grant->ranges, NULL);
  for (guint i = 0; i < peers->len; i++)
    {
      const ScopeTrustPeer *peer = g_ptr_array_index (peers, i);
      add_to_roster (roster, &peer->key, peer->ranges, peer->candidates[0]);
    }
  return roster;
}

gboolean
scope_trust_is_dirty (const ScopeTrust *trust)
{
  return trust->dirty;
}
