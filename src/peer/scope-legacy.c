/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-legacy.h"

#include "peer/scope-announcer.h"
#include "peer/scope-cache.h"
#include "peer/scope-session.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#define CACHE_SECONDS 5 /* the roster is stored at most this often: it costs a write to the disk */

struct _ScopeLegacy {
  ScopeSource parent_instance;

  const ScopeSettings *settings;
  char *cache_path;
  ScopeSession *session;
  ScopeAnnouncer *announcer;
  ScopeTunnel *tunnel; /* while it runs */
  char *gateway;
  gboolean heard; /* it is the registry's, not the cache's */
  guint store_id;
  gboolean stopped;
};

G_DEFINE_FINAL_TYPE (ScopeLegacy, scope_legacy, SCOPE_TYPE_SOURCE)

/* --- announcing ---------------------------------------------------------------------------- */

static gboolean
root_has_heard_us (gint64 since, gpointer data)
{
  ScopeLegacy *self = data;
  g_autoptr (ScopeWgDevice) device = self->tunnel ? scope_tunnel_read (self->tunnel, NULL) : NULL;
  const ScopeRoster *roster = scope_source_get_roster (SCOPE_SOURCE (self));
  const ScopeWgPeer *root = NULL;

  if (device && roster && roster->self)
    root = scope_wg_device_find (device, &roster->self->pub);
  return root && root->handshake_usec >= since;
}

static void
on_open (ScopeSession *session, gpointer data)
{
  ScopeLegacy *self = data;

  /* After a reconnect a live session with the root is good enough. */
  if (self->tunnel && !scope_announcer_is_waiting (self->announcer))
    scope_announcer_start (self->announcer, g_get_real_time () - SCOPE_WG_SESSION_USEC);
}

static void
scope_legacy_running (ScopeSource *source, ScopeTunnel *tunnel)
{
  ScopeLegacy *self = SCOPE_LEGACY (source);

  g_set_object (&self->tunnel, tunnel);
  scope_announcer_start (self->announcer, 1); /* any handshake at all: it may have been a moment ago */
}

/* --- the roster ---------------------------------------------------------------------------- */

static void
store (ScopeLegacy *self)
{
  g_autoptr (GError) error = NULL;

  if (!scope_cache_store (self->cache_path, scope_source_get_roster (SCOPE_SOURCE (self)), self->gateway, &error))
    g_warning ("roster cache: %s", error->message);
#ifdef __GLIBC__
  malloc_trim (0); /* parsing and comparing a hundred peers leaves holes of 0.2 MB */
#endif
}

/* Where we speak to whom the registry has not seen yet: the next start may have to do without it. */
static gboolean
note_endpoints (ScopeLegacy *self)
{
  g_autoptr (ScopeWgDevice) device = self->tunnel ? scope_tunnel_read (self->tunnel, NULL) : NULL;
  const ScopeRoster *roster = scope_source_get_roster (SCOPE_SOURCE (self));
  gboolean noted = FALSE;

  for (guint i = 0; device && roster && i < device->peers->len; i++)
    {
      const ScopeWgPeer *peer = g_ptr_array_index (device->peers, i);
      ScopeRosterPeer *entry = peer->handshake_usec ? scope_roster_find (roster, &peer->pub) : NULL;

      if (!entry || entry->end)
        continue;
      entry->end = scope_sockaddr_format (&peer->endpoint);
      noted = TRUE;
    }
  return noted;
}

static gboolean
on_store (gpointer data)
{
  ScopeLegacy *self = data;

  self->store_id = 0;
  store (self);
  return G_SOURCE_REMOVE;
}

static void
on_roster (ScopeSession *session, gpointer data)
{
  g_autoptr (ScopeLegacy) self = g_object_ref (data);
  const char *gateway = scope_session_get_gateway (session);
  gboolean first = !self->heard;

  if (gateway)
    {
      g_free (self->gateway);
      self->gateway = g_strdup (gateway);
    }
  self->heard = TRUE;
  scope_source_emit_roster (SCOPE_SOURCE (self), scope_session_take_roster (session), FALSE);
  if (self->stopped)
    return;
  if (first)
    store (self);
  else if (!self->store_id)
    self->store_id = g_timeout_add_seconds (CACHE_SECONDS, on_store, self);
}

static void
on_failed (ScopeSession *session, GError *error, gpointer data)
{
  scope_source_emit_failed (data, error);
}

/* --- life ---------------------------------------------------------------------------------- */
static void
scope_legacy_start (ScopeSource *source)
{
  ScopeLegacy *self = SCOPE_LEGACY (source);
  ScopeRoster *cached;

  scope_session_start (self->session);
  cached = scope_cache_load (self->cache_path, self->settings->netreg, &self->gateway);
  if (cached)
    {
      g_message ("network %s: %u peers from the cache", self->settings->network, cached->peers->len);
      scope_source_emit_roster (source, cached, TRUE);
    }
}

static void
scope_legacy_stop (ScopeSource *source)
{
  ScopeLegacy *self = SCOPE_LEGACY (source);

  self->stopped = TRUE;
  if (note_endpoints (self) || self->store_id)
    store (self);
  g_clear_handle_id (&self->store_id, g_source_remove);
  g_clear_pointer (&self->announcer, scope_announcer_free);
  if (self->session)
    {
      g_signal_handlers_disconnect_by_data (self->session, self);
      scope_session_stop (self->session);
    }
  g_clear_object (&self->tunnel);
}

static void
scope_legacy_kick (ScopeSource *source, gboolean moved)
{
  if (moved)
    scope_session_kick (SCOPE_LEGACY (source)->session);
}

static void
scope_legacy_pause (ScopeSource *source, gboolean paused)
{
  scope_session_pause (SCOPE_LEGACY (source)->session, paused);
}

static char *
scope_legacy_dup_gateway (ScopeSource *source)
{
  return g_strdup (SCOPE_LEGACY (source)->gateway);
}

ScopeSource *
scope_legacy_new (const ScopeSourceConfig *config, GError **error)
{
  g_autoptr (ScopeLegacy) self = g_object_new (SCOPE_TYPE_LEGACY, NULL);

  self->session = scope_session_new (config->settings, &config->own, error);
  if (!self->session)
    return NULL;
  self->settings = config->settings;
  self->cache_path = g_strconcat (config->state, ".roster", NULL);
  self->announcer = scope_announcer_new (self->session, root_has_heard_us, self);
  g_signal_connect (self->session, "roster", G_CALLBACK (on_roster), self);
  g_signal_connect (self->session, "failed", G_CALLBACK (on_failed), self);
  g_signal_connect (self->session, "open", G_CALLBACK (on_open), self);
  return SCOPE_SOURCE (g_steal_pointer (&self));
}

static void
scope_legacy_dispose (GObject *object)
{
  ScopeLegacy *self = SCOPE_LEGACY (object);

  scope_legacy_stop (SCOPE_SOURCE (self));
  g_clear_object (&self->session);
  g_clear_pointer (&self->gateway, g_free);
  g_clear_pointer (&self->cache_path, g_free);
  G_OBJECT_CLASS (scope_legacy_parent_class)->dispose (object);
}

static void
scope_legacy_init (ScopeLegacy *self)
{
}

static void
scope_legacy_class_init (ScopeLegacyClass *class)
{
  ScopeSourceClass *source_class = SCOPE_SOURCE_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = scope_legacy_dispose;
  source_class->start = scope_legacy_start;
  source_class->stop = scope_legacy_stop;
  source_class->kick = scope_legacy_kick;
  source_class->pause = scope_legacy_pause;
  source_class->running = scope_legacy_running;
  source_class->dup_gateway = scope_legacy_dup_gateway;
}
