/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "path/scope-damping.h"

#include <string.h>

#define MARGIN_MS 10
#define MARGIN_PERCENT 15
#define MIN_SAMPLES 5

gboolean
scope_damping_better (guint candidate, guint current)
{
  guint margin = MAX (MARGIN_MS, (guint) ((guint64) current * MARGIN_PERCENT / 100));

  return current > margin && candidate <= current - margin;
}

void
scope_damping_reset (ScopeDamping *damping)
{
  memset (damping, 0, sizeof *damping);
}

gboolean
scope_damping_add (ScopeDamping *damping, gint64 now, gboolean better)
{
  gint64 slice = now / SCOPE_DAMPING_SLICE_MS;
  guint i = slice % SCOPE_DAMPING_SLICES, n_better = 0, n = 0;

  /* Samples that stopped coming say nothing of the time since. */
  if (damping->begun && slice - damping->slice >= SCOPE_DAMPING_SLICES)
    scope_damping_reset (damping);
  if (!damping->begun)
    {
      damping->begun = now;
      damping->slice = slice;
    }
  while (damping->slice < slice)
    {
      guint j = ++damping->slice % SCOPE_DAMPING_SLICES;
      damping->better[j] = damping->all[j] = 0;
    }
  if (damping->all[i] == G_MAXUINT8) /* only their proportion matters */
    {
      damping->all[i] /= 2;
      damping->better[i] /= 2;
    }
  damping->all[i]++;
  damping->better[i] += better != FALSE;

  for (guint j = 0; j < SCOPE_DAMPING_SLICES; j++)
    {
      n += damping->all[j];
      n_better += damping->better[j];
    }
  return better && n >= MIN_SAMPLES && now - damping->begun >= SCOPE_DAMPING_MS &&
         n_better * 100 >= n * SCOPE_DAMPING_PERCENT;
}

void
scope_hold_fail (ScopeHold *hold, gint64 now)
{
  if (hold->until > now) /* the same failure, heard of twice */
    return;
  if (!hold->length || now - hold->until > SCOPE_HOLD_MAX_MS)
    hold->length = SCOPE_HOLD_MIN_MS;
  else
    hold->length = MIN (hold->length * 2, SCOPE_HOLD_MAX_MS);
  hold->until = now + hold->length;
}

void
scope_hold_extend (ScopeHold *hold, gint64 until)
{
  hold->until = MAX (hold->until, until);
}

gboolean
scope_hold_active (const ScopeHold *hold, gint64 now)
{
  return hold->until > now;
}
