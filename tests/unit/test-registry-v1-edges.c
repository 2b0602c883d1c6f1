/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A v1 network where things go wrong: clocks that jump, crashes, members and strangers that lie or flood. */
#include "v1-fixture.h"

#include "registry/registry-publish.h"
#include "registry/registry-v1-session.h"
#include "test-log.h"

#include <string.h>

#define DAY_MSEC (86400 * G_GINT64_CONSTANT (1000))

static gint64
now_ms (void)
{
  return g_get_real_time () / 1000;
}

static RegistryMember *
member_of (Peer *peer)
{
  return registry_members_find_key (fixture_mesh (peer->f)->members, &peer->key);
}

static void
forget (Peer *peer, ScopeV1Type type)
{
  scope_v1_message_free (peer_expect (peer, type));
}

static void
say_hello (Peer *peer, ScopeV1Message *taken)
{
  g_autoptr (ScopeV1Message) hello = taken;

  peer_send (peer, hello);
}

/* A and b, both there; a has heard of b. */
static void
join_both (Peer *a, Peer *b)
{
  g_autofree char *token_a = invite (a->f, 3600);
  g_autofree char *token_b = invite (a->f, 3600);

  peer_join (a, token_a);
  peer_join (b, token_b);
  forget (a, SCOPE_V1_JOIN);
}

/* A row that may not be: two members of one key. What is not committed yet is lost. */
static void
poison (Fixture *f, const ScopeKey *key)
{
  RegistryStoredMember twice = { .fingerprint = "x", .identity = "x", .grant = "x", .key = *key };

  registry_store_put_member (fixture_mesh (f)->store, fixture_mesh (f)->id, &twice);
}

static char *
root_grant (Fixture *f, const Peer *peer, const char *ranges)
{
  g_autoptr (GArray) list = scope_prefix_parse_list (ranges, 8, NULL);
  gint64 now = now_ms () / 1000;
  ScopeGrant grant = { .network = (char *) "home", .identity = scope_identity_public (peer->identity), .key = peer->key,
                       .ranges = list, .issued = now - 5, .expires = now + 86400 };
  g_autofree char *payload = scope_grant_format (&grant);

  return root_signs (f, SCOPE_TYP_GRANT, payload);
}

/* Time */

/* Who was there for more than 30 days when the registry stopped has not been away. */
static void
test_long_session (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autofree char *token = invite (&f, 3600);

    peer_join (a, token);
    registry_store_set_presence (fixture_mesh (&f)->store, fixture_mesh (&f)->id, member_of (a)->fingerprint, TRUE,
                                 now_ms () - 40 * DAY_MSEC, member_of (a)->revision);
    fixture_restart (&f, "");
    registry_mesh_sweep (fixture_mesh (&f), FALSE, now_ms () + REGISTRY_PRESUMED_MSEC + 1000);
    for (gint64 t = 1800000; t <= DAY_MSEC + 3600000; t += 1800000)
      registry_mesh_sweep (fixture_mesh (&f), TRUE, now_ms () + t);
    g_assert_nonnull (member_of (a));
    g_assert_false (member_of (a)->online);
  }
  fixture_stop (&f);
}

/* While the registry is down, or its clock was wrong, nobody can show up: they get a day for it. */
static void
test_long_silence (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    gint64 start;

    join_both (a, b);
    registry_store_set_presence (fixture_mesh (&f)->store, fixture_mesh (&f)->id, member_of (a)->fingerprint, FALSE,
                                 now_ms () - 40 * DAY_MSEC, member_of (a)->revision);
    fixture_restart (&f, "");
    start = now_ms ();
    registry_mesh_sweep (fixture_mesh (&f), TRUE, start);
    g_assert_nonnull (member_of (a));
    for (gint64 t = 0; t <= DAY_MSEC + 3600000; t += 1800000)
      registry_mesh_sweep (fixture_mesh (&f), TRUE, start + t);
    g_assert_null (member_of (a));
    /* A jump of the clock */
    registry_mesh_sweep (fixture_mesh (&f), TRUE, start + 60 * DAY_MSEC);
    g_assert_nonnull (member_of (b));
  }
  fixture_stop (&f);
}

static void
test_clock_goes_back (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    gint64 now = now_ms (), back = now - 3600000;

    join_both (a, b);
    registry_mesh_report (fixture_mesh (&f), member_of (b), member_of (a), "192.0.2.7:1", now);
    registry_mesh_report (fixture_mesh (&f), member_of (b), member_of (a), "192.0.2.9:1", back);
    g_assert_cmpstr (member_of (a)->observed[0], ==, "192.0.2.9:1");

    fixture_restart (&f, "");
    g_assert_true (member_of (a)->presumed);
    registry_mesh_sweep (fixture_mesh (&f), FALSE, now_ms ());
    registry_mesh_sweep (fixture_mesh (&f), FALSE, back);
    registry_mesh_sweep (fixture_mesh (&f), FALSE, back + REGISTRY_PRESUMED_MSEC + 1000);
    g_assert_false (member_of (a)->presumed);
  }
  fixture_stop (&f);
}

/* A later delegation voids the grants made before it: they are made anew at once, not when half their time is over. */
static void
test_later_delegation (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autofree char *token = invite (&f, 3600);
    g_autoptr (GArray) pool = scope_prefix_parse_list ("10.77.0.128/25", 8, NULL);
    ScopeDelegation delegation = { .network = (char *) "home", .identity = scope_identity_public (f.delegate),
                                   .roles = 1 << SCOPE_ROLE_EDGE, .pool = pool, .issued = now_ms () / 1000 + 60,
                                   .expires = f.since + 90 * 86400 };
    g_autofree char *payload = scope_delegation_format (&delegation);
    g_autofree char *text = root_signs (&f, SCOPE_TYP_DELEGATION, payload);
    g_autofree char *address = NULL;

    peer_join (a, token);
    post_good (&f, text);
    g_assert_false (registry_mesh_holds (fixture_mesh (&f), member_of (a), now_ms ()));
    registry_mesh_sweep (fixture_mesh (&f), TRUE, now_ms ());
    forget (a, SCOPE_V1_MOVE);
    {
      g_autoptr (ScopeV1Message) got = peer_expect (a, SCOPE_V1_GRANT);
      g_autoptr (JsonObject) grant = payload_of (got->grant);

      g_assert_cmpint (json_object_get_int_member (grant, "issued"), >=, delegation.issued);
      address = address_of (got->grant);
      g_assert_cmpstr (address, ==, "10.77.0.129/32");
    }
    g_assert_true (registry_mesh_holds (fixture_mesh (&f), member_of (a), now_ms ()));
  }
  fixture_stop (&f);
}

/* Crashes */

/* A revision that was told, but lost: who knows it needs the whole roster. */
static void
test_lost_revisions (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autofree char *generation = NULL;
    RegistryMesh *mesh;
    guint64 kept, lost, started;

    join_both (a, b);
    mesh = fixture_mesh (&f);
    generation = g_strdup (mesh->generation);
    g_assert_true (registry_store_commit (mesh->store, NULL));
    kept = mesh->published;
    registry_mesh_depart (mesh, member_of (b), now_ms ());
    g_assert_true (registry_v1_flush (registry_server_get_v1 (f.server)));
    lost = mesh->published;
    g_assert_cmpuint (lost, >, kept);
    poison (&f, &a->key);
    fixture_restart (&f, "");
    test_log_expect ("store");

    mesh = fixture_mesh (&f);
    started = mesh->published;
    g_assert_cmpuint (registry_publish_begin (mesh, generation, kept).since, ==, kept);
    g_assert_cmpuint (registry_publish_begin (mesh, generation, lost).since, ==, 0);
    g_assert_cmpuint (registry_publish_begin (mesh, generation, started).since, ==, started);

    /* What was told after a start without changes is good after the next one. */
    fixture_restart (&f, "");
    mesh = fixture_mesh (&f);
    g_assert_cmpuint (registry_publish_begin (mesh, generation, started).since, ==, started);
    g_assert_cmpuint (registry_publish_begin (mesh, generation, kept).since, ==, kept);
  }
  fixture_stop (&f);
}

/* A reload in the turn of the loop in which the store fails: the failure is not swallowed by it. */
static void
test_reload_meets_failure (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autofree char *token = invite (&f, 3600);
    g_autofree char *path = g_build_filename (f.dir, "home.network", NULL);
    g_autofree char *root = scope_identity_public_format (scope_identity_public (f.delegate));
    g_autofree char *text = g_strdup_printf ("{\"network\":\"home\",\"root\":\"%s\",\"prefixes\":[]}", root);

    peer_join (a, token);
    poison (&f, &a->key);
    g_assert_true (g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
    fixture_reload (&f, "");
    test_log_expect ("all sessions end");
    wait_until (a->closed);
    g_assert_cmpstr (fixture_mesh (&f)->root, ==, scope_identity_public_fingerprint (scope_identity_public (f.delegate)));
  }
  fixture_stop (&f);
}

/* Hellos */

/* Its addresses were moved while it was away: its record is void, but it is a member, and hears of the new grant. */
static void
test_stale_record (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autofree char *token = invite (&f, 3600);
    g_autofree char *grant = root_grant (&f, b, "10.77.0.1/32");
    g_autofree char *address = NULL;
    ScopeV1Message *hello;

    peer_join (a, token);
    peer_close (a);
    post_good (&f, grant);
    peer_connect (a);
    hello = peer_make_hello (a, NULL);
    hello->grant = g_strdup (a->grant);
    hello->record = peer_record (a, 7, "192.0.2.1:1");
    say_hello (a, hello);
    {
      g_autoptr (ScopeV1Message) welcome = peer_expect (a, SCOPE_V1_WELCOME);

      address = address_of (welcome->grant);
      g_assert_cmpstr (address, ==, "10.77.0.2/32");
    }
    g_assert_false (member_of (a)->has_record);
  }
  fixture_stop (&f);
}

/* The same while it is there: what it says before it has read of the new grant does not end its session. */
static void
test_record_crosses_grant (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_RECORD);
    g_autofree char *token = invite (&f, 3600);
    g_autofree char *grant = root_grant (&f, b, "10.77.0.1/32");

    peer_join (a, token);
    post_good (&f, grant);
    message->record = peer_record (a, 7, "192.0.2.1:1"); /* of the grant before */
    peer_send (a, message);
    forget (a, SCOPE_V1_MOVE);
    forget (a, SCOPE_V1_GRANT);
    peer_expect_silence (a);
    g_assert_false (member_of (a)->has_record);
  }
  fixture_stop (&f);
}

/* A hello that is good but for its last part: the member was there, for a moment. */
static void
test_half_a_hello (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autofree char *grant = root_grant (&f, a, "10.77.0.1/32");
    ScopeV1Message *hello;

    post_good (&f, grant);
    peer_connect (a);
    a->grant = g_strdup (grant);
    hello = peer_make_hello (a, NULL);
    hello->record = peer_record (a, 7, "192.0.2.1:1");
    hello->kex = g_strdup (hello->record);
    say_hello (a, hello);
    peer_expect_error (a, "denied");
    g_assert_cmpint (member_of (a)->seen, >, 0);
    g_assert_false (member_of (a)->online);
  }
  fixture_stop (&f);
}

static void
test_stranger_talks (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    guint answers = 0;

    peer_connect (a);
    for (guint i = 0; i < 100; i++)
      peer_send_text (a, "{\"t\":\"ping\",\"d\":{\"n\":1}}");
    wait_until (a->closed);
    while (((ScopeV1Message *) g_queue_peek_head (&a->inbox))->type == SCOPE_V1_PING)
      {
        forget (a, SCOPE_V1_PING);
        answers++;
      }
    g_assert_cmpuint (answers, <=, REGISTRY_V1_STRANGER_MESSAGES);
    peer_expect_error (a, "too-fast");
  }
  fixture_stop (&f);
}

/* An envelope that looks like the root's costs a verification: too many wrong ones are refused. */
static void
test_posts_cost (void)
{
  Fixture f;
  fixture_top = ",\"limits\":{\"requestsPerMinute\":150}";
  fixture_start (&f, "");
  fixture_top = "";
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autofree char *good = root_grant (&f, a, "10.77.0.1/32");
    g_autofree char *other = root_grant (&f, a, "10.77.0.2/32");
    g_autoptr (JsonNode) node = json_from_string (good, NULL);
    g_autoptr (JsonNode) payload = json_from_string (other, NULL);
    g_autofree char *wrong = NULL;
    guint status = 403, i;

    json_object_set_string_member (json_node_get_object (node), "payload",
                                   json_object_get_string_member (json_node_get_object (payload), "payload"));
    wrong = json_to_string (node, FALSE);
    for (i = 0; i < 20 && status == 403; i++)
      g_free (post (&f, wrong, &status));
    g_assert_cmpuint (status, ==, 429);
    g_assert_cmpuint (i, >, 3);
  }
  fixture_stop (&f);
}

/* Members */

static void
test_report_flood (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_REPORT);
    guint forks = 0;

    join_both (a, b);
    message->observed = g_hash_table_new_full (scope_key_hash, scope_key_equal, g_free, NULL);
    for (guint n = 0; n < REGISTRY_V1_REPORTS_BURST + 100; n += 500)
      {
        g_hash_table_remove_all (message->observed);
        for (guint i = 0; i < 500; i++)
          {
            ScopeKey *key = g_new0 (ScopeKey, 1);

            memset (key->bytes, 0x55, sizeof key->bytes);
            memcpy (key->bytes, &i, sizeof i);
            g_hash_table_insert (message->observed, key, (char *) "192.0.2.7:1");
          }
        peer_send (b, message);
      }
    g_hash_table_remove_all (message->observed);
    g_hash_table_insert (message->observed, g_memdup2 (&a->key, sizeof a->key), (char *) "192.0.2.7:1");
    peer_send (b, message);
    peer_expect_silence (b);

    for (guint i = 0; i < 50; i++)
      peer_send_text (b, "{\"t\":\"report\",\"d\":{\"fork\":[{},{}]}}");
    peer_send_text (b, "{\"t\":\"ping\",\"d\":{\"n\":1}}");
    forget (b, SCOPE_V1_PING);
    for (const char *at = test_log_text->str; (at = strstr (at, "reports a fork")); at++)
      forks++;
    g_assert_cmpuint (forks, >, 0);
    g_assert_cmpuint (forks, <, 10);
  }
  fixture_stop (&f);
}

/* One that speaks of an epoch that is far away does not hide what the others say. */
static void
test_epoch_of_the_future (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);

    join_both (a, b);
    peer_send_text (a, "{\"t\":\"kex.state\",\"d\":{\"epoch\":4,\"hasKeyBroadcast\":true,\"peers\":{}}}");
    peer_send_text (b, "{\"t\":\"kex.state\",\"d\":{\"epoch\":9007199254740991,\"hasKeyBroadcast\":true,\"peers\":{}}}");
    peer_send_text (a, "{\"t\":\"ping\",\"d\":{\"n\":1}}");
    peer_send_text (b, "{\"t\":\"ping\",\"d\":{\"n\":1}}");
    forget (a, SCOPE_V1_PING);
    forget (b, SCOPE_V1_PING);
    g_assert_cmpuint (registry_members_epoch (fixture_mesh (&f)->members), ==, 4);
  }
  fixture_stop (&f);
}

/* So many are gone that nobody knows all of them any more: who lags behind that gets the whole roster. */
static void
test_lag_behind_the_floor (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autofree char *token = invite (&f, 3600);
    RegistryMesh *mesh = fixture_mesh (&f);
    RegistryCursor cursor;
    gboolean more;

    peer_join (a, token);
    cursor = registry_publish_begin (mesh, mesh->generation, mesh->published);
    g_assert_cmpuint (cursor.since, >, 0);
    for (guint i = 0; i <= REGISTRY_MAX_TOMBSTONES; i++)
      {
        g_autofree char *name = g_strdup_printf ("%052u", i);
        ScopeKey key = { { 0x77 } };
        RegistryMember *member;

        memcpy (key.bytes + 1, &i, sizeof i);
        member = registry_members_add (mesh->members, name, &key);
        registry_members_touch (mesh->members, member, REGISTRY_CHANGE_CAME);
        registry_members_remove (mesh->members, member);
      }
    mesh->published = registry_members_revision (mesh->members);
    g_bytes_unref (registry_publish_roster (mesh, &cursor, &more));
    g_assert_cmpuint (cursor.since, ==, 0);
  }
  fixture_stop (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  test_log_init ();
  g_test_add_func ("/v1-edges/long-session", test_long_session);
  g_test_add_func ("/v1-edges/long-silence", test_long_silence);
  g_test_add_func ("/v1-edges/clock-goes-back", test_clock_goes_back);
  g_test_add_func ("/v1-edges/later-delegation", test_later_delegation);
  g_test_add_func ("/v1-edges/lost-revisions", test_lost_revisions);
  g_test_add_func ("/v1-edges/reload-meets-failure", test_reload_meets_failure);
  g_test_add_func ("/v1-edges/stale-record", test_stale_record);
  g_test_add_func ("/v1-edges/record-crosses-grant", test_record_crosses_grant);
  g_test_add_func ("/v1-edges/half-a-hello", test_half_a_hello);
  g_test_add_func ("/v1-edges/stranger-talks", test_stranger_talks);
  g_test_add_func ("/v1-edges/posts-cost", test_posts_cost);
  g_test_add_func ("/v1-edges/report-flood", test_report_flood);
  g_test_add_func ("/v1-edges/epoch-of-the-future", test_epoch_of_the_future);
  g_test_add_func ("/v1-edges/lag-behind-the-floor", test_lag_behind_the_floor);
  return g_test_run ();
}
