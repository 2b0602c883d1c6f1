/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-link.h"

#include "common/scope-error.h"

#include <errno.h>
#include <glib-unix.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_SIZE 32768
#define PICK_TRIES 64

struct _ScopeLinkWatch {
  grefcount refs; /* the callback may free the watch: whoever calls it holds one */
  struct mnl_socket *socket;
  GSource *source;
  char *wanted;
  char name[IF_NAMESIZE];
  guint index;
  ScopeLinkState state;
  ScopeLinkFunc func; /* NULL before it is set up and after it is freed */
  gpointer data;
};

static void
watch_unref (ScopeLinkWatch *watch)
{
  if (!g_ref_count_dec (&watch->refs))
    return;
  if (watch->socket)
    mnl_socket_close (watch->socket);
  g_free (watch->wanted);
  g_free (watch);
}

void
scope_link_watch_free (ScopeLinkWatch *watch)
{
  watch->func = NULL;
  if (watch->source)
    {
      g_source_destroy (watch->source);
      g_clear_pointer (&watch->source, g_source_unref);
    }
  watch_unref (watch);
}

static void
tell (ScopeLinkWatch *watch, ScopeLinkState event)
{
  if (watch->func)
    watch->func (watch, event, watch->data);
}

static void
become (ScopeLinkWatch *watch, ScopeLinkState state)
{
  if (watch->state == state)
    return;
  watch->state = state;
  tell (watch, state);
}

static void
gone (ScopeLinkWatch *watch)
{
  watch->index = 0;
  g_strlcpy (watch->name, watch->wanted, sizeof watch->name);
  become (watch, SCOPE_LINK_GONE);
}

static int
take_name (const struct nlattr *attr, void *data)
{
  const char **name = data;

  if (mnl_attr_get_type (attr) == IFLA_IFNAME && mnl_attr_validate (attr, MNL_TYPE_NUL_STRING) >= 0)
    *name = mnl_attr_get_str (attr);
  return MNL_CB_OK;
}

static void
handle_link (ScopeLinkWatch *watch, const struct nlmsghdr *message)
{
  const struct ifinfomsg *info = mnl_nlmsg_get_payload (message);
  const char *name = NULL;

  if (mnl_nlmsg_get_payload_len (message) < sizeof *info || info->ifi_family == AF_BRIDGE)
    return; /* a bridge tells of its ports leaving it with RTM_DELLINK too */
  mnl_attr_parse (message, sizeof *info, take_name, &name);

  if (message->nlmsg_type == RTM_DELLINK)
    {
      if (watch->index && watch->index == (guint) info->ifi_index)
        gone (watch);
      return;
    }
  if (watch->index ? watch->index != (guint) info->ifi_index : g_strcmp0 (name, watch->wanted) != 0)
    return;

  watch->index = info->ifi_index;
  if (name && strcmp (name, watch->name) != 0)
    {
      g_strlcpy (watch->name, name, sizeof watch->name);
      tell (watch, SCOPE_LINK_RENAMED);
    }
  become (watch, info->ifi_flags & IFF_UP ? SCOPE_LINK_UP : SCOPE_LINK_DOWN);
}

/* Asks for the interface; the answer comes as one more message. */
static gboolean
ask (ScopeLinkWatch *watch)
{
  _Alignas (struct nlmsghdr) guint8 buffer[256] = { 0 }; /* libmnl 1.0.4 leaves the padding as it is */
  struct nlmsghdr *request = mnl_nlmsg_put_header (buffer);
  struct ifinfomsg *info = mnl_nlmsg_put_extra_header (request, sizeof *info);

  request->nlmsg_type = RTM_GETLINK;
  request->nlmsg_flags = NLM_F_REQUEST;
  info->ifi_index = watch->index;
  if (!watch->index)
    mnl_attr_put_strz (request, IFLA_IFNAME, watch->wanted);
  return mnl_socket_sendto (watch->socket, request, request->nlmsg_len) >= 0;
}

static void
handle_messages (ScopeLinkWatch *watch)
{
  g_autofree guint8 *buffer = g_malloc (MESSAGE_SIZE);
  gboolean lost = FALSE;
  int left;

  for (;;)
    {
      ssize_t n = mnl_socket_recvfrom (watch->socket, buffer, MESSAGE_SIZE);

      if (n < 0 && errno == ENOBUFS)
        {
          /* The kernel dropped messages, and ours may be among them. It would drop an answer too, until
           * the socket is empty. */
          lost = TRUE;
          continue;
        }
      if (n < 0 && (errno == EINTR || errno == ENOSPC))
        continue; /* ENOSPC: a message longer than the buffer, which none of one link is */
      if (n < 0 && lost && ask (watch))
        {
          lost = FALSE;
          continue;
        }
      if (n <= 0)
        return;

      left = n;
      for (const struct nlmsghdr *m = (gpointer) buffer; mnl_nlmsg_ok (m, left); m = mnl_nlmsg_next (m, &left))
        if (m->nlmsg_type == RTM_NEWLINK || m->nlmsg_type == RTM_DELLINK)
          handle_link (watch, m);
        else if (m->nlmsg_type == NLMSG_ERROR && watch->index)
          gone (watch); /* what ask() is told of an index that is not there */
    }
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer data)
{
  ScopeLinkWatch *watch = data;

  g_ref_count_inc (&watch->refs);
  handle_messages (watch);
  watch_unref (watch);
  return G_SOURCE_CONTINUE;
}

ScopeLinkWatch *
scope_link_watch_new (const char *ifname, ScopeLinkFunc func, gpointer data, GError **error)
{
  g_autoptr (ScopeLinkWatch) watch = g_new0 (ScopeLinkWatch, 1);

  g_ref_count_init (&watch->refs);
  watch->wanted = g_strdup (ifname);
  g_strlcpy (watch->name, ifname, sizeof watch->name);
  watch->socket = mnl_socket_open2 (NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
  /* First listen, then ask: nothing falls between. The kernel has answered when the question is sent. */
  if (!watch->socket || mnl_socket_bind (watch->socket, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0 || !ask (watch))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "cannot watch interface %s: %s", ifname,
                   g_strerror (errno));
      return NULL;
    }
  handle_messages (watch);

  watch->func = func;
  watch->data = data;
  watch->source = g_unix_fd_source_new (mnl_socket_get_fd (watch->socket), G_IO_IN | G_IO_ERR);
  g_source_set_callback (watch->source, G_SOURCE_FUNC (on_readable), watch, NULL);
  g_source_attach (watch->source, g_main_context_get_thread_default ());
  return g_steal_pointer (&watch);
}

ScopeLinkState
scope_link_watch_state (const ScopeLinkWatch *watch)
{
  return watch->state;
}

const char *
scope_link_watch_name (const ScopeLinkWatch *watch)
{
  return watch->name;
}

guint
scope_link_watch_index (const ScopeLinkWatch *watch)
{
  return watch->index;
}

guint
scope_link_index (const char *ifname)
{
  return if_nametoindex (ifname);
}

gboolean
scope_link_exists (const char *ifname)
{
  return scope_link_index (ifname) != 0;
}

/* Binds a socket as WireGuard does, one for each family. Returns: the socket, or -1 with errno */
static int
bind_udp (int family, guint16 *port)
{
  struct sockaddr_storage storage = { .ss_family = family };
  struct sockaddr_in *in = (gpointer) &storage;
  struct sockaddr_in6 *in6 = (gpointer) &storage;
  socklen_t len = family == AF_INET ? sizeof *in : sizeof *in6;
  int one = 1;
  int fd = socket (family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  if (fd < 0)
    return -1;
  if (family == AF_INET6)
    setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  *(family == AF_INET ? &in->sin_port : &in6->sin6_port) = htons (*port);
  if (bind (fd, (struct sockaddr *) &storage, len) < 0 || getsockname (fd, (struct sockaddr *) &storage, &len) < 0)
    {
      int code = errno;
      close (fd);
      errno = code;
      return -1;
    }
  *port = ntohs (family == AF_INET ? in->sin_port : in6->sin6_port);
  return fd;
}

/* A family that this machine does not have takes no port. */
static gboolean
family_missing (void)
{
  return errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL;
}

gboolean
scope_udp_port_free (guint16 port)
{
  const int families[] = { AF_INET, AF_INET6 };

  for (gsize i = 0; i < G_N_ELEMENTS (families); i++)
    {
      int fd = bind_udp (families[i], &port);

      if (fd < 0 && !family_missing ())
        return FALSE;
      if (fd >= 0)
        close (fd);
    }
  return TRUE;
}

guint16
scope_udp_port_pick (void)
{
  for (int i = 0; i < PICK_TRIES; i++)
    {
      guint16 port = 0;
      int fd = bind_udp (AF_INET, &port); /* held while the other family is tried */
      int fd6 = fd >= 0 || family_missing () ? bind_udp (AF_INET6, &port) : -1;
      gboolean ok = port != 0 && (fd6 >= 0 || family_missing ());

      if (fd6 >= 0)
        close (fd6);
      if (fd >= 0)
        close (fd);
      if (ok)
        return port;
    }
  return 0;
}
