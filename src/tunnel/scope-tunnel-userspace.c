/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-tunnel-userspace.h"

#include "tunnel/scope-link.h"
#include "tunnel/scope-tunnel-setup.h"
#include "tunnel/scope-unmanaged.h"
#include "tunnel/scope-wg-uapi.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#define POLL_MS 5
#define START_TRIES 1000 /* × POLL_MS: 5 s */

struct _ScopeTunnelUserspace {
  ScopeTunnel parent_instance;

  GSubprocess *process;
  GTask *up;
  GTask *down;
  guint poll_id;
  guint tries;
  ScopeUnmanaged *unmanaged;
  gboolean settled;
};

#define SCOPE_TYPE_TUNNEL_USERSPACE (scope_tunnel_userspace_get_type ())
G_DECLARE_FINAL_TYPE (ScopeTunnelUserspace, scope_tunnel_userspace, SCOPE, TUNNEL_USERSPACE, ScopeTunnel)
G_DEFINE_FINAL_TYPE (ScopeTunnelUserspace, scope_tunnel_userspace, SCOPE_TYPE_TUNNEL_OBJECT)

ScopeTunnel *
scope_tunnel_userspace_new (void)
{
  return g_object_new (SCOPE_TYPE_TUNNEL_USERSPACE, NULL);
}

static char *
socket_of (ScopeTunnelUserspace *self)
{
  return g_strdup_printf (SCOPE_WG_UAPI_SOCKET, scope_tunnel_get_config (SCOPE_TUNNEL (self))->ifname);
}

static void
up_finish (ScopeTunnelUserspace *self, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->up);

  g_clear_handle_id (&self->poll_id, g_source_remove);
  if (!task)
    g_clear_error (&error);
  else if (error)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static gboolean
on_poll (gpointer data)
{
  ScopeTunnelUserspace *self = data;
  const ScopeTunnelConfig *config = scope_tunnel_get_config (SCOPE_TUNNEL (self));
  g_autofree char *sock = socket_of (self);
  GError *error = NULL;

  if (g_task_return_error_if_cancelled (self->up))
    {
      g_clear_object (&self->up);
      self->poll_id = 0;
      return G_SOURCE_REMOVE;
    }
  if (!self->settled || !g_file_test (sock, G_FILE_TEST_EXISTS) || !scope_link_exists (config->ifname))
    {
      if (++self->tries < START_TRIES)
        return G_SOURCE_CONTINUE;
      self->poll_id = 0;
      up_finish (self, g_error_new (SCOPE_ERROR, SCOPE_ERROR_UNSUPPORTED, "%s does not start", WIREGUARD_GO));
      return G_SOURCE_REMOVE;
    }
  /* The socket is there a moment before wireguard-go listens on it. */
  if (!scope_tunnel_setup (config, SCOPE_WG_UAPI, &error) && scope_err_gone (error) && ++self->tries < START_TRIES)
    {
      g_error_free (error);
      return G_SOURCE_CONTINUE;
    }
  self->poll_id = 0;
  up_finish (self, error);
  return G_SOURCE_REMOVE;
}

/* A SIGTERM that comes while it starts finds it with a socket, and not yet with somebody who removes it. */
static void
remove_socket (ScopeTunnelUserspace *self)
{
  g_autofree char *sock = socket_of (self);

  if (!scope_link_exists (scope_tunnel_get_config (SCOPE_TUNNEL (self))->ifname))
    g_unlink (sock);
}

static void
on_process_exit (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopeTunnelUserspace) self = data;
  const char *ifname = scope_tunnel_get_config (SCOPE_TUNNEL (self))->ifname;

  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  g_clear_object (&self->process);
  remove_socket (self);

  if (self->up)
    up_finish (self, g_error_new (SCOPE_ERROR, SCOPE_ERROR_UNSUPPORTED, "%s ended while it started interface %s",
                                  WIREGUARD_GO, ifname));
  if (self->down)
    {
      g_autoptr (GTask) task = g_steal_pointer (&self->down);
      g_task_return_boolean (task, TRUE);
    }
  else
    scope_tunnel_emit_failed (SCOPE_TUNNEL (self), SCOPE_ERROR_GONE, "%s of interface %s ended", WIREGUARD_GO, ifname);
}

static void
on_settled (gpointer data)
{
  SCOPE_TUNNEL_USERSPACE (data)->settled = TRUE;
}

/* Between fork and exec: the interface must not outlive us, also when we are killed with -9. With
 * SIGTERM wireguard-go removes its socket as well. A parent that was killed before that sends nothing. */
static void
die_with_parent (gpointer parent)
{
  prctl (PR_SET_PDEATHSIG, SIGTERM);
  if (getppid () != GPOINTER_TO_INT (parent))
    _exit (1);
}

static void
scope_tunnel_userspace_up (ScopeTunnel *tunnel, GTask *task)
{
  ScopeTunnelUserspace *self = SCOPE_TUNNEL_USERSPACE (tunnel);
  const ScopeTunnelConfig *config = scope_tunnel_get_config (tunnel);
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE);
  GError *error = NULL;

  self->up = task;
  g_subprocess_launcher_set_child_setup (launcher, die_with_parent, GINT_TO_POINTER (getpid ()), NULL);
  g_subprocess_launcher_setenv (launcher, "LOG_LEVEL", "error", TRUE);
  /* wireguard-go refuses where the kernel could do it, unless told that we mean it. */
  g_subprocess_launcher_setenv (launcher, "WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD", "1", TRUE);
  self->process = g_subprocess_launcher_spawn (launcher, &error, WIREGUARD_GO, "-f", config->ifname, NULL);
  if (!self->process)
    {
      up_finish (self, error);
      return;
    }
  self->unmanaged = scope_unmanaged_new (config->ifname, on_settled, self);
  g_subprocess_wait_async (self->process, NULL, on_process_exit, g_object_ref (self));
  self->poll_id = g_timeout_add (POLL_MS, on_poll, self);
}

static void
scope_tunnel_userspace_down (ScopeTunnel *tunnel, GTask *task)
{
  ScopeTunnelUserspace *self = SCOPE_TUNNEL_USERSPACE (tunnel);

  g_clear_handle_id (&self->poll_id, g_source_remove);
  g_clear_pointer (&self->unmanaged, scope_unmanaged_free);
  if (!self->process)
    {
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
      return;
    }
  self->down = task;
  g_subprocess_send_signal (self->process, SIGTERM);
}

static void
scope_tunnel_userspace_dispose (GObject *object)
{
  ScopeTunnelUserspace *self = SCOPE_TUNNEL_USERSPACE (object);

  g_clear_handle_id (&self->poll_id, g_source_remove);
  g_clear_pointer (&self->unmanaged, scope_unmanaged_free);
  G_OBJECT_CLASS (scope_tunnel_userspace_parent_class)->dispose (object);
}

static void
scope_tunnel_userspace_init (ScopeTunnelUserspace *self)
{
}

static void
scope_tunnel_userspace_class_init (ScopeTunnelUserspaceClass *class)
{
  ScopeTunnelClass *tunnel_class = SCOPE_TUNNEL_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = scope_tunnel_userspace_dispose;
  tunnel_class->up = scope_tunnel_userspace_up;
  tunnel_class->down = scope_tunnel_userspace_down;
  tunnel_class->set_routes = scope_tunnel_setup_routes;
}
