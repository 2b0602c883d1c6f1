/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-kex-private.h"

#include <string.h>

#define OFFER_MS 1000
#define OFFER_CAP_MS 60000
#define OK_MS 1000
#define OK_CAP_MS 15000
#define OK_TRIES 20
#define WANT_MS 5000
#define WANT_NEWCOMER_MS 15000 /* the other end asks first */
#define WANT_CAP_MS 300000
#define EFFECTIVE_MS 60000
#define HURRY_MS 500
#define ALONE_MS 15000
#define BEFORE_REKEY_MS 115000 /* a session this old is about to be renewed: in time also for who is a little late */
#define ROTATE_MS 1000
#define ROTATE_TRIES 6
#define ROTATE_AGAIN_MS 10000
#define ASKED_IN_VAIN 2

void
held_free (Held *held)
{
  pair_keys_clear (&held->keys);
  g_free (held);
}

Held *
held_new (Pair *pair, gint64 now, guint64 epoch, const ScopeKemKeys *keys)
{
  Held *held = g_new0 (Held, 1);
  guint8 mac[SCOPE_KEX_MAC_LEN];

  held->epoch = epoch;
  held->keys = *keys;
  held->created = kex_registry_ms (pair->kex, now);
  pair->kex->ops.confirm (keys, "scope kex id v1", mac);
  memcpy (held->id.bytes, mac, sizeof held->id.bytes);
  return held;
}

Held *
held_find (Pair *pair, const ScopeKexId *id)
{
  for (guint i = 0; i < pair->held->len; i++)
    {
      Held *held = g_ptr_array_index (pair->held, i);
      if (memcmp (&held->id, id, sizeof *id) == 0)
        return held;
    }
  return NULL;
}

static gboolean
held_is_old (Pair *pair, gint64 now, const Held *held)
{
  const Held *newest = g_ptr_array_index (pair->held, 0);

  return newest->epoch >= held->epoch + SCOPE_KEX_EPOCHS_KEPT ||
         kex_registry_ms (pair->kex, now) - held->created > SCOPE_KEX_MAX_AGE_MS;
}

void
pair_prune (Pair *pair, gint64 now)
{
  for (guint i = pair->held->len; i-- > 0;)
    {
      Held *held = g_ptr_array_index (pair->held, i);

      if (held == pair->current || held == pair->previous || held == pair->next)
        {
          if (held == pair->previous && held_is_old (pair, now, held))
            pair->previous = NULL;
          else
            continue;
        }
      if (pair->held->len > MAX_HELD || held_is_old (pair, now, held))
        g_ptr_array_remove_index (pair->held, i);
    }
}

void
pair_arm (Pair *pair, Timer timer, gint64 now, gint64 base, gint64 cap)
{
  guint tries = MIN (pair->tries[timer], 10);

  pair->at[timer] = now + MIN (base << tries, cap);
  if (pair->tries[timer] < G_MAXUINT8)
    pair->tries[timer]++;
}

void
pair_stop (Pair *pair, Timer timer)
{
  pair->at[timer] = G_MAXINT64;
  pair->tries[timer] = 0;
}

void
pair_drop_next (Pair *pair)
{
  Held *next = g_steal_pointer (&pair->next);

  pair->next_stage = NEXT_NONE;
  g_clear_pointer (&pair->offer, g_free);
  pair->hurry = FALSE;
  pair_stop (pair, TIMER_OFFER);
  pair_stop (pair, TIMER_OK);
  pair_stop (pair, TIMER_SWITCH);
  if (next)
    g_ptr_array_remove (pair->held, next);
}

static void
set_next (Pair *pair, gint64 now, Held *held, NextStage stage)
{
  pair_drop_next (pair);
  pair->next = held;
  pair->next_stage = stage;
  g_ptr_array_insert (pair->held, 0, held);
  pair_prune (pair, now);
}

static void
send_offer (Pair *pair, gint64 now)
{
  ScopeKexAction *action;

  pair_arm (pair, TIMER_OFFER, now, OFFER_MS, OFFER_CAP_MS);
  if (!pair->online)
    return;
  action = say_action (pair->kex, SCOPE_KEX_SEND_CT, &pair->key);
  action->ct = g_memdup2 (pair->offer, sizeof *pair->offer);
}

void
pair_offer (Pair *pair, gint64 now, gboolean hurry)
{
  ScopeKex *kex = pair->kex;
  g_autofree ScopeKexCt *ct = g_new0 (ScopeKexCt, 1);
  g_autoptr (GError) error = NULL;
  g_auto (PairKeys) keys = { 0 };
  ScopeKemContext context = {
    .network = kex->network,
    .epoch = pair->kem_epoch,
    .encapsulator = kex->own,
    .decapsulator = pair->key,
  };

  ct->from = kex->own;
  ct->to = pair->key;
  ct->epoch = pair->kem_epoch;
  memcpy (ct->kem_digest, pair->kem_digest, sizeof ct->kem_digest);
  ct->issued = pair->offered = MAX (kex_registry_ms (kex, now) / 1000, pair->offered + 1);
  if (!kex->ops.encapsulate (pair->kem, &context, ct->ct, &keys, &error))
    {
      say_refused (pair, now, REFUSED_KEY_BROKEN, "its KEM key of epoch %" G_GUINT64_FORMAT " is none: %s",
                   pair->kem_epoch, error->message);
      pair->has_kem = FALSE;
      return;
    }
  set_next (pair, now, held_new (pair, now, ct->epoch, &keys), NEXT_OFFERED);
  pair->offer = g_steal_pointer (&ct);
  pair->decapsulated = FALSE;
  pair->hurry = hurry;
  pair->wanted = FALSE;
  pair_stop (pair, TIMER_RETRY);
  send_offer (pair, now);
}

/* Whether a ciphertext of ours is due, and if so makes it. */
void
pair_consider (Pair *pair, gint64 now)
{
  guint64 epoch = pair->kem_epoch;

  if (!pair->online || !pair->has_kem || pair->next || !kex_epoch_near (pair->kex, now, epoch))
    return;
  if (pair->current)
    {
      if (!pair->lower || pair->stage == CURRENT_TRIAL || epoch <= pair->current->epoch)
        return;
      if (pair->reverts_epoch == epoch &&
          (pair->reverts >= MAX_REVERTS || pair->at[TIMER_RETRY] != G_MAXINT64))
        return;
    }
  else if (!pair->newcomer && !pair->wanted)
    return;
  pair_offer (pair, now, FALSE);
}

/* Whether the other end owes us a ciphertext; if so, it is asked for one when none comes. */
void
pair_expect (Pair *pair, gint64 now)
{
  ScopeKex *kex = pair->kex;
  gboolean expects = pair->online && kex->n_mine > 0 && !pair->next &&
                     (pair->current ? !pair->lower &&
                                        kex->mine[0].key.epoch > pair->current->epoch &&
                                        !(pair->reverts_epoch == kex->mine[0].key.epoch && pair->reverts > 0)
                                    : TRUE);

  if (!expects)
    pair_stop (pair, TIMER_WANT);
  else if (pair->at[TIMER_WANT] == G_MAXINT64)
    pair_arm (pair, TIMER_WANT, now, !pair->current && pair->newcomer ? WANT_NEWCOMER_MS : WANT_MS, WANT_CAP_MS);
}

/*
 * When both shall install: a little before WireGuard renews the session by itself, so that the renewal shows that
 * the new key works. A session that is older than it should be is not renewed: nothing is sent.
 */
static guint32
pick_in (Pair *pair, gint64 now)
{
  ScopeKexStats stats = { 0 };
  gint64 age;

  if (!pair->kex->ops.look (&pair->key, &stats, pair->kex->data) || stats.handshake == 0)
    return EFFECTIVE_MS;
  age = now - stats.handshake;
  if (age < 0 || age > REKEY_MS + 5000)
    return EFFECTIVE_MS;
  if (age + EFFECTIVE_MS <= BEFORE_REKEY_MS)
    return BEFORE_REKEY_MS - age;
  return MAX (EFFECTIVE_MS, REKEY_MS + BEFORE_REKEY_MS - age);
}

static void
send_ok (Pair *pair, gint64 now)
{
  Held *held = pair->next ? pair->next : pair->current;
  gint64 in = !pair->current || pair->at[TIMER_SWITCH] == G_MAXINT64 ? 0 : MAX (0, pair->at[TIMER_SWITCH] - now);

  pair_arm (pair, TIMER_OK, now, OK_MS, OK_CAP_MS);
  if (pair->online)
    say_message (pair, SCOPE_KEX_OK, held, MIN (in, SCOPE_KEX_MESSAGE_MAX_IN), FALSE);
}

static const Own *
find_own (Pair *pair, gint64 now, const ScopeKexCt *ct)
{
  ScopeKex *kex = pair->kex;

  if (!kex_epoch_near (kex, now, ct->epoch))
    {
      say_refused (pair, now, REFUSED_CT_EPOCH, "ciphertext of epoch %" G_GUINT64_FORMAT " refused: not about now",
                   ct->epoch);
      return NULL;
    }
  for (guint i = 0; i < kex->n_mine; i++)
    if (kex->mine[i].key.epoch == ct->epoch && memcmp (kex->mine[i].digest, ct->kem_digest, 32) == 0)
      return &kex->mine[i];
  say_refused (pair, now, REFUSED_CT_KEM,
               "ciphertext of epoch %" G_GUINT64_FORMAT " refused: for a KEM key that is not ours", ct->epoch);
  if (pair->online && (pair->at[TIMER_WANT] == G_MAXINT64 || pair->at[TIMER_WANT] - now > WANT_MS))
    {
      say_want (pair);
      pair->at[TIMER_WANT] = now + WANT_MS;
    }
  return NULL;
}

static gboolean
is_replay (Pair *pair, gint64 now, const ScopeKexCt *ct, const guint8 *digest)
{
  guint n = 0;

  for (guint i = pair->seen->len; i-- > 0;)
    {
      const SeenCt *seen = &g_array_index (pair->seen, SeenCt, i);

      if (seen->epoch + SCOPE_KEX_EPOCHS_KEPT < ct->epoch)
        {
          g_array_remove_index_fast (pair->seen, i);
          continue;
        }
      n += seen->epoch == ct->epoch;
      if (memcmp (seen->digest, digest, 32) == 0)
        {
          say_refused (pair, now, REFUSED_CT_REPLAY,
                       "ciphertext of epoch %" G_GUINT64_FORMAT " refused: it came before", ct->epoch);
          return TRUE;
        }
    }
  if (n < MAX_CTS)
    return FALSE;
  say_refused (pair, now, REFUSED_CT_MANY, "ciphertext of epoch %" G_GUINT64_FORMAT " refused: %d came before",
               ct->epoch, MAX_CTS);
  return TRUE;
}

/* The ciphertext that we wait with, or that we use while the other end may not know it yet. */
static gboolean
is_unanswered (Pair *pair, const guint8 *digest)
{
  if (!pair->decapsulated || memcmp (pair->ct, digest, 32) != 0)
    return FALSE;
  return pair->next ? pair->next_stage == NEXT_AGREED : !pair->acked && pair->current;
}

void
pair_handle_ct (Pair *pair, gint64 now, const ScopeKexCt *ct)
{
  ScopeKex *kex = pair->kex;
  g_auto (PairKeys) keys = { 0 };
  g_autoptr (GError) error = NULL;
  SeenCt seen = { .epoch = ct->epoch };
  const Own *mine;
  ScopeKemContext context = {
    .network = kex->network,
    .epoch = ct->epoch,
    .encapsulator = pair->key,
    .decapsulator = kex->own,
  };

  if (!scope_key_equal (&ct->to, &kex->own))
    {
      say_refused (pair, now, REFUSED_CT_OTHER, "ciphertext refused: it is for somebody else");
      return;
    }
  mine = find_own (pair, now, ct);
  if (!mine)
    return;
  kex_digest (kex, ct->ct, sizeof ct->ct, seen.digest);
  if (is_unanswered (pair, seen.digest))
    {
      send_ok (pair, now);
      return;
    }
  if (is_replay (pair, now, ct, seen.digest))
    return;
  /* One that the other end has given up since, and that came late. */
  if (pair->next_stage == NEXT_AGREED && pair->decapsulated &&
      (ct->epoch < pair->next->epoch || (ct->epoch == pair->next->epoch && ct->issued <= pair->ct_issued)))
    {
      say_refused (pair, now, REFUSED_CT_OLD, "ciphertext of epoch %" G_GUINT64_FORMAT " refused: a newer one is here",
                   ct->epoch);
      return;
    }
  /* Both encapsulated: the lower key's ciphertext counts. */
  if (pair->next_stage == NEXT_OFFERED && pair->lower)
    {
      pair->at[TIMER_OFFER] = MIN (pair->at[TIMER_OFFER], now + OFFER_MS / 4);
      return;
    }
  g_array_append_val (pair->seen, seen);
  if (!kex->ops.decapsulate (mine->secret, &context, ct->ct, &keys, &error))
    {
      say_refused (pair, now, REFUSED_CT_BROKEN, "ciphertext of epoch %" G_GUINT64_FORMAT " refused: %s", ct->epoch,
                   error->message);
      return;
    }

  set_next (pair, now, held_new (pair, now, ct->epoch, &keys), NEXT_AGREED);
  memcpy (pair->ct, seen.digest, sizeof pair->ct);
  pair->ct_issued = ct->issued;
  pair->decapsulated = TRUE;
  pair->acked = FALSE;
  pair->wanted = FALSE;
  pair_stop (pair, TIMER_WANT);
  pair_stop (pair, TIMER_ROTATE);
  /* Nothing to lose: we have no key; or the other end has none, as only a newcomer with the higher key encapsulates. */
  if (!pair->current && pair->newcomer)
    pair->at[TIMER_SWITCH] = now + ALONE_MS; /* the other end may still have one: it goes first */
  else if (!pair->current || pair->lower)
    {
      pair->at[TIMER_SWITCH] = now;
      trial_install_next (pair, now);
    }
  else
    pair->at[TIMER_SWITCH] = now + pick_in (pair, now);
  send_ok (pair, now);
}

/* The decapsulator has the key that we made. */
void
pair_handle_ok (Pair *pair, gint64 now, const ScopeKexMessage *message, Held *held)
{
  held->common = TRUE;
  if (held == pair->next && !pair->decapsulated)
    {
      gint64 at = now + (pair->hurry ? MIN (message->in, HURRY_MS) : message->in);

      if (pair->next_stage == NEXT_OFFERED)
        {
          pair->next_stage = NEXT_AGREED;
          pair->at[TIMER_SWITCH] = at;
          pair_stop (pair, TIMER_OFFER);
        }
      /*
       * Each message took some time: the earliest is the most exact. Without a key we cannot wait: the other end, which
       * still has one, shall go at once, and when its kex.use says that it did, so do we.
       */
      pair->at[TIMER_SWITCH] = MIN (pair->at[TIMER_SWITCH], at);
      if (!pair->current)
        pair->at[TIMER_SWITCH] = MIN (pair->at[TIMER_SWITCH], now + ALONE_MS);
      say_message (pair, SCOPE_KEX_YES, held, pair->current ? MAX (0, pair->at[TIMER_SWITCH] - now) : 0, pair->hurry);
      if (pair->at[TIMER_SWITCH] <= now)
        trial_install_next (pair, now);
    }
  else if (held == pair->current)
    say_message (pair, SCOPE_KEX_YES, held, 0, FALSE);
  else
    trial_ask (pair, now);
}

/* The encapsulator knows that we have the key. */
void
pair_handle_yes (Pair *pair, gint64 now, const ScopeKexMessage *message, Held *held)
{
  held->common = TRUE;
  if ((held != pair->next && held != pair->current) || !pair->decapsulated)
    return;
  pair->acked = TRUE;
  pair_stop (pair, TIMER_OK);
  if (held != pair->next)
    return;
  pair->hurry |= message->hurry;
  pair->at[TIMER_SWITCH] = MIN (pair->at[TIMER_SWITCH], now + message->in);
  if (pair->at[TIMER_SWITCH] <= now)
    trial_install_next (pair, now);
}

void
pair_handle_rotate (Pair *pair, gint64 now, const ScopeKexMessage *message, Held *held)
{
  if (!pair->lower || held != pair->current)
    return;
  if (pair->rotated != G_MININT64 && now - pair->rotated < ROTATE_AGAIN_MS)
    {
      say_refused (pair, now, REFUSED_ROTATE, "asks for new keys too often: not now");
      return;
    }
  if (!pair->has_kem || !kex_epoch_near (pair->kex, now, pair->kem_epoch))
    return;
  pair->rotated = now;
  pair_offer (pair, now, message->hurry);
}

static void
on_use_timer (Pair *pair, gint64 now)
{
  guint64 epoch = pair->kem_epoch;

  /*
   * It asked for a ciphertext though we have a key, and does not know the key that we say: it has lost it. Nobody
   * can sign that, so it is believed only so often.
   */
  if (pair->wanted && !pair->next && pair->tries[TIMER_USE] > ASKED_IN_VAIN && pair->has_kem &&
      kex_epoch_near (pair->kex, now, epoch))
    {
      if (pair->reverts_epoch != epoch)
        {
          pair->reverts_epoch = epoch;
          pair->reverts = pair->rekeys = 0;
        }
      if (pair->rekeys++ < MAX_REKEYS)
        pair_offer (pair, now, FALSE);
      pair->wanted = FALSE;
    }
  trial_repeat (pair, now);
}

/* Everything that is due. */
void
pair_fire (Pair *pair, gint64 now)
{
  for (guint i = 0; i < N_TIMERS; i++)
    {
      if (pair->at[i] > now)
        continue;
      pair->at[i] = G_MAXINT64;
      switch ((Timer) i)
        {
        case TIMER_OFFER:
          if (!kex_epoch_near (pair->kex, now, pair->offer->epoch))
            pair_drop_next (pair);
          else
            send_offer (pair, now);
          break;
        case TIMER_OK:
          if (pair->tries[TIMER_OK] <= OK_TRIES)
            send_ok (pair, now);
          break;
        case TIMER_SWITCH:
          /* Who decapsulated goes only when it knows that the other end does. */
          if (!pair->decapsulated || pair->acked || !pair->current)
            trial_install_next (pair, now);
          break;
        case TIMER_USE:
          on_use_timer (pair, now);
          break;
        case TIMER_NO:
          {
            Held *held = held_find (pair, &pair->no_id);

            if (!held || !pair->no_pending)
              break;
            say_message (pair, SCOPE_KEX_NO, held, 0, FALSE);
            pair_arm (pair, TIMER_NO, now, 500, 30000);
          }
          break;
        case TIMER_WANT:
          say_want (pair);
          pair_arm (pair, TIMER_WANT, now, WANT_MS, WANT_CAP_MS);
          break;
        case TIMER_ROTATE:
          if (!pair->current || pair->tries[TIMER_ROTATE] >= ROTATE_TRIES)
            {
              pair_stop (pair, TIMER_ROTATE);
              break;
            }
          say_message (pair, SCOPE_KEX_ROTATE, pair->current, 0, pair->asks_hurry);
          pair_arm (pair, TIMER_ROTATE, now, ROTATE_MS, OFFER_CAP_MS);
          break;
        case TIMER_RETRY:
          pair_consider (pair, now);
          break;
        case TIMER_LOOK:
          trial_look (pair, now);
          break;
        case N_TIMERS:
          g_assert_not_reached ();
        }
    }
  pair_expect (pair, now);
}
