/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/scope-carry.h"

#include "common/scope-error.h"
#include "common/scope-fields.h"
#include "common/scope-json.h"

#include <string.h>

#define TYPE_MAX 64

static const char *const type_names[] = {
  [SCOPE_CARRY_TICKET] = "ticket", [SCOPE_CARRY_READY] = "ready",   [SCOPE_CARRY_OPEN] = "open",
  [SCOPE_CARRY_CLOSE] = "close",   [SCOPE_CARRY_OPENED] = "opened", [SCOPE_CARRY_CLOSED] = "closed",
};

/* Text */

static ScopeCarryType
type_from_name (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (type_names); i++)
    if (g_strcmp0 (name, type_names[i]) == 0)
      return i;
  return SCOPE_CARRY_UNKNOWN;
}

static gboolean
read_id (const ScopeFields *d, ScopeCarryMessage *message, GError **error)
{
  gint64 id;

  if (!scope_fields_integer (d, "id", 0, G_MAXUINT16, &id, error))
    return FALSE;
  message->id = id;
  return TRUE;
}

static gboolean
read_ticket (const ScopeFields *d, ScopeCarryMessage *message, GError **error)
{
  guint8 bytes[SCOPE_CARRY_TICKET_LEN];

  if (!scope_fields_bytes (d, "ticket", bytes, sizeof bytes, error))
    return FALSE;
  scope_base64url_encode (bytes, sizeof bytes, message->ticket);
  explicit_bzero (bytes, sizeof bytes);
  return TRUE;
}

static gboolean
read_closed (const ScopeFields *d, ScopeCarryMessage *message, GError **error)
{
  const char *code;

  if (!read_id (d, message, error))
    return FALSE;
  code = scope_fields_string (d, "code", SCOPE_CARRY_CODE_MAX, error);
  if (!code)
    return FALSE;
  if (strlen (code) > SCOPE_CARRY_CODE_MAX)
    return scope_fields_wrong (d, "code", error, "longer than %d bytes", SCOPE_CARRY_CODE_MAX);
  g_strlcpy (message->code, code, sizeof message->code);
  return TRUE;
}

static gboolean
read_data (const ScopeFields *d, ScopeCarryMessage *message, GError **error)
{
  gint64 links;

  switch (message->type)
    {
    case SCOPE_CARRY_TICKET:
      return read_ticket (d, message, error);
    case SCOPE_CARRY_READY:
      if (!scope_fields_integer (d, "links", 1, G_MAXUINT16, &links, error))
        return FALSE;
      message->links = links;
      return TRUE;
    case SCOPE_CARRY_OPEN:
      return read_id (d, message, error) && scope_fields_key (d, "key", &message->key, error);
    case SCOPE_CARRY_CLOSE:
    case SCOPE_CARRY_OPENED:
      return read_id (d, message, error);
    case SCOPE_CARRY_CLOSED:
      return read_closed (d, message, error);
    case SCOPE_CARRY_UNKNOWN:
      break;
    }
  return TRUE;
}

gboolean
scope_carry_parse (ScopeCarryMessage *message, const char *text, gsize len, GError **error)
{
  g_autoptr (JsonObject) root = scope_json_parse_object_strict (text, len, SCOPE_CARRY_TEXT_MAX, error);
  ScopeFields top = { root, "message" }, d = { 0 };
  const char *type;

  *message = (ScopeCarryMessage) { 0 };
  if (!root)
    return FALSE;
  type = scope_fields_string (&top, "t", TYPE_MAX, error);
  if (!type)
    return FALSE;
  message->type = type_from_name (type);
  if (message->type == SCOPE_CARRY_UNKNOWN)
    return TRUE;
  d.where = type_names[message->type];
  d.object = scope_fields_object (&top, "d", G_MAXUINT, error);
  return d.object && read_data (&d, message, error);
}

char *
scope_carry_format (const ScopeCarryMessage *message)
{
  GString *out = g_string_new ("{\"t\":");

  g_return_val_if_fail (message->type != SCOPE_CARRY_UNKNOWN, g_string_free (out, FALSE));
  scope_json_append_string (out, type_names[message->type]);
  g_string_append (out, ",\"d\":{");
  switch (message->type)
    {
    case SCOPE_CARRY_TICKET:
      scope_fields_put_string (out, "ticket", message->ticket);
      break;
    case SCOPE_CARRY_READY:
      scope_fields_put_integer (out, "links", message->links);
      break;
    case SCOPE_CARRY_OPEN:
      scope_fields_put_integer (out, "id", message->id);
      scope_fields_put_key (out, "key", &message->key);
      break;
    case SCOPE_CARRY_CLOSED:
      scope_fields_put_integer (out, "id", message->id);
      scope_fields_put_string (out, "code", message->code);
      break;
    default:
      scope_fields_put_integer (out, "id", message->id);
    }
  g_string_append (out, "}}");
  return g_string_free (out, FALSE);
}

/* Packets */

#define INITIATION 1
#define INITIATION_LEN 148
#define RESPONSE_LEN 92
#define COOKIE_LEN 64
#define DATA_MIN 32 /* header and tag: a keepalive */

gboolean
scope_carry_is_wireguard (const guint8 *packet, gsize len)
{
  if (len < DATA_MIN || len > SCOPE_CARRY_PACKET_MAX || packet[1] || packet[2] || packet[3])
    return FALSE;
  switch (packet[0])
    {
    case INITIATION:
      return len == INITIATION_LEN;
    case 2:
      return len == RESPONSE_LEN;
    case 3:
      return len == COOKIE_LEN;
    case 4:
      return TRUE;
    default:
      return FALSE;
    }
}

gboolean
scope_carry_is_initiation (const guint8 *packet, gsize len)
{
  return len == INITIATION_LEN && packet[0] == INITIATION;
}

void
scope_carry_append (GByteArray *message, guint16 id, const guint8 *packet, gsize len)
{
  const guint8 head[SCOPE_CARRY_HEAD] = { id >> 8, id, len >> 8, len };

  g_return_if_fail (len <= SCOPE_CARRY_PACKET_MAX);
  g_byte_array_append (message, head, sizeof head);
  g_byte_array_append (message, packet, len);
}

gboolean
scope_carry_next (ScopeCarryReader *reader, guint16 *id, const guint8 **packet, gsize *len, GError **error)
{
  const guint8 *p = reader->data;

  if (reader->len == 0)
    return FALSE;
  if (reader->len < SCOPE_CARRY_HEAD)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "packets: half a head at the end");
      return FALSE;
    }
  *id = p[0] << 8 | p[1];
  *len = p[2] << 8 | p[3];
  *packet = p + SCOPE_CARRY_HEAD;
  if (*len > reader->len - SCOPE_CARRY_HEAD || !scope_carry_is_wireguard (*packet, *len))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "packets: one that is not WireGuard's, or not whole");
      return FALSE;
    }
  reader->data += SCOPE_CARRY_HEAD + *len;
  reader->len -= SCOPE_CARRY_HEAD + *len;
  return TRUE;
}
