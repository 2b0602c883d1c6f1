/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/scope-punch-message.h"

#include "common/scope-endpoint.h"
#include "common/scope-error.h"
#include "common/scope-fields.h"

#include <string.h>

static const char *const nats[] = {
  [SCOPE_NAT_UNKNOWN] = "unknown", [SCOPE_NAT_NONE] = "none", [SCOPE_NAT_OPEN] = "open",
  [SCOPE_NAT_CLOSED] = "closed",   [SCOPE_NAT_DENY] = "deny",
};

const char *
scope_nat_to_string (ScopeNatKind kind)
{
  return nats[kind];
}

gboolean
scope_nat_from_string (const char *text, ScopeNatKind *kind)
{
  for (guint i = 0; i < G_N_ELEMENTS (nats); i++)
    if (g_strcmp0 (nats[i], text) == 0)
      {
        *kind = i;
        return TRUE;
      }
  *kind = SCOPE_NAT_UNKNOWN;
  return FALSE;
}

void
scope_punch_message_free (ScopePunchMessage *message)
{
  g_free (message->id);
  g_free (message->pwd);
  g_strfreev (message->candidates);
  g_free (message);
}

const char *
scope_punch_message_name (const ScopePunchMessage *message)
{
  return message->open ? "punch.open" : "punch.call";
}

JsonObject *
scope_punch_message_format (const ScopePunchMessage *message)
{
  JsonObject *body = json_object_new ();
  JsonArray *candidates = json_array_new ();

  for (char **text = message->candidates; text && *text; text++)
    json_array_add_string_element (candidates, *text);
  json_object_set_string_member (body, "id", message->id);
  json_object_set_string_member (body, "pwd", message->pwd);
  json_object_set_string_member (body, "nat", scope_nat_to_string (message->nat));
  json_object_set_array_member (body, "candidates", candidates);
  json_object_set_int_member (body, "try", message->attempt);
  return body;
}

/* RFC 8839's ice-char. */
static gboolean
is_plain (const char *text)
{
  for (; *text; text++)
    if (!g_ascii_isalnum (*text) && *text != '+' && *text != '/')
      return FALSE;
  return TRUE;
}

static gboolean
read_word (const ScopeFields *d, const char *name, gsize min, gsize max, char **word, GError **error)
{
  const char *text = scope_fields_string (d, name, max, error);

  if (!text)
    return FALSE;
  if (strlen (text) < min || !is_plain (text))
    return scope_fields_wrong (d, name, error, "not %zu to %zu letters, digits, + and /", min, max);
  *word = g_strdup (text);
  return TRUE;
}

ScopePunchMessage *
scope_punch_message_parse (const char *name, JsonObject *body, GError **error)
{
  const ScopeFields d = { body, name };
  g_autoptr (ScopePunchMessage) message = g_new0 (ScopePunchMessage, 1);
  const char *nat;
  gint64 attempt;

  message->open = g_str_equal (name, "punch.open");
  if (!message->open && !g_str_equal (name, "punch.call"))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "%s: not punch.call or punch.open", name);
      return NULL;
    }
  if (!read_word (&d, "id", SCOPE_PUNCH_ID_LEN, SCOPE_PUNCH_ID_LEN, &message->id, error) ||
      !read_word (&d, "pwd", SCOPE_PUNCH_PWD_LEN, SCOPE_PUNCH_PWD_MAX, &message->pwd, error) ||
      !(nat = scope_fields_string (&d, "nat", 16, error)) ||
      !scope_fields_integer (&d, "try", 0, SCOPE_PUNCH_MAX_TRY, &attempt, error) ||
      !(message->candidates = scope_fields_endpoints (&d, "candidates", SCOPE_PUNCH_MAX_CANDIDATES, error)))
    return NULL;
  scope_nat_from_string (nat, &message->nat);
  message->attempt = attempt;
  for (guint i = 0; message->candidates[i]; i++)
    {
      ScopeSockaddr sa;

      if (!scope_sockaddr_parse (&sa, message->candidates[i]))
        {
          scope_fields_wrong_element (&d, "candidates", i, error, "not an address and a port");
          return NULL;
        }
    }
  return g_steal_pointer (&message);
}
