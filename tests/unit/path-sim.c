/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "path-sim.h"

#include "path/scope-damping.h"

#define REGISTRY_MIN_MS 10
#define REGISTRY_MAX_MS 60
#define OFFLINE_MS 30000
#define TABLE_MS 120000 /* how often the registry looks */
#define TABLE_AHEAD_MS 2000
#define SAMPLE_MS 30000
#define TIER_MS 120000

typedef enum {
  EVENT_TICK,
  EVENT_TRIED,    /* @to's link to node @from was not to be made */
  EVENT_LINK,     /* @to notices what happened to link @from */
  EVENT_MESSAGE,  /* on the link */
  EVENT_PASS,     /* in the tunnel, over relays */
  EVENT_CARRIED,  /* by the registry */
  EVENT_PUBLISH,  /* @to's record */
  EVENT_OFFLINE,
  EVENT_SESSION,  /* @to's session with the registry is there, or not */
  EVENT_SAMPLE,   /* @to's links */
  EVENT_TABLE,
} EventType;

typedef struct {
  gint64 time;
  guint64 order;
  EventType type;
  guint from;
  guint to;
  guint dest; /* of a message that is passed on */
  guint hops;
  guint32 epoch;
  ScopePathMessage *message;
} Event;

struct Sim {
  gint64 now;
  guint64 random;
  guint64 order;
  guint64 events;
  guint64 messages;
  guint64 digest;
  gboolean registry;
  gboolean table_scheduled;
  GArray *heap;
  GPtrArray *nodes;
  GArray *links;
  GHashTable *by_key; /* ScopeKey* → index + 1 */
  GHashTable *by_ends;
};

gboolean sim_verbose;

guint64
sim_random (Sim *sim, guint64 below)
{
  guint64 z = (sim->random += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15));

  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return (z ^ (z >> 31)) % MAX (below, 1);
}

static gint64
between (Sim *sim, gint64 min, gint64 max)
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

static SimLink *
link_at (Sim *sim, guint i)
{
  return &g_array_index (sim->links, SimLink, i);
}

static gpointer
ends (guint a, guint b)
{
  return GSIZE_TO_POINTER (((gsize) MIN (a, b) << 24 | MAX (a, b)) + 1);
}

static guint
find_link_index (Sim *sim, guint a, guint b)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (sim->by_ends, ends (a, b))) - 1;
}

SimLink *
sim_find_link (Sim *sim, guint a, guint b)
{
  guint i = find_link_index (sim, a, b);

  return i == G_MAXUINT ? NULL : link_at (sim, i);
}

guint
sim_other (Sim *sim, guint link, guint i)
{
  return link_at (sim, link)->a == i ? link_at (sim, link)->b : link_at (sim, link)->a;
}

/* The heap. */

static gboolean
before (const Event *a, const Event *b)
{
  return a->time != b->time ? a->time < b->time : a->order < b->order;
}

static void
push (Sim *sim, Event event)
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

/* Messages. */

static void
say (Sim *sim, EventType type, guint from, guint to, guint dest, guint hops, gint64 delay, const ScopePathMessage *message)
{
  push (sim, (Event) { .time = sim->now + delay, .type = type, .from = from, .to = to, .dest = dest, .hops = hops,
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
  say (sim, type, from, next, dest, hops, link->rtt / 2 + between (sim, 0, 5), message);
}

static void
pass_on (Sim *sim, guint from, guint at, guint dest, guint hops, const ScopePathMessage *message)
{
  const ScopeKey *next = scope_path_next_hop (sim_node (sim, at)->path, &sim_node (sim, dest)->key);

  if (next && hops)
    over_link (sim, EVENT_PASS, from, at, sim_find (sim, next), dest, hops - 1, message);
}

static gboolean
link_is_up (Sim *sim, guint at, guint other)
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
    pass_on (sim, from, from, to, 4, &send->message);
  else if (send->direct || link_is_up (sim, from, to))
    over_link (sim, EVENT_MESSAGE, from, from, to, to, 0, &send->message);
  else if (sim_node (sim, from)->connected)
    {
      if (sim_node (sim, to)->connected)
        say (sim, EVENT_CARRIED, from, to, to, 0, between (sim, 2 * REGISTRY_MIN_MS, 2 * REGISTRY_MAX_MS), &send->message);
    }
  else
    pass_on (sim, from, from, to, 4, &send->message);
}

/* After each call of a machine: what it says, and when it wants to be called. */
static void
after (Sim *sim, guint i)
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
        push (sim, (Event) { .time = sim->now + between (sim, REGISTRY_MIN_MS, REGISTRY_MAX_MS), .type = EVENT_PUBLISH,
                             .to = i, .epoch = node->life });
    }
  deadline = MAX (scope_path_deadline (node->path), sim->now);
  if (deadline != G_MAXINT64 && deadline < node->tick_at)
    {
      node->tick_at = deadline;
      push (sim, (Event) { .time = deadline, .type = EVENT_TICK, .to = i, .epoch = node->life });
    }
}

static void
tell_member (Sim *sim, guint to, guint of)
{
  SimNode *node = sim_node (sim, of);
  ScopePathMember member = { .key = node->key,
                             .role = node->role,
                             .pipe = node->pipe,
                             .online = node->online,
                             .attachment = node->attachment,
                             .sequence = node->sequence };

  scope_path_member (sim_node (sim, to)->path, sim->now, &member);
  after (sim, to);
}

static void
tell_of (Sim *sim, guint of)
{
  SimNode *node = sim_node (sim, of);

  for (guint i = 0; i < node->known_by->len; i++)
    {
      guint to = g_array_index (node->known_by, guint, i);

      if (sim_node (sim, to)->alive && sim_node (sim, to)->connected)
        tell_member (sim, to, of);
    }
}

/* The table, and tiers. */

static void
give_table (Sim *sim, guint to, gint64 at)
{
  g_autoptr (GArray) table = g_array_new (FALSE, FALSE, sizeof (ScopeLatency));

  if (sim_node (sim, to)->role == SCOPE_ROLE_EDGE)
    return;
  for (guint i = 0; i < sim->links->len; i++)
    {
      SimLink *link = link_at (sim, i);
      ScopeLatency row = { sim_node (sim, link->a)->key, sim_node (sim, link->b)->key, link->published };

      if (link->published)
        g_array_append_val (table, row);
    }
  scope_path_table (sim_node (sim, to)->path, sim->now, (ScopeLatency *) table->data, table->len, at);
  after (sim, to);
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
      SimLink *link = link_at (sim, g_array_index (node->links, guint, j));
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

static void
registry_looks (Sim *sim)
{
  gboolean changed = FALSE;

  push (sim, (Event) { .time = sim->now + TABLE_MS, .type = EVENT_TABLE });
  if (!sim->registry)
    return;
  for (guint i = 0; i < sim->links->len; i++)
    {
      SimLink *link = link_at (sim, i);
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
      tell_of (sim, i);
  for (guint i = 0; changed && i < sim->nodes->len; i++)
    if (sim_node (sim, i)->connected && sim_node (sim, i)->alive)
      give_table (sim, i, sim->now + TABLE_AHEAD_MS + between (sim, -20, 20));
}

/* Links. */

static void
touch (Sim *sim, guint i)
{
  sim_node (sim, i)->touched = sim->now;
}

static void
notices (Sim *sim, guint end, guint index, gint64 delay)
{
  push (sim, (Event) { .time = sim->now + delay, .type = EVENT_LINK, .from = index, .to = end,
                       .epoch = link_at (sim, index)->epoch });
}

static void
update_link (Sim *sim, guint index, gboolean again)
{
  SimLink *link = link_at (sim, index);
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
      gint64 delay = between (sim, SIM_CONNECT_MIN_MS, SIM_CONNECT_MAX_MS);

      notices (sim, link->a, index, delay);
      notices (sim, link->b, index, delay + link->rtt / 2);
      return;
    }
  notices (sim, link->a, index, between (sim, SIM_DETECT_MIN_MS, SIM_DETECT_MAX_MS));
  notices (sim, link->b, index, between (sim, SIM_DETECT_MIN_MS, SIM_DETECT_MAX_MS));
}

static void
update_links (Sim *sim, guint i, gboolean again)
{
  GArray *links = sim_node (sim, i)->links;

  for (guint j = 0; j < links->len; j++)
    update_link (sim, g_array_index (links, guint, j), again);
}

static void
on_link (Sim *sim, guint end, guint index)
{
  SimLink *link = link_at (sim, index);
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
  after (sim, end);
}

static void
sample (Sim *sim, guint i)
{
  SimNode *node = sim_node (sim, i);

  push (sim, (Event) { .time = sim->now + SAMPLE_MS, .type = EVENT_SAMPLE, .to = i, .epoch = node->life });
  for (guint j = 0; j < node->links->len; j++)
    {
      SimLink *link = link_at (sim, g_array_index (node->links, guint, j));
      guint lost = 0;

      if (!link->up[link->a == i ? 0 : 1] || !link->works)
        continue;
      for (guint k = 0; k < 5; k++)
        lost += sim_random (sim, 100) < link->loss;
      scope_path_link_sample (node->path, sim->now, &sim_node (sim, link->a == i ? link->b : link->a)->key,
                              link->rtt + sim_random (sim, link->rtt / 8 + 3), lost * 20);
    }
  after (sim, i);
}

/* Sessions with the registry. */

static void
update_session (Sim *sim, guint i)
{
  SimNode *node = sim_node (sim, i);
  gboolean can = node->alive && sim->registry && node->group == 0;

  if (can != node->connected)
    push (sim, (Event) { .time = sim->now + (can ? between (sim, 100, 1000) : between (sim, 200, 2000)),
                         .type = EVENT_SESSION, .to = i, .epoch = node->life });
}

static void
publish (Sim *sim, guint i)
{
  SimNode *node = sim_node (sim, i);

  if (!node->connected)
    return;
  node->sequence = scope_path_attachment (node->path, &node->attachment);
  tell_of (sim, i);
}

static void
on_session (Sim *sim, guint i)
{
  SimNode *node = sim_node (sim, i);
  gboolean can = node->alive && sim->registry && node->group == 0;

  if (can == node->connected)
    return;
  node->connected = can;
  if (!can)
    {
      push (sim, (Event) { .time = sim->now + OFFLINE_MS, .type = EVENT_OFFLINE, .to = i });
      scope_path_registry (node->path, sim->now, FALSE);
      after (sim, i);
      return;
    }
  node->online = TRUE;
  for (guint j = 0; j < node->knows->len; j++)
    tell_member (sim, i, g_array_index (node->knows, guint, j));
  scope_path_registry (node->path, sim->now, TRUE);
  give_table (sim, i, sim->now);
  if (node->role == SCOPE_ROLE_EDGE)
    publish (sim, i);
  else
    tell_of (sim, i);
  after (sim, i);
}

/* Building. */

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
  return link_at (sim, index);
}

void
sim_knows (Sim *sim, guint a, guint b)
{
  g_array_append_val (sim_node (sim, a)->knows, b);
  g_array_append_val (sim_node (sim, b)->known_by, a);
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
    tell_member (sim, i, g_array_index (node->knows, guint, j));
  for (guint j = 0; j < node->knows->len; j++)
    push (sim, (Event) { .time = sim->now + SIM_DETECT_MAX_MS, .type = EVENT_TRIED,
                         .from = g_array_index (node->knows, guint, j), .to = i, .epoch = node->life });
  push (sim, (Event) { .time = sim->now + sim_random (sim, SAMPLE_MS), .type = EVENT_SAMPLE, .to = i, .epoch = node->life });
  update_session (sim, i);
}

void
sim_start (Sim *sim)
{
  for (guint i = 0; i < sim->nodes->len; i++)
    begin (sim, i);
  for (guint i = 0; i < sim->links->len; i++)
    update_link (sim, i, FALSE);
  push (sim, (Event) { .time = sim->now + 5000, .type = EVENT_TABLE });
}

/* What happens. */

void
sim_kill (Sim *sim, guint i)
{
  SimNode *node = sim_node (sim, i);

  node->alive = FALSE;
  node->life++;
  touch (sim, i);
  update_links (sim, i, FALSE);
  update_session (sim, i);
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
      SimLink *link = link_at (sim, g_array_index (node->links, guint, j));
      guint other = link->a == i ? link->b : link->a;

      if (!sim_node (sim, other)->alive || !link->up[link->a == i ? 1 : 0])
        continue;
      link->up[link->a == i ? 1 : 0] = FALSE;
      link->epoch++;
      scope_path_left (sim_node (sim, other)->path, sim->now, &node->key);
      after (sim, other);
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
      SimLink *link = link_at (sim, g_array_index (node->links, guint, j));
      link->up[link->a == i ? 0 : 1] = FALSE;
    }
  begin (sim, i);
  update_links (sim, i, TRUE);
}

void
sim_cut (Sim *sim, guint a, guint b, gboolean cut)
{
  guint index = find_link_index (sim, a, b);

  link_at (sim, index)->cut = cut;
  update_link (sim, index, FALSE);
}

void
sim_group (Sim *sim, guint i, guint group)
{
  sim_node (sim, i)->group = group;
  update_links (sim, i, FALSE);
  update_session (sim, i);
}

void
sim_set_rtt (Sim *sim, guint a, guint b, guint rtt)
{
  sim_find_link (sim, a, b)->rtt = rtt;
}

void
sim_pipe (Sim *sim, guint i)
{
  sim_node (sim, i)->pipe = sim_node (sim, i)->forced = TRUE;
  tell_of (sim, i);
}

void
sim_registry (Sim *sim, gboolean up)
{
  sim->registry = up;
  for (guint i = 0; i < sim->nodes->len; i++)
    update_session (sim, i);
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
      registry_looks (sim);
      return;
    case EVENT_LINK:
      if (event->epoch == link_at (sim, event->from)->epoch)
        on_link (sim, event->to, event->from);
      return;
    case EVENT_OFFLINE:
      if (!node->connected && node->online)
        {
          node->online = FALSE;
          tell_of (sim, event->to);
        }
      return;
    case EVENT_SESSION:
      if (event->epoch == node->life)
        on_session (sim, event->to);
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
      if (!link_is_up (sim, event->to, event->from))
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
        pass_on (sim, event->from, event->to, event->dest, event->hops, event->message);
      break;
    case EVENT_PUBLISH:
      publish (sim, event->to);
      break;
    case EVENT_SAMPLE:
      sample (sim, event->to);
      return;
    default:
      g_assert_not_reached ();
    }
  after (sim, event->to);
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

/* Looking at it. */

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

  if (!sim_node (sim, from)->alive || !sim_node (sim, to)->alive)
    return FALSE;
  if (sim_node (sim, from)->role == SCOPE_ROLE_EDGE && sim_node (sim, to)->role == SCOPE_ROLE_EDGE && works (sim, from, to))
    return TRUE;
  a = stands_at (sim, from);
  b = stands_at (sim, to);
  if (a == G_MAXUINT || b == G_MAXUINT)
    {
      /* Attached to nobody, though there is one: no excuse. */
      for (guint k = 0; k < sim->nodes->len; k++)
        if (sim_node (sim, k)->role != SCOPE_ROLE_EDGE && (a != G_MAXUINT || works (sim, from, k)) &&
            (b != G_MAXUINT || works (sim, to, k)) && (works (sim, from, k) || works (sim, to, k)))
          {
            guint l = a != G_MAXUINT ? a : k, m = b != G_MAXUINT ? b : k;
            if (l == m || works (sim, l, m))
              return TRUE;
          }
      return FALSE;
    }
  if (a == b || works (sim, a, b))
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
