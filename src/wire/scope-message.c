/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/scope-message.h"

#include "common/scope-error.h"
#include "common/scope-json.h"

static const char *const type_names[] = {
  [SCOPE_MESSAGE_PING] = "ping",
  [SCOPE_MESSAGE_PEER_UPDATE] = "peerUpdate",
  [SCOPE_MESSAGE_ERROR] = "error",
};

void
scope_message_clear (ScopeMessage *message)
{
  g_clear_pointer (&message->data, g_free);
  message->type = SCOPE_MESSAGE_UNKNOWN;
}

gboolean
scope_message_parse (ScopeMessage *message, const char *text, gsize len, GError **error)
{
  g_autoptr (JsonObject) object = NULL;
  const char *type;

  *message = (ScopeMessage) { 0 };
  object = scope_json_parse_object (text, len, SCOPE_MESSAGE_MAX_BYTES, error);
  if (!object)
    return FALSE;
  type = scope_json_get_string (object, "t");
  if (!type)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "t: missing, or not a string");
      return FALSE;
    }
  for (guint i = SCOPE_MESSAGE_PING; i < G_N_ELEMENTS (type_names); i++)
    if (g_str_equal (type, type_names[i]))
      message->type = i;
  message->data = g_strdup (scope_json_get_string (object, "d"));
  return TRUE;
}

char *
scope_message_format (ScopeMessageType type, const char *data)
{
  g_autoptr (GString) text = NULL;

  g_return_val_if_fail (type > SCOPE_MESSAGE_UNKNOWN && type < G_N_ELEMENTS (type_names), NULL);

  text = g_string_new ("{\"t\":");
  scope_json_append_string (text, type_names[type]);
  if (data)
    {
      g_string_append (text, ",\"d\":");
      scope_json_append_string (text, data);
    }
  g_string_append_c (text, '}');
  return g_string_free (g_steal_pointer (&text), FALSE);
}
