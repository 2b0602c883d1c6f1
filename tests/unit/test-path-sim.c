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
 *   interrupted at all, within BOUND_MS; as long as that at most somebody on the way takes its packets from somebody else only
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
      world_totals.wrong_networks++;
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

static int
compare_rates (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return x < y ? -1 : x > y;
}

static gint64
outage_at (double part)
{
  const GArray *outages = world_totals.outages;

  return outages->len ? g_array_index (outages, gint64, (guint) ((outages->len - 1) * part)) : 0;
}

static double
rate_at (double part)
{
  const GArray *rates = world_totals.rates;

  return rates->len ? g_array_index (rates, double, (guint) ((rates->len - 1) * part)) : 0;
}

#define N G_GUINT64_FORMAT
#define MS G_GINT64_FORMAT " ms"

static void
print_totals (guint n, double seconds)
{
  const WorldTotals *t = &world_totals;

  g_test_message ("%u networks of up to %u relays and %u edges, %" N " of them wrong; %" N " pairs watched for %.0f hours, %" N
                  " events, %" N " path messages (%" N " in the last five minutes), %.1f s of the processor",
                  n, t->most_relays, t->most_edges, t->wrong_networks, t->pairs, t->pair_hours, t->events, t->messages, t->idle,
                  seconds);
  g_test_message ("loops: %" N " of %" N " packets came to somebody twice", t->loops, t->packets);
  g_test_message ("asymmetries: %" N " that last; in changes %" N " looks saw a way back that was not the reverse, for at most %" MS
                  "; %" N " packets met a filter, also where there was no way", t->asymmetries_lasting, t->asymmetries,
                  t->worst_asymmetry, t->filtered);
  g_test_message ("connected: %.3f %% of %" N " looks at pairs with a way; %u interruptions: median %" MS ", 90 %% %" MS
                  ", 99 %% %" MS ", worst %" MS "; %" N " beyond the bound of %d ms",
                  100.0 * t->connected / MAX (t->ways, 1), t->ways, t->outages->len, outage_at (0.5), outage_at (0.9),
                  outage_at (0.99), outage_at (1), t->beyond, BOUND_MS);
  g_test_message ("switches: %.2f for each pair and hour (median %.1f, 99 %% %.1f, worst %.1f), %.2f for each of %" N
                  " things that happened to a pair; %" N " to and fro", t->switches / MAX (t->pair_hours, 1e-9), rate_at (0.5),
                  rate_at (0.99), rate_at (1), (double) t->switches / MAX (t->touches, 1), t->touches, t->ping_pongs);
}

static void
totals_begin (void)
{
  world_totals = (WorldTotals) { .outages = g_array_new (FALSE, FALSE, sizeof (gint64)),
                                 .rates = g_array_new (FALSE, FALSE, sizeof (double)) };
}

static void
totals_end (void)
{
  g_clear_pointer (&world_totals.outages, g_array_unref);
  g_clear_pointer (&world_totals.rates, g_array_unref);
}

static void
networks (guint64 first, guint n)
{
  clock_t begun = clock ();

  totals_begin ();
  for (guint64 seed = first; seed < first + n; seed++)
    network (seed);
  g_array_sort (world_totals.outages, compare);
  g_array_sort (world_totals.rates, compare_rates);
  print_totals (n, (double) (clock () - begun) / CLOCKS_PER_SEC);
  totals_end ();
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

  totals_begin ();
  for (guint i = 0; i < 3; i++)
    digests[i] = network (i < 2 ? 3 : 4);
  totals_end ();
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
