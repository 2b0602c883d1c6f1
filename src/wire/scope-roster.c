/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/scope-roster.h"

#include "common/scope-error.h"
#include "common/scope-json.h"

#include <math.h>

ScopeRosterPeer *
scope_roster_peer_new (const ScopeKey *pub)
{
  ScopeRosterPeer *peer = g_new0 (ScopeRosterPeer, 1);

  peer->pub = *pub;
  peer->ranges = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  peer->sum = -1;
  return peer;
}

void
scope_roster_peer_free (ScopeRosterPeer *peer)
{
  if (!peer)
    return;
  g_free (peer->end);
  g_array_unref (peer->ranges);
  g_free (peer);
}

ScopeRoster *
scope_roster_new (const char *network)
{
  ScopeRoster *roster = g_new0 (ScopeRoster, 1);

  roster->network = g_strdup (network);
  roster->heartbeat = SCOPE_ROSTER_HEARTBEAT;
  roster->peers = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_roster_peer_free);
  return roster;
}

void
scope_roster_free (ScopeRoster *roster)
{
  if (!roster)
    return;
  g_free (roster->network);
  scope_roster_peer_free (roster->self);
  g_ptr_array_unref (roster->peers);
  g_free (roster);
}

ScopeRosterPeer *
scope_roster_find (const ScopeRoster *roster, const ScopeKey *pub)
{
  if (roster->self && scope_key_equal (&roster->self->pub, pub))
    return roster->self;
  for (guint i = 0; i < roster->peers->len; i++)
    {
      ScopeRosterPeer *peer = g_ptr_array_index (roster->peers, i);
      if (scope_key_equal (&peer->pub, pub))
        return peer;
    }
  return NULL;
}

/* Reading */

static gboolean
wrong (GError **error, const char *field)
{
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "%s: missing or wrong", field);
  return FALSE;
}

/* A member that may be absent or null; FALSE when it is there and not a string. */
static gboolean
optional_string (JsonObject *object, const char *name, const char **value)
{
  JsonNode *node = json_object_get_member (object, name);

  *value = scope_json_get_string (object, name);
  return *value || !node || JSON_NODE_HOLDS_NULL (node);
}

static gboolean
parse_measured (ScopeRosterPeer *peer, JsonObject *object, GError **error)
{
  JsonNode *node = json_object_get_member (object, "sum");
  const char *text;

  if (node && !JSON_NODE_HOLDS_NULL (node))
    {
      GType type = json_node_get_value_type (node);

      if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
        return wrong (error, "sum");
      peer->sum = json_node_get_double (node);
      if (!isfinite (peer->sum) || peer->sum < 0)
        return wrong (error, "sum");
      peer->sum += 0.; /* -0 would be written, and read again as 0 */
    }

  if (!optional_string (object, "mode", &text) ||
      (text && !g_str_equal (text, "direct") && !g_str_equal (text, "leastSum")))
    return wrong (error, "mode");
  peer->least_sum = g_strcmp0 (text, "leastSum") == 0;

  if (!optional_string (object, "leastSource", &text) ||
      (text && *text && !scope_key_parse (&peer->least_source, text)))
    return wrong (error, "leastSource");
  return TRUE;
}

static ScopeRosterPeer *
parse_peer (JsonNode *node, GError **error)
{
  g_autoptr (ScopeRosterPeer) peer = NULL;
  JsonObject *object;
  ScopeKey pub;
  const char *text;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    {
      wrong (error, "peer");
      return NULL;
    }
  object = json_node_get_object (node);
  text = scope_json_get_string (object, "pub");
  if (!text || !scope_key_parse (&pub, text))
    {
      wrong (error, "pub");
      return NULL;
    }
  peer = scope_roster_peer_new (&pub);

  /* `wg` writes "(none)" for what is not there */
  if (!optional_string (object, "end", &text) ||
      (text && *text && !g_str_equal (text, "(none)") && !scope_endpoint_parse (text, NULL, NULL, NULL)))
    {
      wrong (error, "end");
      return NULL;
    }
  if (text && *text && !g_str_equal (text, "(none)"))
    peer->end = g_strdup (text);

  if (!optional_string (object, "range", &text))
    {
      wrong (error, "range");
      return NULL;
    }
  if (text)
    {
      g_autoptr (GArray) ranges = scope_prefix_parse_list (text, SCOPE_ROSTER_MAX_RANGES, NULL);

      if (!ranges)
        {
          wrong (error, "range");
          return NULL;
        }
      g_array_unref (peer->ranges);
      peer->ranges = g_steal_pointer (&ranges);
    }

  if (!parse_measured (peer, object, error))
    return NULL;
  return g_steal_pointer (&peer);
}

/* `peer` and `peers` may both be there with the same keys: the first mention counts. */
static gboolean
parse_peers (ScopeRoster *roster, JsonObject *object, const char *name, GHashTable *known, guint *skipped,
             GError **error)
{
  JsonNode *node = json_object_get_member (object, name);
  JsonArray *array;
  guint n;

  if (!node || JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (!JSON_NODE_HOLDS_ARRAY (node))
    return wrong (error, name);
  array = json_node_get_array (node);
  n = json_array_get_length (array);
  if (n > SCOPE_ROSTER_MAX_PEERS + 1)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "%s: more than %d entries", name, SCOPE_ROSTER_MAX_PEERS);
      return FALSE;
    }

  for (guint i = 0; i < n; i++)
    {
      JsonNode *element = json_array_get_element (array, i);
      g_autoptr (ScopeRosterPeer) peer = parse_peer (element, NULL);

      if (!peer)
        (*skipped)++;
      else if (g_hash_table_contains (known, &peer->pub))
        continue;
      else
        {
          gboolean is_self = g_strcmp0 (scope_json_get_string (json_node_get_object (element), "type"), "self") == 0;

          g_hash_table_add (known, &peer->pub);
          if (is_self && !roster->self)
            roster->self = g_steal_pointer (&peer);
          else
            g_ptr_array_add (roster->peers, g_steal_pointer (&peer));
        }
    }
  return TRUE;
}

ScopeRoster *
scope_roster_parse (const char *text, gsize len, guint *skipped, GError **error)
{
  g_autoptr (ScopeRoster) roster = NULL;
  g_autoptr (JsonObject) object = scope_json_parse_object (text, len, SCOPE_ROSTER_MAX_BYTES, error);
  g_autoptr (GHashTable) known = g_hash_table_new (scope_key_hash, scope_key_equal);
  guint bad = 0;
  const char *name;
  JsonNode *node;

  if (skipped)
    *skipped = 0;
  if (!object)
    return NULL;

  name = scope_json_get_string (object, "ifname");
  if (!name)
    {
      wrong (error, "ifname");
      return NULL;
    }
  roster = scope_roster_new (name);

  node = json_object_get_member (object, "heartbeat");
  if (node && !JSON_NODE_HOLDS_NULL (node))
    {
      gint64 heartbeat = json_node_get_value_type (node) == G_TYPE_INT64 ? json_node_get_int (node) : -1;

      if (heartbeat < 0 || heartbeat > G_MAXUINT16)
        {
          wrong (error, "heartbeat");
          return NULL;
        }
      roster->heartbeat = heartbeat;
    }

  node = json_object_get_member (object, "self");
  if (node && !JSON_NODE_HOLDS_NULL (node))
    {
      roster->self = parse_peer (node, NULL);
      if (roster->self)
        g_hash_table_add (known, &roster->self->pub);
      else
        bad++;
    }

  if (!json_object_has_member (object, "peer") && !json_object_has_member (object, "peers"))
    {
      wrong (error, "peer");
      return NULL;
    }
  if (!parse_peers (roster, object, "peer", known, &bad, error) ||
      !parse_peers (roster, object, "peers", known, &bad, error))
    return NULL;
  if (skipped)
    *skipped = bad;
  return g_steal_pointer (&roster);
}

/* Writing */

static void
append_peer (GString *out, const ScopeRosterPeer *peer, const char *type)
{
  char text[SCOPE_KEY_BASE64_LEN + 1], number[G_ASCII_DTOSTR_BUF_SIZE];
  char prefix[SCOPE_PREFIX_STRLEN];

  g_string_append (out, "{\"type\":\"");
  g_string_append (out, type);
  g_string_append (out, "\",\"pub\":\"");
  g_string_append (out, scope_key_to_base64 (&peer->pub, text));
  g_string_append_c (out, '"');
  if (peer->end)
    {
      g_string_append (out, ",\"end\":");
      scope_json_append_string (out, peer->end);
    }
  g_string_append (out, ",\"range\":\"");
  for (guint i = 0; i < peer->ranges->len; i++)
    {
      if (i)
        g_string_append_c (out, ',');
      g_string_append (out, scope_prefix_format (&g_array_index (peer->ranges, ScopePrefix, i), prefix));
    }
  g_string_append_c (out, '"');
  if (peer->sum >= 0)
    {
      g_string_append (out, ",\"sum\":");
      g_string_append (out, g_ascii_formatd (number, sizeof number, "%.10g", peer->sum));
      g_string_append (out, peer->least_sum ? ",\"mode\":\"leastSum\"" : ",\"mode\":\"direct\"");
      g_string_append (out, ",\"leastSource\":\"");
      if (!scope_key_is_zero (&peer->least_source))
        g_string_append (out, scope_key_to_base64 (&peer->least_source, text));
      g_string_append_c (out, '"');
    }
  g_string_append_c (out, '}');
}

static void
append_peers (GString *out, const ScopeRoster *roster, const char *name, const char *type, gboolean with_self)
{
  gboolean first = TRUE;

  g_string_append_printf (out, ",\"%s\":[", name);
  if (with_self && roster->self)
    {
      append_peer (out, roster->self, "self");
      first = FALSE;
    }
  for (guint i = 0; i < roster->peers->len; i++)
    {
      if (!first)
        g_string_append_c (out, ',');
      first = FALSE;
      append_peer (out, g_ptr_array_index (roster->peers, i), type);
    }
  g_string_append_c (out, ']');
}

GString *
scope_roster_format (const ScopeRoster *roster, gboolean with_peers)
{
  GString *out = g_string_sized_new (128 + roster->peers->len * (with_peers ? 256 : 128));

  g_string_append (out, "{\"ifname\":");
  scope_json_append_string (out, roster->network);
  g_string_append_printf (out, ",\"heartbeat\":%u", roster->heartbeat);
  if (roster->self)
    {
      g_string_append (out, ",\"self\":");
      append_peer (out, roster->self, "self");
    }
  append_peers (out, roster, "peer", "edge", FALSE);
  if (with_peers)
    append_peers (out, roster, "peers", "peer", TRUE);
  g_string_append_c (out, '}');
  return out;
}
