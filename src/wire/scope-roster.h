/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-roster: the answer of `GET /get/<network>/<pubKey>`: who is in a network, and where they
 * were last seen. Registry and peers share it; the cache on disk is the same text.
 *
 * Two forms of 0.0.x exist: documented is `peer`, an array of the edges; sent is `peers`, which
 * also holds the root itself (type "self"). We write both and read either.
 */
#pragma once

#include "common/scope-endpoint.h"
#include "common/scope-key.h"
#include "common/scope-prefix.h"

#include <glib.h>

#define SCOPE_ROSTER_MAX_PEERS 20000
#define SCOPE_ROSTER_MAX_BYTES (16 * 1024 * 1024)
#define SCOPE_ROSTER_MAX_RANGES 64      /* per peer */
#define SCOPE_ROSTER_HEARTBEAT 30       /* seconds, when nobody says otherwise (as 0.0.x) */

/**
 * ScopeRosterPeer:
 * @pub: WireGuard public key
 * @end: (nullable): endpoint text, possibly a DNS name; %NULL when never seen
 * @ranges: (element-type ScopePrefix): allowed IPs, as listed
 * @sum: observed average latency in ms, or -1 when not known
 * @least_sum: %TRUE when the peer is best reached through @least_source ("leastSum"), else "direct"
 * @least_source: upstream's key, zero for direct
 */
typedef struct {
  ScopeKey pub;
  char *end;
  GArray *ranges;
  double sum;
  gboolean least_sum;
  ScopeKey least_source;
} ScopeRosterPeer;

ScopeRosterPeer *scope_roster_peer_new (const ScopeKey *pub);
void scope_roster_peer_free (ScopeRosterPeer *peer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeRosterPeer, scope_roster_peer_free)

/**
 * ScopeRoster:
 * @network: name at the registry
 * @heartbeat: persistent keepalive in seconds, 0 for none
 * @self: (nullable): the root: the WireGuard server that the registry reads
 * @peers: (element-type ScopeRosterPeer): everybody else
 */
typedef struct {
  char *network;
  guint heartbeat;
  ScopeRosterPeer *self;
  GPtrArray *peers;
} ScopeRoster;

ScopeRoster *scope_roster_new (const char *network);
void scope_roster_free (ScopeRoster *roster);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeRoster, scope_roster_free)

/**
 * scope_roster_parse:
 * @text: JSON, @len bytes
 * @error: SCOPE_ERROR_PROTOCOL, naming the field
 *
 * One wrong peer does not cost the others: it is left out and counted in @skipped.
 *
 * Returns: (transfer full): the roster, or %NULL
 */
ScopeRoster *scope_roster_parse (const char *text, gsize len, guint *skipped, GError **error);

/* The text of the whole answer; @with_peers: also the `peers` array of 0.0.x. */
GString *scope_roster_format (const ScopeRoster *roster, gboolean with_peers);

/* The entry with this key, the root included; NULL if it is not listed. Borrowed. */
ScopeRosterPeer *scope_roster_find (const ScopeRoster *roster, const ScopeKey *pub);
