/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-kex-private: what the files of scope-kex share.
 *
 *   scope-kex.c        our own KEM keys, epochs, events and the tick
 *   scope-kex-pair.c   a pair agrees on a key: ct, ok, yes, want, rotate
 *   scope-kex-trial.c  a pair uses a key: install, use, no, confirmation, revert
 *   scope-kex-say.c    actions, messages with their MACs, log lines
 *   scope-kex-store.c  the file
 *   scope-kex-adopt.c  a preshared key from elsewhere
 */
#pragma once

#include "peer/scope-kex.h"

#include <string.h>

#define SESSION_MS 180000      /* WireGuard's REJECT_AFTER_TIME */
#define REKEY_MS 120000        /* REKEY_AFTER_TIME: the initiator makes a handshake when it sends */
#define REKEY_RECEIVE_MS 165000 /* … and when it receives */
#define MAX_HELD 4
#define MAX_CTS 32    /* ciphertexts of one peer for one of our KEM keys */
#define MAX_REVERTS 3 /* per pair and epoch */
#define MAX_REKEYS 2  /* new keys that an unauthenticated word asked for, per pair and epoch */

/* A preshared key that we keep. @heard: the highest n in a message with a MAC by it */
typedef struct {
  ScopeKexId id;
  guint64 epoch;
  ScopeKemKeys keys;
  gint64 created; /* registry's time */
  guint64 heard;
  gboolean confirmed; /* a handshake with it was seen, here or there */
  gboolean common;    /* the other end has it too, as far as we know */
  gboolean failed;    /* we went back from it */
} Held;

/* How far the next key is. */
typedef enum {
  NEXT_NONE,
  NEXT_OFFERED, /* we encapsulated, nobody answered yet */
  NEXT_AGREED,  /* it has its instant */
} NextStage;

/* How far the current one is. */
typedef enum {
  CURRENT_SETTLED,
  CURRENT_TRIAL,  /* rotated: agreement, then a handshake, else back to the one before */
  CURRENT_VERIFY, /* nothing to go back to: without a handshake it is written again */
} CurrentStage;

typedef enum {
  TIMER_OFFER,  /* send the ciphertext again */
  TIMER_OK,     /* say ok again */
  TIMER_SWITCH, /* install the next key */
  TIMER_USE,    /* ask again what the other end uses */
  TIMER_NO,     /* say again that a key did not work */
  TIMER_WANT,   /* ask for a ciphertext */
  TIMER_ROTATE, /* ask for a new key */
  TIMER_RETRY,  /* encapsulate anew after a revert */
  TIMER_LOOK,   /* look at WireGuard */
  N_TIMERS
} Timer;

typedef enum {
  REFUSED_CT_EPOCH,
  REFUSED_CT_KEM,
  REFUSED_CT_REPLAY,
  REFUSED_CT_MANY,
  REFUSED_CT_OLD,
  REFUSED_CT_BROKEN,
  REFUSED_CT_OTHER,
  REFUSED_KEY_EPOCH,
  REFUSED_KEY_OLD,
  REFUSED_KEY_BROKEN,
  REFUSED_MESSAGE_KEY,
  REFUSED_MESSAGE_MAC,
  REFUSED_MESSAGE_OLD,
  REFUSED_ROTATE,
  N_REFUSED
} Refused;

typedef struct {
  guint8 digest[32];
  guint64 epoch;
} SeenCt;

typedef struct {
  ScopeKex *kex;
  ScopeKey key;
  char name[12]; /* the key's first characters, for people */
  gboolean lower; /* we have the lower key */
  gboolean online;
  gboolean newcomer; /* we are */
  gboolean wanted;   /* it asks for a ciphertext */

  /* Its KEM key, the latest. */
  gboolean has_kem;
  guint64 kem_epoch;
  gint64 kem_issued;
  guint8 kem[SCOPE_KEM_PUBLIC_LEN];
  guint8 kem_digest[32];

  GPtrArray *held; /* newest first, with next */
  Held *current;
  Held *previous;
  Held *next;
  guint64 sent; /* our last n */

  NextStage next_stage;
  ScopeKexCt *offer; /* ours */
  guint8 ct[32];     /* digest of theirs that @next or @current came from */
  gint64 ct_issued;
  gint64 offered; /* when our last ciphertext says that it was issued */
  gboolean decapsulated;
  gboolean acked; /* we decapsulated: it has our ok */
  gboolean hurry;
  GArray *seen; /* (element-type SeenCt) */

  CurrentStage stage;
  gint64 installed; /* when current was written last */
  gint64 guard;     /* a handshake that is not newer than @installed by so much may be of the key before */
  gboolean agreed;  /* the other end uses it too */
  gboolean urgent;  /* readd whatever flows */
  gboolean readded; /* we did, for this key */
  guint readds;
  gboolean readd_due; /* as soon as the other end has gone back too */
  gboolean has_mark;
  ScopeKexStats mark;
  gint64 marked;
  gint64 attempted; /* when a handshake was under way for certain */
  guint rewrites;

  gboolean no_pending;
  ScopeKexId no_id;
  guint64 reverts_epoch;
  guint reverts;
  guint rekeys;
  gint64 rotated; /* when we last obeyed a kex.rotate */
  gboolean asks_hurry; /* our own kex.rotate does */

  gint64 at[N_TIMERS];
  guint8 tries[N_TIMERS];
  gint64 deadline;
  gint64 logged[N_REFUSED];
} Pair;

/* One of our KEM keys */
typedef struct {
  guint8 secret[SCOPE_KEM_SECRET_LEN];
  guint8 digest[32];
  ScopeKexKey key;
} Own;

struct _ScopeKex {
  ScopeKexOps ops;
  gpointer data;
  char *network;
  ScopeKey own;
  guint epoch_seconds;
  gint64 offset;
  GHashTable *pairs; /* (element-type ScopeKey Pair) */
  GPtrArray *list;
  GQueue actions;
  gboolean dirty;
  Own mine[SCOPE_KEX_EPOCHS_KEPT]; /* newest first */
  guint n_mine;
  gint64 broadcast_at; /* 0 when no epoch waits */
  gint64 own_deadline;
  guint delays;
  gint64 stranger_logged;
};

/* Overwrites it in a way that the compiler must not remove. */
#define scope_kex_wipe(p, len) explicit_bzero ((p), (len))

/* scope_kem_keys_clear() without the crypto that comes with it: this machine runs with any. */
typedef ScopeKemKeys PairKeys;

static inline void
pair_keys_clear (PairKeys *keys)
{
  scope_kex_wipe (keys, sizeof *keys);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PairKeys, pair_keys_clear)

/* scope-kex.c */
gint64 kex_registry_ms (ScopeKex *kex, gint64 now);
gboolean kex_epoch_near (ScopeKex *kex, gint64 now, guint64 epoch);
Pair *kex_pair (ScopeKex *kex, const ScopeKey *peer);
void kex_digest (ScopeKex *kex, const guint8 *bytes, gsize len, guint8 *digest);

/* scope-kex-say.c */
ScopeKexAction *say_action (ScopeKex *kex, ScopeKexActionType type, const ScopeKey *peer);
void say_log (Pair *pair, const char *format, ...) G_GNUC_PRINTF (2, 3);
void say_refused (Pair *pair, gint64 now, Refused why, const char *format, ...) G_GNUC_PRINTF (4, 5);
void say_message (Pair *pair, ScopeKexMessageType type, const Held *held, guint32 in, gboolean flag);
gboolean say_mac_ok (Pair *pair, const ScopeKexMessage *message, const ScopeKexTag *tag, const Held *held);
void say_old (Pair *pair, gint64 now, const ScopeKexMessage *message, const Held *held);
void say_install (Pair *pair, ScopeKexHow how, gboolean handshake);
void say_want (Pair *pair);

/* scope-kex-pair.c */
Held *held_new (Pair *pair, gint64 now, guint64 epoch, const ScopeKemKeys *keys);
void held_free (Held *held);
Held *held_find (Pair *pair, const ScopeKexId *id);
void pair_prune (Pair *pair, gint64 now);
void pair_arm (Pair *pair, Timer timer, gint64 now, gint64 base, gint64 cap);
void pair_stop (Pair *pair, Timer timer);
void pair_consider (Pair *pair, gint64 now);
void pair_offer (Pair *pair, gint64 now, gboolean hurry);
void pair_drop_next (Pair *pair);
void pair_handle_ct (Pair *pair, gint64 now, const ScopeKexCt *ct);
void pair_handle_ok (Pair *pair, gint64 now, const ScopeKexMessage *message, Held *held);
void pair_handle_yes (Pair *pair, gint64 now, const ScopeKexMessage *message, Held *held);
void pair_handle_rotate (Pair *pair, gint64 now, const ScopeKexMessage *message, Held *held);
void pair_expect (Pair *pair, gint64 now);
void pair_fire (Pair *pair, gint64 now);

/* scope-kex-trial.c */
void trial_install_next (Pair *pair, gint64 now);
void trial_ask (Pair *pair, gint64 now);
void trial_repeat (Pair *pair, gint64 now);
void trial_look (Pair *pair, gint64 now);
void trial_handle_use (Pair *pair, gint64 now, const ScopeKexMessage *message);
void trial_handle_no (Pair *pair, gint64 now, Held *held);
