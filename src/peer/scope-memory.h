/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-memory: what a member keeps on disk between two lives: what it believes of its network (STATE.trust),
 * and the root key that a profile without one met first (STATE.root).
 */
#pragma once

#include "peer/scope-source.h"
#include "peer/scope-trust.h"

/* (transfer full) (nullable): the root's fingerprint: the profile's, else the one that was met */
char *scope_memory_get_root (const ScopeSourceConfig *config);

/* A profile without a root believes the first one that it meets, and then no other. @identity: of a challenge.
 * (transfer full): its fingerprint */
char *scope_memory_meet_root (const char *state, const char *identity, GError **error);

/* Fills a new @trust. What is broken, or of another network or root, is not used: a warning says so. */
void scope_memory_load (const char *state, ScopeTrust *trust, gint64 now);

/* If there is something new. A warning when it cannot be kept. */
gboolean scope_memory_store (const char *state, ScopeTrust *trust);
