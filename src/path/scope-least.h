/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-least: how far relays are from one of them, directly or by one third relay, and which: what 0.0.x calls `sum`,
 * `mode` and `leastSource` of a `detail`. Pure.
 */
#pragma once

#include "wire/scope-latency.h"

/**
 * ScopeLeast:
 * @sum: ms, of both links where there are two
 * @source: the third relay; zero when the way is direct
 */
typedef struct {
  guint sum;
  ScopeKey source;
} ScopeLeast;

/**
 * scope_least_from:
 * @links: (element-type ScopeLatency)
 *
 * A direct link wins over a detour of the same length; of two detours the one over the lower key.
 *
 * Returns: (transfer full) (element-type ScopeKey ScopeLeast): without @from, and without who is not reached by two links
 */
GHashTable *scope_least_from (const GArray *links, const ScopeKey *from);
