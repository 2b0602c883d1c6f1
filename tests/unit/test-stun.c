/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-stun: src/net/scope-stun, against the samples of RFC 5769 too, and how many plain requests are answered.
 */
#include "net/scope-stun-limit.h"
#include "net/scope-stun.h"

#include <string.h>

static const guint8 id[SCOPE_STUN_ID_LEN] = "twelve bytes";

/* RFC 5769 section 2: the password of all of them */
#define SAMPLE_PASSWORD "VOkJxbRl1RmTxUk/WvJxBt"

/* 2.1, sample request: SOFTWARE, PRIORITY, ICE-CONTROLLED, USERNAME padded with spaces */
static const guint8 sample_request[] = {
  0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
  0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73, 0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74,
  0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff, 0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36,
  0x00, 0x06, 0x00, 0x09, 0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14,
  0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2,
  0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf,
};

/* 2.2, sample IPv4 response: 192.0.2.1:32853 */
static const guint8 sample_answer[] = {
  0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
  0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63, 0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08,
  0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43, 0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3,
  0x8c, 0x74, 0x89, 0xf9, 0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96,
};

static ScopeSockaddr
address (const char *text)
{
  ScopeSockaddr sa;

  g_assert_true (scope_sockaddr_parse (&sa, text));
  return sa;
}

static void
assert_address (const ScopeSockaddr *sa, const char *text)
{
  g_autofree char *is = scope_sockaddr_format (sa);

  g_assert_cmpstr (is, ==, text);
}

static void
test_samples (void)
{
  ScopeStunMessage message;

  g_assert_true (scope_stun_parse (&message, sample_request, sizeof sample_request));
  g_assert_cmpint (message.kind, ==, SCOPE_STUN_REQUEST);
  g_assert_cmpmem (message.id, SCOPE_STUN_ID_LEN, sample_request + 8, SCOPE_STUN_ID_LEN);
  g_assert_cmpstr (message.user, ==, "evtj:h6vY");
  g_assert_true (message.sealed);
  g_assert_true (scope_stun_verify (sample_request, sizeof sample_request, SAMPLE_PASSWORD));
  g_assert_false (scope_stun_verify (sample_request, sizeof sample_request, SAMPLE_PASSWORD "x"));

  g_assert_true (scope_stun_parse (&message, sample_answer, sizeof sample_answer));
  g_assert_cmpint (message.kind, ==, SCOPE_STUN_ANSWER);
  assert_address (&message.mapped, "192.0.2.1:32853");
  g_assert_true (message.sealed);
  g_assert_true (scope_stun_verify (sample_answer, sizeof sample_answer, SAMPLE_PASSWORD));
  g_assert_false (scope_stun_verify (sample_answer, sizeof sample_answer, "VOkJxbRl1RmTxUk/WvJxBT"));
}

static void
test_plain (void)
{
  static const char *const mapped[] = { "192.0.2.7:51820", "[2001:db8::7]:1" };
  guint8 request[SCOPE_STUN_MAX], answer[SCOPE_STUN_MAX];
  ScopeStunMessage message;
  gsize len = scope_stun_request (request, id, NULL, NULL);

  g_assert_cmpuint (len, ==, 28);
  g_assert_true (scope_stun_parse (&message, request, len));
  g_assert_cmpint (message.kind, ==, SCOPE_STUN_REQUEST);
  g_assert_cmpmem (message.id, SCOPE_STUN_ID_LEN, id, SCOPE_STUN_ID_LEN);
  g_assert_cmpstr (message.user, ==, "");
  g_assert_false (message.sealed);
  g_assert_false (scope_stun_verify (request, len, "x"));
  for (gsize i = 0; i < G_N_ELEMENTS (mapped); i++)
    {
      ScopeSockaddr sa = address (mapped[i]);

      len = scope_stun_answer (answer, id, &sa, NULL);
      g_assert_cmpuint (len, <=, 3 * SCOPE_STUN_MIN);
      g_assert_true (scope_stun_parse (&message, answer, len));
      g_assert_cmpint (message.kind, ==, SCOPE_STUN_ANSWER);
      g_assert_cmpmem (message.id, SCOPE_STUN_ID_LEN, id, SCOPE_STUN_ID_LEN);
      assert_address (&message.mapped, mapped[i]);
      g_assert_false (message.sealed);
      g_assert_false (scope_stun_verify (answer, len, "x"));
    }
}

static void
test_sealed (void)
{
  g_autofree char *longest = g_strnfill (SCOPE_STUN_USER_MAX, 'u');
  g_autofree char *password = g_strnfill (SCOPE_STUN_PASSWORD_MAX, 'p');
  const char *const users[] = { "them:us", "abcdefgh:ijklmnop", longest };
  guint8 buffer[SCOPE_STUN_MAX];
  ScopeSockaddr mapped = address ("[2001:db8::7]:51820");
  ScopeStunMessage message;

  for (gsize i = 0; i < G_N_ELEMENTS (users); i++)
    {
      gsize len = scope_stun_request (buffer, id, users[i], password);

      g_assert_true (scope_stun_parse (&message, buffer, len));
      g_assert_cmpstr (message.user, ==, users[i]);
      g_assert_true (message.sealed);
      g_assert_true (scope_stun_verify (buffer, len, password));
      g_assert_false (scope_stun_verify (buffer, len, password + 1));
      g_assert_false (scope_stun_verify (buffer, len, ""));
    }
  gsize len = scope_stun_answer (buffer, id, &mapped, password);
  g_assert_true (scope_stun_parse (&message, buffer, len));
  g_assert_true (scope_stun_verify (buffer, len, password));
  g_assert_false (scope_stun_verify (buffer, len, "password"));
}

/* Every bit of a sealed message counts; but what is no FINGERPRINT any more is an attribute after the seal, of no matter. */
static void
test_flipped (void)
{
  guint8 buffer[SCOPE_STUN_MAX];
  ScopeStunMessage message;
  gsize len = scope_stun_request (buffer, id, "them:us", "password");

  for (gsize bit = 0; bit < len * 8; bit++)
    {
      buffer[bit / 8] ^= 1 << bit % 8;
      g_assert_false (bit / 8 < len - 8 && scope_stun_parse (&message, buffer, len));
      if (scope_stun_parse (&message, buffer, len))
        g_assert_cmpstr (message.user, ==, "them:us");
      buffer[bit / 8] ^= 1 << bit % 8;
    }
  for (gsize n = 0; n < len; n++)
    g_assert_false (scope_stun_parse (&message, buffer, n));
  buffer[len] = 0;
  g_assert_false (scope_stun_parse (&message, buffer, len + 1));
  g_assert_true (scope_stun_parse (&message, buffer, len));
}

/* Puts a header before @attributes and parses that, in a block of exactly that size. */
static gboolean
parse_of (ScopeStunMessage *message, guint16 type, const guint8 *attributes, gsize len)
{
  g_autofree guint8 *data = g_malloc (SCOPE_STUN_MIN + len);
  const guint8 header[] = { type >> 8, type, len >> 8, len, 0x21, 0x12, 0xa4, 0x42 };
  gboolean ok;

  memcpy (data, header, sizeof header);
  memcpy (data + 8, id, SCOPE_STUN_ID_LEN);
  memcpy (data + SCOPE_STUN_MIN, attributes, len);
  ok = scope_stun_parse (message, data, SCOPE_STUN_MIN + len);
  if (ok)
    scope_stun_verify (data, SCOPE_STUN_MIN + len, "password");
  return ok;
}

#define ATTRIBUTES(...) ((const guint8[]) { __VA_ARGS__ }), sizeof ((const guint8[]) { __VA_ARGS__ })

static void
test_others (void)
{
  ScopeStunMessage message;

  /* Of other programs: no FINGERPRINT, an optional attribute, MAPPED-ADDRESS alone */
  g_assert_true (parse_of (&message, 0x0001, (const guint8 *) "", 0));
  g_assert_true (parse_of (&message, 0x0001, ATTRIBUTES (0x80, 0x22, 0, 3, 'a', 'b', 'c', 0)));
  g_assert_true (parse_of (&message, 0x0101, ATTRIBUTES (0, 1, 0, 8, 0, 1, 0x12, 0x34, 192, 0, 2, 1)));
  assert_address (&message.mapped, "192.0.2.1:4660");
  g_assert_true (parse_of (&message, 0x0111, ATTRIBUTES (0, 9, 0, 4, 0, 0, 4, 0)));
  g_assert_cmpint (message.kind, ==, SCOPE_STUN_ERROR);

  /* CHANGE-REQUEST must be understood; an empty USERNAME, one with a zero; a seal that is too short, or too long */
  g_assert_false (parse_of (&message, 0x0001, ATTRIBUTES (0, 3, 0, 4, 0, 0, 0, 6)));
  g_assert_false (parse_of (&message, 0x0001, ATTRIBUTES (0, 6, 0, 0)));
  g_assert_false (parse_of (&message, 0x0001, ATTRIBUTES (0, 6, 0, 4, 'a', 0, 'b', 'c')));
  g_assert_false (parse_of (&message, 0x0001, ATTRIBUTES (0, 6, 0, 3, 'a', ':', 'b', 0, 0, 8, 0, 0)));
  g_assert_false (parse_of (&message, 0x0001, ATTRIBUTES (0, 6, 0, 3, 'a', ':', 'b', 0, 0, 8, 0, 4, 1, 2, 3, 4)));
  g_assert_false (parse_of (&message, 0x0101, ATTRIBUTES (0, 8, 0, 0)));
  /* An answer without an address, with one of an unknown family, with half of one, with port 0 */
  g_assert_false (parse_of (&message, 0x0101, (const guint8 *) "", 0));
  g_assert_false (parse_of (&message, 0x0101, ATTRIBUTES (0, 1, 0, 8, 0, 3, 0x12, 0x34, 192, 0, 2, 1)));
  g_assert_false (parse_of (&message, 0x0101, ATTRIBUTES (0, 1, 0, 4, 0, 2, 0x12, 0x34)));
  g_assert_false (parse_of (&message, 0x0101, ATTRIBUTES (0, 1, 0, 8, 0, 1, 0, 0, 192, 0, 2, 1)));
  /* Longer than the message, another method, an indication */
  g_assert_false (parse_of (&message, 0x0001, ATTRIBUTES (0x80, 0x22, 0, 9, 'a', 'b', 'c', 0)));
  g_assert_false (parse_of (&message, 0x0003, (const guint8 *) "", 0));
  g_assert_false (parse_of (&message, 0x0011, (const guint8 *) "", 0));
  /* A wrong FINGERPRINT */
  g_assert_false (parse_of (&message, 0x0001, ATTRIBUTES (0x80, 0x28, 0, 4, 1, 2, 3, 4)));
}

/* --- the limit --- */

static guint
burst (ScopeStunLimit *limit, const char *from, guint tries, gint64 now)
{
  ScopeSockaddr sa = address (from);
  guint answered = 0;

  for (guint i = 0; i < tries; i++)
    answered += scope_stun_limit_take (limit, &sa, now);
  return answered;
}

static void
test_limit (void)
{
  g_autoptr (ScopeStunLimit) limit = scope_stun_limit_new (7);
  gint64 now = 1;

  g_assert_cmpuint (burst (limit, "192.0.2.1:1000", 100, now), ==, SCOPE_STUN_LIMIT_BURST);
  g_assert_cmpuint (burst (limit, "192.0.2.1:1001", 1, now), ==, 0); /* another port is no other client */
  g_assert_cmpuint (burst (limit, "[::ffff:192.0.2.1]:1000", 1, now), ==, 0);
  g_assert_cmpuint (burst (limit, "192.0.2.2:1000", 1, now), ==, 1);
  g_assert_cmpuint (burst (limit, "[2001:db8::1]:1000", 100, now), ==, SCOPE_STUN_LIMIT_BURST);
  g_assert_cmpuint (burst (limit, "[2001:db8::2]:1000", 1, now), ==, 0);
  g_assert_cmpuint (burst (limit, "[2001:db8:0:1::2]:1000", 1, now), ==, 1);
  now += G_USEC_PER_SEC;
  g_assert_cmpuint (burst (limit, "192.0.2.1:1000", 100, now), ==, SCOPE_STUN_LIMIT_RATE);
  now += 3600 * (gint64) G_USEC_PER_SEC;
  g_assert_cmpuint (burst (limit, "192.0.2.1:1000", 100, now), ==, SCOPE_STUN_LIMIT_BURST);

  /* Slots are used evenly: 1000 clients of one network get 20 each, all but those that share one. */
  guint answered = 0;
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *from = g_strdup_printf ("10.1.%u.%u:5000", i / 250, i % 250);
      answered += burst (limit, from, SCOPE_STUN_LIMIT_BURST, now);
    }
  g_assert_cmpuint (answered, >, 1000 * SCOPE_STUN_LIMIT_BURST * 8 / 10);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stun/samples", test_samples);
  g_test_add_func ("/stun/plain", test_plain);
  g_test_add_func ("/stun/sealed", test_sealed);
  g_test_add_func ("/stun/flipped", test_flipped);
  g_test_add_func ("/stun/others", test_others);
  g_test_add_func ("/stun/limit", test_limit);
  return g_test_run ();
}
