/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crypto/scope-identity.h"

#include "common/scope-base64.h"
#include "common/scope-error.h"
#include "common/scope-key.h"
#include "crypto/scope-identity-private.h"
#include "crypto/scope-openssl.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <string.h>

static const char fingerprint_label[] = "scope identity v1"; /* with its NUL */

/* Bytes only, since a process may know thousands; OpenSSL's keys are made when they are needed. */
struct _ScopeIdentityPublic {
  gatomicrefcount refs;
  guint8 bytes[SCOPE_IDENTITY_PUBLIC_LEN];
  char fingerprint[SCOPE_FINGERPRINT_LEN + 1];
};

struct _ScopeIdentity {
  gatomicrefcount refs;
  guint8 secret[SCOPE_IDENTITY_SECRET_LEN];
  ScopeIdentityPublic *pub;
};

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";

static void
format_fingerprint (const guint8 *digest, char *out)
{
  guint32 acc = 0;
  int bits = 0;

  for (int i = 0; i < SHA3_256_LEN; i++)
    {
      acc = (acc << 8) | digest[i];
      bits += 8;
      while (bits >= 5)
        {
          bits -= 5;
          *out++ = base32[(acc >> bits) & 31];
        }
    }
  *out++ = base32[(acc << (5 - bits)) & 31];
  *out = '\0';
}

gboolean
scope_fingerprint_valid (const char *text)
{
  /* 52 characters carry 260 bits: the last four are zero. */
  return text && strspn (text, base32) == SCOPE_FINGERPRINT_LEN && text[SCOPE_FINGERPRINT_LEN] == '\0' &&
         strchr ("aq", text[SCOPE_FINGERPRINT_LEN - 1]);
}

/* --- the public half --- */

ScopeIdentityPublic *
scope_identity_public_new (const guint8 *bytes)
{
  ScopeIdentityPublic *identity = g_new0 (ScopeIdentityPublic, 1);
  guint8 labelled[sizeof fingerprint_label + SCOPE_IDENTITY_PUBLIC_LEN];
  guint8 digest[SHA3_256_LEN];

  g_atomic_ref_count_init (&identity->refs);
  memcpy (identity->bytes, bytes, SCOPE_IDENTITY_PUBLIC_LEN);

  memcpy (labelled, fingerprint_label, sizeof fingerprint_label);
  memcpy (labelled + sizeof fingerprint_label, bytes, SCOPE_IDENTITY_PUBLIC_LEN);
  scope_openssl_sha3_256 (labelled, sizeof labelled, digest);
  format_fingerprint (digest, identity->fingerprint);
  return identity;
}

ScopeIdentityPublic *
scope_identity_public_ref (ScopeIdentityPublic *identity)
{
  g_atomic_ref_count_inc (&identity->refs);
  return identity;
}

void
scope_identity_public_unref (ScopeIdentityPublic *identity)
{
  if (identity && g_atomic_ref_count_dec (&identity->refs))
    g_free (identity);
}

ScopeIdentityPublic *
scope_identity_public_parse (const char *text, GError **error)
{
  guint8 bytes[SCOPE_IDENTITY_PUBLIC_LEN];

  if (!scope_base64url_decode_exact (text, bytes, sizeof bytes))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
                   "not an identity's public key: %d characters of base64url without padding",
                   SCOPE_BASE64_CHARS (SCOPE_IDENTITY_PUBLIC_LEN));
      return NULL;
    }
  return scope_identity_public_new (bytes);
}

char *
scope_identity_public_format (const ScopeIdentityPublic *identity)
{
  char *text = g_malloc (SCOPE_BASE64_CHARS (SCOPE_IDENTITY_PUBLIC_LEN) + 1);

  return scope_base64url_encode (identity->bytes, SCOPE_IDENTITY_PUBLIC_LEN, text);
}

const guint8 *
scope_identity_public_bytes (const ScopeIdentityPublic *identity)
{
  return identity->bytes;
}

gboolean
scope_identity_public_equal (const ScopeIdentityPublic *a, const ScopeIdentityPublic *b)
{
  return memcmp (a->bytes, b->bytes, SCOPE_IDENTITY_PUBLIC_LEN) == 0;
}

const char *
scope_identity_public_fingerprint (const ScopeIdentityPublic *identity)
{
  return identity->fingerprint;
}

static gboolean
verify (const char *algorithm, const guint8 *key, gsize key_len, GBytes *message, const guint8 *signature,
        gsize signature_len)
{
  g_autoptr (EVP_PKEY) pkey = scope_pkey_from_public (algorithm, key, key_len);
  g_autoptr (EVP_MD_CTX) ctx = EVP_MD_CTX_new ();
  gsize len;
  const guint8 *data = g_bytes_get_data (message, &len);

  return pkey && ctx && EVP_DigestVerifyInit_ex (ctx, NULL, NULL, NULL, NULL, pkey, NULL) == 1 &&
         EVP_DigestVerify (ctx, signature, signature_len, data, len) == 1;
}

gboolean
scope_identity_public_verify_ed448 (const ScopeIdentityPublic *identity, GBytes *message, const guint8 *signature)
{
  return verify ("ED448", identity->bytes, SCOPE_ED448_LEN, message, signature, SCOPE_ED448_SIGNATURE_LEN);
}

gboolean
scope_identity_public_verify_mldsa (const ScopeIdentityPublic *identity, GBytes *message, const guint8 *signature)
{
  return verify ("ML-DSA-65", identity->bytes + SCOPE_ED448_LEN, SCOPE_MLDSA_PUBLIC_LEN, message, signature,
                 SCOPE_MLDSA_SIGNATURE_LEN);
}

gboolean
scope_identity_public_verify (const ScopeIdentityPublic *identity, GBytes *ed448_message, const guint8 *ed448,
                              GBytes *mldsa_message, const guint8 *mldsa)
{
  return scope_identity_public_verify_ed448 (identity, ed448_message, ed448) &&
         scope_identity_public_verify_mldsa (identity, mldsa_message, mldsa);
}

/* --- the secret half --- */

static EVP_PKEY *
ed448_key (const guint8 *secret)
{
  return scope_pkey_from_private ("ED448", secret, SCOPE_ED448_LEN);
}

static EVP_PKEY *
mldsa_key (const guint8 *secret)
{
  return scope_pkey_from_seed ("ML-DSA-65", secret + SCOPE_ED448_LEN, SCOPE_MLDSA_SEED_LEN);
}

ScopeIdentity *
scope_identity_new (const guint8 *secret, GError **error)
{
  g_autoptr (EVP_PKEY) ed448 = ed448_key (secret);
  g_autoptr (EVP_PKEY) mldsa = mldsa_key (secret);
  guint8 bytes[SCOPE_IDENTITY_PUBLIC_LEN];

  if (!scope_pkey_public (ed448, bytes, SCOPE_ED448_LEN) ||
      !scope_pkey_public (mldsa, bytes + SCOPE_ED448_LEN, SCOPE_MLDSA_PUBLIC_LEN))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "cannot compute the public key of an identity");
      return NULL;
    }

  ScopeIdentity *identity = g_new0 (ScopeIdentity, 1);
  g_atomic_ref_count_init (&identity->refs);
  memcpy (identity->secret, secret, SCOPE_IDENTITY_SECRET_LEN);
  identity->pub = scope_identity_public_new (bytes);
  return identity;
}

ScopeIdentity *
scope_identity_generate (GError **error)
{
  guint8 secret[SCOPE_IDENTITY_SECRET_LEN];
  ScopeIdentity *identity;

  if (!scope_random_secret (secret, sizeof secret, error))
    return NULL;
  identity = scope_identity_new (secret, error);
  OPENSSL_cleanse (secret, sizeof secret);
  return identity;
}

ScopeIdentity *
scope_identity_parse (const char *text, GError **error)
{
  guint8 secret[SCOPE_IDENTITY_SECRET_LEN];
  ScopeIdentity *identity;

  if (!scope_base64url_decode_exact (text, secret, sizeof secret))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
                   "not an identity's secret: %d characters of base64url without padding",
                   SCOPE_BASE64_CHARS (SCOPE_IDENTITY_SECRET_LEN));
      return NULL;
    }
  identity = scope_identity_new (secret, error);
  OPENSSL_cleanse (secret, sizeof secret);
  return identity;
}

char *
scope_identity_format (const ScopeIdentity *identity)
{
  char *text = g_malloc (SCOPE_BASE64_CHARS (SCOPE_IDENTITY_SECRET_LEN) + 1);

  return scope_base64url_encode (identity->secret, SCOPE_IDENTITY_SECRET_LEN, text);
}

ScopeIdentity *
scope_identity_ref (ScopeIdentity *identity)
{
  g_atomic_ref_count_inc (&identity->refs);
  return identity;
}

void
scope_identity_unref (ScopeIdentity *identity)
{
  if (!identity || !g_atomic_ref_count_dec (&identity->refs))
    return;
  OPENSSL_cleanse (identity->secret, SCOPE_IDENTITY_SECRET_LEN);
  scope_identity_public_unref (identity->pub);
  g_free (identity);
}

ScopeIdentityPublic *
scope_identity_public (const ScopeIdentity *identity)
{
  return identity->pub;
}

static gboolean
sign (EVP_PKEY *pkey, const OSSL_PARAM *params, GBytes *message, guint8 *signature, gsize signature_len)
{
  g_autoptr (EVP_MD_CTX) ctx = EVP_MD_CTX_new ();
  gsize len;
  const guint8 *data = g_bytes_get_data (message, &len);
  size_t written = signature_len;

  return pkey && ctx && EVP_DigestSignInit_ex (ctx, NULL, NULL, NULL, NULL, pkey, params) == 1 &&
         EVP_DigestSign (ctx, signature, &written, data, len) == 1 && written == signature_len;
}

gboolean
scope_identity_sign (const ScopeIdentity *identity, GBytes *ed448_message, guint8 *ed448, GBytes *mldsa_message,
                     guint8 *mldsa, GError **error)
{
  g_autoptr (EVP_PKEY) ed448_pkey = ed448_key (identity->secret);
  g_autoptr (EVP_PKEY) mldsa_pkey = mldsa_key (identity->secret);
  int deterministic = 1;
  OSSL_PARAM params[] = {
    OSSL_PARAM_construct_int (OSSL_SIGNATURE_PARAM_DETERMINISTIC, &deterministic),
    OSSL_PARAM_construct_end (),
  };

  if (sign (ed448_pkey, NULL, ed448_message, ed448, SCOPE_ED448_SIGNATURE_LEN) &&
      sign (mldsa_pkey, params, mldsa_message, mldsa, SCOPE_MLDSA_SIGNATURE_LEN))
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "cannot sign with identity %s",
               scope_identity_public_fingerprint (identity->pub));
  return FALSE;
}
