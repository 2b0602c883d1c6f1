/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/scope-stun.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* What is accepted can be verified, and what we would answer with is accepted. */
static void
try (const guint8 *data, gsize size)
{
  guint8 buffer[SCOPE_STUN_MAX];
  ScopeStunMessage message, again;
  gsize len;

  if (!scope_stun_parse (&message, data, size))
    return;
  if (scope_stun_verify (data, size, "password"))
    g_assert_true (message.sealed);
  if (message.kind == SCOPE_STUN_REQUEST && message.user[0])
    {
      len = scope_stun_request (buffer, message.id, message.user, "password");
      g_assert_true (scope_stun_parse (&again, buffer, len));
      g_assert_true (strcmp (again.user, message.user) == 0 && scope_stun_verify (buffer, len, "password"));
    }
  if (message.kind == SCOPE_STUN_ANSWER)
    {
      len = scope_stun_answer (buffer, message.id, &message.mapped, NULL);
      g_assert_true (scope_stun_parse (&again, buffer, len));
      g_assert_true (scope_sockaddr_equal (&again.mapped, &message.mapped));
    }
}

/* As it is; and as attributes after a good header, in a block of just that size: libnice itself tells the fuzzer nothing
 * of what it reads, so inputs that get past the header would hardly be found. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static const guint16 types[] = { 0x0001, 0x0101, 0x0111 };
  gsize len = size > 0 ? (size - 1) & ~(gsize) 3 : 0;
  g_autofree guint8 *block = g_malloc (SCOPE_STUN_MIN + len);

  try (data, size);
  if (size == 0)
    return 0;
  const guint16 type = types[data[0] % G_N_ELEMENTS (types)];
  const guint8 header[SCOPE_STUN_MIN] = { type >> 8, type, len >> 8, len, 0x21, 0x12, 0xa4, 0x42 };
  memcpy (block, header, sizeof header);
  memcpy (block + SCOPE_STUN_MIN, data + 1, len);
  try (block, SCOPE_STUN_MIN + len);
  return 0;
}
