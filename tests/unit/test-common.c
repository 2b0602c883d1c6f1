/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-common: src/common: keys, endpoints, prefixes, the settings table, the error predicates.
 */
#include "common/scope-base64.h"
#include "common/scope-endpoint.h"
#include "common/scope-error.h"
#include "common/scope-key.h"
#include "common/scope-prefix.h"
#include "common/scope-setting-limits.h"
#include "common/scope-settings.h"

#include <string.h>

/* RFC 7748 §6.1, Alice's public key; the text is what `wg pubkey` prints for her private one. */
#define ALICE "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="
static const guint8 alice[SCOPE_KEY_LEN] = { 0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54, 0x74, 0x8b, 0x7d,
                                             0xdc, 0xb4, 0x3e, 0xf7, 0x5a, 0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38,
                                             0x1a, 0xf4, 0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b, 0x4e, 0x6a };

static void
test_key_vectors (void)
{
  ScopeKey key;
  char base64[SCOPE_KEY_BASE64_LEN + 1], url[SCOPE_KEY_BASE64URL_LEN + 1];

  g_assert_true (scope_key_parse (&key, ALICE));
  g_assert_cmpmem (key.bytes, SCOPE_KEY_LEN, alice, sizeof alice);
  g_assert_cmpstr (scope_key_to_base64 (&key, base64), ==, ALICE);
  g_assert_cmpstr (scope_key_to_base64url (&key, url), ==, "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo");

  /* The four ways to write it. */
  g_assert_true (scope_key_parse (&key, "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo"));
  g_assert_cmpmem (key.bytes, SCOPE_KEY_LEN, alice, sizeof alice);
  g_assert_true (scope_key_parse (&key, "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo="));
  g_assert_true (scope_key_parse (&key, "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo"));
  g_assert_cmpmem (key.bytes, SCOPE_KEY_LEN, alice, sizeof alice);
}

/* Our encoder against GLib's (RFC 4648 §4), with every byte value in every place. */
static void
test_key_glib (void)
{
  for (int value = 0; value < 256; value++)
    {
      ScopeKey key, back;
      char text[SCOPE_KEY_BASE64_LEN + 1];

      for (int i = 0; i < SCOPE_KEY_LEN; i++)
        key.bytes[i] = value + 37 * i;
      g_autofree char *expected = g_base64_encode (key.bytes, SCOPE_KEY_LEN);
      g_assert_cmpstr (scope_key_to_base64 (&key, text), ==, expected);
      g_assert_true (scope_key_parse (&back, text));
      g_assert_true (scope_key_equal (&key, &back));
      g_assert_true (scope_key_parse (&back, scope_key_to_base64url (&key, text)));
      g_assert_true (scope_key_equal (&key, &back));
    }
}

/* What `wg genkey` prints, without the newline. */
static void
test_key_genkey (void)
{
  g_autofree char *wg = g_find_program_in_path ("wg");
  g_autofree char *text = NULL;
  const char *argv[] = { wg, "genkey", NULL };
  ScopeKey key;
  char again[SCOPE_KEY_BASE64_LEN + 1];

  if (!wg)
    {
      g_test_skip ("no wg");
      return;
    }
  for (int i = 0; i < 8; i++)
    {
      g_clear_pointer (&text, g_free);
      g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, 0, NULL, NULL, &text, NULL, NULL, NULL));
      g_assert_false (scope_key_parse (&key, text)); /* nothing around it, no newline either */
      g_strchomp (text);
      g_assert_true (scope_key_parse (&key, text));
      g_assert_cmpstr (scope_key_to_base64 (&key, again), ==, text);
      g_assert_cmpuint (key.bytes[0] & 7, ==, 0);
    }
}

static void
test_key_bad (void)
{
  static const char *const bad[] = {
    "",
    "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTm",    /* 42 */
    "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTm=",   /* 42 and padding */
    "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo==", /* two pads */
    "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmoA",  /* 33 bytes */
    "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmoAAAA=",
    "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmp=", /* non-canonical: a bit beyond the key is set */
    "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmq=",
    "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmr",
    "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTm*=",
    "hSDwCYkwp1R0i33 tD73Wg2/Og0mOBr066SpjqqbTmo=",
    "=SDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=",
    " hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo",
    "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n",
    "\xc3\xa4SDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo",
  };
  ScopeKey key;

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      memset (&key, 0xee, sizeof key);
      g_test_message ("“%s”", bad[i]);
      g_assert_false (scope_key_parse (&key, bad[i]));
      g_assert_true (scope_key_is_zero (&key));
    }
  g_assert_false (scope_key_parse (&key, NULL));

  /* Each character of a last group: only those with the two last bits clear are a key. */
  for (int c = 1; c < 256; c++)
    {
      char text[] = ALICE;
      text[42] = c;
      gboolean canonical = strchr ("AEIMQUYcgkosw048", c) != NULL;
      g_assert_cmpint (scope_key_parse (&key, text), ==, canonical);
    }
}

static void
test_key_order (void)
{
  ScopeKey a = { { 0 } }, b = { { 0 } };

  g_assert_true (scope_key_is_zero (&a));
  b.bytes[31] = 1;
  g_assert_false (scope_key_is_zero (&b));
  g_assert_cmpint (scope_key_compare (&a, &b), <, 0);
  a.bytes[0] = 0x80;
  g_assert_cmpint (scope_key_compare (&a, &b), >, 0);
  g_assert_false (scope_key_equal (&a, &b));
  scope_key_clear (&a);
  g_assert_true (scope_key_is_zero (&a));
}

static void
test_base64 (void)
{
  /* RFC 4648 §10, without the padding, and the two characters that differ */
  static const struct {
    const char *bytes, *base64, *url;
  } good[] = {
    { "", "", "" },
    { "f", "Zg", "Zg" },
    { "fo", "Zm8", "Zm8" },
    { "foo", "Zm9v", "Zm9v" },
    { "foob", "Zm9vYg", "Zm9vYg" },
    { "fooba", "Zm9vYmE", "Zm9vYmE" },
    { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
    { "\xfb\xff", "+/8", "-_8" },
  };
  static const char *const bad[] = { "A", "Zm9vA", "Zh", "Zm9", "Zg==", "Zg=", "Z g", " Zg", "Zg\n", "Zm9v.", "Zm\xc3\xb6" };
  char text[16];
  guint8 bytes[16];

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      gsize len = strlen (good[i].bytes);

      g_assert_cmpuint (SCOPE_BASE64_CHARS (len), ==, strlen (good[i].url));
      g_assert_cmpstr (scope_base64_encode ((const guint8 *) good[i].bytes, len, text), ==, good[i].base64);
      g_assert_cmpstr (scope_base64url_encode ((const guint8 *) good[i].bytes, len, text), ==, good[i].url);
      g_assert_true (scope_base64url_decode_exact (good[i].url, bytes, len));
      g_assert_cmpmem (bytes, len, good[i].bytes, len);
      g_assert_false (scope_base64url_decode_exact (good[i].url, bytes, len + 1));
      g_assert_true (scope_base64_decode (good[i].base64, strlen (good[i].base64), bytes));
      g_assert_cmpmem (bytes, len, good[i].bytes, len);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_test_message ("“%s”", bad[i]);
      g_assert_false (scope_base64_decode (bad[i], strlen (bad[i]), bytes));
      g_assert_false (scope_base64url_decode (bad[i], strlen (bad[i]), bytes));
    }
  g_assert_false (scope_base64url_decode ("+/8", 3, bytes));
}

static void
test_endpoint (void)
{
  static const struct {
    const char *text, *host;
    guint16 port;
    gboolean numeric;
  } good[] = {
    { "192.0.2.1:51820", "192.0.2.1", 51820, TRUE },
    { "[2001:db8::1]:1", "2001:db8::1", 1, TRUE },
    { "relay.example:65535", "relay.example", 65535, FALSE },
    { "my_host-1.example.:7", "my_host-1.example.", 7, FALSE },
  };
  static const char *const bad[] = {
    "", ":", ":1", "192.0.2.1", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:-1", "192.0.2.1:1x",
    "192.0.2.1: 1", "2001:db8::1:51820", "[2001:db8::1]", "[2001:db8::1]51820", "[2001:db8::1:51820", "[]:1", "[x]:1",
    "[192.0.2.1]:1", "a b:1", "-x.example:1", ".example:1", "h\xc3\xb6st:1", "http://x:1",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *host = NULL;
      guint16 port = 0;
      ScopeSockaddr sa;

      g_assert_true (scope_endpoint_parse (good[i].text, &host, &port, &error));
      g_assert_no_error (error);
      g_assert_cmpstr (host, ==, good[i].host);
      g_assert_cmpuint (port, ==, good[i].port);
      g_assert_cmpint (scope_sockaddr_parse (&sa, good[i].text), ==, good[i].numeric);
      g_autofree char *text = scope_sockaddr_format (&sa);
      g_assert_cmpstr (text, ==, good[i].numeric ? good[i].text : NULL);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      ScopeSockaddr sa;

      g_test_message ("“%s”", bad[i]);
      g_assert_false (scope_endpoint_parse (bad[i], NULL, NULL, &error));
      g_assert_true (scope_err_invalid (error));
      g_assert_false (scope_sockaddr_parse (&sa, bad[i]));
      g_assert_cmpint (sa.any.sa_family, ==, AF_UNSPEC);
    }

  ScopeSockaddr a, b, none = { 0 };
  g_assert_true (scope_sockaddr_parse (&a, "192.0.2.1:1") && scope_sockaddr_parse (&b, "192.0.2.1:2"));
  g_assert_false (scope_sockaddr_equal (&a, &b));
  g_assert_false (scope_sockaddr_equal (&a, &none));
  g_assert_true (scope_sockaddr_equal (&none, &none));
  g_assert_true (scope_sockaddr_parse (&b, "[::1]:1") && !scope_sockaddr_equal (&a, &b));
  g_assert_cmpuint (scope_sockaddr_len (&a), ==, sizeof (struct sockaddr_in));
  g_assert_cmpuint (scope_sockaddr_len (&b), ==, sizeof (struct sockaddr_in6));
  g_assert_null (scope_sockaddr_format (&none));
}

static void
test_prefix (void)
{
  static const struct {
    const char *text, *whole, *masked;
  } good[] = {
    { "10.0.0.1/32", "10.0.0.1/32", "10.0.0.1/32" },
    { "10.1.2.3", "10.1.2.3/32", "10.1.2.3/32" },
    { "10.1.255.3/17", "10.1.255.3/17", "10.1.128.0/17" },
    { "255.255.255.255/0", "255.255.255.255/0", "0.0.0.0/0" },
    { "fd00::1", "fd00::1/128", "fd00::1/128" },
    { "FD00:0::ff/121", "fd00::ff/121", "fd00::80/121" },
    { "2001:db8:ffff::/33", "2001:db8:ffff::/33", "2001:db8:8000::/33" },
    { "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128" },
    { "::/0", "::/0", "::/0" },
  };
  static const char *const bad[] = { "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8 ", " 10.0.0.0/8",
                                     "10.0.0/8", "10.0.0.0.0/8", "256.0.0.0/8", "::/129", "fd00::g/64", "10.0.0.0/8/8",
                                     "10.0.0.0/+8", "10.0.0.0/0x8", "host.example", "[::]/0",
                                     "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/1" };
  char text[SCOPE_PREFIX_STRLEN];
  ScopePrefix p;

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_assert_true (scope_prefix_parse (&p, good[i].text));
      g_assert_cmpstr (scope_prefix_format (&p, text), ==, good[i].whole);
      scope_prefix_mask (&p);
      g_assert_cmpstr (scope_prefix_format (&p, text), ==, good[i].masked);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_test_message ("“%s”", bad[i]);
      g_assert_false (scope_prefix_parse (&p, bad[i]));
    }
}

static ScopePrefix
prefix (const char *text)
{
  ScopePrefix p;

  g_assert_true (scope_prefix_parse (&p, text));
  return p;
}

static gboolean
contains (const char *outer, const char *inner)
{
  ScopePrefix o = prefix (outer), i = prefix (inner);

  return scope_prefix_contains (&o, &i);
}

static void
test_prefix_contains (void)
{
  g_assert_true (contains ("10.0.0.0/8", "10.1.2.3/32"));
  g_assert_true (contains ("10.0.0.0/8", "10.0.0.0/8"));
  g_assert_true (contains ("10.9.9.9/8", "10.1.2.3/32")); /* host bits do not count */
  g_assert_true (contains ("0.0.0.0/0", "10.0.0.0/8"));
  g_assert_true (contains ("fd00::/9", "fd7f::1/128"));
  g_assert_false (contains ("fd00::/9", "fd80::1/128"));
  g_assert_false (contains ("10.0.0.0/8", "11.0.0.0/32"));
  g_assert_false (contains ("10.0.0.0/16", "10.0.0.0/8"));
  g_assert_false (contains ("::/0", "10.0.0.0/8"));

  ScopePrefix a = prefix ("10.0.0.0/8"), b = prefix ("10.0.0.0/9"), c = prefix ("::/0");
  g_assert_cmpint (scope_prefix_compare (&a, &b), <, 0);
  g_assert_cmpint (scope_prefix_compare (&b, &a), >, 0);
  g_assert_cmpint (scope_prefix_compare (&b, &c), <, 0);
  g_assert_true (scope_prefix_equal (&a, &a) && !scope_prefix_equal (&a, &b));
  g_autofree char *address = scope_prefix_address (&c);
  g_assert_cmpstr (address, ==, "::");
}

static void
test_prefix_list (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) list = scope_prefix_parse_list ("10.0.0.1/32, fd00::1/128\t10.2.0.0/16,,", 3, &error);

  g_assert_no_error (error);
  g_autofree char *text = scope_prefix_format_list (list);
  g_assert_cmpstr (text, ==, "10.0.0.1/32,fd00::1/128,10.2.0.0/16");
  g_assert_null (scope_prefix_parse_list ("10.0.0.1 10.0.0.2", 1, &error));
  g_assert_true (scope_err_invalid (error));
  g_clear_error (&error);
  g_assert_null (scope_prefix_parse_list ("10.0.0.1 nonsense", 9, &error));
  g_assert_nonnull (strstr (error->message, "nonsense"));

  const char *const empty[] = { "", "(none)", " , " };
  for (gsize i = 0; i < G_N_ELEMENTS (empty); i++)
    {
      g_autoptr (GArray) none = scope_prefix_parse_list (empty[i], 3, NULL);
      g_assert_nonnull (none);
      g_assert_cmpuint (none->len, ==, 0);
      g_assert_false (scope_prefix_list_equal (none, list));
    }
}

/* --- settings --- */

#define FINGERPRINT "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa"
#define TOKEN "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo"
#define IDENTITY TOKEN "--hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmohSDwCYkwp1R0i33ctD73Wg2_Og0mOBk"
#define UUID "01234567-89ab-cdef-0123-456789abcdef"

/* Values for each key; the list is long so that a new key without a row here fails the test. */
static const struct {
  const char *name;
  const char *good[8];
  const char *bad[16];
} settings[] = {
  { SCOPE_SETTING_REGISTRY,
    { "https://r.example", "http://192.0.2.1:8080/a/b/", "https://a.example,https://b.example https://[2001:db8::1]:1/x" },
    { "", " ", "r.example", "ftp://r.example", "https://", "https:///x", "https://u:p@r.example", "https://r.example/?q",
      "https://r.example/#f", "https://r.example nonsense", "file:///etc", "https://r.example:99999" } },
  { SCOPE_SETTING_NETWORK,
    { "home", "a", "A.b_c-d+e=f@0", "0123456789012345678901234567890123456789012345678901234567890123" },
    { "", ".", "..", "a/b", "a b", "\xc3\xa4", "a%2f", "a\n",
      "01234567890123456789012345678901234567890123456789012345678901234" } },
  { SCOPE_SETTING_NETREG, { "home" }, { "", "..", "a/b" } },
  { SCOPE_SETTING_ROOT,
    { FINGERPRINT },
    { "", "abcdefgh", "Abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa", "0bcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa",
      "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsb", " " FINGERPRINT, FINGERPRINT "a" } },
  { SCOPE_SETTING_PQ, { "required", "preferred", "off" }, { "", "Required", "yes", "1" } },
  { SCOPE_SETTING_MODE, { "full", "keys-only" }, { "", "keys", "Full" } },
  { SCOPE_SETTING_WIREGUARD, { UUID, "wg0" }, { "", "a/b", "1234567890123456", UUID "0", "all" } },
  { SCOPE_SETTING_ENDPOINT,
    { "192.0.2.1:51820", "192.0.2.1:51820, [2001:db8::1]:51820 host.example:1",
      "h:1 h:2 h:3 h:4 h:5 h:6 h:7 h:8 h:9 h:10 h:11 h:12 h:13 h:14 h:15 h:16" },
    { "", " ", "192.0.2.1", "192.0.2.1:0", "192.0.2.1:65536", "2001:db8::1", ":51820", "192.0.2.1:51820 x",
      "h:1 h:2 h:3 h:4 h:5 h:6 h:7 h:8 h:9 h:10 h:11 h:12 h:13 h:14 h:15 h:16 h:17" } },
  { SCOPE_SETTING_STUN_SERVERS,
    { "stun.example:3478", "192.0.2.9:3478, [2001:db8::1]:3478 h:1" },
    { "", " ", "stun.example", "stun:stun.example:3478", "192.0.2.9:0" } },
  { SCOPE_SETTING_PUBLIC_KEY,
    { ALICE, "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo" },
    { "", "x", ALICE "=", " " ALICE, "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmp=" } },
  { SCOPE_SETTING_LISTEN_PORT, { "1", "51820", "65535" }, { "", "0", "65536", "-1", "1.5", "0x1", " 1", "1 " } },
  { SCOPE_SETTING_ADDRESSES,
    { "10.0.0.1/24", "10.0.0.1/24, fd00::1/64", "10.0.0.1", "" },
    { "10.0.0.1/33", "x", "10.0.0.1/24,host" } },
  { SCOPE_SETTING_INTERFACE,
    { "wg0", "scope-home", "123456789012345" },
    { "", "1234567890123456", "a/b", "a b", "all", "default", ".", "..", "a:b", "\xc3\xa4" } },
  { SCOPE_SETTING_KEEPALIVE, { "0", "25", "65535" }, { "", "-1", "65536", "off" } },
  { SCOPE_SETTING_MTU, { "576", "1420", "65535" }, { "", "575", "65536", "0", "auto" } },
  { SCOPE_SETTING_DNS, { "10.0.0.53", "10.0.0.53, fd00::53" }, { "", "x", "10.0.0.53/32", "10.0.0.53 host" } },
  { SCOPE_SETTING_DNS_SEARCH, { "example", "~example, home.example", "~." }, { "", "a/b", "a=b", "a@b" } },
  { SCOPE_SETTING_ROUTES, { "10.0.0.0/8", "10.0.0.0/8,fd00::/8", "" }, { "0.0.0.0/0", "10.0.0.0/8 ::/0", "x" } },
  { SCOPE_SETTING_EXIT, { "gate", "B\xc3\xbcro 2", ALICE },
    { "", "a\nb", "01234567890123456789012345678901234567890123456789012345678901234" } },
  { SCOPE_SETTING_MASQUERADE, { "yes", "no" }, { "", "true", "1", "Yes" } },
  { SCOPE_SETTING_PORT_MAPPING, { "auto", "off" }, { "", "on", "yes" } },
  { SCOPE_SETTING_TUNNEL, { "auto", "kernel", "userspace" }, { "", "Kernel", "proxy?", "x" } },
  { SCOPE_SETTING_CARRY, { "auto", "off", "always" }, { "", "Auto", "on" } },
  { SCOPE_SETTING_CA, { "/etc/ssl/ca.pem" }, { "", "ca.pem", "~/ca.pem" } },
  { SCOPE_SETTING_PRIVATE_KEY, { ALICE }, { "", "almost-a-secret" } },
  { SCOPE_SETTING_PRESHARED_KEY, { ALICE }, { "", "almost-a-secret" } },
  { SCOPE_SETTING_TOKEN,
    { TOKEN },
    { "", "almost-a-secret", ALICE, TOKEN "A", "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo",
      "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmp" } },
  { SCOPE_SETTING_IDENTITY,
    { IDENTITY },
    { "", TOKEN, IDENTITY "A", TOKEN "+-hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmohSDwCYkwp1R0i33ctD73Wg2_Og0mOBk",
      TOKEN "--hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmohSDwCYkwp1R0i33ctD73Wg2_Og0mOBl" } },
};

static void
test_settings_values (void)
{
  guint rows = 0;

  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    rows++;
  for (gsize i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      const ScopeSettingInfo *info = scope_setting_find (settings[i].name);

      g_assert_nonnull (info);
      g_assert_cmpstr (info->name, ==, settings[i].name);
      for (const char *const *value = settings[i].good; *value; value++)
        {
          g_autoptr (GError) error = NULL;
          scope_setting_check (info, *value, &error);
          g_assert_no_error (error);
        }
      for (const char *const *value = settings[i].bad; *value; value++)
        {
          g_autoptr (GError) error = NULL;
          g_autofree char *start = g_strdup_printf ("%s: ", info->name);

          g_test_message ("%s=%s", info->name, *value);
          g_assert_false (scope_setting_check (info, *value, &error));
          g_assert_true (scope_err_invalid (error));
          g_assert_true (g_str_has_prefix (error->message, start));
          if (info->secret && **value)
            g_assert_null (strstr (error->message, *value));
        }

      g_autoptr (GError) error = NULL;
      g_autofree char *longer = g_strnfill (SCOPE_SETTING_VALUE_MAX + 1, 'a');
      g_assert_false (scope_setting_check (info, longer, &error));
      g_assert_true (g_str_has_prefix (error->message, info->name));
      g_clear_error (&error);
      g_assert_false (scope_setting_check (info, "\xff", &error));
      g_assert_true (g_str_has_prefix (error->message, info->name));
    }
  g_assert_cmpuint (rows, ==, G_N_ELEMENTS (settings));
  g_assert_null (scope_setting_find ("no-such"));
  g_assert_true (scope_setting_is_flags ("private-key-flags"));
  g_assert_true (scope_setting_is_flags ("preshared-key-flags"));
  g_assert_false (scope_setting_is_flags ("private-key"));
  g_assert_false (scope_setting_is_flags ("public-key-flags"));
  g_assert_false (scope_setting_is_flags ("private-key-flags-flags"));
}

/* One sentence for a tooltip: short, in printable text, and its own. */
static void
test_settings_descriptions (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    {
      const char *text = info->description;

      g_test_message ("%s: %s", info->name, text);
      g_assert_nonnull (text);
      g_assert_true (g_utf8_validate (text, -1, NULL));
      g_assert_cmpint (g_utf8_strlen (text, -1), >=, 20);
      g_assert_cmpint (g_utf8_strlen (text, -1), <=, SCOPE_DESCRIPTION_MAX);
      g_assert_true (g_unichar_isupper (g_utf8_get_char (text)));
      g_assert_true (g_ascii_isalnum (text[strlen (text) - 1]));
      g_assert_null (strstr (text, ". "));
      g_assert_null (strpbrk (text, "\n\t"));
      g_assert_true (g_hash_table_add (seen, (char *) text));
      g_assert_true (g_hash_table_add (seen, (char *) info->label));
    }
}

/* The words that a type has are accepted, the numbers' ends are, and what is beyond is not. */
static void
test_settings_limits (void)
{
  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    {
      const ScopeSettingLimits *limits = scope_setting_limits (info->type);
      g_autofree char *text = scope_setting_limits_text (info->type);

      g_test_message ("%s: %s", info->name, text);
      g_assert_cmpuint (strlen (text), >, 4);
      for (const char *const *w = limits->words; w && *w; w++)
        {
          g_autofree char *more = g_strconcat (*w, "x", NULL);

          g_assert_true (scope_setting_check (info, *w, NULL));
          g_assert_false (scope_setting_check (info, more, NULL));
        }
      if (!limits->words && !limits->unit)
        for (int i = -1; i <= 1; i++)
          {
            g_autofree char *low = g_strdup_printf ("%d", (int) limits->min + i);
            g_autofree char *high = g_strdup_printf ("%u", limits->max + i);

            g_assert_true (scope_setting_check (info, low, NULL) == (i >= 0));
            g_assert_true (scope_setting_check (info, high, NULL) == (i <= 0));
          }
    }

  g_autofree char *urls = scope_setting_limits_text (SCOPE_TYPE_URLS);
  g_autofree char *port = scope_setting_limits_text (SCOPE_TYPE_PORT);
  g_autofree char *key = scope_setting_limits_text (SCOPE_TYPE_KEY);
  g_autofree char *tunnel = scope_setting_limits_text (SCOPE_TYPE_TUNNEL);
  g_autofree char *file = scope_setting_limits_text (SCOPE_TYPE_FILE);
  g_assert_cmpstr (urls, ==, "1 to 16 URLs");
  g_assert_cmpstr (port, ==, "number from 1 to 65535");
  g_assert_cmpstr (key, ==, "44 characters of base64");
  g_assert_cmpstr (tunnel, ==, "auto, kernel or userspace");
  g_assert_cmpstr (file, ==, "absolute path");
}

static GHashTable *
table (const char *first, ...)
{
  GHashTable *t = g_hash_table_new (g_str_hash, g_str_equal);
  va_list args;

  va_start (args, first);
  for (const char *name = first; name; name = va_arg (args, const char *))
    g_hash_table_insert (t, (char *) name, va_arg (args, char *));
  va_end (args);
  return t;
}

static void
test_settings_parse (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) small = table ("registry", "https://r.example/x//", "network", "home", NULL);
  g_autoptr (ScopeSettings) s = scope_settings_parse (small, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (s->registries[0], ==, "https://r.example/x");
  g_assert_null (s->registries[1]);
  g_assert_cmpstr (s->netreg, ==, "home");
  g_assert_cmpint (s->keepalive, ==, -1);
  g_assert_cmpuint (s->listen_port, ==, 0);
  g_assert_cmpuint (s->mtu, ==, 0);
  g_assert_cmpuint (s->addresses->len, ==, 0);
  g_assert_cmpuint (s->routes->len, ==, 0);
  g_assert_null (s->dns[0]);
  g_assert_null (s->dns_search[0]);
  g_assert_null (s->ca);
  g_assert_null (s->interface);
  g_assert_false (s->has_public_key || s->has_private_key || s->has_preshared_key);
  g_assert_cmpint (s->tunnel, ==, SCOPE_TUNNEL_KIND_AUTO);
  g_assert_null (s->root);
  g_assert_cmpint (s->pq, ==, SCOPE_PQ_OFF);
  g_assert_cmpint (s->mode, ==, SCOPE_MODE_FULL);
  g_assert_null (s->wireguard);
  g_assert_null (s->endpoints[0]);
  g_assert_null (s->token);
  g_assert_null (s->identity);

  g_autoptr (GHashTable) data = table (
    "registry", "https://a.example/, http://b.example:8/c", "network", "home", "netreg", "net-1", "public-key", ALICE,
    "listen-port", "51820", "addresses", "10.0.0.7/24 fd00::7/64", "interface", "wg7", "keepalive", "0", "mtu", "1380",
    "dns", "10.0.0.53 fd00::53", "dns-search", "example,~.", "routes", "10.8.9.9/16", "exit", "gate", "masquerade", "yes", "port-mapping", "always", "tunnel", "userspace", "ca", "/ca.pem",
    "private-key-flags", "1", "root", FINGERPRINT, "pq", "preferred", "mode", "keys-only", "wireguard", UUID,
    "endpoint", "192.0.2.1:51820,[2001:db8::1]:51820 host.example:51820", "token-flags", "0", NULL);
  g_autoptr (GHashTable) secrets = table ("private-key", ALICE, "preshared-key", ALICE, "token", TOKEN, "identity",
                                          IDENTITY, NULL);
  g_autoptr (ScopeSettings) all = scope_settings_parse (data, secrets, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (all->registries), ==, 2);
  g_assert_cmpstr (all->registries[1], ==, "http://b.example:8/c");
  g_assert_cmpstr (all->netreg, ==, "net-1");
  g_assert_true (all->has_public_key && all->has_private_key && all->has_preshared_key);
  g_assert_cmpmem (all->public_key.bytes, SCOPE_KEY_LEN, alice, sizeof alice);
  g_assert_cmpmem (all->private_key.bytes, SCOPE_KEY_LEN, alice, sizeof alice);
  g_assert_cmpmem (all->preshared_key.bytes, SCOPE_KEY_LEN, alice, sizeof alice);
  g_assert_cmpuint (all->listen_port, ==, 51820);
  g_assert_cmpint (all->keepalive, ==, 0);
  g_assert_cmpuint (all->mtu, ==, 1380);
  g_assert_cmpstr (all->interface, ==, "wg7");
  g_assert_cmpuint (g_strv_length (all->dns), ==, 2);
  g_assert_cmpstr (all->dns_search[1], ==, "~.");
  g_autofree char *addresses = scope_prefix_format_list (all->addresses);
  g_assert_cmpstr (addresses, ==, "10.0.0.7/24,fd00::7/64");
  g_autofree char *routes = scope_prefix_format_list (all->routes);
  g_assert_cmpstr (routes, ==, "10.8.0.0/16");
  g_assert_cmpint (all->port_mapping, ==, SCOPE_USE_ALWAYS);
  g_assert_cmpint (all->carry, ==, SCOPE_USE_AUTO);
  g_assert_cmpint (all->tunnel, ==, SCOPE_TUNNEL_KIND_USERSPACE);
  g_assert_cmpstr (all->ca, ==, "/ca.pem");
  g_assert_cmpstr (all->root, ==, FINGERPRINT);
  g_assert_cmpint (all->pq, ==, SCOPE_PQ_PREFERRED);
  g_assert_cmpint (all->mode, ==, SCOPE_MODE_KEYS_ONLY);
  g_assert_cmpstr (all->wireguard, ==, UUID);
  g_assert_cmpuint (g_strv_length (all->endpoints), ==, 3);
  g_assert_cmpstr (all->endpoints[1], ==, "[2001:db8::1]:51820");
  g_assert_cmpstr (all->token, ==, TOKEN);
  g_assert_cmpstr (all->identity, ==, IDENTITY);
}

static void
test_settings_pq (void)
{
  static const struct {
    const char *root, *pq;
    int wanted; /* -1: an error */
  } cases[] = {
    { NULL, NULL, SCOPE_PQ_OFF },        { NULL, "off", SCOPE_PQ_OFF },
    { NULL, "preferred", -1 },           { NULL, "required", -1 },
    { FINGERPRINT, NULL, SCOPE_PQ_REQUIRED }, { FINGERPRINT, "required", SCOPE_PQ_REQUIRED },
    { FINGERPRINT, "preferred", SCOPE_PQ_PREFERRED }, { FINGERPRINT, "off", SCOPE_PQ_OFF },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GHashTable) data = table ("registry", "https://r.example", "network", "home", NULL);
      g_autoptr (ScopeSettings) s = NULL;
      g_autoptr (GError) error = NULL;

      if (cases[i].root)
        g_hash_table_insert (data, (char *) "root", (char *) cases[i].root);
      if (cases[i].pq)
        g_hash_table_insert (data, (char *) "pq", (char *) cases[i].pq);
      s = scope_settings_parse (data, NULL, &error);
      g_assert_cmpint (s ? (int) s->pq : -1, ==, cases[i].wanted);
      g_assert_true (s || g_str_has_prefix (error->message, "pq: "));
    }
  for (ScopePq pq = SCOPE_PQ_OFF; pq <= SCOPE_PQ_REQUIRED; pq++)
    {
      ScopePq back;
      g_assert_true (scope_pq_parse (&back, scope_pq_to_string (pq)));
      g_assert_cmpint (back, ==, pq);
    }
}

static void
refuse (GHashTable *data, GHashTable *secrets, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *start = g_strdup_printf ("%s: ", name);

  g_assert_null (scope_settings_parse (data, secrets, &error));
  g_assert_true (scope_err_invalid (error));
  g_test_message ("%s", error->message);
  g_assert_true (g_str_has_prefix (error->message, start));
  g_assert_null (strstr (error->message, ALICE));
  g_hash_table_unref (data);
  g_clear_pointer (&secrets, g_hash_table_unref);
}

static void
test_settings_refused (void)
{
#define BASE "registry", "https://r.example", "network", "home"
  refuse (table ("network", "home", NULL), NULL, "registry");
  refuse (table ("registry", "https://r.example", NULL), NULL, "network");
  refuse (table (BASE, "nonsense", "1", NULL), NULL, "nonsense");
  refuse (table (BASE, "private-key", ALICE, NULL), NULL, "private-key");
  refuse (table (BASE, "preshared-key", ALICE, NULL), NULL, "preshared-key");
  refuse (table (BASE, "mtu", "12", NULL), NULL, "mtu");
  refuse (table (BASE, NULL), table ("private-key", "x", NULL), "private-key");
  refuse (table (BASE, "mode", "keys-only", NULL), NULL, "wireguard");
  refuse (table (BASE, "mode", "keys-only", "wireguard", "wg0", NULL), NULL, "pq");
  refuse (table (BASE, "mode", "keys-only", "wireguard", "wg0", "root", FINGERPRINT, "pq", "off", NULL), NULL, "pq");
  refuse (table (BASE, "wireguard", "wg0", NULL), NULL, "wireguard");
  refuse (table (BASE, "mode", "full", "wireguard", "wg0", NULL), NULL, "wireguard");
  refuse (table (BASE, "token", TOKEN, NULL), NULL, "token");
  refuse (table (BASE, "identity", IDENTITY, NULL), NULL, "identity");
  refuse (table (BASE, NULL), table ("nonsense", "x", NULL), "nonsense");
#undef BASE
}

static void
test_errors (void)
{
  static const struct {
    ScopeError code;
    gboolean (*is) (const GError *);
  } cases[] = {
    { SCOPE_ERROR_INVALID, scope_err_invalid },         { SCOPE_ERROR_NOT_LISTED, scope_err_not_listed },
    { SCOPE_ERROR_DENIED, scope_err_denied },           { SCOPE_ERROR_UNREACHABLE, scope_err_unreachable },
    { SCOPE_ERROR_TLS, scope_err_tls },                 { SCOPE_ERROR_TAKEN, scope_err_taken },
    { SCOPE_ERROR_GONE, scope_err_gone },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    for (gsize j = 0; j < G_N_ELEMENTS (cases); j++)
      {
        g_autoptr (GError) error = g_error_new (SCOPE_ERROR, cases[i].code, "x");
        g_assert_cmpint (cases[j].is (error), ==, i == j);
      }
  g_autoptr (GError) cancelled = g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "x");
  g_assert_true (scope_err_cancelled (cancelled));
  g_assert_false (scope_err_cancelled (NULL));
  g_assert_false (scope_err_gone (NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/common/key/vectors", test_key_vectors);
  g_test_add_func ("/common/key/glib", test_key_glib);
  g_test_add_func ("/common/key/genkey", test_key_genkey);
  g_test_add_func ("/common/key/bad", test_key_bad);
  g_test_add_func ("/common/key/order", test_key_order);
  g_test_add_func ("/common/base64", test_base64);
  g_test_add_func ("/common/endpoint", test_endpoint);
  g_test_add_func ("/common/prefix/forms", test_prefix);
  g_test_add_func ("/common/prefix/contains", test_prefix_contains);
  g_test_add_func ("/common/prefix/list", test_prefix_list);
  g_test_add_func ("/common/settings/values", test_settings_values);
  g_test_add_func ("/common/settings/descriptions", test_settings_descriptions);
  g_test_add_func ("/common/settings/limits", test_settings_limits);
  g_test_add_func ("/common/settings/parse", test_settings_parse);
  g_test_add_func ("/common/settings/pq", test_settings_pq);
  g_test_add_func ("/common/settings/refused", test_settings_refused);
  g_test_add_func ("/common/errors", test_errors);
  return g_test_run ();
}
