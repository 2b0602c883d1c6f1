/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/scope-error.h"
#include "crypto/scope-jws.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static ScopeIdentity *
signer (void)
{
  static ScopeIdentity *identity;
  guint8 secret[SCOPE_IDENTITY_SECRET_LEN];

  /* Whose secret is 0, 1, 2, …: it signed the one in the corpus that is good. */
  for (guint i = 0; i < sizeof secret; i++)
    secret[i] = i;
  if (!identity)
    identity = scope_identity_new (secret, NULL);
  return identity;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) payload = NULL;
  g_autoptr (ScopeJws) jws = scope_jws_parse ((const char *) data, size, &error);

  if (!jws)
    {
      g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
      return 0;
    }
  g_assert_true (scope_fingerprint_valid (jws->kid));
  g_assert_true (jws->signature[0] && jws->signature[1] && jws->signing_input[0] && jws->signing_input[1]);
  payload = scope_jws_verify (jws, scope_identity_public (signer ()), "scope-test", &error);
  if (!payload)
    g_assert_true (scope_err_denied (error) || g_error_matches (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL));
  return 0;
}
