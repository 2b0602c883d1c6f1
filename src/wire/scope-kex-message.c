/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/scope-kex-message.h"

#include "common/scope-error.h"
#include "common/scope-json.h"

#include <string.h>

static const char *const names[] = {
  [SCOPE_KEX_OK] = "kex.ok", [SCOPE_KEX_YES] = "kex.yes",       [SCOPE_KEX_USE] = "kex.use",
  [SCOPE_KEX_NO] = "kex.no", [SCOPE_KEX_ROTATE] = "kex.rotate",
};

const char *
scope_kex_message_name (ScopeKexMessageType type)
{
  return type < G_N_ELEMENTS (names) ? names[type] : NULL;
}

G_GNUC_PRINTF (4, 5)
static gboolean
wrong (GError **error, const char *name, const char *field, const char *format, ...)
{
  g_autofree char *why = NULL;
  va_list args;

  va_start (args, format);
  why = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "%s.%s: %s", name, field, why);
  return FALSE;
}

/* Base64url without padding of exactly @len bytes, and in its one canonical form. */
static gboolean
parse_bytes (const char *text, guint8 *bytes, gsize len)
{
  char padded[SCOPE_KEY_BASE64_LEN + 1];
  gsize chars = (len * 4 + 2) / 3, got = 0;
  g_autofree guchar *decoded = NULL;
  g_autofree char *again = NULL;

  if (!text || strnlen (text, chars + 1) != chars)
    return FALSE;
  for (gsize i = 0; i < chars; i++)
    {
      if (!g_ascii_isalnum (text[i]) && text[i] != '-' && text[i] != '_')
        return FALSE;
      padded[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    }
  while (chars % 4)
    padded[chars++] = '=';
  padded[chars] = '\0';
  decoded = g_base64_decode (padded, &got);
  again = g_base64_encode (decoded, got);
  if (got != len || !g_str_equal (again, padded))
    return FALSE;
  memcpy (bytes, decoded, len);
  return TRUE;
}

static void
format_bytes (const guint8 *bytes, gsize len, char *out)
{
  g_autofree char *text = g_base64_encode (bytes, len);

  for (const char *p = text; *p && *p != '='; p++)
    *out++ = *p == '+' ? '-' : *p == '/' ? '_' : *p;
  *out = '\0';
}

static gboolean
get_number (JsonObject *body, const char *name, const char *field, guint64 max, guint64 *value, GError **error)
{
  JsonNode *node = json_object_get_member (body, field);

  if (!node || json_node_get_value_type (node) != G_TYPE_INT64 || json_node_get_int (node) < 0)
    return wrong (error, name, field, "missing, or not a number");
  *value = json_node_get_int (node);
  if (*value > max)
    return wrong (error, name, field, "more than %" G_GUINT64_FORMAT, max);
  return TRUE;
}

/* A flag that is not there is not set. */
static gboolean
get_flag (JsonObject *body, const char *name, const char *field, gboolean *value, GError **error)
{
  JsonNode *node = json_object_get_member (body, field);

  *value = FALSE;
  if (!node)
    return TRUE;
  if (json_node_get_value_type (node) != G_TYPE_BOOLEAN)
    return wrong (error, name, field, "not true or false");
  *value = json_node_get_boolean (node);
  return TRUE;
}

static gboolean
get_tag (JsonObject *object, const char *name, ScopeKexTag *tag, GError **error)
{
  if (!parse_bytes (scope_json_get_string (object, "id"), tag->id.bytes, sizeof tag->id.bytes))
    return wrong (error, name, "id", "missing, or not %d bytes", SCOPE_KEX_ID_LEN);
  if (!parse_bytes (scope_json_get_string (object, "mac"), tag->mac, sizeof tag->mac))
    return wrong (error, name, "mac", "missing, or not %d bytes", SCOPE_KEX_MAC_LEN);
  return TRUE;
}

static gboolean
get_keys (ScopeKexMessage *message, const char *name, JsonObject *body, GError **error)
{
  JsonNode *node = json_object_get_member (body, "keys");
  JsonArray *array = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  guint n = array ? json_array_get_length (array) : 0;

  if (n < 1 || n > SCOPE_KEX_MESSAGE_MAX_KEYS)
    return wrong (error, name, "keys", "not 1 to %d keys", SCOPE_KEX_MESSAGE_MAX_KEYS);
  for (guint i = 0; i < n; i++)
    {
      JsonNode *element = json_array_get_element (array, i);

      if (!JSON_NODE_HOLDS_OBJECT (element))
        return wrong (error, name, "keys", "not objects");
      if (!get_tag (json_node_get_object (element), name, &message->keys[i], error))
        return FALSE;
      for (guint j = 0; j < i; j++)
        if (memcmp (&message->keys[i].id, &message->keys[j].id, sizeof (ScopeKexId)) == 0)
          return wrong (error, name, "keys", "one of them twice");
    }
  message->n_keys = n;
  return TRUE;
}

gboolean
scope_kex_message_parse (ScopeKexMessage *message, const char *name, JsonObject *body, GError **error)
{
  guint type = 0;
  guint64 number;

  *message = (ScopeKexMessage) { 0 };
  while (type < G_N_ELEMENTS (names) && !g_str_equal (names[type], name))
    type++;
  if (type == G_N_ELEMENTS (names))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "%.32s: not a message that we know", name);
      return FALSE;
    }
  message->type = type;
  if (!get_number (body, name, "epoch", SCOPE_KEX_MESSAGE_MAX_NUMBER, &message->epoch, error) ||
      !get_number (body, name, "n", SCOPE_KEX_MESSAGE_MAX_NUMBER, &message->n, error))
    return FALSE;
  if (type == SCOPE_KEX_OK || type == SCOPE_KEX_YES)
    {
      if (!get_number (body, name, "in", SCOPE_KEX_MESSAGE_MAX_IN, &number, error))
        return FALSE;
      message->in = number;
    }
  if ((type == SCOPE_KEX_YES || type == SCOPE_KEX_ROTATE) && !get_flag (body, name, "hurry", &message->hurry, error))
    return FALSE;
  if (type == SCOPE_KEX_USE)
    {
      if (!get_flag (body, name, "confirmed", &message->confirmed, error) ||
          !get_flag (body, name, "answer", &message->answer, error) || !get_keys (message, name, body, error))
        return FALSE;
    }
  else
    {
      if (!get_tag (body, name, &message->keys[0], error))
        return FALSE;
      message->n_keys = 1;
    }
  message->id = message->keys[0].id;
  return TRUE;
}

static void
set_tag (JsonObject *object, const ScopeKexTag *tag)
{
  char text[SCOPE_KEY_BASE64_LEN + 1];

  format_bytes (tag->id.bytes, sizeof tag->id.bytes, text);
  json_object_set_string_member (object, "id", text);
  format_bytes (tag->mac, sizeof tag->mac, text);
  json_object_set_string_member (object, "mac", text);
}

JsonObject *
scope_kex_message_format (const ScopeKexMessage *message)
{
  JsonObject *body = json_object_new ();

  json_object_set_int_member (body, "epoch", message->epoch);
  json_object_set_int_member (body, "n", message->n);
  switch (message->type)
    {
    case SCOPE_KEX_YES:
      json_object_set_boolean_member (body, "hurry", message->hurry);
      json_object_set_int_member (body, "in", message->in);
      break;
    case SCOPE_KEX_ROTATE:
      json_object_set_boolean_member (body, "hurry", message->hurry);
      break;
    case SCOPE_KEX_OK:
      json_object_set_int_member (body, "in", message->in);
      break;
    case SCOPE_KEX_USE:
      {
        JsonArray *array = json_array_new ();

        for (guint i = 0; i < message->n_keys; i++)
          {
            JsonObject *element = json_object_new ();
            set_tag (element, &message->keys[i]);
            json_array_add_object_element (array, element);
          }
        json_object_set_boolean_member (body, "confirmed", message->confirmed);
        json_object_set_boolean_member (body, "answer", message->answer);
        json_object_set_array_member (body, "keys", array);
        return body;
      }
    case SCOPE_KEX_NO:
      break;
    }
  set_tag (body, &message->keys[0]);
  return body;
}

char *
scope_kex_message_mac_text (const ScopeKexMessage *message, const char *network, const ScopeKey *from,
                            const ScopeKey *to)
{
  char from_text[SCOPE_KEY_BASE64_LEN + 1], to_text[SCOPE_KEY_BASE64_LEN + 1];
  char id[SCOPE_KEY_BASE64_LEN + 1];
  GString *text = g_string_sized_new (256);

  g_string_append_printf (text,
                          "scope kex v1 %s %s %s %s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %u %d%d%d",
                          names[message->type], network, scope_key_to_base64 (from, from_text),
                          scope_key_to_base64 (to, to_text), message->epoch, message->n, message->in,
                          message->hurry != FALSE, message->confirmed != FALSE, message->answer != FALSE);
  for (guint i = 0; i < message->n_keys; i++)
    {
      format_bytes (message->keys[i].id.bytes, sizeof message->keys[i].id.bytes, id);
      g_string_append_c (text, ' ');
      g_string_append (text, id);
    }
  return g_string_free (text, FALSE);
}
