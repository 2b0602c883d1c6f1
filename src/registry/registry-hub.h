/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-hub: the WebSockets of `/messages`: answers pings, fans messages out, drops who does not
 * read or does not live. All sockets share one epoll set, and that one source of the main loop, so
 * that idle ones cost nothing (see registry-frame for the measurement).
 */
#pragma once

#include "registry/registry-config.h"
#include "registry/registry-limits.h"
#include "registry/registry-listener.h"

typedef struct _RegistryHub RegistryHub;

/* @accounts: borrowed */
RegistryHub *registry_hub_new (RegistryAccounts *accounts, GError **error);
void registry_hub_free (RegistryHub *hub);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RegistryHub, registry_hub_free)

/* @config: borrowed until the next call */
void registry_hub_configure (RegistryHub *hub, const RegistryConfig *config);

/**
 * registry_hub_add:
 * @stream: after the 101 answer; what it has buffered already is taken, then its socket
 * @client: whom to account messages to; when it is not @connection's peer, the caller has counted a
 *   connection of @client, which is given back at the end
 */
void registry_hub_add (RegistryHub *hub, GIOStream *stream, RegistryConnection *connection, const ScopePrefix *client);

/**
 * registry_hub_announce:
 * @data: network, or key
 *
 * Sends peerUpdate to every socket: at once, or, in a flood, together with others of the same @data
 * within REGISTRY_HUB_FLOOD_MSEC.
 */
void registry_hub_announce (RegistryHub *hub, const char *data);

#define REGISTRY_HUB_BURST 64       /* announcements at once, per @data */
#define REGISTRY_HUB_FLOOD_MSEC 100 /* then one per this time */

/* Says goodbye to all (going away); they are gone within two seconds. */
void registry_hub_close (RegistryHub *hub);

guint registry_hub_get_size (const RegistryHub *hub);
