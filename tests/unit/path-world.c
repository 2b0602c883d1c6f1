/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A random network, and what happens in it. */
#include "path-world.h"

#include <math.h>

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

void
world_build (World *world)
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

void
world_happen (World *world)
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
      world_run (world, sim_now (sim) + 1 + sim_random (sim, 400));
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
          world_run (world, sim_now (sim) + 2000 + sim_random (sim, 5000));
          sim_cut (sim, a, b, FALSE);
          world_run (world, sim_now (sim) + 1000 + sim_random (sim, 20000));
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

void
world_heal (World *world)
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
