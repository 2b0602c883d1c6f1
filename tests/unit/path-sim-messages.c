/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What machines say, and how it gets there. */
#include "path-sim-private.h"

static void
say (Sim *sim, EventType type, guint from, guint to, guint dest, guint hops, gint64 delay, const ScopePathMessage *message)
{
  sim_push (sim, (Event) { .time = sim->now + delay, .type = type, .from = from, .to = to, .dest = dest, .hops = hops,
                           .epoch = sim_node (sim, to)->life, .message = g_memdup2 (message, sizeof *message) });
}

/* @from: whose message; @at: who sends it on */
static void
over_link (Sim *sim, EventType type, guint from, guint at, guint next, guint dest, guint hops,
           const ScopePathMessage *message)
{
  SimLink *link = sim_find_link (sim, at, next);

  if (!link || !link->works || sim_random (sim, 100) < link->loss)
    return;
  say (sim, type, from, next, dest, hops, link->rtt / 2 + sim_between (sim, 0, 5), message);
}

void
sim_pass_on (Sim *sim, guint from, guint at, guint dest, guint hops, const ScopePathMessage *message)
{
  const ScopeKey *next = scope_path_next_hop (sim_node (sim, at)->path, &sim_node (sim, dest)->key);

  if (next && hops)
    over_link (sim, EVENT_PASS, from, at, sim_find (sim, next), dest, hops - 1, message);
}

gboolean
sim_link_is_up (Sim *sim, guint at, guint other)
{
  SimLink *link = sim_find_link (sim, at, other);

  return link && link->up[link->a == at ? 0 : 1];
}

static void
send_message (Sim *sim, guint from, const ScopePathSend *send)
{
  guint to = sim_find (sim, &send->to);

  sim->messages++;
  if (sim_verbose)
    g_test_message ("%8.3f %3u → %3u %s%s n=%" G_GUINT64_FORMAT " in=%u how=%u via=%d hold=%u%s%s legs=%u edges=%u",
                    sim->now / 1e3, from, to, scope_path_message_name (send->message.type), send->direct ? "!" : "",
                    send->message.n, send->message.in, send->message.how,
                    send->message.how == SCOPE_PATH_VIA ? (int) sim_find (sim, &send->message.via) : -1,
                    send->message.hold, send->message.ask ? " ask" : "", send->message.answer ? " answer" : "",
                    send->message.n_legs, send->message.n_edges);
  if (to == G_MAXUINT)
    return;
  if (send->relayed)
    sim_pass_on (sim, from, from, to, 4, &send->message);
  else if (send->direct || sim_link_is_up (sim, from, to))
    over_link (sim, EVENT_MESSAGE, from, from, to, to, 0, &send->message);
  else if (sim_node (sim, from)->connected)
    {
      if (sim_node (sim, to)->connected)
        say (sim, EVENT_CARRIED, from, to, to, 0, sim_between (sim, 2 * REGISTRY_MIN_MS, 2 * REGISTRY_MAX_MS), &send->message);
    }
  else
    sim_pass_on (sim, from, from, to, 4, &send->message);
}

/* After each call of a machine: what it says, and when it wants to be called. */
void
sim_after (Sim *sim, guint i)
{
  SimNode *node = sim_node (sim, i);
  ScopePathSend send;
  gint64 deadline;

  while (scope_path_pop (node->path, &send))
    send_message (sim, i, &send);
  if (scope_path_changed (node->path) && node->role == SCOPE_ROLE_EDGE && node->connected)
    {
      ScopeKey key;

      if (scope_path_attachment (node->path, &key) != node->sequence)
        sim_push (sim, (Event) { .time = sim->now + sim_between (sim, REGISTRY_MIN_MS, REGISTRY_MAX_MS), .type = EVENT_PUBLISH,
                                 .to = i, .epoch = node->life });
    }
  deadline = MAX (scope_path_deadline (node->path), sim->now);
  if (deadline != G_MAXINT64 && deadline < node->tick_at)
    {
      node->tick_at = deadline;
      sim_push (sim, (Event) { .time = deadline, .type = EVENT_TICK, .to = i, .epoch = node->life });
    }
}
