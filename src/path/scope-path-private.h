/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-path-private: what the parts of scope-path share. Each part decides one thing: scope-path-pair what two peers agree
 * on, scope-path-relays which third relay, scope-path-attach which relay an edge is attached to, scope-path-alone whether a
 * relay is of use at all.
 */
#pragma once

#include "path/scope-damping.h"
#include "path/scope-path.h"

#define PLAN_MIN_MS 50   /* a planned change: the other end hears of it before, also at the second try */
#define PLAN_MAX_MS 1000
#define SAY_MIN_MS 200
#define SAY_AGAIN_MS 5000
#define SAY_MAX_MS 600000
#define SAY_MAX_RELAY_MS 30000 /* they are few, and much goes over them */
#define LOSSY_PERCENT 20
#define CLEAN_PERCENT 10
#define UNKNOWN_MS 5000 /* a way of which nothing is known */

typedef struct Peer Peer;

typedef enum {
  LINK_UNKNOWN, /* perhaps being tried */
  LINK_UP,
  LINK_DOWN,
} Link;

/* The other end of a pair cannot use this relay as a third. */
typedef struct {
  Peer *relay;
  gint64 until;
} Refusal;

/*
 * What we and a peer of our kind agree on: the value with the highest number holds, of two with the same number that of the
 * lower key. So both ends may change it whenever they must, and after one message that arrives they agree.
 */
typedef struct {
  guint64 n;
  ScopePathHow how;
  Peer *via;
  gint64 at;         /* when it is to be used */
  gboolean need_yes; /* and not before the other end has it */
  ScopePathHow used_how;
  Peer *used_via;

  gboolean unsaid; /* the other end may not have it */
  gboolean ask;
  gboolean ask_direct;
  guint tries;
  gint64 say_at; /* G_MAXINT64: not */
  gint64 kept_until; /* two relays: the other end needs the link for others, so no third one for latency's sake */
  gint64 made_until; /* two relays: until then it was made a leg for another one, who will soon need it */
  gint64 resay_after;
  guint again;      /* two relays without a way: ms until they tell each other again what they have */
  gint64 again_at;  /* 0: not */
  guint asked_relays; /* two edges: so many words over the relays without an answer */
  gint64 ask_relays_at; /* 0: not */

  guint n_legs; /* of the other end */
  Peer *legs[SCOPE_PATH_MESSAGE_MAX_LEGS];
  GArray *refusals; /* (nullable) */
} Pair;

/* An edge of ours that a relay may not have heard of */
typedef struct {
  Peer *edge;
  guint64 n; /* number of the message that told it; 0: none yet */
} Unheard;

struct Peer {
  ScopeKey key;
  ScopeRole role;
  gboolean member; /* FALSE: somebody spoke of it */
  gboolean pipe;
  gboolean online;

  /* an edge's */
  Peer *attachment;
  guint64 sequence; /* of the newest word, which @next is from, if there is one */
  Peer *next;
  gint64 next_at;
  guint64 told; /* by us as its relay to all others: the sequence */

  /* our link */
  Link link;
  guint rtt;
  guint loss; /* per cent × 256 */
  gboolean lossy;
  gint64 up_since;
  ScopeHold hold;
  gboolean alone;  /* a relay, to an edge: it reaches no other one */
  gint64 forgiven; /* until then a lost link is not held down */
  ScopeDamping *damping;

  Pair *pair;

  GArray *unheard; /* (nullable) (element-type Unheard): a relay, to a relay */
  guint unheard_tries;
  gint64 unheard_at;

  guint index; /* in the table; G_MAXUINT: not there */
  guint place; /* in the list */
};

struct ScopePath {
  ScopeKey own;
  ScopeRole role;
  gint64 now;
  gboolean registry;
  gboolean changed;
  gint64 deadline;
  GHashTable *peers;
  GPtrArray *list;   /* all of them; owns */
  GArray *deadlines; /* (element-type gint64): of each, in that order: they are looked at often */
  GPtrArray *relays; /* members that are relays */
  Peer *self;
  GQueue queue;

  /* we as an edge */
  guint64 sequence;
  Peer *preferred;  /* NULL: none; perhaps no relay */
  Peer *relay;      /* NULL: none */
  Peer *next_relay; /* from next_relay_at on, once it has said yes */
  gint64 next_relay_at;
  gboolean said;
  guint say_tries;
  gint64 say_at;
  gint64 resay_after;
  gboolean begun;    /* attached once */
  gint64 settled_at; /* 0: it is */
  gint64 review_at;
  gint64 leave_at;   /* when ours is alone: not before */

  /* we as a relay */
  guint64 attached_n;
  gboolean alone; /* so the edges were told */
  gint64 alone_at; /* when this is to be changed */
  gint64 legs_at; /* new legs: try those that we do not reach */
  ScopeLatency *coming;
  guint n_coming;
  gint64 coming_at;
  guint n_table;
  guint32 *ms; /* n_table × n_table */
  guint8 *direct; /* a Detour for each of them */
};

/* What is better left alone as long as there is something else */
static inline guint
relay_class (const Peer *peer)
{
  return peer->role == SCOPE_ROLE_MASTER ? 2 : peer->pipe ? 1 : 0;
}

static inline gboolean
same_kind (ScopePath *path, const Peer *peer)
{
  return peer->member && scope_role_is_relay (path->role) == scope_role_is_relay (peer->role);
}

static inline gboolean
is_chair (ScopePath *path, const Peer *peer)
{
  return scope_key_compare (&path->own, &peer->key) < 0;
}

static inline guint32
plan_in (const Peer *peer)
{
  return CLAMP (peer->rtt * 2 + 10, PLAN_MIN_MS, PLAN_MAX_MS);
}

/*
 * Two edges: who proposes waits for the answer anyway, so this is when it is there; the other end follows half a round trip
 * later, when the first packet comes. What is planned longer ahead is only later.
 */
static inline guint32
plan_direct_in (const Peer *peer)
{
  return MIN (peer->rtt + 10, PLAN_MAX_MS);
}

/* scope-path.c */
Peer *path_peer (ScopePath *path, const ScopeKey *key);
void path_arm (ScopePath *path, Peer *peer, gint64 at);
ScopePathMessage *path_send (ScopePath *path, Peer *to, ScopePathMessageType type, gboolean direct);
guint path_say_delay (const Peer *peer, guint tries);

/* scope-path-pair.c */
Pair *pair_of (Peer *peer);
void pair_free (Pair *pair);
void pair_write (ScopePath *path, Peer *peer, ScopePathHow how, Peer *via, guint32 in);
void pair_resay (ScopePath *path, Peer *peer, gboolean ask);
void pair_use_now (ScopePath *path, Peer *peer);
void pair_say (ScopePath *path, Peer *peer, gboolean answer, gboolean direct);
void pair_review (ScopePath *path, Peer *peer);
void pair_lone (ScopePath *path);
void pair_handle (ScopePath *path, Peer *peer, gboolean direct, const ScopePathMessage *message);
void pair_tick (ScopePath *path, Peer *peer);
void pair_again (ScopePath *path);

/* scope-path-relays.c */
gboolean relays_leg (ScopePath *path, const Peer *peer);
gboolean relays_needs (ScopePath *path, const Peer *leg);
void relays_told (ScopePath *path, Peer *peer);
void relays_review (ScopePath *path, Peer *peer);
void relays_lost (ScopePath *path, Peer *peer, gboolean say);
void relays_choose_again (ScopePath *path, Peer *peer, gboolean say, gboolean told);
void relays_leg_lost (ScopePath *path, Peer *leg);
void relays_leg_found (ScopePath *path);
guint relays_legs (ScopePath *path, Peer *peer, ScopeKey *legs);
void relays_refused (ScopePath *path, Peer *peer, Peer *via);
void relays_not_refused (Pair *pair, const Peer *via);
guint32 relays_ms (ScopePath *path, const Peer *a, const Peer *b);
void relays_tier (ScopePath *path, Peer *third);
void relays_no_way (ScopePath *path, Peer *peer);
void relays_table (ScopePath *path);
void relays_tick (ScopePath *path);

/* scope-path-attach.c */
void attach_link_up (ScopePath *path, Peer *peer);
void attach_lost (ScopePath *path, Peer *peer);
void attach_sample (ScopePath *path, Peer *peer);
void attach_review (ScopePath *path);
void attach_review_at (ScopePath *path, gint64 at);
void attach_resay (ScopePath *path);
void attach_tick (ScopePath *path);
void attach_word (ScopePath *path, Peer *edge, Peer *relay, guint64 sequence, guint32 in);
void attach_handle (ScopePath *path, Peer *peer, gboolean direct, const ScopePathMessage *message);
void attach_tell (ScopePath *path, Peer *relay, gboolean all);
void attach_peer_tick (ScopePath *path, Peer *peer);

/* scope-path-alone.c */
void alone_review (ScopePath *path);
void alone_tick (ScopePath *path);
void alone_heard (ScopePath *path, Peer *relay, gboolean alone);
void alone_link_up (ScopePath *path, const Peer *relay);
