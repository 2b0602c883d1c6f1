/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crypto/scope-x25519.h"

#include "common/scope-error.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

gboolean
scope_x25519_generate (ScopeKey *private_key, GError **error)
{
  if (RAND_priv_bytes (private_key->bytes, SCOPE_KEY_LEN) != 1)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "no random numbers for a private key");
      return FALSE;
    }
  private_key->bytes[0] &= 248;
  private_key->bytes[31] = (private_key->bytes[31] & 127) | 64;
  return TRUE;
}

gboolean
scope_x25519_public (ScopeKey *public_key, const ScopeKey *private_key, GError **error)
{
  EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key (EVP_PKEY_X25519, NULL, private_key->bytes, SCOPE_KEY_LEN);
  size_t len = SCOPE_KEY_LEN;
  gboolean ok = pkey && EVP_PKEY_get_raw_public_key (pkey, public_key->bytes, &len) == 1 && len == SCOPE_KEY_LEN;

  EVP_PKEY_free (pkey);
  if (!ok)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "cannot compute the public key of a private key");
  return ok;
}
