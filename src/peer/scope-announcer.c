/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-announcer.h"

#define POLL_MS 20
#define POLL_SLOW_MS 500
#define FAST_USEC (2 * G_USEC_PER_SEC)
#define AGAIN_SECONDS 10

struct _ScopeAnnouncer {
  ScopeSession *session;
  ScopeAnnouncerHeard heard;
  gpointer data;
  gint64 since;
  gint64 started_usec; /* monotonic */
  guint poll_id;
  guint again_id;
};

ScopeAnnouncer *
scope_announcer_new (ScopeSession *session, ScopeAnnouncerHeard heard, gpointer data)
{
  ScopeAnnouncer *self = g_new0 (ScopeAnnouncer, 1);

  self->session = session;
  self->heard = heard;
  self->data = data;
  return self;
}

void
scope_announcer_free (ScopeAnnouncer *self)
{
  g_clear_handle_id (&self->poll_id, g_source_remove);
  g_clear_handle_id (&self->again_id, g_source_remove);
  g_free (self);
}

static gboolean
on_again (gpointer data)
{
  ScopeAnnouncer *self = data;

  self->again_id = 0;
  scope_session_announce (self->session);
  return G_SOURCE_REMOVE;
}

static void
announce (ScopeAnnouncer *self)
{
  scope_session_announce (self->session);
  g_clear_handle_id (&self->again_id, g_source_remove);
  self->again_id = g_timeout_add_seconds (AGAIN_SECONDS, on_again, self);
}

static gboolean
on_poll (gpointer data)
{
  ScopeAnnouncer *self = data;
  gint64 waited = g_get_monotonic_time () - self->started_usec;

  self->poll_id = 0;
  if (scope_session_is_open (self->session) &&
      (self->heard (self->since, self->data) || waited > AGAIN_SECONDS * G_USEC_PER_SEC))
    announce (self);
  else if (waited < 2 * AGAIN_SECONDS * G_USEC_PER_SEC)
    self->poll_id = g_timeout_add (waited < FAST_USEC ? POLL_MS : POLL_SLOW_MS, on_poll, self);
  return G_SOURCE_REMOVE;
}

void
scope_announcer_start (ScopeAnnouncer *self, gint64 since)
{
  self->since = since;
  self->started_usec = g_get_monotonic_time ();
  if (!self->poll_id)
    self->poll_id = g_timeout_add (POLL_MS, on_poll, self);
}

gboolean
scope_announcer_is_waiting (ScopeAnnouncer *self)
{
  return self->poll_id != 0;
}
