/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/scope-key.h"

#include <string.h>

/* All ones when lo <= c <= hi, else zero; no branch, no table: nothing about c shows in the timing. */
static inline int
range_mask (int c, int lo, int hi)
{
  return ((lo - 1 - c) & (c - hi - 1)) >> 31;
}

static inline char
encode6 (int v, int c62, int c63)
{
  return (range_mask (v, 0, 25) & ('A' + v)) | (range_mask (v, 26, 51) & ('a' + v - 26)) |
         (range_mask (v, 52, 61) & ('0' + v - 52)) | (range_mask (v, 62, 62) & c62) |
         (range_mask (v, 63, 63) & c63);
}

/* 0..63, or -1 for a character outside both alphabets */
static inline int
decode6 (int c)
{
  return -1 + (range_mask (c, 'A', 'Z') & (c - 'A' + 1)) + (range_mask (c, 'a', 'z') & (c - 'a' + 27)) +
         (range_mask (c, '0', '9') & (c - '0' + 53)) +
         ((range_mask (c, '+', '+') | range_mask (c, '-', '-')) & 63) +
         ((range_mask (c, '/', '/') | range_mask (c, '_', '_')) & 64);
}

gboolean
scope_key_parse (ScopeKey *key, const char *text)
{
  gsize len = text ? strnlen (text, SCOPE_KEY_BASE64_LEN + 1) : 0;
  int bad = 0;

  memset (key, 0, sizeof *key);
  if (len != SCOPE_KEY_BASE64URL_LEN && !(len == SCOPE_KEY_BASE64_LEN && text[len - 1] == '='))
    return FALSE;

  /* 43 characters carry 258 bits: the last two must be zero, so that each key has one text. */
  guint32 acc = 0;
  int bits = 0, o = 0;
  for (int i = 0; i < SCOPE_KEY_BASE64URL_LEN; i++)
    {
      int v = decode6 ((guchar) text[i]);
      bad |= v;
      acc = (acc << 6) | (v & 63);
      bits += 6;
      if (bits >= 8)
        {
          bits -= 8;
          key->bytes[o++] = acc >> bits;
        }
    }
  bad |= -(int) (acc & 3);
  if (bad < 0)
    {
      scope_key_clear (key);
      return FALSE;
    }
  return TRUE;
}

static char *
encode (const ScopeKey *key, char *out, int c62, int c63)
{
  guint32 acc = 0;
  int bits = 0, o = 0;

  for (int i = 0; i < SCOPE_KEY_LEN; i++)
    {
      acc = (acc << 8) | key->bytes[i];
      bits += 8;
      while (bits >= 6)
        {
          bits -= 6;
          out[o++] = encode6 ((acc >> bits) & 63, c62, c63);
        }
    }
  out[o++] = encode6 ((acc << (6 - bits)) & 63, c62, c63);
  out[o] = '\0';
  return out;
}

char *
scope_key_to_base64 (const ScopeKey *key, char *out)
{
  encode (key, out, '+', '/');
  out[SCOPE_KEY_BASE64_LEN - 1] = '=';
  out[SCOPE_KEY_BASE64_LEN] = '\0';
  return out;
}

char *
scope_key_to_base64url (const ScopeKey *key, char *out)
{
  return encode (key, out, '-', '_');
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
