/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-path: which way packets go, as one peer decides it (data/protocol.md, section 9). No I/O: it is told who there
 * is, what the links do and what others say, each with the time; it says whom a packet for somebody is handed to
 * (scope_path_next_hop()), which relay this edge is attached to, and what to send.
 *
 * WireGuard takes a packet only from the peer to which packets for its source would go. So what matters is that both ends
 * agree, at once; where they cannot be told at once, that they do after the first message that arrives.
 * - Two edges: one number and one way, direct or relayed, that both hold (scope-path-pair). Who loses the direct link
 *   goes to relayed at once and says so.
 * - Two relays: the same with direct or over a third relay; the lower key proposes what the registry's table says.
 * - An edge and its relay: the edge says so to the relay, the relay to all other relays (scope-path-attach). A relay that
 *   reaches no other one tells its edges (scope-path-alone).
 *
 * Times are ms of one steady clock that starts above 0; latencies are round trips in ms.
 */
#pragma once

#include "crypto/scope-authority.h"
#include "wire/scope-latency.h"
#include "wire/scope-path-message.h"

typedef struct ScopePath ScopePath;

/**
 * ScopePathMember:
 * @role: as the record says; a relay is who says relay or master
 * @pipe: the registry marked this relay
 * @online: the registry sees it; without a registry: what is known from before
 * @attachment: what its record says; zero for none
 * @sequence: of that record; older ones are not believed over what a relay said of this edge
 */
typedef struct {
  ScopeKey key;
  ScopeRole role;
  gboolean pipe;
  gboolean online;
  ScopeKey attachment;
  guint64 sequence;
} ScopePathMember;

/**
 * ScopePathSend:
 * @direct: over the link to @to (UDP 51819) and no other way; it may be lost. Otherwise any way: the link where there is
 *   one that works, else the registry, else relays (`to`); losing it is taken care of
 * @relayed: over relays as packets to @to go now, and no other way
 *
 * What is to be sent. Send at once: a later message does not wait for an earlier one.
 */
typedef struct {
  ScopeKey to;
  gboolean direct;
  gboolean relayed;
  ScopePathMessage message;
} ScopePathSend;

/* How packets go, for people */
typedef enum {
  SCOPE_PATH_WAY_NONE,   /* they do not */
  SCOPE_PATH_WAY_DIRECT,
  SCOPE_PATH_WAY_RELAY,  /* over one relay */
  SCOPE_PATH_WAY_RELAYS, /* over two or three */
  SCOPE_PATH_WAY_PIPE,   /* the first relay is a pipe */
  SCOPE_PATH_WAY_MASTER, /* … or a master */
} ScopePathWay;

/**
 * scope_path_new:
 * @sequence: an attachment of ours gets a higher one (registry's time in ms is good)
 */
ScopePath *scope_path_new (const ScopeKey *own, ScopeRole role, guint64 sequence);
void scope_path_free (ScopePath *path);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopePath, scope_path_free)

/* Tells of one member: a new one, or what has changed of it. Ourselves is nobody. */
void scope_path_member (ScopePath *path, gint64 now, const ScopePathMember *member);

/* Revoked, or away for long. */
void scope_path_member_gone (ScopePath *path, gint64 now, const ScopeKey *key);

/**
 * scope_path_table:
 * @table: (array length=n): the whole of `paths`; only relays look at it
 * @at: when it takes effect; now or earlier: at once
 */
void scope_path_table (ScopePath *path, gint64 now, const ScopeLatency *table, guint n, gint64 at);

/* The session with the registry is there, or lost. */
void scope_path_registry (ScopePath *path, gint64 now, gboolean connected);

/**
 * scope_path_link_up:
 *
 * A handshake or a probe's echo: it works in both directions. Also again when the peer has
 * begun a new life (a handshake after silence, `join`). Call it once for each handshake, not for each packet.
 */
void scope_path_link_up (ScopePath *path, gint64 now, const ScopeKey *key, guint rtt);

/*
 * The link does not answer any longer (liveness): it is held down for a while. Or it cannot be made: until that is said of a
 * link that never was up, packets may go there, and two relays do not look for a third.
 */
void scope_path_link_down (ScopePath *path, gint64 now, const ScopeKey *key);

/**
 * scope_path_link_sample:
 * @rtt: ms
 * @loss: per cent of the probes since the last sample
 *
 * How well a link works, at whatever interval probes are made.
 */
void scope_path_link_sample (ScopePath *path, gint64 now, const ScopeKey *key, guint rtt, guint loss);

/*
 * An orderly goodbye on the link: it is gone, nothing is held down. Not the registry's `leave`, which also comes when only
 * the session with the registry has ended.
 */
void scope_path_left (ScopePath *path, gint64 now, const ScopeKey *key);

/* This peer has moved, or we have (NULL): a link that is lost for that, within 3 s, was no bad one and is not held down. */
void scope_path_moved (ScopePath *path, gint64 now, const ScopeKey *key);

/* @direct: it came on the link of @from, from its link address */
void scope_path_handle (ScopePath *path, gint64 now, const ScopeKey *from, gboolean direct,
                        const ScopePathMessage *message);

void scope_path_tick (ScopePath *path, gint64 now);

/* When scope_path_tick() is to be called; G_MAXINT64 for never. */
gint64 scope_path_deadline (ScopePath *path);

/* Takes the next message out of the queue into @send; FALSE when there is none. After each call of the above. */
gboolean scope_path_pop (ScopePath *path, ScopePathSend *send);

/* Whether next hops or our attachment may have changed since the last call of this. */
gboolean scope_path_changed (ScopePath *path);

/**
 * scope_path_next_hop:
 *
 * Returns: (nullable): the peer whose allowed IPs have @dest's addresses; @dest itself for a direct one; NULL when there is
 *   no way. Valid until the next call with a time.
 */
const ScopeKey *scope_path_next_hop (ScopePath *path, const ScopeKey *dest);

gboolean scope_path_is_direct (ScopePath *path, const ScopeKey *dest);

/**
 * scope_path_attachment:
 * @key: (out): our relay; zero for none
 *
 * For our record, whose sequence must be at least what this returns: a record is older or says the same.
 */
guint64 scope_path_attachment (ScopePath *path, ScopeKey *key);

/**
 * scope_path_prefer:
 * @relay: (nullable): NULL for none
 *
 * An edge sends what has no better way to its exit over the link to it, and a relay takes that only from who is attached to it:
 * while the link to @relay is up, and after its hold-down, that is our attachment whatever its latency, loss and kind are. Else
 * the usual rules hold.
 */
void scope_path_prefer (ScopePath *path, gint64 now, const ScopeKey *relay);

/*
 * scope_path_attachment() is where we are about to go, and what we have used until now works on: that relay has not answered yet, and
 * may be dead. A record that says so would have others send what is for us to it; with an answer the relay itself tells them.
 */
gboolean scope_path_is_moving (ScopePath *path);

/* Our record was signed with this sequence: the next attachment gets a higher one. */
void scope_path_sequence (ScopePath *path, guint64 sequence);

/* The relay that an edge is attached to as we know it. NULL for none. */
const ScopeKey *scope_path_attachment_of (ScopePath *path, const ScopeKey *edge);

ScopePathWay scope_path_way (ScopePath *path, const ScopeKey *dest);

/**
 * scope_path_least:
 * @sum: (out): ms by way of the third relay
 * @source: (out): that relay
 *
 * Between relays: `leastSum` and `leastSource`. FALSE unless packets to @dest go over a third relay.
 */
gboolean scope_path_least (ScopePath *path, const ScopeKey *dest, guint *sum, ScopeKey *source);
