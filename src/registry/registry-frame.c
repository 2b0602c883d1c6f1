/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-frame.h"

#include <string.h>

#define CONTROL_MAX 125

GBytes *
registry_frame_new (RegistryOpcode opcode, gconstpointer payload, gsize len)
{
  guint8 header[10] = { 0x80 | opcode };
  gsize header_len = len < 126 ? 2 : len <= G_MAXUINT16 ? 4 : 10;
  guint8 *frame = g_malloc (header_len + len);

  if (header_len == 2)
    header[1] = len;
  else
    {
      header[1] = header_len == 4 ? 126 : 127;
      for (gsize i = header_len - 1, rest = len; i > 1; i--, rest >>= 8)
        header[i] = rest & 0xff;
    }
  memcpy (frame, header, header_len);
  if (len)
    memcpy (frame + header_len, payload, len);
  return g_bytes_new_take (frame, header_len + len);
}

GBytes *
registry_frame_new_close (guint16 code)
{
  guint8 payload[2] = { code >> 8, code & 0xff };

  return registry_frame_new (REGISTRY_FRAME_CLOSE, payload, sizeof payload);
}

void
registry_decoder_clear (RegistryDecoder *decoder)
{
  g_clear_pointer (&decoder->pending, g_byte_array_unref);
  g_clear_pointer (&decoder->message, g_byte_array_unref);
}

/* g_utf8_validate(), but a NUL is a character like any other here. */
static gboolean
is_utf8 (const guint8 *text, gsize len)
{
  const char *p = (const char *) text, *end = p + len;

  while (p < end)
    {
      const char *nul = memchr (p, '\0', end - p);
      gsize part = (nul ? nul : end) - p;

      if (part && !g_utf8_validate_len (p, part, NULL))
        return FALSE;
      p += part + 1;
    }
  return TRUE;
}

typedef struct {
  gboolean fin;
  guint8 opcode;
  guint8 *payload;
  gsize len;
} Frame;

/* Bytes that the frame takes, 0 when it is not whole; *code set when it is wrong. */
static gsize
take_frame (guint8 *data, gsize len, gsize max, Frame *frame, guint16 *code)
{
  gsize header = 2;
  guint64 payload_len;

  *code = 0;
  if (len < 2)
    return 0;
  frame->fin = (data[0] & 0x80) != 0;
  frame->opcode = data[0] & 0x0f;
  payload_len = data[1] & 0x7f;

  /* Reserved bits, unmasked frames of a client, unknown opcodes, long or fragmented control frames */
  if ((data[0] & 0x70) || !(data[1] & 0x80) || (frame->opcode & 7) > 2 ||
      ((frame->opcode & 8) && (!frame->fin || payload_len > CONTROL_MAX)))
    {
      *code = REGISTRY_CLOSE_PROTOCOL;
      return 0;
    }

  gsize extra = payload_len == 126 ? 2 : payload_len == 127 ? 8 : 0;
  if (len < header + extra)
    return 0;
  if (extra)
    {
      payload_len = 0;
      for (gsize i = 0; i < extra; i++)
        payload_len = payload_len << 8 | data[header + i];
      header += extra;
    }
  if (payload_len > max)
    {
      *code = REGISTRY_CLOSE_TOO_BIG;
      return 0;
    }
  if (len < header + 4 + payload_len)
    return 0;

  const guint8 *mask = data + header;
  frame->payload = data + header + 4;
  frame->len = payload_len;
  for (gsize i = 0; i < frame->len; i++)
    frame->payload[i] ^= mask[i & 3];
  return header + 4 + payload_len;
}

static guint16
deliver (guint8 opcode, const guint8 *payload, gsize len, RegistryFrameFunc func, gpointer user_data, gboolean *stop)
{
  if (opcode == REGISTRY_FRAME_TEXT && !is_utf8 (payload, len))
    return REGISTRY_CLOSE_BAD_DATA;
  *stop = !func (opcode, payload, len, user_data);
  return 0;
}

static guint16
take_message (RegistryDecoder *decoder, const Frame *frame, gsize max, RegistryFrameFunc func, gpointer user_data,
              gboolean *stop)
{
  gboolean continues = frame->opcode == REGISTRY_FRAME_CONTINUATION;
  guint16 code = 0;

  if (frame->opcode & 8)
    return deliver (frame->opcode, frame->payload, frame->len, func, user_data, stop);
  if (continues != (decoder->message != NULL))
    return REGISTRY_CLOSE_PROTOCOL;
  if (!continues && frame->fin)
    return deliver (frame->opcode, frame->payload, frame->len, func, user_data, stop);

  if (!continues)
    {
      decoder->message = g_byte_array_new ();
      decoder->opcode = frame->opcode;
    }
  if (decoder->message->len + frame->len > max)
    return REGISTRY_CLOSE_TOO_BIG;
  g_byte_array_append (decoder->message, frame->payload, frame->len);
  if (frame->fin)
    {
      g_autoptr (GByteArray) message = g_steal_pointer (&decoder->message);
      const guint8 *data = message->len ? message->data : (const guint8 *) ""; /* empty fragments: no data at all */

      code = deliver (decoder->opcode, data, message->len, func, user_data, stop);
    }
  return code;
}

guint16
registry_decoder_feed (RegistryDecoder *decoder, guint8 *data, gsize len, gsize max, RegistryFrameFunc func,
                       gpointer user_data)
{
  g_autoptr (GByteArray) pending = g_steal_pointer (&decoder->pending);
  gboolean stop = FALSE;
  gsize used = 0;
  guint16 code = 0;

  if (pending)
    {
      g_byte_array_append (pending, data, len);
      data = pending->data;
      len = pending->len;
    }
  while (!stop && !code)
    {
      Frame frame;
      gsize n = take_frame (data + used, len - used, max, &frame, &code);

      if (n == 0)
        break;
      used += n;
      code = take_message (decoder, &frame, max, func, user_data, &stop);
    }
  if (!stop && !code && used < len)
    {
      /* At most one frame that is not whole: bounded by max and a header. */
      if (pending)
        {
          g_byte_array_remove_range (pending, 0, used);
          decoder->pending = g_steal_pointer (&pending);
        }
      else
        {
          decoder->pending = g_byte_array_sized_new (len - used);
          g_byte_array_append (decoder->pending, data + used, len - used);
        }
    }
  return code;
}

guint16
registry_frame_close_code (const guint8 *payload, gsize len)
{
  guint code = len >= 2 ? (guint) payload[0] << 8 | payload[1] : REGISTRY_CLOSE_NORMAL;
  gboolean known = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);

  return known && len != 1 && (len < 3 || is_utf8 (payload + 2, len - 2)) ? code : REGISTRY_CLOSE_PROTOCOL;
}
