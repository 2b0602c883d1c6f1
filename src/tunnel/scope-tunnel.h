/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-tunnel: one WireGuard interface of ours, whoever carries it. Up, down, wanted peers, wanted
 * routes, statistics, and a signal when somebody takes it away. The kinds differ only in how the
 * interface comes to be: see scope-tunnel-kernel.h, scope-tunnel-userspace.h and, for an interface that is not
 * ours, scope-tunnel-attached.h.
 */
#pragma once

#include "common/scope-error.h"
#include "common/scope-settings.h"
#include "tunnel/scope-wg.h"

#include <gio/gio.h>

/**
 * ScopeTunnelConfig:
 * @vpn_uuid: UUID of the VPN connection that the tunnel belongs to
 * @ifname: interface name, free at the moment
 * @listen_port: fixed UDP port, never 0: it is asked about (STUN) and told to others before the interface is there
 * @addresses: (element-type ScopePrefix): own addresses
 * @link: our link address with its prefix length on the interface (data/protocol.md, section 9), which nobody is shown;
 *   family 0 for none
 * @routes: (element-type ScopePrefix): networks behind the tunnel
 * @mtu: bytes, 0 for WireGuard's own
 * @fwmark: what WireGuard's own packets carry (scope-policy.h), 0 for nothing
 */
typedef struct {
  char *vpn_uuid;
  char *ifname;
  ScopeKey private_key;
  guint16 listen_port;
  GArray *addresses;
  ScopePrefix link;
  GArray *routes;
  guint mtu;
  guint32 fwmark;
  char **dns;
  char **dns_search;
} ScopeTunnelConfig;

void scope_tunnel_config_free (ScopeTunnelConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeTunnelConfig, scope_tunnel_config_free)

#define SCOPE_TYPE_TUNNEL_OBJECT (scope_tunnel_get_type ())
G_DECLARE_DERIVABLE_TYPE (ScopeTunnel, scope_tunnel, SCOPE, TUNNEL, GObject)

/**
 * ScopeTunnelClass:
 * @up: makes the interface with everything but peers, then returns TRUE through the task
 * @down: takes it away; returns TRUE through the task when nothing is left
 * @set_routes: the config's routes have changed: follow, best effort, errors are logged
 * @set_peers: (nullable): the interface is somebody else's, who has its peers: what to do with the wanted ones instead
 *   of making them the peer table
 */
struct _ScopeTunnelClass {
  GObjectClass parent_class;

  void (*up) (ScopeTunnel *tunnel, GTask *task);
  void (*down) (ScopeTunnel *tunnel, GTask *task);
  void (*set_routes) (ScopeTunnel *tunnel, const GArray *previous);
  gboolean (*set_peers) (ScopeTunnel *tunnel, const GPtrArray *wanted, GError **error);
};

/**
 * scope_tunnel_new:
 * @kind: SCOPE_TUNNEL_KIND_AUTO takes the kernel when it knows WireGuard
 * @config: (transfer full): the tunnel
 * @error: SCOPE_ERROR_UNSUPPORTED, saying what this machine lacks
 *
 * The choice and its reason are logged.
 */
ScopeTunnel *scope_tunnel_new (ScopeTunnelKind kind, ScopeTunnelConfig *config, GError **error);

void scope_tunnel_up_async (ScopeTunnel *tunnel, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
gboolean scope_tunnel_up_finish (ScopeTunnel *tunnel, GAsyncResult *result, GError **error);

/* Runs to its end without a cancellable: nothing may be left behind. */
void scope_tunnel_down_async (ScopeTunnel *tunnel, GAsyncReadyCallback callback, gpointer data);
gboolean scope_tunnel_down_finish (ScopeTunnel *tunnel, GAsyncResult *result, GError **error);

const ScopeTunnelConfig *scope_tunnel_get_config (ScopeTunnel *tunnel);

/* Whether NetworkManager needs `tundev` and the addresses in Config, Ip4Config and Ip6Config. */
gboolean scope_tunnel_nm_configures (ScopeTunnel *tunnel);

/**
 * scope_tunnel_set_peers:
 * @wanted: (element-type ScopeWgPeer) (transfer full): the whole peer table
 *
 * Applies the difference to what the interface has, in one batch, and lets those hear from us whose
 * endpoint it changes. A live peer that has moved by itself since the last call stays where it is.
 */
gboolean scope_tunnel_set_peers (ScopeTunnel *tunnel, GPtrArray *wanted, GError **error);

/**
 * scope_tunnel_nudge:
 * @keys: (element-type ScopeKey): peers to send something to at once: a keepalive on a live session,
 *   else a handshake, also when one has just begun after a session. Peers without endpoint or keepalive stay quiet.
 */
gboolean scope_tunnel_nudge (ScopeTunnel *tunnel, const GArray *keys, GError **error);

/**
 * scope_tunnel_renew:
 *
 * A peer without a live session is removed and added in one batch, with @endpoint: so it makes a handshake there at once, which
 * WireGuard otherwise does not within 5 s of one that got no answer. One with a session is left alone; so is nobody.
 */
gboolean scope_tunnel_renew (ScopeTunnel *tunnel, const ScopeKey *pub, const ScopeSockaddr *endpoint, GError **error);

/**
 * scope_tunnel_set_preshared:
 * @readd: remove and add the peer in one batch, and make a handshake at once
 *
 * Another preshared key for a peer, which stays as it is otherwise; nothing when it is not there. WireGuard uses it from
 * the next handshake on.
 */
gboolean scope_tunnel_set_preshared (ScopeTunnel *tunnel, const ScopeKey *pub, const ScopeKey *preshared,
                                     gboolean readd, GError **error);

/* (transfer full): routes as in the config; does nothing when they are the same */
void scope_tunnel_set_routes (ScopeTunnel *tunnel, GArray *routes);

/**
 * scope_tunnel_set_mtu:
 * @bytes: in the tunnel; below 1280 the kernel takes IPv6 off the interface
 *
 * Another MTU for the interface while it is up, at once; errors are logged. Does nothing when it is the same, or the interface
 * is somebody else's.
 */
void scope_tunnel_set_mtu (ScopeTunnel *tunnel, guint bytes);

/* No more than @bytes, whatever there is room for on the base connection: paths do not carry more. 0: no limit. */
void scope_tunnel_limit_mtu (ScopeTunnel *tunnel, guint bytes);

/* The device as it is now: endpoints, handshakes, counters. */
ScopeWgDevice *scope_tunnel_read (ScopeTunnel *tunnel, GError **error);

/* For the kinds. @config: (transfer full) */
void scope_tunnel_set_config (ScopeTunnel *tunnel, ScopeTunnelConfig *config);

/* For the kinds: changes in one batch, once the tunnel has been read. */
gboolean scope_tunnel_apply (ScopeTunnel *tunnel, const GPtrArray *changes, GError **error);

/* For the kinds: the interface went away or failed; emits "failed" (GError) once while it is up. */
void scope_tunnel_emit_failed (ScopeTunnel *tunnel, ScopeError code, const char *format, ...) G_GNUC_PRINTF (3, 4);
