/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-firewall.h"

#include "common/scope-json.h"
#include "tunnel/scope-firewalld.h"
#include "tunnel/scope-routes.h"

#include <net/if.h>
#include <string.h>

#define LOOK_SECONDS 2

struct _ScopeFirewall {
  char *ifname;
  guint16 port;
  char **behind;
  ScopeFirewalld *firewalld; /* while it is asked */
  GCancellable *cancellable;
  guint look_id;
};

/* --- nftables ------------------------------------------------------------------------------- */

static JsonObject *
member_object (JsonObject *object, const char *name)
{
  JsonNode *node = object ? json_object_get_member (object, name) : NULL;

  return node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static JsonArray *
member_array (JsonObject *object, const char *name)
{
  JsonNode *node = object ? json_object_get_member (object, name) : NULL;

  return node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

static JsonObject *
element_object (JsonArray *array, guint i)
{
  JsonNode *node = json_array_get_element (array, i);

  return JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static gboolean
is_in_table (JsonObject *object, const char *family, const char *table)
{
  return g_strcmp0 (scope_json_get_string (object, "family"), family) == 0 &&
         g_strcmp0 (scope_json_get_string (object, "table"), table) == 0;
}

/* "home", "ho*", or a set with one of them. */
static gboolean
names (JsonNode *node, const char *ifname)
{
  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
    {
      const char *text = json_node_get_string (node);
      gsize len = strlen (text);
      return g_str_equal (text, ifname) || (len > 0 && text[len - 1] == '*' && strncmp (text, ifname, len - 1) == 0);
    }
  if (JSON_NODE_HOLDS_OBJECT (node))
    {
      JsonNode *set = json_object_get_member (json_node_get_object (node), "set");
      return set && names (set, ifname);
    }
  if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);
      for (guint i = 0; i < json_array_get_length (array); i++)
        if (names (json_array_get_element (array, i), ifname))
          return TRUE;
    }
  return FALSE;
}

static gboolean
matches_interface (JsonObject *statement, const char *ifname)
{
  JsonObject *match = member_object (statement, "match");
  JsonObject *meta = member_object (member_object (match, "left"), "meta");
  const char *key = meta ? scope_json_get_string (meta, "key") : NULL;
  JsonNode *right = match ? json_object_get_member (match, "right") : NULL;

  return key && right && (g_str_equal (key, "iifname") || g_str_equal (key, "iif")) && names (right, ifname);
}

/* A rule that accepts what comes in by the interface. */
static gboolean
rule_accepts (JsonObject *rule, const char *ifname)
{
  JsonArray *expr = member_array (rule, "expr");
  gboolean ours = FALSE, accepts = FALSE;

  for (guint i = 0; expr && i < json_array_get_length (expr); i++)
    {
      JsonObject *statement = element_object (expr, i);
      if (!statement)
        continue;
      ours |= matches_interface (statement, ifname);
      accepts |= json_object_has_member (statement, "accept");
    }
  return ours && accepts;
}

/* A rule that drops whatever comes to it. */
static gboolean
rule_drops_all (JsonObject *rule)
{
  JsonArray *expr = member_array (rule, "expr");
  gboolean drops = FALSE;

  for (guint i = 0; expr && i < json_array_get_length (expr); i++)
    {
      JsonObject *statement = element_object (expr, i);
      if (!statement || json_object_has_member (statement, "match") || json_object_has_member (statement, "xt") ||
          json_object_has_member (statement, "limit"))
        return FALSE;
      drops |= json_object_has_member (statement, "drop") || json_object_has_member (statement, "reject");
    }
  return drops;
}

static char *
judge_chain (JsonArray *all, JsonObject *chain, const char *ifname)
{
  const char *family = scope_json_get_string (chain, "family");
  const char *table = scope_json_get_string (chain, "table");
  const char *name = scope_json_get_string (chain, "name");
  gboolean drops = g_strcmp0 (scope_json_get_string (chain, "policy"), "drop") == 0;
  gboolean policy = drops;

  if (g_strcmp0 (scope_json_get_string (chain, "hook"), "forward") != 0 || !family || !table || !name ||
      (!g_str_equal (family, "inet") && !g_str_equal (family, "ip") && !g_str_equal (family, "ip6")))
    return NULL;
  for (guint i = 0; i < json_array_get_length (all); i++)
    {
      JsonObject *rule = member_object (element_object (all, i), "rule");

      if (!rule || !is_in_table (rule, family, table))
        continue;
      if (rule_accepts (rule, ifname))
        return NULL;
      drops |= g_strcmp0 (scope_json_get_string (rule, "chain"), name) == 0 && rule_drops_all (rule);
    }
  if (!drops)
    return NULL;
  return g_strdup_printf ("chain %s of table %s %s drops what is forwarded (%s): “nft insert rule %s %s %s iifname %s accept” "
                          "would let it through",
                          name, family, table, policy ? "its policy" : "its last rule", family, table, name, ifname);
}

char **
scope_firewall_read (const char *ruleset, gsize len, const char *ifname, GError **error)
{
  g_autoptr (JsonObject) object = scope_json_parse_object (ruleset, len, SCOPE_FIREWALL_MAX_BYTES, error);
  g_autoptr (GStrvBuilder) lines = g_strv_builder_new ();
  JsonArray *all = member_array (object, "nftables");

  if (!object)
    return NULL;
  for (guint i = 0; all && i < json_array_get_length (all); i++)
    {
      JsonObject *chain = member_object (element_object (all, i), "chain");
      g_autofree char *line = chain ? judge_chain (all, chain, ifname) : NULL;

      if (line)
        g_strv_builder_add (lines, line);
    }
  return g_strv_builder_end (lines);
}

static void
on_ruleset (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GBytes) out = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) lines = NULL;
  ScopeFirewall *self = data;
  gsize len;

  if (!g_subprocess_communicate_finish (G_SUBPROCESS (source), result, &out, NULL, &error))
    return; /* cancelled: @self may be gone */
  if (!out || !g_subprocess_get_successful (G_SUBPROCESS (source)) || g_bytes_get_size (out) == 0)
    return;
  lines = scope_firewall_read (g_bytes_get_data (out, &len), g_bytes_get_size (out), self->ifname, &error);
  if (!lines)
    {
      g_info ("the firewall's rules: %s", error->message);
      return;
    }
  for (char **line = lines; *line; line++)
    g_warning ("%s: the firewall of this machine: %s", self->ifname, *line);
}

static void
ask_nft (ScopeFirewall *self)
{
  g_autofree char *nft = g_find_program_in_path ("nft");
  g_autoptr (GSubprocess) process = NULL;

  if (!nft && g_file_test ("/usr/sbin/nft", G_FILE_TEST_IS_EXECUTABLE))
    nft = g_strdup ("/usr/sbin/nft");
  if (nft) /* -t: without the elements of sets, of which there may be many */
    process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL, nft, "-j", "-t", "list",
                                "ruleset", NULL);
  if (process)
    g_subprocess_communicate_async (process, NULL, self->cancellable, on_ruleset, self);
}

/* --- asking ---------------------------------------------------------------------------------- */

static void
on_firewalld (gboolean runs, gpointer data)
{
  ScopeFirewall *self = data;

  g_clear_pointer (&self->firewalld, scope_firewalld_free);
  if (!runs)
    ask_nft (self);
}

/* By which interface others reach us; the first default route's. */
static char *
find_outside (const char *ifname)
{
  g_autoptr (GArray) routes = scope_routes_read (NULL);
  char name[IF_NAMESIZE];

  for (guint i = 0; routes && i < routes->len; i++)
    {
      const ScopeRoute *route = &g_array_index (routes, ScopeRoute, i);
      if (route->to.len == 0 && if_indextoname (route->ifindex, name) && !g_str_equal (name, ifname))
        return g_strdup (name);
    }
  return NULL;
}

static void
on_bus (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) bus = g_bus_get_finish (result, &error);
  g_autofree char *outside = NULL;
  ScopeFirewall *self = data;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (!bus)
    {
      ask_nft (self);
      return;
    }
  outside = find_outside (self->ifname);
  self->firewalld = scope_firewalld_ask (
      bus, &(ScopeFirewalldWhat){ self->ifname, self->port, outside, (const char *const *) self->behind }, on_firewalld, self);
}

static gboolean
on_look (gpointer data)
{
  ScopeFirewall *self = data;

  self->look_id = 0;
  g_bus_get (G_BUS_TYPE_SYSTEM, self->cancellable, on_bus, self);
  return G_SOURCE_REMOVE;
}

ScopeFirewall *
scope_firewall_check (const char *ifname, guint16 port, char **behind)
{
  ScopeFirewall *self = g_new0 (ScopeFirewall, 1);

  self->ifname = g_strdup (ifname);
  self->port = port;
  self->behind = g_strdupv (behind);
  self->cancellable = g_cancellable_new ();
  self->look_id = g_timeout_add_seconds (LOOK_SECONDS, on_look, self);
  return self;
}

void
scope_firewall_free (ScopeFirewall *self)
{
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  g_clear_handle_id (&self->look_id, g_source_remove);
  g_clear_pointer (&self->firewalld, scope_firewalld_free);
  g_strfreev (self->behind);
  g_free (self->ifname);
  g_free (self);
}
