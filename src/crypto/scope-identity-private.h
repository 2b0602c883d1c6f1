/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-identity-private: one signature alone, so that an error can say which was not good. To trust only
 * one of the two is a mistake: everybody but scope-jws.c calls scope_identity_public_verify().
 */
#pragma once

#include "crypto/scope-identity.h"

gboolean scope_identity_public_verify_ed448 (const ScopeIdentityPublic *identity, GBytes *message,
                                             const guint8 *signature);
gboolean scope_identity_public_verify_mldsa (const ScopeIdentityPublic *identity, GBytes *message,
                                             const guint8 *signature);
