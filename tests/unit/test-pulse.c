/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-pulse: src/net/scope-pulse and scope-prober. Time is handed in; what the pulse says is written down with the
 * millisecond: P probe, U up, D down.
 */
#include "net/scope-prober.h"
#include "net/scope-pulse.h"

#include <string.h>

#define MS 1000

typedef struct {
  ScopePulse pulse;
  gint64 now;
  gint64 next;
  guint64 tx, rx;
  gint64 echo;  /* µs after a probe that its echo comes, 0 for never */
  gint64 comes; /* the next echo */
  GString *said;
} Sim;

static void
sim_init (Sim *sim)
{
  *sim = (Sim){ .now = 1000 * 1000 * MS, .next = SCOPE_PULSE_NEVER, .said = g_string_new (NULL) };
}

static gint64
ms (const Sim *sim)
{
  return sim->now / MS - 1000 * 1000;
}

static void
sim_step (Sim *sim)
{
  ScopePulseAct acts = scope_pulse_step (&sim->pulse, sim->now, &sim->next);

  if (acts & SCOPE_PULSE_PROBE)
    {
      g_string_append_printf (sim->said, "P%" G_GINT64_FORMAT " ", ms (sim));
      if (sim->echo && !sim->comes)
        sim->comes = sim->now + sim->echo;
    }
  if (acts & SCOPE_PULSE_UP)
    g_string_append_printf (sim->said, "U%" G_GINT64_FORMAT " ", ms (sim));
  if (acts & SCOPE_PULSE_DOWN)
    g_string_append_printf (sim->said, "D%" G_GINT64_FORMAT " ", ms (sim));
  g_assert_cmpint (sim->next, >, sim->now);
}

/* Up to @until ms; the counters move by @tx and @rx each 250 ms, sampled when they would be. */
static void
sim_flow (Sim *sim, gint64 until, guint tx, guint rx)
{
  gint64 end = (until + 1000 * 1000) * MS, tick = 250 * MS;
  gboolean flows = tx || rx;
  gint64 sampled = sim->now;

  sim_step (sim);
  while (sim->now < end)
    {
      gint64 at = MIN (sim->next, end);

      if (sim->comes)
        at = MIN (at, sim->comes);
      if (flows)
        at = MIN (at, sampled + tick);
      sim->now = MAX (at, sim->now);
      if (flows && sim->now >= sampled + tick)
        {
          sim->tx += tx;
          sim->rx += rx;
          sampled = sim->now;
          scope_pulse_sample (&sim->pulse, sim->tx, sim->rx, sim->now);
        }
      if (sim->comes && sim->now >= sim->comes)
        {
          sim->comes = 0;
          scope_pulse_echo (&sim->pulse, sim->echo, sim->now);
        }
      sim_step (sim);
    }
}

static void
sim_wait (Sim *sim, gint64 until)
{
  sim_flow (sim, until, 0, 0);
}

static void
expect (Sim *sim, const char *said)
{
  g_strchomp (sim->said->str);
  g_assert_cmpstr (sim->said->str, ==, said);
  g_string_truncate (sim->said, 0);
}

/* Alive at 0 with a round trip of @rtt ms, the counters known. */
static void
sim_alive (Sim *sim, guint rtt)
{
  sim_init (sim);
  scope_pulse_sample (&sim->pulse, 0, 0, sim->now);
  scope_pulse_echo (&sim->pulse, rtt * MS, sim->now);
  sim->echo = rtt * MS;
  sim_step (sim);
  expect (sim, "U0");
}

static void
sim_clear (Sim *sim)
{
  g_string_free (sim->said, TRUE);
}

static void
test_rest (void)
{
  Sim sim;

  sim_init (&sim);
  sim_step (&sim);
  g_assert_cmpint (sim.next, ==, SCOPE_PULSE_NEVER);
  sim_clear (&sim);

  sim_alive (&sim, 40);
  g_assert_cmpint (sim.next, ==, SCOPE_PULSE_NEVER);
  /* Two ways: nothing to ask. */
  sim_flow (&sim, 60 * 1000, 1000, 1000);
  expect (&sim, "");
  /* They only send. */
  sim_flow (&sim, 120 * 1000, 0, 1000);
  expect (&sim, "");
  /* Our keepalives. */
  sim_flow (&sim, 180 * 1000, 32, 0);
  expect (&sim, "");
  sim_clear (&sim);
}

static void
test_dead (void)
{
  Sim sim;

  sim_alive (&sim, 40);
  sim_flow (&sim, 1000, 1000, 1000);
  sim.echo = 0;
  sim_flow (&sim, 20 * 1000, 1000, 0);
  expect (&sim, "P1500 P1700 P1900 D2100");
  /* Nobody wants it. */
  g_assert_cmpint (sim.next, ==, SCOPE_PULSE_NEVER);
  sim_clear (&sim);

  /* There is a relay as well. */
  sim_alive (&sim, 40);
  scope_pulse_hasty (&sim.pulse, TRUE);
  sim_flow (&sim, 1000, 1000, 1000);
  sim.echo = 0;
  sim_flow (&sim, 20 * 1000, 1000, 0);
  expect (&sim, "P1350 P1430 P1510 D1590");
  sim_clear (&sim);

  /* A link with long round trips is given longer. */
  sim_alive (&sim, 400);
  sim.echo = 0;
  sim_flow (&sim, 10 * 1000, 1000, 0);
  expect (&sim, "P1200 P1400 P1600 D2400");
  sim_clear (&sim);

  /* A single packet into an idle link. */
  sim_alive (&sim, 40);
  sim.echo = 0;
  sim_wait (&sim, 7000);
  scope_pulse_rest (&sim.pulse);
  scope_pulse_sample (&sim.pulse, 5000, 5000, sim.now);
  scope_pulse_sent (&sim.pulse, sim.now);
  sim_step (&sim);
  sim_wait (&sim, 60 * 1000);
  expect (&sim, "P7500 P7700 P7900 D8100");
  sim_clear (&sim);
}

static void
test_one_way (void)
{
  Sim sim;
  guint probes = 0;

  /* They hear us, and have nothing to say: each doubt is one probe, and it stays alive. */
  sim_alive (&sim, 40);
  sim_flow (&sim, 10 * 1000, 1000, 0);
  g_assert_null (strchr (sim.said->str, 'D'));
  for (const char *p = sim.said->str; *p; p++)
    probes += *p == 'P';
  g_assert_cmpuint (probes, >=, 8);
  g_assert_cmpuint (probes, <=, 20);
  /* An acknowledgement every half a second is enough. */
  g_string_truncate (sim.said, 0);
  sim_wait (&sim, 20 * 1000);
  scope_pulse_sample (&sim.pulse, sim.tx, sim.rx, sim.now);
  g_string_truncate (sim.said, 0);
  for (guint i = 0; i < 20; i++)
    {
      sim_flow (&sim, 20250 + 500 * i, 1000, 0);
      sim_flow (&sim, 20500 + 500 * i, 1000, 100);
    }
  expect (&sim, "");
  sim_clear (&sim);
}

static void
test_doubt_ends (void)
{
  Sim sim;

  /* Something comes while it is being looked at. */
  sim_alive (&sim, 40);
  sim.echo = 0;
  sim_flow (&sim, 600, 1000, 0);
  expect (&sim, "P500");
  sim_flow (&sim, 5000, 0, 100);
  expect (&sim, "P700");
  /* But not when the base connection has changed: what comes may have been under way. */
  scope_pulse_check (&sim.pulse, sim.now);
  sim_flow (&sim, 6000, 1000, 1000);
  expect (&sim, "P5000 P5200 P5400 D5600");
  sim_clear (&sim);

  sim_alive (&sim, 40);
  scope_pulse_check (&sim.pulse, sim.now);
  scope_pulse_check (&sim.pulse, sim.now);
  sim_wait (&sim, 5000);
  expect (&sim, "P0");
  g_assert_cmpint (sim.next, ==, SCOPE_PULSE_NEVER);
  sim_clear (&sim);

  /* Counters that begin anew say nothing. */
  sim_alive (&sim, 40);
  sim.tx = sim.rx = 100000;
  scope_pulse_sample (&sim.pulse, sim.tx, sim.rx, sim.now);
  sim.tx = 148;
  sim.rx = 0;
  scope_pulse_sample (&sim.pulse, sim.tx, sim.rx, sim.now);
  sim_step (&sim);
  g_assert_cmpint (sim.next, ==, SCOPE_PULSE_NEVER);
  sim.tx = 4000;
  sim.rx = 4000;
  scope_pulse_sample (&sim.pulse, sim.tx, sim.rx, sim.now);
  scope_pulse_sample (&sim.pulse, sim.tx + 148, 0, sim.now + 250 * MS);
  sim_step (&sim);
  g_assert_cmpint (sim.next, ==, SCOPE_PULSE_NEVER);
  /* Nor what they did while nobody looked. */
  scope_pulse_rest (&sim.pulse);
  scope_pulse_sample (&sim.pulse, 9000, 0, sim.now);
  sim_step (&sim);
  g_assert_cmpint (sim.next, ==, SCOPE_PULSE_NEVER);
  sim_clear (&sim);
}

static void
test_want (void)
{
  Sim sim;

  /* It answers. */
  sim_init (&sim);
  sim.echo = 40 * MS;
  scope_pulse_want (&sim.pulse, sim.now);
  sim_wait (&sim, 60 * 1000);
  expect (&sim, "P0 U40");
  g_assert_cmpint (sim.next, ==, SCOPE_PULSE_NEVER);
  /* Asked again: the caller hears nothing new. */
  scope_pulse_want (&sim.pulse, sim.now);
  sim_wait (&sim, 61 * 1000);
  expect (&sim, "P60000");
  sim_clear (&sim);

  /* It answers in the end. */
  sim_init (&sim);
  scope_pulse_want (&sim.pulse, sim.now);
  sim_wait (&sim, 130 * 1000);
  expect (&sim, "P0 P200 P400 D600 P1600 P3600 P7600 P15600 P31600 P63600 P127600");
  sim.echo = 40 * MS;
  sim_wait (&sim, 300 * 1000);
  expect (&sim, "P255600 U255640");
  /* And falls silent once more. */
  sim.echo = 0;
  scope_pulse_check (&sim.pulse, sim.now);
  sim_wait (&sim, 302 * 1000);
  expect (&sim, "P300000 P300200 P300400 D300600 P301600");
  /* Asked again, it says so again. */
  scope_pulse_want (&sim.pulse, sim.now);
  sim_wait (&sim, 304 * 1000);
  expect (&sim, "P302000 P302200 P302400 D302600 P303600");
  scope_pulse_forget (&sim.pulse);
  sim_wait (&sim, 400 * 1000);
  expect (&sim, "");
  sim_clear (&sim);

  /* Minutes go by, but not when packets are for it, or come from it: never more than 30 s after the last probe. */
  for (guint rx = 0; rx <= 100; rx += 100)
    {
      sim_init (&sim);
      scope_pulse_want (&sim.pulse, sim.now);
      sim_wait (&sim, 2100 * 1000);
      expect (&sim, "P0 P200 P400 D600 P1600 P3600 P7600 P15600 P31600 P63600 P127600 P255600 P511600 P1023600 P1983600");
      scope_pulse_sample (&sim.pulse, 0, 0, sim.now);
      sim_flow (&sim, 2150 * 1000, 148, rx);
      expect (&sim, "P2100250 P2130250");
      sim_clear (&sim);
    }

  /* Late echoes of a link that takes a second. */
  sim_init (&sim);
  sim.echo = 1000 * MS;
  scope_pulse_want (&sim.pulse, sim.now);
  sim_wait (&sim, 20 * 1000);
  expect (&sim, "P0 P200 P400 D600 U1000");
  sim_clear (&sim);
}

/* Others say that the peer is gone. */
static void
test_suspect (void)
{
  Sim sim;

  sim_alive (&sim, 10);
  scope_pulse_suspect (&sim.pulse, sim.now);
  sim_wait (&sim, 5000);
  expect (&sim, "P0");
  sim.echo = 0;
  scope_pulse_suspect (&sim.pulse, sim.now);
  sim_flow (&sim, 5050, 1000, 1000);
  scope_pulse_suspect (&sim.pulse, sim.now); /* two who say so are no other beginning */
  sim_flow (&sim, 6000, 1000, 1000);
  expect (&sim, "P5000 P5060 P5120 D5180");
  /* It is known. */
  scope_pulse_suspect (&sim.pulse, sim.now);
  sim_wait (&sim, 9000);
  expect (&sim, "");
  sim_clear (&sim);

  /* One with long round trips gets its time. */
  sim_alive (&sim, 300);
  scope_pulse_suspect (&sim.pulse, sim.now);
  sim_wait (&sim, 5000);
  g_assert_null (strchr (sim.said->str, 'D'));
  g_string_truncate (sim.said, 0);
  /* The next doubt takes its time again. */
  sim.echo = 0;
  scope_pulse_check (&sim.pulse, sim.now);
  sim_wait (&sim, 9000);
  expect (&sim, "P5000 P5200 P5400 D6000");
  sim_clear (&sim);
}

static void
test_heard_of (void)
{
  Sim sim;

  /* Nobody has looked at it; what they send makes us look, and again only after a pause. */
  sim_init (&sim);
  scope_pulse_sample (&sim.pulse, 0, 0, sim.now);
  sim_flow (&sim, 5000, 0, 100);
  expect (&sim, "P250 P450 P650 P2000 P4000");
  sim.echo = 40 * MS;
  sim_flow (&sim, 9000, 0, 100);
  expect (&sim, "P8000 U8040");
  sim_clear (&sim);

  /* What we send into the unknown is a doubt, but no news. */
  sim_init (&sim);
  scope_pulse_sample (&sim.pulse, 0, 0, sim.now);
  sim_flow (&sim, 30 * 1000, 148, 0);
  expect (&sim, "P500 P700 P900");
  sim_clear (&sim);
}

/* Echoes of all but each third probe of a train of @length that begins in @begin ms. */
static void
train (Sim *sim, gint64 begin, guint length, gboolean poor)
{
  g_autoptr (GString) said = g_string_new (NULL);

  for (guint i = 0; i < length; i++)
    {
      gint64 at = begin + 75 * i;

      sim->echo = poor && i % 3 == 1 ? 0 : 40 * MS;
      sim_wait (sim, at);
      g_string_append_printf (said, "P%" G_GINT64_FORMAT " ", at);
      sim_wait (sim, at + 50);
    }
  g_strchomp (said->str);
  expect (sim, said->str);
}

static void
test_measure (void)
{
  Sim sim;

  sim_init (&sim);
  sim.echo = 40 * MS;
  scope_pulse_measure (&sim.pulse, TRUE, sim.now);
  scope_pulse_measure (&sim.pulse, TRUE, sim.now);
  sim_wait (&sim, 39);
  expect (&sim, "P0");
  sim_wait (&sim, 50);
  expect (&sim, "P40 U40");
  sim_wait (&sim, 700);
  expect (&sim, "P115 P190 P265 P340 P415 P490 P565");
  train (&sim, 30040, 8, FALSE);
  /* One may get lost; two make it look closer at once, and sooner again for as long as it is no better. */
  train (&sim, 60040, 8, TRUE);
  train (&sim, 61065, 32, TRUE);
  train (&sim, 71065, 8, TRUE);
  train (&sim, 81065, 8, FALSE);
  train (&sim, 111065, 8, TRUE);
  train (&sim, 112090, 32, FALSE);
  /* None of it comes: three decide. */
  sim.echo = 0;
  sim_wait (&sim, 152 * 1000);
  expect (&sim, "P142090 P142165 P142240 P142290 P142315 P142390 P142465 P142490 P142540 P142615 D142690 P143690 P145690 "
                "P149690");
  sim_wait (&sim, 312 * 1000);
  expect (&sim, "P157690 P173690 P203690 P233690 P263690 P293690"); /* others rely on it: never minutes */
  sim.echo = 40 * MS;
  sim_wait (&sim, 324050);
  expect (&sim, "P323690 P323730 U323730 P323805 P323880 P323955 P324030");
  scope_pulse_measure (&sim.pulse, FALSE, sim.now);
  sim_wait (&sim, 600 * 1000);
  expect (&sim, "P324105 P324180 P324255");
  g_assert_cmpint (sim.next, ==, SCOPE_PULSE_NEVER);
  sim_clear (&sim);
}

/* An edge's: only when somebody says that packets flow. */
static void
test_flow (void)
{
  Sim sim;

  sim_init (&sim);
  scope_pulse_flow (&sim.pulse, sim.now);
  sim_step (&sim);
  expect (&sim, "");
  g_assert_cmpint (sim.next, ==, SCOPE_PULSE_NEVER); /* whose state nobody knows */
  sim_clear (&sim);

  sim_alive (&sim, 40);
  sim_wait (&sim, 1000);
  scope_pulse_flow (&sim.pulse, sim.now);
  train (&sim, 1000, 8, FALSE);
  sim_wait (&sim, 11 * 1000);
  scope_pulse_flow (&sim.pulse, sim.now);
  sim_wait (&sim, 16 * 1000);
  expect (&sim, "");
  scope_pulse_flow (&sim.pulse, sim.now);
  train (&sim, 16 * 1000, 8, TRUE);
  scope_pulse_flow (&sim.pulse, sim.now);
  train (&sim, 17025, 32, TRUE);
  scope_pulse_flow (&sim.pulse, sim.now);
  sim_wait (&sim, 27025);
  expect (&sim, "");
  scope_pulse_flow (&sim.pulse, sim.now);
  train (&sim, 27025, 8, FALSE);
  sim_wait (&sim, 600 * 1000);
  expect (&sim, "");
  g_assert_cmpint (sim.next, ==, SCOPE_PULSE_NEVER);
  /* It finds who is gone. */
  sim.echo = 0;
  scope_pulse_flow (&sim.pulse, sim.now);
  sim_wait (&sim, 602 * 1000);
  g_assert_nonnull (strstr (sim.said->str, "D600600"));
  sim_clear (&sim);
}

/* --- scope-prober --- */

typedef struct {
  GString *said;
  char *last; /* frame */
} Wire;

static void
on_send (const ScopeKey *to, const char *text, gsize len, gpointer data)
{
  Wire *wire = data;

  g_assert_cmpuint (strlen (text), ==, len);
  g_string_append_printf (wire->said, "%d ", to->bytes[0]);
  g_free (wire->last);
  wire->last = g_strdup (text);
}

static void
on_echo (const ScopeKey *from, gint64 usec, guint size, gpointer data)
{
  Wire *wire = data;

  g_string_append_printf (wire->said, "echo %d %" G_GINT64_FORMAT " %u ", from->bytes[0], usec, size);
}

static const ScopeProberCalls calls = { on_send, on_echo };

static JsonObject *
frame_data (const char *text, const char *type)
{
  g_autoptr (JsonNode) node = json_from_string (text, NULL);
  JsonObject *frame = json_node_get_object (node);

  g_assert_cmpstr (json_object_get_string_member (frame, "t"), ==, type);
  return json_object_ref (json_object_get_object_member (frame, "d"));
}

static void
expect_wire (Wire *wire, const char *said)
{
  g_strchomp (wire->said->str);
  g_assert_cmpstr (wire->said->str, ==, said);
  g_string_truncate (wire->said, 0);
}

static void
wire_clear (Wire *wire)
{
  g_string_free (wire->said, TRUE);
  g_free (wire->last);
}

static void
test_probes (void)
{
  Wire wire = { g_string_new (NULL), NULL };
  g_autoptr (ScopeProber) one = scope_prober_new (&calls, &wire), two = scope_prober_new (&calls, &wire);
  const ScopeKey a = { { 1 } }, b = { { 2 } };
  static const guint rtts[] = { 40, 90, 41, 43, 42, 500, 500 };
  static const guint medians[] = { 40, 40, 41, 41, 42, 43, 43 };
  g_autoptr (JsonObject) other = json_object_new ();
  gint64 now = 5 * G_USEC_PER_SEC;

  g_assert_cmpint (scope_prober_rtt (one, &b), ==, -1);
  g_assert_false (scope_prober_take (one, &b, "path.x", other, now));
  for (guint i = 0; i < G_N_ELEMENTS (rtts); i++)
    {
      g_autoptr (JsonObject) probe = NULL, echo = NULL;
      g_autofree char *said = g_strdup_printf ("echo 2 %u 0", rtts[i] * 1000);

      scope_prober_probe (one, &b, 0, now);
      expect_wire (&wire, "2");
      probe = frame_data (wire.last, "probe");
      g_assert_true (scope_prober_take (two, &a, "probe", probe, now));
      expect_wire (&wire, "1");
      echo = frame_data (wire.last, "echo");
      now += rtts[i] * 1000;
      /* Of another peer, it is none. */
      g_assert_true (scope_prober_take (one, &a, "echo", echo, now));
      expect_wire (&wire, "");
      g_assert_true (scope_prober_take (one, &b, "echo", echo, now));
      expect_wire (&wire, said);
      g_assert_cmpint (scope_prober_rtt (one, &b), ==, medians[i] * 1000);
      /* Once. */
      g_assert_true (scope_prober_take (one, &b, "echo", echo, now));
      expect_wire (&wire, "");
    }
  g_assert_cmpuint (scope_prober_loss (one, &b, now), ==, 0);
  scope_prober_forget (one, &b);
  g_assert_cmpint (scope_prober_rtt (one, &b), ==, -1);
  wire_clear (&wire);
}

/* @count probes, 75 ms apart; of each ten the first @lost have no echo. */
static void
probe_some (ScopeProber *prober, Wire *wire, guint count, guint lost, gint64 *now)
{
  const ScopeKey b = { { 2 } };

  for (guint i = 0; i < count; i++)
    {
      g_autoptr (JsonObject) probe = NULL;

      scope_prober_probe (prober, &b, 0, *now);
      probe = frame_data (wire->last, "probe");
      if (i % 10 >= lost)
        scope_prober_take (prober, &b, "echo", probe, *now + 10 * MS);
      *now += 75 * MS;
    }
}

static void
test_lost (void)
{
  Wire wire = { g_string_new (NULL), NULL };
  g_autoptr (ScopeProber) prober = scope_prober_new (&calls, &wire);
  const ScopeKey b = { { 2 } };
  g_autoptr (JsonObject) late = NULL;
  gint64 now = 5 * G_USEC_PER_SEC;

  g_assert_cmpuint (scope_prober_loss (prober, &b, now), ==, 0);
  probe_some (prober, &wire, 7, 10, &now);
  now += SCOPE_PROBER_LATE_USEC;
  g_assert_cmpuint (scope_prober_loss (prober, &b, now), ==, 0); /* too few */
  probe_some (prober, &wire, 1, 10, &now);
  g_assert_cmpuint (scope_prober_loss (prober, &b, now), ==, 0); /* it may come */
  now += SCOPE_PROBER_LATE_USEC - 75 * MS;
  g_assert_cmpuint (scope_prober_loss (prober, &b, now), ==, 100);
  scope_prober_restart (prober, &b, now);
  g_assert_cmpuint (scope_prober_loss (prober, &b, now), ==, 0);

  probe_some (prober, &wire, SCOPE_PROBER_WINDOW, 3, &now);
  now += SCOPE_PROBER_LATE_USEC;
  g_assert_cmpuint (scope_prober_loss (prober, &b, now), ==, 30);
  probe_some (prober, &wire, SCOPE_PROBER_WINDOW / 2, 0, &now);
  g_assert_cmpuint (scope_prober_loss (prober, &b, now), ==, 15);
  probe_some (prober, &wire, SCOPE_PROBER_WINDOW / 2, 0, &now);
  g_assert_cmpuint (scope_prober_loss (prober, &b, now), ==, 0);
  /* One of 39 that is late, until it comes. Those with a size do not count. */
  scope_prober_probe (prober, &b, 0, now);
  late = frame_data (wire.last, "probe");
  scope_prober_probe (prober, &b, 1300, now);
  now += SCOPE_PROBER_LATE_USEC;
  g_assert_cmpuint (scope_prober_loss (prober, &b, now), ==, 3);
  scope_prober_take (prober, &b, "echo", late, now);
  g_assert_cmpuint (scope_prober_loss (prober, &b, now), ==, 0);
  /* What was long ago says nothing. */
  probe_some (prober, &wire, SCOPE_PROBER_WINDOW, 3, &now);
  now += SCOPE_PROBER_OLD_USEC;
  g_assert_cmpuint (scope_prober_loss (prober, &b, now), ==, 0);
  /* Too late. */
  scope_prober_probe (prober, &b, 0, now);
  g_clear_pointer (&late, json_object_unref);
  late = frame_data (wire.last, "probe");
  g_string_truncate (wire.said, 0);
  scope_prober_take (prober, &b, "echo", late, now + SCOPE_PROBER_LOST_USEC);
  expect_wire (&wire, "");
  scope_prober_take (prober, &b, "echo", late, now + SCOPE_PROBER_LOST_USEC - 1);
  expect_wire (&wire, "echo 2 9999999 0");
  wire_clear (&wire);
}

static void
test_pad (void)
{
  static const guint sizes[] = { 100, 1200, 1372, 8952 };
  Wire wire = { g_string_new (NULL), NULL };
  g_autoptr (ScopeProber) prober = scope_prober_new (&calls, &wire);
  const ScopeKey b = { { 2 } };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (JsonObject) probe = NULL;
      g_autofree char *said = g_strdup_printf ("echo 2 10 %u", sizes[i]);

      scope_prober_probe (prober, &b, sizes[i], 1000);
      g_assert_cmpuint (strlen (wire.last), ==, sizes[i]);
      probe = frame_data (wire.last, "probe");
      g_string_truncate (wire.said, 0);
      scope_prober_take (prober, &b, "echo", probe, 1010);
      expect_wire (&wire, said);
    }
  /* It says nothing of how long the link takes. */
  g_assert_cmpint (scope_prober_rtt (prober, &b), ==, -1);
  wire_clear (&wire);
}

static void
test_bad_probes (void)
{
  static const char *const bad[] = { "{}", "{\"n\":\"7\"}", "{\"n\":7.5}", "{\"n\":-1}", "{\"n\":0}", "{\"n\":null}", "{\"n\":[7]}" };
  Wire wire = { g_string_new (NULL), NULL };
  g_autoptr (ScopeProber) prober = scope_prober_new (&calls, &wire);
  const ScopeKey b = { { 2 } };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (JsonNode) node = json_from_string (bad[i], NULL);

      scope_prober_probe (prober, &b, 0, 1000);
      g_string_truncate (wire.said, 0);
      g_assert_true (scope_prober_take (prober, &b, "probe", json_node_get_object (node), 1000));
      g_assert_true (scope_prober_take (prober, &b, "echo", json_node_get_object (node), 1000));
      expect_wire (&wire, "");
    }
  wire_clear (&wire);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pulse/rest", test_rest);
  g_test_add_func ("/pulse/dead", test_dead);
  g_test_add_func ("/pulse/one-way", test_one_way);
  g_test_add_func ("/pulse/doubt-ends", test_doubt_ends);
  g_test_add_func ("/pulse/want", test_want);
  g_test_add_func ("/pulse/suspect", test_suspect);
  g_test_add_func ("/pulse/heard-of", test_heard_of);
  g_test_add_func ("/pulse/measure", test_measure);
  g_test_add_func ("/pulse/flow", test_flow);
  g_test_add_func ("/prober/probes", test_probes);
  g_test_add_func ("/prober/lost", test_lost);
  g_test_add_func ("/prober/pad", test_pad);
  g_test_add_func ("/prober/bad", test_bad_probes);
  return g_test_run ();
}
