/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test-log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

GPtrArray *test_log_warnings;
GString *test_log_text;

static GLogWriterOutput
test_log_writer (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  const char *message = "";

  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "MESSAGE"))
      message = fields[i].value;
  if (level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR))
    {
      fprintf (stderr, "critical: %s\n", message);
      abort ();
    }
  if (!(level & G_LOG_LEVEL_DEBUG))
    g_string_append_printf (test_log_text, "%s\n", message);
  if (level & G_LOG_LEVEL_WARNING)
    g_ptr_array_add (test_log_warnings, g_strdup (message));
  else if (g_getenv ("TEST_VERBOSE"))
    fprintf (stderr, "# %s\n", message);
  return G_LOG_WRITER_HANDLED;
}

void
test_log_init (void)
{
  test_log_warnings = g_ptr_array_new_with_free_func (g_free);
  test_log_text = g_string_new (NULL);
  g_log_set_writer_func (test_log_writer, NULL, NULL);
}

void
test_log_expect (const char *text)
{
  if (!strstr (test_log_text->str, text))
    g_error ("not logged: %s", text);
  g_string_set_size (test_log_text, 0);
}

void
test_log_assert_warning (const char *pattern)
{
  const char *message = test_log_warnings->len ? g_ptr_array_index (test_log_warnings, 0) : "(none)";

  if (!g_pattern_match_simple (pattern, message))
    g_error ("expected the warning %s, got %s", pattern, message);
  g_ptr_array_remove_index (test_log_warnings, 0);
}

void
test_log_assert_quiet (void)
{
  if (test_log_warnings->len)
    g_error ("unexpected warning: %s", (char *) g_ptr_array_index (test_log_warnings, 0));
}
