/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The world: peers, the order of events. */
#include "path-sim-private.h"

gboolean sim_verbose;

guint64
sim_random (Sim *sim, guint64 below)
{
  guint64 z = (sim->random += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15));

  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return (z ^ (z >> 31)) % MAX (below, 1);
}

gint64
sim_between (Sim *sim, gint64 min, gint64 max)
{
  return min + (gint64) sim_random (sim, max - min + 1);
}

gint64
sim_now (Sim *sim)
{
  return sim->now;
}

guint
sim_size (Sim *sim)
{
  return sim->nodes->len;
}

SimNode *
sim_node (Sim *sim, guint i)
{
  return g_ptr_array_index (sim->nodes, i);
}

guint64
sim_events (Sim *sim)
{
  return sim->events;
}

guint64
sim_messages (Sim *sim)
{
  return sim->messages;
}

guint64
sim_digest (Sim *sim)
{
  return sim->digest;
}

guint
sim_find (Sim *sim, const ScopeKey *key)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (sim->by_key, key)) - 1;
}

SimLink *
sim_link_at (Sim *sim, guint i)
{
  return &g_array_index (sim->links, SimLink, i);
}

static gpointer
ends (guint a, guint b)
{
  return GSIZE_TO_POINTER (((gsize) MIN (a, b) << 24 | MAX (a, b)) + 1);
}

guint
sim_link_index (Sim *sim, guint a, guint b)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (sim->by_ends, ends (a, b))) - 1;
}

SimLink *
sim_find_link (Sim *sim, guint a, guint b)
{
  guint i = sim_link_index (sim, a, b);

  return i == G_MAXUINT ? NULL : sim_link_at (sim, i);
}

guint
sim_other (Sim *sim, guint link, guint i)
{
  return sim_link_at (sim, link)->a == i ? sim_link_at (sim, link)->b : sim_link_at (sim, link)->a;
}

static gboolean
before (const Event *a, const Event *b)
{
  return a->time != b->time ? a->time < b->time : a->order < b->order;
}

void
sim_push (Sim *sim, Event event)
{
  guint i = sim->heap->len;

  event.order = sim->order++;
  g_array_append_val (sim->heap, event);
  while (i > 0)
    {
      Event *child = &g_array_index (sim->heap, Event, i), *parent = &g_array_index (sim->heap, Event, (i - 1) / 2);
      Event swap = *child;

      if (!before (child, parent))
        break;
      *child = *parent;
      *parent = swap;
      i = (i - 1) / 2;
    }
}

static Event
pop (Sim *sim)
{
  Event first = g_array_index (sim->heap, Event, 0);
  guint n = sim->heap->len - 1, i = 0;

  g_array_index (sim->heap, Event, 0) = g_array_index (sim->heap, Event, n);
  g_array_set_size (sim->heap, n);
  for (;;)
    {
      guint child = 2 * i + 1;
      Event swap;

      if (child >= n)
        break;
      if (child + 1 < n && before (&g_array_index (sim->heap, Event, child + 1), &g_array_index (sim->heap, Event, child)))
        child++;
      if (!before (&g_array_index (sim->heap, Event, child), &g_array_index (sim->heap, Event, i)))
        break;
      swap = g_array_index (sim->heap, Event, i);
      g_array_index (sim->heap, Event, i) = g_array_index (sim->heap, Event, child);
      g_array_index (sim->heap, Event, child) = swap;
      i = child;
    }
  return first;
}

Sim *
sim_new (guint64 seed)
{
  Sim *sim = g_new0 (Sim, 1);

  sim->random = seed * G_GUINT64_CONSTANT (0x2545f4914f6cdd1d) + 1;
  sim->now = 1000;
  sim->registry = TRUE;
  sim->heap = g_array_new (FALSE, FALSE, sizeof (Event));
  sim->nodes = g_ptr_array_new ();
  sim->links = g_array_new (FALSE, TRUE, sizeof (SimLink));
  sim->by_key = g_hash_table_new (scope_key_hash, scope_key_equal);
  sim->by_ends = g_hash_table_new (NULL, NULL);
  return sim;
}

void
sim_free (Sim *sim)
{
  for (guint i = 0; i < sim->heap->len; i++)
    g_free (g_array_index (sim->heap, Event, i).message);
  for (guint i = 0; i < sim->nodes->len; i++)
    {
      SimNode *node = sim_node (sim, i);

      scope_path_free (node->path);
      g_array_unref (node->links);
      g_array_unref (node->knows);
      g_array_unref (node->known_by);
      g_free (node);
    }
  g_array_unref (sim->heap);
  g_array_unref (sim->links);
  g_hash_table_unref (sim->by_key);
  g_hash_table_unref (sim->by_ends);
  g_ptr_array_unref (sim->nodes);
  g_free (sim);
}

guint
sim_add (Sim *sim, ScopeRole role)
{
  SimNode *node = g_new0 (SimNode, 1);

  for (guint i = 0; i < SCOPE_KEY_LEN; i++)
    node->key.bytes[i] = sim_random (sim, 256);
  node->role = role;
  node->alive = node->online = TRUE;
  node->tick_at = G_MAXINT64;
  node->links = g_array_new (FALSE, FALSE, sizeof (guint));
  node->knows = g_array_new (FALSE, FALSE, sizeof (guint));
  node->known_by = g_array_new (FALSE, FALSE, sizeof (guint));
  g_ptr_array_add (sim->nodes, node);
  g_hash_table_insert (sim->by_key, &node->key, GUINT_TO_POINTER (sim->nodes->len));
  return sim->nodes->len - 1;
}

SimLink *
sim_link (Sim *sim, guint a, guint b, guint rtt, guint loss)
{
  SimLink link = { .a = a, .b = b, .rtt = rtt, .loss = loss };
  guint index = sim->links->len;

  g_assert_null (sim_find_link (sim, a, b));
  g_array_append_val (sim->links, link);
  g_hash_table_insert (sim->by_ends, ends (a, b), GUINT_TO_POINTER (index + 1));
  g_array_append_val (sim_node (sim, a)->links, index);
  g_array_append_val (sim_node (sim, b)->links, index);
  return sim_link_at (sim, index);
}

void
sim_knows (Sim *sim, guint a, guint b)
{
  g_array_append_val (sim_node (sim, a)->knows, b);
  g_array_append_val (sim_node (sim, b)->known_by, a);
}

static void
handle (Sim *sim, const Event *event)
{
  SimNode *node = event->type == EVENT_TABLE ? NULL : sim_node (sim, event->to);

  sim->digest = (sim->digest ^ (guint64) event->time ^ ((guint64) event->type << 56) ^ ((guint64) event->to << 32)) *
                G_GUINT64_CONSTANT (0x100000001b3);
  switch (event->type)
    {
    case EVENT_TABLE:
      sim_registry_looks (sim);
      return;
    case EVENT_LINK:
      if (event->epoch == sim_link_at (sim, event->from)->epoch)
        sim_on_link (sim, event->to, event->from);
      return;
    case EVENT_OFFLINE:
      if (!node->connected && node->online)
        {
          node->online = FALSE;
          sim_tell_of (sim, event->to);
        }
      return;
    case EVENT_SESSION:
      if (event->epoch == node->life)
        sim_on_session (sim, event->to);
      return;
    default:
      break;
    }
  if (!node->alive || event->epoch != node->life)
    return;
  switch (event->type)
    {
    case EVENT_TICK:
      if (event->time != node->tick_at)
        return;
      node->tick_at = G_MAXINT64;
      scope_path_tick (node->path, sim->now);
      break;
    case EVENT_TRIED:
      if (!sim_link_is_up (sim, event->to, event->from))
        scope_path_link_down (node->path, sim->now, &sim_node (sim, event->from)->key);
      break;
    case EVENT_MESSAGE:
    case EVENT_CARRIED:
      if (event->type == EVENT_CARRIED && !node->connected)
        return;
      scope_path_handle (node->path, sim->now, &sim_node (sim, event->from)->key, event->type == EVENT_MESSAGE,
                         event->message);
      break;
    case EVENT_PASS:
      if (event->dest == event->to)
        scope_path_handle (node->path, sim->now, &sim_node (sim, event->from)->key, FALSE, event->message);
      else
        sim_pass_on (sim, event->from, event->to, event->dest, event->hops, event->message);
      break;
    case EVENT_PUBLISH:
      sim_publish (sim, event->to);
      break;
    case EVENT_SAMPLE:
      sim_sample (sim, event->to);
      return;
    default:
      g_assert_not_reached ();
    }
  sim_after (sim, event->to);
}

void
sim_run_until (Sim *sim, gint64 time)
{
  while (sim->heap->len && g_array_index (sim->heap, Event, 0).time <= time)
    {
      Event event = pop (sim);

      sim->now = event.time;
      sim->events++;
      handle (sim, &event);
      g_free (event.message);
    }
  sim->now = time;
}
