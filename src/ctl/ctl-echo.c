/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "ctl/ctl-echo.h"

#include "common/scope-endpoint.h"
#include "common/scope-error.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define COOKIE_LEN 16

/* The two headers are alike: type, code, checksum, identifier, sequence. */
typedef struct {
  guint8 type;
  guint8 code;
  guint16 checksum;
  guint16 id;
  guint16 sequence;
  guint8 cookie[COOKIE_LEN];
} Packet;

G_STATIC_ASSERT (sizeof (Packet) == 8 + COOKIE_LEN);

struct _CtlEcho {
  int fd;
  ScopeSockaddr to;
  gboolean raw; /* then the checksum, and the IPv4 header before what comes, are ours */
  guint8 cookie[COOKIE_LEN]; /* that it is an answer to us */
  guint16 id;
  guint16 sequence;
};

static gboolean
open_socket (CtlEcho *self)
{
  int family = self->to.any.sa_family, protocol = family == AF_INET ? IPPROTO_ICMP : (int) IPPROTO_ICMPV6;

  self->fd = socket (family, SOCK_DGRAM | SOCK_CLOEXEC, protocol);
  self->raw = self->fd < 0;
  if (self->raw)
    self->fd = socket (family, SOCK_RAW | SOCK_CLOEXEC, protocol);
  return self->fd >= 0;
}

CtlEcho *
ctl_echo_new (const char *address, GError **error)
{
  g_autoptr (CtlEcho) self = g_new0 (CtlEcho, 1);
  g_autoptr (GInetAddress) inet = g_inet_address_new_from_string (address);

  self->fd = -1;
  if (!inet || !scope_sockaddr_from_inet (&self->to, inet, 0))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("“%s” is not an address"), address);
      return NULL;
    }
  if (!open_socket (self))
    {
      gboolean denied = errno == EACCES || errno == EPERM;
      g_set_error (error, SCOPE_ERROR, denied ? SCOPE_ERROR_DENIED : SCOPE_ERROR_FAILED,
                   denied ? _ ("no right to ping (%s): only root has it here, or who net.ipv4.ping_group_range names")
                          : _ ("no socket for pings: %s"),
                   g_strerror (errno));
      return NULL;
    }
  if (getrandom (self->cookie, sizeof self->cookie, 0) != sizeof self->cookie)
    g_error ("getrandom failed");
  memcpy (&self->id, self->cookie, sizeof self->id);
  return g_steal_pointer (&self);
}

void
ctl_echo_free (CtlEcho *self)
{
  if (self->fd >= 0)
    close (self->fd);
  g_free (self);
}

/* RFC 1071; of ICMPv6 the kernel does it, since the addresses belong to it. */
static guint16
checksum (const void *data, gsize len)
{
  const guint8 *bytes = data;
  guint32 sum = 0;

  for (gsize i = 0; i + 1 < len; i += 2)
    sum += bytes[i] << 8 | bytes[i + 1];
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return htons (~sum & 0xffff);
}

static gboolean
send_echo (CtlEcho *self)
{
  gboolean ip4 = self->to.any.sa_family == AF_INET;
  Packet packet = { .type = ip4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST, .id = self->id, .sequence = htons (++self->sequence) };

  memcpy (packet.cookie, self->cookie, sizeof packet.cookie);
  if (ip4)
    packet.checksum = checksum (&packet, sizeof packet);
  return sendto (self->fd, &packet, sizeof packet, 0, &self->to.any, scope_sockaddr_len (&self->to)) == sizeof packet;
}

/* Whether what came is the answer to the last echo; the kernel may have another identifier in it. */
static gboolean
take (CtlEcho *self, const guint8 *data, gssize len)
{
  gboolean ip4 = self->to.any.sa_family == AF_INET;
  Packet packet;

  if (self->raw && ip4 && len > 0)
    {
      gssize header = (data[0] & 0x0f) * 4;
      data += MIN (header, len);
      len -= MIN (header, len);
    }
  if (len < (gssize) sizeof packet)
    return FALSE;
  memcpy (&packet, data, sizeof packet);
  return packet.type == (ip4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) && ntohs (packet.sequence) == self->sequence &&
         memcmp (packet.cookie, self->cookie, sizeof packet.cookie) == 0;
}

gint64
ctl_echo_ask (CtlEcho *self, guint timeout_ms)
{
  gint64 start = g_get_monotonic_time (), end = start + (gint64) timeout_ms * 1000;
  gboolean sent = send_echo (self);
  gint64 rest;

  while ((rest = end - g_get_monotonic_time ()) > 0)
    {
      struct pollfd poll_fd = { .fd = sent ? self->fd : -1, .events = POLLIN };
      guint8 buffer[2048];
      gssize len;

      /* Nothing sent (no route yet): the time passes all the same. */
      if (poll (&poll_fd, 1, (rest + 999) / 1000) <= 0)
        continue;
      len = recv (self->fd, buffer, sizeof buffer, MSG_DONTWAIT);
      if (take (self, buffer, len))
        return g_get_monotonic_time () - start;
    }
  return -1;
}
