/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The UDP side: a socket per link. While nobody has answered, a few packets a second go to each address where the
 * relay may be, and the first one that answers with WireGuard's is it: the socket is connected to it. Not only
 * handshakes: a session may live that had another socket before. When it falls silent while it is spoken to, the search
 * begins anew.
 */
#include "registry/registry-carry-private.h"

#include "common/scope-endpoint.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 64
#define PACKETS 128 /* of one link in a turn */
#define TRIES 4.0   /* packets a second, before anybody answered: nobody is to be flooded who did not ask for it */
#define TRIES_BURST 8
#define SILENCE_USEC (20 * G_USEC_PER_SEC) /* WireGuard would have answered after 10 s, and begun anew after 15 */
#define BUFFER_BYTES (1024 * 1024)

/* @fd: -1 when there was no socket to be had anew
 * @asked: monotonic, µs: the first packet after the last one that came; 0 when all is answered */
struct _RegistryCarryLink {
  RegistryCarrier *carrier;
  guint16 id;
  ScopeKey key;
  GArray *targets;
  int fd;
  int family;
  gboolean locked;
  gint64 asked;
  gint64 active;
  RegistryBucket tries;
};

typedef RegistryCarryLink Link;

/* Addresses: one socket of IPv6 speaks IPv4, too, where there is IPv6 at all. */

static ScopeSockaddr
as_family (const ScopeSockaddr *sa, int family)
{
  ScopeSockaddr mapped = { .in6 = { .sin6_family = AF_INET6, .sin6_port = sa->in.sin_port } };

  if (family == AF_INET || sa->any.sa_family == AF_INET6)
    return *sa;
  mapped.in6.sin6_addr.s6_addr[10] = mapped.in6.sin6_addr.s6_addr[11] = 0xff;
  memcpy (mapped.in6.sin6_addr.s6_addr + 12, &sa->in.sin_addr, 4);
  return mapped;
}

static gboolean
is_target (const Link *link, const ScopeSockaddr *from)
{
  for (guint i = 0; i < link->targets->len; i++)
    {
      ScopeSockaddr target = as_family (&g_array_index (link->targets, ScopeSockaddr, i), link->family);

      if (scope_sockaddr_equal (&target, from))
        return TRUE;
    }
  return FALSE;
}

/* The socket */

static void
open_socket (Link *link)
{
  RegistryCarry *carry = link->carrier->carry;
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = link };
  int off = 0, size = BUFFER_BYTES;

  link->locked = FALSE;
  link->asked = 0;
  link->family = AF_INET6;
  link->fd = socket (AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (link->fd >= 0)
    setsockopt (link->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  else
    {
      link->family = AF_INET;
      link->fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    }
  if (link->fd < 0)
    return;
  setsockopt (link->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  setsockopt (link->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  if (epoll_ctl (carry->epoll, EPOLL_CTL_ADD, link->fd, &event) < 0)
    {
      close (link->fd);
      link->fd = -1;
    }
}

static void
close_socket (Link *link)
{
  if (link->fd < 0)
    return;
  epoll_ctl (link->carrier->carry->epoll, EPOLL_CTL_DEL, link->fd, NULL);
  close (link->fd);
  link->fd = -1;
}

/* Where the relay says that it is now. */
static void
search (Link *link)
{
  const char *code;
  GArray *targets = registry_carrier_targets (link->carrier, &link->key, &code);

  close_socket (link);
  if (!targets)
    return;
  g_array_unref (link->targets);
  link->targets = targets;
  open_socket (link);
}

/* From the member to the relay */

void
registry_carry_link_send (Link *link, const guint8 *packet, gsize len, gint64 now)
{
  link->active = link->carrier->active = now;
  if (link->asked && now - link->asked > SILENCE_USEC && scope_carry_is_initiation (packet, len))
    search (link);
  if (link->fd < 0)
    return;
  if (!link->asked)
    link->asked = now;
  if (link->locked)
    {
      /* What UDP refuses is lost, as on any other way. */
      send (link->fd, packet, len, MSG_DONTWAIT | MSG_NOSIGNAL);
      return;
    }
  if (!registry_bucket_take (&link->tries, 1, TRIES, TRIES_BURST, now))
    return;
  for (guint i = 0; i < link->targets->len; i++)
    {
      const ScopeSockaddr *target = &g_array_index (link->targets, ScopeSockaddr, i);
      ScopeSockaddr to = as_family (target, link->family);

      if (link->family == AF_INET6 || target->any.sa_family == AF_INET)
        sendto (link->fd, packet, len, MSG_DONTWAIT | MSG_NOSIGNAL, &to.any, scope_sockaddr_len (&to));
    }
}

/* From the relay to the member */

static void
lock (Link *link, const ScopeSockaddr *from)
{
  g_autofree char *text = NULL;

  if (connect (link->fd, &from->any, scope_sockaddr_len (from)) < 0)
    return;
  link->locked = TRUE;
  text = scope_sockaddr_format (from);
  g_debug ("network %s: carrying to %s", link->carrier->network, text);
}

/* FALSE: there is no more to read now */
static gboolean
receive_one (Link *link, GByteArray *batch, gint64 now)
{
  guint8 packet[SCOPE_CARRY_PACKET_MAX + 1];
  ScopeSockaddr from = { 0 };
  socklen_t from_len = sizeof from;
  gssize len = recvfrom (link->fd, packet, sizeof packet, MSG_DONTWAIT, &from.any, &from_len);
  RegistryCarrier *carrier = link->carrier;

  if (len < 0)
    return errno != EAGAIN && errno != EWOULDBLOCK; /* an ICMP error of an earlier packet: read away */
  /* IPv6 tells of a flow and a scope, which are no part of who it is. */
  if (from.any.sa_family == AF_INET6)
    from.in6.sin6_flowinfo = from.in6.sin6_scope_id = 0;
  if (!scope_carry_is_wireguard (packet, len) || !is_target (link, &from))
    return TRUE;
  if (!link->locked)
    lock (link, &from);
  link->asked = 0;
  link->active = carrier->active = now;
  if (carrier->carry->config->bytes_per_second &&
      !registry_bucket_take (&carrier->down, len, carrier->carry->config->bytes_per_second,
                             carrier->carry->config->bytes_per_second, now))
    return TRUE;
  scope_carry_append (batch, link->id, packet, len);
  return TRUE;
}

/* The newest is what is dropped when the member does not read: what waits is not to grow old. */
static void
pass_on (Link *link, GByteArray *batch)
{
  RegistryCarrier *carrier = link->carrier;
  gsize queued = registry_socket_queued (carrier->socket);

  if (batch->len && queued + batch->len <= carrier->carry->config->queue_bytes)
    {
      g_autoptr (GBytes) frame = registry_frame_new (REGISTRY_FRAME_BINARY, batch->data, batch->len);
      registry_socket_send (carrier->socket, frame);
    }
  g_byte_array_set_size (batch, 0);
}

static void
receive (Link *link)
{
  g_autoptr (GByteArray) batch = g_byte_array_sized_new (SCOPE_CARRY_MESSAGE_MAX);
  gint64 now = g_get_monotonic_time ();

  for (guint i = 0; i < PACKETS && receive_one (link, batch, now); i++)
    if (batch->len >= SCOPE_CARRY_BATCH)
      pass_on (link, batch);
  pass_on (link, batch);
}

/* A link is freed only by what its WebSocket, or time, says: never while this runs. */
static gboolean
on_events (int fd, GIOCondition condition, gpointer user_data)
{
  RegistryCarry *carry = user_data;
  struct epoll_event events[EVENTS];
  int n = epoll_wait (carry->epoll, events, EVENTS, 0);

  for (int i = 0; i < n; i++)
    receive (events[i].data.ptr);
  return G_SOURCE_CONTINUE;
}

/* Life */

static gboolean
begin (RegistryCarry *carry)
{
  if (carry->links++)
    return TRUE;
  carry->epoll = epoll_create1 (EPOLL_CLOEXEC);
  if (carry->epoll < 0)
    {
      carry->links = 0;
      return FALSE;
    }
  carry->source = g_unix_fd_add (carry->epoll, G_IO_IN, on_events, carry);
  return TRUE;
}

static void
end (RegistryCarry *carry)
{
  if (--carry->links)
    return;
  g_clear_handle_id (&carry->source, g_source_remove);
  close (carry->epoll);
  carry->epoll = -1;
}

RegistryCarryLink *
registry_carry_link_new (RegistryCarrier *carrier, guint16 id, const ScopeKey *key, const char **code)
{
  GArray *targets = registry_carrier_targets (carrier, key, code);
  Link *link;

  if (!targets)
    return NULL;
  *code = "busy";
  if (!begin (carrier->carry))
    {
      g_array_unref (targets);
      return NULL;
    }
  link = g_new0 (Link, 1);
  link->carrier = carrier;
  link->id = id;
  link->key = *key;
  link->targets = targets;
  link->active = g_get_monotonic_time ();
  open_socket (link);
  if (link->fd >= 0)
    return link;
  registry_carry_link_free (link);
  return NULL;
}

void
registry_carry_link_free (Link *link)
{
  close_socket (link);
  end (link->carrier->carry);
  g_array_unref (link->targets);
  g_free (link);
}

guint16
registry_carry_link_id (const Link *link)
{
  return link->id;
}

gint64
registry_carry_link_active (const Link *link)
{
  return link->active;
}
