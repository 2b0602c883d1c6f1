/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/scope-base64.h"
#include "common/scope-endpoint.h"
#include "common/scope-error.h"
#include "common/scope-json.h"
#include "common/scope-settings.h"
#include "wire/scope-v1-private.h"

#include <string.h>

/* What is read below: FALSE with an error, or the member of the message set. */

static gboolean
read_string (const ScopeFields *d, const char *name, gsize max, char **value, GError **error)
{
  *value = g_strdup (scope_fields_string (d, name, max, error));
  return *value != NULL;
}

/* An envelope stays text; scope_jws_parse() looks closer. */
static char *
envelope_text (JsonNode *node)
{
  g_autofree char *text = JSON_NODE_HOLDS_OBJECT (node) ? json_to_string (node, FALSE) : NULL;

  return text && strlen (text) <= SCOPE_V1_ENVELOPE_MAX ? g_steal_pointer (&text) : NULL;
}

static gboolean
read_envelope (const ScopeFields *d, const char *name, char **value, GError **error)
{
  JsonNode *node = json_object_get_member (d->object, name);

  if (!node)
    return scope_fields_wrong (d, name, error, "missing");
  *value = envelope_text (node);
  if (!*value)
    return scope_fields_wrong (d, name, error, "not an envelope of at most %d bytes", SCOPE_V1_ENVELOPE_MAX);
  return TRUE;
}

static gboolean
read_envelope_if_any (const ScopeFields *d, const char *name, char **value, GError **error)
{
  return !scope_fields_has (d, name) || read_envelope (d, name, value, error);
}

static gboolean
read_envelopes (const ScopeFields *d, const char *name, guint max, char ***value, GError **error)
{
  JsonArray *array = scope_fields_array (d, name, max, error);
  guint n;

  if (!array)
    return FALSE;
  n = json_array_get_length (array);
  *value = g_new0 (char *, n + 1);
  for (guint i = 0; i < n; i++)
    {
      (*value)[i] = envelope_text (json_array_get_element (array, i));
      if (!(*value)[i])
        return scope_fields_wrong_element (d, name, i, error, "not an envelope of at most %d bytes",
                                           SCOPE_V1_ENVELOPE_MAX);
    }
  return TRUE;
}

static gboolean
read_number (const ScopeFields *d, const char *name, guint min, guint max, guint *value, GError **error)
{
  gint64 number;

  if (!scope_fields_integer (d, name, min, max, &number, error))
    return FALSE;
  *value = number;
  return TRUE;
}

static gboolean
read_time (const ScopeFields *d, const char *name, gint64 *value, GError **error)
{
  return scope_fields_integer (d, name, 0, SCOPE_FIELDS_INTEGER_MAX, value, error);
}

/* Entries */

static gboolean
read_tier (const ScopeFields *d, gboolean *pipe, GError **error)
{
  const char *tier = scope_fields_string (d, "tier", 16, error);

  if (!tier)
    return FALSE;
  *pipe = g_str_equal (tier, "pipe");
  if (!*pipe && !g_str_equal (tier, "relay"))
    return scope_fields_wrong (d, "tier", error, "not relay or pipe");
  return TRUE;
}

/* The registry's own notes may be absent. */
static ScopeV1Entry *
parse_entry (JsonObject *object, const char *where, GError **error)
{
  const ScopeFields d = { object, where };
  g_autoptr (ScopeV1Entry) entry = NULL;
  ScopeKey key;

  if (!scope_fields_key (&d, "key", &key, error))
    return NULL;
  entry = scope_v1_entry_new (&key);
  if (!read_envelope (&d, "grant", &entry->grant, error) ||
      !read_envelope_if_any (&d, "record", &entry->record, error) ||
      !read_envelope_if_any (&d, "kex", &entry->kex, error) ||
      (scope_fields_has (&d, "online") && !scope_fields_boolean (&d, "online", &entry->online, error)) ||
      (scope_fields_has (&d, "seen") && !read_time (&d, "seen", &entry->seen, error)) ||
      (scope_fields_has (&d, "tier") && !read_tier (&d, &entry->pipe, error)))
    return NULL;
  if (scope_fields_has (&d, "observed"))
    {
      entry->observed = scope_fields_endpoints (&d, "observed", SCOPE_V1_MAX_OBSERVED, error);
      if (!entry->observed)
        return NULL;
    }
  else
    entry->observed = g_new0 (char *, 1);
  return g_steal_pointer (&entry);
}

static GPtrArray *
entries_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) scope_v1_entry_free);
}

/* One wrong entry does not cost the others; of two with one key the first counts. */
static gboolean
read_entries (const ScopeFields *d, ScopeV1Message *message, guint *skipped, GError **error)
{
  JsonArray *array = scope_fields_array (d, "peers", SCOPE_V1_MAX_PEERS, error);
  g_autoptr (GHashTable) known = NULL;

  if (!array)
    return FALSE;
  known = g_hash_table_new (scope_key_hash, scope_key_equal);
  message->peers = entries_new ();
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      g_autoptr (ScopeV1Entry) entry = NULL;

      if (JSON_NODE_HOLDS_OBJECT (node))
        entry = parse_entry (json_node_get_object (node), "", NULL);
      if (!entry || !g_hash_table_add (known, &entry->key))
        (*skipped)++;
      else
        g_ptr_array_add (message->peers, g_steal_pointer (&entry));
    }
  return TRUE;
}

static gboolean
read_gone (const ScopeFields *d, ScopeV1Message *message, GError **error)
{
  JsonArray *array = scope_fields_array (d, "gone", SCOPE_V1_MAX_PEERS, error);

  if (!array)
    return FALSE;
  message->gone = g_array_new (FALSE, FALSE, sizeof (ScopeKey));
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      const char *text = scope_fields_element (d, "gone", array, i, SCOPE_KEY_BASE64_LEN, error);
      ScopeKey key;

      if (!text)
        return FALSE;
      if (!scope_fields_key_text (&key, text))
        return scope_fields_wrong_element (d, "gone", i, error, "not a WireGuard key");
      g_array_append_val (message->gone, key);
    }
  return TRUE;
}

/* Messages */

/* Base64url that is decoded later: only as long as it must be */
static gboolean
read_bytes_text (const ScopeFields *d, const char *name, gsize len, char **value, GError **error)
{
  g_autofree guint8 *bytes = g_malloc (len);
  const char *text;

  if (!scope_fields_bytes (d, name, bytes, len, error))
    return FALSE;
  text = scope_fields_string (d, name, SCOPE_BASE64_CHARS (len), error);
  *value = g_strdup (text);
  return TRUE;
}

static gboolean
parse_challenge (const ScopeFields *d, ScopeV1Message *message, GError **error)
{
  if (!read_bytes_text (d, "nonce", SCOPE_V1_NONCE_LEN, &message->nonce, error) ||
      !read_string (d, "network", SCOPE_V1_NAME_MAX, &message->network, error) ||
      !read_time (d, "time", &message->time, error) ||
      !read_bytes_text (d, "root", SCOPE_IDENTITY_PUBLIC_LEN, &message->identity, error))
    return FALSE;
  if (!scope_network_name_valid (message->network))
    return scope_fields_wrong (d, "network", error, "not a network's name");
  return TRUE;
}

static gboolean
parse_hello (const ScopeFields *d, ScopeV1Message *message, GError **error)
{
  return read_bytes_text (d, "identity", SCOPE_IDENTITY_PUBLIC_LEN, &message->identity, error) &&
         read_envelope (d, "proof", &message->proof, error) &&
         (!scope_fields_has (d, "token") ||
          read_bytes_text (d, "token", SCOPE_V1_TOKEN_LEN, &message->token, error)) &&
         read_envelope_if_any (d, "grant", &message->grant, error) &&
         read_envelope_if_any (d, "record", &message->record, error) &&
         read_envelope_if_any (d, "kex", &message->kex, error) &&
         (!scope_fields_has (d, "generation") ||
          read_string (d, "generation", SCOPE_V1_NAME_MAX, &message->generation, error)) &&
         (!scope_fields_has (d, "since") || scope_fields_count (d, "since", &message->since, error));
}

/* Endpoints, or ":3478": a port of the registry's own host */
static gboolean
read_stun (const ScopeFields *d, char ***out, GError **error)
{
  JsonArray *array = scope_fields_array (d, "stun", SCOPE_V1_MAX_STUN, error);
  g_autoptr (GPtrArray) list = NULL;

  if (!array)
    return FALSE;
  list = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      const char *text = scope_fields_element (d, "stun", array, i, SCOPE_ENDPOINT_MAX, error);
      g_autofree char *endpoint = text ? scope_v1_stun_endpoint (text, "registry") : NULL;

      if (!text)
        return FALSE;
      if (!scope_endpoint_parse (endpoint, NULL, NULL, NULL))
        return scope_fields_wrong_element (d, "stun", i, error, "not an endpoint");
      g_ptr_array_add (list, g_strdup (text));
    }
  g_ptr_array_add (list, NULL);
  *out = (char **) g_ptr_array_free (g_steal_pointer (&list), FALSE);
  return TRUE;
}

static gboolean
parse_welcome (const ScopeFields *d, ScopeV1Message *message, GError **error)
{
  return read_envelope (d, "grant", &message->grant, error) &&
         read_envelopes (d, "delegations", SCOPE_V1_MAX_DELEGATIONS, &message->delegations, error) &&
         read_envelope_if_any (d, "revocation", &message->revocation, error) &&
         read_envelope_if_any (d, "kill", &message->kill, error) && read_time (d, "time", &message->time, error) &&
         read_string (d, "generation", SCOPE_V1_NAME_MAX, &message->generation, error) &&
         scope_fields_count (d, "revision", &message->revision, error) &&
         read_number (d, "heartbeat", 0, G_MAXUINT16, &message->heartbeat, error) &&
         read_number (d, "epochSeconds", 1, SCOPE_V1_MAX_EPOCH_SECONDS, &message->epoch_seconds, error) &&
         (!scope_fields_has (d, "stun") || read_stun (d, &message->stun, error));
}

static gboolean
parse_roster (const ScopeFields *d, ScopeV1Message *message, guint *skipped, GError **error)
{
  return read_string (d, "generation", SCOPE_V1_NAME_MAX, &message->generation, error) &&
         scope_fields_count (d, "revision", &message->revision, error) &&
         scope_fields_count (d, "since", &message->since, error) &&
         scope_fields_boolean (d, "more", &message->more, error) && read_entries (d, message, skipped, error) &&
         read_gone (d, message, error);
}

static gboolean
parse_change (const ScopeFields *d, ScopeV1Message *message, GError **error)
{
  g_autofree char *where = g_strdup_printf ("%s.peer", d->where);
  g_autoptr (ScopeV1Entry) entry = NULL;
  JsonObject *peer;

  if (!scope_fields_count (d, "revision", &message->revision, error))
    return FALSE;
  peer = scope_fields_object (d, "peer", G_MAXUINT, error);
  if (!peer)
    return FALSE;
  entry = parse_entry (peer, where, error);
  if (!entry)
    return FALSE;
  message->peers = entries_new ();
  g_ptr_array_add (message->peers, g_steal_pointer (&entry));
  return TRUE;
}

/* A peer's own goodbye has no members. */
static gboolean
parse_leave (const ScopeFields *d, ScopeV1Message *message, GError **error)
{
  return !scope_fields_has (d, "key") || (scope_fields_count (d, "revision", &message->revision, error) &&
                                          scope_fields_key (d, "key", &message->key, error) &&
                                          read_time (d, "seen", &message->seen, error));
}

static gboolean
parse_gone (const ScopeFields *d, ScopeV1Message *message, GError **error)
{
  return scope_fields_count (d, "revision", &message->revision, error) &&
         scope_fields_key (d, "key", &message->key, error);
}

static gboolean
parse_grant (const ScopeFields *d, ScopeV1Message *message, GError **error)
{
  return read_envelope (d, "grant", &message->grant, error) &&
         read_envelopes (d, "delegations", SCOPE_V1_MAX_DELEGATIONS, &message->delegations, error);
}

static gboolean
parse_kex_key (const ScopeFields *d, ScopeV1Message *message, GError **error)
{
  message->has_other = scope_fields_has (d, "from");
  return (!message->has_other || scope_fields_key (d, "from", &message->other, error)) &&
         read_envelope (d, "kex", &message->kex, error);
}

static gboolean
parse_kex (const ScopeFields *d, gsize len, ScopeV1Message *message, GError **error)
{
  gboolean to = scope_fields_has (d, "to");

  /* Whoever writes "from" to the registry wants to be somebody else. */
  if (to && scope_fields_has (d, "from"))
    return scope_fields_wrong (d, "from", error, "there with “to”");
  if (!scope_fields_key (d, to ? "to" : "from", &message->other, error))
    return FALSE;
  if (to && len > SCOPE_V1_KEX_MAX)
    return scope_fields_wrong (d, "to", error, "more than %d bytes for a peer", SCOPE_V1_KEX_MAX);
  message->has_other = TRUE;
  message->body = json_object_ref (d->object);
  return TRUE;
}

static gboolean
parse_kex_state (const ScopeFields *d, ScopeV1Message *message, GError **error)
{
  return scope_fields_count (d, "epoch", &message->epoch, error) &&
         scope_fields_boolean (d, "hasKeyBroadcast", &message->has_key_broadcast, error) &&
         scope_v1_keyed_read (&scope_v1_states, d, &message->states, error);
}

static gboolean
parse_report (const ScopeFields *d, ScopeV1Message *message, GError **error)
{
  g_auto (GStrv) fork = NULL;

  if ((scope_fields_has (d, "observed") && !scope_v1_keyed_read (&scope_v1_observed, d, &message->observed, error)) ||
      !scope_v1_parse_links (d, message, error))
    return FALSE;
  if (!scope_fields_has (d, "fork"))
    return TRUE;
  if (!read_envelopes (d, "fork", 2, &fork, error))
    return FALSE;
  if (g_strv_length (fork) != 2)
    return scope_fields_wrong (d, "fork", error, "not two envelopes");
  message->fork[0] = g_strdup (fork[0]);
  message->fork[1] = g_strdup (fork[1]);
  return TRUE;
}

static gboolean
parse_ping (const ScopeFields *d, ScopeV1Message *message, GError **error)
{
  return scope_fields_count (d, "n", &message->n, error) &&
         (!scope_fields_has (d, "time") || read_time (d, "time", &message->time, error));
}

/* The question has no members, a refusal no ticket. */
static gboolean
parse_carry (const ScopeFields *d, ScopeV1Message *message, GError **error)
{
  if (scope_fields_has (d, "ticket") && !read_bytes_text (d, "ticket", SCOPE_CARRY_TICKET_LEN, &message->token, error))
    return FALSE;
  return !scope_fields_has (d, "seconds") ||
         read_number (d, "seconds", 0, SCOPE_V1_MAX_TICKET_SECONDS, &message->seconds, error);
}

static gboolean
parse_error (const ScopeFields *d, ScopeV1Message *message, GError **error)
{
  return read_string (d, "code", SCOPE_V1_NAME_MAX, &message->code, error) &&
         (!scope_fields_has (d, "message") ||
          read_string (d, "message", SCOPE_V1_TEXT_MAX, &message->text, error));
}

static gboolean
parse_data (const ScopeFields *d, gsize len, ScopeV1Message *message, guint *skipped, GError **error)
{
  switch (message->type)
    {
    case SCOPE_V1_CHALLENGE:
      return parse_challenge (d, message, error);
    case SCOPE_V1_HELLO:
      return parse_hello (d, message, error);
    case SCOPE_V1_WELCOME:
      return parse_welcome (d, message, error);
    case SCOPE_V1_ROSTER:
      return parse_roster (d, message, skipped, error);
    case SCOPE_V1_JOIN:
    case SCOPE_V1_MOVE:
      return parse_change (d, message, error);
    case SCOPE_V1_LEAVE:
      return parse_leave (d, message, error);
    case SCOPE_V1_GONE:
      return parse_gone (d, message, error);
    case SCOPE_V1_GRANT:
      return parse_grant (d, message, error);
    case SCOPE_V1_REVOCATION:
      return read_envelope (d, "revocation", &message->revocation, error);
    case SCOPE_V1_KILL:
      return read_envelope (d, "kill", &message->kill, error);
    case SCOPE_V1_RECORD:
      return read_envelope (d, "record", &message->record, error);
    case SCOPE_V1_KEX_KEY:
      return parse_kex_key (d, message, error);
    case SCOPE_V1_KEX_STATE:
      return parse_kex_state (d, message, error);
    case SCOPE_V1_KEX:
    case SCOPE_V1_PATH:
      return parse_kex (d, len, message, error);
    case SCOPE_V1_REPORT:
      return parse_report (d, message, error);
    case SCOPE_V1_PATHS:
      return scope_v1_parse_paths (d, message, error);
    case SCOPE_V1_PING:
      return parse_ping (d, message, error);
    case SCOPE_V1_CARRY:
      return parse_carry (d, message, error);
    case SCOPE_V1_ERROR:
      return parse_error (d, message, error);
    case SCOPE_V1_UNKNOWN:
      break;
    }
  return TRUE;
}

ScopeV1Message *
scope_v1_parse (const char *text, gsize len, gsize max, guint *skipped, GError **error)
{
  g_autoptr (JsonObject) object = scope_json_parse_object_strict (text, len, max, error);
  g_autoptr (ScopeV1Message) message = NULL;
  const char *name;
  JsonNode *data;
  guint bad = 0;

  if (skipped)
    *skipped = 0;
  if (!object)
    return NULL;
  name = scope_json_get_string (object, "t");
  if (!name || !*name || strlen (name) > SCOPE_V1_NAME_MAX)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "t: not a string of 1 to %d bytes", SCOPE_V1_NAME_MAX);
      return NULL;
    }
  message = scope_v1_message_new (scope_v1_type_from_name (name));
  g_free (message->name);
  message->name = g_strdup (name);
  if (message->type == SCOPE_V1_UNKNOWN)
    return g_steal_pointer (&message);

  data = json_object_get_member (object, "d");
  if (!data || !JSON_NODE_HOLDS_OBJECT (data))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "%s: d is not an object", name);
      return NULL;
    }
  const ScopeFields d = { json_node_get_object (data), message->name };
  if (!parse_data (&d, len, message, &bad, error))
    return NULL;
  if (skipped)
    *skipped = bad;
  return g_steal_pointer (&message);
}
