/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-path-sim: random networks of scope-path machines in tests/unit/path-sim.c: up to 200 relays and 2,000 edges, messages
 * that are lost, relays and edges that die, leave and come back, links that are cut, flap, or become slow or lossy,
 * partitions, a registry that is gone. SCOPE_SIM=full: 1,000 of them. SCOPE_SIM_SEED=N: one of them again, with all that
 * is said and noticed.
 *
 * What is asserted of pairs that are watched, packets going hop by hop through WireGuard's filter:
 * - no packet ever comes to the same peer twice, whatever happens
 * - who has a way (sim_has_way()) is connected in both directions; after something happened to it, or when it is
 *   interrupted at all, within BOUND_MS
 * - a pair changes its way at most SWITCHES_PER_TOUCH times for each thing that happened to it, besides SWITCHES_FREE; and
 *   never to and fro within 30 s with nothing happening
 * - at the end, when all links work and nothing has happened for 15 minutes: all connected, edges that can be are direct
 * - then nearly nothing is said any more
 * - the same seed gives the same events
 */
#include "path-world.h"

#include <stdio.h>
#include <time.h>

#define BEGIN_MS 60000
#define QUIET_MS 900000

static guint64
network (guint64 seed)
{
  World *world = g_new0 (World, 1);
  guint64 digest, said;
  guint n;

  world->seed = seed;
  world->sim = sim_new (seed);
  world_build (world);
  world_totals.most_relays = MAX (world_totals.most_relays, world->n_relays);
  world_totals.most_edges = MAX (world_totals.most_edges, world->n_edges);
  if (sim_verbose)
    g_test_message ("seed %" G_GUINT64_FORMAT ": %u relays, %u edges, %u pairs watched", seed, world->n_relays, world->n_edges,
                    world->n_watches);
  sim_start (world->sim);
  world_run (world, BEGIN_MS);
  n = 4 + sim_random (world->sim, 12);
  while (n-- > 0)
    {
      world_happen (world);
      world_run (world, sim_now (world->sim) + 1000 + sim_random (world->sim, 90000));
    }
  world_heal (world);
  world_run (world, sim_now (world->sim) + QUIET_MS);
  world_judge_end (world);
  said = sim_messages (world->sim);
  world_run (world, sim_now (world->sim) + QUIET_MS / 3);
  said = sim_messages (world->sim) - said;
  if (said > sim_size (world->sim) + 4 * world->n_relays) /* an edge that goes to a faster relay tells all of them */
    world_wrong (world, "%" G_GUINT64_FORMAT " messages by %u peers in %d s in which nothing happened", said, sim_size (world->sim),
           QUIET_MS / 3000);
  world_totals.idle += said;
  world_totals.messages += sim_messages (world->sim);
  world_totals.events += sim_events (world->sim);
  digest = sim_digest (world->sim);
  if (world->wrong)
    {
      g_test_message ("again: SCOPE_SIM_SEED=%" G_GUINT64_FORMAT " tests/unit/test-path-sim --tap", seed);
      g_test_fail ();
    }
  sim_free (world->sim);
  g_free (world);
  return digest;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return x < y ? -1 : x > y;
}

static gint64
outage_at (double part)
{
  return world_totals.outages->len ? g_array_index (world_totals.outages, gint64, (guint) ((world_totals.outages->len - 1) * part)) : 0;
}

static void
print_totals (guint n, double seconds)
{
  const WorldTotals *t = &world_totals;

  g_test_message ("%u networks of up to %u relays and %u edges, %.0f pair hours, %" G_GUINT64_FORMAT " events, %" G_GUINT64_FORMAT
                  " path messages (%" G_GUINT64_FORMAT " in the last five minutes), %.1f s of the processor",
                  n, t->most_relays, t->most_edges, t->pair_hours, t->events, t->messages, t->idle, seconds);
  g_test_message ("%" G_GUINT64_FORMAT " packets, %" G_GUINT64_FORMAT " of them met a filter in a change, %" G_GUINT64_FORMAT
                  " came to somebody twice; of %" G_GUINT64_FORMAT " looks at pairs with a way %.3f %% were connected",
                  t->packets, t->filtered, t->loops, t->ways, 100.0 * t->connected / MAX (t->ways, 1));
  g_test_message ("%u interruptions: median %" G_GINT64_FORMAT " ms, 90 %% %" G_GINT64_FORMAT " ms, 99 %% %" G_GINT64_FORMAT
                  " ms, worst %" G_GINT64_FORMAT " ms; %" G_GUINT64_FORMAT " beyond the bound of %d ms", t->outages->len,
                  outage_at (0.5), outage_at (0.9), outage_at (0.99), outage_at (1), t->beyond, BOUND_MS);
  g_test_message ("switches: %.2f for each pair and hour, at most %.1f; %.2f for each thing that happened to a pair; %" G_GUINT64_FORMAT
                  " to and fro", t->switches / MAX (t->pair_hours, 1e-9), t->worst_rate,
                  (double) t->switches / MAX (t->touches, 1), t->ping_pongs);
}

static void
networks (guint64 first, guint n)
{
  clock_t begun = clock ();

  world_totals = (WorldTotals) { .outages = g_array_new (FALSE, FALSE, sizeof (gint64)) };
  for (guint64 seed = first; seed < first + n; seed++)
    network (seed);
  g_array_sort (world_totals.outages, compare);
  print_totals (n, (double) (clock () - begun) / CLOCKS_PER_SEC);
  g_clear_pointer (&world_totals.outages, g_array_unref);
}

static void
test_sample (void)
{
  networks (1, 12);
}

static void
test_same_seed (void)
{
  guint64 digests[3];

  world_totals.outages = g_array_new (FALSE, FALSE, sizeof (gint64));
  for (guint i = 0; i < 3; i++)
    digests[i] = network (i < 2 ? 3 : 4);
  g_clear_pointer (&world_totals.outages, g_array_unref);
  g_assert_cmpuint (digests[0], ==, digests[1]);
  g_assert_cmpuint (digests[0], !=, digests[2]);
}

static void
test_seed (void)
{
  networks (g_ascii_strtoull (g_getenv ("SCOPE_SIM_SEED"), NULL, 10), 1);
}

/* "full", or "FIRST N": so many from that seed on */
static void
test_full (void)
{
  guint first = 1, n = 1000;

  if (sscanf (g_getenv ("SCOPE_SIM"), "%u %u", &first, &n) != 2)
    first = 1;
  networks (first, n);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (g_getenv ("SCOPE_SIM_SEED"))
    {
      sim_verbose = TRUE;
      g_test_add_func ("/path-sim/seed", test_seed);
      return g_test_run ();
    }
  g_test_add_func ("/path-sim/sample", test_sample);
  g_test_add_func ("/path-sim/same-seed", test_same_seed);
  if (g_getenv ("SCOPE_SIM"))
    g_test_add_func ("/path-sim/full", test_full);
  return g_test_run ();
}
