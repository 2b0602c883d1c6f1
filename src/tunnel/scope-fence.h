/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-fence: what others may send to by way of this relay, besides each other: the networks that its grant announces, and no
 * other that it happens to reach. An edge need not be trusted, and Linux forwards to wherever there is a route.
 *
 * A table of nftables (scope-nft.h) beside the admin's own; without nft there is a warning, and no fence.
 */
#pragma once

#include <gio/gio.h>

typedef struct _ScopeFence ScopeFence;

/* @ranges: (element-type ScopePrefix): our own */
ScopeFence *scope_fence_new (const char *ifname, const GArray *ranges);
void scope_fence_free (ScopeFence *fence);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeFence, scope_fence_free)

/* (transfer full): what nft is told; @table: its name */
char *scope_fence_rules (const char *table, const char *ifname, const GArray *ranges);
