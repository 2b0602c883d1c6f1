/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages of a WebSocket that carries: text is written as it was read, packets are within the message and WireGuard's. */
#include "common/scope-error.h"
#include "wire/scope-carry.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
text (const guint8 *data, gsize size)
{
  ScopeCarryMessage message, again;
  g_autoptr (GError) error = NULL;
  g_autofree char *written = NULL;
  g_autofree char *rewritten = NULL;

  if (!scope_carry_parse (&message, (const char *) data, size, &error))
    {
      g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
      return;
    }
  if (message.type == SCOPE_CARRY_UNKNOWN)
    return;
  written = scope_carry_format (&message);
  scope_carry_parse (&again, written, strlen (written), &error);
  g_assert_no_error (error);
  rewritten = scope_carry_format (&again);
  g_assert_cmpstr (written, ==, rewritten);
}

static void
packets (const guint8 *data, gsize size)
{
  g_autoptr (GByteArray) written = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  ScopeCarryReader reader = { data, size };
  const guint8 *packet;
  guint16 id;
  gsize len;

  while (scope_carry_next (&reader, &id, &packet, &len, &error))
    {
      g_assert_true (packet > data && packet + len <= data + size);
      g_assert_true (scope_carry_is_wireguard (packet, len));
      scope_carry_append (written, id, packet, len);
    }
  g_assert_cmpmem (written->data, written->len, data, written->len);
  g_assert_true ((error == NULL) == (written->len == size));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  text (data, size);
  packets (data, size);
  return 0;
}
