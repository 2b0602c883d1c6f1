/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-server: the HTTP side: who asks, what for, and what they get. The API is 0.0.x's, see
 * scope-registry(8), and v1, see data/protocol.md.
 */
#pragma once

#include "registry/registry-config.h"
#include "registry/registry-network.h"
#include "registry/registry-v1.h"

typedef struct _RegistryServer RegistryServer;

/* @read: scope_wg_device_read(), or a test's */
RegistryServer *registry_server_new (RegistryReadFunc read, GError **error);
void registry_server_free (RegistryServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RegistryServer, registry_server_free)

/**
 * registry_server_configure:
 * @config: (transfer full)
 * @error: nothing has changed then
 *
 * Begins to serve, or goes on with another configuration; connections stay.
 */
gboolean registry_server_configure (RegistryServer *server, RegistryConfig *config, GError **error);

/* Stops accepting, says goodbye to WebSockets, lets requests finish. */
void registry_server_drain (RegistryServer *server);

/* Whether nobody is connected any more. */
gboolean registry_server_is_drained (RegistryServer *server);

guint16 registry_server_get_port (const RegistryServer *server);

/* Borrowed; NULL for a network that is not served. */
RegistryNetwork *registry_server_get_network (const RegistryServer *server, const char *name);

/* WebSockets that are open */
guint registry_server_get_sockets (const RegistryServer *server);

/* Borrowed. */
RegistryV1 *registry_server_get_v1 (const RegistryServer *server);
