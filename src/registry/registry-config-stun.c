/* SPDX-License-Identifier: GPL-3.0-or-later */
/* registry.json: the member stun: where the STUN server listens. */
#include "registry/registry-config-private.h"

#include "net/scope-stun.h"

static void
add (RegistryParse *parse, RegistryConfig *config, JsonNode *node, const char *field)
{
  const char *text = registry_parse_string (parse, node, field);
  GInetAddress *address = text ? g_inet_address_new_from_string (text) : NULL;

  if (address)
    g_ptr_array_add (config->stun_listen, address);
  else if (text)
    registry_wrong (parse, field, "“%.60s” is not an IP address", text);
}

static void
parse_listen (RegistryParse *parse, RegistryConfig *config, JsonNode *node)
{
  JsonArray *array;

  if (!JSON_NODE_HOLDS_ARRAY (node))
    {
      add (parse, config, node, "stun.listen");
      return;
    }
  array = registry_parse_array (parse, node, "stun.listen", "192.0.2.1", REGISTRY_MAX_STUN);
  for (guint i = 0; array && i < json_array_get_length (array); i++)
    {
      g_autofree char *field = g_strdup_printf ("stun.listen[%u]", i);

      add (parse, config, json_array_get_element (array, i), field);
    }
  if (array && json_array_get_length (array) == 0)
    registry_wrong (parse, "stun.listen", "empty: for no STUN server there is “\"stun\": false”");
}

void
registry_stun_parse (RegistryParse *parse, JsonObject *root, RegistryConfig *config)
{
  static const char *const known[] = { "listen", "port", NULL };
  JsonNode *node = registry_parse_member (root, "stun");
  gboolean loopback = g_inet_address_get_is_loopback (config->listen);
  JsonObject *object = NULL;

  config->stun_port = SCOPE_STUN_PORT;
  if (node && !JSON_NODE_HOLDS_OBJECT (node))
    {
      if (json_node_get_value_type (node) != G_TYPE_BOOLEAN)
        registry_wrong (parse, "stun", "expected true, false, or an object such as {\"listen\": \"192.0.2.1\"}");
      else if (!json_node_get_boolean (node))
        return;
    }
  config->stun_required = node != NULL;
  if (node && JSON_NODE_HOLDS_OBJECT (node))
    {
      object = json_node_get_object (node);
      registry_parse_names (parse, object, "stun", known);
      config->stun_port = registry_parse_number (parse, registry_parse_member (object, "port"), "stun.port", 0,
                                                 G_MAXUINT16, SCOPE_STUN_PORT);
    }
  if (registry_parse_member (object, "listen"))
    parse_listen (parse, config, registry_parse_member (object, "listen"));
  else if (!loopback)
    g_ptr_array_add (config->stun_listen, g_object_ref (config->listen));
  else if (config->stun_required)
    g_ptr_array_add (config->stun_listen, g_inet_address_new_any (G_SOCKET_FAMILY_IPV6));
}
