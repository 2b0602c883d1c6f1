/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/scope-error.h"
#include "wire/scope-roster.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeRoster) roster = scope_roster_parse ((const char *) data, size, NULL, &error);
  g_autoptr (ScopeRoster) again = NULL;
  g_autoptr (GString) text = NULL;
  g_autoptr (GString) same = NULL;
  guint skipped;

  if (!roster)
    {
      g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
      return 0;
    }
  /* What we write, we read, and write the same. */
  text = scope_roster_format (roster, TRUE);
  again = scope_roster_parse (text->str, text->len, &skipped, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (skipped, ==, 0);
  g_assert_cmpuint (again->peers->len, ==, roster->peers->len);
  same = scope_roster_format (again, TRUE);
  g_assert_cmpstr (same->str, ==, text->str);
  return 0;
}
