/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-engine.h"

#include "crypto/scope-x25519.h"
#include "peer/scope-cache.h"
#include "peer/scope-plan.h"
#include "peer/scope-resolver.h"
#include "peer/scope-session.h"
#include "tunnel/scope-link.h"
#include "tunnel/scope-tunnel-kernel.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <string.h>

#define START_PATIENCE_SECONDS 10 /* an unreachable registry is tried again this long */
#define HANDSHAKE_POLL_MS 20
#define HANDSHAKE_POLL_SLOW_MS 500
#define HANDSHAKE_FAST_USEC (2 * G_USEC_PER_SEC)
#define ANNOUNCE_AGAIN_SECONDS 10 /* as 0.0.x */
#define STALE_CHECK_SECONDS 30
#define STALE_USEC (180 * G_USEC_PER_SEC) /* WireGuard's REJECT_AFTER_TIME: the session is over */
#define PORT_FIRST 49152
#define PORT_RANGE 16384
#define NUMBERED_NAMES 100
#define NAME_RETRY_MS 50
#define NAME_PATIENCE_USEC (G_USEC_PER_SEC) /* our own interface of a moment ago may still be going */

typedef enum {
  STATE_IDLE,
  STATE_WAITING, /* for a roster and the sweep of leftovers */
  STATE_RAISING, /* the tunnel comes up */
  STATE_RUNNING,
  STATE_STOPPED,
} EngineState;

struct _ScopeEngine {
  GObject parent_instance;

  GDBusConnection *bus;
  ScopeEngineConfig *config;
  ScopeKey own;
  EngineState state;
  GCancellable *cancellable;
  GTask *stop;

  ScopeSession *session;
  ScopeResolver *resolver;
  ScopeTunnel *tunnel;
  ScopeRoster *roster;
  ScopePlan *plan;
  GArray *addresses;
  char *cached_gateway;
  gint64 started_usec; /* monotonic */
  guint retry_id;
  gboolean swept;
  guint patience_id;
  gboolean refused; /* once already as not listed */
  GError *last_error; /* of the session, while there is no roster */

  gint64 heard_after; /* real time, µs: the root must have heard from us since then */
  gint64 poll_since;  /* monotonic */
  guint poll_id;
  guint again_id;
  guint stale_id;
};

G_DEFINE_FINAL_TYPE (ScopeEngine, scope_engine, G_TYPE_OBJECT)

enum { STARTED, FAILED, N_SIGNALS };
static guint signals[N_SIGNALS];

void
scope_engine_config_free (ScopeEngineConfig *config)
{
  g_free (config->vpn_uuid);
  g_free (config->vpn_id);
  g_free (config->zone);
  g_clear_pointer (&config->settings, scope_settings_free);
  scope_key_clear (&config->private_key);
  g_free (config->cache_path);
  g_free (config);
}

static void
fail (ScopeEngine *self, GError *error)
{
  g_autoptr (GError) owned = error;

  if (self->state == STATE_STOPPED)
    return;
  g_signal_emit (self, signals[FAILED], 0, owned);
}

/* --- peers and routes ---------------------------------------------------------------------- */

static void
make_plan (ScopeEngine *self)
{
  g_clear_pointer (&self->plan, scope_plan_free);
  self->plan = scope_plan_new (self->roster, self->config->settings, &self->own, self->addresses,
                               scope_resolver_get_table (self->resolver));
  if (self->plan->conflicts)
    g_warning ("network %s: %u ranges are claimed twice; the first one listed has them",
               self->config->settings->netreg, self->plan->conflicts);
}

static void
apply_plan (ScopeEngine *self)
{
  g_autoptr (GError) error = NULL;

  make_plan (self);
  if (!scope_tunnel_set_peers (self->tunnel, g_ptr_array_ref (self->plan->peers), &error))
    g_warning ("%s", error->message);
  scope_tunnel_set_routes (self->tunnel, g_array_ref (self->plan->routes));
}

static void
on_resolved (gpointer data)
{
  ScopeEngine *self = data;

  if (self->state == STATE_RUNNING)
    apply_plan (self);
}

/* --- announcing ---------------------------------------------------------------------------- */

static gboolean
on_announce_again (gpointer data)
{
  ScopeEngine *self = data;

  self->again_id = 0;
  scope_session_announce (self->session);
  return G_SOURCE_REMOVE;
}

static void
announce (ScopeEngine *self)
{
  g_clear_handle_id (&self->poll_id, g_source_remove);
  scope_session_announce (self->session);
  g_clear_handle_id (&self->again_id, g_source_remove);
  self->again_id = g_timeout_add_seconds (ANNOUNCE_AGAIN_SECONDS, on_announce_again, self);
}

static gboolean
root_has_heard_us (ScopeEngine *self)
{
  g_autoptr (ScopeWgDevice) device = scope_tunnel_read (self->tunnel, NULL);
  const ScopeWgPeer *root;

  if (!device || !self->roster->self)
    return FALSE;
  root = scope_wg_device_find (device, &self->roster->self->pub);
  return root && root->handshake_usec >= self->heard_after;
}

static gboolean
on_poll (gpointer data)
{
  ScopeEngine *self = data;
  gint64 waited = g_get_monotonic_time () - self->poll_since;

  self->poll_id = 0;
  /* A root that is silent for long is announced to anyhow, as 0.0.x does: it may see us later. */
  if (scope_session_is_open (self->session) &&
      (root_has_heard_us (self) || waited > ANNOUNCE_AGAIN_SECONDS * G_USEC_PER_SEC))
    announce (self);
  else if (waited < ANNOUNCE_AGAIN_SECONDS * 2 * G_USEC_PER_SEC)
    self->poll_id =
        g_timeout_add (waited < HANDSHAKE_FAST_USEC ? HANDSHAKE_POLL_MS : HANDSHAKE_POLL_SLOW_MS, on_poll, self);
  return G_SOURCE_REMOVE;
}

/* Announce as soon as the root has a handshake with us that is not older than @heard_after. */
static void
announce_when_heard (ScopeEngine *self, gint64 heard_after)
{
  self->heard_after = heard_after;
  self->poll_since = g_get_monotonic_time ();
  if (!self->poll_id)
    self->poll_id = g_timeout_add (HANDSHAKE_POLL_MS, on_poll, self);
}

static void
on_session_open (ScopeSession *session, gpointer data)
{
  ScopeEngine *self = data;

  /* After a reconnect a live session with the root is good enough. */
  if (self->state == STATE_RUNNING && !self->poll_id)
    announce_when_heard (self, g_get_real_time () - STALE_USEC);
}

/* --- stale names --------------------------------------------------------------------------- */

static void
refresh_if_stale (ScopeEngine *self, const ScopeWgDevice *device, const ScopeRosterPeer *entry)
{
  const ScopeWgPeer *peer = entry && entry->end ? scope_wg_device_find (device, &entry->pub) : NULL;

  if (peer && peer->handshake_usec < g_get_real_time () - STALE_USEC)
    scope_resolver_refresh (self->resolver, entry->end);
}

static gboolean
on_stale_check (gpointer data)
{
  ScopeEngine *self = data;
  g_autoptr (ScopeWgDevice) device = NULL;

  if (!scope_resolver_has_names (self->resolver))
    {
      self->stale_id = 0;
      return G_SOURCE_REMOVE;
    }
  device = scope_tunnel_read (self->tunnel, NULL);
  if (device)
    {
      refresh_if_stale (self, device, self->roster->self);
      for (guint i = 0; i < self->roster->peers->len; i++)
        refresh_if_stale (self, device, g_ptr_array_index (self->roster->peers, i));
    }
  return G_SOURCE_CONTINUE;
}

static void
watch_names (ScopeEngine *self)
{
  if (!self->stale_id && scope_resolver_has_names (self->resolver))
    self->stale_id = g_timeout_add_seconds (STALE_CHECK_SECONDS, on_stale_check, self);
}

/* --- bringing the tunnel up ---------------------------------------------------------------- */

/* The network's name when it can be one, else scope0, scope1, …; a name from the profile must be free. */
static char *
choose_ifname (const ScopeSettings *settings, GError **error)
{
  if (settings->interface_name)
    {
      if (!scope_link_exists (settings->interface_name))
        return g_strdup (settings->interface_name);
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_TAKEN, "interface-name: %s is taken", settings->interface_name);
      return NULL;
    }
  if (scope_ifname_valid (settings->network) && !scope_link_exists (settings->network))
    return g_strdup (settings->network);
  for (guint i = 0; i < NUMBERED_NAMES; i++)
    {
      g_autofree char *name = g_strdup_printf ("scope%u", i);
      if (!scope_link_exists (name))
        return g_steal_pointer (&name);
    }
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_TAKEN, "interface-name: scope0 to scope%d are all taken",
               NUMBERED_NAMES - 1);
  return NULL;
}

/* Without a port in the profile one follows from its UUID, so that a NAT's mapping survives a restart. */
static guint16
choose_port (const ScopeEngineConfig *config)
{
  guint start = g_str_hash (config->vpn_uuid);

  if (config->settings->listen_port)
    return config->settings->listen_port;
  for (guint i = 0; i < 64; i++)
    {
      guint16 port = PORT_FIRST + (start + i) % PORT_RANGE;
      if (scope_udp_port_free (port))
        return port;
    }
  return scope_udp_port_pick ();
}

static ScopeTunnelConfig *
tunnel_config (ScopeEngine *self, GError **error)
{
  const ScopeSettings *settings = self->config->settings;
  g_autofree char *ifname = choose_ifname (settings, error);
  ScopeTunnelConfig *config;

  if (!ifname)
    return NULL;
  config = g_new0 (ScopeTunnelConfig, 1);
  config->vpn_uuid = g_strdup (self->config->vpn_uuid);
  config->vpn_id = g_strdup (self->config->vpn_id);
  config->zone = g_strdup (self->config->zone);
  config->ifname = g_steal_pointer (&ifname);
  config->private_key = self->config->private_key;
  config->listen_port = choose_port (self->config);
  config->addresses = g_array_ref (self->addresses);
  config->routes = g_array_ref (self->plan->routes);
  config->mtu = settings->mtu;
  config->dns = g_strdupv (settings->dns);
  config->dns_search = g_strdupv (settings->dns_search);
  return config;
}

static void
on_tunnel_failed (ScopeTunnel *tunnel, GError *error, gpointer data)
{
  fail (data, g_error_copy (error));
}

static void tunnel_down (ScopeEngine *self);

static void
on_tunnel_up (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopeEngine) self = data;
  GError *error = NULL;

  if (!scope_tunnel_up_finish (SCOPE_TUNNEL (source), result, &error))
    {
      if (self->stop)
        tunnel_down (self); /* stop waited for this, so that nothing half-made is left */
      else
        {
          self->state = STATE_WAITING;
          fail (self, g_error_copy (error));
        }
      g_error_free (error);
      return;
    }
  if (self->stop)
    {
      tunnel_down (self);
      return;
    }

  gint64 now = g_get_real_time ();
  make_plan (self); /* a fresher roster may have come meanwhile */
  if (!scope_tunnel_set_peers (self->tunnel, g_ptr_array_ref (self->plan->peers), &error))
    {
      fail (self, error);
      return;
    }
  scope_tunnel_set_routes (self->tunnel, g_array_ref (self->plan->routes));
  self->state = STATE_RUNNING;
  g_signal_connect_object (self->tunnel, "failed", G_CALLBACK (on_tunnel_failed), self, 0);
  g_message ("network %s is up on %s with %u peers", self->config->settings->network,
             scope_tunnel_get_config (self->tunnel)->ifname, self->plan->peers->len);
  announce_when_heard (self, now);
  watch_names (self);
  g_signal_emit (self, signals[STARTED], 0);
}

static void raise_tunnel (ScopeEngine *self);

static gboolean
on_retry (gpointer data)
{
  ScopeEngine *self = data;

  self->retry_id = 0;
  raise_tunnel (self);
  return G_SOURCE_REMOVE;
}

static gboolean
name_may_become_free (ScopeEngine *self)
{
  const ScopeSettings *settings = self->config->settings;
  const char *name = settings->interface_name ? settings->interface_name : settings->network;

  if (!scope_link_exists (name) || g_get_monotonic_time () - self->started_usec > NAME_PATIENCE_USEC)
    return FALSE;
  if (!self->retry_id)
    self->retry_id = g_timeout_add (NAME_RETRY_MS, on_retry, self);
  return TRUE;
}

static void
raise_tunnel (ScopeEngine *self)
{
  GError *error = NULL;
  ScopeTunnelConfig *config;

  if (self->state != STATE_WAITING || !self->roster || !self->swept || name_may_become_free (self))
    return;
  g_clear_pointer (&self->addresses, g_array_unref);
  self->addresses = scope_plan_addresses (self->roster, self->config->settings, &self->own, &error);
  if (!self->addresses)
    {
      fail (self, error);
      return;
    }
  make_plan (self);
  config = tunnel_config (self, &error);
  if (config)
    self->tunnel = scope_tunnel_new (self->config->settings->tunnel, self->bus, config, &error);
  if (!self->tunnel)
    {
      fail (self, error);
      return;
    }
  self->state = STATE_RAISING;
  scope_tunnel_up_async (self->tunnel, self->cancellable, on_tunnel_up, g_object_ref (self));
}

/* --- roster -------------------------------------------------------------------------------- */

static void
take_roster (ScopeEngine *self, ScopeRoster *roster)
{
  g_clear_pointer (&self->roster, scope_roster_free);
  self->roster = roster;
  scope_resolver_set_roster (self->resolver, roster);
  if (self->state == STATE_RUNNING)
    {
      apply_plan (self);
      watch_names (self);
    }
  else
    raise_tunnel (self);
}

static void
on_session_roster (ScopeSession *session, gpointer data)
{
  ScopeEngine *self = data;
  ScopeRoster *roster = scope_session_take_roster (session);
  const char *gateway = scope_session_get_gateway (session);
  g_autoptr (GError) error = NULL;

  if (gateway)
    {
      g_free (self->cached_gateway);
      self->cached_gateway = g_strdup (gateway);
    }
  if (!scope_cache_store (self->config->cache_path, roster, gateway, &error))
    g_warning ("roster cache: %s", error->message);
  take_roster (self, roster);
#ifdef __GLIBC__
  malloc_trim (0); /* parsing and comparing a hundred peers leaves holes of 0.2 MB */
#endif
}

static void
on_session_failed (ScopeSession *session, GError *error, gpointer data)
{
  ScopeEngine *self = data;

  /* Once there is a roster the network goes on without its registry. */
  if (self->state != STATE_WAITING || self->roster)
    return;
  /* “Not listed” counts when it is said twice: the admin may have listed us this very second. */
  if ((scope_err_unreachable (error) && self->patience_id) || (scope_err_not_listed (error) && !self->refused))
    {
      self->refused = scope_err_not_listed (error);
      g_clear_error (&self->last_error);
      self->last_error = g_error_copy (error);
    }
  else
    fail (self, g_error_copy (error));
}

static gboolean
on_patience_over (gpointer data)
{
  ScopeEngine *self = data;

  self->patience_id = 0;
  if (self->state == STATE_WAITING && !self->roster && self->last_error)
    fail (self, g_steal_pointer (&self->last_error));
  return G_SOURCE_REMOVE;
}

static void
on_swept (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopeEngine) self = data;
  g_autoptr (GError) error = NULL;
  int n = scope_tunnel_kernel_sweep_finish (result, &error);

  if (n > 0)
    g_message ("removed %d tunnel profiles that a service had left behind", n);
  if (self->state != STATE_WAITING)
    return;
  if (n < 0)
    g_warning ("looking for leftovers: %s", error->message);
  self->swept = TRUE;
  raise_tunnel (self);
}

/* --- life ---------------------------------------------------------------------------------- */

ScopeEngine *
scope_engine_new (GDBusConnection *bus, ScopeEngineConfig *config, GError **error)
{
  g_autoptr (ScopeEngine) self = g_object_new (SCOPE_TYPE_ENGINE, NULL);

  self->bus = g_object_ref (bus);
  self->config = config;
  self->cancellable = g_cancellable_new ();
  if (!scope_x25519_public (&self->own, &config->private_key, error))
    return NULL;
  self->session = scope_session_new (config->settings, &self->own, error);
  if (!self->session)
    return NULL;
  self->resolver = scope_resolver_new (on_resolved, self);
  g_signal_connect (self->session, "roster", G_CALLBACK (on_session_roster), self);
  g_signal_connect (self->session, "failed", G_CALLBACK (on_session_failed), self);
  g_signal_connect (self->session, "open", G_CALLBACK (on_session_open), self);
  return g_steal_pointer (&self);
}

void
scope_engine_start (ScopeEngine *self)
{
  ScopeRoster *cached;

  g_return_if_fail (self->state == STATE_IDLE);
  self->state = STATE_WAITING;
  self->started_usec = g_get_monotonic_time ();
  scope_tunnel_kernel_sweep_async (self->bus, self->config->vpn_uuid, self->cancellable, on_swept, g_object_ref (self));
  self->patience_id = g_timeout_add_seconds (START_PATIENCE_SECONDS, on_patience_over, self);
  scope_session_start (self->session);
  cached = scope_cache_load (self->config->cache_path, self->config->settings->netreg, &self->cached_gateway);
  if (cached)
    {
      g_message ("network %s: %u peers from the cache", self->config->settings->network, cached->peers->len);
      take_roster (self, cached);
    }
}

static void
on_tunnel_down (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopeEngine) self = data;
  g_autoptr (GTask) task = g_steal_pointer (&self->stop);
  GError *error = NULL;

  if (scope_tunnel_down_finish (SCOPE_TUNNEL (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
tunnel_down (ScopeEngine *self)
{
  scope_tunnel_down_async (self->tunnel, on_tunnel_down, g_object_ref (self));
}

void
scope_engine_stop_async (ScopeEngine *self, GAsyncReadyCallback callback, gpointer data)
{
  gboolean raising = self->state == STATE_RAISING;

  g_return_if_fail (self->state != STATE_STOPPED);
  self->state = STATE_STOPPED;
  self->stop = g_task_new (self, NULL, callback, data);
  g_cancellable_cancel (self->cancellable);
  scope_session_stop (self->session);
  g_clear_handle_id (&self->poll_id, g_source_remove);
  g_clear_handle_id (&self->again_id, g_source_remove);
  g_clear_handle_id (&self->stale_id, g_source_remove);
  g_clear_handle_id (&self->retry_id, g_source_remove);
  g_clear_handle_id (&self->patience_id, g_source_remove);

  if (!self->tunnel)
    {
      g_autoptr (GTask) task = g_steal_pointer (&self->stop);
      g_task_return_boolean (task, TRUE);
    }
  else if (!raising)
    tunnel_down (self);
}

gboolean
scope_engine_stop_finish (ScopeEngine *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
scope_engine_base_changed (ScopeEngine *self)
{
  g_autoptr (GArray) keys = NULL;
  g_autoptr (GError) error = NULL;

  if (self->state != STATE_WAITING && self->state != STATE_RAISING && self->state != STATE_RUNNING)
    return;
  g_message ("the base connection changed: reconnecting");
  scope_session_kick (self->session);
  if (self->state != STATE_RUNNING)
    return;
  keys = g_array_new (FALSE, FALSE, sizeof (ScopeKey));
  for (guint i = 0; i < self->plan->peers->len; i++)
    g_array_append_val (keys, ((ScopeWgPeer *) g_ptr_array_index (self->plan->peers, i))->pub);
  if (!scope_tunnel_nudge (self->tunnel, keys, &error))
    g_warning ("%s", error->message);
}

ScopeTunnel *
scope_engine_get_tunnel (ScopeEngine *self)
{
  return self->tunnel;
}

static char *
outside_address (const ScopeSockaddr *sa)
{
  g_autoptr (GInetAddress) address = NULL;

  if (!sa || sa->any.sa_family == AF_UNSPEC)
    return NULL;
  address = sa->any.sa_family == AF_INET
                ? g_inet_address_new_from_bytes ((const guint8 *) &sa->in.sin_addr, G_SOCKET_FAMILY_IPV4)
                : g_inet_address_new_from_bytes ((const guint8 *) &sa->in6.sin6_addr, G_SOCKET_FAMILY_IPV6);
  return g_inet_address_get_is_loopback (address) ? NULL : g_inet_address_to_string (address);
}

char *
scope_engine_get_gateway (ScopeEngine *self)
{
  GHashTable *resolved = scope_resolver_get_table (self->resolver);
  const ScopeRosterPeer *root = self->roster ? self->roster->self : NULL;
  char *gateway;

  if (self->cached_gateway)
    {
      g_autoptr (GInetAddress) address = g_inet_address_new_from_string (self->cached_gateway);
      if (address && !g_inet_address_get_is_loopback (address))
        return g_inet_address_to_string (address);
    }
  gateway = root && root->end ? outside_address (g_hash_table_lookup (resolved, root->end)) : NULL;
  for (guint i = 0; !gateway && self->plan && i < self->plan->peers->len; i++)
    gateway = outside_address (&((ScopeWgPeer *) g_ptr_array_index (self->plan->peers, i))->endpoint);
  return gateway;
}

static void
scope_engine_dispose (GObject *object)
{
  ScopeEngine *self = SCOPE_ENGINE (object);

  g_clear_handle_id (&self->poll_id, g_source_remove);
  g_clear_handle_id (&self->again_id, g_source_remove);
  g_clear_handle_id (&self->stale_id, g_source_remove);
  g_clear_handle_id (&self->retry_id, g_source_remove);
  g_clear_handle_id (&self->patience_id, g_source_remove);
  if (self->session)
    g_signal_handlers_disconnect_by_data (self->session, self);
  g_clear_object (&self->session);
  g_clear_pointer (&self->resolver, scope_resolver_free);
  g_clear_object (&self->tunnel);
  g_clear_pointer (&self->plan, scope_plan_free);
  g_clear_pointer (&self->roster, scope_roster_free);
  g_clear_pointer (&self->addresses, g_array_unref);
  g_clear_pointer (&self->cached_gateway, g_free);
  g_clear_error (&self->last_error);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->bus);
  g_clear_pointer (&self->config, scope_engine_config_free);
  G_OBJECT_CLASS (scope_engine_parent_class)->dispose (object);
}

static void
scope_engine_init (ScopeEngine *self)
{
}

static void
scope_engine_class_init (ScopeEngineClass *class)
{
  G_OBJECT_CLASS (class)->dispose = scope_engine_dispose;
  signals[STARTED] = g_signal_new ("started", SCOPE_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[FAILED] = g_signal_new ("failed", SCOPE_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                                  G_TYPE_ERROR);
}
