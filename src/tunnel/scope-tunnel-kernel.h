/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-tunnel-kernel: kernel WireGuard. The interface is ours, made over netlink, and handed to NetworkManager as `tundev`.
 * As a WireGuard profile of NetworkManager's it would be a second connection in everybody's `nmcli connection`.
 *
 * Its alias (`ip link`) says to which connection and service it belongs, so that one left behind by a killed service is
 * found and deleted: scope-tunnel-sweep.h.
 */
#pragma once

#include "tunnel/scope-tunnel.h"

ScopeTunnel *scope_tunnel_kernel_new (void);
