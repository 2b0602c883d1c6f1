/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-exit: everything that has no better way goes through the tunnel, with policy routing (ip-rule(8)): a routing table of
 * our own with default routes through the tunnel, which all look at but what carries our mark, after the main table but its
 * default routes. So the base network's LAN stays reachable, and WireGuard's own packets (the device has the mark), STUN and
 * the registry's connections (their sockets have it) go as they went before.
 *
 * Written by rtnetlink whoever made the interface. The routes go with it; the rules are told by their protocol number, and
 * those without a locked file in /run (scope-sysctl.h) are orphans that a sweep removes. NetworkManager (1.42) leaves both alone.
 */
#pragma once

#include <glib.h>

#define SCOPE_FWMARK 0x5c0beu

typedef struct _ScopeExit ScopeExit;

/**
 * scope_exit_new:
 * @ifname: the tunnel's interface
 * @uuid: of the connection, which chooses table and priorities
 */
ScopeExit *scope_exit_new (const char *ifname, const char *uuid);

/* Undoes all. */
void scope_exit_free (ScopeExit *exit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeExit, scope_exit_free)

/* Which families go through the tunnel from now on; also what the base connection needs is looked at again. What fails is a
 * warning. */
void scope_exit_set (ScopeExit *exit, gboolean ip4, gboolean ip6);

/* Removes the rules of services that were killed, after scope_sysctl_sweep(). Returns: how many */
guint scope_exit_sweep (void);
