/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-tunnel-sweep: undoes what killed services have left behind: interfaces of kernel WireGuard, found by the tag that
 * each carries as its alias, kernel settings and routing rules.
 *
 * Synchronous: the kernel and /run answer at once.
 */
#pragma once

#include <glib.h>

/* The alias of an interface that this process makes for the VPN connection. */
char *scope_tunnel_sweep_tag (const char *vpn_uuid);

/* @vpn_uuid: (nullable): also the interface of this VPN connection when its service lives. Says what it did. */
void scope_tunnel_sweep (const char *vpn_uuid);
