/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-outside: which routes into the tunnel our own packets must not take: those to networks that hold the address of a
 * peer, or of the registry. Pure.
 */
#pragma once

#include "common/scope-endpoint.h"
#include "common/scope-prefix.h"

/* Appends the address of @sa, if there is one, to @outside (element-type ScopePrefix). */
void scope_outside_add (GArray *outside, const ScopeSockaddr *sa);

/* The same for a numeric endpoint, or address; names add nothing. */
void scope_outside_add_text (GArray *outside, const char *text);

/**
 * scope_outside_select:
 * @routes: (element-type ScopePrefix): sorted
 * @outside: (element-type ScopePrefix): addresses that we may send to, other than through the tunnel
 * @before: (element-type ScopePrefix) (nullable): what was selected the last time: stays, so that nothing goes to and fro
 *   with a peer's addresses
 * @others: (out) (transfer full) (element-type ScopePrefix): the rest of @routes
 *
 * Besides those with an address of @outside each network of public addresses: somebody may turn up there. Not a single public
 * address, which is a member's in a network that has such addresses.
 *
 * Returns: (transfer full) (element-type ScopePrefix): sorted
 */
GArray *scope_outside_select (const GArray *routes, const GArray *outside, const GArray *before, GArray **others);
