/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/scope-mapping.h"

#define MAX_DOUBLINGS 5 /* 12 minutes: without UDP there is nothing to hold */

static gboolean
is_wanted (const ScopeMappingNeed *need)
{
  /* One server alone cannot tell an open NAT from a closed one. */
  gboolean open = need->nat == SCOPE_NAT_OPEN || (need->nat == SCOPE_NAT_UNKNOWN && need->mapped);

  return open && !need->held && need->keepalive && need->reachable;
}

void
scope_mapping_review (ScopeMapping *mapping, const ScopeMappingNeed *need, gint64 now)
{
  gboolean was = mapping->wanted;

  mapping->wanted = is_wanted (need);
  if (need->held)
    mapping->fresh = now;
  if (!mapping->wanted)
    mapping->due = G_MAXINT64;
  else if (!was && !mapping->asking)
    {
      mapping->failures = 0;
      mapping->due = mapping->fresh ? MAX (now, mapping->fresh + SCOPE_MAPPING_HOLD_MS) : now + SCOPE_MAPPING_HOLD_MS;
    }
}

void
scope_mapping_asked (ScopeMapping *mapping)
{
  mapping->asking = TRUE;
  mapping->due = G_MAXINT64;
}

void
scope_mapping_answered (ScopeMapping *mapping, gboolean answered, gint64 now)
{
  mapping->asking = FALSE;
  mapping->failures = answered ? 0 : mapping->failures + 1;
  if (answered)
    mapping->fresh = now;
  if (mapping->wanted)
    mapping->due = now + ((gint64) SCOPE_MAPPING_HOLD_MS << MIN (mapping->failures, MAX_DOUBLINGS));
}
