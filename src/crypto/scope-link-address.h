/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-link-address: the address of a peer that its WireGuard key alone decides (data/protocol.md, section 9): what is
 * sent there takes the link to that peer, whichever way its other addresses go.
 */
#pragma once

#include "common/scope-key.h"
#include "common/scope-prefix.h"

#define SCOPE_LINK_ADDRESS_LEN 64 /* prefix length on the tunnel's interface: covers all other peers' */

/**
 * scope_link_address:
 * @key: a WireGuard public key
 * @out: (out): its fe80:: address as /128: an allowed IP as it is. On an interface it has SCOPE_LINK_ADDRESS_LEN
 */
void scope_link_address (const ScopeKey *key, ScopePrefix *out);
