/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-tunnel-sweep: finds and deletes the in-memory tunnel profiles that killed services have left in
 * NetworkManager, by the tag that each carries in its `user` setting.
 */
#pragma once

#include <gio/gio.h>

/* Keys of the profile's `user` setting (each needs a dot). */
#define SCOPE_TUNNEL_TAG_VPN "scope.vpn-uuid" /* the VPN connection that it belongs to */
#define SCOPE_TUNNEL_TAG_OWNER "scope.owner"  /* the service's unique name on the bus */

/**
 * scope_tunnel_sweep_async:
 * @bus: the system bus
 * @vpn_uuid: (nullable): delete every tunnel profile of this VPN connection, whoever made it
 *
 * Deletes tunnel profiles whose service is not on the bus any more, with their interfaces.
 */
void scope_tunnel_sweep_async (GDBusConnection *bus, const char *vpn_uuid, GCancellable *cancellable,
                                      GAsyncReadyCallback callback, gpointer data);

/* Returns: how many were deleted, or -1 with @error set */
int scope_tunnel_sweep_finish (GAsyncResult *result, GError **error);
