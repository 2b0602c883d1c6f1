/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h" /* _GNU_SOURCE, for struct in6_pktinfo */

#include "registry/registry-stun.h"

#include "common/scope-endpoint.h"
#include "common/scope-error.h"
#include "net/scope-stun-limit.h"
#include "net/scope-stun.h"
#include "wire/scope-v1.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_MAX 64 /* questions in one turn of the loop */

typedef struct {
  RegistryStun *stun;
  ScopeSockaddr wanted; /* as configured: port 0 is any */
  ScopeSockaddr bound;
  int fd;
  guint source;
} Listener;

struct _RegistryStun {
  GPtrArray *listeners;
  GPtrArray *next; /* NULL unless prepared; what stays is in both */
  GPtrArray *told;
  ScopeStunLimit *limit;
};

static void
listener_free (Listener *listener)
{
  g_clear_handle_id (&listener->source, g_source_remove);
  if (listener->fd >= 0)
    close (listener->fd);
  g_free (listener);
}

RegistryStun *
registry_stun_new (void)
{
  RegistryStun *stun = g_new0 (RegistryStun, 1);

  stun->listeners = g_ptr_array_new ();
  stun->told = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (stun->told, NULL);
  stun->limit = scope_stun_limit_new (g_random_int ());
  return stun;
}

void
registry_stun_free (RegistryStun *stun)
{
  registry_stun_abandon (stun);
  for (guint i = 0; i < stun->listeners->len; i++)
    listener_free (g_ptr_array_index (stun->listeners, i));
  g_ptr_array_unref (stun->listeners);
  g_ptr_array_unref (stun->told);
  scope_stun_limit_free (stun->limit);
  g_free (stun);
}

/* --- answering --- */

/* So that the answer leaves from where the question came to; which way it takes is the routes' business. */
static void
keep_address (struct msghdr *message)
{
  for (struct cmsghdr *c = CMSG_FIRSTHDR (message); c; c = CMSG_NXTHDR (message, c))
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
      {
        struct in_pktinfo info;

        memcpy (&info, CMSG_DATA (c), sizeof info);
        info.ipi_ifindex = 0;
        memcpy (CMSG_DATA (c), &info, sizeof info);
      }
    else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
      {
        struct in6_pktinfo info;

        memcpy (&info, CMSG_DATA (c), sizeof info);
        if (!IN6_IS_ADDR_LINKLOCAL (&info.ipi6_addr))
          info.ipi6_ifindex = 0;
        memcpy (CMSG_DATA (c), &info, sizeof info);
      }
}

/* Returns: whether there may be more */
static gboolean
answer_one (Listener *listener)
{
  guint8 buffer[SCOPE_STUN_MAX + 1];
  _Alignas (struct cmsghdr) guint8 control[CMSG_SPACE (sizeof (struct in6_pktinfo))];
  ScopeSockaddr from = { 0 };
  struct iovec iov = { buffer, sizeof buffer };
  struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &iov, .msg_iovlen = 1,
                            .msg_control = control, .msg_controllen = sizeof control };
  ScopeStunMessage question;
  ssize_t n = recvmsg (listener->fd, &message, 0);

  if (n < 0)
    return errno == EINTR || errno == ECONNREFUSED;
  /* What has credentials is between peers, and not for us. */
  if (!scope_stun_parse (&question, buffer, n) || question.kind != SCOPE_STUN_REQUEST || question.sealed ||
      question.user[0] != '\0' || !scope_stun_limit_take (listener->stun->limit, &from, g_get_monotonic_time ()))
    return TRUE;
  iov.iov_len = scope_stun_answer (buffer, question.id, &from, NULL);
  keep_address (&message);
  if (message.msg_controllen == 0)
    message.msg_control = NULL;
  if (sendmsg (listener->fd, &message, MSG_NOSIGNAL) < 0)
    g_debug ("STUN: cannot answer: %s", g_strerror (errno));
  return TRUE;
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer data)
{
  for (int i = 0; i < READ_MAX && answer_one (data); i++)
    ;
  return G_SOURCE_CONTINUE;
}

/* --- listening --- */

static gboolean
is_any (const ScopeSockaddr *sa)
{
  return sa->any.sa_family == AF_INET ? sa->in.sin_addr.s_addr == INADDR_ANY
                                      : IN6_IS_ADDR_UNSPECIFIED (&sa->in6.sin6_addr);
}

static Listener *
listener_open (RegistryStun *stun, const ScopeSockaddr *address, GError **error)
{
  int family = address->any.sa_family, fd = socket (family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
  socklen_t len = sizeof (ScopeSockaddr);
  ScopeSockaddr bound;
  Listener *listener;

  if (fd < 0 || (family == AF_INET6 && setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) ||
      (family == AF_INET ? setsockopt (fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on)
                         : setsockopt (fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on)) < 0 ||
      bind (fd, &address->any, scope_sockaddr_len (address)) < 0 || getsockname (fd, &bound.any, &len) < 0)
    {
      g_autofree char *text = scope_sockaddr_format (address);

      g_set_error (error, SCOPE_ERROR, errno == EADDRINUSE ? SCOPE_ERROR_TAKEN : SCOPE_ERROR_FAILED,
                   "stun: cannot listen on %s (UDP): %s", text, g_strerror (errno));
      if (fd >= 0)
        close (fd);
      return NULL;
    }
  listener = g_new0 (Listener, 1);
  listener->stun = stun;
  listener->wanted = *address;
  listener->bound = bound;
  listener->fd = fd;
  return listener;
}

static Listener *
find (const GPtrArray *listeners, const ScopeSockaddr *wanted)
{
  for (guint i = 0; i < listeners->len; i++)
    {
      Listener *listener = g_ptr_array_index (listeners, i);

      if (scope_sockaddr_equal (&listener->wanted, wanted))
        return listener;
    }
  return NULL;
}

/* @optional: the machine may not have the family */
static gboolean
prepare_one (RegistryStun *stun, const ScopeSockaddr *wanted, gboolean optional, GError **error)
{
  g_autoptr (GError) own_error = NULL;
  Listener *listener = find (stun->listeners, wanted);

  if (find (stun->next, wanted))
    return TRUE;
  if (!listener)
    listener = listener_open (stun, wanted, &own_error);
  if (listener)
    g_ptr_array_add (stun->next, listener);
  else if (!optional || scope_err_taken (own_error))
    {
      g_propagate_error (error, g_steal_pointer (&own_error));
      return FALSE;
    }
  return TRUE;
}

/* "::" is every address of both families, as for TCP: by two sockets, so that nobody appears in IPv6 clothes. */
static gboolean
prepare_address (RegistryStun *stun, GInetAddress *address, guint16 port, GError **error)
{
  gboolean both = g_inet_address_get_is_any (address) && g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6;
  ScopeSockaddr wanted;

  if (both)
    {
      g_autoptr (GInetAddress) any = g_inet_address_new_any (G_SOCKET_FAMILY_IPV4);

      scope_sockaddr_from_inet (&wanted, any, port);
      if (!prepare_one (stun, &wanted, TRUE, error))
        return FALSE;
    }
  scope_sockaddr_from_inet (&wanted, address, port);
  return prepare_one (stun, &wanted, both, error);
}

gboolean
registry_stun_prepare (RegistryStun *stun, const RegistryConfig *config, GError **error)
{
  registry_stun_abandon (stun);
  stun->next = g_ptr_array_new ();
  for (guint i = 0; i < config->stun_listen->len; i++)
    {
      g_autoptr (GError) own_error = NULL;

      if (prepare_address (stun, g_ptr_array_index (config->stun_listen, i), config->stun_port, &own_error))
        continue;
      if (config->stun_required)
        {
          g_propagate_error (error, g_steal_pointer (&own_error));
          registry_stun_abandon (stun);
          return FALSE;
        }
      g_warning ("%s; peers cannot ask here (“\"stun\": false” in the configuration ends this warning)",
                 own_error->message);
    }
  return TRUE;
}

/* Those of @listeners that are not in @kept */
static void
free_others (GPtrArray *listeners, const GPtrArray *kept)
{
  for (guint i = 0; i < listeners->len; i++)
    if (!g_ptr_array_find ((GPtrArray *) kept, g_ptr_array_index (listeners, i), NULL))
      listener_free (g_ptr_array_index (listeners, i));
  g_ptr_array_unref (listeners);
}

void
registry_stun_abandon (RegistryStun *stun)
{
  if (stun->next)
    free_others (g_steal_pointer (&stun->next), stun->listeners);
}

static void
tell (RegistryStun *stun, const ScopeSockaddr *bound)
{
  g_autoptr (GInetAddress) address = NULL;
  g_autofree char *text = NULL;
  gboolean ip4 = bound->any.sa_family == AF_INET;

  address = g_inet_address_new_from_bytes (ip4 ? (const guint8 *) &bound->in.sin_addr : (const guint8 *) &bound->in6.sin6_addr,
                                           ip4 ? G_SOCKET_FAMILY_IPV4 : G_SOCKET_FAMILY_IPV6);
  if (g_inet_address_get_is_loopback (address) || g_inet_address_get_is_link_local (address))
    return; /* of no use to others */
  text = is_any (bound) ? g_strdup_printf (":%u", ntohs (ip4 ? bound->in.sin_port : bound->in6.sin6_port))
                        : scope_sockaddr_format (bound);
  for (guint i = 0; i < stun->told->len; i++)
    if (g_str_equal (g_ptr_array_index (stun->told, i), text))
      return;
  if (stun->told->len < SCOPE_V1_MAX_STUN)
    g_ptr_array_add (stun->told, g_steal_pointer (&text));
}

void
registry_stun_configure (RegistryStun *stun)
{
  GPtrArray *old = stun->listeners;

  stun->listeners = g_steal_pointer (&stun->next);
  free_others (old, stun->listeners);
  g_ptr_array_set_size (stun->told, 0);
  for (guint i = 0; i < stun->listeners->len; i++)
    {
      Listener *listener = g_ptr_array_index (stun->listeners, i);

      tell (stun, &listener->bound);
      if (listener->source == 0)
        {
          g_autofree char *text = scope_sockaddr_format (&listener->bound);

          listener->source = g_unix_fd_add (listener->fd, G_IO_IN, on_readable, listener);
          g_message ("STUN on %s (UDP)", text);
        }
    }
  g_ptr_array_add (stun->told, NULL);
}

const char *const *
registry_stun_told (const RegistryStun *stun)
{
  return (const char *const *) stun->told->pdata;
}
