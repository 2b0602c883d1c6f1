/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-edge-json: the configuration of a Scope 0.0.x edge, an array of
 * { "registry", "network", "netreg" (optional), "pubKey" }. It holds no private key: 0.0.x left that
 * in the configuration of the WireGuard interface.
 */
#pragma once

#include <NetworkManager.h>

/**
 * scope_edge_json_decode:
 * @data: the file's content, need not end with a NUL
 * @notes: (element-type utf8) (nullable): gets a line that names the entries that were left out
 * @error: %NM_CONNECTION_ERROR; the message names the line and the field
 *
 * Decodes the first entry.
 *
 * Returns: (transfer full): a connection without a UUID, or %NULL
 */
NMConnection *scope_edge_json_decode (const char *data, gsize len, GPtrArray *notes, GError **error);
