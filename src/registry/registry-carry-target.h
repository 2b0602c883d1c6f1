/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-carry-target: where the registry sends a member's packets for a relay: it must not become a way into
 * the network that it stands in, nor a way to reach anybody else. Pure.
 */
#pragma once

#include "common/scope-endpoint.h"
#include "common/scope-prefix.h"

#define REGISTRY_CARRY_TARGETS 8

/**
 * registry_carry_targets:
 * @recorded: (nullable): endpoints that the relay says itself, NULL-terminated; names are left out
 * @observed: (nullable): where the registry itself sees it
 * @own: (nullable) (element-type ScopePrefix): the network's prefixes: never a target
 * @private: (in): whether addresses that are not public may be targets, also where the relay was not seen
 *
 * Multicast, link-local and unspecified addresses are never targets, loopback only when @private allows it.
 *
 * Returns: (transfer full) (element-type ScopeSockaddr): each once, @recorded first
 */
GArray *registry_carry_targets (char **recorded, const char *observed, const GArray *own, gboolean private);
