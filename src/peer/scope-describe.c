/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-describe.h"

#include "peer/scope-links-view.h"

#include <json-glib/json-glib.h>

static void
add_prefixes (JsonBuilder *out, const char *name, const GArray *prefixes)
{
  char text[SCOPE_PREFIX_STRLEN];

  json_builder_set_member_name (out, name);
  json_builder_begin_array (out);
  for (guint i = 0; i < prefixes->len; i++)
    json_builder_add_string_value (out, scope_prefix_format (&g_array_index (prefixes, ScopePrefix, i), text));
  json_builder_end_array (out);
}

static void
add_text (JsonBuilder *out, const char *name, const char *text)
{
  json_builder_set_member_name (out, name);
  if (text)
    json_builder_add_string_value (out, text);
  else
    json_builder_add_null_value (out);
}

static void
add_number (JsonBuilder *out, const char *name, gint64 number)
{
  json_builder_set_member_name (out, name);
  json_builder_add_int_value (out, number);
}

static void
add_strings (JsonBuilder *out, const char *name, char **strings)
{
  json_builder_set_member_name (out, name);
  json_builder_begin_array (out);
  for (char **s = strings; s && *s; s++)
    json_builder_add_string_value (out, *s);
  json_builder_end_array (out);
}

/* Null where it is not known. */
static void
add_measure (JsonBuilder *out, const char *name, int value)
{
  if (value >= 0)
    add_number (out, name, value);
  else
    add_text (out, name, NULL);
}

static void
add_tunnel (JsonBuilder *out, const ScopeWgPeer *peer)
{
  g_autofree char *endpoint = peer ? scope_sockaddr_format (&peer->endpoint) : NULL;

  add_text (out, "endpoint", endpoint);
  if (peer && peer->handshake_usec)
    add_number (out, "handshake", (g_get_real_time () - peer->handshake_usec) / G_USEC_PER_SEC);
  else
    add_text (out, "handshake", NULL);
  add_number (out, "rx", peer ? peer->rx_bytes : 0);
  add_number (out, "tx", peer ? peer->tx_bytes : 0);
}

static void
add_key (JsonBuilder *out, const char *name, const ScopeKey *key)
{
  char text[SCOPE_KEY_BASE64_LEN + 1];

  add_text (out, name, key && !scope_key_is_zero (key) ? scope_key_to_base64 (key, text) : NULL);
}

static void
add_path (JsonBuilder *out, const ScopeLinksState *state)
{
  static const char *const ways[] = {
    [SCOPE_PATH_WAY_NONE] = "none",     [SCOPE_PATH_WAY_DIRECT] = "direct", [SCOPE_PATH_WAY_RELAY] = "relay",
    [SCOPE_PATH_WAY_RELAYS] = "relays", [SCOPE_PATH_WAY_PIPE] = "pipe",     [SCOPE_PATH_WAY_MASTER] = "master",
  };

  json_builder_set_member_name (out, "link");
  json_builder_add_boolean_value (out, state->up);
  add_measure (out, "latency", state->ms);
  add_text (out, "path", ways[state->way]);
  add_key (out, "via", state->has_via ? &state->via : NULL);
}

/* How far the preshared key with a peer is, in a word. */
static const char *
key_state (const ScopeV1Progress *progress)
{
  static const char *const words[] = { "making", "making", "confirming", "confirmed" };

  return progress ? words[MIN (progress->pq, G_N_ELEMENTS (words) - 1)] : "none";
}

static void
add_peer (JsonBuilder *out, const ScopeTrustPeer *peer, ScopeKeys *keys, ScopeLinks *links, const ScopeWgDevice *device)
{
  ScopeLinksState state;
  char key[SCOPE_KEY_BASE64_LEN + 1];
  ScopeV1Progress progress;
  guint64 epoch;
  gboolean has_progress = scope_keys_progress (keys, &peer->key, &epoch, &progress);

  json_builder_begin_object (out);
  add_text (out, "key", scope_key_to_base64 (&peer->key, key));
  add_text (out, "identity", scope_identity_public_fingerprint (peer->identity));
  add_text (out, "name", peer->grant->name);
  add_text (out, "role", scope_role_to_string (peer->role));
  add_text (out, "tier", peer->role == SCOPE_ROLE_EDGE ? NULL : peer->pipe ? "pipe" : "relay");
  add_prefixes (out, "ranges", peer->ranges);
  json_builder_set_member_name (out, "online");
  json_builder_add_boolean_value (out, peer->online);
  add_text (out, "pq", scope_pq_to_string (peer->record->pq));
  add_tunnel (out, device ? scope_wg_device_find (device, &peer->key) : NULL);
  add_text (out, "keyState", key_state (has_progress ? &progress : NULL));
  if (has_progress)
    {
      add_number (out, "epoch", epoch);
      add_number (out, "peerKexNPQ", progress.npq);
      add_number (out, "peerKexPQ", progress.pq);
    }
  if (links && scope_links_state (links, &peer->key, &state))
    {
      add_path (out, &state);
      add_measure (out, "loss", scope_links_loss (links, &peer->key));
      json_builder_set_member_name (out, "carried");
      json_builder_add_boolean_value (out, scope_links_is_carried (links, &peer->key));
    }
  json_builder_end_object (out);
}

static void
add_own (JsonBuilder *out, const ScopeTrust *trust, ScopeLinks *links)
{
  const ScopeGrant *grant = scope_trust_own_grant (trust);
  const GPtrArray *servers = links ? scope_links_servers (links) : NULL;
  ScopeKey relay;

  add_text (out, "name", grant ? grant->name : NULL);
  add_text (out, "role", grant ? scope_role_to_string (grant->role) : NULL);
  if (!links)
    return;
  add_text (out, "nat", scope_nat_to_string (scope_links_nat (links)));
  scope_links_attachment (links, &relay);
  add_key (out, "attachment", &relay);
  json_builder_set_member_name (out, "stun");
  json_builder_begin_array (out);
  for (guint i = 0; i < servers->len; i++)
    json_builder_add_string_value (out, g_ptr_array_index (servers, i));
  json_builder_end_array (out);
}

static void
add_listed_peer (JsonBuilder *out, const ScopeRosterPeer *peer, gboolean root, const ScopeWgDevice *device)
{
  const ScopeWgPeer *seen = device ? scope_wg_device_find (device, &peer->pub) : NULL;
  g_autofree char *endpoint = seen ? scope_sockaddr_format (&seen->endpoint) : NULL;

  json_builder_begin_object (out);
  add_key (out, "key", &peer->pub);
  json_builder_set_member_name (out, "root");
  json_builder_add_boolean_value (out, root);
  add_text (out, "endpoint", peer->end ? peer->end : endpoint);
  add_prefixes (out, "ranges", peer->ranges);
  json_builder_end_object (out);
}

static void
add_listed (JsonBuilder *out, const ScopeRoster *roster, const ScopeKey *own, const ScopeWgDevice *device)
{
  json_builder_set_member_name (out, "listed");
  json_builder_begin_object (out);
  add_key (out, "key", own);
  add_number (out, "heartbeat", roster->heartbeat);
  json_builder_set_member_name (out, "peers");
  json_builder_begin_array (out);
  if (roster->self)
    add_listed_peer (out, roster->self, TRUE, device);
  for (guint i = 0; i < roster->peers->len; i++)
    add_listed_peer (out, g_ptr_array_index (roster->peers, i), FALSE, device);
  json_builder_end_array (out);
  json_builder_end_object (out);
}

char *
scope_describe (const ScopeSettings *settings, gboolean connected, ScopeTrust *trust, ScopeKeys *keys, ScopeLinks *links,
                ScopeTunnel *tunnel, const ScopeRoster *listed, const ScopeKey *own)
{
  g_autoptr (JsonBuilder) out = json_builder_new ();
  g_autoptr (ScopeWgDevice) device = tunnel ? scope_tunnel_read (tunnel, NULL) : NULL;
  g_autoptr (GPtrArray) peers = trust ? scope_trust_peers (trust) : NULL;
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (out);
  add_text (out, "network", settings->network);
  add_text (out, "registryNetwork", settings->netreg);
  add_strings (out, "registries", settings->registries);
  json_builder_set_member_name (out, "registry");
  json_builder_add_boolean_value (out, connected);
  add_text (out, "interface", tunnel ? scope_tunnel_get_config (tunnel)->ifname : NULL);
  if (tunnel)
    add_prefixes (out, "addresses", scope_tunnel_get_config (tunnel)->addresses);
  if (trust)
    add_own (out, trust, links);
  json_builder_set_member_name (out, "peers");
  json_builder_begin_array (out);
  for (guint i = 0; peers && i < peers->len; i++)
    add_peer (out, g_ptr_array_index (peers, i), keys, links, device);
  json_builder_end_array (out);
  if (listed)
    add_listed (out, listed, own, device);
  json_builder_end_object (out);
  root = json_builder_get_root (out);
  return json_to_string (root, TRUE);
}
