/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * path-world: a random network in tests/unit/path-sim.c, what happens in it, and what is asserted of pairs in it (see
 * test-path-sim.c).
 */
#pragma once

#include "path-sim.h"

#define BOUND_MS 12000
#define PAIRS 24

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
  gint64 asymmetric; /* since: somebody on the way takes its packets only from somebody else; 0: it is not */
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

typedef struct {
  GArray *outages; /* (element-type gint64): ms */
  GArray *rates;   /* (element-type double): switches an hour of each pair */
  guint64 switches, touches, messages, events, packets, connected, ways, idle, filtered, loops, beyond, ping_pongs;
  guint64 pairs, asymmetries, asymmetries_lasting, wrong_networks;
  gint64 worst_asymmetry;
  double pair_hours;
  guint most_relays, most_edges;
} WorldTotals;

/* Over all networks. */
extern WorldTotals world_totals;

/* path-world.c */
void world_build (World *world);
void world_happen (World *world); /* something */
void world_heal (World *world);   /* all works again */

/* path-checks.c */
void world_wrong (World *world, const char *format, ...) G_GNUC_PRINTF (2, 3);
void world_run (World *world, gint64 until);
void world_judge_end (World *world);
