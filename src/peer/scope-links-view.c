/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-links-view.h"

#include "peer/scope-links-private.h"

int
scope_links_loss (ScopeLinks *self, const ScopeKey *peer)
{
  return self->liveness ? (int) scope_liveness_loss (self->liveness, peer) : -1;
}

gboolean
scope_links_is_carried (ScopeLinks *self, const ScopeKey *peer)
{
  const ScopeLink *link = scope_links_find (self, peer);

  return link && link->carried;
}

const GPtrArray *
scope_links_servers (ScopeLinks *self)
{
  return self->servers;
}
