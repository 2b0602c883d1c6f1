/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/scope-confirm.h"

#include <string.h>

#define CHARS "abcdefghijklmnopqrstuvwxyz234567"
#define GROUP 4

gboolean
scope_confirm_is_fingerprint (const char *text)
{
  return strlen (text) == SCOPE_CONFIRM_FINGERPRINT_LEN && strspn (text, CHARS) == SCOPE_CONFIRM_FINGERPRINT_LEN;
}

const char *
scope_confirm_root (const char *name)
{
  const char *root = g_str_has_prefix (name, SCOPE_CONFIRM_PREFIX) ? name + strlen (SCOPE_CONFIRM_PREFIX) : NULL;

  return root && scope_confirm_is_fingerprint (root) ? root : NULL;
}

static char *
squeeze (const char *text)
{
  GString *bare = g_string_new (NULL);

  for (; *text; text++)
    if (!g_ascii_isspace (*text) && *text != '-')
      g_string_append_c (bare, g_ascii_tolower (*text));
  return g_string_free (bare, FALSE);
}

ScopeConfirm
scope_confirm_judge (const char *answer, const char *fingerprint)
{
  g_autofree char *bare = squeeze (answer);

  if (g_str_equal (bare, "yes") || g_str_equal (bare, fingerprint) ||
      (strlen (bare) == SCOPE_CONFIRM_SHORT_LEN && g_str_has_prefix (fingerprint, bare)))
    return SCOPE_CONFIRM_YES;
  if (scope_confirm_is_fingerprint (bare) ||
      (strlen (bare) == SCOPE_CONFIRM_SHORT_LEN && strspn (bare, CHARS) == SCOPE_CONFIRM_SHORT_LEN))
    return SCOPE_CONFIRM_OTHER;
  return SCOPE_CONFIRM_NO;
}

char *
scope_confirm_group (const char *fingerprint)
{
  GString *text = g_string_new (NULL);

  for (gsize i = 0; fingerprint[i]; i++)
    {
      if (i && i % GROUP == 0)
        g_string_append_c (text, ' ');
      g_string_append_c (text, fingerprint[i]);
    }
  return g_string_free (text, FALSE);
}
