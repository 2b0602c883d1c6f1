/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a registry makes of its relays' reports: the table of paths, and who is a pipe (registry-paths.h). */
#include "common/scope-json.h"
#include "registry/registry-paths.h"
#include "registry/registry-v1-session-private.h"
#include "test-log.h"
#include "v1-fixture.h"

#include <math.h>
#include <string.h>
#include <time.h>

static char *
sign (Peer *peer, const char *typ, const char *payload)
{
  g_autoptr (GError) error = NULL;
  char *text = scope_jws_sign (peer->identity, typ, payload, &error);

  g_assert_no_error (error);
  return text;
}

static char *
grant_of (Peer *peer, ScopeRole role)
{
  g_autofree char *address = g_strdup_printf ("10.77.0.%u/32", 100 + peer->key.bytes[0]);
  g_autoptr (GArray) ranges = scope_prefix_parse_list (address, 8, NULL);
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  ScopeGrant grant = { .network = (char *) "home", .identity = scope_identity_public (peer->identity), .key = peer->key,
                       .ranges = ranges, .role = role, .issued = now - 60 + peer->key.bytes[0], .expires = now + 3600 };
  g_autofree char *payload = scope_grant_format (&grant);

  return root_signs (peer->f, SCOPE_TYP_GRANT, payload);
}

static char *
record_of (Peer *peer, guint64 sequence, ScopeRole role)
{
  g_autoptr (ScopeRecord) record = scope_record_new ("home");
  g_autofree char *payload = NULL;

  record->key = peer->key;
  record->sequence = sequence;
  record->role = role;
  record->issued = g_get_real_time () / G_USEC_PER_SEC;
  record->expires = record->issued + 3600;
  payload = scope_record_format (record);
  return sign (peer, SCOPE_TYP_RECORD, payload);
}

/* The next message of @type; what comes before it is of no interest. */
static ScopeV1Message *
wait_for (Peer *peer, ScopeV1Type type)
{
  for (;;)
    {
      ScopeV1Message *message;

      wait_until (peer->inbox.length > 0 || peer->closed);
      g_assert_cmpuint (peer->inbox.length, >, 0);
      message = g_queue_pop_head (&peer->inbox);
      if (message->type == type)
        return message;
      if (message->type == SCOPE_V1_ERROR)
        g_error ("%s: %s", message->code, message->text);
      scope_v1_message_free (message);
    }
}

static void
expect_no (Peer *peer, ScopeV1Type type)
{
  run_main_loop (150);
  for (GList *l = peer->inbox.head; l; l = l->next)
    if (((ScopeV1Message *) l->data)->type == type)
      g_error ("%s, which was not expected", ((ScopeV1Message *) l->data)->name);
}

static void
forget_all (Peer *peer)
{
  run_main_loop (50);
  g_queue_clear_full (&peer->inbox, (GDestroyNotify) scope_v1_message_free);
}

/* A member with @role, by a grant of the root's, that says so itself; up to its roster. */
static void
join (Peer *peer, ScopeRole role, guint64 sequence)
{
  g_autoptr (ScopeV1Message) hello = NULL, roster = NULL;

  peer_connect (peer);
  hello = peer_make_hello (peer, NULL);
  hello->grant = grant_of (peer, role);
  hello->record = record_of (peer, sequence, role);
  peer_send (peer, hello);
  roster = wait_for (peer, SCOPE_V1_ROSTER);
  g_assert_false (roster->more);
}

static void
report (Peer *from, Peer *to, const char *latency)
{
  char key[SCOPE_KEY_BASE64_LEN + 1];
  g_autofree char *text = g_strdup_printf ("{\"t\":\"report\",\"d\":{\"latency\":{\"%s\":%s}}}",
                                           scope_key_to_base64 (&to->key, key), latency);

  peer_send_text (from, text);
}

static void
both_report (Peer *a, Peer *b, const char *latency)
{
  report (a, b, latency);
  report (b, a, latency);
  run_main_loop (20);
}

/* The next table has these links: "1-2:25 2-3:10", by the first byte of the keys; holds @delay ms after now. */
static void
expect_table (Peer *peer, const char *links, gint64 delay)
{
  g_autoptr (ScopeV1Message) table = wait_for (peer, SCOPE_V1_PATHS);
  g_autoptr (GString) got = g_string_new (NULL);
  gint64 now = g_get_real_time () / 1000;

  for (guint i = 0; i < table->links->len; i++)
    {
      const ScopeLatency *link = &g_array_index (table->links, ScopeLatency, i);
      g_string_append_printf (got, "%s%u-%u:%u", i ? " " : "", link->a.bytes[0], link->b.bytes[0], link->ms);
    }
  g_assert_cmpstr (got->str, ==, links);
  g_assert_cmpint (ABS (table->at - now - delay), <, 1000);
}

static RegistryPaths *
paths_of (Fixture *f)
{
  return fixture_mesh (f)->paths;
}

/* Time passes; a planned change that was too early is told now. */
static void
pass (Fixture *f, guint msec)
{
  registry_paths_advance (paths_of (f), msec);
  run_main_loop (0);
}

static void
test_table (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) one = peer_new (&f, 1);
    g_autoptr (Peer) two = peer_new (&f, 2);
    g_autoptr (Peer) master = peer_new (&f, 3);
    g_autoptr (Peer) edge = peer_new (&f, 4);

    join (edge, SCOPE_ROLE_EDGE, 1);
    run_main_loop (20);
    g_assert_false (registry_paths_is_ticking (paths_of (&f))); /* no relays, no timer */
    join (one, SCOPE_ROLE_RELAY, 1);
    expect_table (one, "", 0); /* after the roster, also when there is nothing in it */
    join (two, SCOPE_ROLE_RELAY, 1);
    expect_table (two, "", 0);
    g_assert_true (registry_paths_is_ticking (paths_of (&f)));

    /* Both ends, then all relays know; edges never do. */
    report (one, two, "[20,0]");
    expect_no (one, SCOPE_V1_PATHS);
    report (two, one, "[25,0]");
    expect_table (one, "1-2:25", 2000);
    expect_table (two, "1-2:25", 2000);
    join (master, SCOPE_ROLE_MASTER, 1);
    expect_table (master, "1-2:25", 2000);
    pass (&f, 2000);

    /* What an edge says does not count, nor does what is said of it. */
    both_report (edge, one, "[5,0]");
    both_report (edge, two, "[5,0]");
    report (edge, two, "[null,100]");
    expect_no (one, SCOPE_V1_PATHS);
    expect_no (edge, SCOPE_V1_PATHS);

    /* What comes together is told together. */
    both_report (master, two, "[7,50]");
    both_report (one, master, "[9,0]");
    expect_table (one, "1-2:25 1-3:9 2-3:28", 2000);
    expect_table (master, "1-2:25 1-3:9 2-3:28", 2000);

    /* A loss at once, on the word of one end */
    report (two, one, "[null,100]");
    expect_table (one, "1-3:9 2-3:28", 0);
    expect_table (two, "1-2:25 1-3:9 2-3:28", 2000);
    expect_table (two, "1-3:9 2-3:28", 0);

    /* Who comes back gets it after the roster; its links are gone with it. */
    peer_close (master);
    expect_table (one, "", 0);
    expect_table (two, "", 0);
    join (master, SCOPE_ROLE_MASTER, 1);
    expect_table (master, "", 0);
    expect_no (one, SCOPE_V1_PATHS);

    /* A relay that says that it is an edge now is none. */
    pass (&f, 2000);
    both_report (one, master, "[9,0]");
    expect_table (master, "1-3:9", 2000);
    forget_all (one);
    {
      g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_RECORD);

      message->record = record_of (one, 2, SCOPE_ROLE_EDGE);
      peer_send (one, message);
      expect_table (master, "", 0);
      both_report (one, master, "[9,0]");
      pass (&f, 2000);
      expect_no (master, SCOPE_V1_PATHS);
      expect_no (one, SCOPE_V1_PATHS);

      /* And one again: it hears at once what has changed for others meanwhile. */
      g_free (message->record);
      message->record = record_of (one, 3, SCOPE_ROLE_RELAY);
      peer_send (one, message);
      expect_table (one, "", 0);
    }
    peer_close (one);
    peer_close (two);
    peer_close (master);
    run_main_loop (50);
    pass (&f, 20000);
    g_assert_false (registry_paths_is_ticking (paths_of (&f)));
  }
  fixture_stop (&f);
}

/* A grant of the root's for another key of the same identity */
static void
test_other_key (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) one = peer_new (&f, 1);
    g_autoptr (Peer) two = peer_new (&f, 2);
    g_autofree char *grant = NULL;

    join (one, SCOPE_ROLE_RELAY, 1);
    join (two, SCOPE_ROLE_RELAY, 1);
    forget_all (two);
    both_report (one, two, "[9,0]");
    expect_table (two, "1-2:9", 2000);
    one->key.bytes[0] = 7;
    grant = grant_of (one, SCOPE_ROLE_RELAY);
    post_good (&f, grant);
    expect_table (two, "", 0);
    join (one, SCOPE_ROLE_RELAY, 2);
    pass (&f, 2000);
    both_report (one, two, "[9,0]");
    expect_table (two, "2-7:9", 2000);
  }
  fixture_stop (&f);
}

static gboolean
move_of (Peer *to, Peer *of)
{
  g_autoptr (ScopeV1Message) move = wait_for (to, SCOPE_V1_MOVE);
  const ScopeV1Entry *entry = g_ptr_array_index (move->peers, 0);

  g_assert_true (scope_key_equal (&entry->key, &of->key));
  g_assert_nonnull (entry->grant);
  return entry->pipe;
}

static void
test_tier (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) one = peer_new (&f, 1);
    g_autoptr (Peer) two = peer_new (&f, 2);
    g_autoptr (Peer) three = peer_new (&f, 3);
    g_autoptr (Peer) edge = peer_new (&f, 4);
    g_autoptr (Peer) late = peer_new (&f, 5);
    char key[SCOPE_KEY_BASE64_LEN + 1];

    join (one, SCOPE_ROLE_RELAY, 1);
    join (two, SCOPE_ROLE_RELAY, 1);
    join (three, SCOPE_ROLE_RELAY, 1);
    join (edge, SCOPE_ROLE_EDGE, 1);
    /* One and two reach three through others, but nobody has a link to it. */
    for (guint s = 0; s < 120; s += 30)
      {
        g_autofree char *reach = g_strdup_printf ("{\"t\":\"report\",\"d\":{\"reach\":{\"%s\":1}}}",
                                                  scope_key_to_base64 (&three->key, key));

        both_report (one, two, "[20,0]");
        peer_send_text (one, reach);
        peer_send_text (two, reach);
        run_main_loop (20);
        forget_all (edge);
        pass (&f, 30000);
      }
    expect_no (edge, SCOPE_V1_MOVE);
    both_report (one, two, "[20,0]");
    pass (&f, 40000);
    g_assert_true (move_of (edge, three));
    expect_no (edge, SCOPE_V1_MOVE);

    /* It is in the roster, with an answer to who asks, and stays when it comes again. */
    {
      g_autoptr (ScopeV1Message) hello = NULL, roster = NULL;

      peer_connect (late);
      hello = peer_make_hello (late, NULL);
      hello->grant = grant_of (late, SCOPE_ROLE_EDGE);
      peer_send (late, hello);
      roster = wait_for (late, SCOPE_V1_ROSTER);
      for (guint i = 0; i < roster->peers->len; i++)
        {
          const ScopeV1Entry *entry = g_ptr_array_index (roster->peers, i);
          g_assert_true (entry->pipe == scope_key_equal (&entry->key, &three->key));
        }
    }
    peer_close (three);
    join (three, SCOPE_ROLE_RELAY, 1);
    forget_all (edge);

    /* Two links of two, for long enough */
    for (guint s = 0; s < 300; s += 30)
      {
        both_report (one, two, "[20,0]");
        both_report (one, three, "[20,0]");
        both_report (two, three, "[20,0]");
        pass (&f, 30000);
      }
    g_assert_false (move_of (edge, three));
    expect_no (edge, SCOPE_V1_MOVE);
  }
  fixture_stop (&f);
}

static void
test_query (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    g_autoptr (Peer) one = peer_new (&f, 1);
    g_autoptr (Peer) two = peer_new (&f, 2);
    g_autofree char *payload = g_strdup_printf ("{\"network\":\"home\",\"issued\":%" G_GINT64_FORMAT ",\"what\":\"peers\"}",
                                                g_get_real_time () / G_USEC_PER_SEC);
    g_autofree char *query = root_signs (&f, SCOPE_TYP_QUERY, payload);
    g_autofree char *answer = NULL, *text = NULL, *frame = NULL;
    g_autoptr (JsonObject) object = NULL;
    g_autoptr (ScopeV1Message) paths = NULL;
    guint status;

    join (one, SCOPE_ROLE_RELAY, 1);
    join (two, SCOPE_ROLE_RELAY, 1);
    forget_all (two);
    both_report (one, two, "[9,0]");
    expect_table (two, "1-2:9", 2000);
    answer = post (&f, query, &status);
    g_assert_cmpuint (status, ==, 200);
    object = scope_json_parse_object_strict (answer, strlen (answer), 1 << 20, NULL);
    text = json_to_string (json_object_get_member (object, "paths"), FALSE);
    frame = g_strdup_printf ("{\"t\":\"paths\",\"d\":%s}", text);
    paths = scope_v1_parse (frame, strlen (frame), SCOPE_V1_TO_PEER_MAX, NULL, NULL);
    g_assert_nonnull (paths);
    g_assert_cmpuint (paths->relays->len, ==, 2);
    g_assert_cmpuint (g_array_index (paths->links, ScopeLatency, 0).ms, ==, 9);
  }
  fixture_stop (&f);
}

/* A network that 0.0.x clients see as well: the detail of a relay that has not uploaded one */
static void
test_detail (void)
{
  Fixture f;

  fixture_device = g_array_new (FALSE, FALSE, sizeof (ScopeKey));
  for (guint8 n = 9; n > 0; n--)
    {
      ScopeKey key;

      memset (key.bytes, n, sizeof key.bytes);
      g_array_append_val (fixture_device, key);
    }
  fixture_start (&f, ",\"interface\":\"wg0\"");
  {
    g_autoptr (Peer) one = peer_new (&f, 1);
    g_autoptr (Peer) two = peer_new (&f, 2);
    g_autoptr (Peer) three = peer_new (&f, 3);
    char key[SCOPE_KEY_BASE64_LEN + 1], url[SCOPE_KEY_BASE64URL_LEN + 1];
    g_autofree char *path = g_strdup_printf ("/detail/home/%s", scope_key_to_base64url (&one->key, url));
    g_autofree char *edge_path = NULL, *far = NULL, *near = NULL, *answer = NULL, *edges = NULL;
    ScopeKey edge;
    guint status;

    join (one, SCOPE_ROLE_RELAY, 1);
    join (two, SCOPE_ROLE_RELAY, 1);
    join (three, SCOPE_ROLE_RELAY, 1);
    forget_all (two);
    both_report (one, two, "[9,0]");
    both_report (two, three, "[5,0]");
    both_report (one, three, "[30,0]");
    expect_table (two, "1-2:9 1-3:30 2-3:5", 2000);
    near = g_strdup_printf ("\"pub\":\"%s\",\"range\":\"\",\"sum\":9,\"mode\":\"direct\",\"leastSource\":\"\"}",
                            scope_key_to_base64 (&two->key, key));
    far = g_strdup_printf ("\"sum\":14,\"mode\":\"leastSum\",\"leastSource\":\"%s\"}", key);
    answer = get (&f, path, &status);
    g_assert_cmpuint (status, ==, 200);
    if (!strstr (answer, near) || !strstr (answer, far))
      g_error ("%s", answer);

    /* Who is no relay sees nothing. */
    memset (edge.bytes, 4, sizeof edge.bytes);
    edge_path = g_strdup_printf ("/detail/home/%s", scope_key_to_base64url (&edge, url));
    edges = get (&f, edge_path, &status);
    g_assert_cmpuint (status, ==, 200);
    g_assert_null (strstr (edges, "sum"));
  }
  fixture_stop (&f);
  g_clear_pointer (&fixture_device, g_array_unref);
}

/* Relays without a peer: members as registry-paths sees them */

typedef struct {
  guint n;
  RegistryMember *members;
  RegistryV1Session session;
} Crowd;

static void
crowd_join (Crowd *crowd, RegistryPaths *paths, guint n)
{
  memset (crowd, 0, sizeof *crowd);
  crowd->n = n;
  crowd->members = g_new0 (RegistryMember, n);
  for (guint i = 0; i < n; i++)
    {
      RegistryMember *member = &crowd->members[i];
      guint32 hash = (i + 1) * 2654435761u; /* keys are uniform */

      memcpy (member->key.bytes, &hash, sizeof hash);
      member->role = member->record_role = SCOPE_ROLE_RELAY;
      member->has_record = member->online = TRUE;
      member->session = &crowd->session;
      registry_paths_note (paths, member);
    }
}

static void
crowd_leave (Crowd *crowd, RegistryPaths *paths)
{
  for (guint i = 0; i < crowd->n; i++)
    registry_paths_forget (paths, &crowd->members[i].key);
  g_free (crowd->members);
}

static void
crowd_report (Crowd *crowd, RegistryPaths *paths, guint from, guint to, guint ms)
{
  g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_REPORT);
  ScopeV1Latency latency = { ms, 0 };
  RegistryBucket bucket = { 0 };

  message->latency = g_hash_table_new (scope_key_hash, scope_key_equal);
  g_hash_table_insert (message->latency, &crowd->members[to].key, &latency);
  registry_paths_report (paths, &crowd->members[from], message, &bucket);
}

/* A table for each loss would be too many for all: some are told together. */
static void
test_storm (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    RegistryPaths *paths = paths_of (&f);
    RegistryMember reader = { .has_record = TRUE, .role = SCOPE_ROLE_RELAY, .record_role = SCOPE_ROLE_RELAY };
    guint64 before = 0, after = 0;
    Crowd crowd;

    crowd_join (&crowd, paths, 100);
    for (guint i = 0; i < crowd.n; i += 2)
      {
        crowd_report (&crowd, paths, i, i + 1, 5);
        crowd_report (&crowd, paths, i + 1, i, 5);
      }
    registry_paths_publish (paths);
    registry_paths_frame (paths, &reader, &before);
    for (guint i = 0; i < crowd.n; i += 2)
      {
        crowd_report (&crowd, paths, i, i + 1, SCOPE_V1_UNREACHABLE);
        registry_paths_publish (paths);
      }
    after = before;
    registry_paths_frame (paths, &reader, &after);
    g_assert_cmpuint (after - before, ==, REGISTRY_PATHS_TABLES_BURST);
    registry_paths_advance (paths, 1000);
    registry_paths_frame (paths, &reader, &after);
    g_assert_cmpuint (after - before, ==, REGISTRY_PATHS_TABLES_BURST + 1);
    registry_paths_advance (paths, 5000);
    registry_paths_frame (paths, &reader, &after);
    g_assert_cmpuint (after - before, ==, REGISTRY_PATHS_TABLES_BURST + 1);
    crowd_leave (&crowd, paths);
  }
  fixture_stop (&f);
}

/* What is more than the limit does not count. */
static void
test_too_many (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    RegistryPaths *paths = paths_of (&f);
    RegistryBucket empty = { .tokens = -1e9, .stamp = g_get_monotonic_time () };
    g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_REPORT);
    ScopeV1Latency latency = { 5, 0 };
    guint64 known = 0, before;
    Crowd crowd;

    crowd_join (&crowd, paths, 2);
    registry_paths_publish (paths);
    registry_paths_frame (paths, &crowd.members[0], &known);
    before = known;
    crowd_report (&crowd, paths, 0, 1, 5);
    message->latency = g_hash_table_new (scope_key_hash, scope_key_equal);
    g_hash_table_insert (message->latency, &crowd.members[0].key, &latency);
    registry_paths_report (paths, &crowd.members[1], message, &empty);
    registry_paths_advance (paths, 10000);
    registry_paths_frame (paths, &crowd.members[0], &known);
    g_assert_cmpuint (known, ==, before);
    crowd_report (&crowd, paths, 1, 0, 5);
    registry_paths_advance (paths, 10000);
    registry_paths_frame (paths, &crowd.members[0], &known);
    g_assert_cmpuint (known, ==, before + 1);
    crowd_leave (&crowd, paths);
  }
  fixture_stop (&f);
}

static double
cpu_msec (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

/* 200 relays, each with 199 links: what 30 seconds of reports cost, and a table for all. */
static void
test_cost (void)
{
  Fixture f;
  fixture_start (&f, "");
  {
    RegistryPaths *paths = paths_of (&f);
    RegistryMember *reader;
    g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
    double began, parsed = 0, all = 0, quiet = 0;
    guint64 known = 0;
    gsize bytes;
    Crowd crowd;
    const guint rounds = 10;

    crowd_join (&crowd, paths, 200);
    reader = &crowd.members[0];
    for (guint i = 0; i < crowd.n; i++)
      {
        g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_REPORT);

        message->latency = g_hash_table_new_full (scope_key_hash, scope_key_equal, NULL, g_free);
        message->reach = g_hash_table_new (scope_key_hash, scope_key_equal);
        for (guint j = 0; j < crowd.n; j++)
          {
            ScopeV1Latency latency = { 5 + (i * j) % 300, 0 };

            if (i == j)
              continue;
            g_hash_table_insert (message->latency, &crowd.members[j].key, g_memdup2 (&latency, sizeof latency));
            g_hash_table_insert (message->reach, &crowd.members[j].key, NULL);
          }
        g_ptr_array_add (texts, scope_v1_format (message));
      }
    for (guint round = 0; round < rounds; round++)
      {
        for (guint i = 0; i < crowd.n; i++)
          {
            const char *text = g_ptr_array_index (texts, i);
            RegistryBucket bucket = { 0 };
            g_autoptr (ScopeV1Message) message = NULL;

            began = cpu_msec ();
            message = scope_v1_parse (text, strlen (text), SCOPE_V1_TO_REGISTRY_MAX, NULL, NULL);
            parsed += cpu_msec () - began;
            g_assert_nonnull (message);
            registry_paths_report (paths, &crowd.members[i], message, &bucket);
            all += cpu_msec () - began;
          }
        began = cpu_msec ();
        registry_paths_advance (paths, 30000);
        if (round > 0)
          quiet += cpu_msec () - began;
      }
    g_test_message ("200 relays with 199 links each, 30 s of reports (%.1f kB each): %.1f ms of CPU, %.1f ms of it to parse; "
                    "3 steps: %.2f ms; together %.2f %% of a core", strlen (g_ptr_array_index (texts, 0)) / 1e3, all / rounds,
                    parsed / rounds, quiet / (rounds - 1), (all / rounds + quiet / (rounds - 1)) / 30000 * 100);
    g_assert_cmpfloat ((all / rounds + quiet / (rounds - 1)) / 30000, <, 0.05); /* also where it is instrumented */

    registry_paths_frame (paths, reader, &known);
    began = cpu_msec ();
    crowd_report (&crowd, paths, 0, 1, SCOPE_V1_UNREACHABLE);
    registry_paths_publish (paths);
    {
      GBytes *frame = registry_paths_frame (paths, reader, &known);

      g_assert_nonnull (frame);
      bytes = g_bytes_get_size (frame);
    }
    g_test_message ("a loss, and the table's frame of %.0f kB: %.1f ms", bytes / 1e3, cpu_msec () - began);
    crowd_leave (&crowd, paths);
  }
  fixture_stop (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  test_log_init ();
  g_test_add_func ("/registry-v1-paths/table", test_table);
  g_test_add_func ("/registry-v1-paths/other-key", test_other_key);
  g_test_add_func ("/registry-v1-paths/tier", test_tier);
  g_test_add_func ("/registry-v1-paths/query", test_query);
  g_test_add_func ("/registry-v1-paths/detail", test_detail);
  g_test_add_func ("/registry-v1-paths/too-many", test_too_many);
  g_test_add_func ("/registry-v1-paths/storm", test_storm);
  g_test_add_func ("/registry-v1-paths/cost", test_cost);
  return g_test_run ();
}
