/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-kex: the post-quantum preshared keys of this peer with every other one: who makes a key with whom
 * and when, when both install it, and what they do when it does not work (data/protocol.md, section 6). Pure:
 * no I/O, no timers, no clock, no randomness of its own. Events and the time go in, actions come out.
 *
 * A driver does this:
 *
 * - what comes from the registry, once its signature is verified, goes into one of the scope_kex_handle_…();
 * - after every call it empties the queue with scope_kex_pop() and does what is there, in that order;
 * - at scope_kex_deadline() (asked again after every call) it calls scope_kex_tick();
 * - it writes WireGuard's peer table with the keys of scope_kex_current(), always. With pq=required a peer
 *   without a key is not in it. SCOPE_KEX_INSTALL says when, and how, a key in the table changes.
 *
 * All times are ms of one steady clock of the driver's (monotonic, with whatever beginning); the registry's
 * time is that plus an offset, and matters for the epoch only. Nothing here is for more than one thread.
 */
#pragma once

#include "wire/scope-kex-message.h"
#include "wire/scope-record.h"
#include "wire/scope-v1.h"

#define SCOPE_KEX_EPOCH_SECONDS 3600
#define SCOPE_KEX_EPOCHS_KEPT 3
#define SCOPE_KEX_MAX_AGE_MS (G_GINT64_CONSTANT (30) * 24 * 3600 * 1000)
#define SCOPE_KEX_CONFIRM_MS 15000
#define SCOPE_KEX_STORE_MAX_BYTES (8 * 1024 * 1024)

typedef struct _ScopeKex ScopeKex;

/**
 * ScopeKexStats:
 * @handshake: when the last one was, in the clock of @now; 0 for never
 * @rx, @tx: bytes since the peer was added
 */
typedef struct {
  gint64 handshake;
  guint64 rx;
  guint64 tx;
} ScopeKexStats;

/**
 * ScopeKexOps:
 * @generate, @encapsulate, @decapsulate, @confirm: scope_kem_…(), see there
 * @digest: scope_sha3_256()
 * @look: what WireGuard shows of @peer now; FALSE when it is not there. Asked within the calls below, for few peers and
 *   seldom; an answer that is some 50 ms old is good enough
 */
typedef struct {
  gboolean (*generate) (guint8 *secret, guint8 *pub, GError **error);
  gboolean (*encapsulate) (const guint8 *pub, const ScopeKemContext *context, guint8 *ciphertext, ScopeKemKeys *keys,
                           GError **error);
  gboolean (*decapsulate) (const guint8 *secret, const ScopeKemContext *context, const guint8 *ciphertext,
                           ScopeKemKeys *keys, GError **error);
  void (*confirm) (const ScopeKemKeys *keys, const char *message, guint8 *mac);
  void (*digest) (GBytes *bytes, guint8 *digest);
  gboolean (*look) (const ScopeKey *peer, ScopeKexStats *stats, gpointer data);
} ScopeKexOps;

typedef enum {
  SCOPE_KEX_BROADCAST, /* @key: sign it, send it as kex.key, keep the envelope for SCOPE_KEX_SEND_WANT and hello */
  SCOPE_KEX_SEND_WANT, /* @key, as in the last BROADCAST: send {"kex":<JWS>} as kex.want to @peer */
  SCOPE_KEX_SEND_CT,   /* @ct: sign it, send {"ct":<JWS>} as kex.ct to @peer; comes again while it is not answered */
  SCOPE_KEX_SEND,      /* @message: scope_kex_message_format(), to @peer */
  SCOPE_KEX_INSTALL,   /* @preshared, @how: write it to WireGuard, for @peer */
  SCOPE_KEX_SAVE,      /* scope_kex_save() to a file of mode 0600; at most once per queue, at its end */
  SCOPE_KEX_LOG,       /* @text; @refused: something from outside was not taken */
} ScopeKexActionType;

/**
 * ScopeKexHow:
 * @SCOPE_KEX_FIRST: the peer has no key so far: add it to the table with this one. @handshake: and make a handshake
 *   from here, since the other end is ready for it (the one that waits for it keeps quiet)
 * @SCOPE_KEX_IN_PLACE: set the preshared key and nothing else; the live session goes on
 * @SCOPE_KEX_READD: remove and add the peer in one batch (scope_wg_change_readd()) and see to it that it
 *   sends something (a keepalive set from 0 does): a new handshake at once
 */
typedef enum {
  SCOPE_KEX_FIRST,
  SCOPE_KEX_IN_PLACE,
  SCOPE_KEX_READD,
} ScopeKexHow;

typedef struct {
  ScopeKexActionType type;
  ScopeKey peer;
  ScopeKexKey *key;
  ScopeKexCt *ct;
  ScopeKexMessage message;
  ScopeKey preshared;
  ScopeKexHow how;
  gboolean handshake;
  gboolean refused;
  char *text;
} ScopeKexAction;

/* Overwrites the preshared key. */
void scope_kex_action_free (ScopeKexAction *action);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeKexAction, scope_kex_action_free)

/**
 * scope_kex_new:
 * @ops: copied
 * @data: for @ops->look
 * @network: its name
 * @own: our WireGuard public key
 * @epoch_seconds: the registry's parameter, SCOPE_KEX_EPOCH_SECONDS when it has none
 *
 * Says nothing until the first scope_kex_tick() or peer.
 */
ScopeKex *scope_kex_new (const ScopeKexOps *ops, gpointer data, const char *network, const ScopeKey *own,
                         guint epoch_seconds);

/* Overwrites all keys. */
void scope_kex_free (ScopeKex *kex);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeKex, scope_kex_free)

/* @offset: registry's time in ms since 1970 minus the steady clock, as well as it is known. May change at any time. */
void scope_kex_set_offset (ScopeKex *kex, gint64 offset);

/* Another length than so far makes our KEM keys useless: new ones follow. Kept by scope_kex_save(). */
void scope_kex_set_epoch_seconds (ScopeKex *kex, guint epoch_seconds);

/**
 * scope_kex_adopt:
 * @preshared: what WireGuard has for @peer, from elsewhere; nothing happens when it is all zero, or when there is a key
 *   already
 *
 * For an interface that is not ours (mode keys-only): a key that both ends were given by their admins is the one to go
 * back to when the first of ours does not work. Call it before scope_kex_peer_online(). Without it the first key is never
 * taken back.
 */
void scope_kex_adopt (ScopeKex *kex, gint64 now, const ScopeKey *peer, const ScopeKey *preshared);

/**
 * scope_kex_peer_online:
 * @newcomer: TRUE when *we* are: the peer was online in the roster that we got; FALSE when its `join` came later
 *
 * A peer whose record says pq=preferred or required, and that has (or shall have) a tunnel with us, is there and
 * can be sent messages. Call it again when it, or we, come back to the registry.
 */
void scope_kex_peer_online (ScopeKex *kex, gint64 now, const ScopeKey *peer, gboolean newcomer);

/* Gone from the registry, or we are: nothing is sent; its keys stay. */
void scope_kex_peer_offline (ScopeKex *kex, gint64 now, const ScopeKey *peer);

/* No longer a member: its keys are forgotten. Take it from the table. */
void scope_kex_peer_removed (ScopeKex *kex, gint64 now, const ScopeKey *peer);

/* A verified scope-kex-key, from kex.key or a roster's entry. */
void scope_kex_handle_key (ScopeKex *kex, gint64 now, const ScopeKexKey *key);

/* The same from kex.want: the peer misses a ciphertext of ours. */
void scope_kex_handle_want (ScopeKex *kex, gint64 now, const ScopeKexKey *key);

/* A verified scope-kex-ct, from kex.ct. */
void scope_kex_handle_ct (ScopeKex *kex, gint64 now, const ScopeKexCt *ct);

/* Anything else that is between two peers, parsed; its MAC is verified here. */
void scope_kex_handle_message (ScopeKex *kex, gint64 now, const ScopeKey *from, const ScopeKexMessage *message);

void scope_kex_tick (ScopeKex *kex, gint64 now);

/* When scope_kex_tick() is to be called; G_MAXINT64 for never. */
gint64 scope_kex_deadline (ScopeKex *kex);

/**
 * scope_kex_rotate:
 * @hurry: in use within a second, which costs two round trips of traffic; otherwise from WireGuard's next handshake that
 *   is at least a minute away, which costs none
 *
 * New keys with everybody who is online (`scopectl rotate`).
 */
void scope_kex_rotate (ScopeKex *kex, gint64 now, gboolean hurry);

/* (transfer full) (nullable): what to do next */
ScopeKexAction *scope_kex_pop (ScopeKex *kex);

/* FALSE, and @preshared cleared, without a key. */
gboolean scope_kex_current (ScopeKex *kex, const ScopeKey *peer, ScopeKey *preshared);

/* For kex.state: the epoch, whether our key for it is out, and how far each peer is in it. */
guint64 scope_kex_epoch (ScopeKex *kex, gint64 now);
gboolean scope_kex_has_broadcast (ScopeKex *kex, gint64 now);
gboolean scope_kex_progress (ScopeKex *kex, gint64 now, const ScopeKey *peer, ScopeV1Progress *progress);

/* (transfer full): JSON with secrets in it: free it with scope_secret_free() */
char *scope_kex_save (ScopeKex *kex);

/**
 * scope_kex_load:
 * @text: from scope_kex_save(), perhaps of an earlier life
 * @error: SCOPE_ERROR_PROTOCOL, naming the field; @kex then is as it was
 *
 * Before anything else, with the offset set. Keys that are older than 30 days are left out. Says nothing about
 * installing: the table is to be written with scope_kex_current().
 */
gboolean scope_kex_load (ScopeKex *kex, gint64 now, const char *text, gsize len, GError **error);
