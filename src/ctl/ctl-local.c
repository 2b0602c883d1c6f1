/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "ctl/ctl-local.h"

#include "common/scope-json.h"
#include "common/scope-prefix.h"
#include "crypto/scope-identity.h"
#include "ctl/ctl-options.h"
#include "ctl/ctl-table.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* --- parts of a status --- */

static JsonNode *
value_of (JsonObject *object, const char *member, GType type)
{
  JsonNode *node = json_object_get_member (object, member);

  return node && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == type ? node : NULL;
}

const char *
ctl_local_text (JsonObject *object, const char *member)
{
  const char *text = scope_json_get_string (object, member);

  return text ? text : "";
}

gint64
ctl_local_number (JsonObject *object, const char *member)
{
  JsonNode *node = value_of (object, member, G_TYPE_INT64);

  return node ? json_node_get_int (node) : -1;
}

gboolean
ctl_local_boolean (JsonObject *object, const char *member)
{
  JsonNode *node = value_of (object, member, G_TYPE_BOOLEAN);

  return node && json_node_get_boolean (node);
}

/* An array of strings; elements that are none are left out. */
static char **
texts_of (JsonObject *object, const char *member)
{
  JsonArray *array = scope_json_get_array (object, member);
  g_autoptr (GStrvBuilder) texts = g_strv_builder_new ();

  for (guint i = 0; array && i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
        g_strv_builder_add (texts, json_node_get_string (node));
    }
  return g_strv_builder_end (texts);
}

GPtrArray *
ctl_local_peers (JsonObject *status)
{
  JsonArray *array = scope_json_get_array (status, "peers");
  GPtrArray *peers = g_ptr_array_new ();

  for (guint i = 0; array && i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      if (JSON_NODE_HOLDS_OBJECT (node))
        g_ptr_array_add (peers, json_node_get_object (node));
    }
  return peers;
}

char *
ctl_local_to_json (JsonObject *object, gboolean pretty)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);

  json_node_set_object (node, object);
  return json_to_string (node, pretty);
}

/* --- peers --- */

char *
ctl_local_name (JsonObject *peer)
{
  const char *name = ctl_local_text (peer, "name"), *identity = ctl_local_text (peer, "identity");

  if (*name)
    return ctl_printable (name);
  return *identity ? g_strndup (identity, SCOPE_SHORT_NAME_LEN) : g_strdup_printf ("(%.6s…)", ctl_local_text (peer, "key"));
}

/* "10.77.0.5" for "10.77.0.5/32"; NULL for a range of several addresses */
static char *
single (const char *range)
{
  g_autoptr (GArray) prefixes = scope_prefix_parse_list (range, 1, NULL);
  const ScopePrefix *prefix = prefixes && prefixes->len == 1 ? &g_array_index (prefixes, ScopePrefix, 0) : NULL;

  if (!prefix || prefix->len != (prefix->family == AF_INET ? 32 : 128))
    return NULL;
  return scope_prefix_address (prefix);
}

char *
ctl_local_address (JsonObject *peer, const char *wanted)
{
  g_auto (GStrv) ranges = texts_of (peer, "ranges");
  g_autofree char *first = NULL;
  g_autofree char *normal = wanted ? single (wanted) : NULL;

  for (char **range = ranges; *range; range++)
    {
      g_autofree char *address = single (*range);

      if (address && normal && g_str_equal (address, normal))
        return g_steal_pointer (&address);
      if (address && (!first || (strchr (first, ':') && !strchr (address, ':'))))
        {
          g_free (first);
          first = g_steal_pointer (&address);
        }
    }
  return g_steal_pointer (&first);
}

static gboolean
is_called (JsonObject *peer, const char *text)
{
  g_autofree char *address = single (text);
  g_autofree char *own = address ? ctl_local_address (peer, address) : NULL;

  return g_str_equal (ctl_local_text (peer, "key"), text) || (own && g_str_equal (own, address)) ||
         (strlen (text) >= SCOPE_SHORT_NAME_LEN && g_str_has_prefix (ctl_local_text (peer, "identity"), text));
}

JsonObject *
ctl_local_find (JsonObject *status, const char *text)
{
  g_autoptr (GPtrArray) peers = ctl_local_peers (status);

  /* Names first: somebody may be called like an address. */
  for (guint i = 0; *text && i < peers->len; i++)
    if (g_str_equal (ctl_local_text (peers->pdata[i], "name"), text))
      return peers->pdata[i];
  for (guint i = 0; *text && i < peers->len; i++)
    if (is_called (peers->pdata[i], text))
      return peers->pdata[i];
  return NULL;
}

static char *
name_of_key (JsonObject *status, const char *key)
{
  g_autoptr (GPtrArray) peers = status && *key ? ctl_local_peers (status) : NULL;

  for (guint i = 0; peers && i < peers->len; i++)
    if (g_str_equal (ctl_local_text (peers->pdata[i], "key"), key))
      return ctl_local_name (peers->pdata[i]);
  return g_strdup_printf ("(%.6s…)", key);
}

gboolean
ctl_local_is_direct (JsonObject *peer)
{
  return g_str_equal (ctl_local_text (peer, "path"), "direct") && !ctl_local_boolean (peer, "carried");
}

char *
ctl_local_path (JsonObject *peer, JsonObject *status)
{
  const char *path = ctl_local_text (peer, "path"), *via = ctl_local_text (peer, "via");
  g_autofree char *name = *via ? name_of_key (status, via) : NULL;

  if (g_str_equal (path, "direct"))
    return g_strdup (ctl_local_boolean (peer, "carried") ? _ ("carried by the registry") : _ ("direct"));
  if (!name)
    return g_strdup (g_str_equal (path, "none") ? _ ("none") : path);
  if (g_str_equal (path, "relay"))
    return g_strdup_printf (_ ("relay %s"), name);
  if (g_str_equal (path, "relays"))
    return g_strdup_printf (_ ("relays from %s on"), name);
  if (g_str_equal (path, "pipe"))
    return g_strdup_printf (_ ("pipe %s"), name);
  if (g_str_equal (path, "master"))
    return g_strdup_printf (_ ("master %s"), name);
  return g_strdup_printf ("%s %s", path, name);
}

/* --- the table --- */

static const char *
key_of (JsonObject *peer)
{
  const char *state = ctl_local_text (peer, "keyState");

  if (g_str_equal (state, "confirmed"))
    return _ ("post-quantum");
  if (g_str_equal (state, "confirming"))
    return _ ("being confirmed");
  if (g_str_equal (state, "making"))
    return _ ("being made");
  return _ ("none");
}

static char *
age_of (gint64 seconds)
{
  if (seconds < 0)
    return g_strdup (_ ("never"));
  if (seconds < 120)
    return g_strdup_printf (_ ("%d s ago"), (int) seconds);
  if (seconds < 2 * 3600)
    return g_strdup_printf (_ ("%d min ago"), (int) (seconds / 60));
  if (seconds < 2 * 24 * 3600)
    return g_strdup_printf (_ ("%d h ago"), (int) (seconds / 3600));
  return g_strdup_printf (_ ("%d days ago"), (int) MIN (seconds / (24 * 3600), G_MAXINT));
}

static char *
role_of (JsonObject *object)
{
  return g_strconcat (ctl_local_text (object, "role"), g_str_equal (ctl_local_text (object, "tier"), "pipe") ? " (pipe)" : "",
                      NULL);
}

static char *
measure (JsonObject *peer, const char *member, const char *unit)
{
  gint64 number = ctl_local_number (peer, member);

  return number < 0 ? NULL : g_strdup_printf ("%" G_GINT64_FORMAT " %s", number, unit);
}

static void
add_peer (CtlTable *table, JsonObject *peer, JsonObject *status)
{
  g_auto (GStrv) ranges = texts_of (peer, "ranges");
  g_autofree char *name = ctl_local_name (peer);
  g_autofree char *address = ctl_local_address (peer, NULL);
  g_autofree char *role = role_of (peer);
  g_autofree char *path = ctl_local_path (peer, status);
  g_autofree char *latency = ctl_local_boolean (peer, "link") ? measure (peer, "latency", "ms") : NULL;
  g_autofree char *loss = measure (peer, "loss", "%");
  g_autofree char *handshake = age_of (ctl_local_number (peer, "handshake"));
  g_autofree char *rx = g_format_size (MAX (ctl_local_number (peer, "rx"), 0));
  g_autofree char *tx = g_format_size (MAX (ctl_local_number (peer, "tx"), 0));

  ctl_table_add (table, name);
  ctl_table_add (table, address ? address : *ranges);
  ctl_table_add (table, role);
  ctl_table_add (table, path);
  ctl_table_add (table, ctl_local_text (peer, "endpoint"));
  ctl_table_add (table, latency);
  ctl_table_add (table, loss);
  ctl_table_add (table, handshake);
  ctl_table_add (table, key_of (peer));
  ctl_table_add (table, rx);
  ctl_table_add (table, tx);
}

static char *
head_of (JsonObject *status)
{
  g_auto (GStrv) addresses = texts_of (status, "addresses");
  g_autofree char *all = g_strjoinv (", ", addresses);
  g_autofree char *network = ctl_printable (ctl_local_text (status, "network"));
  const char *attachment = ctl_local_text (status, "attachment"), *nat = ctl_local_text (status, "nat");
  g_autofree char *relay = *attachment ? name_of_key (status, attachment) : NULL;
  const char *role = ctl_local_text (status, "role");
  GString *out = g_string_new (NULL);

  g_string_append_printf (out, _ ("%s: %s on %s"), network, *all ? all : "-", ctl_local_text (status, "interface"));
  if (*role)
    g_string_append_printf (out, ", %s", role);
  if (*nat)
    g_string_append_printf (out, _ (", NAT %s"), nat);
  if (relay)
    g_string_append_printf (out, _ (", attached to %s"), relay);
  g_string_append_printf (out, ", %s\n",
                          ctl_local_boolean (status, "registry") ? _ ("registry connected") : _ ("registry away"));
  return g_string_free (out, FALSE);
}

char *
ctl_local_format (JsonObject *status)
{
  const char *const headings[] = { _ ("NAME"), _ ("ADDRESS"),   _ ("ROLE"), _ ("PATH"),     _ ("ENDPOINT"), _ ("LATENCY"),
                                   _ ("LOSS"), _ ("HANDSHAKE"), _ ("KEY"),  _ ("RECEIVED"), _ ("SENT"),     NULL };
  g_autoptr (CtlTable) table = ctl_table_new (headings);
  g_autoptr (GPtrArray) peers = ctl_local_peers (status);
  g_autofree char *head = head_of (status);
  g_autofree char *rows = NULL;

  for (guint i = 0; i < peers->len; i++)
    add_peer (table, peers->pdata[i], status);
  rows = peers->len ? ctl_table_format (table) : g_strdup ("");
  return g_strconcat (head, rows, NULL);
}
