/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Links, and what happens to them and to their ends. */
#include "path-sim-private.h"

static void
touch (Sim *sim, guint i)
{
  sim_node (sim, i)->touched = sim->now;
}

static void
notices (Sim *sim, guint end, guint index, gint64 delay)
{
  sim_push (sim, (Event) { .time = sim->now + delay, .type = EVENT_LINK, .from = index, .to = end,
                           .epoch = sim_link_at (sim, index)->epoch });
}

static void
update_link (Sim *sim, guint index, gboolean again)
{
  SimLink *link = sim_link_at (sim, index);
  SimNode *a = sim_node (sim, link->a), *b = sim_node (sim, link->b);
  gboolean works = a->alive && b->alive && !link->cut && a->group == b->group;

  if (works == link->works && !(again && works))
    return;
  link->works = works;
  link->epoch++;
  touch (sim, link->a);
  touch (sim, link->b);
  if (works)
    {
      gint64 delay = sim_between (sim, SIM_CONNECT_MIN_MS, SIM_CONNECT_MAX_MS);

      notices (sim, link->a, index, delay);
      notices (sim, link->b, index, delay + link->rtt / 2);
      return;
    }
  notices (sim, link->a, index, sim_between (sim, SIM_DETECT_MIN_MS, SIM_DETECT_MAX_MS));
  notices (sim, link->b, index, sim_between (sim, SIM_DETECT_MIN_MS, SIM_DETECT_MAX_MS));
}

void
sim_update_links (Sim *sim, guint i, gboolean again)
{
  GArray *links = sim_node (sim, i)->links;

  for (guint j = 0; j < links->len; j++)
    update_link (sim, g_array_index (links, guint, j), again);
}

void
sim_on_link (Sim *sim, guint end, guint index)
{
  SimLink *link = sim_link_at (sim, index);
  SimNode *node = sim_node (sim, end);
  guint other = link->a == end ? link->b : link->a;

  if (!node->alive)
    return;
  if (sim_verbose)
    g_test_message ("%8.3f %3u: link to %u %s", sim->now / 1e3, end, other, link->works ? "up" : "down");
  link->up[link->a == end ? 0 : 1] = link->works;
  if (link->works)
    scope_path_link_up (node->path, sim->now, &sim_node (sim, other)->key, link->rtt);
  else
    scope_path_link_down (node->path, sim->now, &sim_node (sim, other)->key);
  sim_after (sim, end);
}

void
sim_sample (Sim *sim, guint i)
{
  SimNode *node = sim_node (sim, i);

  sim_push (sim, (Event) { .time = sim->now + SAMPLE_MS, .type = EVENT_SAMPLE, .to = i, .epoch = node->life });
  for (guint j = 0; j < node->links->len; j++)
    {
      SimLink *link = sim_link_at (sim, g_array_index (node->links, guint, j));
      guint lost = 0;

      if (!link->up[link->a == i ? 0 : 1] || !link->works)
        continue;
      for (guint k = 0; k < 5; k++)
        lost += sim_random (sim, 100) < link->loss;
      scope_path_link_sample (node->path, sim->now, &sim_node (sim, link->a == i ? link->b : link->a)->key,
                              link->rtt + sim_random (sim, link->rtt / 8 + 3), lost * 20);
    }
  sim_after (sim, i);
}

static void
begin (Sim *sim, guint i)
{
  SimNode *node = sim_node (sim, i);

  g_clear_pointer (&node->path, scope_path_free);
  node->path = scope_path_new (&node->key, node->role, sim->now);
  node->connected = FALSE;
  node->tick_at = G_MAXINT64;
  for (guint j = 0; j < node->knows->len; j++) /* from its cache */
    sim_tell_member (sim, i, g_array_index (node->knows, guint, j));
  for (guint j = 0; j < node->knows->len; j++)
    sim_push (sim, (Event) { .time = sim->now + SIM_DETECT_MAX_MS, .type = EVENT_TRIED,
                             .from = g_array_index (node->knows, guint, j), .to = i, .epoch = node->life });
  sim_push (sim, (Event) { .time = sim->now + sim_random (sim, SAMPLE_MS), .type = EVENT_SAMPLE, .to = i, .epoch = node->life });
  sim_update_session (sim, i);
}

void
sim_start (Sim *sim)
{
  for (guint i = 0; i < sim->nodes->len; i++)
    begin (sim, i);
  for (guint i = 0; i < sim->links->len; i++)
    update_link (sim, i, FALSE);
  sim_push (sim, (Event) { .time = sim->now + 5000, .type = EVENT_TABLE });
}

void
sim_kill (Sim *sim, guint i)
{
  SimNode *node = sim_node (sim, i);

  node->alive = FALSE;
  node->life++;
  touch (sim, i);
  sim_update_links (sim, i, FALSE);
  sim_update_session (sim, i);
  if (sim_verbose)
    g_test_message ("%8.3f %3u: dies", sim->now / 1e3, i);
}

void
sim_leave (Sim *sim, guint i)
{
  SimNode *node = sim_node (sim, i);

  sim_kill (sim, i);
  for (guint j = 0; j < node->links->len; j++)
    {
      SimLink *link = sim_link_at (sim, g_array_index (node->links, guint, j));
      guint other = link->a == i ? link->b : link->a;

      if (!sim_node (sim, other)->alive || !link->up[link->a == i ? 1 : 0])
        continue;
      link->up[link->a == i ? 1 : 0] = FALSE;
      link->epoch++;
      scope_path_left (sim_node (sim, other)->path, sim->now, &node->key);
      sim_after (sim, other);
    }
}

void
sim_revive (Sim *sim, guint i)
{
  SimNode *node = sim_node (sim, i);

  node->alive = TRUE;
  node->life++;
  if (sim_verbose)
    g_test_message ("%8.3f %3u: begins a new life", sim->now / 1e3, i);
  for (guint j = 0; j < node->links->len; j++)
    {
      SimLink *link = sim_link_at (sim, g_array_index (node->links, guint, j));
      link->up[link->a == i ? 0 : 1] = FALSE;
    }
  begin (sim, i);
  sim_update_links (sim, i, TRUE);
}

void
sim_cut (Sim *sim, guint a, guint b, gboolean cut)
{
  guint index = sim_link_index (sim, a, b);

  sim_link_at (sim, index)->cut = cut;
  update_link (sim, index, FALSE);
}

void
sim_group (Sim *sim, guint i, guint group)
{
  sim_node (sim, i)->group = group;
  sim_update_links (sim, i, FALSE);
  sim_update_session (sim, i);
}

void
sim_set_rtt (Sim *sim, guint a, guint b, guint rtt)
{
  sim_find_link (sim, a, b)->rtt = rtt;
}

void
sim_prefer (Sim *sim, guint edge, guint relay)
{
  scope_path_prefer (sim_node (sim, edge)->path, sim->now, relay == G_MAXUINT ? NULL : &sim_node (sim, relay)->key);
  sim_after (sim, edge);
}
