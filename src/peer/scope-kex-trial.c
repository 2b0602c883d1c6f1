/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-kex-private.h"

#include <string.h>

#define USE_MS 500
#define USE_CAP_MS 60000
#define USE_TRIES 16
#define TELL_TRIES 4
#define GUARD_MS 1000
#define CLOCK_MS 1000
#define QUIET_MS 1000
#define READD_AGAIN_MS 375 /* longer than a round trip: it ends a handshake that is under way */
#define READD_MS 750       /* with going back and another handshake no more than a second without a session */
#define READD_LOOK_MS 125
#define DUE_MS 6000 /* a handshake that is due: WireGuard has tried twice; with the 5 s before it within the window */
#define HIGHER_LATER_MS 3000 /* the lower key decides first */
#define LOOK_MS 1000
#define LOOK_IDLE_MS 5000
#define LOOK_CAP_MS 60000
#define VERIFY_CAP_MS 300000
#define REWRITE_MS 2000
#define RETRY_MS 30000
#define REKEY_SEEN_MS 500 /* by then the renewal is through, when all is well */

static gboolean
look (Pair *pair, gint64 now, ScopeKexStats *stats)
{
  *stats = (ScopeKexStats) { 0 };
  if (!pair->kex->ops.look (&pair->key, stats, pair->kex->data))
    *stats = (ScopeKexStats) { 0 };
  return stats->handshake != 0 && now - stats->handshake < SESSION_MS;
}

/*
 * Whether that is a handshake with what was written last. WireGuard says by the machine's clock when it was, and that
 * may have been set back since; but a peer that we added has none from before.
 */
static gboolean
is_new (const Pair *pair, const ScopeKexStats *stats)
{
  return stats->handshake &&
         (pair->guard ? stats->handshake > pair->installed + pair->guard : stats->handshake >= pair->installed - CLOCK_MS);
}

static void
forget_marks (Pair *pair)
{
  pair->has_mark = FALSE;
  pair->attempted = 0;
  pair->tries[TIMER_LOOK] = 0;
}

/* The current key has just been written: from here on a handshake is waited for. */
static void
begin (Pair *pair, gint64 now, CurrentStage stage, gint64 guard)
{
  pair->stage = stage;
  pair->current->confirmed = FALSE;
  pair->installed = now;
  pair->guard = guard;
  pair->agreed = FALSE;
  pair->readded = FALSE;
  pair->readds = 0;
  pair->readd_due = FALSE;
  pair->rewrites = 0;
  forget_marks (pair);
  pair->at[TIMER_LOOK] = now + (stage == CURRENT_TRIAL ? SCOPE_KEX_CONFIRM_MS : LOOK_MS);
  pair->kex->dirty = TRUE;
}

static void
readd (Pair *pair, gint64 now)
{
  say_install (pair, SCOPE_KEX_READD, TRUE);
  pair->readded = TRUE;
  pair->readds++;
  pair->guard = 0;
  forget_marks (pair);
}

void
trial_repeat (Pair *pair, gint64 now)
{
  if (!pair->current || !pair->online)
    return;
  say_message (pair, SCOPE_KEX_USE, pair->current, 0, TRUE);
  if (pair->tries[TIMER_USE] < USE_TRIES)
    pair_arm (pair, TIMER_USE, now, USE_MS, USE_CAP_MS);
}

void
trial_ask (Pair *pair, gint64 now)
{
  pair_stop (pair, TIMER_USE);
  trial_repeat (pair, now);
}

void
trial_install_next (Pair *pair, gint64 now)
{
  Held *next = g_steal_pointer (&pair->next);
  gboolean first = !pair->current;

  pair->next_stage = NEXT_NONE;
  g_clear_pointer (&pair->offer, g_free);
  pair_stop (pair, TIMER_OFFER);
  pair_stop (pair, TIMER_SWITCH);
  pair->previous = g_steal_pointer (&pair->current);
  pair->current = next;
  pair->urgent = pair->hurry;
  pair->hurry = FALSE;
  pair->no_pending = FALSE;
  pair_stop (pair, TIMER_NO);
  begin (pair, now, first ? CURRENT_VERIFY : CURRENT_TRIAL, first ? 0 : GUARD_MS);
  if (first)
    {
      pair->has_mark = TRUE;
      pair->mark = (ScopeKexStats) { 0 };
      pair->marked = now;
    }
  say_install (pair, first ? SCOPE_KEX_FIRST : SCOPE_KEX_IN_PLACE, first && !pair->decapsulated);
  pair_prune (pair, now);
  trial_ask (pair, now);
}

static void
confirmed (Pair *pair, gint64 now, gboolean here)
{
  gboolean was = pair->current->confirmed && pair->stage == CURRENT_SETTLED;

  pair->current->confirmed = TRUE;
  pair->current->failed = FALSE;
  pair->current->common = TRUE;
  pair->stage = CURRENT_SETTLED;
  pair->previous = NULL;
  pair->urgent = FALSE;
  pair->acked = TRUE;
  pair_stop (pair, TIMER_LOOK);
  pair_stop (pair, TIMER_OK);
  if (was)
    return;
  pair->kex->dirty = TRUE;
  /* A responder sees a handshake only with the first data; so who has seen it says so, and the lower key asks. */
  if (here && pair->lower)
    trial_ask (pair, now);
  else if (here && pair->online)
    say_message (pair, SCOPE_KEX_USE, pair->current, 0, FALSE);
  pair_prune (pair, now);
  pair_consider (pair, now);
}

/* The newest key besides the current one that both ends have and that did not fail; with @failed, even that. */
static Held *
find_common (Pair *pair)
{
  if (pair->previous && pair->previous->common && !pair->previous->failed)
    return pair->previous;
  for (guint i = 0; i < pair->held->len; i++)
    {
      Held *held = g_ptr_array_index (pair->held, i);
      if (held != pair->current && held != pair->next && held->common && !held->failed)
        return held;
    }
  return NULL;
}

/*
 * Goes to a key that both ends have. Only the lower key makes a new handshake, only when no session would be lost, and
 * not before the other end is there: @alone, when it is not.
 */
static void
switch_to (Pair *pair, gint64 now, Held *held, gboolean alone)
{
  ScopeKexStats stats;
  gboolean live = look (pair, now, &stats);

  pair->current = held;
  pair->previous = NULL;
  pair->urgent = FALSE;
  held->failed = FALSE;
  begin (pair, now, CURRENT_VERIFY, GUARD_MS);
  pair->readd_due = pair->lower && !live && alone;
  if (pair->lower && !live && !alone)
    readd (pair, now);
  else
    say_install (pair, SCOPE_KEX_IN_PLACE, FALSE);
}

static void
revert (Pair *pair, gint64 now, const char *why, gboolean tell)
{
  Held *failed = pair->current, *target = find_common (pair);

  if (pair->reverts_epoch != failed->epoch)
    {
      pair->reverts_epoch = failed->epoch;
      pair->reverts = pair->rekeys = 0;
    }
  if (!target)
    {
      say_log (pair, "key of epoch %" G_GUINT64_FORMAT " not confirmed (%s), and no other to go back to", failed->epoch,
               why);
      pair->stage = CURRENT_VERIFY;
      forget_marks (pair);
      pair->at[TIMER_LOOK] = now + LOOK_MS;
      return;
    }
  pair->reverts++;
  say_log (pair, "key of epoch %" G_GUINT64_FORMAT " not confirmed (%s): back to the one of epoch %" G_GUINT64_FORMAT
           ", time %u of %d", failed->epoch, why, target->epoch, pair->reverts, MAX_REVERTS);
  switch_to (pair, now, target, tell);
  failed->failed = TRUE;
  if (pair->lower)
    pair->at[TIMER_RETRY] = now + (RETRY_MS << MIN (pair->reverts, MAX_REVERTS));
  if (tell)
    {
      pair->no_pending = TRUE;
      pair->no_id = failed->id;
      pair_stop (pair, TIMER_NO);
      if (pair->online)
        {
          say_message (pair, SCOPE_KEX_NO, failed, 0, FALSE);
          pair_arm (pair, TIMER_NO, now, USE_MS, LOOK_CAP_MS);
        }
    }
  trial_ask (pair, now);
}

/* The sender of old data can know better than we: what is certain is only that somebody tried. */
static gboolean
somebody_tried (const ScopeKexStats *mark, const ScopeKexStats *stats, gboolean live, gint64 age)
{
  gboolean rx = stats->rx != mark->rx, tx = stats->tx != mark->tx;

  if (!live)
    return tx;
  return age >= REKEY_RECEIVE_MS + LOOK_MS ? rx || tx : rx && tx;
}

static void
look_after_readd (Pair *pair, gint64 now)
{
  if (now - pair->installed >= READD_MS)
    {
      revert (pair, now, "no handshake within 750 ms", TRUE);
      return;
    }
  if (pair->readds == 1 && now - pair->installed >= READD_AGAIN_MS)
    readd (pair, now);
  pair->at[TIMER_LOOK] = MIN (now + READD_LOOK_MS, pair->installed + READD_MS);
}

static void
begin_readd (Pair *pair, gint64 now)
{
  pair->installed = now;
  readd (pair, now);
  pair->at[TIMER_LOOK] = now + READD_LOOK_MS;
}

/* A handshake was due in vain. */
static void
fail (Pair *pair, gint64 now)
{
  if (pair->stage == CURRENT_TRIAL)
    {
      revert (pair, now, "a handshake was due, and none came", TRUE);
      return;
    }
  say_install (pair, SCOPE_KEX_IN_PLACE, FALSE);
  pair->rewrites++;
  forget_marks (pair);
  pair->at[TIMER_LOOK] = now + MIN (REWRITE_MS << MIN (pair->rewrites, 8), VERIFY_CAP_MS);
}

void
trial_look (Pair *pair, gint64 now)
{
  gint64 wait = (pair->stage == CURRENT_TRIAL ? DUE_MS : SCOPE_KEX_CONFIRM_MS) + (pair->lower ? 0 : HIGHER_LATER_MS);
  ScopeKexStats stats;
  gboolean live, moved;
  gint64 age;

  if (!pair->current || pair->stage == CURRENT_SETTLED)
    return;
  live = look (pair, now, &stats);
  age = now - stats.handshake;
  if (is_new (pair, &stats))
    {
      confirmed (pair, now, TRUE);
      return;
    }
  if (pair->stage == CURRENT_TRIAL && !pair->agreed)
    {
      if (now - pair->installed >= SCOPE_KEX_CONFIRM_MS)
        revert (pair, now, "the other end does not say that it uses it", TRUE);
      else
        pair->at[TIMER_LOOK] = pair->installed + SCOPE_KEX_CONFIRM_MS;
      return;
    }
  if (pair->stage == CURRENT_TRIAL && pair->lower && pair->readded)
    {
      look_after_readd (pair, now);
      return;
    }
  if (pair->stage == CURRENT_TRIAL && pair->lower && pair->urgent)
    {
      begin_readd (pair, now);
      return;
    }

  if (live && age < REKEY_MS + REKEY_SEEN_MS)
    {
      forget_marks (pair);
      pair->at[TIMER_LOOK] = stats.handshake + REKEY_MS + REKEY_SEEN_MS;
      return;
    }
  if (!pair->has_mark)
    {
      pair->has_mark = TRUE;
      pair->mark = stats;
      pair->marked = now;
      pair->at[TIMER_LOOK] = now + LOOK_MS;
      return;
    }
  moved = stats.rx != pair->mark.rx || stats.tx != pair->mark.tx;
  if (!pair->attempted && somebody_tried (&pair->mark, &stats, live, age))
    pair->attempted = now;
  /* Nothing is lost by writing the same key once more, when there is no session. */
  if (pair->stage == CURRENT_VERIFY && !live)
    wait = REWRITE_MS;
  if (pair->attempted && now - pair->attempted >= wait)
    fail (pair, now);
  else if (pair->attempted)
    pair->at[TIMER_LOOK] = now + LOOK_MS;
  else if (pair->stage == CURRENT_TRIAL && pair->lower && !live && !moved && now - pair->marked >= QUIET_MS)
    begin_readd (pair, now);
  else if (live && pair->lower)
    {
      pair->at[TIMER_LOOK] = MIN (now + LOOK_IDLE_MS, stats.handshake + SESSION_MS + 1);
      pair->mark = moved ? pair->mark : stats;
    }
  else if (pair->online || pair->stage == CURRENT_TRIAL)
    pair_arm (pair, TIMER_LOOK, now, moved || pair->lower ? LOOK_MS : LOOK_IDLE_MS,
              pair->stage == CURRENT_TRIAL ? LOOK_CAP_MS : VERIFY_CAP_MS);
}

/* The other end uses our current key. */
static void
on_agreed (Pair *pair, gint64 now, const ScopeKexMessage *message)
{
  ScopeKexStats stats;

  pair->current->common = TRUE;
  pair->acked = TRUE;
  pair_stop (pair, TIMER_OK);
  /* Whether what we wrote last works only our own WireGuard can show; a new key cannot work at one end alone. */
  if (message->confirmed && pair->stage == CURRENT_TRIAL)
    confirmed (pair, now, FALSE);
  if (!pair->current->confirmed || message->confirmed || !pair->lower || pair->tries[TIMER_USE] > TELL_TRIES)
    pair_stop (pair, TIMER_USE);
  if (pair->agreed || pair->stage == CURRENT_SETTLED)
    return;
  pair->agreed = TRUE;
  if (pair->stage == CURRENT_TRIAL)
    trial_look (pair, now);
  else if (pair->readd_due && !look (pair, now, &stats))
    readd (pair, now); /* when we went back the other end was not there yet */
  pair->readd_due = FALSE;
}

/* The other end shows that it has none of our keys, or says so. */
static void
on_strange_use (Pair *pair, gint64 now, const ScopeKexMessage *message)
{
  if (!pair->current)
    return;
  if (message->answer && pair->online)
    say_message (pair, SCOPE_KEX_USE, pair->current, 0, FALSE);
  if (pair->lower && !pair->next && !pair->wanted)
    {
      pair->wanted = TRUE;
      if (pair->at[TIMER_USE] == G_MAXINT64)
        trial_ask (pair, now);
    }
  say_refused (pair, now, REFUSED_MESSAGE_KEY, "kex.use refused: of keys that we do not have");
}

static gboolean
in_list (const ScopeKexMessage *message, const Held *held)
{
  for (guint i = 0; i < message->n_keys; i++)
    if (memcmp (&message->keys[i].id, &held->id, sizeof held->id) == 0)
      return TRUE;
  return FALSE;
}

/* Every key that we have too must have a good MAC. */
static gboolean
verify_use (Pair *pair, gint64 now, const ScopeKexMessage *message)
{
  gboolean any = FALSE;

  for (guint i = 0; i < message->n_keys; i++)
    {
      Held *held = held_find (pair, &message->keys[i].id);

      if (!held)
        continue;
      if (!say_mac_ok (pair, message, &message->keys[i], held))
        {
          say_refused (pair, now, REFUSED_MESSAGE_MAC, "kex.use refused: wrong MAC");
          return FALSE;
        }
      if (message->n <= held->heard)
        {
          say_old (pair, now, message, held);
          return FALSE;
        }
      any = TRUE;
    }
  if (!any)
    {
      on_strange_use (pair, now, message);
      return FALSE;
    }
  for (guint i = 0; i < pair->held->len; i++)
    {
      Held *held = g_ptr_array_index (pair->held, i);
      gboolean listed = in_list (message, held);

      if (listed)
        held->heard = message->n;
      if (listed || held != pair->next)
        held->common = listed;
    }
  return TRUE;
}

/* It uses another key than we do: the lower key decides, as long as the other has it. */
static void
on_disagreed (Pair *pair, gint64 now, Held *theirs)
{
  Held *common;

  if (!pair->lower)
    {
      /* Between our instant and theirs the lower key still says the old one. */
      if (theirs && !(pair->stage == CURRENT_TRIAL && !pair->agreed && theirs == pair->previous))
        switch_to (pair, now, theirs, FALSE);
      return;
    }
  if (!pair->current->common && (common = theirs ? theirs : find_common (pair)))
    switch_to (pair, now, common, common != theirs);
  if (pair->at[TIMER_USE] == G_MAXINT64)
    trial_ask (pair, now);
}

void
trial_handle_use (Pair *pair, gint64 now, const ScopeKexMessage *message)
{
  Held *theirs;

  if (!verify_use (pair, now, message))
    return;
  pair->wanted = FALSE;
  theirs = held_find (pair, &message->id);
  if (pair->no_pending && memcmp (&message->id, &pair->no_id, sizeof message->id) != 0)
    {
      pair->no_pending = FALSE;
      pair_stop (pair, TIMER_NO);
    }
  if (theirs && theirs == pair->next)
    trial_install_next (pair, now);
  if (!pair->current)
    return;
  if (theirs == pair->current)
    on_agreed (pair, now, message);
  else
    on_disagreed (pair, now, theirs);
  if (message->answer && pair->online)
    say_message (pair, SCOPE_KEX_USE, pair->current, 0, FALSE);
}

void
trial_handle_no (Pair *pair, gint64 now, Held *held)
{
  if (held == pair->next)
    pair_drop_next (pair);
  else if (held == pair->current && !(pair->lower && pair->stage == CURRENT_SETTLED && held->confirmed))
    revert (pair, now, "it does not work for the other end", FALSE);
  if (pair->current && pair->online)
    say_message (pair, SCOPE_KEX_USE, pair->current, 0, FALSE);
}
