/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-masquerade: what comes out of the tunnel and leaves by another interface has this machine's address: an nftables table
 * of our own, scope-<interface>. It is owned by an nft process that we keep, so that it goes with it, and that one with us,
 * however we end (flags owner, Linux 5.12 and nftables 0.9.9).
 */
#pragma once

#include <gio/gio.h>

typedef struct _ScopeMasquerade ScopeMasquerade;

/* Without nft there is a warning that says what to set by hand. */
ScopeMasquerade *scope_masquerade_new (const char *ifname);
void scope_masquerade_free (ScopeMasquerade *masquerade);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeMasquerade, scope_masquerade_free)
