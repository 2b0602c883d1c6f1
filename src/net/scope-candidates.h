/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-candidates: which endpoints to say of ourselves, in which order to try a peer's, and which of two that answered
 * to take. Pure. Endpoints are text, as in records and `punch.*`; lists are NULL-terminated.
 */
#pragma once

#include "common/scope-endpoint.h"

#define SCOPE_CANDIDATES_MAX 16       /* of one peer that are said or tried */
#define SCOPE_CANDIDATES_IP6_BONUS 20 /* ms that IPv6 may be slower and is still taken */

/**
 * ScopeCandidates:
 * @configured: what the profile says (names are left out: they are resolved before)
 * @local: addresses of this machine's interfaces, IPv4 and IPv6, with the tunnel's port
 * @reflexive: where STUN servers see us
 * @observed: where others' WireGuard, or the registry, see us
 *
 * All nullable and borrowed.
 */
typedef struct {
  const char *const *configured;
  const char *const *local;
  const char *const *reflexive;
  const char *const *observed;
} ScopeCandidates;

/**
 * scope_candidates_say:
 *
 * Ours to tell a peer: configured, LAN, IPv6, reflexive, observed; each once, no loopback, no link-local, no more than
 * SCOPE_CANDIDATES_MAX (where one must go it is the last).
 *
 * Returns: (transfer full)
 */
char **scope_candidates_say (const ScopeCandidates *own);

/**
 * scope_candidates_order:
 * @theirs: (nullable): what the peer says, or is said of it
 * @own: (nullable): what we say of ourselves, all of it: tells which families we have, and which public addresses.
 *   Empty, every family is tried
 *
 * In the order to try: behind the same public IPv4 address its LAN endpoints come first, and its public endpoint there
 * last (few NATs turn packets around); else IPv6, public IPv4, and private ones last (a routed private network may be
 * between us). What cannot be is left out: a
 * family that we do not have, loopback, link-local, unspecified or multicast, names, port 0, ourselves.
 *
 * Returns: (transfer full) (element-type ScopeSockaddr): no more than SCOPE_CANDIDATES_MAX
 */
GArray *scope_candidates_order (const char *const *theirs, const char *const *own);

/**
 * scope_candidates_better:
 * @rtt_a, @rtt_b: ms
 *
 * Whether @a is to be taken and not @b, which is there already: of different families IPv6 unless it is slower by more
 * than SCOPE_CANDIDATES_IP6_BONUS, else the faster. A LAN is faster by itself.
 */
gboolean scope_candidates_better (const ScopeSockaddr *a, guint rtt_a, const ScopeSockaddr *b, guint rtt_b);

/* Private, unique local, or shared (RFC 1918, 4193, 6598): of use behind the same NAT, or in a routed private network. */
gboolean scope_sockaddr_is_private (const ScopeSockaddr *sa);

/* Whether a peer elsewhere could send there at all: not loopback, link-local, multicast, unspecified, port 0. */
gboolean scope_sockaddr_is_usable (const ScopeSockaddr *sa);
