/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-identity: a hybrid signing key, Ed448 (RFC 8032) and ML-DSA-65 (FIPS 204), and its public half.
 * Peers, root keys and delegated keys are all identities. Whoever forges one must break both.
 */
#pragma once

#include <glib.h>

#define SCOPE_ED448_LEN 57               /* seed and public key */
#define SCOPE_ED448_SIGNATURE_LEN 114
#define SCOPE_MLDSA_SEED_LEN 32
#define SCOPE_MLDSA_PUBLIC_LEN 1952
#define SCOPE_MLDSA_SIGNATURE_LEN 3309
#define SCOPE_IDENTITY_PUBLIC_LEN (SCOPE_ED448_LEN + SCOPE_MLDSA_PUBLIC_LEN) /* Ed448's first */
#define SCOPE_IDENTITY_SECRET_LEN (SCOPE_ED448_LEN + SCOPE_MLDSA_SEED_LEN)
#define SCOPE_FINGERPRINT_LEN 52  /* characters without the final NUL */
#define SCOPE_SHORT_NAME_LEN 8    /* a fingerprint's first characters: for people, never for a decision */

/**
 * ScopeIdentityPublic:
 *
 * The public half: immutable, reference-counted.
 */
typedef struct _ScopeIdentityPublic ScopeIdentityPublic;

ScopeIdentityPublic *scope_identity_public_ref (ScopeIdentityPublic *identity);
void scope_identity_public_unref (ScopeIdentityPublic *identity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeIdentityPublic, scope_identity_public_unref)

/**
 * scope_identity_public_parse:
 * @text: base64url without padding of SCOPE_IDENTITY_PUBLIC_LEN bytes
 * @error: SCOPE_ERROR_INVALID
 */
ScopeIdentityPublic *scope_identity_public_parse (const char *text, GError **error);
char *scope_identity_public_format (const ScopeIdentityPublic *identity);

/* @bytes: SCOPE_IDENTITY_PUBLIC_LEN of them */
ScopeIdentityPublic *scope_identity_public_new (const guint8 *bytes);
const guint8 *scope_identity_public_bytes (const ScopeIdentityPublic *identity);
gboolean scope_identity_public_equal (const ScopeIdentityPublic *a, const ScopeIdentityPublic *b);

/* SHA3-256 over "scope identity v1", a NUL and the public bytes, in lower-case Base32 (RFC 4648 §6) without padding. */
const char *scope_identity_public_fingerprint (const ScopeIdentityPublic *identity);

/* Whether @text has the form of a fingerprint. */
gboolean scope_fingerprint_valid (const char *text);

/**
 * scope_identity_public_verify:
 * @ed448: SCOPE_ED448_SIGNATURE_LEN bytes over @ed448_message
 * @mldsa: SCOPE_MLDSA_SIGNATURE_LEN bytes over @mldsa_message (no context)
 *
 * Two messages, since the two signatures of an envelope have headers of their own.
 *
 * Returns: whether both are good
 */
gboolean scope_identity_public_verify (const ScopeIdentityPublic *identity, GBytes *ed448_message,
                                       const guint8 *ed448, GBytes *mldsa_message, const guint8 *mldsa);

/* The secret half. Overwritten when it is freed. */
typedef struct _ScopeIdentity ScopeIdentity;

ScopeIdentity *scope_identity_generate (GError **error);

/* @secret: SCOPE_IDENTITY_SECRET_LEN bytes: Ed448's seed, then ML-DSA's */
ScopeIdentity *scope_identity_new (const guint8 *secret, GError **error);

/* @text: base64url without padding of the secret; the result of format is to be freed with scope_secret_free() */
ScopeIdentity *scope_identity_parse (const char *text, GError **error);
char *scope_identity_format (const ScopeIdentity *identity);

ScopeIdentity *scope_identity_ref (ScopeIdentity *identity);
void scope_identity_unref (ScopeIdentity *identity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeIdentity, scope_identity_unref)

/* Borrowed. */
ScopeIdentityPublic *scope_identity_public (const ScopeIdentity *identity);

/* @ed448, @mldsa: (out): as scope_identity_public_verify(). ML-DSA's is deterministic (FIPS 204 §3.4). */
gboolean scope_identity_sign (const ScopeIdentity *identity, GBytes *ed448_message, guint8 *ed448,
                              GBytes *mldsa_message, guint8 *mldsa, GError **error);
