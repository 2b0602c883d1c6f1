/* SPDX-License-Identifier: GPL-3.0-or-later */
/* registry.json as a whole: its other sections, and the files that it names. */
#include "registry/registry-config-private.h"

#include "common/scope-settings.h"
#include "common/scope-json.h"
#include "wire/scope-roster.h"

#include <string.h>

/* Sections */

static GInetAddress *
parse_listen (RegistryParse *parse, JsonObject *root)
{
  const char *text = registry_parse_string (parse, registry_parse_member (root, "listen"), "listen");
  GInetAddress *address;

  if (!text || g_str_equal (text, "localhost"))
    return g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  address = g_inet_address_new_from_string (text);
  if (address)
    return address;
  registry_wrong (parse, "listen", "“%.60s” is not an IP address", text);
  return g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
}

static char *
parse_prefix (RegistryParse *parse, JsonObject *root)
{
  const char *text = registry_parse_string (parse, registry_parse_member (root, "prefix"), "prefix");
  gsize len = text ? strlen (text) : 0;

  while (len && text[len - 1] == '/')
    len--;
  if (len &&
      (text[0] != '/' || len > 256 || strstr (text, "//") || strstr (text, "/./") || strstr (text, "/../") ||
       strspn (text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/") < len))
    {
      registry_wrong (parse, "prefix", "expected a path such as /pathPrefix (letters, digits and -._~)");
      len = 0;
    }
  return g_strndup (text ? text : "", len);
}

static void
parse_proxies (RegistryParse *parse, JsonObject *root, RegistryConfig *config)
{
  JsonArray *array = registry_parse_array (parse, registry_parse_member (root, "trustedProxies"), "trustedProxies", "127.0.0.1",
                                           256);

  for (guint i = 0; array && i < json_array_get_length (array); i++)
    {
      g_autofree char *field = g_strdup_printf ("trustedProxies[%u]", i);
      const char *text = registry_parse_string (parse, json_array_get_element (array, i), field);
      ScopePrefix prefix;

      if (!text)
        continue;
      if (!scope_prefix_parse (&prefix, text))
        {
          registry_wrong (parse, field, "“%.60s” is not an address or prefix such as 192.0.2.1 or 10.0.0.0/8", text);
          continue;
        }
      scope_prefix_mask (&prefix);
      g_array_append_val (config->trusted_proxies, prefix);
    }
}

static void
parse_limits (RegistryParse *parse, JsonObject *root, RegistryLimits *limits)
{
  static const char *const known[] = { "connections", "connectionsPerAddress", "requestsPerMinute",
                                       "bodyBytes",   "frameBytes",            "queueBytes",
                                       "idleSeconds", "requestSeconds",        NULL };
  JsonObject *object = registry_parse_object (parse, registry_parse_member (root, "limits"), "limits");

  registry_parse_names (parse, object, "limits", known);

#define LIMIT(name, min, max, fallback) \
  registry_parse_number (parse, registry_parse_member (object, name), "limits." name, min, max, fallback)
  limits->connections = LIMIT ("connections", 0, 1000000, 0);
  limits->connections_per_address = LIMIT ("connectionsPerAddress", 0, 1000000, 256);
  limits->requests_per_minute = LIMIT ("requestsPerMinute", 0, 1000000, 6000);
  limits->body_bytes = LIMIT ("bodyBytes", 1024, 64 * 1024 * 1024, 1024 * 1024);
  limits->frame_bytes = LIMIT ("frameBytes", 128, 16 * 1024 * 1024, 64 * 1024);
  limits->queue_bytes = LIMIT ("queueBytes", 1024, 64 * 1024 * 1024, 256 * 1024);
  limits->idle_seconds = LIMIT ("idleSeconds", 1, 86400, 60);
  limits->request_seconds = LIMIT ("requestSeconds", 1, 3600, 10);
#undef LIMIT
  limits->loopback_limited = registry_parse_member (object, "connectionsPerAddress") ||
                             registry_parse_member (object, "requestsPerMinute");
}

/* True and false are short for all the defaults, and for nothing at all. */
static void
parse_carry (RegistryParse *parse, JsonObject *root, RegistryCarrying *carry)
{
  static const char *const known[] = { "sessions",    "links",   "bytesPerSecond", "queueBytes",
                                       "idleSeconds", "private", NULL };
  JsonNode *node = registry_parse_member (root, "carry");
  gboolean simple = node && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_BOOLEAN;
  JsonObject *object = simple ? NULL : registry_parse_object (parse, node, "carry");

  registry_parse_names (parse, object, "carry", known);

#define CARRY(name, min, max, fallback) \
  registry_parse_number (parse, registry_parse_member (object, name), "carry." name, min, max, fallback)
  carry->sessions = CARRY ("sessions", 0, 65536, 256);
  carry->links = CARRY ("links", 1, 256, 16);
  carry->bytes_per_second = CARRY ("bytesPerSecond", 0, 1000000000, 4 * 1024 * 1024);
  carry->queue_bytes = CARRY ("queueBytes", 32 * 1024, REGISTRY_CARRY_QUEUE_MAX, 256 * 1024);
  carry->idle_seconds = CARRY ("idleSeconds", 10, 86400, 180);
#undef CARRY
  carry->private = registry_parse_boolean (parse, registry_parse_member (object, "private"), "carry.private");
  if (simple && !json_node_get_boolean (node))
    carry->sessions = 0;
}

static int
by_line (gconstpointer a, gconstpointer b)
{
  const RegistryProblem *pa = *(RegistryProblem *const *) a, *pb = *(RegistryProblem *const *) b;

  return (pa->line > pb->line) - (pa->line < pb->line);
}

static gboolean
is_usable (GPtrArray *problems)
{
  for (guint i = 0; i < problems->len; i++)
    if (!((RegistryProblem *) g_ptr_array_index (problems, i))->warning)
      return FALSE;
  return TRUE;
}

RegistryConfig *
registry_config_parse (const char *text, gsize len, const char *base, GPtrArray *problems)
{
  static const char *const known[] = { "listen",         "listenPort",     "networks",       "self",
                                       "heartbeat",      "prefix",         "tlsCertificate", "tlsKey",
                                       "trustedProxies", "stateDirectory", "limits",         "carry",
                                       "stun",
                                       NULL };
  g_autoptr (GHashTable) lines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (RegistryConfig) config = NULL;
  g_autoptr (JsonObject) root = NULL;
  g_autoptr (GError) error = NULL;
  RegistryParse parse = { problems, lines, base };
  guint line = 0;

  if (len > REGISTRY_CONFIG_MAX_BYTES)
    {
      registry_wrong (&parse, "", "larger than %d bytes", REGISTRY_CONFIG_MAX_BYTES);
      return NULL;
    }
  if (!scope_json_walk (text, len, registry_parse_note_line, &parse, &line, &error))
    {
      const char *colon = strchr (error->message, ' ');

      /* "line N: what": the line is said already */
      colon = colon ? strstr (colon, ": ") : NULL;
      g_hash_table_replace (lines, g_strdup (""), GUINT_TO_POINTER (line));
      registry_wrong (&parse, "", "%s", colon ? colon + 2 : error->message);
      return NULL;
    }
  root = scope_json_parse_object (text, len, REGISTRY_CONFIG_MAX_BYTES, &error);
  if (!root)
    {
      registry_wrong (&parse, "", "%s", error->message);
      return NULL;
    }

  config = g_new0 (RegistryConfig, 1);
  config->networks = g_ptr_array_new_with_free_func ((GDestroyNotify) registry_network_config_free);
  config->trusted_proxies = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  config->stun_listen = g_ptr_array_new_with_free_func (g_object_unref);
  registry_parse_names (&parse, root, "", known);
  config->listen = parse_listen (&parse, root);
  config->listen_port = registry_parse_number (&parse, registry_parse_member (root, "listenPort"), "listenPort", 0, G_MAXUINT16,
                                               8000);
  config->prefix = parse_prefix (&parse, root);
  registry_stun_parse (&parse, root, config);
  registry_networks_parse (&parse, root, config);
  parse_proxies (&parse, root, config);
  parse_limits (&parse, root, &config->limits);
  parse_carry (&parse, root, &config->carry);
  config->tls_certificate = registry_parse_file (&parse, root, "tlsCertificate");
  config->tls_key = registry_parse_file (&parse, root, "tlsKey");
  config->state_directory = registry_parse_file (&parse, root, "stateDirectory");
  if (config->tls_certificate && !json_object_has_member (root, "tlsKey"))
    registry_wrong (&parse, "tlsKey", "missing: tlsCertificate needs its private key");
  if (config->tls_key && !json_object_has_member (root, "tlsCertificate"))
    registry_wrong (&parse, "tlsCertificate", "missing: tlsKey needs its certificate");

  g_ptr_array_sort (problems, by_line);
  return is_usable (problems) ? g_steal_pointer (&config) : NULL;
}

static gboolean
load_network_files (RegistryConfig *config, RegistryParse *parse, const char *text, gsize len)
{
  gboolean good = TRUE;

  for (guint i = 0; i < config->networks->len; i++)
    {
      RegistryNetworkConfig *network = g_ptr_array_index (config->networks, i);
      g_autofree char *field = g_strdup_printf ("networks[%u].file", i);
      g_autoptr (GError) error = NULL;

      if (!network->path || (network->file = registry_network_file_load (network, &error)))
        continue;
      if (good)
        scope_json_walk (text, len, registry_parse_note_line, parse, NULL, NULL);
      good = FALSE;
      registry_wrong (parse, field, "%s", error->message);
    }
  return good;
}

RegistryConfig *
registry_config_load (const char *path, GPtrArray *problems)
{
  g_autoptr (RegistryConfig) config = NULL;
  g_autoptr (GHashTable) lines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);
  g_autofree char *base = g_path_get_dirname (absolute);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  RegistryParse parse = { problems, lines, base };
  gsize len;

  if (!g_file_get_contents (path, &text, &len, &error))
    {
      registry_wrong (&parse, "", "%s", error->message);
      return NULL;
    }
  config = registry_config_parse (text, len, base, problems);
  if (config && !load_network_files (config, &parse, text, len))
    return NULL;
  if (config && config->tls_certificate)
    {
      g_autoptr (GTlsCertificate) certificate =
          g_tls_certificate_new_from_files (config->tls_certificate, config->tls_key, &error);

      if (!certificate)
        {
          scope_json_walk (text, len, registry_parse_note_line, &parse, NULL, NULL);
          registry_wrong (&parse, strstr (error->message, config->tls_key) ? "tlsKey" : "tlsCertificate", "%s",
                          error->message);
          return NULL;
        }
    }
  return g_steal_pointer (&config);
}

void
registry_config_free (RegistryConfig *config)
{
  g_object_unref (config->listen);
  g_free (config->prefix);
  g_ptr_array_unref (config->networks);
  g_free (config->tls_certificate);
  g_free (config->tls_key);
  g_array_unref (config->trusted_proxies);
  g_ptr_array_unref (config->stun_listen);
  g_free (config->state_directory);
  g_free (config);
}

const RegistryNetworkConfig *
registry_config_find (const RegistryConfig *config, const char *network)
{
  for (guint i = 0; i < config->networks->len; i++)
    {
      const RegistryNetworkConfig *candidate = g_ptr_array_index (config->networks, i);
      if (g_str_equal (candidate->name, network))
        return candidate;
    }
  return NULL;
}
