/* SPDX-License-Identifier: GPL-3.0-or-later */
/* registry-carry-private: between registry-carry.c (tickets, WebSockets) and registry-carry-link.c (UDP). */
#pragma once

#include "registry/registry-carry.h"
#include "wire/scope-carry.h"

/**
 * RegistryCarry:
 * @tickets: text → Ticket; @holders: member → its carrier, once it showed its ticket. NULL while there are none
 * @carriers: (element-type RegistryCarrier): all, also those without a ticket yet; NULL while there are none
 * @epoll: of all UDP sockets, -1 while there are none
 */
struct _RegistryCarry {
  RegistryHub *hub;
  RegistryCarryFindFunc find;
  gpointer user_data;
  const RegistryCarrying *config;
  GHashTable *tickets;
  GHashTable *holders;
  GPtrArray *carriers;
  int epoll;
  guint source;
  guint links;
};

/**
 * RegistryCarrier:
 * @member: who it is, as registry-carry.c names members; NULL before its ticket
 * @deadline: for the ticket, 0 when it has come
 * @active: the last packet, or the beginning
 * @links: (element-type RegistryCarryLink)
 * @up, @down: bytes from the member, and to it
 */
typedef struct {
  RegistryCarry *carry;
  RegistrySocket *socket;
  char *network;
  char *member;
  gint64 deadline;
  gint64 active;
  GPtrArray *links;
  RegistryBucket messages, up, down;
} RegistryCarrier;

typedef struct _RegistryCarryLink RegistryCarryLink;

/* (element-type ScopeSockaddr): where @key may be; NULL, and @code, when it is not to be had. */
GArray *registry_carrier_targets (RegistryCarrier *carrier, const ScopeKey *key, const char **code);

/* @code: set with NULL: why there is no link */
RegistryCarryLink *registry_carry_link_new (RegistryCarrier *carrier, guint16 id, const ScopeKey *key, const char **code);
void registry_carry_link_free (RegistryCarryLink *link);
guint16 registry_carry_link_id (const RegistryCarryLink *link);

/* Monotonic, µs: the last packet. */
gint64 registry_carry_link_active (const RegistryCarryLink *link);

/* A packet of the member's. */
void registry_carry_link_send (RegistryCarryLink *link, const guint8 *packet, gsize len, gint64 now);
