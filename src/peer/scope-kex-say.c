/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-kex-private.h"

#include <string.h>

#define LOG_AGAIN_MS 60000
#define LATE 32 /* messages: what is older did not just come late, or twice */

void
scope_kex_action_free (ScopeKexAction *action)
{
  g_free (action->key);
  g_free (action->ct);
  g_free (action->text);
  scope_key_clear (&action->preshared);
  g_free (action);
}

ScopeKexAction *
say_action (ScopeKex *kex, ScopeKexActionType type, const ScopeKey *peer)
{
  ScopeKexAction *action = g_new0 (ScopeKexAction, 1);

  action->type = type;
  if (peer)
    action->peer = *peer;
  g_queue_push_tail (&kex->actions, action);
  return action;
}

void
say_log (Pair *pair, const char *format, ...)
{
  ScopeKexAction *action = say_action (pair->kex, SCOPE_KEX_LOG, &pair->key);
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  action->text = g_strdup_printf ("%s: %s", pair->name, text);
}

void
say_refused (Pair *pair, gint64 now, Refused why, const char *format, ...)
{
  ScopeKexAction *action;
  g_autofree char *text = NULL;
  va_list args;

  if (pair->logged[why] != G_MININT64 && now - pair->logged[why] < LOG_AGAIN_MS)
    return;
  pair->logged[why] = now;
  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  action = say_action (pair->kex, SCOPE_KEX_LOG, &pair->key);
  action->refused = TRUE;
  action->text = g_strdup_printf ("%s: %s", pair->name, text);
}

static void
compute_mac (Pair *pair, const Held *held, const char *text, guint8 *mac)
{
  pair->kex->ops.confirm (&held->keys, text, mac);
}

/* @flag: yes, rotate: hurry; use: an answer is wanted */
void
say_message (Pair *pair, ScopeKexMessageType type, const Held *held, guint32 in, gboolean flag)
{
  ScopeKexAction *action = say_action (pair->kex, SCOPE_KEX_SEND, &pair->key);
  ScopeKexMessage *message = &action->message;
  const Held *by[SCOPE_KEX_MESSAGE_MAX_KEYS] = { held };
  g_autofree char *text = NULL;

  message->type = type;
  message->epoch = held->epoch;
  message->id = held->id;
  message->n = ++pair->sent;
  message->in = in;
  message->hurry = (type == SCOPE_KEX_YES || type == SCOPE_KEX_ROTATE) && flag;
  message->answer = type == SCOPE_KEX_USE && flag;
  message->confirmed = type == SCOPE_KEX_USE && held->confirmed;
  message->n_keys = 1;
  for (guint i = 0; type == SCOPE_KEX_USE && i < pair->held->len && message->n_keys < G_N_ELEMENTS (by); i++)
    {
      const Held *other = g_ptr_array_index (pair->held, i);
      if (other != held && (other != pair->next || pair->next_stage == NEXT_AGREED))
        by[message->n_keys++] = other;
    }
  for (guint i = 0; i < message->n_keys; i++)
    message->keys[i].id = by[i]->id;
  text = scope_kex_message_mac_text (message, pair->kex->network, &pair->kex->own, &pair->key);
  for (guint i = 0; i < message->n_keys; i++)
    compute_mac (pair, by[i], text, message->keys[i].mac);
}

gboolean
say_mac_ok (Pair *pair, const ScopeKexMessage *message, const ScopeKexTag *tag, const Held *held)
{
  g_autofree char *text = scope_kex_message_mac_text (message, pair->kex->network, &pair->key, &pair->kex->own);
  guint8 mac[SCOPE_KEX_MAC_LEN], differs = 0;

  compute_mac (pair, held, text, mac);
  for (guint i = 0; i < sizeof mac; i++)
    differs |= mac[i] ^ tag->mac[i];
  return differs == 0;
}

/* A good MAC, but a number that is not higher. */
void
say_old (Pair *pair, gint64 now, const ScopeKexMessage *message, const Held *held)
{
  if (held->heard - message->n > LATE)
    say_refused (pair, now, REFUSED_MESSAGE_OLD, "%s refused: older than one that came before",
                 scope_kex_message_name (message->type));
}

void
say_install (Pair *pair, ScopeKexHow how, gboolean handshake)
{
  ScopeKexAction *action = say_action (pair->kex, SCOPE_KEX_INSTALL, &pair->key);

  action->preshared = pair->current->keys.preshared;
  action->how = how;
  action->handshake = handshake;
}

void
say_want (Pair *pair)
{
  ScopeKexAction *action;

  if (pair->kex->n_mine == 0)
    return;
  action = say_action (pair->kex, SCOPE_KEX_SEND_WANT, &pair->key);
  action->key = g_memdup2 (&pair->kex->mine[0].key, sizeof (ScopeKexKey));
}
