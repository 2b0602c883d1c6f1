/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-routes.h"

#include <errno.h>
#include <glib-unix.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#define GATHER_MS 250
#define MESSAGE_SIZE 32768

struct _ScopeRoutesWatch {
  struct mnl_socket *socket;
  guint source_id;
  guint gather_id;
  ScopeRoutesChanged changed;
  gpointer data;
};

static gboolean
on_gathered (gpointer data)
{
  ScopeRoutesWatch *watch = data;

  watch->gather_id = 0;
  watch->changed (watch->data);
  return G_SOURCE_REMOVE;
}

/* What changed is not looked at: the table is read anew anyway. Lost messages (ENOBUFS) say the same. */
static gboolean
on_readable (int fd, GIOCondition condition, gpointer data)
{
  ScopeRoutesWatch *watch = data;
  g_autofree char *buf = g_malloc (MESSAGE_SIZE);

  while (mnl_socket_recvfrom (watch->socket, buf, MESSAGE_SIZE) > 0 || errno == ENOBUFS || errno == EINTR || errno == ENOSPC)
    ;
  if (!watch->gather_id)
    watch->gather_id = g_timeout_add (GATHER_MS, on_gathered, watch);
  return G_SOURCE_CONTINUE;
}

ScopeRoutesWatch *
scope_routes_watch_new (ScopeRoutesChanged changed, gpointer data)
{
  ScopeRoutesWatch *watch = g_new0 (ScopeRoutesWatch, 1);

  watch->changed = changed;
  watch->data = data;
  watch->socket = mnl_socket_open2 (NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (!watch->socket ||
      mnl_socket_bind (watch->socket, RTMGRP_LINK | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE, MNL_SOCKET_AUTOPID) < 0)
    {
      g_warning ("cannot watch the routing table: %s", g_strerror (errno));
      scope_routes_watch_free (watch);
      return NULL;
    }
  watch->source_id = g_unix_fd_add (mnl_socket_get_fd (watch->socket), G_IO_IN | G_IO_ERR, on_readable, watch);
  return watch;
}

void
scope_routes_watch_free (ScopeRoutesWatch *watch)
{
  g_clear_handle_id (&watch->source_id, g_source_remove);
  g_clear_handle_id (&watch->gather_id, g_source_remove);
  if (watch->socket)
    mnl_socket_close (watch->socket);
  g_free (watch);
}
