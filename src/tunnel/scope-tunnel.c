/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-tunnel.h"

#include "tunnel/scope-link.h"
#include "tunnel/scope-tunnel-kernel.h"
#include "tunnel/scope-tunnel-userspace.h"

#include <unistd.h>

typedef struct {
  ScopeTunnelConfig *config;
  ScopeLinkWatch *watch;
  GPtrArray *wanted; /* as applied last, so that an endpoint that roamed since is left alone */
  gboolean up;
} ScopeTunnelPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (ScopeTunnel, scope_tunnel, G_TYPE_OBJECT)
#define PRIV(self) ((ScopeTunnelPrivate *) scope_tunnel_get_instance_private (self))

enum { FAILED, N_SIGNALS };
static guint signals[N_SIGNALS];

void
scope_tunnel_config_free (ScopeTunnelConfig *config)
{
  g_free (config->vpn_uuid);
  g_free (config->vpn_id);
  g_free (config->zone);
  g_free (config->ifname);
  scope_key_clear (&config->private_key);
  g_clear_pointer (&config->addresses, g_array_unref);
  g_clear_pointer (&config->routes, g_array_unref);
  g_strfreev (config->dns);
  g_strfreev (config->dns_search);
  g_free (config);
}

static void
scope_tunnel_init (ScopeTunnel *self)
{
}

static void
scope_tunnel_dispose (GObject *object)
{
  ScopeTunnelPrivate *priv = PRIV (SCOPE_TUNNEL (object));

  priv->up = FALSE;
  g_clear_pointer (&priv->watch, scope_link_watch_free);
  g_clear_pointer (&priv->wanted, g_ptr_array_unref);
  g_clear_pointer (&priv->config, scope_tunnel_config_free);
  G_OBJECT_CLASS (scope_tunnel_parent_class)->dispose (object);
}

static void
scope_tunnel_class_init (ScopeTunnelClass *class)
{
  G_OBJECT_CLASS (class)->dispose = scope_tunnel_dispose;

  /**
   * ScopeTunnel::failed:
   * @error: SCOPE_ERROR_GONE or what the carrier said
   *
   * The interface is gone or down though nobody called scope_tunnel_down_async().
   */
  signals[FAILED] = g_signal_new ("failed", SCOPE_TYPE_TUNNEL_OBJECT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static const char *
tun_missing (void)
{
  if (access ("/dev/net/tun", R_OK | W_OK) != 0)
    return "/dev/net/tun cannot be opened";
  if (access (WIREGUARD_GO, X_OK) != 0)
    return WIREGUARD_GO " is not installed";
  return NULL;
}

ScopeTunnel *
scope_tunnel_new (ScopeTunnelKind kind, GDBusConnection *bus, ScopeTunnelConfig *config, GError **error)
{
  g_autoptr (ScopeTunnelConfig) owned = config;
  const char *why = "the profile says so";
  const char *missing;
  ScopeTunnel *self;

  if (kind == SCOPE_TUNNEL_KIND_AUTO)
    {
      kind = scope_wg_kernel_available () ? SCOPE_TUNNEL_KIND_KERNEL : SCOPE_TUNNEL_KIND_USERSPACE;
      why = kind == SCOPE_TUNNEL_KIND_KERNEL ? "the kernel has WireGuard" : "the kernel has no WireGuard";
    }
  else if (kind == SCOPE_TUNNEL_KIND_KERNEL && !scope_wg_kernel_available ())
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_UNSUPPORTED, "tunnel=kernel: this kernel has no WireGuard");
      return NULL;
    }

  if (kind == SCOPE_TUNNEL_KIND_USERSPACE && (missing = tun_missing ()))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_UNSUPPORTED, "tunnel=userspace (%s): %s", why, missing);
      return NULL;
    }
  g_message ("tunnel %s: %s (%s)", owned->ifname, kind == SCOPE_TUNNEL_KIND_KERNEL ? "kernel" : "userspace", why);

  self = kind == SCOPE_TUNNEL_KIND_KERNEL ? scope_tunnel_kernel_new (bus) : scope_tunnel_userspace_new ();
  PRIV (self)->config = g_steal_pointer (&owned);
  return self;
}

static void
link_changed (ScopeLinkWatch *watch, ScopeLinkState state, gpointer data)
{
  ScopeTunnel *self = data;
  const char *ifname = PRIV (self)->config->ifname;

  if (state == SCOPE_LINK_GONE)
    scope_tunnel_emit_failed (self, SCOPE_ERROR_GONE, "interface %s was deleted", ifname);
  else if (state == SCOPE_LINK_RENAMED)
    scope_tunnel_emit_failed (self, SCOPE_ERROR_GONE, "interface %s was renamed", ifname);
  else if (state == SCOPE_LINK_DOWN)
    scope_tunnel_emit_failed (self, SCOPE_ERROR_GONE, "interface %s was set down", ifname);
}

void
scope_tunnel_emit_failed (ScopeTunnel *self, ScopeError code, const char *format, ...)
{
  g_autoptr (GError) error = NULL;
  va_list args;

  if (!PRIV (self)->up)
    return;
  PRIV (self)->up = FALSE;
  va_start (args, format);
  error = g_error_new_valist (SCOPE_ERROR, code, format, args);
  va_end (args);
  g_signal_emit (self, signals[FAILED], 0, error);
}

static void
up_done (GObject *source, GAsyncResult *result, gpointer data)
{
  ScopeTunnel *self = SCOPE_TUNNEL (source);
  ScopeTunnelPrivate *priv = PRIV (self);
  g_autoptr (GTask) task = data;
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (task, error);
      return;
    }
  priv->watch = scope_link_watch_new (priv->config->ifname, link_changed, self, &error);
  if (!priv->watch)
    {
      g_task_return_error (task, error);
      return;
    }
  priv->up = TRUE;
  g_task_return_boolean (task, TRUE);
}

void
scope_tunnel_up_async (ScopeTunnel *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  GTask *outer = g_task_new (self, cancellable, callback, data);
  GTask *inner = g_task_new (self, cancellable, up_done, outer);

  if (scope_link_exists (PRIV (self)->config->ifname))
    {
      g_task_return_new_error (inner, SCOPE_ERROR, SCOPE_ERROR_TAKEN, "interface name %s is taken",
                               PRIV (self)->config->ifname);
      g_object_unref (inner);
      return;
    }
  SCOPE_TUNNEL_GET_CLASS (self)->up (self, inner);
}

gboolean
scope_tunnel_up_finish (ScopeTunnel *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
scope_tunnel_down_async (ScopeTunnel *self, GAsyncReadyCallback callback, gpointer data)
{
  PRIV (self)->up = FALSE;
  g_clear_pointer (&PRIV (self)->watch, scope_link_watch_free);
  SCOPE_TUNNEL_GET_CLASS (self)->down (self, g_task_new (self, NULL, callback, data));
}

gboolean
scope_tunnel_down_finish (ScopeTunnel *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

const ScopeTunnelConfig *
scope_tunnel_get_config (ScopeTunnel *self)
{
  return PRIV (self)->config;
}

gboolean
scope_tunnel_nm_configures (ScopeTunnel *self)
{
  return SCOPE_TUNNEL_GET_CLASS (self)->nm_configures;
}

ScopeWgDevice *
scope_tunnel_read (ScopeTunnel *self, GError **error)
{
  ScopeWgBackend backend;
  return scope_wg_device_read (PRIV (self)->config->ifname, &backend, error);
}

static gboolean
apply (ScopeTunnel *self, const GPtrArray *changes, GError **error)
{
  return changes->len == 0 ||
         scope_wg_apply (PRIV (self)->config->ifname, SCOPE_TUNNEL_GET_CLASS (self)->backend, changes, error);
}

gboolean
scope_tunnel_set_peers (ScopeTunnel *self, GPtrArray *wanted, GError **error)
{
  ScopeTunnelPrivate *priv = PRIV (self);
  g_autoptr (GPtrArray) owned = wanted;
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (ScopeWgDevice) device = scope_tunnel_read (self, error);

  if (!device)
    return FALSE;
  changes = scope_wg_diff (device, wanted, priv->wanted);
  if (!apply (self, changes, error))
    return FALSE;
  g_clear_pointer (&priv->wanted, g_ptr_array_unref);
  priv->wanted = g_steal_pointer (&owned);
  return TRUE;
}

gboolean
scope_tunnel_nudge (ScopeTunnel *self, const GArray *keys, GError **error)
{
  ScopeTunnelPrivate *priv = PRIV (self);
  g_autoptr (GHashTable) set = g_hash_table_new (scope_key_hash, scope_key_equal);
  /* WireGuard sends at once when the keepalive goes from 0 to N: off and on again. */
  g_autoptr (GPtrArray) off = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_wg_change_free);
  g_autoptr (GPtrArray) on = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_wg_change_free);

  for (guint i = 0; i < keys->len; i++)
    g_hash_table_add (set, &g_array_index (keys, ScopeKey, i));

  for (guint i = 0; priv->wanted && i < priv->wanted->len; i++)
    {
      const ScopeWgPeer *peer = g_ptr_array_index (priv->wanted, i);

      if (peer->keepalive == 0 || !g_hash_table_contains (set, &peer->pub))
        continue;
      for (int pass = 0; pass < 2; pass++)
        {
          ScopeWgChange *change = g_new0 (ScopeWgChange, 1);
          change->peer = scope_wg_peer_new (&peer->pub);
          change->peer->keepalive = pass ? peer->keepalive : 0;
          change->set_keepalive = TRUE;
          g_ptr_array_add (pass ? on : off, change);
        }
    }
  return apply (self, off, error) && apply (self, on, error);
}

void
scope_tunnel_set_routes (ScopeTunnel *self, GArray *routes)
{
  ScopeTunnelConfig *config = PRIV (self)->config;
  g_autoptr (GArray) previous = config->routes;

  config->routes = routes;
  if (!scope_prefix_list_equal (previous, routes))
    SCOPE_TUNNEL_GET_CLASS (self)->set_routes (self, previous);
}
