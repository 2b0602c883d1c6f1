/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-messages: the WebSocket `/messages` of 0.0.x: answers its pings, tells everybody of updates.
 */
#pragma once

#include "registry/registry-hub.h"

typedef struct _RegistryMessages RegistryMessages;

/* @hub, @accounts: borrowed; @hub is freed first */
RegistryMessages *registry_messages_new (RegistryHub *hub, RegistryAccounts *accounts);
void registry_messages_free (RegistryMessages *messages);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RegistryMessages, registry_messages_free)

/* @config: borrowed until the next call */
void registry_messages_configure (RegistryMessages *messages, const RegistryConfig *config);

/* As registry_hub_add(). */
void registry_messages_add (RegistryMessages *messages, GIOStream *stream, RegistryConnection *connection,
                            const ScopePrefix *client);

/**
 * registry_messages_announce:
 * @data: network, or key
 *
 * Sends peerUpdate to every socket: at once, or, in a flood, together with others of the same @data
 * within REGISTRY_MESSAGES_FLOOD_MSEC.
 */
void registry_messages_announce (RegistryMessages *messages, const char *data);

#define REGISTRY_MESSAGES_BURST 64       /* announcements at once, per @data */
#define REGISTRY_MESSAGES_FLOOD_MSEC 100 /* then one per this time */
