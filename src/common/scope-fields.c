/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/scope-fields.h"

#include "common/scope-base64.h"
#include "common/scope-endpoint.h"
#include "common/scope-error.h"
#include "common/scope-json.h"
#include "common/scope-prefix.h"

#include <string.h>

gboolean
scope_fields_wrong (const ScopeFields *fields, const char *name, GError **error, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "%s.%s: %s", fields->where, name, what);
  return FALSE;
}

gboolean
scope_fields_wrong_element (const ScopeFields *fields, const char *name, guint i, GError **error, const char *format,
                            ...)
{
  g_autofree char *what = NULL;
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "%s.%s[%u]: %s", fields->where, name, i, what);
  return FALSE;
}

gboolean
scope_fields_has (const ScopeFields *fields, const char *name)
{
  JsonNode *node = json_object_get_member (fields->object, name);

  return node && !JSON_NODE_HOLDS_NULL (node);
}

/* The member when it is a value of @type, else NULL. */
static JsonNode *
get_value (const ScopeFields *fields, const char *name, GType type, const char *what, GError **error)
{
  JsonNode *node = json_object_get_member (fields->object, name);

  if (!node)
    scope_fields_wrong (fields, name, error, "missing");
  else if (json_node_get_value_type (node) == type)
    return node;
  else
    scope_fields_wrong (fields, name, error, "not %s", what);
  return NULL;
}

const char *
scope_fields_string (const ScopeFields *fields, const char *name, gsize max, GError **error)
{
  JsonNode *node = get_value (fields, name, G_TYPE_STRING, "a string", error);

  if (!node)
    return NULL;
  if (strlen (json_node_get_string (node)) > max)
    {
      scope_fields_wrong (fields, name, error, "longer than %" G_GSIZE_FORMAT " bytes", max);
      return NULL;
    }
  return json_node_get_string (node);
}

JsonObject *
scope_fields_object (const ScopeFields *fields, const char *name, guint max, GError **error)
{
  JsonNode *node = json_object_get_member (fields->object, name);

  if (!node)
    scope_fields_wrong (fields, name, error, "missing");
  else if (!JSON_NODE_HOLDS_OBJECT (node))
    scope_fields_wrong (fields, name, error, "not an object");
  else if (json_object_get_size (json_node_get_object (node)) > max)
    scope_fields_wrong (fields, name, error, "more than %u members", max);
  else
    return json_node_get_object (node);
  return NULL;
}

JsonArray *
scope_fields_array (const ScopeFields *fields, const char *name, guint max, GError **error)
{
  JsonNode *node = json_object_get_member (fields->object, name);

  if (!node)
    scope_fields_wrong (fields, name, error, "missing");
  else if (!JSON_NODE_HOLDS_ARRAY (node))
    scope_fields_wrong (fields, name, error, "not an array");
  else if (json_array_get_length (json_node_get_array (node)) > max)
    scope_fields_wrong (fields, name, error, "more than %u elements", max);
  else
    return json_node_get_array (node);
  return NULL;
}

gboolean
scope_fields_boolean (const ScopeFields *fields, const char *name, gboolean *value, GError **error)
{
  JsonNode *node = get_value (fields, name, G_TYPE_BOOLEAN, "true or false", error);

  if (!node)
    return FALSE;
  *value = json_node_get_boolean (node);
  return TRUE;
}

gboolean
scope_fields_integer (const ScopeFields *fields, const char *name, gint64 min, gint64 max, gint64 *value,
                      GError **error)
{
  JsonNode *node = get_value (fields, name, G_TYPE_INT64, "an integer", error);

  if (!node)
    return FALSE;
  *value = json_node_get_int (node);
  if (*value < min || *value > max)
    return scope_fields_wrong (fields, name, error, "not from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, min, max);
  return TRUE;
}

gboolean
scope_fields_count (const ScopeFields *fields, const char *name, guint64 *value, GError **error)
{
  gint64 number;

  if (!scope_fields_integer (fields, name, 0, SCOPE_FIELDS_INTEGER_MAX, &number, error))
    return FALSE;
  *value = number;
  return TRUE;
}

/*
 * scope_key_parse() takes several texts for a key; as the name of a member, one key must not be there twice. Zero is
 * nobody's key.
 */
gboolean
scope_fields_key_text (ScopeKey *key, const char *text)
{
  char canonical[SCOPE_KEY_BASE64_LEN + 1];

  return scope_key_parse (key, text) && !scope_key_is_zero (key) &&
         g_str_equal (text, scope_key_to_base64 (key, canonical));
}

gboolean
scope_fields_key (const ScopeFields *fields, const char *name, ScopeKey *key, GError **error)
{
  const char *text = scope_fields_string (fields, name, SCOPE_KEY_BASE64_LEN, error);

  if (!text)
    return FALSE;
  if (!scope_fields_key_text (key, text))
    return scope_fields_wrong (fields, name, error, "not a WireGuard key");
  return TRUE;
}

gboolean
scope_fields_bytes (const ScopeFields *fields, const char *name, guint8 *bytes, gsize len, GError **error)
{
  const char *text = scope_fields_string (fields, name, SCOPE_BASE64_CHARS (len), error);

  if (!text)
    return FALSE;
  if (!scope_base64url_decode_exact (text, bytes, len))
    return scope_fields_wrong (fields, name, error, "not %" G_GSIZE_FORMAT " bytes in base64url", len);
  return TRUE;
}

const char *
scope_fields_element (const ScopeFields *fields, const char *name, JsonArray *array, guint i, gsize max,
                      GError **error)
{
  JsonNode *node = json_array_get_element (array, i);
  const char *text = json_node_get_value_type (node) == G_TYPE_STRING ? json_node_get_string (node) : NULL;

  if (!text || strlen (text) > max)
    {
      scope_fields_wrong_element (fields, name, i, error, "not a string of at most %" G_GSIZE_FORMAT " bytes", max);
      return NULL;
    }
  return text;
}

GArray *
scope_fields_prefixes (const ScopeFields *fields, const char *name, guint max, GError **error)
{
  JsonArray *array = scope_fields_array (fields, name, max, error);
  g_autoptr (GArray) list = NULL;

  if (!array)
    return NULL;
  list = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      const char *text = scope_fields_element (fields, name, array, i, SCOPE_PREFIX_STRLEN, error);
      ScopePrefix prefix, masked;

      if (!text)
        return NULL;
      if (!strchr (text, '/') || !scope_prefix_parse (&prefix, text))
        {
          scope_fields_wrong_element (fields, name, i, error, "“%s” is not a prefix", text);
          return NULL;
        }
      masked = prefix;
      scope_prefix_mask (&masked);
      if (!scope_prefix_equal (&masked, &prefix))
        {
          scope_fields_wrong_element (fields, name, i, error, "%s has host bits", text);
          return NULL;
        }
      for (guint j = 0; j < list->len; j++)
        if (scope_prefix_equal (&g_array_index (list, ScopePrefix, j), &prefix))
          {
            scope_fields_wrong_element (fields, name, i, error, "%s is there twice", text);
            return NULL;
          }
      g_array_append_val (list, prefix);
    }
  return g_steal_pointer (&list);
}

char **
scope_fields_endpoints (const ScopeFields *fields, const char *name, guint max, GError **error)
{
  JsonArray *array = scope_fields_array (fields, name, max, error);
  g_autoptr (GPtrArray) list = NULL;

  if (!array)
    return NULL;
  list = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      const char *text = scope_fields_element (fields, name, array, i, SCOPE_ENDPOINT_MAX, error);

      if (!text)
        return NULL;
      if (!scope_endpoint_parse (text, NULL, NULL, NULL))
        {
          scope_fields_wrong_element (fields, name, i, error, "not an endpoint");
          return NULL;
        }
      g_ptr_array_add (list, g_strdup (text));
    }
  g_ptr_array_add (list, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&list), FALSE);
}

/* Writing */

/* Strings end in a quote: a bracket at the end is one that has just been opened. */
void
scope_fields_put_separator (GString *out)
{
  if (!strchr ("{[:", out->str[out->len - 1]))
    g_string_append_c (out, ',');
}

void
scope_fields_put_name (GString *out, const char *name)
{
  scope_fields_put_separator (out);
  g_string_append_c (out, '"');
  g_string_append (out, name);
  g_string_append (out, "\":");
}

void
scope_fields_put_string (GString *out, const char *name, const char *value)
{
  scope_fields_put_name (out, name);
  scope_json_append_string (out, value);
}

void
scope_fields_put_integer (GString *out, const char *name, guint64 value)
{
  scope_fields_put_name (out, name);
  g_string_append_printf (out, "%" G_GUINT64_FORMAT, value);
}

void
scope_fields_put_boolean (GString *out, const char *name, gboolean value)
{
  scope_fields_put_name (out, name);
  g_string_append (out, value ? "true" : "false");
}

void
scope_fields_put_key (GString *out, const char *name, const ScopeKey *key)
{
  char text[SCOPE_KEY_BASE64_LEN + 1];

  scope_fields_put_string (out, name, scope_key_to_base64 (key, text));
}

void
scope_fields_put_bytes (GString *out, const char *name, const guint8 *bytes, gsize len)
{
  g_autofree char *text = g_malloc (SCOPE_BASE64_CHARS (len) + 1);

  scope_fields_put_string (out, name, scope_base64url_encode (bytes, len, text));
}

void
scope_fields_put_prefixes (GString *out, const char *name, const GArray *prefixes)
{
  char text[SCOPE_PREFIX_STRLEN];

  scope_fields_put_name (out, name);
  g_string_append_c (out, '[');
  for (guint i = 0; i < prefixes->len; i++)
    {
      scope_fields_put_separator (out);
      scope_json_append_string (out, scope_prefix_format (&g_array_index (prefixes, ScopePrefix, i), text));
    }
  g_string_append_c (out, ']');
}

void
scope_fields_put_strings (GString *out, const char *name, char **strings)
{
  scope_fields_put_name (out, name);
  g_string_append_c (out, '[');
  for (char **s = strings; s && *s; s++)
    {
      scope_fields_put_separator (out);
      scope_json_append_string (out, *s);
    }
  g_string_append_c (out, ']');
}
