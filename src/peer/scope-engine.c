/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-engine-private.h"

#include "crypto/scope-x25519.h"
#include "peer/scope-choose.h"
#include "peer/scope-describe.h"
#include "peer/scope-legacy.h"
#include "peer/scope-member.h"
#include "peer/scope-mtu.h"
#include "tunnel/scope-tunnel-sweep.h"

#include <string.h>

#define OUTSIDE_MS 10000 /* how long the registry is waited for when nobody else has an address */

G_DEFINE_FINAL_TYPE (ScopeEngine, scope_engine, G_TYPE_OBJECT)

enum { STARTED, FAILED, NEWS, N_SIGNALS };
static guint signals[N_SIGNALS];

void
engine_fail (ScopeEngine *self, GError *error)
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

gboolean
engine_keys_only (const ScopeEngine *self)
{
  return self->config->settings->mode == SCOPE_MODE_KEYS_ONLY;
}

static const GPtrArray *
wanted_peers (ScopeEngine *self)
{
  const ScopePlan *plan = scope_wanted_get_plan (self->wanted);

  return plan ? plan->peers : NULL;
}

void
engine_make_plan (ScopeEngine *self)
{
  scope_wanted_make (self->wanted, self->source, &self->own, self->addresses);
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

  engine_make_plan (self);
  if (scope_wanted_write_peers (self->wanted, self->tunnel, &error))
    scope_source_applied (self->source, wanted_peers (self));
  else
    g_warning ("%s", error->message);
  scope_wanted_write_routes (self->wanted, self->tunnel);
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

  for (guint i = 0; i < wanted_peers (self)->len; i++)
    g_array_append_val (keys, ((ScopeWgPeer *) g_ptr_array_index (wanted_peers (self), i))->pub);
  if (!scope_tunnel_nudge (self->tunnel, keys, &error))
    g_warning ("%s", error->message);
}

/* --- while the tunnel is up ---------------------------------------------------------------- */

/* The profile's, or what the base connection has room for. */
guint
engine_choose_mtu (ScopeEngine *self)
{
  g_autofree char *address = scope_engine_get_gateway (self);
  const char *except = self->tunnel ? scope_tunnel_get_config (self->tunnel)->ifname : NULL;

  return self->config->settings->mtu ? self->config->settings->mtu : scope_mtu_read (address, except);
}

static void
on_routes_changed (gpointer data)
{
  ScopeEngine *self = data;
  guint mtu = engine_choose_mtu (self);

  scope_wanted_follow_base (self->wanted, self->tunnel); /* another interface, perhaps */
  if (mtu == self->mtu)
    return;
  self->mtu = mtu;
  scope_tunnel_set_mtu (self->tunnel, mtu);
}

void
engine_run (ScopeEngine *self)
{
  GError *error = NULL;

  self->state = STATE_RUNNING; /* whatever comes now: a stop takes the tunnel down */
  engine_make_plan (self);            /* a fresher roster may have come meanwhile */
  if (!scope_wanted_write_peers (self->wanted, self->tunnel, &error))
    {
      engine_fail (self, error);
      return;
    }
  scope_wanted_write_routes (self->wanted, self->tunnel);
  g_message (engine_keys_only (self) ? "network %s gives keys to %s, so far for %u peers" : "network %s is up on %s with %u peers",
             self->config->settings->network, scope_tunnel_get_config (self->tunnel)->ifname, wanted_peers (self)->len);
  if (!engine_keys_only (self))
    {
      scope_source_running (self->source, self->tunnel);
      scope_source_applied (self->source, wanted_peers (self));
      scope_stale_watch (self->stale);
      self->routes = scope_routes_watch_new (on_routes_changed, self);
    }
  tell_started (self);
  emit_news (self);
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
      if (!engine_keys_only (self))
        {
          scope_stale_watch (self->stale);
          check_addresses (self);
        }
      tell_started (self);
    }
  else
    engine_raise (self);
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
  engine_fail (data, g_error_copy (error));
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

/* A network that has a root, or for which one was confirmed, is spoken v1 with and nothing else. Another one is asked whether
 * it knows v1, unless it is known not to. */
gboolean
engine_make_source (ScopeEngine *self, gboolean absent, GError **error)
{
  const ScopeEngineConfig *config = self->config;
  static const char *const news[] = { "roster", "peers", "news", NULL };
  ScopeSourceConfig source = { config->vpn_uuid, config->settings, self->own, config->identity, config->state };
  g_autofree char *legacy = g_strconcat (config->state, ".roster", NULL);
  gboolean v1 = config->identity && !absent &&
                (config->settings->root || !g_file_test (legacy, G_FILE_TEST_EXISTS));

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
  if (engine_make_source (self, TRUE, &error))
    scope_source_start (self->source);
  else
    engine_fail (self, error);
}

static void
on_source_failed (ScopeSource *source, GError *error, gpointer data)
{
  ScopeEngine *self = data;

  /* Once there is a roster the network goes on without its registry. */
  if (self->state != STATE_WAITING || scope_source_get_roster (self->source))
    return;
  if (!scope_patience_bears (self->patience, error))
    engine_fail (self, g_error_copy (error));
}

static void
on_patience_over (const GError *error, gpointer data)
{
  ScopeEngine *self = data;

  if (self->state == STATE_WAITING && !scope_source_get_roster (self->source))
    engine_fail (self, g_error_copy (error));
}

/* --- life ---------------------------------------------------------------------------------- */

ScopeEngine *
scope_engine_new (GDBusConnection *bus, ScopeEngineConfig *config, GError **error)
{
  g_autoptr (ScopeEngine) self = g_object_new (SCOPE_TYPE_ENGINE, NULL);

  self->bus = g_object_ref (bus);
  self->config = config;
  self->cancellable = g_cancellable_new ();
  if (!engine_keys_only (self) &&
      (!scope_x25519_public (&self->own, &config->private_key, error) || !engine_make_source (self, FALSE, error)))
    return NULL;
  self->resolver = scope_resolver_new (on_resolved, self);
  self->wanted = scope_wanted_new (config, self->resolver);
  self->stale = scope_stale_new (self->resolver, read_for_stale, self);
  self->nudger = scope_nudger_new (nudge_all, self);
  return g_steal_pointer (&self);
}

void
engine_begin (ScopeEngine *self)
{
  self->state = STATE_WAITING;
  self->started_usec = g_get_monotonic_time ();
  scope_tunnel_sweep (self->config->vpn_uuid);
  self->patience = scope_patience_new (on_patience_over, self);
  scope_source_start (self->source);
}

void
scope_engine_start (ScopeEngine *self)
{
  g_return_if_fail (self->state == STATE_IDLE);
  if (engine_keys_only (self))
    engine_attach (self);
  else
    engine_begin (self);
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

void
engine_tunnel_down (ScopeEngine *self)
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
  if (self->wanted)
    scope_wanted_undo (self->wanted);
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
    engine_tunnel_down (self);
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
  if (self->state == STATE_RUNNING && moved) /* first: what waits for a session would go with a peer that is added anew */
    scope_nudger_start (self->nudger);
  scope_source_kick (self->source, moved);
  emit_news (self);
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

gboolean
scope_engine_is_v1 (ScopeEngine *self)
{
  return self->source && SCOPE_IS_MEMBER (self->source);
}

const char *
scope_engine_get_met_root (ScopeEngine *self)
{
  return scope_engine_is_v1 (self) ? scope_member_get_met_root (SCOPE_MEMBER (self->source)) : NULL;
}

char *
scope_engine_describe (ScopeEngine *self)
{
  if (!self->source)
    return scope_describe (self->config->settings, FALSE, NULL, NULL, NULL, NULL, NULL, NULL);
  if (SCOPE_IS_MEMBER (self->source))
    return scope_member_describe (SCOPE_MEMBER (self->source));
  return scope_describe (self->config->settings, !scope_source_is_cached (self->source), NULL, NULL, NULL, self->tunnel,
                         scope_source_get_roster (self->source), &self->own);
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
                               wanted_peers (self));
}

static void
scope_engine_dispose (GObject *object)
{
  ScopeEngine *self = SCOPE_ENGINE (object);

  stop_timers (self);
  drop_source (self);
  g_clear_pointer (&self->wanted, scope_wanted_free);
  g_clear_pointer (&self->resolver, scope_resolver_free);
  g_clear_object (&self->tunnel);
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
