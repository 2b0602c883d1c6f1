/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which relay an edge is attached to: the edge chooses and tells that relay, which tells all others; each word has the
 * edge's sequence, and the newest holds. A relay goes on telling another one until it hears that it was heard.
 */
#include "path/scope-path-private.h"

#define SETTLE_MS 5000     /* after the first link came up: the best of all, not the first */
#define BETTER_CLASS_MS 30000
#define GIVE_UP_MS 5000    /* a planned change that the new relay does not confirm */
#define ATTACH_TRIES_MAX_MS 10000

/* The edge. */

static guint
edge_class (ScopePath *path, const Peer *relay)
{
  if (relay->alone)
    return relay->role == SCOPE_ROLE_MASTER ? 7 : 6; /* whether it is a pipe for that, too, not all hear in one moment */
  return relay_class (relay) + (scope_hold_active (&relay->hold, path->now) || relay->lossy ? 3 : 0);
}

/* The preferred relay's link is up. Who is attached to it does not ask whether it was to be left alone before. */
static gboolean
prefers (ScopePath *path, const Peer *relay)
{
  return relay && relay == path->preferred && relay->member && scope_role_is_relay (relay->role) && relay->link == LINK_UP &&
         (relay == path->relay || !scope_hold_active (&relay->hold, path->now));
}

static Peer *
best_relay (ScopePath *path)
{
  Peer *best = NULL;

  if (prefers (path, path->preferred))
    return path->preferred;
  for (guint i = 0; i < path->relays->len; i++)
    {
      Peer *relay = g_ptr_array_index (path->relays, i);
      guint a, b;

      if (relay->link != LINK_UP)
        continue;
      if (!best)
        {
          best = relay;
          continue;
        }
      a = edge_class (path, relay);
      b = edge_class (path, best);
      if (a < b || (a == b && !relay->alone && relay->rtt < best->rtt) ||
          (a == b && (relay->alone || relay->rtt == best->rtt) && scope_key_compare (&relay->key, &best->key) < 0))
        best = relay;
    }
  return best;
}

static Peer *
target (ScopePath *path)
{
  return path->next_relay ? path->next_relay : path->relay;
}

static void
say (ScopePath *path)
{
  Peer *to = target (path);
  ScopePathMessage *message = path_send (path, to, SCOPE_PATH_ATTACH, TRUE);

  message->n = path->sequence;
  if (path->next_relay && path->next_relay_at > path->now)
    message->in = path->next_relay_at - path->now;
  path->say_at = path->now + MIN (path_say_delay (to, path->say_tries++), ATTACH_TRIES_MAX_MS);
  path->deadline = MIN (path->deadline, path->say_at);
}

void
attach_review_at (ScopePath *path, gint64 at)
{
  path->review_at = MIN (path->review_at, at);
  path->deadline = MIN (path->deadline, path->review_at);
}

static void
forget_samples (ScopePath *path)
{
  for (guint i = 0; i < path->relays->len; i++)
    {
      Peer *relay = g_ptr_array_index (path->relays, i);

      if (relay->damping)
        scope_damping_reset (relay->damping);
    }
}

static void
attach_to (ScopePath *path, Peer *relay, guint32 in)
{
  path->sequence = MIN (path->sequence + 1, SCOPE_PATH_MESSAGE_MAX_NUMBER);
  path->say_tries = 0;
  path->said = FALSE;
  path->changed = TRUE;
  path->next_relay = in ? relay : NULL;
  path->next_relay_at = path->now + in;
  if (!in)
    path->relay = relay;
  forget_samples (path);
  say (path);
  attach_review_at (path, path->now);
}

void
attach_lost (ScopePath *path, Peer *peer)
{
  Peer *best;

  if (peer == path->next_relay)
    {
      /* The new one may have told all others already. */
      path->next_relay = NULL;
      if (path->relay && path->relay->link == LINK_UP)
        {
          attach_to (path, path->relay, 0);
          return;
        }
    }
  if (peer != path->relay)
    return;
  best = best_relay (path);
  if (best)
    {
      attach_to (path, best, 0);
      return;
    }
  path->relay = path->next_relay = NULL;
  path->said = TRUE;
  path->say_at = G_MAXINT64;
  path->sequence++;
  path->changed = TRUE;
  pair_lone (path);
}

void
attach_link_up (ScopePath *path, Peer *peer)
{
  if (!path->relay)
    {
      attach_to (path, peer, 0);
      if (!path->begun)
        path->settled_at = path->now + SETTLE_MS;
      path->begun = TRUE;
    }
  else if (peer == target (path))
    attach_resay (path); /* it may have begun a new life */
  else if (path->relay->alone)
    alone_link_up (path, peer);
  else
    attach_review_at (path, MAX (peer->hold.until, peer == path->preferred ? 0 : peer->up_since + BETTER_CLASS_MS));
}

/* Not for latency alone: a better kind of relay, or none that is held down any more. */
void
attach_review (ScopePath *path)
{
  Peer *best = best_relay (path);
  gboolean settling = path->settled_at && path->now >= path->settled_at;

  path->review_at = G_MAXINT64;
  if (settling)
    path->settled_at = 0;
  else if (path->settled_at)
    attach_review_at (path, path->settled_at);
  if (!path->relay || path->next_relay || !best)
    return;
  if (path->relay->alone && path->now < path->leave_at && !prefers (path, best))
    {
      attach_review_at (path, path->leave_at);
      return;
    }
  if (best != path->relay &&
      (prefers (path, best) || path->relay->alone ||
       (edge_class (path, best) < edge_class (path, path->relay)
          ? settling || path->relay->pipe || path->relay->lossy || best->up_since + BETTER_CLASS_MS <= path->now
          : settling && scope_damping_better (best->rtt, path->relay->rtt))))
    {
      attach_to (path, best, plan_in (best));
      return;
    }
  for (guint i = 0; i < path->relays->len; i++)
    {
      Peer *relay = g_ptr_array_index (path->relays, i);
      gboolean preferred = relay == path->preferred;
      gint64 at = MAX (relay->hold.until, preferred ? 0 : relay->up_since + BETTER_CLASS_MS);

      if (relay->link == LINK_UP && (preferred || relay_class (relay) < relay_class (path->relay)) && at > path->now)
        attach_review_at (path, at);
    }
}

void
attach_sample (ScopePath *path, Peer *peer)
{
  gboolean better;

  if (!path->relay || path->next_relay || peer == path->next_relay || prefers (path, path->relay) || path->relay->alone)
    return;
  if (peer == path->relay)
    {
      if (peer->lossy)
        attach_review (path);
      return;
    }
  better = edge_class (path, peer) <= edge_class (path, path->relay) &&
           scope_damping_better (peer->rtt, path->relay->rtt);
  if (!peer->damping)
    {
      if (!better)
        return;
      peer->damping = g_new0 (ScopeDamping, 1);
    }
  if (scope_damping_add (peer->damping, path->now, better))
    attach_to (path, peer, plan_in (peer));
}

void
attach_resay (ScopePath *path)
{
  if (!target (path) || path->now < path->resay_after)
    return;
  path->resay_after = path->now + SAY_MIN_MS;
  path->said = FALSE;
  path->say_tries = 0;
  say (path);
}

static void
edge_use (ScopePath *path)
{
  if (!path->next_relay || !path->said || path->now < path->next_relay_at)
    return;
  path->relay = path->next_relay;
  path->next_relay = NULL;
  path->changed = TRUE;
  attach_review_at (path, path->now); /* there may be a better one since */
}

void
attach_tick (ScopePath *path)
{
  edge_use (path);
  if (path->next_relay && !path->said && path->now >= path->next_relay_at + GIVE_UP_MS)
    {
      Peer *silent = path->next_relay;

      scope_hold_fail (&silent->hold, path->now);
      attach_lost (path, silent);
    }
  if (!path->said && target (path) && path->say_at <= path->now)
    say (path);
  if (path->said)
    path->say_at = G_MAXINT64;
  if (path->review_at <= path->now)
    attach_review (path);
}

guint64
scope_path_attachment (ScopePath *path, ScopeKey *key)
{
  Peer *relay = target (path);

  if (relay)
    *key = relay->key;
  else
    *key = (ScopeKey) { { 0 } };
  return path->sequence;
}

gboolean
scope_path_is_moving (ScopePath *path)
{
  return path->next_relay != NULL;
}

void
scope_path_sequence (ScopePath *path, guint64 sequence)
{
  path->sequence = MAX (path->sequence, sequence);
}

static void
edge_heard (ScopePath *path, Peer *relay, guint64 n)
{
  if (relay != target (path) || n < path->sequence)
    return;
  if (n == path->sequence)
    {
      path->said = TRUE;
      path->say_at = G_MAXINT64;
      edge_use (path);
      if (path->next_relay)
        path->deadline = MIN (path->deadline, path->next_relay_at);
      return;
    }
  path->sequence = MIN (n + 1, SCOPE_PATH_MESSAGE_MAX_NUMBER); /* a word of an earlier life is newer */
  path->say_tries = 0;
  path->said = FALSE;
  path->changed = TRUE;
  say (path);
}

/* The relay. */

void
attach_word (ScopePath *path, Peer *edge, Peer *relay, guint64 sequence, guint32 in)
{
  if (sequence < edge->sequence || (sequence == edge->sequence && edge->sequence))
    return;
  edge->sequence = sequence;
  if (relay == (edge->next ? edge->next : edge->attachment))
    return;
  if (in)
    {
      edge->next = relay;
      edge->next_at = path->now + in;
      path_arm (path, edge, edge->next_at);
      return;
    }
  edge->next = NULL;
  edge->next_at = G_MAXINT64;
  edge->attachment = relay;
  path->changed = TRUE;
}

static gboolean
is_ours (ScopePath *path, const Peer *edge)
{
  return (edge->next ? edge->next : edge->attachment) == path->self;
}

static void
flush (ScopePath *path, Peer *relay)
{
  ScopePathMessage *message = NULL;

  for (guint i = 0; i < relay->unheard->len; i++)
    {
      Unheard *unheard = &g_array_index (relay->unheard, Unheard, i);
      Peer *edge = unheard->edge;
      guint32 in = edge->next ? MAX (edge->next_at - path->now, 0) : 0;

      if (unheard->n)
        continue;
      if (!edge->member || !is_ours (path, edge))
        {
          g_array_remove_index (relay->unheard, i--);
          continue;
        }
      /* In one message are those of one instant. */
      if (!message || message->n_edges == SCOPE_PATH_MESSAGE_MAX_EDGES || in || message->in)
        {
          message = path_send (path, relay, SCOPE_PATH_ATTACHED, FALSE);
          message->n = ++path->attached_n;
          message->in = in;
        }
      message->edges[message->n_edges++] = (ScopePathEdge) { edge->key, edge->sequence };
      unheard->n = message->n;
    }
  relay->unheard_at = G_MAXINT64;
  if (!relay->unheard->len)
    return;
  relay->unheard_at = path->now + path_say_delay (relay, relay->unheard_tries);
  path_arm (path, relay, relay->unheard_at);
}

static GArray *
unheard_of (Peer *relay)
{
  if (!relay->unheard)
    relay->unheard = g_array_new (FALSE, FALSE, sizeof (Unheard));
  relay->unheard_tries = 0;
  return relay->unheard;
}

static void
tell (ScopePath *path, Peer *relay, Peer *edge)
{
  GArray *unheard = unheard_of (relay);
  Unheard fresh = { edge, 0 };

  for (guint i = 0; i < unheard->len; i++)
    if (g_array_index (unheard, Unheard, i).edge == edge)
      g_array_remove_index (unheard, i--);
  g_array_append_val (unheard, fresh);
  flush (path, relay);
}

/* @all: or what it has not heard of */
void
attach_tell (ScopePath *path, Peer *relay, gboolean all)
{
  GArray *unheard = unheard_of (relay);

  if (all)
    g_array_set_size (unheard, 0);
  for (guint i = 0; i < unheard->len; i++)
    g_array_index (unheard, Unheard, i).n = 0;
  for (guint i = 0; all && i < path->list->len; i++)
    {
      Unheard fresh = { g_ptr_array_index (path->list, i), 0 };

      if (fresh.edge->member && !scope_role_is_relay (fresh.edge->role) && is_ours (path, fresh.edge))
        g_array_append_val (unheard, fresh);
    }
  flush (path, relay);
}

static void
heard (Peer *relay, guint64 n)
{
  if (!relay->unheard || !n)
    return;
  for (guint i = relay->unheard->len; i-- > 0;)
    if (g_array_index (relay->unheard, Unheard, i).n == n)
      g_array_remove_index (relay->unheard, i);
  relay->unheard_tries = 0;
}

void
attach_peer_tick (ScopePath *path, Peer *peer)
{
  if (peer->next_at <= path->now)
    {
      peer->attachment = peer->next;
      peer->next = NULL;
      peer->next_at = G_MAXINT64;
      path->changed = TRUE;
    }
  else
    path_arm (path, peer, peer->next_at);
  if (!peer->unheard || peer->unheard_at == G_MAXINT64)
    return;
  if (peer->unheard_at > path->now)
    {
      path_arm (path, peer, peer->unheard_at);
      return;
    }
  peer->unheard_at = G_MAXINT64;
  if (peer->unheard_tries++ >= 8 && !peer->online && peer->link != LINK_UP)
    return; /* until it comes back */
  for (guint i = 0; i < peer->unheard->len; i++)
    g_array_index (peer->unheard, Unheard, i).n = 0;
  flush (path, peer);
}

static void
attached_to_us (ScopePath *path, Peer *edge, const ScopePathMessage *message)
{
  if (message->n > edge->sequence || (!edge->sequence && !edge->attachment))
    attach_word (path, edge, path->self, message->n, message->in);
  /* Also when its record came first: not everybody has a registry. */
  if (is_ours (path, edge) && edge->told != edge->sequence)
    {
      edge->told = edge->sequence;
      for (guint i = 0; i < path->relays->len; i++)
        tell (path, g_ptr_array_index (path->relays, i), edge);
    }
  /* The same again, or an older word: then it hears what it must be newer than. */
  path_send (path, edge, SCOPE_PATH_HEARD, TRUE)->n =
    message->n == edge->sequence && !is_ours (path, edge) ? edge->sequence + 1 : edge->sequence;
}

static void
attached_to (ScopePath *path, Peer *relay, const ScopePathMessage *message)
{
  for (guint i = 0; i < message->n_edges; i++)
    {
      Peer *edge = path_peer (path, &message->edges[i].key);

      if (edge->member && scope_role_is_relay (edge->role))
        continue;
      if (message->edges[i].sequence < edge->sequence && is_ours (path, edge))
        tell (path, relay, edge);
      attach_word (path, edge, relay, message->edges[i].sequence, message->in);
    }
  path_send (path, relay, SCOPE_PATH_HEARD, FALSE)->n = message->n;
}

void
attach_handle (ScopePath *path, Peer *peer, gboolean direct, const ScopePathMessage *message)
{
  gboolean relay = scope_role_is_relay (path->role), from_relay = scope_role_is_relay (peer->role);

  if (message->type == SCOPE_PATH_ATTACH && relay && !from_relay && direct)
    attached_to_us (path, peer, message);
  else if (message->type == SCOPE_PATH_ATTACHED && relay && from_relay)
    attached_to (path, peer, message);
  else if (message->type == SCOPE_PATH_HEARD && from_relay && relay)
    heard (peer, message->n);
  else if (message->type == SCOPE_PATH_HEARD && from_relay)
    edge_heard (path, peer, message->n);
}
