/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-sysctl: kernel settings (net.*) that a connection needs while it is up. Each one goes back to what it was: only what
 * we changed, only while it is still as we left it, and only when no other connection of ours needs it, too. What was there
 * before is kept in a file that is locked while its process lives, so that a sweep can undo what a killed service left.
 *
 * Synchronous: the kernel and /run (memory) answer at once.
 */
#pragma once

#include <glib.h>

#define SCOPE_SYSCTL_PROC "/proc/sys/net"
#define SCOPE_SYSCTL_RUN "/run/nm-scope"

typedef struct _ScopeSysctl ScopeSysctl;

/**
 * scope_sysctl_new:
 * @proc, @run: SCOPE_SYSCTL_PROC and SCOPE_SYSCTL_RUN but in tests; @run is made when it is not there
 * @name: of the file, such as the interface: one at a time has it
 */
ScopeSysctl *scope_sysctl_new (const char *proc, const char *run, const char *name, GError **error);

/* Undoes all. */
void scope_sysctl_free (ScopeSysctl *sysctl);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeSysctl, scope_sysctl_free)

/* Whether there is one of that name, also one that a sweep would undo. */
gboolean scope_sysctl_is_held (const char *run, const char *name);

/* Whether this kernel has it. */
gboolean scope_sysctl_exists (ScopeSysctl *sysctl, const char *key);

/* Whether it is @value now. */
gboolean scope_sysctl_is (ScopeSysctl *sysctl, const char *key, const char *value);

/**
 * scope_sysctl_need:
 * @key: below @proc: "ipv4/conf/eth0/forwarding"
 * @error: what could not be set, and the command that would
 *
 * Writing net.ipv6.conf.all.forwarding changes every interface (Linux); here it leaves the others as they are, and does not
 * take away default routes from router advertisements.
 */
gboolean scope_sysctl_need (ScopeSysctl *sysctl, const char *key, const char *value, GError **error);

/* Undoes one. */
void scope_sysctl_drop (ScopeSysctl *sysctl, const char *key);

/* Undoes what processes that are gone have left in @run. Returns: how many of them */
guint scope_sysctl_sweep (const char *proc, const char *run);
