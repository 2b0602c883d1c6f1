/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-tunnel-userspace: wireguard-go on a TUN device, for kernels without WireGuard. We start and
 * supervise it, drive it over its UAPI socket, and hand the TUN device to NetworkManager as `tundev`.
 * It dies with us, and its interface with it.
 */
#pragma once

#include "tunnel/scope-tunnel.h"

ScopeTunnel *scope_tunnel_userspace_new (void);
