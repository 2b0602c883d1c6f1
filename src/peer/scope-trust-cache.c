/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A scope-trust on disk: a JSON object in each line, so that a line that is broken costs no other, and no more than
 * one has to be in memory as JSON:
 *
 *   {"scope-trust":1,"network":"home","root":"<fingerprint>"}             the first
 *   {"identity":"<identity>"}                                             the root's
 *   {"state":{"kill":5,"sequence":17,"pq":"required","generation":"…","revision":57,"whole":…,"refused":false}}
 *   {"known":"<fingerprint>","sequence":17,"payload":"<SHA-256>","until":…,"pq":true,"forked":false}
 *   {"delegation":<JWS>}
 *   {"revocation":<JWS>}
 *   {"own":<JWS>}                                                         our grant
 *   {"peer":"<key>","grant":<JWS>,"record":<JWS>|null,"seen":…,"since":…,"listed":true,"online":true,"pipe":false,
 *    "observed":[…]}
 *
 * What is remembered stands before what it judges. Only signed things are believed; the rest (sequences, kill
 * counter) is as good as the file's mode: 0600, in root's directory.
 */
#include "peer/scope-trust-private.h"

#include "common/scope-fields.h"
#include "common/scope-json.h"

#include <string.h>

#define MAGIC "scope-trust"
#define VERSION 1
#define MAX_LINE (3 * SCOPE_JWS_MAX_BYTES)
#define MAX_TEXT 256
#define PEER_BYTES (15 * 1024) /* of a usual peer's line */

/* --- writing ------------------------------------------------------------------------------- */

static void
put_envelope (GString *out, const char *name, GBytes *packed, const char *elide)
{
  g_autofree char *text = packed ? scope_envelope_unpack (packed, elide) : NULL;

  scope_fields_put_name (out, name);
  g_string_append (out, text ? text : "null");
}

static void
put_state (GString *out, const ScopeTrust *trust)
{
  gboolean has = trust->generation && !trust->ask_whole;

  g_string_append (out, "{\"state\":{");
  scope_fields_put_integer (out, "kill", trust->kill_counter);
  scope_fields_put_integer (out, "sequence", trust->own_sequence);
  scope_fields_put_string (out, "pq", scope_pq_to_string (trust->pq));
  scope_fields_put_string (out, "generation", has ? trust->generation : "");
  scope_fields_put_integer (out, "revision", has ? trust->revision : 0);
  scope_fields_put_integer (out, "whole", trust->whole);
  scope_fields_put_boolean (out, "refused", trust->refused);
  g_string_append (out, "}}\n");
}

static void
put_known (GString *out, const Known *known)
{
  g_string_append_c (out, '{');
  scope_fields_put_string (out, "known", known->fingerprint);
  scope_fields_put_integer (out, "sequence", known->sequence);
  scope_fields_put_bytes (out, "payload", known->payload, SHA256_LEN);
  scope_fields_put_integer (out, "until", known->until);
  scope_fields_put_boolean (out, "pq", known->pq);
  scope_fields_put_boolean (out, "forked", known->forked);
  g_string_append (out, "}\n");
}

static void
put_peer (GString *out, const Peer *peer)
{
  g_autofree char *identity = scope_identity_public_format (peer->grant->identity);

  g_string_append_c (out, '{');
  scope_fields_put_key (out, "peer", &peer->pub.key);
  put_envelope (out, "grant", peer->grant_packed, identity);
  put_envelope (out, "record", peer->record_packed, NULL);
  scope_fields_put_integer (out, "seen", peer->pub.seen);
  scope_fields_put_integer (out, "since", peer->since);
  scope_fields_put_boolean (out, "listed", peer->pub.listed);
  scope_fields_put_boolean (out, "online", peer->pub.online);
  scope_fields_put_boolean (out, "pipe", peer->pub.pipe);
  scope_fields_put_strings (out, "observed", peer->observed);
  g_string_append (out, "}\n");
}

GString *
scope_trust_serialise (ScopeTrust *trust)
{
  GString *out = g_string_sized_new (64 * 1024 + g_hash_table_size (trust->peers) * PEER_BYTES +
                                     g_hash_table_size (trust->known) * MAX_TEXT);
  g_autofree char *root =
    trust->authority ? scope_identity_public_format (scope_authority_root (trust->authority)) : NULL;
  GHashTableIter iter;
  gpointer value;

  g_string_append_c (out, '{');
  scope_fields_put_integer (out, MAGIC, VERSION);
  scope_fields_put_string (out, "network", trust->network);
  scope_fields_put_string (out, "root", trust->root);
  g_string_append (out, "}\n");
  if (root)
    g_string_append_printf (out, "{\"identity\":\"%s\"}\n", root);
  put_state (out, trust);
  g_hash_table_iter_init (&iter, trust->known);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    put_known (out, value);
  g_hash_table_iter_init (&iter, trust->delegations);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      g_string_append_c (out, '{');
      put_envelope (out, "delegation", value, NULL);
      g_string_append (out, "}\n");
    }
  if (trust->revocation)
    {
      g_string_append_c (out, '{');
      put_envelope (out, "revocation", trust->revocation, NULL);
      g_string_append (out, "}\n");
    }
  if (trust->own_packed)
    {
      g_string_append_c (out, '{');
      put_envelope (out, "own", trust->own_packed, NULL);
      g_string_append (out, "}\n");
    }
  g_hash_table_iter_init (&iter, trust->peers);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    put_peer (out, value);
  trust->dirty = FALSE;
  return out;
}

/* --- reading ------------------------------------------------------------------------------- */

/* (nullable) */
static char *
get_envelope (JsonObject *line, const char *name)
{
  JsonNode *node = json_object_get_member (line, name);

  return node && JSON_NODE_HOLDS_OBJECT (node) ? json_to_string (node, FALSE) : NULL;
}

static gboolean
load_state (ScopeTrust *trust, JsonObject *line, GError **error)
{
  ScopeFields fields = { json_object_get_object_member (line, "state"), "state" };
  guint64 kill, sequence, revision;
  gint64 whole;
  gboolean refused;
  const char *generation, *pq_text;
  ScopePq pq;

  if (!scope_fields_count (&fields, "kill", &kill, error) || !scope_fields_count (&fields, "sequence", &sequence, error) ||
      !scope_fields_count (&fields, "revision", &revision, error) ||
      !scope_fields_integer (&fields, "whole", 0, SCOPE_FIELDS_INTEGER_MAX, &whole, error) ||
      !scope_fields_boolean (&fields, "refused", &refused, error) ||
      !(generation = scope_fields_string (&fields, "generation", MAX_TEXT, error)) ||
      !(pq_text = scope_fields_string (&fields, "pq", MAX_TEXT, error)))
    return FALSE;
  trust->kill_counter = MAX (trust->kill_counter, kill);
  trust->own_sequence = MAX (trust->own_sequence, sequence);
  /* Whom the former policy refused would not come as a delta. */
  trust->ask_whole |= !scope_pq_parse (&pq, pq_text) || pq != trust->pq;
  trust->refused = refused;
  trust->whole = whole;
  g_free (trust->generation);
  trust->generation = *generation ? g_strdup (generation) : NULL;
  trust->revision = revision;
  return TRUE;
}

static gboolean
load_known (ScopeTrust *trust, JsonObject *line, GError **error)
{
  ScopeFields fields = { line, "known" };
  const char *fingerprint = scope_fields_string (&fields, "known", SCOPE_FINGERPRINT_LEN, error);
  Known read, *known;

  if (!fingerprint)
    return FALSE;
  if (!scope_fingerprint_valid (fingerprint))
    return scope_fields_wrong (&fields, "known", error, "not a fingerprint");
  if (!scope_fields_count (&fields, "sequence", &read.sequence, error) ||
      !scope_fields_bytes (&fields, "payload", read.payload, SHA256_LEN, error) ||
      !scope_fields_integer (&fields, "until", 0, SCOPE_FIELDS_INTEGER_MAX, &read.until, error) ||
      !scope_fields_boolean (&fields, "pq", &read.pq, error) ||
      !scope_fields_boolean (&fields, "forked", &read.forked, error))
    return FALSE;
  if (read.until && read.until < trust->now && !read.pq)
    return TRUE;
  known = scope_trust_know (trust, fingerprint);
  if (!known)
    return scope_fields_wrong (&fields, "known", error, "more than %d of them", SCOPE_TRUST_MAX_KNOWN);
  memcpy (read.fingerprint, known->fingerprint, sizeof read.fingerprint);
  *known = read;
  return TRUE;
}

static gboolean
load_peer (ScopeTrust *trust, JsonObject *line, GError **error)
{
  ScopeFields fields = { line, "peer" };
  g_autoptr (ScopeV1Entry) entry = NULL;
  gboolean listed;
  gint64 since;
  ScopeKey key;

  if (!scope_fields_key (&fields, "peer", &key, error))
    return FALSE;
  entry = scope_v1_entry_new (&key);
  if (!scope_fields_integer (&fields, "seen", 0, SCOPE_FIELDS_INTEGER_MAX, &entry->seen, error) ||
      !scope_fields_integer (&fields, "since", 0, SCOPE_FIELDS_INTEGER_MAX, &since, error) ||
      !scope_fields_boolean (&fields, "listed", &listed, error) ||
      !scope_fields_boolean (&fields, "online", &entry->online, error) ||
      !scope_fields_boolean (&fields, "pipe", &entry->pipe, error) ||
      !(entry->observed = scope_fields_endpoints (&fields, "observed", SCOPE_V1_MAX_OBSERVED, error)))
    return FALSE;
  entry->grant = get_envelope (line, "grant");
  entry->record = get_envelope (line, "record");
  if (!entry->grant)
    return scope_fields_wrong (&fields, "grant", error, "not an envelope");
  if (!scope_trust_judge_entry (trust, entry))
    {
      trust->ask_whole = TRUE; /* it, or its next record, would perhaps not come as a delta */
      return TRUE;
    }
  Peer *peer = g_hash_table_lookup (trust->keys, &key);
  if (peer)
    {
      peer->pub.listed = listed;
      peer->since = MIN (since, trust->now);
    }
  return TRUE;
}

static void
load_signed (ScopeTrust *trust, JsonObject *line, const char *name,
             gboolean (*take) (ScopeTrust *, const char *, gint64))
{
  g_autofree char *envelope = get_envelope (line, name);

  if (envelope)
    take (trust, envelope, trust->now);
}

static gboolean
load_line (ScopeTrust *trust, JsonObject *line, GError **error)
{
  const char *identity = scope_json_get_string (line, "identity");
  JsonNode *state = json_object_get_member (line, "state");

  if (identity)
    scope_trust_set_root (trust, identity, trust->now);
  else if (state && JSON_NODE_HOLDS_OBJECT (state))
    return load_state (trust, line, error);
  else if (json_object_has_member (line, "known"))
    return load_known (trust, line, error);
  else if (json_object_has_member (line, "delegation"))
    load_signed (trust, line, "delegation", scope_trust_add_delegation);
  else if (json_object_has_member (line, "revocation"))
    load_signed (trust, line, "revocation", scope_trust_set_revocation);
  else if (json_object_has_member (line, "own"))
    load_signed (trust, line, "own", scope_trust_set_grant);
  else if (json_object_has_member (line, "peer"))
    return load_peer (trust, line, error);
  /* Anything else is of a version to come. */
  return TRUE;
}

static gboolean
is_ours (ScopeTrust *trust, JsonObject *line)
{
  JsonNode *version = line ? json_object_get_member (line, MAGIC) : NULL;
  const char *network, *root;

  if (!version || json_node_get_value_type (version) != G_TYPE_INT64 || json_node_get_int (version) != VERSION)
    {
      g_warning ("network %s: the cache is broken, or none: it is not used", trust->network);
      return FALSE;
    }
  network = scope_json_get_string (line, "network");
  root = scope_json_get_string (line, "root");
  if (g_strcmp0 (network, trust->network) == 0 && g_strcmp0 (root, trust->root) == 0)
    return TRUE;
  g_message ("network %s: the cache is of another network, or of another root: it is not used", trust->network);
  return FALSE;
}

gboolean
scope_trust_load (ScopeTrust *trust, const char *text, gsize len, gint64 now)
{
  const char *end = text + len;
  gboolean first = TRUE;

  trust->now = now;
  if (len > SCOPE_TRUST_MAX_BYTES)
    {
      g_warning ("network %s: the cache is longer than %d bytes: it is not used", trust->network, SCOPE_TRUST_MAX_BYTES);
      return FALSE;
    }
  for (const char *line = text; first || line < end;)
    {
      const char *newline = line < end ? memchr (line, '\n', end - line) : NULL;
      gsize n = (newline ? newline : end) - line;
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonObject) object = scope_json_parse_object (line, n, MAX_LINE, &error);

      if (first && !is_ours (trust, object))
        return FALSE;
      trust->loading = TRUE;
      if (!object || (!first && !load_line (trust, object, &error)))
        {
          scope_trust_refuse (trust, NULL, NULL, NULL, "cache: a line is left out: %s", error->message);
          trust->ask_whole = TRUE;
        }
      first = FALSE;
      line += n + 1;
    }
  /* What it lacks the next one should lack, too. */
  scope_trust_tick (trust, now, NULL);
  trust->loading = FALSE;
  trust->dirty = TRUE;
  return TRUE;
}
