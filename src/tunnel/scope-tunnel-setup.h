/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-tunnel-setup: what a WireGuard interface of ours is given, kernel's or userspace's: key, port, MTU, addresses, routes.
 * NetworkManager is told the addresses and DNS as well (service/scope-report.h), but a handshake need not wait for it.
 */
#pragma once

#include "tunnel/scope-tunnel.h"

/* The interface is there, and down. What is odd about a route, or this machine without IPv6, is only logged. */
gboolean scope_tunnel_setup (const ScopeTunnelConfig *config, ScopeWgBackend backend, GError **error);

/* The kinds' set_routes(). */
void scope_tunnel_setup_routes (ScopeTunnel *tunnel, const GArray *previous);
