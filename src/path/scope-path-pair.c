/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What two peers of one kind agree on: a value that either may write, with a number. It converges however messages are
 * lost, doubled or late: the higher number holds, of equal ones the lower key's. To an edge and a relay the same message
 * only says: tell me all.
 */
#include "path/scope-path-private.h"

#include <string.h>

#define ASK_RELAYS_MS 1000
#define ASK_RELAYS_TIMES 6
#define ASK_RELAYS_AGAIN_MS 3000 /* after an answer */

Pair *
pair_of (Peer *peer)
{
  if (!peer->pair)
    {
      peer->pair = g_new0 (Pair, 1);
      peer->pair->how = peer->pair->used_how = scope_role_is_relay (peer->role) ? SCOPE_PATH_DIRECT : SCOPE_PATH_RELAYED;
      peer->pair->say_at = G_MAXINT64;
    }
  return peer->pair;
}

void
pair_free (Pair *pair)
{
  g_clear_pointer (&pair->refusals, g_array_unref);
  g_free (pair);
}

/* For a while two relays look for nothing faster than their link. */
static void
keep (ScopePath *path, Peer *peer)
{
  pair_of (peer)->kept_until = path->now + SCOPE_DAMPING_MS;
  path_arm (path, peer, peer->pair->kept_until);
}

static void
pair_use (ScopePath *path, Peer *peer)
{
  Pair *pair = peer->pair;
  gboolean was_leg = pair->used_how == SCOPE_PATH_DIRECT;
  Peer *was_via = pair->used_via;

  if (pair->used_how == pair->how && pair->used_via == pair->via)
    return;
  if (pair->need_yes)
    return;
  if (pair->at > path->now)
    {
      path_arm (path, peer, pair->at);
      return;
    }
  pair->used_how = pair->how;
  pair->used_via = pair->via;
  path->changed = TRUE;
  if (!scope_role_is_relay (path->role))
    return;
  if (was_via && was_via->member && was_via != pair->used_via)
    keep (path, was_via); /* it may be needed again */
  if (peer->unheard)
    attach_tell (path, peer, FALSE);
  if (was_leg)
    relays_leg_lost (path, peer);
  else if (relays_leg (path, peer))
    relays_leg_found (path);
}

/* What was planned for later, now that what was used is lost. */
void
pair_use_now (ScopePath *path, Peer *peer)
{
  peer->pair->need_yes = FALSE;
  peer->pair->at = path->now;
  pair_use (path, peer);
}

void
pair_say (ScopePath *path, Peer *peer, gboolean answer, gboolean direct)
{
  Pair *pair = pair_of (peer);
  ScopePathMessage *message;
  gboolean planned = pair->at > path->now;

  /* An edge proposes its direct link over that link: hearing of it is the proof that it works. */
  if (!scope_role_is_relay (path->role) && same_kind (path, peer) && pair->how == SCOPE_PATH_DIRECT && peer->link == LINK_UP && !answer)
    direct = TRUE;
  message = path_send (path, peer, SCOPE_PATH_PAIR, direct);
  message->n = pair->n;
  message->how = pair->how;
  if (pair->how == SCOPE_PATH_VIA)
    message->via = pair->via->key;
  if (planned)
    message->in = pair->at - path->now;
  if (!same_kind (path, peer))
    message->hold = path->alone ? SCOPE_HOLD_MIN_MS : 0;
  else if (scope_hold_active (&peer->hold, path->now) && (pair->how != SCOPE_PATH_DIRECT || peer->link != LINK_UP))
    message->hold = MIN (peer->hold.until - path->now, SCOPE_PATH_MESSAGE_MAX_HOLD);
  message->answer = answer;
  message->ask = !answer && pair->ask;
  if (scope_role_is_relay (path->role) && same_kind (path, peer) && (peer->link != LINK_UP || pair->how == SCOPE_PATH_VIA))
    message->n_legs = relays_legs (path, peer, message->legs);
}

static void
say_now (ScopePath *path, Peer *peer)
{
  Pair *pair = peer->pair;

  pair_say (path, peer, FALSE, pair->ask && pair->ask_direct);
  pair->say_at = path->now + path_say_delay (peer, pair->tries++);
  path_arm (path, peer, pair->say_at);
}

void
pair_write (ScopePath *path, Peer *peer, ScopePathHow how, Peer *via, guint32 in)
{
  Pair *pair = pair_of (peer);

  if (pair->n >= SCOPE_PATH_MESSAGE_MAX_NUMBER)
    return;
  pair->n++;
  pair->how = how;
  pair->via = via;
  pair->at = path->now + in;
  pair->need_yes = in > 0;
  pair->unsaid = TRUE;
  pair->tries = 0;
  if (how != SCOPE_PATH_DIRECT)
    pair->ask_direct = FALSE;
  pair_use (path, peer);
  say_now (path, peer);
}

/* What the other end may have lost, or never had. @ask: on the link, which has come up */
void
pair_resay (ScopePath *path, Peer *peer, gboolean ask)
{
  Pair *pair = pair_of (peer);

  if (ask && path->now < pair->resay_after)
    return;
  pair->resay_after = ask ? path->now + 1000 : pair->resay_after;
  pair->unsaid = TRUE;
  pair->ask |= ask;
  pair->ask_direct = ask;
  pair->tries = 0;
  say_now (path, peer);
}

/* What we gave up saying often may arrive now. */
void
pair_again (ScopePath *path)
{
  for (guint i = 0; i < path->relays->len; i++)
    {
      Peer *peer = g_ptr_array_index (path->relays, i);

      if (same_kind (path, peer) && peer->pair && peer->pair->unsaid && peer->pair->tries >= 8)
        pair_resay (path, peer, FALSE);
      if (peer->unheard && peer->unheard->len && peer->unheard_tries > 8)
        attach_tell (path, peer, FALSE);
    }
}

/* Two edges. */
static void
review_edges (ScopePath *path, Peer *peer)
{
  Pair *pair = pair_of (peer);
  gboolean held = scope_hold_active (&peer->hold, path->now);

  if (pair->how == SCOPE_PATH_DIRECT && (peer->link != LINK_UP || peer->lossy) && path->relay)
    {
      pair_write (path, peer, SCOPE_PATH_RELAYED, NULL, 0);
      return;
    }
  if (pair->how != SCOPE_PATH_RELAYED || peer->link != LINK_UP)
    return;
  if (!path->relay)
    pair_write (path, peer, SCOPE_PATH_DIRECT, NULL, 0);
  else if (held || peer->lossy)
    path_arm (path, peer, held ? peer->hold.until : G_MAXINT64);
  else if (is_chair (path, peer))
    pair_write (path, peer, SCOPE_PATH_DIRECT, NULL, plan_direct_in (peer));
}

/*
 * Relayed, since the link is to be left alone for a while: that is no better when their relays do not reach each other. So
 * words are sent that way, and when none is answered the link is used after all, until it fails again.
 */
static void
try_relays (ScopePath *path, Peer *peer)
{
  Pair *pair = peer->pair;

  if (scope_role_is_relay (path->role) || !is_chair (path, peer) || pair->how != SCOPE_PATH_RELAYED || pair->unsaid || !path->relay ||
      peer->link != LINK_UP || peer->lossy || !scope_hold_active (&peer->hold, path->now))
    {
      pair->ask_relays_at = 0;
      return;
    }
  if (!pair->ask_relays_at)
    {
      pair->asked_relays = 0;
      pair->ask_relays_at = path->now + ASK_RELAYS_MS;
    }
  else if (pair->ask_relays_at <= path->now && pair->asked_relays == ASK_RELAYS_TIMES)
    {
      pair->ask_relays_at = 0;
      pair_write (path, peer, SCOPE_PATH_DIRECT, NULL, plan_direct_in (peer));
      return;
    }
  else if (pair->ask_relays_at <= path->now)
    {
      pair_say (path, peer, FALSE, FALSE);
      ((ScopePathSend *) g_queue_peek_tail (&path->queue))->relayed = TRUE;
      pair->asked_relays++;
      pair->ask_relays_at = path->now + ASK_RELAYS_MS;
    }
  path_arm (path, peer, pair->ask_relays_at);
}

/* The link, or what is known of it, has changed. */
void
pair_review (ScopePath *path, Peer *peer)
{
  if (!scope_role_is_relay (path->role))
    review_edges (path, peer);
  else if (peer->link == LINK_UP && !peer->lossy)
    relays_review (path, peer);
  else
    relays_lost (path, peer, TRUE);
}

/* We have no relay any more: directly, or not at all. */
void
pair_lone (ScopePath *path)
{
  for (guint i = 0; i < path->list->len; i++)
    {
      Peer *peer = g_ptr_array_index (path->list, i);

      if (same_kind (path, peer) && peer->link == LINK_UP)
        review_edges (path, peer);
    }
}

static gboolean
can_use (ScopePath *path, Peer *peer, gboolean direct, const ScopePathMessage *message, Peer *via)
{
  if (!scope_role_is_relay (path->role))
    return message->how == SCOPE_PATH_RELAYED || (message->how == SCOPE_PATH_DIRECT && (direct || peer->link == LINK_UP));
  if (message->how == SCOPE_PATH_VIA)
    return via && via != peer && via != path->self && relays_leg (path, via);
  return message->how == SCOPE_PATH_DIRECT && peer->link != LINK_DOWN;
}

static void
take_legs (ScopePath *path, Pair *pair, const ScopePathMessage *message)
{
  if (!message->n_legs)
    return;
  pair->n_legs = 0;
  for (guint i = 0; i < message->n_legs; i++)
    {
      Peer *leg = g_hash_table_lookup (path->peers, &message->legs[i]);

      if (!leg)
        continue;
      pair->legs[pair->n_legs++] = leg;
      relays_not_refused (pair, leg);
    }
}

static void
take (ScopePath *path, Peer *peer, gboolean direct, const ScopePathMessage *message)
{
  Pair *pair = peer->pair;
  Peer *via = message->how == SCOPE_PATH_VIA ? g_hash_table_lookup (path->peers, &message->via) : NULL;

  /* They do not go where we sent them: that way is none for this pair. */
  if (pair->how == SCOPE_PATH_VIA && pair->unsaid && message->n == pair->n + 1)
    relays_refused (path, peer, pair->via);
  pair->n = message->n;
  if (scope_role_is_relay (path->role) && message->how == SCOPE_PATH_DIRECT && pair->how == SCOPE_PATH_VIA && pair->unsaid &&
      pair->need_yes && peer->link == LINK_UP)
    keep (path, peer);
  pair->unsaid = FALSE;
  /* It is only faster, and what we need for others, or are about to, would be gone. */
  if (scope_role_is_relay (path->role) && message->how == SCOPE_PATH_VIA && message->in && pair->how == SCOPE_PATH_DIRECT &&
      peer->link == LINK_UP && !peer->lossy && (pair->made_until > path->now || relays_needs (path, peer)))
    {
      pair_write (path, peer, SCOPE_PATH_DIRECT, NULL, 0);
      return;
    }
  if (can_use (path, peer, direct, message, via))
    {
      pair->how = message->how;
      pair->via = via;
      pair->at = path->now + message->in;
      pair->need_yes = FALSE;
      pair_use (path, peer);
      return;
    }
  if (!scope_role_is_relay (path->role))
    {
      /* Their link works and ours does not. Who is attached to nobody has nothing else. */
      pair->how = SCOPE_PATH_DIRECT;
      scope_hold_fail (&peer->hold, path->now); /* so that they do not try again at once */
      if (path->relay)
        pair_write (path, peer, SCOPE_PATH_RELAYED, NULL, 0);
      return;
    }
  pair->how = SCOPE_PATH_DIRECT;
  pair->via = NULL;
  pair->at = path->now;
  pair->need_yes = FALSE;
  relays_choose_again (path, peer, message->how == SCOPE_PATH_VIA, message->n_legs > 0);
  pair_use (path, peer); /* when there was nothing to choose */
}

static gboolean
same_value (const Pair *pair, const ScopePathMessage *message)
{
  return pair->how == message->how && (pair->how != SCOPE_PATH_VIA || scope_key_equal (&pair->via->key, &message->via));
}

static void
tell_all (ScopePath *path, Peer *peer)
{
  if (scope_role_is_relay (path->role) && scope_role_is_relay (peer->role))
    attach_tell (path, peer, TRUE);
  if (!scope_role_is_relay (path->role) && peer == path->relay)
    attach_resay (path);
}

static void
handle (ScopePath *path, Peer *peer, gboolean direct, const ScopePathMessage *message)
{
  Pair *pair = pair_of (peer);
  guint64 n = pair->n;
  gboolean same = message->n == n && same_value (pair, message);

  if (message->ask)
    tell_all (path, peer);
  if (!same_kind (path, peer))
    {
      if (direct)
        alone_heard (path, peer, message->hold > 0);
      if (message->answer)
        pair->unsaid = pair->ask = FALSE;
      else
        pair_say (path, peer, TRUE, direct);
      return;
    }
  take_legs (path, pair, message);
  if (message->hold && message->n >= n)
    scope_hold_extend (&peer->hold, path->now + message->hold);
  if (message->answer && same && !pair->ask && pair->asked_relays && pair->ask_relays_at)
    {
      pair->asked_relays = 0;
      pair->ask_relays_at = path->now + ASK_RELAYS_AGAIN_MS;
    }
  if (message->answer)
    pair->ask = FALSE;

  if (same)
    {
      pair->unsaid = FALSE;
      pair->need_yes = FALSE;
      pair_use (path, peer);
    }
  else if (message->n > n || (message->n == n && scope_key_compare (&peer->key, &path->own) < 0))
    take (path, peer, direct, message);
  else if (!scope_role_is_relay (path->role) && direct && message->how == SCOPE_PATH_DIRECT && pair->how == SCOPE_PATH_RELAYED &&
           !scope_hold_active (&peer->hold, path->now))
    pair_write (path, peer, SCOPE_PATH_DIRECT, NULL, message->in); /* it has begun a new life, and is right */
  else if (!pair->unsaid || pair->say_at == G_MAXINT64)
    pair_resay (path, peer, FALSE); /* it has begun a new life, or what we said was overtaken */

  if (scope_role_is_relay (path->role) && message->n_legs)
    relays_told (path, peer);
  if (!message->answer && !(pair->unsaid && pair->n > message->n))
    pair_say (path, peer, TRUE, direct);
  try_relays (path, peer);
  if (pair->unsaid || message->answer)
    return;
  if (scope_role_is_relay (path->role) && pair->how == SCOPE_PATH_DIRECT && message->hold)
    relays_lost (path, peer, FALSE); /* saying so again would have no end */
  else if (message->ask || message->hold)
    pair_review (path, peer);
}

void
pair_handle (ScopePath *path, Peer *peer, gboolean direct, const ScopePathMessage *message)
{
  handle (path, peer, direct, message);
  if (same_kind (path, peer))
    relays_no_way (path, peer);
}

void
pair_tick (ScopePath *path, Peer *peer)
{
  Pair *pair = peer->pair;

  pair_use (path, peer);
  if (pair->say_at > path->now)
    path_arm (path, peer, pair->say_at);
  else if (pair->unsaid || pair->ask)
    {
      /* The link that we wanted to use does not carry our words. */
      if (pair->need_yes && pair->tries >= 8 && !scope_role_is_relay (path->role))
        {
          scope_hold_fail (&peer->hold, path->now);
          pair_write (path, peer, SCOPE_PATH_RELAYED, NULL, 0);
        }
      else if (pair->tries >= 8 && !peer->online && peer->link != LINK_UP)
        pair->say_at = G_MAXINT64; /* until it comes back */
      else
        say_now (path, peer);
    }
  if (!same_kind (path, peer))
    return;
  if (peer->hold.until > path->now)
    path_arm (path, peer, peer->hold.until);
  else if (!pair->unsaid && peer->link == LINK_UP &&
           pair->how == (scope_role_is_relay (path->role) ? SCOPE_PATH_VIA : SCOPE_PATH_RELAYED))
    pair_review (path, peer);
  try_relays (path, peer);
  relays_no_way (path, peer);
  if (pair->kept_until > path->now)
    path_arm (path, peer, pair->kept_until);
  else if (pair->kept_until)
    {
      pair->kept_until = 0;
      relays_review (path, peer);
    }
}
