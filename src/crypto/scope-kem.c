/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crypto/scope-kem.h"

#include "common/scope-error.h"
#include "crypto/scope-openssl.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <string.h>

#define MLKEM_SHARED_LEN 32
#define SHARED_LEN (SCOPE_X448_LEN + MLKEM_SHARED_LEN)
#define SALT "scope kex v1"

void
scope_kem_keys_clear (ScopeKemKeys *keys)
{
  OPENSSL_cleanse (keys, sizeof *keys);
}

/* The two private keys of a secret. */
typedef struct {
  EVP_PKEY *x448;
  EVP_PKEY *mlkem;
} Pair;

static void
pair_clear (Pair *pair)
{
  EVP_PKEY_free (pair->x448);
  EVP_PKEY_free (pair->mlkem);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pair, pair_clear)

static gboolean
pair_load (Pair *pair, const guint8 *secret, guint8 *pub, GError **error)
{
  pair->x448 = scope_pkey_from_private ("X448", secret, SCOPE_X448_LEN);
  pair->mlkem = scope_pkey_from_seed ("ML-KEM-768", secret + SCOPE_X448_LEN, SCOPE_MLKEM_SEED_LEN);
  if (scope_pkey_public (pair->x448, pub, SCOPE_X448_LEN) &&
      scope_pkey_public (pair->mlkem, pub + SCOPE_X448_LEN, SCOPE_MLKEM_PUBLIC_LEN))
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "cannot compute the public key of a key exchange");
  return FALSE;
}

gboolean
scope_kem_public (const guint8 *secret, guint8 *pub, GError **error)
{
  g_auto (Pair) pair = { NULL };

  return pair_load (&pair, secret, pub, error);
}

gboolean
scope_kem_generate (guint8 *secret, guint8 *pub, GError **error)
{
  if (!scope_random_secret (secret, SCOPE_KEM_SECRET_LEN, error))
    return FALSE;
  if (scope_kem_public (secret, pub, error))
    return TRUE;
  OPENSSL_cleanse (secret, SCOPE_KEM_SECRET_LEN);
  return FALSE;
}

/* OpenSSL refuses a result of zeros, which points of small order give (RFC 7748 §6.2). */
static gboolean
x448 (EVP_PKEY *private_key, const guint8 *point, guint8 *shared)
{
  g_autoptr (EVP_PKEY) peer = scope_pkey_from_public ("X448", point, SCOPE_X448_LEN);
  g_autoptr (EVP_PKEY_CTX) ctx = EVP_PKEY_CTX_new_from_pkey (NULL, private_key, NULL);
  size_t len = SCOPE_X448_LEN;

  return peer && ctx && EVP_PKEY_derive_init (ctx) == 1 && EVP_PKEY_derive_set_peer (ctx, peer) == 1 &&
         EVP_PKEY_derive (ctx, shared, &len) == 1 && len == SCOPE_X448_LEN;
}

/* @m: (nullable): 32 bytes instead of random ones */
static gboolean
mlkem_encapsulate (EVP_PKEY *public_key, const guint8 *m, guint8 *ciphertext, guint8 *shared)
{
  g_autoptr (EVP_PKEY_CTX) ctx = EVP_PKEY_CTX_new_from_pkey (NULL, public_key, NULL);
  OSSL_PARAM params[] = {
    OSSL_PARAM_construct_octet_string (OSSL_KEM_PARAM_IKME, (guint8 *) m, SCOPE_KEM_RANDOMNESS_LEN - SCOPE_X448_LEN),
    OSSL_PARAM_construct_end (),
  };
  size_t len = SCOPE_MLKEM_CIPHERTEXT_LEN, shared_len = MLKEM_SHARED_LEN;

  return ctx && EVP_PKEY_encapsulate_init (ctx, m ? params : NULL) == 1 &&
         EVP_PKEY_encapsulate (ctx, ciphertext, &len, shared, &shared_len) == 1 &&
         len == SCOPE_MLKEM_CIPHERTEXT_LEN && shared_len == MLKEM_SHARED_LEN;
}

static gboolean
mlkem_decapsulate (EVP_PKEY *private_key, const guint8 *ciphertext, guint8 *shared)
{
  g_autoptr (EVP_PKEY_CTX) ctx = EVP_PKEY_CTX_new_from_pkey (NULL, private_key, NULL);
  size_t len = MLKEM_SHARED_LEN;

  return ctx && EVP_PKEY_decapsulate_init (ctx, NULL) == 1 &&
         EVP_PKEY_decapsulate (ctx, shared, &len, ciphertext, SCOPE_MLKEM_CIPHERTEXT_LEN) == 1 &&
         len == MLKEM_SHARED_LEN;
}

/* What both sides must agree on, in the order of data/protocol.md; the only part of variable length is preceded by it. */
static GByteArray *
format_info (const ScopeKemContext *context, const guint8 *pub, const guint8 *ciphertext)
{
  GByteArray *info = g_byte_array_new ();
  gsize len = strlen (context->network);
  guint16 len_be = GUINT16_TO_BE (len);
  guint64 epoch_be = GUINT64_TO_BE (context->epoch);

  g_byte_array_append (info, (const guint8 *) &len_be, sizeof len_be);
  g_byte_array_append (info, (const guint8 *) context->network, len);
  g_byte_array_append (info, (const guint8 *) &epoch_be, sizeof epoch_be);
  g_byte_array_append (info, context->encapsulator.bytes, SCOPE_KEY_LEN);
  g_byte_array_append (info, context->decapsulator.bytes, SCOPE_KEY_LEN);
  g_byte_array_append (info, pub, SCOPE_KEM_PUBLIC_LEN);
  g_byte_array_append (info, ciphertext, SCOPE_KEM_CIPHERTEXT_LEN);
  return info;
}

static gboolean
derive (const guint8 *shared, const ScopeKemContext *context, const guint8 *pub, const guint8 *ciphertext,
        ScopeKemKeys *keys, GError **error)
{
  g_autoptr (GByteArray) info = format_info (context, pub, ciphertext);
  guint8 okm[SCOPE_KEY_LEN + SCOPE_KEM_CONFIRM_LEN];
  OSSL_PARAM params[] = {
    OSSL_PARAM_construct_utf8_string (OSSL_KDF_PARAM_DIGEST, (char *) "SHA3-256", 0),
    OSSL_PARAM_construct_octet_string (OSSL_KDF_PARAM_KEY, (guint8 *) shared, SHARED_LEN),
    OSSL_PARAM_construct_octet_string (OSSL_KDF_PARAM_SALT, (char *) SALT, strlen (SALT)),
    OSSL_PARAM_construct_octet_string (OSSL_KDF_PARAM_INFO, info->data, info->len),
    OSSL_PARAM_construct_end (),
  };
  EVP_KDF *kdf = EVP_KDF_fetch (NULL, "HKDF", NULL);
  EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new (kdf) : NULL;
  gboolean ok = ctx && EVP_KDF_derive (ctx, okm, sizeof okm, params) == 1;

  EVP_KDF_CTX_free (ctx);
  EVP_KDF_free (kdf);
  if (ok)
    {
      memcpy (keys->preshared.bytes, okm, SCOPE_KEY_LEN);
      memcpy (keys->confirm, okm + SCOPE_KEY_LEN, SCOPE_KEM_CONFIRM_LEN);
    }
  else
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "cannot derive keys with HKDF-SHA3-256");
  OPENSSL_cleanse (okm, sizeof okm);
  return ok;
}

static gboolean
check_context (const ScopeKemContext *context, GError **error)
{
  if (strlen (context->network) <= G_MAXUINT16)
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "network name too long for a key exchange");
  return FALSE;
}

/* @m: (nullable): as mlkem_encapsulate() */
static gboolean
encapsulate (const guint8 *pub, const ScopeKemContext *context, const guint8 *ephemeral, const guint8 *m,
             guint8 *ciphertext, ScopeKemKeys *keys, GError **error)
{
  g_autoptr (EVP_PKEY) mine = scope_pkey_from_private ("X448", ephemeral, SCOPE_X448_LEN);
  g_autoptr (EVP_PKEY) mlkem = scope_pkey_from_public ("ML-KEM-768", pub + SCOPE_X448_LEN, SCOPE_MLKEM_PUBLIC_LEN);
  guint8 shared[SHARED_LEN];
  gboolean ok = FALSE;

  scope_kem_keys_clear (keys);
  if (!check_context (context, error))
    return FALSE;
  if (!scope_pkey_public (mine, ciphertext, SCOPE_X448_LEN))
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "cannot make an X448 key");
  else if (!x448 (mine, pub, shared))
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "public key for key exchange: not a good X448 point");
  else if (!mlkem || !mlkem_encapsulate (mlkem, m, ciphertext + SCOPE_X448_LEN, shared + SCOPE_X448_LEN))
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "public key for key exchange: not an ML-KEM-768 key");
  else
    ok = derive (shared, context, pub, ciphertext, keys, error);
  OPENSSL_cleanse (shared, sizeof shared);
  return ok;
}

gboolean
scope_kem_encapsulate_with (const guint8 *pub, const ScopeKemContext *context, const guint8 *randomness,
                            guint8 *ciphertext, ScopeKemKeys *keys, GError **error)
{
  return encapsulate (pub, context, randomness, randomness + SCOPE_X448_LEN, ciphertext, keys, error);
}

gboolean
scope_kem_encapsulate (const guint8 *pub, const ScopeKemContext *context, guint8 *ciphertext, ScopeKemKeys *keys,
                       GError **error)
{
  guint8 ephemeral[SCOPE_X448_LEN];
  gboolean ok;

  scope_kem_keys_clear (keys);
  if (!scope_random_secret (ephemeral, sizeof ephemeral, error))
    return FALSE;
  ok = encapsulate (pub, context, ephemeral, NULL, ciphertext, keys, error);
  OPENSSL_cleanse (ephemeral, sizeof ephemeral);
  return ok;
}

gboolean
scope_kem_decapsulate (const guint8 *secret, const ScopeKemContext *context, const guint8 *ciphertext,
                       ScopeKemKeys *keys, GError **error)
{
  g_auto (Pair) pair = { NULL };
  guint8 pub[SCOPE_KEM_PUBLIC_LEN];
  guint8 shared[SHARED_LEN];
  gboolean ok = FALSE;

  scope_kem_keys_clear (keys);
  if (!check_context (context, error) || !pair_load (&pair, secret, pub, error))
    return FALSE;
  if (!x448 (pair.x448, ciphertext, shared))
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "ciphertext of a key exchange: not a good X448 point");
  /* A ciphertext that was tampered with gives another key, not an error (FIPS 203 §6.3). */
  else if (!mlkem_decapsulate (pair.mlkem, ciphertext + SCOPE_X448_LEN, shared + SCOPE_X448_LEN))
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "cannot decapsulate with ML-KEM-768");
  else
    ok = derive (shared, context, pub, ciphertext, keys, error);
  OPENSSL_cleanse (shared, sizeof shared);
  return ok;
}

void
scope_kem_confirm (const ScopeKemKeys *keys, const char *message, guint8 *mac)
{
  size_t len;

  if (!EVP_Q_mac (NULL, "HMAC", NULL, "SHA3-256", NULL, keys->confirm, SCOPE_KEM_CONFIRM_LEN,
                  (const guint8 *) message, strlen (message), mac, SCOPE_KEM_CONFIRM_LEN, &len))
    g_error ("OpenSSL does not compute HMAC-SHA3-256");
}

gboolean
scope_kem_confirm_equal (const guint8 *a, const guint8 *b)
{
  return CRYPTO_memcmp (a, b, SCOPE_KEM_CONFIRM_LEN) == 0;
}

void
scope_sha3_256 (GBytes *bytes, guint8 *digest)
{
  gsize len;
  const guint8 *data = g_bytes_get_data (bytes, &len);

  scope_openssl_sha3_256 (data, len, digest);
}
