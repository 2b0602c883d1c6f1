/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-tunnel-attached: a WireGuard interface that is somebody else's: a connection of NetworkManager's, or one that
 * an admin made by hand. Only preshared keys are written, and only those of peers that it has: private key, port,
 * peers, endpoints, allowed IPs, keepalives, addresses and routes are not ours.
 *
 * Up finds it. Down leaves it as it is, with the preshared keys: the other end has them too, and would not talk to us
 * without. When it goes away, or changes its private key, the tunnel fails.
 */
#pragma once

#include "tunnel/scope-tunnel.h"

/**
 * scope_tunnel_attached_new:
 * @wireguard: UUID of an active WireGuard connection, or an interface name
 *
 * Up fills in the config: ifname and listen_port. It fails with SCOPE_ERROR_INVALID when that is no WireGuard,
 * SCOPE_ERROR_GONE when it is not there or not up; the messages name the setting.
 */
ScopeTunnel *scope_tunnel_attached_new (GDBusConnection *bus, const char *wireguard);

/* The interface's public key, once it is up. */
const ScopeKey *scope_tunnel_attached_get_key (ScopeTunnel *tunnel);
