/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-nft: a table of nftables that is ours. It is owned by an nft process that we keep, so that it goes with it, and that one
 * with us, however we end (flags owner, Linux 5.12 and nftables 0.9.9).
 */
#pragma once

#include <gio/gio.h>

typedef struct _ScopeNft ScopeNft;

/* At once, or later: nft is not there, or has ended, which it does when it does not understand us. */
typedef void (*ScopeNftFailed) (const char *why, gpointer data);

/* @rules: commands, one in a line; the table that they add must say “flags owner” */
ScopeNft *scope_nft_new (const char *rules, ScopeNftFailed failed, gpointer data);
void scope_nft_free (ScopeNft *nft);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeNft, scope_nft_free)
