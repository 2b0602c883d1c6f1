/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h" /* _GNU_SOURCE, for struct in6_pktinfo */

#include "net/scope-raw.h"

#include "common/scope-error.h"

#include <errno.h>
#include <glib-unix.h>
#include <linux/filter.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STUN_COOKIE 0x2112a442u
#define STUN_MIN 20
#define IP_HEADER_MAX 60
#define READ_MAX 64 /* packets in one turn: others want the main loop, too */

typedef struct {
  int fd; /* -1: this machine does not have the family */
  GSource *source;
} Half;

struct _ScopeRaw {
  grefcount refs; /* the callback may free us: whoever calls it holds one */
  guint16 port;
  guint32 mark;
  Half ip4;
  Half ip6;
  ScopeRawFunc func; /* NULL once freed */
  gpointer data;
};

static void
half_close (Half *half)
{
  if (half->source)
    {
      g_source_destroy (half->source);
      g_clear_pointer (&half->source, g_source_unref);
    }
  if (half->fd >= 0)
    close (half->fd);
  half->fd = -1;
}

static void
raw_unref (ScopeRaw *raw)
{
  if (g_ref_count_dec (&raw->refs))
    g_free (raw);
}

void
scope_raw_free (ScopeRaw *raw)
{
  raw->func = NULL;
  half_close (&raw->ip4);
  half_close (&raw->ip6);
  raw_unref (raw);
}

guint16
scope_raw_port (const ScopeRaw *raw)
{
  return raw->port;
}

/* --- receiving --- */

/*
 * Lets binding requests and their answers through, to our port. The first two bytes tell STUN (0x0001, 0x0101, 0x0111)
 * from WireGuard (1 to 4, then zeros) whatever comes after them. An IPv4 raw socket sees the packet from the IP header
 * on, an IPv6 one from the UDP header.
 */
static gboolean
attach_filter (int fd, int family, guint16 port)
{
  struct sock_filter code[] = {
    family == AF_INET ? (struct sock_filter) BPF_STMT (BPF_LDX | BPF_B | BPF_MSH, 0)
                      : (struct sock_filter) BPF_STMT (BPF_LDX | BPF_IMM, 0),
    BPF_STMT (BPF_LD | BPF_H | BPF_IND, 2), /* destination port */
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, port, 0, 9),
    BPF_STMT (BPF_LD | BPF_W | BPF_IND, 12),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, STUN_COOKIE, 0, 7),
    BPF_STMT (BPF_LD | BPF_H | BPF_IND, 4), /* length */
    BPF_JUMP (BPF_JMP | BPF_JGT | BPF_K, sizeof (struct udphdr) + SCOPE_RAW_MAX, 5, 0),
    BPF_STMT (BPF_LD | BPF_H | BPF_IND, 8), /* type */
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 0x0001, 2, 0),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 0x0101, 1, 0),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 0x0111, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, 0xffff),
    BPF_STMT (BPF_RET | BPF_K, 0),
  };
  const struct sock_fprog program = { G_N_ELEMENTS (code), code };

  return setsockopt (fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

/* Where it arrived, which for IPv6 is not in the packet. */
static gboolean
read_pktinfo (struct msghdr *message, ScopeSockaddr *to)
{
  for (struct cmsghdr *c = CMSG_FIRSTHDR (message); c; c = CMSG_NXTHDR (message, c))
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
      {
        struct in6_pktinfo info;

        memcpy (&info, CMSG_DATA (c), sizeof info);
        to->in6.sin6_family = AF_INET6;
        to->in6.sin6_addr = info.ipi6_addr;
        if (IN6_IS_ADDR_LINKLOCAL (&info.ipi6_addr))
          to->in6.sin6_scope_id = info.ipi6_ifindex;
        return TRUE;
      }
  return FALSE;
}

/* Takes the headers off. What the filter did not see, because it came before it was attached, ends here. */
static gboolean
unwrap (const ScopeRaw *raw, int family, const guint8 **data, gsize *len, ScopeSockaddr *from, ScopeSockaddr *to)
{
  struct udphdr udp;
  guint32 cookie;

  if (family == AF_INET)
    {
      struct iphdr ip;

      if (*len < sizeof ip)
        return FALSE;
      memcpy (&ip, *data, sizeof ip);
      if (ip.ihl * 4u < sizeof ip || *len < ip.ihl * 4u)
        return FALSE;
      *data += ip.ihl * 4;
      *len -= ip.ihl * 4;
      to->in.sin_family = AF_INET;
      to->in.sin_addr.s_addr = ip.daddr;
    }
  if (*len < sizeof udp + STUN_MIN)
    return FALSE;
  memcpy (&udp, *data, sizeof udp);
  *data += sizeof udp;
  *len -= sizeof udp;
  if (ntohs (udp.uh_dport) != raw->port || ntohs (udp.uh_ulen) != *len + sizeof udp || *len > SCOPE_RAW_MAX ||
      udp.uh_sport == 0)
    return FALSE;
  *(family == AF_INET ? &from->in.sin_port : &from->in6.sin6_port) = udp.uh_sport;
  *(family == AF_INET ? &to->in.sin_port : &to->in6.sin6_port) = udp.uh_dport;
  memcpy (&cookie, *data + 4, sizeof cookie);
  return ntohl (cookie) == STUN_COOKIE;
}

/* Returns: whether there may be more */
static gboolean
read_one (ScopeRaw *raw, int fd, int family)
{
  guint8 buffer[IP_HEADER_MAX + sizeof (struct udphdr) + SCOPE_RAW_MAX];
  _Alignas (struct cmsghdr) guint8 control[CMSG_SPACE (sizeof (struct in6_pktinfo))];
  ScopeSockaddr from = { 0 }, to = { 0 };
  struct iovec iov = { buffer, sizeof buffer };
  struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &iov, .msg_iovlen = 1,
                            .msg_control = control, .msg_controllen = sizeof control };
  ssize_t n = recvmsg (fd, &message, 0);
  const guint8 *data = buffer;
  gsize len = n;

  if (n < 0)
    return errno == EINTR;
  if (from.any.sa_family != family || (message.msg_flags & MSG_TRUNC) ||
      (family == AF_INET6 && !read_pktinfo (&message, &to)) || !unwrap (raw, family, &data, &len, &from, &to))
    return TRUE;
  if (family == AF_INET6)
    from.in6.sin6_flowinfo = 0;
  raw->func (raw, data, len, &from, &to, raw->data);
  return TRUE;
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer data)
{
  ScopeRaw *raw = data;
  int family = fd == raw->ip4.fd ? AF_INET : AF_INET6;

  g_ref_count_inc (&raw->refs);
  for (int i = 0; raw->func && i < READ_MAX && read_one (raw, fd, family); i++)
    ;
  raw_unref (raw);
  return G_SOURCE_CONTINUE;
}

/* --- opening --- */

static gboolean
set_mark (int fd, guint32 mark)
{
  return mark == 0 || setsockopt (fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) == 0;
}

static gboolean
half_open (ScopeRaw *raw, Half *half, int family, GError **error)
{
  const int checksum = G_STRUCT_OFFSET (struct udphdr, uh_sum), on = 1;

  half->fd = socket (family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
  if (half->fd < 0 && errno == EAFNOSUPPORT)
    return TRUE;
  /* The kernel knows the source address that the checksum is over only when it sends. For IPv6 it fills it in, and
   * looks at it in what comes. */
  if (half->fd < 0 || !attach_filter (half->fd, family, raw->port) || !set_mark (half->fd, raw->mark) ||
      (family == AF_INET6 &&
       (setsockopt (half->fd, IPPROTO_IPV6, IPV6_CHECKSUM, &checksum, sizeof checksum) < 0 ||
        setsockopt (half->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) < 0)))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_UNSUPPORTED, "cannot open a raw %s socket for port %u: %s",
                   family == AF_INET ? "IPv4" : "IPv6", raw->port, g_strerror (errno));
      return FALSE;
    }
  half->source = g_unix_fd_source_new (half->fd, G_IO_IN);
  g_source_set_callback (half->source, G_SOURCE_FUNC (on_readable), raw, NULL);
  g_source_attach (half->source, g_main_context_get_thread_default ());
  return TRUE;
}

ScopeRaw *
scope_raw_new (guint16 port, guint32 mark, ScopeRawFunc func, gpointer data, GError **error)
{
  g_autoptr (ScopeRaw) raw = g_new0 (ScopeRaw, 1);

  g_ref_count_init (&raw->refs);
  raw->port = port;
  raw->mark = mark;
  raw->ip4.fd = raw->ip6.fd = -1;
  if (!half_open (raw, &raw->ip4, AF_INET, error) || !half_open (raw, &raw->ip6, AF_INET6, error))
    return NULL;
  raw->func = func;
  raw->data = data;
  return g_steal_pointer (&raw);
}

/* --- sending --- */

static gboolean
unreachable (const ScopeSockaddr *to, int code, GError **error)
{
  g_autofree char *text = scope_sockaddr_format (to);

  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_UNREACHABLE, "cannot send to %s: %s", text ? text : "no address",
               g_strerror (code));
  return FALSE;
}

gboolean
scope_raw_route (const ScopeRaw *raw, const ScopeSockaddr *to, ScopeSockaddr *from, GError **error)
{
  socklen_t len = sizeof *from;
  int fd = socket (to->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  gboolean ok = fd >= 0 && set_mark (fd, raw->mark) && connect (fd, &to->any, scope_sockaddr_len (to)) == 0 &&
                getsockname (fd, &from->any, &len) == 0;
  int code = errno;

  if (fd >= 0)
    close (fd);
  if (!ok)
    {
      memset (from, 0, sizeof *from);
      return unreachable (to, code, error);
    }
  *(from->any.sa_family == AF_INET ? &from->in.sin_port : &from->in6.sin6_port) = htons (raw->port);
  return TRUE;
}

static guint32
sum (guint32 total, const void *bytes, gsize len)
{
  const guint8 *p = bytes;

  for (gsize i = 0; i + 1 < len; i += 2)
    total += p[i] << 8 | p[i + 1];
  if (len % 2)
    total += p[len - 1] << 8;
  return total;
}

/* RFC 768, over the pseudo header, too. */
static guint16
ip4_checksum (const ScopeSockaddr *from, const ScopeSockaddr *to, const struct udphdr *udp, const guint8 *payload,
              gsize len)
{
  guint32 total = IPPROTO_UDP + sizeof *udp + len;

  total = sum (total, &from->in.sin_addr, 4);
  total = sum (total, &to->in.sin_addr, 4);
  total = sum (total, udp, sizeof *udp);
  total = sum (total, payload, len);
  while (total >> 16)
    total = (total & 0xffff) + (total >> 16);
  return htons (total == 0xffff ? 0xffff : ~total & 0xffff); /* 0 would mean none */
}

static void
add_control (struct msghdr *message, int level, int type, const void *data, gsize len)
{
  struct cmsghdr *c = (struct cmsghdr *) ((guint8 *) message->msg_control + message->msg_controllen);

  c->cmsg_level = level;
  c->cmsg_type = type;
  c->cmsg_len = CMSG_LEN (len);
  memcpy (CMSG_DATA (c), data, len);
  message->msg_controllen += CMSG_SPACE (len);
}

gboolean
scope_raw_send (ScopeRaw *raw, const ScopeSockaddr *from, const ScopeSockaddr *to, int ttl, const guint8 *payload,
                gsize len, GError **error)
{
  gboolean ip4 = to->any.sa_family == AF_INET;
  int fd = ip4 ? raw->ip4.fd : raw->ip6.fd;
  _Alignas (struct cmsghdr) guint8 control[CMSG_SPACE (sizeof (struct in6_pktinfo)) + CMSG_SPACE (sizeof ttl)] = { 0 };
  struct udphdr udp = { .uh_sport = htons (raw->port), .uh_ulen = htons (sizeof udp + len) };
  struct iovec iov[] = { { &udp, sizeof udp }, { (guint8 *) payload, len } };
  ScopeSockaddr target = *to, source;
  struct msghdr message = { .msg_name = &target, .msg_namelen = scope_sockaddr_len (to), .msg_iov = iov,
                            .msg_iovlen = G_N_ELEMENTS (iov), .msg_control = control };

  g_return_val_if_fail (len <= SCOPE_RAW_MAX, FALSE);
  if (fd < 0 || (!ip4 && to->any.sa_family != AF_INET6))
    return unreachable (to, EAFNOSUPPORT, error);

  if (from)
    source = *from;
  else if (ip4 && !scope_raw_route (raw, to, &source, error))
    return FALSE;
  if (ip4)
    {
      struct in_pktinfo info = { .ipi_spec_dst = source.in.sin_addr };

      udp.uh_dport = to->in.sin_port;
      udp.uh_sum = ip4_checksum (&source, to, &udp, payload, len);
      add_control (&message, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
      if (ttl)
        add_control (&message, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl);
      target.in.sin_port = 0;
    }
  else
    {
      udp.uh_dport = to->in6.sin6_port;
      if (from)
        {
          struct in6_pktinfo info = { .ipi6_addr = source.in6.sin6_addr, .ipi6_ifindex = source.in6.sin6_scope_id };

          add_control (&message, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
        }
      if (ttl)
        add_control (&message, IPPROTO_IPV6, IPV6_HOPLIMIT, &ttl, sizeof ttl);
      target.in6.sin6_port = 0; /* a raw socket takes it for a protocol number */
    }
  if (message.msg_controllen == 0)
    message.msg_control = NULL;
  if (sendmsg (fd, &message, MSG_NOSIGNAL) < 0)
    return unreachable (to, errno, error);
  return TRUE;
}
