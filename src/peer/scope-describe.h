/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-describe: a network as it is now, as JSON, for people and scripts (`scopectl local`).
 */
#pragma once

#include "peer/scope-keys.h"
#include "peer/scope-links.h"
#include "wire/scope-roster.h"

/**
 * scope_describe:
 * @connected: there is a session with the registry, and its roster is whole
 * @trust, @keys, @links: (nullable): of v1
 * @tunnel: (nullable)
 * @listed: (nullable): of 0.0.x: what the registry says
 * @own: (nullable): our public key there
 *
 * What is not known is null, or absent where its whole part is not there (0.0.x, keys-only).
 *
 * Returns: (transfer full): {"network", "registryNetwork": its name at the registry, "registries": [URL], "registry": bool,
 *   "interface", "addresses", "name", "role", "nat", "attachment": our relay's key or null, "stun": [endpoint], "peers": [{
 *   "key", "identity", "name", "role", "tier": "relay|pipe" or null for edges, "ranges", "online", "pq": its policy,
 *   "endpoint", "handshake": seconds ago or null, "rx", "tx": bytes,
 *   "keyState": "none|making|confirming|confirmed": the post-quantum key with it, "epoch", "peerKexNPQ", "peerKexPQ",
 *   "link": whether a direct link answers, "latency": ms of it, "loss": percent of its last probes,
 *   "carried": that link's packets go through the registry,
 *   "path": "none|direct|relay|relays|pipe|master", "via": the first relay's key or null}],
 *   "listed": with a @listed only: {"key": @own, "heartbeat": seconds, "peers": the root first, and with ourselves:
 *   [{"key", "root": bool, "endpoint": as listed, else as seen, "ranges"}]}}
 */
char *scope_describe (const ScopeSettings *settings, gboolean connected, ScopeTrust *trust, ScopeKeys *keys,
                      ScopeLinks *links, ScopeTunnel *tunnel, const ScopeRoster *listed, const ScopeKey *own);
