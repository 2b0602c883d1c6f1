/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-keys: drives scope-kex: signs and verifies, sends and receives, writes to WireGuard, keeps the keys on
 * disk. The decisions are scope-kex's.
 */
#pragma once

#include "peer/scope-source.h"
#include "peer/scope-trust.h"

typedef struct _ScopeKeys ScopeKeys;

/**
 * ScopeKeysCalls:
 * @send: a frame for the registry; FALSE when there is no session
 * @changed: there is a first key for somebody: write the peer table
 */
typedef struct {
  gboolean (*send) (const char *text, gpointer data);
  void (*changed) (gpointer data);
} ScopeKeysCalls;

/* @config: with an identity; keeps STATE.keys. @calls: borrowed */
ScopeKeys *scope_keys_new (const ScopeSourceConfig *config, const ScopeKeysCalls *calls, gpointer data);

/* Overwrites all keys. */
void scope_keys_free (ScopeKeys *keys);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeKeys, scope_keys_free)

void scope_keys_set_tunnel (ScopeKeys *keys, ScopeTunnel *tunnel);

/* @offset: the registry's clock minus ours, ms */
void scope_keys_set_time (ScopeKeys *keys, gint64 offset);

/* The session is open; @epoch_seconds: 0 when the registry has not said */
void scope_keys_open (ScopeKeys *keys, guint epoch_seconds);
void scope_keys_close (ScopeKeys *keys);

/* Our `scope-kex-key` envelope for the epoch that it is now, for a hello; NULL while we do not know how long an epoch is:
 * it follows the welcome then. (transfer full) (nullable) */
char *scope_keys_dup_own (ScopeKeys *keys);

/**
 * scope_keys_set_peers:
 * @online: whether a session is open: what @trust says of who is online is the registry's word of now
 * @arrived: whether this is the roster that we found when we came
 *
 * Who is in the network now.
 */
void scope_keys_set_peers (ScopeKeys *keys, ScopeTrust *trust, gboolean online, gboolean arrived);

/* A kex.* message, or a join. */
void scope_keys_take (ScopeKeys *keys, ScopeTrust *trust, const ScopeV1Message *message);

/* The preshared key, and quiet for a moment when the other end is to begin. FALSE: there is no key yet. */
gboolean scope_keys_dress (ScopeKeys *keys, ScopeWgPeer *peer);

/* Whether this is that moment. */
gboolean scope_keys_is_quiet (ScopeKeys *keys, const ScopeKey *peer);

/* New keys with everybody; see scope_kex_rotate(). */
void scope_keys_rotate (ScopeKeys *keys, gboolean hurry);

/* How far we are with a peer, for people. FALSE when there is nothing to say of it. */
gboolean scope_keys_progress (ScopeKeys *keys, const ScopeKey *peer, guint64 *epoch, ScopeV1Progress *progress);
