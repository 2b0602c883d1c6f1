/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One member of a configuration file after the other, and what is wrong with each. */
#include "registry/registry-parse.h"

#include <string.h>

#define PATH_MAX_LEN 512 /* longer paths of members are not ours: no line is kept for them */

static void
problem_free (RegistryProblem *problem)
{
  g_free (problem->field);
  g_free (problem->message);
  g_free (problem);
}

GPtrArray *
registry_problems_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) problem_free);
}

char *
registry_problem_format (const RegistryProblem *problem, const char *file)
{
  g_autoptr (GString) text = g_string_new (file);

  if (problem->line)
    g_string_append_printf (text, ":%u", problem->line);
  g_string_append (text, ": ");
  if (*problem->field)
    g_string_append_printf (text, "%s: ", problem->field);
  if (problem->warning)
    g_string_append (text, "warning: ");
  g_string_append (text, problem->message);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* The line of the member, or of what holds it when it is missing. */
static guint
line_of (RegistryParse *parse, const char *field)
{
  g_autofree char *path = g_strdup (field);

  for (;;)
    {
      guint line = GPOINTER_TO_UINT (g_hash_table_lookup (parse->lines, path));
      char *cut = path + strlen (path);

      if (line || cut == path)
        return line;
      while (cut > path && *cut != '.' && *cut != '[')
        cut--;
      *cut = '\0';
    }
}

void
registry_parse_report (RegistryParse *parse, gboolean warning, const char *field, const char *format, ...)
{
  RegistryProblem *problem = g_new0 (RegistryProblem, 1);
  va_list args;

  va_start (args, format);
  problem->message = g_strdup_vprintf (format, args);
  va_end (args);
  problem->warning = warning;
  problem->field = g_strdup (field);
  problem->line = line_of (parse, field);
  g_ptr_array_add (parse->problems, problem);
}

void
registry_parse_note_line (const char *path, guint line, gpointer user_data)
{
  RegistryParse *parse = user_data;

  if (strlen (path) > PATH_MAX_LEN)
    return;
  if (!g_hash_table_replace (parse->lines, g_strdup (path), GUINT_TO_POINTER (line)) && *path)
    registry_warn (parse, path, "given more than once, the last one counts");
}

/* Members one by one */

JsonNode *
registry_parse_member (JsonObject *object, const char *name)
{
  return object ? json_object_get_member (object, name) : NULL;
}

const char *
registry_parse_string (RegistryParse *parse, JsonNode *node, const char *field)
{
  if (!node)
    return NULL;
  if (json_node_get_value_type (node) == G_TYPE_STRING)
    return json_node_get_string (node);
  registry_wrong (parse, field, "expected a string");
  return NULL;
}

guint
registry_parse_number (RegistryParse *parse, JsonNode *node, const char *field, guint min, guint max, guint fallback)
{
  gint64 value;

  if (!node)
    return fallback;
  value = json_node_get_value_type (node) == G_TYPE_INT64 ? json_node_get_int (node) : -1;
  if (value >= min && value <= max)
    return value;
  if (json_node_get_value_type (node) == G_TYPE_STRING)
    registry_wrong (parse, field, "expected a number, without quotes");
  else
    registry_wrong (parse, field, "expected a whole number from %u to %u", min, max);
  return fallback;
}

JsonObject *
registry_parse_object (RegistryParse *parse, JsonNode *node, const char *field)
{
  if (!node)
    return NULL;
  if (JSON_NODE_HOLDS_OBJECT (node))
    return json_node_get_object (node);
  registry_wrong (parse, field, "expected an object");
  return NULL;
}

JsonArray *
registry_parse_array (RegistryParse *parse, JsonNode *node, const char *field, const char *example, guint max)
{
  if (!node)
    return NULL;
  if (!JSON_NODE_HOLDS_ARRAY (node))
    registry_wrong (parse, field, "expected an array such as [\"%s\"]", example);
  else if (json_array_get_length (json_node_get_array (node)) > max)
    registry_wrong (parse, field, "more than %u entries", max);
  else
    return json_node_get_array (node);
  return NULL;
}

char *
registry_parse_file (RegistryParse *parse, JsonObject *root, const char *name)
{
  const char *value = registry_parse_string (parse, registry_parse_member (root, name), name);

  if (!value)
    return NULL;
  if (!*value)
    {
      registry_wrong (parse, name, "expected a file name");
      return NULL;
    }
  return g_canonicalize_filename (value, parse->base);
}

void
registry_parse_names (RegistryParse *parse, JsonObject *object, const char *path, const char *const *known)
{
  g_autoptr (GList) names = object ? json_object_get_members (object) : NULL;

  for (GList *l = names; l; l = l->next)
    {
      g_autofree char *field = *path ? g_strdup_printf ("%s.%s", path, (char *) l->data) : g_strdup (l->data);

      if (!g_strv_contains (known, l->data))
        registry_warn (parse, field, "unknown, ignored");
    }
}

gboolean
registry_parse_boolean (RegistryParse *parse, JsonNode *node, const char *field)
{
  if (!node)
    return FALSE;
  if (json_node_get_value_type (node) == G_TYPE_BOOLEAN)
    return json_node_get_boolean (node);
  registry_wrong (parse, field, "expected true or false");
  return FALSE;
}
