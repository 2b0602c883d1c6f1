/* SPDX-License-Identifier: GPL-3.0-or-later */
/* registry-server-private: between registry-server.c and registry-server-upgrade.c. */
#pragma once

#include "registry/registry-hub.h"
#include "registry/registry-limits.h"
#include "registry/registry-listener.h"
#include "registry/registry-server.h"
#include "registry/registry-stun.h"
#include "registry/registry-v1.h"
#include "registry/registry-verbs.h"

#include <libsoup/soup.h>

struct _RegistryServer {
  SoupServer *soup;
  RegistryConfig *config;
  RegistryAccounts *accounts;
  RegistryListener *listener;
  RegistryHub *hub;
  RegistryMessages *messages;
  RegistryVerbs *verbs;
  RegistryV1 *v1;
  RegistryStun *stun;
  GHashTable *waiting;
  int placeholder;
  guint hook_signal;
  gulong hook;
  guint sweep;
  gboolean draining;
};

/* Who asks: the connection, and the client behind it. */
RegistryConnection *registry_server_connection (SoupServerMessage *message);
ScopePrefix registry_server_client (RegistryServer *server, SoupServerMessage *message, RegistryConnection *connection);

/* What a WebSocket is for: /messages of 0.0.x; the session of a v1 network; its packets. */
typedef enum {
  REGISTRY_UPGRADE_MESSAGES,
  REGISTRY_UPGRADE_V1,
  REGISTRY_UPGRADE_CARRY,
} RegistryUpgradeKind;

/* @network: (nullable): NULL with REGISTRY_UPGRADE_MESSAGES */
void registry_server_upgrade (RegistryServer *server, SoupServerMessage *message, RegistryUpgradeKind kind,
                              const char *network);
