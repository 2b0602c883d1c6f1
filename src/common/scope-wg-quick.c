/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "common/scope-wg-quick.h"

#include "common/scope-endpoint.h"
#include "common/scope-error.h"
#include "common/scope-json.h"

#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/socket.h>

/* The file is handed on to others: its comments are not translated. */
static const char head[] = "# The network %s for wg-quick(8) and a host without Scope, as its registry listed it at %s.\n"
                           "# For the machine with the public key %s, and for one only.\n"
                           "# The private key that belongs to it is not in this file: put it into a file that only root may\n"
                           "# read, /etc/wireguard/%%i.key, where %%i is the name of this file without .conf.\n";
static const char preshared[] = "# So is the network's preshared key: /etc/wireguard/%i.psk.\n";
static const char tail[] = "# Peers that join later are not in it, and endpoints that change are found when the peer calls: make it anew.\n";

/* --- what the service says --- */

static JsonNode *
member_of (JsonObject *object, const char *name, JsonNodeType type)
{
  JsonNode *node = json_object_get_member (object, name);

  return node && json_node_get_node_type (node) == type ? node : NULL;
}

static gboolean
key_of (JsonObject *object, const char *name, ScopeKey *key)
{
  const char *text = scope_json_get_string (object, name);

  return text && scope_key_parse (key, text);
}

static GArray *
prefixes_of (JsonObject *object, const char *name)
{
  GArray *prefixes = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  JsonArray *array = scope_json_get_array (object, name);

  for (guint i = 0; array && i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      ScopePrefix prefix;

      if (json_node_get_value_type (node) == G_TYPE_STRING && scope_prefix_parse (&prefix, json_node_get_string (node)))
        g_array_append_val (prefixes, prefix);
    }
  return prefixes;
}

/* The listed entries, as objects, the root first. */
static GPtrArray *
entries_of (JsonObject *listed)
{
  GPtrArray *entries = g_ptr_array_new ();
  JsonArray *array = scope_json_get_array (listed, "peers");

  for (guint i = 0; array && i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      if (JSON_NODE_HOLDS_OBJECT (node))
        g_ptr_array_add (entries, json_node_get_object (node));
    }
  return entries;
}

static JsonObject *
find (const GPtrArray *entries, const ScopeKey *who)
{
  for (guint i = 0; i < entries->len; i++)
    {
      ScopeKey key;
      if (key_of (entries->pdata[i], "key", &key) && scope_key_equal (&key, who))
        return entries->pdata[i];
    }
  return NULL;
}

static guint
heartbeat_of (JsonObject *listed)
{
  JsonNode *node = member_of (listed, "heartbeat", JSON_NODE_VALUE);
  gint64 seconds = node && json_node_get_value_type (node) == G_TYPE_INT64 ? json_node_get_int (node) : 0;

  return CLAMP (seconds, 0, G_MAXUINT16);
}

/* --- lines --- */

static void
put_prefixes (GString *out, const char *name, const GArray *prefixes)
{
  for (guint i = 0; i < prefixes->len; i++)
    {
      char text[SCOPE_PREFIX_STRLEN];
      g_string_append_printf (out, "%s%s", i ? ", " : name, scope_prefix_format (&g_array_index (prefixes, ScopePrefix, i), text));
    }
  if (prefixes->len)
    g_string_append_c (out, '\n');
}

/* Domains stand among the servers; one that only routes names (~) is nothing that wg-quick knows. */
static void
put_dns (GString *out, const ScopeSettings *settings)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) words = NULL;
  g_autofree char *list = NULL;

  for (char **w = settings->dns; *w; w++)
    g_strv_builder_add (builder, *w);
  for (char **w = settings->dns_search; *settings->dns && *w; w++)
    if (**w != '~')
      g_strv_builder_add (builder, *w);
  words = g_strv_builder_end (builder);
  list = g_strjoinv (", ", words);
  if (*list)
    g_string_append_printf (out, "DNS = %s\n", list);
}

static void
put_interface (GString *out, const ScopeSettings *settings, const GArray *addresses)
{
  g_string_append (out, "\n[Interface]\nPostUp = wg set %i private-key /etc/wireguard/%i.key\n");
  if (settings && settings->has_preshared_key)
    g_string_append (out, "PostUp = wg show %i peers | while read peer; do "
                          "wg set %i peer \"$peer\" preshared-key /etc/wireguard/%i.psk; done\n");
  put_prefixes (out, "Address = ", addresses);
  if (settings && settings->listen_port)
    g_string_append_printf (out, "ListenPort = %u\n", settings->listen_port);
  if (settings && settings->mtu)
    g_string_append_printf (out, "MTU = %u\n", settings->mtu);
  if (settings)
    put_dns (out, settings);
}

/* --- peers --- */

typedef struct {
  const ScopeSettings *settings;
  const ScopeKey *who;
  ScopeKey exit;
  gboolean has_exit;
  guint keepalive;
  GHashTable *taken; /* prefixes that are somebody's: WireGuard has each once */
  GHashTable *seen;  /* keys */
  guint count;
} Peers;

static void
take (GHashTable *taken, ScopePrefix prefix)
{
  scope_prefix_mask (&prefix);
  g_hash_table_add (taken, g_memdup2 (&prefix, sizeof prefix));
}

static void
claim (Peers *peers, const ScopeKey *key, ScopePrefix prefix, GArray *allowed)
{
  scope_prefix_mask (&prefix);
  /* Everything belongs to the exit that was chosen, or to nobody. */
  if (prefix.len == 0 && !(peers->has_exit && scope_key_equal (&peers->exit, key)))
    return;
  if (g_hash_table_contains (peers->taken, &prefix))
    return;
  take (peers->taken, prefix);
  g_array_append_val (allowed, prefix);
}

static void
put_peer (GString *out, Peers *peers, JsonObject *entry)
{
  g_autoptr (GArray) ranges = prefixes_of (entry, "ranges");
  g_autoptr (GArray) allowed = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  const char *endpoint = scope_json_get_string (entry, "endpoint");
  JsonNode *root = member_of (entry, "root", JSON_NODE_VALUE);
  gboolean is_root = root && json_node_get_boolean (root);
  char text[SCOPE_KEY_BASE64_LEN + 1];
  ScopeKey key;

  if (!key_of (entry, "key", &key) || scope_key_equal (&key, peers->who) ||
      !g_hash_table_add (peers->seen, g_memdup2 (&key, sizeof key)))
    return;
  for (guint i = 0; i < ranges->len; i++)
    claim (peers, &key, g_array_index (ranges, ScopePrefix, i), allowed);
  for (guint i = 0; is_root && peers->settings && i < peers->settings->routes->len; i++)
    claim (peers, &key, g_array_index (peers->settings->routes, ScopePrefix, i), allowed);
  g_string_append_printf (out, "\n[Peer]%s\nPublicKey = %s\n", is_root ? " # the network's root" : "",
                          scope_key_to_base64 (&key, text));
  put_prefixes (out, "AllowedIPs = ", allowed);
  if (endpoint && scope_endpoint_parse (endpoint, NULL, NULL, NULL))
    {
      g_string_append_printf (out, "Endpoint = %s\n", endpoint);
      if (peers->keepalive)
        g_string_append_printf (out, "PersistentKeepalive = %u\n", peers->keepalive);
    }
  peers->count++;
}

static GArray *
single_addresses (GArray *ranges)
{
  GArray *single = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));

  for (guint i = 0; i < ranges->len; i++)
    {
      const ScopePrefix *prefix = &g_array_index (ranges, ScopePrefix, i);
      if (prefix->len == (prefix->family == AF_INET ? 32 : 128))
        g_array_append_val (single, *prefix);
    }
  return single;
}

/* Its addresses; NULL when there are none to be known. */
static GArray *
addresses_of (JsonObject *status, JsonObject *entry, gboolean own, GError **error)
{
  g_autoptr (GArray) ranges = own ? prefixes_of (status, "addresses") : entry ? prefixes_of (entry, "ranges") : NULL;
  g_autoptr (GArray) addresses = ranges ? own ? g_array_ref (ranges) : single_addresses (ranges) : NULL;

  if (addresses && addresses->len)
    return g_steal_pointer (&addresses);
  g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_NOT_LISTED,
                       ranges ? _ ("the registry lists no address for this key")
                              : _ ("the registry does not list this key; its administrator has to add it first"));
  return NULL;
}

static gboolean
refuse_pinned (GError **error)
{
  g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
                       _ ("a plain WireGuard host cannot be in a network with a root key: its members talk to nobody whom "
                          "that key has not let in, and change their keys every hour; export to a file NAME.scope instead"));
  return FALSE;
}

gboolean
scope_wg_quick_possible (const ScopeSettings *settings, GError **error)
{
  return (!settings->root && settings->mode == SCOPE_MODE_FULL) || refuse_pinned (error);
}

char *
scope_wg_quick_format (const ScopeSettings *settings, JsonObject *status, const ScopeKey *who, gint64 now, GError **error)
{
  JsonNode *node = member_of (status, "listed", JSON_NODE_OBJECT);
  JsonObject *listed = node ? json_node_get_object (node) : NULL;
  g_autoptr (GPtrArray) entries = listed ? entries_of (listed) : NULL;
  const char *network = scope_json_get_string (status, "network");
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (now);
  g_autofree char *when = time ? g_date_time_format (time, "%Y-%m-%dT%H:%M:%SZ") : NULL;
  g_autoptr (GHashTable) taken = g_hash_table_new_full (scope_prefix_hash, scope_prefix_same, g_free, NULL);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (scope_key_hash, scope_key_equal, g_free, NULL);
  g_autoptr (GArray) addresses = NULL, ranges = NULL;
  g_autoptr (GString) out = g_string_new (NULL);
  char text[SCOPE_KEY_BASE64_LEN + 1];
  ScopeKey own;
  JsonObject *entry;
  Peers peers = { .settings = settings, .taken = taken, .seen = seen };

  if (settings && !scope_wg_quick_possible (settings, error))
    return NULL;
  if (!listed || !key_of (listed, "key", &own))
    {
      refuse_pinned (error);
      return NULL;
    }
  peers.who = who ? who : &own;
  peers.keepalive = settings && settings->keepalive >= 0 ? (guint) settings->keepalive : heartbeat_of (listed);
  peers.has_exit = settings && settings->exit && scope_key_parse (&peers.exit, settings->exit);
  entry = find (entries, peers.who);
  addresses = addresses_of (status, entry, scope_key_equal (peers.who, &own), error);
  if (!addresses)
    return NULL;

  g_string_append_printf (out, head, network && scope_network_name_valid (network) ? network : "?", when ? when : "?",
                          scope_key_to_base64 (peers.who, text));
  if (settings && settings->has_preshared_key)
    g_string_append (out, preshared);
  g_string_append (out, tail);
  put_interface (out, settings, addresses);
  for (guint i = 0; i < addresses->len; i++)
    {
      ScopePrefix prefix = g_array_index (addresses, ScopePrefix, i);
      prefix.len = prefix.family == AF_INET ? 32 : 128;
      take (taken, prefix);
    }
  ranges = entry ? prefixes_of (entry, "ranges") : g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  for (guint i = 0; i < ranges->len; i++)
    take (taken, g_array_index (ranges, ScopePrefix, i));
  for (guint i = 0; i < entries->len; i++)
    put_peer (out, &peers, entries->pdata[i]);
  if (peers.count)
    return g_string_free (g_steal_pointer (&out), FALSE);
  g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_NOT_LISTED, _ ("the registry lists nobody else in this network"));
  return NULL;
}
