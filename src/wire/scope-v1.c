/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/scope-v1.h"

#include "wire/scope-v1-private.h"

#include <string.h>

static const char *const type_names[] = {
  [SCOPE_V1_CHALLENGE] = "challenge",
  [SCOPE_V1_HELLO] = "hello",
  [SCOPE_V1_WELCOME] = "welcome",
  [SCOPE_V1_ROSTER] = "roster",
  [SCOPE_V1_JOIN] = "join",
  [SCOPE_V1_MOVE] = "move",
  [SCOPE_V1_LEAVE] = "leave",
  [SCOPE_V1_GONE] = "gone",
  [SCOPE_V1_GRANT] = "grant",
  [SCOPE_V1_REVOCATION] = "revocation",
  [SCOPE_V1_KILL] = "kill",
  [SCOPE_V1_RECORD] = "record",
  [SCOPE_V1_KEX_KEY] = "kex.key",
  [SCOPE_V1_KEX_STATE] = "kex.state",
  [SCOPE_V1_REPORT] = "report",
  [SCOPE_V1_PATHS] = "paths",
  [SCOPE_V1_PING] = "ping",
  [SCOPE_V1_CARRY] = "carry",
  [SCOPE_V1_ERROR] = "error",
};

const char *
scope_v1_type_name (ScopeV1Type type)
{
  return type < G_N_ELEMENTS (type_names) ? type_names[type] : NULL;
}

ScopeV1Type
scope_v1_type_from_name (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (type_names); i++)
    if (g_strcmp0 (name, type_names[i]) == 0)
      return i;
  if (g_str_has_prefix (name, "punch.") || g_str_has_prefix (name, "path."))
    return SCOPE_V1_PATH;
  return g_str_has_prefix (name, "kex.") ? SCOPE_V1_KEX : SCOPE_V1_UNKNOWN;
}

ScopeV1Entry *
scope_v1_entry_new (const ScopeKey *key)
{
  ScopeV1Entry *entry = g_new0 (ScopeV1Entry, 1);

  entry->key = *key;
  return entry;
}

void
scope_v1_entry_free (ScopeV1Entry *entry)
{
  if (!entry)
    return;
  g_free (entry->grant);
  g_free (entry->record);
  g_free (entry->kex);
  g_strfreev (entry->observed);
  g_free (entry);
}

ScopeV1Message *
scope_v1_message_new (ScopeV1Type type)
{
  ScopeV1Message *message = g_new0 (ScopeV1Message, 1);

  message->type = type;
  message->name = g_strdup (scope_v1_type_name (type));
  return message;
}

void
scope_v1_message_free (ScopeV1Message *message)
{
  if (!message)
    return;
  g_free (message->name);
  g_clear_pointer (&message->body, json_object_unref);
  g_free (message->nonce);
  g_free (message->network);
  g_free (message->identity);
  g_free (message->proof);
  scope_secret_free (message->token);
  g_free (message->grant);
  g_free (message->record);
  g_free (message->kex);
  g_free (message->revocation);
  g_free (message->kill);
  g_strfreev (message->delegations);
  g_strfreev (message->stun);
  g_free (message->generation);
  g_clear_pointer (&message->states, g_hash_table_unref);
  g_clear_pointer (&message->observed, g_hash_table_unref);
  g_clear_pointer (&message->latency, g_hash_table_unref);
  g_clear_pointer (&message->reach, g_hash_table_unref);
  g_clear_pointer (&message->relays, g_array_unref);
  g_clear_pointer (&message->links, g_array_unref);
  g_free (message->fork[0]);
  g_free (message->fork[1]);
  g_free (message->code);
  g_free (message->text);
  g_clear_pointer (&message->peers, g_ptr_array_unref);
  g_clear_pointer (&message->gone, g_array_unref);
  g_free (message);
}

char *
scope_v1_stun_endpoint (const char *stun, const char *host)
{
  if (stun[0] != ':')
    return g_strdup (stun);
  return strchr (host, ':') ? g_strdup_printf ("[%s]%s", host, stun) : g_strconcat (host, stun, NULL);
}
