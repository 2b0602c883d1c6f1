/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From reports of both ends to the table of paths (src/path/scope-table.h), with time handed in. */
#include "path/scope-table.h"

#define SECOND 1000

static ScopeKey
key_of (guint n)
{
  ScopeKey key = { { n >> 8, n, 1 } };
  return key;
}

static ScopeTable *
table_with (guint relays)
{
  ScopeTable *table = scope_table_new ();

  for (guint n = 1; n <= relays; n++)
    {
      ScopeKey key = key_of (n);
      g_assert_true (scope_table_join (table, &key));
    }
  return table;
}

static void
say (ScopeTable *table, guint from, guint to, guint ms, guint loss, gint64 now)
{
  ScopeKey a = key_of (from), b = key_of (to);

  scope_table_report (table, &a, &b, ms, loss, now);
}

static void
both_say (ScopeTable *table, guint a, guint b, guint ms, guint loss, gint64 now)
{
  say (table, a, b, ms, loss, now);
  say (table, b, a, ms, loss, now);
}

/* Reports every 30 seconds after @from, to @until; the last one's time. */
static gint64
reports (ScopeTable *table, guint ms, guint loss, gint64 from, gint64 until)
{
  gint64 now = from;

  while (now + 30 * SECOND <= until)
    {
      now += 30 * SECOND;
      both_say (table, 1, 2, ms, loss, now);
      scope_table_tick (table, now);
    }
  return now;
}

/* What all have been told of a link; 0: nothing */
static guint
told (ScopeTable *table, guint a, guint b)
{
  g_autoptr (GArray) relays = NULL, links = NULL;
  ScopeKey key_a = key_of (a), key_b = key_of (b);

  scope_table_get (table, &relays, &links);
  for (guint i = 0; i < links->len; i++)
    {
      const ScopeLatency *link = &g_array_index (links, ScopeLatency, i);

      g_assert_cmpint (scope_key_compare (&link->a, &link->b), <, 0);
      if (scope_key_equal (&link->a, &key_a) && scope_key_equal (&link->b, &key_b))
        return link->ms;
    }
  return 0;
}

static void
commit_all (ScopeTable *table)
{
  scope_table_commit (table, SCOPE_TABLE_LOST | SCOPE_TABLE_NEW | SCOPE_TABLE_CHANGED);
  g_assert_cmpuint (scope_table_pending (table), ==, 0);
}

static void
test_both_ends (void)
{
  g_autoptr (ScopeTable) table = table_with (3);

  say (table, 1, 2, 20, 0, SECOND);
  g_assert_cmpuint (scope_table_pending (table), ==, 0);
  say (table, 2, 1, 25, 0, SECOND);
  g_assert_cmpuint (scope_table_pending (table), ==, SCOPE_TABLE_NEW);
  g_assert_cmpuint (told (table, 1, 2), ==, 0); /* not yet */
  commit_all (table);
  g_assert_cmpuint (told (table, 1, 2), ==, 25);

  /* nobody's word but theirs counts; nor of who is not there, or of oneself */
  say (table, 3, 9, 1, 0, SECOND);
  say (table, 9, 3, 1, 0, SECOND);
  say (table, 3, 3, 1, 0, SECOND);
  say (table, 1, 3, SCOPE_TABLE_DOWN, 100, SECOND);
  say (table, 3, 1, 5, 0, SECOND);
  g_assert_cmpuint (scope_table_pending (table), ==, 0);
}

static void
test_order (void)
{
  g_autoptr (ScopeTable) table = scope_table_new ();
  g_autoptr (GArray) relays = NULL, links = NULL;

  for (guint n = 5; n > 0; n--)
    {
      ScopeKey key = key_of (n);
      scope_table_join (table, &key);
    }
  for (guint a = 5; a > 1; a--)
    for (guint b = a - 1; b > 0; b--)
      both_say (table, a, b, a * 10 + b, 0, SECOND);
  commit_all (table);
  scope_table_get (table, &relays, &links);
  g_assert_cmpuint (relays->len, ==, 5);
  g_assert_cmpuint (links->len, ==, 10);
  for (guint i = 1; i < relays->len; i++)
    g_assert_cmpint (scope_key_compare (&g_array_index (relays, ScopeKey, i - 1), &g_array_index (relays, ScopeKey, i)), <, 0);
  for (guint i = 1; i < links->len; i++)
    {
      const ScopeLatency *x = &g_array_index (links, ScopeLatency, i - 1), *y = x + 1;
      int order = scope_key_compare (&x->a, &y->a);

      g_assert_true (order < 0 || (order == 0 && scope_key_compare (&x->b, &y->b) < 0));
    }
  g_assert_cmpuint (told (table, 2, 4), ==, 42);
}

static void
test_cost (void)
{
  g_assert_cmpuint (scope_table_cost (0, 0), ==, 1);
  g_assert_cmpuint (scope_table_cost (20, 0), ==, 20);
  g_assert_cmpuint (scope_table_cost (20, 10), ==, 24);
  g_assert_cmpuint (scope_table_cost (20, 30), ==, 40);
  g_assert_cmpuint (scope_table_cost (20, 50), ==, 80);
  g_assert_cmpuint (scope_table_cost (60000, 100), ==, SCOPE_TABLE_MAX_MSEC);
}

/* At once, whoever says so; and it is back at once the first time. */
static void
test_lost (void)
{
  g_autoptr (ScopeTable) table = table_with (2);
  gint64 now = SECOND;

  both_say (table, 1, 2, 20, 0, now);
  commit_all (table);
  say (table, 2, 1, SCOPE_TABLE_DOWN, 100, ++now);
  g_assert_cmpuint (scope_table_pending (table), ==, SCOPE_TABLE_LOST);
  commit_all (table);
  g_assert_cmpuint (told (table, 1, 2), ==, 0);
  say (table, 2, 1, 30, 0, ++now);
  g_assert_cmpuint (scope_table_pending (table), ==, SCOPE_TABLE_NEW);
  commit_all (table);
  g_assert_cmpuint (told (table, 1, 2), ==, 30);
}

static void
test_stale (void)
{
  g_autoptr (ScopeTable) table = table_with (2);

  both_say (table, 1, 2, 20, 0, SECOND);
  commit_all (table);
  say (table, 1, 2, 20, 0, 90 * SECOND); /* one end goes on */
  scope_table_tick (table, 91 * SECOND - 1);
  g_assert_cmpuint (scope_table_pending (table), ==, 0);
  scope_table_tick (table, 91 * SECOND);
  g_assert_cmpuint (scope_table_pending (table), ==, SCOPE_TABLE_LOST);
  commit_all (table);
  g_assert_true (scope_table_is_waiting (table));
  scope_table_tick (table, 180 * SECOND); /* nothing is heard any more: nothing to wait for */
  g_assert_false (scope_table_is_waiting (table));
}

/* Seconds until it is back, when both ends say every second that it works. */
static guint
seconds_down (ScopeTable *table, gint64 *now)
{
  guint seconds = 0;

  say (table, 1, 2, SCOPE_TABLE_DOWN, 100, *now += SECOND);
  g_assert_cmpuint (told (table, 1, 2), !=, 0);
  commit_all (table);
  for (;; seconds++)
    {
      both_say (table, 1, 2, 20, 0, *now += SECOND);
      if (scope_table_pending (table) == SCOPE_TABLE_NEW)
        break;
    }
  commit_all (table);
  return seconds;
}

/* Who comes and goes is held down, longer each time; who is there for long is trusted again. */
static void
test_hold (void)
{
  static const guint down[] = { 0, 30, 60, 120, 240, 480, 600, 600 };
  g_autoptr (ScopeTable) table = table_with (2);
  gint64 now = SECOND;

  both_say (table, 1, 2, 20, 0, now);
  commit_all (table);
  for (guint i = 0; i < G_N_ELEMENTS (down); i++)
    g_assert_cmpuint (seconds_down (table, &now), ==, down[i]);
  now = reports (table, 20, 0, now, now + 630 * SECOND);
  g_assert_cmpuint (seconds_down (table, &now), ==, 0);
  g_assert_cmpuint (seconds_down (table, &now), ==, 30);

  /* an interruption begins it anew */
  say (table, 1, 2, SCOPE_TABLE_DOWN, 100, now += SECOND);
  commit_all (table);
  for (guint i = 0; i < 100; i++)
    {
      both_say (table, 1, 2, 20, 0, now += SECOND);
      if (i % 50 == 40)
        say (table, 2, 1, SCOPE_TABLE_DOWN, 100, now);
    }
  g_assert_cmpuint (scope_table_pending (table), ==, 0);
}

static void
test_leave (void)
{
  g_autoptr (ScopeTable) table = table_with (4);
  ScopeKey two = key_of (2), five = key_of (5);

  both_say (table, 1, 2, 12, 0, SECOND);
  both_say (table, 1, 3, 13, 0, SECOND);
  both_say (table, 2, 3, 23, 0, SECOND);
  commit_all (table);
  both_say (table, 1, 4, 14, 0, SECOND); /* not told yet */
  scope_table_leave (table, &two);
  g_assert_false (scope_table_has (table, &two));
  g_assert_cmpuint (scope_table_pending (table), ==, SCOPE_TABLE_LOST | SCOPE_TABLE_NEW);
  scope_table_commit (table, SCOPE_TABLE_LOST);
  g_assert_cmpuint (scope_table_pending (table), ==, SCOPE_TABLE_NEW);
  g_assert_cmpuint (told (table, 1, 2), ==, 0);
  g_assert_cmpuint (told (table, 2, 3), ==, 0);
  g_assert_cmpuint (told (table, 1, 3), ==, 13);
  g_assert_cmpuint (told (table, 1, 4), ==, 0);

  /* its place is another one's, with nothing of it */
  g_assert_true (scope_table_join (table, &five));
  commit_all (table);
  g_assert_cmpuint (told (table, 1, 5), ==, 0);
  say (table, 5, 1, 15, 0, 2 * SECOND);
  g_assert_cmpuint (scope_table_pending (table), ==, 0);
  say (table, 1, 5, 15, 0, 2 * SECOND);
  commit_all (table);
  g_assert_cmpuint (told (table, 1, 5), ==, 15);
  g_assert_cmpuint (scope_table_size (table), ==, 4);

  /* who comes again has no links */
  scope_table_join (table, &five);
  g_assert_cmpuint (scope_table_pending (table), ==, SCOPE_TABLE_LOST);
}

static void
test_damping (void)
{
  static const struct {
    guint from, to;
    gboolean changes;
  } cases[] = {
    { 20, 29, FALSE },  { 20, 30, TRUE },   { 20, 11, FALSE },   { 20, 10, TRUE }, { 200, 229, FALSE },
    { 200, 230, TRUE }, { 200, 170, TRUE }, { 200, 171, FALSE }, { 9, 1, FALSE },  { 1, 11, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ScopeTable) table = table_with (2);
      gint64 now = SECOND;

      both_say (table, 1, 2, cases[i].from, 0, now);
      commit_all (table);
      now = reports (table, cases[i].from, 0, now, now + 300 * SECOND);
      now = reports (table, cases[i].to, 0, now, now + 300 * SECOND);
      g_assert_cmpuint (scope_table_pending (table), ==, 0); /* not before the time */
      now = reports (table, cases[i].to, 0, now, now + 30 * SECOND);
      g_assert_cmpuint (scope_table_pending (table), ==, cases[i].changes ? SCOPE_TABLE_CHANGED : 0);
      commit_all (table);
      g_assert_cmpuint (told (table, 1, 2), ==, cases[i].changes ? cases[i].to : cases[i].from);
    }
}

/* Every @nth report of 20 minutes is as before: how often the table changes. */
static guint
changes_with (guint nth)
{
  g_autoptr (ScopeTable) table = table_with (2);
  guint changes = 0;

  both_say (table, 1, 2, 100, 0, SECOND);
  commit_all (table);
  for (guint i = 1; i <= 40; i++)
    {
      both_say (table, 1, 2, i % nth == 0 ? 100 : 50, 0, SECOND + i * 30 * SECOND);
      changes += scope_table_pending (table) != 0;
      commit_all (table);
    }
  return changes;
}

static void
test_share (void)
{
  g_assert_cmpuint (changes_with (6), ==, 1); /* 83 % */
  g_assert_cmpuint (changes_with (4), ==, 0); /* 75 % */
  g_assert_cmpuint (changes_with (2), ==, 0);
}

/* A change that is over before its time leaves nothing behind. */
static void
test_excursion (void)
{
  g_autoptr (ScopeTable) table = table_with (2);
  gint64 now = SECOND;

  both_say (table, 1, 2, 20, 0, now);
  commit_all (table);
  for (guint i = 0; i < 20; i++)
    {
      now = reports (table, 400, 0, now, now + 240 * SECOND);
      now = reports (table, 20, 0, now, now + 240 * SECOND);
      g_assert_cmpuint (scope_table_pending (table), ==, 0);
    }
}

/* One end's many reports do not outvote time, nor the other end. */
static void
test_flood (void)
{
  g_autoptr (ScopeTable) table = table_with (2);

  both_say (table, 1, 2, 20, 0, SECOND);
  commit_all (table);
  for (guint i = 0; i < 60000; i++)
    say (table, 1, 2, 500, 0, 2 * SECOND + i); /* a minute */
  for (guint i = 0; i < 20; i++)
    {
      say (table, 2, 1, 20, 0, 62 * SECOND + i * 30 * SECOND);
      for (guint j = 0; j < 30; j++)
        say (table, 1, 2, j ? 20 : 500, 0, (63 + i * 30 + j) * SECOND);
    }
  g_assert_cmpuint (scope_table_pending (table), ==, 0);
}

/* 30 % loss: penalised when it is new, left with the second report; back when it was clean for a minute. */
static void
test_lossy (void)
{
  g_autoptr (ScopeTable) table = table_with (2);
  gint64 now = SECOND, clean;

  both_say (table, 1, 2, 20, 0, now);
  commit_all (table);
  now = reports (table, 20, 30, now, now + 30 * SECOND);
  g_assert_cmpuint (scope_table_pending (table), ==, 0);
  now = reports (table, 20, 30, now, now + 30 * SECOND);
  g_assert_cmpuint (scope_table_pending (table), ==, SCOPE_TABLE_LOST);
  commit_all (table);
  now = reports (table, 20, 15, now, now + 300 * SECOND); /* better, but not clean */
  g_assert_cmpuint (scope_table_pending (table), ==, 0);
  clean = now;
  while (!scope_table_pending (table))
    now = reports (table, 20, 5, now, now + 30 * SECOND);
  g_assert_cmpint (now - clean, ==, 90 * SECOND); /* the first clean report, and a minute */
  commit_all (table);
  g_assert_cmpuint (told (table, 1, 2), ==, 22);

  /* one end's loss is enough; one bad report is not */
  say (table, 1, 2, 20, 40, now += 30 * SECOND);
  say (table, 2, 1, 20, 0, now);
  both_say (table, 1, 2, 20, 0, now += 30 * SECOND);
  say (table, 1, 2, 20, 40, now += 30 * SECOND);
  say (table, 2, 1, 20, 0, now);
  g_assert_cmpuint (scope_table_pending (table), ==, 0);
  say (table, 1, 2, 20, 40, now += 30 * SECOND);
  g_assert_cmpuint (scope_table_pending (table), ==, 0);
  say (table, 2, 1, 20, 0, now);
  g_assert_cmpuint (scope_table_pending (table), ==, SCOPE_TABLE_LOST);
}

static void
test_direct (void)
{
  g_autoptr (ScopeTable) table = table_with (4);
  ScopeKey one = key_of (1), nobody = key_of (9);

  both_say (table, 1, 2, 20, 0, SECOND);
  both_say (table, 4, 1, 20, 0, SECOND);
  both_say (table, 2, 3, 20, 0, SECOND);
  say (table, 1, 3, 20, 0, SECOND);
  g_assert_cmpuint (scope_table_direct (table, &one), ==, 2);
  g_assert_cmpuint (scope_table_direct (table, &nobody), ==, 0);
}

/* As many as there may be: no more relays, and the fastest links. */
static void
test_bounds (void)
{
  g_autoptr (ScopeTable) table = table_with (SCOPE_TABLE_MAX_RELAYS);
  g_autoptr (GArray) relays = NULL, links = NULL;
  ScopeKey one_more = key_of (SCOPE_TABLE_MAX_RELAYS + 1);

  g_assert_false (scope_table_join (table, &one_more));
  for (guint a = 1; a < SCOPE_TABLE_MAX_RELAYS; a++)
    for (guint b = a + 1; b <= SCOPE_TABLE_MAX_RELAYS; b++)
      both_say (table, a, b, 1 + (a * 7919 + b * 104729) % 1000, 0, SECOND);
  commit_all (table);
  scope_table_get (table, &relays, &links);
  g_assert_cmpuint (relays->len, ==, SCOPE_TABLE_MAX_RELAYS);
  g_assert_cmpuint (links->len, ==, SCOPE_TABLE_MAX_LINKS);
  for (guint i = 0; i < links->len; i++)
    g_assert_cmpuint (g_array_index (links, ScopeLatency, i).ms, <=, 460); /* 60000 of 130816, spread evenly over 1000 */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/table/both-ends", test_both_ends);
  g_test_add_func ("/table/order", test_order);
  g_test_add_func ("/table/cost", test_cost);
  g_test_add_func ("/table/lost", test_lost);
  g_test_add_func ("/table/stale", test_stale);
  g_test_add_func ("/table/hold", test_hold);
  g_test_add_func ("/table/leave", test_leave);
  g_test_add_func ("/table/damping", test_damping);
  g_test_add_func ("/table/share", test_share);
  g_test_add_func ("/table/excursion", test_excursion);
  g_test_add_func ("/table/flood", test_flood);
  g_test_add_func ("/table/lossy", test_lossy);
  g_test_add_func ("/table/direct", test_direct);
  g_test_add_func ("/table/bounds", test_bounds);
  return g_test_run ();
}
