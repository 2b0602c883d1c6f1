/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/scope-network-state.h"

static JsonNode *
get (JsonObject *object, const char *member, GType type)
{
  JsonNode *node = json_object_get_member (object, member);

  return node && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == type ? node : NULL;
}

static void
add_text (GVariantBuilder *out, const char *property, JsonObject *object, const char *member)
{
  JsonNode *node = get (object, member, G_TYPE_STRING);

  g_variant_builder_add (out, "{sv}", property, g_variant_new_string (node ? json_node_get_string (node) : ""));
}

static void
add_boolean (GVariantBuilder *out, const char *property, JsonObject *object, const char *member)
{
  JsonNode *node = get (object, member, G_TYPE_BOOLEAN);

  g_variant_builder_add (out, "{sv}", property, g_variant_new_boolean (node && json_node_get_boolean (node)));
}

static JsonArray *
get_array (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);

  return node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

static void
add_texts (GVariantBuilder *out, const char *property, JsonObject *object, const char *member)
{
  JsonArray *array = get_array (object, member);
  GVariantBuilder list;

  g_variant_builder_init (&list, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; array && i < json_array_get_length (array); i++)
    {
      const char *text = json_array_get_string_element (array, i);
      if (text)
        g_variant_builder_add (&list, "s", text);
    }
  g_variant_builder_add (out, "{sv}", property, g_variant_builder_end (&list));
}

static GVariant *
peer_new (JsonObject *peer)
{
  static const char *const texts[] = { "key", "identity", "name", "role", "tier", "endpoint", "path", "via", "keyState" };
  static const char *const booleans[] = { "online", "link", "carried" };
  GVariantBuilder out;

  g_variant_builder_init (&out, G_VARIANT_TYPE_VARDICT);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    add_text (&out, texts[i], peer, texts[i]);
  for (guint i = 0; i < G_N_ELEMENTS (booleans); i++)
    add_boolean (&out, booleans[i], peer, booleans[i]);
  add_texts (&out, "ranges", peer, "ranges");
  return g_variant_builder_end (&out);
}

static GVariant *
peers_new (JsonObject *status)
{
  JsonArray *array = get_array (status, "peers");
  GVariantBuilder out;

  g_variant_builder_init (&out, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; array && i < json_array_get_length (array); i++)
    g_variant_builder_add_value (&out, peer_new (json_array_get_object_element (array, i)));
  return g_variant_builder_end (&out);
}

GVariant *
scope_network_state_new (JsonObject *status)
{
  GVariantBuilder out;

  g_variant_builder_init (&out, G_VARIANT_TYPE_VARDICT);
  add_text (&out, "Network", status, "network");
  add_text (&out, "Interface", status, "interface");
  add_boolean (&out, "Registry", status, "registry");
  add_text (&out, "Role", status, "role");
  add_text (&out, "Nat", status, "nat");
  add_text (&out, "Attachment", status, "attachment");
  g_variant_builder_add (&out, "{sv}", "Peers", peers_new (status));
  return g_variant_ref_sink (g_variant_builder_end (&out));
}

char **
scope_network_state_diff (GVariant *before, GVariant *after)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  GVariantIter iter;
  const char *name;
  GVariant *value;

  g_variant_iter_init (&iter, after);
  while (g_variant_iter_loop (&iter, "{&sv}", &name, &value))
    {
      g_autoptr (GVariant) old = g_variant_lookup_value (before, name, NULL);

      if (!old || !g_variant_equal (old, value))
        g_strv_builder_add (names, name);
    }
  return g_strv_builder_end (names);
}
