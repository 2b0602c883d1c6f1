/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a peer may have signed: each payload as each of its kinds, written and read again. */
#include "common/scope-error.h"
#include "common/scope-json.h"
#include "wire/scope-record-private.h"

#include <string.h>

#define NETWORK "home"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
refused (const GError *error)
{
  g_assert_true (scope_err_denied (error) || g_error_matches (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL));
}

/* What we wrote: it must be read. */
static JsonObject *
written (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonObject *object = scope_json_parse_object_strict (text, strlen (text), 2 * SCOPE_JWS_MAX_BYTES, &error);

  g_assert_no_error (error);
  return object;
}

static void
try_record (JsonObject *payload)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeRecord) record = scope_record_parse (payload, NETWORK, &error);
  g_autoptr (ScopeRecord) again = NULL;
  g_autoptr (JsonObject) object = NULL;
  g_autofree char *text = NULL, *text_again = NULL;

  if (!record)
    {
      refused (error);
      return;
    }
  text = scope_record_format (record);
  object = written (text);
  again = scope_record_parse (object, NETWORK, &error);
  g_assert_no_error (error);
  text_again = scope_record_format (again);
  g_assert_cmpstr (text_again, ==, text);
}

static void
try_hello (JsonObject *payload)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object = NULL;
  g_autofree char *text = NULL;
  const char *nonce, *nonce_again;
  ScopeKey key, key_again;

  if (!scope_hello_parse (payload, NETWORK, &nonce, &key, &error))
    {
      refused (error);
      return;
    }
  text = scope_hello_format (NETWORK, nonce, &key, 1);
  object = written (text);
  g_assert_true (scope_hello_parse (object, NETWORK, &nonce_again, &key_again, NULL));
  g_assert_cmpstr (nonce_again, ==, nonce);
  g_assert_true (scope_key_equal (&key_again, &key));
}

static void
try_kex_key (JsonObject *payload)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object = NULL;
  g_autofree char *text = NULL;
  ScopeKexKey key = { 0 }, again = { 0 };

  if (!scope_kex_key_parse (payload, NETWORK, &key, &error))
    {
      refused (error);
      return;
    }
  text = scope_kex_key_format (NETWORK, &key);
  object = written (text);
  g_assert_true (scope_kex_key_parse (object, NETWORK, &again, NULL));
  g_assert_true (memcmp (&key, &again, sizeof key) == 0);
}

static void
try_kex_ct (JsonObject *payload)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object = NULL;
  g_autofree char *text = NULL;
  ScopeKexCt ct = { 0 }, again = { 0 };

  if (!scope_kex_ct_parse (payload, NETWORK, &ct, &error))
    {
      refused (error);
      return;
    }
  text = scope_kex_ct_format (NETWORK, &ct);
  object = written (text);
  g_assert_true (scope_kex_ct_parse (object, NETWORK, &again, NULL));
  g_assert_true (memcmp (&ct, &again, sizeof ct) == 0);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (JsonObject) payload =
      scope_json_parse_object_strict ((const char *) data, size, SCOPE_JWS_MAX_BYTES, NULL);

  if (!payload)
    return 0;
  try_record (payload);
  try_hello (payload);
  try_kex_key (payload);
  try_kex_ct (payload);
  return 0;
}
