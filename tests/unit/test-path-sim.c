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
#include "path-sim.h"

#include <math.h>
#include <stdio.h>

#define BOUND_MS 12000
#define SWITCHES_FREE 4
#define SWITCHES_PER_TOUCH 3
#define PAIRS 24
#define BEGIN_MS 60000
#define QUIET_MS 900000
#define PING_PONG_MS 30000

typedef struct {
  guint a, b;
  guint hop; /* from a */
  guint before;
  gint64 switched;
  gint64 switched_before;
  guint switches;
  guint touches;
  gint64 touched;
  gint64 failing; /* since; 0: it is not */
  gint64 worst;
} Watch;

typedef struct {
  guint64 seed;
  Sim *sim;
  guint n_relays, n_edges;
  guint n_watches;
  Watch watches[PAIRS];
  guint wrong; /* of what is asserted */
} World;

/* Over all networks. */
static GArray *outages;
static guint64 all_switches, all_touches, all_messages, all_events, all_packets, all_connected, all_ways;
static guint64 all_idle;
static double pair_hours, worst_rate;
static guint64 filtered;
static guint most_relays, most_edges;

static const char *const fates[] = { "arrived", "no way", "dead link", "filtered", "loop" };

G_GNUC_PRINTF (2, 3)
static void
wrong (World *world, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  if (world->wrong++ < 5)
    g_test_message ("WRONG, seed %" G_GUINT64_FORMAT " at %.3f s: %s", world->seed, sim_now (world->sim) / 1e3, text);
}

static guint
log_uniform (Sim *sim, guint min, guint max)
{
  double u = sim_random (sim, 1000001) / 1e6;

  return (guint) (min * pow ((double) max / min, u * u) + 0.5); /* more small ones: the largest take seconds */
}

static void
both_know (Sim *sim, guint a, guint b)
{
  sim_knows (sim, a, b);
  sim_knows (sim, b, a);
}

static gboolean
is_watched (World *world, guint a, guint b)
{
  for (guint i = 0; i < world->n_watches; i++)
    if ((world->watches[i].a == a && world->watches[i].b == b) || (world->watches[i].a == b && world->watches[i].b == a))
      return TRUE;
  return FALSE;
}

static void
watch (World *world, guint a, guint b)
{
  Sim *sim = world->sim;
  gboolean edges = a >= world->n_relays && b >= world->n_relays;

  if (a == b || is_watched (world, a, b))
    return;
  if (edges)
    {
      both_know (sim, a, b);
      if (sim_random (sim, 10) < 6)
        sim_link (sim, a, b, 5 + sim_random (sim, 80), sim_random (sim, 5));
    }
  else if (b < world->n_relays && a >= world->n_relays && !sim_find_link (sim, a, b))
    sim_knows (sim, a, b);
  world->watches[world->n_watches++] = (Watch) { .a = a, .b = b, .hop = G_MAXUINT, .before = G_MAXUINT };
}

static void
build (World *world)
{
  Sim *sim = world->sim;
  guint loss = sim_random (sim, 8), master = sim_random (sim, 10) < 7 ? 1 : 0;

  world->n_relays = sim_random (sim, 20) ? log_uniform (sim, 1, 200) : 0;
  world->n_edges = log_uniform (sim, 2, 2000);
  if (world->seed % 100 == 50) /* some of the largest */
    {
      world->n_relays = 200;
      world->n_edges = 2000;
    }
  for (guint i = 0; i < world->n_relays; i++)
    sim_add (sim, i < master ? SCOPE_ROLE_MASTER : SCOPE_ROLE_RELAY);
  for (guint i = 0; i < world->n_edges; i++)
    sim_add (sim, SCOPE_ROLE_EDGE);
  for (guint i = 0; i < world->n_relays; i++)
    for (guint j = 0; j < i; j++)
      {
        both_know (sim, i, j);
        if (sim_random (sim, 100) < 97)
          sim_link (sim, i, j, 2 + sim_random (sim, 120), sim_random (sim, loss + 1));
      }
  for (guint i = world->n_relays; i < world->n_relays + world->n_edges; i++)
    {
      guint n = MIN (world->n_relays, 1 + sim_random (sim, 4));

      for (guint j = 0; j < world->n_relays; j++)
        sim_knows (sim, j, i);
      for (guint j = 0; j <= n && world->n_relays; j++)
        {
          guint relay = j < n ? sim_random (sim, world->n_relays) : 0;

          if (sim_find_link (sim, i, relay) || (j == n && !master))
            continue;
          sim_knows (sim, i, relay);
          sim_link (sim, i, relay, 4 + sim_random (sim, 100), sim_random (sim, loss + 1));
        }
    }
  for (guint tries = 0; tries < 4 * PAIRS && world->n_watches < PAIRS; tries++)
    {
      guint n = world->n_relays + world->n_edges, kind = sim_random (sim, 6);
      guint a = world->n_relays + sim_random (sim, world->n_edges), b = world->n_relays + sim_random (sim, world->n_edges);

      if (kind == 0 && world->n_relays)
        b = sim_random (sim, world->n_relays);
      if (kind == 1 && world->n_relays)
        {
          a = sim_random (sim, world->n_relays);
          b = sim_random (sim, world->n_relays);
        }
      g_assert_cmpuint (MAX (a, b), <, n);
      watch (world, a, b);
    }
}

static void
count_hop (World *world, Watch *w)
{
  Sim *sim = world->sim;
  const ScopeKey *next = scope_path_next_hop (sim_node (sim, w->a)->path, &sim_node (sim, w->b)->key);
  guint hop = next ? sim_find (sim, next) : G_MAXUINT;
  gint64 touched = sim_touched (sim, w->a, w->b);

  if (touched != w->touched)
    w->touches++;
  w->touched = touched;
  if (hop == w->hop)
    return;
  if (hop == w->before && sim_now (sim) - w->switched_before < PING_PONG_MS && hop != G_MAXUINT && w->hop != G_MAXUINT &&
      touched < w->switched_before - SIM_DETECT_MAX_MS - BOUND_MS)
    wrong (world, "%u → %u went from %u to %u and back within %.1f s", w->a, w->b, w->before, w->hop,
           (sim_now (sim) - w->switched_before) / 1e3);
  if (sim_verbose)
    g_test_message ("%8.3f %u → %u: next hop %d, was %d", sim_now (sim) / 1e3, w->a, w->b, (int) hop, (int) w->hop);
  w->before = w->hop;
  w->hop = hop;
  w->switched_before = w->switched ? w->switched : sim_now (sim);
  w->switched = sim_now (sim);
  w->switches++;
}

/* One packet each way. */
static void
look (World *world, Watch *w)
{
  Sim *sim = world->sim;
  gint64 now = sim_now (sim), outage;
  SimFate there, back;
  gboolean way = sim_has_way (sim, w->a, w->b);

  if (!sim_node (sim, w->a)->alive || !sim_node (sim, w->b)->alive)
    {
      w->failing = 0;
      return;
    }
  count_hop (world, w);
  there = sim_packet (sim, w->a, w->b, NULL);
  back = sim_packet (sim, w->b, w->a, NULL);
  all_packets += 2;
  all_ways += way;
  filtered += (there == SIM_FILTERED) + (back == SIM_FILTERED);
  if (there == SIM_LOOP || back == SIM_LOOP)
    wrong (world, "a loop between %u and %u", w->a, w->b);
  if ((there == SIM_ARRIVED && back == SIM_ARRIVED) || !way)
    {
      all_connected += way;
      if (w->failing && way)
        {
          outage = now - w->failing;
          g_array_append_val (outages, outage);
          w->worst = MAX (w->worst, outage);
        }
      w->failing = 0;
      return;
    }
  w->failing = MAX (w->failing ? w->failing : now, w->touched);
  if (now - w->failing > BOUND_MS)
    {
      wrong (world, "%u and %u have a way and are not connected for %.1f s: there %s, back %s", w->a, w->b,
             (now - w->failing) / 1e3, fates[there], fates[back]);
      w->failing = now;
    }
}

/* Every 100 ms for a while after something happened, otherwise every 5 s. */
static void
run (World *world, gint64 until)
{
  Sim *sim = world->sim;
  gint64 close = sim_now (sim) + BOUND_MS + SIM_DETECT_MAX_MS;

  while (sim_now (sim) < until)
    {
      sim_run_until (sim, MIN (until, sim_now (sim) + (sim_now (sim) < close ? 100 : 5000)));
      for (guint i = 0; i < world->n_watches; i++)
        look (world, &world->watches[i]);
    }
}

static guint
any_node (World *world)
{
  Sim *sim = world->sim;
  const Watch *w = &world->watches[sim_random (sim, MAX (world->n_watches, 1))];
  ScopeKey key;
  guint relay;

  /* what the watched pairs depend on, mostly */
  switch (world->n_watches ? sim_random (sim, 4) : 3)
    {
    case 0:
      return w->a;
    case 1:
      if (!sim_node (sim, w->a)->alive)
        return w->a;
      scope_path_attachment (sim_node (sim, w->a)->path, &key);
      relay = sim_find (sim, &key);
      return relay != G_MAXUINT ? relay : w->b;
    default:
      return sim_random (sim, world->n_relays ? world->n_relays : sim_size (sim));
    }
}

static SimLink *
any_link (World *world)
{
  Sim *sim = world->sim;
  guint i = any_node (world);
  GArray *links = sim_node (sim, i)->links;
  const Watch *w = &world->watches[sim_random (sim, MAX (world->n_watches, 1))];
  const ScopeKey *next;

  if (world->n_watches && sim_random (sim, 2) && sim_node (sim, w->a)->alive)
    {
      next = scope_path_next_hop (sim_node (sim, w->a)->path, &sim_node (sim, w->b)->key);
      if (next && sim_find_link (sim, w->a, sim_find (sim, next)))
        return sim_find_link (sim, w->a, sim_find (sim, next));
    }
  if (!links->len)
    return NULL;
  return sim_find_link (sim, i, sim_other (sim, g_array_index (links, guint, sim_random (sim, links->len)), i));
}

static void
happen (World *world)
{
  Sim *sim = world->sim;
  SimLink *link;
  guint i = any_node (world), a, b;

  switch (sim_random (sim, 12))
    {
    case 0:
    case 1:
      sim_node (sim, i)->alive ? sim_kill (sim, i) : sim_revive (sim, i);
      return;
    case 2:
      sim_node (sim, i)->alive ? sim_leave (sim, i) : sim_revive (sim, i);
      return;
    case 3: /* begins anew before anybody notices */
      if (!sim_node (sim, i)->alive)
        return;
      sim_kill (sim, i);
      run (world, sim_now (sim) + 1 + sim_random (sim, 400));
      sim_revive (sim, i);
      return;
    case 4:
    case 5:
      if ((link = any_link (world)))
        sim_cut (sim, link->a, link->b, !link->cut);
      return;
    case 6: /* flaps */
      if (!(link = any_link (world)))
        return;
      a = link->a;
      b = link->b;
      for (guint n = 4 + sim_random (sim, 8); n-- > 0;)
        {
          sim_cut (sim, a, b, TRUE);
          run (world, sim_now (sim) + 2000 + sim_random (sim, 5000));
          sim_cut (sim, a, b, FALSE);
          run (world, sim_now (sim) + 1000 + sim_random (sim, 20000));
        }
      return;
    case 7: /* a partition */
      for (guint n = 0; n < sim_size (sim); n++)
        if (sim_random (sim, 3) == 0)
          sim_group (sim, n, sim_random (sim, 3));
      return;
    case 8: /* and its end */
      for (guint n = 0; n < sim_size (sim); n++)
        sim_group (sim, n, 0);
      return;
    case 9:
      sim_registry (sim, sim_random (sim, 2));
      return;
    case 10:
      if ((link = any_link (world)))
        link->rtt = 2 + sim_random (sim, 400);
      return;
    default:
      if ((link = any_link (world)))
        link->loss = sim_random (sim, 2) ? 30 : 0;
      return;
    }
}

static void
heal (World *world)
{
  Sim *sim = world->sim;

  sim_registry (sim, TRUE);
  for (guint i = 0; i < sim_size (sim); i++)
    {
      GArray *links = sim_node (sim, i)->links;

      if (!sim_node (sim, i)->alive)
        sim_revive (sim, i);
      if (sim_node (sim, i)->group)
        sim_group (sim, i, 0);
      for (guint j = 0; j < links->len; j++)
        {
          guint other = sim_other (sim, g_array_index (links, guint, j), i);
          SimLink *link = sim_find_link (sim, i, other);

          link->loss = MIN (link->loss, 7);
          if (link->cut)
            sim_cut (sim, i, other, FALSE);
        }
    }
}

static void
judge_end (World *world)
{
  Sim *sim = world->sim;

  for (guint i = 0; i < world->n_watches; i++)
    {
      Watch *w = &world->watches[i];
      SimLink *link = sim_find_link (sim, w->a, w->b);
      SimFate there = sim_packet (sim, w->a, w->b, NULL), back = sim_packet (sim, w->b, w->a, NULL);
      double hours = sim_now (sim) / 3.6e6;

      if (sim_has_way (sim, w->a, w->b) && (there != SIM_ARRIVED || back != SIM_ARRIVED))
        wrong (world, "at the end %u and %u are not connected: there %s, back %s", w->a, w->b, fates[there], fates[back]);
      if (link && w->a >= world->n_relays && w->b >= world->n_relays &&
          !scope_path_is_direct (sim_node (sim, w->a)->path, &sim_node (sim, w->b)->key))
        wrong (world, "at the end %u and %u could be direct", w->a, w->b);
      if (w->switches > SWITCHES_FREE + SWITCHES_PER_TOUCH * w->touches)
        wrong (world, "%u → %u switched %u times in %.2f hours, while %u things happened", w->a, w->b, w->switches, hours,
               w->touches);
      all_switches += w->switches;
      all_touches += w->touches;
      pair_hours += hours;
      worst_rate = MAX (worst_rate, w->switches / hours);
    }
}

static guint64
network (guint64 seed)
{
  World *world = g_new0 (World, 1);
  guint64 digest, said;
  guint n;

  world->seed = seed;
  world->sim = sim_new (seed);
  build (world);
  most_relays = MAX (most_relays, world->n_relays);
  most_edges = MAX (most_edges, world->n_edges);
  if (sim_verbose)
    g_test_message ("seed %" G_GUINT64_FORMAT ": %u relays, %u edges, %u pairs watched", seed, world->n_relays, world->n_edges,
                    world->n_watches);
  sim_start (world->sim);
  run (world, BEGIN_MS);
  n = 4 + sim_random (world->sim, 12);
  while (n-- > 0)
    {
      happen (world);
      run (world, sim_now (world->sim) + 1000 + sim_random (world->sim, 90000));
    }
  heal (world);
  run (world, sim_now (world->sim) + QUIET_MS);
  judge_end (world);
  said = sim_messages (world->sim);
  run (world, sim_now (world->sim) + QUIET_MS / 3);
  said = sim_messages (world->sim) - said;
  if (said > sim_size (world->sim) + 4 * world->n_relays) /* an edge that goes to a faster relay tells all of them */
    wrong (world, "%" G_GUINT64_FORMAT " messages by %u peers in %d s in which nothing happened", said, sim_size (world->sim),
           QUIET_MS / 3000);
  all_idle += said;
  all_messages += sim_messages (world->sim);
  all_events += sim_events (world->sim);
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
  return outages->len ? g_array_index (outages, gint64, (guint) ((outages->len - 1) * part)) : 0;
}

static void
networks (guint64 first, guint n)
{
  gint64 begun = g_get_monotonic_time ();

  outages = g_array_new (FALSE, FALSE, sizeof (gint64));
  all_switches = all_touches = all_messages = all_events = all_packets = all_idle = all_connected = all_ways = filtered = 0;
  pair_hours = worst_rate = 0;
  most_relays = most_edges = 0;
  for (guint64 seed = first; seed < first + n; seed++)
    network (seed);
  g_array_sort (outages, compare);
  g_test_message ("%u networks of up to %u relays and %u edges, %.0f pair hours, %" G_GUINT64_FORMAT " events, %" G_GUINT64_FORMAT
                  " path messages (%" G_GUINT64_FORMAT " in the last five minutes), %.1f s", n, most_relays, most_edges, pair_hours, all_events, all_messages, all_idle,
                  (g_get_monotonic_time () - begun) / 1e6);
  g_test_message ("%" G_GUINT64_FORMAT " packets, %" G_GUINT64_FORMAT " of them met a filter in a change; of %" G_GUINT64_FORMAT
                  " looks at pairs with a way %.3f %% were connected", all_packets, filtered, all_ways,
                  100.0 * all_connected / MAX (all_ways, 1));
  g_test_message ("%u interruptions: median %" G_GINT64_FORMAT " ms, 90 %% %" G_GINT64_FORMAT " ms, 99 %% %" G_GINT64_FORMAT
                  " ms, worst %" G_GINT64_FORMAT " ms (bound %d)", outages->len, outage_at (0.5), outage_at (0.9),
                  outage_at (0.99), outage_at (1), BOUND_MS);
  g_test_message ("switches: %.2f for each pair and hour, at most %.1f; %.2f for each thing that happened to a pair",
                  all_switches / MAX (pair_hours, 1e-9), worst_rate, (double) all_switches / MAX (all_touches, 1));
  g_clear_pointer (&outages, g_array_unref);
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

  outages = g_array_new (FALSE, FALSE, sizeof (gint64));
  for (guint i = 0; i < 3; i++)
    digests[i] = network (i < 2 ? 3 : 4);
  g_clear_pointer (&outages, g_array_unref);
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
