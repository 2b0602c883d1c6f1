/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-wg-uapi: the userspace backend of scope-wg: the line protocol of wireguard-go and its kin
 * (https://www.wireguard.com/xplatform/) over the socket /var/run/wireguard/<interface>.sock.
 */
#pragma once

#include "tunnel/scope-wg.h"

#define SCOPE_WG_UAPI_SOCKET "/var/run/wireguard/%s.sock" /* of the interface */

ScopeWgDevice *scope_wg_uapi_read (const char *ifname, GError **error);
gboolean scope_wg_uapi_apply (const char *ifname, const GPtrArray *changes, GError **error);
gboolean scope_wg_uapi_set_fwmark (const char *ifname, guint32 fwmark, GError **error);
gboolean scope_wg_uapi_configure (const char *ifname, const ScopeKey *private_key, guint16 listen_port, GError **error);

/* The request that makes these changes, with the empty line that ends it. Has keys: scope_secret_free(). */
char *scope_wg_uapi_encode (const GPtrArray *changes);
