/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-choose: what we take of this machine when the profile leaves it open: an interface name, a UDP
 * port; and which address stands for the other side of the VPN.
 */
#pragma once

#include "common/scope-settings.h"
#include "tunnel/scope-wg.h"

/* The name that scope_choose_ifname() would like best. Borrowed. */
const char *scope_choose_wanted_ifname (const ScopeSettings *settings);

/**
 * scope_choose_ifname:
 * @error: SCOPE_ERROR_TAKEN when the profile names an interface that exists
 *
 * The profile's name, else the network's when it can be one and is free, else scope0, scope1, …
 */
char *scope_choose_ifname (const ScopeSettings *settings, GError **error);

/* The port that scope_choose_port() would like best. */
guint16 scope_choose_wanted_port (const ScopeSettings *settings, const char *uuid);

/* The profile's port, else one that follows from @uuid, so that a NAT's mapping survives a restart. */
guint16 scope_choose_port (const ScopeSettings *settings, const char *uuid);

/**
 * scope_choose_gateway:
 * @registry: (nullable): numeric address of the registry
 * @root: (nullable): the root's endpoint
 * @peers: (element-type ScopeWgPeer) (nullable): everybody's
 *
 * NetworkManager takes no VPN without a gateway outside; loopback is none (it would remove 127.0.0.1).
 *
 * Returns: (nullable): the first numeric address of these that is not loopback
 */
char *scope_choose_gateway (const char *registry, const ScopeSockaddr *root, const GPtrArray *peers);
