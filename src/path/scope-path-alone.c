/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A relay that reaches no other relay says so to the edges whose link to it works (`hold`), and when that is over. An edge
 * leaves it for a relay that is not alone. Of relays that all are, edges gather at the one with the lowest key: so they reach
 * each other at least.
 */
#include "path/scope-path-private.h"

#define ALONE_MS 1000  /* links do not fall silent, or come up, all in one moment; a link that comes and goes is no news */
#define OTHERS_MS 3000 /* until the other relays have said so, too */

/* The relay. */

static gboolean
reaches_nobody (ScopePath *path)
{
  for (guint i = 0; i < path->relays->len; i++)
    {
      const Peer *peer = g_ptr_array_index (path->relays, i);

      if (peer->link == LINK_UP || (peer->link == LINK_UNKNOWN && peer->online))
        return FALSE;
    }
  return path->relays->len > 0;
}

/* A link to a relay, or what is known of a relay, has changed. */
void
alone_review (ScopePath *path)
{
  if (!scope_role_is_relay (path->role))
    return;
  if (reaches_nobody (path) == path->alone)
    path->alone_at = G_MAXINT64;
  else if (path->alone_at == G_MAXINT64)
    path->alone_at = path->now + ALONE_MS;
  path->deadline = MIN (path->deadline, path->alone_at);
}

void
alone_tick (ScopePath *path)
{
  if (path->alone_at > path->now)
    return;
  path->alone_at = G_MAXINT64;
  if (reaches_nobody (path) == path->alone)
    return;
  path->alone = !path->alone;
  for (guint i = 0; i < path->list->len; i++)
    {
      Peer *edge = g_ptr_array_index (path->list, i);

      if (edge->member && !scope_role_is_relay (edge->role) && edge->link == LINK_UP)
        pair_resay (path, edge, FALSE);
    }
}

/* The edge. */

void
alone_heard (ScopePath *path, Peer *relay, gboolean alone)
{
  if (scope_role_is_relay (path->role) || relay->alone == alone)
    return;
  relay->alone = alone;
  path->leave_at = path->now + OTHERS_MS;
  attach_review_at (path, path->leave_at);
}

/* While ours is alone the link to another one has come up: whether that is, too, it will say. */
void
alone_link_up (ScopePath *path, const Peer *relay)
{
  if (relay->up_since < path->now)
    return;
  path->leave_at = path->now + OTHERS_MS;
  attach_review_at (path, path->leave_at);
}
