/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-kem: hybrid key encapsulation, X448 (RFC 7748) and ML-KEM-768 (FIPS 203), and from it a
 * WireGuard preshared key with HKDF-SHA3-256 (RFC 5869). Who wants the key must break both.
 */
#pragma once

#include "common/scope-key.h"

#define SCOPE_X448_LEN 56
#define SCOPE_MLKEM_PUBLIC_LEN 1184
#define SCOPE_MLKEM_CIPHERTEXT_LEN 1088
#define SCOPE_MLKEM_SEED_LEN 64
#define SCOPE_KEM_PUBLIC_LEN (SCOPE_X448_LEN + SCOPE_MLKEM_PUBLIC_LEN)         /* X448's first */
#define SCOPE_KEM_CIPHERTEXT_LEN (SCOPE_X448_LEN + SCOPE_MLKEM_CIPHERTEXT_LEN) /* ephemeral X448 share first */
#define SCOPE_KEM_SECRET_LEN (SCOPE_X448_LEN + SCOPE_MLKEM_SEED_LEN)
#define SCOPE_KEM_RANDOMNESS_LEN (SCOPE_X448_LEN + 32)                       /* of an encapsulation */
#define SCOPE_KEM_CONFIRM_LEN 32

/**
 * ScopeKemContext:
 * @network: its name
 * @epoch: number of the epoch
 * @encapsulator, @decapsulator: WireGuard public keys
 *
 * What a key is bound to, besides the KEM's public key and the ciphertext. For the exact bytes see data/protocol.md.
 */
typedef struct {
  const char *network;
  guint64 epoch;
  ScopeKey encapsulator;
  ScopeKey decapsulator;
} ScopeKemContext;

/**
 * ScopeKemKeys:
 * @preshared: for WireGuard
 * @confirm: key for the MAC by which the decapsulator shows that it has the same
 */
typedef struct {
  ScopeKey preshared;
  guint8 confirm[SCOPE_KEM_CONFIRM_LEN];
} ScopeKemKeys;

void scope_kem_keys_clear (ScopeKemKeys *keys);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScopeKemKeys, scope_kem_keys_clear)

/* @secret: SCOPE_KEM_SECRET_LEN bytes: X448's private key, then ML-KEM's seed (d ‖ z); @pub: SCOPE_KEM_PUBLIC_LEN */
gboolean scope_kem_generate (guint8 *secret, guint8 *pub, GError **error);

/* The public half of @secret. */
gboolean scope_kem_public (const guint8 *secret, guint8 *pub, GError **error);

/**
 * scope_kem_encapsulate:
 * @pub: the decapsulator's, SCOPE_KEM_PUBLIC_LEN bytes
 * @ciphertext: (out): SCOPE_KEM_CIPHERTEXT_LEN bytes
 * @error: SCOPE_ERROR_INVALID for a public key that is none (also X448 points of small order)
 */
gboolean scope_kem_encapsulate (const guint8 *pub, const ScopeKemContext *context, guint8 *ciphertext,
                                ScopeKemKeys *keys, GError **error);

/* The same with given SCOPE_KEM_RANDOMNESS_LEN bytes, for test vectors: X448's private key, then ML-KEM's 32 bytes m. */
gboolean scope_kem_encapsulate_with (const guint8 *pub, const ScopeKemContext *context, const guint8 *randomness,
                                     guint8 *ciphertext, ScopeKemKeys *keys, GError **error);

gboolean scope_kem_decapsulate (const guint8 *secret, const ScopeKemContext *context, const guint8 *ciphertext,
                                ScopeKemKeys *keys, GError **error);

/* HMAC-SHA3-256 with @keys' confirm key over @message; compare in constant time with scope_kem_confirm_equal(). */
void scope_kem_confirm (const ScopeKemKeys *keys, const char *message, guint8 *mac);
gboolean scope_kem_confirm_equal (const guint8 *a, const guint8 *b);

/* SHA3-256 over @bytes; @digest: 32 bytes */
void scope_sha3_256 (GBytes *bytes, guint8 *digest);
