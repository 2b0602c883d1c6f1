/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-envelope.h"

#include "common/scope-base64.h"

#include <string.h>

#define N_SIGNATURES 2

static const gsize signature_len[N_SIGNATURES] = { SCOPE_ED448_SIGNATURE_LEN, SCOPE_MLDSA_SIGNATURE_LEN };

/* Then: both headers as JSON, both signatures, the payload. */
typedef struct {
  guint32 header_len[N_SIGNATURES];
  guint32 elided_at; /* in the payload; G_MAXUINT32 when nothing was left out */
} Head;

static void
append_decoded (GByteArray *out, const char *text, gsize chars)
{
  gsize at = out->len;

  g_byte_array_set_size (out, at + chars * 6 / 8);
  /* It is base64url: the envelope was parsed. */
  g_assert_true (scope_base64url_decode (text, chars, out->data + at));
}

GBytes *
scope_envelope_pack (const ScopeJws *jws, const char *elide)
{
  Head head = { .elided_at = G_MAXUINT32 };
  g_autoptr (GByteArray) out = g_byte_array_new ();
  gsize len, elided = elide ? strlen (elide) : 0;
  const guint8 *payload = g_bytes_get_data (jws->payload, &len);
  const guint8 *found = elided ? (const guint8 *) g_strstr_len ((const char *) payload, len, elide) : NULL;

  g_byte_array_set_size (out, sizeof head);
  for (guint i = 0; i < N_SIGNATURES; i++)
    {
      gsize chars;
      const char *input = g_bytes_get_data (jws->signing_input[i], &chars);
      const char *dot = memchr (input, '.', chars);
      append_decoded (out, input, dot - input);
      head.header_len[i] = (dot - input) * 6 / 8;
    }
  for (guint i = 0; i < N_SIGNATURES; i++)
    g_byte_array_append (out, jws->signature[i], signature_len[i]);
  if (found)
    {
      head.elided_at = found - payload;
      g_byte_array_append (out, payload, head.elided_at);
      g_byte_array_append (out, found + elided, len - head.elided_at - elided);
    }
  else
    g_byte_array_append (out, payload, len);
  memcpy (out->data, &head, sizeof head);
  return g_bytes_new (out->data, out->len); /* a copy of just that size: arrays grow by doubling */
}

static void
append_encoded (GString *out, const guint8 *bytes, gsize len)
{
  gsize at = out->len;

  g_string_set_size (out, at + SCOPE_BASE64_CHARS (len));
  scope_base64url_encode (bytes, len, out->str + at);
}

char *
scope_envelope_unpack (GBytes *packed, const char *elide)
{
  gsize len;
  const guint8 *at = g_bytes_get_data (packed, &len);
  const guint8 *end = at + len;
  const guint8 *header[N_SIGNATURES], *signature[N_SIGNATURES];
  g_autoptr (GByteArray) payload = g_byte_array_new ();
  GString *out = g_string_sized_new (2 * len);
  Head head;

  memcpy (&head, at, sizeof head);
  at += sizeof head;
  for (guint i = 0; i < N_SIGNATURES; at += head.header_len[i++])
    header[i] = at;
  for (guint i = 0; i < N_SIGNATURES; at += signature_len[i++])
    signature[i] = at;
  if (head.elided_at != G_MAXUINT32)
    {
      g_byte_array_append (payload, at, head.elided_at);
      g_byte_array_append (payload, (const guint8 *) elide, strlen (elide));
      at += head.elided_at;
    }
  g_byte_array_append (payload, at, end - at);

  g_string_append (out, "{\"payload\":\"");
  append_encoded (out, payload->data, payload->len);
  for (guint i = 0; i < N_SIGNATURES; i++)
    {
      g_string_append (out, i ? "\"},{\"protected\":\"" : "\",\"signatures\":[{\"protected\":\"");
      append_encoded (out, header[i], head.header_len[i]);
      g_string_append (out, "\",\"signature\":\"");
      append_encoded (out, signature[i], signature_len[i]);
    }
  g_string_append (out, "\"}]}");
  return g_string_free (out, FALSE);
}
