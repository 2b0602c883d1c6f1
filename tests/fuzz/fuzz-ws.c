/* SPDX-License-Identifier: GPL-3.0-or-later */
/* WebSocket frames: however the bytes are cut into pieces, the same messages come out. */
#include "registry/registry-frame.h"

#include <string.h>

#define MAX_MESSAGE 300

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static gboolean
note (RegistryOpcode opcode, const guint8 *payload, gsize len, gpointer user_data)
{
  g_assert_cmpuint (len, <=, MAX_MESSAGE);
  g_string_append_printf (user_data, "%x %zu ", opcode, len);
  g_string_append_len (user_data, (const char *) payload, len);
  if (opcode == REGISTRY_FRAME_CLOSE)
    registry_frame_close_code (payload, len);
  return opcode != REGISTRY_FRAME_CLOSE;
}

static guint16
feed (const guint8 *data, gsize size, gsize step, GString *seen)
{
  RegistryDecoder decoder = { 0 };
  guint16 code = 0;

  for (gsize i = 0; i < size && !code && !strstr (seen->str, "8 "); i += step)
    {
      gsize n = MIN (step, size - i);
      g_autofree guint8 *copy = g_memdup2 (data + i, n);

      code = registry_decoder_feed (&decoder, copy, n, MAX_MESSAGE, note, seen);
    }
  registry_decoder_clear (&decoder);
  return code;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GString) whole = g_string_new (NULL);
  g_autoptr (GString) pieces = g_string_new (NULL);
  guint16 code;

  if (size < 2)
    return 0;
  code = feed (data + 1, size - 1, size - 1, whole);
  /* A payload may hold "8 ", which only the feeding in pieces stops at: then it has a beginning of it. */
  if (strstr (whole->str, "8 "))
    {
      feed (data + 1, size - 1, 1 + data[0], pieces);
      g_assert_true (pieces->len <= whole->len && memcmp (pieces->str, whole->str, pieces->len) == 0);
      return 0;
    }
  g_assert_cmpuint (feed (data + 1, size - 1, 1 + data[0], pieces), ==, code);
  g_assert_true (g_string_equal (whole, pieces));
  return 0;
}
