/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/scope-link-packet.h"

#include "common/scope-json.h"
#include "net/scope-channel.h"

#include <netinet/in.h>
#include <string.h>

#define IP 40 /* bytes of its header, then UDP's */
#define UDP 8
#define TYPE_MAX 64

G_STATIC_ASSERT (IP + UDP == SCOPE_LINK_PACKET_HEADERS);

static guint
word (const guint8 *at)
{
  return at[0] << 8 | at[1];
}

/* RFC 8200 §8.1: over a pseudo header and all of UDP; right when the sum is all ones. */
static gboolean
sum_is_right (const guint8 *packet, gsize udp_len)
{
  const guint8 *addresses = packet + 8, *udp = packet + IP;
  guint64 sum = udp_len + IPPROTO_UDP;

  for (gsize i = 0; i < 32; i += 2)
    sum += word (addresses + i);
  for (gsize i = 0; i + 1 < udp_len; i += 2)
    sum += word (udp + i);
  if (udp_len % 2)
    sum += udp[udp_len - 1] << 8;
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return sum == 0xffff;
}

const char *
scope_link_packet_text (const guint8 *packet, gsize n, gboolean check_sum, gsize *len)
{
  const guint8 *udp = packet + IP;
  gsize udp_len;

  if (n < IP + UDP || n > SCOPE_LINK_PACKET_MAX || packet[0] >> 4 != 6 || packet[6] != IPPROTO_UDP)
    return NULL;
  udp_len = word (udp + 4);
  if (udp_len < UDP || udp_len > n - IP || word (packet + 4) != udp_len || word (udp) != SCOPE_CHANNEL_PORT ||
      word (udp + 2) != SCOPE_CHANNEL_PORT)
    return NULL;
  if (check_sum && !sum_is_right (packet, udp_len))
    return NULL;
  *len = udp_len - UDP;
  return (const char *) udp + UDP;
}

const guint8 *
scope_link_packet_source (const guint8 *packet)
{
  return packet + 8;
}

JsonObject *
scope_link_packet_frame (const char *text, gsize len)
{
  g_autoptr (JsonObject) frame = scope_json_parse_object_strict (text, len, SCOPE_LINK_PACKET_MAX, NULL);
  const char *type = frame ? scope_json_get_string (frame, "t") : NULL;
  JsonNode *data = frame ? json_object_get_member (frame, "d") : NULL;

  if (!type || strlen (type) > TYPE_MAX || !data || !JSON_NODE_HOLDS_OBJECT (data) ||
      (len > SCOPE_CHANNEL_MAX && !g_str_equal (type, "probe")))
    return NULL;
  return g_steal_pointer (&frame);
}
