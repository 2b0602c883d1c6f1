/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-kex-sim: many peers with src/peer/scope-kex.c, a registry that loses every tenth message, clocks that are
 * wrong by minutes, WireGuard and traffic, days of it in virtual time. SCOPE_SIM=full: 50 peers, 30 days.
 *
 * What is asserted:
 * - two peers that are both online, and both know it, never have different current keys for longer than
 *   DISAGREE_MS: the confirm window and two messages' way
 * - no packet is lost by a key change: none in a session that a readd ended, none for want of a session because two
 *   keys differed; with sabotaged installs WORST_STALL_MS is the longest time without a session
 *   (but the first session after a restart may wait for SLOW_FIRST_MS)
 * - a pair that stays online misses at most MAX_MISSED epochs in a row
 * - the same seed gives the same events
 */
#include "kex-fake.h"
#include "kex-sim-link.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define EPOCH_MS 3600000
#define BASE_MS G_GINT64_CONSTANT (1000000000000)
#define MAX_LATENCY_MS 200
#define MIN_LATENCY_MS 5
#define MAX_SKEW_MS 600000
#define DISAGREE_MS (SCOPE_KEX_CONFIRM_MS + 2 * MAX_LATENCY_MS)
#define MAX_MISSED 1
#define SLOW_FIRST_MS 30000
#define WORST_STALL_MS 15500 /* three of WireGuard's retries, 5 s apart: one in ten of its packets is lost, too */
#define MAX_PEERS 64
#define HOUR (G_GINT64_CONSTANT (3600000))
#define DAY (24 * HOUR)

typedef enum {
  EVENT_TICK,
  EVENT_KEY,
  EVENT_WANT,
  EVENT_CT,
  EVENT_MESSAGE,
  EVENT_ONLINE,  /* @from, seen by @to, after it */
  EVENT_OFFLINE,
  EVENT_ROSTER,  /* to @to */
  EVENT_LIFE,    /* something happens to @to */
  EVENT_BACK,    /* it comes back */
} EventType;

typedef struct {
  gint64 time;
  guint64 order;
  guint8 type;
  guint8 from;
  guint8 to;
  guint32 life; /* of @to */
  gpointer data;
} Event;

typedef struct {
  ScopeKex *kex;
  ScopeKey key;
  gint64 skew;
  gboolean running;
  gboolean online;
  gboolean lose_keys;
  guint32 life;
  char *saved;
  gint64 tick;
  ScopeKexKey *registered; /* what the registry has of it */
  guint64 knows;           /* bits: whom it takes for online */
  struct Sim *sim;
} Machine;

/* What the two machines of a pair want, whatever was written. */
typedef struct {
  ScopeKey current[2];
  gboolean has[2];
  gint64 differ_since; /* 0: they do not */
  guint64 epoch;       /* the last that both had; 0 when it has to begin anew */
} Watch;

typedef struct Sim {
  guint n;
  gint64 now;
  gint64 end;
  guint64 random;
  guint64 order;
  guint sabotage; /* per mille of installs */
  gboolean lives; /* joins, leaves, restarts */
  guint loss;     /* per mille of messages */
  Machine machines[MAX_PEERS];
  Link *links;
  Watch *watches;
  GArray *heap;
  guint64 digest;
  guint64 events;
  gint64 worst;
  guint64 done, missed;
  guint64 worst_missed;
  guint64 reverts;
  guint64 refusals;
  guint64 sabotaged;
  guint64 readds, installs;
  GHashTable *refused;
} Sim;

static gboolean verbose;

static guint64
draw (Sim *sim, guint64 bound)
{
  return kex_fake_random (&sim->random) % bound;
}

static gint64
exponential (Sim *sim, double mean)
{
  return 1 + (gint64) (-mean * log (((kex_fake_random (&sim->random) >> 11) + 1) * (1.0 / 9007199254740993.0)));
}

static void
note (Sim *sim, guint64 value)
{
  sim->digest = (sim->digest ^ value) * G_GUINT64_CONSTANT (0x100000001b3);
  sim->digest ^= sim->digest >> 31;
}

static gboolean
before (const Event *a, const Event *b)
{
  return a->time < b->time || (a->time == b->time && a->order < b->order);
}

static void
push (Sim *sim, gint64 time, EventType type, guint from, guint to, gpointer data)
{
  Event event = { time, sim->order++, type, from, to, sim->machines[to].life, data };
  Event *heap;
  guint i = sim->heap->len;

  g_array_append_val (sim->heap, event);
  heap = (Event *) sim->heap->data;
  for (; i > 0 && before (&event, &heap[(i - 1) / 2]); i = (i - 1) / 2)
    heap[i] = heap[(i - 1) / 2];
  heap[i] = event;
}

static Event
pull (Sim *sim)
{
  Event *heap = (Event *) sim->heap->data;
  Event first = heap[0], last = heap[sim->heap->len - 1];
  guint n = sim->heap->len - 1, i = 0;

  g_array_set_size (sim->heap, n);
  while (2 * i + 1 < n)
    {
      guint child = 2 * i + 1;
      if (child + 1 < n && before (&heap[child + 1], &heap[child]))
        child++;
      if (!before (&heap[child], &last))
        break;
      heap[i] = heap[child];
      i = child;
    }
  if (n)
    heap[i] = last;
  return first;
}

static guint
pair_index (Sim *sim, guint a, guint b)
{
  guint lo = MIN (a, b), hi = MAX (a, b);

  return lo * sim->n + hi;
}

static guint
index_of (const ScopeKey *key)
{
  return key->bytes[1];
}

static gboolean
sim_look (const ScopeKey *peer, ScopeKexStats *stats, gpointer data)
{
  Machine *machine = data;
  Sim *sim = machine->sim;
  guint me = machine - sim->machines, other = index_of (peer);
  Link *link = &sim->links[pair_index (sim, me, other)];
  guint end = me > other;

  if (!link->ends[end].present)
    return FALSE;
  kex_link_advance (link, sim->now);
  kex_link_look (link, end, stats);
  return TRUE;
}

/* Whether the pair's keys must be the same just now, and if they are not, since when. */
static void
check (Sim *sim, guint a, guint b)
{
  Watch *watch = &sim->watches[pair_index (sim, a, b)];
  Machine *ma = &sim->machines[a], *mb = &sim->machines[b];
  gboolean connected = ma->running && mb->running && ma->online && mb->online && (ma->knows >> b & 1) &&
                       (mb->knows >> a & 1);
  gboolean differ = connected && watch->has[0] && watch->has[1] &&
                    !scope_key_equal (&watch->current[0], &watch->current[1]);

  kex_link_advance (&sim->links[pair_index (sim, a, b)], sim->now);
  sim->links[pair_index (sim, a, b)].connected = connected;
  if (watch->differ_since && !differ)
    {
      gint64 lasted = sim->now - watch->differ_since;
      sim->worst = MAX (sim->worst, lasted);
      if (lasted > 2000 && verbose)
        g_test_message ("%u %u: different keys for %" G_GINT64_FORMAT " ms at %" G_GINT64_FORMAT, a, b, lasted, sim->now);
      watch->differ_since = 0;
    }
  else if (differ && !watch->differ_since)
    watch->differ_since = sim->now;
  if (!connected)
    watch->epoch = 0;
  else if (!differ && watch->has[0] && watch->has[1])
    {
      guint64 epoch = kex_fake_epoch (&watch->current[0]);

      if (watch->epoch && epoch > watch->epoch)
        {
          guint64 missed = epoch - watch->epoch - 1;
          sim->done++;
          sim->missed += missed;
          sim->worst_missed = MAX (sim->worst_missed, missed);
          if (missed > MAX_MISSED && verbose)
            g_test_message ("%u %u: missed %" G_GUINT64_FORMAT " at %" G_GINT64_FORMAT, a, b, missed, sim->now);
        }
      /* What was missed while they could not speak is not counted. */
      if (!watch->epoch)
        epoch = MAX (epoch, (guint64) (sim->now + BASE_MS) / EPOCH_MS);
      watch->epoch = MAX (epoch, watch->epoch);
    }
}

/* When the message arrives, or -1 */
static gint64
travel (Sim *sim)
{
  if (draw (sim, 1000) < sim->loss)
    return -1;
  return sim->now + MIN_LATENCY_MS + (gint64) draw (sim, MAX_LATENCY_MS - MIN_LATENCY_MS + 1);
}

static void
carry (Sim *sim, EventType type, guint from, guint to, gconstpointer data, gsize size)
{
  /* A few arrive twice. */
  guint copies = draw (sim, 100) == 0 ? 2 : 1;

  if (!sim->machines[from].online || !sim->machines[to].online)
    return;
  while (copies--)
    {
      gint64 time = travel (sim);
      if (time >= 0)
        push (sim, time, type, from, to, g_memdup2 (data, size));
    }
}

static void
install (Sim *sim, guint me, const ScopeKexAction *action)
{
  guint other = index_of (&action->peer), end = me > other;
  Link *link = &sim->links[pair_index (sim, me, other)];
  Watch *watch = &sim->watches[pair_index (sim, me, other)];
  ScopeKey psk = action->preshared;

  g_assert_true ((action->how == SCOPE_KEX_FIRST) == !link->ends[end].present);
  watch->current[end] = psk;
  watch->has[end] = TRUE;
  if (draw (sim, 1000) < sim->sabotage)
    {
      psk.bytes[0] ^= 0x55 + draw (sim, 100);
      sim->sabotaged++;
    }
  sim->installs++;
  if (getenv ("SCOPE_SIM_TRACE"))
    g_test_message ("%" G_GINT64_FORMAT " %u installs for %u how %d hs %d epoch %d key %02x%02x lat %d", sim->now, me, other, action->how, action->handshake, (int) kex_fake_epoch (&psk), psk.bytes[0], psk.bytes[1], (int) link->latency);
  sim->readds += action->how == SCOPE_KEX_READD;
  kex_link_install (link, end, sim->now, &psk, action->how, action->handshake);
  check (sim, me, other);
}

static void
act (Sim *sim, guint me)
{
  Machine *machine = &sim->machines[me];
  ScopeKexAction *action;
  gint64 deadline;

  while ((action = scope_kex_pop (machine->kex)))
    {
      guint other = index_of (&action->peer);

      note (sim, (guint64) sim->now << 16 | me << 8 | action->type << 4 | (action->type == SCOPE_KEX_SEND ? action->message.type : 0));
      switch (action->type)
        {
        case SCOPE_KEX_BROADCAST:
          if (!machine->online || draw (sim, 1000) < sim->loss)
            break;
          g_free (machine->registered);
          machine->registered = g_memdup2 (action->key, sizeof *action->key);
          for (guint i = 0; i < sim->n; i++)
            if (i != me)
              carry (sim, EVENT_KEY, me, i, action->key, sizeof *action->key);
          break;
        case SCOPE_KEX_SEND_WANT:
          carry (sim, EVENT_WANT, me, other, action->key, sizeof *action->key);
          break;
        case SCOPE_KEX_SEND_CT:
          carry (sim, EVENT_CT, me, other, action->ct, sizeof *action->ct);
          break;
        case SCOPE_KEX_SEND:
          carry (sim, EVENT_MESSAGE, me, other, &action->message, sizeof action->message);
          break;
        case SCOPE_KEX_INSTALL:
          install (sim, me, action);
          break;
        case SCOPE_KEX_SAVE:
          break; /* destroy() saves */
        case SCOPE_KEX_LOG:
          if (action->refused)
            {
              const char *why = strrchr (action->text, ':');
              guint count = GPOINTER_TO_UINT (g_hash_table_lookup (sim->refused, why));
              sim->refusals++;
              if (sim->n <= 16)
                g_hash_table_insert (sim->refused, g_strdup (why), GUINT_TO_POINTER (count + 1));
            }
          else if (strstr (action->text, "back to"))
            sim->reverts++;
          if (verbose && getenv ("SCOPE_SIM_LOG"))
            g_test_message ("%" G_GINT64_FORMAT " %u %s", sim->now, me, action->text);
          break;
        }
      scope_kex_action_free (action);
    }
  deadline = scope_kex_deadline (machine->kex);
  if (deadline < machine->tick)
    {
      machine->tick = MAX (deadline, sim->now);
      push (sim, machine->tick, EVENT_TICK, me, me, NULL);
    }
}

static void
create (Sim *sim, guint i)
{
  Machine *machine = &sim->machines[i];
  ScopeKexOps ops = kex_fake_ops;
  g_autoptr (GError) error = NULL;

  ops.look = sim_look;
  machine->life++;
  machine->kex = scope_kex_new (&ops, machine, "sim", &machine->key, EPOCH_MS / 1000);
  scope_kex_set_offset (machine->kex, BASE_MS + machine->skew);
  machine->running = TRUE;
  machine->tick = G_MAXINT64;
  if (machine->saved)
    {
      g_assert_true (scope_kex_load (machine->kex, sim->now, machine->saved, strlen (machine->saved), &error));
      g_clear_pointer (&machine->saved, g_free);
      for (guint j = 0; j < sim->n; j++)
        {
          ScopeKey psk;
          guint end = i > j;

          if (j == i || !scope_kex_current (machine->kex, &sim->machines[j].key, &psk))
            continue;
          sim->watches[pair_index (sim, i, j)].has[end] = TRUE;
          sim->watches[pair_index (sim, i, j)].current[end] = psk;
          kex_link_install (&sim->links[pair_index (sim, i, j)], end, sim->now, &psk, SCOPE_KEX_FIRST, FALSE);
        }
    }
}

static void
destroy (Sim *sim, guint i)
{
  Machine *machine = &sim->machines[i];

  machine->saved = machine->lose_keys ? NULL : scope_kex_save (machine->kex);
  g_clear_pointer (&machine->kex, scope_kex_free);
  machine->running = FALSE;
  machine->knows = 0;
  for (guint j = 0; j < sim->n; j++)
    if (j != i)
      {
        sim->watches[pair_index (sim, i, j)].has[i > j] = FALSE;
        kex_link_clear (&sim->links[pair_index (sim, i, j)], i > j, sim->now);
        check (sim, i, j);
      }
}

/* The registry gives the roster, and tells the others. */
static void
join (Sim *sim, guint i)
{
  sim->machines[i].online = TRUE;
  push (sim, sim->now + 20, EVENT_ROSTER, i, i, NULL);
  for (guint j = 0; j < sim->n; j++)
    if (j != i && sim->machines[j].online)
      push (sim, sim->now + 1 + (gint64) draw (sim, MAX_LATENCY_MS), EVENT_ONLINE, i, j, NULL);
}

static void
leave (Sim *sim, guint i)
{
  Machine *machine = &sim->machines[i];

  machine->online = FALSE;
  for (guint j = 0; j < sim->n; j++)
    {
      if (j == i)
        continue;
      if (machine->running)
        scope_kex_peer_offline (machine->kex, sim->now, &sim->machines[j].key);
      if (sim->machines[j].online)
        push (sim, sim->now + 1 + (gint64) draw (sim, MAX_LATENCY_MS), EVENT_OFFLINE, i, j, NULL);
    }
  machine->knows = 0;
  for (guint j = 0; j < sim->n; j++)
    if (j != i)
      check (sim, i, j);
}

static void
next_life (Sim *sim, guint i)
{
  if (sim->lives)
    push (sim, sim->now + 60000 + exponential (sim, 2 * DAY), EVENT_LIFE, i, i, NULL);
}

static void
roster (Sim *sim, guint i)
{
  Machine *machine = &sim->machines[i];

  if (!machine->online)
    return;
  for (guint j = 0; j < sim->n; j++)
    {
      Machine *other = &sim->machines[j];

      if (j == i || !other->online)
        continue;
      machine->knows |= G_GUINT64_CONSTANT (1) << j;
      scope_kex_peer_online (machine->kex, sim->now, &other->key, TRUE);
      if (other->registered)
        scope_kex_handle_key (machine->kex, sim->now, other->registered);
      check (sim, i, j);
    }
}

static void
handle (Sim *sim, Event *event)
{
  Machine *machine = &sim->machines[event->to];
  const ScopeKey *from = &sim->machines[event->from].key;
  guint kind;

  switch ((EventType) event->type)
    {
    case EVENT_TICK:
      if (event->time != machine->tick || !machine->running)
        return;
      machine->tick = G_MAXINT64;
      scope_kex_tick (machine->kex, sim->now);
      break;
    case EVENT_KEY:
      scope_kex_handle_key (machine->kex, sim->now, event->data);
      break;
    case EVENT_WANT:
      scope_kex_handle_want (machine->kex, sim->now, event->data);
      break;
    case EVENT_CT:
      scope_kex_handle_ct (machine->kex, sim->now, event->data);
      break;
    case EVENT_MESSAGE:
      scope_kex_handle_message (machine->kex, sim->now, from, event->data);
      break;
    case EVENT_ONLINE:
      if (!machine->online || !sim->machines[event->from].online)
        return;
      machine->knows |= G_GUINT64_CONSTANT (1) << event->from;
      scope_kex_peer_online (machine->kex, sim->now, from, FALSE);
      check (sim, event->from, event->to);
      break;
    case EVENT_OFFLINE:
      if (sim->machines[event->from].online)
        return;
      machine->knows &= ~(G_GUINT64_CONSTANT (1) << event->from);
      scope_kex_peer_offline (machine->kex, sim->now, from);
      check (sim, event->from, event->to);
      break;
    case EVENT_ROSTER:
      roster (sim, event->to);
      break;
    case EVENT_LIFE:
      kind = draw (sim, 3);
      if (getenv ("SCOPE_SIM_TRACE"))
        g_test_message ("%" G_GINT64_FORMAT " %u life %u", sim->now, event->to, kind);
      leave (sim, event->to);
      if (kind == 0)
        {
          push (sim, sim->now + 1000 + exponential (sim, 1800000), EVENT_BACK, event->to, event->to, NULL);
          break;
        }
      machine->lose_keys = kind == 2;
      destroy (sim, event->to);
      push (sim, sim->now + 1000 + exponential (sim, 15000), EVENT_BACK, event->to, event->to, NULL);
      return;
    case EVENT_BACK:
      if (!machine->running)
        create (sim, event->to);
      join (sim, event->to);
      next_life (sim, event->to);
      break;
    }
  if (machine->running)
    act (sim, event->to);
}

static Sim *
sim_new (guint n, gint64 length, guint64 seed)
{
  Sim *sim = g_new0 (Sim, 1);

  kex_fake_seed (seed * 7 + 1);
  sim->n = n;
  sim->random = seed;
  sim->now = 1000;
  sim->end = sim->now + length;
  sim->loss = 100;
  sim->lives = TRUE;
  sim->heap = g_array_new (FALSE, FALSE, sizeof (Event));
  sim->links = g_new0 (Link, n * n);
  sim->watches = g_new0 (Watch, n * n);
  sim->refused = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < n; i++)
    {
      Machine *machine = &sim->machines[i];

      machine->sim = sim;
      machine->key.bytes[0] = draw (sim, 256);
      machine->key.bytes[1] = i;
      machine->skew = (gint64) draw (sim, 2 * MAX_SKEW_MS + 1) - MAX_SKEW_MS;
    }
  for (guint i = 0; i < n; i++)
    for (guint j = i + 1; j < n; j++)
      {
        guint kind = draw (sim, 5);
        kex_link_init (&sim->links[pair_index (sim, i, j)], &sim->random, sim->now, 1 + draw (sim, 100),
                       kind < 2 ? TRAFFIC_STEADY : kind < 4 ? TRAFFIC_BURSTY : TRAFFIC_IDLE);
        sim->links[pair_index (sim, i, j)].peers[0] = i;
        sim->links[pair_index (sim, i, j)].peers[1] = j;
      }
  return sim;
}

static void
sim_run (Sim *sim)
{
  for (guint i = 0; i < sim->n; i++)
    push (sim, sim->now + (gint64) draw (sim, 60000), EVENT_BACK, i, i, NULL);
  while (sim->heap->len > 0)
    {
      Event event = pull (sim);
      Machine *machine = &sim->machines[event.to];
      gboolean mail = event.type <= EVENT_MESSAGE && event.type != EVENT_TICK;

      if (event.time > sim->end)
        {
          g_free (event.data);
          break;
        }
      sim->now = event.time;
      sim->events++;
      if (event.type == EVENT_BACK || event.type == EVENT_LIFE ||
          (event.life == machine->life && machine->running && (!mail || machine->online)))
        handle (sim, &event);
      g_free (event.data);
    }
  sim->now = sim->end;
  for (guint i = 0; i < sim->n; i++)
    for (guint j = i + 1; j < sim->n; j++)
      {
        Watch *watch = &sim->watches[pair_index (sim, i, j)];

        kex_link_advance (&sim->links[pair_index (sim, i, j)], sim->now);
        if (watch->differ_since)
          sim->worst = MAX (sim->worst, sim->now - watch->differ_since);
      }
}

typedef struct {
  gint64 worst_stall, away, slow;
  guint64 stalls, handshakes, failures, collisions;
  double lost;
} Sum;

static Sum
sim_sum (Sim *sim)
{
  Sum sum = { 0 };

  for (guint i = 0; i < sim->n; i++)
    for (guint j = i + 1; j < sim->n; j++)
      {
        Link *link = &sim->links[pair_index (sim, i, j)];
        sum.worst_stall = MAX (sum.worst_stall, MAX (link->worst_stall, link->stalled));
        sum.away = MAX (sum.away, MAX (link->away, link->stalled_away));
        sum.slow = MAX (sum.slow, link->slow);
        sum.stalls += link->stalls;
        sum.handshakes += link->handshakes;
        sum.failures += link->failures;
        sum.collisions += link->collisions;
        sum.lost += link->lost;
      }
  return sum;
}

static void
sim_print (Sim *sim, const char *name)
{
  Sum sum = sim_sum (sim);
  GHashTableIter iter;
  gpointer why, count;

  g_test_message ("%s: %u peers, %.1f days, %" G_GUINT64_FORMAT " events, digest %016" G_GINT64_MODIFIER "x", name,
                  sim->n, (double) (sim->end - 1000) / DAY, sim->events, sim->digest);
  g_test_message ("%s: worst disagreement %" G_GINT64_FORMAT " ms; rotations %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                  " (%.4f %%), at most %" G_GUINT64_FORMAT " missed in a row; %" G_GUINT64_FORMAT " reverts",
                  name, sim->worst, sim->done, sim->done + sim->missed,
                  100.0 * sim->done / MAX (1, sim->done + sim->missed), sim->worst_missed, sim->reverts);
  g_test_message ("%s: %.1f packets lost by keys; %" G_GUINT64_FORMAT " outages by different keys, the worst %"
                  G_GINT64_FORMAT " ms (%" G_GINT64_FORMAT " while they could not speak, %" G_GINT64_FORMAT
                  " before a first session); %" G_GUINT64_FORMAT " handshakes, %" G_GUINT64_FORMAT " failed by keys, %"
                  G_GUINT64_FORMAT " crossed; %" G_GUINT64_FORMAT " installs, %" G_GUINT64_FORMAT " readds, %"
                  G_GUINT64_FORMAT " sabotaged; %" G_GUINT64_FORMAT " refusals",
                  name, sum.lost, sum.stalls, sum.worst_stall, sum.away, sum.slow, sum.handshakes, sum.failures, sum.collisions,
                  sim->installs, sim->readds, sim->sabotaged, sim->refusals);
  g_hash_table_iter_init (&iter, sim->refused);
  while (verbose && g_hash_table_iter_next (&iter, &why, &count))
    g_test_message ("%s: %u × %s", name, GPOINTER_TO_UINT (count), (char *) why);
}

static void
sim_free (Sim *sim)
{
  for (guint i = 0; i < sim->heap->len; i++)
    g_free (g_array_index (sim->heap, Event, i).data);
  for (guint i = 0; i < sim->n; i++)
    {
      g_clear_pointer (&sim->machines[i].kex, scope_kex_free);
      g_free (sim->machines[i].saved);
      g_free (sim->machines[i].registered);
    }
  g_array_unref (sim->heap);
  g_hash_table_unref (sim->refused);
  g_free (sim->links);
  g_free (sim->watches);
  g_free (sim);
}

static void
assert_good (Sim *sim)
{
  Sum sum = sim_sum (sim);

  g_assert_cmpint (sim->worst, <=, DISAGREE_MS);
  g_assert_cmpfloat (sum.lost, ==, 0);
  g_assert_cmpint (sum.slow, <=, SLOW_FIRST_MS);
  g_assert_cmpuint (sim->worst_missed, <=, MAX_MISSED);
  g_assert_cmpuint (sim->done, >, 0);
  g_assert_cmpfloat ((double) sim->done / (sim->done + sim->missed), >, 0.999);
}

static void
test_days (void)
{
  for (guint64 seed = 1; seed <= 4; seed++)
    {
      Sim *sim = sim_new (12, 2 * DAY, seed);
      g_autofree char *name = g_strdup_printf ("seed %" G_GUINT64_FORMAT, seed);

      sim_run (sim);
      sim_print (sim, name);
      assert_good (sim);
      sim_free (sim);
    }
}

static void
test_same_seed (void)
{
  guint64 digests[3];

  for (guint i = 0; i < 3; i++)
    {
      Sim *sim = sim_new (8, 12 * HOUR, i < 2 ? 5 : 6);
      sim_run (sim);
      digests[i] = sim->digest;
      sim_free (sim);
    }
  g_assert_cmpuint (digests[0], ==, digests[1]);
  g_assert_cmpuint (digests[0], !=, digests[2]);
}

/* Every fiftieth install writes a wrong key. */
static void
test_sabotage (void)
{
  for (guint64 seed = 11; seed <= 13; seed++)
    {
      Sim *sim = sim_new (12, 2 * DAY, seed);
      Sum sum;

      sim->sabotage = 20;
      sim_run (sim);
      sim_print (sim, "sabotage");
      sum = sim_sum (sim);
      g_assert_cmpuint (sim->sabotaged, >, 0);
      g_assert_cmpuint (sim->reverts, >, 0);
      g_assert_cmpint (sim->worst, <=, DISAGREE_MS);
      g_assert_cmpint (sum.worst_stall, <=, WORST_STALL_MS);
      g_assert_cmpint (sum.slow, <=, SLOW_FIRST_MS);
      g_assert_cmpfloat ((double) sim->done / (sim->done + sim->missed), >, 0.99);
      sim_free (sim);
    }
}

static void
test_full (void)
{
  Sim *sim;
  gint64 begun = g_get_monotonic_time ();
  guint n, days, seed;

  /* "12 30 7": so many peers, so many days, this seed */
  if (g_getenv ("SCOPE_SIM") && sscanf (g_getenv ("SCOPE_SIM"), "%u %u %u", &n, &days, &seed) == 3 && n <= MAX_PEERS)
    {
      sim = sim_new (n, days * DAY, seed);
      sim_run (sim);
      sim_print (sim, "asked for");
      assert_good (sim);
      sim_free (sim);
      return;
    }
  sim = sim_new (50, 30 * DAY, 2026);
  sim_run (sim);
  sim_print (sim, "full");
  g_test_message ("full: %.1f s", (g_get_monotonic_time () - begun) / 1e6);
  assert_good (sim);
  sim_free (sim);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  verbose = g_getenv ("SCOPE_SIM_VERBOSE") != NULL;
  g_test_add_func ("/kex-sim/days", test_days);
  g_test_add_func ("/kex-sim/same-seed", test_same_seed);
  g_test_add_func ("/kex-sim/sabotage", test_sabotage);
  if (g_getenv ("SCOPE_SIM"))
    g_test_add_func ("/kex-sim/full", test_full);
  return g_test_run ();
}
