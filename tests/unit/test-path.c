/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-path: which way packets go between two peers, each rule of src/path/ by itself. */
#include "path-small.h"

/* Without a relay everything is direct, from the first packet on. */
static void
test_no_relay (void)
{
  Sim *sim = sim_new (1);
  guint a = sim_add (sim, SCOPE_ROLE_EDGE), b = sim_add (sim, SCOPE_ROLE_EDGE);

  sim_know_all (sim);
  sim_link (sim, a, b, 40, 0);
  sim_start (sim);
  sim_assert_hop (sim, a, b, b);
  sim_assert_connected (sim, a, b, 1);
  sim_pass (sim, MINUTE);
  sim_assert_connected (sim, a, b, 1);
  g_assert_cmpint (sim_way (sim, a, b), ==, SCOPE_PATH_WAY_DIRECT);
  sim_cut (sim, a, b, TRUE);
  sim_pass (sim, MINUTE);
  sim_assert_hop (sim, a, b, G_MAXUINT);
  g_assert_cmpint (sim_way (sim, a, b), ==, SCOPE_PATH_WAY_NONE);
  sim_cut (sim, a, b, FALSE);
  sim_pass (sim, SIM_CONNECT_MAX_MS + 100); /* there is nothing else: not held down */
  sim_assert_connected (sim, a, b, 1);
  sim_free (sim);
}

static void
test_relayed (void)
{
  Small w = small_new (2, FALSE);

  g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.r);
  g_assert_cmpuint (sim_attachment (w.sim, w.b), ==, w.s);
  sim_assert_hop (w.sim, w.a, w.b, w.r);
  sim_assert_hop (w.sim, w.r, w.b, w.s);
  sim_assert_hop (w.sim, w.s, w.b, w.b);
  sim_assert_hop (w.sim, w.t, w.a, w.r);
  sim_assert_connected (w.sim, w.a, w.b, 3);
  /* to relays: only to its own directly, though there is a link to t */
  sim_assert_hop (w.sim, w.a, w.t, w.r);
  sim_assert_connected (w.sim, w.a, w.r, 1);
  sim_assert_connected (w.sim, w.a, w.t, 2);
  sim_assert_connected (w.sim, w.s, w.a, 2);
  g_assert_cmpint (sim_way (w.sim, w.a, w.b), ==, SCOPE_PATH_WAY_RELAYS);
  g_assert_cmpint (sim_way (w.sim, w.a, w.t), ==, SCOPE_PATH_WAY_RELAY);
  g_assert_cmpint (sim_way (w.sim, w.a, w.r), ==, SCOPE_PATH_WAY_DIRECT);
  g_assert_cmpint (sim_way (w.sim, w.r, w.b), ==, SCOPE_PATH_WAY_RELAY);
  sim_free (w.sim);
}

static void
test_pair (void)
{
  Small w = small_new (3, TRUE);
  gint64 cut;

  sim_assert_connected (w.sim, w.a, w.b, 1);
  g_assert_true (scope_path_is_direct (sim_node (w.sim, w.a)->path, &sim_node (w.sim, w.b)->key));
  sim_cut (w.sim, w.a, w.b, TRUE);
  cut = sim_now (w.sim);
  sim_pass (w.sim, SIM_DETECT_MAX_MS + 200);
  sim_assert_connected (w.sim, w.a, w.b, 3);
  sim_cut (w.sim, w.a, w.b, FALSE);
  /* held down for 30 s from when it was noticed */
  sim_run_until (w.sim, cut + SIM_DETECT_MIN_MS + 29 * SECOND);
  sim_assert_connected (w.sim, w.a, w.b, 3);
  sim_run_until (w.sim, cut + SIM_DETECT_MAX_MS + 32 * SECOND);
  sim_assert_connected (w.sim, w.a, w.b, 1);
  /* the second time for 60 */
  sim_cut (w.sim, w.a, w.b, TRUE);
  cut = sim_now (w.sim);
  sim_pass (w.sim, 5 * SECOND);
  sim_cut (w.sim, w.a, w.b, FALSE);
  sim_run_until (w.sim, cut + 58 * SECOND);
  sim_assert_connected (w.sim, w.a, w.b, 3);
  sim_pass (w.sim, 6 * SECOND);
  sim_assert_connected (w.sim, w.a, w.b, 1);
  sim_free (w.sim);
}

static gboolean
both_ways (Sim *sim, guint a, guint b, guint *hops)
{
  return sim_packet (sim, a, b, hops) == SIM_ARRIVED && sim_packet (sim, b, a, NULL) == SIM_ARRIVED;
}

/* Direct soon after the link is there: a round trip and a half, and some ms; and only for half a round trip do they disagree. */
static void
test_direct_soon (void)
{
  const guint rtts[] = { 2, 30, 120, 300 };

  for (guint i = 0; i < G_N_ELEMENTS (rtts); i++)
    {
      gint64 worst = 0;
      guint most = 0;

      for (guint64 seed = 50; seed < 66; seed++)
        {
          Small w = small_new (seed, FALSE);
          gint64 up = 0;
          guint gap = 0, hops = 3;

          sim_link (w.sim, w.a, w.b, rtts[i], 0)->cut = TRUE;
          sim_cut (w.sim, w.a, w.b, FALSE);
          while (hops != 1)
            {
              const SimLink *link = sim_find_link (w.sim, w.a, w.b);

              sim_pass (w.sim, 1);
              if (!up && link->up[0] && link->up[1])
                up = sim_now (w.sim);
              hops = 0;
              if (!both_ways (w.sim, w.a, w.b, &hops))
                {
                  gap++;
                  hops = 0;
                }
              g_assert_cmpint (up ? sim_now (w.sim) - up : 0, <, 2000);
            }
          worst = MAX (worst, sim_now (w.sim) - up);
          most = MAX (most, gap);
          sim_free (w.sim);
        }
      g_test_message ("round trip %u ms: direct %" G_GINT64_FORMAT " ms after both know the link, %u ms of disagreement", rtts[i], worst, most);
      g_assert_cmpint (worst, <=, rtts[i] * 3 / 2 + 20);
      g_assert_cmpuint (most, <=, rtts[i] / 2 + 10);
    }
}

/* a moves: its link breaks for that, which is no reason to hold it down. A later break is. */
static void
test_moved (void)
{
  Small w = small_new (3, TRUE);
  const ScopeKey *a = &sim_node (w.sim, w.a)->key;

  scope_path_moved (sim_node (w.sim, w.a)->path, sim_now (w.sim), NULL);
  scope_path_moved (sim_node (w.sim, w.b)->path, sim_now (w.sim), a);
  sim_cut (w.sim, w.a, w.b, TRUE);
  sim_pass (w.sim, SIM_DETECT_MAX_MS + 200);
  sim_assert_connected (w.sim, w.a, w.b, 3);
  sim_cut (w.sim, w.a, w.b, FALSE);
  sim_pass (w.sim, 3 * SECOND);
  sim_assert_connected (w.sim, w.a, w.b, 1);

  sim_cut (w.sim, w.a, w.b, TRUE);
  sim_pass (w.sim, SIM_DETECT_MAX_MS + 200);
  sim_cut (w.sim, w.a, w.b, FALSE);
  sim_pass (w.sim, 20 * SECOND);
  sim_assert_connected (w.sim, w.a, w.b, 3);
  scope_path_moved (sim_node (w.sim, w.a)->path, sim_now (w.sim), NULL); /* what was held down was so elsewhere */
  scope_path_moved (sim_node (w.sim, w.b)->path, sim_now (w.sim), a);
  sim_cut (w.sim, w.a, w.b, TRUE);
  sim_pass (w.sim, SIM_DETECT_MAX_MS);
  sim_cut (w.sim, w.a, w.b, FALSE);
  sim_pass (w.sim, 3 * SECOND);
  sim_assert_connected (w.sim, w.a, w.b, 1);
  sim_free (w.sim);
}

/* One end loses 30 % of its probes: left, and taken again when it is good and the hold is over. */
static void
test_lossy (void)
{
  Small w = small_new (4, TRUE);

  sim_find_link (w.sim, w.a, w.b)->loss = 30;
  sim_pass (w.sim, 15 * MINUTE);
  sim_assert_connected (w.sim, w.a, w.b, 3);
  sim_find_link (w.sim, w.a, w.b)->loss = 0;
  sim_pass (w.sim, 40 * MINUTE);
  sim_assert_connected (w.sim, w.a, w.b, 1);
  sim_free (w.sim);
}

/* A new life of either end of a direct pair: direct again, and no packet is lost for long. */
static void
test_new_life (void)
{
  Small w = small_new (11, TRUE);

  for (guint i = 0; i < 4; i++)
    {
      guint who = i % 2 ? w.a : i == 0 ? w.b : w.r;

      sim_kill (w.sim, who);
      sim_pass (w.sim, 100);
      sim_revive (w.sim, who);
      sim_pass (w.sim, SIM_CONNECT_MAX_MS + 1000);
      sim_assert_connected (w.sim, w.a, w.b, 1);
      sim_pass (w.sim, 10 * SECOND); /* a new life begins with the first relay that answers */
      sim_assert_connected (w.sim, w.a, w.t, 2);
      sim_pass (w.sim, 20 * MINUTE);
    }
  sim_free (w.sim);
}

/* A link that failed is left alone for a while, but not when their relays do not reach each other. */
static void
test_cut_off (void)
{
  for (guint64 seed = 30; seed < 38; seed++) /* either may be the lower key */
    {
      Sim *sim = sim_new (seed);
      guint r = sim_add (sim, SCOPE_ROLE_RELAY), s = sim_add (sim, SCOPE_ROLE_RELAY);
      guint a = sim_add (sim, SCOPE_ROLE_EDGE), b = sim_add (sim, SCOPE_ROLE_EDGE);

      sim_know_all (sim);
      sim_link (sim, r, s, 20, 0);
      sim_link (sim, a, r, 10, 0);
      sim_link (sim, b, s, 10, 0);
      sim_link (sim, a, b, 30, 0);
      sim_start (sim);
      sim_pass (sim, 30 * SECOND);
      sim_assert_connected (sim, a, b, 1);
      sim_cut (sim, a, b, TRUE);
      sim_pass (sim, 3 * SECOND);
      sim_cut (sim, a, b, FALSE);
      sim_pass (sim, 12 * SECOND);
      sim_assert_connected (sim, a, b, 3); /* held down: the relays are good enough */
      sim_cut (sim, r, s, TRUE);
      sim_pass (sim, 12 * SECOND);
      sim_assert_connected (sim, a, b, 1);
      /* again, for longer: nothing else works */
      sim_pass (sim, 40 * SECOND);
      sim_cut (sim, a, b, TRUE);
      sim_pass (sim, 3 * SECOND);
      sim_cut (sim, a, b, FALSE);
      sim_pass (sim, 12 * SECOND);
      sim_assert_connected (sim, a, b, 1);
      sim_free (sim);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  sim_verbose = g_getenv ("SCOPE_SIM_VERBOSE") != NULL;
  g_test_add_func ("/path/no-relay", test_no_relay);
  g_test_add_func ("/path/relayed", test_relayed);
  g_test_add_func ("/path/pair", test_pair);
  g_test_add_func ("/path/direct-soon", test_direct_soon);
  g_test_add_func ("/path/moved", test_moved);
  g_test_add_func ("/path/lossy", test_lossy);
  g_test_add_func ("/path/new-life", test_new_life);
  g_test_add_func ("/path/cut-off", test_cut_off);
  return g_test_run ();
}
