/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-firewall: whether a firewall of this machine would drop what we forward: firewalld (scope-firewalld.h), else the rules
 * of nftables, with those of iptables-nft (`nft -j list ruleset`). Only looks, and warns: a firewall is its admin's.
 */
#pragma once

#include <gio/gio.h>

typedef struct _ScopeFirewall ScopeFirewall;

/**
 * scope_firewall_check:
 * @ifname: what comes in by this interface is forwarded
 * @port: UDP port where others reach us
 * @behind: interfaces of networks behind us, NULL-terminated
 *
 * Looks a moment later, in the background: NetworkManager may not have told firewalld yet.
 */
ScopeFirewall *scope_firewall_check (const char *ifname, guint16 port, char **behind);
void scope_firewall_free (ScopeFirewall *firewall);

#define SCOPE_FIREWALL_MAX_BYTES (8 * 1024 * 1024)

/**
 * scope_firewall_read:
 * @ruleset: what `nft -j list ruleset` printed
 * @error: SCOPE_ERROR_PROTOCOL
 *
 * Which chains drop what comes in by @ifname and is forwarded: base chains of the hook "forward" whose policy is to drop, or
 * whose last rule drops everything, in tables without a rule that accepts @ifname. Rules are not followed: the
 * answer is what to look at.
 *
 * Returns: (transfer full) (array zero-terminated=1): a line for each, with a rule that would let them through
 */
char **scope_firewall_read (const char *ruleset, gsize len, const char *ifname, GError **error);
