/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/scope-json.h"
#include "wire/scope-v1-private.h"

static void
string_if_any (GString *out, const char *name, const char *value)
{
  if (value)
    scope_fields_put_string (out, name, value);
}

/* An envelope is JSON already. */
static void
envelope (GString *out, const char *name, const char *text)
{
  scope_fields_put_name (out, name);
  g_string_append (out, text ? text : "null");
}

static void
envelope_if_any (GString *out, const char *name, const char *text)
{
  if (text)
    envelope (out, name, text);
}

static void
envelopes (GString *out, const char *name, char **list)
{
  scope_fields_put_name (out, name);
  g_string_append_c (out, '[');
  for (char **text = list; text && *text; text++)
    {
      scope_fields_put_separator (out);
      g_string_append (out, *text);
    }
  g_string_append_c (out, ']');
}

void
scope_v1_entry_append (const ScopeV1Entry *entry, GString *out)
{
  g_string_append_c (out, '{');
  scope_fields_put_key (out, "key", &entry->key);
  envelope (out, "grant", entry->grant);
  envelope (out, "record", entry->record);
  envelope (out, "kex", entry->kex);
  scope_fields_put_boolean (out, "online", entry->online);
  scope_fields_put_integer (out, "seen", entry->seen);
  scope_fields_put_strings (out, "observed", entry->observed);
  scope_fields_put_string (out, "tier", entry->pipe ? "pipe" : "relay");
  g_string_append_c (out, '}');
}

static void
roster (GString *out, const char *generation, guint64 revision, guint64 since, gboolean more)
{
  scope_fields_put_string (out, "generation", generation);
  scope_fields_put_integer (out, "revision", revision);
  scope_fields_put_integer (out, "since", since);
  scope_fields_put_boolean (out, "more", more);
}

static void
gone (GString *out, const GArray *keys)
{
  char text[SCOPE_KEY_BASE64_LEN + 1];

  scope_fields_put_name (out, "gone");
  g_string_append_c (out, '[');
  for (guint i = 0; keys && i < keys->len; i++)
    {
      scope_fields_put_separator (out);
      scope_json_append_string (out, scope_key_to_base64 (&g_array_index (keys, ScopeKey, i), text));
    }
  g_string_append_c (out, ']');
}

static GString *
begin (const char *name)
{
  GString *out = g_string_new ("{\"t\":");

  scope_json_append_string (out, name);
  g_string_append (out, ",\"d\":{");
  return out;
}

static char *
end (GString *out)
{
  g_string_append (out, "}}");
  return g_string_free (out, FALSE);
}

char *
scope_v1_format_roster (const char *generation, guint64 revision, guint64 since, gboolean more, const char *entries,
                        const GArray *gone_keys)
{
  GString *out = begin (scope_v1_type_name (SCOPE_V1_ROSTER));

  roster (out, generation, revision, since, more);
  scope_fields_put_name (out, "peers");
  g_string_append_c (out, '[');
  g_string_append (out, entries);
  g_string_append_c (out, ']');
  gone (out, gone_keys);
  return end (out);
}

char *
scope_v1_format_kex (const char *name, JsonObject *body, const char *direction, const ScopeKey *other)
{
  GString *out = begin (name);
  JsonObjectIter iter;
  const char *field;
  JsonNode *node;

  scope_fields_put_key (out, direction, other);
  json_object_iter_init_ordered (&iter, body);
  while (json_object_iter_next_ordered (&iter, &field, &node))
    {
      g_autofree char *text = NULL;

      if (g_str_equal (field, "from") || g_str_equal (field, "to"))
        continue;
      text = json_to_string (node, FALSE);
      scope_fields_put_separator (out);
      scope_json_append_string (out, field);
      g_string_append_c (out, ':');
      g_string_append (out, text);
    }
  return end (out);
}

static void
hello (GString *out, const ScopeV1Message *message)
{
  scope_fields_put_string (out, "identity", message->identity);
  envelope (out, "proof", message->proof);
  string_if_any (out, "token", message->token);
  envelope_if_any (out, "grant", message->grant);
  envelope_if_any (out, "record", message->record);
  envelope_if_any (out, "kex", message->kex);
  string_if_any (out, "generation", message->generation);
  if (message->since)
    scope_fields_put_integer (out, "since", message->since);
}

static void
welcome (GString *out, const ScopeV1Message *message)
{
  envelope (out, "grant", message->grant);
  envelopes (out, "delegations", message->delegations);
  envelope (out, "revocation", message->revocation);
  envelope (out, "kill", message->kill);
  scope_fields_put_integer (out, "time", message->time);
  scope_fields_put_string (out, "generation", message->generation);
  scope_fields_put_integer (out, "revision", message->revision);
  scope_fields_put_integer (out, "heartbeat", message->heartbeat);
  scope_fields_put_integer (out, "epochSeconds", message->epoch_seconds);
  if (message->stun)
    scope_fields_put_strings (out, "stun", message->stun);
}

static void
peers (GString *out, const GPtrArray *entries)
{
  scope_fields_put_name (out, "peers");
  g_string_append_c (out, '[');
  for (guint i = 0; entries && i < entries->len; i++)
    {
      scope_fields_put_separator (out);
      scope_v1_entry_append (entries->pdata[i], out);
    }
  g_string_append_c (out, ']');
}

static void
data (GString *out, const ScopeV1Message *message)
{
  switch (message->type)
    {
    case SCOPE_V1_CHALLENGE:
      scope_fields_put_string (out, "nonce", message->nonce);
      scope_fields_put_string (out, "network", message->network);
      scope_fields_put_integer (out, "time", message->time);
      scope_fields_put_string (out, "root", message->identity);
      break;
    case SCOPE_V1_HELLO:
      hello (out, message);
      break;
    case SCOPE_V1_WELCOME:
      welcome (out, message);
      break;
    case SCOPE_V1_ROSTER:
      roster (out, message->generation, message->revision, message->since, message->more);
      peers (out, message->peers);
      gone (out, message->gone);
      break;
    case SCOPE_V1_JOIN:
    case SCOPE_V1_MOVE:
      scope_fields_put_integer (out, "revision", message->revision);
      scope_fields_put_name (out, "peer");
      scope_v1_entry_append (message->peers->pdata[0], out);
      break;
    case SCOPE_V1_LEAVE:
      if (scope_key_is_zero (&message->key))
        break;
      scope_fields_put_integer (out, "revision", message->revision);
      scope_fields_put_key (out, "key", &message->key);
      scope_fields_put_integer (out, "seen", message->seen);
      break;
    case SCOPE_V1_GONE:
      scope_fields_put_integer (out, "revision", message->revision);
      scope_fields_put_key (out, "key", &message->key);
      break;
    case SCOPE_V1_GRANT:
      envelope (out, "grant", message->grant);
      envelopes (out, "delegations", message->delegations);
      break;
    case SCOPE_V1_REVOCATION:
      envelope (out, "revocation", message->revocation);
      break;
    case SCOPE_V1_KILL:
      envelope (out, "kill", message->kill);
      break;
    case SCOPE_V1_RECORD:
      envelope (out, "record", message->record);
      break;
    case SCOPE_V1_KEX_KEY:
      if (message->has_other)
        scope_fields_put_key (out, "from", &message->other);
      envelope (out, "kex", message->kex);
      break;
    case SCOPE_V1_KEX_STATE:
      scope_fields_put_integer (out, "epoch", message->epoch);
      scope_fields_put_boolean (out, "hasKeyBroadcast", message->has_key_broadcast);
      scope_v1_keyed_write (&scope_v1_states, out, message->states);
      break;
    case SCOPE_V1_REPORT:
      if (message->observed)
        scope_v1_keyed_write (&scope_v1_observed, out, message->observed);
      scope_v1_format_links (out, message);
      if (message->fork[0] && message->fork[1])
        {
          scope_fields_put_name (out, "fork");
          g_string_append_printf (out, "[%s,%s]", message->fork[0], message->fork[1]);
        }
      break;
    case SCOPE_V1_PATHS:
      scope_v1_format_paths (out, message);
      break;
    case SCOPE_V1_PING:
      scope_fields_put_integer (out, "n", message->n);
      if (message->time)
        scope_fields_put_integer (out, "time", message->time);
      break;
    case SCOPE_V1_CARRY:
      string_if_any (out, "ticket", message->token);
      if (message->token)
        scope_fields_put_integer (out, "seconds", message->seconds);
      break;
    case SCOPE_V1_ERROR:
      scope_fields_put_string (out, "code", message->code);
      string_if_any (out, "message", message->text);
      break;
    case SCOPE_V1_KEX:
    case SCOPE_V1_PATH:
    case SCOPE_V1_UNKNOWN:
      break;
    }
}

char *
scope_v1_format (const ScopeV1Message *message)
{
  GString *out;

  g_return_val_if_fail (message->type != SCOPE_V1_UNKNOWN, NULL);

  if (message->type == SCOPE_V1_KEX || message->type == SCOPE_V1_PATH)
    return scope_v1_format_kex (message->name, message->body,
                                json_object_has_member (message->body, "from") ? "from" : "to", &message->other);
  out = begin (scope_v1_type_name (message->type));
  data (out, message);
  return end (out);
}
