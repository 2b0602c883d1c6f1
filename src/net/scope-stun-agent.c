/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/scope-stun-agent.h"

#include "net/scope-stun-limit.h"
#include "net/scope-stun-private.h"

#include <string.h>
#include <sys/random.h>

#define RTO 150 /* ms until the second try; then twice as much each time */

typedef struct {
  guint number;
  ScopeSockaddr server;
  ScopeSockaddr local;
  ScopeStunAskFunc func;
  gpointer data;
} Ask;

void
scope_stun_random (guint8 *out, gsize len)
{
  if (getrandom (out, len, 0) != (gssize) len)
    g_error ("getrandom failed");
}

/* --- transactions --- */

/* Of all tries: without the byte that counts them. */
static guint
id_hash (gconstpointer transaction)
{
  guint hash;

  memcpy (&hash, transaction, sizeof hash); /* random as it is */
  return hash;
}

static gboolean
id_equal (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, SCOPE_STUN_ID_LEN - 1) == 0;
}

static void
transaction_free (gpointer data)
{
  ScopeStunTransaction *transaction = data;

  if (transaction->timer)
    {
      g_source_destroy (transaction->timer);
      g_source_unref (transaction->timer);
    }
  g_free (transaction->user);
  g_free (transaction);
}

void
scope_stun_transaction_drop (ScopeStunTransaction *transaction)
{
  g_hash_table_remove (transaction->agent->transactions, transaction);
}

static void
finish (ScopeStunTransaction *transaction, const ScopeSockaddr *mapped, guint rtt)
{
  g_hash_table_steal (transaction->agent->transactions, transaction);
  transaction->done (transaction, mapped, rtt, transaction->data);
  transaction_free (transaction);
}

static gboolean on_timer (gpointer data);

static void
wait_for (ScopeStunTransaction *transaction, guint ms)
{
  if (transaction->timer)
    {
      g_source_destroy (transaction->timer);
      g_source_unref (transaction->timer);
    }
  transaction->timer = g_timeout_source_new (ms);
  g_source_set_callback (transaction->timer, on_timer, transaction, NULL);
  g_source_attach (transaction->timer, g_main_context_get_thread_default ());
}

/* Each try has an id of its own, so the answer tells which one it is to, and the round trip is right. */
static void
send_try (ScopeStunTransaction *transaction)
{
  guint8 buffer[SCOPE_STUN_MAX], id[SCOPE_STUN_ID_LEN];
  g_autoptr (GError) error = NULL;
  gsize len;

  memcpy (id, transaction->id, sizeof id);
  id[sizeof id - 1] += transaction->tries;
  len = scope_stun_request (buffer, id, transaction->user, transaction->password);
  transaction->sent[transaction->tries++] = g_get_monotonic_time ();
  transaction->no_way =
      !scope_raw_send (transaction->agent->raw, NULL, &transaction->to, transaction->ttl, buffer, len, &error);
  if (transaction->no_way)
    {
      g_debug ("STUN: %s", error->message);
      wait_for (transaction, 0);
    }
  else if (transaction->max_tries == 1)
    wait_for (transaction, RTO * ((1 << SCOPE_STUN_TRIES) - 1));
  else
    wait_for (transaction, RTO << (transaction->tries - 1));
}

static gboolean
on_timer (gpointer data)
{
  ScopeStunTransaction *transaction = data;

  if (transaction->no_way || transaction->tries >= transaction->max_tries)
    finish (transaction, NULL, 0);
  else
    send_try (transaction);
  return G_SOURCE_REMOVE;
}

ScopeStunTransaction *
scope_stun_transaction_new (ScopeStunAgent *agent, const ScopeSockaddr *to, const char *user, const char *password,
                            int ttl, guint tries, ScopeStunDoneFunc done, gpointer data)
{
  ScopeStunTransaction *transaction = g_new0 (ScopeStunTransaction, 1);

  do
    scope_stun_random (transaction->id, sizeof transaction->id);
  while (g_hash_table_contains (agent->transactions, transaction));
  transaction->agent = agent;
  transaction->to = *to;
  transaction->user = g_strdup (user);
  transaction->password = password;
  transaction->ttl = ttl;
  transaction->max_tries = tries;
  transaction->done = done;
  transaction->data = data;
  g_hash_table_add (agent->transactions, transaction);
  send_try (transaction);
  return transaction;
}

/* --- what comes --- */

/* The same address and port; an answer from elsewhere says nothing about the way that was asked for. */
static void
on_answer (ScopeStunAgent *agent, const ScopeStunMessage *message, const guint8 *data, gsize len,
           const ScopeSockaddr *from)
{
  ScopeStunTransaction *transaction = g_hash_table_lookup (agent->transactions, message->id);
  guint8 try;

  if (!transaction)
    return;
  try = message->id[SCOPE_STUN_ID_LEN - 1] - transaction->id[SCOPE_STUN_ID_LEN - 1];
  if (try >= transaction->tries || !scope_sockaddr_equal (from, &transaction->to) ||
      (transaction->password && !scope_stun_verify (data, len, transaction->password)))
    return;
  finish (transaction, &message->mapped, (g_get_monotonic_time () - transaction->sent[try] + 999) / 1000);
}

static void
answer (ScopeStunAgent *agent, const ScopeStunMessage *message, const char *password, const ScopeSockaddr *from,
        const ScopeSockaddr *to)
{
  guint8 buffer[SCOPE_STUN_MAX];
  gsize len = scope_stun_answer (buffer, message->id, from, password);
  g_autoptr (GError) error = NULL;

  if (!scope_raw_send (agent->raw, to, from, 0, buffer, len, &error))
    g_debug ("STUN: %s", error->message);
}

static void
on_request (ScopeStunAgent *agent, const ScopeStunMessage *message, const guint8 *data, gsize len,
            const ScopeSockaddr *from, const ScopeSockaddr *to)
{
  const char *colon = strchr (message->user, ':');
  g_autofree char *id = colon ? g_strndup (message->user, colon - message->user) : NULL;
  ScopeStunCheck *check = id ? g_hash_table_lookup (agent->checks, id) : NULL;
  const char *password = check ? scope_stun_check_accept (check, message, data, len) : NULL;

  if (password)
    {
      answer (agent, message, password, from, to);
      scope_stun_check_heard (check, from);
    }
  else if (agent->serving && !message->sealed && message->user[0] == '\0' &&
           scope_stun_limit_take (agent->limit, from, g_get_monotonic_time ()))
    answer (agent, message, NULL, from, to);
}

static void
on_packet (ScopeRaw *raw, const guint8 *payload, gsize len, const ScopeSockaddr *from, const ScopeSockaddr *to,
           gpointer data)
{
  ScopeStunMessage message;

  if (!scope_stun_parse (&message, payload, len))
    return;
  if (message.kind == SCOPE_STUN_ANSWER)
    on_answer (data, &message, payload, len, from);
  else if (message.kind == SCOPE_STUN_REQUEST)
    on_request (data, &message, payload, len, from, to);
}

/* --- the agent --- */

ScopeStunAgent *
scope_stun_agent_new (guint16 port, guint32 mark, GError **error)
{
  g_autoptr (ScopeStunAgent) agent = g_new0 (ScopeStunAgent, 1);

  g_ref_count_init (&agent->refs);
  agent->transactions = g_hash_table_new_full (id_hash, id_equal, transaction_free, NULL);
  agent->asks = g_hash_table_new (NULL, NULL);
  agent->checks = g_hash_table_new (g_str_hash, g_str_equal);
  agent->raw = scope_raw_new (port, mark, on_packet, agent, error);
  return agent->raw ? g_steal_pointer (&agent) : NULL;
}

void
scope_stun_agent_unref (ScopeStunAgent *agent)
{
  if (!g_ref_count_dec (&agent->refs))
    return;
  g_hash_table_unref (agent->transactions);
  g_hash_table_unref (agent->asks);
  g_hash_table_unref (agent->checks);
  g_clear_pointer (&agent->limit, scope_stun_limit_free);
  g_free (agent);
}

void
scope_stun_agent_free (ScopeStunAgent *agent)
{
  GHashTableIter iter;
  gpointer transaction;

  g_clear_pointer (&agent->raw, scope_raw_free);
  g_hash_table_iter_init (&iter, agent->asks);
  while (g_hash_table_iter_next (&iter, NULL, &transaction))
    g_free (((ScopeStunTransaction *) transaction)->data);
  g_hash_table_remove_all (agent->asks);
  g_hash_table_remove_all (agent->transactions);
  scope_stun_agent_unref (agent);
}

guint16
scope_stun_agent_port (const ScopeStunAgent *agent)
{
  return scope_raw_port (agent->raw);
}

void
scope_stun_agent_set_serving (ScopeStunAgent *agent, gboolean serving)
{
  guint32 seed;

  agent->serving = serving;
  if (serving && !agent->limit)
    {
      scope_stun_random ((guint8 *) &seed, sizeof seed);
      agent->limit = scope_stun_limit_new (seed);
    }
}

static void
on_asked (ScopeStunTransaction *transaction, const ScopeSockaddr *mapped, guint rtt, gpointer data)
{
  g_autofree Ask *ask = data;
  ScopeSockaddr none = { 0 };

  g_hash_table_remove (transaction->agent->asks, GUINT_TO_POINTER (ask->number));
  ask->func (&ask->server, mapped, transaction->no_way ? &none : &ask->local, rtt, ask->data);
}

guint
scope_stun_agent_ask (ScopeStunAgent *agent, const ScopeSockaddr *server, ScopeStunAskFunc func, gpointer data)
{
  Ask *ask = g_new0 (Ask, 1);

  do
    ask->number = ++agent->last_ask;
  while (ask->number == 0 || g_hash_table_contains (agent->asks, GUINT_TO_POINTER (ask->number)));
  ask->server = *server;
  ask->func = func;
  ask->data = data;
  scope_raw_route (agent->raw, server, &ask->local, NULL);
  g_hash_table_insert (agent->asks, GUINT_TO_POINTER (ask->number),
                       scope_stun_transaction_new (agent, server, NULL, NULL, 0, SCOPE_STUN_TRIES, on_asked, ask));
  return ask->number;
}

void
scope_stun_agent_cancel (ScopeStunAgent *agent, guint number)
{
  ScopeStunTransaction *transaction = g_hash_table_lookup (agent->asks, GUINT_TO_POINTER (number));

  if (!transaction)
    return;
  g_hash_table_remove (agent->asks, GUINT_TO_POINTER (number));
  g_free (transaction->data);
  scope_stun_transaction_drop (transaction);
}
