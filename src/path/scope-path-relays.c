/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between two relays: directly, or over a third one that both reach directly. What is faster, the registry's table says,
 * and the lower key of the two proposes; when a link is lost, whoever sees it chooses at once. Who cannot use what the
 * other chose says what it can use (`legs`), so that the next choice fits.
 */
#include "path/scope-path-private.h"

#define NONE 0x3fffffff /* two of them fit into 32 bits */
#define REFUSED_MS 30000
#define AGAIN_MIN_MS 3000
#define AGAIN_MAX_MS 600000
#define BATCH_MS 20 /* links that come up together */

guint32
relays_ms (ScopePath *path, const Peer *a, const Peer *b)
{
  if (!path->ms || a->index >= path->n_table || b->index >= path->n_table)
    return NONE;
  return path->ms[a->index * path->n_table + b->index];
}

typedef enum { NOT_LOOKED, NO_DETOUR, DETOUR } Detour;

/* Whether no relay is a faster way between them, as far as the table says. Few pairs are asked for, so none is beforehand. */
static gboolean
table_direct (ScopePath *path, const Peer *a, const Peer *b)
{
  guint32 direct = relays_ms (path, a, b), least = 2 * NONE;
  guint n = path->n_table;
  guint8 *detour;

  if (direct == NONE)
    return FALSE;
  detour = &path->direct[MIN (a->index, b->index) * n + MAX (a->index, b->index)];
  if (*detour == NOT_LOOKED)
    {
      const guint32 *from_a = path->ms + a->index * n, *from_b = path->ms + b->index * n;

      for (guint i = 0; i < n; i++)
        {
          guint32 sum = from_a[i] + from_b[i];
          least = sum < least ? sum : least;
        }
      *detour = scope_damping_better (least, direct) ? DETOUR : NO_DETOUR;
    }
  return *detour == NO_DETOUR;
}

/* Whether we reach this relay directly, so that packets for others may go over it. */
gboolean
relays_leg (ScopePath *path, const Peer *peer)
{
  return peer->member && scope_role_is_relay (peer->role) && peer->link == LINK_UP &&
         (!peer->pair || (peer->pair->how == SCOPE_PATH_DIRECT && peer->pair->used_how == SCOPE_PATH_DIRECT));
}

static gboolean
refused (const Pair *pair, const Peer *via, gint64 now)
{
  for (guint i = 0; pair->refusals && i < pair->refusals->len; i++)
    {
      const Refusal *refusal = &g_array_index (pair->refusals, Refusal, i);

      if (refusal->relay == via && refusal->until > now)
        return TRUE;
    }
  return FALSE;
}

void
relays_not_refused (Pair *pair, const Peer *via)
{
  for (guint i = pair->refusals ? pair->refusals->len : 0; i-- > 0;)
    if (g_array_index (pair->refusals, Refusal, i).relay == via)
      g_array_remove_index_fast (pair->refusals, i);
}

void
relays_refused (ScopePath *path, Peer *peer, Peer *via)
{
  Pair *pair = pair_of (peer);
  Refusal fresh = { via, path->now + REFUSED_MS };

  if (!pair->refusals)
    pair->refusals = g_array_new (FALSE, FALSE, sizeof (Refusal));
  relays_not_refused (pair, via);
  for (guint i = pair->refusals->len; i-- > 0;)
    if (g_array_index (pair->refusals, Refusal, i).until <= path->now)
      g_array_remove_index_fast (pair->refusals, i);
  g_array_append_val (pair->refusals, fresh);
}

static gboolean
has_leg (const Pair *pair, const Peer *leg)
{
  for (guint i = 0; i < pair->n_legs; i++)
    if (pair->legs[i] == leg)
      return TRUE;
  return FALSE;
}

/* Whether the other end has told all its legs, and this is none */
static gboolean
has_not_leg (const Pair *pair, const Peer *leg)
{
  return pair->n_legs && pair->n_legs < SCOPE_PATH_MESSAGE_MAX_LEGS && !has_leg (pair, leg);
}

/* Whether packets go over @leg to somebody whom we do not reach otherwise: then no third relay is fast enough for @leg. */
gboolean
relays_needs (ScopePath *path, const Peer *leg)
{
  for (guint i = 0; i < path->relays->len; i++)
    {
      const Peer *peer = g_ptr_array_index (path->relays, i);

      if (peer->pair && peer->pair->how == SCOPE_PATH_VIA && peer->pair->via == leg &&
          (peer->link != LINK_UP || peer->lossy || scope_hold_active (&peer->hold, path->now)))
        return TRUE;
    }
  return FALSE;
}

/* ms from us over @via to @peer, more for what is less certain */
static guint
via_ms (ScopePath *path, Peer *peer, Peer *via)
{
  guint32 near = relays_ms (path, path->self, via), far = relays_ms (path, via, peer);
  guint ms = near != NONE ? near : via->rtt;

  if (far != NONE)
    ms += far;
  else
    ms += has_leg (peer->pair, via) ? UNKNOWN_MS / 10 : UNKNOWN_MS;
  if (peer->pair->n_legs && !has_leg (peer->pair, via))
    ms += UNKNOWN_MS;
  return ms;
}

/* The way that is surely as good as the table says, for who looks for a faster one. */
static gboolean
via_known (ScopePath *path, Peer *peer, Peer *via)
{
  return relay_class (via) == 0 && !via->lossy && !scope_hold_active (&via->hold, path->now) &&
         table_direct (path, path->self, via) && table_direct (path, via, peer);
}

/*
 * Best third relay: none is a pipe or master as long as there is another; of equal ones the lower key. @faster: nullable: only
 * one that is surely better than this
 */
static Peer *
best_via (ScopePath *path, Peer *peer, const guint *faster)
{
  Peer *best = NULL;
  guint best_ms = 0, best_class = 0;

  pair_of (peer);
  for (guint i = 0; i < path->relays->len; i++)
    {
      Peer *via = g_ptr_array_index (path->relays, i);
      guint via_class, sum;

      if (via == peer || !relays_leg (path, via) || refused (peer->pair, via, path->now))
        continue;
      sum = via_ms (path, peer, via);
      if (faster && !scope_damping_better (sum, *faster))
        continue;
      via_class = relay_class (via) + (via->lossy ? 3 : 0) + (has_not_leg (peer->pair, via) ? 6 : 0);
      if (best && (via_class > best_class || (via_class == best_class && sum > best_ms) ||
                   (via_class == best_class && sum == best_ms && scope_key_compare (&via->key, &best->key) > 0)))
        continue;
      if (faster && !via_known (path, peer, via))
        continue;
      best = via;
      best_ms = sum;
      best_class = via_class;
    }
  return best;
}

static gboolean
unreached (const Peer *peer)
{
  return peer->link != LINK_UP && peer->link != LINK_UNKNOWN && (!peer->pair || peer->pair->how == SCOPE_PATH_DIRECT);
}

/* Its link works, but we reach it over a third relay, since that is faster or the link was to be left alone for a while. */
static gboolean
could_be_leg (const Peer *leg, const Peer *peer)
{
  return leg != peer && leg->link == LINK_UP && !leg->lossy && leg->pair && leg->pair->used_how == SCOPE_PATH_VIA &&
         (!peer->pair->n_legs || has_leg (peer->pair, leg));
}

/* It has been made, and is to be used soon. */
static gboolean
leg_comes (ScopePath *path, const Peer *peer)
{
  for (guint i = 0; i < path->relays->len; i++)
    {
      const Peer *leg = g_ptr_array_index (path->relays, i);

      if (could_be_leg (leg, peer) && leg->pair->how == SCOPE_PATH_DIRECT)
        return TRUE;
    }
  return FALSE;
}

/* There is no relay that both reach directly: one is needed. */
static void
make_leg (ScopePath *path, Peer *peer)
{
  Peer *best = NULL;
  guint best_ms = 0;

  if (leg_comes (path, peer))
    return;

  for (guint i = 0; i < path->relays->len; i++)
    {
      Peer *leg = g_ptr_array_index (path->relays, i);
      guint ms;

      if (!could_be_leg (leg, peer))
        continue;
      ms = via_ms (path, peer, leg) + UNKNOWN_MS * relay_class (leg);
      if (best && (ms > best_ms || (ms == best_ms && scope_key_compare (&leg->key, &best->key) > 0)))
        continue;
      best = leg;
      best_ms = ms;
    }
  if (!best)
    return;
  best->pair->made_until = path->now + REFUSED_MS;
  best->pair->kept_until = MAX (best->pair->kept_until, best->pair->made_until);
  path_arm (path, best, best->pair->kept_until);
  pair_write (path, best, SCOPE_PATH_DIRECT, NULL, plan_in (best));
}

/* The other end's legs: is there a way now where was none, or can one be made? */
void
relays_told (ScopePath *path, Peer *peer)
{
  Peer *via;

  if (peer->pair->how != SCOPE_PATH_DIRECT || peer->link != LINK_DOWN)
    return;
  via = best_via (path, peer, NULL);
  if (via && has_leg (peer->pair, via))
    pair_write (path, peer, SCOPE_PATH_VIA, via, 0);
  else
    make_leg (path, peer);
}

/*
 * What we have does not work, or not for the other end. @say: it must hear of it even if there is nothing else; @told: it
 * has told its legs just now
 */
void
relays_choose_again (ScopePath *path, Peer *peer, gboolean say, gboolean told)
{
  gboolean up = peer->link == LINK_UP && !peer->lossy;
  Peer *via = NULL;

  /* A link that is to be left alone is still better than trying third relays one by one. */
  if (up && (!scope_hold_active (&peer->hold, path->now) || (peer->pair->refusals && peer->pair->refusals->len > 1)))
    {
      pair_write (path, peer, SCOPE_PATH_DIRECT, NULL, 0);
      return;
    }
  via = best_via (path, peer, NULL);
  if (via && told && has_not_leg (peer->pair, via))
    {
      make_leg (path, peer);
      via = NULL;
    }
  if (via)
    pair_write (path, peer, SCOPE_PATH_VIA, via, 0);
  else if (say || peer->link == LINK_UP)
    pair_write (path, peer, SCOPE_PATH_DIRECT, NULL, 0);
}

/* The direct link to @peer is gone, here or there. @say: it may not know */
void
relays_lost (ScopePath *path, Peer *peer, gboolean say)
{
  Pair *pair = pair_of (peer);
  Peer *via;

  if (pair->how != SCOPE_PATH_DIRECT)
    {
      pair_use_now (path, peer);
      return;
    }
  via = best_via (path, peer, NULL);
  if (via && has_not_leg (pair, via) && leg_comes (path, peer))
    return;
  if (via && !(peer->lossy && via->lossy))
    pair_write (path, peer, SCOPE_PATH_VIA, via, 0);
  if (via || peer->link != LINK_DOWN)
    return;
  make_leg (path, peer);
  if (say && path->relays->len > 1 && !pair->unsaid)
    pair_resay (path, peer, FALSE); /* perhaps they know one */
}

/* Packets for others that went over @leg. */
void
relays_leg_lost (ScopePath *path, Peer *leg)
{
  for (guint i = 0; i < path->relays->len; i++)
    {
      Peer *peer = g_ptr_array_index (path->relays, i);

      if (peer->pair && peer->pair->how == SCOPE_PATH_VIA && peer->pair->via == leg && !relays_leg (path, leg))
        relays_choose_again (path, peer, TRUE, FALSE);
    }
}

void
relays_leg_found (ScopePath *path)
{
  path->legs_at = MIN (path->legs_at, path->now + BATCH_MS);
  path->deadline = MIN (path->deadline, path->legs_at);
}

/* Is there something better, by the table? The lower key proposes. */
void
relays_review (ScopePath *path, Peer *peer)
{
  Pair *pair = pair_of (peer);
  guint32 direct = relays_ms (path, path->self, peer);
  guint now_ms, limit = direct;
  Peer *via;

  if (!is_chair (path, peer) || pair->unsaid || !peer->member)
    return;
  if (pair->how == SCOPE_PATH_DIRECT)
    {
      if (peer->link != LINK_UP || direct == NONE || pair->kept_until > path->now || relays_needs (path, peer))
        return;
      via = best_via (path, peer, &limit);
      if (via)
        pair_write (path, peer, SCOPE_PATH_VIA, via, plan_in (peer));
      return;
    }
  now_ms = via_ms (path, peer, pair->via);
  if (peer->link == LINK_UP && !peer->lossy && !scope_hold_active (&peer->hold, path->now) &&
      (direct == NONE || direct <= now_ms || relay_class (pair->via) > 0))
    pair_write (path, peer, SCOPE_PATH_DIRECT, NULL, plan_in (peer));
  else
    {
      limit = relay_class (pair->via) ? G_MAXUINT : now_ms;
      via = best_via (path, peer, &limit);
      if (via && via != pair->via)
        pair_write (path, peer, SCOPE_PATH_VIA, via, plan_in (peer));
    }
}

/* @third has become a pipe, or is none any more. */
void
relays_tier (ScopePath *path, Peer *third)
{
  for (guint i = 0; i < path->relays->len; i++)
    {
      Peer *peer = g_ptr_array_index (path->relays, i);

      if (peer->pair && peer->pair->how == SCOPE_PATH_VIA && (third->pipe ? peer->pair->via == third : peer->pair->via->pipe))
        relays_review (path, peer);
    }
}

/*
 * Nobody knows a way, and both have said so. What was told may be old, or a refusal; so from time to time each tells what
 * it has now, and whoever sees a way writes it. Nothing is switched for that.
 */
void
relays_no_way (ScopePath *path, Peer *peer)
{
  Pair *pair = peer->pair;

  if (pair->unsaid)
    return; /* it is being said */
  if (!scope_role_is_relay (path->role) || pair->how != SCOPE_PATH_DIRECT || peer->link != LINK_DOWN || path->relays->len < 2)
    {
      pair->again_at = 0;
      return;
    }
  if (!pair->again_at)
    {
      pair->again = AGAIN_MIN_MS;
      pair->again_at = path->now + pair->again;
    }
  else if (pair->again_at <= path->now)
    {
      pair_resay (path, peer, FALSE);
      pair->again = MIN (pair->again * 2, AGAIN_MAX_MS);
      pair->again_at = path->now + pair->again;
    }
  path_arm (path, peer, pair->again_at);
}

/* Relays that we reach directly, best first; those last that the other end did not have. */
guint
relays_legs (ScopePath *path, Peer *peer, ScopeKey *legs)
{
  guint ms[SCOPE_PATH_MESSAGE_MAX_LEGS], n = 0;

  for (guint i = 0; i < path->relays->len; i++)
    {
      Peer *leg = g_ptr_array_index (path->relays, i);
      guint sum, j;

      if (leg == peer || !relays_leg (path, leg))
        continue;
      sum = via_ms (path, peer, leg) + 100 * relay_class (leg);
      if (refused (peer->pair, leg, path->now)) /* they may make it theirs */
        sum += UNKNOWN_MS;
      if (n == SCOPE_PATH_MESSAGE_MAX_LEGS && sum >= ms[n - 1])
        continue;
      n = MIN (n + 1, SCOPE_PATH_MESSAGE_MAX_LEGS);
      for (j = n - 1; j > 0 && ms[j - 1] > sum; j--)
        {
          ms[j] = ms[j - 1];
          legs[j] = legs[j - 1];
        }
      ms[j] = sum;
      legs[j] = leg->key;
    }
  return n;
}

/* What has come takes effect. */
void
relays_table (ScopePath *path)
{
  g_autoptr (GPtrArray) peers = g_ptr_array_new ();
  guint n;

  for (guint i = 0; i < path->list->len; i++)
    ((Peer *) g_ptr_array_index (path->list, i))->index = G_MAXUINT;
  for (guint i = 0; i < path->n_coming; i++)
    {
      Peer *ends[2] = { path_peer (path, &path->coming[i].a), path_peer (path, &path->coming[i].b) };

      for (guint j = 0; j < 2; j++)
        if (ends[j]->index == G_MAXUINT)
          {
            ends[j]->index = peers->len;
            g_ptr_array_add (peers, ends[j]);
          }
    }
  n = path->n_table = peers->len;
  g_free (path->ms);
  g_free (path->direct);
  path->ms = g_new (guint32, (gsize) n * n);
  path->direct = g_new0 (guint8, (gsize) n * n);
  for (gsize i = 0; i < (gsize) n * n; i++)
    path->ms[i] = NONE;
  for (guint i = 0; i < path->n_coming; i++)
    {
      guint a = path_peer (path, &path->coming[i].a)->index, b = path_peer (path, &path->coming[i].b)->index;

      if (a != b)
        path->ms[a * n + b] = path->ms[b * n + a] = MIN (path->coming[i].ms, NONE - 1);
    }
  g_clear_pointer (&path->coming, g_free);
  path->n_coming = 0;
  path->coming_at = G_MAXINT64;
  for (guint i = 0; i < path->relays->len; i++)
    {
      Peer *peer = g_ptr_array_index (path->relays, i);

      if (peer->link == LINK_UP || (peer->pair && peer->pair->how == SCOPE_PATH_VIA))
        relays_review (path, peer);
    }
}

void
scope_path_table (ScopePath *path, gint64 now, const ScopeLatency *table, guint n, gint64 at)
{
  path->now = now;
  if (!scope_role_is_relay (path->role))
    return;
  g_free (path->coming);
  path->coming = g_memdup2 (table, n * sizeof *table);
  path->n_coming = n;
  path->coming_at = MAX (at, now);
  path->deadline = MIN (path->deadline, path->coming_at);
  if (at <= now)
    relays_table (path);
}

void
relays_tick (ScopePath *path)
{
  if (path->coming_at <= path->now)
    relays_table (path);
  if (path->legs_at > path->now)
    return;
  path->legs_at = G_MAXINT64;
  for (guint i = 0; i < path->relays->len; i++)
    {
      Peer *peer = g_ptr_array_index (path->relays, i);

      if (peer->member && unreached (peer))
        relays_lost (path, peer, TRUE);
    }
  pair_again (path);
}

gboolean
scope_path_least (ScopePath *path, const ScopeKey *dest, guint *sum, ScopeKey *source)
{
  Peer *peer = g_hash_table_lookup (path->peers, dest);

  if (!peer || !scope_role_is_relay (path->role) || !scope_role_is_relay (peer->role) || !peer->pair || peer->pair->used_how != SCOPE_PATH_VIA ||
      peer->pair->unsaid)
    return FALSE;
  *sum = via_ms (path, peer, peer->pair->used_via);
  *source = peer->pair->used_via->key;
  return TRUE;
}
