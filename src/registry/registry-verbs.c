/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-verbs.h"

#include "common/scope-error.h"
#include "registry/registry-answer.h"
#include "registry/registry-detail.h"
#include "common/scope-json.h"

#include <string.h>

typedef struct {
  RegistryNetwork *network;
  RegistryDetail *detail;
} Served;

struct _RegistryVerbs {
  RegistryReadFunc read;
  RegistryMessages *messages;
  GHashTable *served; /* Served, by network name */
  GBytes *networks;   /* the answer to GET /networks */
};

/* The verbs */

void
registry_verbs_networks (RegistryVerbs *verbs, SoupServerMessage *message)
{
  registry_answer (message, SOUP_STATUS_OK, REGISTRY_JSON_TYPE, verbs->networks);
}

/* NULL when it must be asked again after @wait, or, answered, when the device or the network is not there. */
static Served *
find_served (RegistryVerbs *verbs, SoupServerMessage *message, const char *name, guint *wait)
{
  Served *served = g_hash_table_lookup (verbs->served, name);

  if (!served)
    {
      registry_answer_error (message, SOUP_STATUS_FORBIDDEN, name, "noPermission");
      return NULL;
    }
  *wait = registry_network_refresh (served->network, g_get_monotonic_time ());
  if (*wait)
    return NULL;
  if (!registry_network_is_up (served->network, NULL))
    {
      soup_message_headers_replace (soup_server_message_get_response_headers (message), "Retry-After", "1");
      registry_answer_error (message, SOUP_STATUS_SERVICE_UNAVAILABLE, name, "unavailable");
      return NULL;
    }
  return served;
}

static Served *
find_listed (RegistryVerbs *verbs, SoupServerMessage *message, const RegistryPath *path, ScopeKey *key, guint *wait)
{
  Served *served = find_served (verbs, message, path->network, wait);
  ScopeRosterPeer *peer = served ? registry_network_find (served->network, path->key) : NULL;

  if (served && !peer)
    {
      *wait = registry_network_recheck (served->network, g_get_monotonic_time ());
      if (*wait)
        return NULL;
      peer = registry_network_find (served->network, path->key);
    }
  if (peer)
    *key = peer->pub;
  else if (served)
    registry_answer_error (message, SOUP_STATUS_NOT_FOUND, path->network, "notFound");
  return peer ? served : NULL;
}

void
registry_verbs_get (RegistryVerbs *verbs, SoupServerMessage *message, const RegistryPath *path, guint *wait)
{
  ScopeKey key;
  Served *served = find_listed (verbs, message, path, &key, wait);

  if (served)
    registry_answer (message, SOUP_STATUS_OK, REGISTRY_JSON_TYPE, registry_network_get_answer (served->network));
}

void
registry_verbs_detail (RegistryVerbs *verbs, SoupServerMessage *message, const RegistryPath *path, const GArray *links,
                       guint *wait)
{
  ScopeKey key;
  Served *served = find_listed (verbs, message, path, &key, wait);
  g_autoptr (GBytes) body = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *field = NULL;

  if (!served)
    return;
  if (g_ascii_strcasecmp (soup_server_message_get_method (message), "PUT") != 0)
    {
      body = registry_detail_get (served->detail, served->network, &key, links);
      registry_answer (message, SOUP_STATUS_OK, REGISTRY_JSON_TYPE, body);
      return;
    }
  body = soup_message_body_flatten (soup_server_message_get_request_body (message));
  if (registry_detail_put (served->detail, served->network, &key, g_bytes_get_data (body, NULL),
                           g_bytes_get_size (body), &field, &error))
    registry_answer_text (message, SOUP_STATUS_OK, "OK");
  else if (scope_err_invalid (error))
    registry_answer_bad_field (message, field);
  else
    registry_answer_error (message, SOUP_STATUS_SERVICE_UNAVAILABLE, path->network, "full");
}

/* What is known is enough to recognise a key that was listed before; reading is left to who asks next. */
static gboolean
update (Served *served, const char *key, guint *wait)
{
  RegistryNetwork *network = served->network;
  gint64 now = g_get_monotonic_time ();

  if (!registry_network_is_up (network, NULL))
    {
      *wait = registry_network_refresh (network, now);
      return !*wait && registry_network_is_up (network, NULL) && registry_network_find (network, key);
    }
  if (registry_network_find (network, key))
    {
      registry_network_mark_stale (network);
      return TRUE;
    }
  *wait = registry_network_recheck (network, now);
  return !*wait && registry_network_find (network, key);
}

void
registry_verbs_update (RegistryVerbs *verbs, SoupServerMessage *message, const RegistryPath *path, guint *wait)
{
  Served *named = g_hash_table_lookup (verbs->served, path->network);
  GHashTableIter iter;
  gpointer value;
  guint later = 0;
  ScopeKey key;

  /* As 0.0.x edges do it: /update/<network>/<key> */
  if (named && update (named, path->key, &later))
    {
      registry_messages_announce (verbs->messages, path->network);
      registry_answer_text (message, SOUP_STATUS_OK, "OK");
      return;
    }
  *wait = later;

  /* As 0.0.x documents it: /update/<key> */
  g_hash_table_iter_init (&iter, verbs->served);
  while (strlen (path->rest) <= 2 * SCOPE_KEY_BASE64_LEN && g_hash_table_iter_next (&iter, NULL, &value))
    {
      Served *served = value;

      later = 0;
      if (update (served, path->rest, &later))
        {
          ScopeRosterPeer *peer = registry_network_find (served->network, path->rest);
          char text[SCOPE_KEY_BASE64_LEN + 1];

          *wait = 0;
          registry_messages_announce (verbs->messages, scope_key_to_base64 (&peer->pub, text));
          registry_answer_text (message, SOUP_STATUS_OK, "OK");
          return;
        }
      *wait = MAX (*wait, later);
    }
  if (*wait)
    return;
  if (named || !*path->key || scope_key_parse (&key, path->rest))
    registry_answer_error (message, SOUP_STATUS_NOT_FOUND, named ? path->network : "", "notFound");
  else
    registry_answer_error (message, SOUP_STATUS_FORBIDDEN, path->network, "noPermission");
}

/* The networks */

static void
served_free (gpointer data)
{
  Served *served = data;

  registry_network_free (served->network);
  registry_detail_free (served->detail);
  g_free (served);
}

RegistryVerbs *
registry_verbs_new (RegistryReadFunc read, RegistryMessages *messages)
{
  RegistryVerbs *verbs = g_new0 (RegistryVerbs, 1);

  verbs->read = read;
  verbs->messages = messages;
  verbs->served = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, served_free);
  return verbs;
}

void
registry_verbs_free (RegistryVerbs *verbs)
{
  g_hash_table_unref (verbs->served);
  g_clear_pointer (&verbs->networks, g_bytes_unref);
  g_free (verbs);
}

static char *
detail_file (const RegistryConfig *config, const char *network)
{
  g_autofree char *name = g_strdup_printf ("detail-%s.json", network);

  return config->state_directory ? g_build_filename (config->state_directory, name, NULL) : NULL;
}

void
registry_verbs_configure (RegistryVerbs *verbs, const RegistryConfig *config)
{
  g_autoptr (GString) names = g_string_new ("[");
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, verbs->served);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    {
      const RegistryNetworkConfig *network = registry_config_find (config, name);

      if (!network || !network->interface)
        g_hash_table_iter_remove (&iter);
    }

  for (guint i = 0; i < config->networks->len; i++)
    {
      const RegistryNetworkConfig *network = g_ptr_array_index (config->networks, i);
      Served *served = g_hash_table_lookup (verbs->served, network->name);

      if (names->len > 1)
        g_string_append_c (names, ',');
      scope_json_append_string (names, network->name);
      if (!network->interface) /* v1 only: editors list it, 0.0.x looks only for those that it knows */
        continue;
      if (!served)
        {
          g_autofree char *file = detail_file (config, network->name);

          served = g_new (Served, 1);
          served->network = registry_network_new (network->name, verbs->read);
          served->detail = registry_detail_new (network->name, file);
          g_hash_table_insert (verbs->served, (char *) registry_network_get_name (served->network), served);
        }
      registry_network_configure (served->network, network);
    }
  g_string_append_c (names, ']');
  g_clear_pointer (&verbs->networks, g_bytes_unref);
  verbs->networks = g_string_free_to_bytes (g_steal_pointer (&names));
}

RegistryNetwork *
registry_verbs_get_network (const RegistryVerbs *verbs, const char *name)
{
  Served *served = g_hash_table_lookup (verbs->served, name);

  return served ? served->network : NULL;
}
