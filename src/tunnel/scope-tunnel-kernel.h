/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-tunnel-kernel: kernel WireGuard in an in-memory profile that NetworkManager owns: interface,
 * private key, port, addresses, routes, DNS, MTU and firewall zone are NetworkManager's; the peer
 * table is ours, over netlink, because any Reapply of a profile with peers would wipe pre-shared
 * keys and roamed endpoints (seen with NetworkManager 1.42).
 *
 * The profile carries a tag in its `user` setting, so that one left behind by a killed service is
 * found and deleted: scope-tunnel-sweep.h.
 */
#pragma once

#include "tunnel/scope-tunnel.h"

ScopeTunnel *scope_tunnel_kernel_new (GDBusConnection *bus);
