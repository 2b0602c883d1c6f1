/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The networks of registry.json: names of interfaces as 0.0.x has them, objects for v1. */
#include "registry/registry-config-private.h"

#include "common/scope-endpoint.h"
#include "common/scope-settings.h"
#include "wire/scope-roster.h"

void
registry_network_config_free (RegistryNetworkConfig *network)
{
  g_free (network->name);
  g_free (network->interface);
  g_free (network->end);
  g_clear_pointer (&network->ranges, g_array_unref);
  g_free (network->path);
  g_clear_pointer (&network->file, registry_network_file_free);
  g_clear_pointer (&network->listed, g_hash_table_unref);
  g_free (network);
}

static void
parse_self (RegistryParse *parse, JsonObject *self, RegistryNetworkConfig *network)
{
  static const char *const known[] = { "heartbeat", "end", "range", "type", "pub", NULL };
  g_autofree char *path = g_strconcat ("self.", network->name, NULL);
  g_autofree char *heartbeat = g_strconcat (path, ".heartbeat", NULL);
  g_autofree char *end = g_strconcat (path, ".end", NULL);
  g_autofree char *range = g_strconcat (path, ".range", NULL);
  g_autoptr (GError) error = NULL;
  JsonObject *object = registry_parse_object (parse, registry_parse_member (self, network->name), path);
  const char *text;

  if (!object)
    return;
  registry_parse_names (parse, object, path, known);
  network->heartbeat = registry_parse_number (parse, registry_parse_member (object, "heartbeat"), heartbeat, 0,
                                              G_MAXUINT16, network->heartbeat);

  text = registry_parse_string (parse, registry_parse_member (object, "end"), end);
  if (text && !scope_endpoint_parse (text, NULL, NULL, &error))
    registry_wrong (parse, end, "%s", error->message);
  else
    network->end = g_strdup (text);
  g_clear_error (&error);

  text = registry_parse_string (parse, registry_parse_member (object, "range"), range);
  network->ranges = text ? scope_prefix_parse_list (text, SCOPE_ROSTER_MAX_RANGES, &error) : NULL;
  if (error)
    registry_wrong (parse, range, "%s", error->message);
}

/* Networks */

static gboolean
is_new (RegistryParse *parse, const RegistryConfig *config, const char *field, const char *name)
{
  if (!registry_config_find (config, name))
    return TRUE;
  registry_wrong (parse, field, "“%s” is listed twice", name);
  return FALSE;
}

/* As 0.0.x has it: the name of a WireGuard interface */
static gboolean
parse_interface (RegistryParse *parse, JsonNode *node, const char *field, const RegistryConfig *config,
                 RegistryNetworkConfig *network)
{
  const char *name;

  if (json_node_get_value_type (node) != G_TYPE_STRING)
    {
      registry_wrong (parse, field, "expected a string, or an object");
      return FALSE;
    }
  name = json_node_get_string (node);
  if (!scope_ifname_valid (name))
    {
      registry_wrong (parse, field, "“%.40s” is not an interface name (1 to 15 letters, digits and _.-+=@)", name);
      return FALSE;
    }
  network->name = g_strdup (name);
  network->interface = g_strdup (name);
  return is_new (parse, config, field, name);
}

static guint
parse_admission (RegistryParse *parse, JsonObject *object, const char *field)
{
  static const char *const names[] = { "listed", "token", "granted" };
  JsonArray *array = registry_parse_array (parse, registry_parse_member (object, "admission"), field, "token",
                                           G_N_ELEMENTS (names));
  guint admission = 0;

  if (!json_object_has_member (object, "admission"))
    return REGISTRY_ADMISSION_TOKEN | REGISTRY_ADMISSION_GRANTED |
           (json_object_has_member (object, "listed") ? REGISTRY_ADMISSION_LISTED : 0);
  for (guint i = 0; array && i < json_array_get_length (array); i++)
    {
      g_autofree char *path = g_strdup_printf ("%s[%u]", field, i);
      const char *text = registry_parse_string (parse, json_array_get_element (array, i), path);
      guint j = 0;

      while (text && j < G_N_ELEMENTS (names) && !g_str_equal (text, names[j]))
        j++;
      if (text && j == G_N_ELEMENTS (names))
        registry_wrong (parse, path, "“%.40s” is none of listed, token, granted", text);
      else if (text)
        admission |= 1 << j;
    }
  return admission;
}

static void
listed_free (gpointer data)
{
  RegistryListed *listed = data;

  g_free (listed->name);
  g_free (listed);
}

static void
parse_listed_one (RegistryParse *parse, JsonObject *object, const char *text, const char *path, GHashTable *table)
{
  static const char *const known[] = { "role", "name", NULL };
  g_autofree char *field = g_strdup_printf ("%s.%s", path, text);
  g_autofree char *role_field = g_strconcat (field, ".role", NULL);
  g_autofree char *name_field = g_strconcat (field, ".name", NULL);
  JsonObject *entry = registry_parse_object (parse, registry_parse_member (object, text), field);
  const char *role = registry_parse_string (parse, registry_parse_member (entry, "role"), role_field);
  const char *name = registry_parse_string (parse, registry_parse_member (entry, "name"), name_field);
  RegistryListed *listed;
  ScopeKey key;

  if (!entry)
    return;
  registry_parse_names (parse, entry, field, known);
  if (!scope_key_parse (&key, text))
    {
      registry_wrong (parse, field, "“%.60s” is not a WireGuard public key", text);
      return;
    }
  if (g_hash_table_contains (table, &key))
    {
      registry_wrong (parse, field, "the same key is listed twice");
      return;
    }
  listed = g_new0 (RegistryListed, 1);
  if (role && !scope_role_parse (&listed->role, role))
    registry_wrong (parse, role_field, "“%.40s” is none of edge, relay, master", role);
  if (name && g_utf8_strlen (name, -1) > 64)
    registry_wrong (parse, name_field, "longer than 64 characters");
  listed->name = g_strdup (name);
  g_hash_table_insert (table, g_memdup2 (&key, sizeof key), listed);
}

static void
parse_listed (RegistryParse *parse, JsonObject *object, const char *path, RegistryNetworkConfig *network)
{
  JsonObject *keys = registry_parse_object (parse, registry_parse_member (object, "listed"), path);
  g_autoptr (GList) names = keys ? json_object_get_members (keys) : NULL;

  if (!keys)
    return;
  network->listed = g_hash_table_new_full (scope_key_hash, scope_key_equal, g_free, listed_free);
  if (json_object_get_size (keys) > REGISTRY_MAX_LISTED)
    {
      registry_wrong (parse, path, "more than %d keys", REGISTRY_MAX_LISTED);
      return;
    }
  for (GList *l = names; l; l = l->next)
    parse_listed_one (parse, keys, l->data, path, network->listed);
}

/* A v1 network. Its file is read later: parsing touches none. */
static gboolean
parse_v1 (RegistryParse *parse, JsonObject *object, const char *path, const RegistryConfig *config,
          RegistryNetworkConfig *network)
{
  static const char *const known[] = { "name",   "file",      "interface",    "admission",
                                       "listed", "heartbeat", "epochSeconds", "killed", NULL };
  g_autofree char *name_field = g_strconcat (path, ".name", NULL);
  g_autofree char *file_field = g_strconcat (path, ".file", NULL);
  g_autofree char *interface_field = g_strconcat (path, ".interface", NULL);
  g_autofree char *admission_field = g_strconcat (path, ".admission", NULL);
  g_autofree char *listed_field = g_strconcat (path, ".listed", NULL);
  g_autofree char *heartbeat_field = g_strconcat (path, ".heartbeat", NULL);
  g_autofree char *epoch_field = g_strconcat (path, ".epochSeconds", NULL);
  g_autofree char *killed_field = g_strconcat (path, ".killed", NULL);
  const char *name = registry_parse_string (parse, registry_parse_member (object, "name"), name_field);
  const char *file = registry_parse_string (parse, registry_parse_member (object, "file"), file_field);
  const char *interface = registry_parse_string (parse, registry_parse_member (object, "interface"), interface_field);

  registry_parse_names (parse, object, path, known);
  if (!json_object_has_member (object, "name"))
    registry_wrong (parse, name_field, "missing");
  if (name && !scope_network_name_valid (name))
    {
      registry_wrong (parse, name_field, "“%.80s” is not a network's name (1 to 64 letters, digits and _.-+=@)",
                      name);
      name = NULL;
    }
  if (!json_object_has_member (object, "file"))
    registry_wrong (parse, file_field, "missing: the file that scopectl network create wrote");
  else if (file && !*file)
    registry_wrong (parse, file_field, "expected a file name");
  else if (file)
    network->path = g_canonicalize_filename (file, parse->base);
  if (interface && !scope_ifname_valid (interface))
    registry_wrong (parse, interface_field, "“%.40s” is not an interface name (1 to 15 letters, digits and _.-+=@)",
                    interface);
  else
    network->interface = g_strdup (interface);

  network->admission = parse_admission (parse, object, admission_field);
  parse_listed (parse, object, listed_field, network);
  network->heartbeat = registry_parse_number (parse, registry_parse_member (object, "heartbeat"), heartbeat_field, 0,
                                              G_MAXUINT16, network->heartbeat);
  network->epoch_seconds = registry_parse_number (parse, registry_parse_member (object, "epochSeconds"), epoch_field, 60,
                                                  7 * 86400, REGISTRY_EPOCH_SECONDS);
  network->killed = registry_parse_boolean (parse, registry_parse_member (object, "killed"), killed_field);
  network->name = g_strdup (name);
  return name && is_new (parse, config, name_field, name);
}

void
registry_networks_parse (RegistryParse *parse, JsonObject *root, RegistryConfig *config)
{
  guint heartbeat = registry_parse_number (parse, registry_parse_member (root, "heartbeat"), "heartbeat", 0,
                                           G_MAXUINT16, SCOPE_ROSTER_HEARTBEAT);
  JsonArray *names = registry_parse_array (parse, registry_parse_member (root, "networks"), "networks", "wg0",
                                           REGISTRY_MAX_NETWORKS);
  JsonObject *self = registry_parse_object (parse, registry_parse_member (root, "self"), "self");
  g_autoptr (GList) selves = self ? json_object_get_members (self) : NULL;

  if (!json_object_has_member (root, "networks"))
    registry_wrong (parse, "networks", "missing: name the WireGuard interfaces to serve");
  else if (names && json_array_get_length (names) == 0)
    registry_warn (parse, "networks", "no networks: nobody is served");

  for (guint i = 0; names && i < json_array_get_length (names); i++)
    {
      g_autofree char *field = g_strdup_printf ("networks[%u]", i);
      JsonNode *node = json_array_get_element (names, i);
      RegistryNetworkConfig *network = g_new0 (RegistryNetworkConfig, 1);

      network->heartbeat = heartbeat;
      if (JSON_NODE_HOLDS_OBJECT (node) ? parse_v1 (parse, json_node_get_object (node), field, config, network)
                                        : parse_interface (parse, node, field, config, network))
        {
          g_ptr_array_add (config->networks, network);
          parse_self (parse, self, network);
        }
      else
        registry_network_config_free (network);
    }

  for (GList *l = selves; l; l = l->next)
    if (!registry_config_find (config, l->data))
      {
        g_autofree char *field = g_strdup_printf ("self.%s", (char *) l->data);
        registry_warn (parse, field, "not in networks, ignored");
      }
}
