/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-hub: WebSockets, whatever is said on them: reads and writes frames, answers pings, drops who
 * does not read or does not live. What is said is its users' (registry-messages, registry-v1-session). All
 * sockets share one epoll set, and that one source of the main loop, so that idle ones cost nothing (see
 * registry-frame for the measurement).
 */
#pragma once

#include "registry/registry-config.h"
#include "registry/registry-frame.h"
#include "registry/registry-limits.h"
#include "registry/registry-listener.h"

typedef struct _RegistryHub RegistryHub;
typedef struct _RegistrySocket RegistrySocket;

/**
 * RegistrySocketClass:
 * @frame_bytes: the largest message; 0 for the configuration's
 * @queue_bytes: may wait for a reader, when the configuration's is less
 * @unsent_bytes: may wait in the kernel beyond what TCP has sent; 0 for as much as it likes
 * @message: a text message, not NUL-terminated; %NULL for one that is not text
 * @binary: (nullable): a binary one
 * @drained: (nullable): all that had to wait is written: there is room for more
 * @closed: called once, in a turn of the loop of its own: the socket is gone after it
 *
 * One use of the hub.
 */
typedef struct {
  gsize frame_bytes;
  gsize queue_bytes;
  guint unsent_bytes;
  void (*message) (RegistrySocket *socket, const char *text, gsize len, gpointer user_data);
  void (*binary) (RegistrySocket *socket, const guint8 *data, gsize len, gpointer user_data);
  void (*drained) (RegistrySocket *socket, gpointer user_data);
  void (*closed) (RegistrySocket *socket, gpointer user_data);
} RegistrySocketClass;

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
 *
 * Messages may come before it returns.
 *
 * Returns: (transfer none): valid until its class' closed() has been called
 */
RegistrySocket *registry_hub_add (RegistryHub *hub, GIOStream *stream, RegistryConnection *connection,
                                  const ScopePrefix *client, const RegistrySocketClass *class, gpointer user_data);

/* @frame: of registry_frame_new(), shared by all that it goes to. Nothing happens to a socket that is closing or gone. */
void registry_socket_send (RegistrySocket *socket, GBytes *frame);

/* After this nothing more is sent, and what comes is not looked at. */
void registry_socket_close (RegistrySocket *socket, guint16 code);

const ScopePrefix *registry_socket_client (const RegistrySocket *socket);

/* Bytes that wait for its reader. */
gsize registry_socket_queued (const RegistrySocket *socket);
gboolean registry_socket_is_open (const RegistrySocket *socket);

/* Says goodbye to all (going away); they are gone within two seconds. */
void registry_hub_close (RegistryHub *hub);

guint registry_hub_get_size (const RegistryHub *hub);
