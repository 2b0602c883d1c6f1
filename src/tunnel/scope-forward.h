/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-forward: makes this machine forward for others, which a relay does: packets that come in by the tunnel's interface and
 * leave by it, or go to and come from the networks behind us. Kernel settings of these interfaces alone where the kernel has
 * them (IPv4; IPv6 from Linux 6.17 on: force_forwarding), undone when it ends; before 6.17 IPv6 is forwarded by all interfaces or
 * by none. Out of the network they go to what our grant announces only (scope-fence.h). A firewall that would drop the packets is warned of, see scope-firewall.h.
 */
#pragma once

#include <gio/gio.h>

typedef struct _ScopeForward ScopeForward;

/**
 * scope_forward_new:
 * @ifname: the tunnel's interface, which is there
 * @port: of WireGuard, for a firewall to let in
 * @ranges: (element-type ScopePrefix): our own; those wider than one address are networks behind us
 * @error: SCOPE_ERROR_FAILED when nothing can be undone later, so nothing was done
 *
 * What cannot be set is a warning in the log that says what to set.
 */
ScopeForward *scope_forward_new (const char *ifname, guint16 port, const GArray *ranges, GError **error);

/* Undoes it. */
void scope_forward_free (ScopeForward *forward);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeForward, scope_forward_free)

/* Our ranges have changed perhaps. The machine's routes to them are watched. */
void scope_forward_set_ranges (ScopeForward *forward, const GArray *ranges);

/* Undoes what killed services have left. Returns: of how many */
guint scope_forward_sweep (void);
