/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/scope-json.h"

#include "common/scope-error.h"

#include <math.h>
#include <string.h>

/* A container that is open: '{' or '[', the element's number, and how much of the path is its own. */
typedef struct {
  char kind;
  guint index;
  gsize path_len;
} Level;

typedef struct {
  const char *p;
  const char *end;
  guint line;
  guint depth;
  const char *why; /* (nullable): what is wrong, where the grammar is not */
  Level levels[SCOPE_JSON_MAX_DEPTH];
  GString *path;
} Walk;

static void
skip_space (Walk *w)
{
  for (; w->p < w->end && (*w->p == ' ' || *w->p == '\t' || *w->p == '\r' || *w->p == '\n'); w->p++)
    if (*w->p == '\n')
      w->line++;
}

static gboolean
take (Walk *w, char c)
{
  skip_space (w);
  if (w->p == w->end || *w->p != c)
    return FALSE;
  w->p++;
  return TRUE;
}

/* Four hex digits, or -1 */
static int
take_hex4 (Walk *w)
{
  int value = 0;

  for (int i = 0; i < 4; i++, w->p++)
    {
      if (w->p == w->end || !g_ascii_isxdigit (*w->p))
        return -1;
      value = value << 4 | g_ascii_xdigit_value (*w->p);
    }
  return value;
}

/*
 * After "\u". The grammar allows half a surrogate pair, and NUL; json-glib makes text of it that is not
 * UTF-8, or ends too early. Nobody needs either.
 */
static gboolean
take_unicode (Walk *w)
{
  int value = take_hex4 (w);

  if (value <= 0 || (value >= 0xdc00 && value <= 0xdfff))
    return FALSE;
  if (value < 0xd800 || value > 0xdfff)
    return TRUE;
  if (w->end - w->p < 2 || w->p[0] != '\\' || w->p[1] != 'u')
    return FALSE;
  w->p += 2;
  value = take_hex4 (w);
  return value >= 0xdc00 && value <= 0xdfff;
}

static gboolean
take_string (Walk *w)
{
  if (!take (w, '"'))
    return FALSE;
  while (w->p < w->end && *w->p != '"')
    {
      if ((guchar) *w->p < 0x20)
        return FALSE;
      if (*w->p++ != '\\')
        continue;
      if (w->p == w->end)
        return FALSE;
      if (*w->p == 'u')
        {
          w->p++;
          if (!take_unicode (w))
            return FALSE;
        }
      else if (*w->p && strchr ("\"\\/bfnrt", *w->p))
        w->p++;
      else
        return FALSE;
    }
  return take (w, '"');
}

static gboolean
take_digits (Walk *w)
{
  const char *from = w->p;

  while (w->p < w->end && g_ascii_isdigit (*w->p))
    w->p++;
  return w->p > from;
}

/* json-glib makes other numbers of integers that 64 bits do not hold: 1 of -18446744073709551615. */
#define MAX_DIGITS 18

static gboolean
take_number (Walk *w)
{
  if (w->p < w->end && *w->p == '-')
    w->p++;
  const char *first = w->p;
  if (!take_digits (w) || (*first == '0' && w->p > first + 1))
    return FALSE;
  gboolean integer = w->p == w->end || !strchr (".eE", *w->p);
  if (integer && w->p - first > MAX_DIGITS)
    {
      w->why = "an integer that is too large";
      return FALSE;
    }
  if (w->p < w->end && *w->p == '.')
    {
      w->p++;
      if (!take_digits (w))
        return FALSE;
    }
  if (w->p < w->end && (*w->p == 'e' || *w->p == 'E'))
    {
      w->p++;
      if (w->p < w->end && (*w->p == '+' || *w->p == '-'))
        w->p++;
      return take_digits (w);
    }
  return TRUE;
}

static gboolean
take_word (Walk *w, const char *word)
{
  gsize n = strlen (word);

  if ((gsize) (w->end - w->p) < n || memcmp (w->p, word, n) != 0)
    return FALSE;
  w->p += n;
  return TRUE;
}

static gboolean
take_scalar (Walk *w)
{
  if (w->p == w->end)
    return FALSE;
  switch (*w->p)
    {
    case '"':
      return take_string (w);
    case 't':
      return take_word (w, "true");
    case 'f':
      return take_word (w, "false");
    case 'n':
      return take_word (w, "null");
    default:
      return take_number (w);
    }
}

/* Goes to the next value in the container that is open: its name or number, and the line it is on. */
static gboolean
enter_element (Walk *w, ScopeJsonVisit visit, guint *line)
{
  Level *level = &w->levels[w->depth - 1];

  skip_space (w);
  *line = w->line;
  if (visit)
    g_string_truncate (w->path, level->path_len);
  if (level->kind == '[')
    {
      if (visit)
        g_string_append_printf (w->path, "[%u]", level->index);
      level->index++;
      return TRUE;
    }

  const char *name = w->p + 1;
  if (!take_string (w))
    return FALSE;
  if (visit)
    {
      if (level->path_len)
        g_string_append_c (w->path, '.');
      g_string_append_len (w->path, name, w->p - 1 - name);
    }
  return take (w, ':');
}

/* One value after the other; the stack is ours and bounded, not the C stack. */
static gboolean
walk (Walk *w, ScopeJsonVisit visit, gpointer user_data)
{
  guint line;

  skip_space (w);
  line = w->line;
  for (;;)
    {
      skip_space (w);
      if (visit)
        visit (w->path->str, line, user_data);

      if (w->p < w->end && (*w->p == '{' || *w->p == '['))
        {
          char kind = *w->p;

          if (w->depth == SCOPE_JSON_MAX_DEPTH)
            return FALSE;
          w->p++;
          if (!take (w, kind == '{' ? '}' : ']'))
            {
              w->levels[w->depth++] = (Level) { .kind = kind, .path_len = visit ? w->path->len : 0 };
              if (!enter_element (w, visit, &line))
                return FALSE;
              continue;
            }
        }
      else if (!take_scalar (w))
        return FALSE;

      /* A value is complete: close what ends here, or go to the next one. */
      for (;;)
        {
          if (w->depth == 0)
            {
              skip_space (w);
              return w->p == w->end;
            }
          if (take (w, ','))
            break;
          if (!take (w, w->levels[w->depth - 1].kind == '{' ? '}' : ']'))
            return FALSE;
          w->depth--;
        }
      if (!enter_element (w, visit, &line))
        return FALSE;
    }
}

/* For mistakes that people make: why @bad is one, or "". */
static const char *
explain (const char *text, const char *bad, const char *end)
{
  const char *before = bad;

  if (*bad == '/' && end - bad > 1 && (bad[1] == '/' || bad[1] == '*'))
    return ": JSON has no comments";
  while (before > text && g_ascii_isspace (before[-1]))
    before--;
  if ((*bad == '}' || *bad == ']') && before > text && before[-1] == ',')
    return ": no comma after the last one";
  return "";
}

gboolean
scope_json_walk (const char *text, gsize len, ScopeJsonVisit visit, gpointer user_data, guint *line, GError **error)
{
  g_autoptr (GString) path = g_string_new (NULL);
  Walk w = { .line = 1, .path = path };
  const char *bad;

  if (len == 0)
    text = ""; /* no bytes may come as no pointer */
  w.p = text;
  w.end = text + len;
  if (!g_utf8_validate_len (text, len, &bad))
    {
      for (const char *p = text; p < bad; p++)
        w.line += *p == '\n';
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "line %u: not valid UTF-8", w.line);
    }
  else if (walk (&w, visit, user_data))
    return TRUE;
  else if (w.why)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "line %u: %s", w.line, w.why);
  else if (w.depth == SCOPE_JSON_MAX_DEPTH)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "line %u: more than %d levels deep", w.line,
                 SCOPE_JSON_MAX_DEPTH);
  else if (w.p >= w.end)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "line %u: JSON ends too early", w.line);
  else
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "line %u: not JSON at “%.1s”%s", w.line,
                 g_ascii_isprint (*w.p) ? w.p : "?", explain (text, w.p, w.end));
  if (line)
    *line = w.line;
  return FALSE;
}

JsonObject *
scope_json_parse_object (const char *text, gsize len, gsize max, GError **error)
{
  g_autoptr (JsonParser) parser = NULL;
  g_autoptr (GError) why = NULL;

  if (len > max)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "more than %" G_GSIZE_FORMAT " bytes of JSON", max);
      return NULL;
    }
  if (!scope_json_walk (text, len, NULL, NULL, NULL, error))
    return NULL;
  parser = json_parser_new_immutable ();
  if (!json_parser_load_from_data (parser, text, len, &why))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "not JSON: %s", why->message);
      return NULL;
    }
  JsonNode *root = json_parser_get_root (parser);
  if (!root || !JSON_NODE_HOLDS_OBJECT (root))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "not a JSON object");
      return NULL;
    }
  return json_node_dup_object (root);
}

static void
count_value (const char *path, guint line, gpointer count)
{
  ++*(guint *) count;
}

/* @finite: (out): cleared by a number that is more than a double holds: it would be written as no JSON */
static guint
count_nodes (JsonNode *node, gboolean *finite)
{
  guint count = 1;

  if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);

      for (guint i = 0; i < json_array_get_length (array); i++)
        count += count_nodes (json_array_get_element (array, i), finite);
    }
  else if (JSON_NODE_HOLDS_OBJECT (node))
    {
      JsonObjectIter iter;
      JsonNode *member;

      json_object_iter_init (&iter, json_node_get_object (node));
      while (json_object_iter_next (&iter, NULL, &member))
        count += count_nodes (member, finite);
    }
  else if (json_node_get_value_type (node) == G_TYPE_DOUBLE && !isfinite (json_node_get_double (node)))
    *finite = FALSE;
  return count;
}

JsonObject *
scope_json_parse_object_strict (const char *text, gsize len, gsize max, GError **error)
{
  g_autoptr (JsonObject) object = scope_json_parse_object (text, len, max, error);
  g_autoptr (JsonNode) node = NULL;
  gboolean finite = TRUE;
  guint written = 0;

  if (!object)
    return NULL;
  /* Of two members of one name, however it is escaped, json-glib drops one: then there is less than was written. */
  scope_json_walk (text, len, count_value, &written, NULL, NULL);
  node = json_node_init_object (json_node_alloc (), object);
  if (count_nodes (node, &finite) != written)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "an object has two members of the same name");
      return NULL;
    }
  if (!finite)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "a number that is too large");
      return NULL;
    }
  return g_steal_pointer (&object);
}

const char *
scope_json_get_string (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node && json_node_get_value_type (node) == G_TYPE_STRING ? json_node_get_string (node) : NULL;
}

JsonArray *
scope_json_get_array (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

void
scope_json_append_string (GString *out, const char *text)
{
  g_autofree char *valid = g_utf8_validate (text, -1, NULL) ? NULL : g_utf8_make_valid (text, -1);

  g_string_append_c (out, '"');
  for (const char *p = valid ? valid : text; *p; p++)
    switch (*p)
      {
      case '"':
      case '\\':
        g_string_append_c (out, '\\');
        g_string_append_c (out, *p);
        break;
      default:
        if ((guchar) *p < 0x20)
          g_string_append_printf (out, "\\u%04x", *p);
        else
          g_string_append_c (out, *p);
      }
  g_string_append_c (out, '"');
}
