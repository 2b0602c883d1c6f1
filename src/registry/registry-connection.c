/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One accepted connection: its place, its time limits, whose it is. */
#include "registry/registry-listener-private.h"

#include <errno.h>
#include <sys/socket.h>

G_DEFINE_QUARK (registry-connection, registry_connection)

RegistryConnection *
registry_connection_ref (RegistryConnection *connection)
{
  g_ref_count_inc (&connection->refs);
  return connection;
}

void
registry_connection_unref (RegistryConnection *connection)
{
  RegistryListener *listener = connection->listener;

  if (!g_ref_count_dec (&connection->refs))
    return;
  if (connection->state != REGISTRY_CONNECTION_TAKEN)
    g_queue_unlink (&listener->connections, &connection->link);
  if (listener->accounts)
    registry_accounts_disconnect (listener->accounts, &connection->peer);
  listener->size--;
  g_clear_object (&connection->socket);
  g_free (connection);
  registry_listener_unref (listener);
}

RegistryConnection *
registry_connection_get (GSocketAddress *remote)
{
  return remote ? g_object_get_qdata (G_OBJECT (remote), registry_connection_quark ()) : NULL;
}

const ScopePrefix *
registry_connection_peer (const RegistryConnection *connection)
{
  return &connection->peer;
}

GSocket *
registry_connection_socket (const RegistryConnection *connection)
{
  return connection->socket;
}

gboolean
registry_connection_is_tls (const RegistryConnection *connection)
{
  return connection->tls;
}

void
registry_connection_set_state (RegistryConnection *connection, RegistryConnectionState state)
{
  RegistryListener *listener = connection->listener;
  const RegistryLimits *limits = listener->config ? &listener->config->limits : NULL;
  guint seconds = !limits ? 1 : state == REGISTRY_CONNECTION_READING ? limits->request_seconds : limits->idle_seconds;

  if (connection->state == REGISTRY_CONNECTION_TAKEN)
    return;
  connection->state = state;
  connection->closed = 0;
  connection->deadline = g_get_monotonic_time () + seconds * G_USEC_PER_SEC;
  if (state == REGISTRY_CONNECTION_TAKEN)
    {
      g_queue_unlink (&listener->connections, &connection->link);
      g_clear_object (&connection->socket);
      connection->owner = NULL;
    }
}

void
registry_connection_set_owner (RegistryConnection *connection, gpointer owner)
{
  connection->owner = owner;
}

/* Its streams belong to the SoupServer, which sees the end and tidies up. */
void
registry_connection_cut (RegistryConnection *connection)
{
  if (connection->socket && !g_socket_is_closed (connection->socket))
    shutdown (g_socket_get_fd (connection->socket), SHUT_RDWR);
}

gboolean
registry_connection_is_closed (RegistryConnection *connection)
{
  char byte;
  gssize n;

  if (!connection->socket || g_socket_is_closed (connection->socket))
    return TRUE;
  n = recv (g_socket_get_fd (connection->socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}
