/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking at it: packets through the tables as they are, and whether there is a way at all. */
#include "path-sim-private.h"

SimFate
sim_packet (Sim *sim, guint from, guint to, guint *hops)
{
  const ScopeKey *source = &sim_node (sim, from)->key, *dest = &sim_node (sim, to)->key;
  guint at = from, visited[SIM_MAX_HOPS + 1];

  for (guint n = 0; n <= SIM_MAX_HOPS; n++)
    {
      const ScopeKey *next;
      SimLink *link;
      guint i;

      if (hops)
        *hops = n;
      if (at == to)
        return SIM_ARRIVED;
      for (guint j = 0; j < n; j++)
        if (visited[j] == at)
          return SIM_LOOP;
      visited[n] = at;
      if (!(next = scope_path_next_hop (sim_node (sim, at)->path, dest)))
        return SIM_NO_WAY;
      i = sim_find (sim, next);
      link = sim_find_link (sim, at, i);
      if (!link || !link->works)
        return SIM_DEAD;
      next = scope_path_next_hop (sim_node (sim, i)->path, source);
      if (!next || !scope_key_equal (next, &sim_node (sim, at)->key))
        return SIM_FILTERED;
      at = i;
    }
  return SIM_LOOP;
}

static gboolean
works (Sim *sim, guint a, guint b)
{
  SimLink *link = sim_find_link (sim, a, b);

  return link && link->works;
}

/* Reaches no other relay */
static gboolean
alone (Sim *sim, guint relay)
{
  for (guint k = 0; k < sim->nodes->len; k++)
    if (k != relay && sim_node (sim, k)->role != SCOPE_ROLE_EDGE && works (sim, relay, k))
      return FALSE;
  return TRUE;
}

static gboolean
could_stand_at (Sim *sim, guint i, guint relay, gboolean leaves)
{
  return works (sim, i, relay) && !(leaves && alone (sim, relay));
}

/* An edge whose relay is alone, and there is one that is not */
static gboolean
should_leave (Sim *sim, guint i, guint relay)
{
  if (relay == i || !alone (sim, relay))
    return FALSE;
  for (guint k = 0; k < sim->nodes->len; k++)
    if (sim_node (sim, k)->role != SCOPE_ROLE_EDGE && could_stand_at (sim, i, k, TRUE))
      return TRUE;
  return FALSE;
}

/* The relay that somebody stands at: a relay at itself. G_MAXUINT: none that works */
static guint
stands_at (Sim *sim, guint i)
{
  ScopeKey key;
  guint relay;

  if (sim_node (sim, i)->role != SCOPE_ROLE_EDGE)
    return i;
  scope_path_attachment (sim_node (sim, i)->path, &key);
  relay = sim_find (sim, &key);
  return relay != G_MAXUINT && works (sim, i, relay) ? relay : G_MAXUINT;
}

gboolean
sim_has_way (Sim *sim, guint from, guint to)
{
  guint a, b;
  gboolean a_leaves, b_leaves;

  if (!sim_node (sim, from)->alive || !sim_node (sim, to)->alive)
    return FALSE;
  if (sim_node (sim, from)->role == SCOPE_ROLE_EDGE && sim_node (sim, to)->role == SCOPE_ROLE_EDGE && works (sim, from, to))
    return TRUE;
  a = stands_at (sim, from);
  b = stands_at (sim, to);
  if (a != G_MAXUINT && a == b)
    return TRUE;
  a_leaves = a != G_MAXUINT && should_leave (sim, from, a);
  b_leaves = b != G_MAXUINT && should_leave (sim, to, b);
  a = a_leaves ? G_MAXUINT : a;
  b = b_leaves ? G_MAXUINT : b;
  if (a == G_MAXUINT || b == G_MAXUINT)
    {
      /* Attached to nobody, or to one that reaches nobody, though there is one: no excuse. */
      for (guint k = 0; k < sim->nodes->len; k++)
        if (sim_node (sim, k)->role != SCOPE_ROLE_EDGE && (a != G_MAXUINT || could_stand_at (sim, from, k, a_leaves)) &&
            (b != G_MAXUINT || could_stand_at (sim, to, k, b_leaves)))
          {
            guint l = a != G_MAXUINT ? a : k, m = b != G_MAXUINT ? b : k;
            if (l == m || works (sim, l, m))
              return TRUE;
          }
      return FALSE;
    }
  if (works (sim, a, b))
    return TRUE;
  for (guint k = 0; k < sim->nodes->len; k++)
    if (sim_node (sim, k)->role != SCOPE_ROLE_EDGE && works (sim, a, k) && works (sim, k, b))
      return TRUE;
  return FALSE;
}

gint64
sim_touched (Sim *sim, guint from, guint to)
{
  gint64 touched = MAX (sim_node (sim, from)->touched, sim_node (sim, to)->touched);
  guint ends[2] = { from, to };

  for (guint i = 0; i < 2; i++)
    {
      ScopeKey key;
      guint relay;

      if (sim_node (sim, ends[i])->role != SCOPE_ROLE_EDGE)
        continue;
      scope_path_attachment (sim_node (sim, ends[i])->path, &key);
      relay = sim_find (sim, &key);
      if (relay != G_MAXUINT)
        touched = MAX (touched, sim_node (sim, relay)->touched);
    }
  return touched;
}
