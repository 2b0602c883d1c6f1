/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/scope-base64.h"
#include "net/scope-stun-private.h"

#include <string.h>

#define ID_BYTES 6
#define PASSWORD_BYTES 18
#define ID_MAX 32
#define TRYING_MAX 32

struct _ScopeStunCheck {
  ScopeStunAgent *agent;
  char *id;
  char *password;
  char *remote_id; /* NULL until it is known */
  char *remote_password;
  char *user; /* of what we send */
  GPtrArray *trying; /* of ScopeStunTransaction, the agent's */
  const ScopeStunCheckFuncs *funcs;
  gpointer data;
};

static void
clear_secret (char **secret)
{
  if (*secret)
    explicit_bzero (*secret, strlen (*secret));
  g_clear_pointer (secret, g_free);
}

static char *
make_up (gsize bytes)
{
  guint8 random[PASSWORD_BYTES];
  char *text = g_malloc (SCOPE_BASE64_CHARS (bytes) + 1);

  scope_stun_random (random, bytes);
  scope_base64_encode (random, bytes, text);
  explicit_bzero (random, sizeof random);
  return text;
}

static gboolean
is_plausible (const char *id, const char *password)
{
  return id[0] != '\0' && strlen (id) <= ID_MAX && !strchr (id, ':') && password[0] != '\0' &&
         strlen (password) <= SCOPE_STUN_PASSWORD_MAX;
}

ScopeStunCheck *
scope_stun_check_new (ScopeStunAgent *agent, const char *id, const char *password, const ScopeStunCheckFuncs *funcs,
                      gpointer data)
{
  ScopeStunCheck *check;
  g_autofree char *own_id = g_strdup (id);

  while (!own_id || (!id && g_hash_table_contains (agent->checks, own_id)))
    {
      g_free (own_id);
      own_id = make_up (ID_BYTES);
    }
  g_return_val_if_fail (!g_hash_table_contains (agent->checks, own_id), NULL);

  check = g_new0 (ScopeStunCheck, 1);
  check->agent = agent;
  g_ref_count_inc (&agent->refs);
  check->id = g_steal_pointer (&own_id);
  check->password = password ? g_strdup (password) : make_up (PASSWORD_BYTES);
  check->trying = g_ptr_array_new ();
  check->funcs = funcs;
  check->data = data;
  g_hash_table_insert (agent->checks, check->id, check);
  return check;
}

void
scope_stun_check_free (ScopeStunCheck *check)
{
  scope_stun_check_stop (check);
  g_hash_table_remove (check->agent->checks, check->id);
  scope_stun_agent_unref (check->agent);
  g_ptr_array_unref (check->trying);
  clear_secret (&check->password);
  clear_secret (&check->remote_password);
  g_free (check->id);
  g_free (check->remote_id);
  g_free (check->user);
  g_free (check);
}

const char *
scope_stun_check_id (const ScopeStunCheck *check)
{
  return check->id;
}

const char *
scope_stun_check_password (const ScopeStunCheck *check)
{
  return check->password;
}

void
scope_stun_check_stop (ScopeStunCheck *check)
{
  /* An agent that was freed took them along. */
  for (guint i = 0; check->agent->raw && i < check->trying->len; i++)
    scope_stun_transaction_drop (g_ptr_array_index (check->trying, i));
  g_ptr_array_set_size (check->trying, 0);
}

gboolean
scope_stun_check_set_remote (ScopeStunCheck *check, const char *id, const char *password)
{
  if (!is_plausible (id, password))
    return FALSE;
  scope_stun_check_stop (check);
  clear_secret (&check->remote_password);
  g_free (check->remote_id);
  g_free (check->user);
  check->remote_id = g_strdup (id);
  check->remote_password = g_strdup (password);
  check->user = g_strdup_printf ("%s:%s", id, check->id);
  return TRUE;
}

/* --- ours --- */

static void
on_done (ScopeStunTransaction *transaction, const ScopeSockaddr *mapped, guint rtt, gpointer data)
{
  ScopeStunCheck *check = data;
  ScopeSockaddr to = transaction->to;

  g_ptr_array_remove_fast (check->trying, transaction);
  if (mapped && check->funcs->answered)
    check->funcs->answered (check, &to, mapped, rtt, check->data);
}

static gboolean
is_trying (const ScopeStunCheck *check, const ScopeSockaddr *endpoint)
{
  for (guint i = 0; check->agent->raw && i < check->trying->len; i++)
    {
      const ScopeStunTransaction *transaction = g_ptr_array_index (check->trying, i);

      if (transaction->max_tries > 1 && scope_sockaddr_equal (&transaction->to, endpoint))
        return TRUE;
    }
  return FALSE;
}

static void
start (ScopeStunCheck *check, const ScopeSockaddr *endpoint, int ttl, guint tries)
{
  if (!check->agent->raw || !check->user || check->trying->len >= TRYING_MAX)
    return;
  g_ptr_array_add (check->trying, scope_stun_transaction_new (check->agent, endpoint, check->user,
                                                              check->remote_password, ttl, tries, on_done, check));
}

void
scope_stun_check_try (ScopeStunCheck *check, const ScopeSockaddr *endpoint)
{
  if (!is_trying (check, endpoint))
    start (check, endpoint, 0, SCOPE_STUN_TRIES);
}

void
scope_stun_check_open (ScopeStunCheck *check, const ScopeSockaddr *endpoint, int ttl)
{
  start (check, endpoint, ttl, 1);
}

/* --- the peer's --- */

const char *
scope_stun_check_accept (ScopeStunCheck *check, const ScopeStunMessage *message, const guint8 *data, gsize len)
{
  const char *sender = message->user + strlen (check->id) + 1;

  if (!message->sealed || (check->remote_id && strcmp (sender, check->remote_id) != 0) ||
      !scope_stun_verify (data, len, check->password))
    return NULL;
  return check->password;
}

void
scope_stun_check_heard (ScopeStunCheck *check, const ScopeSockaddr *from)
{
  if (check->funcs->heard)
    check->funcs->heard (check, from, check->data);
}
