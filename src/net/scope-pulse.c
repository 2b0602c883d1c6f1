/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/scope-pulse.h"

#include "net/scope-prober.h"

#define MS G_GINT64_CONSTANT (1000)
#define DOUBT (500 * MS) /* or three round trips */
#define DOUBT_HASTY (350 * MS)
#define KEEPALIVE 32 /* bytes that WireGuard counts for one; data has more */
#define PROBES 3
#define GAP (200 * MS)
#define GAP_SUSPECT (60 * MS)
#define GAP_HASTY (80 * MS)
#define PAUSE_FIRST (1000 * MS)
#define PAUSE_BUSY (30 * 1000 * MS) /* as long as packets are meant for it, or others rely on it */
#define PAUSE_LAST (16 * 60 * 1000 * MS)
#define MEASURE (30 * 1000 * MS)
#define MEASURE_FLOW (15 * 1000 * MS) /* while packets flow: when next somebody says so */
#define MEASURE_POOR (10 * 1000 * MS) /* when more than an eighth of a train got lost */
#define TRAIN 8
#define TRAIN_LONG (SCOPE_PROBER_WINDOW - TRAIN) /* after the first poor one: nothing older counts then */
#define TRAIN_GAP (75 * MS)
#define TRAIN_WAIT (500 * MS) /* for its last echoes */

static void
settle (ScopePulse *pulse)
{
  pulse->looking = pulse->strict = FALSE;
  pulse->owed = pulse->next = pulse->verdict = 0;
  pulse->probes = 0;
}

static void
look (ScopePulse *pulse, gint64 now)
{
  settle (pulse);
  pulse->looking = TRUE;
  pulse->gap = GAP;
  pulse->next = now;
}

/* A pause that is for those of whom nobody wants anything is over. */
static void
hasten (ScopePulse *pulse)
{
  if (pulse->state != SCOPE_PULSE_SILENT || pulse->looking || pulse->pause <= PAUSE_BUSY)
    return;
  pulse->retry -= pulse->pause - PAUSE_BUSY;
  pulse->pause = PAUSE_BUSY;
  if (pulse->next)
    pulse->next = pulse->retry;
}

/* It has received: alive unless we have to know better; and who was silent is worth a probe. */
static void
received (ScopePulse *pulse, gint64 now)
{
  pulse->owed = 0;
  hasten (pulse);
  if (pulse->state == SCOPE_PULSE_ALIVE)
    {
      if (pulse->looking && !pulse->strict)
        settle (pulse);
    }
  else if (pulse->state == SCOPE_PULSE_UNKNOWN && !pulse->looking)
    look (pulse, now);
  else if (pulse->state == SCOPE_PULSE_SILENT && !pulse->looking && now >= pulse->retry)
    pulse->next = now;
}

void
scope_pulse_sample (ScopePulse *pulse, guint64 tx, guint64 rx, gint64 now)
{
  /* Counters that fell: the peer was removed and added again. */
  gboolean known = pulse->sampled && tx >= pulse->tx && rx >= pulse->rx;
  gboolean sent = known && tx > pulse->tx && tx - pulse->tx != KEEPALIVE; /* nobody answers those */
  gboolean got = known && rx > pulse->rx;

  pulse->tx = tx;
  pulse->rx = rx;
  pulse->sampled = TRUE;
  if (got)
    received (pulse, now);
  else if (sent)
    scope_pulse_sent (pulse, pulse->at); /* since then nothing has come: a doubt that is early costs one probe */
  pulse->at = now;
}

void
scope_pulse_sent (ScopePulse *pulse, gint64 now)
{
  hasten (pulse);
  if (pulse->state != SCOPE_PULSE_SILENT && !pulse->looking && !pulse->owed)
    pulse->owed = now;
}

void
scope_pulse_rest (ScopePulse *pulse)
{
  pulse->sampled = FALSE;
}

static gboolean
is_poor (const ScopePulse *pulse)
{
  return pulse->heard + pulse->length / 8 < pulse->length;
}

/* When the next train is, if all goes on as it does. */
static gint64
measure_at (const ScopePulse *pulse, gint64 pause)
{
  return pulse->begun + (is_poor (pulse) ? MEASURE_POOR : pause);
}

void
scope_pulse_echo (ScopePulse *pulse, gint64 rtt, gint64 now)
{
  settle (pulse);
  pulse->rtt = rtt;
  pulse->pause = pulse->retry = 0;
  pulse->heard++;
  if (pulse->judge && !is_poor (pulse))
    {
      pulse->judge = 0;
      pulse->poor = FALSE;
    }
  pulse->measure = !pulse->measured ? 0 : pulse->state == SCOPE_PULSE_ALIVE ? measure_at (pulse, MEASURE) : now;
  pulse->came_up |= pulse->state != SCOPE_PULSE_ALIVE;
  pulse->state = SCOPE_PULSE_ALIVE;
}

void
scope_pulse_check (ScopePulse *pulse, gint64 now)
{
  if (!pulse->looking || !pulse->strict)
    look (pulse, now);
  pulse->strict = TRUE;
}

void
scope_pulse_suspect (ScopePulse *pulse, gint64 now)
{
  if (pulse->state != SCOPE_PULSE_ALIVE || (pulse->looking && pulse->strict && pulse->gap == GAP_SUSPECT))
    return;
  look (pulse, now);
  pulse->strict = TRUE;
  pulse->gap = GAP_SUSPECT;
}

void
scope_pulse_hasty (ScopePulse *pulse, gboolean hasty)
{
  pulse->hasty = hasty;
}

void
scope_pulse_want (ScopePulse *pulse, gint64 now)
{
  pulse->wanted = pulse->asked = TRUE;
  pulse->pause = pulse->retry = 0;
  scope_pulse_check (pulse, now);
}

void
scope_pulse_forget (ScopePulse *pulse)
{
  *pulse = (ScopePulse){ .sampled = pulse->sampled, .tx = pulse->tx, .rx = pulse->rx, .at = pulse->at };
}

static void
begin_train (ScopePulse *pulse, guint length, gint64 now)
{
  pulse->begun = pulse->train_next = now;
  pulse->train = pulse->length = length;
  pulse->heard = 0;
  pulse->judge = 0;
}

/* One train may have met a moment's noise: 8 probes tell that something is wrong, 40 how much. */
static void
judge (ScopePulse *pulse, gint64 now)
{
  gboolean was = pulse->poor;

  pulse->judge = 0;
  pulse->poor = is_poor (pulse);
  if (pulse->poor && !was && pulse->state == SCOPE_PULSE_ALIVE)
    begin_train (pulse, TRAIN_LONG, now);
}

void
scope_pulse_flow (ScopePulse *pulse, gint64 now)
{
  if (pulse->state != SCOPE_PULSE_ALIVE || pulse->train_next || pulse->judge ||
      (pulse->begun && now < measure_at (pulse, MEASURE_FLOW)))
    return;
  begin_train (pulse, TRAIN, now);
  if (!pulse->looking) /* what flows back is as good as an echo */
    look (pulse, now);
}

void
scope_pulse_measure (ScopePulse *pulse, gboolean measured, gint64 now)
{
  if (pulse->measured == measured)
    return;
  pulse->measured = measured;
  pulse->measure = measured ? now : 0;
  if (measured)
    hasten (pulse);
  if (pulse->state == SCOPE_PULSE_SILENT && !pulse->looking)
    pulse->next = measured || pulse->wanted ? pulse->retry : 0;
}

static gboolean
due (gint64 at, gint64 now)
{
  return at && now >= at;
}

static void
fall_silent (ScopePulse *pulse, ScopePulseAct *act, gint64 now)
{
  if (pulse->state == SCOPE_PULSE_ALIVE || pulse->asked)
    *act |= SCOPE_PULSE_DOWN;
  settle (pulse);
  pulse->asked = FALSE;
  pulse->state = SCOPE_PULSE_SILENT;
  pulse->pause = PAUSE_FIRST;
  pulse->retry = now + pulse->pause;
  pulse->next = pulse->wanted || pulse->measured ? pulse->retry : 0;
  pulse->measure = pulse->train_next = pulse->judge = 0;
}

static ScopePulseAct
probe (ScopePulse *pulse, gint64 now)
{
  pulse->next = 0;
  if (pulse->looking && ++pulse->probes < PROBES)
    pulse->next = now + pulse->gap;
  else if (pulse->looking)
    pulse->verdict = now + MAX (pulse->gap, 2 * pulse->rtt);
  else
    {
      pulse->pause = CLAMP (pulse->pause * 2, PAUSE_FIRST, pulse->measured ? PAUSE_BUSY : PAUSE_LAST);
      pulse->retry = now + pulse->pause;
      if (pulse->wanted || pulse->measured)
        pulse->next = pulse->retry;
    }
  return SCOPE_PULSE_PROBE;
}

static gint64
doubt_at (const ScopePulse *pulse)
{
  return pulse->owed ? pulse->owed + MAX (pulse->hasty ? DOUBT_HASTY : DOUBT, 3 * pulse->rtt) : 0;
}

ScopePulseAct
scope_pulse_step (ScopePulse *pulse, gint64 now, gint64 *next)
{
  ScopePulseAct act = pulse->came_up ? SCOPE_PULSE_UP : 0;

  pulse->came_up = FALSE;
  if (due (pulse->verdict, now))
    fall_silent (pulse, &act, now);
  if (due (doubt_at (pulse), now))
    {
      look (pulse, now);
      if (pulse->hasty)
        pulse->gap = GAP_HASTY;
    }
  if (due (pulse->measure, now))
    {
      pulse->measure = now + MEASURE_POOR;
      if (pulse->state == SCOPE_PULSE_ALIVE)
        begin_train (pulse, TRAIN, now);
      scope_pulse_check (pulse, now);
    }
  if (due (pulse->judge, now))
    judge (pulse, now);
  if (due (pulse->next, now))
    act |= probe (pulse, now);
  if (due (pulse->train_next, now))
    {
      act |= SCOPE_PULSE_PROBE;
      pulse->train_next = --pulse->train ? now + TRAIN_GAP : 0;
      pulse->judge = pulse->train ? 0 : now + MAX (TRAIN_WAIT, 2 * pulse->rtt);
    }

  const gint64 times[] = { pulse->verdict, doubt_at (pulse), pulse->measure, pulse->next, pulse->train_next, pulse->judge };
  *next = SCOPE_PULSE_NEVER;
  for (guint i = 0; i < G_N_ELEMENTS (times); i++)
    if (times[i])
      *next = MIN (*next, times[i]);
  return act;
}
