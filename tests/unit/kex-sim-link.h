/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kex-sim-link: WireGuard between two peers in virtual time, as far as preshared keys are concerned: handshakes of
 * one and a half round trips that need the same key at both ends, sessions that their initiator renews after 120 s
 * when it sends and that end after 180 s, a responder that knows only with the first data, retries after 5 s,
 * handshakes that cross. And the traffic over it. Nothing happens by itself: kex_link_advance() works
 * off what was due.
 */
#pragma once

#include "peer/scope-kex.h"

typedef enum {
  TRAFFIC_STEADY,
  TRAFFIC_BURSTY,
  TRAFFIC_IDLE,
} Traffic;

typedef struct {
  gboolean present; /* the other one is in its table */
  ScopeKey psk;
  guint64 session; /* 0: none */
  guint64 before;  /* the session before, with which it still receives */
  gint64 handshake;
  gboolean initiator;
  guint64 rx, tx;
  gboolean want;       /* makes a handshake without traffic: a keepalive that was set */
  gboolean into_void;  /* sends in a session that the other end dropped with a readd */
} LinkEnd;

typedef struct {
  guint peers[2]; /* who they are, for people */
  LinkEnd ends[2];
  gint64 latency;
  Traffic traffic;
  guint rate; /* packets per second and direction */
  guint64 *random;
  guint loss; /* of handshake packets, per mille */
  gint64 now;
  gboolean on;
  guint originator;
  gint64 toggle; /* when traffic begins or ends */
  guint64 sessions;

  /* A handshake in flight. */
  gboolean flying;
  guint from;
  guint stage;
  gint64 next; /* when its next packet arrives */
  gint64 retry;
  gboolean lost_one;
  guint64 session;
  ScopeKey answered_with;

  /* What keys did to traffic. */
  gboolean mismatched; /* a handshake failed by different keys, and no session since */
  gint64 stalled;      /* ms, of this outage */
  gint64 worst_stall;
  gint64 stalled_away; /* the same while the two cannot speak to each other */
  gint64 away;         /* the worst of that */
  gboolean connected;  /* they can */
  gboolean fresh;      /* an end was restarted, and there was no session since: none that could be lost */
  gint64 slow;         /* the worst wait for a first session for want of equal keys */
  guint64 stalls;
  double lost;
  guint64 handshakes;
  guint64 failures;
  guint64 collisions;
} Link;

void kex_link_init (Link *link, guint64 *random, gint64 now, gint64 latency, Traffic traffic);
void kex_link_advance (Link *link, gint64 now);
void kex_link_look (Link *link, guint end, ScopeKexStats *stats);
void kex_link_install (Link *link, guint end, gint64 now, const ScopeKey *psk, ScopeKexHow how, gboolean handshake);
void kex_link_clear (Link *link, guint end, gint64 now);
