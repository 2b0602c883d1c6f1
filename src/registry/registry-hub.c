/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-hub.h"

#include "common/scope-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 256
#define READ_BYTES (64 * 1024)
#define CLOSE_SECONDS 2

struct _RegistrySocket {
  RegistryHub *hub;
  const RegistrySocketClass *class;
  gpointer user_data;
  guint index;
  int fd; /* -1: gone, and only waits to be reaped */
  GIOStream *tls; /* NULL: the descriptor itself is read and written */
  RegistryConnection *connection;
  ScopePrefix client;
  gboolean counted; /* @client has an account of its own */

  RegistryDecoder decoder;
  GQueue *queue; /* GBytes that wait; NULL while there are none */
  gsize queued;
  gsize sent; /* of the first one */

  /* seconds of the hub's clock */
  guint32 heard;
  guint32 pinged;
  guint32 blocked;
  guint32 closing;
};

typedef RegistrySocket Socket;

struct _RegistryHub {
  RegistryAccounts *accounts;
  const RegistryConfig *config;
  int epoll;
  guint source;
  guint sweep;
  GPtrArray *sockets;
  GPtrArray *dead; /* whose users are to be told */
  guint reaper;
  GBytes *ping;
  guint8 buffer[READ_BYTES];
};

static guint32
seconds (void)
{
  return g_get_monotonic_time () / G_USEC_PER_SEC + 1; /* 0 means never */
}

/* The end of a socket */

static void
reap (RegistryHub *hub)
{
  while (hub->dead->len)
    {
      g_autofree Socket *s = g_ptr_array_steal_index (hub->dead, hub->dead->len - 1);

      s->class->closed (s, s->user_data);
      registry_decoder_clear (&s->decoder);
      if (s->queue)
        g_queue_free_full (s->queue, (GDestroyNotify) g_bytes_unref);
    }
}

static gboolean
on_reap (gpointer user_data)
{
  RegistryHub *hub = user_data;

  hub->reaper = 0;
  reap (hub);
  return G_SOURCE_REMOVE;
}

/*
 * The descriptor goes at once, the rest in a later turn of the loop: whoever sends to many must not lose one
 * of them under its hands, and events for this one may be in the batch at hand.
 */

static void
drop (Socket *s, const char *why)
{
  RegistryHub *hub = s->hub;
  Socket *last;

  if (s->fd < 0)
    return;
  last = g_ptr_array_index (hub->sockets, hub->sockets->len - 1);
  g_debug ("websocket down: %s, %u left", why, hub->sockets->len - 1);
  last->index = s->index;
  hub->sockets->pdata[s->index] = last;
  g_ptr_array_set_size (hub->sockets, hub->sockets->len - 1);

  epoll_ctl (hub->epoll, EPOLL_CTL_DEL, s->fd, NULL);
  close (s->fd);
  s->fd = -1;
  g_clear_object (&s->tls);
  if (s->counted)
    registry_accounts_disconnect (hub->accounts, &s->client);
  g_clear_pointer (&s->connection, registry_connection_unref);
  g_ptr_array_add (hub->dead, s);
  if (!hub->reaper)
    hub->reaper = g_idle_add_full (G_PRIORITY_DEFAULT, on_reap, hub, NULL);
}

/* Sending */

/* Bytes written, 0 when it would block, -1 when the connection is gone. */
static gssize
write_some (Socket *s, const guint8 *data, gsize len)
{
  gssize n;

  if (s->tls)
    {
      g_autoptr (GError) error = NULL;
      GOutputStream *out = g_io_stream_get_output_stream (s->tls);

      n = g_pollable_output_stream_write_nonblocking (G_POLLABLE_OUTPUT_STREAM (out), data, len, NULL, &error);
      return n < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) ? 0 : n;
    }
  do
    n = send (s->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : n;
}

static void
watch (Socket *s, gboolean writable)
{
  struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | (writable ? EPOLLOUT : 0), .data.ptr = s };

  epoll_ctl (s->hub->epoll, EPOLL_CTL_MOD, s->fd, &event);
}

static void
flush (Socket *s)
{
  while (s->queue && !g_queue_is_empty (s->queue))
    {
      gsize len;
      const guint8 *data = g_bytes_get_data (g_queue_peek_head (s->queue), &len);
      gssize n = write_some (s, data + s->sent, len - s->sent);

      if (n < 0)
        {
          drop (s, "write failed");
          return;
        }
      if (n == 0)
        return;
      s->blocked = seconds ();
      s->sent += n;
      s->queued -= n;
      if (s->sent == len)
        {
          g_bytes_unref (g_queue_pop_head (s->queue));
          s->sent = 0;
        }
    }
  if (s->queue)
    {
      g_clear_pointer (&s->queue, g_queue_free);
      s->blocked = 0;
      watch (s, FALSE);
    }
  if (s->closing)
    shutdown (s->fd, SHUT_WR);
  else if (s->class->drained)
    s->class->drained (s, s->user_data);
}

void
registry_socket_send (RegistrySocket *s, GBytes *frame)
{
  gsize len;
  const guint8 *data = g_bytes_get_data (frame, &len);
  gssize n = 0;

  if (s->fd < 0 || s->closing)
    return;
  if (!s->queue)
    {
      n = write_some (s, data, len);
      if (n == (gssize) len)
        return;
      if (n < 0)
        {
          drop (s, "write failed");
          return;
        }
      s->queue = g_queue_new ();
      s->blocked = seconds ();
      s->sent = n;
      watch (s, TRUE);
    }
  /* Who has not read the last one needs to hear it only once. */
  else if (s->queue->length > 1 && g_bytes_equal (g_queue_peek_tail (s->queue), frame))
    return;

  s->queued += len - n;
  if (s->queued > MAX (s->hub->config->limits.queue_bytes, s->class->queue_bytes))
    {
      drop (s, "does not read");
      return;
    }
  g_queue_push_tail (s->queue, g_bytes_ref (frame));
}

void
registry_socket_close (RegistrySocket *s, guint16 code)
{
  g_autoptr (GBytes) frame = registry_frame_new_close (code);

  if (s->fd < 0 || s->closing)
    return;
  registry_socket_send (s, frame);
  if (s->fd < 0)
    return;
  s->closing = seconds ();
  if (!s->queue)
    shutdown (s->fd, SHUT_WR);
}

/* Receiving */

static gboolean
on_frame (RegistryOpcode opcode, const guint8 *payload, gsize len, gpointer user_data)
{
  Socket *s = user_data;

  switch (opcode)
    {
    case REGISTRY_FRAME_TEXT:
      s->class->message (s, (const char *) payload, len, s->user_data);
      break;
    case REGISTRY_FRAME_PING:
      {
        g_autoptr (GBytes) pong = registry_frame_new (REGISTRY_FRAME_PONG, payload, len);
        registry_socket_send (s, pong);
        break;
      }
    case REGISTRY_FRAME_PONG:
      break;
    case REGISTRY_FRAME_CLOSE:
      registry_socket_close (s, registry_frame_close_code (payload, len));
      break;
    case REGISTRY_FRAME_BINARY:
      if (s->class->binary)
        {
          s->class->binary (s, payload, len, s->user_data);
          break;
        }
      G_GNUC_FALLTHROUGH;
    default:
      s->class->message (s, NULL, 0, s->user_data);
    }
  return s->fd >= 0 && !s->closing;
}

static void
feed (Socket *s, guint8 *data, gsize len)
{
  guint16 code;

  s->heard = seconds ();
  if (s->closing)
    return;
  code = registry_decoder_feed (&s->decoder, data, len,
                                s->class->frame_bytes ? s->class->frame_bytes : s->hub->config->limits.frame_bytes,
                                on_frame, s);
  if (code)
    {
      registry_decoder_clear (&s->decoder);
      registry_socket_close (s, code);
    }
}

static void
receive (Socket *s)
{
  RegistryHub *hub = s->hub;
  gssize n;

  /* One buffer for each turn: nobody gets more of it than the others. A TLS stream may hold more
   * than the descriptor shows, so it is read until it would block. */
  do
    {
      if (s->tls)
        {
          g_autoptr (GError) error = NULL;
          GInputStream *in = g_io_stream_get_input_stream (s->tls);

          n = g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM (in), hub->buffer, READ_BYTES, NULL,
                                                        &error);
          if (n < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
            return;
        }
      else
        {
          n = recv (s->fd, hub->buffer, READ_BYTES, MSG_DONTWAIT);
          if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        }
      if (n <= 0)
        {
          drop (s, "closed by the client");
          return;
        }
      feed (s, hub->buffer, n);
    }
  while (s->tls && s->fd >= 0);
}

static gboolean
on_events (int fd, GIOCondition condition, gpointer user_data)
{
  RegistryHub *hub = user_data;
  struct epoll_event events[EVENTS];
  int n;

  n = epoll_wait (hub->epoll, events, EVENTS, 0);
  for (int i = 0; i < n; i++)
    {
      Socket *s = events[i].data.ptr;

      if (s->fd >= 0 && (events[i].events & EPOLLOUT))
        flush (s);
      if (s->fd >= 0 && (events[i].events & (EPOLLIN | EPOLLRDHUP)))
        receive (s);
      if (s->fd >= 0 && (events[i].events & (EPOLLERR | EPOLLHUP)))
        drop (s, "connection lost");
    }
  return G_SOURCE_CONTINUE;
}

static gboolean
on_sweep (gpointer user_data)
{
  RegistryHub *hub = user_data;
  guint32 now = seconds ();
  guint idle = hub->config->limits.idle_seconds;

  for (guint i = hub->sockets->len; i > 0; i--)
    {
      Socket *s = g_ptr_array_index (hub->sockets, i - 1);

      if (s->closing && now - s->closing >= CLOSE_SECONDS)
        drop (s, "did not close");
      else if (s->blocked && now - s->blocked >= idle)
        drop (s, "does not read");
      else if (now - s->heard > idle)
        drop (s, "no sign of life");
      else if (now - s->heard >= (idle + 1) / 2 && s->pinged <= s->heard)
        {
          s->pinged = now;
          registry_socket_send (s, hub->ping);
        }
    }
  return G_SOURCE_CONTINUE;
}

/* Adding */

RegistrySocket *
registry_hub_add (RegistryHub *hub, GIOStream *stream, RegistryConnection *connection, const ScopePrefix *client,
                  const RegistrySocketClass *class, gpointer user_data)
{
  Socket *s = g_new0 (Socket, 1);
  GPollableInputStream *in = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (stream));
  GSocket *socket = registry_connection_socket (connection);
  struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP, .data.ptr = s };
  gboolean tls = registry_connection_is_tls (connection);
  gssize early;

  s->hub = hub;
  s->class = class;
  s->user_data = user_data;
  s->connection = registry_connection_ref (connection);
  s->client = *client;
  s->counted = !scope_prefix_equal (client, registry_connection_peer (connection));
  s->heard = seconds ();
  s->index = hub->sockets->len;
  g_ptr_array_add (hub->sockets, s);

  /* A descriptor of our own: the stream and its socket, some kilobytes, can go. */
  s->fd = fcntl (g_socket_get_fd (socket), F_DUPFD_CLOEXEC, 0);
  if (s->fd < 0 || epoll_ctl (hub->epoll, EPOLL_CTL_ADD, s->fd, &event) < 0)
    {
      g_warning ("websocket: %s", g_strerror (errno));
      if (s->fd < 0)
        s->fd = fcntl (hub->epoll, F_DUPFD_CLOEXEC, 0); /* something to close */
      if (s->fd >= 0)
        drop (s, "no resources");
      return s;
    }
  if (tls)
    s->tls = g_object_ref (stream);
  if (class->unsent_bytes)
    setsockopt (s->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &class->unsent_bytes, sizeof class->unsent_bytes);

  /* What the client sent along with its handshake is in the stream's buffer. */
  early = g_pollable_input_stream_read_nonblocking (in, hub->buffer, READ_BYTES, NULL, NULL);
  registry_connection_set_state (connection, REGISTRY_CONNECTION_TAKEN);
  g_debug ("websocket up, %u now", hub->sockets->len);
  if (early == 0)
    drop (s, "closed by the client");
  else if (early > 0)
    feed (s, hub->buffer, early);
  return s;
}

const ScopePrefix *
registry_socket_client (const RegistrySocket *s)
{
  return &s->client;
}

gsize
registry_socket_queued (const RegistrySocket *s)
{
  return s->queue ? s->queued : 0;
}

gboolean
registry_socket_is_open (const RegistrySocket *s)
{
  return s->fd >= 0 && !s->closing;
}

void
registry_hub_close (RegistryHub *hub)
{
  for (guint i = hub->sockets->len; i > 0; i--)
    registry_socket_close (g_ptr_array_index (hub->sockets, i - 1), REGISTRY_CLOSE_GOING_AWAY);
}

guint
registry_hub_get_size (const RegistryHub *hub)
{
  return hub->sockets->len;
}

/* The hub */

RegistryHub *
registry_hub_new (RegistryAccounts *accounts, GError **error)
{
  int epoll = epoll_create1 (EPOLL_CLOEXEC);
  RegistryHub *hub;

  if (epoll < 0)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "epoll: %s", g_strerror (errno));
      return NULL;
    }
  hub = g_new0 (RegistryHub, 1);
  hub->accounts = accounts;
  hub->epoll = epoll;
  hub->sockets = g_ptr_array_new ();
  hub->dead = g_ptr_array_new ();
  hub->ping = registry_frame_new (REGISTRY_FRAME_PING, NULL, 0);
  hub->source = g_unix_fd_add (epoll, G_IO_IN, on_events, hub);
  hub->sweep = g_timeout_add_seconds (1, on_sweep, hub);
  return hub;
}

void
registry_hub_free (RegistryHub *hub)
{
  while (hub->sockets->len)
    drop (g_ptr_array_index (hub->sockets, 0), "registry stops");
  reap (hub);
  g_clear_handle_id (&hub->reaper, g_source_remove);
  g_source_remove (hub->source);
  g_source_remove (hub->sweep);
  close (hub->epoll);
  g_ptr_array_unref (hub->sockets);
  g_ptr_array_unref (hub->dead);
  g_bytes_unref (hub->ping);
  g_free (hub);
}

void
registry_hub_configure (RegistryHub *hub, const RegistryConfig *config)
{
  hub->config = config;
}
