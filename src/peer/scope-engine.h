/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-engine: a peer in one network. Roster from cache first and registry second, tunnel up, peers
 * by difference, announcements when the root knows our endpoint; until somebody calls stop.
 */
#pragma once

#include "common/scope-settings.h"
#include "crypto/scope-identity.h"
#include "tunnel/scope-tunnel.h"

#include <gio/gio.h>

/**
 * ScopeEngineConfig:
 * @vpn_uuid, @vpn_id: of the VPN connection
 * @dns_priority: the same for IPv4 and IPv6, 0 for none
 * @settings: its checked settings
 * @private_key: ours: the profile's, or the one that the service made; unused with mode keys-only, where the interface has it
 * @identity: (nullable): what we sign with; without one there is only 0.0.x
 * @state: where state is kept: a path to add ".suffix" to
 */
typedef struct {
  char *vpn_uuid;
  char *vpn_id;
  int dns_priority[2];
  ScopeSettings *settings;
  ScopeKey private_key;
  ScopeIdentity *identity;
  char *state;
} ScopeEngineConfig;

void scope_engine_config_free (ScopeEngineConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeEngineConfig, scope_engine_config_free)

#define SCOPE_TYPE_ENGINE (scope_engine_get_type ())
G_DECLARE_FINAL_TYPE (ScopeEngine, scope_engine, SCOPE, ENGINE, GObject)

/**
 * scope_engine_new:
 * @bus: the system bus
 * @config: (transfer full): who we are
 *
 * Signals:
 * - "started": interface, addresses and peers are there; peers may still be silent
 * - "news": scope_engine_describe() may say something else than before, counters and measures apart
 * - "failed" (GError): it could not start, or the interface was taken away; call stop
 */
ScopeEngine *scope_engine_new (GDBusConnection *bus, ScopeEngineConfig *config, GError **error);

void scope_engine_start (ScopeEngine *engine);

/* Leaves nothing behind; the callback comes when that is true. No signal comes after the call. */
void scope_engine_stop_async (ScopeEngine *engine, GAsyncReadyCallback callback, gpointer data);
gboolean scope_engine_stop_finish (ScopeEngine *engine, GAsyncResult *result, GError **error);

/* The base connection changed: reconnect and let everybody hear from the new address at once. Not @moved: there is only
 * more of it, what is connected stays so. */
void scope_engine_base_changed (ScopeEngine *engine, gboolean moved);

/* Nobody can be reached, by a captive portal say: nothing is tried. Over with scope_engine_base_changed() after it. */
void scope_engine_pause (ScopeEngine *engine, gboolean paused);

/* (nullable): there once "started" was emitted */
ScopeTunnel *scope_engine_get_tunnel (ScopeEngine *engine);

/* (transfer full) (nullable): a numeric address outside the tunnel that stands for the other side: the
 * registry's, else the root's, never loopback */
char *scope_engine_get_gateway (ScopeEngine *engine);

/* New keys with every peer, see scope_kex_rotate(). FALSE where there are none: 0.0.x. */
gboolean scope_engine_rotate (ScopeEngine *engine, gboolean hurry);

/* Whether the network is one of v1, as far as is known. */
gboolean scope_engine_is_v1 (ScopeEngine *engine);

/* (nullable): after SCOPE_ERROR_UNCONFIRMED: see scope_member_get_met_root() */
const char *scope_engine_get_met_root (ScopeEngine *engine);

/* (transfer full): what there is to say of the network now: JSON, see scope_describe() */
char *scope_engine_describe (ScopeEngine *engine);
