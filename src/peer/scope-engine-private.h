/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of scope-engine share: -engine: its life, and what comes while it runs; -engine-raise: from a roster to a
 * running tunnel, or from a profile of keys-only to the interface that it names.
 */
#pragma once

#include "peer/scope-engine.h"

#include "peer/scope-nudger.h"
#include "peer/scope-patience.h"
#include "peer/scope-resolver.h"
#include "peer/scope-source.h"
#include "peer/scope-stale.h"
#include "peer/scope-wanted.h"
#include "tunnel/scope-routes.h"

typedef enum {
  STATE_IDLE,
  STATE_WAITING, /* for a roster */
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
  ScopeWanted *wanted;
  GArray *addresses;
  gint64 started_usec; /* monotonic */
  gboolean paused;
  ScopePatience *patience; /* from the start on */
  ScopeStale *stale;
  ScopeNudger *nudger;
  ScopeRoutesWatch *routes; /* while it runs: the tunnel's MTU follows them */
  guint mtu; /* that there is room for; what a path has room for may be less, and is told the tunnel by others */
  guint retry_id;
  gboolean told;    /* that we have started */
  guint outside_id; /* waiting for an address outside before that */
};

/* --- scope-engine.c ------------------------------------------------------------------------ */

/* @error: (transfer full) */
void engine_fail (ScopeEngine *self, GError *error);
gboolean engine_keys_only (const ScopeEngine *self);
void engine_make_plan (ScopeEngine *self);
guint engine_choose_mtu (ScopeEngine *self);

/* @absent: the registry does not know v1 */
gboolean engine_make_source (ScopeEngine *self, gboolean absent, GError **error);

/* The source may begin. */
void engine_begin (ScopeEngine *self);

/* The tunnel is up. */
void engine_run (ScopeEngine *self);
void engine_tunnel_down (ScopeEngine *self);

/* --- scope-engine-raise.c ------------------------------------------------------------------ */

/* When all is there that it takes: a roster, the interface's name; does nothing before. */
void engine_raise (ScopeEngine *self);

/* keys-only: finds the interface, whose key is ours, then begins. */
void engine_attach (ScopeEngine *self);
