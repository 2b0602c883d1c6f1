/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-rtnl: the few rtnetlink requests that a userspace tunnel needs for its own interface. The
 * kernel answers at once, so they are synchronous.
 */
#pragma once

#include "common/scope-prefix.h"

/* The kernel gives the interface no link-local address by itself when it goes up: with two of them, what is sent
 * without choosing one would be refused by the peer's WireGuard every other time. */
gboolean scope_rtnl_no_link_local (int ifindex, GError **error);

/* Sets the interface up, with @mtu bytes when that is not 0. */
gboolean scope_rtnl_link_up (int ifindex, guint mtu, GError **error);

gboolean scope_rtnl_set_mtu (int ifindex, guint mtu, GError **error);

/* Bytes; 0 when there is no such interface. */
guint scope_rtnl_get_mtu (int ifindex);

/* Adds (replacing an equal one) or removes a route to @prefix through the interface. */
gboolean scope_rtnl_route (int ifindex, const ScopePrefix *prefix, gboolean add, GError **error);

/* Adds an address; one that is there already is no error. */
gboolean scope_rtnl_address_add (int ifindex, const ScopePrefix *prefix, GError **error);
