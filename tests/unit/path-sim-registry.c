/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The registry: who is in whose roster, sessions, records, the table and tiers. */
#include "path-sim-private.h"

#include "path/scope-damping.h"

#define OFFLINE_MS 30000
#define TABLE_MS 120000 /* how often the registry looks */
#define TABLE_AHEAD_MS 2000
#define TIER_MS 120000

void
sim_tell_member (Sim *sim, guint to, guint of)
{
  SimNode *node = sim_node (sim, of);
  ScopePathMember member = { .key = node->key,
                             .role = node->role,
                             .pipe = node->pipe,
                             .online = node->online,
                             .attachment = node->attachment,
                             .sequence = node->sequence };

  scope_path_member (sim_node (sim, to)->path, sim->now, &member);
  sim_after (sim, to);
}

void
sim_tell_of (Sim *sim, guint of)
{
  SimNode *node = sim_node (sim, of);

  for (guint i = 0; i < node->known_by->len; i++)
    {
      guint to = g_array_index (node->known_by, guint, i);

      if (sim_node (sim, to)->alive && sim_node (sim, to)->connected)
        sim_tell_member (sim, to, of);
    }
}

static void
give_table (Sim *sim, guint to, gint64 at)
{
  g_autoptr (GArray) table = g_array_new (FALSE, FALSE, sizeof (ScopeLatency));

  if (sim_node (sim, to)->role == SCOPE_ROLE_EDGE)
    return;
  for (guint i = 0; i < sim->links->len; i++)
    {
      SimLink *link = sim_link_at (sim, i);
      ScopeLatency row = { sim_node (sim, link->a)->key, sim_node (sim, link->b)->key, link->published };

      if (link->published)
        g_array_append_val (table, row);
    }
  scope_path_table (sim_node (sim, to)->path, sim->now, (ScopeLatency *) table->data, table->len, at);
  sim_after (sim, to);
}

static gboolean
review_tier (Sim *sim, guint i)
{
  SimNode *node = sim_node (sim, i);
  guint up = 0, n = 0;
  gboolean was = node->pipe;

  if (!node->alive || node->role != SCOPE_ROLE_RELAY)
    return FALSE;
  for (guint j = 0; j < node->links->len; j++)
    {
      SimLink *link = sim_link_at (sim, g_array_index (node->links, guint, j));
      guint other = link->a == i ? link->b : link->a;

      if (sim_node (sim, other)->role == SCOPE_ROLE_EDGE || !sim_node (sim, other)->online)
        continue;
      n++;
      up += link->up[0] && link->up[1];
    }
  if (up * 2 >= n && !node->forced)
    {
      node->poor_since = 0;
      node->pipe = FALSE;
    }
  else if (!node->poor_since)
    node->poor_since = sim->now;
  else if (sim->now - node->poor_since >= TIER_MS)
    node->pipe = TRUE;
  return was != node->pipe;
}

void
sim_registry_looks (Sim *sim)
{
  gboolean changed = FALSE;

  sim_push (sim, (Event) { .time = sim->now + TABLE_MS, .type = EVENT_TABLE });
  if (!sim->registry)
    return;
  for (guint i = 0; i < sim->links->len; i++)
    {
      SimLink *link = sim_link_at (sim, i);
      SimNode *a = sim_node (sim, link->a), *b = sim_node (sim, link->b);
      gboolean there = link->up[0] && link->up[1] && (a->connected || b->connected);
      gboolean differs;

      if (a->role == SCOPE_ROLE_EDGE || b->role == SCOPE_ROLE_EDGE)
        continue;
      differs = there != (link->published != 0) || scope_damping_better (link->rtt, link->published) ||
                scope_damping_better (link->published, link->rtt);
      if (!differs)
        link->differs_since = 0;
      else if (!link->differs_since)
        link->differs_since = sim->now;
      /* a new or lost link is published at once, a slower or faster one damped */
      if (differs && (there != (link->published != 0) || sim->now - link->differs_since >= 300000))
        {
          link->published = there ? MAX (link->rtt, 1) : 0;
          changed = TRUE;
        }
    }
  for (guint i = 0; i < sim->nodes->len; i++)
    if (review_tier (sim, i))
      sim_tell_of (sim, i);
  for (guint i = 0; changed && i < sim->nodes->len; i++)
    if (sim_node (sim, i)->connected && sim_node (sim, i)->alive)
      give_table (sim, i, sim->now + TABLE_AHEAD_MS + sim_between (sim, -20, 20));
}

void
sim_update_session (Sim *sim, guint i)
{
  SimNode *node = sim_node (sim, i);
  gboolean can = node->alive && sim->registry && node->group == 0;

  if (can != node->connected)
    sim_push (sim, (Event) { .time = sim->now + (can ? sim_between (sim, 100, 1000) : sim_between (sim, 200, 2000)),
                             .type = EVENT_SESSION, .to = i, .epoch = node->life });
}

void
sim_publish (Sim *sim, guint i)
{
  SimNode *node = sim_node (sim, i);

  if (!node->connected)
    return;
  node->sequence = scope_path_attachment (node->path, &node->attachment);
  sim_tell_of (sim, i);
}

void
sim_on_session (Sim *sim, guint i)
{
  SimNode *node = sim_node (sim, i);
  gboolean can = node->alive && sim->registry && node->group == 0;

  if (can == node->connected)
    return;
  node->connected = can;
  if (!can)
    {
      sim_push (sim, (Event) { .time = sim->now + OFFLINE_MS, .type = EVENT_OFFLINE, .to = i });
      scope_path_registry (node->path, sim->now, FALSE);
      sim_after (sim, i);
      return;
    }
  node->online = TRUE;
  for (guint j = 0; j < node->knows->len; j++)
    sim_tell_member (sim, i, g_array_index (node->knows, guint, j));
  scope_path_registry (node->path, sim->now, TRUE);
  give_table (sim, i, sim->now);
  if (node->role == SCOPE_ROLE_EDGE)
    sim_publish (sim, i);
  else
    sim_tell_of (sim, i);
  sim_after (sim, i);
}

void
sim_pipe (Sim *sim, guint i)
{
  sim_node (sim, i)->pipe = sim_node (sim, i)->forced = TRUE;
  sim_tell_of (sim, i);
}

void
sim_registry (Sim *sim, gboolean up)
{
  sim->registry = up;
  for (guint i = 0; i < sim->nodes->len; i++)
    sim_update_session (sim, i);
}
