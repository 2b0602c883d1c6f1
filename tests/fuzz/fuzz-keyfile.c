/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Root keys' files: the parser stands anything, and what it accepts is written so that it reads the same again. */
#include "config.h"

#include "crypto/scope-keyfile.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeKeyfile) k = scope_keyfile_parse ((const char *) data, size, &error);
  g_autoptr (ScopeKeyfile) again = NULL;
  g_autofree char *text = NULL, *same = NULL;

  g_assert_true (k ? !error : error && *error->message);
  if (!k)
    return 0;
  text = scope_keyfile_format (k);
  again = scope_keyfile_parse (text, strlen (text), &error);
  g_assert_no_error (error);
  same = scope_keyfile_format (again);
  g_assert_cmpstr (text, ==, same);
  return 0;
}
