/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The registry's pure parts: frames, paths, limits, one network's state, measurements. */
#include "common/scope-error.h"
#include "registry/registry-detail.h"
#include "registry/registry-frame.h"
#include "registry/registry-limits.h"
#include "registry/registry-network.h"
#include "registry/registry-path.h"
#include "common/scope-json.h"

#include <glib/gstdio.h>
#include <string.h>

#include "test-log.h"

/* Frames */

static void
append_frame (GByteArray *out, guint8 first, const char *payload, gsize len)
{
  const guint8 mask[4] = { 0x12, 0x34, 0x56, 0x78 };
  guint8 header[10] = { first };
  gsize header_len = 2;

  if (len < 126)
    header[1] = 0x80 | len;
  else
    {
      header[1] = 0x80 | 126;
      header[2] = len >> 8;
      header[3] = len & 0xff;
      header_len = 4;
    }
  g_byte_array_append (out, header, header_len);
  g_byte_array_append (out, mask, 4);
  for (gsize i = 0; i < len; i++)
    {
      guint8 byte = payload[i] ^ mask[i & 3];
      g_byte_array_append (out, &byte, 1);
    }
}

static gboolean
note_frame (RegistryOpcode opcode, const guint8 *payload, gsize len, gpointer user_data)
{
  g_string_append_printf (user_data, "%x:%.*s;", opcode, (int) len, (const char *) payload);
  return opcode != REGISTRY_FRAME_CLOSE;
}

/* In pieces of @step bytes. */
static guint16
feed (const GByteArray *bytes, gsize step, gsize max, GString *seen)
{
  RegistryDecoder decoder = { 0 };
  guint16 code = 0;

  for (gsize i = 0; i < bytes->len && !code && !strstr (seen->str, "8:"); i += step)
    {
      gsize n = MIN (step, bytes->len - i);
      g_autofree guint8 *copy = g_memdup2 (bytes->data + i, n);

      code = registry_decoder_feed (&decoder, copy, n, max, note_frame, seen);
    }
  registry_decoder_clear (&decoder);
  return code;
}

static void
test_frames (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autofree char *big = g_strnfill (300, 'b');
  g_autofree char *expected = g_strconcat ("1:hello;9:p;1:abc;2:;1:", big, ";8:\x03\xe8;", NULL);

  append_frame (bytes, 0x81, "hello", 5);
  append_frame (bytes, 0x01, "a", 1);
  append_frame (bytes, 0x89, "p", 1); /* control frames may come between fragments */
  append_frame (bytes, 0x00, "b", 1);
  append_frame (bytes, 0x80, "c", 1);
  append_frame (bytes, 0x82, "", 0);
  append_frame (bytes, 0x81, big, 300);
  append_frame (bytes, 0x88, "\x03\xe8", 2);
  append_frame (bytes, 0x81, "never seen", 10);
  for (gsize step = 1; step <= bytes->len; step++)
    {
      g_autoptr (GString) seen = g_string_new (NULL);

      g_assert_cmpuint (feed (bytes, step, 300, seen), ==, 0);
      g_assert_cmpstr (seen->str, ==, expected); /* and nothing after the close frame */
    }
}

static void
test_frames_wrong (void)
{
  static const struct {
    guint16 code;
    guint8 bytes[16];
    gsize len;
  } cases[] = {
    { 1002, { 0x81, 0x01, 'x' }, 3 },                            /* not masked */
    { 1002, { 0xc1, 0x80, 0, 0, 0, 0 }, 6 },                     /* compressed without asking */
    { 1002, { 0x83, 0x80, 0, 0, 0, 0 }, 6 },                     /* unknown opcode */
    { 1002, { 0x8b, 0x80, 0, 0, 0, 0 }, 6 },                     /* unknown control opcode */
    { 1002, { 0x09, 0x80, 0, 0, 0, 0 }, 6 },                     /* fragmented ping */
    { 1002, { 0x89, 0xfe, 0, 126 }, 4 },                         /* long ping */
    { 1002, { 0x80, 0x80, 0, 0, 0, 0 }, 6 },                     /* continues nothing */
    { 1002, { 0x01, 0x80, 0, 0, 0, 0, 0x81, 0x80, 0, 0, 0, 0 }, 12 }, /* begins inside another */
    { 1007, { 0x81, 0x81, 0, 0, 0, 0, 0xff }, 7 },               /* not UTF-8 */
    { 1009, { 0x81, 0xfe, 0x10, 0x00 }, 4 },                     /* refused before it is there */
    { 1009, { 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 10 },
    { 1009, { 0x01, 0x82, 0, 0, 0, 0, 'a', 'b', 0x00, 0x82, 0, 0, 0, 0, 'c', 'd' }, 16 }, /* max 3 */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      g_autoptr (GString) seen = g_string_new (NULL);

      g_byte_array_append (bytes, cases[i].bytes, cases[i].len);
      g_assert_cmpuint (feed (bytes, bytes->len, 3, seen), ==, cases[i].code);
      g_string_truncate (seen, 0);
      g_assert_cmpuint (feed (bytes, 1, 3, seen), ==, cases[i].code);
    }
}

static void
test_frames_new (void)
{
  static const gsize lens[] = { 0, 125, 126, 65535, 65536 }, headers[] = { 2, 2, 4, 4, 10 };
  g_autoptr (GBytes) close = registry_frame_new_close (1001);

  for (guint i = 0; i < G_N_ELEMENTS (lens); i++)
    {
      g_autofree char *payload = g_strnfill (lens[i], 'x');
      g_autoptr (GBytes) frame = registry_frame_new (REGISTRY_FRAME_TEXT, payload, lens[i]);
      const guint8 *data = g_bytes_get_data (frame, NULL);

      g_assert_cmpuint (g_bytes_get_size (frame), ==, headers[i] + lens[i]);
      g_assert_cmpuint (data[0], ==, 0x81);
      if (headers[i] == 4)
        g_assert_cmpuint (data[2] << 8 | data[3], ==, lens[i]);
      if (headers[i] == 10)
        g_assert_cmpuint (data[7], ==, 1);
    }
  g_assert_cmpmem (g_bytes_get_data (close, NULL), g_bytes_get_size (close), "\x88\x02\x03\xe9", 4);

  g_assert_cmpuint (registry_frame_close_code ((const guint8 *) "", 0), ==, 1000);
  g_assert_cmpuint (registry_frame_close_code ((const guint8 *) "\x03\xe9", 2), ==, 1001);
  g_assert_cmpuint (registry_frame_close_code ((const guint8 *) "\x0b\xb8xyz", 5), ==, 3000);
  g_assert_cmpuint (registry_frame_close_code ((const guint8 *) "\x03", 1), ==, 1002);
  g_assert_cmpuint (registry_frame_close_code ((const guint8 *) "\x03\xed", 2), ==, 1002); /* 1005 is never sent */
  g_assert_cmpuint (registry_frame_close_code ((const guint8 *) "\x03\xe8\xff", 3), ==, 1002);
}

/* Paths */

static void
test_paths (void)
{
  static const struct {
    const char *raw, *prefix;
    RegistryPathKind kind;
    const char *network, *key;
  } cases[] = {
    { "/networks", "", REGISTRY_PATH_NETWORKS, NULL, NULL },
    { "/networks/", "", REGISTRY_PATH_NETWORKS, NULL, NULL },
    { "/networks/x", "", REGISTRY_PATH_UNKNOWN, NULL, NULL },
    { "/messages", "", REGISTRY_PATH_MESSAGES, NULL, NULL },
    { "//messages", "", REGISTRY_PATH_MESSAGES, NULL, NULL },
    { "/", "", REGISTRY_PATH_UNKNOWN, NULL, NULL },
    { "", "", REGISTRY_PATH_UNKNOWN, NULL, NULL },
    { "/getx/a/b", "", REGISTRY_PATH_UNKNOWN, NULL, NULL },
    { "/get/net/a/b+c=", "", REGISTRY_PATH_GET, "net", "a/b+c=" },
    { "/get/net//b", "", REGISTRY_PATH_GET, "net", "/b" },
    { "/get/net/a%2Fb%2Bc%3D", "", REGISTRY_PATH_GET, "net", "a/b+c=" },
    { "/get/n%65t/a%2fb", "", REGISTRY_PATH_GET, "net", "a/b" },
    { "/get/net", "", REGISTRY_PATH_GET, "net", "" },
    { "/get/", "", REGISTRY_PATH_GET, "", "" },
    { "/get", "", REGISTRY_PATH_GET, "", "" },
    { "/get/net/%zz", "", REGISTRY_PATH_GET, "net", "%zz" },
    { "/get/net/%00", "", REGISTRY_PATH_GET, "net", "%00" },
    { "/p/q/get/net/k", "/p/q", REGISTRY_PATH_GET, "net", "k" },
    { "/get/net/k", "/p/q", REGISTRY_PATH_GET, "net", "k" }, /* the proxy stripped it */
    { "/p/qget/net/k", "/p/q", REGISTRY_PATH_UNKNOWN, NULL, NULL },
    { "/detail/net/k", "", REGISTRY_PATH_DETAIL, "net", "k" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (RegistryPath) path = { 0 };

      registry_path_parse (&path, cases[i].raw, cases[i].prefix);
      g_assert_cmpint (path.kind, ==, cases[i].kind);
      g_assert_cmpstr (path.network, ==, cases[i].network);
      g_assert_cmpstr (path.key, ==, cases[i].key);
    }

  g_auto (RegistryPath) path = { 0 };
  registry_path_parse (&path, "/update//ab/c%2B=", "");
  g_assert_cmpstr (path.rest, ==, "/ab/c+=");
}

/* Limits */

static RegistryConfig *
parse_config (const char *text)
{
  g_autoptr (GPtrArray) problems = registry_problems_new ();
  RegistryConfig *config = registry_config_parse (text, strlen (text), NULL, problems);

  g_assert_nonnull (config);
  return config;
}

static ScopePrefix
address (const char *text)
{
  g_autoptr (GInetAddress) inet = g_inet_address_new_from_string (text);

  return registry_address_from_inet (inet);
}

static void
test_client_address (void)
{
  static const struct {
    const char *peer, *forwarded, *client;
  } cases[] = {
    { "203.0.113.1", "198.51.100.1", "203.0.113.1" }, /* not a proxy of ours: lies */
    { "10.0.0.1", NULL, "10.0.0.1" },
    { "10.0.0.1", "198.51.100.1", "198.51.100.1" },
    { "10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1" },
    { "10.0.0.1", "6.6.6.6, 198.51.100.1 , 10.0.0.2", "198.51.100.1" },
    { "10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3" },
    { "10.0.0.1", "198.51.100.1, junk", "10.0.0.1" },
    { "10.0.0.1", "198.51.100.1, junk, 10.0.0.2", "10.0.0.2" },
    { "10.0.0.1", "", "10.0.0.1" },
    { "10.0.0.1", "198.51.100.1:4711", "198.51.100.1" },
    { "10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1" },
    { "10.0.0.1", "[2001:db8::1]", "2001:db8::1" },
    { "::ffff:10.0.0.1", "2001:db8::2", "2001:db8::2" },
  };
  g_autoptr (RegistryConfig) config = parse_config ("{\"networks\":[],\"trustedProxies\":[\"10.0.0.0/8\"]}");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ScopePrefix peer = address (cases[i].peer), expected = address (cases[i].client);
      ScopePrefix client = registry_client_address (config, &peer, cases[i].forwarded);

      g_assert_true (scope_prefix_equal (&client, &expected));
    }
}

static void
test_accounts (void)
{
  g_autoptr (RegistryConfig) config = parse_config ("{\"networks\":[],\"trustedProxies\":[\"10.0.0.1\"],"
                                                    "\"limits\":{\"connectionsPerAddress\":2,\"requestsPerMinute\":60}}");
  g_autoptr (RegistryConfig) defaults = parse_config ("{\"networks\":[],\"limits\":{}}");
  g_autoptr (RegistryAccounts) accounts = registry_accounts_new ();
  ScopePrefix a = address ("2001:db8::1"), b = address ("2001:db8::2"), c = address ("2001:db8:0:1::1");
  ScopePrefix proxy = address ("10.0.0.1"), loopback = address ("127.0.0.1");
  gint64 now = 1000 * G_USEC_PER_SEC;

  /* a and b are in one /64 */
  g_assert_true (registry_accounts_connect (accounts, config, &a));
  g_assert_true (registry_accounts_connect (accounts, config, &b));
  g_assert_false (registry_accounts_connect (accounts, config, &a));
  g_assert_true (registry_accounts_connect (accounts, config, &c));
  registry_accounts_disconnect (accounts, &b);
  g_assert_true (registry_accounts_connect (accounts, config, &a));
  for (guint i = 0; i < 10; i++)
    g_assert_true (registry_accounts_connect (accounts, config, &proxy));

  /* a minute's worth at once, then one per second */
  for (guint i = 0; i < 60; i++)
    g_assert_cmpuint (registry_accounts_request (accounts, config, &a, now), ==, 0);
  g_assert_cmpuint (registry_accounts_request (accounts, config, &b, now), ==, 1);
  g_assert_cmpuint (registry_accounts_request (accounts, config, &c, now), ==, 0);
  g_assert_cmpuint (registry_accounts_request (accounts, config, &proxy, now), ==, 0);
  now += 1.5 * G_USEC_PER_SEC;
  g_assert_cmpuint (registry_accounts_request (accounts, config, &a, now), ==, 0);
  g_assert_cmpuint (registry_accounts_request (accounts, config, &a, now), ==, 1);

  /* loopback only when the file says so */
  for (guint i = 0; i < 10000; i++)
    g_assert_cmpuint (registry_accounts_request (accounts, defaults, &loopback, now), ==, 0);
  for (guint i = 0; i < 60; i++)
    g_assert_cmpuint (registry_accounts_request (accounts, config, &loopback, now), ==, 0);
  g_assert_cmpuint (registry_accounts_request (accounts, config, &loopback, now), >, 0);

  /* forgotten when nothing is held and the bucket is full */
  registry_accounts_disconnect (accounts, &a);
  registry_accounts_disconnect (accounts, &a);
  registry_accounts_disconnect (accounts, &c);
  for (guint i = 0; i < 10; i++)
    registry_accounts_disconnect (accounts, &proxy);
  registry_accounts_sweep (accounts, config, now);
  g_assert_cmpuint (registry_accounts_size (accounts), >, 0);
  registry_accounts_sweep (accounts, config, now + 61 * G_USEC_PER_SEC);
  g_assert_cmpuint (registry_accounts_size (accounts), ==, 0);
}

static void
test_accounts_bounded (void)
{
  g_autoptr (RegistryConfig) config = parse_config ("{\"networks\":[]}");
  g_autoptr (RegistryAccounts) accounts = registry_accounts_new ();
  ScopePrefix p = address ("198.18.0.0");

  for (guint i = 0; i < REGISTRY_LIMITS_MAX_ADDRESSES + 100; i++)
    {
      p.addr[1] = i >> 16;
      p.addr[2] = i >> 8;
      p.addr[3] = i;
      registry_accounts_request (accounts, config, &p, 1);
    }
  g_assert_cmpuint (registry_accounts_size (accounts), ==, REGISTRY_LIMITS_MAX_ADDRESSES);
}

/* One network */

#define KEY_ROOT "RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRQ="
#define KEY_A "/+//aaaaaaaaaaaaaaaa//aaaaaaaaaaaaaaaaaaaaA="
#define KEY_A_MERGED "+/aaaaaaaaaaaaaaaa/aaaaaaaaaaaaaaaaaaaaA="
#define KEY_A_URL "_-__aaaaaaaaaaaaaaaa__aaaaaaaaaaaaaaaaaaaaA"
#define KEY_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb+bbbbA="
#define KEY_C "ccccccccccccccccccccccccccccccccccccccccccA="

static guint readings;
static gboolean broken;

static ScopeWgDevice *
read_fake (const char *ifname, ScopeWgBackend *backend, GError **error)
{
  static const char *const keys[] = { KEY_A, KEY_B };
  ScopeWgDevice *device = scope_wg_device_new ();

  readings++;
  if (broken)
    {
      scope_wg_device_free (device);
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_GONE, "gone");
      return NULL;
    }
  scope_key_parse (&device->pub, KEY_ROOT);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      ScopePrefix prefix;
      ScopeWgPeer *peer;
      ScopeKey key;

      g_assert_true (scope_key_parse (&key, keys[i]));
      peer = scope_wg_device_peer (device, &key);
      scope_prefix_parse (&prefix, "10.0.0.1/32");
      g_array_append_val (peer->allowed, prefix);
      if (i == 0)
        scope_sockaddr_parse (&peer->endpoint, "192.0.2.7:7");
    }
  return device;
}

static RegistryNetwork *
make_network (const RegistryConfig *config)
{
  RegistryNetwork *network = registry_network_new ("a", read_fake);

  readings = 0;
  broken = FALSE;
  registry_network_configure (network, registry_config_find (config, "a"));
  return network;
}

static void
test_network_keys (void)
{
  static const char *const listed[] = { KEY_A, KEY_A_URL, KEY_A_MERGED, KEY_B, KEY_ROOT, KEY_B "/",
                                        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb bbbbA=" };
  static const char *const unlisted[] = { KEY_C, "", "/", "x", KEY_B "x", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb+bbbbB=" };
  g_autoptr (RegistryConfig) config = parse_config ("{\"networks\":[\"a\"],\"self\":{\"a\":{\"end\":\"r.example:1\",\"range\":\"10.0.0.254/32\"}}}");
  g_autoptr (RegistryNetwork) network = make_network (config);
  g_autofree char *text = NULL;

  g_assert_null (registry_network_find (network, KEY_A));
  g_assert_cmpuint (registry_network_refresh (network, 1), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (listed); i++)
    if (!registry_network_find (network, listed[i]))
      g_error ("not found: %s", listed[i]);
  for (guint i = 0; i < G_N_ELEMENTS (unlisted); i++)
    if (registry_network_find (network, unlisted[i]))
      g_error ("found: %s", unlisted[i]);

  text = g_strndup (g_bytes_get_data (registry_network_get_answer (network), NULL),
                    g_bytes_get_size (registry_network_get_answer (network)));
  g_assert_true (g_str_has_prefix (text, "{\"ifname\":\"a\",\"heartbeat\":30,\"self\":{\"type\":\"self\",\"pub\":\"" KEY_ROOT
                                         "\",\"end\":\"r.example:1\",\"range\":\"10.0.0.254/32\"},\"peer\":[{\"type\":\"edge\",\"pub\":\"" KEY_A
                                         "\",\"end\":\"192.0.2.7:7\",\"range\":\"10.0.0.1/32\"},{\"type\":\"edge\",\"pub\":\"" KEY_B "\",\"range\""));
}

static void
test_network_window (void)
{
  g_autoptr (RegistryConfig) config = parse_config ("{\"networks\":[\"a\"]}");
  g_autoptr (RegistryNetwork) network = make_network (config);
  gint64 now = 1000 * G_USEC_PER_SEC;
  guint waits = 0;

  /* once for all callers in five seconds */
  for (guint i = 0; i < 100; i++)
    g_assert_cmpuint (registry_network_refresh (network, now + i * 40000), ==, 0);
  g_assert_cmpuint (readings, ==, 1);
  now += 5.1 * G_USEC_PER_SEC;
  g_assert_cmpuint (registry_network_refresh (network, now), ==, 0);
  g_assert_cmpuint (readings, ==, 2);

  /* an update is seen at once */
  now += G_USEC_PER_SEC;
  registry_network_mark_stale (network);
  g_assert_cmpuint (registry_network_refresh (network, now), ==, 0);
  g_assert_cmpuint (readings, ==, 3);
  g_assert_cmpuint (registry_network_refresh (network, now), ==, 0);
  g_assert_cmpuint (readings, ==, 3);

  /* strangers: few readings */
  readings = 0;
  for (guint i = 0; i < 3000; i++)
    registry_network_recheck (network, now + i * 1000);
  g_assert_cmpuint (readings, >=, 1);
  g_assert_cmpuint (readings, <=, 3000 / REGISTRY_NETWORK_RECHECK_MSEC);
  now += 3 * G_USEC_PER_SEC;

  /* a flood: an update and a request each millisecond for ten seconds */
  readings = 0;
  for (guint i = 0; i < 10000; i++)
    {
      registry_network_mark_stale (network);
      waits += registry_network_refresh (network, now + i * 1000) > 0;
    }
  g_assert_cmpuint (readings, >=, 100);
  g_assert_cmpuint (readings, <=, 100 + REGISTRY_NETWORK_BURST);
  g_assert_cmpuint (waits, ==, 10000 - readings);

  /* and a last, fresh one after as long as it said */
  now += 10 * G_USEC_PER_SEC;
  registry_network_mark_stale (network);
  while ((waits = registry_network_refresh (network, now)))
    now += waits * 1000;
  readings = 0;
  g_assert_cmpuint (registry_network_refresh (network, now), ==, 0);
  g_assert_cmpuint (readings, ==, 0);
}

static void
test_network_down (void)
{
  g_autoptr (RegistryConfig) config = parse_config ("{\"networks\":[\"a\"]}");
  g_autoptr (RegistryNetwork) network = make_network (config);
  gint64 now = 1000 * G_USEC_PER_SEC;
  const char *error = NULL;

  broken = TRUE;
  for (guint i = 0; i < 1000; i++)
    {
      registry_network_mark_stale (network);
      g_assert_cmpuint (registry_network_refresh (network, now + i * 1000), ==, 0);
      g_assert_false (registry_network_is_up (network, &error));
    }
  test_log_expect ("network a: gone");
  g_assert_cmpstr (error, ==, "gone");
  g_assert_cmpuint (readings, ==, 1);
  broken = FALSE;
  g_assert_cmpuint (registry_network_refresh (network, now + 1100000), ==, 0);
  test_log_expect ("is back");
  g_assert_true (registry_network_is_up (network, NULL));
}

/* Measurements */

static void
test_detail (void)
{
  static const struct {
    const char *text, *field;
  } wrong[] = {
    { "", "" },
    { "[]", "" },
    { "{}", "peer" },
    { "{\"peer\":{}}", "peer" },
    { "{\"ifname\":\"b\",\"peer\":[]}", "ifname" },
    { "{\"ifname\":7,\"peer\":[]}", "ifname" },
    { "{\"peer\":[7]}", "peer[0]" },
    { "{\"peer\":[{}]}", "peer[0].pub" },
    { "{\"peer\":[{\"pub\":\"" KEY_B "\",\"sum\":1},{\"pub\":\"x\"}]}", "peer[1].pub" },
    { "{\"peer\":[{\"pub\":\"" KEY_B "\",\"sum\":-1}]}", "peer[0].sum" },
    { "{\"peer\":[{\"pub\":\"" KEY_B "\",\"sum\":1e300}]}", "peer[0].sum" },
    { "{\"peer\":[{\"pub\":\"" KEY_B "\",\"sum\":\"1\"}]}", "peer[0].sum" },
    { "{\"peer\":[{\"pub\":\"" KEY_B "\",\"mode\":\"x\"}]}", "peer[0].mode" },
    { "{\"peer\":[{\"pub\":\"" KEY_B "\",\"mode\":1}]}", "peer[0].mode" },
    { "{\"peer\":[{\"pub\":\"" KEY_B "\",\"leastSource\":\"x\"}]}", "peer[0].leastSource" },
    { "{\"peer\":[{\"pub\":\"" KEY_B "\",\"mode\":\"leastSum\"}]}", "peer[0].leastSource" },
  };
  static const char good[] = "{\"ifname\":\"a\",\"peer\":[{\"type\":\"edge\",\"pub\":\"" KEY_B "\",\"sum\":12.25,\"mode\":\"leastSum\","
                             "\"leastSource\":\"" KEY_ROOT "\"},{\"pub\":\"" KEY_C "\",\"sum\":1},{\"pub\":\"" KEY_A "\"}]}";
  g_autofree char *dir = g_dir_make_tmp ("scope-detail-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (dir, "detail-a.json", NULL);
  g_autofree char *aside = g_strconcat (file, ".broken", NULL);
  g_autoptr (RegistryConfig) config = parse_config ("{\"networks\":[\"a\"]}");
  g_autoptr (RegistryNetwork) network = make_network (config);
  RegistryDetail *detail = registry_detail_new ("a", file);
  g_autoptr (GError) error = NULL;
  g_autofree char *saved = NULL;
  g_autofree char *no_field = NULL;
  ScopeKey a;

  scope_key_parse (&a, KEY_A);
  registry_network_refresh (network, 1);
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autofree char *field = NULL;
      g_autoptr (GError) why = NULL;

      g_assert_false (registry_detail_put (detail, network, &a, wrong[i].text, strlen (wrong[i].text), &field, &why));
      g_assert_error (why, SCOPE_ERROR, SCOPE_ERROR_INVALID);
      g_assert_cmpstr (field, ==, wrong[i].field);
    }

  g_assert_true (registry_detail_put (detail, network, &a, good, strlen (good), &no_field, &error));
  for (guint round = 0; round < 2; round++)
    {
      g_autoptr (GBytes) bytes = registry_detail_get (detail, network, &a, NULL);
      g_autoptr (ScopeRoster) roster = scope_roster_parse (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), NULL, NULL);
      const ScopeRosterPeer *first = roster->peers->pdata[0], *second = roster->peers->pdata[1];
      const ScopeRosterPeer *shared = registry_network_get_roster (network)->peers->pdata[1];

      g_assert_cmpfloat (first->sum, ==, -1);
      g_assert_cmpfloat (second->sum, ==, 12.25);
      g_assert_true (second->least_sum);
      g_assert_true (scope_key_equal (&second->least_source, &roster->self->pub));
      g_assert_cmpfloat (shared->sum, ==, -1); /* nothing stays in what all share */

      /* what was put survives */
      registry_detail_free (detail);
      detail = registry_detail_new ("a", file);
    }

  /* not listed: not kept */
  g_assert_true (g_file_get_contents (file, &saved, NULL, NULL));
  g_assert_null (strstr (saved, KEY_C));
  registry_detail_free (detail);

  g_assert_true (g_file_set_contents (file, "{\"reports\":[{}]}", -1, NULL));
  detail = registry_detail_new ("a", file);
  test_log_expect ("set aside");
  registry_detail_free (detail);
  g_assert_cmpint (g_unlink (aside), ==, 0);
  g_unlink (file);
  g_assert_cmpint (g_rmdir (dir), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  test_log_init ();
  g_test_add_func ("/registry/frame/messages", test_frames);
  g_test_add_func ("/registry/frame/wrong", test_frames_wrong);
  g_test_add_func ("/registry/frame/new", test_frames_new);
  g_test_add_func ("/registry/path", test_paths);
  g_test_add_func ("/registry/limits/client-address", test_client_address);
  g_test_add_func ("/registry/limits/accounts", test_accounts);
  g_test_add_func ("/registry/limits/bounded", test_accounts_bounded);
  g_test_add_func ("/registry/network/keys", test_network_keys);
  g_test_add_func ("/registry/network/window", test_network_window);
  g_test_add_func ("/registry/network/down", test_network_down);
  g_test_add_func ("/registry/detail", test_detail);
  return g_test_run ();
}
