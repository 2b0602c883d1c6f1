/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is asserted of it. */
#include "path-world.h"

#define SWITCHES_FREE 4
#define SWITCHES_PER_TOUCH 3
#define PING_PONG_MS 30000
#define CLEAN_PERCENT 4 /* with 7 %, left of 30, what 5 probes each 30 s show may well stay above 10 % for 15 minutes (seed 865) */

WorldTotals world_totals;

static const char *const fates[] = { "arrived", "no way", "dead link", "filtered", "loop" };

G_GNUC_PRINTF (2, 3)
void
world_wrong (World *world, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  if (world->wrong++ < 5)
    g_test_message ("WRONG, seed %" G_GUINT64_FORMAT " at %.3f s: %s", world->seed, sim_now (world->sim) / 1e3, text);
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
    {
      world_totals.ping_pongs++;
      world_wrong (world, "%u → %u went from %u to %u and back within %.1f s", w->a, w->b, w->before, w->hop,
                   (sim_now (sim) - w->switched_before) / 1e3);
    }
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
  world_totals.packets += 2;
  world_totals.ways += way;
  if (!way || (there != SIM_FILTERED && back != SIM_FILTERED))
    w->asymmetric = 0;
  else
    {
      world_totals.asymmetries++;
      w->asymmetric = MAX (w->asymmetric ? w->asymmetric : now, w->touched);
      world_totals.worst_asymmetry = MAX (world_totals.worst_asymmetry, now - w->asymmetric);
      if (now - w->asymmetric > BOUND_MS)
        {
          world_totals.asymmetries_lasting++;
          world_wrong (world, "between %u and %u the way back is not the reverse for %.1f s", w->a, w->b, (now - w->asymmetric) / 1e3);
          w->asymmetric = now;
        }
    }
  world_totals.filtered += (there == SIM_FILTERED) + (back == SIM_FILTERED);
  if (there == SIM_LOOP || back == SIM_LOOP)
    {
      world_totals.loops++;
      world_wrong (world, "a loop between %u and %u", w->a, w->b);
    }
  if ((there == SIM_ARRIVED && back == SIM_ARRIVED) || !way)
    {
      world_totals.connected += way;
      if (w->failing && way)
        {
          outage = now - w->failing;
          g_array_append_val (world_totals.outages, outage);
          w->worst = MAX (w->worst, outage);
        }
      w->failing = 0;
      return;
    }
  w->failing = MAX (w->failing ? w->failing : now, w->touched);
  if (now - w->failing > BOUND_MS)
    {
      world_totals.beyond++;
      world_wrong (world, "%u and %u have a way and are not connected for %.1f s: there %s, back %s", w->a, w->b,
             (now - w->failing) / 1e3, fates[there], fates[back]);
      w->failing = now;
    }
}

static gboolean
any_failing (World *world)
{
  for (guint i = 0; i < world->n_watches; i++)
    if (world->watches[i].failing)
      return TRUE;
  return FALSE;
}

/* Every 100 ms for a while after something happened and while something is interrupted, otherwise every 5 s. */
void
world_run (World *world, gint64 until)
{
  Sim *sim = world->sim;
  gint64 close = sim_now (sim) + BOUND_MS + SIM_DETECT_MAX_MS;

  while (sim_now (sim) < until)
    {
      sim_run_until (sim, MIN (until, sim_now (sim) + (sim_now (sim) < close || any_failing (world) ? 100 : 5000)));
      for (guint i = 0; i < world->n_watches; i++)
        look (world, &world->watches[i]);
    }
}

void
world_judge_end (World *world)
{
  Sim *sim = world->sim;

  for (guint i = 0; i < world->n_watches; i++)
    {
      Watch *w = &world->watches[i];
      SimLink *link = sim_find_link (sim, w->a, w->b);
      SimFate there = sim_packet (sim, w->a, w->b, NULL), back = sim_packet (sim, w->b, w->a, NULL);
      double hours = sim_now (sim) / 3.6e6, rate;

      world_totals.asymmetries_lasting += there == SIM_FILTERED || back == SIM_FILTERED;
      if (sim_has_way (sim, w->a, w->b) && (there != SIM_ARRIVED || back != SIM_ARRIVED))
        world_wrong (world, "at the end %u and %u are not connected: there %s, back %s", w->a, w->b, fates[there], fates[back]);
      if (link && link->loss <= CLEAN_PERCENT && w->a >= world->n_relays && w->b >= world->n_relays &&
          !scope_path_is_direct (sim_node (sim, w->a)->path, &sim_node (sim, w->b)->key))
        world_wrong (world, "at the end %u and %u could be direct", w->a, w->b);
      if (w->switches > SWITCHES_FREE + SWITCHES_PER_TOUCH * w->touches)
        world_wrong (world, "%u → %u switched %u times in %.2f hours, while %u things happened", w->a, w->b, w->switches, hours,
               w->touches);
      world_totals.switches += w->switches;
      world_totals.touches += w->touches;
      world_totals.pair_hours += hours;
      world_totals.pairs++;
      rate = w->switches / hours;
      g_array_append_val (world_totals.rates, rate);
    }
}
