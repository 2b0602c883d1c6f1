/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "path-small.h"

void
sim_know_all (Sim *sim)
{
  for (guint i = 0; i < sim_size (sim); i++)
    for (guint j = 0; j < sim_size (sim); j++)
      if (i != j)
        sim_knows (sim, i, j);
}

/* @hop: G_MAXUINT for none */
void
sim_assert_hop (Sim *sim, guint from, guint to, guint hop)
{
  const ScopeKey *next = scope_path_next_hop (sim_node (sim, from)->path, &sim_node (sim, to)->key);

  g_assert_cmpint ((int) (next ? sim_find (sim, next) : G_MAXUINT), ==, (int) hop);
}

void
sim_assert_connected (Sim *sim, guint a, guint b, guint hops)
{
  guint there = 0, back = 0;

  g_assert_cmpint (sim_packet (sim, a, b, &there), ==, SIM_ARRIVED);
  g_assert_cmpint (sim_packet (sim, b, a, &back), ==, SIM_ARRIVED);
  g_assert_cmpuint (there, ==, hops);
  g_assert_cmpuint (back, ==, hops);
}

ScopePathWay
sim_way (Sim *sim, guint from, guint to)
{
  return scope_path_way (sim_node (sim, from)->path, &sim_node (sim, to)->key);
}

guint
sim_attachment (Sim *sim, guint edge)
{
  ScopeKey key;

  scope_path_attachment (sim_node (sim, edge)->path, &key);
  return sim_find (sim, &key);
}

void
sim_pass (Sim *sim, gint64 ms)
{
  sim_run_until (sim, sim_now (sim) + ms);
}

/* r, s and t are 20 ms apart; a is 10 ms from r and 30 from t, b the same from s and t; a and b may have a link. */
Small
small_new (guint64 seed, gboolean edges_linked)
{
  Small w = { sim_new (seed), 0, 1, 2, 3, 4 };

  for (guint i = 0; i < 3; i++)
    sim_add (w.sim, SCOPE_ROLE_RELAY);
  for (guint i = 0; i < 2; i++)
    sim_add (w.sim, SCOPE_ROLE_EDGE);
  sim_know_all (w.sim);
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
  sim_pass (w.sim, 30 * SECOND);
  return w;
}
