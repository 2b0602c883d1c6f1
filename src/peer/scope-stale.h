/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-stale: when to ask DNS again: a peer behind a name with which we have no session any more may
 * have moved. It looks every 30 s, and only while there are names.
 */
#pragma once

#include "peer/scope-resolver.h"
#include "tunnel/scope-wg.h"

typedef struct _ScopeStale ScopeStale;

/**
 * ScopeStaleRead:
 * @roster: (out) (transfer none): who is in the network now
 *
 * Returns: (transfer full) (nullable): the device as it is, or %NULL when it cannot be read
 */
typedef ScopeWgDevice *(*ScopeStaleRead) (const ScopeRoster **roster, gpointer data);

/* @resolver: must outlive this */
ScopeStale *scope_stale_new (ScopeResolver *resolver, ScopeStaleRead read, gpointer data);
void scope_stale_free (ScopeStale *stale);

/* There is a tunnel, or a new roster: does nothing when it looks already, or when there are no names. */
void scope_stale_watch (ScopeStale *stale);
