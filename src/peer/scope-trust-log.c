/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a scope-trust says: one line for a refusal, and not a second one for the same; whoever makes up ever new ones
 * does not fill the log either.
 */
#include "peer/scope-trust-private.h"

#include "common/scope-json.h"

#include <string.h>

#define SILENCE_SECONDS 3600

void
scope_trust_digest (const void *bytes, gsize len, guint8 *digest)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize size = SHA256_LEN;

  g_checksum_update (checksum, bytes, len);
  g_checksum_get_digest (checksum, digest, &size);
}

static JsonObject *
claimed (const char *envelope)
{
  g_autoptr (ScopeJws) jws = envelope ? scope_jws_parse (envelope, strlen (envelope), NULL) : NULL;
  gsize len;

  if (!jws)
    return NULL;
  const char *text = g_bytes_get_data (jws->payload, &len);
  return scope_json_parse_object (text, len, SCOPE_JWS_MAX_BYTES, NULL);
}

ScopeIdentityPublic *
scope_trust_claimed_identity (const char *envelope)
{
  g_autoptr (JsonObject) payload = claimed (envelope);
  const char *identity = payload ? scope_json_get_string (payload, "identity") : NULL;

  return identity ? scope_identity_public_parse (identity, NULL) : NULL;
}

static gint64
claim_expires (const char *envelope)
{
  g_autoptr (JsonObject) payload = claimed (envelope);
  JsonNode *node = payload ? json_object_get_member (payload, "expires") : NULL;

  return node && json_node_get_value_type (node) == G_TYPE_INT64 ? json_node_get_int (node) : 0;
}

/* From the cache, what has ended since is no news. */
static gboolean
is_known_end (const ScopeTrust *trust, const char *envelope)
{
  gint64 expires = trust->loading && envelope ? claim_expires (envelope) : 0;

  return expires && scope_trust_ended (expires, trust->now);
}

/* What makes two refusals the same. Of an envelope without the numbers: "expired 17 s ago" is not news in the 18th. */
static guint64
identify (const char *line, const char *envelope)
{
  guint8 digest[SHA256_LEN];
  g_autofree char *all = g_strconcat (line, "\n", envelope, NULL);
  guint64 id;

  for (char *c = all; envelope && *c != '\n'; c++)
    if (g_ascii_isdigit (*c))
      *c = '0';
  scope_trust_digest (all, strlen (all), digest);
  memcpy (&id, digest, sizeof id);
  return id;
}

/* Whether this was not said yet, and may be. */
static gboolean
is_news (ScopeTrust *trust, guint64 id)
{
  if (g_hash_table_contains (trust->said, &id))
    return FALSE;
  if (trust->silent_until && trust->now < trust->silent_until)
    return FALSE;
  if (trust->silent_until)
    {
      g_hash_table_remove_all (trust->said);
      trust->silent_until = 0;
    }
  if (g_hash_table_size (trust->said) == SCOPE_TRUST_MAX_LINES)
    {
      g_warning ("network %s: more is refused than the log should hold: the rest of the next hour is not logged",
                 trust->network);
      trust->silent_until = trust->now + SILENCE_SECONDS;
      return FALSE;
    }
  g_hash_table_add (trust->said, g_memdup2 (&id, sizeof id));
  return TRUE;
}

void
scope_trust_refuse (ScopeTrust *trust, const char *fingerprint, const ScopeKey *key, const char *envelope,
                    const char *format, ...)
{
  va_list args;
  char text[SCOPE_KEY_BASE64_LEN + 1];
  g_autofree char *who = NULL;

  va_start (args, format);
  g_autofree char *reason = g_strdup_vprintf (format, args);
  va_end (args);
  if (fingerprint)
    who = g_strdup_printf ("peer %.*s: ", SCOPE_SHORT_NAME_LEN, fingerprint);
  else if (key)
    who = g_strdup_printf ("peer with key %s: ", scope_key_to_base64 (key, text));
  g_autofree char *line = g_strdup_printf ("network %s: %s%s", trust->network, who ? who : "", reason);
  if (!is_known_end (trust, envelope) && is_news (trust, identify (line, envelope)))
    g_warning ("%s", line);
}
