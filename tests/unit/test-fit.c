/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-fit: src/net/scope-fit. */
#include "net/scope-fit.h"

#define MS 1000
#define RTT (40 * MS)

typedef struct {
  ScopeFit fit;
  gint64 now;
  guint mtu;   /* the tunnel's */
  guint fits;  /* inner packets that get through */
  guint lose;  /* so many of the first full ones get lost besides */
  gboolean dead;
  GString *said;
} Sim;

static void
sim_init (Sim *sim, guint mtu, guint fits)
{
  *sim = (Sim){ .now = 1000 * 1000 * MS, .mtu = mtu, .fits = fits, .said = g_string_new (NULL) };
  scope_fit_begin (&sim->fit, mtu, sim->now);
}

static void
take (Sim *sim, guint size)
{
  guint mtu = scope_fit_echo (&sim->fit, size);

  if (mtu)
    g_string_append_printf (sim->said, "=%u@%" G_GINT64_FORMAT " ", mtu, sim->now / MS - 1000 * 1000);
}

/* Until nothing is to be done any more. */
static void
sim_run (Sim *sim)
{
  gint64 next;

  for (guint i = 0; i < 100; i++)
    {
      ScopeFitAct act = scope_fit_step (&sim->fit, sim->mtu, RTT, sim->now, &next);
      guint size = act == SCOPE_FIT_PROBE ? scope_fit_size (&sim->fit) : 0;

      if (act == SCOPE_FIT_NARROW)
        g_string_append (sim->said, "narrow ");
      if (size)
        {
          g_string_append_printf (sim->said, "%u ", size + SCOPE_FIT_HEADERS);
          sim->now += RTT;
          if (!sim->dead)
            take (sim, 0);
          if (sim->lose && size + SCOPE_FIT_HEADERS <= sim->fits)
            sim->lose--;
          else if (!sim->dead && size + SCOPE_FIT_HEADERS <= sim->fits)
            take (sim, size);
          continue;
        }
      if (next == SCOPE_FIT_NEVER)
        return;
      g_assert_cmpint (next, >, sim->now);
      sim->now = next;
    }
  g_assert_not_reached ();
}

static void
expect (Sim *sim, const char *said)
{
  g_strchomp (sim->said->str);
  g_assert_cmpstr (sim->said->str, ==, said);
  g_string_free (sim->said, TRUE);
}

static void
test_fits (void)
{
  Sim sim;

  sim_init (&sim, 1420, 1420);
  sim_run (&sim);
  expect (&sim, "1420 =1420@40");

  /* A small one at the base's own MTU: nothing is smaller. */
  sim_init (&sim, 1280, 1280);
  sim_run (&sim);
  expect (&sim, "1280 =1280@40");

  /* Two of three may get lost. */
  sim_init (&sim, 1420, 1420);
  sim.lose = 2;
  sim_run (&sim);
  expect (&sim, "1420 1420 1420 =1420@1040");
}

static void
test_hole (void)
{
  Sim sim;

  sim_init (&sim, 1420, 1419);
  sim_run (&sim);
  expect (&sim, "1420 1420 1420 1376 =1376@1540");

  sim_init (&sim, 1420, 1300);
  sim_run (&sim);
  expect (&sim, "1420 1420 1420 1376 1376 1376 1328 1328 1328 1280 =1280@4540");

  sim_init (&sim, 1400, 1350);
  sim_run (&sim);
  expect (&sim, "1400 1400 1400 1376 1376 1376 1328 =1328@3040");

  /* Nothing that we may set would help. */
  sim_init (&sim, 1420, 1279);
  sim_run (&sim);
  expect (&sim, "1420 1420 1420 1376 1376 1376 1328 1328 1328 1280 1280 1280 narrow");
}

/* Without echoes of small ones nobody knows. */
static void
test_dead (void)
{
  Sim sim;

  sim_init (&sim, 1420, 1280);
  sim.dead = TRUE;
  sim_run (&sim);
  expect (&sim, "1420 1420 1420 1420 1420 1420");
}

static void
test_meanwhile (void)
{
  Sim sim;
  gint64 next;

  /* Another link has lowered it: only that much is of interest. */
  sim_init (&sim, 1420, 1328);
  g_assert_cmpint (scope_fit_step (&sim.fit, 1420, RTT, sim.now, &next), ==, SCOPE_FIT_PROBE);
  g_assert_cmpint (next, ==, sim.now + 500 * MS);
  g_assert_cmpint (scope_fit_step (&sim.fit, 1420, RTT, next - 1, &next), ==, SCOPE_FIT_WAIT);
  sim.now = next;
  sim.mtu = 1328;
  sim_run (&sim);
  expect (&sim, "1328 =1328@540");

  /* An echo that was late, after smaller ones were tried. */
  sim_init (&sim, 1420, 0);
  for (guint i = 0; i < 4; i++)
    {
      g_assert_cmpint (scope_fit_step (&sim.fit, 1420, RTT, sim.now, &next), ==, SCOPE_FIT_PROBE);
      g_assert_cmpuint (scope_fit_echo (&sim.fit, 0), ==, 0);
      sim.now = next;
    }
  g_assert_cmpuint (scope_fit_size (&sim.fit), ==, 1376 - 48);
  take (&sim, 1420 - 48);
  take (&sim, 1420 - 48);
  expect (&sim, "=1420@2000");

  /* A long way. */
  sim_init (&sim, 1420, 0);
  scope_fit_step (&sim.fit, 1420, 600 * MS, sim.now, &next);
  g_assert_cmpint (next, ==, sim.now + 1800 * MS);
  expect (&sim, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fit/fits", test_fits);
  g_test_add_func ("/fit/hole", test_hole);
  g_test_add_func ("/fit/dead", test_dead);
  g_test_add_func ("/fit/meanwhile", test_meanwhile);
  return g_test_run ();
}
