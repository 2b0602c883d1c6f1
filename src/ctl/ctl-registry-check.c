/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "ctl/ctl-registry-check.h"

#include "wire/scope-carry.h"

#include <libsoup/soup.h>

#define TIMEOUT 10 /* seconds */
#define ASK 3      /* times on one connection: the fastest counts */

/* FALSE: no answer of HTTP at all. Whatever the registry says, it is there. */
static gboolean
ask (SoupSession *soup, const char *address, GError **error)
{
  g_autoptr (SoupMessage) message = soup_message_new (SOUP_METHOD_GET, address);
  g_autoptr (GBytes) body = NULL;

  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  body = soup_session_send_and_read (soup, message, NULL, error);
  if (body && SOUP_STATUS_IS_SERVER_ERROR (soup_message_get_status (message)))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%u %s", soup_message_get_status (message),
                   soup_message_get_reason_phrase (message));
      return FALSE;
    }
  return body != NULL;
}

typedef struct {
  GMainLoop *loop;
  CtlAnswer carries;
} Upgrade;

static void
on_upgraded (GObject *source, GAsyncResult *result, gpointer data)
{
  Upgrade *upgrade = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SoupWebsocketConnection) socket = soup_session_websocket_connect_finish (SOUP_SESSION (source), result, &error);

  if (socket)
    upgrade->carries = CTL_YES;
  else if (error->domain == SOUP_WEBSOCKET_ERROR)
    upgrade->carries = CTL_NO;
  g_main_loop_quit (upgrade->loop);
}

/* The WebSocket is opened as a peer would, also through what stands in between, and left without a word. */
static CtlAnswer
upgrade (SoupSession *soup, const char *address)
{
  g_autofree char *carry = g_strconcat (address, "/carry", NULL);
  g_autoptr (SoupMessage) message = soup_message_new (SOUP_METHOD_GET, carry);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  char *protocols[] = { (char *) SCOPE_CARRY_SUBPROTOCOL, NULL };
  Upgrade found = { loop, CTL_UNKNOWN };

  soup_session_websocket_connect_async (soup, message, NULL, protocols, G_PRIORITY_DEFAULT, NULL, on_upgraded, &found);
  g_main_loop_run (loop);
  return found.carries;
}

CtlRegistryCheck *
ctl_registry_check_run (const char *url, const char *network, const char *ca)
{
  CtlRegistryCheck *check = g_new0 (CtlRegistryCheck, 1);
  g_autoptr (SoupSession) soup =
      soup_session_new_with_options ("user-agent", "scopectl/" PACKAGE_VERSION, "timeout", TIMEOUT, NULL);
  g_autofree char *name = network ? g_uri_escape_string (network, NULL, FALSE) : NULL;
  g_autofree char *address = g_strconcat (url, name ? "/v1/" : "/networks", name, NULL);
  g_autoptr (GError) error = NULL;

  check->url = g_strdup (url);
  check->usec = -1;
  if (ca)
    {
      g_autofree char *path = g_canonicalize_filename (ca, NULL);
      g_autoptr (GTlsDatabase) database = g_tls_file_database_new (path, &error);

      soup_session_set_tls_database (soup, database);
    }
  /* The first one makes the connection. */
  for (guint i = 0; !error && i <= ASK; i++)
    {
      gint64 start = g_get_monotonic_time (), took;

      if (!ask (soup, address, &error))
        break;
      took = g_get_monotonic_time () - start;
      if (i)
        check->usec = check->usec < 0 ? took : MIN (check->usec, took);
    }
  if (error)
    check->error = g_strdup (error->message);
  else if (network)
    check->carries = upgrade (soup, address);
  return check;
}
