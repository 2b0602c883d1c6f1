/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-trust-private: what the files of scope-trust share.
 */
#pragma once

#include "peer/scope-envelope.h"
#include "peer/scope-trust.h"

#define SHA256_LEN 32

/**
 * Known:
 * @until: seconds: until then a record older than the one of @sequence may come; 0 when there was no record yet
 * @payload: SHA-256 of the payload of that record
 * @pq: it has post-quantum keys, or once had
 * @forked: two records of @sequence were seen
 *
 * What is remembered of an identity, also when it is a peer no longer.
 */
typedef struct {
  char fingerprint[SCOPE_FINGERPRINT_LEN + 1];
  gboolean pq;
  gboolean forked;
  guint64 sequence;
  gint64 until;
  guint8 payload[SHA256_LEN];
} Known;

/**
 * Peer:
 * @record: (nullable)
 * @grant_text, @record_text, @kex_text: SHA-256 of the envelopes as they came: what comes again is not verified again
 * @observed: (nullable): usable endpoints, NULL-terminated
 * @since: when it came with the ranges that it has, by our clock: what a delegate says of `issued` does not count
 * @mark: of the last whole roster that listed it
 *
 * Whoever has a grant that holds. In force with a record.
 */
typedef struct {
  ScopeTrustPeer pub; /* first */
  ScopeGrant *grant;
  ScopeRecord *record;
  Known *known;
  GBytes *grant_packed;
  GBytes *record_packed;
  GBytes *kex_packed;
  guint64 kex_epoch;
  gint64 kex_issued;
  guint8 grant_text[SHA256_LEN];
  guint8 record_text[SHA256_LEN];
  guint8 kex_text[SHA256_LEN];
  char **observed;
  gint64 since;
  guint mark;
} Peer;

struct _ScopeTrust {
  char *network;
  char root[SCOPE_FINGERPRINT_LEN + 1];
  ScopeKey own;
  ScopeIdentityPublic *identity;
  ScopePq pq;
  gint64 now; /* as handed in last */

  ScopeAuthority *authority; /* NULL until the root is known */
  GHashTable *delegations;   /* fingerprint → packed envelope */
  GBytes *revocation;
  ScopeGrant *own_grant;
  GBytes *own_packed;
  guint64 own_sequence;
  guint64 kill_counter;

  GHashTable *known; /* fingerprint → Known */
  GHashTable *peers; /* the Known's fingerprint → Peer */
  GHashTable *keys;  /* the Peer's key → Peer */
  guint n_in_force;
  guint max_peers; /* SCOPE_TRUST_MAX_PEERS, fewer in a test */
  GQueue forks; /* envelopes, pairs one after the other */

  char *generation;
  guint64 revision;
  gint64 whole;        /* when the last whole roster ended */
  gboolean refused;    /* an entry was, since the last whole roster began */
  gboolean ask_whole;  /* what was refused may be good by now, or deltas have a hole */
  gboolean loading;    /* from the cache: nothing that is taken is news */
  gboolean in_whole;   /* a whole roster has begun */
  char *whole_generation;
  guint mark;

  GHashTable *said; /* the first 8 bytes of a digest */
  gint64 silent_until;

  gboolean dirty;
  gboolean changed;   /* what is handed out */
  gboolean unsettled; /* who owns which range */
};

static inline gboolean
scope_trust_ended (gint64 expires, gint64 now)
{
  return expires <= now;
}

/* Ends a call that takes: ranges are settled. Returns whether anything changed since the last. */
gboolean scope_trust_settle (ScopeTrust *trust);

void scope_trust_set_candidates (Peer *peer);
char **scope_trust_usable_observed (char **observed);

/* @fingerprint, @key, @envelope: (nullable): who it is about, and what makes two refusals the same. */
void scope_trust_refuse (ScopeTrust *trust, const char *fingerprint, const ScopeKey *key, const char *envelope,
                         const char *format, ...) G_GNUC_PRINTF (5, 6);

void scope_trust_digest (const void *bytes, gsize len, guint8 *digest);

/* What a payload says, unverified. (transfer full) (nullable) */
ScopeIdentityPublic *scope_trust_claimed_identity (const char *envelope);

/* Judges and takes one entry. Returns whether all of it was good. */
gboolean scope_trust_judge_entry (ScopeTrust *trust, const ScopeV1Entry *entry);
void scope_trust_judge_kex (ScopeTrust *trust, Peer *peer, const char *envelope);

/* Whether @peer shows that it has post-quantum keys: what it once had is not forgotten. */
void scope_trust_note_offer (ScopeTrust *trust, Peer *peer, gboolean offers);

/* Something is different for whoever was refused: the next hello asks for everybody. */
void scope_trust_reconsider (ScopeTrust *trust);

/* Among what is known, made when it is new; NULL when the memory is full. */
Known *scope_trust_know (ScopeTrust *trust, const char *fingerprint);
void scope_trust_drop_peer (ScopeTrust *trust, Peer *peer);
void scope_trust_drop_record (ScopeTrust *trust, Peer *peer);
