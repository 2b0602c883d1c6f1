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

static void
test_own (void)
{
  g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_MOVE);
  ScopeKey own = { { 1 } }, other = { { 2 } };
  g_auto (GStrv) observed = NULL;
  ScopeV1Entry *entry = scope_v1_entry_new (&other);

  g_assert_false (scope_reach_note_own (&observed, message, &own));
  message->peers = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_v1_entry_free);
  g_ptr_array_add (message->peers, entry);
  entry->observed = g_strsplit ("203.0.113.9:3", " ", -1);
  g_assert_false (scope_reach_note_own (&observed, message, &own));
  g_assert_null (observed);
  entry->key = own;
  g_assert_true (scope_reach_note_own (&observed, message, &own));
  g_assert_cmpstr (observed[0], ==, "203.0.113.9:3");
  g_assert_false (scope_reach_note_own (&observed, message, &own));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reach/public", test_public);
  g_test_add_func ("/reach/behind-nat", test_behind_nat);
  g_test_add_func ("/reach/families", test_families);
  g_test_add_func ("/reach/own", test_own);
  return g_test_run ();
}
