/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-wg: the decoders of src/tunnel/scope-wg on good and hostile bytes, the difference function, and
 * the encoders against a model of what WireGuard does with their output.
 */
#include "common/scope-error.h"
#include "tunnel/scope-wg-netlink.h"
#include "tunnel/scope-wg-uapi.h"
#include "tunnel/scope-wg.h"

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <string.h>

/* --- helpers --- */

static ScopeKey
key (guint n)
{
  ScopeKey k = { { 0 } };

  k.bytes[0] = n;
  k.bytes[1] = n >> 8;
  k.bytes[31] = 7;
  return k;
}

static ScopeWgPeer *
new_peer (guint n, const char *allowed)
{
  ScopeKey k = key (n);
  ScopeWgPeer *peer = scope_wg_peer_new (&k);

  g_array_unref (peer->allowed);
  peer->allowed = scope_prefix_parse_list (allowed, 100000, NULL);
  g_assert_nonnull (peer->allowed);
  return peer;
}

static GPtrArray *
new_list (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) scope_wg_peer_free);
}

static ScopeWgPeer *
add (GPtrArray *list, guint n, const char *allowed)
{
  ScopeWgPeer *peer = new_peer (n, allowed);

  g_ptr_array_add (list, peer);
  return peer;
}

static void
set_endpoint (ScopeWgPeer *peer, const char *text)
{
  g_assert_true (scope_sockaddr_parse (&peer->endpoint, text));
}

/* A device as it would be read back after these peers were set. */
static ScopeWgDevice *
device_of (const GPtrArray *peers)
{
  ScopeWgDevice *device = scope_wg_device_new ();

  device->pub = key (9999);
  for (guint i = 0; i < peers->len; i++)
    {
      ScopeWgPeer *copy = scope_wg_peer_copy (g_ptr_array_index (peers, i));
      scope_wg_peer_normalise (copy);
      g_ptr_array_add (device->peers, copy);
      g_hash_table_insert (device->by_key, &copy->pub, copy);
    }
  return device;
}

#define assert_allowed(peer, text)                                         \
  G_STMT_START                                                             \
  {                                                                        \
    g_autofree char *list_ = scope_prefix_format_list ((peer)->allowed);   \
    g_assert_cmpstr (list_, ==, text);                                     \
  }                                                                        \
  G_STMT_END

#define assert_endpoint(peer, text)                                        \
  G_STMT_START                                                             \
  {                                                                        \
    g_autofree char *endpoint_ = scope_sockaddr_format (&(peer)->endpoint); \
    g_assert_cmpstr (endpoint_, ==, text);                                 \
  }                                                                        \
  G_STMT_END

/* --- UAPI decoder --- */

#define HEX_A "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90"
#define HEX_B "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static ScopeWgDevice *
parse (const char *text, GError **error)
{
  /* Exactly as long as the text, so that a sanitizer sees a read beyond it. */
  gsize len = strlen (text);
  g_autofree char *copy = g_memdup2 (text, len);

  return scope_wg_device_parse_uapi (copy, len, error);
}

static void
test_uapi_good (void)
{
  g_autoptr (GError) error = NULL;
  /* RFC 7748 §6.1, Alice */
  g_autoptr (ScopeWgDevice) device = parse (
    "private_key=77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a\n"
    "listen_port=51820\nfwmark=305419896\nsomething_new=x=y\n"
    "public_key=" HEX_A "\npreshared_key=" HEX_B "\nprotocol_version=1\nendpoint=192.0.2.1:4711\n"
    "last_handshake_time_sec=1700000000\nlast_handshake_time_nsec=123456789\n"
    "tx_bytes=18446744073709551615\nrx_bytes=5\npersistent_keepalive_interval=25\n"
    "allowed_ip=10.9.0.0/16\nallowed_ip=10.0.0.1/32\nallowed_ip=fd00::1/128\n"
    "public_key=" HEX_B "\nendpoint=[2001:db8::1]:1\nlast_handshake_time_sec=0\nlast_handshake_time_nsec=0\n"
    "another_new_thing=1\nerrno=0\n",
    &error);

  g_assert_no_error (error);
  char base64[SCOPE_KEY_BASE64_LEN + 1];
  g_assert_cmpstr (scope_key_to_base64 (&device->pub, base64), ==, "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=");
  g_assert_cmpuint (device->listen_port, ==, 51820);
  g_assert_cmpuint (device->fwmark, ==, 0x12345678);
  g_assert_cmpuint (device->peers->len, ==, 2);

  const ScopeWgPeer *a = g_ptr_array_index (device->peers, 0), *b = g_ptr_array_index (device->peers, 1);
  g_assert_cmpuint (a->pub.bytes[0], ==, 0xa1);
  g_assert_cmpuint (a->preshared.bytes[31], ==, 0xff);
  g_assert_cmpint (a->handshake_usec, ==, G_GINT64_CONSTANT (1700000000123456));
  g_assert_cmpuint (a->tx_bytes, ==, G_MAXUINT64);
  g_assert_cmpuint (a->rx_bytes, ==, 5);
  g_assert_cmpuint (a->keepalive, ==, 25);
  assert_endpoint (a, "192.0.2.1:4711");
  assert_allowed (a, "10.0.0.1/32,10.9.0.0/16,fd00::1/128");
  assert_endpoint (b, "[2001:db8::1]:1");
  g_assert_cmpint (b->handshake_usec, ==, 0);
  g_assert_true (scope_key_is_zero (&b->preshared));
  g_assert_true (scope_wg_device_find (device, &b->pub) == b);
}

static void
test_uapi_empty (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeWgDevice) device = parse ("errno=0", &error); /* the last newline may be missing */

  g_assert_no_error (error);
  g_assert_cmpuint (device->peers->len, ==, 0);
  g_assert_true (scope_key_is_zero (&device->pub));
}

static void
test_uapi_zone (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeWgDevice) device =
    parse ("public_key=" HEX_A "\nendpoint=[fe80::1%7]:5\npublic_key=" HEX_B "\nendpoint=[fe80::1%lo]:5\nerrno=0\n", &error);

  g_assert_no_error (error);
  const ScopeWgPeer *a = g_ptr_array_index (device->peers, 0), *b = g_ptr_array_index (device->peers, 1);
  g_assert_cmpuint (a->endpoint.in6.sin6_scope_id, ==, 7);
  g_assert_cmpuint (b->endpoint.in6.sin6_scope_id, ==, 1);
  assert_endpoint (a, "[fe80::1]:5");
}

static void
test_uapi_bad (void)
{
  static const struct {
    const char *text;
    const char *field;
  } cases[] = {
    { "", "errno" },
    { "listen_port=1\n", "errno" },
    { "listen_port=1\npublic_key=" HEX_A "\n", "errno" },
    { "errno=-22\n", "errno -22" },
    { "errno=1\n", "errno 1" },
    { "errno=\n", "errno" },
    { "errno=99999999999999999999\n", "errno" },
    { "listen_port\nerrno=0\n", "=" },
    { "listen_port=65536\nerrno=0\n", "listen_port" },
    { "listen_port=-1\nerrno=0\n", "listen_port" },
    { "listen_port=\nerrno=0\n", "listen_port" },
    { "fwmark=4294967296\nerrno=0\n", "fwmark" },
    { "private_key=00\nerrno=0\n", "private_key" },
    { "private_key=" HEX_A "0\nerrno=0\n", "private_key" },
    { "public_key=g1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90\nerrno=0\n", "public_key" },
    { "public_key=a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9\nerrno=0\n", "public_key" },
    { "public_key=" HEX_A "\npreshared_key=zz\nerrno=0\n", "preshared_key" },
    { "public_key=" HEX_A "\nendpoint=192.0.2.1\nerrno=0\n", "endpoint" },
    { "public_key=" HEX_A "\nendpoint=host.example:1\nerrno=0\n", "endpoint" },
    { "public_key=" HEX_A "\nendpoint=[fe80::1%aaaaaaaaaaaaaaaaaaaaaaaaa]:1\nerrno=0\n", "endpoint" },
    { "public_key=" HEX_A "\nendpoint=[fe80::1%\nerrno=0\n", "endpoint" },
    { "public_key=" HEX_A "\nendpoint=192.0.2.1%lo:1\nerrno=0\n", "endpoint" },
    { "public_key=" HEX_A "\nlast_handshake_time_sec=9223372036854775807\nerrno=0\n", "last_handshake_time_sec" },
    { "public_key=" HEX_A "\nlast_handshake_time_sec=9223372036854775807\npublic_key=" HEX_B "\nerrno=0\n",
      "last_handshake_time_sec" },
    { "public_key=" HEX_A "\nlast_handshake_time_nsec=1000000000\nerrno=0\n", "last_handshake_time_nsec" },
    { "public_key=" HEX_A "\nrx_bytes=18446744073709551616\nerrno=0\n", "rx_bytes" },
    { "public_key=" HEX_A "\ntx_bytes=0x1\nerrno=0\n", "tx_bytes" },
    { "public_key=" HEX_A "\npersistent_keepalive_interval=65536\nerrno=0\n", "persistent_keepalive_interval" },
    { "public_key=" HEX_A "\nallowed_ip=10.0.0.0/33\nerrno=0\n", "allowed_ip" },
    { "public_key=" HEX_A "\nallowed_ip=10.0.0\nerrno=0\n", "allowed_ip" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ScopeWgDevice) device = parse (cases[i].text, &error);

      g_test_message ("%s", cases[i].text);
      g_assert_null (device);
      g_assert_nonnull (error);
      g_assert_nonnull (strstr (error->message, cases[i].field));
      g_assert_null (strstr (error->message, HEX_A)); /* could have been a private key */
    }

  g_autoptr (GError) error = NULL;
  g_assert_null (scope_wg_device_parse_uapi ("listen_port=1\0" "2\nerrno=0\n", 25, &error));
  g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
}

/* Every shorter text is either refused or, cut at a line that ends the answer, right. */
static void
test_uapi_truncated (void)
{
  const char *text = "listen_port=7\npublic_key=" HEX_A "\nendpoint=[::1]:9\nallowed_ip=::/0\nerrno=0";

  for (gsize n = 0; n < strlen (text); n++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *part = g_strndup (text, n);
      g_autoptr (ScopeWgDevice) device = parse (part, &error);
      g_assert_null (device);
      g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
    }
}

/* --- netlink decoder --- */

typedef struct {
  _Alignas (struct nlmsghdr) guint8 buffer[4096];
  struct nlmsghdr *m;
  struct nlattr *peers, *peer, *allowed;
} Message;

static void
begin (Message *msg)
{
  msg->m = mnl_nlmsg_put_header (msg->buffer);
  struct genlmsghdr *generic = mnl_nlmsg_put_extra_header (msg->m, sizeof *generic);

  generic->cmd = WG_CMD_GET_DEVICE;
  generic->version = 1;
  msg->peers = NULL;
}

static void
begin_peer (Message *msg, guint n)
{
  ScopeKey k = key (n);

  if (!msg->peers)
    msg->peers = mnl_attr_nest_start (msg->m, WGDEVICE_A_PEERS);
  msg->peer = mnl_attr_nest_start (msg->m, 0);
  mnl_attr_put (msg->m, WGPEER_A_PUBLIC_KEY, SCOPE_KEY_LEN, k.bytes);
  msg->allowed = NULL;
}

static void
put_allowed (Message *msg, const char *text)
{
  ScopePrefix prefix;

  g_assert_true (scope_prefix_parse (&prefix, text));
  if (!msg->allowed)
    msg->allowed = mnl_attr_nest_start (msg->m, WGPEER_A_ALLOWEDIPS);
  struct nlattr *nest = mnl_attr_nest_start (msg->m, 0);
  mnl_attr_put_u8 (msg->m, WGALLOWEDIP_A_CIDR_MASK, prefix.len);
  mnl_attr_put_u16 (msg->m, WGALLOWEDIP_A_FAMILY, prefix.family);
  mnl_attr_put (msg->m, WGALLOWEDIP_A_IPADDR, prefix.family == AF_INET ? 4 : 16, prefix.addr);
  mnl_attr_nest_end (msg->m, nest);
}

static void
end_peer (Message *msg)
{
  if (msg->allowed)
    mnl_attr_nest_end (msg->m, msg->allowed);
  mnl_attr_nest_end (msg->m, msg->peer);
}

static gboolean
decode (Message *msg, ScopeWgDevice *device, GError **error)
{
  if (msg->peers)
    mnl_attr_nest_end (msg->m, msg->peers);
  msg->peers = NULL;

  g_autofree guint8 *exact = g_memdup2 (msg->m, msg->m->nlmsg_len);
  return scope_wg_device_parse_netlink (device, exact, msg->m->nlmsg_len, error);
}

static void
put_everything (Message *msg)
{
  ScopeKey pub = key (9999), psk = key (77);
  ScopeSockaddr sa4, sa6;
  gint64 time[2] = { 1700000000, 5999 };

  g_assert_true (scope_sockaddr_parse (&sa4, "192.0.2.1:4711") && scope_sockaddr_parse (&sa6, "[fe80::1]:2"));
  sa6.in6.sin6_scope_id = 3;
  begin (msg);
  mnl_attr_put_u32 (msg->m, WGDEVICE_A_IFINDEX, 4);
  mnl_attr_put_strz (msg->m, WGDEVICE_A_IFNAME, "wg0");
  mnl_attr_put_u16 (msg->m, WGDEVICE_A_LISTEN_PORT, 51820);
  mnl_attr_put_u32 (msg->m, WGDEVICE_A_FWMARK, 0x1234);
  mnl_attr_put (msg->m, WGDEVICE_A_PUBLIC_KEY, SCOPE_KEY_LEN, pub.bytes);
  mnl_attr_put_u32 (msg->m, 200, 1); /* from a kernel of the future */
  begin_peer (msg, 1);
  mnl_attr_put (msg->m, WGPEER_A_PRESHARED_KEY, SCOPE_KEY_LEN, psk.bytes);
  mnl_attr_put_u32 (msg->m, WGPEER_A_PROTOCOL_VERSION, 1);
  mnl_attr_put (msg->m, WGPEER_A_ENDPOINT, sizeof sa4.in, &sa4.in);
  mnl_attr_put (msg->m, WGPEER_A_LAST_HANDSHAKE_TIME, sizeof time, time);
  mnl_attr_put_u16 (msg->m, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, 25);
  mnl_attr_put_u64 (msg->m, WGPEER_A_TX_BYTES, G_MAXUINT64);
  mnl_attr_put_u64 (msg->m, WGPEER_A_RX_BYTES, 12);
  put_allowed (msg, "10.2.0.0/16");
  put_allowed (msg, "10.1.0.0/16");
  end_peer (msg);
  begin_peer (msg, 2);
  mnl_attr_put (msg->m, WGPEER_A_ENDPOINT, sizeof sa6.in6, &sa6.in6);
  put_allowed (msg, "fd00::/64");
  end_peer (msg);
}

static void
test_netlink_good (void)
{
  g_autoptr (ScopeWgDevice) device = scope_wg_device_new ();
  g_autoptr (GError) error = NULL;
  ScopeKey own = key (9999), psk = key (77);
  Message msg;

  put_everything (&msg);
  g_assert_true (decode (&msg, device, &error));
  g_assert_no_error (error);
  g_assert_true (scope_key_equal (&device->pub, &own));
  g_assert_cmpuint (device->listen_port, ==, 51820);
  g_assert_cmpuint (device->fwmark, ==, 0x1234);
  g_assert_cmpuint (device->peers->len, ==, 2);
  const ScopeWgPeer *a = g_ptr_array_index (device->peers, 0), *b = g_ptr_array_index (device->peers, 1);
  g_assert_true (scope_key_equal (&a->preshared, &psk));
  g_assert_cmpint (a->handshake_usec, ==, G_GINT64_CONSTANT (1700000000000005));
  g_assert_cmpuint (a->keepalive, ==, 25);
  g_assert_cmpuint (a->tx_bytes, ==, G_MAXUINT64);
  g_assert_cmpuint (a->rx_bytes, ==, 12);
  assert_endpoint (a, "192.0.2.1:4711");
  assert_allowed (a, "10.1.0.0/16,10.2.0.0/16");
  assert_endpoint (b, "[fe80::1]:2");
  g_assert_cmpuint (b->endpoint.in6.sin6_scope_id, ==, 3);
  assert_allowed (b, "fd00::/64");
}

/* A peer goes on in the next message, with nothing but its key and more allowed IPs; twice. */
static void
test_netlink_continued (void)
{
  g_autoptr (ScopeWgDevice) device = scope_wg_device_new ();
  g_autoptr (GError) error = NULL;
  Message msg;

  put_everything (&msg);
  g_assert_true (decode (&msg, device, &error));
  begin (&msg);
  begin_peer (&msg, 2);
  put_allowed (&msg, "10.9.0.0/16");
  end_peer (&msg);
  g_assert_true (decode (&msg, device, &error));
  begin (&msg);
  begin_peer (&msg, 2);
  put_allowed (&msg, "10.8.0.0/16");
  end_peer (&msg);
  begin_peer (&msg, 3);
  end_peer (&msg);
  g_assert_true (decode (&msg, device, &error));
  g_assert_no_error (error);

  g_assert_cmpuint (device->peers->len, ==, 3);
  const ScopeWgPeer *b = g_ptr_array_index (device->peers, 1);
  assert_allowed (b, "10.8.0.0/16,10.9.0.0/16,fd00::/64");
  assert_endpoint (b, "[fe80::1]:2");
  g_assert_cmpuint (device->listen_port, ==, 51820);
}

static void
refuse_peer (guint16 type, gsize len, const void *data, const char *field)
{
  g_autoptr (ScopeWgDevice) device = scope_wg_device_new ();
  g_autoptr (GError) error = NULL;
  Message msg;

  begin (&msg);
  begin_peer (&msg, 1);
  mnl_attr_put (msg.m, type, len, data);
  end_peer (&msg);
  g_assert_false (decode (&msg, device, &error));
  g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, field));
}

static void
refuse_device (guint16 type, gsize len, const char *field)
{
  g_autoptr (ScopeWgDevice) device = scope_wg_device_new ();
  g_autoptr (GError) error = NULL;
  Message msg;
  guint8 zero[64] = { 0 };

  begin (&msg);
  mnl_attr_put (msg.m, type, len, zero);
  g_assert_false (decode (&msg, device, &error));
  g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
  g_assert_nonnull (strstr (error->message, field));
}

static void
refuse_allowed (guint16 family, gsize len, guint8 mask, const char *field)
{
  g_autoptr (ScopeWgDevice) device = scope_wg_device_new ();
  g_autoptr (GError) error = NULL;
  guint8 zero[20] = { 0 };
  Message msg;

  begin (&msg);
  begin_peer (&msg, 1);
  msg.allowed = mnl_attr_nest_start (msg.m, WGPEER_A_ALLOWEDIPS);
  struct nlattr *nest = mnl_attr_nest_start (msg.m, 0);
  mnl_attr_put_u16 (msg.m, WGALLOWEDIP_A_FAMILY, family);
  mnl_attr_put (msg.m, WGALLOWEDIP_A_IPADDR, len, zero);
  mnl_attr_put_u8 (msg.m, WGALLOWEDIP_A_CIDR_MASK, mask);
  mnl_attr_nest_end (msg.m, nest);
  end_peer (&msg);
  g_assert_false (decode (&msg, device, &error));
  g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
  g_assert_nonnull (strstr (error->message, field));
}

static void
test_netlink_bad (void)
{
  guint8 bytes[64] = { 0 };
  gint64 negative[2] = { -1, 0 }, huge[2] = { G_MAXINT64, 0 }, nsec[2] = { 1, 1000000000 };
  struct sockaddr_in in = { .sin_family = AF_INET };

  refuse_device (WGDEVICE_A_PUBLIC_KEY, 31, "device's public key");
  refuse_device (WGDEVICE_A_LISTEN_PORT, 4, "listen port");
  refuse_device (WGDEVICE_A_FWMARK, 2, "fwmark");
  refuse_device (WGDEVICE_A_PEERS, 3, "peers");
  refuse_device (WGDEVICE_A_PEERS, 4, "peers"); /* an attribute of length 0 */
  refuse_peer (WGPEER_A_PUBLIC_KEY, 33, bytes, "public key");
  refuse_peer (WGPEER_A_PRESHARED_KEY, 0, bytes, "preshared key");
  refuse_peer (WGPEER_A_ENDPOINT, 1, bytes, "endpoint");
  refuse_peer (WGPEER_A_ENDPOINT, 16, bytes, "endpoint");
  refuse_peer (WGPEER_A_ENDPOINT, 15, &in, "endpoint");
  in.sin_family = AF_INET6;
  refuse_peer (WGPEER_A_ENDPOINT, 16, &in, "endpoint");
  refuse_peer (WGPEER_A_ENDPOINT, 64, bytes, "endpoint");
  refuse_peer (WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, 4, bytes, "keepalive");
  refuse_peer (WGPEER_A_LAST_HANDSHAKE_TIME, 8, bytes, "handshake");
  refuse_peer (WGPEER_A_LAST_HANDSHAKE_TIME, 16, negative, "handshake");
  refuse_peer (WGPEER_A_LAST_HANDSHAKE_TIME, 16, huge, "handshake");
  refuse_peer (WGPEER_A_LAST_HANDSHAKE_TIME, 16, nsec, "handshake");
  refuse_peer (WGPEER_A_RX_BYTES, 4, bytes, "received");
  refuse_peer (WGPEER_A_TX_BYTES, 9, bytes, "sent");
  refuse_peer (WGPEER_A_ALLOWEDIPS, 5, bytes, "allowed IPs");
  refuse_allowed (AF_INET, 4, 33, "mask");
  refuse_allowed (AF_INET6, 16, 129, "mask");
  refuse_allowed (AF_INET, 16, 32, "address");
  refuse_allowed (AF_INET6, 4, 32, "address");
  refuse_allowed (AF_UNIX, 4, 32, "family");
}

/* Whatever is cut off and whatever length is a lie: no read beyond the end (a sanitizer watches). */
static void
test_netlink_truncated (void)
{
  Message msg;

  put_everything (&msg);
  mnl_attr_nest_end (msg.m, msg.peers);
  for (gsize n = 0; n < msg.m->nlmsg_len; n++)
    {
      g_autoptr (ScopeWgDevice) device = scope_wg_device_new ();
      g_autoptr (GError) error = NULL;
      g_autofree guint8 *part = g_malloc (n + 1);
      guint8 *exact = part + 1; /* also unaligned */

      memcpy (exact, msg.m, n);
      g_assert_false (scope_wg_device_parse_netlink (device, exact, n, &error));
      g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
      g_clear_error (&error);

      /* A header that agrees with the cut: the attributes inside do not. */
      if (n >= NLMSG_HDRLEN + GENL_HDRLEN)
        {
          guint32 len = n;
          memcpy (exact, &len, sizeof len);
          scope_wg_device_parse_netlink (device, exact, n, NULL);
        }
    }
}

/* --- the difference --- */

static const ScopeWgChange *
find_change (const GPtrArray *changes, guint n)
{
  ScopeKey k = key (n);

  for (guint i = 0; i < changes->len; i++)
    {
      const ScopeWgChange *change = g_ptr_array_index (changes, i);
      if (scope_key_equal (&change->peer->pub, &k))
        return change;
    }
  return NULL;
}

static void
test_diff_add_remove (void)
{
  g_autoptr (GPtrArray) before = new_list ();
  g_autoptr (GPtrArray) wanted = new_list ();

  add (before, 1, "10.0.0.1/32");
  add (before, 2, "10.0.0.2/32");
  g_autoptr (ScopeWgDevice) device = device_of (before);

  add (wanted, 3, "10.0.0.3/32 10.0.0.2/32");
  add (wanted, 2, "");
  set_endpoint (g_ptr_array_index (wanted, 0), "192.0.2.3:3");
  g_autoptr (GPtrArray) changes = scope_wg_diff (device, wanted, before);

  g_assert_cmpuint (changes->len, ==, 3);
  const ScopeWgChange *removed = g_ptr_array_index (changes, 0); /* first */
  g_assert_true (removed == find_change (changes, 1) && removed->remove && !removed->add);
  const ScopeWgChange *added = find_change (changes, 3);
  g_assert_true (added->add && !added->remove && !added->readd);
  g_assert_true (added->set_endpoint && added->set_keepalive && added->set_allowed && added->set_preshared);
  assert_allowed (added->peer, "10.0.0.2/32,10.0.0.3/32");
  const ScopeWgChange *kept = find_change (changes, 2);
  g_assert_true (!kept->add && !kept->remove && kept->set_allowed);
  g_assert_true (!kept->set_endpoint && !kept->set_keepalive && !kept->set_preshared);
}

static void
test_diff_nothing (void)
{
  g_autoptr (GPtrArray) wanted = new_list ();

  add (wanted, 1, "10.0.0.1/32 fd00::1/128");
  set_endpoint (g_ptr_array_index (wanted, 0), "192.0.2.1:1");
  add (wanted, 2, "10.0.0.2/32");
  ((ScopeWgPeer *) g_ptr_array_index (wanted, 1))->keepalive = 25;
  g_autoptr (ScopeWgDevice) device = device_of (wanted);

  /* Another order, another way to write the same, statistics: all no difference. */
  g_autoptr (GPtrArray) same = new_list ();
  add (same, 2, "10.0.0.2/32 10.0.0.2/32");
  ((ScopeWgPeer *) g_ptr_array_index (same, 0))->keepalive = 25;
  ((ScopeWgPeer *) g_ptr_array_index (same, 0))->rx_bytes = 1;
  ((ScopeWgPeer *) g_ptr_array_index (same, 0))->handshake_usec = 1;
  add (same, 1, "fd00::1/128 10.0.0.1/32");
  set_endpoint (g_ptr_array_index (same, 1), "192.0.2.1:1");

  const GPtrArray *previous[] = { NULL, wanted, same };
  for (gsize i = 0; i < G_N_ELEMENTS (previous); i++)
    {
      g_autoptr (GPtrArray) changes = scope_wg_diff (device, same, previous[i]);
      g_assert_cmpuint (changes->len, ==, 0);
    }

  add (same, 3, "10.1.2.3/16");
  g_autoptr (ScopeWgDevice) masked = device_of (same);
  g_autoptr (GPtrArray) changes = scope_wg_diff (masked, same, NULL);
  g_assert_cmpuint (changes->len, ==, 0);
}

static void
test_diff_endpoint (void)
{
  static const struct {
    const char *actual, *wanted, *previous;
    gboolean write;
  } cases[] = {
    { "192.0.2.9:9", "192.0.2.1:1", "192.0.2.1:1", FALSE }, /* it roamed */
    { "192.0.2.9:9", "192.0.2.2:2", "192.0.2.1:1", TRUE },  /* the wish changed */
    { "192.0.2.2:2", "192.0.2.2:2", "192.0.2.1:1", FALSE }, /* the wish changed to what it is */
    { "192.0.2.9:9", "192.0.2.1:2", "192.0.2.1:1", TRUE },  /* the port alone */
    { "192.0.2.9:9", "", "192.0.2.1:1", FALSE },            /* leave alone */
    { "192.0.2.9:9", "192.0.2.1:1", "", TRUE },             /* first wish for it */
    { "192.0.2.9:9", "192.0.2.1:1", NULL, TRUE },           /* nothing known of before */
    { "192.0.2.1:1", "192.0.2.1:1", NULL, FALSE },
    { "", "192.0.2.1:1", "192.0.2.1:1", TRUE },             /* it has none: nothing roamed */
    { "[2001:db8::9]:1", "[2001:db8::1]:1", "[2001:db8::1]:1", FALSE },
    { "[2001:db8::9]:1", "192.0.2.1:1", "[2001:db8::1]:1", TRUE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GPtrArray) actual = new_list ();
      g_autoptr (GPtrArray) wanted = new_list ();
      g_autoptr (GPtrArray) previous = new_list ();
      ScopeWgPeer *a = add (actual, 1, "10.0.0.1/32"), *w = add (wanted, 1, "10.0.0.1/32");

      if (*cases[i].actual)
        set_endpoint (a, cases[i].actual);
      if (*cases[i].wanted)
        set_endpoint (w, cases[i].wanted);
      if (cases[i].previous)
        {
          ScopeWgPeer *p = add (previous, 1, "");
          if (*cases[i].previous)
            set_endpoint (p, cases[i].previous);
        }
      g_autoptr (ScopeWgDevice) device = device_of (actual);
      g_autoptr (GPtrArray) changes = scope_wg_diff (device, wanted, cases[i].previous ? previous : NULL);
      g_test_message ("case %zu", i);
      g_assert_cmpuint (changes->len, ==, cases[i].write ? 1 : 0);
      if (cases[i].write)
        {
          const ScopeWgChange *change = g_ptr_array_index (changes, 0);
          g_assert_true (change->set_endpoint && !change->set_allowed && !change->set_keepalive &&
                         !change->set_preshared && !change->add);
          assert_endpoint (change->peer, cases[i].wanted);
        }
    }
}

static void
test_diff_fields (void)
{
  g_autoptr (GPtrArray) actual = new_list ();
  g_autoptr (GPtrArray) wanted = new_list ();
  ScopeKey own = key (9999);

  add (actual, 1, "10.0.0.1/32")->preshared = key (5);
  add (actual, 2, "10.0.0.2/32")->keepalive = 25;
  add (actual, 3, "10.0.0.3/32");
  g_autoptr (ScopeWgDevice) device = device_of (actual);

  add (wanted, 1, "10.0.0.1/32")->preshared = key (6);
  add (wanted, 2, "10.0.0.2/32");
  add (wanted, 3, "10.0.0.3/32 10.0.0.4/32")->preshared = key (7);
  add (wanted, 3, "10.0.0.9/32"); /* the first entry counts */
  add (wanted, 9999, "10.0.0.8/32"); /* ourselves */
  g_autoptr (GPtrArray) changes = scope_wg_diff (device, wanted, actual);

  g_assert_cmpuint (changes->len, ==, 3);
  g_assert_null (find_change (changes, 9999));
  g_assert_true (scope_key_equal (&device->pub, &own));
  const ScopeWgChange *a = find_change (changes, 1), *b = find_change (changes, 2), *c = find_change (changes, 3);
  g_assert_true (a->set_preshared && !a->set_keepalive && !a->set_allowed && !a->set_endpoint);
  g_assert_true (b->set_keepalive && !b->set_preshared && !b->set_allowed && !b->set_endpoint);
  g_assert_true (c->set_allowed && c->set_preshared && !c->set_keepalive && !c->set_endpoint);
  assert_allowed (c->peer, "10.0.0.3/32,10.0.0.4/32");
}

static void
test_diff_keys (void)
{
  g_autoptr (GPtrArray) actual = new_list ();
  g_autoptr (GPtrArray) wanted = new_list ();

  add (actual, 1, "10.0.0.1/32")->keepalive = 25;
  add (actual, 2, "10.0.0.2/32")->preshared = key (5);
  add (actual, 3, "10.0.0.3/32")->preshared = key (6);
  add (actual, 4, "10.0.0.4/32")->preshared = key (7);
  add (actual, 5, "10.0.0.5/32")->preshared = key (8);
  g_autoptr (ScopeWgDevice) device = device_of (actual);

  set_endpoint (add (wanted, 1, "10.9.0.1/32"), "192.0.2.1:1");
  ((ScopeWgPeer *) g_ptr_array_index (wanted, 0))->preshared = key (11);
  add (wanted, 2, "")->preshared = key (12);
  add (wanted, 3, "")->preshared = key (6); /* as it is */
  add (wanted, 4, "");                      /* none: what the device has stays */
  add (wanted, 6, "")->preshared = key (16); /* not in the device; 5 is not wanted */
  g_autoptr (GPtrArray) changes = scope_wg_diff_keys (device, wanted);

  g_assert_cmpuint (changes->len, ==, 2);
  for (guint n = 1; n <= 2; n++)
    {
      const ScopeWgChange *change = find_change (changes, n);
      ScopeKey preshared = key (10 + n);

      g_assert_nonnull (change);
      g_assert_true (change->set_preshared && scope_key_equal (&change->peer->preshared, &preshared));
      g_assert_true (!change->add && !change->remove && !change->readd && !change->set_endpoint && !change->set_keepalive &&
                     !change->set_allowed);
    }
}

static void
test_readd (void)
{
  g_autoptr (GPtrArray) actual = new_list ();
  g_autoptr (ScopeWgPeer) wanted = new_peer (1, "10.0.0.1/32");
  g_autoptr (ScopeWgPeer) other = new_peer (2, "10.0.0.2/32");

  set_endpoint (add (actual, 1, "10.0.0.1/32"), "192.0.2.9:9");
  add (actual, 2, "");
  set_endpoint (wanted, "192.0.2.1:1");
  set_endpoint (other, "192.0.2.2:2");
  g_autoptr (ScopeWgDevice) device = device_of (actual);
  g_autoptr (ScopeWgChange) a = scope_wg_change_readd (device, wanted);
  g_autoptr (ScopeWgChange) b = scope_wg_change_readd (device, other);

  g_assert_true (a->readd && !a->remove);
  assert_endpoint (a->peer, "192.0.2.9:9");
  assert_endpoint (b->peer, "192.0.2.2:2");
}

/* --- the encoders, against a model of WireGuard --- */

typedef struct {
  ScopeWgDevice *device;
  guint messages;
  gsize longest;
} Model;

static void
model_forget (Model *model, const ScopeKey *pub)
{
  ScopeWgPeer *peer = scope_wg_device_find (model->device, pub);

  if (peer)
    {
      g_hash_table_remove (model->device->by_key, pub);
      g_ptr_array_remove (model->device->peers, peer);
    }
}

/* An allowed IP has one owner: whoever got it last. */
static void
model_allow (Model *model, ScopeWgPeer *peer, const ScopePrefix *prefix)
{
  for (guint i = 0; i < model->device->peers->len; i++)
    {
      GArray *list = ((ScopeWgPeer *) g_ptr_array_index (model->device->peers, i))->allowed;
      for (guint j = list->len; j-- > 0;)
        if (scope_prefix_equal (&g_array_index (list, ScopePrefix, j), prefix))
          g_array_remove_index (list, j);
    }
  g_array_append_val (peer->allowed, *prefix);
}

static int
by_type (const struct nlattr *attr, void *data)
{
  const struct nlattr **table = data;

  if (mnl_attr_get_type (attr) < 16)
    table[mnl_attr_get_type (attr)] = attr;
  return MNL_CB_OK;
}

static void
model_peer (Model *model, const struct nlattr *nest)
{
  const struct nlattr *table[16] = { NULL }, *entry;
  ScopeKey pub;

  mnl_attr_parse_nested (nest, by_type, table);
  g_assert_cmpuint (mnl_attr_get_payload_len (table[WGPEER_A_PUBLIC_KEY]), ==, SCOPE_KEY_LEN);
  memcpy (&pub, mnl_attr_get_payload (table[WGPEER_A_PUBLIC_KEY]), sizeof pub);
  guint32 flags = mnl_attr_get_u32 (table[WGPEER_A_FLAGS]);
  if (flags & WGPEER_F_REMOVE_ME)
    {
      model_forget (model, &pub);
      return;
    }
  if (flags & WGPEER_F_UPDATE_ONLY && !scope_wg_device_find (model->device, &pub))
    return;

  ScopeWgPeer *peer = scope_wg_device_peer (model->device, &pub);
  if (flags & WGPEER_F_REPLACE_ALLOWEDIPS)
    g_array_set_size (peer->allowed, 0);
  if (table[WGPEER_A_PRESHARED_KEY])
    memcpy (&peer->preshared, mnl_attr_get_payload (table[WGPEER_A_PRESHARED_KEY]), SCOPE_KEY_LEN);
  if (table[WGPEER_A_ENDPOINT])
    {
      g_assert_cmpuint (mnl_attr_get_payload_len (table[WGPEER_A_ENDPOINT]), <=, sizeof peer->endpoint);
      memset (&peer->endpoint, 0, sizeof peer->endpoint);
      memcpy (&peer->endpoint, mnl_attr_get_payload (table[WGPEER_A_ENDPOINT]),
              mnl_attr_get_payload_len (table[WGPEER_A_ENDPOINT]));
    }
  if (table[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL])
    peer->keepalive = mnl_attr_get_u16 (table[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL]);
  if (table[WGPEER_A_ALLOWEDIPS])
    mnl_attr_for_each_nested (entry, table[WGPEER_A_ALLOWEDIPS])
      {
        const struct nlattr *ip[16] = { NULL };
        ScopePrefix prefix = { 0 };

        mnl_attr_parse_nested (entry, by_type, ip);
        prefix.family = mnl_attr_get_u16 (ip[WGALLOWEDIP_A_FAMILY]);
        prefix.len = mnl_attr_get_u8 (ip[WGALLOWEDIP_A_CIDR_MASK]);
        memcpy (prefix.addr, mnl_attr_get_payload (ip[WGALLOWEDIP_A_IPADDR]),
                mnl_attr_get_payload_len (ip[WGALLOWEDIP_A_IPADDR]));
        model_allow (model, peer, &prefix);
      }
}

static gboolean
model_send (struct nlmsghdr *message, gpointer data, GError **error)
{
  Model *model = data;
  const struct nlattr *attr, *entry;

  model->messages++;
  model->longest = MAX (model->longest, message->nlmsg_len);
  g_assert_cmpuint (message->nlmsg_type, ==, 31);
  g_assert_cmpuint (message->nlmsg_flags, ==, NLM_F_REQUEST | NLM_F_ACK);
  mnl_attr_for_each (attr, message, GENL_HDRLEN)
    {
      if (mnl_attr_get_type (attr) == WGDEVICE_A_IFNAME)
        g_assert_cmpstr (mnl_attr_get_str (attr), ==, "wg0");
      if (mnl_attr_get_type (attr) == WGDEVICE_A_PEERS)
        mnl_attr_for_each_nested (entry, attr)
          model_peer (model, entry);
    }
  return TRUE;
}

/* The same model, fed with the lines of a UAPI request. */
static void
model_uapi (Model *model, const GPtrArray *changes)
{
  g_autofree char *text = scope_wg_uapi_encode (changes);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  ScopeWgPeer *peer = NULL;
  ScopeKey pub = { { 0 } };

  g_assert_cmpstr (lines[0], ==, "set=1");
  g_assert_true (g_str_has_suffix (text, "\n\n"));
  for (char **line = lines + 1; **line; line++)
    {
      const char *value = strchr (*line, '=') + 1;

      if (g_str_has_prefix (*line, "public_key="))
        {
          for (int i = 0; i < SCOPE_KEY_LEN; i++)
            pub.bytes[i] = g_ascii_xdigit_value (value[2 * i]) << 4 | g_ascii_xdigit_value (value[2 * i + 1]);
          peer = NULL;
          if (line[1] && g_str_equal (line[1], "remove=true"))
            model_forget (model, &pub);
          else if (line[1] && g_str_equal (line[1], "update_only=true"))
            peer = scope_wg_device_find (model->device, &pub);
          else
            peer = scope_wg_device_peer (model->device, &pub);
        }
      else if (!peer || g_str_has_prefix (*line, "update_only="))
        continue;
      else if (g_str_equal (*line, "replace_allowed_ips=true"))
        g_array_set_size (peer->allowed, 0);
      else if (g_str_has_prefix (*line, "allowed_ip="))
        {
          ScopePrefix prefix;
          g_assert_true (scope_prefix_parse (&prefix, value));
          model_allow (model, peer, &prefix);
        }
      else if (g_str_has_prefix (*line, "preshared_key="))
        for (int i = 0; i < SCOPE_KEY_LEN; i++)
          peer->preshared.bytes[i] = g_ascii_xdigit_value (value[2 * i]) << 4 | g_ascii_xdigit_value (value[2 * i + 1]);
      else if (g_str_has_prefix (*line, "endpoint="))
        g_assert_true (scope_sockaddr_parse (&peer->endpoint, value));
      else if (g_str_has_prefix (*line, "persistent_keepalive_interval="))
        peer->keepalive = g_ascii_strtoull (value, NULL, 10);
      else
        g_error ("unexpected line “%s”", *line);
    }
}

static void
model_clear (Model *model)
{
  scope_wg_device_free (model->device);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Model, model_clear)

static void
run_model (Model *model, gboolean uapi, const GPtrArray *changes)
{
  g_autoptr (GError) error = NULL;

  if (uapi)
    model_uapi (model, changes);
  else
    g_assert_true (scope_wg_netlink_encode (31, "wg0", changes, model_send, model, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < model->device->peers->len; i++)
    scope_wg_peer_normalise (g_ptr_array_index (model->device->peers, i));
}

static void
assert_same (const ScopeWgDevice *device, const GPtrArray *wanted, gboolean endpoints)
{
  g_assert_cmpuint (device->peers->len, ==, wanted->len);
  for (guint i = 0; i < wanted->len; i++)
    {
      ScopeWgPeer *want = g_ptr_array_index (wanted, i);
      const ScopeWgPeer *now = scope_wg_device_find (device, &want->pub);

      g_assert_nonnull (now);
      scope_wg_peer_normalise (want);
      g_assert_true (scope_prefix_list_equal (now->allowed, want->allowed));
      g_assert_true (scope_key_equal (&now->preshared, &want->preshared));
      g_assert_cmpuint (now->keepalive, ==, want->keepalive);
      if (endpoints && want->endpoint.any.sa_family != AF_UNSPEC)
        g_assert_true (scope_sockaddr_equal (&now->endpoint, &want->endpoint));
    }
}

/* A swap, a chain and a takeover, in every order of the peers. */
static void
test_moves (gconstpointer data)
{
  const gboolean uapi = GPOINTER_TO_INT (data);
  static const char *const from[] = { "10.1.0.0/16 10.9.0.1/32", "10.2.0.0/16 fd00:2::/64", "10.3.0.0/16", "10.4.0.0/16" };
  static const char *const to[] = { "10.2.0.0/16 10.9.0.1/32", "10.1.0.0/16 10.4.0.0/16", "fd00:2::/64", NULL };
  static const guint orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

  for (gsize o = 0; o < G_N_ELEMENTS (orders); o++)
    {
      g_autoptr (GPtrArray) before = new_list ();
      g_autoptr (GPtrArray) wanted = new_list ();

      for (guint i = 0; i < 4; i++)
        add (before, i, from[i]);
      for (guint i = 0; i < 3; i++)
        add (wanted, orders[o][i], to[orders[o][i]]);
      g_auto (Model) model = { device_of (before) };
      g_autoptr (GPtrArray) changes = scope_wg_diff (model.device, wanted, before);
      run_model (&model, uapi, changes);
      assert_same (model.device, wanted, TRUE);
    }
}

/* Two peers that claim the same prefix: the first has it, and the next difference is empty. */
static void
test_conflict (void)
{
  g_autoptr (GPtrArray) none = new_list ();
  g_autoptr (GPtrArray) wanted = new_list ();
  ScopeKey first = key (1), second = key (2);

  add (wanted, 1, "10.0.0.0/24 10.0.0.1/32");
  add (wanted, 2, "10.0.0.2/32 10.0.0.1/32");
  g_auto (Model) model = { device_of (none) };
  g_autoptr (GPtrArray) changes = scope_wg_diff (model.device, wanted, NULL);
  run_model (&model, FALSE, changes);
  assert_allowed (scope_wg_device_find (model.device, &first), "10.0.0.0/24,10.0.0.1/32");
  assert_allowed (scope_wg_device_find (model.device, &second), "10.0.0.2/32");
  g_autoptr (GPtrArray) again = scope_wg_diff (model.device, wanted, wanted);
  g_assert_cmpuint (again->len, ==, 0);
}

/* Any device becomes any wish, and a second difference is empty. */
static void
test_random (gconstpointer data)
{
  const gboolean uapi = GPOINTER_TO_INT (data);
  g_auto (Model) model = { scope_wg_device_new () };
  g_autoptr (GPtrArray) previous = NULL;

  model.device->pub = key (9999);
  for (int round = 0; round < 300; round++)
    {
      g_autoptr (GPtrArray) wanted = new_list ();
      guint8 owner[256];

      memset (owner, 0xff, sizeof owner);
      for (guint n = 0; n < 12; n++)
        if (g_test_rand_int_range (0, 3))
          {
            ScopeWgPeer *peer = add (wanted, n, "");
            peer->keepalive = g_test_rand_int_range (0, 3);
            if (g_test_rand_int_range (0, 2))
              peer->preshared = key (g_test_rand_int_range (0, 4));
            if (g_test_rand_int_range (0, 2))
              set_endpoint (peer, g_test_rand_int_range (0, 2) ? "192.0.2.1:1" : "[2001:db8::1]:1");
            for (int i = 0; i < 8; i++)
              {
                ScopePrefix prefix;
                int x = g_test_rand_int_range (0, 30);

                g_assert_true (scope_prefix_parse (&prefix, x & 1 ? "10.0.0.0/32" : "fd00::/128"));
                prefix.addr[3] = x;
                if (owner[x] != 0xff)
                  continue;
                owner[x] = n;
                g_array_append_val (peer->allowed, prefix);
              }
          }
      /* In any order. */
      for (guint i = wanted->len; i-- > 1;)
        {
          guint j = g_test_rand_int_range (0, i + 1);
          gpointer p = wanted->pdata[i];
          wanted->pdata[i] = wanted->pdata[j];
          wanted->pdata[j] = p;
        }

      g_autoptr (GPtrArray) changes = scope_wg_diff (model.device, wanted, previous);
      run_model (&model, uapi, changes);
      assert_same (model.device, wanted, TRUE);
      g_autoptr (GPtrArray) again = scope_wg_diff (model.device, wanted, wanted);
      g_assert_cmpuint (again->len, ==, 0);
      g_clear_pointer (&previous, g_ptr_array_unref);
      previous = g_steal_pointer (&wanted);
    }
}

/* 1,000 peers with several allowed IPs, and one with far more than a message holds. */
static void
test_split (void)
{
  g_autoptr (GPtrArray) none = new_list ();
  g_autoptr (GPtrArray) wanted = new_list ();
  g_auto (Model) model = { device_of (none) };

  for (guint n = 0; n < 1000; n++)
    {
      ScopeWgPeer *peer = add (wanted, n, "");
      guint count = n == 500 ? 3000 : n % 6;

      peer->preshared = key (n + 1);
      set_endpoint (peer, n & 1 ? "192.0.2.1:1" : "[2001:db8::1]:1");
      for (guint i = 0; i < count; i++)
        {
          ScopePrefix prefix;
          g_assert_true (scope_prefix_parse (&prefix, i & 1 ? "10.0.0.0/32" : "fd00::/128"));
          prefix.addr[0] = n >> 8;
          prefix.addr[1] = n;
          prefix.addr[2] = i >> 8;
          prefix.addr[3] = i;
          g_array_append_val (peer->allowed, prefix);
        }
      scope_wg_peer_normalise (peer);
    }

  g_autoptr (GPtrArray) changes = scope_wg_diff (model.device, wanted, NULL);
  g_assert_cmpuint (changes->len, ==, 1000);
  run_model (&model, FALSE, changes);
  assert_same (model.device, wanted, TRUE);
  g_assert_cmpuint (model.messages, >, 5);
  g_assert_cmpuint (model.longest, <=, SCOPE_WG_NETLINK_MAX);
  g_assert_cmpuint (model.longest, >, SCOPE_WG_NETLINK_MAX - 100); /* the one that was split filled its message */

  gint64 start = g_get_monotonic_time ();
  g_autoptr (GPtrArray) again = scope_wg_diff (model.device, wanted, wanted);
  g_assert_cmpuint (again->len, ==, 0);
  g_test_message ("difference of 1,000 peers: %" G_GINT64_FORMAT " µs", g_get_monotonic_time () - start);
}

static guint readd_messages, readd_removals;

static gboolean
count_readd (struct nlmsghdr *message, gpointer data, GError **error)
{
  const struct nlattr *attr, *entry;
  guint here = 0, adds = 0;

  readd_messages++;
  g_assert_cmpuint (message->nlmsg_len, <=, SCOPE_WG_NETLINK_MAX);
  mnl_attr_for_each (attr, message, GENL_HDRLEN)
    if (mnl_attr_get_type (attr) == WGDEVICE_A_PEERS)
      mnl_attr_for_each_nested (entry, attr)
        {
          const struct nlattr *table[16] = { NULL };
          mnl_attr_parse_nested (entry, by_type, table);
          if (mnl_attr_get_u32 (table[WGPEER_A_FLAGS]) & WGPEER_F_REMOVE_ME)
            here++;
          else
            adds++;
        }
  readd_removals += here;
  g_assert_cmpuint (here, ==, adds); /* no pair is torn apart by a message's end */
  return TRUE;
}

/* With many lengths, so that the end of a message falls into every place of a pair. */
static void
test_split_readd (void)
{
  for (guint extra = 0; extra < 40; extra++)
    {
      g_autoptr (GPtrArray) peers = new_list ();
      g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_wg_change_free);

      for (guint n = 0; n < 300; n++)
        {
          ScopeWgPeer *peer = add (peers, n, n % 3 ? "10.0.0.1/32" : "fd00::1/128 10.0.0.1/32");
          for (guint i = 0; n == 0 && i < extra; i++)
            {
              ScopePrefix prefix = { AF_INET, 32, { 10, 1, 0, i } };
              g_array_append_val (peer->allowed, prefix);
            }
        }
      g_autoptr (ScopeWgDevice) device = device_of (peers);
      for (guint n = 0; n < peers->len; n++)
        g_ptr_array_add (changes, scope_wg_change_readd (device, g_ptr_array_index (peers, n)));
      readd_removals = readd_messages = 0;
      g_assert_true (scope_wg_netlink_encode (31, "wg0", changes, count_readd, NULL, NULL));
      g_assert_cmpuint (readd_removals, ==, 300);
      g_assert_cmpuint (readd_messages, >, 1);
    }
}

/* An update of a peer that is gone must not bring it back. */
static void
test_update_only (gconstpointer data)
{
  g_autoptr (GPtrArray) before = new_list ();
  g_autoptr (GPtrArray) wanted = new_list ();
  g_autoptr (GPtrArray) none = new_list ();

  add (before, 1, "10.0.0.1/32");
  add (wanted, 1, "10.0.0.1/32 10.0.0.2/32")->keepalive = 9;
  g_autoptr (ScopeWgDevice) device = device_of (before);
  g_autoptr (GPtrArray) changes = scope_wg_diff (device, wanted, before);
  g_auto (Model) model = { device_of (none) };
  run_model (&model, GPOINTER_TO_INT (data), changes);
  g_assert_cmpuint (model.device->peers->len, ==, 0);
}

static void
test_uapi_encode (void)
{
  g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_wg_change_free);
  ScopeWgChange *change;

#define K "00000000000000000000000000000000000000000000000000000000000007"
  change = scope_wg_change_new (new_peer (1, "10.0.0.1/32"));
  set_endpoint (change->peer, "192.0.2.1:1");
  change->set_endpoint = TRUE;
  g_ptr_array_add (changes, change);
  change = scope_wg_change_new (new_peer (0xab, "10.0.0.1/32"));
  change->peer->keepalive = 25;
  change->readd = TRUE;
  g_ptr_array_add (changes, change);
  change = scope_wg_change_new (new_peer (3, ""));
  change->remove = TRUE;
  g_ptr_array_add (changes, change);

  g_autofree char *text = scope_wg_uapi_encode (changes);
  g_assert_cmpstr (text, ==,
                   "set=1\n"
                   "public_key=03" K "\nremove=true\n"
                   "public_key=01" K "\nupdate_only=true\nendpoint=192.0.2.1:1\n"
                   "public_key=ab" K "\nremove=true\n"
                   "public_key=ab" K "\n"
                   "preshared_key=0000000000000000000000000000000000000000000000000000000000000000\n"
                   "replace_allowed_ips=true\nallowed_ip=10.0.0.1/32\npersistent_keepalive_interval=25\n"
                   "\n");
}

static void
test_gone (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) none = new_list ();

  /* Root sees that it is not there; without CAP_NET_ADMIN a kernel with WireGuard does not say. */
  g_assert_null (scope_wg_device_read ("scope-none", NULL, &error));
  g_assert_true (scope_err_gone (error) || scope_err_denied (error));
  g_clear_error (&error);
  g_assert_null (scope_wg_device_read ("../x", NULL, &error));
  g_assert_true (scope_err_invalid (error));
  g_clear_error (&error);
  g_assert_true (scope_wg_apply ("scope-none", SCOPE_WG_UAPI, none, &error));
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wg/uapi/good", test_uapi_good);
  g_test_add_func ("/wg/uapi/empty", test_uapi_empty);
  g_test_add_func ("/wg/uapi/zone", test_uapi_zone);
  g_test_add_func ("/wg/uapi/bad", test_uapi_bad);
  g_test_add_func ("/wg/uapi/truncated", test_uapi_truncated);
  g_test_add_func ("/wg/uapi/encode", test_uapi_encode);
  g_test_add_func ("/wg/netlink/good", test_netlink_good);
  g_test_add_func ("/wg/netlink/continued", test_netlink_continued);
  g_test_add_func ("/wg/netlink/bad", test_netlink_bad);
  g_test_add_func ("/wg/netlink/truncated", test_netlink_truncated);
  g_test_add_func ("/wg/netlink/split", test_split);
  g_test_add_func ("/wg/netlink/split-readd", test_split_readd);
  g_test_add_func ("/wg/diff/add-remove", test_diff_add_remove);
  g_test_add_func ("/wg/diff/nothing", test_diff_nothing);
  g_test_add_func ("/wg/diff/endpoint", test_diff_endpoint);
  g_test_add_func ("/wg/diff/fields", test_diff_fields);
  g_test_add_func ("/wg/diff/conflict", test_conflict);
  g_test_add_func ("/wg/diff/keys", test_diff_keys);
  g_test_add_func ("/wg/diff/readd", test_readd);
  g_test_add_data_func ("/wg/diff/moves/netlink", GINT_TO_POINTER (FALSE), test_moves);
  g_test_add_data_func ("/wg/diff/moves/uapi", GINT_TO_POINTER (TRUE), test_moves);
  g_test_add_data_func ("/wg/diff/random/netlink", GINT_TO_POINTER (FALSE), test_random);
  g_test_add_data_func ("/wg/diff/random/uapi", GINT_TO_POINTER (TRUE), test_random);
  g_test_add_data_func ("/wg/diff/update-only/netlink", GINT_TO_POINTER (FALSE), test_update_only);
  g_test_add_data_func ("/wg/diff/update-only/uapi", GINT_TO_POINTER (TRUE), test_update_only);
  g_test_add_func ("/wg/gone", test_gone);
  return g_test_run ();
}
