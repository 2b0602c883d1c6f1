/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-damping: the 80 % of 300 s, the margin, and holds that double. */
#include "path/scope-damping.h"

static void
test_better (void)
{
  static const struct {
    guint candidate, current;
    gboolean better;
  } cases[] = {
    { 20, 30, TRUE },  { 21, 30, FALSE }, /* 10 ms */
    { 170, 200, TRUE }, { 171, 200, FALSE }, /* 15 % */
    { 0, 10, FALSE },  { 0, 11, TRUE },   { 50, 50, FALSE }, { 60, 50, FALSE }, { 0, 0, FALSE },
    { G_MAXUINT / 2, G_MAXUINT, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (scope_damping_better (cases[i].candidate, cases[i].current), ==, cases[i].better);
}

/* Samples each @step ms, of which @better of ten are better. Returns when it is time, or 0. */
static gint64
first_ready (guint step, guint better, gint64 until)
{
  ScopeDamping damping = { 0 };
  guint n = 0;

  for (gint64 now = 1000; now < until; now += step)
    if (scope_damping_add (&damping, now, n++ % 10 < better))
      return now - 1000;
  return 0;
}

static void
test_window (void)
{
  g_assert_cmpint (first_ready (1000, 10, 900000), ==, 300000);
  g_assert_cmpint (first_ready (30000, 10, 900000), ==, 300000);
  g_assert_cmpint (first_ready (100, 10, 900000), ==, 300000); /* more samples than a slice counts */
  g_assert_cmpint (first_ready (1000, 9, 900000), >=, 300000);
  g_assert_cmpint (first_ready (1000, 9, 900000), <=, 310000);
  g_assert_cmpint (first_ready (1000, 7, 3600000), ==, 0);
  g_assert_cmpint (first_ready (1000, 0, 3600000), ==, 0);
}

static void
test_change_of_mind (void)
{
  ScopeDamping damping = { 0 };

  for (gint64 now = 1000; now <= 400000; now += 1000)
    g_assert_false (scope_damping_add (&damping, now, FALSE));
  /* what was before counts until it is 300 s ago */
  for (gint64 now = 401000; now < 600000; now += 1000)
    g_assert_false (scope_damping_add (&damping, now, TRUE));
  for (gint64 now = 600000; now < 720000; now += 1000)
    scope_damping_add (&damping, now, TRUE);
  g_assert_true (scope_damping_add (&damping, 721000, TRUE));
  g_assert_false (scope_damping_add (&damping, 722000, FALSE)); /* not because of a sample that was worse */
  scope_damping_reset (&damping);
  g_assert_false (scope_damping_add (&damping, 723000, TRUE));
}

/* A candidate that was away for long begins anew. */
static void
test_gap (void)
{
  ScopeDamping damping = { 0 };

  for (gint64 now = 1000; now <= 290000; now += 1000)
    scope_damping_add (&damping, now, TRUE);
  g_assert_false (scope_damping_add (&damping, 3600000, TRUE));
  g_assert_false (scope_damping_add (&damping, 3700000, TRUE));
}

static void
test_hold (void)
{
  ScopeHold hold = { 0 };
  gint64 now = 1000;
  static const guint lengths[] = { 30000, 60000, 120000, 240000, 480000, 600000, 600000 };

  g_assert_false (scope_hold_active (&hold, now));
  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      scope_hold_fail (&hold, now);
      g_assert_cmpint (hold.until, ==, now + lengths[i]);
      scope_hold_fail (&hold, now + 1); /* both ends notice one failure */
      g_assert_cmpint (hold.until, ==, now + lengths[i]);
      g_assert_true (scope_hold_active (&hold, hold.until - 1));
      g_assert_false (scope_hold_active (&hold, hold.until));
      now = hold.until + 600000;
    }
  scope_hold_fail (&hold, now + 1); /* it worked for more than 600 s */
  g_assert_cmpint (hold.until, ==, now + 30001);
  scope_hold_extend (&hold, now + 20000);
  g_assert_cmpint (hold.until, ==, now + 30001);
  scope_hold_extend (&hold, now + 40000);
  g_assert_cmpint (hold.until, ==, now + 40000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/damping/better", test_better);
  g_test_add_func ("/damping/window", test_window);
  g_test_add_func ("/damping/change-of-mind", test_change_of_mind);
  g_test_add_func ("/damping/gap", test_gap);
  g_test_add_func ("/damping/hold", test_hold);
  return g_test_run ();
}
