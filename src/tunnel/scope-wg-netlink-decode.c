/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-wg-netlink-decode.h"

#include "common/scope-error.h"
#include "tunnel/scope-wg.h"

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/wireguard.h>
#include <string.h>

/* --- attributes: own iteration, so that a wrong length is an error and not the silent end of a list --- */

gboolean
scope_nl_bad_field (GError **error, const char *field, gsize len)
{
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL,
               "WireGuard's netlink answer: %s: wrong length or value (%zu bytes)", field, len);
  return FALSE;
}

gboolean
scope_nl_next (ScopeNlSpan *rest, const char *field, guint16 *type, ScopeNlSpan *payload, GError **error)
{
  struct nlattr header;

  if (rest->len < sizeof header)
    return scope_nl_bad_field (error, field, rest->len);
  memcpy (&header, rest->data, sizeof header);
  if (header.nla_len < sizeof header || header.nla_len > rest->len)
    return scope_nl_bad_field (error, field, rest->len);

  *type = header.nla_type & NLA_TYPE_MASK;
  *payload = (ScopeNlSpan) { rest->data + NLA_HDRLEN, header.nla_len - NLA_HDRLEN };
  gsize step = MIN ((gsize) NLA_ALIGN (header.nla_len), rest->len);
  rest->data += step;
  rest->len -= step;
  return TRUE;
}

gboolean
scope_nl_table (ScopeNlSpan rest, const char *field, ScopeNlSpan *table, guint max, GError **error)
{
  guint16 type;
  ScopeNlSpan payload;

  memset (table, 0, (max + 1) * sizeof *table);
  while (rest.len > 0)
    {
      if (!scope_nl_next (&rest, field, &type, &payload, error))
        return FALSE;
      if (type <= max)
        table[type] = payload;
    }
  return TRUE;
}

gboolean
scope_nl_take (const ScopeNlSpan *span, const char *field, gpointer out, gsize size, GError **error)
{
  if (!span->data)
    return TRUE;
  if (span->len != size)
    return scope_nl_bad_field (error, field, span->len);
  memcpy (out, span->data, size);
  return TRUE;
}

/* --- the device --- */

static gboolean
parse_allowed_ip (ScopeNlSpan span, ScopePrefix *prefix, GError **error)
{
  ScopeNlSpan table[WGALLOWEDIP_A_MAX + 1];
  guint16 family = 0;
  guint8 mask = 0xff;

  if (!scope_nl_table (span, "allowed IP", table, WGALLOWEDIP_A_MAX, error) ||
      !scope_nl_take (&table[WGALLOWEDIP_A_FAMILY], "allowed IP's family", &family, sizeof family, error) ||
      !scope_nl_take (&table[WGALLOWEDIP_A_CIDR_MASK], "allowed IP's mask", &mask, sizeof mask, error))
    return FALSE;
  if (family != AF_INET && family != AF_INET6)
    return scope_nl_bad_field (error, "allowed IP's family", sizeof family);

  gsize len = family == AF_INET ? 4 : 16;
  if (mask > 8 * len)
    return scope_nl_bad_field (error, "allowed IP's mask", sizeof mask);
  if (table[WGALLOWEDIP_A_IPADDR].len != len)
    return scope_nl_bad_field (error, "allowed IP's address", table[WGALLOWEDIP_A_IPADDR].len);

  memset (prefix, 0, sizeof *prefix);
  prefix->family = family;
  prefix->len = mask;
  memcpy (prefix->addr, table[WGALLOWEDIP_A_IPADDR].data, len);
  return TRUE;
}

static gboolean
parse_endpoint (const ScopeNlSpan *span, ScopeSockaddr *endpoint, GError **error)
{
  ScopeSockaddr sa = { 0 };

  if (!span->data)
    return TRUE;
  if (span->len < sizeof sa.any.sa_family || span->len > sizeof sa)
    return scope_nl_bad_field (error, "peer's endpoint", span->len);
  memcpy (&sa, span->data, span->len);
  if (!(sa.any.sa_family == AF_INET && span->len == sizeof sa.in) &&
      !(sa.any.sa_family == AF_INET6 && span->len == sizeof sa.in6))
    return scope_nl_bad_field (error, "peer's endpoint", span->len);
  *endpoint = sa;
  return TRUE;
}

static gboolean
parse_handshake (const ScopeNlSpan *span, gint64 *usec, GError **error)
{
  struct {
    gint64 sec;
    gint64 nsec;
  } time = { 0 }; /* struct __kernel_timespec */

  if (!span->data)
    return TRUE;
  if (!scope_nl_take (span, "peer's last handshake", &time, sizeof time, error))
    return FALSE;
  if (time.sec < 0 || time.sec > G_MAXINT64 / G_USEC_PER_SEC - 1 || time.nsec < 0 || time.nsec > 999999999)
    return scope_nl_bad_field (error, "peer's last handshake", span->len);
  *usec = time.sec * G_USEC_PER_SEC + time.nsec / 1000;
  return TRUE;
}

static gboolean
parse_peer (ScopeWgDevice *device, ScopeNlSpan span, GError **error)
{
  ScopeNlSpan table[WGPEER_A_MAX + 1];
  ScopeKey pub;

  if (!scope_nl_table (span, "peer", table, WGPEER_A_MAX, error))
    return FALSE;
  if (table[WGPEER_A_PUBLIC_KEY].len != SCOPE_KEY_LEN)
    return scope_nl_bad_field (error, "peer's public key", table[WGPEER_A_PUBLIC_KEY].len);
  memcpy (&pub, table[WGPEER_A_PUBLIC_KEY].data, SCOPE_KEY_LEN);

  /* A peer that did not fit comes again in the next message, with more allowed IPs and nothing else. */
  ScopeWgPeer *peer = scope_wg_device_peer (device, &pub);
  if (!scope_nl_take (&table[WGPEER_A_PRESHARED_KEY], "peer's preshared key", &peer->preshared, SCOPE_KEY_LEN,
                      error) ||
      !parse_endpoint (&table[WGPEER_A_ENDPOINT], &peer->endpoint, error) ||
      !scope_nl_take (&table[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL], "peer's keepalive", &peer->keepalive,
                      sizeof peer->keepalive, error) ||
      !parse_handshake (&table[WGPEER_A_LAST_HANDSHAKE_TIME], &peer->handshake_usec, error) ||
      !scope_nl_take (&table[WGPEER_A_RX_BYTES], "peer's received bytes", &peer->rx_bytes, sizeof peer->rx_bytes,
                      error) ||
      !scope_nl_take (&table[WGPEER_A_TX_BYTES], "peer's sent bytes", &peer->tx_bytes, sizeof peer->tx_bytes, error))
    return FALSE;

  for (ScopeNlSpan rest = table[WGPEER_A_ALLOWEDIPS]; rest.len > 0;)
    {
      guint16 type;
      ScopeNlSpan entry;
      ScopePrefix prefix;

      if (!scope_nl_next (&rest, "peer's allowed IPs", &type, &entry, error) ||
          !parse_allowed_ip (entry, &prefix, error))
        return FALSE;
      g_array_append_val (peer->allowed, prefix);
    }
  scope_wg_peer_normalise (peer);
  return TRUE;
}

gboolean
scope_wg_device_parse_netlink (ScopeWgDevice *device, gconstpointer message, gsize len, GError **error)
{
  ScopeNlSpan table[WGDEVICE_A_MAX + 1];
  struct nlmsghdr header;
  struct genlmsghdr generic;
  const gsize start = NLMSG_HDRLEN + GENL_HDRLEN;

  if (len < start)
    return scope_nl_bad_field (error, "message", len);
  memcpy (&header, message, sizeof header);
  memcpy (&generic, (const guint8 *) message + NLMSG_HDRLEN, sizeof generic);
  if (header.nlmsg_len < start || header.nlmsg_len > len || generic.cmd != WG_CMD_GET_DEVICE)
    return scope_nl_bad_field (error, "message", len);

  ScopeNlSpan payload = { (const guint8 *) message + start, header.nlmsg_len - start };
  if (!scope_nl_table (payload, "device", table, WGDEVICE_A_MAX, error) ||
      !scope_nl_take (&table[WGDEVICE_A_PUBLIC_KEY], "device's public key", &device->pub, SCOPE_KEY_LEN, error) ||
      !scope_nl_take (&table[WGDEVICE_A_LISTEN_PORT], "device's listen port", &device->listen_port,
                      sizeof device->listen_port, error) ||
      !scope_nl_take (&table[WGDEVICE_A_FWMARK], "device's fwmark", &device->fwmark, sizeof device->fwmark, error))
    return FALSE;

  for (ScopeNlSpan rest = table[WGDEVICE_A_PEERS]; rest.len > 0;)
    {
      guint16 type;
      ScopeNlSpan peer;

      if (!scope_nl_next (&rest, "device's peers", &type, &peer, error) || !parse_peer (device, peer, error))
        return FALSE;
    }
  return TRUE;
}
