/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-server.h"

#include "common/scope-error.h"
#include "registry/registry-detail.h"
#include "registry/registry-hub.h"
#include "registry/registry-limits.h"
#include "registry/registry-listener.h"
#include "registry/registry-path.h"
#include "wire/scope-json.h"

#include <errno.h>
#include <libsoup/soup.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define JSON_TYPE "application/json"
#define TEXT_TYPE "text/plain; charset=utf-8"
#define SWEEP_SECONDS 10

typedef struct {
  RegistryNetwork *network;
  RegistryDetail *detail;
} Served;

struct _RegistryServer {
  SoupServer *soup;
  RegistryReadFunc read;
  RegistryConfig *config;
  RegistryAccounts *accounts;
  RegistryListener *listener;
  RegistryHub *hub;
  GHashTable *served; /* Served, by network name */
  GBytes *networks;   /* the answer to GET /networks */
  GHashTable *waiting;
  int placeholder;
  guint hook_signal;
  gulong hook;
  guint sweep;
  gboolean draining;
};

/* A request that waits for a device that must not be read yet. */
typedef struct {
  RegistryServer *server;
  SoupServerMessage *message;
  guint timer;
} Waiting;

static gboolean route (RegistryServer *server, SoupServerMessage *message, guint *wait);

/* Answers */

static void
answer (SoupServerMessage *message, guint status, const char *type, GBytes *body)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);

  soup_server_message_set_status (message, status, NULL);
  soup_message_headers_replace (headers, "Content-Type", type);
  soup_message_headers_replace (headers, "Cache-Control", "no-store");
  soup_message_body_append_bytes (soup_server_message_get_response_body (message), body);
}

static void
answer_text (SoupServerMessage *message, guint status, const char *text)
{
  g_autoptr (GBytes) body = g_bytes_new_static (text, strlen (text));

  answer (message, status, TEXT_TYPE, body);
}

/* As 0.0.x writes it, with the name escaped. */
static void
answer_error (SoupServerMessage *message, guint status, const char *network, const char *error)
{
  g_autoptr (GString) text = g_string_new ("{\"ifname\":");
  g_autoptr (GBytes) body = NULL;

  scope_json_append_string (text, network);
  g_string_append (text, ", \"error\": ");
  scope_json_append_string (text, error);
  g_string_append_c (text, '}');
  body = g_string_free_to_bytes (g_steal_pointer (&text));
  answer (message, status, JSON_TYPE, body);
}

static void
answer_bad_field (SoupServerMessage *message, const char *field)
{
  g_autoptr (GString) text = g_string_new ("{\"error\":\"badRequest\",\"field\":");
  g_autoptr (GBytes) body = NULL;

  scope_json_append_string (text, field);
  g_string_append_c (text, '}');
  body = g_string_free_to_bytes (g_steal_pointer (&text));
  answer (message, SOUP_STATUS_BAD_REQUEST, JSON_TYPE, body);
}

static void
answer_later (SoupServerMessage *message, guint status, guint seconds, const char *text)
{
  char number[16];

  g_snprintf (number, sizeof number, "%u", seconds);
  soup_message_headers_replace (soup_server_message_get_response_headers (message), "Retry-After", number);
  answer_text (message, status, text);
}

static void
close_after (SoupServerMessage *message)
{
  soup_message_headers_replace (soup_server_message_get_response_headers (message), "Connection", "close");
}

/* Who asks */

static RegistryConnection *
connection_of (SoupServerMessage *message)
{
  return registry_connection_get (soup_server_message_get_remote_address (message));
}

static ScopePrefix
client_of (RegistryServer *server, SoupServerMessage *message, RegistryConnection *connection)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  const char *forwarded = NULL;

  if (server->config->trusted_proxies->len)
    forwarded = soup_message_headers_get_list (headers, "X-Forwarded-For");
  return registry_client_address (server->config, registry_connection_peer (connection), forwarded);
}

/* The verbs. Each returns FALSE and sets *wait when it must be asked again. */

/* NULL, and answered, when there is no such network or its device is not there. */
static Served *
find_served (RegistryServer *server, SoupServerMessage *message, const char *name, guint *wait)
{
  Served *served = g_hash_table_lookup (server->served, name);

  if (!served)
    {
      answer_error (message, SOUP_STATUS_FORBIDDEN, name, "noPermission");
      return NULL;
    }
  *wait = registry_network_refresh (served->network, g_get_monotonic_time ());
  if (*wait)
    return NULL;
  if (!registry_network_is_up (served->network, NULL))
    {
      soup_message_headers_replace (soup_server_message_get_response_headers (message), "Retry-After", "1");
      answer_error (message, SOUP_STATUS_SERVICE_UNAVAILABLE, name, "unavailable");
      return NULL;
    }
  return served;
}

static Served *
find_listed (RegistryServer *server, SoupServerMessage *message, const RegistryPath *path, ScopeKey *key, guint *wait)
{
  Served *served = find_served (server, message, path->network, wait);
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
    answer_error (message, SOUP_STATUS_NOT_FOUND, path->network, "notFound");
  return peer ? served : NULL;
}

static void
on_get (RegistryServer *server, SoupServerMessage *message, const RegistryPath *path, guint *wait)
{
  ScopeKey key;
  Served *served = find_listed (server, message, path, &key, wait);

  if (served)
    answer (message, SOUP_STATUS_OK, JSON_TYPE, registry_network_get_answer (served->network));
}

static void
on_detail (RegistryServer *server, SoupServerMessage *message, const RegistryPath *path, guint *wait)
{
  ScopeKey key;
  Served *served = find_listed (server, message, path, &key, wait);
  g_autoptr (GBytes) body = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *field = NULL;

  if (!served)
    return;
  if (g_ascii_strcasecmp (soup_server_message_get_method (message), "PUT") != 0)
    {
      body = registry_detail_get (served->detail, served->network, &key);
      answer (message, SOUP_STATUS_OK, JSON_TYPE, body);
      return;
    }
  body = soup_message_body_flatten (soup_server_message_get_request_body (message));
  if (registry_detail_put (served->detail, served->network, &key, g_bytes_get_data (body, NULL),
                           g_bytes_get_size (body), &field, &error))
    answer_text (message, SOUP_STATUS_OK, "OK");
  else if (scope_err_invalid (error))
    answer_bad_field (message, field);
  else
    answer_error (message, SOUP_STATUS_SERVICE_UNAVAILABLE, path->network, "full");
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

static void
on_update (RegistryServer *server, SoupServerMessage *message, const RegistryPath *path, guint *wait)
{
  Served *named = g_hash_table_lookup (server->served, path->network);
  GHashTableIter iter;
  gpointer value;
  guint later = 0;
  ScopeKey key;

  /* As 0.0.x edges do it: /update/<network>/<key> */
  if (named && update (named, path->key, &later))
    {
      registry_hub_announce (server->hub, path->network);
      answer_text (message, SOUP_STATUS_OK, "OK");
      return;
    }
  *wait = later;

  /* As 0.0.x documents it: /update/<key> */
  g_hash_table_iter_init (&iter, server->served);
  while (strlen (path->rest) <= 2 * SCOPE_KEY_BASE64_LEN && g_hash_table_iter_next (&iter, NULL, &value))
    {
      Served *served = value;

      later = 0;
      if (update (served, path->rest, &later))
        {
          ScopeRosterPeer *peer = registry_network_find (served->network, path->rest);
          char text[SCOPE_KEY_BASE64_LEN + 1];

          *wait = 0;
          registry_hub_announce (server->hub, scope_key_to_base64 (&peer->pub, text));
          answer_text (message, SOUP_STATUS_OK, "OK");
          return;
        }
      *wait = MAX (*wait, later);
    }
  if (*wait)
    return;
  if (named || !*path->key || scope_key_parse (&key, path->rest))
    answer_error (message, SOUP_STATUS_NOT_FOUND, named ? path->network : "", "notFound");
  else
    answer_error (message, SOUP_STATUS_FORBIDDEN, path->network, "noPermission");
}

/* The WebSocket upgrade */

typedef struct {
  RegistryServer *server;
  ScopePrefix client;
  gboolean counted;
} Upgrade;

static void
upgrade_free (gpointer data, GClosure *closure)
{
  Upgrade *upgrade = data;

  /* The answer was never sent. */
  if (upgrade->counted)
    registry_accounts_disconnect (upgrade->server->accounts, &upgrade->client);
  g_free (upgrade);
}

static void
on_upgraded (SoupServerMessage *message, gpointer user_data)
{
  Upgrade *upgrade = user_data;
  RegistryServer *server = upgrade->server;
  ScopePrefix client = upgrade->client;
  g_autoptr (RegistryConnection) connection = registry_connection_ref (connection_of (message));
  g_autoptr (GIOStream) stream = NULL;

  upgrade->counted = FALSE;
  stream = soup_server_message_steal_connection (message); /* frees @upgrade */
  if (stream)
    registry_hub_add (server->hub, stream, connection, &client);
  else if (!scope_prefix_equal (&client, registry_connection_peer (connection)))
    registry_accounts_disconnect (server->accounts, &client);
}

static void
on_messages (RegistryServer *server, SoupServerMessage *message)
{
  RegistryConnection *connection = connection_of (message);
  ScopePrefix client = client_of (server, message, connection);
  gboolean counted = !scope_prefix_equal (&client, registry_connection_peer (connection));
  Upgrade *upgrade;

  if (server->draining)
    {
      answer_later (message, SOUP_STATUS_SERVICE_UNAVAILABLE, 1, "Stopping");
      return;
    }
  if (counted && !registry_accounts_connect (server->accounts, server->config, &client))
    {
      answer_later (message, 429, 10, "Too Many Connections");
      return;
    }
  if (!soup_websocket_server_process_handshake (message, NULL, NULL, NULL, NULL))
    {
      if (counted)
        registry_accounts_disconnect (server->accounts, &client);
      return;
    }
  upgrade = g_new (Upgrade, 1);
  *upgrade = (Upgrade) { server, client, counted };
  g_signal_connect_data (message, "wrote-informational", G_CALLBACK (on_upgraded), upgrade, upgrade_free, 0);
}

/* Routing */

static const struct {
  RegistryPathKind kind;
  const char *methods[3];
  const char *allow;
} methods[] = {
  { REGISTRY_PATH_NETWORKS, { "GET", "HEAD" }, "GET, HEAD" },
  { REGISTRY_PATH_MESSAGES, { "GET" }, "GET" },
  { REGISTRY_PATH_GET, { "GET", "HEAD" }, "GET, HEAD" },
  { REGISTRY_PATH_UPDATE, { "POST" }, "POST" },
  { REGISTRY_PATH_DETAIL, { "GET", "HEAD", "PUT" }, "GET, HEAD, PUT" },
};

static gboolean
check_method (SoupServerMessage *message, RegistryPathKind kind)
{
  const char *method = soup_server_message_get_method (message);

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      if (methods[i].kind != kind)
        continue;
      for (guint j = 0; j < G_N_ELEMENTS (methods[i].methods) && methods[i].methods[j]; j++)
        if (g_ascii_strcasecmp (method, methods[i].methods[j]) == 0)
          return TRUE;
      soup_message_headers_replace (soup_server_message_get_response_headers (message), "Allow", methods[i].allow);
      answer_text (message, SOUP_STATUS_METHOD_NOT_ALLOWED, "Method Not Allowed");
    }
  return FALSE;
}

/* Answers, or says in @wait after how many ms to try again. */
static gboolean
route (RegistryServer *server, SoupServerMessage *message, guint *wait)
{
  g_auto (RegistryPath) path = { 0 };

  *wait = 0;
  registry_path_parse (&path, g_uri_get_path (soup_server_message_get_uri (message)), server->config->prefix);
  if (path.kind == REGISTRY_PATH_UNKNOWN)
    {
      answer_text (message, SOUP_STATUS_NOT_FOUND, "API Not Found");
      return TRUE;
    }
  if (!check_method (message, path.kind))
    return TRUE;

  switch (path.kind)
    {
    case REGISTRY_PATH_NETWORKS:
      answer (message, SOUP_STATUS_OK, JSON_TYPE, server->networks);
      break;
    case REGISTRY_PATH_MESSAGES:
      on_messages (server, message);
      break;
    case REGISTRY_PATH_GET:
      on_get (server, message, &path, wait);
      break;
    case REGISTRY_PATH_UPDATE:
      on_update (server, message, &path, wait);
      break;
    case REGISTRY_PATH_DETAIL:
      on_detail (server, message, &path, wait);
      break;
    case REGISTRY_PATH_UNKNOWN:
      g_assert_not_reached ();
    }
  return *wait == 0;
}

static void
waiting_free (gpointer data)
{
  Waiting *waiting = data;

  g_clear_handle_id (&waiting->timer, g_source_remove);
  g_object_unref (waiting->message);
  g_free (waiting);
}

static gboolean
on_waited (gpointer user_data)
{
  Waiting *waiting = user_data;
  guint wait;

  if (!route (waiting->server, waiting->message, &wait))
    {
      waiting->timer = g_timeout_add (wait, on_waited, waiting);
      return G_SOURCE_REMOVE;
    }
  waiting->timer = 0;
  soup_server_message_unpause (waiting->message);
  g_hash_table_remove (waiting->server->waiting, waiting);
  return G_SOURCE_REMOVE;
}

static void
on_request (SoupServer *soup, SoupServerMessage *message, const char *path, GHashTable *query, gpointer user_data)
{
  RegistryServer *server = user_data;
  RegistryConnection *connection = connection_of (message);
  guint wait;

  registry_connection_set_state (connection, REGISTRY_CONNECTION_WRITING);
  if (server->draining)
    close_after (message);
  if (route (server, message, &wait))
    return;

  Waiting *waiting = g_new (Waiting, 1);
  waiting->server = server;
  waiting->message = g_object_ref (message);
  waiting->timer = g_timeout_add (wait, on_waited, waiting);
  g_hash_table_add (server->waiting, waiting);
  soup_server_message_pause (message);
}

/* Before the body */

static void
refuse_body (RegistryServer *server, SoupServerMessage *message)
{
  soup_message_body_set_accumulate (soup_server_message_get_request_body (message), FALSE);
  close_after (message);
  answer_text (message, SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE, "Content Too Large");
}

static void
on_chunk (SoupServerMessage *message, GBytes *chunk, gpointer user_data)
{
  RegistryServer *server = user_data;
  goffset length = soup_server_message_get_request_body (message)->length;

  if (length > server->config->limits.body_bytes && soup_server_message_get_status (message) == 0)
    refuse_body (server, message);
}

static void
on_headers (SoupServer *soup, SoupServerMessage *message, const char *path, GHashTable *query, gpointer user_data)
{
  RegistryServer *server = user_data;
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  RegistryConnection *connection = connection_of (message);
  ScopePrefix client = client_of (server, message, connection);
  guint seconds = registry_accounts_request (server->accounts, server->config, &client, g_get_monotonic_time ());
  SoupEncoding encoding = soup_message_headers_get_encoding (headers);

  /* Ranges of an answer that is another one each time mean nothing, and libsoup copies it for each. */
  soup_message_headers_remove (headers, "Range");

  if (seconds)
    {
      soup_message_body_set_accumulate (soup_server_message_get_request_body (message), FALSE);
      answer_later (message, 429, seconds, "Too Many Requests");
    }
  else if (encoding == SOUP_ENCODING_CONTENT_LENGTH &&
           soup_message_headers_get_content_length (headers) > server->config->limits.body_bytes)
    refuse_body (server, message);
  else if (encoding == SOUP_ENCODING_CHUNKED)
    g_signal_connect (message, "got-chunk", G_CALLBACK (on_chunk), server);
}

static void
on_started (SoupServer *soup, SoupServerMessage *message, gpointer user_data)
{
  RegistryConnection *connection = connection_of (message);

  if (connection)
    registry_connection_set_state (connection, REGISTRY_CONNECTION_READING);
}

static void
on_finished (SoupServer *soup, SoupServerMessage *message, gpointer user_data)
{
  RegistryConnection *connection = connection_of (message);

  if (connection)
    registry_connection_set_state (connection, REGISTRY_CONNECTION_IDLE);
}

static void
on_accepted (GIOStream *stream, GSocketAddress *local, GSocketAddress *remote, gpointer user_data)
{
  RegistryServer *server = user_data;

  soup_server_accept_iostream (server->soup, stream, local, remote, NULL);
}

/*
 * libsoup before 3.3 keeps a connection, and its descriptor, for ever when the client closes it between
 * two requests (fixed by its commit d20c6601; Debian 12 has 3.2.3). What would let go of it is the
 * connection's own signal, so we remember the connection and emit that. Where libsoup is fixed, the
 * connection is gone before.
 */
static gboolean
on_connection_started (GSignalInvocationHint *hint, guint n_values, const GValue *values, gpointer user_data)
{
  RegistryConnection *connection = connection_of (g_value_get_object (&values[1]));

  if (connection)
    registry_connection_set_owner (connection, g_value_get_object (&values[0]));
  return TRUE;
}

static void
release_connection (gpointer owner)
{
  g_signal_emit_by_name (owner, "disconnected");
}

/* The type is libsoup's own and known only after a first connection: one that ends at once. */
static void
watch_connections (RegistryServer *server)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) nowhere = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GInputStream) in = g_memory_input_stream_new ();
  g_autoptr (GOutputStream) out = g_memory_output_stream_new_resizable ();
  g_autoptr (GIOStream) stream = g_simple_io_stream_new (in, out);
  GType type;
  guint id;

  soup_server_accept_iostream (server->soup, stream, nowhere, nowhere, NULL);
  type = g_type_from_name ("SoupServerConnection");
  id = type ? g_signal_lookup ("request-started", type) : 0;
  if (id)
    server->hook = g_signal_add_emission_hook (id, 0, on_connection_started, NULL, NULL);
  server->hook_signal = id;
}

/* The server */

static gboolean
on_sweep (gpointer user_data)
{
  RegistryServer *server = user_data;

  if (server->config)
    registry_accounts_sweep (server->accounts, server->config, g_get_monotonic_time ());
  return G_SOURCE_CONTINUE;
}

static void
served_free (gpointer data)
{
  Served *served = data;

  registry_network_free (served->network);
  registry_detail_free (served->detail);
  g_free (served);
}

/* SoupServer keeps connections alive only while it has a listener: one that nobody can connect to. */
static gboolean
add_placeholder (RegistryServer *server, GError **error)
{
  g_autoptr (GSocket) socket = NULL;
  int pair[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "socketpair: %s", g_strerror (errno));
      return FALSE;
    }
  server->placeholder = pair[1];
  socket = g_socket_new_from_fd (pair[0], error);
  return socket && soup_server_listen_socket (server->soup, socket, 0, error);
}

RegistryServer *
registry_server_new (RegistryReadFunc read, GError **error)
{
  g_autoptr (RegistryServer) server = g_new0 (RegistryServer, 1);

  server->read = read;
  server->placeholder = -1;
  server->accounts = registry_accounts_new ();
  server->served = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, served_free);
  server->waiting = g_hash_table_new_full (NULL, NULL, waiting_free, NULL);
  server->soup = soup_server_new ("raw-paths", TRUE, NULL);
  server->listener = registry_listener_new (server->accounts, on_accepted, release_connection, server);
  server->hub = registry_hub_new (server->accounts, error);
  if (!server->hub || !add_placeholder (server, error))
    return NULL;

  watch_connections (server);
  soup_server_add_early_handler (server->soup, NULL, on_headers, server, NULL);
  soup_server_add_handler (server->soup, NULL, on_request, server, NULL);
  g_signal_connect (server->soup, "request-started", G_CALLBACK (on_started), server);
  g_signal_connect (server->soup, "request-finished", G_CALLBACK (on_finished), server);
  server->sweep = g_timeout_add_seconds (SWEEP_SECONDS, on_sweep, server);
  return g_steal_pointer (&server);
}

void
registry_server_free (RegistryServer *server)
{
  g_clear_handle_id (&server->sweep, g_source_remove);
  g_clear_pointer (&server->waiting, g_hash_table_unref);
  g_clear_pointer (&server->hub, registry_hub_free);
  if (server->hook)
    g_signal_remove_emission_hook (server->hook_signal, server->hook);
  soup_server_disconnect (server->soup);
  g_signal_handlers_disconnect_by_data (server->soup, server);
  g_clear_object (&server->soup);
  g_clear_pointer (&server->listener, registry_listener_free);
  g_clear_pointer (&server->served, g_hash_table_unref);
  g_clear_pointer (&server->accounts, registry_accounts_free);
  g_clear_pointer (&server->networks, g_bytes_unref);
  g_clear_pointer (&server->config, registry_config_free);
  if (server->placeholder >= 0)
    close (server->placeholder);
  g_free (server);
}

static char *
detail_file (const RegistryConfig *config, const char *network)
{
  g_autofree char *name = g_strdup_printf ("detail-%s.json", network);

  return config->state_directory ? g_build_filename (config->state_directory, name, NULL) : NULL;
}

static void
serve (RegistryServer *server)
{
  RegistryConfig *config = server->config;
  g_autoptr (GString) names = g_string_new ("[");
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, server->served);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    if (!registry_config_find (config, name))
      g_hash_table_iter_remove (&iter);

  for (guint i = 0; i < config->networks->len; i++)
    {
      const RegistryNetworkConfig *network = g_ptr_array_index (config->networks, i);
      Served *served = g_hash_table_lookup (server->served, network->name);

      if (!served)
        {
          g_autofree char *file = detail_file (config, network->name);

          served = g_new (Served, 1);
          served->network = registry_network_new (network->name, server->read);
          served->detail = registry_detail_new (network->name, file);
          g_hash_table_insert (server->served, (char *) registry_network_get_name (served->network), served);
        }
      registry_network_configure (served->network, network);
      if (i)
        g_string_append_c (names, ',');
      scope_json_append_string (names, network->name);
    }
  g_string_append_c (names, ']');
  g_clear_pointer (&server->networks, g_bytes_unref);
  server->networks = g_string_free_to_bytes (g_steal_pointer (&names));
}

gboolean
registry_server_configure (RegistryServer *server, RegistryConfig *config, GError **error)
{
  g_autoptr (RegistryConfig) unused = config;
  g_autoptr (RegistryConfig) old = NULL;

  if (!registry_listener_configure (server->listener, config, error))
    return FALSE;
  old = g_steal_pointer (&server->config);
  server->config = g_steal_pointer (&unused);
  registry_hub_configure (server->hub, server->config);
  serve (server);
  return TRUE;
}

void
registry_server_drain (RegistryServer *server)
{
  server->draining = TRUE;
  registry_listener_stop (server->listener);
  registry_hub_close (server->hub);
}

gboolean
registry_server_is_drained (RegistryServer *server)
{
  registry_listener_sweep (server->listener);
  return registry_listener_get_size (server->listener) == 0;
}

guint16
registry_server_get_port (const RegistryServer *server)
{
  return registry_listener_get_port (server->listener);
}

RegistryNetwork *
registry_server_get_network (const RegistryServer *server, const char *name)
{
  Served *served = g_hash_table_lookup (server->served, name);

  return served ? served->network : NULL;
}

guint
registry_server_get_sockets (const RegistryServer *server)
{
  return registry_hub_get_size (server->hub);
}
