/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-reach: which of a peer's endpoints to try. Pure. One for now: the first that can be right, as far
 * as addresses tell: what is public before what a NAT hides, the LAN for who is behind the same NAT.
 */
#pragma once

#include "peer/scope-trust.h"

/**
 * scope_reach_pick:
 * @said: what the peer says of itself, in its order
 * @observed: where it was seen
 * @own: what we say of ourselves
 * @own_observed: (nullable): where we were seen
 *
 * All NULL-terminated arrays of endpoints.
 *
 * Returns: (nullable): one of @said or @observed
 */
const char *scope_reach_pick (const char *const *said, const char *const *observed, const char *const *own,
                              const char *const *own_observed);

/**
 * scope_reach_note_own:
 * @observed: (inout): where we were seen, which tells who is behind the same NAT
 * @message: with entries, perhaps ours
 *
 * Returns: whether it has changed
 */
gboolean scope_reach_note_own (char ***observed, const ScopeV1Message *message, const ScopeKey *own);

/* Whether the one that scope_reach_pick() takes should work without punching: public as the peer says, or of our LAN. */
gboolean scope_reach_is_plausible (const char *const *said, const char *const *observed, const char *const *own,
                                   const char *const *own_observed);

/* Picks for every peer in @roster. */
void scope_reach_choose (ScopeRoster *roster, const ScopeTrust *trust, const char *const *own,
                         const char *const *own_observed);
