/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/scope-error.h"
#include "wire/scope-message.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_auto (ScopeMessage) message = { 0 };
  g_auto (ScopeMessage) again = { 0 };
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  if (!scope_message_parse (&message, (const char *) data, size, &error))
    {
      g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
      return 0;
    }
  if (message.type == SCOPE_MESSAGE_UNKNOWN)
    return 0;
  text = scope_message_format (message.type, message.data);
  if (strlen (text) > SCOPE_MESSAGE_MAX_BYTES) /* escapes may be longer than what they stand for */
    return 0;
  g_assert_true (scope_message_parse (&again, text, strlen (text), NULL));
  g_assert_cmpint (again.type, ==, message.type);
  g_assert_cmpstr (again.data, ==, message.data);
  return 0;
}
