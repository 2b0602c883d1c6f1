/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-config.h"

#include "common/scope-endpoint.h"
#include "common/scope-settings.h"
#include "common/scope-json.h"
#include "wire/scope-roster.h"

#include <string.h>

#define PATH_MAX_LEN 512 /* longer paths of members are not ours: no line is kept for them */

/* What parsing carries about. */
typedef struct {
  GPtrArray *problems;
  GHashTable *lines; /* path → line */
  const char *base;
} Parse;

static void
problem_free (RegistryProblem *problem)
{
  g_free (problem->field);
  g_free (problem->message);
  g_free (problem);
}

GPtrArray *
registry_problems_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) problem_free);
}

char *
registry_problem_format (const RegistryProblem *problem, const char *file)
{
  g_autoptr (GString) text = g_string_new (file);

  if (problem->line)
    g_string_append_printf (text, ":%u", problem->line);
  g_string_append (text, ": ");
  if (*problem->field)
    g_string_append_printf (text, "%s: ", problem->field);
  if (problem->warning)
    g_string_append (text, "warning: ");
  g_string_append (text, problem->message);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* The line of the member, or of what holds it when it is missing. */
static guint
line_of (Parse *parse, const char *field)
{
  g_autofree char *path = g_strdup (field);

  for (;;)
    {
      guint line = GPOINTER_TO_UINT (g_hash_table_lookup (parse->lines, path));
      char *cut = path + strlen (path);

      if (line || cut == path)
        return line;
      while (cut > path && *cut != '.' && *cut != '[')
        cut--;
      *cut = '\0';
    }
}

G_GNUC_PRINTF (4, 5)
static void
report (Parse *parse, gboolean warning, const char *field, const char *format, ...)
{
  RegistryProblem *problem = g_new0 (RegistryProblem, 1);
  va_list args;

  va_start (args, format);
  problem->message = g_strdup_vprintf (format, args);
  va_end (args);
  problem->warning = warning;
  problem->field = g_strdup (field);
  problem->line = line_of (parse, field);
  g_ptr_array_add (parse->problems, problem);
}

#define wrong(parse, ...) report (parse, FALSE, __VA_ARGS__)
#define warn(parse, ...) report (parse, TRUE, __VA_ARGS__)

static void
note_line (const char *path, guint line, gpointer user_data)
{
  Parse *parse = user_data;

  if (strlen (path) > PATH_MAX_LEN)
    return;
  if (!g_hash_table_replace (parse->lines, g_strdup (path), GUINT_TO_POINTER (line)) && *path)
    warn (parse, path, "given more than once, the last one counts");
}

/* Members one by one. NULL and no problem when it is not there. */

static JsonNode *
member (JsonObject *object, const char *name)
{
  return object ? json_object_get_member (object, name) : NULL;
}

static const char *
get_string (Parse *parse, JsonNode *node, const char *field)
{
  if (!node)
    return NULL;
  if (json_node_get_value_type (node) == G_TYPE_STRING)
    return json_node_get_string (node);
  wrong (parse, field, "expected a string");
  return NULL;
}

static guint
get_number (Parse *parse, JsonNode *node, const char *field, guint min, guint max, guint fallback)
{
  gint64 value;

  if (!node)
    return fallback;
  value = json_node_get_value_type (node) == G_TYPE_INT64 ? json_node_get_int (node) : -1;
  if (value >= min && value <= max)
    return value;
  if (json_node_get_value_type (node) == G_TYPE_STRING)
    wrong (parse, field, "expected a number, without quotes");
  else
    wrong (parse, field, "expected a whole number from %u to %u", min, max);
  return fallback;
}

static JsonObject *
get_object (Parse *parse, JsonNode *node, const char *field)
{
  if (!node)
    return NULL;
  if (JSON_NODE_HOLDS_OBJECT (node))
    return json_node_get_object (node);
  wrong (parse, field, "expected an object");
  return NULL;
}

static JsonArray *
get_array (Parse *parse, JsonNode *node, const char *field, const char *example, guint max)
{
  if (!node)
    return NULL;
  if (!JSON_NODE_HOLDS_ARRAY (node))
    wrong (parse, field, "expected an array such as [\"%s\"]", example);
  else if (json_array_get_length (json_node_get_array (node)) > max)
    wrong (parse, field, "more than %u entries", max);
  else
    return json_node_get_array (node);
  return NULL;
}

static char *
get_file (Parse *parse, JsonObject *root, const char *name)
{
  const char *value = get_string (parse, member (root, name), name);

  if (!value)
    return NULL;
  if (!*value)
    {
      wrong (parse, name, "expected a file name");
      return NULL;
    }
  return g_canonicalize_filename (value, parse->base);
}

static void
check_names (Parse *parse, JsonObject *object, const char *path, const char *const *known)
{
  g_autoptr (GList) names = object ? json_object_get_members (object) : NULL;

  for (GList *l = names; l; l = l->next)
    {
      g_autofree char *field = *path ? g_strdup_printf ("%s.%s", path, (char *) l->data) : g_strdup (l->data);

      if (!g_strv_contains (known, l->data))
        warn (parse, field, "unknown, ignored");
    }
}

/* Sections */

static GInetAddress *
parse_listen (Parse *parse, JsonObject *root)
{
  const char *text = get_string (parse, member (root, "listen"), "listen");
  GInetAddress *address;

  if (!text || g_str_equal (text, "localhost"))
    return g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  address = g_inet_address_new_from_string (text);
  if (address)
    return address;
  wrong (parse, "listen", "“%.60s” is not an IP address", text);
  return g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
}

static char *
parse_prefix (Parse *parse, JsonObject *root)
{
  const char *text = get_string (parse, member (root, "prefix"), "prefix");
  gsize len = text ? strlen (text) : 0;

  while (len && text[len - 1] == '/')
    len--;
  if (len &&
      (text[0] != '/' || len > 256 || strstr (text, "//") || strstr (text, "/./") || strstr (text, "/../") ||
       strspn (text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/") < len))
    {
      wrong (parse, "prefix", "expected a path such as /pathPrefix (letters, digits and -._~)");
      len = 0;
    }
  return g_strndup (text ? text : "", len);
}

static void
network_config_free (RegistryNetworkConfig *network)
{
  g_free (network->name);
  g_free (network->end);
  g_clear_pointer (&network->ranges, g_array_unref);
  g_free (network);
}

static void
parse_self (Parse *parse, JsonObject *self, RegistryNetworkConfig *network)
{
  static const char *const known[] = { "heartbeat", "end", "range", "type", "pub", NULL };
  g_autofree char *path = g_strconcat ("self.", network->name, NULL);
  g_autofree char *heartbeat = g_strconcat (path, ".heartbeat", NULL);
  g_autofree char *end = g_strconcat (path, ".end", NULL);
  g_autofree char *range = g_strconcat (path, ".range", NULL);
  g_autoptr (GError) error = NULL;
  JsonObject *object = get_object (parse, member (self, network->name), path);
  const char *text;

  if (!object)
    return;
  check_names (parse, object, path, known);
  network->heartbeat = get_number (parse, member (object, "heartbeat"), heartbeat, 0, G_MAXUINT16, network->heartbeat);

  text = get_string (parse, member (object, "end"), end);
  if (text && !scope_endpoint_parse (text, NULL, NULL, &error))
    wrong (parse, end, "%s", error->message);
  else
    network->end = g_strdup (text);
  g_clear_error (&error);

  text = get_string (parse, member (object, "range"), range);
  network->ranges = text ? scope_prefix_parse_list (text, SCOPE_ROSTER_MAX_RANGES, &error) : NULL;
  if (error)
    wrong (parse, range, "%s", error->message);
}

static void
parse_networks (Parse *parse, JsonObject *root, RegistryConfig *config)
{
  guint heartbeat = get_number (parse, member (root, "heartbeat"), "heartbeat", 0, G_MAXUINT16,
                                SCOPE_ROSTER_HEARTBEAT);
  JsonArray *names = get_array (parse, member (root, "networks"), "networks", "wg0", REGISTRY_MAX_NETWORKS);
  JsonObject *self = get_object (parse, member (root, "self"), "self");
  g_autoptr (GList) selves = self ? json_object_get_members (self) : NULL;

  if (!json_object_has_member (root, "networks"))
    wrong (parse, "networks", "missing: name the WireGuard interfaces to serve");
  else if (names && json_array_get_length (names) == 0)
    warn (parse, "networks", "no networks: nobody is served");

  for (guint i = 0; names && i < json_array_get_length (names); i++)
    {
      g_autofree char *field = g_strdup_printf ("networks[%u]", i);
      const char *name = get_string (parse, json_array_get_element (names, i), field);
      RegistryNetworkConfig *network;

      if (!name)
        continue;
      if (!scope_ifname_valid (name))
        {
          wrong (parse, field, "“%.40s” is not an interface name (1 to 15 letters, digits and _.-+=@)", name);
          continue;
        }
      if (registry_config_find (config, name))
        {
          wrong (parse, field, "“%s” is listed twice", name);
          continue;
        }
      network = g_new0 (RegistryNetworkConfig, 1);
      network->name = g_strdup (name);
      network->heartbeat = heartbeat;
      g_ptr_array_add (config->networks, network);
      parse_self (parse, self, network);
    }

  for (GList *l = selves; l; l = l->next)
    if (!registry_config_find (config, l->data))
      {
        g_autofree char *field = g_strdup_printf ("self.%s", (char *) l->data);
        warn (parse, field, "not in networks, ignored");
      }
}

static void
parse_proxies (Parse *parse, JsonObject *root, RegistryConfig *config)
{
  JsonArray *array = get_array (parse, member (root, "trustedProxies"), "trustedProxies", "127.0.0.1", 256);

  for (guint i = 0; array && i < json_array_get_length (array); i++)
    {
      g_autofree char *field = g_strdup_printf ("trustedProxies[%u]", i);
      const char *text = get_string (parse, json_array_get_element (array, i), field);
      ScopePrefix prefix;

      if (!text)
        continue;
      if (!scope_prefix_parse (&prefix, text))
        {
          wrong (parse, field, "“%.60s” is not an address or prefix such as 192.0.2.1 or 10.0.0.0/8", text);
          continue;
        }
      scope_prefix_mask (&prefix);
      g_array_append_val (config->trusted_proxies, prefix);
    }
}

static void
parse_limits (Parse *parse, JsonObject *root, RegistryLimits *limits)
{
  static const char *const known[] = { "connections", "connectionsPerAddress", "requestsPerMinute",
                                       "bodyBytes",   "frameBytes",            "queueBytes",
                                       "idleSeconds", "requestSeconds",        NULL };
  JsonObject *object = get_object (parse, member (root, "limits"), "limits");

  check_names (parse, object, "limits", known);

#define LIMIT(name, min, max, fallback) get_number (parse, member (object, name), "limits." name, min, max, fallback)
  limits->connections = LIMIT ("connections", 0, 1000000, 0);
  limits->connections_per_address = LIMIT ("connectionsPerAddress", 0, 1000000, 256);
  limits->requests_per_minute = LIMIT ("requestsPerMinute", 0, 1000000, 6000);
  limits->body_bytes = LIMIT ("bodyBytes", 1024, 64 * 1024 * 1024, 1024 * 1024);
  limits->frame_bytes = LIMIT ("frameBytes", 128, 16 * 1024 * 1024, 64 * 1024);
  limits->queue_bytes = LIMIT ("queueBytes", 1024, 64 * 1024 * 1024, 256 * 1024);
  limits->idle_seconds = LIMIT ("idleSeconds", 1, 86400, 60);
  limits->request_seconds = LIMIT ("requestSeconds", 1, 3600, 10);
#undef LIMIT
  limits->loopback_limited = member (object, "connectionsPerAddress") || member (object, "requestsPerMinute");
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
                                       "trustedProxies", "stateDirectory", "limits",         NULL };
  g_autoptr (GHashTable) lines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (RegistryConfig) config = NULL;
  g_autoptr (JsonObject) root = NULL;
  g_autoptr (GError) error = NULL;
  Parse parse = { problems, lines, base };
  guint line = 0;

  if (len > REGISTRY_CONFIG_MAX_BYTES)
    {
      wrong (&parse, "", "larger than %d bytes", REGISTRY_CONFIG_MAX_BYTES);
      return NULL;
    }
  if (!scope_json_walk (text, len, note_line, &parse, &line, &error))
    {
      const char *colon = strchr (error->message, ' ');

      /* "line N: what": the line is said already */
      colon = colon ? strstr (colon, ": ") : NULL;
      g_hash_table_replace (lines, g_strdup (""), GUINT_TO_POINTER (line));
      wrong (&parse, "", "%s", colon ? colon + 2 : error->message);
      return NULL;
    }
  root = scope_json_parse_object (text, len, REGISTRY_CONFIG_MAX_BYTES, &error);
  if (!root)
    {
      wrong (&parse, "", "%s", error->message);
      return NULL;
    }

  config = g_new0 (RegistryConfig, 1);
  config->networks = g_ptr_array_new_with_free_func ((GDestroyNotify) network_config_free);
  config->trusted_proxies = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  check_names (&parse, root, "", known);
  config->listen = parse_listen (&parse, root);
  config->listen_port = get_number (&parse, member (root, "listenPort"), "listenPort", 0, G_MAXUINT16, 8000);
  config->prefix = parse_prefix (&parse, root);
  parse_networks (&parse, root, config);
  parse_proxies (&parse, root, config);
  parse_limits (&parse, root, &config->limits);
  config->tls_certificate = get_file (&parse, root, "tlsCertificate");
  config->tls_key = get_file (&parse, root, "tlsKey");
  config->state_directory = get_file (&parse, root, "stateDirectory");
  if (config->tls_certificate && !json_object_has_member (root, "tlsKey"))
    wrong (&parse, "tlsKey", "missing: tlsCertificate needs its private key");
  if (config->tls_key && !json_object_has_member (root, "tlsCertificate"))
    wrong (&parse, "tlsCertificate", "missing: tlsKey needs its certificate");

  g_ptr_array_sort (problems, by_line);
  return is_usable (problems) ? g_steal_pointer (&config) : NULL;
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
  Parse parse = { problems, lines, base };
  gsize len;

  if (!g_file_get_contents (path, &text, &len, &error))
    {
      wrong (&parse, "", "%s", error->message);
      return NULL;
    }
  config = registry_config_parse (text, len, base, problems);
  if (config && config->tls_certificate)
    {
      g_autoptr (GTlsCertificate) certificate =
          g_tls_certificate_new_from_files (config->tls_certificate, config->tls_key, &error);

      if (!certificate)
        {
          scope_json_walk (text, len, note_line, &parse, NULL, NULL);
          wrong (&parse, strstr (error->message, config->tls_key) ? "tlsKey" : "tlsCertificate", "%s", error->message);
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
