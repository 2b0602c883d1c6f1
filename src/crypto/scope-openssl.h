/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-openssl: what the files of crypto/ share of OpenSSL 3.5. Nobody else includes it.
 */
#pragma once

#include <glib.h>
#include <openssl/evp.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_PKEY_CTX, EVP_PKEY_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_MD_CTX, EVP_MD_CTX_free)

/* The key that @algorithm ("ML-DSA-65", "ML-KEM-768") makes of @seed; NULL when it cannot. */
EVP_PKEY *scope_pkey_from_seed (const char *algorithm, const guint8 *seed, gsize len);

EVP_PKEY *scope_pkey_from_private (const char *algorithm, const guint8 *bytes, gsize len);
EVP_PKEY *scope_pkey_from_public (const char *algorithm, const guint8 *bytes, gsize len);

/* Writes the public key, of exactly @len bytes. */
gboolean scope_pkey_public (const EVP_PKEY *pkey, guint8 *out, gsize len);

/* Random bytes for secrets; clears @out and fails when there are none. */
gboolean scope_random_secret (guint8 *out, gsize len, GError **error);

/* @digest: SHA3_256_LEN bytes */
#define SHA3_256_LEN 32
void scope_openssl_sha3_256 (const guint8 *bytes, gsize len, guint8 *digest);
