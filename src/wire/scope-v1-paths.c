/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said of links between relays: `latency` and `reach` of a report, and the registry's table of `paths`. */
#include "wire/scope-v1-private.h"

#include "common/scope-json.h"

/* Reading */

gboolean
scope_v1_parse_links (const ScopeFields *d, ScopeV1Message *message, GError **error)
{
  return (!scope_fields_has (d, "latency") || scope_v1_keyed_read (&scope_v1_latency, d, &message->latency, error)) &&
         (!scope_fields_has (d, "reach") || scope_v1_keyed_read (&scope_v1_reach, d, &message->reach, error));
}

static gboolean
read_relays (const ScopeFields *d, ScopeV1Message *message, GError **error)
{
  JsonArray *array = scope_fields_array (d, "relays", SCOPE_V1_MAX_RELAYS, error);

  if (!array)
    return FALSE;
  message->relays = g_array_new (FALSE, FALSE, sizeof (ScopeKey));
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      const char *text = scope_fields_element (d, "relays", array, i, SCOPE_KEY_BASE64_LEN, error);
      ScopeKey key;

      if (!text)
        return FALSE;
      if (!scope_fields_key_text (&key, text))
        return scope_fields_wrong_element (d, "relays", i, error, "not a WireGuard key");
      if (i > 0 && scope_key_compare (&g_array_index (message->relays, ScopeKey, i - 1), &key) >= 0)
        return scope_fields_wrong_element (d, "relays", i, error, "not above the one before");
      g_array_append_val (message->relays, key);
    }
  return TRUE;
}

/* In one order, so none is there twice: the next one's i, or its j, is higher. */
static gboolean
read_links (const ScopeFields *d, ScopeV1Message *message, GError **error)
{
  JsonArray *array = scope_fields_array (d, "links", SCOPE_V1_MAX_LINKS, error);
  gint64 before = -1;

  if (!array)
    return FALSE;
  message->links = g_array_sized_new (FALSE, FALSE, sizeof (ScopeLatency), json_array_get_length (array));
  for (guint n = 0; n < json_array_get_length (array); n++)
    {
      JsonNode *node = json_array_get_element (array, n);
      JsonArray *triple = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
      gint64 max = (gint64) message->relays->len - 1;
      guint i, j, ms;
      ScopeLatency link;

      if (!triple || json_array_get_length (triple) != 3 ||
          !scope_v1_read_number (json_array_get_element (triple, 0), max, &i) ||
          !scope_v1_read_number (json_array_get_element (triple, 1), max, &j) || i >= j ||
          !scope_v1_read_number (json_array_get_element (triple, 2), SCOPE_V1_MAX_MSEC, &ms))
        return scope_fields_wrong_element (d, "links", n, error,
                                           "not [i, j, ms]: relays, the lower one first, and 0 to %d", SCOPE_V1_MAX_MSEC);
      if ((gint64) i * SCOPE_V1_MAX_RELAYS + j <= before)
        return scope_fields_wrong_element (d, "links", n, error, "not above the one before");
      before = (gint64) i * SCOPE_V1_MAX_RELAYS + j;
      link = (ScopeLatency) { g_array_index (message->relays, ScopeKey, i), g_array_index (message->relays, ScopeKey, j), ms };
      g_array_append_val (message->links, link);
    }
  return TRUE;
}

gboolean
scope_v1_parse_paths (const ScopeFields *d, ScopeV1Message *message, GError **error)
{
  return scope_fields_count (d, "revision", &message->revision, error) &&
         scope_fields_integer (d, "at", 0, SCOPE_FIELDS_INTEGER_MAX, &message->at, error) &&
         read_relays (d, message, error) && read_links (d, message, error);
}

/* Writing */

void
scope_v1_format_links (GString *out, const ScopeV1Message *message)
{
  if (message->latency)
    scope_v1_keyed_write (&scope_v1_latency, out, message->latency);
  if (message->reach)
    scope_v1_keyed_write (&scope_v1_reach, out, message->reach);
}

/* Two numbers for each: GString's printf would be most of what a large table costs. */
static void
append_number (GString *out, guint number)
{
  char digits[11];
  guint at = sizeof digits;

  do
    digits[--at] = '0' + number % 10;
  while (number /= 10);
  g_string_append_len (out, digits + at, sizeof digits - at);
}

void
scope_v1_format_paths (GString *out, const ScopeV1Message *message)
{
  guint count = message->relays ? message->relays->len : 0;
  g_autoptr (GHashTable) index = g_hash_table_new (scope_key_hash, scope_key_equal);
  char text[SCOPE_KEY_BASE64_LEN + 1];

  scope_fields_put_integer (out, "revision", message->revision);
  scope_fields_put_integer (out, "at", message->at);
  scope_fields_put_name (out, "relays");
  g_string_append_c (out, '[');
  for (guint i = 0; i < count; i++)
    {
      ScopeKey *key = &g_array_index (message->relays, ScopeKey, i);

      g_hash_table_insert (index, key, GUINT_TO_POINTER (i));
      scope_fields_put_separator (out);
      scope_json_append_string (out, scope_key_to_base64 (key, text));
    }
  g_string_append (out, "]");
  scope_fields_put_name (out, "links");
  g_string_append_c (out, '[');
  for (guint n = 0; message->links && n < message->links->len; n++)
    {
      const ScopeLatency *link = &g_array_index (message->links, ScopeLatency, n);

      if (n)
        g_string_append_c (out, ',');
      g_string_append_c (out, '[');
      append_number (out, GPOINTER_TO_UINT (g_hash_table_lookup (index, &link->a)));
      g_string_append_c (out, ',');
      append_number (out, GPOINTER_TO_UINT (g_hash_table_lookup (index, &link->b)));
      g_string_append_c (out, ',');
      append_number (out, link->ms);
      g_string_append_c (out, ']');
    }
  g_string_append_c (out, ']');
}
