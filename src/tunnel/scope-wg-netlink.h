/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-wg-netlink: the kernel backend of scope-wg: generic netlink family "wireguard", as
 * linux/wireguard.h describes it.
 */
#pragma once

#include "tunnel/scope-wg.h"

#include <linux/netlink.h>

/* Longest request: a nested attribute, such as the list of peers, has a 16 bit length. */
#define SCOPE_WG_NETLINK_MAX 32768

ScopeWgDevice *scope_wg_netlink_read (const char *ifname, GError **error);
gboolean scope_wg_netlink_apply (const char *ifname, const GPtrArray *changes, GError **error);
gboolean scope_wg_netlink_set_fwmark (const char *ifname, guint32 fwmark, GError **error);
gboolean scope_wg_netlink_configure (const char *ifname, const ScopeKey *private_key, guint16 listen_port,
                                     GError **error);

/* Takes one WG_CMD_SET_DEVICE message, which is overwritten afterwards. */
typedef gboolean (*ScopeWgNetlinkSend) (struct nlmsghdr *message, gpointer data, GError **error);

/**
 * scope_wg_netlink_encode:
 * @family: number of the family "wireguard"
 * @send: called for each message, in order
 *
 * Turns changes into messages of at most SCOPE_WG_NETLINK_MAX bytes, removals first. A peer is split only
 * when it is too long for one message.
 *
 * Returns: %FALSE as soon as @send does
 */
gboolean scope_wg_netlink_encode (guint16 family, const char *ifname, const GPtrArray *changes,
                                  ScopeWgNetlinkSend send, gpointer data, GError **error);
