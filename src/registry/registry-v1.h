/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-v1: the v1 networks of this registry, and what they share: the store, the moment when it commits
 * (all that came in one turn of the loop together), and the clock.
 */
#pragma once

#include "registry/registry-carry.h"
#include "registry/registry-hub.h"
#include "registry/registry-mesh.h"

typedef struct _RegistryV1 RegistryV1;

/* Borrowed; the hub is freed first. */
RegistryV1 *registry_v1_new (RegistryHub *hub, RegistryAccounts *accounts);
void registry_v1_free (RegistryV1 *v1);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RegistryV1, registry_v1_free)

/**
 * registry_v1_prepare:
 * @config: with the networks' files
 * @error: no state directory, a store that is not good
 *
 * All of a new configuration that may fail. Nothing that is served changes before registry_v1_configure(), or
 * ever, after registry_v1_abandon().
 */
gboolean registry_v1_prepare (RegistryV1 *v1, const RegistryConfig *config, GError **error);
void registry_v1_configure (RegistryV1 *v1, const RegistryConfig *config);
void registry_v1_abandon (RegistryV1 *v1);

/* Borrowed: what every welcome from now on says of STUN servers. */
void registry_v1_set_stun (RegistryV1 *v1, const char *const *stun);

/**
 * registry_v1_stop:
 *
 * The registry stops: sessions end, but nobody has left for that. Who is there again soon after the next start
 * was never away for the others.
 */
void registry_v1_stop (RegistryV1 *v1);

/* Borrowed, until the next turn of the loop; NULL when it is not served. */
RegistryMesh *registry_v1_find (const RegistryV1 *v1, const char *network);

/* As registry_hub_add(). */
void registry_v1_add (RegistryV1 *v1, const char *network, GIOStream *stream, RegistryConnection *connection,
                      const ScopePrefix *client);

/* Borrowed. */
RegistryCarry *registry_v1_get_carry (const RegistryV1 *v1);

/* Ends sessions whose hello is overdue; also runs by itself once a second. @now: monotonic time, µs */
void registry_v1_sweep (RegistryV1 *v1, gint64 now);

/* Counts something that cost as much as a hello, and was wrong, against @client's requests. */
void registry_v1_charge (RegistryV1 *v1, const ScopePrefix *client);

/**
 * registry_v1_flush:
 *
 * Commits, and publishes. When the store fails, all sessions end, and what it has is read anew.
 *
 * Returns: FALSE then: networks are other ones, or gone
 */
gboolean registry_v1_flush (RegistryV1 *v1);

