/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-cache.h"

#include "common/scope-error.h"
#include "common/scope-json.h"

#include <glib/gstdio.h>
#include <string.h>

#define MAGIC "scope-cache"
#define VERSION 1

ScopeRoster *
scope_cache_parse (const char *text, gsize len, char **gateway, GError **error)
{
  g_autoptr (JsonObject) object = scope_json_parse_object (text, len, SCOPE_ROSTER_MAX_BYTES, error);
  JsonNode *roster, *node;
  const char *address;

  if (!object)
    return NULL;
  node = json_object_get_member (object, MAGIC);
  if (!node || json_node_get_value_type (node) != G_TYPE_INT64 || json_node_get_int (node) != VERSION)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, MAGIC ": not %d", VERSION);
      return NULL;
    }
  roster = json_object_get_member (object, "roster");
  if (!roster)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "roster: missing");
      return NULL;
    }

  g_autofree char *inner = json_to_string (roster, FALSE);
  guint skipped;
  ScopeRoster *result = scope_roster_parse (inner, strlen (inner), &skipped, error);
  if (!result)
    return NULL;

  address = scope_json_get_string (object, "gateway");
  *gateway = address && g_hostname_is_ip_address (address) ? g_strdup (address) : NULL;
  return result;
}

ScopeRoster *
scope_cache_load (const char *path, const char *network, char **gateway)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  g_autoptr (ScopeRoster) roster = NULL;
  gsize len;

  *gateway = NULL;
  if (!g_file_get_contents (path, &text, &len, &error))
    {
      if (!g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        g_warning ("roster cache: %s", error->message);
      return NULL;
    }
  roster = scope_cache_parse (text, len, gateway, &error);
  if (!roster)
    {
      g_autofree char *aside = g_strconcat (path, ".broken", NULL);
      g_rename (path, aside);
      g_warning ("roster cache %s is broken (%s): set aside as %s", path, error->message, aside);
      return NULL;
    }
  if (g_strcmp0 (roster->network, network) != 0)
    {
      g_message ("roster cache %s is of network %s, not %s: not used", path, roster->network, network);
      g_clear_pointer (gateway, g_free);
      return NULL;
    }
  return g_steal_pointer (&roster);
}

gboolean
scope_cache_store (const char *path, const ScopeRoster *roster, const char *gateway, GError **error)
{
  g_autofree char *inner = g_string_free (scope_roster_format (roster, FALSE), FALSE);
  g_autofree char *text = NULL;

  text = gateway ? g_strdup_printf ("{\"" MAGIC "\":%d,\"gateway\":\"%s\",\"roster\":%s}\n", VERSION, gateway, inner)
                 : g_strdup_printf ("{\"" MAGIC "\":%d,\"roster\":%s}\n", VERSION, inner);
  if (strlen (text) > SCOPE_ROSTER_MAX_BYTES)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "%s: longer than %d bytes", path, SCOPE_ROSTER_MAX_BYTES);
      return FALSE;
    }
  return g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}
