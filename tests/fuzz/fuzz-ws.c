/* SPDX-License-Identifier: GPL-3.0-or-later */
/* WebSocket frames: however the bytes are cut into pieces, the same messages come out. */
#include "registry/registry-frame.h"

#define MAX_MESSAGE 300

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

typedef struct {
  GString *text;
  gboolean closed;
} Seen;

static gboolean
note (RegistryOpcode opcode, const guint8 *payload, gsize len, gpointer user_data)
{
  Seen *seen = user_data;

  g_assert_false (seen->closed);
  g_assert_cmpuint (len, <=, MAX_MESSAGE);
  g_string_append_printf (seen->text, "%x %zu ", opcode, len);
  g_string_append_len (seen->text, (const char *) payload, len);
  if (opcode != REGISTRY_FRAME_CLOSE)
    return TRUE;
  g_assert_cmpuint (registry_frame_close_code (payload, len), >=, REGISTRY_CLOSE_NORMAL);
  seen->closed = TRUE;
  return FALSE;
}

static guint16
feed (const guint8 *data, gsize size, gsize step, Seen *seen)
{
  RegistryDecoder decoder = { 0 };
  guint16 code = 0;

  for (gsize i = 0; i < size && !code && !seen->closed; i += step)
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
  Seen a = { whole }, b = { pieces };

  if (size < 2)
    return 0;
  g_assert_cmpuint (feed (data + 1, size - 1, size - 1, &a), ==, feed (data + 1, size - 1, 1 + data[0], &b));
  g_assert_true (g_string_equal (whole, pieces));
  return 0;
}
