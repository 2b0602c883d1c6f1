/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is to be sent to the registry: one message at a time, when TCP has room, so that nothing waits in libsoup. */
#include "peer/scope-carrier-private.h"

#include <netinet/tcp.h>

#define QUEUE_BYTES (256 * 1024)
#define UNSENT_BYTES (64 * 1024) /* in the kernel, beyond what is on its way: the rest waits, and is dropped, here */
#define SILENT_MS (15 * 1000)    /* what TCP has sent is to be acknowledged in this time */

struct _ScopeCarrierQueue {
  SoupWebsocketConnection *socket;
  GSocket *base;       /* below it */
  GByteArray *packets; /* each with its head; those before @sent have been sent */
  gsize sent;
  GSource *writable;
};

static gsize
next_message (const ScopeCarrierQueue *queue)
{
  const GByteArray *packets = queue->packets;
  gsize at = queue->sent;

  while (at < packets->len && at - queue->sent < SCOPE_CARRY_BATCH)
    at += SCOPE_CARRY_HEAD + (packets->data[at + 2] << 8 | packets->data[at + 3]);
  return at - queue->sent;
}

static gboolean
on_writable (GSocket *socket, GIOCondition condition, gpointer data)
{
  ScopeCarrierQueue *queue = data;
  gsize len = next_message (queue);
  g_autoptr (GBytes) bytes = g_bytes_new (queue->packets->data + queue->sent, len);

  soup_websocket_connection_send_message (queue->socket, SOUP_WEBSOCKET_DATA_BINARY, bytes);
  queue->sent += len;
  if (queue->sent < queue->packets->len)
    {
      /* Not each time: what is left is moved. */
      if (queue->sent >= QUEUE_BYTES / 2)
        {
          g_byte_array_remove_range (queue->packets, 0, queue->sent);
          queue->sent = 0;
        }
      return G_SOURCE_CONTINUE;
    }
  g_byte_array_set_size (queue->packets, 0);
  queue->sent = 0;
  g_clear_pointer (&queue->writable, g_source_unref);
  return G_SOURCE_REMOVE;
}

gboolean
scope_carrier_queue_put (ScopeCarrierQueue *queue, guint16 id, const guint8 *packet, gsize len)
{
  if (queue->packets->len - queue->sent + SCOPE_CARRY_HEAD + len > QUEUE_BYTES)
    return FALSE;
  scope_carry_append (queue->packets, id, packet, len);
  if (queue->writable)
    return TRUE;
  queue->writable = g_socket_create_source (queue->base, G_IO_OUT, NULL);
  g_source_set_callback (queue->writable, G_SOURCE_FUNC (on_writable), queue, NULL);
  g_source_attach (queue->writable, NULL);
  return TRUE;
}

ScopeCarrierQueue *
scope_carrier_queue_new (SoupWebsocketConnection *socket, GSocketConnection *base)
{
  static const struct {
    int option;
    int value;
  } options[] = { { TCP_NODELAY, 1 }, { TCP_NOTSENT_LOWAT, UNSENT_BYTES }, { TCP_USER_TIMEOUT, SILENT_MS } };
  ScopeCarrierQueue *queue = g_new0 (ScopeCarrierQueue, 1);

  queue->socket = g_object_ref (socket);
  queue->base = g_object_ref (g_socket_connection_get_socket (base));
  queue->packets = g_byte_array_new ();
  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    g_socket_set_option (queue->base, IPPROTO_TCP, options[i].option, options[i].value, NULL);
  return queue;
}

void
scope_carrier_queue_free (ScopeCarrierQueue *queue)
{
  if (queue->writable)
    g_source_destroy (queue->writable);
  g_clear_pointer (&queue->writable, g_source_unref);
  g_byte_array_unref (queue->packets);
  g_object_unref (queue->base);
  g_object_unref (queue->socket);
  g_free (queue);
}
