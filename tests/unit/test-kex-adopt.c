/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-kex-adopt: a pair whose tunnel has a preshared key already goes from that to a key of its own, both ends at
 * about the same time, and goes back to it when the first one does not work. And: who makes a key before the registry
 * has said what epoch it is makes another one then.
 */
#include "kex-fake.h"

#define EPOCH 3600
#define BASE_MS G_GINT64_CONSTANT (1000000000000)
#define STEP_MS 100

typedef struct {
  ScopeKex *kex;
  ScopeKey own;
  ScopeKey installed; /* in WireGuard */
  guint firsts;
  ScopeKexStats stats;
} End;

static End ends[2];
static gboolean cut; /* nothing gets through, between the registry and either of them */

static gboolean
look (const ScopeKey *peer, ScopeKexStats *stats, gpointer data)
{
  *stats = ((End *) data)->stats;
  return TRUE;
}

static void
deliver (End *to, gint64 now, const ScopeKexAction *action)
{
  End *from = to == ends ? ends + 1 : ends;

  switch (action->type)
    {
    case SCOPE_KEX_BROADCAST:
      scope_kex_handle_key (to->kex, now, action->key);
      break;
    case SCOPE_KEX_SEND_CT:
      scope_kex_handle_ct (to->kex, now, action->ct);
      break;
    case SCOPE_KEX_SEND:
      scope_kex_handle_message (to->kex, now, &from->own, &action->message);
      break;
    default:
      break;
    }
}

static void
run (gint64 from, gint64 until)
{
  for (gint64 now = from; now < until; now += STEP_MS)
    for (guint i = 0; i < 2; i++)
      {
        ScopeKexAction *action;

        scope_kex_tick (ends[i].kex, now);
        while ((action = scope_kex_pop (ends[i].kex)))
          {
            if (action->type == SCOPE_KEX_INSTALL)
              {
                ends[i].installed = action->preshared;
                ends[i].firsts += action->how == SCOPE_KEX_FIRST;
                if (action->how == SCOPE_KEX_READD && scope_key_equal (&ends[0].installed, &ends[1].installed))
                  ends[0].stats.handshake = ends[1].stats.handshake = now;
              }
            else if (!cut)
              deliver (&ends[!i], now, action);
            scope_kex_action_free (action);
          }
      }
}

static void
setup (const ScopeKey *preshared)
{
  ScopeKexOps ops = kex_fake_ops;

  ops.look = look;
  cut = FALSE;
  kex_fake_seed (7);
  for (guint i = 0; i < 2; i++)
    {
      ends[i] = (End) { .own = { { 1 + i } }, .installed = *preshared };
      ends[i].kex = scope_kex_new (&ops, &ends[i], "home", &ends[i].own, EPOCH);
      scope_kex_set_offset (ends[i].kex, BASE_MS);
    }
  for (guint i = 0; i < 2; i++)
    {
      scope_kex_adopt (ends[i].kex, 0, &ends[!i].own, preshared);
      scope_kex_peer_online (ends[i].kex, 0, &ends[!i].own, i == 1);
    }
}

static void
clear (void)
{
  for (guint i = 0; i < 2; i++)
    scope_kex_free (ends[i].kex);
}

static void
assert_current (guint i, const ScopeKey *preshared, gboolean equal)
{
  ScopeKey now;

  g_assert_true (scope_kex_current (ends[i].kex, &ends[!i].own, &now));
  g_assert_true (scope_key_equal (&now, preshared) == equal);
  g_assert_true (scope_key_equal (&now, &ends[i].installed));
}

static const ScopeKey old = { { 42, 1 } };

static void
test_replaced (void)
{
  setup (&old);
  run (0, 30000);
  assert_current (0, &old, TRUE);
  assert_current (1, &old, TRUE);
  run (30000, 70000);
  assert_current (0, &old, FALSE);
  assert_current (1, &old, FALSE);
  g_assert_true (scope_key_equal (&ends[0].installed, &ends[1].installed));
  g_assert_cmpuint (ends[0].firsts + ends[1].firsts, ==, 0);
  /* There was a handshake: it works, and stays. */
  g_assert_cmpint (ends[0].stats.handshake, >, 0);
  run (70000, 200000);
  assert_current (0, &old, FALSE);
  assert_current (1, &old, FALSE);
  clear ();
}

/* One of them goes away for good before its instant comes. */
static void
test_goes_back (void)
{
  setup (&old);
  run (0, 30000);
  cut = TRUE;
  run (30000, 61000);
  assert_current (0, &old, FALSE);
  ends[1].installed = old; /* it never installed it */
  run (61000, 100000);
  assert_current (0, &old, TRUE);
  clear ();
}

/* Not over a key that we know, nor twice, nor none. */
static void
test_refused (void)
{
  const ScopeKey other = { { 43 } }, none = { { 0 } };

  setup (&old);
  scope_kex_adopt (ends[0].kex, 0, &ends[1].own, &other);
  assert_current (0, &old, TRUE);
  clear ();
  setup (&none);
  g_assert_false (scope_kex_current (ends[0].kex, &ends[1].own, &ends[0].installed));
  run (0, 10000);
  g_assert_cmpuint (ends[0].firsts, ==, 1);
  g_assert_cmpuint (ends[1].firsts, ==, 1);
  clear ();
}

/* It is kept: the next life goes back to it, too. */
static void
test_kept (void)
{
  ScopeKexOps ops = kex_fake_ops;
  g_autoptr (ScopeKex) again = NULL;
  g_autoptr (GError) error = NULL;
  ScopeKey now;
  char *text;

  setup (&old);
  text = scope_kex_save (ends[0].kex);
  ops.look = look;
  again = scope_kex_new (&ops, &ends[0], "home", &ends[0].own, EPOCH);
  scope_kex_set_offset (again, BASE_MS);
  g_assert_true (scope_kex_load (again, 0, text, strlen (text), &error));
  g_assert_no_error (error);
  g_assert_true (scope_kex_current (again, &ends[1].own, &now) && scope_key_equal (&now, &old));
  scope_secret_free (text);
  clear ();
}

static guint64
broadcast (ScopeKex *kex, gint64 now)
{
  ScopeKexAction *action;
  guint64 epoch = 0;

  scope_kex_tick (kex, now);
  while ((action = scope_kex_pop (kex)))
    {
      if (action->type == SCOPE_KEX_BROADCAST)
        epoch = action->key->epoch;
      scope_kex_action_free (action);
    }
  return epoch;
}

static void
test_learned_late (void)
{
  const ScopeKey none = { { 0 } };
  const gint64 day = 24 * EPOCH;

  setup (&none);
  g_assert_cmpuint (broadcast (ends[0].kex, 0), ==, BASE_MS / 1000 / EPOCH);
  scope_kex_set_epoch_seconds (ends[0].kex, 7 * day);
  g_assert_cmpuint (broadcast (ends[0].kex, 1000), ==, BASE_MS / 1000 / (7 * day));
  g_assert_cmpuint (broadcast (ends[0].kex, 2000), ==, 0);
  /* Our clock was wrong. */
  g_assert_cmpuint (broadcast (ends[1].kex, 0), ==, BASE_MS / 1000 / EPOCH);
  scope_kex_set_offset (ends[1].kex, BASE_MS - 10 * day * 1000);
  g_assert_cmpuint (broadcast (ends[1].kex, 60000), ==, (BASE_MS / 1000 - 10 * day) / EPOCH);
  clear ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kex/adopt/replaced", test_replaced);
  g_test_add_func ("/kex/adopt/goes-back", test_goes_back);
  g_test_add_func ("/kex/adopt/refused", test_refused);
  g_test_add_func ("/kex/adopt/kept", test_kept);
  g_test_add_func ("/kex/epoch/learned-late", test_learned_late);
  return g_test_run ();
}
