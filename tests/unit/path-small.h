/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * path-small: small worlds of tests/unit/path-sim.c where everything is known: nothing is lost unless the case says so. For
 * the tests of src/path/ that try one rule each.
 */
#pragma once

#include "path-sim.h"

#define SECOND 1000
#define MINUTE 60000

/* Everybody has everybody in its roster. */
void sim_know_all (Sim *sim);

/* @hop: G_MAXUINT for none */
void sim_assert_hop (Sim *sim, guint from, guint to, guint hop);

/* In both directions, over so many links. */
void sim_assert_connected (Sim *sim, guint a, guint b, guint hops);

ScopePathWay sim_way (Sim *sim, guint from, guint to);

/* The relay that @edge is attached to; G_MAXUINT for none. */
guint sim_attachment (Sim *sim, guint edge);

void sim_pass (Sim *sim, gint64 ms);

typedef struct {
  Sim *sim;
  guint r, s, t; /* relays */
  guint a, b;    /* edges, at r and s */
} Small;

/* r, s and t are 20 ms apart; a is 10 ms from r and 60 from t, b the same from s and t; a and b may have a link. */
Small small_new (guint64 seed, gboolean edges_linked);
