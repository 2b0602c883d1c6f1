/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-tunnel-kernel.h"

#include "tunnel/scope-rtnl.h"
#include "tunnel/scope-tunnel-setup.h"
#include "tunnel/scope-tunnel-sweep.h"
#include "tunnel/scope-unmanaged.h"

struct _ScopeTunnelKernel {
  ScopeTunnel parent_instance;

  GTask *up;
  int ifindex; /* 0 while there is none */
  ScopeUnmanaged *unmanaged;
};

#define SCOPE_TYPE_TUNNEL_KERNEL (scope_tunnel_kernel_get_type ())
G_DECLARE_FINAL_TYPE (ScopeTunnelKernel, scope_tunnel_kernel, SCOPE, TUNNEL_KERNEL, ScopeTunnel)
G_DEFINE_FINAL_TYPE (ScopeTunnelKernel, scope_tunnel_kernel, SCOPE_TYPE_TUNNEL_OBJECT)

ScopeTunnel *
scope_tunnel_kernel_new (void)
{
  return g_object_new (SCOPE_TYPE_TUNNEL_KERNEL, NULL);
}

static void
on_settled (gpointer data)
{
  ScopeTunnelKernel *self = data;
  g_autoptr (GTask) task = g_steal_pointer (&self->up);
  GError *error = NULL;

  if (g_task_return_error_if_cancelled (task))
    return;
  if (scope_tunnel_setup (scope_tunnel_get_config (SCOPE_TUNNEL (self)), SCOPE_WG_KERNEL, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
scope_tunnel_kernel_up (ScopeTunnel *tunnel, GTask *task)
{
  ScopeTunnelKernel *self = SCOPE_TUNNEL_KERNEL (tunnel);
  const ScopeTunnelConfig *config = scope_tunnel_get_config (tunnel);
  g_autofree char *tag = scope_tunnel_sweep_tag (config->vpn_uuid);
  GError *error = NULL;

  self->up = task;
  self->ifindex = scope_rtnl_wireguard_add (config->ifname, tag, &error);
  if (!self->ifindex)
    {
      g_task_return_error (task, error);
      g_clear_object (&self->up);
      return;
    }
  self->unmanaged = scope_unmanaged_new (config->ifname, on_settled, self);
}

static void
scope_tunnel_kernel_down (ScopeTunnel *tunnel, GTask *task)
{
  ScopeTunnelKernel *self = SCOPE_TUNNEL_KERNEL (tunnel);
  GError *error = NULL;

  g_clear_pointer (&self->unmanaged, scope_unmanaged_free);
  if (self->ifindex && !scope_rtnl_link_delete (self->ifindex, &error))
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
  g_object_unref (task);
  self->ifindex = 0;
}

static void
scope_tunnel_kernel_dispose (GObject *object)
{
  ScopeTunnelKernel *self = SCOPE_TUNNEL_KERNEL (object);

  g_clear_pointer (&self->unmanaged, scope_unmanaged_free);
  G_OBJECT_CLASS (scope_tunnel_kernel_parent_class)->dispose (object);
}

static void
scope_tunnel_kernel_init (ScopeTunnelKernel *self)
{
}

static void
scope_tunnel_kernel_class_init (ScopeTunnelKernelClass *class)
{
  ScopeTunnelClass *tunnel_class = SCOPE_TUNNEL_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = scope_tunnel_kernel_dispose;
  tunnel_class->up = scope_tunnel_kernel_up;
  tunnel_class->down = scope_tunnel_kernel_down;
  tunnel_class->set_routes = scope_tunnel_setup_routes;
}
