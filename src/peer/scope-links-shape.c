/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From links and paths to WireGuard's peers. */
#include "crypto/scope-link-address.h"
#include "peer/scope-links-private.h"

static GHashTable *
by_key (const GPtrArray *wanted)
{
  GHashTable *table = g_hash_table_new (scope_key_hash, scope_key_equal);

  for (guint i = 0; i < wanted->len; i++)
    {
      ScopeWgPeer *peer = g_ptr_array_index (wanted, i);
      g_hash_table_insert (table, &peer->pub, peer);
    }
  return table;
}

static void
equip (ScopeLink *link, ScopeWgPeer *peer, ScopeKeys *keys)
{
  ScopeLinks *self = link->links;
  gboolean quiet = link->mode == LINK_QUIET || (!link->up && scope_keys_is_quiet (keys, &link->key));

  if (link->mode == LINK_FOUND)
    peer->endpoint = link->endpoint;
  if (quiet)
    peer->endpoint = (ScopeSockaddr){ 0 }; /* the one that it has, if any */
  if (link->up) /* relays have open UDP: nobody's NAT forgets them */
    peer->keepalive = !scope_role_is_relay (self->role) ? self->keepalive : 0;
  else if (quiet || (link->failures && !scope_role_is_relay (link->role)))
    peer->keepalive = 0; /* or WireGuard would try every 5 s for ever; packets for it make it try, too */
}

/* What is sent to a peer's link address takes the link to it, whatever anybody's grant says of that range. */
static void
add_link_address (ScopeWgPeer *peer)
{
  ScopePrefix address, all;

  scope_link_address (&peer->pub, &address);
  all = address;
  all.len = SCOPE_LINK_ADDRESS_LEN;
  for (guint i = peer->allowed->len; i-- > 0;)
    if (scope_prefix_contains (&all, &g_array_index (peer->allowed, ScopePrefix, i)))
      g_array_remove_index (peer->allowed, i);
  g_array_append_val (peer->allowed, address);
  scope_wg_peer_normalise (peer);
}

/* The ranges that each of @peers had before, to those that packets for them go to. */
static void
route (ScopeLinks *self, const GPtrArray *peers, GHashTable *wanted)
{
  for (guint i = 0; i < peers->len; i++)
    {
      const ScopeWgPeer *peer = g_ptr_array_index (peers, i);
      const ScopeKey *key = scope_links_find (self, &peer->pub) ? scope_path_next_hop (self->path, &peer->pub) : NULL;
      ScopeWgPeer *hop = key ? g_hash_table_lookup (wanted, key) : NULL;

      if (!hop)
        hop = g_hash_table_lookup (wanted, &peer->pub);
      for (guint j = 0; hop && j < peer->allowed->len; j++)
        {
          const ScopePrefix *prefix = &g_array_index (peer->allowed, ScopePrefix, j);
          ScopeWgPeer *self_hop = prefix->len == 0 ? g_hash_table_lookup (wanted, &peer->pub) : hop;

          /* An exit is used directly: another relay would send what is meant for it out by itself. */
          if (self_hop)
            g_array_append_val (self_hop->allowed, *prefix);
        }
    }
}

void
scope_links_shape (ScopeLinks *self, GPtrArray *wanted, const GPtrArray *bare, ScopeKeys *keys)
{
  g_autoptr (GHashTable) table = NULL;
  g_autoptr (GPtrArray) before = NULL;

  if (!self->path)
    return;
  table = by_key (wanted);
  before = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_wg_peer_free);
  for (guint i = 0; i < wanted->len; i++)
    {
      ScopeWgPeer *peer = g_ptr_array_index (wanted, i);
      ScopeLink *link = scope_links_find (self, &peer->pub);

      if (link)
        equip (link, peer, keys);
      g_ptr_array_add (before, scope_wg_peer_copy (peer));
      g_array_set_size (peer->allowed, 0);
    }
  route (self, before, table);
  route (self, bare, table);
  for (guint i = 0; i < wanted->len; i++)
    add_link_address (g_ptr_array_index (wanted, i));
}
