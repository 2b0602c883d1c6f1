/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "peer/scope-soup.h"

#include "common/scope-error.h"
#include "tunnel/scope-policy.h"

#include <sys/socket.h>

/* Before a socket connects: the mark takes it past the routes that send it into the tunnel. Only the service, as root, may
 * set it. */
static void
on_network_event (SoupMessage *message, GSocketClientEvent event, GIOStream *connection, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (event == G_SOCKET_CLIENT_CONNECTING && G_IS_SOCKET_CONNECTION (connection) &&
      !g_socket_set_option (g_socket_connection_get_socket (G_SOCKET_CONNECTION (connection)), SOL_SOCKET, SO_MARK,
                            SCOPE_FWMARK, &error))
    g_debug ("registry: cannot mark its connection: %s", error->message);
}

static void
on_queued (SoupSession *soup, SoupMessage *message, gpointer data)
{
  g_signal_connect (message, "network-event", G_CALLBACK (on_network_event), NULL);
}

SoupSession *
scope_soup_new (const char *ca, GTlsDatabase **database, GError **error)
{
  /* No proxy: root has no desktop settings to take one from, and looking for them costs 2 MB and a bus. */
  g_autoptr (SoupSession) soup = soup_session_new_with_options ("user-agent", "nm-scope/" PACKAGE_VERSION, "timeout", 60,
                                                                "idle-timeout", 90, "proxy-resolver", NULL, NULL);
  g_autoptr (GTlsDatabase) db = NULL;
  g_autoptr (GError) why = NULL;

  g_signal_connect (soup, "request-queued", G_CALLBACK (on_queued), NULL);
  if (database)
    *database = NULL;
  if (!ca)
    return g_steal_pointer (&soup);
  db = g_tls_file_database_new (ca, &why);
  if (!db)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "ca: %s: %s", ca, why->message);
      return NULL;
    }
  soup_session_set_tls_database (soup, db);
  if (database)
    *database = db; /* the session has it */
  return g_steal_pointer (&soup);
}

GSocketConnection *
scope_soup_base_connection (SoupWebsocketConnection *socket)
{
  static const char *const wrappers[] = { "base-iostream", "base-io-stream" };
  GIOStream *stream = socket ? g_object_ref (soup_websocket_connection_get_io_stream (socket)) : NULL;

  for (guint i = 0; stream && i < G_N_ELEMENTS (wrappers); i++)
    if (g_object_class_find_property (G_OBJECT_GET_CLASS (stream), wrappers[i]))
      {
        GIOStream *base = NULL;

        g_object_get (stream, wrappers[i], &base, NULL);
        g_object_unref (stream);
        stream = base;
      }
  if (G_IS_SOCKET_CONNECTION (stream))
    return G_SOCKET_CONNECTION (stream);
  g_clear_object (&stream);
  return NULL;
}
