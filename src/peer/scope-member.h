/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-member: a network in v1: the registry advises, what enters the tunnel is verified (scope-trust) and
 * has a key that survives a quantum computer (scope-keys).
 */
#pragma once

#include "peer/scope-source.h"

#define SCOPE_TYPE_MEMBER (scope_member_get_type ())
G_DECLARE_FINAL_TYPE (ScopeMember, scope_member, SCOPE, MEMBER, ScopeSource)

/**
 * scope_member_new:
 * @config: with an identity. Settings without a root, for which none was confirmed, end with
 *   SCOPE_ERROR_UNCONFIRMED ("fatal") as soon as it meets one: see scope_member_get_met_root()
 * @error: SCOPE_ERROR_INVALID when the CA file cannot be read
 *
 * Keeps STATE.trust and STATE.keys. Emits "absent" only for a profile without a root for which none was confirmed.
 */
ScopeSource *scope_member_new (const ScopeSourceConfig *config, GError **error);

/* (nullable): the fingerprint of the root key that waits for somebody to confirm it */
const char *scope_member_get_met_root (ScopeMember *member);

/* New keys with every peer; see scope_kex_rotate(). */
void scope_member_rotate (ScopeMember *member, gboolean hurry);

/* (transfer full): see scope_describe() */
char *scope_member_describe (ScopeMember *member);
