/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-config.h"

#include "common/scope-endpoint.h"
#include "common/scope-error.h"
#include "common/scope-settings.h"
#include "common/scope-json.h"
#include "wire/scope-roster.h"

#include <glib/gstdio.h>
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
  g_free (network->interface);
  g_free (network->end);
  g_clear_pointer (&network->ranges, g_array_unref);
  g_free (network->path);
  g_clear_pointer (&network->file, registry_network_file_free);
  g_clear_pointer (&network->listed, g_hash_table_unref);
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

/* Networks */

static gboolean
is_new (Parse *parse, const RegistryConfig *config, const char *field, const char *name)
{
  if (!registry_config_find (config, name))
    return TRUE;
  wrong (parse, field, "“%s” is listed twice", name);
  return FALSE;
}

/* As 0.0.x has it: the name of a WireGuard interface */
static gboolean
parse_interface (Parse *parse, JsonNode *node, const char *field, const RegistryConfig *config,
                 RegistryNetworkConfig *network)
{
  const char *name;

  if (json_node_get_value_type (node) != G_TYPE_STRING)
    {
      wrong (parse, field, "expected a string, or an object");
      return FALSE;
    }
  name = json_node_get_string (node);
  if (!scope_ifname_valid (name))
    {
      wrong (parse, field, "“%.40s” is not an interface name (1 to 15 letters, digits and _.-+=@)", name);
      return FALSE;
    }
  network->name = g_strdup (name);
  network->interface = g_strdup (name);
  return is_new (parse, config, field, name);
}

static guint
parse_admission (Parse *parse, JsonObject *object, const char *field)
{
  static const char *const names[] = { "listed", "token", "granted" };
  JsonArray *array = get_array (parse, member (object, "admission"), field, "token", G_N_ELEMENTS (names));
  guint admission = 0;

  if (!json_object_has_member (object, "admission"))
    return REGISTRY_ADMISSION_TOKEN | REGISTRY_ADMISSION_GRANTED |
           (json_object_has_member (object, "listed") ? REGISTRY_ADMISSION_LISTED : 0);
  for (guint i = 0; array && i < json_array_get_length (array); i++)
    {
      g_autofree char *path = g_strdup_printf ("%s[%u]", field, i);
      const char *text = get_string (parse, json_array_get_element (array, i), path);
      guint j = 0;

      while (text && j < G_N_ELEMENTS (names) && !g_str_equal (text, names[j]))
        j++;
      if (text && j == G_N_ELEMENTS (names))
        wrong (parse, path, "“%.40s” is none of listed, token, granted", text);
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
parse_listed_one (Parse *parse, JsonObject *object, const char *text, const char *path, GHashTable *table)
{
  static const char *const known[] = { "role", "name", NULL };
  g_autofree char *field = g_strdup_printf ("%s.%s", path, text);
  g_autofree char *role_field = g_strconcat (field, ".role", NULL);
  g_autofree char *name_field = g_strconcat (field, ".name", NULL);
  JsonObject *entry = get_object (parse, member (object, text), field);
  const char *role = get_string (parse, member (entry, "role"), role_field);
  const char *name = get_string (parse, member (entry, "name"), name_field);
  RegistryListed *listed;
  ScopeKey key;

  if (!entry)
    return;
  check_names (parse, entry, field, known);
  if (!scope_key_parse (&key, text))
    {
      wrong (parse, field, "“%.60s” is not a WireGuard public key", text);
      return;
    }
  if (g_hash_table_contains (table, &key))
    {
      wrong (parse, field, "the same key is listed twice");
      return;
    }
  listed = g_new0 (RegistryListed, 1);
  if (role && !scope_role_parse (&listed->role, role))
    wrong (parse, role_field, "“%.40s” is none of edge, relay, master", role);
  if (name && g_utf8_strlen (name, -1) > 64)
    wrong (parse, name_field, "longer than 64 characters");
  listed->name = g_strdup (name);
  g_hash_table_insert (table, g_memdup2 (&key, sizeof key), listed);
}

static void
parse_listed (Parse *parse, JsonObject *object, const char *path, RegistryNetworkConfig *network)
{
  JsonObject *keys = get_object (parse, member (object, "listed"), path);
  g_autoptr (GList) names = keys ? json_object_get_members (keys) : NULL;

  if (!keys)
    return;
  network->listed = g_hash_table_new_full (scope_key_hash, scope_key_equal, g_free, listed_free);
  if (json_object_get_size (keys) > REGISTRY_MAX_LISTED)
    {
      wrong (parse, path, "more than %d keys", REGISTRY_MAX_LISTED);
      return;
    }
  for (GList *l = names; l; l = l->next)
    parse_listed_one (parse, keys, l->data, path, network->listed);
}

static gboolean
get_boolean (Parse *parse, JsonNode *node, const char *field)
{
  if (!node)
    return FALSE;
  if (json_node_get_value_type (node) == G_TYPE_BOOLEAN)
    return json_node_get_boolean (node);
  wrong (parse, field, "expected true or false");
  return FALSE;
}

/* A v1 network. Its file is read later: parsing touches none. */
static gboolean
parse_v1 (Parse *parse, JsonObject *object, const char *path, const RegistryConfig *config,
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
  const char *name = get_string (parse, member (object, "name"), name_field);
  const char *file = get_string (parse, member (object, "file"), file_field);
  const char *interface = get_string (parse, member (object, "interface"), interface_field);

  check_names (parse, object, path, known);
  if (!json_object_has_member (object, "name"))
    wrong (parse, name_field, "missing");
  if (name && !scope_network_name_valid (name))
    {
      wrong (parse, name_field, "“%.80s” is not a network's name (1 to 64 letters, digits and _.-+=@)", name);
      name = NULL;
    }
  if (!json_object_has_member (object, "file"))
    wrong (parse, file_field, "missing: the file that scopectl network create wrote");
  else if (file && !*file)
    wrong (parse, file_field, "expected a file name");
  else if (file)
    network->path = g_canonicalize_filename (file, parse->base);
  if (interface && !scope_ifname_valid (interface))
    wrong (parse, interface_field, "“%.40s” is not an interface name (1 to 15 letters, digits and _.-+=@)", interface);
  else
    network->interface = g_strdup (interface);

  network->admission = parse_admission (parse, object, admission_field);
  parse_listed (parse, object, listed_field, network);
  network->heartbeat = get_number (parse, member (object, "heartbeat"), heartbeat_field, 0, G_MAXUINT16, network->heartbeat);
  network->epoch_seconds = get_number (parse, member (object, "epochSeconds"), epoch_field, 60, 7 * 86400, REGISTRY_EPOCH_SECONDS);
  network->killed = get_boolean (parse, member (object, "killed"), killed_field);
  network->name = g_strdup (name);
  return name && is_new (parse, config, name_field, name);
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
        network_config_free (network);
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

/* The files of v1 networks */

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
  JsonNode *node = member (object, "prefixes");
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
  JsonNode *delegation = member (object, "delegation");
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
static RegistryNetworkFile *
load_network_file (const RegistryNetworkConfig *network, GError **error)
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

static gboolean
load_network_files (RegistryConfig *config, Parse *parse, const char *text, gsize len)
{
  gboolean good = TRUE;

  for (guint i = 0; i < config->networks->len; i++)
    {
      RegistryNetworkConfig *network = g_ptr_array_index (config->networks, i);
      g_autofree char *field = g_strdup_printf ("networks[%u].file", i);
      g_autoptr (GError) error = NULL;

      if (!network->path || (network->file = load_network_file (network, &error)))
        continue;
      if (good)
        scope_json_walk (text, len, note_line, parse, NULL, NULL);
      good = FALSE;
      wrong (parse, field, "%s", error->message);
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
  Parse parse = { problems, lines, base };
  gsize len;

  if (!g_file_get_contents (path, &text, &len, &error))
    {
      wrong (&parse, "", "%s", error->message);
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
