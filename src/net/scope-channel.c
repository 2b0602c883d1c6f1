/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/scope-channel.h"

#include "common/scope-error.h"
#include "common/scope-json.h"
#include "crypto/scope-link-address.h"
#include "net/scope-link-packet.h"
#include "net/scope-tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib-unix.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define AT_ONCE 32             /* messages until others have their turn */

struct _ScopeChannel {
  ScopeChannelFunc func;
  gpointer data;
  ScopePrefix own;
  guint ifindex;
  int in;
  int out;
  guint in_id;
  GHashTable *peers; /* the 16 bytes of a link address → ScopeKey */
  guint8 packet[SCOPE_LINK_PACKET_MAX + 1];
};

/* The bytes of an address; all link addresses are alike in the first half. */
static guint
address_hash (gconstpointer address)
{
  guint h;

  memcpy (&h, (const guint8 *) address + 8, sizeof h);
  return h;
}

static gboolean
address_equal (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, 16) == 0;
}

/* --- in ------------------------------------------------------------------------------------ */

/* Whether the kernel passes a packet on whose sum the device was to fill in: it has not left the machine. */
static gboolean
sum_is_to_come (struct msghdr *message)
{
  for (struct cmsghdr *c = CMSG_FIRSTHDR (message); c; c = CMSG_NXTHDR (message, c))
    if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA)
      {
        struct tpacket_auxdata aux;
        memcpy (&aux, CMSG_DATA (c), sizeof aux);
        return (aux.tp_status & TP_STATUS_CSUMNOTREADY) != 0;
      }
  return FALSE;
}

static void
take_packet (ScopeChannel *self, gsize n, gboolean check_sum)
{
  g_autoptr (JsonObject) frame = NULL;
  const ScopeKey *from;
  const char *text;
  gsize len;
  ScopeKey key;

  text = scope_link_packet_text (self->packet, n, check_sum, &len);
  from = text ? g_hash_table_lookup (self->peers, scope_link_packet_source (self->packet)) : NULL;
  frame = from ? scope_link_packet_frame (text, len) : NULL;
  if (!frame)
    return;
  key = *from; /* who hears of it may change the peers */
  self->packet[text + len - (char *) self->packet] = '\0';
  self->func (&key, scope_json_get_string (frame, "t"), json_object_get_object_member (frame, "d"), text, len, self->data);
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer data)
{
  ScopeChannel *self = data;

  for (guint i = 0; i < AT_ONCE; i++)
    {
      struct iovec iov = { .iov_base = self->packet, .iov_len = SCOPE_LINK_PACKET_MAX };
      _Alignas (struct cmsghdr) char control[CMSG_SPACE (sizeof (struct tpacket_auxdata))];
      struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
      ssize_t n = recvmsg (fd, &message, 0);

      if (n < 0 && (errno == EINTR || errno == ENETDOWN))
        continue; /* the interface went down for a moment: told once */
      if (n < 0)
        break;
      if (!(message.msg_flags & MSG_TRUNC))
        take_packet (self, n, !sum_is_to_come (&message));
    }
  return G_SOURCE_CONTINUE;
}

static int
open_in (ScopeChannel *self, const char *ifname, GError **error)
{
  guint32 dst[4];
  int fd, on = 1;

  memcpy (dst, self->own.addr, sizeof dst);
  const struct sock_filter filter[] = {
    BPF_STMT (BPF_LD | BPF_B | BPF_ABS, 0),
    BPF_STMT (BPF_ALU | BPF_AND | BPF_K, 0xf0),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 0x60, 0, 13),
    BPF_STMT (BPF_LD | BPF_B | BPF_ABS, 6), /* no fragments, no extension headers: we send none */
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 11),
    BPF_STMT (BPF_LD | BPF_H | BPF_ABS, 42),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SCOPE_CHANNEL_PORT, 0, 9),
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, 36),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, ntohl (dst[3]), 0, 7),
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, 32),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, ntohl (dst[2]), 0, 5),
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, 28),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, ntohl (dst[1]), 0, 3),
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, 24),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, ntohl (dst[0]), 0, 1),
    BPF_STMT (BPF_RET | BPF_K, G_MAXUINT32),
    BPF_STMT (BPF_RET | BPF_K, 0),
  };

  fd = scope_tap_open (ifname, ETH_P_IPV6, filter, G_N_ELEMENTS (filter), error);
  if (fd >= 0)
    setsockopt (fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof on);
  return fd;
}

/* --- out ----------------------------------------------------------------------------------- */

static struct sockaddr_in6
socket_address (const ScopePrefix *address, guint ifindex)
{
  struct sockaddr_in6 sa = { .sin6_family = AF_INET6, .sin6_port = htons (SCOPE_CHANNEL_PORT), .sin6_scope_id = ifindex };

  memcpy (&sa.sin6_addr, address->addr, 16);
  return sa;
}

/* It sends, and has the port so that the kernel answers no message with “port unreachable”; what comes in, it drops. */
static int
open_out (ScopeChannel *self, const char *ifname, GError **error)
{
  const struct sock_filter nothing[] = { BPF_STMT (BPF_RET | BPF_K, 0) };
  struct sock_fprog program = { .len = G_N_ELEMENTS (nothing), .filter = (struct sock_filter *) nothing };
  struct sockaddr_in6 sa = socket_address (&self->own, self->ifindex);
  int discover = IPV6_PMTUDISC_PROBE, on = 1, saved;
  int fd = socket (AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  if (fd >= 0 && setsockopt (fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0 &&
      setsockopt (fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, strlen (ifname)) == 0 &&
      setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0 &&
      /* Too long for the link is an error: nobody would put fragments together. */
      setsockopt (fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &discover, sizeof discover) == 0 &&
      bind (fd, (struct sockaddr *) &sa, sizeof sa) == 0)
    return fd;
  saved = errno;
  if (fd >= 0)
    close (fd);
  g_set_error (error, SCOPE_ERROR,
               saved == EADDRINUSE ? SCOPE_ERROR_TAKEN
               : saved == ENODEV || saved == EADDRNOTAVAIL ? SCOPE_ERROR_GONE
                                                           : SCOPE_ERROR_FAILED,
               "cannot have UDP port %d of our link address on interface %s: %s", SCOPE_CHANNEL_PORT, ifname,
               g_strerror (saved));
  return -1;
}

gboolean
scope_channel_send (ScopeChannel *self, const ScopeKey *to, const char *text, gsize len, GError **error)
{
  struct sockaddr_in6 sa;
  ScopePrefix address;

  if (len > SCOPE_LINK_PACKET_MAX - SCOPE_LINK_PACKET_HEADERS)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "a link message of %" G_GSIZE_FORMAT " bytes is too long", len);
      return FALSE;
    }
  scope_link_address (to, &address);
  sa = socket_address (&address, self->ifindex);
  if (sendto (self->out, text, len, 0, (struct sockaddr *) &sa, sizeof sa) >= 0)
    return TRUE;
  g_set_error (error, SCOPE_ERROR, errno == EMSGSIZE ? SCOPE_ERROR_INVALID : SCOPE_ERROR_FAILED,
               "cannot send a link message: %s", g_strerror (errno));
  return FALSE;
}

/* --- life ---------------------------------------------------------------------------------- */

ScopeChannel *
scope_channel_new (const char *ifname, const ScopeKey *own, ScopeChannelFunc func, gpointer data, GError **error)
{
  g_autoptr (ScopeChannel) self = g_new0 (ScopeChannel, 1);

  self->func = func;
  self->data = data;
  self->in = self->out = -1;
  self->ifindex = if_nametoindex (ifname);
  self->peers = g_hash_table_new_full (address_hash, address_equal, g_free, g_free);
  scope_link_address (own, &self->own);
  self->in = open_in (self, ifname, error);
  if (self->in < 0)
    return NULL;
  self->out = open_out (self, ifname, error);
  if (self->out < 0)
    return NULL;
  self->in_id = g_unix_fd_add (self->in, G_IO_IN | G_IO_ERR, on_readable, self);
  return g_steal_pointer (&self);
}

void
scope_channel_free (ScopeChannel *self)
{
  g_clear_handle_id (&self->in_id, g_source_remove);
  if (self->in >= 0)
    scope_tap_close (self->in);
  if (self->out >= 0)
    close (self->out);
  g_hash_table_unref (self->peers);
  g_free (self);
}

void
scope_channel_set_peers (ScopeChannel *self, const ScopeKey *peers, gsize n)
{
  g_hash_table_remove_all (self->peers);
  for (gsize i = 0; i < MIN (n, SCOPE_CHANNEL_MAX_PEERS); i++)
    {
      ScopePrefix address;

      scope_link_address (&peers[i], &address);
      g_hash_table_insert (self->peers, g_memdup2 (address.addr, 16), g_memdup2 (&peers[i], sizeof peers[i]));
    }
}
