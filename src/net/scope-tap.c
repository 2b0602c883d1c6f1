/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/scope-tap.h"

#include "common/scope-error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

static int
fail (int fd, const char *ifname, GError **error)
{
  int saved = errno;

  if (fd >= 0)
    close (fd);
  g_set_error (error, SCOPE_ERROR,
               saved == EPERM || saved == EACCES ? SCOPE_ERROR_DENIED
               : saved == ENODEV || saved == ENXIO || saved == ENETDOWN ? SCOPE_ERROR_GONE
                                                                        : SCOPE_ERROR_FAILED,
               "cannot see the packets of interface %s: %s", ifname, g_strerror (saved));
  return -1;
}

static gpointer
close_thread (gpointer data)
{
  close (GPOINTER_TO_INT (data));
  return NULL;
}

void
scope_tap_close (int fd)
{
  struct sock_filter nothing[] = { BPF_STMT (BPF_RET | BPF_K, 0) };
  struct sock_fprog program = { .len = G_N_ELEMENTS (nothing), .filter = nothing };
  GThread *thread;

  setsockopt (fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
  thread = g_thread_try_new ("scope-tap-close", close_thread, GINT_TO_POINTER (fd), NULL);
  if (thread)
    g_thread_unref (thread);
  else
    close (fd);
}

int
scope_tap_open (const char *ifname, guint16 protocol, const struct sock_filter *filter, gsize n, GError **error)
{
  struct sock_fprog program = { .len = n, .filter = (struct sock_filter *) filter };
  struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons (protocol) };
  int fd;

  address.sll_ifindex = if_nametoindex (ifname);
  if (!address.sll_ifindex)
    return fail (-1, ifname, error);
  /* With protocol 0 it sees nothing until it is bound: no packet comes that was not filtered. */
  fd = socket (AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || setsockopt (fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0 ||
      bind (fd, (struct sockaddr *) &address, sizeof address) < 0)
    return fail (fd, ifname, error);
  return fd;
}
