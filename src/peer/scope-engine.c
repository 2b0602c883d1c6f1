/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-engine.h"

#include "crypto/scope-x25519.h"
#include "peer/scope-choose.h"
#include "peer/scope-describe.h"
#include "peer/scope-legacy.h"
#include "peer/scope-member.h"
#include "peer/scope-mtu.h"
#include "peer/scope-nudger.h"
#include "peer/scope-outfit.h"
#include "peer/scope-patience.h"
#include "peer/scope-plan.h"
#include "peer/scope-resolver.h"
#include "peer/scope-stale.h"
#include "tunnel/scope-exit.h"
#include "tunnel/scope-link.h"
#include "tunnel/scope-routes.h"
#include "tunnel/scope-tunnel-attached.h"
#include "tunnel/scope-tunnel-sweep.h"

#include <string.h>

#define NAME_RETRY_MS 50
#define NAME_PATIENCE_USEC (G_USEC_PER_SEC) /* our own interface of a moment ago may still be going */
#define OUTSIDE_MS 10000 /* how long the registry is waited for when nobody else has an address */

typedef enum {
  STATE_IDLE,
  STATE_WAITING, /* for a roster and the sweep of leftovers */
  STATE_RAISING, /* the tunnel comes up, or the interface of keys-only is looked for */
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

  ScopeSource *source; /* where the network comes from; with keys-only only once the interface is found */
  ScopeResolver *resolver;
  ScopeTunnel *tunnel;
  ScopePlan *plan;
  GArray *addresses;
  gint64 started_usec; /* monotonic */
  gboolean swept;
  gboolean paused;
  ScopePatience *patience; /* from the start on */
  ScopeStale *stale;
  ScopeNudger *nudger;
  ScopeExit *exit;          /* when the profile names one */
  gboolean said_no_exit;
  ScopeRoutesWatch *routes; /* while it runs: the tunnel's MTU follows them */
  guint mtu; /* that there is room for; what a path has room for may be less, and is told the tunnel by others */
  guint retry_id;
  gboolean told;    /* that we have started */
  guint outside_id; /* waiting for an address outside before that */
};

G_DEFINE_FINAL_TYPE (ScopeEngine, scope_engine, G_TYPE_OBJECT)

enum { STARTED, FAILED, NEWS, N_SIGNALS };
static guint signals[N_SIGNALS];

static void
fail (ScopeEngine *self, GError *error)
{
  g_autoptr (GError) owned = error;

  if (self->state == STATE_STOPPED)
    return;
  g_signal_emit (self, signals[FAILED], 0, owned);
}

static void
emit_news (ScopeEngine *self)
{
  g_signal_emit (self, signals[NEWS], 0);
}

/* --- peers and routes ---------------------------------------------------------------------- */

static gboolean
keys_only (ScopeEngine *self)
{
  return self->config->settings->mode == SCOPE_MODE_KEYS_ONLY;
}

/* The member that is to be our exit, a key that nobody has when there is none (yet); NULL when the profile names none. */
static const ScopeKey *
find_exit (ScopeEngine *self, ScopeKey *key)
{
  const char *name = self->config->settings->exit;

  if (!name)
    return NULL;
  if (!scope_source_find (self->source, name, key))
    memset (key, 0, sizeof *key);
  return key;
}

/* Through the exit goes what we have an address for in the network. It stays so while the exit is away: what was meant for
 * it does not go another way. */
static void
follow_exit (ScopeEngine *self)
{
  const char *name = self->config->settings->exit;
  gboolean has[2] = { FALSE, FALSE };

  if (!name || keys_only (self))
    return;
  for (guint i = 0; i < self->addresses->len; i++)
    has[g_array_index (self->addresses, ScopePrefix, i).family == AF_INET6] = TRUE;
  if (!self->exit)
    self->exit = scope_exit_new (scope_tunnel_get_config (self->tunnel)->ifname, self->config->vpn_uuid);
  if (!self->plan->exit4 && !self->plan->exit6 && !self->said_no_exit)
    g_warning ("exit: %s is no member that is granted 0.0.0.0/0 or ::/0: packets go as they went before", name);
  self->said_no_exit = !self->plan->exit4 && !self->plan->exit6;
  scope_exit_set (self->exit, self->plan->exit4 && has[0], self->plan->exit6 && has[1]);
}

static void
make_plan (ScopeEngine *self)
{
  ScopeKey key;

  g_clear_pointer (&self->plan, scope_plan_free);
  self->plan = scope_plan_new (scope_source_get_roster (self->source), self->config->settings, &self->own, self->addresses,
                               find_exit (self, &key), scope_resolver_get_table (self->resolver));
  scope_source_peers (self->source, self->plan->peers);
  if (self->plan->conflicts)
    g_warning ("network %s: %u ranges are claimed twice; the first one listed has them",
               self->config->settings->netreg, self->plan->conflicts);
}

static gboolean
on_no_outside (gpointer data)
{
  ScopeEngine *self = data;

  self->outside_id = 0;
  self->told = TRUE;
  g_signal_emit (self, signals[STARTED], 0);
  return G_SOURCE_REMOVE;
}

/* NetworkManager takes no VPN without an address outside. A cache in which nobody has one leaves the registry's, which we
 * know only when it has answered. */
static void
tell_started (ScopeEngine *self)
{
  g_autofree char *outside = self->told ? NULL : scope_engine_get_gateway (self);

  if (self->told)
    return;
  if (!outside)
    {
      if (!self->outside_id)
        self->outside_id = g_timeout_add (OUTSIDE_MS, on_no_outside, self);
      return;
    }
  g_clear_handle_id (&self->outside_id, g_source_remove);
  self->told = TRUE;
  g_signal_emit (self, signals[STARTED], 0);
}

static void
apply_plan (ScopeEngine *self)
{
  g_autoptr (GError) error = NULL;

  make_plan (self);
  if (scope_tunnel_set_peers (self->tunnel, g_ptr_array_ref (self->plan->peers), &error))
    scope_source_applied (self->source, self->plan->peers);
  else
    g_warning ("%s", error->message);
  scope_tunnel_set_routes (self->tunnel, g_array_ref (self->plan->routes));
  follow_exit (self);
}

static void
on_resolved (gpointer data)
{
  ScopeEngine *self = data;

  if (self->state != STATE_RUNNING)
    return;
  apply_plan (self);
  tell_started (self);
}

static ScopeWgDevice *
read_for_stale (const ScopeRoster **roster, gpointer data)
{
  ScopeEngine *self = data;

  *roster = scope_source_get_roster (self->source);
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

/* --- bringing the tunnel up ---------------------------------------------------------------- */

static void
on_tunnel_failed (ScopeTunnel *tunnel, GError *error, gpointer data)
{
  fail (data, g_error_copy (error));
}

static void tunnel_down (ScopeEngine *self);

/* FALSE when that is all: it failed, or was stopped meanwhile. */
static gboolean
take_tunnel (ScopeEngine *self, GAsyncResult *result)
{
  GError *error = NULL;
  gboolean up = scope_tunnel_up_finish (self->tunnel, result, &error);

  if (self->stop) /* it waited for this, so that nothing half-made is left */
    {
      g_clear_error (&error);
      tunnel_down (self);
      return FALSE;
    }
  self->state = STATE_WAITING;
  if (!up)
    fail (self, error);
  return up;
}

/* The profile's, or what the base connection has room for. */
static guint
choose_mtu (ScopeEngine *self)
{
  g_autofree char *address = scope_engine_get_gateway (self);
  const char *except = self->tunnel ? scope_tunnel_get_config (self->tunnel)->ifname : NULL;

  return self->config->settings->mtu ? self->config->settings->mtu : scope_mtu_read (address, except);
}

static void
on_routes_changed (gpointer data)
{
  ScopeEngine *self = data;
  guint mtu = choose_mtu (self);

  follow_exit (self); /* another base interface, perhaps */
  if (mtu == self->mtu)
    return;
  self->mtu = mtu;
  scope_tunnel_set_mtu (self->tunnel, mtu);
}

static void
run (ScopeEngine *self)
{
  GError *error = NULL;

  self->state = STATE_RUNNING; /* whatever comes now: a stop takes the tunnel down */
  make_plan (self);            /* a fresher roster may have come meanwhile */
  if (!scope_tunnel_set_peers (self->tunnel, g_ptr_array_ref (self->plan->peers), &error))
    {
      fail (self, error);
      return;
    }
  scope_tunnel_set_routes (self->tunnel, g_array_ref (self->plan->routes));
  follow_exit (self);
  g_message (keys_only (self) ? "network %s gives keys to %s, so far for %u peers" : "network %s is up on %s with %u peers",
             self->config->settings->network, scope_tunnel_get_config (self->tunnel)->ifname, self->plan->peers->len);
  if (!keys_only (self))
    {
      scope_source_running (self->source, self->tunnel);
      scope_source_applied (self->source, self->plan->peers);
      scope_stale_watch (self->stale);
      self->routes = scope_routes_watch_new (on_routes_changed, self);
    }
  tell_started (self);
  emit_news (self);
}

static void
on_tunnel_up (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopeEngine) self = data;

  if (take_tunnel (self, result))
    run (self);
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
  if (keys_only (self) || !scope_link_exists (scope_choose_wanted_ifname (self->config->settings)) ||
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

  if (self->state != STATE_WAITING || !scope_source_get_roster (self->source) || !self->swept || name_may_become_free (self))
    return;
  if (keys_only (self)) /* the tunnel is there */
    {
      run (self);
      return;
    }
  g_clear_pointer (&self->addresses, g_array_unref);
  self->addresses = scope_plan_addresses (scope_source_get_roster (self->source), self->config->settings, &self->own, &error);
  if (!self->addresses && scope_source_is_cached (self->source))
    {
      /* It would be so at each start, since the registry's own roster would never come to be stored. */
      g_message ("roster cache: %s: waiting for the registry", error->message);
      g_error_free (error);
      scope_source_drop_roster (self->source);
      return;
    }
  if (!self->addresses)
    {
      fail (self, error);
      return;
    }
  make_plan (self);
  config = scope_outfit_new (self->config, SCOPE_IS_MEMBER (self->source) ? &self->own : NULL, self->addresses,
                             self->plan->routes, &error);
  if (config)
    config->mtu = self->mtu = choose_mtu (self);
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
  g_autoptr (GArray) now = scope_plan_addresses (scope_source_get_roster (self->source), self->config->settings, &self->own, NULL);

  if (now && !scope_prefix_list_equal (now, self->addresses))
    {
      g_autofree char *text = scope_prefix_format_list (now);
      g_warning ("network %s now gives us %s: connect anew to use it", self->config->settings->netreg, text);
    }
}

static void
on_roster (ScopeSource *source, gpointer data)
{
  ScopeEngine *self = data;

  scope_resolver_set_roster (self->resolver, scope_source_get_roster (source));
  if (self->state == STATE_RUNNING)
    {
      apply_plan (self);
      if (!keys_only (self))
        {
          scope_stale_watch (self->stale);
          check_addresses (self);
        }
      tell_started (self);
    }
  else
    raise_tunnel (self);
}

static void
on_peers (ScopeSource *source, gpointer data)
{
  ScopeEngine *self = data;

  if (self->state != STATE_RUNNING)
    return;
  apply_plan (self);
  tell_started (self);
}

static void
on_fatal (ScopeSource *source, GError *error, gpointer data)
{
  fail (data, g_error_copy (error));
}

static void on_source_failed (ScopeSource *source, GError *error, gpointer data);
static void on_absent (ScopeSource *source, gpointer data);

static void
drop_source (ScopeEngine *self)
{
  if (!self->source)
    return;
  g_signal_handlers_disconnect_by_data (self->source, self);
  scope_source_stop (self->source);
  g_clear_object (&self->source);
}

/* A network that has a root, or was met with one, is spoken v1 with and nothing else. Another one is asked whether
 * it knows v1, unless it is known not to. */
static gboolean
make_source (ScopeEngine *self, gboolean absent, GError **error)
{
  const ScopeEngineConfig *config = self->config;
  static const char *const news[] = { "roster", "peers", "news", NULL };
  ScopeSourceConfig source = { config->vpn_uuid, config->settings, self->own, config->identity, config->state };
  g_autofree char *legacy = g_strconcat (config->state, ".roster", NULL);
  gboolean v1 = config->identity && !absent &&
                (scope_member_is_pinned (&source) || !g_file_test (legacy, G_FILE_TEST_EXISTS));

  drop_source (self);
  self->source = v1 ? scope_member_new (&source, error) : scope_legacy_new (&source, error);
  if (!self->source)
    return FALSE;
  g_signal_connect (self->source, "roster", G_CALLBACK (on_roster), self);
  g_signal_connect (self->source, "peers", G_CALLBACK (on_peers), self);
  g_signal_connect (self->source, "failed", G_CALLBACK (on_source_failed), self);
  g_signal_connect (self->source, "fatal", G_CALLBACK (on_fatal), self);
  g_signal_connect (self->source, "absent", G_CALLBACK (on_absent), self);
  for (const char *const *name = news; *name; name++)
    g_signal_connect_object (self->source, *name, G_CALLBACK (emit_news), self, G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  scope_source_pause (self->source, self->paused);
  return TRUE;
}

static void
on_absent (ScopeSource *source, gpointer data)
{
  ScopeEngine *self = data;
  GError *error = NULL;

  g_info ("network %s: the registry does not know version 1", self->config->settings->network);
  if (make_source (self, TRUE, &error))
    scope_source_start (self->source);
  else
    fail (self, error);
}

static void
on_source_failed (ScopeSource *source, GError *error, gpointer data)
{
  ScopeEngine *self = data;

  /* Once there is a roster the network goes on without its registry. */
  if (self->state != STATE_WAITING || scope_source_get_roster (self->source))
    return;
  if (!scope_patience_bears (self->patience, error))
    fail (self, g_error_copy (error));
}

static void
on_patience_over (const GError *error, gpointer data)
{
  ScopeEngine *self = data;

  if (self->state == STATE_WAITING && !scope_source_get_roster (self->source))
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

/* --- keys-only: first the interface, whose key is ours ------------------------------------- */

static void begin (ScopeEngine *self);

static void
on_attached (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopeEngine) self = data;
  GError *error = NULL;

  if (!take_tunnel (self, result))
    return;
  self->own = *scope_tunnel_attached_get_key (self->tunnel);
  if (!scope_outfit_fits (self->config->settings, scope_tunnel_get_config (self->tunnel)->ifname, &self->own, &error) ||
      !make_source (self, FALSE, &error))
    {
      fail (self, error);
      return;
    }
  scope_source_running (self->source, self->tunnel);
  begin (self);
}

static void
attach (ScopeEngine *self)
{
  self->state = STATE_RAISING;
  self->addresses = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  self->tunnel = scope_tunnel_attached_new (self->bus, self->config->settings->wireguard);
  g_signal_connect_object (self->tunnel, "failed", G_CALLBACK (on_tunnel_failed), self, 0);
  scope_tunnel_up_async (self->tunnel, self->cancellable, on_attached, g_object_ref (self));
}

/* --- life ---------------------------------------------------------------------------------- */

ScopeEngine *
scope_engine_new (GDBusConnection *bus, ScopeEngineConfig *config, GError **error)
{
  g_autoptr (ScopeEngine) self = g_object_new (SCOPE_TYPE_ENGINE, NULL);

  self->bus = g_object_ref (bus);
  self->config = config;
  self->cancellable = g_cancellable_new ();
  if (!keys_only (self) &&
      (!scope_x25519_public (&self->own, &config->private_key, error) || !make_source (self, FALSE, error)))
    return NULL;
  self->resolver = scope_resolver_new (on_resolved, self);
  self->stale = scope_stale_new (self->resolver, read_for_stale, self);
  self->nudger = scope_nudger_new (nudge_all, self);
  return g_steal_pointer (&self);
}

static void
begin (ScopeEngine *self)
{
  self->state = STATE_WAITING;
  self->started_usec = g_get_monotonic_time ();
  scope_tunnel_sweep_async (self->bus, self->config->vpn_uuid, self->cancellable, on_swept, g_object_ref (self));
  self->patience = scope_patience_new (on_patience_over, self);
  scope_source_start (self->source);
}

void
scope_engine_start (ScopeEngine *self)
{
  g_return_if_fail (self->state == STATE_IDLE);
  if (keys_only (self))
    attach (self);
  else
    begin (self);
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

/* Everything that would come to us by itself, but for the source. */
static void
stop_timers (ScopeEngine *self)
{
  g_clear_pointer (&self->patience, scope_patience_free);
  g_clear_pointer (&self->stale, scope_stale_free);
  g_clear_pointer (&self->nudger, scope_nudger_free);
  g_clear_pointer (&self->routes, scope_routes_watch_free);
  g_clear_pointer (&self->exit, scope_exit_free);
  g_clear_handle_id (&self->retry_id, g_source_remove);
  g_clear_handle_id (&self->outside_id, g_source_remove);
}

void
scope_engine_stop_async (ScopeEngine *self, GAsyncReadyCallback callback, gpointer data)
{
  gboolean raising = self->state == STATE_RAISING;

  g_return_if_fail (self->state != STATE_STOPPED);
  self->state = STATE_STOPPED;
  self->stop = g_task_new (self, NULL, callback, data);
  g_cancellable_cancel (self->cancellable);
  if (self->source)
    scope_source_stop (self->source);
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
scope_engine_base_changed (ScopeEngine *self, gboolean moved)
{
  if (!self->source || (self->state != STATE_WAITING && self->state != STATE_RAISING && self->state != STATE_RUNNING))
    return;
  g_message (moved ? "the base connection changed: reconnecting" : "the base connection has more addresses");
  scope_source_kick (self->source, moved);
  emit_news (self);
  if (self->state == STATE_RUNNING && moved)
    scope_nudger_start (self->nudger);
}

void
scope_engine_pause (ScopeEngine *self, gboolean paused)
{
  self->paused = paused;
  if (self->source)
    scope_source_pause (self->source, paused);
}

ScopeTunnel *
scope_engine_get_tunnel (ScopeEngine *self)
{
  return self->tunnel;
}

gboolean
scope_engine_rotate (ScopeEngine *self, gboolean hurry)
{
  if (!self->source || !SCOPE_IS_MEMBER (self->source))
    return FALSE;
  scope_member_rotate (SCOPE_MEMBER (self->source), hurry);
  return TRUE;
}

char *
scope_engine_describe (ScopeEngine *self)
{
  if (!self->source)
    return scope_describe (self->config->settings, FALSE, NULL, NULL, NULL, NULL);
  if (SCOPE_IS_MEMBER (self->source))
    return scope_member_describe (SCOPE_MEMBER (self->source));
  return scope_describe (self->config->settings, !scope_source_is_cached (self->source), NULL, NULL, NULL, self->tunnel);
}

char *
scope_engine_get_gateway (ScopeEngine *self)
{
  GHashTable *resolved = scope_resolver_get_table (self->resolver);
  const ScopeRoster *roster = scope_source_get_roster (self->source);
  const ScopeRosterPeer *root = roster ? roster->self : NULL;
  g_autofree char *registry = scope_source_dup_gateway (self->source);

  return scope_choose_gateway (registry,
                               root && root->end ? g_hash_table_lookup (resolved, root->end) : NULL,
                               self->plan ? self->plan->peers : NULL);
}

static void
scope_engine_dispose (GObject *object)
{
  ScopeEngine *self = SCOPE_ENGINE (object);

  stop_timers (self);
  drop_source (self);
  g_clear_pointer (&self->resolver, scope_resolver_free);
  g_clear_object (&self->tunnel);
  g_clear_pointer (&self->plan, scope_plan_free);
  g_clear_pointer (&self->addresses, g_array_unref);
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
  signals[NEWS] = g_signal_new ("news", SCOPE_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[FAILED] = g_signal_new ("failed", SCOPE_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                                  G_TYPE_ERROR);
}
