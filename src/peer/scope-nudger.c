/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-nudger.h"

#define FIRST_MS 100
#define LAST_MS 1600

struct _ScopeNudger {
  ScopeNudge nudge;
  gpointer data;
  guint again_id;
  guint ms;
};

ScopeNudger *
scope_nudger_new (ScopeNudge nudge, gpointer data)
{
  ScopeNudger *self = g_new0 (ScopeNudger, 1);

  self->nudge = nudge;
  self->data = data;
  return self;
}

void
scope_nudger_free (ScopeNudger *self)
{
  g_clear_handle_id (&self->again_id, g_source_remove);
  g_free (self);
}

/* NetworkManager (1.42) names a primary connection while its routes are still on their way: what is
 * sent too early is lost, and would be repeated only at the next keepalive. */
static gboolean
on_again (gpointer data)
{
  ScopeNudger *self = data;

  self->nudge (self->data);
  self->again_id = self->ms < LAST_MS ? g_timeout_add (self->ms *= 2, on_again, self) : 0;
  return G_SOURCE_REMOVE;
}

void
scope_nudger_start (ScopeNudger *self)
{
  g_clear_handle_id (&self->again_id, g_source_remove);
  self->ms = FIRST_MS;
  on_again (self);
}
