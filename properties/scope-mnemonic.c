/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "scope-mnemonic.h"

#include <string.h>

static gboolean
is_letter (gunichar c)
{
  return g_unichar_islower (c) || g_unichar_isupper (c);
}

static gboolean
take (GString *used, gunichar c)
{
  c = g_unichar_tolower (c);
  if (g_utf8_strchr (used->str, -1, c))
    return FALSE;
  g_string_append_unichar (used, c);
  return TRUE;
}

void
scope_mnemonic_reserve (GString *used, const char *text)
{
  for (const char *p = text; (p = strchr (p, '_')); p = g_utf8_next_char (p))
    if (is_letter (g_utf8_get_char (++p)))
      take (used, g_utf8_get_char (p));
    else if (!*p)
      return;
}

/* Where the letter is that was taken; NULL when none was free. @any: letters within words, too */
static const char *
find (GString *used, const char *label, gboolean any, gboolean *cased)
{
  gboolean before = FALSE;

  for (const char *p = label; *p; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      *cased |= is_letter (c);
      if (is_letter (c) && (any || !before) && take (used, c))
        return p;
      before = g_unichar_isalnum (c);
    }
  return NULL;
}

/* In a label an underline of its own is written twice. */
static void
append_escaped (GString *out, const char *text, gsize len)
{
  for (gsize i = 0; i < len; i++)
    g_string_append (out, text[i] == '_' ? "__" : ((char[]) { text[i], '\0' }));
}

char *
scope_mnemonic_add (GString *used, const char *label)
{
  GString *out = g_string_new (NULL);
  gboolean cased = FALSE;
  const char *at = find (used, label, FALSE, &cased);

  if (!at)
    at = find (used, label, TRUE, &cased);
  append_escaped (out, label, at ? (gsize) (at - label) : strlen (label));
  if (at)
    {
      g_string_append_c (out, '_');
      append_escaped (out, at, strlen (at));
    }
  for (char c = 'a'; !cased && c <= 'z'; c++)
    if (take (used, c))
      {
        g_string_append_printf (out, " (_%c)", g_ascii_toupper (c));
        break;
      }
  return g_string_free (out, FALSE);
}
