/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-engine.h"

#include "crypto/scope-x25519.h"
#include "peer/scope-announcer.h"
#include "peer/scope-cache.h"
#include "peer/scope-choose.h"
#include "peer/scope-nudger.h"
#include "peer/scope-patience.h"
#include "peer/scope-plan.h"
#include "peer/scope-resolver.h"
#include "peer/scope-session.h"
#include "peer/scope-stale.h"
#include "tunnel/scope-link.h"
#include "tunnel/scope-tunnel-sweep.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#define CACHE_SECONDS 5 /* the roster is stored at most this often: it costs a write to the disk */
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
  gboolean heard; /* it is the registry's, not the cache's */
  ScopePlan *plan;
  GArray *addresses;
  char *cached_gateway;
  gint64 started_usec; /* monotonic */
  gboolean swept;
  ScopePatience *patience; /* from the start on */
  ScopeAnnouncer *announcer;
  ScopeStale *stale;
  ScopeNudger *nudger;
  guint retry_id;
  guint store_id;
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

static ScopeWgDevice *
read_for_stale (const ScopeRoster **roster, gpointer data)
{
  ScopeEngine *self = data;

  *roster = self->roster;
  return scope_tunnel_read (self->tunnel, NULL);
}

static void
nudge_all (gpointer data)
{
  ScopeEngine *self = data;
  g_autoptr (GArray) keys = g_array_new (FALSE, FALSE, sizeof (ScopeKey));
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < self->plan->peers->len; i++)
    g_array_append_val (keys, ((ScopeWgPeer *) g_ptr_array_index (self->plan->peers, i))->pub);
  if (!scope_tunnel_nudge (self->tunnel, keys, &error))
    g_warning ("%s", error->message);
}

/* --- announcing ---------------------------------------------------------------------------- */

static gboolean
root_has_heard_us (gint64 since, gpointer data)
{
  ScopeEngine *self = data;
  g_autoptr (ScopeWgDevice) device = scope_tunnel_read (self->tunnel, NULL);
  const ScopeWgPeer *root = NULL;

  if (device && self->roster->self)
    root = scope_wg_device_find (device, &self->roster->self->pub);
  return root && root->handshake_usec >= since;
}

static void
on_session_open (ScopeSession *session, gpointer data)
{
  ScopeEngine *self = data;

  /* After a reconnect a live session with the root is good enough. */
  if (self->state == STATE_RUNNING && !scope_announcer_is_waiting (self->announcer))
    scope_announcer_start (self->announcer, g_get_real_time () - SCOPE_WG_SESSION_USEC);
}

/* --- bringing the tunnel up ---------------------------------------------------------------- */

static ScopeTunnelConfig *
tunnel_config (ScopeEngine *self, GError **error)
{
  const ScopeSettings *settings = self->config->settings;
  g_autofree char *ifname = scope_choose_ifname (settings, error);
  ScopeTunnelConfig *config;

  if (!ifname)
    return NULL;
  config = g_new0 (ScopeTunnelConfig, 1);
  config->vpn_uuid = g_strdup (self->config->vpn_uuid);
  config->vpn_id = g_strdup (self->config->vpn_id);
  config->zone = g_strdup (self->config->zone);
  config->ifname = g_steal_pointer (&ifname);
  config->private_key = self->config->private_key;
  config->listen_port = scope_choose_port (settings, self->config->vpn_uuid);
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
  self->state = STATE_RUNNING; /* whatever comes now: a stop takes the tunnel down */
  make_plan (self);            /* a fresher roster may have come meanwhile */
  if (!scope_tunnel_set_peers (self->tunnel, g_ptr_array_ref (self->plan->peers), &error))
    {
      fail (self, error);
      return;
    }
  scope_tunnel_set_routes (self->tunnel, g_array_ref (self->plan->routes));
  g_message ("network %s is up on %s with %u peers", self->config->settings->network,
             scope_tunnel_get_config (self->tunnel)->ifname, self->plan->peers->len);
  scope_announcer_start (self->announcer, now);
  scope_stale_watch (self->stale);
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
  if (!scope_link_exists (scope_choose_wanted_ifname (self->config->settings)) ||
      g_get_monotonic_time () - self->started_usec > NAME_PATIENCE_USEC)
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
  if (!self->addresses && !self->heard)
    {
      /* It would be so at each start, since the registry's own roster would never come to be stored. */
      g_message ("roster cache: %s: waiting for the registry", error->message);
      g_error_free (error);
      g_clear_pointer (&self->roster, scope_roster_free);
      return;
    }
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
  g_signal_connect_object (self->tunnel, "failed", G_CALLBACK (on_tunnel_failed), self, 0);
  scope_tunnel_up_async (self->tunnel, self->cancellable, on_tunnel_up, g_object_ref (self));
}

/* --- roster -------------------------------------------------------------------------------- */

/* The interface keeps its addresses while it is up; an admin who moves us should not do it in silence. */
static void
check_addresses (ScopeEngine *self)
{
  g_autoptr (GArray) now = scope_plan_addresses (self->roster, self->config->settings, &self->own, NULL);

  if (now && !scope_prefix_list_equal (now, self->addresses))
    {
      g_autofree char *text = scope_prefix_format_list (now);
      g_warning ("network %s now gives us %s: connect anew to use it", self->config->settings->netreg, text);
    }
}

static void
take_roster (ScopeEngine *self, ScopeRoster *roster)
{
  g_clear_pointer (&self->roster, scope_roster_free);
  self->roster = roster;
  scope_resolver_set_roster (self->resolver, roster);
  if (self->state == STATE_RUNNING)
    {
      scope_stale_watch (self->stale);
      apply_plan (self);
      check_addresses (self);
    }
  else
    raise_tunnel (self);
}

static void
store_roster (ScopeEngine *self)
{
  g_autoptr (GError) error = NULL;

  if (!scope_cache_store (self->config->cache_path, self->roster, self->cached_gateway, &error))
    g_warning ("roster cache: %s", error->message);
#ifdef __GLIBC__
  malloc_trim (0); /* parsing and comparing a hundred peers leaves holes of 0.2 MB */
#endif
}

static gboolean
on_store (gpointer data)
{
  ScopeEngine *self = data;

  self->store_id = 0;
  store_roster (self);
  return G_SOURCE_REMOVE;
}

static void
on_session_roster (ScopeSession *session, gpointer data)
{
  ScopeEngine *self = data;
  ScopeRoster *roster = scope_session_take_roster (session);
  const char *gateway = scope_session_get_gateway (session);
  gboolean first = !self->heard;

  if (gateway)
    {
      g_free (self->cached_gateway);
      self->cached_gateway = g_strdup (gateway);
    }
  self->heard = TRUE;
  take_roster (self, roster);
  if (self->state == STATE_STOPPED)
    return;
  if (first)
    store_roster (self);
  else if (!self->store_id)
    self->store_id = g_timeout_add_seconds (CACHE_SECONDS, on_store, self);
}

static void
on_session_failed (ScopeSession *session, GError *error, gpointer data)
{
  ScopeEngine *self = data;

  /* Once there is a roster the network goes on without its registry. */
  if (self->state != STATE_WAITING || self->roster)
    return;
  if (!scope_patience_bears (self->patience, error))
    fail (self, g_error_copy (error));
}

static void
on_patience_over (const GError *error, gpointer data)
{
  ScopeEngine *self = data;

  if (self->state == STATE_WAITING && !self->roster)
    fail (self, g_error_copy (error));
}

static void
on_swept (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopeEngine) self = data;
  g_autoptr (GError) error = NULL;
  int n = scope_tunnel_sweep_finish (result, &error);

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
  self->announcer = scope_announcer_new (self->session, root_has_heard_us, self);
  self->stale = scope_stale_new (self->resolver, read_for_stale, self);
  self->nudger = scope_nudger_new (nudge_all, self);
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
  scope_tunnel_sweep_async (self->bus, self->config->vpn_uuid, self->cancellable, on_swept, g_object_ref (self));
  self->patience = scope_patience_new (on_patience_over, self);
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

/* Everything that would come to us by itself, but for the session. */
static void
stop_timers (ScopeEngine *self)
{
  g_clear_pointer (&self->patience, scope_patience_free);
  g_clear_pointer (&self->announcer, scope_announcer_free);
  g_clear_pointer (&self->stale, scope_stale_free);
  g_clear_pointer (&self->nudger, scope_nudger_free);
  g_clear_handle_id (&self->store_id, g_source_remove);
  g_clear_handle_id (&self->retry_id, g_source_remove);
}

void
scope_engine_stop_async (ScopeEngine *self, GAsyncReadyCallback callback, gpointer data)
{
  gboolean raising = self->state == STATE_RAISING;

  g_return_if_fail (self->state != STATE_STOPPED);
  if (self->store_id)
    store_roster (self);
  self->state = STATE_STOPPED;
  self->stop = g_task_new (self, NULL, callback, data);
  g_cancellable_cancel (self->cancellable);
  scope_session_stop (self->session);
  stop_timers (self);

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
  if (self->state != STATE_WAITING && self->state != STATE_RAISING && self->state != STATE_RUNNING)
    return;
  g_message ("the base connection changed: reconnecting");
  scope_session_kick (self->session);
  if (self->state != STATE_RUNNING)
    return;
  scope_nudger_start (self->nudger);
}

ScopeTunnel *
scope_engine_get_tunnel (ScopeEngine *self)
{
  return self->tunnel;
}

char *
scope_engine_get_gateway (ScopeEngine *self)
{
  GHashTable *resolved = scope_resolver_get_table (self->resolver);
  const ScopeRosterPeer *root = self->roster ? self->roster->self : NULL;

  return scope_choose_gateway (self->cached_gateway,
                               root && root->end ? g_hash_table_lookup (resolved, root->end) : NULL,
                               self->plan ? self->plan->peers : NULL);
}

static void
scope_engine_dispose (GObject *object)
{
  ScopeEngine *self = SCOPE_ENGINE (object);

  stop_timers (self);
  if (self->session)
    {
      g_signal_handlers_disconnect_by_data (self->session, self);
      scope_session_stop (self->session);
    }
  g_clear_object (&self->session);
  g_clear_pointer (&self->resolver, scope_resolver_free);
  g_clear_object (&self->tunnel);
  g_clear_pointer (&self->plan, scope_plan_free);
  g_clear_pointer (&self->roster, scope_roster_free);
  g_clear_pointer (&self->addresses, g_array_unref);
  g_clear_pointer (&self->cached_gateway, g_free);
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
