/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-cache: the last roster on disk, so that the network comes up while the registry is away.
 * The file is a /get answer (see scope-roster.h) inside an envelope with a magic and the gateway:
 * {"scope-cache": 1, "gateway": "192.0.2.1", "roster": {…}}.
 */
#pragma once

#include "wire/scope-roster.h"

/**
 * scope_cache_parse:
 * @gateway: (out) (nullable) (transfer full): the registry's address when the roster was stored
 * @error: SCOPE_ERROR_PROTOCOL
 *
 * The decoder alone, for tests and fuzzing.
 */
ScopeRoster *scope_cache_parse (const char *text, gsize len, char **gateway, GError **error);

/**
 * scope_cache_load:
 * @path: the file
 * @network: the network's name at the registry; a cache of another one is not used
 *
 * A broken file is renamed to `<path>.broken` with a warning; a missing one is no news.
 *
 * Returns: (nullable) (transfer full): the roster
 */
ScopeRoster *scope_cache_load (const char *path, const char *network, char **gateway);

/* Replaces the file atomically, mode 0600. SCOPE_ERROR_INVALID when the text would be too long to load, else a
 * GFileError; the old file stays then. */
gboolean scope_cache_store (const char *path, const ScopeRoster *roster, const char *gateway, GError **error);
