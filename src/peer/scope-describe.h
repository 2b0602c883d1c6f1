/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-describe: a network as it is now, as JSON, for people and scripts (`scopectl status`).
 */
#pragma once

#include "peer/scope-keys.h"
#include "peer/scope-links.h"

/**
 * scope_describe:
 * @trust, @keys, @links: (nullable): of v1
 * @tunnel: (nullable)
 *
 * Returns: (transfer full): {"network", "registry": bool, "interface", "addresses", "peers": [{"key", "identity", "name",
 *   "role", "ranges", "endpoint", "online", "handshake": seconds ago or null, "rx", "tx", "epoch", "npq", "pq", "link": whether a direct link answers,
 *   "latency": ms of it or null, "path": "none|direct|relay|relays|pipe|master", "via": the first relay's key or null}],
 *   "role", "nat", "attachment": our relay's key or null}
 */
char *scope_describe (const char *network, gboolean connected, ScopeTrust *trust, ScopeKeys *keys, ScopeLinks *links,
                      ScopeTunnel *tunnel);
