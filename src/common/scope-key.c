/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/scope-key.h"

#include "common/scope-base64.h"

#include <string.h>

gboolean
scope_key_parse (ScopeKey *key, const char *text)
{
  gsize len = text ? strnlen (text, SCOPE_KEY_BASE64_LEN + 1) : 0;

  memset (key, 0, sizeof *key);
  if (len != SCOPE_KEY_BASE64URL_LEN && !(len == SCOPE_KEY_BASE64_LEN && text[len - 1] == '='))
    return FALSE;

  return scope_base64_decode (text, SCOPE_KEY_BASE64URL_LEN, key->bytes);
}

char *
scope_key_to_base64 (const ScopeKey *key, char *out)
{
  scope_base64_encode (key->bytes, SCOPE_KEY_LEN, out);
  out[SCOPE_KEY_BASE64_LEN - 1] = '=';
  out[SCOPE_KEY_BASE64_LEN] = '\0';
  return out;
}

char *
scope_key_to_base64url (const ScopeKey *key, char *out)
{
  return scope_base64url_encode (key->bytes, SCOPE_KEY_LEN, out);
}

guint
scope_key_hash (gconstpointer key)
{
  guint h;
  memcpy (&h, ((const ScopeKey *) key)->bytes, sizeof h); /* public keys are uniform */
  return h;
}

gboolean
scope_key_equal (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, sizeof (ScopeKey)) == 0;
}

int
scope_key_compare (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, sizeof (ScopeKey));
}

gboolean
scope_key_is_zero (const ScopeKey *key)
{
  guint8 any = 0;
  for (int i = 0; i < SCOPE_KEY_LEN; i++)
    any |= key->bytes[i];
  return any == 0;
}

void
scope_key_clear (ScopeKey *key)
{
  explicit_bzero (key, sizeof *key);
}

void
scope_secret_free (char *secret)
{
  if (!secret)
    return;
  explicit_bzero (secret, strlen (secret));
  g_free (secret);
}
