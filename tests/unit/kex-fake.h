/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kex-fake: cryptography that keeps nothing secret and costs nothing, for the tests of scope-kex. Who has not the
 * same key, epoch and ends does not get the same result. A preshared key ends with its epoch.
 */
#pragma once

#include "peer/scope-kex.h"

/* All but look, which is the test's. */
extern const ScopeKexOps kex_fake_ops;

/* Where the randomness begins. */
void kex_fake_seed (guint64 seed);

guint64 kex_fake_random (guint64 *state);
guint64 kex_fake_epoch (const ScopeKey *preshared);
