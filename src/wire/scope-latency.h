/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-latency: one direct link between two relays as everybody has heard of it: what the registry publishes
 * (`paths`, data/protocol.md, section 9) and next hops are computed from.
 */
#pragma once

#include "common/scope-key.h"

/**
 * ScopeLatency:
 * @a, @b: the two ends, the lower key first
 * @ms: round trip, damped
 */
typedef struct {
  ScopeKey a;
  ScopeKey b;
  guint ms;
} ScopeLatency;
