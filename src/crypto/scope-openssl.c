/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crypto/scope-openssl.h"

#include "common/scope-error.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

EVP_PKEY *
scope_pkey_from_seed (const char *algorithm, const guint8 *seed, gsize len)
{
  g_autoptr (EVP_PKEY_CTX) ctx = EVP_PKEY_CTX_new_from_name (NULL, algorithm, NULL);
  OSSL_PARAM params[] = {
    OSSL_PARAM_construct_octet_string (OSSL_PKEY_PARAM_ML_DSA_SEED, (guint8 *) seed, len), /* ML-KEM's has the same name */
    OSSL_PARAM_construct_end (),
  };
  EVP_PKEY *pkey = NULL;

  if (!ctx || EVP_PKEY_keygen_init (ctx) != 1 || EVP_PKEY_CTX_set_params (ctx, params) != 1 ||
      EVP_PKEY_generate (ctx, &pkey) != 1)
    return NULL;
  return pkey;
}

EVP_PKEY *
scope_pkey_from_private (const char *algorithm, const guint8 *bytes, gsize len)
{
  return EVP_PKEY_new_raw_private_key_ex (NULL, algorithm, NULL, bytes, len);
}

EVP_PKEY *
scope_pkey_from_public (const char *algorithm, const guint8 *bytes, gsize len)
{
  return EVP_PKEY_new_raw_public_key_ex (NULL, algorithm, NULL, bytes, len);
}

gboolean
scope_pkey_public (const EVP_PKEY *pkey, guint8 *out, gsize len)
{
  size_t written = len;

  return pkey && EVP_PKEY_get_raw_public_key (pkey, out, &written) == 1 && written == len;
}

gboolean
scope_random_secret (guint8 *out, gsize len, GError **error)
{
  if (RAND_priv_bytes (out, len) == 1)
    return TRUE;
  OPENSSL_cleanse (out, len);
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "no random numbers for a secret key");
  return FALSE;
}

void
scope_openssl_sha3_256 (const guint8 *bytes, gsize len, guint8 *digest)
{
  /* Nothing can go on without: as when memory runs out. */
  if (EVP_Q_digest (NULL, "SHA3-256", NULL, bytes, len, digest, NULL) != 1)
    g_error ("OpenSSL does not compute SHA3-256");
}
