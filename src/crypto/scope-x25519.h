/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-x25519: WireGuard key pairs (Curve25519, RFC 7748) from OpenSSL.
 */
#pragma once

#include "common/scope-key.h"

/* A new private key from the system's random generator, clamped as `wg genkey` does. */
gboolean scope_x25519_generate (ScopeKey *private_key, GError **error);

/* The public key of a private one. Fails only when OpenSSL does. */
gboolean scope_x25519_public (ScopeKey *public_key, const ScopeKey *private_key, GError **error);
