/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/scope-slow.h"

#define MS G_GINT64_CONSTANT (1000)
#define EVERY (500 * MS) /* while packets flow */
#define MORE (150 * MS)
#define WEIGHT 8 /* of what was usual against a new sample */

void
scope_slow_watch (ScopeSlow *slow, gboolean watched)
{
  slow->watched = watched;
  slow->late = 0;
}

void
scope_slow_sample (ScopeSlow *slow, guint64 tx, guint64 rx)
{
  slow->flows |= tx != slow->tx || rx != slow->rx;
  slow->tx = tx;
  slow->rx = rx;
}

static gint64
limit (const ScopeSlow *slow)
{
  return MAX (3 * slow->usual, slow->usual + MORE);
}

void
scope_slow_echo (ScopeSlow *slow, gint64 usec, gint64 now)
{
  if (now - usec >= slow->sent)
    slow->late = 0;
  if (!slow->usual)
    slow->usual = usec;
  else if (usec <= limit (slow))
    slow->usual = (slow->usual * (WEIGHT - 1) + usec) / WEIGHT;
}

ScopeSlowAct
scope_slow_step (ScopeSlow *slow, gint64 now, gint64 *next)
{
  ScopeSlowAct act = 0;

  if (!slow->watched)
    return 0;
  if (slow->late && now >= slow->late)
    {
      slow->late = 0;
      slow->usual = 0; /* what comes is what is usual from now on */
      act |= SCOPE_SLOW_LATE;
    }
  if (slow->flows && now >= slow->sent + EVERY && !slow->late)
    {
      act |= SCOPE_SLOW_PROBE;
      slow->sent = now;
      slow->flows = FALSE;
      if (slow->usual)
        slow->late = now + limit (slow);
    }
  if (slow->late)
    *next = MIN (*next, slow->late);
  if (slow->flows)
    *next = MIN (*next, slow->sent + EVERY);
  return act;
}
