/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-liveness: which links of a running tunnel carry packets, and how long they take. Puts together what net/ has:
 * while packets flow the device's counters are sampled; a link in doubt is probed; when all is at rest, nothing runs.
 */
#pragma once

#include "net/scope-channel.h"
#include "tunnel/scope-tunnel.h"

typedef struct _ScopeLiveness ScopeLiveness;

/**
 * ScopeLivenessCalls:
 * @up: the link answers and did not, or was not known; @ms its round trip
 * @rtt: another echo; @ms the median of the last ones, rounded; @loss per cent of the last probes (scope_prober_loss())
 * @down: three probes have no echo. For a link that was not up only after scope_liveness_want(), each time
 * @slow: a watched link takes much longer than it did
 * @message: (nullable): a link message that is no probe and no echo; see ScopeChannelFunc
 *
 * None may free the liveness; all may call its functions.
 */
typedef struct {
  void (*up) (const ScopeKey *peer, guint ms, gpointer data);
  void (*rtt) (const ScopeKey *peer, guint ms, guint loss, gpointer data);
  void (*down) (const ScopeKey *peer, gpointer data);
  void (*slow) (const ScopeKey *peer, gpointer data);
  ScopeChannelFunc message;
} ScopeLivenessCalls;

/**
 * scope_liveness_new:
 * @tunnel: up, with a link address (see ScopeTunnelConfig)
 * @own: our WireGuard public key
 * @error: as scope_channel_new()
 */
ScopeLiveness *scope_liveness_new (ScopeTunnel *tunnel, const ScopeKey *own, const ScopeLivenessCalls *calls, gpointer data,
                                   GError **error);
void scope_liveness_free (ScopeLiveness *liveness);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeLiveness, scope_liveness_free)

/**
 * scope_liveness_set_peers:
 * @peers: (element-type ScopeWgPeer): those that WireGuard has, as handed to scope_tunnel_set_peers(): whom messages may
 *   come from, and by their allowed IPs whom a packet goes to
 *
 * Whoever is not among them any more is forgotten, without a call. New ones are watched from now on.
 */
void scope_liveness_set_peers (ScopeLiveness *liveness, const GPtrArray *peers);

/**
 * scope_liveness_want:
 * @peer: one of set_peers
 *
 * Probes the link now, and on after 1, 2, 4 … s (see scope_pulse_want()) until it answers (up) or scope_liveness_gone(); down comes once,
 * after 600 ms. To be called where a handshake has been made: a probe on a link without a session makes WireGuard begin one,
 * and handshakes that cross collide. A peer that probes us while its link is not up makes it wanted here, too.
 */
void scope_liveness_want (ScopeLiveness *liveness, const ScopeKey *peer);

/* Nobody wants it any more: it is forgotten what it was, and not probed unless packets flow. */
void scope_liveness_gone (ScopeLiveness *liveness, const ScopeKey *peer);

/**
 * ScopeLivenessMeasure:
 * @SCOPE_LIVENESS_MEASURE_FLOWING: while packets are sent through this link
 * @SCOPE_LIVENESS_MEASURE_AWAKE: while packets flow at all
 *
 * When a link's round trip and loss are measured, every 30 s: only ALWAYS wakes an idle machine.
 */
typedef enum {
  SCOPE_LIVENESS_MEASURE_NEVER,
  SCOPE_LIVENESS_MEASURE_FLOWING,
  SCOPE_LIVENESS_MEASURE_AWAKE,
  SCOPE_LIVENESS_MEASURE_ALWAYS,
} ScopeLivenessMeasure;

void scope_liveness_measure (ScopeLiveness *liveness, const ScopeKey *peer, ScopeLivenessMeasure measure);

/* There is another way than this link: a doubt takes 0.5 s less. */
void scope_liveness_hasty (ScopeLiveness *liveness, const ScopeKey *peer, gboolean hasty);

/* While packets flow a watched link is probed twice a second: see scope-slow.h. */
void scope_liveness_watch (ScopeLiveness *liveness, const ScopeKey *peer, gboolean watch);

/* Others have lost this peer: is it there? An answer must come within some 200 ms, or down is called. */
void scope_liveness_suspect (ScopeLiveness *liveness, const ScopeKey *peer);

/* Another base connection, or awake again: all links that are up or wanted are probed at once. */
void scope_liveness_check_all (ScopeLiveness *liveness);

/* The median of the last round trips in ms, rounded; -1 when there is none. */
int scope_liveness_rtt (const ScopeLiveness *liveness, const ScopeKey *peer);

/* Per cent of the last probes that were lost; 0 when there are too few of them. */
guint scope_liveness_loss (const ScopeLiveness *liveness, const ScopeKey *peer);

/* A link message; see scope_channel_send(). */
gboolean scope_liveness_send (ScopeLiveness *liveness, const ScopeKey *to, const char *text, gsize len, GError **error);
