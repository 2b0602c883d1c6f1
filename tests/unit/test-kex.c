/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-kex: src/peer/scope-kex.c and src/wire/scope-kex-message.c: each rule of data/protocol.md, section 6, with
 * two or three machines whose messages go through the test's hands. For days and many peers: test-kex-sim.
 */
#include "kex-fake.h"

#include "common/scope-error.h"
#include "common/scope-json.h"

#include <string.h>

#define START G_GINT64_CONSTANT (5000000)
#define EPOCH_MS G_GINT64_CONSTANT (3600000)
#define OFFSET (500000 * EPOCH_MS - START + 60000) /* a minute after an epoch has begun */
#define STEP 10
#define MAX_MACHINES 3

typedef struct {
  ScopeKex *kex;
  ScopeKey key;
  GPtrArray *log; /* refusals */
  GPtrArray *notes;
  ScopeKexKey kem; /* as broadcast last */
  guint broadcasts;
  guint wants, cts, saves;
  guint sent[5];
  ScopeKexCt ct;            /* the last one that it sent */
  ScopeKexMessage message;  /* the same */
  GArray *installs[MAX_MACHINES]; /* (element-type Installed) */
  ScopeKexStats stats[MAX_MACHINES];
  gboolean deaf; /* what is sent to it is lost */
} Machine;

typedef struct {
  gint64 when;
  ScopeKey psk;
  ScopeKexHow how;
  gboolean handshake;
} Installed;

typedef struct {
  gint64 due;
  guint to;
  guint from;
  ScopeKexActionType type;
  ScopeKexKey *key;
  ScopeKexCt *ct;
  ScopeKexMessage message;
} Letter;

typedef struct {
  Machine machines[MAX_MACHINES];
  gint64 now;
  GQueue mail;
  gint64 latency;
  int drop;            /* a message type that is lost, or -1 */
  gint64 clock;        /* what WireGuard says of handshakes is off by so much */
  gboolean handshakes; /* a readd or first that asks for a handshake gets one, when the keys agree */
} World;

static World *world;

static guint
index_of (const ScopeKey *key)
{
  for (guint i = 0; i < MAX_MACHINES; i++)
    if (scope_key_equal (&world->machines[i].key, key))
      return i;
  g_assert_not_reached ();
}

static gboolean
test_look (const ScopeKey *peer, ScopeKexStats *stats, gpointer data)
{
  *stats = ((Machine *) data)->stats[index_of (peer)];
  return TRUE;
}

static void
start_machine (guint i)
{
  ScopeKexOps ops = kex_fake_ops;
  Machine *m = &world->machines[i];

  ops.look = test_look;
  m->kex = scope_kex_new (&ops, m, "home", &m->key, EPOCH_MS / 1000);
  scope_kex_set_offset (m->kex, OFFSET);
}

static void
set_up (World *w, gconstpointer data)
{
  world = w;
  memset (w, 0, sizeof *w);
  kex_fake_seed (7);
  w->now = START;
  w->latency = 50;
  w->drop = -1;
  w->handshakes = TRUE;
  for (guint i = 0; i < MAX_MACHINES; i++)
    {
      Machine *m = &w->machines[i];

      /* 0 is lower than 1, 1 than 2 */
      m->key.bytes[0] = 10 + i;
      m->log = g_ptr_array_new_with_free_func (g_free);
      m->notes = g_ptr_array_new_with_free_func (g_free);
      for (guint j = 0; j < MAX_MACHINES; j++)
        m->installs[j] = g_array_new (FALSE, FALSE, sizeof (Installed));
      start_machine (i);
    }
}

static void
letter_free (Letter *letter)
{
  g_free (letter->key);
  g_free (letter->ct);
  g_free (letter);
}

static void
tear_down (World *w, gconstpointer data)
{
  for (guint i = 0; i < MAX_MACHINES; i++)
    {
      Machine *m = &w->machines[i];

      scope_kex_free (m->kex);
      g_ptr_array_unref (m->log);
      g_ptr_array_unref (m->notes);
      for (guint j = 0; j < MAX_MACHINES; j++)
        g_array_unref (m->installs[j]);
    }
  g_queue_clear_full (&w->mail, (GDestroyNotify) letter_free);
}

static const Installed *
installed (guint i, guint other)
{
  GArray *list = world->machines[i].installs[other];

  return list->len ? &g_array_index (list, Installed, list->len - 1) : NULL;
}

static gboolean
same_key (guint a, guint b)
{
  const Installed *x = installed (a, b), *y = installed (b, a);

  return x && y && scope_key_equal (&x->psk, &y->psk);
}

static void
handshake (guint a, guint b)
{
  if (same_key (a, b))
    world->machines[a].stats[b].handshake = world->machines[b].stats[a].handshake = world->now + world->clock;
}

static void
mail (guint from, guint to, const ScopeKexAction *action)
{
  Letter *letter;

  if (world->machines[to].deaf || (action->type == SCOPE_KEX_SEND && (int) action->message.type == world->drop))
    return;
  letter = g_new0 (Letter, 1);
  letter->due = world->now + world->latency;
  letter->from = from;
  letter->to = to;
  letter->type = action->type;
  letter->key = g_memdup2 (action->key, action->key ? sizeof *action->key : 0);
  letter->ct = g_memdup2 (action->ct, action->ct ? sizeof *action->ct : 0);
  letter->message = action->message;
  g_queue_push_tail (&world->mail, letter);
}

static void
drain (guint i)
{
  Machine *m = &world->machines[i];
  ScopeKexAction *action;

  while ((action = scope_kex_pop (m->kex)))
    {
      guint to = action->type == SCOPE_KEX_BROADCAST || action->type == SCOPE_KEX_SAVE ||
                     (action->type == SCOPE_KEX_LOG && scope_key_is_zero (&action->peer))
                   ? 0
                   : action->type == SCOPE_KEX_LOG ? 0 : index_of (&action->peer);

      switch (action->type)
        {
        case SCOPE_KEX_BROADCAST:
          m->kem = *action->key;
          m->broadcasts++;
          mail (i, !i, action);
          break;
        case SCOPE_KEX_SEND_WANT:
          m->wants++;
          mail (i, to, action);
          break;
        case SCOPE_KEX_SEND_CT:
          m->cts++;
          m->ct = *action->ct;
          mail (i, to, action);
          break;
        case SCOPE_KEX_SEND:
          m->sent[action->message.type]++;
          m->message = action->message;
          mail (i, to, action);
          break;
        case SCOPE_KEX_INSTALL:
          {
            Installed one = { world->now, action->preshared, action->how, action->handshake };

            g_array_append_val (m->installs[to], one);
            if (action->how == SCOPE_KEX_READD)
              m->stats[to] = (ScopeKexStats) { 0 };
            if (action->handshake && world->handshakes)
              handshake (i, to);
          }
          break;
        case SCOPE_KEX_SAVE:
          m->saves++;
          break;
        case SCOPE_KEX_LOG:
          g_ptr_array_add (action->refused ? m->log : m->notes, g_strdup (action->text));
          break;
        }
      scope_kex_action_free (action);
    }
}

static void
deliver (Letter *letter)
{
  Machine *m = &world->machines[letter->to];

  if (m->deaf)
    return;
  switch (letter->type)
    {
    case SCOPE_KEX_BROADCAST:
      scope_kex_handle_key (m->kex, world->now, letter->key);
      break;
    case SCOPE_KEX_SEND_WANT:
      scope_kex_handle_want (m->kex, world->now, letter->key);
      break;
    case SCOPE_KEX_SEND_CT:
      scope_kex_handle_ct (m->kex, world->now, letter->ct);
      break;
    case SCOPE_KEX_SEND:
      {
        /* As it goes over the wire. */
        g_autoptr (JsonObject) body = scope_kex_message_format (&letter->message);
        ScopeKexMessage message;
        g_autoptr (GError) error = NULL;

        scope_kex_message_parse (&message, scope_kex_message_name (letter->message.type), body, &error);
        g_assert_no_error (error);
        scope_kex_handle_message (m->kex, world->now, &world->machines[letter->from].key, &message);
      }
      break;
    case SCOPE_KEX_INSTALL:
    case SCOPE_KEX_SAVE:
    case SCOPE_KEX_LOG:
      g_assert_not_reached ();
    }
  drain (letter->to);
}

static void
run (gint64 ms)
{
  for (gint64 end = world->now + ms; world->now < end; world->now += STEP)
    {
      while (!g_queue_is_empty (&world->mail) && ((Letter *) g_queue_peek_head (&world->mail))->due <= world->now)
        {
          Letter *letter = g_queue_pop_head (&world->mail);
          deliver (letter);
          letter_free (letter);
        }
      for (guint i = 0; i < 2; i++) /* the third one is only spoken of */
        if (scope_kex_deadline (world->machines[i].kex) <= world->now)
          {
            scope_kex_tick (world->machines[i].kex, world->now);
            drain (i);
          }
    }
}

/* @newcomer comes to @old, who is there. */
static void
meet (guint newcomer, guint old)
{
  Machine *n = &world->machines[newcomer], *o = &world->machines[old];

  scope_kex_peer_online (o->kex, world->now, &n->key, FALSE);
  scope_kex_peer_online (n->kex, world->now, &o->key, TRUE);
  drain (old);
  drain (newcomer);
}

static void
pair_up (void)
{
  meet (1, 0);
  run (3000);
  g_assert_true (same_key (0, 1));
  g_assert_cmpint (world->machines[0].stats[1].handshake, >, 0);
}

static void
traffic (guint a, guint b)
{
  world->machines[a].stats[b].rx += 1000, world->machines[a].stats[b].tx += 1000;
  world->machines[b].stats[a].rx += 1000, world->machines[b].stats[a].tx += 1000;
}

/* Traffic all the time, and a session that is renewed every two minutes. */
static void
run_busy (gint64 ms, gboolean renews)
{
  for (gint64 end = world->now + ms; world->now < end;)
    {
      run (100);
      traffic (0, 1);
      if (renews && world->now - world->machines[0].stats[1].handshake >= 120000)
        handshake (0, 1);
    }
}

static void
assert_refused (guint i, const char *text)
{
  GPtrArray *log = world->machines[i].log;

  g_assert_cmpuint (log->len, ==, 1);
  g_assert_nonnull (strstr (g_ptr_array_index (log, 0), text));
  g_ptr_array_set_size (log, 0);
}

static guint64
epoch_of (guint i, guint other)
{
  ScopeKey psk;

  g_assert_true (scope_kex_current (world->machines[i].kex, &world->machines[other].key, &psk));
  return kex_fake_epoch (&psk);
}

static guint
reverts (guint i)
{
  guint n = 0;

  for (guint j = 0; j < world->machines[i].notes->len; j++)
    n += strstr (g_ptr_array_index (world->machines[i].notes, j), "back to") != NULL;
  return n;
}

static void
test_first (World *w, gconstpointer data)
{
  ScopeKey psk;
  ScopeV1Progress progress;

  g_assert_false (scope_kex_current (w->machines[0].kex, &w->machines[1].key, &psk));
  g_assert_true (scope_key_is_zero (&psk));
  pair_up ();
  /* The newcomer encapsulates, though its key is the higher one, and makes the handshake. */
  g_assert_cmpuint (w->machines[1].cts, ==, 1);
  g_assert_cmpuint (w->machines[0].cts, ==, 0);
  g_assert_cmpint (installed (0, 1)->how, ==, SCOPE_KEX_FIRST);
  g_assert_cmpint (installed (1, 0)->how, ==, SCOPE_KEX_FIRST);
  g_assert_false (installed (0, 1)->handshake);
  g_assert_true (installed (1, 0)->handshake);
  g_assert_cmpint (installed (0, 1)->when, <, installed (1, 0)->when);
  g_assert_cmpint (installed (1, 0)->when - START, <=, 4 * w->latency);
  g_assert_true (scope_kex_progress (w->machines[0].kex, w->now, &w->machines[1].key, &progress));
  g_assert_cmpint (progress.npq, ==, 2);
  g_assert_cmpint (progress.pq, ==, 3);
  g_assert_true (scope_kex_has_broadcast (w->machines[0].kex, w->now));
  g_assert_cmpuint (w->machines[0].log->len + w->machines[1].log->len, ==, 0);
  g_assert_cmpuint (w->machines[0].saves, >, 0);
}

static void
test_crossing (World *w, gconstpointer data)
{
  /* Both think that they are the newcomer. */
  scope_kex_peer_online (w->machines[0].kex, w->now, &w->machines[1].key, TRUE);
  scope_kex_peer_online (w->machines[1].kex, w->now, &w->machines[0].key, TRUE);
  drain (0);
  drain (1);
  run (3000);
  g_assert_cmpuint (w->machines[0].cts, >, 0);
  g_assert_cmpuint (w->machines[1].cts, >, 0);
  g_assert_true (same_key (0, 1));
  /* The lower key's counts: the higher one decapsulated, so the lower one made the handshake. */
  g_assert_true (installed (0, 1)->handshake);
  g_assert_false (installed (1, 0)->handshake);
}

static void
test_rotation_busy (World *w, gconstpointer data)
{
  guint64 epoch;
  gint64 age;

  pair_up ();
  epoch = epoch_of (0, 1);
  run_busy (EPOCH_MS - 60000 - (w->now - START) + 300000, TRUE);
  g_assert_cmpuint (epoch_of (0, 1), ==, epoch + 1);
  g_assert_true (same_key (0, 1));
  /* The lower key encapsulated; both wrote it in place, within one message's way, and the natural handshake showed it. */
  g_assert_cmpuint (w->machines[0].cts, ==, 1);
  for (guint i = 0; i < 2; i++)
    {
      g_assert_cmpuint (w->machines[i].installs[!i]->len, ==, 2);
      g_assert_cmpint (installed (i, !i)->how, ==, SCOPE_KEX_IN_PLACE);
    }
  g_assert_cmpint (ABS (installed (0, 1)->when - installed (1, 0)->when), <=, w->latency + STEP);
  /* Not before a minute has passed, and just before the session was renewed. */
  g_assert_cmpint (installed (0, 1)->when - START, >=, EPOCH_MS - 60000 + 60000);
  age = (w->machines[0].stats[1].handshake - installed (0, 1)->when) % 120000;
  g_assert_cmpint (age, >, 0);
  g_assert_cmpint (age, <=, 6000);
  g_assert_cmpuint (reverts (0) + reverts (1), ==, 0);
}

static void
test_rotation_quiet (World *w, gconstpointer data)
{
  guint64 epoch;
  guint readds = 0;

  pair_up ();
  epoch = epoch_of (0, 1);
  run (EPOCH_MS + 300000);
  g_assert_cmpuint (epoch_of (0, 1), ==, epoch + 1);
  g_assert_true (same_key (0, 1));
  for (guint i = 0; i < w->machines[0].installs[1]->len; i++)
    readds += g_array_index (w->machines[0].installs[1], Installed, i).how == SCOPE_KEX_READD;
  g_assert_cmpuint (readds, ==, 1);
  /* Only the lower key ever does that. */
  for (guint i = 0; i < w->machines[1].installs[0]->len; i++)
    g_assert_cmpint (g_array_index (w->machines[1].installs[0], Installed, i).how, !=, SCOPE_KEX_READD);
  g_assert_cmpint (w->machines[0].stats[1].handshake, >=, installed (1, 0)->when);
}

/* WireGuard of one end has another key than it should: the lower key's readd finds out within 750 ms. */
static void
test_quick_revert (World *w, gconstpointer data)
{
  guint64 epoch;
  GArray *low;
  gint64 readd = 0;

  pair_up ();
  epoch = epoch_of (0, 1);
  w->handshakes = FALSE;
  run (EPOCH_MS - 60000 + 30000 + 60000 + 5000);
  g_assert_cmpuint (reverts (0), ==, 1);
  g_assert_cmpuint (reverts (1), ==, 1);
  g_assert_cmpuint (epoch_of (0, 1), ==, epoch);
  g_assert_true (same_key (0, 1));
  low = w->machines[0].installs[1];
  for (guint i = 0; i < low->len; i++)
    {
      Installed *one = &g_array_index (low, Installed, i);
      if (one->how == SCOPE_KEX_READD && readd == 0)
        readd = one->when;
      else if (kex_fake_epoch (&one->psk) == epoch && readd)
        {
          g_assert_cmpint (one->when - readd, <=, 750 + STEP);
          g_assert_cmpint (one->when - readd, >, 375);
          break;
        }
    }
  g_assert_cmpint (readd, >, 0);
  /* Tried again in the same epoch, but not for ever. */
  run (1200000);
  g_assert_cmpuint (reverts (0), ==, 3);
  g_assert_cmpuint (epoch_of (0, 1), ==, epoch);
  /* The next one is a new chance. */
  w->handshakes = TRUE;
  run (EPOCH_MS);
  g_assert_cmpuint (epoch_of (0, 1), ==, epoch + 2);
  g_assert_true (same_key (0, 1));
}

/* The machine's clock is set back by some ms after the handshake: it was one all the same. */
static void
test_clock (World *w, gconstpointer data)
{
  ScopeV1Progress progress;
  ScopeKey before;

  w->clock = -20;
  pair_up ();
  for (guint i = 0; i < 2; i++)
    {
      g_assert_true (scope_kex_progress (w->machines[i].kex, w->now, &w->machines[!i].key, &progress));
      g_assert_cmpuint (progress.pq, ==, 3);
    }
  before = installed (0, 1)->psk;
  scope_kex_rotate (w->machines[0].kex, w->now, TRUE);
  drain (0);
  run (3000);
  g_assert_false (scope_key_equal (&installed (0, 1)->psk, &before));
  g_assert_true (same_key (0, 1));
  g_assert_cmpuint (reverts (0), ==, 0);
}

/* While traffic flows, the natural handshake is waited for; 6 s after it was due both go back, in place. */
static void
test_slow_revert (World *w, gconstpointer data)
{
  guint64 epoch;
  gint64 due;

  pair_up ();
  epoch = epoch_of (0, 1);
  run_busy (EPOCH_MS - 60000 - (w->now - START), TRUE);
  while (epoch_of (0, 1) == epoch)
    run_busy (100, TRUE);
  due = w->machines[0].stats[1].handshake + 120000;
  g_assert_cmpint (due - w->now, >, 0);
  run_busy (due - w->now + 5000, FALSE);
  g_assert_cmpuint (epoch_of (0, 1), ==, epoch + 1);
  run_busy (5000, FALSE);
  g_assert_cmpuint (epoch_of (0, 1), ==, epoch);
  g_assert_cmpuint (epoch_of (1, 0), ==, epoch);
  g_assert_cmpint (installed (0, 1)->how, ==, SCOPE_KEX_IN_PLACE);
  g_assert_cmpint (installed (1, 0)->how, ==, SCOPE_KEX_IN_PLACE);
  g_assert_true (same_key (0, 1));
}

/* The other end is there but its kex.use never comes: back within the window. */
static void
test_no_answer (World *w, gconstpointer data)
{
  guint64 epoch;

  pair_up ();
  epoch = epoch_of (0, 1);
  w->drop = SCOPE_KEX_USE;
  run (EPOCH_MS - 60000 + 30000 + 60000 + 20000);
  g_assert_cmpuint (reverts (0), >=, 1);
  g_assert_cmpuint (epoch_of (0, 1), ==, epoch);
  g_assert_cmpuint (epoch_of (1, 0), ==, epoch);
}

/* The decapsulator does not go alone. */
static void
test_no_yes (World *w, gconstpointer data)
{
  guint64 epoch;

  pair_up ();
  epoch = epoch_of (0, 1);
  run (EPOCH_MS - 60000 - (w->now - START));
  w->machines[0].deaf = TRUE;
  scope_kex_handle_key (w->machines[0].kex, w->now, &w->machines[1].kem);
  run (150000);
  g_assert_cmpuint (epoch_of (1, 0), ==, epoch);
  w->machines[0].deaf = FALSE;
  run (200000);
  g_assert_cmpuint (epoch_of (1, 0), ==, epoch + 1);
  g_assert_true (same_key (0, 1));
}

/* … even when it has the ciphertext, as long as nobody says that its kex.ok came. */
static void
test_no_ok (World *w, gconstpointer data)
{
  guint64 epoch;

  pair_up ();
  epoch = epoch_of (0, 1);
  w->drop = SCOPE_KEX_OK;
  run (EPOCH_MS + 200000);
  g_assert_cmpuint (w->machines[1].sent[SCOPE_KEX_OK], >, 3);
  g_assert_cmpuint (w->machines[1].installs[0]->len, ==, 1);
  g_assert_cmpuint (epoch_of (1, 0), ==, epoch);
  w->drop = -1;
  run (100000);
  g_assert_cmpuint (epoch_of (1, 0), ==, epoch + 1);
  g_assert_true (same_key (0, 1));
}

/* What was agreed on is void when one of them is away at the instant; afterwards they begin anew. */
static void
test_away (World *w, gconstpointer data)
{
  guint64 epoch;

  pair_up ();
  epoch = epoch_of (0, 1);
  while (w->machines[0].sent[SCOPE_KEX_YES] == 0)
    run (1000);
  run (1000);
  for (guint i = 0; i < 2; i++)
    {
      scope_kex_peer_offline (w->machines[i].kex, w->now, &w->machines[!i].key);
      drain (i);
    }
  run (300000);
  g_assert_cmpuint (w->machines[0].installs[1]->len, ==, 1);
  g_assert_cmpuint (w->machines[1].installs[0]->len, ==, 1);
  meet (1, 0);
  run (200000);
  g_assert_cmpuint (epoch_of (0, 1), ==, epoch + 1);
  g_assert_true (same_key (0, 1));
}

static void
test_hurry (World *w, gconstpointer data)
{
  for (guint asker = 0; asker < 2; asker++)
    {
      Installed before;

      if (asker == 0)
        pair_up ();
      run_busy (20000, TRUE);
      before = *installed (0, 1);
      scope_kex_rotate (w->machines[asker].kex, w->now, TRUE);
      drain (asker);
      run_busy (2000, TRUE);
      g_assert_false (scope_key_equal (&installed (0, 1)->psk, &before.psk));
      g_assert_true (same_key (0, 1));
      g_assert_cmpint (installed (0, 1)->how, ==, SCOPE_KEX_READD);
      g_assert_cmpint (w->machines[0].stats[1].handshake, >=, installed (0, 1)->when);
    }
}

/* Without hurry it waits for WireGuard's own handshake, and nothing is readded. */
static void
test_gentle (World *w, gconstpointer data)
{
  for (guint asker = 0; asker < 2; asker++)
    {
      Installed before;

      pair_up ();
      run_busy (20000, TRUE);
      before = *installed (0, 1);
      scope_kex_rotate (w->machines[asker].kex, w->now, FALSE);
      drain (asker);
      run_busy (50000, TRUE);
      g_assert_true (scope_key_equal (&installed (0, 1)->psk, &before.psk));
      run_busy (140000, TRUE);
      g_assert_false (scope_key_equal (&installed (0, 1)->psk, &before.psk));
      g_assert_true (same_key (0, 1));
      g_assert_cmpint (installed (0, 1)->how, ==, SCOPE_KEX_IN_PLACE);
      g_assert_cmpint (w->machines[0].stats[1].handshake, >=, installed (0, 1)->when);
    }
}

static void
test_refusals (World *w, gconstpointer data)
{
  ScopeKexCt ct, wrong;
  ScopeKey stranger = { { 99 } };

  pair_up ();
  ct = w->machines[1].ct;

  /* A replay. */
  scope_kex_handle_ct (w->machines[0].kex, w->now, &ct);
  drain (0);
  assert_refused (0, "it came before");
  /* … for the same reason not within a minute. */
  scope_kex_handle_ct (w->machines[0].kex, w->now, &ct);
  drain (0);
  g_assert_cmpuint (w->machines[0].log->len, ==, 0);

  wrong = ct;
  wrong.kem_digest[3] ^= 1;
  scope_kex_handle_ct (w->machines[0].kex, w->now, &wrong);
  drain (0);
  assert_refused (0, "not ours");

  wrong = ct;
  wrong.to = w->machines[2].key;
  scope_kex_handle_ct (w->machines[0].kex, w->now, &wrong);
  drain (0);
  assert_refused (0, "somebody else");

  for (int d = -2; d <= 2; d += 4)
    {
      run (61000);
      wrong = ct;
      wrong.epoch += d;
      scope_kex_handle_ct (w->machines[0].kex, w->now, &wrong);
      drain (0);
      assert_refused (0, "not about now");
    }

  wrong = ct;
  wrong.ct[9] ^= 1;
  scope_kex_handle_ct (w->machines[0].kex, w->now, &wrong);
  drain (0);
  assert_refused (0, "not a ciphertext");

  wrong = ct;
  wrong.from = stranger;
  scope_kex_handle_ct (w->machines[0].kex, w->now, &wrong);
  world->machines[2].key = stranger;
  drain (0);
  assert_refused (0, "do not know");
  g_assert_cmpuint (w->machines[0].installs[1]->len, ==, 1);
}

/* Neither a registry nor another peer can say kex.no, or say it again. */
static void
test_macs (World *w, gconstpointer data)
{
  ScopeKexMessage message, old;

  pair_up ();
  message = w->machines[1].message;
  g_assert_cmpint (message.type, ==, SCOPE_KEX_USE);
  old = message;

  message.n += 5;
  scope_kex_handle_message (w->machines[0].kex, w->now, &w->machines[1].key, &message);
  drain (0);
  assert_refused (0, "wrong MAC");
  message = old;
  message.type = SCOPE_KEX_NO;
  message.n_keys = 1;
  run (61000);
  scope_kex_handle_message (w->machines[0].kex, w->now, &w->machines[1].key, &message);
  drain (0);
  assert_refused (0, "wrong MAC");
  /* Sent back to where it came from. */
  run (61000);
  scope_kex_handle_message (w->machines[1].kex, w->now, &w->machines[0].key, &old);
  drain (1);
  assert_refused (1, "wrong MAC");
  /* A duplicate does nothing and says nothing; what is much older is a replay. */
  guint answers = w->machines[0].sent[SCOPE_KEX_USE];
  scope_kex_handle_message (w->machines[0].kex, w->now, &w->machines[1].key, &old);
  drain (0);
  g_assert_cmpuint (w->machines[0].log->len, ==, 0);
  for (guint i = 0; i < 40; i++)
    {
      scope_kex_peer_online (w->machines[1].kex, w->now, &w->machines[0].key, TRUE);
      drain (1);
      run (200);
    }
  g_assert_cmpuint (w->machines[0].sent[SCOPE_KEX_USE], >, answers);
  scope_kex_handle_message (w->machines[0].kex, w->now, &w->machines[1].key, &old);
  drain (0);
  assert_refused (0, "older than");
}

/* What is lost is sent again, with longer and longer pauses. */
static void
test_retransmission (World *w, gconstpointer data)
{
  meet (1, 0);
  w->machines[0].deaf = TRUE;
  run (70000);
  g_assert_cmpuint (w->machines[1].cts, >=, 5);
  g_assert_cmpuint (w->machines[1].cts, <=, 8);
  w->machines[0].deaf = FALSE;
  run (70000);
  g_assert_true (same_key (0, 1));
}

/* The key that everybody should have got did not reach the one who needs it. */
static void
test_want (World *w, gconstpointer data)
{
  w->machines[0].deaf = w->machines[1].deaf = TRUE;
  meet (1, 0);
  run (1000);
  w->machines[0].deaf = w->machines[1].deaf = FALSE;
  run (10000);
  g_assert_cmpuint (w->machines[0].wants, >, 0);
  g_assert_true (same_key (0, 1));
}

static void
restart (guint i, gboolean keep)
{
  Machine *m = &world->machines[i];
  g_autoptr (ScopeSecret) saved = scope_kex_save (m->kex);
  g_autoptr (GError) error = NULL;

  scope_kex_free (m->kex);
  start_machine (i);
  for (guint j = 0; j < MAX_MACHINES; j++)
    m->stats[j] = (ScopeKexStats) { 0 };
  if (keep)
    g_assert_true (scope_kex_load (m->kex, world->now, saved, strlen (saved), &error));
  else
    for (guint j = 0; j < MAX_MACHINES; j++)
      g_array_set_size (m->installs[j], 0);
}

/* Within an epoch nobody broadcasts again: who was away still has what the others sent then. */
static void
test_restart_rotate (World *w, gconstpointer data)
{
  ScopeKey before, after;

  pair_up ();
  run (20000);
  for (guint who = 0; who < 2; who++)
    {
      g_assert_true (scope_kex_current (w->machines[0].kex, &w->machines[1].key, &before));
      scope_kex_peer_offline (w->machines[!who].kex, w->now, &w->machines[who].key);
      drain (!who);
      restart (who, TRUE);
      scope_kex_peer_online (w->machines[who].kex, w->now, &w->machines[!who].key, TRUE);
      scope_kex_peer_online (w->machines[!who].kex, w->now, &w->machines[who].key, FALSE);
      drain (who);
      drain (!who);
      run (5000);
      scope_kex_rotate (w->machines[0].kex, w->now, TRUE);
      drain (0);
      run (5000);
      g_assert_true (scope_kex_current (w->machines[0].kex, &w->machines[1].key, &after));
      g_assert_false (scope_key_equal (&before, &after));
      g_assert_true (same_key (0, 1));
    }
}

static void
test_restart (World *w, gconstpointer data)
{
  for (guint who = 0; who < 2; who++)
    for (guint keep = 0; keep < 2; keep++)
      {
        ScopeKey before, after;

        if (!installed (0, 1))
          pair_up ();
        run (20000);
        g_assert_true (scope_kex_current (w->machines[!who].kex, &w->machines[who].key, &before));
        scope_kex_peer_offline (w->machines[!who].kex, w->now, &w->machines[who].key);
        drain (!who);
        restart (who, keep);
        scope_kex_handle_key (w->machines[who].kex, w->now, &w->machines[!who].kem);
        drain (who);
        g_ptr_array_set_size (w->machines[who].log, 0);
        meet (who, !who);
        scope_kex_handle_key (w->machines[who].kex, w->now, &w->machines[!who].kem);
        drain (who);
        run (10000);
        g_assert_true (same_key (0, 1));
        g_assert_true (scope_kex_current (w->machines[!who].kex, &w->machines[who].key, &after));
        g_assert_cmpint (scope_key_equal (&before, &after), ==, keep);
        /* Who has none makes the first handshake, and not before the other has changed its own. */
        if (!keep)
          g_assert_cmpint (installed (!who, who)->when, <, installed (who, !who)->when);
      }
}

/* Two ends with different current keys: the lower key decides, as long as the other has it. */
static void
test_lower_decides (World *w, gconstpointer data)
{
  g_autoptr (ScopeSecret) old = NULL;
  g_autoptr (GError) error = NULL;
  guint64 epoch;

  pair_up ();
  epoch = epoch_of (0, 1);
  old = scope_kex_save (w->machines[0].kex);
  run (EPOCH_MS + 300000);
  g_assert_cmpuint (epoch_of (1, 0), ==, epoch + 1);

  /* The lower one comes back with a file of yesterday. */
  scope_kex_peer_offline (w->machines[1].kex, w->now, &w->machines[0].key);
  drain (1);
  scope_kex_free (w->machines[0].kex);
  start_machine (0);
  g_assert_true (scope_kex_load (w->machines[0].kex, w->now, old, strlen (old), &error));
  g_assert_cmpuint (epoch_of (0, 1), ==, epoch);
  meet (0, 1);
  run (1000);
  g_assert_cmpuint (epoch_of (1, 0), ==, epoch);
  /* … and makes a new one soon. */
  scope_kex_handle_key (w->machines[0].kex, w->now, &w->machines[1].kem);
  drain (0);
  run (300000);
  g_assert_cmpuint (epoch_of (1, 0), ==, epoch + 1);
  g_assert_cmpuint (epoch_of (0, 1), ==, epoch + 1);
}

static void
test_join_delays (World *w, gconstpointer data)
{
  gint64 begun;

  pair_up ();
  run (EPOCH_MS - 60000 - (w->now - START));
  g_assert_cmpuint (w->machines[0].broadcasts, ==, 1);
  /* 2 comes, leaves and comes again while the new epoch waits for its instant. */
  begun = w->now;
  for (guint i = 0; i < 5; i++)
    {
      scope_kex_tick (w->machines[0].kex, w->now);
      drain (0);
      if (w->machines[0].broadcasts > 1)
        break;
      scope_kex_peer_online (w->machines[0].kex, w->now, &w->machines[2].key, FALSE);
      drain (0);
      scope_kex_peer_offline (w->machines[0].kex, w->now, &w->machines[2].key);
      drain (0);
      run (i < 3 ? 290000 : 5000);
    }
  run (20000);
  g_assert_cmpuint (w->machines[0].broadcasts, ==, 2);
  g_assert_cmpint (w->now - begun, >, 3 * 290000);
  g_assert_cmpint (w->now - begun, <, 3 * 300000 + 60000);
}

static void
test_three_epochs (World *w, gconstpointer data)
{
  g_autoptr (ScopeSecret) text = NULL;
  g_autoptr (JsonObject) object = NULL;
  g_autoptr (GError) error = NULL;
  JsonArray *keys;

  pair_up ();
  run_busy (5 * EPOCH_MS + EPOCH_MS / 2, TRUE);
  text = scope_kex_save (w->machines[0].kex);
  object = scope_json_parse_object (text, strlen (text), SCOPE_KEX_STORE_MAX_BYTES, &error);
  g_assert_no_error (error);
  keys = json_object_get_array_member (
    json_array_get_object_element (json_object_get_array_member (object, "peers"), 0), "keys");
  g_assert_cmpuint (json_array_get_length (keys), ==, SCOPE_KEX_EPOCHS_KEPT);
}

static void
test_store (World *w, gconstpointer data)
{
  g_autoptr (ScopeSecret) text = NULL;
  g_autoptr (GError) error = NULL;
  ScopeKey psk;
  static const char *const wrong[] = { "", "[]", "{}", "{\"scope-keys\":2}", "{\"scope-keys\":1,\"network\":\"x\"}" };

  pair_up ();
  text = scope_kex_save (w->machines[0].kex);
  restart (0, TRUE);
  g_assert_cmpmem (&installed (1, 0)->psk, 32,
                   (scope_kex_current (w->machines[0].kex, &w->machines[1].key, &psk), &psk), 32);
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      restart (0, FALSE);
      g_assert_false (scope_kex_load (w->machines[0].kex, w->now, wrong[i], strlen (wrong[i]), &error));
      g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
      g_clear_error (&error);
    }
  /* A file in pieces leaves nothing behind. */
  for (gsize len = 0; len < strlen (text); len += 7)
    {
      restart (0, FALSE);
      g_assert_false (scope_kex_load (w->machines[0].kex, w->now, text, len, NULL));
      g_assert_false (scope_kex_current (w->machines[0].kex, &w->machines[1].key, &psk));
    }
  /* Thirty days later. */
  restart (0, FALSE);
  g_assert_true (scope_kex_load (w->machines[0].kex, w->now + SCOPE_KEX_MAX_AGE_MS + 1000, text, strlen (text), &error));
  g_assert_false (scope_kex_current (w->machines[0].kex, &w->machines[1].key, &psk));
}

/* The registry says how long an epoch is, once for all lives. */
static void
test_epoch_length (World *w, gconstpointer data)
{
  ScopeKex *kex;
  guint64 epoch;

  pair_up ();
  kex = w->machines[0].kex;
  g_assert_true (scope_kex_has_broadcast (kex, w->now));
  scope_kex_set_epoch_seconds (kex, 10 * SCOPE_KEX_EPOCH_SECONDS);
  g_assert_false (scope_kex_has_broadcast (kex, w->now)); /* that key is of an epoch that will not come */
  scope_kex_tick (kex, w->now);
  g_assert_true (scope_kex_has_broadcast (kex, w->now));
  epoch = scope_kex_epoch (kex, w->now);
  restart (0, TRUE);
  g_assert_cmpuint (scope_kex_epoch (w->machines[0].kex, w->now), ==, epoch);
}

static void
test_removed (World *w, gconstpointer data)
{
  ScopeKey psk;

  pair_up ();
  scope_kex_peer_removed (w->machines[0].kex, w->now, &w->machines[1].key);
  drain (0);
  g_assert_false (scope_kex_current (w->machines[0].kex, &w->machines[1].key, &psk));
  run (100);
}

static void
test_messages (void)
{
  static const char id[] = "AAECAwQFBgcICQoLDA0ODw", mac[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
  const struct {
    const char *name;
    const char *body;
    const char *error; /* NULL: good */
  } cases[] = {
    { "kex.no", "{'epoch':7,'n':1,'id':'ID','mac':'MAC'}", NULL },
    { "kex.ok", "{'epoch':7,'n':1,'in':60000,'id':'ID','mac':'MAC','other':1}", NULL },
    { "kex.yes", "{'epoch':7,'n':1,'in':0,'hurry':true,'id':'ID','mac':'MAC'}", NULL },
    { "kex.use", "{'epoch':7,'n':1,'confirmed':true,'answer':false,'keys':[{'id':'ID','mac':'MAC'}]}", NULL },
    { "kex.ok", "{'epoch':7,'n':1,'id':'ID','mac':'MAC'}", "kex.ok.in" },
    { "kex.ok", "{'epoch':7,'n':1,'in':600001,'id':'ID','mac':'MAC'}", "kex.ok.in" },
    { "kex.no", "{'epoch':-7,'n':1,'id':'ID','mac':'MAC'}", "kex.no.epoch" },
    { "kex.no", "{'epoch':7,'n':9007199254740992,'id':'ID','mac':'MAC'}", "kex.no.n" },
    { "kex.no", "{'epoch':7,'n':'1','id':'ID','mac':'MAC'}", "kex.no.n" },
    { "kex.no", "{'epoch':7,'n':1,'id':'IDA','mac':'MAC'}", "kex.no.id" },
    { "kex.no", "{'epoch':7,'n':1,'id':'AAECAwQFBgcICQoLDA0ODx','mac':'MAC'}", "kex.no.id" },
    { "kex.no", "{'epoch':7,'n':1,'id':'ID'}", "kex.no.mac" },
    { "kex.use", "{'epoch':7,'n':1,'keys':[]}", "kex.use.keys" },
    { "kex.use", "{'epoch':7,'n':1,'keys':[1]}", "kex.use.keys" },
    { "kex.use", "{'epoch':7,'n':1,'keys':[{'id':'ID','mac':'MAC'},{'id':'ID','mac':'MAC'}]}", "kex.use.keys" },
    { "kex.use", "{'epoch':7,'n':1,'confirmed':1,'keys':[{'id':'ID','mac':'MAC'}]}", "kex.use.confirmed" },
    { "kex.what", "{}", "kex.what" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GString) text = g_string_new (cases[i].body);
      g_autoptr (JsonObject) body = NULL, again = NULL;
      g_autoptr (GError) error = NULL;
      ScopeKexMessage message, copy;

      g_string_replace (text, "'", "\"", 0);
      g_string_replace (text, "ID", id, 0);
      g_string_replace (text, "MAC", mac, 0);
      body = scope_json_parse_object (text->str, text->len, 4096, &error);
      g_assert_no_error (error);
      g_assert_cmpint (scope_kex_message_parse (&message, cases[i].name, body, &error), ==, !cases[i].error);
      if (cases[i].error)
        {
          g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
          g_assert_true (g_str_has_prefix (error->message, cases[i].error));
          continue;
        }
      again = scope_kex_message_format (&message);
      g_assert_true (scope_kex_message_parse (&copy, cases[i].name, again, &error));
      g_assert_cmpmem (&message, sizeof message, &copy, sizeof copy);
    }
}

/* The text of data/protocol.md, byte for byte. */
static void
test_mac_text (void)
{
  ScopeKey from = { { 1 } }, to = { { 2 } };
  ScopeKexMessage message = { .type = SCOPE_KEX_USE, .epoch = 7, .n = 3, .answer = TRUE, .n_keys = 2 };
  g_autofree char *text = NULL;

  message.keys[1].id.bytes[0] = 255;
  text = scope_kex_message_mac_text (&message, "home", &from, &to);
  g_assert_cmpstr (text, ==,
                   "scope kex v1 kex.use home AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= "
                   "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= 7 3 0 001 AAAAAAAAAAAAAAAAAAAAAA "
                   "_wAAAAAAAAAAAAAAAAAAAA");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/kex/" name, World, NULL, set_up, function, tear_down)
  ADD ("first", test_first);
  ADD ("crossing", test_crossing);
  ADD ("rotation-busy", test_rotation_busy);
  ADD ("rotation-quiet", test_rotation_quiet);
  ADD ("quick-revert", test_quick_revert);
  ADD ("clock", test_clock);
  ADD ("slow-revert", test_slow_revert);
  ADD ("no-answer", test_no_answer);
  ADD ("no-yes", test_no_yes);
  ADD ("no-ok", test_no_ok);
  ADD ("away", test_away);
  ADD ("hurry", test_hurry);
  ADD ("gentle", test_gentle);
  ADD ("refusals", test_refusals);
  ADD ("macs", test_macs);
  ADD ("retransmission", test_retransmission);
  ADD ("want", test_want);
  ADD ("restart", test_restart);
  ADD ("restart-rotate", test_restart_rotate);
  ADD ("lower-decides", test_lower_decides);
  ADD ("join-delays", test_join_delays);
  ADD ("three-epochs", test_three_epochs);
  ADD ("store", test_store);
  ADD ("epoch-length", test_epoch_length);
  ADD ("removed", test_removed);
#undef ADD
  g_test_add_func ("/kex/messages", test_messages);
  g_test_add_func ("/kex/mac-text", test_mac_text);
  return g_test_run ();
}
