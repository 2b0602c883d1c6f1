/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/scope-base64.h"

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

/* 0..63, or -1 for a character outside the alphabet; the last two have two forms each. */
static inline int
decode6 (int c, int c62, int c63)
{
  return -1 + (range_mask (c, 'A', 'Z') & (c - 'A' + 1)) + (range_mask (c, 'a', 'z') & (c - 'a' + 27)) +
         (range_mask (c, '0', '9') & (c - '0' + 53)) +
         ((range_mask (c, c62, c62) | range_mask (c, '-', '-')) & 63) +
         ((range_mask (c, c63, c63) | range_mask (c, '_', '_')) & 64);
}

static char *
encode (const guint8 *bytes, gsize len, char *out, int c62, int c63)
{
  guint32 acc = 0;
  int bits = 0;
  gsize o = 0;

  for (gsize i = 0; i < len; i++)
    {
      acc = (acc << 8) | bytes[i];
      bits += 8;
      while (bits >= 6)
        {
          bits -= 6;
          out[o++] = encode6 ((acc >> bits) & 63, c62, c63);
        }
    }
  if (bits)
    out[o++] = encode6 ((acc << (6 - bits)) & 63, c62, c63);
  out[o] = '\0';
  return out;
}

char *
scope_base64_encode (const guint8 *bytes, gsize len, char *out)
{
  return encode (bytes, len, out, '+', '/');
}

char *
scope_base64url_encode (const guint8 *bytes, gsize len, char *out)
{
  return encode (bytes, len, out, '-', '_');
}

static gboolean
decode (const char *text, gsize chars, guint8 *out, int c62, int c63)
{
  guint32 acc = 0;
  int bad = chars % 4 == 1 ? -1 : 0;
  int bits = 0;
  gsize o = 0;

  for (gsize i = 0; i < chars; i++)
    {
      int v = decode6 ((guchar) text[i], c62, c63);
      bad |= v;
      acc = (acc << 6) | (v & 63);
      bits += 6;
      if (bits >= 8)
        {
          bits -= 8;
          out[o++] = acc >> bits;
        }
    }
  bad |= -(int) (acc & ((1u << bits) - 1));
  if (bad < 0)
    explicit_bzero (out, o);
  return bad >= 0;
}

gboolean
scope_base64_decode (const char *text, gsize chars, guint8 *out)
{
  return decode (text, chars, out, '+', '/');
}

gboolean
scope_base64url_decode (const char *text, gsize chars, guint8 *out)
{
  return decode (text, chars, out, '-', '_');
}

gboolean
scope_base64url_decode_exact (const char *text, guint8 *out, gsize len)
{
  return strlen (text) == SCOPE_BASE64_CHARS (len) && scope_base64url_decode (text, SCOPE_BASE64_CHARS (len), out);
}
