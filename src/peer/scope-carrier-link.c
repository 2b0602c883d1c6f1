/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A local socket that WireGuard takes for a relay: connected to our WireGuard's port, so that the kernel refuses others. */
#include "peer/scope-carrier-private.h"

#include "common/scope-error.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/socket.h>
#include <unistd.h>

#define PACKETS 128 /* in a turn of the loop */
#define BUFFER_BYTES (1024 * 1024)

static gboolean
on_packets (int fd, GIOCondition condition, gpointer data)
{
  ScopeCarrierLink *link = data;
  guint8 packet[SCOPE_CARRY_PACKET_MAX + 1];

  for (guint i = 0; i < PACKETS; i++)
    {
      gssize len = recv (fd, packet, sizeof packet, MSG_DONTWAIT);

      if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        break;
      /* An error is about an earlier packet: WireGuard does not listen there now. */
      if (len > 0 && scope_carry_is_wireguard (packet, len))
        link->func (link, packet, len, link->data);
    }
  return G_SOURCE_CONTINUE;
}

void
scope_carrier_link_set_port (ScopeCarrierLink *link, guint16 port)
{
  struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons (port), .sin_addr = { htonl (INADDR_LOOPBACK) } };

  g_clear_handle_id (&link->source, g_source_remove);
  if (!port || connect (link->fd, (struct sockaddr *) &to, sizeof to) < 0)
    return;
  link->source = g_unix_fd_add (link->fd, G_IO_IN, on_packets, link);
}

ScopeCarrierLink *
scope_carrier_link_new (const ScopeKey *relay, guint16 port, ScopeCarrierLinkFunc func, gpointer data, GError **error)
{
  ScopeCarrierLink *link = g_new0 (ScopeCarrierLink, 1);
  socklen_t len = sizeof link->local.in;
  int size = BUFFER_BYTES;

  link->relay = *relay;
  link->func = func;
  link->data = data;
  link->local.in = (struct sockaddr_in) { .sin_family = AF_INET, .sin_addr = { htonl (INADDR_LOOPBACK) } };
  link->fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (link->fd < 0 || bind (link->fd, &link->local.any, sizeof link->local.in) < 0 ||
      getsockname (link->fd, &link->local.any, &len) < 0)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "a UDP socket on 127.0.0.1: %s", g_strerror (errno));
      scope_carrier_link_free (link);
      return NULL;
    }
  setsockopt (link->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  scope_carrier_link_set_port (link, port);
  return link;
}

void
scope_carrier_link_free (ScopeCarrierLink *link)
{
  g_clear_handle_id (&link->source, g_source_remove);
  if (link->fd >= 0)
    close (link->fd);
  g_free (link);
}

void
scope_carrier_link_deliver (ScopeCarrierLink *link, const guint8 *packet, gsize len)
{
  /* What WireGuard does not take is lost, as on any other way. */
  if (link->source)
    send (link->fd, packet, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}
