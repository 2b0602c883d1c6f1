/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The WebSocket upgrade: from a request to a socket of /messages, or of a v1 network: its session, its packets. */
#include "registry/registry-server-private.h"

#include "registry/registry-answer.h"
#include "wire/scope-carry.h"
#include "wire/scope-v1.h"

static const char *const subprotocols[] = {
  [REGISTRY_UPGRADE_V1] = SCOPE_V1_SUBPROTOCOL,
  [REGISTRY_UPGRADE_CARRY] = SCOPE_CARRY_SUBPROTOCOL,
};

typedef struct {
  RegistryServer *server;
  ScopePrefix client;
  gboolean counted;
  RegistryUpgradeKind kind;
  char *network;
} Upgrade;

static void
upgrade_free (gpointer data, GClosure *closure)
{
  Upgrade *upgrade = data;

  /* The answer was never sent. */
  if (upgrade->counted)
    registry_accounts_disconnect (upgrade->server->accounts, &upgrade->client);
  g_free (upgrade->network);
  g_free (upgrade);
}

static void
on_upgraded (SoupServerMessage *message, gpointer user_data)
{
  Upgrade *upgrade = user_data;
  RegistryServer *server = upgrade->server;
  ScopePrefix client = upgrade->client;
  RegistryUpgradeKind kind = upgrade->kind;
  g_autoptr (RegistryConnection) connection = registry_connection_ref (registry_server_connection (message));
  g_autoptr (GIOStream) stream = NULL;
  g_autofree char *network = g_steal_pointer (&upgrade->network);

  upgrade->counted = FALSE;
  stream = soup_server_message_steal_connection (message); /* frees @upgrade */
  if (stream && kind == REGISTRY_UPGRADE_CARRY)
    registry_carry_add (registry_v1_get_carry (server->v1), network, stream, connection, &client);
  else if (stream && kind == REGISTRY_UPGRADE_V1)
    registry_v1_add (server->v1, network, stream, connection, &client);
  else if (stream)
    registry_messages_add (server->messages, stream, connection, &client);
  else if (!scope_prefix_equal (&client, registry_connection_peer (connection)))
    registry_accounts_disconnect (server->accounts, &client);
}

/* The handshake goes on without when the client has not asked for one. */
static gboolean
has_subprotocol (SoupServerMessage *message, const char *name)
{
  g_autofree char *complaint = NULL;
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);

  if (soup_message_headers_get_one (headers, "Sec-WebSocket-Protocol"))
    return TRUE;
  soup_message_headers_clear (headers);
  complaint = g_strdup_printf ("Subprotocol %s expected", name);
  registry_answer_text (message, SOUP_STATUS_BAD_REQUEST, complaint);
  return FALSE;
}

void
registry_server_upgrade (RegistryServer *server, SoupServerMessage *message, RegistryUpgradeKind kind, const char *network)
{
  char *protocols[] = { (char *) subprotocols[kind], NULL };
  RegistryConnection *connection = registry_server_connection (message);
  ScopePrefix client = registry_server_client (server, message, connection);
  gboolean counted = !scope_prefix_equal (&client, registry_connection_peer (connection));
  Upgrade *upgrade;

  if (server->draining)
    {
      registry_answer_later (message, SOUP_STATUS_SERVICE_UNAVAILABLE, 1, "Stopping");
      return;
    }
  if (counted && !registry_accounts_connect (server->accounts, server->config, &client))
    {
      registry_answer_later (message, 429, 10, "Too Many Connections");
      return;
    }
  if (!soup_websocket_server_process_handshake (message, NULL, *protocols ? protocols : NULL, NULL, NULL) ||
      (*protocols && !has_subprotocol (message, *protocols)))
    {
      if (counted)
        registry_accounts_disconnect (server->accounts, &client);
      return;
    }
  upgrade = g_new (Upgrade, 1);
  *upgrade = (Upgrade) { server, client, counted, kind, g_strdup (network) };
  g_signal_connect_data (message, "wrote-informational", G_CALLBACK (on_upgraded), upgrade, upgrade_free, 0);
}
