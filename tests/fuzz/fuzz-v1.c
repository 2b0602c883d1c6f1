/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames of a v1 session: what is accepted is written, and read again as the same. */
#include "common/scope-error.h"
#include "wire/scope-v1.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  guint skipped = 7;
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeV1Message) message =
      scope_v1_parse ((const char *) data, size, SCOPE_V1_TO_PEER_MAX, &skipped, &error);
  g_autoptr (ScopeV1Message) again = NULL;
  g_autofree char *text = NULL, *text_again = NULL;

  if (!message)
    {
      g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
      return 0;
    }
  if (message->type == SCOPE_V1_UNKNOWN)
    return 0;
  text = scope_v1_format (message);
  /* escapes and fractions may be longer than what they stand for */
  if (strlen (text) > (message->type == SCOPE_V1_KEX ? SCOPE_V1_KEX_MAX : SCOPE_V1_TO_PEER_MAX))
    return 0;
  again = scope_v1_parse (text, strlen (text), SCOPE_V1_TO_PEER_MAX, &skipped, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (skipped, ==, 0);
  g_assert_cmpint (again->type, ==, message->type);
  text_again = scope_v1_format (again);
  g_assert_cmpstr (text_again, ==, text);
  return 0;
}
