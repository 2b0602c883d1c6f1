/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h" /* accept4() */

/* Listening, accepting, TLS, and who of those that are connected has time left. */
#include "registry/registry-listener-private.h"

#include "common/scope-error.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_BATCH 64
#define SPARE_FDS 64 /* for files, WireGuard, the journal */
#define BACKLOG 4096

static void start_accepting (RegistryListener *listener);

/* Connections that are too slow, or gone */

/* libsoup has dealt with all that was there to read, the ends of the connections that we have marked too. */
static gboolean
on_quiet (gpointer user_data)
{
  RegistryListener *listener = user_data;

  listener->quiet_id = 0;
  for (GList *l = listener->connections.head, *next; l; l = next)
    {
      RegistryConnection *connection = l->data;

      next = l->next;
      if (connection->closed && connection->owner)
        listener->release (g_steal_pointer (&connection->owner));
    }
  return G_SOURCE_REMOVE;
}

void
registry_listener_sweep (RegistryListener *listener)
{
  gint64 now = g_get_monotonic_time ();

  for (GList *l = listener->connections.head, *next; l; l = next)
    {
      RegistryConnection *connection = l->data;

      next = l->next;
      if (connection->state == REGISTRY_CONNECTION_IDLE && connection->owner &&
          registry_connection_is_closed (connection))
        {
          /* Not before libsoup has seen it, too: until then its source for the next request is there, and
           * crashes on a connection that was released (3.2.3). On a busy server, which is never quiet, it
           * has seen it after the second sweep at the latest. */
          if (++connection->closed > 2)
            listener->release (g_steal_pointer (&connection->owner));
          else if (!listener->quiet_id)
            listener->quiet_id = g_idle_add_full (G_PRIORITY_LOW, on_quiet, listener, NULL);
        }
      else if (now >= connection->deadline)
        {
          g_debug ("connection: %s", connection->state == REGISTRY_CONNECTION_IDLE ? "idle, closed" : "too slow, cut off");
          registry_connection_cut (connection);
        }
    }
  if (listener->refused)
    {
      g_message ("refused %u connections: limit reached (%u open)", listener->refused, listener->size);
      listener->refused = 0;
    }
}

static gboolean
on_sweep (gpointer user_data)
{
  registry_listener_sweep (user_data);
  return G_SOURCE_CONTINUE;
}

/* Accepting */

typedef struct {
  RegistryListener *listener;
  GSocketAddress *local;
  GSocketAddress *remote;
} Handshake;

static void
on_handshake (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Handshake *handshake = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) stream = G_IO_STREAM (source);

  if (!g_tls_connection_handshake_finish (G_TLS_CONNECTION (source), result, &error))
    g_debug ("TLS handshake: %s", error->message);
  else if (handshake->listener->func)
    handshake->listener->func (stream, handshake->local, handshake->remote, handshake->listener->user_data);
  g_object_unref (handshake->local);
  g_object_unref (handshake->remote);
  registry_listener_unref (handshake->listener);
  g_free (handshake);
}

static void
start_tls (RegistryListener *listener, GIOStream *base, GSocketAddress *local, GSocketAddress *remote)
{
  static const char *const protocols[] = { "http/1.1", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) tls = g_tls_server_connection_new (base, listener->certificate, &error);

  if (!tls)
    {
      g_warning ("TLS: %s", error->message);
      return;
    }
  g_tls_connection_set_require_close_notify (G_TLS_CONNECTION (tls), FALSE);
  g_tls_connection_set_advertised_protocols (G_TLS_CONNECTION (tls), protocols);

  Handshake *handshake = g_new (Handshake, 1);
  *handshake = (Handshake) { listener, g_object_ref (local), g_object_ref (remote) };
  g_ref_count_inc (&listener->refs);
  g_tls_connection_handshake_async (G_TLS_CONNECTION (g_steal_pointer (&tls)), G_PRIORITY_DEFAULT, NULL, on_handshake,
                                    handshake);
}

/* In the clear also before TLS: a client that cannot read it loses nothing. */
static void
refuse (RegistryListener *listener, int fd, gboolean all)
{
  static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nContent-Length: 0\r\n"
                             "Connection: close\r\n\r\n";
  static const char many[] = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 10\r\nContent-Length: 0\r\n"
                             "Connection: close\r\n\r\n";
  const char *text = all ? busy : many;
  char drain[4096];

  listener->refused++;
  if (!listener->certificate)
    {
      /* Unread input would make close() reset the connection and lose the answer. */
      if (recv (fd, drain, sizeof drain, MSG_DONTWAIT) >= 0 || errno == EAGAIN)
        (void) !send (fd, text, strlen (text), MSG_NOSIGNAL | MSG_DONTWAIT);
      shutdown (fd, SHUT_WR);
      (void) !recv (fd, drain, sizeof drain, MSG_DONTWAIT);
    }
  close (fd);
}

static void
add_connection (RegistryListener *listener, int fd, const ScopePrefix *peer, GSocketAddress *remote)
{
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, NULL);
  g_autoptr (GSocketAddress) local = NULL;
  g_autoptr (GIOStream) stream = NULL;
  RegistryConnection *connection;

  if (!socket)
    {
      close (fd);
      registry_accounts_disconnect (listener->accounts, peer);
      return;
    }
  g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, TRUE, NULL);

  connection = g_new0 (RegistryConnection, 1);
  g_ref_count_init (&connection->refs);
  connection->listener = listener;
  g_ref_count_inc (&listener->refs);
  connection->socket = g_object_ref (socket);
  connection->peer = *peer;
  connection->tls = listener->certificate != NULL;
  connection->link.data = connection;
  g_queue_push_tail_link (&listener->connections, &connection->link);
  listener->size++;
  registry_connection_set_state (connection, REGISTRY_CONNECTION_READING);
  g_object_set_qdata_full (G_OBJECT (remote), registry_connection_quark (), connection,
                           (GDestroyNotify) registry_connection_unref);

  local = g_socket_get_local_address (socket, NULL);
  if (!local)
    return;
  stream = G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
  if (listener->certificate)
    start_tls (listener, stream, local, remote);
  else
    listener->func (stream, local, remote, listener->user_data);
}

static gboolean
on_resume (gpointer user_data)
{
  RegistryListener *listener = user_data;

  g_clear_pointer (&listener->resume, g_source_unref);
  if (listener->socket)
    start_accepting (listener);
  return G_SOURCE_REMOVE;
}

static gboolean
on_incoming (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  RegistryListener *listener = user_data;

  for (guint i = 0; i < ACCEPT_BATCH; i++)
    {
      struct sockaddr_storage storage;
      socklen_t len = sizeof storage;
      int fd = accept4 (g_socket_get_fd (socket), (struct sockaddr *) &storage, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
      g_autoptr (GSocketAddress) remote = NULL;
      ScopePrefix peer;

      if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
        continue;
      if (fd < 0 && errno == EAGAIN)
        break;
      if (fd < 0)
        {
          /* Out of descriptors or memory: the queue would wake us again at once, for nothing. */
          g_warning ("accept: %s; waiting for a second", g_strerror (errno));
          listener->resume = g_timeout_source_new_seconds (1);
          g_source_set_callback (listener->resume, on_resume, listener, NULL);
          g_source_attach (listener->resume, g_main_context_get_thread_default ());
          g_clear_pointer (&listener->source, g_source_unref);
          return G_SOURCE_REMOVE;
        }

      remote = g_socket_address_new_from_native (&storage, len);
      if (!G_IS_INET_SOCKET_ADDRESS (remote))
        {
          close (fd);
          continue;
        }
      peer = registry_address_from_inet (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote)));
      if (listener->size >= listener->max)
        refuse (listener, fd, TRUE);
      else if (!registry_accounts_connect (listener->accounts, listener->config, &peer))
        refuse (listener, fd, FALSE);
      else
        add_connection (listener, fd, &peer, remote);
    }
  return G_SOURCE_CONTINUE;
}

static void
start_accepting (RegistryListener *listener)
{
  listener->source = g_socket_create_source (listener->socket, G_IO_IN, NULL);
  g_source_set_callback (listener->source, G_SOURCE_FUNC (on_incoming), listener, NULL);
  g_source_attach (listener->source, g_main_context_get_thread_default ());
}

static void
stop_source (GSource **source)
{
  if (*source)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

/* Setting up */

RegistryListener *
registry_listener_new (RegistryAccounts *accounts, RegistryAcceptFunc func, RegistryReleaseFunc release,
                       gpointer user_data)
{
  RegistryListener *listener = g_new0 (RegistryListener, 1);

  g_ref_count_init (&listener->refs);
  listener->accounts = accounts;
  listener->func = func;
  listener->release = release;
  listener->user_data = user_data;
  g_queue_init (&listener->connections);
  listener->sweep_id = g_timeout_add_seconds (1, on_sweep, listener);
  return listener;
}

void
registry_listener_unref (RegistryListener *listener)
{
  if (!g_ref_count_dec (&listener->refs))
    return;
  g_clear_object (&listener->certificate);
  g_free (listener);
}

void
registry_listener_free (RegistryListener *listener)
{
  registry_listener_stop (listener);
  registry_listener_abort (listener);
  g_clear_handle_id (&listener->sweep_id, g_source_remove);
  g_clear_handle_id (&listener->quiet_id, g_source_remove);
  listener->func = NULL;
  listener->config = NULL;
  listener->accounts = NULL;
  registry_listener_unref (listener);
}

static GSocket *
listen_on (GSocketAddress *address, GError **error)
{
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GError) why = NULL;
  g_autofree char *text = g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (address));

  socket = g_socket_new (g_socket_address_get_family (address), G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &why);
  if (socket)
    {
      g_socket_set_listen_backlog (socket, BACKLOG);
      g_socket_set_blocking (socket, FALSE);
    }
  if (socket && g_socket_bind (socket, address, TRUE, &why) && g_socket_listen (socket, &why))
    return g_steal_pointer (&socket);
  g_set_error (error, SCOPE_ERROR,
               g_error_matches (why, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE) ? SCOPE_ERROR_TAKEN : SCOPE_ERROR_FAILED,
               "listening on %s: %s", text, why->message);
  return NULL;
}

static guint
max_connections (const RegistryConfig *config)
{
  struct rlimit limit;
  guint max = 1024;

  if (getrlimit (RLIMIT_NOFILE, &limit) == 0)
    max = MIN (limit.rlim_cur, G_MAXINT);
  max = max > 2 * SPARE_FDS ? max - SPARE_FDS : max / 2;
  return config->limits.connections ? MIN (max, config->limits.connections) : max;
}

gboolean
registry_listener_configure (RegistryListener *listener, const RegistryConfig *config, GError **error)
{
  g_autoptr (GTlsCertificate) certificate = NULL;
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (config->listen, config->listen_port);
  g_autoptr (GError) why = NULL;

  if (config->tls_certificate)
    {
      certificate = g_tls_certificate_new_from_files (config->tls_certificate, config->tls_key, &why);
      if (!certificate)
        {
          g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_TLS, "certificate %s: %s", config->tls_certificate,
                       why->message);
          return FALSE;
        }
    }

  if (!listener->socket ||
      !(g_inet_address_equal (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (listener->address)),
                              config->listen) &&
        g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (listener->address)) == config->listen_port))
    {
      g_autoptr (GSocket) socket = listen_on (address, error);

      if (!socket)
        return FALSE;
      stop_source (&listener->source);
      stop_source (&listener->resume);
      if (listener->socket)
        g_socket_close (listener->socket, NULL);
      g_set_object (&listener->socket, socket);
      g_set_object (&listener->address, address);
      start_accepting (listener);
    }
  g_set_object (&listener->certificate, certificate);
  listener->config = config;
  listener->max = max_connections (config);
  return TRUE;
}

void
registry_listener_stop (RegistryListener *listener)
{
  stop_source (&listener->source);
  stop_source (&listener->resume);
  if (listener->socket)
    g_socket_close (listener->socket, NULL);
  g_clear_object (&listener->socket);
  g_clear_object (&listener->address);
  for (GList *l = listener->connections.head; l; l = l->next)
    if (((RegistryConnection *) l->data)->state == REGISTRY_CONNECTION_IDLE)
      registry_connection_cut (l->data);
}

void
registry_listener_abort (RegistryListener *listener)
{
  for (GList *l = listener->connections.head; l; l = l->next)
    registry_connection_cut (l->data);
}

guint16
registry_listener_get_port (const RegistryListener *listener)
{
  g_autoptr (GSocketAddress) address = listener->socket ? g_socket_get_local_address (listener->socket, NULL) : NULL;

  return address ? g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address)) : 0;
}

guint
registry_listener_get_size (const RegistryListener *listener)
{
  return listener->size;
}
