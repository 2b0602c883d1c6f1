/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-stun-agent: STUN from and on a tunnel's own UDP port: asks servers where we are seen, answers those who ask us,
 * and checks with a peer which of its endpoints work (data/protocol.md, section 9). One for each tunnel port; all
 * callbacks come from the thread's default main context, never from within a function of this file, and may free
 * whatever they like.
 */
#pragma once

#include "common/scope-endpoint.h"

typedef struct _ScopeStunAgent ScopeStunAgent;
typedef struct _ScopeStunCheck ScopeStunCheck;

/**
 * scope_stun_agent_new:
 * @port: the tunnel's
 * @mark: firewall mark that WireGuard gives its packets, or 0
 * @error: SCOPE_ERROR_UNSUPPORTED without raw sockets
 */
ScopeStunAgent *scope_stun_agent_new (guint16 port, guint32 mark, GError **error);

/* Checks that are still there stay valid, but send and hear nothing any more. */
void scope_stun_agent_free (ScopeStunAgent *agent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeStunAgent, scope_stun_agent_free)

guint16 scope_stun_agent_port (const ScopeStunAgent *agent);

/* Whether anybody who sends a plain binding request gets an answer (a relay's STUN service); FALSE at first. */
void scope_stun_agent_set_serving (ScopeStunAgent *agent, gboolean serving);

/**
 * ScopeStunAskFunc:
 * @mapped: (nullable): where the server sees our port; %NULL when it did not answer
 * @local: our own address and port on the way to it; AF_UNSPEC when there is no way
 * @rtt: ms, rounded up
 */
typedef void (*ScopeStunAskFunc) (const ScopeSockaddr *server, const ScopeSockaddr *mapped, const ScopeSockaddr *local,
                                  guint rtt, gpointer data);

/**
 * scope_stun_agent_ask:
 * @server: a relay's WireGuard endpoint, a registry's STUN port or any STUN server
 * @func: called once; not when the agent is freed before
 *
 * Sent at 0, 150, 450 and 1050 ms; given up after 2250, and at once when there is no way.
 *
 * Returns: a number for scope_stun_agent_cancel(), never 0
 */
guint scope_stun_agent_ask (ScopeStunAgent *agent, const ScopeSockaddr *server, ScopeStunAskFunc func, gpointer data);

/* The function of that question is not called any more; nothing when it was. */
void scope_stun_agent_cancel (ScopeStunAgent *agent, guint ask);

/**
 * ScopeStunCheckFuncs:
 * @answered: @endpoint has answered our check, so packets go both ways. @mapped is where the peer sees us. Once for
 *   each scope_stun_check_try() at most, as answers come
 * @heard: the peer's own check came from @endpoint (and has been answered): that is where it can be reached if
 *   anywhere. For every check that comes; scope_stun_check_try() it, which is nothing when that is going on
 */
typedef struct {
  void (*answered) (ScopeStunCheck *check, const ScopeSockaddr *endpoint, const ScopeSockaddr *mapped, guint rtt,
                    gpointer data);
  void (*heard) (ScopeStunCheck *check, const ScopeSockaddr *endpoint, gpointer data);
} ScopeStunCheckFuncs;

/**
 * scope_stun_check_new:
 * @id, @password: (nullable): ours for this peer, as in `punch.*`; %NULL: made up, 8 and 24 characters
 * @funcs: borrowed, static; either may be %NULL
 *
 * From now on the peer's checks with these credentials are answered. Others get silence.
 */
ScopeStunCheck *scope_stun_check_new (ScopeStunAgent *agent, const char *id, const char *password,
                                      const ScopeStunCheckFuncs *funcs, gpointer data);
void scope_stun_check_free (ScopeStunCheck *check);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeStunCheck, scope_stun_check_free)

const char *scope_stun_check_id (const ScopeStunCheck *check);
const char *scope_stun_check_password (const ScopeStunCheck *check);

/**
 * scope_stun_check_set_remote:
 * @id, @password: the peer's
 *
 * Before this nothing can be sent, and the peer's id is whatever it says; what was being tried is forgotten.
 *
 * Returns: FALSE, and nothing is changed, for what nobody says (no or more than 32 characters, a colon in the id, a
 * password of no or more than 256)
 */
gboolean scope_stun_check_set_remote (ScopeStunCheck *check, const char *id, const char *password);

/**
 * scope_stun_check_try:
 *
 * Sends checks to @endpoint at 0, 150, 450 and 1050 ms, until it answers or 2250 ms are over. Nothing while it is being
 * tried already, without a remote, or when 32 others are being tried. Without a way there (no such
 * family here, no route) it is over at once; there is no call for what fails.
 */
void scope_stun_check_try (ScopeStunCheck *check, const ScopeSockaddr *endpoint);

/**
 * scope_stun_check_open:
 * @ttl: hops, too few to arrive: enough to leave our NAT, not to reach the peer's; 0 for as many as it takes
 *
 * Sends one check to @endpoint, which opens our NAT. An answer counts as one to scope_stun_check_try(), for 2250 ms.
 */
void scope_stun_check_open (ScopeStunCheck *check, const ScopeSockaddr *endpoint, int ttl);

/* Forgets what is being tried; answering goes on. */
void scope_stun_check_stop (ScopeStunCheck *check);
