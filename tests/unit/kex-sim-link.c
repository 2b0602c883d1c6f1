/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kex-sim-link.h"

#include "kex-fake.h"

#include <math.h>
#include <string.h>

#define REKEY 120000
#define REJECT 180000
#define RETRY 5000
#define STAGED 128 /* packets that WireGuard keeps while it makes a handshake */

static double
uniform (Link *link)
{
  return ((kex_fake_random (link->random) >> 11) + 1) * (1.0 / 9007199254740993.0);
}

static gint64
exponential (Link *link, double mean)
{
  return 1 + (gint64) (-mean * log (uniform (link)));
}

static gint64
next_toggle (Link *link, gboolean on)
{
  switch (link->traffic)
    {
    case TRAFFIC_BURSTY:
      return on ? exponential (link, 20000) : exponential (link, 300000);
    case TRAFFIC_IDLE:
      return on ? 1000 : exponential (link, 3 * 3600000);
    case TRAFFIC_STEADY:
    default:
      return G_MAXINT64 / 4;
    }
}

void
kex_link_init (Link *link, guint64 *random, gint64 now, gint64 latency, Traffic traffic)
{
  *link = (Link) { .random = random, .latency = latency, .traffic = traffic, .now = now, .loss = 20 };
  link->fresh = TRUE;
  link->on = traffic == TRAFFIC_STEADY;
  link->rate = traffic == TRAFFIC_STEADY ? 200 : 20;
  link->toggle = now + next_toggle (link, link->on);
}

static gboolean
live (const Link *link, guint end)
{
  return link->ends[end].session != 0 && link->now - link->ends[end].handshake < REJECT;
}

static gboolean
shared (const Link *link)
{
  const LinkEnd *a = &link->ends[0], *b = &link->ends[1];

  return live (link, 0) && live (link, 1) &&
         (a->session == b->session || a->session == b->before || a->before == b->session);
}

static gboolean
packet_lost (Link *link)
{
  return kex_fake_random (link->random) % 1000 < link->loss;
}

static void
launch (Link *link, guint end)
{
  link->flying = TRUE;
  link->from = end;
  link->stage = 0;
  link->next = link->now + link->latency;
  link->retry = link->now + RETRY + kex_fake_random (link->random) % 334;
  link->lost_one = packet_lost (link);
  link->ends[end].tx += 148;
}

static void
start (Link *link, guint end)
{
  if (!link->ends[end].present || !link->ends[!end].present)
    {
      link->ends[end].tx += 148;
      link->retry = link->now + RETRY;
      return;
    }
  if (link->flying && link->from != end && link->stage == 0)
    {
      link->flying = FALSE;
      link->collisions++;
      link->retry = link->now + 15000 + kex_fake_random (link->random) % 35000;
      return;
    }
  launch (link, end);
}

static void
end_outage (Link *link)
{
  double packets = 2.0 * link->rate * link->stalled / 1000 - 2 * STAGED;

  link->away = MAX (link->away, link->stalled_away);
  link->stalled_away = 0;
  if (link->fresh)
    link->slow = MAX (link->slow, link->stalled);
  else if (link->stalled > 0)
    {
      link->stalls++;
      link->worst_stall = MAX (link->worst_stall, link->stalled);
      link->lost += MAX (0, packets);
      if (packets > 0 && g_getenv ("SCOPE_SIM_LOG"))
        g_test_message ("%" G_GINT64_FORMAT " %u %u: no session for %" G_GINT64_FORMAT " ms", link->now, link->peers[0],
                        link->peers[1], link->stalled);
    }
  link->stalled = 0;
  link->mismatched = FALSE;
}

/* A handshake's packet arrives. */
static void
step (Link *link)
{
  LinkEnd *x = &link->ends[link->from], *y = &link->ends[!link->from];

  if (link->lost_one || !x->present || !y->present)
    {
      link->flying = FALSE;
      return;
    }
  switch (link->stage++)
    {
    case 0:
      y->rx += 148;
      y->tx += 92;
      link->answered_with = y->psk;
      link->session = ++link->sessions;
      link->lost_one = packet_lost (link);
      break;
    case 1:
      x->rx += 92;
      if (!scope_key_equal (&x->psk, &link->answered_with))
        {
          link->flying = FALSE;
          link->failures++;
          if (!shared (link))
            link->mismatched = TRUE;
          return;
        }
      x->before = x->session;
      x->session = link->session;
      x->handshake = link->now;
      x->initiator = TRUE;
      x->want = FALSE;
      x->tx += 32;
      x->into_void = FALSE;
      break;
    case 2:
      y->rx += 32;
      y->before = y->session;
      y->session = link->session;
      y->handshake = link->now;
      y->initiator = FALSE;
      y->want = FALSE;
      y->into_void = FALSE;
      link->flying = FALSE;
      link->handshakes++;
      end_outage (link);
      link->fresh = FALSE;
      return;
    }
  link->next = link->now + link->latency;
}

/* Time passes in which nothing changes. */
static void
pass (Link *link, gint64 until)
{
  gint64 ms = until - link->now;

  if (link->on && ms > 0)
    for (guint e = 0; e < 2; e++)
      {
        LinkEnd *end = &link->ends[e];

        if (!end->present)
          continue;
        if (live (link, e))
          {
            end->tx += ms * link->rate;
            link->ends[!e].rx += end->into_void ? 0 : ms * link->rate;
            if (end->into_void)
              link->lost += (double) ms * link->rate / 1000;
          }
      }
  if (link->on && link->mismatched && link->ends[0].present && link->ends[1].present)
    *(link->connected ? &link->stalled : &link->stalled_away) += MAX (0, ms);
  link->now = until;
}

/* Who begins a handshake, as things are: an end, or -1. @when: (out): not before */
static int
who (Link *link, gint64 *when)
{
  *when = MAX (link->now, link->retry);
  for (guint e = 0; e < 2; e++)
    if (link->ends[e].present && link->ends[e].want)
      return e;
  if (!link->on)
    return -1;
  for (guint i = 0; i < 2; i++)
    {
      guint e = i ? !link->originator : link->originator;
      if (link->ends[e].present && !live (link, e) && link->ends[!e].present)
        return e;
    }
  for (guint e = 0; e < 2; e++)
    if (link->ends[e].present && link->ends[e].initiator && live (link, e))
      {
        *when = MAX (*when, link->ends[e].handshake + REKEY);
        return e;
      }
  return -1;
}

void
kex_link_advance (Link *link, gint64 now)
{
  while (link->now < now)
    {
      gint64 next = MIN (now, link->toggle), when = G_MAXINT64;
      int starter = -1;

      if (link->flying)
        next = MIN (next, link->next);
      else
        {
          starter = who (link, &when);
          if (starter >= 0)
            next = MIN (next, when);
        }
      /* Sessions end. */
      for (guint e = 0; e < 2; e++)
        if (live (link, e) && link->on)
          next = MIN (next, link->ends[e].handshake + REJECT);
      pass (link, MAX (next, link->now));
      if (link->flying && link->next <= link->now)
        step (link);
      else if (!link->flying && starter >= 0 && when <= link->now && link->now < now)
        start (link, starter);
      if (link->toggle <= link->now)
        {
          link->on = !link->on;
          link->toggle = link->now + next_toggle (link, link->on);
          if (link->on)
            {
              link->originator = kex_fake_random (link->random) % 2;
              /* It does not know that the other end has just begun. */
              if (link->flying && link->from != link->originator && link->stage == 0 && !live (link, link->originator))
                start (link, link->originator);
            }
          else
            end_outage (link);
        }
    }
}

void
kex_link_look (Link *link, guint end, ScopeKexStats *stats)
{
  stats->handshake = link->ends[end].session ? link->ends[end].handshake : 0;
  stats->rx = link->ends[end].rx;
  stats->tx = link->ends[end].tx;
}

static void
forget_session (Link *link, guint end, gboolean readd)
{
  LinkEnd *me = &link->ends[end], *other = &link->ends[!end];

  if (link->flying)
    link->flying = FALSE;
  if (readd && live (link, !end) && live (link, end))
    {
      other->into_void = TRUE;
      /* What is on its way. */
      if (link->on)
        link->lost += (double) link->latency * link->rate / 1000;
    }
  me->session = me->before = 0;
  me->handshake = 0;
  me->initiator = FALSE;
  me->into_void = FALSE;
  me->rx = me->tx = 0;
}

void
kex_link_install (Link *link, guint end, gint64 now, const ScopeKey *psk, ScopeKexHow how, gboolean handshake)
{
  LinkEnd *me = &link->ends[end];

  kex_link_advance (link, now);
  me->present = TRUE;
  me->psk = *psk;
  if (how == SCOPE_KEX_READD)
    {
      gboolean crossing = link->flying && link->from != end && link->stage == 0;

      forget_session (link, end, TRUE);
      if (crossing)
        {
          link->collisions++;
          link->retry = now + 15000 + kex_fake_random (link->random) % 35000;
        }
      me->want = TRUE;
      if (!crossing)
        {
          link->retry = now;
          start (link, end);
        }
    }
  else if (handshake)
    {
      me->want = TRUE;
      if (!link->flying)
        start (link, end);
    }
}

/* The peer was restarted. */
void
kex_link_clear (Link *link, guint end, gint64 now)
{
  kex_link_advance (link, now);
  forget_session (link, end, FALSE);
  link->ends[end].present = FALSE;
  link->ends[end].want = FALSE;
  link->fresh = TRUE;
  link->mismatched = FALSE;
  link->stalled = 0;
}
