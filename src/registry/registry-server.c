/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The HTTP side: who asks, and which part answers. */
#include "registry/registry-server-private.h"

#include "common/scope-error.h"
#include "registry/registry-answer.h"
#include "registry/registry-path.h"
#include "registry/registry-paths.h"
#include "registry/registry-v1-http.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define SWEEP_SECONDS 10

/* Who asks */

RegistryConnection *
registry_server_connection (SoupServerMessage *message)
{
  return registry_connection_get (soup_server_message_get_remote_address (message));
}

ScopePrefix
registry_server_client (RegistryServer *server, SoupServerMessage *message, RegistryConnection *connection)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  const char *forwarded = NULL;

  if (server->config->trusted_proxies->len)
    forwarded = soup_message_headers_get_list (headers, "X-Forwarded-For");
  return registry_client_address (server->config, registry_connection_peer (connection), forwarded);
}

/* Routing */

static void
on_v1 (RegistryServer *server, SoupServerMessage *message, const RegistryPath *path)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  RegistryMesh *mesh = registry_v1_find (server->v1, path->network);
  gboolean upgrade = soup_message_headers_header_contains (headers, "Upgrade", "websocket");

  if (mesh && upgrade && g_str_equal (path->key, "carry") && registry_carry_is_on (registry_v1_get_carry (server->v1)))
    registry_server_upgrade (server, message, REGISTRY_UPGRADE_CARRY, path->network);
  else if (!mesh || *path->key)
    registry_answer_text (message, SOUP_STATUS_NOT_FOUND, "No such network");
  else if (g_ascii_strcasecmp (soup_server_message_get_method (message), "POST") == 0)
    {
      ScopePrefix client = registry_server_client (server, message, registry_server_connection (message));
      registry_v1_http_post (server->v1, mesh, message, &client);
    }
  else if (upgrade)
    registry_server_upgrade (server, message, REGISTRY_UPGRADE_V1, path->network);
  else
    registry_v1_http_get (mesh, message);
}

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
  { REGISTRY_PATH_V1, { "GET", "HEAD", "POST" }, "GET, HEAD, POST" },
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
      registry_answer_text (message, SOUP_STATUS_METHOD_NOT_ALLOWED, "Method Not Allowed");
    }
  return FALSE;
}

/* Answers, or says in @wait after how many ms to try again. */
static gboolean
route (RegistryServer *server, SoupServerMessage *message, guint *wait)
{
  g_auto (RegistryPath) path = { 0 };
  const RegistryMesh *mesh;

  *wait = 0;
  registry_path_parse (&path, g_uri_get_path (soup_server_message_get_uri (message)), server->config->prefix);
  if (path.kind == REGISTRY_PATH_UNKNOWN)
    {
      registry_answer_text (message, SOUP_STATUS_NOT_FOUND, "API Not Found");
      return TRUE;
    }
  if (!check_method (message, path.kind))
    return TRUE;

  switch (path.kind)
    {
    case REGISTRY_PATH_NETWORKS:
      registry_verbs_networks (server->verbs, message);
      break;
    case REGISTRY_PATH_MESSAGES:
      registry_server_upgrade (server, message, REGISTRY_UPGRADE_MESSAGES, NULL);
      break;
    case REGISTRY_PATH_GET:
      registry_verbs_get (server->verbs, message, &path, wait);
      break;
    case REGISTRY_PATH_UPDATE:
      registry_verbs_update (server->verbs, message, &path, wait);
      break;
    case REGISTRY_PATH_DETAIL:
      mesh = registry_v1_find (server->v1, path.network);
      registry_verbs_detail (server->verbs, message, &path, mesh ? registry_paths_links (mesh->paths) : NULL, wait);
      break;
    case REGISTRY_PATH_V1:
      on_v1 (server, message, &path);
      break;
    case REGISTRY_PATH_UNKNOWN:
      g_assert_not_reached ();
    }
  return *wait == 0;
}

/* A request that waits for a device that must not be read yet. */
typedef struct {
  RegistryServer *server;
  SoupServerMessage *message;
  guint timer;
} Waiting;

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
  RegistryConnection *connection = registry_server_connection (message);
  guint wait;

  registry_connection_set_state (connection, REGISTRY_CONNECTION_WRITING);
  if (server->draining)
    registry_answer_close (message);
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
  registry_answer_close (message);
  registry_answer_text (message, SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE, "Content Too Large");
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
  RegistryConnection *connection = registry_server_connection (message);
  ScopePrefix client = registry_server_client (server, message, connection);
  guint seconds = registry_accounts_request (server->accounts, server->config, &client, g_get_monotonic_time ());
  SoupEncoding encoding = soup_message_headers_get_encoding (headers);

  /* Ranges of an answer that is another one each time mean nothing, and libsoup copies it for each. */
  soup_message_headers_remove (headers, "Range");

  if (seconds)
    {
      soup_message_body_set_accumulate (soup_server_message_get_request_body (message), FALSE);
      registry_answer_later (message, 429, seconds, "Too Many Requests");
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
  RegistryConnection *connection = registry_server_connection (message);

  if (connection)
    registry_connection_set_state (connection, REGISTRY_CONNECTION_READING);
}

static void
on_finished (SoupServer *soup, SoupServerMessage *message, gpointer user_data)
{
  RegistryConnection *connection = registry_server_connection (message);

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
  RegistryConnection *connection = registry_server_connection (g_value_get_object (&values[1]));

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

  server->placeholder = -1;
  server->accounts = registry_accounts_new ();
  server->waiting = g_hash_table_new_full (NULL, NULL, waiting_free, NULL);
  server->soup = soup_server_new ("raw-paths", TRUE, NULL);
  server->stun = registry_stun_new ();
  server->listener = registry_listener_new (server->accounts, on_accepted, release_connection, server);
  server->hub = registry_hub_new (server->accounts, error);
  if (server->hub)
    {
      server->messages = registry_messages_new (server->hub, server->accounts);
      server->verbs = registry_verbs_new (read, server->messages);
      server->v1 = registry_v1_new (server->hub, server->accounts);
    }
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
  if (server->v1)
    registry_v1_stop (server->v1);
  g_clear_pointer (&server->hub, registry_hub_free);
  g_clear_pointer (&server->messages, registry_messages_free);
  g_clear_pointer (&server->v1, registry_v1_free);
  if (server->hook)
    g_signal_remove_emission_hook (server->hook_signal, server->hook);
  soup_server_disconnect (server->soup);
  g_signal_handlers_disconnect_by_data (server->soup, server);
  g_clear_object (&server->soup);
  g_clear_pointer (&server->listener, registry_listener_free);
  g_clear_pointer (&server->stun, registry_stun_free);
  g_clear_pointer (&server->verbs, registry_verbs_free);
  g_clear_pointer (&server->accounts, registry_accounts_free);
  g_clear_pointer (&server->config, registry_config_free);
  if (server->placeholder >= 0)
    close (server->placeholder);
  g_free (server);
}

gboolean
registry_server_configure (RegistryServer *server, RegistryConfig *config, GError **error)
{
  g_autoptr (RegistryConfig) unused = config;
  g_autoptr (RegistryConfig) old = NULL;

  if (!registry_v1_prepare (server->v1, config, error))
    return FALSE;
  if (!registry_stun_prepare (server->stun, config, error) ||
      !registry_listener_configure (server->listener, config, error))
    {
      registry_stun_abandon (server->stun);
      registry_v1_abandon (server->v1);
      return FALSE;
    }
  old = g_steal_pointer (&server->config);
  server->config = g_steal_pointer (&unused);
  registry_stun_configure (server->stun);
  registry_v1_set_stun (server->v1, registry_stun_told (server->stun));
  registry_hub_configure (server->hub, server->config);
  registry_messages_configure (server->messages, server->config);
  registry_verbs_configure (server->verbs, server->config);
  registry_v1_configure (server->v1, server->config);
  return TRUE;
}

void
registry_server_drain (RegistryServer *server)
{
  server->draining = TRUE;
  registry_listener_stop (server->listener);
  registry_v1_stop (server->v1);
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

RegistryV1 *
registry_server_get_v1 (const RegistryServer *server)
{
  return server->v1;
}

RegistryNetwork *
registry_server_get_network (const RegistryServer *server, const char *name)
{
  return registry_verbs_get_network (server->verbs, name);
}

guint
registry_server_get_sockets (const RegistryServer *server)
{
  return registry_hub_get_size (server->hub);
}
