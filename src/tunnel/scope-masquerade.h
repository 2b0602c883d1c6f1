/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-masquerade: what comes out of the tunnel and leaves by another interface has this machine's address: an nftables table
 * of our own (scope-nft.h), scope-<interface>.
 */
#pragma once

#include <gio/gio.h>

typedef struct _ScopeMasquerade ScopeMasquerade;

/* Without nft there is a warning that says what to set by hand. */
ScopeMasquerade *scope_masquerade_new (const char *ifname);
void scope_masquerade_free (ScopeMasquerade *masquerade);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeMasquerade, scope_masquerade_free)
