/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-tunnel-kernel: kernel WireGuard in an in-memory profile that NetworkManager owns: interface,
 * private key, port, addresses, routes, DNS, MTU and firewall zone are NetworkManager's; the peer
 * table is ours, over netlink, because any Reapply of a profile with peers would wipe pre-shared
 * keys and roamed endpoints (seen with NetworkManager 1.42).
 *
 * The profile carries a tag in its `user` setting, so that one left behind by a killed service is
 * found and deleted: scope_tunnel_kernel_sweep_async().
 */
#pragma once

#include "tunnel/scope-tunnel.h"

ScopeTunnel *scope_tunnel_kernel_new (GDBusConnection *bus);

/**
 * scope_tunnel_kernel_sweep_async:
 * @bus: the system bus
 * @vpn_uuid: (nullable): delete every tunnel profile of this VPN connection, whoever made it
 *
 * Deletes tunnel profiles whose service is not on the bus any more, with their interfaces.
 */
void scope_tunnel_kernel_sweep_async (GDBusConnection *bus, const char *vpn_uuid, GCancellable *cancellable,
                                      GAsyncReadyCallback callback, gpointer data);

/* Returns: how many were deleted, or -1 with @error set */
int scope_tunnel_kernel_sweep_finish (GAsyncResult *result, GError **error);
