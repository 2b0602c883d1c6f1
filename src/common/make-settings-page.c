/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * make-settings-page: nm-settings-scope(5) from the settings table. In the template, a line with a setting's name
 * between two @ becomes its entry: name, kind of value, description; the prose after it tells more. Every setting has
 * one, in the table's order, secrets after ".SH SECRETS"; anything else is an error, and so ends the build.
 */
#include "config.h"

#include "common/scope-setting-limits.h"

#include <stdio.h>
#include <string.h>

/* What roff would take for something else */
static char *
escape (const char *text)
{
  GString *out = g_string_new (NULL);

  for (const char *p = text; *p; p++)
    switch (*p)
      {
      case '-':
        g_string_append (out, "\\-");
        break;
      case '~':
        g_string_append (out, "\\(ti");
        break;
      case '\\':
        g_string_append (out, "\\e");
        break;
      case '"':
        g_string_append (out, "\\(dq");
        break;
      default:
        g_string_append_c (out, *p);
      }
  return g_string_free (out, FALSE);
}

static void
append_entry (GString *page, const ScopeSettingInfo *info)
{
  g_autofree char *name = escape (info->name);
  g_autofree char *limits = scope_setting_limits_text (info->type);
  g_autofree char *kind = escape (limits);
  g_autofree char *description = escape (info->description);

  g_string_append_printf (page, ".TP\n.BR %s \" (%s%s)\"\n%s.\n.br\n", name, kind, info->required ? ", required" : "", description);
}

/* The name between two @, without roff's escapes; NULL where the line is something else. */
static char *
placeholder (const char *line)
{
  gsize len = strlen (line);
  g_auto (GStrv) parts = NULL;
  g_autofree char *inner = NULL;

  if (len < 3 || line[0] != '@' || line[len - 1] != '@')
    return NULL;
  inner = g_strndup (line + 1, len - 2);
  parts = g_strsplit (inner, "\\-", -1);
  return g_strjoinv ("-", parts);
}

static int
wrong (const char *file, guint line, const char *what, const char *name)
{
  fprintf (stderr, "make-settings-page: %s:%u: %s %s\n", file, line, name, what);
  return 1;
}

int
main (int argc, char **argv)
{
  const ScopeSettingInfo *next = scope_setting_infos;
  g_autoptr (GString) page = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *template = NULL;
  g_auto (GStrv) lines = NULL;
  gboolean secrets = FALSE;
  guint n = 0;

  if (argc != 2 || !g_file_get_contents (argv[1], &template, NULL, &error))
    {
      fprintf (stderr, "make-settings-page: %s\n", error ? error->message : "usage: make-settings-page TEMPLATE");
      return 2;
    }
  g_strchomp (template);
  lines = g_strsplit (template, "\n", -1);
  for (n = 0; lines[n]; n++)
    {
      g_autofree char *name = placeholder (lines[n]);

      secrets |= g_str_equal (lines[n], ".SH SECRETS");
      if (!name)
        {
          g_string_append_printf (page, "%s\n", lines[n]);
          continue;
        }
      if (!scope_setting_find (name))
        return wrong (argv[1], n + 1, "is no setting", name);
      if (!next->name || !g_str_equal (next->name, name))
        return wrong (argv[1], n + 1, "was expected here", next->name ? next->name : "nothing more");
      if (next->secret != secrets)
        return wrong (argv[1], n + 1, "is in the wrong section", name);
      append_entry (page, next++);
    }
  if (next->name)
    return wrong (argv[1], n, "is missing", next->name);
  return fputs (page->str, stdout) < 0 || fflush (stdout) != 0;
}
