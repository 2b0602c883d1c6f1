/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-rtnl: the few rtnetlink requests that a tunnel needs for its interface. The kernel answers at once, so they are
 * synchronous.
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

/* --- kernel WireGuard ----------------------------------------------------------------------- */

/**
 * ScopeRtnlWireguard:
 * @alias: what scope_rtnl_wireguard_add() wrote on it; ip-link(8) shows it
 */
typedef struct {
  int ifindex;
  char *alias;
} ScopeRtnlWireguard;

/**
 * scope_rtnl_wireguard_add:
 * @alias: below 256 bytes
 *
 * Makes an interface, which is down. Returns: its index; 0 with @error set
 */
int scope_rtnl_wireguard_add (const char *ifname, const char *alias, GError **error);

/* Deletes an interface. One that is gone is no error. */
gboolean scope_rtnl_link_delete (int ifindex, GError **error);

/* WireGuard interfaces whose alias begins with @prefix; NULL when the kernel does not say.
 * (transfer full) (element-type ScopeRtnlWireguard) */
GArray *scope_rtnl_read_wireguard (const char *prefix);

/* --- policy routing ------------------------------------------------------------------------- */

/**
 * ScopeRtnlRule:
 * @table: 0 for main
 * @not_mark: 0, or only for what does not carry this mark
 * @longer: of that table only routes whose prefix is longer; -1 for all
 */
typedef struct {
  guint32 priority;
  guint32 table;
  guint32 not_mark;
  gint32 longer;
} ScopeRtnlRule;

/* Adds or removes a rule. One that is there already, or is gone, is no error. */
gboolean scope_rtnl_rule (int family, const ScopeRtnlRule *rule, gboolean add, GError **error);

/* Adds (replacing an equal one) or removes a route to @prefix through the interface, in a table that is not main. */
gboolean scope_rtnl_route_in (int ifindex, const ScopePrefix *prefix, guint32 table, gboolean add, GError **error);

/* The rules that scope_rtnl_rule() made, with priorities from @first and below @end; NULL when the kernel does not say.
 * (transfer full) (element-type ScopeRtnlRule) */
GArray *scope_rtnl_read_rules (int family, guint32 first, guint32 end);
