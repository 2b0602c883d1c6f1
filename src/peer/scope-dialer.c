/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "peer/scope-dialer.h"

#include "common/scope-error.h"
#include "peer/scope-soup.h"
#include "peer/scope-timeout.h"

static const ScopeDialerTimings default_timings = {
  .attempt_ms = 10 * 1000,
  .stable_ms = 30 * 1000,
  .backoff_min_ms = 1000,
  .backoff_max_ms = 60 * 1000,
};

struct _ScopeDialer {
  const ScopeDialerCalls *calls;
  gpointer data;
  ScopeDialerTimings timings;
  char **registries; /* our copies: a cancelled operation comes back after our owner has gone */
  guint registry;    /* index of the one in use */
  guint failures;    /* registries that failed in a row */
  guint rounds;      /* rounds over all registries that failed in a row: the back-off's exponent */
  char *said;        /* the last failure */
  SoupSession *soup;
  gboolean paused;
  gboolean own_trust;   /* instead of the system's certificates, in this process */
  gint64 served_usec;   /* monotonic; 0 while nobody serves us */
  guint timer_id;       /* attempt's limit, or back-off */
};

/* With jitter, so that a thousand peers do not come back in the same instant. */
guint
scope_dialer_backoff (ScopeDialer *self, guint failures)
{
  guint base = MIN (self->timings.backoff_min_ms << MIN (failures, 10u), self->timings.backoff_max_ms);

  return g_random_int_range (base / 2, base + 1);
}

ScopeDialerTimings *
scope_dialer_timings (ScopeDialer *self)
{
  return &self->timings;
}

ScopeDialer *
scope_dialer_new (const ScopeSettings *settings, const ScopeDialerCalls *calls, gpointer data, GError **error)
{
  g_autoptr (ScopeDialer) self = g_new0 (ScopeDialer, 1);
  GTlsDatabase *db = NULL;

  self->calls = calls;
  self->data = data;
  self->timings = default_timings;
  self->registries = g_strdupv (settings->registries);
  self->soup = scope_soup_new (settings->ca, &db, error);
  if (!self->soup)
    return NULL;
  if (db)
    {
      /* glib-networking 2.74 asks for the default one before it is told of ours: reading the system's
       * certificates for nothing costs 9 MB. */
      g_tls_backend_set_default_database (g_tls_backend_get_default (), db);
      self->own_trust = TRUE;
    }
  return g_steal_pointer (&self);
}

void
scope_dialer_free (ScopeDialer *self)
{
  scope_dialer_stop (self);
  if (self->own_trust)
    g_tls_backend_set_default_database (g_tls_backend_get_default (), NULL);
  g_clear_object (&self->soup);
  g_strfreev (self->registries);
  g_free (self->said);
  g_free (self);
}

SoupSession *
scope_dialer_soup (ScopeDialer *self)
{
  return self->soup;
}

const char *
scope_dialer_registry (ScopeDialer *self)
{
  return self->registries[self->registry];
}

static gboolean
on_late (gpointer data)
{
  ScopeDialer *self = data;

  self->timer_id = 0;
  self->calls->late (g_error_new (SCOPE_ERROR, SCOPE_ERROR_UNREACHABLE, "registry %s: no answer within %g s",
                                  scope_dialer_registry (self), self->timings.attempt_ms / 1000.),
                     self->data);
  return G_SOURCE_REMOVE;
}

static void
dial (ScopeDialer *self)
{
  g_clear_handle_id (&self->timer_id, g_source_remove);
  self->served_usec = 0;
  if (self->paused)
    return;
  self->timer_id = scope_timeout_add (self->timings.attempt_ms, on_late, self);
  self->calls->dial (self->data);
}

static gboolean
on_pause_over (gpointer data)
{
  ScopeDialer *self = data;

  self->timer_id = 0;
  dial (self);
  return G_SOURCE_REMOVE;
}

void
scope_dialer_start (ScopeDialer *self)
{
  self->failures = self->rounds = 0;
  dial (self);
}

void
scope_dialer_stop (ScopeDialer *self)
{
  g_clear_handle_id (&self->timer_id, g_source_remove);
  self->served_usec = 0;
  if (self->soup)
    soup_session_abort (self->soup); /* pooled connections belong to the old link */
}

void
scope_dialer_pause (ScopeDialer *self, gboolean paused)
{
  self->paused = paused;
}

void
scope_dialer_connected (ScopeDialer *self)
{
  g_clear_handle_id (&self->timer_id, g_source_remove);
}

void
scope_dialer_served (ScopeDialer *self)
{
  self->served_usec = g_get_monotonic_time ();
  g_clear_pointer (&self->said, g_free);
}

void
scope_dialer_spoiled (ScopeDialer *self)
{
  self->served_usec = 0;
}

void
scope_dialer_lost (ScopeDialer *self, GError *error)
{
  g_autoptr (GError) owned = error;
  guint n = g_strv_length (self->registries);
  /* One that takes us and drops us again at once is as good as none. */
  gboolean was_good = self->served_usec && g_get_monotonic_time () - self->served_usec >=
                                               self->timings.stable_ms * G_GINT64_CONSTANT (1000);

  /* The same again and again is for those who debug. */
  if (g_strcmp0 (error->message, self->said) == 0)
    g_debug ("%s", error->message);
  else
    g_warning ("%s", error->message);
  g_free (self->said);
  self->said = g_strdup (error->message);
  self->served_usec = 0;
  self->registry = (self->registry + 1) % n;
  g_clear_handle_id (&self->timer_id, g_source_remove);
  if (was_good || ++self->failures < n)
    {
      /* A registry that restarts drops everybody at once: spread the return over a second. */
      guint wait = was_good ? g_random_int_range (0, self->timings.backoff_min_ms) : 0;

      if (was_good)
        self->failures = self->rounds = 0;
      self->timer_id = g_timeout_add (wait, on_pause_over, self);
      return;
    }
  self->timer_id = g_timeout_add (scope_dialer_backoff (self, self->rounds++), on_pause_over, self);
  self->failures = 0;
  self->calls->failed (owned, self->data);
}
