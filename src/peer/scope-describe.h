/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-describe: a network as it is now, as JSON, for people and scripts (`scopectl status`).
 */
#pragma once

#include "peer/scope-keys.h"

/**
 * scope_describe:
 * @trust, @keys: (nullable): of v1
 * @tunnel: (nullable)
 *
 * Returns: (transfer full): {"network", "registry": bool, "interface", "addresses", "peers": [{"key", "identity", "name",
 *   "role", "ranges", "endpoint", "online", "handshake": seconds ago or null, "rx", "tx", "epoch", "npq", "pq"}]}
 */
char *scope_describe (const char *network, gboolean connected, ScopeTrust *trust, ScopeKeys *keys, ScopeTunnel *tunnel);
