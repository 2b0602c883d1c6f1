/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How well links work: when each is measured, and to whom that is told. */
#include "peer/scope-links-private.h"

/*
 * The registry's table needs what relays know of each other all the time. An edge compares its relay with the others, and a
 * pair's link that is not used, because it loses too much, with the way over relays; nobody but packets asks for that.
 */
static ScopeLivenessMeasure
when (ScopeLinks *self, const ScopeLink *link)
{
  if (scope_role_is_relay (self->role))
    return scope_role_is_relay (link->role) ? SCOPE_LIVENESS_MEASURE_ALWAYS : SCOPE_LIVENESS_MEASURE_NEVER;
  if (!scope_role_is_relay (link->role) && self->path && scope_path_is_direct (self->path, &link->key))
    return SCOPE_LIVENESS_MEASURE_FLOWING;
  return SCOPE_LIVENESS_MEASURE_AWAKE;
}

void
scope_link_measure (ScopeLink *link)
{
  ScopeLinks *self = link->links;

  if (self->liveness && link->up)
    scope_liveness_measure (self->liveness, &link->key, when (self, link));
}

void
scope_links_measure (ScopeLinks *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    scope_link_measure (value);
}

void
scope_links_on_rtt (const ScopeKey *peer, guint ms, guint loss, gpointer data)
{
  ScopeLinks *self = data;
  const ScopeLink *link = scope_links_find (self, peer);

  if (!self->path || !link)
    return;
  scope_links_leave_slow (self, link, ms);
  scope_links_report (self, link, FALSE);
  scope_path_link_sample (self->path, scope_links_now (), peer, ms, loss);
  scope_links_run (self);
}
