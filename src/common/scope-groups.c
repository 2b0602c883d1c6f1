/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "common/scope-groups.h"

#include "common/scope-error.h"
#include "common/scope-key.h"

#include <glib/gi18n-lib.h>
#include <string.h>

typedef struct {
  guint number;      /* of the line, from 1 */
  GHashTable *seen;  /* "group" and "group\nkey" to the number of their line */
  char *group;
} Reader;

static gboolean
wrong (const Reader *r, GError **error, const char *why)
{
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("line %u: %s"), r->number, why);
  return FALSE;
}

/* FALSE: there was one; the error says where. */
static gboolean
first_time (Reader *r, char *name, const char *shown, GError **error)
{
  guint before = GPOINTER_TO_UINT (g_hash_table_lookup (r->seen, name));

  if (!before)
    return g_hash_table_insert (r->seen, name, GUINT_TO_POINTER (r->number));
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("line %u: %s is there already, in line %u"), r->number, shown,
               before);
  g_free (name);
  return FALSE;
}

static gboolean
is_name (const char *text, gsize len, gboolean group)
{
  for (gsize i = 0; i < len; i++)
    if (!g_ascii_isalnum (text[i]) && !strchr ("-_.", text[i]) && !(group && text[i] == ' '))
      return FALSE;
  return len > 0 && len <= 64 && !memchr (text, '\0', len);
}

static gboolean
read_group (Reader *r, const char *line, gsize len, GError **error)
{
  g_autofree char *shown = NULL;

  if (len < 3 || line[len - 1] != ']' || !is_name (line + 1, len - 2, TRUE))
    return wrong (r, error, _ ("not the name of a group in brackets"));
  shown = g_strndup (line, len);
  g_free (r->group);
  r->group = g_strndup (line + 1, len - 2);
  return first_time (r, g_strdup (r->group), shown, error);
}

static gboolean
read_key (Reader *r, const char *line, gsize len, GError **error)
{
  const char *equals = memchr (line, '=', len);
  gsize n = equals ? (gsize) (equals - line) : 0;
  g_autofree char *shown = NULL;

  while (n && g_ascii_isspace (line[n - 1]))
    n--;
  if (!equals || !is_name (line, n, FALSE))
    return wrong (r, error, _ ("neither a [group], nor a key and its value with “=” between them, nor a comment"));
  if (!r->group)
    return wrong (r, error, _ ("a key before the first [group]"));
  shown = g_strdup_printf ("[%s] %.*s", r->group, (int) n, line);
  return first_time (r, g_strdup_printf ("%s\n%.*s", r->group, (int) n, line), shown, error);
}

static gboolean
read_line (Reader *r, const char *line, gsize len, GError **error)
{
  const char *bad;

  r->number++;
  if (!g_utf8_validate_len (line, len, &bad))
    return wrong (r, error, bad < line + len && *bad == '\0' ? _ ("a NUL byte; this is not text") : _ ("not valid UTF-8"));
  for (; len && g_ascii_isspace (*line); line++)
    len--;
  while (len && g_ascii_isspace (line[len - 1]))
    len--;
  if (len == 0 || *line == '#')
    return TRUE;
  return *line == '[' ? read_group (r, line, len, error) : read_key (r, line, len, error);
}

GKeyFile *
scope_groups_load (const char *data, gsize len, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GKeyFile) file = g_key_file_new ();
  Reader r = { .seen = seen };
  gboolean ok = TRUE;

  for (const char *line = data, *end = data + len, *next; ok && line < end; line = next)
    {
      const char *newline = memchr (line, '\n', end - line);

      next = newline ? newline + 1 : end;
      ok = read_line (&r, line, (newline ? newline : end) - line, error);
    }
  g_free (r.group);
  if (!ok)
    return NULL;
  if (!g_key_file_load_from_data (file, data, len, G_KEY_FILE_NONE, NULL))
    {
      g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("not a file of groups and keys"));
      return NULL;
    }
  return g_steal_pointer (&file);
}

void
scope_groups_get (GKeyFile *file, const char *group, const char *key, char **value, const char **why)
{
  g_autoptr (GError) error = NULL;

  *value = g_key_file_get_string (file, group, key, &error);
  *why = NULL;
  /* The lines are UTF-8, so that it is an escape. GLib has a value then all the same. */
  if (!error || g_error_matches (error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_KEY_NOT_FOUND) ||
      g_error_matches (error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_GROUP_NOT_FOUND))
    return;
  g_clear_pointer (value, scope_secret_free);
  *why = _ ("a backslash stands only before s, t, n, r or another backslash");
}

void
scope_groups_note_unknown (GKeyFile *file, const char *const *known, GPtrArray *notes)
{
  g_auto (GStrv) groups = g_key_file_get_groups (file, NULL);

  for (char **group = groups; notes && *group; group++)
    if (!g_strv_contains (known, *group))
      g_ptr_array_add (notes, g_strdup_printf (_ ("[%s]: not known, ignored"), *group));
}
