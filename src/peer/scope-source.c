/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-source.h"

typedef struct {
  ScopeRoster *roster;
  gboolean cached;
} ScopeSourcePrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (ScopeSource, scope_source, G_TYPE_OBJECT)
#define PRIV(self) ((ScopeSourcePrivate *) scope_source_get_instance_private (self))

enum { ROSTER, PEERS, NEWS, FAILED, FATAL, ABSENT, N_SIGNALS };
static guint signals[N_SIGNALS];

void
scope_source_start (ScopeSource *self)
{
  SCOPE_SOURCE_GET_CLASS (self)->start (self);
}

void
scope_source_stop (ScopeSource *self)
{
  SCOPE_SOURCE_GET_CLASS (self)->stop (self);
}

void
scope_source_kick (ScopeSource *self, gboolean moved)
{
  SCOPE_SOURCE_GET_CLASS (self)->kick (self, moved);
}

void
scope_source_pause (ScopeSource *self, gboolean paused)
{
  if (SCOPE_SOURCE_GET_CLASS (self)->pause)
    SCOPE_SOURCE_GET_CLASS (self)->pause (self, paused);
}

void
scope_source_running (ScopeSource *self, ScopeTunnel *tunnel)
{
  if (SCOPE_SOURCE_GET_CLASS (self)->running)
    SCOPE_SOURCE_GET_CLASS (self)->running (self, tunnel);
}

void
scope_source_peers (ScopeSource *self, GPtrArray *wanted)
{
  if (SCOPE_SOURCE_GET_CLASS (self)->peers)
    SCOPE_SOURCE_GET_CLASS (self)->peers (self, wanted);
}

void
scope_source_applied (ScopeSource *self, const GPtrArray *wanted)
{
  if (SCOPE_SOURCE_GET_CLASS (self)->applied)
    SCOPE_SOURCE_GET_CLASS (self)->applied (self, wanted);
}

char *
scope_source_dup_gateway (ScopeSource *self)
{
  return SCOPE_SOURCE_GET_CLASS (self)->dup_gateway (self);
}

void
scope_source_outside (ScopeSource *self, GArray *addresses)
{
  ScopeSourceClass *class = SCOPE_SOURCE_GET_CLASS (self);

  if (class->outside)
    class->outside (self, addresses);
}

gboolean
scope_source_find (ScopeSource *self, const char *name, ScopeKey *key)
{
  if (scope_key_parse (key, name))
    return TRUE;
  return SCOPE_SOURCE_GET_CLASS (self)->find && SCOPE_SOURCE_GET_CLASS (self)->find (self, name, key);
}

const ScopeRoster *
scope_source_get_roster (ScopeSource *self)
{
  return PRIV (self)->roster;
}

gboolean
scope_source_is_cached (ScopeSource *self)
{
  return PRIV (self)->cached;
}

void
scope_source_drop_roster (ScopeSource *self)
{
  g_clear_pointer (&PRIV (self)->roster, scope_roster_free);
}

void
scope_source_emit_roster (ScopeSource *self, ScopeRoster *roster, gboolean cached)
{
  g_clear_pointer (&PRIV (self)->roster, scope_roster_free);
  PRIV (self)->roster = roster;
  PRIV (self)->cached = cached;
  g_signal_emit (self, signals[ROSTER], 0);
}

void
scope_source_emit_peers (ScopeSource *self)
{
  g_signal_emit (self, signals[PEERS], 0);
}

void
scope_source_emit_news (ScopeSource *self)
{
  g_signal_emit (self, signals[NEWS], 0);
}

void
scope_source_emit_failed (ScopeSource *self, const GError *error)
{
  g_signal_emit (self, signals[FAILED], 0, error);
}

void
scope_source_emit_fatal (ScopeSource *self, const GError *error)
{
  g_signal_emit (self, signals[FATAL], 0, error);
}

void
scope_source_emit_absent (ScopeSource *self)
{
  g_signal_emit (self, signals[ABSENT], 0);
}

static void
scope_source_finalize (GObject *object)
{
  g_clear_pointer (&PRIV (SCOPE_SOURCE (object))->roster, scope_roster_free);
  G_OBJECT_CLASS (scope_source_parent_class)->finalize (object);
}

static void
scope_source_init (ScopeSource *self)
{
}

static guint
add_signal (const char *name, gboolean with_error)
{
  return g_signal_new (name, SCOPE_TYPE_SOURCE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, with_error,
                       G_TYPE_ERROR);
}

static void
scope_source_class_init (ScopeSourceClass *class)
{
  G_OBJECT_CLASS (class)->finalize = scope_source_finalize;
  signals[ROSTER] = add_signal ("roster", FALSE);
  signals[PEERS] = add_signal ("peers", FALSE);
  signals[NEWS] = add_signal ("news", FALSE);
  signals[FAILED] = add_signal ("failed", TRUE);
  signals[FATAL] = add_signal ("fatal", TRUE);
  signals[ABSENT] = add_signal ("absent", FALSE);
}
