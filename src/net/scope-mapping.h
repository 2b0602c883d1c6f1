/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-mapping: when the mapping that a NAT has of our port needs a packet, so that those whom we told of it still find us.
 * Pure: time is handed in (ms, monotonic). Links' keepalives hold it as long as there is one. A machine that has none, and waits
 * behind a NAT that maps a port to one port outside, asks a STUN server now and then: routers forget UDP after 30 s (RFC
 * 4787, REQ-5 wants 2 minutes). Nobody else is woken up.
 */
#pragma once

#include "wire/scope-punch-message.h"

#define SCOPE_MAPPING_HOLD_MS 22000

/**
 * ScopeMapping:
 * @due: when to ask a server; G_MAXINT64 for never
 *
 * Begins as { .due = G_MAXINT64 }.
 */
typedef struct {
  gint64 due;
  gint64 fresh; /* when it was known to be there last */
  gboolean wanted;
  gboolean asking;
  guint failures; /* in a row */
} ScopeMapping;

/**
 * ScopeMappingNeed:
 * @nat: around us; @mapped: some server sees us elsewhere than we are
 * @held: some link is up, and its keepalives hold the mapping; @keepalive: seconds, 0: the profile wants none
 * @reachable: others can ask us to meet them, and there is a server to ask
 */
typedef struct {
  ScopeNatKind nat;
  gboolean mapped;
  gboolean held;
  guint keepalive;
  gboolean reachable;
} ScopeMappingNeed;

/* Whenever one of these may be another. */
void scope_mapping_review (ScopeMapping *mapping, const ScopeMappingNeed *need, gint64 now);

/* A server is being asked. */
void scope_mapping_asked (ScopeMapping *mapping);

/* It has answered, or not; or a server was asked for another reason. */
void scope_mapping_answered (ScopeMapping *mapping, gboolean answered, gint64 now);
