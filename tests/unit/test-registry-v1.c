/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A v1 network of a registry, as its peers and its root see it (data/protocol.md, sections 5 and 7). */
#include "v1-fixture.h"

#include "test-log.h"

#include <string.h>

/* Getting in */

static void
test_token (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autofree char *token_a = invite (&f, 3600);
    g_autofree char *token_b = invite (&f, 3600);
    g_autofree char *address_a = NULL;
    g_autofree char *address_b = NULL;
    g_autoptr (ScopeV1Message) join = NULL;
    g_autoptr (ScopeV1Message) leave = NULL;

    peer_join (a, token_a);
    address_a = address_of (a->grant);
    g_assert_cmpstr (address_a, ==, "10.77.0.1/32");
    g_assert_cmpuint (last_roster->since, ==, 0);
    g_assert_cmpuint (last_roster->peers->len, ==, 1);

    peer_join (b, token_b);
    address_b = address_of (b->grant);
    g_assert_cmpstr (address_b, ==, "10.77.0.2/32");
    g_assert_cmpuint (last_roster->peers->len, ==, 2);

    join = peer_expect (a, SCOPE_V1_JOIN);
    ScopeV1Entry *entry = g_ptr_array_index (join->peers, 0);
    g_assert_true (scope_key_equal (&entry->key, &b->key));
    g_assert_true (entry->online);
    g_assert_cmpstr (entry->grant, ==, b->grant);
    g_assert_cmpuint (join->revision, ==, b->revision);
    peer_expect_silence (b);

    peer_close (b);
    leave = peer_expect (a, SCOPE_V1_LEAVE);
    g_assert_true (scope_key_equal (&leave->key, &b->key));
    g_assert_cmpuint (leave->revision, ==, join->revision + 1);
  }
  fixture_stop (&f);
}

static void
test_kex_routing (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autoptr (Peer) c = peer_new (&f, 3);
    g_autofree char *token_a = invite (&f, 3600);
    g_autofree char *token_b = invite (&f, 3600);
    g_autofree char *token_c = invite (&f, 3600);
    g_autoptr (JsonObject) body = json_object_new ();
    g_autofree char *text = NULL;
    g_autofree char *again = NULL;

    peer_join (a, token_a);
    peer_join (b, token_b);
    peer_join (c, token_c);
    scope_v1_message_free (peer_expect (a, SCOPE_V1_JOIN));
    scope_v1_message_free (peer_expect (a, SCOPE_V1_JOIN));
    scope_v1_message_free (peer_expect (b, SCOPE_V1_JOIN));

    json_object_set_int_member (body, "x", 7);
    text = scope_v1_format_kex ("kex.ct", body, "to", &b->key);
    peer_send_text (a, text);
    {
      g_autoptr (ScopeV1Message) got = peer_expect (b, SCOPE_V1_KEX);

      g_assert_cmpstr (got->name, ==, "kex.ct");
      g_assert_true (scope_key_equal (&got->other, &a->key));
      g_assert_true (json_object_has_member (got->body, "from"));
      g_assert_false (json_object_has_member (got->body, "to"));
      g_assert_cmpint (json_object_get_int_member (got->body, "x"), ==, 7);
    }
    peer_expect_silence (c);
    peer_expect_silence (a);

    /* Who is not there cannot be reached, and the session goes on. */
    peer_close (b);
    scope_v1_message_free (peer_expect (a, SCOPE_V1_LEAVE));
    peer_send_text (a, text);
    peer_expect_error (a, "busy");
    again = scope_v1_format_kex ("kex.ct", body, "to", &c->key);
    peer_send_text (a, again);
    scope_v1_message_free (peer_expect (c, SCOPE_V1_LEAVE));
    scope_v1_message_free (peer_expect (c, SCOPE_V1_KEX));

    /* Nobody speaks for another one. */
    peer_send_text (a, "{\"t\":\"kex.ct\",\"d\":{\"from\":\"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\"}}");
    peer_expect_error (a, "malformed");
  }
  fixture_stop (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  test_log_init ();
  g_test_add_func ("/v1/token", test_token);
  g_test_add_func ("/v1/kex-routing", test_kex_routing);
  return g_test_run ();
}
