/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-memory: what a member keeps on disk between two lives: what it believes of its network (STATE.trust),
 * and the root key that a person has confirmed for a profile without one (STATE.root).
 */
#pragma once

#include "peer/scope-source.h"
#include "peer/scope-trust.h"

/* (transfer full) (nullable): the one that was confirmed */
char *scope_memory_confirmed_root (const char *state);

/* A person has confirmed this root of a profile that names none: it believes that one from now on, and no other. */
gboolean scope_memory_keep_root (const char *state, const char *fingerprint, GError **error);

/* Whether a grant of ours is kept, so that no token is needed; it may have expired. */
gboolean scope_memory_has_grant (const char *state);

/* Fills a new @trust. What is broken, or of another network or root, is not used: a warning says so. */
void scope_memory_load (const char *state, ScopeTrust *trust, gint64 now);

/* If there is something new. A warning when it cannot be kept. */
gboolean scope_memory_store (const char *state, ScopeTrust *trust);
