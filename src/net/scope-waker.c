/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/scope-waker.h"

#include "common/scope-error.h"
#include "net/scope-tap.h"

#include <errno.h>
#include <glib-unix.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>

#define HEADER 40 /* bytes of a packet to keep: the longer of both IP headers without options */

struct _ScopeWaker {
  char *ifname;
  ScopeWakerFunc func;
  gpointer data;
  int fd; /* -1: not armed */
  guint id;
};

/* Not what goes to many: on a tunnel nobody hears it. Not what goes to link addresses: messages, which would keep us awake
 * by themselves, and the errors that a firewall answers them with. */
static const struct sock_filter filter[] = {
  /* 0 */ BPF_STMT (BPF_LD | BPF_B | BPF_ABS, 0),
  /* 1 */ BPF_STMT (BPF_ALU | BPF_AND | BPF_K, 0xf0),
  /* 2 */ BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 0x60, 3, 0),
  /* 3 */ BPF_STMT (BPF_LD | BPF_B | BPF_ABS, 16),
  /* 4 */ BPF_STMT (BPF_ALU | BPF_AND | BPF_K, 0xf0),
  /* 5 */ BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 0xe0, 4, 3),
  /* 6 */ BPF_STMT (BPF_LD | BPF_B | BPF_ABS, 24),
  /* 7 */ BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 0xff, 2, 0),
  /* 8 */ BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 0xfe, 1, 0),
  /* 9 */ BPF_STMT (BPF_RET | BPF_K, HEADER),
  /* 10 */ BPF_STMT (BPF_RET | BPF_K, 0),
};

ScopeWaker *
scope_waker_new (const char *ifname, ScopeWakerFunc func, gpointer data)
{
  ScopeWaker *self = g_new0 (ScopeWaker, 1);

  self->ifname = g_strdup (ifname);
  self->func = func;
  self->data = data;
  self->fd = -1;
  return self;
}

void
scope_waker_free (ScopeWaker *self)
{
  scope_waker_disarm (self);
  g_free (self->ifname);
  g_free (self);
}

void
scope_waker_disarm (ScopeWaker *self)
{
  g_clear_handle_id (&self->id, g_source_remove);
  if (self->fd >= 0)
    scope_tap_close (self->fd);
  self->fd = -1;
}

static void
add_destination (GArray *sent, const guint8 *packet, gsize n)
{
  ScopePrefix to = { 0 };

  if (n >= 20 && packet[0] >> 4 == 4)
    {
      to.family = AF_INET;
      to.len = 32;
      memcpy (to.addr, packet + 16, 4);
    }
  else if (n >= 40 && packet[0] >> 4 == 6)
    {
      to.family = AF_INET6;
      to.len = 128;
      memcpy (to.addr, packet + 24, 16);
    }
  if (to.family)
    g_array_append_val (sent, to);
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer data)
{
  ScopeWaker *self = data;
  g_autoptr (GArray) sent = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  gboolean any = FALSE;

  for (guint i = 0; i < SCOPE_WAKER_PACKETS; i++)
    {
      guint8 packet[HEADER];
      struct sockaddr_ll from;
      socklen_t len = sizeof from;
      ssize_t n = recvfrom (fd, packet, sizeof packet, 0, (struct sockaddr *) &from, &len);

      if (n < 0 && (errno == EINTR || errno == ENETDOWN))
        continue; /* down for a moment: told once */
      if (n < 0)
        break;
      any = TRUE;
      if (from.sll_pkttype == PACKET_OUTGOING)
        add_destination (sent, packet, n);
    }
  if (!any)
    return G_SOURCE_CONTINUE;
  self->id = 0;
  scope_waker_disarm (self);
  self->func (sent, self->data);
  return G_SOURCE_REMOVE;
}

gboolean
scope_waker_arm (ScopeWaker *self, GError **error)
{
  if (self->fd >= 0)
    return TRUE;
  self->fd = scope_tap_open (self->ifname, ETH_P_ALL, filter, G_N_ELEMENTS (filter), error);
  if (self->fd < 0)
    return FALSE;
  self->id = g_unix_fd_add (self->fd, G_IO_IN | G_IO_ERR, on_readable, self);
  return TRUE;
}
