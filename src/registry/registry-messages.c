/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-messages.h"

#include "wire/scope-message.h"

#include <string.h>

/* Announcements with the same data. */
typedef struct {
  RegistryMessages *messages;
  char *data;
  double tokens;
  gint64 stamp;
  guint timer;
} Announcement;

struct _RegistryMessages {
  RegistryHub *hub;
  RegistryAccounts *accounts;
  const RegistryConfig *config;
  GPtrArray *listeners;
  GHashTable *announcements;
  GBytes *ack, *unknown, *bad;
};

typedef struct {
  RegistryMessages *messages;
  RegistrySocket *socket;
  guint index;
} Listener;

static void
on_message (RegistrySocket *socket, const char *text, gsize len, gpointer user_data)
{
  RegistryMessages *m = ((Listener *) user_data)->messages;
  g_auto (ScopeMessage) message = { 0 };

  if (!text)
    registry_socket_send (socket, m->bad);
  else if (registry_accounts_request (m->accounts, m->config, registry_socket_client (socket), g_get_monotonic_time ()))
    registry_socket_close (socket, REGISTRY_CLOSE_POLICY);
  else if (!scope_message_parse (&message, text, len, NULL))
    registry_socket_send (socket, m->bad);
  else if (message.type == SCOPE_MESSAGE_PING && g_strcmp0 (message.data, "SYN") == 0)
    registry_socket_send (socket, m->ack);
  else if (message.type != SCOPE_MESSAGE_PING) /* the ACK of a ping of nobody needs no answer */
    registry_socket_send (socket, m->unknown);
}

static void
on_closed (RegistrySocket *socket, gpointer user_data)
{
  g_autofree Listener *listener = user_data;
  GPtrArray *all = listener->messages->listeners;
  Listener *last = g_ptr_array_index (all, all->len - 1);

  last->index = listener->index;
  all->pdata[listener->index] = last;
  g_ptr_array_set_size (all, all->len - 1);
}

static const RegistrySocketClass messages_class = { .message = on_message, .closed = on_closed };

void
registry_messages_add (RegistryMessages *messages, GIOStream *stream, RegistryConnection *connection,
                       const ScopePrefix *client)
{
  Listener *listener = g_new (Listener, 1);

  *listener = (Listener) { messages, NULL, messages->listeners->len };
  g_ptr_array_add (messages->listeners, listener);
  listener->socket = registry_hub_add (messages->hub, stream, connection, client, &messages_class, listener);
}

/* Announcing */

static void
announcement_free (Announcement *a)
{
  g_clear_handle_id (&a->timer, g_source_remove);
  g_free (a->data);
  g_free (a);
}

static GBytes *
prepared (ScopeMessageType type, const char *data)
{
  g_autofree char *text = scope_message_format (type, data);

  return registry_frame_new (REGISTRY_FRAME_TEXT, text, strlen (text));
}

static void
broadcast (RegistryMessages *messages, const char *data)
{
  g_autoptr (GBytes) frame = prepared (SCOPE_MESSAGE_PEER_UPDATE, data);

  for (guint i = 0; i < messages->listeners->len; i++)
    registry_socket_send (((Listener *) g_ptr_array_index (messages->listeners, i))->socket, frame);
}

static gboolean
on_announcement (gpointer user_data)
{
  Announcement *a = user_data;

  a->timer = 0;
  a->stamp = g_get_monotonic_time ();
  a->tokens = 0;
  broadcast (a->messages, a->data);
  return G_SOURCE_REMOVE;
}

void
registry_messages_announce (RegistryMessages *messages, const char *data)
{
  Announcement *a = g_hash_table_lookup (messages->announcements, data);
  gint64 now = g_get_monotonic_time ();

  if (!a)
    {
      a = g_new0 (Announcement, 1);
      a->messages = messages;
      a->data = g_strdup (data);
      a->tokens = REGISTRY_MESSAGES_BURST;
      a->stamp = now;
      g_hash_table_insert (messages->announcements, a->data, a);
    }
  if (a->timer)
    return;
  a->tokens = MIN (REGISTRY_MESSAGES_BURST, a->tokens + (now - a->stamp) / (REGISTRY_MESSAGES_FLOOD_MSEC * 1000.0));
  a->stamp = now;
  if (a->tokens < 1)
    {
      a->timer = g_timeout_add (REGISTRY_MESSAGES_FLOOD_MSEC, on_announcement, a);
      return;
    }
  a->tokens -= 1;
  broadcast (messages, data);
}

RegistryMessages *
registry_messages_new (RegistryHub *hub, RegistryAccounts *accounts)
{
  RegistryMessages *messages = g_new0 (RegistryMessages, 1);

  messages->hub = hub;
  messages->accounts = accounts;
  messages->listeners = g_ptr_array_new ();
  messages->announcements = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) announcement_free);
  messages->ack = prepared (SCOPE_MESSAGE_PING, "ACK");
  messages->unknown = prepared (SCOPE_MESSAGE_ERROR, "unknownType");
  messages->bad = prepared (SCOPE_MESSAGE_ERROR, "badMessage");
  return messages;
}

void
registry_messages_free (RegistryMessages *messages)
{
  g_ptr_array_unref (messages->listeners);
  g_hash_table_unref (messages->announcements);
  g_bytes_unref (messages->ack);
  g_bytes_unref (messages->unknown);
  g_bytes_unref (messages->bad);
  g_free (messages);
}

void
registry_messages_configure (RegistryMessages *messages, const RegistryConfig *config)
{
  messages->config = config;
}
