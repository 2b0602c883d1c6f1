/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who has which range, and where a peer may be reached.
 */
#include "peer/scope-trust-private.h"

#include "common/scope-endpoint.h"

#include <string.h>

#define MAX_CANDIDATES (SCOPE_RECORD_MAX_ENDPOINTS + SCOPE_V1_MAX_OBSERVED)

/* A delegate may date a grant as it likes: between two of its grants the one that is known longer stays. */
static gboolean
wins (ScopeTrust *trust, const Peer *peer, const ScopeGrant *owner)
{
  const Peer *other = g_hash_table_lookup (trust->peers, scope_identity_public_fingerprint (owner->identity));

  if (!peer->grant->by_root && !owner->by_root && peer->since != other->since)
    return peer->since < other->since;
  return scope_grant_wins (peer->grant, owner);
}

/* Owners by what is granted, whether it is recorded or not: a peer that is away does not lose its ranges. */
static GHashTable *
find_owners (ScopeTrust *trust)
{
  GHashTable *owners = g_hash_table_new (scope_prefix_hash, scope_prefix_same);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, trust->peers);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Peer *peer = value;

      for (guint i = 0; i < peer->grant->ranges->len; i++)
        {
          ScopePrefix *prefix = &g_array_index (peer->grant->ranges, ScopePrefix, i);
          const ScopeGrant *owner = g_hash_table_lookup (owners, prefix);
          if (!owner || wins (trust, peer, owner))
            g_hash_table_replace (owners, prefix, peer->grant);
        }
    }
  for (guint i = 0; trust->own_grant && i < trust->own_grant->ranges->len; i++)
    g_hash_table_replace (owners, &g_array_index (trust->own_grant->ranges, ScopePrefix, i), trust->own_grant);
  return owners;
}

/*
 * A range belongs to the longest granted prefix around it. So a part of a range goes with the whole, and who is granted
 * 0.0.0.0/0 cannot record somebody's network for itself.
 */
static const ScopeGrant *
find_owner (GHashTable *owners, const ScopePrefix *range)
{
  ScopePrefix prefix = *range;

  for (;;)
    {
      const ScopeGrant *owner = g_hash_table_lookup (owners, &prefix);
      if (owner || prefix.len == 0)
        return owner;
      prefix.len--;
      scope_prefix_mask (&prefix);
    }
}

static void
say_lost (ScopeTrust *trust, const Peer *peer, const ScopePrefix *prefix, const ScopeGrant *owner)
{
  char text[SCOPE_PREFIX_STRLEN];

  scope_prefix_format (prefix, text);
  if (owner == trust->own_grant)
    scope_trust_refuse (trust, peer->known->fingerprint, NULL, NULL, "range %s is our own: it does not get it", text);
  else
    scope_trust_refuse (trust, peer->known->fingerprint, NULL, NULL, "range %s belongs to %.*s: it does not get it", text,
                        SCOPE_SHORT_NAME_LEN, scope_identity_public_fingerprint (owner->identity));
}

static void
give_ranges (ScopeTrust *trust, Peer *peer, GHashTable *owners)
{
  g_autoptr (GArray) ranges = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));

  for (guint i = 0; i < peer->record->ranges->len; i++)
    {
      const ScopePrefix *prefix = &g_array_index (peer->record->ranges, ScopePrefix, i);
      /* Everything (an exit) may be granted to many: whose it is is the choice of each peer. */
      const ScopeGrant *owner = prefix->len == 0 ? peer->grant : find_owner (owners, prefix);

      if (owner != peer->grant)
        say_lost (trust, peer, prefix, owner);
      else
        g_array_append_val (ranges, *prefix);
    }
  if (peer->pub.ranges && scope_prefix_list_equal (ranges, peer->pub.ranges))
    return;
  g_clear_pointer (&peer->pub.ranges, g_array_unref);
  peer->pub.ranges = g_array_sized_new (FALSE, FALSE, sizeof (ScopePrefix), MAX (ranges->len, 1));
  g_array_append_vals (peer->pub.ranges, ranges->data, ranges->len);
  trust->changed = TRUE;
}

gboolean
scope_trust_settle (ScopeTrust *trust)
{
  if (trust->unsettled)
    {
      g_autoptr (GHashTable) owners = find_owners (trust);
      GHashTableIter iter;
      gpointer value;

      g_hash_table_iter_init (&iter, trust->peers);
      while (g_hash_table_iter_next (&iter, NULL, &value))
        if (((Peer *) value)->record)
          give_ranges (trust, value, owners);
      trust->unsettled = FALSE;
    }

  gboolean changed = trust->changed;
  trust->changed = FALSE;
  return changed;
}

/* Nothing that is sent there could arrive at the peer. */
static gboolean
is_nowhere (const char *endpoint, gboolean *numeric)
{
  ScopeSockaddr sa;
  guint16 port;

  *numeric = scope_sockaddr_parse (&sa, endpoint);
  if (!*numeric)
    return !scope_endpoint_parse (endpoint, NULL, &port, NULL);
  g_autoptr (GSocketAddress) address = g_socket_address_new_from_native (&sa, scope_sockaddr_len (&sa));
  GInetAddress *inet = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address));
  return g_inet_address_get_is_any (inet) || g_inet_address_get_is_multicast (inet) ||
         (sa.any.sa_family == AF_INET && sa.in.sin_addr.s_addr == INADDR_NONE);
}

/* Those that a registry made up must not let us ask DNS for anything, nor talk to ourselves. */
char **
scope_trust_usable_observed (char **observed)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  guint n = 0;

  for (guint i = 0; observed && observed[i] && n < SCOPE_V1_MAX_OBSERVED; i++)
    {
      ScopeSockaddr sa;
      gboolean numeric;

      if (is_nowhere (observed[i], &numeric) || !numeric)
        continue;
      scope_sockaddr_parse (&sa, observed[i]);
      g_autoptr (GSocketAddress) address = g_socket_address_new_from_native (&sa, scope_sockaddr_len (&sa));
      if (g_inet_address_get_is_loopback (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address))))
        continue;
      g_strv_builder_add (builder, observed[i]);
      n++;
    }
  return n ? g_strv_builder_end (builder) : NULL;
}

void
scope_trust_set_candidates (Peer *peer)
{
  const char *candidates[MAX_CANDIDATES + 1] = { NULL };
  guint n = 0;
  gboolean numeric;

  for (guint i = 0; peer->record->endpoints[i] && n < SCOPE_RECORD_MAX_ENDPOINTS; i++)
    if (!g_strv_contains (candidates, peer->record->endpoints[i]) && !is_nowhere (peer->record->endpoints[i], &numeric))
      candidates[n++] = peer->record->endpoints[i];
  for (guint i = 0; peer->observed && peer->observed[i] && n < MAX_CANDIDATES; i++)
    if (!g_strv_contains (candidates, peer->observed[i]))
      candidates[n++] = peer->observed[i];
  g_free (peer->pub.candidates);
  peer->pub.candidates = g_memdup2 (candidates, (n + 1) * sizeof *candidates);
}
