/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-tunnel.h"

#include "tunnel/scope-link.h"
#include "tunnel/scope-rtnl.h"
#include "tunnel/scope-tunnel-kernel.h"
#include "tunnel/scope-tunnel-userspace.h"

#include <unistd.h>

typedef struct {
  ScopeTunnelConfig *config;
  ScopeWgBackend backend; /* as read last */
  ScopeLinkWatch *watch;
  GPtrArray *wanted; /* as applied last */
  GHashTable *seen;  /* ScopeKey → ScopeSockaddr: where each peer was then */
  gboolean up;
  guint room;  /* MTU by the base connection; the config's is what the interface is to have */
  guint limit; /* by what paths carry, 0 for none */
} ScopeTunnelPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (ScopeTunnel, scope_tunnel, G_TYPE_OBJECT)
#define PRIV(self) ((ScopeTunnelPrivate *) scope_tunnel_get_instance_private (self))

enum { FAILED, N_SIGNALS };
static guint signals[N_SIGNALS];

void
scope_tunnel_config_free (ScopeTunnelConfig *config)
{
  g_free (config->vpn_uuid);
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
  PRIV (self)->seen = g_hash_table_new_full (scope_key_hash, scope_key_equal, g_free, g_free);
}

static void
scope_tunnel_dispose (GObject *object)
{
  ScopeTunnelPrivate *priv = PRIV (SCOPE_TUNNEL (object));

  priv->up = FALSE;
  g_clear_pointer (&priv->watch, scope_link_watch_free);
  g_clear_pointer (&priv->wanted, g_ptr_array_unref);
  g_clear_pointer (&priv->seen, g_hash_table_unref);
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
scope_tunnel_new (ScopeTunnelKind kind, ScopeTunnelConfig *config, GError **error)
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
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_UNSUPPORTED, "tunnel: this kernel has no WireGuard: load its module, or use auto");
      return NULL;
    }

  if (kind == SCOPE_TUNNEL_KIND_USERSPACE && (missing = tun_missing ()))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_UNSUPPORTED, "tunnel: no userspace WireGuard (%s): %s", why, missing);
      return NULL;
    }
  g_message ("tunnel %s: %s (%s)", owned->ifname, kind == SCOPE_TUNNEL_KIND_KERNEL ? "kernel" : "userspace", why);

  self = kind == SCOPE_TUNNEL_KIND_KERNEL ? scope_tunnel_kernel_new () : scope_tunnel_userspace_new ();
  scope_tunnel_set_config (self, g_steal_pointer (&owned));
  return self;
}

void
scope_tunnel_set_config (ScopeTunnel *self, ScopeTunnelConfig *config)
{
  g_clear_pointer (&PRIV (self)->config, scope_tunnel_config_free);
  PRIV (self)->config = config;
}

static gboolean
is_borrowed (ScopeTunnel *self)
{
  return SCOPE_TUNNEL_GET_CLASS (self)->set_peers != NULL;
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
  const ScopeTunnelConfig *config = PRIV (self)->config;
  GError *error = NULL;

  if (!is_borrowed (self) && scope_link_exists (config->ifname))
    error = g_error_new (SCOPE_ERROR, SCOPE_ERROR_TAKEN, "interface name %s is taken", config->ifname);
  else if (!is_borrowed (self) && !scope_udp_port_free (config->listen_port))
    error = g_error_new (SCOPE_ERROR, SCOPE_ERROR_TAKEN, "listen-port: UDP port %u is taken", config->listen_port);
  if (!error)
    {
      SCOPE_TUNNEL_GET_CLASS (self)->up (self, inner);
      return;
    }
  g_task_return_error (inner, error);
  g_object_unref (inner);
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
  return !is_borrowed (self);
}

ScopeWgDevice *
scope_tunnel_read (ScopeTunnel *self, GError **error)
{
  return scope_wg_device_read (PRIV (self)->config->ifname, &PRIV (self)->backend, error);
}

gboolean
scope_tunnel_apply (ScopeTunnel *self, const GPtrArray *changes, GError **error)
{
  return scope_wg_apply (PRIV (self)->config->ifname, PRIV (self)->backend, changes, error);
}

/* What counts as wanted before, for the difference's rule that an endpoint is written only when the
 * wanted one has changed. A peer that is alive and has moved by itself since the last time keeps the
 * endpoint that WireGuard found: behind a symmetric NAT the registry sees another one, which would cut
 * us off. A peer whose session is over is told again where to look. */
static GPtrArray *
wanted_before (ScopeTunnelPrivate *priv, const ScopeWgDevice *device, const GPtrArray *wanted)
{
  GPtrArray *before = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_wg_peer_free);
  g_autoptr (GHashTable) last = g_hash_table_new (scope_key_hash, scope_key_equal);
  gint64 alive_since = g_get_real_time () - SCOPE_WG_SESSION_USEC;

  for (guint i = 0; priv->wanted && i < priv->wanted->len; i++)
    {
      ScopeWgPeer *peer = g_ptr_array_index (priv->wanted, i);
      g_hash_table_insert (last, &peer->pub, peer);
    }
  for (guint i = 0; i < wanted->len; i++)
    {
      const ScopeWgPeer *want = g_ptr_array_index (wanted, i);
      const ScopeWgPeer *has = scope_wg_device_find (device, &want->pub);
      const ScopeWgPeer *was = g_hash_table_lookup (last, &want->pub);
      const ScopeSockaddr *seen = g_hash_table_lookup (priv->seen, &want->pub);
      ScopeWgPeer *peer;

      if (!was || !has || has->handshake_usec < alive_since)
        continue;
      peer = scope_wg_peer_new (&want->pub);
      peer->endpoint = seen && !scope_sockaddr_equal (seen, &has->endpoint) ? want->endpoint : was->endpoint;
      g_ptr_array_add (before, peer);
    }
  return before;
}

/* A new endpoint alone makes WireGuard send nothing; a new peer has got its keepalive with it, which does. */
static GArray *
moved_by_us (const ScopeWgDevice *device, const GPtrArray *changes)
{
  GArray *keys = g_array_new (FALSE, FALSE, sizeof (ScopeKey));

  for (guint i = 0; i < changes->len; i++)
    {
      const ScopeWgChange *change = g_ptr_array_index (changes, i);
      if (change->set_endpoint && scope_wg_device_find (device, &change->peer->pub))
        g_array_append_val (keys, change->peer->pub);
    }
  return keys;
}

static void
remember (ScopeTunnelPrivate *priv, const ScopeWgDevice *device, const GPtrArray *changes)
{
  g_hash_table_remove_all (priv->seen);
  for (guint i = 0; i < device->peers->len; i++)
    {
      const ScopeWgPeer *peer = g_ptr_array_index (device->peers, i);
      g_hash_table_insert (priv->seen, g_memdup2 (&peer->pub, sizeof peer->pub),
                           g_memdup2 (&peer->endpoint, sizeof peer->endpoint));
    }
  for (guint i = 0; i < changes->len; i++)
    {
      const ScopeWgChange *change = g_ptr_array_index (changes, i);
      if (change->set_endpoint)
        g_hash_table_insert (priv->seen, g_memdup2 (&change->peer->pub, sizeof change->peer->pub),
                             g_memdup2 (&change->peer->endpoint, sizeof change->peer->endpoint));
    }
}

static gboolean nudge (ScopeTunnel *self, const GArray *keys, gboolean anew, GError **error);

gboolean
scope_tunnel_set_peers (ScopeTunnel *self, GPtrArray *wanted, GError **error)
{
  ScopeTunnelPrivate *priv = PRIV (self);
  g_autoptr (GPtrArray) owned = wanted;
  g_autoptr (GPtrArray) before = NULL, changes = NULL;
  g_autoptr (GArray) moved = NULL;
  g_autoptr (ScopeWgDevice) device = NULL;

  if (is_borrowed (self))
    return SCOPE_TUNNEL_GET_CLASS (self)->set_peers (self, wanted, error);
  device = scope_tunnel_read (self, error);
  if (!device)
    return FALSE;
  before = wanted_before (priv, device, wanted);
  changes = scope_wg_diff (device, wanted, before);
  if (!scope_tunnel_apply (self, changes, error))
    return FALSE;
  remember (priv, device, changes);
  moved = moved_by_us (device, changes);
  g_clear_pointer (&priv->wanted, g_ptr_array_unref);
  priv->wanted = g_steal_pointer (&owned);
  return nudge (self, moved, FALSE, error); /* two that begin anew at each other's word would collide */
}

static gboolean
nudge (ScopeTunnel *self, const GArray *keys, gboolean anew, GError **error)
{
  /* WireGuard sends at once when the keepalive goes from 0 to N: off and on again. Writing the endpoint
   * anew, as it is, makes it forget the source address: wireguard-go 20220316 goes on sending from one
   * that the machine has lost, with ENETUNREACH. When its session has ended it may have begun a handshake that had no way,
   * and makes no other for 5 s: then the peer is added anew. */
  g_autoptr (GPtrArray) off = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_wg_change_free);
  g_autoptr (GPtrArray) on = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_wg_change_free);
  g_autoptr (ScopeWgDevice) device = NULL;

  if (keys->len == 0 || is_borrowed (self))
    return TRUE;
  device = scope_tunnel_read (self, error);
  if (!device)
    return FALSE;

  for (guint i = 0; i < keys->len; i++)
    {
      const ScopeWgPeer *peer = scope_wg_device_find (device, &g_array_index (keys, ScopeKey, i));

      if (!peer || peer->keepalive == 0 || peer->endpoint.any.sa_family == AF_UNSPEC)
        continue;
      if (anew && peer->handshake_usec && peer->handshake_usec < g_get_real_time () - SCOPE_WG_SESSION_USEC)
        {
          g_ptr_array_add (on, scope_wg_change_readd (device, peer));
          continue;
        }
      for (int pass = 0; pass < 2; pass++)
        {
          ScopeWgChange *change = scope_wg_change_new (scope_wg_peer_new (&peer->pub));
          change->peer->endpoint = peer->endpoint;
          change->peer->keepalive = pass ? peer->keepalive : 0;
          change->set_endpoint = pass == 0;
          change->set_keepalive = TRUE;
          g_ptr_array_add (pass ? on : off, change);
        }
    }
  return scope_tunnel_apply (self, off, error) && scope_tunnel_apply (self, on, error);
}

gboolean
scope_tunnel_nudge (ScopeTunnel *self, const GArray *keys, GError **error)
{
  return nudge (self, keys, TRUE, error);
}

gboolean
scope_tunnel_renew (ScopeTunnel *self, const ScopeKey *pub, const ScopeSockaddr *endpoint, GError **error)
{
  g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_wg_change_free);
  g_autoptr (ScopeWgDevice) device = scope_tunnel_read (self, error);
  ScopeWgPeer *has = device ? scope_wg_device_find (device, pub) : NULL;
  ScopeWgChange *change;

  if (!has || is_borrowed (self) || has->handshake_usec > g_get_real_time () - SCOPE_WG_SESSION_USEC)
    return device != NULL;
  has->endpoint = *endpoint;
  change = scope_wg_change_readd (device, has);
  change->peer->keepalive = MAX (change->peer->keepalive, 1);
  g_ptr_array_add (changes, change);
  return scope_tunnel_apply (self, changes, error);
}

/* A peer that is added with a keepalive handshakes at once; without one it is given a keepalive for a moment. */
gboolean
scope_tunnel_set_preshared (ScopeTunnel *self, const ScopeKey *pub, const ScopeKey *preshared, gboolean readd,
                            GError **error)
{
  g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_wg_change_free);
  g_autoptr (ScopeWgDevice) device = scope_tunnel_read (self, error);
  const ScopeWgPeer *has = device ? scope_wg_device_find (device, pub) : NULL;
  g_autoptr (ScopeWgPeer) peer = has ? scope_wg_peer_copy (has) : NULL;
  ScopeWgChange *change;
  guint16 keepalive;

  if (!has)
    return device != NULL;
  keepalive = peer->keepalive;
  peer->preshared = *preshared;
  if (!readd)
    {
      change = scope_wg_change_new (g_steal_pointer (&peer));
      change->set_preshared = TRUE;
      g_ptr_array_add (changes, change);
      return scope_tunnel_apply (self, changes, error);
    }
  if (!keepalive)
    peer->keepalive = 1;
  g_ptr_array_add (changes, scope_wg_change_readd (device, peer));
  if (!scope_tunnel_apply (self, changes, error))
    return FALSE;
  if (keepalive)
    return TRUE;
  g_ptr_array_set_size (changes, 0);
  change = scope_wg_change_new (scope_wg_peer_new (pub));
  change->set_keepalive = TRUE;
  g_ptr_array_add (changes, change);
  return scope_tunnel_apply (self, changes, error);
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

static void
change_mtu (ScopeTunnel *self, guint bytes)
{
  ScopeTunnelConfig *config = PRIV (self)->config;
  g_autoptr (GError) error = NULL;
  guint32 ifindex;

  if (is_borrowed (self) || bytes == 0 || config->mtu == bytes)
    return;
  config->mtu = bytes;
  if (!PRIV (self)->up)
    return;
  ifindex = scope_link_index (config->ifname);
  if (scope_rtnl_get_mtu (ifindex) != bytes && !scope_rtnl_set_mtu (ifindex, bytes, &error))
    g_warning ("%s", error->message);
  else
    g_message ("%s: MTU %u", config->ifname, bytes);
}

void
scope_tunnel_set_mtu (ScopeTunnel *self, guint bytes)
{
  guint limit = PRIV (self)->limit;

  PRIV (self)->room = bytes;
  change_mtu (self, limit ? MIN (bytes, limit) : bytes);
}

void
scope_tunnel_limit_mtu (ScopeTunnel *self, guint bytes)
{
  if (!PRIV (self)->room)
    PRIV (self)->room = PRIV (self)->config->mtu;
  PRIV (self)->limit = bytes;
  change_mtu (self, bytes ? MIN (bytes, PRIV (self)->room) : PRIV (self)->room);
}
