/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/scope-path-message.h"

#include "common/scope-error.h"
#include "common/scope-fields.h"
#include "common/scope-json.h"

#include <string.h>

static const char *const names[] = {
  [SCOPE_PATH_PAIR] = "path.pair",
  [SCOPE_PATH_ATTACH] = "path.attach",
  [SCOPE_PATH_ATTACHED] = "path.attached",
  [SCOPE_PATH_HEARD] = "path.heard",
};

static const char *const hows[] = {
  [SCOPE_PATH_DIRECT] = "direct",
  [SCOPE_PATH_RELAYED] = "relayed",
  [SCOPE_PATH_VIA] = "via",
};

const char *
scope_path_message_name (ScopePathMessageType type)
{
  return type < G_N_ELEMENTS (names) ? names[type] : NULL;
}

/* ms that are not there are 0 */
static gboolean
get_ms (const ScopeFields *fields, const char *name, guint32 max, guint32 *ms, GError **error)
{
  gint64 value = 0;

  if (scope_fields_has (fields, name) && !scope_fields_integer (fields, name, 0, max, &value, error))
    return FALSE;
  *ms = value;
  return TRUE;
}

/* A flag that is not there is not set. */
static gboolean
get_flag (const ScopeFields *fields, const char *name, gboolean *value, GError **error)
{
  *value = FALSE;
  return !scope_fields_has (fields, name) || scope_fields_boolean (fields, name, value, error);
}

static gboolean
get_legs (ScopePathMessage *message, const ScopeFields *fields, GError **error)
{
  JsonArray *array;

  if (!scope_fields_has (fields, "legs"))
    return TRUE;
  if (!(array = scope_fields_array (fields, "legs", SCOPE_PATH_MESSAGE_MAX_LEGS, error)))
    return FALSE;
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      const char *text = scope_fields_element (fields, "legs", array, i, SCOPE_KEY_BASE64_LEN, error);

      if (!text)
        return FALSE;
      if (!scope_fields_key_text (&message->legs[i], text))
        return scope_fields_wrong_element (fields, "legs", i, error, "not a key");
      message->n_legs++;
    }
  return TRUE;
}

static gboolean
get_pair (ScopePathMessage *message, const ScopeFields *fields, GError **error)
{
  const char *way = scope_fields_string (fields, "way", 16, error);
  guint how = 0;

  if (!way)
    return FALSE;
  while (how < G_N_ELEMENTS (hows) && !g_str_equal (hows[how], way))
    how++;
  if (how == G_N_ELEMENTS (hows))
    return scope_fields_wrong (fields, "way", error, "not direct, relayed or via");
  message->how = how;
  if (how == SCOPE_PATH_VIA && !scope_fields_key (fields, "via", &message->via, error))
    return FALSE;
  return get_ms (fields, "hold", SCOPE_PATH_MESSAGE_MAX_HOLD, &message->hold, error) &&
         get_flag (fields, "ask", &message->ask, error) && get_flag (fields, "answer", &message->answer, error) &&
         get_legs (message, fields, error);
}

static gboolean
get_edges (ScopePathMessage *message, const ScopeFields *fields, GError **error)
{
  JsonObject *edges = scope_fields_object (fields, "edges", SCOPE_PATH_MESSAGE_MAX_EDGES, error);
  g_autoptr (GList) keys = NULL;

  if (!edges)
    return FALSE;
  keys = json_object_get_members (edges);
  for (GList *l = keys; l; l = l->next)
    {
      const ScopeFields inner = { edges, "path.attached.edges" };
      ScopePathEdge *edge = &message->edges[message->n_edges];

      if (!scope_fields_key_text (&edge->key, l->data))
        return scope_fields_wrong (fields, "edges", error, "not keys");
      if (!scope_fields_count (&inner, l->data, &edge->sequence, error))
        return FALSE;
      message->n_edges++;
    }
  if (!message->n_edges)
    return scope_fields_wrong (fields, "edges", error, "none");
  return TRUE;
}

gboolean
scope_path_message_parse (ScopePathMessage *message, const char *name, JsonObject *body, GError **error)
{
  guint type = 0;
  ScopeFields fields = { body, NULL };

  memset (message, 0, sizeof *message);
  while (type < G_N_ELEMENTS (names) && !g_str_equal (names[type], name))
    type++;
  if (type == G_N_ELEMENTS (names))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "%.32s: not a message that we know", name);
      return FALSE;
    }
  message->type = type;
  fields.where = names[type];
  if (!scope_fields_count (&fields, "n", &message->n, error))
    return FALSE;
  if (message->n > SCOPE_PATH_MESSAGE_MAX_NUMBER)
    return scope_fields_wrong (&fields, "n", error, "too large");
  if (type != SCOPE_PATH_HEARD && !get_ms (&fields, "in", SCOPE_PATH_MESSAGE_MAX_IN, &message->in, error))
    return FALSE;
  if (type == SCOPE_PATH_PAIR)
    return get_pair (message, &fields, error);
  if (type == SCOPE_PATH_ATTACHED)
    return get_edges (message, &fields, error);
  return TRUE;
}

static void
set_flag (JsonObject *body, const char *name, gboolean value)
{
  if (value)
    json_object_set_boolean_member (body, name, TRUE);
}

static void
format_pair (const ScopePathMessage *message, JsonObject *body)
{
  char text[SCOPE_KEY_BASE64_LEN + 1];

  json_object_set_string_member (body, "way", hows[message->how]);
  if (message->how == SCOPE_PATH_VIA)
    json_object_set_string_member (body, "via", scope_key_to_base64 (&message->via, text));
  if (message->hold)
    json_object_set_int_member (body, "hold", message->hold);
  set_flag (body, "ask", message->ask);
  set_flag (body, "answer", message->answer);
  if (message->n_legs)
    {
      JsonArray *array = json_array_new ();

      for (guint i = 0; i < message->n_legs; i++)
        json_array_add_string_element (array, scope_key_to_base64 (&message->legs[i], text));
      json_object_set_array_member (body, "legs", array);
    }
}

JsonObject *
scope_path_message_format (const ScopePathMessage *message)
{
  JsonObject *body = json_object_new ();
  char text[SCOPE_KEY_BASE64_LEN + 1];

  json_object_set_int_member (body, "n", message->n);
  if (message->in && message->type != SCOPE_PATH_HEARD)
    json_object_set_int_member (body, "in", message->in);
  if (message->type == SCOPE_PATH_PAIR)
    format_pair (message, body);
  if (message->type == SCOPE_PATH_ATTACHED)
    {
      JsonObject *edges = json_object_new ();

      for (guint i = 0; i < message->n_edges; i++)
        json_object_set_int_member (edges, scope_key_to_base64 (&message->edges[i].key, text),
                                    message->edges[i].sequence);
      json_object_set_object_member (body, "edges", edges);
    }
  return body;
}
