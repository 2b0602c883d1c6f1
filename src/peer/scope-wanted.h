/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-wanted: what is to be in WireGuard and in this machine's routing: made of roster, profile and our addresses by
 * scope-plan, with the source's last word on the peers; and written to the tunnel.
 */
#pragma once

#include "peer/scope-engine.h"
#include "peer/scope-plan.h"
#include "peer/scope-resolver.h"
#include "peer/scope-source.h"

typedef struct _ScopeWanted ScopeWanted;

/* @config, @resolver: borrowed; outlive it */
ScopeWanted *scope_wanted_new (const ScopeEngineConfig *config, ScopeResolver *resolver);

void scope_wanted_free (ScopeWanted *wanted);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeWanted, scope_wanted_free)

/**
 * scope_wanted_make:
 * @source: which has a roster
 * @own: our public key
 * @addresses: (element-type ScopePrefix): ours; kept
 */
void scope_wanted_make (ScopeWanted *wanted, ScopeSource *source, const ScopeKey *own, GArray *addresses);

/* (nullable): as it was made last. Borrowed until it is made again. */
const ScopePlan *scope_wanted_get_plan (const ScopeWanted *wanted);

/* (element-type ScopePrefix): the plan's routes but for those that our own packets must not take, as made last. Borrowed */
GArray *scope_wanted_get_routes (const ScopeWanted *wanted);

/* Writes the peers, as made last. */
gboolean scope_wanted_write_peers (ScopeWanted *wanted, ScopeTunnel *tunnel, GError **error);

/* Writes the routes, as made last. */
void scope_wanted_write_routes (ScopeWanted *wanted, ScopeTunnel *tunnel);

/* Undoes what is not the tunnel's, which goes by itself. */
void scope_wanted_undo (ScopeWanted *wanted);

/* The base connection's routes have changed. */
void scope_wanted_follow_base (ScopeWanted *wanted, ScopeTunnel *tunnel);
