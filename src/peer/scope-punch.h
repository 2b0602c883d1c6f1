/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-punch: how two peers meet through their NATs (data/protocol.md, section 9, "Punching"), as one end does it.
 * Pure: time is handed in (ms, monotonic), what is to be sent goes through calls.
 *
 * WireGuard handshakes that cross collide: both at once takes 15 s and more. So only one end, the caller, ever
 * begins one, and only where a check has been answered. The other, the opener, sends checks with a short
 * TTL first: they open its own NAT and die before the caller's, where an unexpected packet may cost
 * a port mapping (routers without a filter towards themselves): half a minute without a way through. So an opener sends
 * nothing else. Where there are more NATs on its way than those checks pass, the next try, with parts swapped, finds them
 * open: the one's by what it sent as the caller, the other's by what it sends now.
 */
#pragma once

#include "common/scope-endpoint.h"
#include "wire/scope-punch-message.h"

#define SCOPE_PUNCH_TTL 2 /* past our own router, not to theirs */

/**
 * ScopePunchCalls:
 * @say: a punch.call or punch.open for the other end: by registry or relays
 * @check: connectivity checks from the tunnel's port to all @candidates; @ttl 0 is the system's
 * @found: we are the caller, and this endpoint answers: hand it to WireGuard, which makes the handshake
 * @failed: all tries were in vain, for now
 */
typedef struct {
  void (*say) (const ScopePunchMessage *message, gpointer data);
  void (*check) (const ScopePunchMessage *theirs, const ScopeSockaddr *candidates, guint n, int ttl, gpointer data);
  void (*found) (const ScopeSockaddr *endpoint, gpointer data);
  void (*failed) (gpointer data);
} ScopePunchCalls;

/**
 * ScopePunchSelf:
 * @id, @pwd: our credentials with this peer
 * @candidates: where we may be reached, best first
 */
typedef struct {
  char id[SCOPE_PUNCH_ID_LEN + 1];
  char pwd[SCOPE_PUNCH_PWD_MAX + 1];
  ScopeNatKind nat;
  char **candidates;
} ScopePunchSelf;

typedef struct _ScopePunch ScopePunch;

/**
 * scope_punch_new:
 * @lower: our key is the lower one
 * @self: borrowed; may change between calls
 */
ScopePunch *scope_punch_new (gboolean lower, const ScopePunchSelf *self, const ScopePunchCalls *calls, gpointer data);
void scope_punch_free (ScopePunch *punch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopePunch, scope_punch_free)

/**
 * scope_punch_start:
 * @first: whether the first call would be ours, as far as we know; see scope_punch_is_caller()
 *
 * Tries at 0, 0.4, 1.2, 2.8 and 6 s, with parts swapped each time. Does nothing while it is under way.
 */
void scope_punch_start (ScopePunch *punch, gboolean first, gint64 now);

/* Who calls first: who is behind a closed NAT when the other is not, else the lower key. */
gboolean scope_punch_is_caller (gboolean lower, ScopeNatKind ours, ScopeNatKind theirs);

/* Ends it: the link is there, or nobody wants it. */
void scope_punch_stop (ScopePunch *punch);
gboolean scope_punch_is_running (const ScopePunch *punch);

/* A message of the other end: starts it here, too. */
void scope_punch_take (ScopePunch *punch, const ScopePunchMessage *message, gint64 now);

/* A check of ours was answered from there. */
void scope_punch_answered (ScopePunch *punch, const ScopeSockaddr *from, gint64 now);

/* A check of theirs came from there: perhaps none of their candidates. */
void scope_punch_heard (ScopePunch *punch, const ScopeSockaddr *from, gint64 now);

/* What is due; returns when next: G_MAXINT64 for never. */
gint64 scope_punch_tick (ScopePunch *punch, gint64 now);
