/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Invites from anybody: the parser stands them, and what it accepts is written so that it reads the same again. */
#include "config.h"

#include "common/scope-invite-file.h"
#include "common/scope-key.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeInviteFile) invite = scope_invite_file_parse ((const char *) data, size, 0, notes, &error);
  g_autoptr (ScopeInviteFile) again = NULL;
  g_autoptr (ScopeSecret) text = NULL, same = NULL;

  g_assert_true (invite ? !error : error && *error->message);
  if (!invite)
    return 0;
  text = scope_invite_file_format (invite);
  if (strlen (text) > SCOPE_INVITE_FILE_MAX)
    return 0; /* escapes are longer than what they stand for */
  again = scope_invite_file_parse (text, strlen (text), 0, NULL, &error);
  g_assert_no_error (error);
  same = scope_invite_file_format (again);
  g_assert_cmpstr (text, ==, same);
  g_assert_cmpint (invite->expires, ==, again->expires);
  return 0;
}
