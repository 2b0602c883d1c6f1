/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A v1 network of a registry, as its peers and its root see it (data/protocol.md, sections 5 and 7). */
#include "v1-fixture.h"

#include "registry/registry-v1-session.h"
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

/* A hello with @member set; the answer must be this error. */
static void
expect_refused (Peer *peer, ScopeV1Message *taken, const char *code)
{
  g_autoptr (ScopeV1Message) hello = taken;

  peer_send (peer, hello);
  peer_expect_error (peer, code);
}

static void
refused (Peer *peer, const char *token, const char *code)
{
  peer_connect (peer);
  expect_refused (peer, peer_make_hello (peer, token), code);
}

static void
forget (Peer *peer, ScopeV1Type type)
{
  scope_v1_message_free (peer_expect (peer, type));
}

static void
test_token_refused (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autofree char *token = invite (&f, 3600);
    g_autofree char *late = invite (&f, 1);
    g_autofree char *unknown = scope_token_new ();
    g_autofree char *address = NULL;
    g_autofree char *again = NULL;

    refused (a, NULL, "not-admitted");
    refused (a, unknown, "not-admitted");
    peer_join (a, token);
    address = address_of (a->grant);
    refused (b, token, "token-used");
    /* Who used it comes again, with it or without. */
    peer_join (a, token);
    peer_join (a, NULL);
    again = address_of (a->grant);
    g_assert_cmpstr (address, ==, again);
    run_main_loop (1100);
    refused (b, late, "token-expired");
    test_log_expect ("token-used");
  }
  fixture_stop (&f);

  fixture_start (&f, ",\"admission\":[\"granted\"]");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autofree char *token = invite (&f, 3600);

    refused (a, token, "not-admitted");
  }
  fixture_stop (&f);
}

/* Two who show one token in one turn of the loop: before anything of the first is committed. */
static void
test_token_race (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autofree char *token = invite (&f, 3600);
    g_autoptr (ScopeV1Message) hello_a = NULL;
    g_autoptr (ScopeV1Message) hello_b = NULL;
    guint welcomes = 0, errors = 0;

    peer_connect (a);
    peer_connect (b);
    hello_a = peer_make_hello (a, token);
    hello_b = peer_make_hello (b, token);
    peer_send (a, hello_a);
    peer_send (b, hello_b);
    wait_until (a->inbox.length && b->inbox.length);
    for (guint i = 0; i < 2; i++)
      {
        ScopeV1Message *first = g_queue_peek_head (i ? &b->inbox : &a->inbox);

        welcomes += first->type == SCOPE_V1_WELCOME;
        errors += first->type == SCOPE_V1_ERROR && g_str_equal (first->code, "token-used");
      }
    g_assert_cmpuint (welcomes, ==, 1);
    g_assert_cmpuint (errors, ==, 1);
  }
  fixture_stop (&f);
}

static void
test_proof (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autofree char *token = invite (&f, 3600);
    g_autofree char *nonce = NULL;
    ScopeV1Message *hello;

    /* The proof of another session */
    peer_connect (a);
    nonce = g_strdup (a->nonce);
    peer_connect (a);
    g_free (a->nonce);
    a->nonce = g_strdup (nonce);
    expect_refused (a, peer_make_hello (a, token), "denied");

    /* Of another identity */
    peer_connect (a);
    g_free (b->nonce);
    b->nonce = g_strdup (a->nonce);
    hello = peer_make_hello (a, token);
    {
      g_autoptr (ScopeV1Message) other = peer_make_hello (b, token);
      g_free (hello->proof);
      hello->proof = g_steal_pointer (&other->proof);
    }
    expect_refused (a, hello, "denied");

    /* Something else first, something that is no frame, hello twice */
    peer_connect (a);
    peer_send_text (a, "{\"t\":\"leave\",\"d\":{}}");
    peer_expect_error (a, "malformed");
    peer_connect (a);
    peer_send_text (a, "[");
    peer_expect_error (a, "malformed");
    peer_join (a, token);
    expect_refused (a, peer_make_hello (a, NULL), "malformed");
  }
  fixture_stop (&f);
}

static char *
root_grant (Fixture *f, const Peer *peer, ScopeRole role, const char *ranges, gint64 offset)
{
  g_autoptr (GArray) list = scope_prefix_parse_list (ranges, 8, NULL);
  ScopeGrant grant = { .network = (char *) "home", .identity = scope_identity_public (peer->identity), .key = peer->key,
                       .ranges = list, .role = role, .issued = g_get_real_time () / G_USEC_PER_SEC + offset,
                       .expires = g_get_real_time () / G_USEC_PER_SEC + 86400 };
  g_autofree char *payload = scope_grant_format (&grant);

  return root_signs (f, SCOPE_TYP_GRANT, payload);
}

static void
test_granted (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autoptr (Peer) c = peer_new (&f, 3);
    g_autofree char *shown = root_grant (&f, a, SCOPE_ROLE_RELAY, "10.77.0.1/32,10.77.0.2/31,192.168.7.0/24", -5);
    g_autofree char *held = root_grant (&f, b, SCOPE_ROLE_MASTER, "10.77.0.200/32", -5);
    g_autofree char *token = invite (&f, 3600);
    g_autofree char *address = NULL;
    ScopeV1Message *hello;

    peer_connect (a);
    hello = peer_make_hello (a, NULL);
    hello->grant = g_strdup (shown);
    peer_send (a, hello);
    scope_v1_message_free (hello);
    {
      g_autoptr (ScopeV1Message) welcome = peer_expect (a, SCOPE_V1_WELCOME);
      g_assert_cmpstr (welcome->grant, ==, shown);
    }
    forget (a, SCOPE_V1_ROSTER);

    /* A stranger's copy */
    peer_connect (c);
    hello = peer_make_hello (c, NULL);
    hello->grant = g_strdup (shown);
    expect_refused (c, hello, "denied");

    /* The registry holds it; nobody hears of b before it comes. */
    post_good (&f, held);
    peer_expect_silence (a);
    peer_join (b, NULL);
    g_assert_cmpstr (b->grant, ==, held);
    forget (a, SCOPE_V1_JOIN);

    /* The lowest address that is free beside what is granted */
    peer_join (c, token);
    address = address_of (c->grant);
    g_assert_cmpstr (address, ==, "10.77.0.4/32");
  }
  fixture_stop (&f);
}

/* The root grants an address that somebody has on the registry's word: that one gets another. */
static void
test_make_room (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autofree char *token = invite (&f, 3600);
    g_autofree char *grant = root_grant (&f, b, SCOPE_ROLE_EDGE, "10.77.0.1/32", -5);
    g_autoptr (ScopeV1Message) got = NULL;
    g_autofree char *address = NULL;

    peer_join (a, token);
    post_good (&f, grant);
    forget (a, SCOPE_V1_MOVE);
    got = peer_expect (a, SCOPE_V1_GRANT);
    address = address_of (got->grant);
    g_assert_cmpstr (address, ==, "10.77.0.2/32");
    g_assert_cmpuint (g_strv_length (got->delegations), ==, 1);
  }
  fixture_stop (&f);
}

static void
test_listed (void)
{
  char key[SCOPE_KEY_BASE64_LEN + 1];
  g_autofree char *listed = NULL;
  ScopeKey one;
  Fixture f;

  memset (one.bytes, 1, sizeof one.bytes);
  listed = g_strdup_printf (",\"listed\":{\"%s\":{\"role\":\"relay\",\"name\":\"gate\"}}", scope_key_to_base64 (&one, key));
  fixture_start (&f, listed);
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autoptr (JsonObject) grant = NULL;

    peer_join (a, NULL);
    grant = payload_of (a->grant);
    g_assert_cmpstr (json_object_get_string_member (grant, "role"), ==, "relay");
    g_assert_cmpstr (json_object_get_string_member (grant, "name"), ==, "gate");
    refused (b, NULL, "not-admitted");
    /* The key is the first one's who came with it. */
    b->key = a->key;
    refused (b, NULL, "denied");
    test_log_expect ("belongs to another identity");
    /* And an identity keeps its key. */
    memset (a->key.bytes, 9, sizeof a->key.bytes);
    refused (a, NULL, "denied");
  }
  fixture_stop (&f);
}

/* A day, every half hour: so that it is no jump of the clock. */
static void
pass_a_day (Fixture *f, gint64 from)
{
  for (gint64 t = 0; t <= REGISTRY_PATIENCE_MSEC + REGISTRY_JUMP_MSEC; t += REGISTRY_JUMP_MSEC / 2)
    registry_mesh_sweep (fixture_mesh (f), TRUE, from + t);
}

static void
test_full (void)
{
  Fixture f;
  fixture_start_with_pool (&f, "", "10.77.0.0/30");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autoptr (Peer) c = peer_new (&f, 3);
    g_autofree char *token_a = invite (&f, 3600);
    g_autofree char *token_b = invite (&f, 3600);
    g_autofree char *token_c = invite (&f, 3600);
    g_autofree char *address = NULL;

    peer_join (a, token_a);
    peer_join (b, token_b);
    refused (c, token_c, "full");
    /* The token is still good when there is room again. */
    peer_close (a);
    pass_a_day (&f, g_get_real_time () / 1000 + REGISTRY_AWAY_MSEC + 60000);
    run_main_loop (10);
    peer_join (c, token_c);
    address = address_of (c->grant);
    g_assert_cmpstr (address, ==, "10.77.0.1/32");
  }
  fixture_stop (&f);
}

/* Sessions */

static void
test_replaced (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) again = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autofree char *token_a = invite (&f, 3600);
    g_autofree char *token_b = invite (&f, 3600);
    g_autoptr (JsonObject) body = json_object_new ();
    g_autofree char *text = NULL;

    peer_join (b, token_b);
    peer_join (a, token_a);
    forget (b, SCOPE_V1_JOIN);
    peer_join (again, NULL);
    peer_expect_error (a, "replaced");
    peer_expect_silence (b);
    text = scope_v1_format_kex ("kex.ct", body, "to", &a->key);
    peer_send_text (b, text);
    forget (again, SCOPE_V1_KEX);
  }
  fixture_stop (&f);
}

static void
join_since (Peer *peer, const char *generation, guint64 since)
{
  g_autoptr (ScopeV1Message) hello = NULL;

  peer_connect (peer);
  hello = peer_make_hello (peer, NULL);
  hello->generation = g_strdup (generation);
  hello->since = since;
  peer_send (peer, hello);
  forget (peer, SCOPE_V1_WELCOME);
  g_clear_pointer (&last_roster, scope_v1_message_free);
  last_roster = peer_expect (peer, SCOPE_V1_ROSTER);
  g_assert_false (last_roster->more);
}

static void
test_since (void)
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
    guint64 since;

    peer_join (b, token_b);
    peer_join (a, token_a);
    since = a->revision;
    peer_join (c, token_c);

    /* Itself (it left and came) and c, not b */
    join_since (a, a->generation, since);
    g_assert_cmpuint (last_roster->since, ==, since);
    g_assert_cmpuint (last_roster->peers->len, ==, 2);
    g_assert_cmpuint (last_roster->gone->len, ==, 0);
    since = last_roster->revision;

    run_main_loop (50);
    g_queue_clear_full (&b->inbox, (GDestroyNotify) scope_v1_message_free);
    registry_mesh_remove (fixture_mesh (&f), registry_members_find_key (fixture_mesh (&f)->members, &b->key), "not-admitted");
    peer_expect_error (b, "not-admitted");
    {
      g_autoptr (ScopeV1Message) gone = peer_expect (a, SCOPE_V1_GONE);
      g_assert_true (scope_key_equal (&gone->key, &b->key));
      g_assert_cmpuint (gone->revision, >, since);
    }
    join_since (a, a->generation, since);
    g_assert_cmpuint (last_roster->gone->len, ==, 1);
    g_assert_true (scope_key_equal (&g_array_index (last_roster->gone, ScopeKey, 0), &b->key));

    /* What it has is of another generation, or of the future */
    join_since (a, "other", since);
    g_assert_cmpuint (last_roster->since, ==, 0);
    g_assert_cmpuint (last_roster->peers->len, ==, 2);
    join_since (a, a->generation, since + 1000);
    g_assert_cmpuint (last_roster->since, ==, 0);
  }
  fixture_stop (&f);
}

static void
send_record (Peer *peer, guint64 sequence, const char *endpoint)
{
  g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_RECORD);

  message->record = peer_record (peer, sequence, endpoint);
  peer_send (peer, message);
}

static void
test_record (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autofree char *token_a = invite (&f, 3600);
    g_autofree char *token_b = invite (&f, 3600);
    g_autofree char *grant = NULL;

    peer_join (a, token_a);
    peer_join (b, token_b);
    forget (a, SCOPE_V1_JOIN);

    send_record (b, 7, "192.0.2.1:1");
    {
      g_autoptr (ScopeV1Message) move = peer_expect (a, SCOPE_V1_MOVE);
      g_autoptr (JsonObject) record = payload_of (((ScopeV1Entry *) g_ptr_array_index (move->peers, 0))->record);

      g_assert_cmpint (json_object_get_int_member (record, "sequence"), ==, 7);
      g_assert_true (scope_key_equal (&((ScopeV1Entry *) g_ptr_array_index (move->peers, 0))->key, &b->key));
    }
    forget (b, SCOPE_V1_MOVE); /* its own, too */

    /* An old one, and a fork: nobody hears of them, the session goes on. */
    send_record (b, 6, "192.0.2.1:2");
    send_record (b, 7, "192.0.2.1:3");
    peer_expect_silence (a);
    test_log_expect ("two records with sequence 7");
    send_record (b, 8, "192.0.2.1:4");
    forget (a, SCOPE_V1_MOVE);
    forget (b, SCOPE_V1_MOVE);

    /* Ranges that it does not have */
    grant = g_steal_pointer (&b->grant);
    b->grant = g_strdup (a->grant);
    send_record (b, 9, "192.0.2.1:5");
    peer_expect_error (b, "denied");
    forget (a, SCOPE_V1_LEAVE);

    /* With the next hello an old one does not come back. */
    fixture_restart (&f, "");
    g_free (b->grant);
    b->grant = g_strdup (grant);
    peer_connect (b);
    {
      g_autoptr (ScopeV1Message) hello = peer_make_hello (b, NULL);

      hello->record = peer_record (b, 7, "192.0.2.1:6");
      peer_send (b, hello);
    }
    forget (b, SCOPE_V1_WELCOME);
    {
      g_autoptr (ScopeV1Message) roster = peer_expect (b, SCOPE_V1_ROSTER);

      for (guint i = 0; i < roster->peers->len; i++)
        {
          ScopeV1Entry *entry = g_ptr_array_index (roster->peers, i);
          g_autoptr (JsonObject) record = entry->record ? payload_of (entry->record) : NULL;

          if (scope_key_equal (&entry->key, &b->key))
            g_assert_cmpint (json_object_get_int_member (record, "sequence"), ==, 8);
        }
    }
  }
  fixture_stop (&f);
}

static void
test_kex_key (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autofree char *token_a = invite (&f, 3600);
    g_autofree char *token_b = invite (&f, 3600);
    g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_KEX_KEY);

    peer_join (a, token_a);
    peer_join (b, token_b);
    forget (a, SCOPE_V1_JOIN);
    message->kex = peer_kex (b, 5);
    peer_send (b, message);
    {
      g_autoptr (ScopeV1Message) got = peer_expect (a, SCOPE_V1_KEX_KEY);

      g_assert_true (got->has_other && scope_key_equal (&got->other, &b->key));
      g_assert_cmpstr (got->kex, ==, message->kex);
    }
    /* It is in the roster, also after a restart. */
    fixture_restart (&f, "");
    peer_join (a, NULL);
    for (guint i = 0; i < last_roster->peers->len; i++)
      {
        ScopeV1Entry *entry = g_ptr_array_index (last_roster->peers, i);
        g_assert_cmpstr (entry->kex, ==, scope_key_equal (&entry->key, &b->key) ? message->kex : NULL);
      }
    /* Of another one's key */
    g_free (message->kex);
    a->key = b->key;
    message->kex = peer_kex (a, 6);
    peer_send (a, message);
    peer_expect_error (a, "denied");
  }
  fixture_stop (&f);
}

static void
test_report (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autofree char *token_a = invite (&f, 3600);
    g_autofree char *token_b = invite (&f, 3600);
    g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_REPORT);

    peer_join (a, token_a);
    peer_join (b, token_b);
    forget (a, SCOPE_V1_JOIN);
    message->observed = g_hash_table_new (scope_key_hash, scope_key_equal);
    g_hash_table_insert (message->observed, &a->key, (char *) "192.0.2.7:51820");
    g_hash_table_insert (message->observed, &b->key, (char *) "192.0.2.8:51820"); /* of itself: no */
    peer_send (b, message);
    {
      g_autoptr (ScopeV1Message) move = peer_expect (b, SCOPE_V1_MOVE);
      ScopeV1Entry *entry = g_ptr_array_index (move->peers, 0);

      g_assert_true (scope_key_equal (&entry->key, &a->key));
      g_assert_cmpstr (entry->observed[0], ==, "192.0.2.7:51820");
      g_assert_null (entry->observed[1]);
    }
    /* The same once more is no news; another one waits until it may change again. */
    peer_send (b, message);
    g_hash_table_insert (message->observed, &a->key, (char *) "192.0.2.9:51820");
    peer_send (b, message);
    peer_expect_silence (b);
    registry_mesh_sweep (fixture_mesh (&f), FALSE, g_get_real_time () / 1000 + REGISTRY_OBSERVED_MSEC);
    {
      g_autoptr (ScopeV1Message) move = peer_expect (b, SCOPE_V1_MOVE);
      g_assert_cmpstr (((ScopeV1Entry *) g_ptr_array_index (move->peers, 0))->observed[0], ==, "192.0.2.9:51820");
    }
  }
  fixture_stop (&f);
}

static void
test_ping_and_limits (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autofree char *token_a = invite (&f, 3600);
    g_autofree char *token_b = invite (&f, 3600);
    g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_RECORD);

    peer_join (a, token_a);
    peer_send_text (a, "{\"t\":\"ping\",\"d\":{\"n\":7}}");
    {
      g_autoptr (ScopeV1Message) ping = peer_expect (a, SCOPE_V1_PING);

      g_assert_cmpuint (ping->n, ==, 7);
      g_assert_cmpint (ABS (ping->time - g_get_real_time () / 1000), <, 2000);
    }
    peer_send_text (a, "{\"t\":\"hello again\",\"d\":{}}");
    peer_expect_silence (a);

    /* Too many */
    for (guint i = 0; i < REGISTRY_V1_MESSAGES_BURST + 100; i++)
      peer_send_text (a, "{\"t\":\"x\",\"d\":{}}");
    peer_expect_error (a, "too-fast");

    /* Fewer of those that cost a verification */
    peer_join (b, token_b);
    message->record = peer_record (b, 1, "192.0.2.1:1");
    for (guint i = 0; i < REGISTRY_V1_SIGNED_BURST + 5; i++)
      peer_send (b, message);
    forget (b, SCOPE_V1_MOVE);
    peer_expect_error (b, "too-fast");

    /* More than a frame may have */
    peer_join (b, NULL);
    {
      g_autofree char *big = g_strnfill (SCOPE_V1_TO_REGISTRY_MAX + 1, ' ');
      peer_send_text (b, big);
      wait_until (b->closed);
      g_assert_cmpuint (soup_websocket_connection_get_close_code (b->ws), ==, 1009);
    }
  }
  fixture_stop (&f);
}

/* More than a frame of roster */
static void
test_large_roster (void)
{
  enum { N = 40 };
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) last = peer_new (&f, 1);
    g_autofree char *token = invite (&f, 3600);
    guint frames = 0, entries = 0;
    gboolean more = TRUE;

    for (guint i = 0; i < N; i++)
      {
        g_autoptr (Peer) peer = peer_new (&f, 2 + i);
        g_autofree char *one = invite (&f, 3600);

        peer_join (peer, one);
      }
    peer_connect (last);
    {
      g_autoptr (ScopeV1Message) hello = peer_make_hello (last, token);
      peer_send (last, hello);
    }
    forget (last, SCOPE_V1_WELCOME);
    while (more)
      {
        g_autoptr (ScopeV1Message) roster = peer_expect (last, SCOPE_V1_ROSTER);

        frames++;
        entries += roster->peers->len;
        more = roster->more;
        g_assert_cmpuint (roster->since, ==, 0);
      }
    g_assert_cmpuint (frames, >, 1);
    g_assert_cmpuint (entries, ==, N + 1);
  }
  fixture_stop (&f);
}

/* What the root says */

static char *
revocation (Fixture *f, guint64 counter, const char *fingerprint)
{
  char *identities[] = { (char *) fingerprint, NULL };
  ScopeRevocation data = { .network = (char *) "home", .counter = counter, .issued = g_get_real_time () / G_USEC_PER_SEC,
                           .identities = identities };
  g_autofree char *payload = scope_revocation_format (&data);

  return root_signs (f, SCOPE_TYP_REVOCATION, payload);
}

/* With the root's own word for it. */
static void
refused_revoked (Peer *peer, const char *token)
{
  g_autoptr (ScopeV1Message) hello = NULL;

  peer_connect (peer);
  hello = peer_make_hello (peer, token);
  peer_send (peer, hello);
  forget (peer, SCOPE_V1_REVOCATION);
  peer_expect_error (peer, "revoked");
}

static void
test_revocation (void)
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
    g_autofree char *address = NULL;
    g_autofree char *text = revocation (&f, 3, scope_identity_public_fingerprint (scope_identity_public (a->identity)));
    g_autofree char *older = revocation (&f, 2, scope_identity_public_fingerprint (scope_identity_public (b->identity)));

    peer_join (a, token_a);
    peer_join (b, token_b);
    forget (a, SCOPE_V1_JOIN);
    post_good (&f, text);
    forget (a, SCOPE_V1_REVOCATION);
    peer_expect_error (a, "revoked");
    forget (b, SCOPE_V1_REVOCATION);
    {
      g_autoptr (ScopeV1Message) gone = peer_expect (b, SCOPE_V1_GONE);
      g_assert_true (scope_key_equal (&gone->key, &a->key));
    }
    post_bad (&f, text, 409, "stale");
    post_bad (&f, older, 409, "stale");
    refused_revoked (a, token_a);
    fixture_restart (&f, "");
    refused_revoked (a, NULL);
    post_bad (&f, text, 409, "stale");

    /* Its address is free again. */
    peer_join (c, token_c);
    address = address_of (c->grant);
    g_assert_cmpstr (address, ==, "10.77.0.1/32");
  }
  fixture_stop (&f);
}

static char *
make_kill (Fixture *f, guint64 counter, gint64 offset)
{
  ScopeKill data = { .network = (char *) "home", .counter = counter, .issued = g_get_real_time () / G_USEC_PER_SEC + offset };
  g_autofree char *payload = scope_kill_format (&data);

  return root_signs (f, SCOPE_TYP_KILL, payload);
}

static void
test_kill (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autofree char *token = invite (&f, 3600);
    g_autofree char *five = make_kill (&f, 5, 0);
    g_autofree char *four = make_kill (&f, 4, 0);
    g_autofree char *old = make_kill (&f, 6, -200);
    g_autofree char *six = make_kill (&f, 6, -110);
    g_autofree char *payload = g_strdup_printf ("{\"network\":\"home\",\"counter\":9,\"issued\":%" G_GINT64_FORMAT "}",
                                                g_get_real_time () / G_USEC_PER_SEC);
    g_autofree char *forged = scope_jws_sign (f.delegate, SCOPE_TYP_KILL, payload, NULL);

    peer_join (a, token);
    post_bad (&f, forged, 403, "denied");
    post_bad (&f, old, 403, "denied");
    peer_expect_silence (a);
    post_good (&f, five);
    test_log_expect ("the root kills it (counter 5");
    g_ptr_array_set_size (test_log_warnings, 0);
    {
      g_autoptr (ScopeV1Message) kill = peer_expect (a, SCOPE_V1_KILL);
      g_assert_cmpstr (kill->kill, ==, five);
    }
    post_bad (&f, five, 409, "stale");
    post_bad (&f, four, 409, "stale");

    /* Who comes within its time hears of it, also after a restart. */
    fixture_restart (&f, "");
    post_bad (&f, five, 409, "stale");
    peer_connect (a);
    {
      g_autoptr (ScopeV1Message) hello = peer_make_hello (a, NULL);
      g_autoptr (ScopeV1Message) welcome = NULL;

      peer_send (a, hello);
      welcome = peer_expect (a, SCOPE_V1_WELCOME);
      g_assert_cmpstr (welcome->kill, ==, five);
    }
    /* And who comes later does not. */
    post_good (&f, six);
    g_ptr_array_set_size (test_log_warnings, 0);
    fixture_mesh (&f)->kill_issued -= 20;
    peer_connect (a);
    {
      g_autoptr (ScopeV1Message) hello = peer_make_hello (a, NULL);
      g_autoptr (ScopeV1Message) welcome = NULL;

      peer_send (a, hello);
      welcome = peer_expect (a, SCOPE_V1_WELCOME);
      g_assert_null (welcome->kill);
    }
  }
  fixture_stop (&f);
}

static void
test_disabled (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autofree char *token = invite (&f, 3600);
    guint status;

    peer_join (a, token);
    fixture_reload (&f, ",\"heartbeat\":5");
    f.port = registry_server_get_port (f.server);
    peer_expect_silence (a);
    peer_send_text (a, "{\"t\":\"ping\",\"d\":{\"n\":1}}");
    forget (a, SCOPE_V1_PING); /* sessions stay */

    fixture_reload (&f, ",\"killed\":true");
    f.port = registry_server_get_port (f.server);
    peer_expect_error (a, "disabled");
    test_log_expect ("switched off");
    refused (a, NULL, "disabled");
    {
      g_autofree char *text = get (&f, "/v1/home", &status);
      g_assert_cmpuint (status, ==, 200);
      g_assert_nonnull (strstr (text, "\"disabled\":true"));
    }
    fixture_reload (&f, "");
    f.port = registry_server_get_port (f.server);
    peer_join (a, NULL);
  }
  fixture_stop (&f);
}

static void
test_query (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autofree char *token = invite (&f, 3600);
    g_autofree char *payload = g_strdup_printf ("{\"network\":\"home\",\"issued\":%" G_GINT64_FORMAT ",\"what\":\"peers\"}",
                                                g_get_real_time () / G_USEC_PER_SEC);
    g_autofree char *good = root_signs (&f, SCOPE_TYP_QUERY, payload);
    g_autofree char *forged = scope_jws_sign (f.delegate, SCOPE_TYP_QUERY, payload, NULL);
    g_autofree char *answer = NULL;
    g_autofree char *nothing = NULL, *list = NULL;
    g_autofree char *info = NULL;
    guint status;

    peer_join (a, token);
    peer_send_text (a, "{\"t\":\"kex.state\",\"d\":{\"epoch\":4,\"hasKeyBroadcast\":true,"
                       "\"peers\":{\"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\":[2,3]}}}");
    peer_expect_silence (a);
    answer = post (&f, good, &status);
    g_assert_cmpuint (status, ==, 200);
    g_assert_nonnull (strstr (answer, "\"online\":true"));
    g_assert_nonnull (strstr (answer, "\"kex\":{\"epoch\":4,\"peers\":1,\"haveKey\":1,\"npq\":[0,0,1],\"pq\":[0,0,0,1]}"));
    post_bad (&f, forged, 403, "denied");
    post_bad (&f, "{}", 400, "malformed");

    info = get (&f, "/v1/home", &status);
    g_assert_cmpuint (status, ==, 200);
    g_assert_nonnull (strstr (info, "\"delegations\":[{"));
    nothing = get (&f, "/v1/other", &status);
    g_assert_cmpuint (status, ==, 404);
    list = get (&f, "/networks", &status);
    g_assert_cmpstr (list, ==, "[\"home\"]");
  }
  fixture_stop (&f);
}

/* Time */

static void
test_renewal (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autofree char *token = invite (&f, 3600);
    gint64 now;

    peer_join (a, token);
    now = g_get_real_time () / 1000;
    registry_mesh_sweep (fixture_mesh (&f), TRUE, now + G_GINT64_CONSTANT (1000) * 86400 * 14);
    peer_expect_silence (a);
    registry_mesh_sweep (fixture_mesh (&f), TRUE, now + G_GINT64_CONSTANT (1000) * 86400 * 16);
    forget (a, SCOPE_V1_MOVE);
    {
      g_autoptr (ScopeV1Message) got = peer_expect (a, SCOPE_V1_GRANT);
      g_autoptr (JsonObject) before = payload_of (a->grant);
      g_autoptr (JsonObject) after = payload_of (got->grant);

      g_assert_cmpint (json_object_get_int_member (after, "expires") - json_object_get_int_member (before, "expires"), >=, 15 * 86400);
      g_assert_cmpstr (json_object_get_string_member (after, "name"), ==, "guest");
      g_assert_cmpstr (json_array_get_string_element (json_object_get_array_member (after, "ranges"), 1), ==, "fd77::1/128");
    }
  }
  fixture_stop (&f);
}

static void
test_away (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autofree char *token_a = invite (&f, 3600);
    g_autofree char *token_b = invite (&f, 3600);
    gint64 now;

    peer_join (a, token_a);
    peer_join (b, token_b);
    forget (a, SCOPE_V1_JOIN);
    peer_send_text (b, "{\"t\":\"leave\",\"d\":{}}");
    forget (a, SCOPE_V1_LEAVE);
    now = g_get_real_time () / 1000;
    peer_join (a, NULL);
    g_assert_cmpuint (last_roster->peers->len, ==, 2); /* it stays in the roster */
    registry_mesh_sweep (fixture_mesh (&f), TRUE, now + REGISTRY_AWAY_MSEC - 60000);
    forget (a, SCOPE_V1_MOVE); /* renewed */
    forget (a, SCOPE_V1_GRANT);
    peer_expect_silence (a);
    pass_a_day (&f, now + REGISTRY_AWAY_MSEC + 60000);
    forget (a, SCOPE_V1_GONE);
    peer_expect_silence (a);
  }
  fixture_stop (&f);
}

/* After a restart: the same addresses, generation and order; the others do not notice who comes back as it was. */
static void
test_restart (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autoptr (Peer) c = peer_new (&f, 3);
    g_autofree char *token_a = invite (&f, 3600);
    g_autofree char *token_b = invite (&f, 3600);
    g_autofree char *generation = NULL;
    g_autofree char *grant = NULL;
    guint64 revision;

    peer_join (b, token_b);
    peer_join (a, token_a);
    generation = g_strdup (a->generation);
    grant = g_strdup (a->grant);
    revision = a->revision;

    fixture_restart (&f, "");
    refused (c, token_a, "token-used");
    join_since (a, generation, revision);
    g_assert_cmpuint (last_roster->since, ==, revision);
    g_assert_cmpuint (last_roster->peers->len, ==, 0); /* nothing has changed: both are there, as far as one knows */
    g_assert_cmpuint (last_roster->revision, >, revision);
    peer_join (b, NULL);
    peer_expect_silence (a);

    /* Who does not come back has left. */
    fixture_restart (&f, "");
    peer_join (a, NULL);
    g_assert_cmpstr (a->grant, ==, grant);
    g_assert_cmpstr (a->generation, ==, generation);
    registry_mesh_sweep (fixture_mesh (&f), FALSE, g_get_real_time () / 1000 + REGISTRY_PRESUMED_MSEC + 1);
    {
      g_autoptr (ScopeV1Message) leave = peer_expect (a, SCOPE_V1_LEAVE);
      g_assert_true (scope_key_equal (&leave->key, &b->key));
    }
    peer_expect_silence (a);
  }
  fixture_stop (&f);
}

static void
test_upgrade (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%u/v1/home", f.port);
    g_autoptr (SoupMessage) message = soup_message_new ("GET", url);
    SoupMessageHeaders *headers = soup_message_get_request_headers (message);

    /* Without the subprotocol there is no session. */
    soup_message_headers_append (headers, "Upgrade", "websocket");
    soup_message_headers_append (headers, "Connection", "Upgrade");
    soup_message_headers_append (headers, "Sec-WebSocket-Version", "13");
    soup_message_headers_append (headers, "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    soup_session_send_and_read_async (f.soup, message, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
    wait_until (soup_message_get_status (message));
    g_assert_cmpuint (soup_message_get_status (message), ==, 400);
  }
  fixture_stop (&f);
}

/* The store fails: nobody is told what is not kept. */
static void
test_store_fails (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autofree char *token_a = invite (&f, 3600);
    g_autofree char *token_b = invite (&f, 3600);
    g_autoptr (ScopeV1Message) hello = NULL;
    g_autofree char *address = NULL;
    RegistryStoredMember twice = { .fingerprint = "x", .identity = "x", .grant = "x" };

    peer_join (a, token_a);
    peer_connect (b);
    hello = peer_make_hello (b, token_b);
    /* A row that may not be: two members of one key */
    twice.key = a->key;
    peer_send (b, hello);
    registry_store_put_member (fixture_mesh (&f)->store, fixture_mesh (&f)->id, &twice);
    wait_until (a->closed && b->closed);
    g_assert_cmpuint (b->inbox.length, ==, 0);
    test_log_expect ("all sessions end");

    peer_join (b, token_b);
    address = address_of (b->grant);
    g_assert_cmpstr (address, ==, "10.77.0.2/32");
    peer_join (a, NULL);
  }
  fixture_stop (&f);
}

/* Who says nothing, and floods */
static void
test_strangers (void)
{
  Fixture f;
  fixture_top = ",\"limits\":{\"requestsPerMinute\":60}";
  fixture_start (&f, "");
  fixture_top = "";
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autofree char *token = invite (&f, 3600);

    peer_connect (a);
    registry_v1_sweep (registry_server_get_v1 (f.server), g_get_monotonic_time () + 9 * G_USEC_PER_SEC);
    peer_expect_silence (a);
    registry_v1_sweep (registry_server_get_v1 (f.server), g_get_monotonic_time () + 10 * G_USEC_PER_SEC);
    peer_expect_error (a, "denied");

    /* Whose hello is good may stay. */
    peer_join (a, token);
    registry_v1_sweep (registry_server_get_v1 (f.server), g_get_monotonic_time () + 10 * G_USEC_PER_SEC);
    peer_expect_silence (a);

    /* A wrong proof costs 40 of the address' 60, of which it gets one back a second; what is refused at a glance costs a
       request. */
    for (guint i = 0; i < 5; i++)
      refused (b, NULL, "not-admitted");
    peer_connect (b);
    g_free (b->nonce);
    b->nonce = g_strdup ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    expect_refused (b, peer_make_hello (b, token), "denied");
    refused (b, token, "too-fast");
  }
  fixture_stop (&f);
}

/* A peer that does not read */

static void
read_exactly (GInputStream *in, gpointer buffer, gsize len)
{
  gsize got = 0;

  while (got < len)
    {
      gssize n = g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM (in), (char *) buffer + got, len - got, NULL, NULL);

      g_assert_cmpint (n, !=, 0);
      if (n > 0)
        got += n;
      else
        run_main_loop (0);
    }
}

static ScopeV1Message *
read_message (GInputStream *in)
{
  guint8 header[10];
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  ScopeV1Message *message;
  guint64 len;
  guint skipped = 0;

  read_exactly (in, header, 2);
  g_assert_cmpuint (header[0], ==, 0x81);
  len = header[1];
  if (len >= 126)
    {
      guint n = len == 126 ? 2 : 8;

      read_exactly (in, header + 2, n);
      len = 0;
      for (guint i = 0; i < n; i++)
        len = len << 8 | header[2 + i];
    }
  text = g_malloc (len);
  read_exactly (in, text, len);
  message = scope_v1_parse (text, len, SCOPE_V1_TO_PEER_MAX, &skipped, &error);
  g_assert_no_error (error);
  return message;
}

static GSocketConnection *
raw_join (Fixture *f, Peer *peer, const char *token)
{
  static const char request[] = "GET /v1/home HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: scope.v1\r\n\r\n";
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  GSocketConnection *connection = g_socket_client_connect_to_host (client, "127.0.0.1", f->port, NULL, NULL);
  GInputStream *in = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  GOutputStream *out = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  g_autoptr (GString) head = g_string_new (NULL);
  g_autoptr (ScopeV1Message) challenge = NULL;
  g_autoptr (ScopeV1Message) hello = NULL;
  g_autofree char *text = NULL;
  guint8 header[8] = { 0x81, 0xfe };
  gsize len;

  g_assert_true (g_output_stream_write_all (out, request, strlen (request), NULL, NULL, NULL));
  while (!g_str_has_suffix (head->str, "\r\n\r\n"))
    {
      char c;

      read_exactly (in, &c, 1);
      g_string_append_c (head, c);
    }
  challenge = read_message (in);
  g_free (peer->nonce);
  peer->nonce = g_strdup (challenge->nonce);
  hello = peer_make_hello (peer, token);
  text = scope_v1_format (hello);
  len = strlen (text);
  header[2] = len >> 8;
  header[3] = len & 0xff;
  g_assert_true (g_output_stream_write_all (out, header, sizeof header, NULL, NULL, NULL));
  g_assert_true (g_output_stream_write_all (out, text, len, NULL, NULL, NULL));
  return connection;
}

static void
test_slow_reader (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) slow = peer_new (&f, 1);
    g_autoptr (Peer) other = peer_new (&f, 2);
    g_autofree char *token_a = invite (&f, 3600);
    g_autofree char *token_b = invite (&f, 3600);
    g_autoptr (GSocketConnection) connection = raw_join (&f, slow, token_a);
    GInputStream *in = g_io_stream_get_input_stream (G_IO_STREAM (connection));
    RegistryMesh *mesh = fixture_mesh (&f);
    g_autoptr (JsonObject) body = json_object_new ();
    g_autofree char *text = NULL;
    guint64 revision = 0;
    gboolean roster = FALSE, live = FALSE;

    scope_v1_message_free (read_message (in)); /* welcome */
    scope_v1_message_free (read_message (in)); /* roster */
    peer_join (other, token_b);

    /* 12 MB of news, which it does not read: it costs a bounded queue. */
    for (guint i = 0; i < 1200; i++)
      {
        registry_members_touch (mesh->members, registry_members_find_key (mesh->members, &other->key), REGISTRY_CHANGE_MOVED);
        mesh->changed (mesh, FALSE, mesh->user_data);
        mesh->dirty = TRUE;
        registry_v1_flush (registry_server_get_v1 (f.server));
        if (i % 50 == 0)
          run_main_loop (1);
      }
    run_main_loop (10);
    g_queue_clear_full (&other->inbox, (GDestroyNotify) scope_v1_message_free);
    text = scope_v1_format_kex ("kex.ct", body, "to", &slow->key);
    peer_send_text (other, text);
    peer_expect_error (other, "busy");

    /* When it reads again, it has not missed anything: events, then what was new since as a roster. */
    while (!live)
      {
        g_autoptr (ScopeV1Message) message = read_message (in);

        if (message->type == SCOPE_V1_MOVE || message->type == SCOPE_V1_JOIN)
          {
            if (roster)
              live = TRUE;
            else if (revision)
              g_assert_cmpuint (message->revision, ==, revision + 1);
            revision = message->revision;
          }
        else
          {
            g_assert_cmpint (message->type, ==, SCOPE_V1_ROSTER);
            g_assert_false (roster);
            roster = TRUE;
            g_assert_cmpuint (message->since, ==, revision);
            g_assert_cmpuint (message->peers->len, ==, 1);
            g_assert_false (message->more);
            g_assert_cmpuint (message->revision, ==, mesh->published);
            send_record (other, 1, "192.0.2.1:1");
          }
      }
    g_assert_cmpuint (revision, ==, mesh->published);
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
  g_test_add_func ("/v1/token-refused", test_token_refused);
  g_test_add_func ("/v1/token-race", test_token_race);
  g_test_add_func ("/v1/proof", test_proof);
  g_test_add_func ("/v1/granted", test_granted);
  g_test_add_func ("/v1/make-room", test_make_room);
  g_test_add_func ("/v1/listed", test_listed);
  g_test_add_func ("/v1/full", test_full);
  g_test_add_func ("/v1/replaced", test_replaced);
  g_test_add_func ("/v1/since", test_since);
  g_test_add_func ("/v1/record", test_record);
  g_test_add_func ("/v1/kex-key", test_kex_key);
  g_test_add_func ("/v1/report", test_report);
  g_test_add_func ("/v1/ping-and-limits", test_ping_and_limits);
  g_test_add_func ("/v1/large-roster", test_large_roster);
  g_test_add_func ("/v1/revocation", test_revocation);
  g_test_add_func ("/v1/kill", test_kill);
  g_test_add_func ("/v1/disabled", test_disabled);
  g_test_add_func ("/v1/query", test_query);
  g_test_add_func ("/v1/renewal", test_renewal);
  g_test_add_func ("/v1/away", test_away);
  g_test_add_func ("/v1/restart", test_restart);
  g_test_add_func ("/v1/upgrade", test_upgrade);
  g_test_add_func ("/v1/store-fails", test_store_fails);
  g_test_add_func ("/v1/strangers", test_strangers);
  g_test_add_func ("/v1/slow-reader", test_slow_reader);
  return g_test_run ();
}
