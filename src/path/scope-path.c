/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "path/scope-path-private.h"

#include <string.h>

#define FORGIVEN_MS 3000
#define MAX_STRANGERS 4096 /* whom others spoke of */

static void
peer_free (gpointer data)
{
  Peer *peer = data;

  g_clear_pointer (&peer->pair, pair_free);
  g_clear_pointer (&peer->unheard, g_array_unref);
  g_free (peer->damping);
  g_free (peer);
}

ScopePath *
scope_path_new (const ScopeKey *own, ScopeRole role, guint64 sequence)
{
  ScopePath *path = g_new0 (ScopePath, 1);

  path->own = *own;
  path->role = role;
  path->sequence = sequence;
  path->deadline = G_MAXINT64;
  path->say_at = path->review_at = path->legs_at = path->coming_at = path->alone_at = G_MAXINT64;
  path->said = TRUE;
  path->peers = g_hash_table_new (scope_key_hash, scope_key_equal);
  path->list = g_ptr_array_new_with_free_func (peer_free);
  path->deadlines = g_array_new (FALSE, FALSE, sizeof (gint64));
  path->relays = g_ptr_array_new ();
  path->self = path_peer (path, own);
  g_queue_init (&path->queue);
  return path;
}

void
scope_path_free (ScopePath *path)
{
  g_queue_clear_full (&path->queue, g_free);
  g_hash_table_unref (path->peers);
  g_ptr_array_unref (path->relays);
  g_ptr_array_unref (path->list);
  g_array_unref (path->deadlines);
  g_free (path->coming);
  g_free (path->ms);
  g_free (path->direct);
  g_free (path);
}

/* Never forgotten: others point to it. Who no longer is a member is one word about a stranger. */
Peer *
path_peer (ScopePath *path, const ScopeKey *key)
{
  Peer *peer = g_hash_table_lookup (path->peers, key);
  gint64 never = G_MAXINT64;

  if (peer)
    return peer;
  peer = g_new0 (Peer, 1);
  peer->key = *key;
  peer->unheard_at = G_MAXINT64;
  peer->next_at = G_MAXINT64;
  peer->index = G_MAXUINT;
  g_hash_table_insert (path->peers, &peer->key, peer);
  peer->place = path->list->len;
  g_ptr_array_add (path->list, peer);
  g_array_append_val (path->deadlines, never);
  return peer;
}

void
path_arm (ScopePath *path, Peer *peer, gint64 at)
{
  gint64 *deadline = &g_array_index (path->deadlines, gint64, peer->place);

  *deadline = MIN (*deadline, at);
  path->deadline = MIN (path->deadline, at);
}

ScopePathMessage *
path_send (ScopePath *path, Peer *to, ScopePathMessageType type, gboolean direct)
{
  ScopePathSend *send = g_new0 (ScopePathSend, 1);

  send->to = to->key;
  send->direct = direct;
  send->message.type = type;
  g_queue_push_tail (&path->queue, send);
  return &send->message;
}

/*
 * Twice a round trip, then half as long again each time; after 8 tries it is not loss, after two minutes there is no
 * hurry any more.
 */
guint
path_say_delay (const Peer *peer, guint tries)
{
  guint delay = MAX (SAY_MIN_MS, 2 * peer->rtt);

  for (guint i = 0; i < MIN (tries, 8); i++)
    delay += delay / 2;
  if (tries > 8)
    delay = SAY_AGAIN_MS;
  for (guint i = 24; i < MIN (tries, 32); i++)
    delay *= 2;
  return MIN (delay, scope_role_is_relay (peer->role) ? SAY_MAX_RELAY_MS : SAY_MAX_MS);
}

static void
set_role (ScopePath *path, Peer *peer, gboolean member, ScopeRole role)
{
  gboolean was = peer->member && scope_role_is_relay (peer->role), is = member && scope_role_is_relay (role);

  if (peer->member != member || peer->role != role)
    path->changed = TRUE;
  if (was != is || !member)
    g_clear_pointer (&peer->pair, pair_free); /* two of a kind agree on something else */
  peer->member = member;
  peer->role = role;
  if (was && !is)
    g_ptr_array_remove_fast (path->relays, peer);
  if (is && !was)
    g_ptr_array_add (path->relays, peer);
}

void
scope_path_member (ScopePath *path, gint64 now, const ScopePathMember *member)
{
  Peer *peer;
  gboolean fresh, pipe, turned, was;

  path->now = now;
  if (scope_key_equal (&member->key, &path->own))
    return;
  peer = path_peer (path, &member->key);
  fresh = member->online && !peer->online;
  pipe = peer->pipe;
  was = peer->member && scope_role_is_relay (peer->role);
  turned = peer->member && was != scope_role_is_relay (member->role);
  set_role (path, peer, TRUE, member->role);
  if (was && turned)
    {
      if (peer == path->relay || peer == path->next_relay)
        attach_lost (path, peer);
      relays_leg_lost (path, peer);
    }
  peer->pipe = member->pipe;
  peer->online = member->online;
  if (!scope_role_is_relay (member->role))
    attach_word (path, peer, scope_key_is_zero (&member->attachment) ? NULL : path_peer (path, &member->attachment),
                 member->sequence, 0);
  if ((pipe != peer->pipe || peer == path->preferred) && !scope_role_is_relay (path->role))
    attach_review (path);
  else if (pipe != peer->pipe && scope_role_is_relay (peer->role))
    relays_tier (path, peer);
  if (fresh && peer->pair && peer->pair->n)
    pair_resay (path, peer, FALSE);
  if (fresh && scope_role_is_relay (member->role) && scope_role_is_relay (path->role))
    attach_tell (path, peer, TRUE);
  /* A link that is up is one of another kind now, as if it had just come up: a new grant makes a relay of an edge that runs. */
  if (turned && peer->link == LINK_UP)
    {
      peer->link = LINK_UNKNOWN;
      scope_path_link_up (path, now, &member->key, peer->rtt);
    }
  if (turned || scope_role_is_relay (member->role))
    alone_review (path);
}

static void
link_lost (ScopePath *path, Peer *peer, gboolean failed)
{
  gboolean was_up = peer->link == LINK_UP;

  if (peer->link == LINK_DOWN)
    return;
  peer->link = LINK_DOWN;
  peer->alone = FALSE;
  path->changed = TRUE;
  if (failed && was_up && path->now >= peer->forgiven)
    scope_hold_fail (&peer->hold, path->now);
  if (peer->damping)
    scope_damping_reset (peer->damping);
  if (peer->pair)
    peer->pair->ask = peer->pair->ask_direct = FALSE; /* it will ask when the link is there again */
  if (peer->pair && !same_kind (path, peer))
    peer->pair->unsaid = FALSE;
  if (peer->pair && !failed)
    g_clear_pointer (&peer->pair, pair_free);
  if (scope_role_is_relay (path->role))
    relays_leg_lost (path, peer);
  else if (scope_role_is_relay (peer->role))
    attach_lost (path, peer);
  if (same_kind (path, peer) && failed)
    pair_review (path, peer);
  if (scope_role_is_relay (peer->role))
    alone_review (path);
}

void
scope_path_member_gone (ScopePath *path, gint64 now, const ScopeKey *key)
{
  Peer *peer = g_hash_table_lookup (path->peers, key);

  path->now = now;
  if (!peer || !peer->member)
    return;
  scope_path_left (path, now, key);
  set_role (path, peer, FALSE, peer->role);
  peer->online = FALSE;
  peer->link = LINK_UNKNOWN;
  alone_review (path);
  peer->attachment = peer->next = NULL;
  peer->next_at = G_MAXINT64;
  peer->sequence = 0;
  peer->hold = (ScopeHold) { 0 };
  g_clear_pointer (&peer->unheard, g_array_unref);
}

void
scope_path_prefer (ScopePath *path, gint64 now, const ScopeKey *relay)
{
  Peer *preferred = relay ? path_peer (path, relay) : NULL;

  path->now = now;
  if (scope_role_is_relay (path->role) || preferred == path->preferred)
    return;
  path->preferred = preferred;
  attach_review (path);
}

void
scope_path_registry (ScopePath *path, gint64 now, gboolean connected)
{
  path->now = now;
  if (path->registry == connected)
    return;
  path->registry = connected;
  if (!connected)
    return;
  for (guint i = 0; i < path->list->len; i++)
    {
      Peer *peer = g_ptr_array_index (path->list, i);

      if (peer->pair && peer->pair->unsaid)
        pair_resay (path, peer, FALSE);
      if (peer->unheard)
        attach_tell (path, peer, FALSE);
    }
}

void
scope_path_link_up (ScopePath *path, gint64 now, const ScopeKey *key, guint rtt)
{
  Peer *peer = path_peer (path, key);
  gboolean was_up = peer->link == LINK_UP;
  Pair *pair;
  guint64 n;

  path->now = now;
  peer->link = LINK_UP;
  peer->rtt = was_up ? peer->rtt : rtt;
  if (!was_up)
    {
      peer->up_since = now;
      peer->loss = 0;
      peer->lossy = FALSE;
      path->changed = TRUE;
    }
  if (!peer->member)
    return;
  if (scope_role_is_relay (path->role) && scope_role_is_relay (peer->role))
    attach_tell (path, peer, TRUE);
  if (!scope_role_is_relay (path->role) && scope_role_is_relay (peer->role))
    attach_link_up (path, peer);
  /* Either of us may have begun a new life and know nothing. */
  pair = pair_of (peer);
  n = pair->n;
  pair->ask = pair->ask_direct = TRUE;
  if (!was_up)
    pair->resay_after = 0;
  if (same_kind (path, peer))
    pair_review (path, peer);
  if (pair->n == n)
    pair_resay (path, peer, TRUE);
  if (!was_up && scope_role_is_relay (path->role) && scope_role_is_relay (peer->role))
    relays_leg_found (path);
  if (!was_up && scope_role_is_relay (peer->role))
    alone_review (path);
}

void
scope_path_link_down (ScopePath *path, gint64 now, const ScopeKey *key)
{
  path->now = now;
  link_lost (path, path_peer (path, key), TRUE);
}

void
scope_path_left (ScopePath *path, gint64 now, const ScopeKey *key)
{
  Peer *peer = path_peer (path, key);

  path->now = now;
  peer->online = FALSE;
  link_lost (path, peer, FALSE);
}

void
scope_path_link_sample (ScopePath *path, gint64 now, const ScopeKey *key, guint rtt, guint loss)
{
  Peer *peer = path_peer (path, key);
  gboolean was = peer->lossy;

  path->now = now;
  if (peer->link != LINK_UP)
    return;
  peer->rtt = peer->rtt ? (peer->rtt * 3 + rtt) / 4 : rtt;
  peer->loss = (peer->loss * 7 + MIN (loss, 100) * 256) / 8;
  if (peer->loss >= LOSSY_PERCENT * 256)
    peer->lossy = TRUE;
  else if (peer->loss < CLEAN_PERCENT * 256)
    peer->lossy = FALSE;
  if (peer->lossy && !was)
    scope_hold_fail (&peer->hold, now);
  if (!peer->member)
    return;
  if (peer->lossy != was && scope_role_is_relay (path->role) && peer->lossy)
    relays_leg_lost (path, peer);
  if (peer->lossy != was && same_kind (path, peer))
    pair_review (path, peer);
  if (!scope_role_is_relay (path->role) && scope_role_is_relay (peer->role))
    attach_sample (path, peer);
}

static void
forgive (Peer *peer, gint64 now)
{
  peer->hold = (ScopeHold){ 0 };
  peer->forgiven = now + FORGIVEN_MS;
}

void
scope_path_moved (ScopePath *path, gint64 now, const ScopeKey *key)
{
  GHashTableIter iter;
  gpointer peer;

  path->now = now;
  if (key)
    {
      forgive (path_peer (path, key), now);
      return;
    }
  g_hash_table_iter_init (&iter, path->peers);
  while (g_hash_table_iter_next (&iter, NULL, &peer))
    forgive (peer, now);
}

void
scope_path_handle (ScopePath *path, gint64 now, const ScopeKey *from, gboolean direct, const ScopePathMessage *message)
{
  Peer *peer = g_hash_table_lookup (path->peers, from);

  path->now = now;
  if (!peer || !peer->member || peer == path->self)
    return;
  if (direct && peer->link == LINK_DOWN)
    peer->link = LINK_UNKNOWN; /* so it is not */
  if (message->type == SCOPE_PATH_PAIR)
    pair_handle (path, peer, direct, message);
  else if (message->type != SCOPE_PATH_ATTACHED || g_hash_table_size (path->peers) < path->relays->len + MAX_STRANGERS * 4)
    attach_handle (path, peer, direct, message);
}

void
scope_path_tick (ScopePath *path, gint64 now)
{
  path->now = now;
  if (now < path->deadline)
    return;
  path->deadline = G_MAXINT64;
  if (scope_role_is_relay (path->role))
    {
      relays_tick (path);
      alone_tick (path);
    }
  else
    attach_tick (path);
  for (guint i = 0; i < path->list->len; i++)
    {
      if (g_array_index (path->deadlines, gint64, i) <= now)
        {
          Peer *peer = g_ptr_array_index (path->list, i);

          g_array_index (path->deadlines, gint64, i) = G_MAXINT64;
          attach_peer_tick (path, peer);
          if (peer->pair)
            pair_tick (path, peer);
        }
      path->deadline = MIN (path->deadline, g_array_index (path->deadlines, gint64, i));
    }
  path->deadline = MIN (path->deadline, path->say_at);
  path->deadline = MIN (path->deadline, path->review_at);
  path->deadline = MIN (path->deadline, path->legs_at);
  path->deadline = MIN (path->deadline, path->coming_at);
  path->deadline = MIN (path->deadline, path->alone_at);
  if (path->next_relay && path->said)
    path->deadline = MIN (path->deadline, path->next_relay_at);
}

gint64
scope_path_deadline (ScopePath *path)
{
  return path->deadline;
}

gboolean
scope_path_pop (ScopePath *path, ScopePathSend *send)
{
  g_autofree ScopePathSend *next = g_queue_pop_head (&path->queue);

  if (next)
    *send = *next;
  return next != NULL;
}

gboolean
scope_path_changed (ScopePath *path)
{
  gboolean changed = path->changed;

  path->changed = FALSE;
  return changed;
}

/* Between two relays. */
static Peer *
relay_hop (Peer *peer)
{
  if (peer->pair && peer->pair->used_how == SCOPE_PATH_VIA)
    return peer->pair->used_via->link == LINK_UP ? peer->pair->used_via : NULL;
  return peer->link == LINK_DOWN ? NULL : peer;
}

static Peer *
hop (ScopePath *path, Peer *dest)
{
  if (!dest || !dest->member)
    return NULL;
  if (scope_role_is_relay (path->role))
    {
      if (scope_role_is_relay (dest->role))
        return relay_hop (dest);
      if (dest->attachment == path->self)
        return dest->link == LINK_DOWN ? NULL : dest;
      return dest->attachment && dest->attachment->member ? relay_hop (dest->attachment) : NULL;
    }
  if (!scope_role_is_relay (dest->role) && dest->pair && dest->pair->used_how == SCOPE_PATH_DIRECT && dest->link != LINK_DOWN)
    return dest;
  if (path->relay)
    return path->relay;
  return dest->link == LINK_DOWN ? NULL : dest; /* attached to nobody: what can be tried is tried */
}

const ScopeKey *
scope_path_next_hop (ScopePath *path, const ScopeKey *dest)
{
  Peer *next = hop (path, g_hash_table_lookup (path->peers, dest));

  return next ? &next->key : NULL;
}

gboolean
scope_path_is_direct (ScopePath *path, const ScopeKey *dest)
{
  Peer *peer = g_hash_table_lookup (path->peers, dest);

  return peer && hop (path, peer) == peer;
}

const ScopeKey *
scope_path_attachment_of (ScopePath *path, const ScopeKey *edge)
{
  Peer *peer = g_hash_table_lookup (path->peers, edge);

  return peer && peer->attachment ? &peer->attachment->key : NULL;
}

ScopePathWay
scope_path_way (ScopePath *path, const ScopeKey *dest)
{
  Peer *peer = g_hash_table_lookup (path->peers, dest), *next = hop (path, peer);

  if (!next)
    return SCOPE_PATH_WAY_NONE;
  if (next == peer)
    return SCOPE_PATH_WAY_DIRECT;
  if (relay_class (next) == 2)
    return SCOPE_PATH_WAY_MASTER;
  if (relay_class (next) == 1)
    return SCOPE_PATH_WAY_PIPE;
  if (scope_role_is_relay (peer->role) ? scope_role_is_relay (path->role) : peer->attachment == next)
    return SCOPE_PATH_WAY_RELAY;
  return scope_role_is_relay (peer->role) && !scope_role_is_relay (path->role) ? SCOPE_PATH_WAY_RELAY : SCOPE_PATH_WAY_RELAYS;
}
