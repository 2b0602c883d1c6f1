/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-intake.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

struct _ScopeIntake {
  GSource source; /* first */
  GSocket *socket;
  guint64 max;
  guint64 mark;
  void (*over) (gpointer data);
  gpointer data;
};

/* How much was read so far; 0 when the kernel does not say (before Linux 4.1, or not TCP). */
static guint64
taken (ScopeIntake *intake)
{
  int fd = g_socket_get_fd (intake->socket), waiting = 0;
  struct tcp_info info = { 0 };
  socklen_t len = sizeof info;

  if (getsockopt (fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 ||
      len < G_STRUCT_OFFSET (struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received ||
      ioctl (fd, FIONREAD, &waiting) < 0)
    return 0;
  return info.tcpi_bytes_received - MIN ((guint64) waiting, info.tcpi_bytes_received);
}

static gboolean
is_over (GSource *source)
{
  ScopeIntake *intake = (ScopeIntake *) source;

  return taken (intake) > intake->mark + intake->max;
}

static gboolean
prepare (GSource *source, int *timeout)
{
  *timeout = -1;
  return is_over (source);
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  ScopeIntake *intake = (ScopeIntake *) source;

  intake->over (intake->data);
  return G_SOURCE_REMOVE;
}

static void
finalize (GSource *source)
{
  g_clear_object (&((ScopeIntake *) source)->socket);
}

static GSourceFuncs funcs = { .prepare = prepare, .check = is_over, .dispatch = dispatch, .finalize = finalize };

ScopeIntake *
scope_intake_new (GSocketConnection *connection, guint64 max, void (*over) (gpointer data), gpointer data)
{
  ScopeIntake *intake = (ScopeIntake *) g_source_new (&funcs, sizeof *intake);

  intake->socket = g_object_ref (g_socket_connection_get_socket (connection));
  intake->max = max;
  intake->over = over;
  intake->data = data;
  intake->mark = taken (intake);
  g_source_attach (&intake->source, NULL);
  return intake;
}

void
scope_intake_free (ScopeIntake *intake)
{
  g_source_destroy (&intake->source);
  g_source_unref (&intake->source);
}

void
scope_intake_mark (ScopeIntake *intake)
{
  intake->mark = taken (intake);
}
