/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-outfit: what a connection's tunnel is made of: profile, machine and network put together; and for one that
 * somebody else has made, whether the profile fits it.
 */
#pragma once

#include "peer/scope-engine.h"

/**
 * scope_outfit_new:
 * @linked: (nullable): our public key, where peers have link addresses
 * @addresses, @routes: (element-type ScopePrefix)
 * @error: SCOPE_ERROR_TAKEN when the profile's interface name is taken
 *
 * All but the MTU, which the way out decides.
 */
ScopeTunnelConfig *scope_outfit_new (const ScopeEngineConfig *config, const ScopeKey *linked, GArray *addresses,
                                     GArray *routes, GError **error);

/* Warns when the VPN connection's ipv4 and ipv6 settings leave it open whom to ask beside an exit's name servers. */
void scope_outfit_say_dns (const ScopeEngineConfig *config);

/* Whether the profile's keys, if it has any, are those of interface @ifname, whose public key is @own.
 * SCOPE_ERROR_INVALID names the setting. */
gboolean scope_outfit_fits (const ScopeSettings *settings, const char *ifname, const ScopeKey *own, GError **error);
