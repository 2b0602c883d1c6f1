/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-v1: the messages of a v1 session (data/protocol.md, section 5) as structs: one parse for all,
 * and a format for each. Signed things stay text here (a JWS as it came): whoever believes them verifies them.
 */
#pragma once

#include "common/scope-key.h"
#include "wire/scope-latency.h"

#include <json-glib/json-glib.h>

#define SCOPE_V1_SUBPROTOCOL "scope.v1"
#define SCOPE_V1_TO_REGISTRY_MAX (64 * 1024)
#define SCOPE_V1_TO_PEER_MAX (1024 * 1024)
#define SCOPE_V1_ROSTER_FRAME (256 * 1024) /* where a sender of a roster begins another frame */
#define SCOPE_V1_KEX_MAX (16 * 1024)
#define SCOPE_V1_MAX_PEERS 16384 /* entries of one frame */
#define SCOPE_V1_MAX_ROSTER 16384 /* entries, and frames without any, of one roster */
#define SCOPE_V1_MAX_OBSERVED 16
#define SCOPE_V1_MAX_STUN 16
#define SCOPE_V1_MAX_RELAYS 512 /* that a report or a table of paths speaks of */
#define SCOPE_V1_MAX_LINKS 60000 /* of a table: what fits in a frame to a peer */
#define SCOPE_V1_MAX_MSEC 60000 /* of a link */
#define SCOPE_V1_UNREACHABLE G_MAXUINT

typedef enum {
  SCOPE_V1_UNKNOWN,
  SCOPE_V1_CHALLENGE,
  SCOPE_V1_HELLO,
  SCOPE_V1_WELCOME,
  SCOPE_V1_ROSTER,
  SCOPE_V1_JOIN,
  SCOPE_V1_MOVE,
  SCOPE_V1_LEAVE,
  SCOPE_V1_GONE,
  SCOPE_V1_GRANT,
  SCOPE_V1_REVOCATION,
  SCOPE_V1_KILL,
  SCOPE_V1_RECORD,
  SCOPE_V1_KEX_KEY,
  SCOPE_V1_KEX_STATE,
  SCOPE_V1_KEX, /* any other "kex.…": from one peer to another */
  SCOPE_V1_PATH, /* "punch.…" and "path.…": from one peer to another, as a kex message */
  SCOPE_V1_REPORT,
  SCOPE_V1_PATHS,
  SCOPE_V1_PING,
  SCOPE_V1_CARRY, /* asks for a ticket, and the answer: data/protocol.md, section 10 */
  SCOPE_V1_ERROR,
} ScopeV1Type;

/**
 * ScopeV1Entry:
 * @grant, @record, @kex: envelopes' text; the latter two nullable
 * @seen: ms since 1970
 * @observed: NULL-terminated endpoints
 */
typedef struct {
  ScopeKey key;
  char *grant;
  char *record;
  char *kex;
  gboolean online;
  gint64 seen;
  char **observed;
  gboolean pipe;
} ScopeV1Entry;

ScopeV1Entry *scope_v1_entry_new (const ScopeKey *key);
void scope_v1_entry_free (ScopeV1Entry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeV1Entry, scope_v1_entry_free)

/* How a relay reaches another one */
typedef enum {
  SCOPE_V1_REACH_DIRECT,
  SCOPE_V1_REACH_RELAY,  /* through other relays */
  SCOPE_V1_REACH_MASTER, /* through the master */
} ScopeV1Reach;

/**
 * ScopeV1Latency:
 * @ms: round trip, median, to SCOPE_V1_MAX_MSEC; SCOPE_V1_UNREACHABLE when there is no link
 * @loss: percent
 */
typedef struct {
  guint ms;
  guint loss;
} ScopeV1Latency;

/**
 * ScopeV1Message:
 * @type: which of the members below are set; what a message does not have is NULL or 0
 * @name: "t" as it came
 * @body: (nullable): "d", for a SCOPE_V1_KEX: the members besides from and to are between the peers
 * @time, @seen: ms
 * @delegations: (nullable): envelopes, NULL-terminated
 * @peers: (element-type ScopeV1Entry) (nullable): roster; join and move have one
 * @stun: (nullable): welcome: STUN servers, NULL-terminated, each an endpoint, or ":PORT": the registry's own host, by
 *   the name that this session reached it with; see scope_v1_stun_endpoint()
 * @gone: (element-type ScopeKey) (nullable)
 * @states: (nullable) (element-type ScopeKey ScopeV1Progress)
 * @observed: (nullable) (element-type ScopeKey utf8)
 * @fork: (nullable): two envelopes
 * @token: hello: of an invite; carry: the ticket, %NULL in the question and in a refusal
 * @seconds: carry: how long the ticket is good
 * @latency: (nullable) (element-type ScopeKey ScopeV1Latency): report: the sender's links
 * @reach: (nullable) (element-type ScopeKey ScopeV1Reach): report: by GPOINTER_TO_UINT
 * @at: paths: from when on, the registry's time, ms; it has @revision
 * @relays: (nullable) (element-type ScopeKey): paths: who is there, by key
 * @links: (nullable) (element-type ScopeLatency): paths: between two of @relays, by @a, then by @b
 * @key: leave, gone; @other: from, or to, of a kex message
 */
typedef struct {
  ScopeV1Type type;
  char *name;
  JsonObject *body;
  ScopeKey key;
  ScopeKey other;
  gboolean has_other;
  char *nonce;
  char *network;
  char *identity; /* challenge: the root's; hello: the peer's */
  char *proof;
  char *token;
  guint seconds;
  char *grant;
  char *record;
  char *kex;
  char *revocation;
  char *kill;
  char **delegations;
  char *generation;
  guint64 since;
  guint64 revision;
  gboolean more;
  gint64 time;
  gint64 seen;
  guint heartbeat;
  guint epoch_seconds;
  char **stun;
  guint64 epoch;
  gboolean has_key_broadcast;
  GHashTable *states;
  GHashTable *observed;
  char *fork[2];
  GHashTable *latency;
  GHashTable *reach;
  gint64 at;
  GArray *relays;
  GArray *links;
  guint64 n;
  char *code;
  char *text;
  GPtrArray *peers;
  GArray *gone;
} ScopeV1Message;

/* Progress of one pair as one end sees it: NPQ (X448) 0 to 2, PQ (ML-KEM) 0 to 3; see data/protocol.md, section 6 */
typedef struct {
  guint8 npq;
  guint8 pq;
} ScopeV1Progress;

ScopeV1Message *scope_v1_message_new (ScopeV1Type type);
void scope_v1_message_free (ScopeV1Message *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeV1Message, scope_v1_message_free)

/**
 * scope_v1_parse:
 * @max: bytes: SCOPE_V1_TO_REGISTRY_MAX or SCOPE_V1_TO_PEER_MAX
 * @error: SCOPE_ERROR_PROTOCOL, naming the field: "hello.identity: missing"
 *
 * A type that is not known is SCOPE_V1_UNKNOWN, no error. One wrong entry of a roster does not cost the others: it is
 * left out and counted in @skipped.
 */
ScopeV1Message *scope_v1_parse (const char *text, gsize len, gsize max, guint *skipped, GError **error);

/* The frame's text, newly allocated. A SCOPE_V1_KEX has "from" when its @body does, else "to"; to choose: */
char *scope_v1_format (const ScopeV1Message *message);
char *scope_v1_format_kex (const char *name, JsonObject *body, const char *direction, const ScopeKey *other);

/**
 * scope_v1_stun_endpoint:
 * @stun: one of a welcome's
 * @host: address or name of the registry, without brackets
 *
 * Returns: (transfer full): an endpoint, with a name still to be resolved
 */
char *scope_v1_stun_endpoint (const char *stun, const char *host);

/* An entry alone, as it stands in a roster: registries keep it formatted. Appends. */
void scope_v1_entry_append (const ScopeV1Entry *entry, GString *out);

/* A roster frame around entries that are formatted already, with commas between. */
char *scope_v1_format_roster (const char *generation, guint64 revision, guint64 since, gboolean more,
                              const char *entries, const GArray *gone);
