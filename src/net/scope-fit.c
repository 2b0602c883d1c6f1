/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/scope-fit.h"

#define MS G_GINT64_CONSTANT (1000)
#define WAIT (500 * MS) /* or three round trips */
#define GIVE_UP 6       /* a link that does not answer at all is somebody else's business */

/* Multiples of 16: WireGuard pads to those as long as the interface has a larger MTU. */
static const guint steps[] = { 1420, 1376, 1328, SCOPE_FIT_MIN };

void
scope_fit_begin (ScopeFit *fit, guint mtu, gint64 now)
{
  *fit = (ScopeFit){ .mtu = mtu, .due = now };
}

guint
scope_fit_size (const ScopeFit *fit)
{
  return fit->mtu - SCOPE_FIT_HEADERS;
}

guint
scope_fit_echo (ScopeFit *fit, guint size)
{
  if (!fit->mtu)
    return 0;
  if (!size)
    fit->small = fit->sent;
  else if (size >= scope_fit_size (fit)) /* a larger one may be late */
    {
      *fit = (ScopeFit){ 0 };
      return size + SCOPE_FIT_HEADERS;
    }
  return 0;
}

static guint
smaller (guint mtu)
{
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    if (steps[i] < mtu)
      return steps[i];
  return 0;
}

/* What became of the probes that were sent. FALSE: there is nothing more to try. */
static gboolean
judge (ScopeFit *fit, ScopeFitAct *act)
{
  if (!fit->small)
    return ++fit->unanswered < GIVE_UP;
  fit->unanswered = 0;
  if (++fit->failures < SCOPE_FIT_TRIES)
    return TRUE;
  fit->failures = 0;
  fit->mtu = smaller (fit->mtu);
  if (!fit->mtu)
    *act = SCOPE_FIT_NARROW;
  return fit->mtu != 0;
}

ScopeFitAct
scope_fit_step (ScopeFit *fit, guint mtu, gint64 rtt, gint64 now, gint64 *next)
{
  ScopeFitAct act = SCOPE_FIT_WAIT;

  *next = fit->mtu ? fit->due : SCOPE_FIT_NEVER;
  if (!fit->mtu || now < fit->due)
    return act;
  if (fit->mtu > mtu)
    scope_fit_begin (fit, mtu, now);
  else if (fit->sent && !judge (fit, &act))
    {
      *fit = (ScopeFit){ 0 };
      *next = SCOPE_FIT_NEVER;
      return act;
    }
  fit->sent = TRUE;
  fit->small = FALSE;
  *next = fit->due = now + MAX (WAIT, 3 * rtt);
  return SCOPE_FIT_PROBE;
}
