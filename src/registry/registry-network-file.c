/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file of a v1 network: its root, and the registry's own key and delegation (data/protocol.md, section 8). */
#include "registry/registry-config-private.h"

#include "common/scope-error.h"
#include "common/scope-json.h"
#include "common/scope-settings.h"

#include <glib/gstdio.h>

void
registry_network_file_free (RegistryNetworkFile *file)
{
  g_free (file->network);
  g_clear_pointer (&file->root, scope_identity_public_unref);
  g_array_unref (file->prefixes);
  g_clear_pointer (&file->delegate, scope_identity_unref);
  g_free (file->delegation);
  g_free (file);
}

static gboolean
invalid (GError **error, const char *field, const char *what)
{
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "%s: %s", field, what);
  return FALSE;
}

static gboolean
read_prefixes (RegistryNetworkFile *file, JsonObject *object, GError **error)
{
  JsonNode *node = registry_parse_member (object, "prefixes");
  JsonArray *array = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  if (!array || json_array_get_length (array) > SCOPE_GRANT_MAX_RANGES)
    return invalid (error, "prefixes", "expected an array such as [\"10.77.0.0/24\"]");
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonNode *element = json_array_get_element (array, i);
      ScopePrefix prefix;

      if (json_node_get_value_type (element) != G_TYPE_STRING ||
          !scope_prefix_parse (&prefix, json_node_get_string (element)))
        return invalid (error, "prefixes", "expected prefixes such as 10.77.0.0/24");
      scope_prefix_mask (&prefix);
      g_array_append_val (file->prefixes, prefix);
    }
  return TRUE;
}

static gboolean
read_delegate (RegistryNetworkFile *file, JsonObject *object, GError **error)
{
  const char *delegate = scope_json_get_string (object, "delegate");
  JsonNode *delegation = registry_parse_member (object, "delegation");
  g_autoptr (GError) why = NULL;

  if (delegate && !(file->delegate = scope_identity_parse (delegate, &why)))
    return invalid (error, "delegate", why->message);
  if (!delegation || JSON_NODE_HOLDS_NULL (delegation))
    return TRUE;
  if (!JSON_NODE_HOLDS_OBJECT (delegation))
    return invalid (error, "delegation", "expected an object");
  file->delegation = json_to_string (delegation, FALSE);
  return TRUE;
}

RegistryNetworkFile *
registry_network_file_parse (const char *text, gsize len, GError **error)
{
  g_autoptr (RegistryNetworkFile) file = g_new0 (RegistryNetworkFile, 1);
  g_autoptr (JsonObject) object = NULL;
  g_autoptr (GError) why = NULL;
  const char *root;

  file->prefixes = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  object = scope_json_parse_object (text, len, REGISTRY_CONFIG_MAX_BYTES, error);
  if (!object)
    return NULL;
  file->network = g_strdup (scope_json_get_string (object, "network"));
  if (!file->network || !scope_network_name_valid (file->network))
    {
      invalid (error, "network", "missing, or not a network's name");
      return NULL;
    }
  root = scope_json_get_string (object, "root");
  file->root = root ? scope_identity_public_parse (root, &why) : NULL;
  if (!file->root)
    {
      invalid (error, "root", why ? why->message : "missing");
      return NULL;
    }
  if (!read_prefixes (file, object, error) || !read_delegate (file, object, error))
    return NULL;
  return g_steal_pointer (&file);
}

/* Secrets may be in it: nobody else may read it. */
RegistryNetworkFile *
registry_network_file_load (const RegistryNetworkConfig *network, GError **error)
{
  g_autoptr (RegistryNetworkFile) file = NULL;
  char *text = NULL;
  GStatBuf st;
  gsize len;

  if (!g_file_get_contents (network->path, &text, &len, error))
    return NULL;
  file = registry_network_file_parse (text, len, error);
  scope_secret_free (text);
  if (!file)
    {
      g_prefix_error (error, "%s: ", network->path);
      return NULL;
    }
  if (!g_str_equal (file->network, network->name))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "%s: is of the network “%s”", network->path, file->network);
      return NULL;
    }
  if (file->delegate && g_stat (network->path, &st) == 0 && (st.st_mode & 077))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "%s: others may read the delegate's secret: chmod 600 it",
                   network->path);
      return NULL;
    }
  return g_steal_pointer (&file);
}
