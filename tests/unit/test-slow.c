/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/scope-slow.h"

#define MS G_GINT64_CONSTANT (1000)

/* Echoes come after @rtt, whenever @flows; returns when it was late first, or -1 within @for_usec. */
static gint64
run (ScopeSlow *slow, gint64 *now, gint64 for_usec, gint64 rtt, gboolean flows, guint *probes)
{
  gint64 end = *now + for_usec, echo = 0, sent = 0;
  static guint64 tx;

  for (; *now < end; *now += MS)
    {
      gint64 next = G_MAXINT64;
      ScopeSlowAct act;

      if (flows && *now % (250 * MS) == 0)
        scope_slow_sample (slow, tx += 100, 0);
      if (echo && *now >= echo)
        {
          scope_slow_echo (slow, *now - sent, *now);
          echo = 0;
        }
      act = scope_slow_step (slow, *now, &next);
      g_assert_cmpint (next, >, *now);
      if (act & SCOPE_SLOW_PROBE)
        {
          sent = *now;
          echo = *now + rtt;
          if (probes)
            (*probes)++;
        }
      if (act & SCOPE_SLOW_LATE)
        return *now;
    }
  return -1;
}

static void
test_becomes_slow (void)
{
  ScopeSlow slow = { 0 };
  gint64 now = 1000 * MS, at;
  guint probes = 0;

  scope_slow_watch (&slow, TRUE);
  g_assert_cmpint (run (&slow, &now, 10000 * MS, 20 * MS, TRUE, &probes), ==, -1);
  g_assert_cmpuint (probes, >=, 18);
  g_assert_cmpuint (probes, <=, 21);
  at = now;
  at = run (&slow, &now, 2000 * MS, 400 * MS, TRUE, NULL) - at;
  g_assert_cmpint (at, >=, 150 * MS);
  g_assert_cmpint (at, <=, 750 * MS);
  /* said once: the new one is usual now */
  now += MS;
  g_assert_cmpint (run (&slow, &now, 10000 * MS, 400 * MS, TRUE, NULL), ==, -1);
}

static void
test_a_little_slower_is_not_slow (void)
{
  ScopeSlow slow = { 0 };
  gint64 now = 1000 * MS;

  scope_slow_watch (&slow, TRUE);
  g_assert_cmpint (run (&slow, &now, 5000 * MS, 20 * MS, TRUE, NULL), ==, -1);
  g_assert_cmpint (run (&slow, &now, 5000 * MS, 120 * MS, TRUE, NULL), ==, -1);
  g_assert_cmpint (run (&slow, &now, 5000 * MS, 200 * MS, TRUE, NULL), ==, -1);
}

static void
test_nothing_flows (void)
{
  ScopeSlow slow = { 0 };
  gint64 now = 1000 * MS, next = G_MAXINT64;
  guint probes = 0;

  scope_slow_watch (&slow, TRUE);
  run (&slow, &now, 10000 * MS, 20 * MS, FALSE, &probes);
  g_assert_cmpuint (probes, ==, 0);
  scope_slow_step (&slow, now, &next);
  g_assert_cmpint (next, ==, G_MAXINT64);
  scope_slow_watch (&slow, FALSE);
  run (&slow, &now, 5000 * MS, 20 * MS, TRUE, &probes);
  g_assert_cmpuint (probes, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/slow/becomes-slow", test_becomes_slow);
  g_test_add_func ("/slow/a-little-slower", test_a_little_slower_is_not_slow);
  g_test_add_func ("/slow/nothing-flows", test_nothing_flows);
  return g_test_run ();
}
