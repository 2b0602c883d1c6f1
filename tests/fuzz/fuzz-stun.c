/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/scope-stun.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* What is accepted can be verified, and what we would answer with is accepted. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  guint8 buffer[SCOPE_STUN_MAX];
  ScopeStunMessage message, again;
  gsize len;

  if (!scope_stun_parse (&message, data, size))
    return 0;
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
  return 0;
}
