/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-kex-private.h"

#include <string.h>

#define JITTER_MS 30000
#define JOIN_DELAY_MS 300000
#define MAX_DELAYS 3

gint64
kex_registry_ms (ScopeKex *kex, gint64 now)
{
  return MAX (0, now + kex->offset);
}

guint64
scope_kex_epoch (ScopeKex *kex, gint64 now)
{
  return kex_registry_ms (kex, now) / 1000 / kex->epoch_seconds;
}

/* Clocks are wrong by minutes: the epochs before and after pass too. */
gboolean
kex_epoch_near (ScopeKex *kex, gint64 now, guint64 epoch)
{
  guint64 mine = scope_kex_epoch (kex, now);

  return epoch <= mine + 1 && epoch + 1 >= mine;
}

void
kex_digest (ScopeKex *kex, const guint8 *bytes, gsize len, guint8 *digest)
{
  g_autoptr (GBytes) wrapped = g_bytes_new_static (bytes, len);

  kex->ops.digest (wrapped, digest);
}

static void
pair_free (gpointer data)
{
  Pair *pair = data;

  g_free (pair->offer);
  g_ptr_array_unref (pair->held);
  g_array_unref (pair->seen);
  g_free (pair);
}

ScopeKex *
scope_kex_new (const ScopeKexOps *ops, gpointer data, const char *network, const ScopeKey *own, guint epoch_seconds)
{
  ScopeKex *kex = g_new0 (ScopeKex, 1);

  kex->ops = *ops;
  kex->data = data;
  kex->network = g_strdup (network);
  kex->own = *own;
  kex->epoch_seconds = MAX (1, epoch_seconds);
  kex->pairs = g_hash_table_new (scope_key_hash, scope_key_equal);
  kex->list = g_ptr_array_new_with_free_func (pair_free);
  kex->stranger_logged = G_MININT64;
  g_queue_init (&kex->actions);
  return kex;
}

static void
forget_own (Own *own)
{
  scope_kex_wipe (own, sizeof *own);
}

void
scope_kex_free (ScopeKex *kex)
{
  for (guint i = 0; i < G_N_ELEMENTS (kex->mine); i++)
    forget_own (&kex->mine[i]);
  g_queue_clear_full (&kex->actions, (GDestroyNotify) scope_kex_action_free);
  g_hash_table_unref (kex->pairs);
  g_ptr_array_unref (kex->list);
  g_free (kex->network);
  g_free (kex);
}

void
scope_kex_set_offset (ScopeKex *kex, gint64 offset)
{
  kex->offset = offset;
  kex->own_deadline = 0;
}

void
scope_kex_set_epoch_seconds (ScopeKex *kex, guint epoch_seconds)
{
  epoch_seconds = MAX (1, epoch_seconds);
  if (epoch_seconds == kex->epoch_seconds)
    return;
  kex->epoch_seconds = epoch_seconds;
  kex->own_deadline = 0;
  /* What we made is for an epoch that nobody else knows. */
  for (guint i = 0; i < G_N_ELEMENTS (kex->mine); i++)
    forget_own (&kex->mine[i]);
  kex->n_mine = 0;
  kex->broadcast_at = 0;
}

/* What an event left behind: who else is due now, and when next. */
static void
settle (Pair *pair, gint64 now)
{
  pair_expect (pair, now);
  pair->deadline = G_MAXINT64;
  for (guint i = 0; i < N_TIMERS; i++)
    pair->deadline = MIN (pair->deadline, pair->at[i]);
}

static Pair *
find_pair (ScopeKex *kex, const ScopeKey *peer)
{
  return g_hash_table_lookup (kex->pairs, peer);
}

Pair *
kex_pair (ScopeKex *kex, const ScopeKey *peer)
{
  Pair *pair = find_pair (kex, peer);
  char text[SCOPE_KEY_BASE64_LEN + 1];

  if (pair)
    return pair;
  pair = g_new0 (Pair, 1);
  pair->kex = kex;
  pair->key = *peer;
  g_strlcpy (pair->name, scope_key_to_base64 (peer, text), 9);
  pair->lower = scope_key_compare (&kex->own, peer) < 0;
  pair->held = g_ptr_array_new_with_free_func ((GDestroyNotify) held_free);
  pair->seen = g_array_new (FALSE, FALSE, sizeof (SeenCt));
  pair->rotated = G_MININT64;
  pair->deadline = G_MAXINT64;
  for (guint i = 0; i < N_TIMERS; i++)
    pair->at[i] = G_MAXINT64;
  for (guint i = 0; i < N_REFUSED; i++)
    pair->logged[i] = G_MININT64;
  g_hash_table_insert (kex->pairs, &pair->key, pair);
  g_ptr_array_add (kex->list, pair);
  return pair;
}

/* Our KEM key for @epoch: made, kept, told to all. */
static void
begin_epoch (ScopeKex *kex, gint64 now, guint64 epoch)
{
  g_autoptr (GError) error = NULL;
  Own own = { 0 };
  ScopeKexAction *action;

  kex->broadcast_at = 0;
  kex->delays = 0;
  if (!kex->ops.generate (own.secret, own.key.kem, &error))
    {
      action = say_action (kex, SCOPE_KEX_LOG, NULL);
      action->text = g_strdup_printf ("no KEM key for epoch %" G_GUINT64_FORMAT ": %s", epoch, error->message);
      kex->broadcast_at = now + JITTER_MS;
      return;
    }
  own.key.key = kex->own;
  own.key.epoch = epoch;
  own.key.issued = kex_registry_ms (kex, now) / 1000;
  kex_digest (kex, own.key.kem, sizeof own.key.kem, own.digest);
  forget_own (&kex->mine[G_N_ELEMENTS (kex->mine) - 1]);
  memmove (kex->mine + 1, kex->mine, sizeof kex->mine - sizeof *kex->mine);
  kex->mine[0] = own;
  forget_own (&own);
  kex->n_mine = MIN (kex->n_mine + 1, G_N_ELEMENTS (kex->mine));
  action = say_action (kex, SCOPE_KEX_BROADCAST, NULL);
  action->key = g_memdup2 (&kex->mine[0].key, sizeof (ScopeKexKey));

  for (guint i = 0; i < kex->list->len; i++)
    {
      Pair *pair = g_ptr_array_index (kex->list, i);

      pair_prune (pair, now);
      settle (pair, now);
    }
}

/* Not everybody at the same instant, and each peer always at its own. */
static gint64
jitter (ScopeKex *kex)
{
  guint32 hash = scope_key_hash (&kex->own);

  return (hash * G_GUINT64_CONSTANT (2654435761) >> 8) % JITTER_MS;
}

static void
update_own (ScopeKex *kex, gint64 now)
{
  guint64 epoch = scope_kex_epoch (kex, now);
  gint64 length = (gint64) kex->epoch_seconds * 1000;

  if (now < kex->own_deadline)
    return;
  if (kex->n_mine == 0)
    begin_epoch (kex, now, epoch);
  else if (epoch > kex->mine[0].key.epoch || !kex_epoch_near (kex, now, kex->mine[0].key.epoch))
    {
      if (kex->broadcast_at == 0)
        kex->broadcast_at = MAX (now, (gint64) epoch * length - kex->offset + MIN (jitter (kex), length / 4));
      if (kex->broadcast_at <= now)
        begin_epoch (kex, now, epoch);
    }
  else
    kex->broadcast_at = 0;
  kex->own_deadline = kex->broadcast_at ? kex->broadcast_at
                                        : (gint64) (MAX (epoch, kex->mine[0].key.epoch) + 1) * length - kex->offset;
}

/* Whoever joins needs all of our attention first: an epoch that waits for its instant waits on. */
static void
delay_epoch (ScopeKex *kex, gint64 now)
{
  if (kex->broadcast_at <= now || kex->n_mine == 0 || kex->delays >= MAX_DELAYS)
    return;
  kex->delays++;
  kex->broadcast_at = now + JOIN_DELAY_MS;
  kex->own_deadline = kex->broadcast_at;
}

void
scope_kex_peer_online (ScopeKex *kex, gint64 now, const ScopeKey *peer, gboolean newcomer)
{
  Pair *pair;

  if (scope_key_equal (peer, &kex->own))
    return;
  pair = kex_pair (kex, peer);
  update_own (kex, now);
  if (!newcomer && !pair->online)
    delay_epoch (kex, now);
  pair->online = TRUE;
  pair->newcomer = newcomer;
  pair_stop (pair, TIMER_WANT);
  if (pair->next_stage == NEXT_OFFERED)
    {
      pair->at[TIMER_OFFER] = now;
      pair->tries[TIMER_OFFER] = 0;
    }
  if (pair->no_pending)
    {
      pair->at[TIMER_NO] = now;
      pair->tries[TIMER_NO] = 0;
    }
  trial_ask (pair, now);
  pair_consider (pair, now);
  if (pair->current && pair->stage == CURRENT_VERIFY)
    pair->at[TIMER_LOOK] = MIN (pair->at[TIMER_LOOK], now + 1000);
  settle (pair, now);
}

void
scope_kex_peer_offline (ScopeKex *kex, gint64 now, const ScopeKey *peer)
{
  Pair *pair = find_pair (kex, peer);
  static const Timer timers[] = { TIMER_OFFER, TIMER_OK, TIMER_USE, TIMER_NO, TIMER_WANT, TIMER_ROTATE };

  if (!pair)
    return;
  pair->online = FALSE;
  pair_drop_next (pair); /* it could not say whether it goes too; the lower key begins anew */
  for (guint i = 0; i < G_N_ELEMENTS (timers); i++)
    pair_stop (pair, timers[i]);
  settle (pair, now);
}

void
scope_kex_peer_removed (ScopeKex *kex, gint64 now, const ScopeKey *peer)
{
  Pair *pair = find_pair (kex, peer);

  if (!pair)
    return;
  g_hash_table_remove (kex->pairs, peer);
  g_ptr_array_remove_fast (kex->list, pair);
  kex->dirty = TRUE;
}

static Pair *
known_pair (ScopeKex *kex, gint64 now, const ScopeKey *peer, const char *what)
{
  Pair *pair = find_pair (kex, peer);
  ScopeKexAction *action;
  char text[SCOPE_KEY_BASE64_LEN + 1];

  if (pair)
    return pair;
  if (kex->stranger_logged != G_MININT64 && now - kex->stranger_logged < 60000)
    return NULL;
  kex->stranger_logged = now;
  action = say_action (kex, SCOPE_KEX_LOG, peer);
  action->refused = TRUE;
  action->text = g_strdup_printf ("%.8s: %s refused: a peer that we do not know", scope_key_to_base64 (peer, text), what);
  return NULL;
}

/* FALSE when it is no news. */
static gboolean
take_key (Pair *pair, gint64 now, const ScopeKexKey *key)
{
  if (!kex_epoch_near (pair->kex, now, key->epoch))
    {
      if (pair->online)
        say_refused (pair, now, REFUSED_KEY_EPOCH, "KEM key of epoch %" G_GUINT64_FORMAT " refused: not about now",
                     key->epoch);
      return FALSE;
    }
  if (pair->has_kem && (key->epoch < pair->kem_epoch ||
                        (key->epoch == pair->kem_epoch && key->issued < pair->kem_issued)))
    {
      say_refused (pair, now, REFUSED_KEY_OLD, "KEM key of epoch %" G_GUINT64_FORMAT " refused: a newer one is known",
                   key->epoch);
      return FALSE;
    }
  if (pair->has_kem && memcmp (pair->kem, key->kem, sizeof key->kem) == 0)
    return FALSE;
  pair->has_kem = TRUE;
  pair->kem_epoch = key->epoch;
  pair->kem_issued = key->issued;
  memcpy (pair->kem, key->kem, sizeof pair->kem);
  kex_digest (pair->kex, pair->kem, sizeof pair->kem, pair->kem_digest);
  /* What we made for the key before cannot be read any more, or soon not. */
  if (pair->next_stage == NEXT_OFFERED)
    {
      gboolean hurry = pair->hurry;

      pair_drop_next (pair);
      if (pair->online)
        pair_offer (pair, now, hurry);
    }
  return TRUE;
}

void
scope_kex_handle_key (ScopeKex *kex, gint64 now, const ScopeKexKey *key)
{
  Pair *pair = known_pair (kex, now, &key->key, "KEM key");

  if (!pair)
    return;
  take_key (pair, now, key);
  pair_consider (pair, now);
  settle (pair, now);
}

void
scope_kex_handle_want (ScopeKex *kex, gint64 now, const ScopeKexKey *key)
{
  Pair *pair = known_pair (kex, now, &key->key, "kex.want");

  if (!pair)
    return;
  gboolean fresh = take_key (pair, now, key);
  if (pair->has_kem && pair->kem_epoch == key->epoch && !pair->decapsulated)
    {
      if (pair->next_stage == NEXT_OFFERED && !fresh)
        pair->at[TIMER_OFFER] = MIN (pair->at[TIMER_OFFER], now + 250);
    }
  if (!pair->next && (!pair->current || key->epoch <= pair->current->epoch))
    {
      pair->wanted = TRUE;
      if (pair->current && pair->at[TIMER_USE] == G_MAXINT64)
        trial_ask (pair, now);
    }
  pair_consider (pair, now);
  settle (pair, now);
}

void
scope_kex_handle_ct (ScopeKex *kex, gint64 now, const ScopeKexCt *ct)
{
  Pair *pair = known_pair (kex, now, &ct->from, "ciphertext");

  if (!pair)
    return;
  update_own (kex, now);
  pair_handle_ct (pair, now, ct);
  settle (pair, now);
}

void
scope_kex_handle_message (ScopeKex *kex, gint64 now, const ScopeKey *from, const ScopeKexMessage *message)
{
  Pair *pair = known_pair (kex, now, from, scope_kex_message_name (message->type));
  Held *held;

  if (!pair)
    return;
  if (message->type == SCOPE_KEX_USE)
    {
      trial_handle_use (pair, now, message);
      settle (pair, now);
      return;
    }
  held = held_find (pair, &message->id);
  if (!held)
    say_refused (pair, now, REFUSED_MESSAGE_KEY, "%s refused: of a key that we do not have",
                 scope_kex_message_name (message->type));
  else if (!say_mac_ok (pair, message, &message->keys[0], held))
    say_refused (pair, now, REFUSED_MESSAGE_MAC, "%s refused: wrong MAC", scope_kex_message_name (message->type));
  else if (message->n <= held->heard)
    say_old (pair, now, message, held);
  else
    {
      held->heard = message->n;
      switch (message->type)
        {
        case SCOPE_KEX_OK:
          pair_handle_ok (pair, now, message, held);
          break;
        case SCOPE_KEX_YES:
          pair_handle_yes (pair, now, message, held);
          break;
        case SCOPE_KEX_NO:
          trial_handle_no (pair, now, held);
          break;
        case SCOPE_KEX_ROTATE:
          pair_handle_rotate (pair, now, message, held);
          break;
        case SCOPE_KEX_USE:
          g_assert_not_reached ();
        }
    }
  settle (pair, now);
}

void
scope_kex_tick (ScopeKex *kex, gint64 now)
{
  update_own (kex, now);
  for (guint i = 0; i < kex->list->len; i++)
    {
      Pair *pair = g_ptr_array_index (kex->list, i);

      if (pair->deadline > now)
        continue;
      pair_fire (pair, now);
      settle (pair, now);
    }
}

gint64
scope_kex_deadline (ScopeKex *kex)
{
  gint64 deadline = kex->own_deadline;

  for (guint i = 0; i < kex->list->len; i++)
    deadline = MIN (deadline, ((Pair *) g_ptr_array_index (kex->list, i))->deadline);
  return deadline;
}

void
scope_kex_rotate (ScopeKex *kex, gint64 now, gboolean hurry)
{
  for (guint i = 0; i < kex->list->len; i++)
    {
      Pair *pair = g_ptr_array_index (kex->list, i);

      if (!pair->online || !pair->current || pair->next)
        continue;
      if (!pair->lower)
        {
          pair->at[TIMER_ROTATE] = now;
          pair->tries[TIMER_ROTATE] = 0;
          pair->asks_hurry = hurry;
          pair_fire (pair, now);
        }
      else if (pair->has_kem && kex_epoch_near (kex, now, pair->kem_epoch))
        pair_offer (pair, now, hurry);
      settle (pair, now);
    }
}

ScopeKexAction *
scope_kex_pop (ScopeKex *kex)
{
  if (g_queue_is_empty (&kex->actions) && kex->dirty)
    {
      kex->dirty = FALSE;
      say_action (kex, SCOPE_KEX_SAVE, NULL);
    }
  return g_queue_pop_head (&kex->actions);
}

gboolean
scope_kex_current (ScopeKex *kex, const ScopeKey *peer, ScopeKey *preshared)
{
  Pair *pair = find_pair (kex, peer);

  if (!pair || !pair->current)
    {
      memset (preshared, 0, sizeof *preshared);
      return FALSE;
    }
  *preshared = pair->current->keys.preshared;
  return TRUE;
}

gboolean
scope_kex_has_broadcast (ScopeKex *kex, gint64 now)
{
  return kex->n_mine > 0 && kex->mine[0].key.epoch >= scope_kex_epoch (kex, now);
}

gboolean
scope_kex_progress (ScopeKex *kex, gint64 now, const ScopeKey *peer, ScopeV1Progress *progress)
{
  Pair *pair = find_pair (kex, peer);
  guint64 epoch = scope_kex_epoch (kex, now);
  gboolean derived = FALSE, shown = FALSE;

  *progress = (ScopeV1Progress) { 0 };
  if (!pair)
    return FALSE;
  for (guint i = 0; i < pair->held->len; i++)
    {
      const Held *held = g_ptr_array_index (pair->held, i);

      if (held->epoch < epoch || held->failed)
        continue;
      derived = TRUE;
      shown |= held == pair->current && held->confirmed;
    }
  progress->npq = derived ? 2 : pair->has_kem && pair->kem_epoch >= epoch ? 1 : 0;
  progress->pq = shown ? 3 : progress->npq;
  return TRUE;
}
