/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-carry: members whose network lets no UDP through have their WireGuard packets carried to relays, in binary
 * messages of a WebSocket (data/protocol.md, section 10). A session hands out a ticket, which opens one WebSocket;
 * each link in it is a UDP socket of ours. All of those share one epoll set, made with the first one: who does not
 * use this pays nothing for it.
 */
#pragma once

#include "registry/registry-hub.h"
#include "registry/registry-mesh.h"

typedef struct _RegistryCarry RegistryCarry;

/* @find: a network by its name, or NULL: called whenever one is needed, none is kept. @hub: borrowed, freed first */
typedef RegistryMesh *(*RegistryCarryFindFunc) (const char *network, gpointer user_data);
RegistryCarry *registry_carry_new (RegistryHub *hub, RegistryCarryFindFunc find, gpointer user_data);
void registry_carry_free (RegistryCarry *carry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RegistryCarry, registry_carry_free)

/* @config: borrowed until the next call */
void registry_carry_configure (RegistryCarry *carry, const RegistryConfig *config);

/**
 * registry_carry_issue:
 * @fingerprint: of a member
 * @now: monotonic time, µs, here and below
 *
 * The member's ticket for SCOPE_CARRY_TICKET_SECONDS; the one before it is void.
 *
 * Returns: (transfer full): text, or %NULL when the registry does not carry
 */
char *registry_carry_issue (RegistryCarry *carry, const char *network, const char *fingerprint, gint64 now);

/* Whether anybody is carried at all. */
gboolean registry_carry_is_on (const RegistryCarry *carry);

/* As registry_hub_add(): for @network, which a ticket must be for. */
void registry_carry_add (RegistryCarry *carry, const char *network, GIOStream *stream, RegistryConnection *connection,
                         const ScopePrefix *client);

/* Ends what is idle, overdue, or belongs to nobody any more; once a second. */
void registry_carry_sweep (RegistryCarry *carry, gint64 now);

guint registry_carry_get_size (const RegistryCarry *carry);    /* WebSockets */
guint registry_carry_get_tickets (const RegistryCarry *carry); /* that nobody has used yet */
