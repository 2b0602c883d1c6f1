/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-addresses: which addresses of a network are taken, and the lowest free one of each prefix of the
 * pool. Pure. Never given: a prefix' own address (the network's; IPv6: the subnet router's anycast, RFC 4291
 * §2.6.1) and IPv4's broadcast address, where there are such.
 */
#pragma once

#include "common/scope-prefix.h"

typedef struct _RegistryAddresses RegistryAddresses;

RegistryAddresses *registry_addresses_new (void);
void registry_addresses_free (RegistryAddresses *addresses);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RegistryAddresses, registry_addresses_free)

/* @pool: (element-type ScopePrefix) (nullable) */
void registry_addresses_set_pool (RegistryAddresses *addresses, const GArray *pool);

/* @ranges: (element-type ScopePrefix): single addresses or wider ones; what is taken twice must be given back twice */
void registry_addresses_take (RegistryAddresses *addresses, const GArray *ranges);
void registry_addresses_give_back (RegistryAddresses *addresses, const GArray *ranges);

/* Whether one of @ranges overlaps with what is taken. What is taken around a whole prefix of the pool (everything behind an
 * exit, or half of it) does not count for what is in that prefix. */
gboolean registry_addresses_overlap (const RegistryAddresses *addresses, const GArray *ranges);

/**
 * registry_addresses_find:
 *
 * Returns: (transfer full) (element-type ScopePrefix) (nullable): the lowest free address of each prefix of the
 *   pool, not taken yet; %NULL when one of them has none left, or the pool is empty
 */
GArray *registry_addresses_find (RegistryAddresses *addresses);
