/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-path-relays: which way packets go between two relays. */
#include "path-small.h"

/* r–s lost: over t; back after the hold. */
static void
test_third (void)
{
  Small w = small_new (8, FALSE);
  ScopeKey source;
  guint sum;

  g_assert_false (scope_path_least (sim_node (w.sim, w.r)->path, &sim_node (w.sim, w.s)->key, &sum, &source));
  sim_cut (w.sim, w.r, w.s, TRUE);
  sim_pass (w.sim, SIM_DETECT_MAX_MS + 300);
  sim_assert_hop (w.sim, w.r, w.s, w.t);
  sim_assert_connected (w.sim, w.r, w.s, 2);
  sim_assert_connected (w.sim, w.a, w.b, 4);
  g_assert_true (scope_path_least (sim_node (w.sim, w.r)->path, &sim_node (w.sim, w.s)->key, &sum, &source));
  g_assert_cmpuint (sim_find (w.sim, &source), ==, w.t);
  sim_cut (w.sim, w.r, w.s, FALSE);
  sim_pass (w.sim, 20 * SECOND);
  sim_assert_connected (w.sim, w.a, w.b, 4);
  sim_pass (w.sim, 30 * SECOND);
  sim_assert_connected (w.sim, w.a, w.b, 3);
  sim_free (w.sim);
}

/* The registry's table decides, not before it says so and only beyond the margin. */
static void
test_faster (void)
{
  Small w = small_new (9, FALSE);
  ScopeKey source;
  guint sum = 0;

  sim_pass (w.sim, 5 * MINUTE);
  sim_assert_connected (w.sim, w.r, w.s, 1);
  sim_set_rtt (w.sim, w.r, w.s, 49); /* 40 over t */
  sim_pass (w.sim, 20 * MINUTE);
  sim_assert_connected (w.sim, w.r, w.s, 1);
  sim_set_rtt (w.sim, w.r, w.s, 90);
  sim_pass (w.sim, 4 * MINUTE);
  sim_assert_connected (w.sim, w.r, w.s, 1);
  sim_pass (w.sim, 6 * MINUTE);
  sim_assert_connected (w.sim, w.r, w.s, 2);
  g_assert_true (scope_path_least (sim_node (w.sim, w.s)->path, &sim_node (w.sim, w.r)->key, &sum, &source));
  g_assert_cmpuint (sim_find (w.sim, &source), ==, w.t);
  g_assert_cmpuint (sum, ==, 40);
  sim_set_rtt (w.sim, w.r, w.s, 20);
  sim_pass (w.sim, 10 * MINUTE);
  sim_assert_connected (w.sim, w.r, w.s, 1);
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
      sim_know_all (sim);
      for (guint i = 0; i < 4; i++)
        for (guint j = 0; j < i; j++)
          sim_link (sim, i, j, 20, 0);
      sim_start (sim);
      sim_pass (sim, 10 * MINUTE);
      lower = scope_key_compare (&sim_node (sim, 2)->key, &sim_node (sim, 3)->key) < 0 ? 2 : 3;
      sim_cut (sim, 0, 1, TRUE);
      sim_pass (sim, 10 * SECOND);
      sim_assert_hop (sim, 0, 1, lower);
      sim_assert_hop (sim, 1, 0, lower);
      sim_cut (sim, 0, lower, TRUE);
      sim_pass (sim, 10 * SECOND);
      sim_assert_hop (sim, 0, 1, 5 - lower);
      sim_assert_hop (sim, 1, 0, 5 - lower);
      sim_cut (sim, 0, lower, FALSE);
      sim_pass (sim, 2 * MINUTE);
      sim_cut (sim, 0, 5 - lower, TRUE);
      sim_pass (sim, 10 * SECOND);
      sim_assert_hop (sim, 0, 1, lower);
      sim_assert_hop (sim, 1, 0, lower);
      sim_free (sim);
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

/*
 * a and b reach each other over x only. Over y, x is much faster for a: but then a would not reach b (seed 222 of
 * test-path-sim). @data: they have a link at first, so a–x is over y when it is lost
 */
static void
test_needed (gconstpointer data)
{
  for (guint64 seed = 40; seed < 56; seed++) /* with each order of keys */
    {
      Sim *sim = sim_new (seed);
      guint a = sim_add (sim, SCOPE_ROLE_RELAY), b = sim_add (sim, SCOPE_ROLE_RELAY);
      guint x = sim_add (sim, SCOPE_ROLE_RELAY), y = sim_add (sim, SCOPE_ROLE_RELAY);

      sim_know_all (sim);
      sim_link (sim, a, x, 100, 0);
      sim_link (sim, b, x, 20, 0);
      sim_link (sim, a, y, 10, 0);
      sim_link (sim, x, y, 10, 0);
      if (data)
        sim_link (sim, a, b, 30, 0);
      sim_start (sim);
      sim_pass (sim, 10 * SECOND);
      if (data)
        {
          sim_pass (sim, 10 * MINUTE);
          sim_assert_hop (sim, a, x, y);
          sim_cut (sim, a, b, TRUE);
          sim_pass (sim, SIM_DETECT_MAX_MS + 2 * SECOND);
        }
      for (guint i = 0; i < 20 * MINUTE / SECOND; i++)
        {
          sim_assert_connected (sim, a, b, 2);
          sim_assert_hop (sim, a, x, x);
          sim_pass (sim, SECOND);
        }
      if (data)
        {
          sim_cut (sim, a, b, FALSE);
          sim_pass (sim, 12 * MINUTE);
          sim_assert_connected (sim, a, b, 1);
          sim_assert_hop (sim, a, x, y); /* not needed any more */
        }
      sim_free (sim);
    }
}

/* Four that all have links to each other, but 0 and 1; half a minute old. */
static Sim *
four_relays (guint64 seed)
{
  Sim *sim = sim_new (seed);

  for (guint i = 0; i < 4; i++)
    sim_add (sim, SCOPE_ROLE_RELAY);
  sim_know_all (sim);
  for (guint i = 0; i < 4; i++)
    for (guint j = 0; j < i; j++)
      if (i != 1 || j != 0)
        sim_link (sim, i, j, 20, 0);
  sim_start (sim);
  sim_pass (sim, 30 * SECOND);
  return sim;
}

/* What one relay says to another in vain, rarer and rarer, is said at once when links come up (seed 300 of test-path-sim). */
static void
test_again (void)
{
  for (guint64 seed = 60; seed < 68; seed++)
    {
      Sim *sim = four_relays (seed);
      guint third;

      sim_assert_connected (sim, 0, 1, 2);
      third = sim_find (sim, scope_path_next_hop (sim_node (sim, 0)->path, &sim_node (sim, 1)->key));
      sim_registry (sim, FALSE);
      sim_pass (sim, 5 * SECOND);
      sim_group (sim, 0, 1); /* with the other one, to go over which it says in vain */
      sim_group (sim, 5 - third, 1);
      sim_pass (sim, 10 * MINUTE + seed * SECOND);
      sim_group (sim, 0, 0);
      sim_group (sim, 5 - third, 0);
      sim_pass (sim, SIM_CONNECT_MAX_MS + SECOND);
      sim_assert_connected (sim, 0, 1, 2);
      sim_free (sim);
    }
}

/* Who has a leg again tells it, and the other end goes over it though it said last that there is no way. */
static void
test_told (void)
{
  for (guint64 seed = 60; seed < 68; seed++)
    {
      Sim *sim = four_relays (seed);

      sim_registry (sim, FALSE);
      sim_pass (sim, 5 * SECOND);
      for (guint away = 2; away < 4; away++)
        {
          sim_group (sim, 1, 1);
          sim_pass (sim, 50);
          sim_cut (sim, 0, away, TRUE);
          sim_pass (sim, 10 * MINUTE + seed * SECOND);
          sim_group (sim, 1, 0);
          sim_pass (sim, SIM_CONNECT_MAX_MS + 2 * SECOND);
          sim_assert_connected (sim, 0, 1, 2);
          sim_cut (sim, 0, away, FALSE);
          sim_pass (sim, 10 * MINUTE);
        }
      sim_free (sim);
    }
}

/*
 * Relays x are near b, relays y near a, and each is faster reached from afar over one of the others: a and b have no leg in
 * common when their link is lost. They do not try one after the other, but make one.
 */
static void
test_disjoint (void)
{
  for (guint64 seed = 70; seed < 78; seed++)
    {
      Sim *sim = sim_new (seed);
      guint a = sim_add (sim, SCOPE_ROLE_RELAY), b = sim_add (sim, SCOPE_ROLE_RELAY), changes = 0;
      const ScopeKey *before, *hop;

      for (guint i = 2; i < 8; i++)
        sim_add (sim, SCOPE_ROLE_RELAY);
      sim_know_all (sim);
      sim_link (sim, a, b, 300, 0);
      for (guint i = 2; i < 8; i++)
        {
          sim_link (sim, a, i, i % 2 ? 100 + i : 10, 0);
          sim_link (sim, b, i, i % 2 ? 10 : 100 + i, 0);
          for (guint j = 2; j < i; j++)
            sim_link (sim, i, j, 10, 0);
        }
      sim_start (sim);
      sim_pass (sim, 10 * MINUTE);
      for (guint i = 2; i < 8; i++)
        g_assert_true (scope_path_is_direct (sim_node (sim, i % 2 ? b : a)->path, &sim_node (sim, i)->key) &&
                       !scope_path_is_direct (sim_node (sim, i % 2 ? a : b)->path, &sim_node (sim, i)->key));
      before = scope_path_next_hop (sim_node (sim, a)->path, &sim_node (sim, b)->key);
      sim_cut (sim, a, b, TRUE);
      for (guint ms = 0; ms < SIM_DETECT_MAX_MS + 2 * SECOND; ms++)
        {
          sim_pass (sim, 1);
          hop = scope_path_next_hop (sim_node (sim, a)->path, &sim_node (sim, b)->key);
          changes += hop != before;
          before = hop;
        }
      sim_assert_connected (sim, a, b, 2);
      g_test_message ("%u changes", changes);
      g_assert_cmpuint (changes, <=, 4);
      for (guint i = 0; i < 20 * MINUTE / SECOND; i++)
        {
          sim_pass (sim, SECOND);
          sim_assert_connected (sim, a, b, 2);
        }
      sim_free (sim);
    }
}

/*
 * d begins a new life with a link to c only. b's link to c works, but a is faster for b: it becomes a leg when b hears that d
 * has no other one, though each has refused what the other one proposed first (seed 690 of test-path-sim).
 */
static void
test_refused (void)
{
  for (guint64 seed = 100; seed < 148; seed++)
    {
      Sim *sim = sim_new (seed);
      guint a, b, c, d;

      for (guint i = 0; i < 4; i++)
        sim_add (sim, SCOPE_ROLE_RELAY);
      a = seed % 4;
      b = (a + 1 + seed / 4 % 3) % 4;
      for (c = 0; c == a || c == b; c++)
        ;
      d = 6 - a - b - c;
      sim_know_all (sim);
      sim_link (sim, a, b, 10, 0);
      sim_link (sim, a, c, 10, 0);
      sim_link (sim, b, c, 200, 0);
      sim_link (sim, c, d, 10, 0);
      sim_link (sim, a, d, 10, 0);
      sim_start (sim);
      sim_pass (sim, 12 * MINUTE);
      sim_assert_hop (sim, b, c, a);
      sim_registry (sim, FALSE);
      sim_kill (sim, d);
      sim_pass (sim, MINUTE);
      sim_cut (sim, a, d, TRUE);
      sim_revive (sim, d);
      sim_pass (sim, SIM_DETECT_MAX_MS + SECOND);
      sim_registry (sim, TRUE);
      sim_pass (sim, 4 * SECOND);
      sim_assert_connected (sim, a, d, 2);
      sim_assert_connected (sim, b, d, 2);
      for (guint i = 0; i < 20 * MINUTE / SECOND; i++)
        {
          sim_pass (sim, SECOND);
          sim_assert_connected (sim, b, d, 2);
        }
      sim_free (sim);
    }
}

static guint
said_to (ScopePath *path, const ScopeKey *key, ScopePathMessage *last)
{
  ScopePathSend send;
  guint n = 0;

  while (scope_path_pop (path, &send))
    if (scope_key_equal (&send.to, key) && send.message.type == SCOPE_PATH_PAIR)
      {
        *last = send.message;
        n++;
      }
  return n;
}

/* Both have said that there is no way: now and then each tells what it has, more and more seldom, until there is one. */
static void
test_no_way (void)
{
  const ScopeKey own = { { 1 } }, other = { { 2 } }, leg = { { 3 } }, far = { { 4 } };
  g_autoptr (ScopePath) path = scope_path_new (&own, SCOPE_ROLE_RELAY, 1);
  const ScopeKey *relays[] = { &other, &leg, &far };
  ScopePathMessage message = { .type = SCOPE_PATH_PAIR, .how = SCOPE_PATH_DIRECT, .answer = TRUE, .n_legs = 1, .legs = { far } };
  ScopePathMessage said = { 0 };
  gint64 now = 1000, last = 0;
  guint times = 0;

  for (guint i = 0; i < G_N_ELEMENTS (relays); i++)
    scope_path_member (path, now, &(ScopePathMember) { .key = *relays[i], .role = SCOPE_ROLE_RELAY, .online = TRUE });
  scope_path_link_up (path, now, &leg, 10);
  scope_path_link_down (path, now, &other);
  scope_path_link_down (path, now, &far);
  said_to (path, &other, &said);
  while (now < 1000 + 20 * MINUTE)
    {
      message.n = MAX (message.n, said.n) + (said.how == SCOPE_PATH_VIA);
      scope_path_handle (path, now, &other, FALSE, &message);
      while (!said_to (path, &other, &said) && now < 1000 + 20 * MINUTE)
        {
          g_assert_null (scope_path_next_hop (path, &other));
          now = MAX (now + 1, MIN (scope_path_deadline (path), 1000 + 20 * MINUTE));
          scope_path_tick (path, now);
        }
      g_assert_cmpint (now - last, >, last ? 2000 : 0);
      last = now;
      times++;
    }
  g_assert_cmpuint (times, >=, 7);
  g_assert_cmpuint (times, <=, 12);
  g_assert_cmpuint (said.n_legs, ==, 1);
  message.legs[0] = leg; /* it has one now */
  scope_path_handle (path, now, &other, FALSE, &message);
  g_assert_true (scope_key_equal (scope_path_next_hop (path, &other), &leg));
}

/* Relays that a partition separates do not try one third relay after the other (seed 979 of test-path-sim). */
static void
test_partition (void)
{
  for (guint64 seed = 80; seed < 96; seed++)
    {
      Sim *sim = sim_new (seed);
      guint changes = 0;
      const ScopeKey *before, *hop;

      for (guint i = 0; i < 40; i++)
        sim_add (sim, SCOPE_ROLE_RELAY);
      sim_know_all (sim);
      for (guint i = 0; i < 40; i++)
        for (guint j = 0; j < i; j++)
          sim_link (sim, i, j, 20 + (i * 7 + j * 13) % 50, 0);
      sim_start (sim);
      sim_pass (sim, MINUTE);
      sim_assert_connected (sim, 0, 39, 1);
      for (guint i = 35; i < 40; i++)
        sim_group (sim, i, 1);
      before = scope_path_next_hop (sim_node (sim, 0)->path, &sim_node (sim, 39)->key);
      for (guint ms = 0; ms < 10 * SECOND; ms++)
        {
          sim_pass (sim, 1);
          hop = scope_path_next_hop (sim_node (sim, 0)->path, &sim_node (sim, 39)->key);
          changes += hop != before;
          before = hop;
        }
      g_test_message ("%u changes in a partition", changes);
      g_assert_cmpuint (changes, <=, 8);
      sim_free (sim);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  sim_verbose = g_getenv ("SCOPE_SIM_VERBOSE") != NULL;
  g_test_add_func ("/path/third", test_third);
  g_test_add_func ("/path/faster", test_faster);
  g_test_add_func ("/path/tie", test_tie);
  g_test_add_func ("/path/speed", test_speed);
  g_test_add_data_func ("/path/needed", NULL, test_needed);
  g_test_add_data_func ("/path/needed-later", "later", test_needed);
  g_test_add_func ("/path/again", test_again);
  g_test_add_func ("/path/told", test_told);
  g_test_add_func ("/path/disjoint", test_disjoint);
  g_test_add_func ("/path/refused", test_refused);
  g_test_add_func ("/path/no-way", test_no_way);
  g_test_add_func ("/path/partition", test_partition);
  return g_test_run ();
}
