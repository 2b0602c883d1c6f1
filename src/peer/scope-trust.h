/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-trust: what one peer believes of its network (data/protocol.md, sections 3 and 4). It stands between what
 * a registry says, perhaps a lying one, and what enters the tunnel. Pure: no I/O, the clock is handed in (seconds
 * since 1970, UTC).
 *
 * The rules beyond the protocol's:
 *
 * - In force is a peer whose grant and record both hold. A peer without a record is known, and its granted ranges
 *   are kept for it, but it is not handed out.
 * - What was verified stays in force when something new is refused. A peer that the registry no longer lists
 *   (absent in a whole roster, or `gone`) stays too, as not listed and offline, until its record (30 days at most)
 *   or its grant ends. Only a revocation, an expiry or something that the root signed ends it earlier.
 * - So a delegate, usually the registry, cannot shorten a grant that is held, and its new grant for a peer in force
 *   (another key, say) counts only with a record of that peer under it. The root's counts at once.
 * - A WireGuard key that two identities claim stays with the one that has it, unless only the other's grant is the
 *   root's, or both are and the other wins (scope_grant_wins()).
 * - A range that two grants claim goes by scope_grant_wins(), but between two of delegates, who may date them as they
 *   like, to the peer that is known longer; the loser loses only that range. A longer prefix inside
 *   another's is ordinary routing when it is granted; one that is only recorded, as a part, belongs to the longest
 *   granted prefix around it. Own ranges are never another's, nor is the own key.
 * - A range of length 0, everything, is an exit: as many as are granted it have it.
 * - A refusal is one g_warning() naming the peer's short name, once for the same envelope and reason; after
 *   SCOPE_TRUST_MAX_LINES of them the log rests for an hour.
 *
 * Memory: envelopes are kept packed (scope-envelope.h), without base64 and without the identity that the grant has
 * anyway: 7.7 kB for a peer's grant and record instead of 14. With identity, structs and tables a peer is 12 kB, and 5 kB
 * more while its key for an epoch is kept; tests/unit/test-trust.c measures it.
 */
#pragma once

#include "wire/scope-record.h"
#include "wire/scope-roster.h"
#include "wire/scope-v1.h"

#define SCOPE_TRUST_OWN_LINE "\n{\"own\":" /* how the line of our grant begins in the cache */
#define SCOPE_TRUST_MAX_PEERS 10000
#define SCOPE_TRUST_MAX_KNOWN (2 * SCOPE_TRUST_MAX_PEERS) /* identities whose sequence is remembered */
#define SCOPE_TRUST_MAX_DELEGATIONS 64
#define SCOPE_TRUST_MAX_FORKS 16                    /* waiting to be reported */
#define SCOPE_TRUST_MAX_LINES 256                   /* of refusals, then an hour of silence */
#define SCOPE_TRUST_MAX_BYTES (256 * 1024 * 1024)   /* of a cache */
#define SCOPE_TRUST_WHOLE_SECONDS (24 * 3600)       /* how long deltas are enough after something was refused */

/**
 * ScopeTrustPeer:
 * @key: WireGuard public key
 * @identity: borrowed from @grant
 * @role: as the record says, within the grant
 * @ranges: (element-type ScopePrefix): as recorded, without those that belong to somebody else
 * @candidates: endpoints in order, NULL-terminated: the record's, then those where the registry or others saw it. Texts
 *   and array are borrowed
 * @listed: the registry lists it
 * @online, @pipe, @seen: the registry's notes; @seen in ms since 1970
 * @needs_pq: traffic only under a preshared key that was agreed on post-quantum: never with our policy off; always
 *   with required; with preferred when the peer offers it, or ever did
 * @has_kex: a verified `scope-kex-key` is there, see scope_trust_peer_kex()
 *
 * A peer in force. Valid until the next call that takes something, tick, or load.
 */
typedef struct {
  ScopeKey key;
  ScopeIdentityPublic *identity;
  const ScopeGrant *grant;
  const ScopeRecord *record;
  ScopeRole role;
  GArray *ranges;
  const char **candidates;
  gboolean listed;
  gboolean online;
  gboolean pipe;
  gint64 seen;
  gboolean needs_pq;
  gboolean has_kex;
} ScopeTrustPeer;

typedef struct _ScopeTrust ScopeTrust;

/**
 * scope_trust_new:
 * @network: its name
 * @root: the pinned fingerprint
 * @own: our WireGuard public key
 * @identity: our identity's public half (a reference is taken)
 * @pq: our policy
 */
ScopeTrust *scope_trust_new (const char *network, const char *root, const ScopeKey *own, ScopeIdentityPublic *identity,
                             ScopePq pq);
void scope_trust_free (ScopeTrust *trust);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeTrust, scope_trust_free)

/* --- taking -------------------------------------------------------------------------------- */

/* Those that take return whether what is handed out (peers, own grant) changed. Refusals are logged, not returned. */

/**
 * scope_trust_take:
 * @message: any message from a registry; those that say nothing about members are ignored
 *
 * The whole: challenge (its root), welcome, roster, join, move, leave, gone, grant, revocation, kex.key. Not kill, nor
 * the kill of a welcome: for these call scope_trust_kill().
 */
gboolean scope_trust_take (ScopeTrust *trust, const ScopeV1Message *message, gint64 now);

/* @identity: base64url of the root's public half. Returns: whether the root is known now: it must be the pinned one.
 * Nothing signed is believed before. */
gboolean scope_trust_set_root (ScopeTrust *trust, const char *identity, gint64 now);

/* Envelopes' text. */
gboolean scope_trust_add_delegation (ScopeTrust *trust, const char *envelope, gint64 now);
gboolean scope_trust_set_revocation (ScopeTrust *trust, const char *envelope, gint64 now);
gboolean scope_trust_set_grant (ScopeTrust *trust, const char *envelope, gint64 now);

/* One entry, without a revision. */
gboolean scope_trust_take_entry (ScopeTrust *trust, const ScopeV1Entry *entry, gint64 now);

/* Proof from elsewhere that the peer with @key has post-quantum keys, such as a verified ciphertext of it. */
void scope_trust_note_pq (ScopeTrust *trust, const ScopeKey *key);

/**
 * scope_trust_kill:
 * @envelope: text
 *
 * Returns: (transfer full) (nullable): the kill that is to be obeyed, once for each counter. Store
 * scope_trust_serialise() before acting on it: the counter is in there.
 */
ScopeKill *scope_trust_kill (ScopeTrust *trust, const char *envelope, gint64 now);

/**
 * scope_trust_tick:
 * @next: (out) (optional): when something ends next, in seconds since 1970; G_MAXINT64 for never
 *
 * Drops what has ended.
 */
gboolean scope_trust_tick (ScopeTrust *trust, gint64 now, gint64 *next);

/* --- handing out --------------------------------------------------------------------------- */

gboolean scope_trust_has_root (const ScopeTrust *trust);

/* For who verifies other things of the root's; NULL before the root is known. Borrowed. */
const ScopeAuthority *scope_trust_authority (const ScopeTrust *trust);

/* Ours, NULL when there is none that holds. Borrowed. */
const ScopeGrant *scope_trust_own_grant (const ScopeTrust *trust);

/* The envelope of our grant, for a hello. (transfer full) (nullable) */
char *scope_trust_own_envelope (const ScopeTrust *trust);

/* Our addresses: the first range of full length of each family in our grant; empty without a grant.
 * (transfer full) (element-type ScopePrefix) */
GArray *scope_trust_addresses (const ScopeTrust *trust);

/* The peers in force, by key. (transfer container) (element-type ScopeTrustPeer) */
GPtrArray *scope_trust_peers (const ScopeTrust *trust);
guint scope_trust_n_peers (const ScopeTrust *trust);

/* NULL unless it is in force. */
const ScopeTrustPeer *scope_trust_find (const ScopeTrust *trust, const ScopeKey *key);

/* A peer's newest `scope-kex-key` envelope. (transfer full) (nullable). Give its memory back once it has been used. */
char *scope_trust_peer_kex (const ScopeTrustPeer *peer);
void scope_trust_drop_kex (ScopeTrust *trust, const ScopeKey *key);

/**
 * scope_trust_roster:
 *
 * The peers in force as scope_plan_new() wants them: ranges, and the first candidate as the endpoint; @self is NULL;
 * our own entry is among them when we have a grant. The heartbeat is the default: the welcome may know better.
 *
 * Returns: (transfer full)
 */
ScopeRoster *scope_trust_roster (const ScopeTrust *trust);

/* Two records of one peer that contradict each other, to be reported: each pair once. FALSE when there is none.
 * @fork: (out) (transfer full): two envelopes */
gboolean scope_trust_take_fork (ScopeTrust *trust, char *fork[2]);

/**
 * scope_trust_since:
 * @generation: (out) (transfer none): NULL with revision 0
 *
 * What to say in a hello. 0, the whole roster, also when something that was refused may be good by now.
 */
guint64 scope_trust_since (const ScopeTrust *trust, gint64 now, const char **generation);

/* The sequence of our next record: strictly rising, also over restarts. Serialise before it is published. */
guint64 scope_trust_next_sequence (ScopeTrust *trust, gint64 now_ms);

/* --- the cache ----------------------------------------------------------------------------- */

/* Whether there is something that the last scope_trust_serialise() did not have. */
gboolean scope_trust_is_dirty (const ScopeTrust *trust);

/**
 * scope_trust_serialise:
 *
 * Text for the disk (mode 0600): a JSON object in each line (scope-trust-cache.c says which). Marks it clean.
 *
 * Returns: (transfer full)
 */
GString *scope_trust_serialise (ScopeTrust *trust);

/**
 * scope_trust_load:
 * @trust: a new one
 *
 * Verifies everything again. What is not good is left out with a warning, what has ended without one. Who was online at
 * the cached revision still is, as far as the registry's next delta does not say otherwise: wait for it.
 *
 * Returns: whether it is a cache of this network and root; nothing was taken otherwise
 */
gboolean scope_trust_load (ScopeTrust *trust, const char *text, gsize len, gint64 now);
