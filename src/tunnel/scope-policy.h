/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-policy: routes into the tunnel that our own packets do not take, with policy routing (ip-rule(8)): for an exit, to
 * which everything goes, and for networks behind peers that hold the address of a peer or of the registry, to which the tunnel
 * would otherwise send itself. They are in a routing table of our own, which all look at but what carries our mark. So WireGuard's
 * own packets (the device has the mark), STUN and the registry's connections (their sockets have it) go as they went before.
 *
 * For all others it is as if the routes were in the main table, too: the longest prefix decides, of two equal ones ours.
 * So the base network's LAN stays reachable with an exit.
 *
 * Written by rtnetlink whoever made the interface. The routes go with it; the rules are told by their protocol number, and
 * those without a locked file in /run (scope-sysctl.h) are orphans that a sweep removes. NetworkManager (1.42) leaves both alone.
 */
#pragma once

#include "common/scope-prefix.h"

/* None of the bits that others match with a mask: Kubernetes 0x4000 and 0x8000 (to drop), Tailscale 0xff0000, Cilium 0x0f00,
 * Calico 0xffff0000, Amazon's VPC 0x80. */
#define SCOPE_FWMARK 0x305cu

typedef struct _ScopePolicy ScopePolicy;

/**
 * scope_policy_new:
 * @ifname: the tunnel's interface
 * @port: of WireGuard
 * @uuid: of the connection, which chooses table and priorities
 */
ScopePolicy *scope_policy_new (const char *ifname, guint16 port, const char *uuid);

/* Undoes all. */
void scope_policy_free (ScopePolicy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopePolicy, scope_policy_free)

/**
 * scope_policy_set:
 * @routes: (element-type ScopePrefix): sorted; everything else is undone, without rules where there are none of a family
 *
 * Also what the base connection needs is looked at again. What fails is a warning.
 */
void scope_policy_set (ScopePolicy *policy, const GArray *routes);

/**
 * scope_policy_rules:
 * @routes: (element-type ScopePrefix): of which those of @family count
 * @priority: of all rules
 * @table: where @routes are
 *
 * In this order: for each prefix length that there is, longest first, the main table's longer routes, then ours of that
 * length or longer.
 *
 * Returns: (transfer full) (element-type ScopeRtnlRule)
 */
GArray *scope_policy_rules (const GArray *routes, int family, guint32 priority, guint32 table);

/* Removes the rules of services that were killed, after scope_sysctl_sweep(). Returns: how many */
guint scope_policy_sweep (void);
