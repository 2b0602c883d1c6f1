/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-v1-session: one peer's WebSocket (data/protocol.md, section 5): challenge, hello, welcome, roster,
 * events. The peer is a stranger until its hello is good, and gets nothing before that is stored.
 */
#pragma once

#include "registry/registry-carry.h"
#include "registry/registry-hub.h"
#include "registry/registry-mesh.h"

#define REGISTRY_HELLO_SECONDS 10
#define REGISTRY_HELLO_COST 20 /* requests that a hello with signatures to verify counts as; twice that when it is wrong */

/* Per peer: messages and bytes a second, and at once. */
#define REGISTRY_V1_MESSAGES 100
#define REGISTRY_V1_MESSAGES_BURST 4000
#define REGISTRY_V1_BYTES (1024 * 1024)
#define REGISTRY_V1_BYTES_BURST (32 * 1024 * 1024)
/* Those with a signature to verify. */
#define REGISTRY_V1_SIGNED 1
#define REGISTRY_V1_SIGNED_BURST 30
/* Seconds after a new grant in which a record that is not granted may be one of the grant before. */
#define REGISTRY_V1_CROSSING 30

/* Before its hello was good, in all. */
#define REGISTRY_V1_STRANGER_MESSAGES 16
/* Endpoints that it reports a second, and at once. */
#define REGISTRY_V1_REPORTS 4
#define REGISTRY_V1_REPORTS_BURST 4096
/* Forks: each one a line in the log. */
#define REGISTRY_V1_FORKS (1.0 / 60)
#define REGISTRY_V1_FORKS_BURST 3

/* Waiting for a peer to read: beyond it, events wait for a roster since then, and who sends it something hears `busy`. */
#define REGISTRY_V1_LAG_BYTES (256 * 1024)

/* What all sessions share. Borrowed. @stun: (nullable): told in the welcome; @closed: this one is freed after it */
typedef struct {
  RegistryAccounts *accounts;
  const RegistryConfig *config;
  RegistryCarry *carry;
  const char *const *stun;
  void (*closed) (RegistryV1Session *session, gpointer user_data);
  gpointer user_data;
} RegistryV1Shared;

/* Sends the challenge. It frees itself when its socket has gone. */
RegistryV1Session *registry_v1_session_new (RegistryMesh *mesh, const RegistryV1Shared *shared);

/* The hub's class, and what must be done once the socket is there. */
extern const RegistrySocketClass registry_v1_session_class;
void registry_v1_session_begin (RegistryV1Session *session, RegistrySocket *socket);

/* NULL: its network is gone, or it has ended. */
RegistryMesh *registry_v1_session_mesh (const RegistryV1Session *session);

/* Monotonic, µs: until when the hello must be there; 0 when it is. */
gint64 registry_v1_session_deadline (const RegistryV1Session *session);

/* Its last message: an error, and the end. */
void registry_v1_session_end (RegistryV1Session *session, const char *code, const char *message);

/* For registry-publish: an event of @revision; anything else; a turn to send what it waits for. */
void registry_v1_session_event (RegistryV1Session *session, GBytes *frame, guint64 revision);
void registry_v1_session_tell (RegistryV1Session *session, GBytes *frame);
void registry_v1_session_go_on (RegistryV1Session *session, gint64 now);

/* The table of paths is a newer one, or it has become a relay. */
void registry_v1_session_paths (RegistryV1Session *session);

/* Its grant is another one. */
void registry_v1_session_grant (RegistryV1Session *session);

/* Its address with @port, newly allocated; NULL when that would help nobody. */
char *registry_v1_session_endpoint (const RegistryV1Session *session, guint16 port);

/* The network is not served any more. */
void registry_v1_session_orphan (RegistryV1Session *session);
