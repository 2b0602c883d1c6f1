/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-source: where a network comes from, as the engine sees it: rosters, and the last word on
 * the peers before they go into the tunnel. Two kinds: scope-legacy (0.0.x: what the registry says) and
 * scope-member (v1: what the root has granted and the peers have signed).
 */
#pragma once

#include "common/scope-settings.h"
#include "crypto/scope-identity.h"
#include "tunnel/scope-tunnel.h"
#include "wire/scope-roster.h"

#define SCOPE_TYPE_SOURCE (scope_source_get_type ())
G_DECLARE_DERIVABLE_TYPE (ScopeSource, scope_source, SCOPE, SOURCE, GObject)

/**
 * ScopeSourceConfig:
 * @uuid: of the connection
 * @settings: borrowed; outlives the source
 * @own: our public key
 * @identity: (nullable): ours; borrowed
 * @state: where the source may keep files: a path to add ".suffix" to
 */
typedef struct {
  const char *uuid;
  const ScopeSettings *settings;
  ScopeKey own;
  ScopeIdentity *identity;
  const char *state;
} ScopeSourceConfig;

/**
 * ScopeSourceClass:
 * @start: from a cache first, if there is one, then the registry
 * @stop: no signal comes afterwards; what is to be kept is stored
 * @kick: the base connection changed; not @moved: there is only more of it
 * @pause: (nullable): nobody can be reached: no attempts until the next @kick
 * @running: (nullable): the tunnel is up, with the peers of the last roster
 * @peers: (nullable): the last word on the wanted peers (element-type ScopeWgPeer): may change and remove them
 * @applied: (nullable): these peers have been written to WireGuard
 * @find: (nullable): the member that is called so; FALSE when nobody is
 * @dup_gateway: numeric address of the registry
 * @outside: (nullable): appends the addresses that packets of ours go to otherwise than through the tunnel, besides the
 *   roster's and the registry's (element-type ScopePrefix)
 *
 * Signals:
 * - "roster": there is a newer roster
 * - "peers": what @peers would say has changed
 * - "news": what there is to say of the network to people may be another, where neither of the above comes
 * - "failed" (GError): every registry was tried, or nothing more will come; the source goes on trying if it can
 * - "fatal" (GError): the connection must end, up or not
 * - "absent": the registry does not know this kind; the source has stopped
 */
struct _ScopeSourceClass {
  GObjectClass parent_class;

  void (*start) (ScopeSource *source);
  void (*stop) (ScopeSource *source);
  void (*kick) (ScopeSource *source, gboolean moved);
  void (*pause) (ScopeSource *source, gboolean paused);
  void (*running) (ScopeSource *source, ScopeTunnel *tunnel);
  void (*peers) (ScopeSource *source, GPtrArray *wanted);
  void (*applied) (ScopeSource *source, const GPtrArray *wanted);
  gboolean (*find) (ScopeSource *source, const char *name, ScopeKey *key);
  char *(*dup_gateway) (ScopeSource *source);
  void (*outside) (ScopeSource *source, GArray *addresses);
};

void scope_source_start (ScopeSource *source);
void scope_source_stop (ScopeSource *source);
void scope_source_kick (ScopeSource *source, gboolean moved);
void scope_source_pause (ScopeSource *source, gboolean paused);
void scope_source_running (ScopeSource *source, ScopeTunnel *tunnel);
void scope_source_peers (ScopeSource *source, GPtrArray *wanted);
void scope_source_applied (ScopeSource *source, const GPtrArray *wanted);
char *scope_source_dup_gateway (ScopeSource *source);
void scope_source_outside (ScopeSource *source, GArray *addresses);

/* @name: of a member, or its WireGuard key. FALSE when nobody is called so. */
gboolean scope_source_find (ScopeSource *source, const char *name, ScopeKey *key);

/* The newest roster, or NULL. Borrowed until the next "roster". */
const ScopeRoster *scope_source_get_roster (ScopeSource *source);

/* Whether the roster is what we knew the last time, not what the registry says now. */
gboolean scope_source_is_cached (ScopeSource *source);

/* The cached roster is of no use: forget it. */
void scope_source_drop_roster (ScopeSource *source);

/* For the kinds. @roster: (transfer full) */
void scope_source_emit_roster (ScopeSource *source, ScopeRoster *roster, gboolean cached);
void scope_source_emit_peers (ScopeSource *source);
void scope_source_emit_news (ScopeSource *source);
void scope_source_emit_failed (ScopeSource *source, const GError *error);
void scope_source_emit_fatal (ScopeSource *source, const GError *error);
void scope_source_emit_absent (ScopeSource *source);
