/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-reach.h"

#define LIST(...) ((const char *const[]) { __VA_ARGS__, NULL })
#define NONE ((const char *const[]) { NULL })

static const char *const own4[] = { "192.168.1.7:51820", NULL };

static void
test_public (void)
{
  /* Said by itself, public: there it is, whatever others saw. */
  g_assert_cmpstr (scope_reach_pick (LIST ("192.168.9.2:1", "203.0.113.5:2"), LIST ("203.0.113.9:3"), own4, NULL), ==,
                   "203.0.113.5:2");
  /* A name is somebody's word. */
  g_assert_cmpstr (scope_reach_pick (LIST ("10.0.0.1:1", "relay.example:2"), NONE, own4, NULL), ==, "relay.example:2");
}

static void
test_behind_nat (void)
{
  g_assert_cmpstr (scope_reach_pick (LIST ("192.168.9.2:1"), LIST ("203.0.113.9:3", "203.0.113.9:4"), own4,
                                     LIST ("203.0.113.77:1")),
                   ==, "203.0.113.9:3");
  /* The same NAT: inside. */
  g_assert_cmpstr (scope_reach_pick (LIST ("192.168.9.2:1"), LIST ("203.0.113.9:3"), own4, LIST ("203.0.113.9:5")), ==,
                   "192.168.9.2:1");
  /* 203.0.113.90 is another house than 203.0.113.9. */
  g_assert_cmpstr (scope_reach_pick (LIST ("192.168.9.2:1"), LIST ("203.0.113.90:3"), own4, LIST ("203.0.113.9:5")), ==,
                   "203.0.113.90:3");
  /* Seen nowhere: perhaps it is near. */
  g_assert_cmpstr (scope_reach_pick (LIST ("192.168.9.2:1"), NONE, own4, NULL), ==, "192.168.9.2:1");
  /* A registry in the same LAN sees private addresses. */
  g_assert_cmpstr (scope_reach_pick (LIST ("10.9.9.9:1"), LIST ("192.168.1.9:1"), own4, LIST ("192.168.1.7:1")), ==,
                   "192.168.1.9:1");
  g_assert_null (scope_reach_pick (NONE, NONE, own4, NULL));
}

static void
test_families (void)
{
  static const char *const own6[] = { "192.168.1.7:51820", "[2001:db8:1::7]:51820", NULL };

  /* Without IPv6 of our own theirs is of no use. */
  g_assert_cmpstr (scope_reach_pick (LIST ("[2001:db8::1]:1"), LIST ("203.0.113.9:3"), own4, NULL), ==, "203.0.113.9:3");
  g_assert_null (scope_reach_pick (LIST ("[2001:db8::1]:1"), NONE, own4, NULL));
  g_assert_cmpstr (scope_reach_pick (LIST ("[2001:db8::1]:1"), LIST ("203.0.113.9:3"), own6, NULL), ==, "[2001:db8::1]:1");
  g_assert_cmpstr (scope_reach_pick (LIST ("[fd00::1]:1"), LIST ("[2001:db8::9]:3"), own6, LIST ("[2001:db8::9]:5")), ==,
                   "[fd00::1]:1");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reach/public", test_public);
  g_test_add_func ("/reach/behind-nat", test_behind_nat);
  g_test_add_func ("/reach/families", test_families);
  return g_test_run ();
}
