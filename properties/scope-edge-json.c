/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "scope-edge-json.h"

#include "common/scope-json.h"
#include "common/scope-settings.h"
#include "scope-import.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <string.h>

#define MAX_NAMED 10 /* left-out entries that are told by name */

static const struct {
  const char *member;
  const char *setting;
  gboolean required;
} fields[] = {
  { "registry", SCOPE_SETTING_REGISTRY, TRUE },
  { "network", SCOPE_SETTING_NETWORK, TRUE },
  { "netreg", SCOPE_SETTING_NETREG, FALSE },
  { "pubKey", SCOPE_SETTING_PUBLIC_KEY, TRUE },
};

/* The lines of the first entry's fields. */
typedef struct {
  const char *prefix; /* of the entry in a path: "[0]." or "" */
  guint lines[G_N_ELEMENTS (fields)];
  guint twice; /* the first line with a field that was there already, 0 for none */
  const char *which;
} Lines;

static void
on_value (const char *path, guint line, gpointer data)
{
  Lines *lines = data;

  if (!g_str_has_prefix (path, lines->prefix))
    return;
  path += strlen (lines->prefix);
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      if (!g_str_equal (path, fields[i].member))
        continue;
      if (lines->lines[i] && !lines->twice)
        {
          lines->twice = line;
          lines->which = fields[i].member;
        }
      lines->lines[i] = line;
    }
}

/* Strictly, before json-glib sees it: see scope-json.h. */
static gboolean
check_json (const char *data, gsize len, Lines *lines, GError **error)
{
  g_autoptr (GError) why = NULL;
  guint line;

  if (!scope_json_walk (data, len, on_value, lines, &line, &why))
    {
      g_autofree char *number = g_strdup_printf ("line %u: ", line);
      const char *reason = g_str_has_prefix (why->message, number) ? why->message + strlen (number) : why->message;

      g_set_error (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_FAILED, _ ("line %u: not valid JSON (%s)"), line, reason);
      return FALSE;
    }
  if (!lines->twice)
    return TRUE;
  g_set_error (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_INVALID_PROPERTY, _ ("line %u: %s is there twice"),
               lines->twice, lines->which);
  return FALSE;
}

/* A member's text, or NULL when it is something else or not there. */
static const char *
member_string (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);

  return node && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

/* A member's text if it is fit to be shown and used, else NULL. */
static const char *
member_checked (JsonNode *entry, const char *member, const char *setting)
{
  const char *text = JSON_NODE_HOLDS_OBJECT (entry) ? member_string (json_node_get_object (entry), member) : NULL;

  return text && scope_setting_check (scope_setting_find (setting), text, NULL) ? text : NULL;
}

/* @line: 0 where there is none: the field is missing */
static gboolean
field_error (GError **error, guint line, const char *member, const char *why)
{
  if (line)
    g_set_error (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_INVALID_PROPERTY, _ ("line %u: %s: %s"), line, member, why);
  else
    g_set_error (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_INVALID_PROPERTY, _ ("entry 1: %s: %s"), member, why);
  return FALSE;
}

static gboolean
check_field (guint line, const char *member, const char *setting, const char *text, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autofree char *message = NULL;
  g_autofree char *prefix = g_strconcat (setting, ": ", NULL);

  if (scope_setting_check (scope_setting_find (setting), text, &why))
    return TRUE;
  /* The check names the setting; who wrote the file knows the member. */
  message = g_strdup (g_str_has_prefix (why->message, prefix) ? why->message + strlen (prefix) : why->message);
  if (g_str_equal (setting, SCOPE_SETTING_PUBLIC_KEY))
    {
      g_autofree char *hint = g_strdup_printf (_ ("%s; put there what “wg show INTERFACE public-key” prints "
                                                  "instead of “%.60s”"), message, text);
      return field_error (error, line, member, hint);
    }
  return field_error (error, line, member, message);
}

static NMConnection *
decode_entry (JsonNode *entry, const Lines *lines, GError **error)
{
  g_autoptr (NMConnection) connection = scope_import_connection_new ("");
  NMSettingVpn *vpn = nm_connection_get_setting_vpn (connection);
  JsonObject *object;

  if (!JSON_NODE_HOLDS_OBJECT (entry))
    {
      g_set_error_literal (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_FAILED,
                           _ ("entry 1: not an object with registry, network and pubKey"));
      return NULL;
    }
  object = json_node_get_object (entry);
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      JsonNode *node = json_object_get_member (object, fields[i].member);
      const char *text = member_string (object, fields[i].member);

      if (!fields[i].required && (!node || JSON_NODE_HOLDS_NULL (node) || (text && !*text)))
        continue;
      if (!text)
        {
          field_error (error, lines->lines[i], fields[i].member, node ? _ ("not a string") : _ ("missing"));
          return NULL;
        }
      if (!check_field (lines->lines[i], fields[i].member, fields[i].setting, text, error))
        return NULL;
      if (g_str_equal (fields[i].setting, SCOPE_SETTING_PUBLIC_KEY))
        {
          char base64[SCOPE_KEY_BASE64_LEN + 1];
          ScopeKey key;
          scope_key_parse (&key, text);
          nm_setting_vpn_add_data_item (vpn, fields[i].setting, scope_key_to_base64 (&key, base64));
        }
      else
        nm_setting_vpn_add_data_item (vpn, fields[i].setting, text);
    }
  g_object_set (nm_connection_get_setting_connection (connection), NM_SETTING_CONNECTION_ID,
                nm_setting_vpn_get_data_item (vpn, SCOPE_SETTING_NETWORK), NULL);
  return g_steal_pointer (&connection);
}

/* libnm takes one connection from a file and has no place for warnings. */
static void
note_left_out (JsonArray *entries, const char *imported, GPtrArray *notes)
{
  guint n = json_array_get_length (entries);
  g_autoptr (GString) line = g_string_new (NULL);

  g_string_printf (line,
                   ngettext ("imported “%s”; %u more entry was left out:",
                             "imported “%s”; %u more entries were left out:", n - 1),
                   imported, n - 1);
  for (guint i = 1; i < n && i <= MAX_NAMED; i++)
    {
      JsonNode *entry = json_array_get_element (entries, i);
      const char *network = member_checked (entry, "network", SCOPE_SETTING_NETWORK);
      const char *registry = member_checked (entry, "registry", SCOPE_SETTING_REGISTRY);

      g_string_append (line, i == 1 ? " " : ", ");
      if (network)
        g_string_append_printf (line, "“%s”", network);
      else
        g_string_append_printf (line, _ ("entry %u"), i + 1);
      if (registry)
        g_string_append_printf (line, " (%s)", registry);
    }
  if (n - 1 > MAX_NAMED)
    g_string_append (line, ", …");
  g_string_append (line, _ ("; to import one of them, put it into a file of its own"));
  g_ptr_array_add (notes, g_string_free (g_steal_pointer (&line), FALSE));
}

NMConnection *
scope_edge_json_decode (const char *data, gsize len, GPtrArray *notes, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  Lines lines = { .prefix = "" };
  g_autoptr (GError) why = NULL;
  NMConnection *connection;
  JsonNode *root;
  JsonArray *entries;

  for (const char *p = data; p < data + len && *p != '{'; p++)
    if (*p == '[')
      {
        lines.prefix = "[0].";
        break;
      }
  if (!check_json (data, len, &lines, error))
    return NULL;
  if (!json_parser_load_from_data (parser, data, len, &why))
    {
      g_set_error (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_FAILED, _ ("not valid JSON: %s"), why->message);
      return NULL;
    }
  root = json_parser_get_root (parser);
  if (root && JSON_NODE_HOLDS_OBJECT (root))
    return decode_entry (root, &lines, error);
  entries = root && JSON_NODE_HOLDS_ARRAY (root) ? json_node_get_array (root) : NULL;
  if (!entries || json_array_get_length (entries) == 0)
    {
      g_set_error_literal (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_FAILED,
                           _ ("no entry in it: an edge.json is an array of objects with registry, network and pubKey"));
      return NULL;
    }
  connection = decode_entry (json_array_get_element (entries, 0), &lines, error);
  if (connection && notes && json_array_get_length (entries) > 1)
    note_left_out (entries, nm_connection_get_id (connection), notes);
  return connection;
}
