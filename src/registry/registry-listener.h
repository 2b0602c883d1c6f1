/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-listener: accepts connections, counts them in all and per address, speaks TLS, and cuts
 * off those that are idle or slow. What is accepted goes to the SoupServer as a stream.
 *
 * SoupServer's own listener accepts without a limit, does not say when a connection has come or
 * gone, and has no time limits.
 */
#pragma once

#include "registry/registry-config.h"
#include "registry/registry-limits.h"

typedef struct _RegistryListener RegistryListener;

/**
 * RegistryConnection:
 * @peer: who is connected: a full-length prefix
 *
 * One accepted connection. It hangs on the remote address that SoupServer keeps for its messages, see
 * registry_connection_get(); the last reference gives its place back.
 */
typedef struct _RegistryConnection RegistryConnection;

RegistryConnection *registry_connection_ref (RegistryConnection *connection);
void registry_connection_unref (RegistryConnection *connection);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RegistryConnection, registry_connection_unref)

/* Borrowed; NULL for an address that is not from a listener. */
RegistryConnection *registry_connection_get (GSocketAddress *remote);

const ScopePrefix *registry_connection_peer (const RegistryConnection *connection);
GSocket *registry_connection_socket (const RegistryConnection *connection);
gboolean registry_connection_is_tls (const RegistryConnection *connection);

typedef enum {
  REGISTRY_CONNECTION_READING, /* a request must be whole within requestSeconds */
  REGISTRY_CONNECTION_WRITING, /* the answer must be taken within idleSeconds */
  REGISTRY_CONNECTION_IDLE,    /* the next request must begin within idleSeconds */
  REGISTRY_CONNECTION_TAKEN,   /* somebody else has time limits for it: a WebSocket */
} RegistryConnectionState;

void registry_connection_set_state (RegistryConnection *connection, RegistryConnectionState state);

/**
 * registry_connection_set_owner:
 * @owner: (transfer none): what keeps @connection, until it lets go of it
 *
 * Whom to name to the release function, see registry_listener_new().
 */
void registry_connection_set_owner (RegistryConnection *connection, gpointer owner);

typedef void (*RegistryReleaseFunc) (gpointer owner);

typedef void (*RegistryAcceptFunc) (GIOStream *stream, GSocketAddress *local, GSocketAddress *remote,
                                    gpointer user_data);

/**
 * registry_listener_new:
 * @accounts: borrowed
 * @release: called for the owner of an idle connection that the client has closed
 */
RegistryListener *registry_listener_new (RegistryAccounts *accounts, RegistryAcceptFunc func,
                                         RegistryReleaseFunc release, gpointer user_data);
void registry_listener_free (RegistryListener *listener);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RegistryListener, registry_listener_free)

/**
 * registry_listener_configure:
 * @config: borrowed until the next call
 * @error: SCOPE_ERROR_TAKEN, SCOPE_ERROR_TLS or SCOPE_ERROR_FAILED: nothing has changed then
 *
 * Listens on the address of @config, anew only if it has changed; connections stay.
 */
gboolean registry_listener_configure (RegistryListener *listener, const RegistryConfig *config, GError **error);

/* Stops accepting; idle connections are closed. */
void registry_listener_stop (RegistryListener *listener);

/* Shuts every connection down that is not a WebSocket. */
void registry_listener_abort (RegistryListener *listener);

/* Enforces the time limits; also runs by itself once a second. */
void registry_listener_sweep (RegistryListener *listener);

/* The port that it listens on; 0 when it does not. */
guint16 registry_listener_get_port (const RegistryListener *listener);

/* Connections that are open, WebSockets included. */
guint registry_listener_get_size (const RegistryListener *listener);
