/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-path: each rule of src/path/ by itself, in small worlds of tests/unit/path-sim.c where everything is known: nothing is lost
 * unless the case says so. And the messages' form.
 */
#include "path-sim.h"

#include "common/scope-error.h"
#include "common/scope-json.h"

#include <string.h>

#define SECOND 1000
#define MINUTE 60000

static void
know_all (Sim *sim)
{
  for (guint i = 0; i < sim_size (sim); i++)
    for (guint j = 0; j < sim_size (sim); j++)
      if (i != j)
        sim_knows (sim, i, j);
}

/* @hop: G_MAXUINT for none */
static void
assert_hop (Sim *sim, guint from, guint to, guint hop)
{
  const ScopeKey *next = scope_path_next_hop (sim_node (sim, from)->path, &sim_node (sim, to)->key);

  g_assert_cmpint ((int) (next ? sim_find (sim, next) : G_MAXUINT), ==, (int) hop);
}

static void
assert_connected (Sim *sim, guint a, guint b, guint hops)
{
  guint there = 0, back = 0;

  g_assert_cmpint (sim_packet (sim, a, b, &there), ==, SIM_ARRIVED);
  g_assert_cmpint (sim_packet (sim, b, a, &back), ==, SIM_ARRIVED);
  g_assert_cmpuint (there, ==, hops);
  g_assert_cmpuint (back, ==, hops);
}

static ScopePathWay
way (Sim *sim, guint from, guint to)
{
  return scope_path_way (sim_node (sim, from)->path, &sim_node (sim, to)->key);
}

static guint
attachment (Sim *sim, guint edge)
{
  ScopeKey key;

  scope_path_attachment (sim_node (sim, edge)->path, &key);
  return sim_find (sim, &key);
}

static void
pass (Sim *sim, gint64 ms)
{
  sim_run_until (sim, sim_now (sim) + ms);
}

/* Without a relay everything is direct, from the first packet on. */
static void
test_no_relay (void)
{
  Sim *sim = sim_new (1);
  guint a = sim_add (sim, SCOPE_ROLE_EDGE), b = sim_add (sim, SCOPE_ROLE_EDGE);

  know_all (sim);
  sim_link (sim, a, b, 40, 0);
  sim_start (sim);
  assert_hop (sim, a, b, b);
  assert_connected (sim, a, b, 1);
  pass (sim, MINUTE);
  assert_connected (sim, a, b, 1);
  g_assert_cmpint (way (sim, a, b), ==, SCOPE_PATH_WAY_DIRECT);
  sim_cut (sim, a, b, TRUE);
  pass (sim, MINUTE);
  assert_hop (sim, a, b, G_MAXUINT);
  g_assert_cmpint (way (sim, a, b), ==, SCOPE_PATH_WAY_NONE);
  sim_cut (sim, a, b, FALSE);
  pass (sim, SIM_CONNECT_MAX_MS + 100); /* there is nothing else: not held down */
  assert_connected (sim, a, b, 1);
  sim_free (sim);
}

typedef struct {
  Sim *sim;
  guint r, s, t; /* relays */
  guint a, b;    /* edges, at r and s */
} Small;

/* r, s and t are 20 ms apart; a is 10 ms from r and 30 from t, b the same from s and t; a and b may have a link. */
static Small
small (guint64 seed, gboolean edges_linked)
{
  Small w = { sim_new (seed), 0, 1, 2, 3, 4 };

  for (guint i = 0; i < 3; i++)
    sim_add (w.sim, SCOPE_ROLE_RELAY);
  for (guint i = 0; i < 2; i++)
    sim_add (w.sim, SCOPE_ROLE_EDGE);
  know_all (w.sim);
  sim_link (w.sim, w.r, w.s, 20, 0);
  sim_link (w.sim, w.r, w.t, 20, 0);
  sim_link (w.sim, w.s, w.t, 20, 0);
  sim_link (w.sim, w.a, w.r, 10, 0);
  sim_link (w.sim, w.a, w.t, 60, 0);
  sim_link (w.sim, w.b, w.s, 10, 0);
  sim_link (w.sim, w.b, w.t, 60, 0);
  if (edges_linked)
    sim_link (w.sim, w.a, w.b, 30, 0);
  sim_start (w.sim);
  pass (w.sim, 30 * SECOND);
  return w;
}

static void
test_relayed (void)
{
  Small w = small (2, FALSE);

  g_assert_cmpuint (attachment (w.sim, w.a), ==, w.r);
  g_assert_cmpuint (attachment (w.sim, w.b), ==, w.s);
  assert_hop (w.sim, w.a, w.b, w.r);
  assert_hop (w.sim, w.r, w.b, w.s);
  assert_hop (w.sim, w.s, w.b, w.b);
  assert_hop (w.sim, w.t, w.a, w.r);
  assert_connected (w.sim, w.a, w.b, 3);
  /* to relays: only to its own directly, though there is a link to t */
  assert_hop (w.sim, w.a, w.t, w.r);
  assert_connected (w.sim, w.a, w.r, 1);
  assert_connected (w.sim, w.a, w.t, 2);
  assert_connected (w.sim, w.s, w.a, 2);
  g_assert_cmpint (way (w.sim, w.a, w.b), ==, SCOPE_PATH_WAY_RELAYS);
  g_assert_cmpint (way (w.sim, w.a, w.t), ==, SCOPE_PATH_WAY_RELAY);
  g_assert_cmpint (way (w.sim, w.a, w.r), ==, SCOPE_PATH_WAY_DIRECT);
  g_assert_cmpint (way (w.sim, w.r, w.b), ==, SCOPE_PATH_WAY_RELAY);
  sim_free (w.sim);
}

static void
test_pair (void)
{
  Small w = small (3, TRUE);
  gint64 cut;

  assert_connected (w.sim, w.a, w.b, 1);
  g_assert_true (scope_path_is_direct (sim_node (w.sim, w.a)->path, &sim_node (w.sim, w.b)->key));
  sim_cut (w.sim, w.a, w.b, TRUE);
  cut = sim_now (w.sim);
  pass (w.sim, SIM_DETECT_MAX_MS + 200);
  assert_connected (w.sim, w.a, w.b, 3);
  sim_cut (w.sim, w.a, w.b, FALSE);
  /* held down for 30 s from when it was noticed */
  sim_run_until (w.sim, cut + SIM_DETECT_MIN_MS + 29 * SECOND);
  assert_connected (w.sim, w.a, w.b, 3);
  sim_run_until (w.sim, cut + SIM_DETECT_MAX_MS + 32 * SECOND);
  assert_connected (w.sim, w.a, w.b, 1);
  /* the second time for 60 */
  sim_cut (w.sim, w.a, w.b, TRUE);
  cut = sim_now (w.sim);
  pass (w.sim, 5 * SECOND);
  sim_cut (w.sim, w.a, w.b, FALSE);
  sim_run_until (w.sim, cut + 58 * SECOND);
  assert_connected (w.sim, w.a, w.b, 3);
  pass (w.sim, 6 * SECOND);
  assert_connected (w.sim, w.a, w.b, 1);
  sim_free (w.sim);
}

/* a moves: its link breaks for that, which is no reason to hold it down. A later break is. */
static void
test_moved (void)
{
  Small w = small (3, TRUE);
  const ScopeKey *a = &sim_node (w.sim, w.a)->key;

  scope_path_moved (sim_node (w.sim, w.a)->path, sim_now (w.sim), NULL);
  scope_path_moved (sim_node (w.sim, w.b)->path, sim_now (w.sim), a);
  sim_cut (w.sim, w.a, w.b, TRUE);
  pass (w.sim, SIM_DETECT_MAX_MS + 200);
  assert_connected (w.sim, w.a, w.b, 3);
  sim_cut (w.sim, w.a, w.b, FALSE);
  pass (w.sim, 3 * SECOND);
  assert_connected (w.sim, w.a, w.b, 1);

  sim_cut (w.sim, w.a, w.b, TRUE);
  pass (w.sim, SIM_DETECT_MAX_MS + 200);
  sim_cut (w.sim, w.a, w.b, FALSE);
  pass (w.sim, 20 * SECOND);
  assert_connected (w.sim, w.a, w.b, 3);
  scope_path_moved (sim_node (w.sim, w.a)->path, sim_now (w.sim), NULL); /* what was held down was so elsewhere */
  scope_path_moved (sim_node (w.sim, w.b)->path, sim_now (w.sim), a);
  sim_cut (w.sim, w.a, w.b, TRUE);
  pass (w.sim, SIM_DETECT_MAX_MS);
  sim_cut (w.sim, w.a, w.b, FALSE);
  pass (w.sim, 3 * SECOND);
  assert_connected (w.sim, w.a, w.b, 1);
  sim_free (w.sim);
}

/* One end loses 30 % of its probes: left, and taken again when it is good and the hold is over. */
static void
test_lossy (void)
{
  Small w = small (4, TRUE);

  sim_find_link (w.sim, w.a, w.b)->loss = 30;
  pass (w.sim, 15 * MINUTE);
  assert_connected (w.sim, w.a, w.b, 3);
  sim_find_link (w.sim, w.a, w.b)->loss = 0;
  pass (w.sim, 40 * MINUTE);
  assert_connected (w.sim, w.a, w.b, 1);
  sim_free (w.sim);
}

/* The edge's relay dies without a word; the registry may be gone. */
static void
test_attachment_dies (gconstpointer data)
{
  Small w = small (5, FALSE);

  if (data)
    {
      sim_registry (w.sim, FALSE);
      pass (w.sim, 10 * SECOND);
    }
  sim_kill (w.sim, w.r);
  pass (w.sim, SIM_DETECT_MAX_MS + 300);
  g_assert_cmpuint (attachment (w.sim, w.a), ==, w.t);
  assert_connected (w.sim, w.a, w.b, 3);
  assert_connected (w.sim, w.a, w.s, 2);
  /* back: a returns, but not before it was better for 300 s */
  sim_revive (w.sim, w.r);
  pass (w.sim, 4 * MINUTE + 50 * SECOND);
  g_assert_cmpuint (attachment (w.sim, w.a), ==, w.t);
  assert_connected (w.sim, w.a, w.b, 3);
  pass (w.sim, 3 * MINUTE);
  g_assert_cmpuint (attachment (w.sim, w.a), ==, w.r);
  assert_connected (w.sim, w.a, w.b, 3);
  sim_free (w.sim);
}

/* With a goodbye it takes a one-way delay. */
static void
test_attachment_leaves (void)
{
  Small w = small (6, FALSE);

  sim_leave (w.sim, w.r);
  g_assert_cmpuint (attachment (w.sim, w.a), ==, w.t);
  pass (w.sim, 100);
  assert_connected (w.sim, w.a, w.b, 3);
  sim_free (w.sim);
}

/* Everything between a and b but their link is gone: that, though it was held down. */
static void
test_lone (void)
{
  Small w = small (7, TRUE);

  sim_cut (w.sim, w.a, w.b, TRUE);
  pass (w.sim, 5 * SECOND);
  sim_cut (w.sim, w.a, w.b, FALSE);
  pass (w.sim, 2 * SECOND);
  assert_connected (w.sim, w.a, w.b, 3);
  sim_cut (w.sim, w.a, w.r, TRUE);
  sim_cut (w.sim, w.a, w.t, TRUE);
  pass (w.sim, SIM_DETECT_MAX_MS + 200);
  g_assert_cmpuint (attachment (w.sim, w.a), ==, G_MAXUINT);
  assert_connected (w.sim, w.a, w.b, 1);
  assert_hop (w.sim, w.a, w.s, G_MAXUINT); /* never a relay that it is not attached to */
  sim_free (w.sim);
}

/* r–s lost: over t; back after the hold. */
static void
test_third (void)
{
  Small w = small (8, FALSE);
  ScopeKey source;
  guint sum;

  g_assert_false (scope_path_least (sim_node (w.sim, w.r)->path, &sim_node (w.sim, w.s)->key, &sum, &source));
  sim_cut (w.sim, w.r, w.s, TRUE);
  pass (w.sim, SIM_DETECT_MAX_MS + 300);
  assert_hop (w.sim, w.r, w.s, w.t);
  assert_connected (w.sim, w.r, w.s, 2);
  assert_connected (w.sim, w.a, w.b, 4);
  g_assert_true (scope_path_least (sim_node (w.sim, w.r)->path, &sim_node (w.sim, w.s)->key, &sum, &source));
  g_assert_cmpuint (sim_find (w.sim, &source), ==, w.t);
  sim_cut (w.sim, w.r, w.s, FALSE);
  pass (w.sim, 20 * SECOND);
  assert_connected (w.sim, w.a, w.b, 4);
  pass (w.sim, 30 * SECOND);
  assert_connected (w.sim, w.a, w.b, 3);
  sim_free (w.sim);
}

/* The registry's table decides, not before it says so and only beyond the margin. */
static void
test_faster (void)
{
  Small w = small (9, FALSE);
  ScopeKey source;
  guint sum = 0;

  pass (w.sim, 5 * MINUTE);
  assert_connected (w.sim, w.r, w.s, 1);
  sim_set_rtt (w.sim, w.r, w.s, 49); /* 40 over t */
  pass (w.sim, 20 * MINUTE);
  assert_connected (w.sim, w.r, w.s, 1);
  sim_set_rtt (w.sim, w.r, w.s, 90);
  pass (w.sim, 4 * MINUTE);
  assert_connected (w.sim, w.r, w.s, 1);
  pass (w.sim, 6 * MINUTE);
  assert_connected (w.sim, w.r, w.s, 2);
  g_assert_true (scope_path_least (sim_node (w.sim, w.s)->path, &sim_node (w.sim, w.r)->key, &sum, &source));
  g_assert_cmpuint (sim_find (w.sim, &source), ==, w.t);
  g_assert_cmpuint (sum, ==, 40);
  sim_set_rtt (w.sim, w.r, w.s, 20);
  pass (w.sim, 10 * MINUTE);
  assert_connected (w.sim, w.r, w.s, 1);
  sim_free (w.sim);
}

/* Two equal third relays: the lower key; then the other one. */
static void
test_tie (void)
{
  for (guint64 seed = 1; seed <= 8; seed++)
    {
      Sim *sim = sim_new (seed);
      guint lower;

      for (guint i = 0; i < 4; i++)
        sim_add (sim, SCOPE_ROLE_RELAY);
      know_all (sim);
      for (guint i = 0; i < 4; i++)
        for (guint j = 0; j < i; j++)
          sim_link (sim, i, j, 20, 0);
      sim_start (sim);
      pass (sim, 10 * MINUTE);
      lower = scope_key_compare (&sim_node (sim, 2)->key, &sim_node (sim, 3)->key) < 0 ? 2 : 3;
      sim_cut (sim, 0, 1, TRUE);
      pass (sim, 10 * SECOND);
      assert_hop (sim, 0, 1, lower);
      assert_hop (sim, 1, 0, lower);
      sim_cut (sim, 0, lower, TRUE);
      pass (sim, 10 * SECOND);
      assert_hop (sim, 0, 1, 5 - lower);
      assert_hop (sim, 1, 0, 5 - lower);
      sim_cut (sim, 0, lower, FALSE);
      pass (sim, 2 * MINUTE);
      sim_cut (sim, 0, 5 - lower, TRUE);
      pass (sim, 10 * SECOND);
      assert_hop (sim, 0, 1, lower);
      assert_hop (sim, 1, 0, lower);
      sim_free (sim);
    }
}

/* A pipe is left for a relay, a master is the last resort. */
static void
test_classes (void)
{
  Sim *sim = sim_new (10);
  guint master = sim_add (sim, SCOPE_ROLE_MASTER), r = sim_add (sim, SCOPE_ROLE_RELAY), s = sim_add (sim, SCOPE_ROLE_RELAY);
  guint a = sim_add (sim, SCOPE_ROLE_EDGE);

  know_all (sim);
  for (guint i = 0; i < 3; i++)
    for (guint j = 0; j < i; j++)
      sim_link (sim, i, j, 20, 0);
  sim_link (sim, a, master, 4, 0);
  sim_link (sim, a, r, 30, 0);
  sim_link (sim, a, s, 60, 0);
  sim_start (sim);
  pass (sim, 10 * SECOND);
  g_assert_cmpuint (attachment (sim, a), ==, r);
  sim_pipe (sim, r);
  pass (sim, SECOND);
  g_assert_cmpuint (attachment (sim, a), ==, s);
  assert_connected (sim, a, r, 2);
  sim_kill (sim, s);
  pass (sim, 3 * SECOND);
  g_assert_cmpuint (attachment (sim, a), ==, r);
  g_assert_cmpint (way (sim, a, master), ==, SCOPE_PATH_WAY_PIPE);
  sim_kill (sim, r);
  pass (sim, 3 * SECOND);
  g_assert_cmpuint (attachment (sim, a), ==, master);
  sim_free (sim);
}

/* A new life of either end of a direct pair: direct again, and no packet is lost for long. */
static void
test_new_life (void)
{
  Small w = small (11, TRUE);

  for (guint i = 0; i < 4; i++)
    {
      guint who = i % 2 ? w.a : i == 0 ? w.b : w.r;

      sim_kill (w.sim, who);
      pass (w.sim, 100);
      sim_revive (w.sim, who);
      pass (w.sim, SIM_CONNECT_MAX_MS + 1000);
      assert_connected (w.sim, w.a, w.b, 1);
      pass (w.sim, 10 * SECOND); /* a new life begins with the first relay that answers */
      assert_connected (w.sim, w.a, w.t, 2);
      pass (w.sim, 20 * MINUTE);
    }
  sim_free (w.sim);
}

/* Told that nothing comes back, an edge says again which way, and to its relay that it is there; but not all the time. */
static void
test_silent (void)
{
  Small w = small (12, FALSE);
  ScopePath *path = sim_node (w.sim, w.a)->path;
  guint pairs = 0, attaches = 0;
  ScopePathSend send;

  for (guint i = 0; i < 5; i++)
    {
      scope_path_silent (path, sim_now (w.sim), &sim_node (w.sim, w.b)->key);
      while (scope_path_pop (path, &send))
        if (send.message.type == SCOPE_PATH_PAIR)
          {
            g_assert_true (send.message.ask);
            g_assert_false (send.direct);
            g_assert_cmpmem (&send.to, sizeof send.to, &sim_node (w.sim, w.b)->key, sizeof send.to);
            pairs++;
          }
        else
          {
            g_assert_cmpint (send.message.type, ==, SCOPE_PATH_ATTACH);
            g_assert_true (send.direct);
            g_assert_cmpmem (&send.to, sizeof send.to, &sim_node (w.sim, w.r)->key, sizeof send.to);
            attaches++;
          }
    }
  g_assert_cmpuint (pairs, ==, 1);
  g_assert_cmpuint (attaches, ==, 1);
  pass (w.sim, MINUTE); /* lost; said again, and answered */
  assert_connected (w.sim, w.a, w.b, 3);
  sim_free (w.sim);
}

/* Form of the messages. */
static void
test_messages (void)
{
  static const struct {
    const char *name;
    const char *body;
    const char *wrong; /* NULL: good */
  } cases[] = {
    { "path.pair", "{\"n\":0,\"way\":\"relayed\"}", NULL },
    { "path.pair", "{\"n\":7,\"in\":50,\"way\":\"direct\",\"hold\":1,\"ask\":true,\"answer\":true}", NULL },
    { "path.pair", "{\"n\":7,\"way\":\"via\",\"via\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\","
                   "\"legs\":[\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"]}", NULL },
    { "path.attach", "{\"n\":9007199254740991,\"in\":60000}", NULL },
    { "path.attached", "{\"n\":1,\"edges\":{\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\":5}}", NULL },
    { "path.heard", "{\"n\":1,\"in\":\"x\"}", NULL },
    { "path.pair", "{\"way\":\"relayed\"}", "path.pair.n" },
    { "path.pair", "{\"n\":-1,\"way\":\"relayed\"}", "path.pair.n" },
    { "path.pair", "{\"n\":9007199254740992,\"way\":\"relayed\"}", "path.pair.n" },
    { "path.pair", "{\"n\":1}", "path.pair.way" },
    { "path.pair", "{\"n\":1,\"way\":\"round\"}", "path.pair.way" },
    { "path.pair", "{\"n\":1,\"way\":\"via\"}", "path.pair.via" },
    { "path.pair", "{\"n\":1,\"way\":\"direct\",\"in\":60001}", "path.pair.in" },
    { "path.pair", "{\"n\":1,\"way\":\"direct\",\"hold\":600001}", "path.pair.hold" },
    { "path.pair", "{\"n\":1,\"way\":\"direct\",\"ask\":1}", "path.pair.ask" },
    { "path.pair", "{\"n\":1,\"way\":\"direct\",\"legs\":[\"x\"]}", "path.pair.legs" },
    { "path.pair", "{\"n\":1,\"way\":\"direct\",\"legs\":[1,2,3,4,5,6,7,8,9]}", "path.pair.legs" },
    { "path.attached", "{\"n\":1}", "path.attached.edges" },
    { "path.attached", "{\"n\":1,\"edges\":{}}", "path.attached.edges" },
    { "path.attached", "{\"n\":1,\"edges\":{\"x\":5}}", "path.attached.edges" },
    { "path.attached", "{\"n\":1,\"edges\":{\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\":\"5\"}}", "path.attached.edges" },
    { "path.other", "{\"n\":1}", "path.other" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (JsonObject) body = scope_json_parse_object (cases[i].body, strlen (cases[i].body), 4096, NULL);
      g_autoptr (JsonObject) again = NULL;
      g_autoptr (GError) error = NULL;
      ScopePathMessage message, reread;

      g_assert_nonnull (body);
      if (cases[i].wrong)
        {
          g_assert_false (scope_path_message_parse (&message, cases[i].name, body, &error));
          g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
          g_assert_nonnull (strstr (error->message, cases[i].wrong));
          continue;
        }
      g_assert_true (scope_path_message_parse (&message, cases[i].name, body, &error));
      g_assert_no_error (error);
      again = scope_path_message_format (&message);
      g_assert_true (scope_path_message_parse (&reread, scope_path_message_name (message.type), again, &error));
      g_assert_no_error (error);
      g_assert_cmpmem (&message, sizeof message, &reread, sizeof reread);
    }
}

/* The largest of each fits into a link message. */
static void
test_size (void)
{
  for (guint type = 0; scope_path_message_name (type); type++)
    {
      ScopePathMessage message = { .type = type, .n = SCOPE_PATH_MESSAGE_MAX_NUMBER, .in = 60000, .how = SCOPE_PATH_VIA,
                                   .hold = 600000, .ask = TRUE, .answer = TRUE,
                                   .n_legs = SCOPE_PATH_MESSAGE_MAX_LEGS, .n_edges = SCOPE_PATH_MESSAGE_MAX_EDGES };
      g_autoptr (JsonObject) body = NULL;
      g_autoptr (JsonNode) node = NULL;
      g_autofree char *text = NULL;

      for (guint i = 0; i < SCOPE_PATH_MESSAGE_MAX_EDGES; i++)
        {
          message.edges[i].key.bytes[0] = i + 1;
          message.edges[i].sequence = SCOPE_PATH_MESSAGE_MAX_NUMBER;
        }
      body = scope_path_message_format (&message);
      node = json_node_init_object (json_node_alloc (), body);
      text = json_to_string (node, FALSE);
      /* {"t":…,"d":…} with to, from and hops */
      g_assert_cmpuint (strlen (text) + 170, <=, 1200);
    }
}

/* The table for 200 relays. */
static void
test_speed (void)
{
  ScopePath *path;
  g_autoptr (GArray) table = g_array_new (FALSE, FALSE, sizeof (ScopeLatency));
  ScopeKey keys[200] = { 0 };
  gint64 begun, took;

  for (guint i = 0; i < 200; i++)
    keys[i].bytes[0] = i + 1;
  path = scope_path_new (&keys[0], SCOPE_ROLE_RELAY, 1);
  for (guint i = 1; i < 200; i++)
    {
      ScopePathMember member = { .key = keys[i], .role = SCOPE_ROLE_RELAY, .online = TRUE };

      scope_path_member (path, 1, &member);
      scope_path_link_up (path, 1, &keys[i], 20);
    }
  for (guint i = 0; i < 200; i++)
    for (guint j = i + 1; j < 200; j++)
      {
        ScopeLatency row = { keys[i], keys[j], 10 + (i * 7 + j * 13) % 90 };
        g_array_append_val (table, row);
      }
  begun = g_get_monotonic_time ();
  scope_path_table (path, 2, (ScopeLatency *) table->data, table->len, 2);
  took = g_get_monotonic_time () - begun;
  g_test_message ("a table of 200 relays: %.1f ms", took / 1e3);
  scope_path_free (path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  sim_verbose = g_getenv ("SCOPE_SIM_VERBOSE") != NULL;
  g_test_add_func ("/path/no-relay", test_no_relay);
  g_test_add_func ("/path/relayed", test_relayed);
  g_test_add_func ("/path/pair", test_pair);
  g_test_add_func ("/path/moved", test_moved);
  g_test_add_func ("/path/lossy", test_lossy);
  g_test_add_data_func ("/path/attachment-dies", NULL, test_attachment_dies);
  g_test_add_data_func ("/path/attachment-dies-without-registry", "gone", test_attachment_dies);
  g_test_add_func ("/path/attachment-leaves", test_attachment_leaves);
  g_test_add_func ("/path/lone", test_lone);
  g_test_add_func ("/path/third", test_third);
  g_test_add_func ("/path/faster", test_faster);
  g_test_add_func ("/path/tie", test_tie);
  g_test_add_func ("/path/classes", test_classes);
  g_test_add_func ("/path/new-life", test_new_life);
  g_test_add_func ("/path/silent", test_silent);
  g_test_add_func ("/path/messages", test_messages);
  g_test_add_func ("/path/size", test_size);
  g_test_add_func ("/path/speed", test_speed);
  return g_test_run ();
}
