/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A registry of one v1 network in this process, its root, and peers: WebSocket clients of libsoup's. */
#pragma once

#include "registry/registry-server.h"
#include "wire/scope-record.h"
#include "wire/scope-v1.h"

#include <libsoup/soup.h>

typedef struct {
  char *dir;
  ScopeIdentity *root, *delegate;
  RegistryServer *server;
  SoupSession *soup;
  guint16 port;
  gint64 since; /* of the delegation, seconds */
} Fixture;

/* Members of the configuration, each with a comma before it; "" unless a test sets it. */
extern const char *fixture_top;

/* @more: members of the network's entry, each with a comma before it, such as ",\"killed\":true" */
/* WireGuard keys that the interface of the network has for 0.0.x, its own first: (element-type ScopeKey); NULL: no device */
extern GArray *fixture_device;

void fixture_start (Fixture *f, const char *more);
/* @pool: such as "10.77.0.0/24" */
void fixture_start_with_pool (Fixture *f, const char *more, const char *pool);
void fixture_reload (Fixture *f, const char *more);
/* Gone, and started anew with the same store. */
void fixture_restart (Fixture *f, const char *more);
void fixture_stop (Fixture *f);

RegistryMesh *fixture_mesh (Fixture *f);

/* An envelope of the root's. Posts it; the answer's body, status in @status. */
char *root_signs (Fixture *f, const char *typ, const char *payload);
char *post (Fixture *f, const char *text, guint *status);
void post_good (Fixture *f, const char *text);
/* @error: code expected */
void post_bad (Fixture *f, const char *text, guint status, const char *error);
char *get (Fixture *f, const char *path, guint *status);

/* An invite that is stored; its token. */
char *invite (Fixture *f, gint64 expires_in);

typedef struct {
  Fixture *f;
  ScopeIdentity *identity;
  ScopeKey key;
  SoupWebsocketConnection *ws;
  GQueue inbox; /* ScopeV1Message */
  gboolean closed;
  char *nonce;
  char *grant;      /* of the last welcome */
  char *generation;
  guint64 revision;
} Peer;

/* @n: makes identity and key; equal for equal @n */
Peer *peer_new (Fixture *f, guint8 n);
void peer_free (Peer *peer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Peer, peer_free)

/* Up to the challenge. */
void peer_connect (Peer *peer);
void peer_close (Peer *peer);
ScopeV1Message *peer_make_hello (Peer *peer, const char *token);
void peer_send (Peer *peer, const ScopeV1Message *message);
void peer_send_text (Peer *peer, const char *text);
/* The next message, which must be of @type. */
ScopeV1Message *peer_expect (Peer *peer, ScopeV1Type type);
void peer_expect_error (Peer *peer, const char *code);
void peer_expect_silence (Peer *peer);
/* Connected, admitted, with the roster. */
void peer_join (Peer *peer, const char *token);
/* The entry with @key of the roster that peer_join() got. */
extern ScopeV1Message *last_roster;

/* Envelopes of the peer's. */
char *peer_record (Peer *peer, guint64 sequence, const char *endpoint);
char *peer_kex (Peer *peer, guint64 epoch);
/* First address of its grant, such as "10.77.0.1/32". */
char *address_of (const char *grant);
GArray *ranges_of (const char *grant);
JsonObject *payload_of (const char *jws);

void run_main_loop (guint msec);

#define wait_until(condition)                                                                   \
  G_STMT_START                                                                                  \
  {                                                                                             \
    gint64 end_ = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;                                \
    while (!(condition) && g_get_monotonic_time () < end_)                                      \
      run_main_loop (0);                                                                        \
    if (!(condition))                                                                           \
      g_error ("%s:%d: not so: %s", __FILE__, __LINE__, #condition);                            \
  }                                                                                             \
  G_STMT_END
