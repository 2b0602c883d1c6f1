/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-stun-limit: how many plain STUN requests of one client are answered: SCOPE_STUN_LIMIT_BURST at once, then
 * SCOPE_STUN_LIMIT_RATE each second, for each IPv4 address or IPv6 /64. Pure, of constant size: clients whose prefixes
 * fall into the same of many slots share what is there.
 */
#pragma once

#include "common/scope-endpoint.h"

#define SCOPE_STUN_LIMIT_BURST 20
#define SCOPE_STUN_LIMIT_RATE 5
#define SCOPE_STUN_LIMIT_SLOTS 4096

typedef struct _ScopeStunLimit ScopeStunLimit;

/* @seed: any number that nobody else knows: who shares a slot with whom cannot be chosen */
ScopeStunLimit *scope_stun_limit_new (guint32 seed);
void scope_stun_limit_free (ScopeStunLimit *limit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeStunLimit, scope_stun_limit_free)

/* @now: monotonic time, µs. Returns: whether to answer */
gboolean scope_stun_limit_take (ScopeStunLimit *limit, const ScopeSockaddr *from, gint64 now);
