/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-candidates: which endpoints are said, in which order a peer's are tried, and which of two is taken.
 */
#include "net/scope-candidates.h"

#include <string.h>

#define LIST(...) ((const char *const[]) { __VA_ARGS__, NULL })

static void
test_say (void)
{
  const ScopeCandidates own = {
    .configured = LIST ("home.example:51820", "192.0.2.80:51820"),
    .local = LIST ("[2001:db8::5]:51820", "192.168.1.5:51820", "127.0.0.1:51820", "[fe80::1]:51820", "169.254.1.1:51820",
                   "[::1]:51820", "192.168.1.5:51820"),
    .reflexive = LIST ("192.0.2.1:40000", "192.0.2.80:51820"),
    .observed = LIST ("192.0.2.1:40000", "192.0.2.2:40001", "nonsense"),
  };
  g_auto (GStrv) said = scope_candidates_say (&own);
  g_autofree char *line = g_strjoinv (" ", said);
  const ScopeCandidates none = { 0 };
  g_auto (GStrv) nothing = scope_candidates_say (&none);

  g_assert_cmpstr (line, ==, "192.0.2.80:51820 192.168.1.5:51820 [2001:db8::5]:51820 192.0.2.1:40000 192.0.2.2:40001");
  g_assert_nonnull (nothing);
  g_assert_null (nothing[0]);
}

static void
test_say_many (void)
{
  g_autoptr (GPtrArray) many = g_ptr_array_new_with_free_func (g_free);

  for (int i = 0; i < 100; i++)
    g_ptr_array_add (many, g_strdup_printf ("10.0.0.%d:1", i + 1));
  g_ptr_array_add (many, NULL);
  const ScopeCandidates own = { .configured = LIST ("192.0.2.1:1"), .local = (const char *const *) many->pdata };
  g_auto (GStrv) said = scope_candidates_say (&own);
  g_autoptr (GArray) order = scope_candidates_order ((const char *const *) many->pdata, NULL);

  g_assert_cmpuint (g_strv_length (said), ==, SCOPE_CANDIDATES_MAX);
  g_assert_cmpstr (said[0], ==, "192.0.2.1:1");
  g_assert_cmpuint (order->len, ==, SCOPE_CANDIDATES_MAX);
}

static void
assert_order (const char *const *theirs, const char *const *own, const char *expected)
{
  g_autoptr (GArray) order = scope_candidates_order (theirs, own);
  g_autoptr (GString) line = g_string_new (NULL);

  for (guint i = 0; i < order->len; i++)
    {
      g_autofree char *text = scope_sockaddr_format (&g_array_index (order, ScopeSockaddr, i));
      g_string_append_printf (line, "%s%s", i ? " " : "", text);
    }
  g_assert_cmpstr (line->str, ==, expected);
}

static void
test_order (void)
{
  const char *const *own = LIST ("192.168.1.5:51820", "[2001:db8:1::5]:51820", "192.0.2.1:51820");
  const char *const *own4 = LIST ("192.168.1.5:51820", "192.0.2.1:51820");

  /* Elsewhere: its LAN may be ours by accident, so it comes last; within a kind as they say */
  assert_order (LIST ("192.168.1.7:1", "203.0.113.7:2", "[2001:db8:7::7]:3", "203.0.113.8:4"), own,
                "[2001:db8:7::7]:3 203.0.113.7:2 203.0.113.8:4 192.168.1.7:1");
  /* Behind our NAT: what it has in the LAN first, the NAT's own address last */
  assert_order (LIST ("192.0.2.1:40000", "203.0.113.7:2", "[2001:db8:1::7]:3", "192.168.1.7:1"), own,
                "192.168.1.7:1 [2001:db8:1::7]:3 203.0.113.7:2 192.0.2.1:40000");
  assert_order (LIST ("192.0.2.1:40000", "192.168.1.7:1"), own4, "192.168.1.7:1 192.0.2.1:40000");
  /* No IPv6 here */
  assert_order (LIST ("[2001:db8:7::7]:3", "203.0.113.7:2"), own4, "203.0.113.7:2");
  /* Nobody knows what we have */
  assert_order (LIST ("203.0.113.7:2", "[2001:db8:7::7]:3"), NULL, "[2001:db8:7::7]:3 203.0.113.7:2");
  /* What cannot be, twice, ourselves */
  assert_order (LIST ("127.0.0.1:1", "0.0.0.0:1", "224.0.0.1:1", "255.255.255.255:1", "[::1]:1", "[fe80::1]:1", "[ff02::1]:1",
                      "[::]:1", "[::ffff:192.0.2.1]:1", "169.254.1.1:1", "name.example:1", "203.0.113.7:2", "203.0.113.7:2",
                      "192.168.1.5:51820"),
                own, "203.0.113.7:2");
  /* The same private address on both sides is no common NAT; unique local IPv6 is private */
  assert_order (LIST ("192.168.1.5:9", "[fd00::1]:9", "203.0.113.7:9"), own, "203.0.113.7:9 192.168.1.5:9 [fd00::1]:9");
  assert_order (NULL, own, "");
}

static gboolean
better (const char *a, guint rtt_a, const char *b, guint rtt_b)
{
  ScopeSockaddr x, y;

  g_assert_true (scope_sockaddr_parse (&x, a) && scope_sockaddr_parse (&y, b));
  return scope_candidates_better (&x, rtt_a, &y, rtt_b);
}

#define IP4 "192.0.2.1:1"
#define IP4B "192.0.2.2:1"
#define IP6 "[2001:db8::1]:1"

static void
test_better (void)
{
  g_assert_true (better (IP6, 50, IP4, 50));
  g_assert_true (better (IP6, 70, IP4, 50));
  g_assert_false (better (IP6, 71, IP4, 50));
  g_assert_false (better (IP4, 50, IP6, 70));
  g_assert_true (better (IP4, 50, IP6, 71));
  g_assert_true (better (IP4, 49, IP4B, 50));
  g_assert_false (better (IP4, 50, IP4B, 50));
  /* Never both, never for nothing: whoever is there is kept unless the other is better */
  for (guint a = 1; a < 60; a++)
    for (guint b = 1; b < 60; b++)
      g_assert_false (better (IP4, a, IP6, b) && better (IP6, b, IP4, a));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/candidates/say", test_say);
  g_test_add_func ("/candidates/say-many", test_say_many);
  g_test_add_func ("/candidates/order", test_order);
  g_test_add_func ("/candidates/better", test_better);
  return g_test_run ();
}
