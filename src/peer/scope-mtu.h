/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-mtu: how long a packet in the tunnel may be: what the base connection carries, less what WireGuard adds (RFC 8200 and
 * RFC 791 headers, UDP, and 32 bytes of its own).
 */
#pragma once

#include <glib.h>

#define SCOPE_MTU_MAX 1420 /* WireGuard's own: an Ethernet's, less 80 */
#define SCOPE_MTU_MIN 1280 /* IPv6 needs it (RFC 8200 §5): below, the outer packet goes in fragments */

/**
 * scope_mtu_choose:
 * @base: bytes that the base connection carries; 0 for not known
 * @ip6: it may carry IPv6: 80 bytes for WireGuard instead of 60
 */
guint scope_mtu_choose (guint base, gboolean ip6);

/**
 * scope_mtu_read:
 * @address: (nullable): of the registry, say: the way to it counts, with the default routes
 * @except: (nullable): the tunnel's own interface, which does not count
 *
 * The same for this machine as its routes are now.
 */
guint scope_mtu_read (const char *address, const char *except);
