/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-kex-private.h"

#define LABEL "scope kex adopted v1"

/*
 * Both ends make the same confirm key out of it, so it is a key like any other from here on: of the epoch before this
 * one, to be replaced at once, and to go back to when that fails.
 */
void
scope_kex_adopt (ScopeKex *kex, gint64 now, const ScopeKey *peer, const ScopeKey *preshared)
{
  guint64 epoch = scope_kex_epoch (kex, now);
  guint8 text[sizeof preshared->bytes + sizeof LABEL];
  g_auto (PairKeys) keys = { .preshared = *preshared };
  Held *held;
  Pair *pair;

  if (scope_key_is_zero (preshared) || scope_key_equal (peer, &kex->own))
    return;
  pair = kex_pair (kex, peer);
  if (pair->current || pair->next)
    return;
  memcpy (text, preshared->bytes, sizeof preshared->bytes);
  memcpy (text + sizeof preshared->bytes, LABEL, sizeof LABEL);
  kex_digest (kex, text, sizeof text, keys.confirm);
  scope_kex_wipe (text, sizeof text);

  held = held_new (pair, now, epoch ? epoch - 1 : 0, &keys);
  held->confirmed = held->common = TRUE;
  g_ptr_array_insert (pair->held, 0, held);
  pair->current = held;
  pair->stage = CURRENT_SETTLED;
  pair->installed = now;
  kex->dirty = TRUE;
  say_log (pair, "its tunnel has a preshared key already: kept until there is one of ours");
}
