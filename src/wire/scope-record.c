/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/scope-record.h"

#include "common/scope-error.h"
#include "crypto/scope-authority-form.h"
#include "wire/scope-record-private.h"

#define NONCE_CHARS 43 /* 32 bytes in base64url */

ScopeRecord *
scope_record_new (const char *network)
{
  ScopeRecord *record = g_new0 (ScopeRecord, 1);

  record->network = g_strdup (network);
  record->ranges = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  record->endpoints = g_new0 (char *, 1);
  return record;
}

void
scope_record_free (ScopeRecord *record)
{
  if (!record)
    return;
  g_free (record->network);
  g_clear_pointer (&record->ranges, g_array_unref);
  g_strfreev (record->endpoints);
  g_free (record);
}

static GString *
begin (const char *network)
{
  GString *out = g_string_new ("{");

  scope_fields_put_string (out, "network", network);
  return out;
}

static char *
end (GString *out)
{
  g_string_append_c (out, '}');
  return g_string_free (out, FALSE);
}

/* Records */

char *
scope_record_format (const ScopeRecord *record)
{
  GString *out = begin (record->network);

  scope_fields_put_key (out, "key", &record->key);
  scope_fields_put_integer (out, "sequence", record->sequence);
  scope_fields_put_integer (out, "issued", record->issued);
  scope_fields_put_integer (out, "expires", record->expires);
  scope_fields_put_string (out, "role", scope_role_to_string (record->role));
  scope_fields_put_prefixes (out, "ranges", record->ranges);
  scope_fields_put_strings (out, "endpoints", record->endpoints);
  if (scope_key_is_zero (&record->attachment))
    {
      scope_fields_put_name (out, "attachment");
      g_string_append (out, "null");
    }
  else
    scope_fields_put_key (out, "attachment", &record->attachment);
  scope_fields_put_string (out, "pq", scope_pq_to_string (record->pq));
  return end (out);
}

static gboolean
read_pq (const ScopeFields *fields, ScopePq *pq, GError **error)
{
  const char *text = scope_fields_string (fields, "pq", 16, error);

  if (!text)
    return FALSE;
  return scope_pq_parse (pq, text) || scope_fields_wrong (fields, "pq", error, "not required, preferred or off");
}

static gboolean
read_attachment (const ScopeFields *fields, ScopeRecord *record, GError **error)
{
  if (!scope_fields_has (fields, "attachment"))
    return TRUE;
  if (!scope_fields_key (fields, "attachment", &record->attachment, error))
    return FALSE;
  return !scope_key_equal (&record->attachment, &record->key) ||
         scope_fields_wrong (fields, "attachment", error, "the peer itself");
}

ScopeRecord *
scope_record_parse (JsonObject *payload, const char *network, GError **error)
{
  const ScopeFields fields = { payload, "record" };
  g_autoptr (ScopeRecord) record = g_new0 (ScopeRecord, 1);

  record->network = g_strdup (network);
  if (!scope_form_network (&fields, network, error) || !scope_fields_key (&fields, "key", &record->key, error) ||
      !scope_form_counter (&fields, "sequence", &record->sequence, error) ||
      !scope_form_times (&fields, &record->issued, &record->expires, error) ||
      !scope_form_role (&fields, "role", &record->role, error) ||
      !(record->ranges = scope_fields_prefixes (&fields, "ranges", SCOPE_GRANT_MAX_RANGES, error)) ||
      !(record->endpoints = scope_fields_endpoints (&fields, "endpoints", SCOPE_RECORD_MAX_ENDPOINTS, error)) ||
      !read_attachment (&fields, record, error) || !read_pq (&fields, &record->pq, error))
    return NULL;
  if (record->expires - record->issued > SCOPE_RECORD_MAX_SECONDS)
    {
      scope_fields_wrong (&fields, "expires", error, "more than %d s after “issued”", SCOPE_RECORD_MAX_SECONDS);
      return NULL;
    }
  return g_steal_pointer (&record);
}

ScopeRecord *
scope_record_verify (const ScopeJws *jws, const char *network, const ScopeIdentityPublic *identity, gint64 now,
                     GError **error)
{
  g_autoptr (JsonObject) payload = scope_jws_verify (jws, identity, SCOPE_TYP_RECORD, error);
  g_autoptr (ScopeRecord) record = payload ? scope_record_parse (payload, network, error) : NULL;
  g_autofree char *what = g_strdup_printf ("record of %.8s", jws->kid);

  if (!record || !scope_form_check_times (what, record->issued, record->expires, now, error))
    return NULL;
  return g_steal_pointer (&record);
}

static gboolean
is_granted (const ScopePrefix *range, const GArray *granted)
{
  for (guint i = 0; i < granted->len; i++)
    if (scope_prefix_contains (&g_array_index (granted, ScopePrefix, i), range))
      return TRUE;
  return FALSE;
}

gboolean
scope_record_granted (const ScopeRecord *record, const ScopeGrant *grant, GError **error)
{
  const char *who = scope_identity_public_fingerprint (grant->identity);

  if (!scope_key_equal (&record->key, &grant->key))
    return scope_deny (error, "record of %.8s: key: not the granted one", who);
  if (record->role > grant->role)
    return scope_deny (error, "record of %.8s: role: %s, but granted is %s", who, scope_role_to_string (record->role),
                 scope_role_to_string (grant->role));
  for (guint i = 0; i < record->ranges->len; i++)
    {
      const ScopePrefix *range = &g_array_index (record->ranges, ScopePrefix, i);
      char text[SCOPE_PREFIX_STRLEN];

      if (!is_granted (range, grant->ranges))
        return scope_deny (error, "record of %.8s: ranges[%u]: %s is not granted", who, i, scope_prefix_format (range, text));
    }
  return TRUE;
}

/* The proof of a hello */

char *
scope_hello_format (const char *network, const char *nonce, const ScopeKey *key, gint64 issued)
{
  GString *out = begin (network);

  scope_fields_put_string (out, "nonce", nonce);
  scope_fields_put_key (out, "key", key);
  scope_fields_put_integer (out, "issued", issued);
  return end (out);
}

gboolean
scope_hello_parse (JsonObject *payload, const char *network, const char **nonce, ScopeKey *key, GError **error)
{
  const ScopeFields fields = { payload, "proof" };
  gint64 issued;

  return scope_form_network (&fields, network, error) &&
         (*nonce = scope_fields_string (&fields, "nonce", NONCE_CHARS, error)) != NULL &&
         scope_fields_key (&fields, "key", key, error) && scope_form_time (&fields, "issued", &issued, error);
}

/* The nonce is fresh, whatever the peer's clock says: a machine that has just booted may not know the time yet. */
gboolean
scope_hello_verify (const ScopeJws *jws, const char *network, const char *nonce, const ScopeIdentityPublic *identity,
                    ScopeKey *key, GError **error)
{
  g_autoptr (JsonObject) payload = scope_jws_verify (jws, identity, SCOPE_TYP_HELLO, error);
  const char *signed_nonce;

  if (!payload || !scope_hello_parse (payload, network, &signed_nonce, key, error))
    return FALSE;
  return g_str_equal (signed_nonce, nonce) || scope_deny (error, "proof.nonce: not the one of this session");
}

/* Keys and ciphertexts of an epoch */

char *
scope_kex_key_format (const char *network, const ScopeKexKey *key)
{
  GString *out = begin (network);

  scope_fields_put_key (out, "key", &key->key);
  scope_fields_put_integer (out, "epoch", key->epoch);
  scope_fields_put_bytes (out, "kem", key->kem, sizeof key->kem);
  scope_fields_put_integer (out, "issued", key->issued);
  return end (out);
}

gboolean
scope_kex_key_parse (JsonObject *payload, const char *network, ScopeKexKey *key, GError **error)
{
  const ScopeFields fields = { payload, "kex-key" };

  return scope_form_network (&fields, network, error) && scope_fields_key (&fields, "key", &key->key, error) &&
         scope_fields_count (&fields, "epoch", &key->epoch, error) &&
         scope_fields_bytes (&fields, "kem", key->kem, sizeof key->kem, error) &&
         scope_form_time (&fields, "issued", &key->issued, error);
}

gboolean
scope_kex_key_verify (const ScopeJws *jws, const char *network, const ScopeIdentityPublic *identity,
                      const ScopeKey *key, ScopeKexKey *out, GError **error)
{
  g_autoptr (JsonObject) payload = scope_jws_verify (jws, identity, SCOPE_TYP_KEX_KEY, error);

  if (!payload || !scope_kex_key_parse (payload, network, out, error))
    return FALSE;
  return scope_key_equal (&out->key, key) || scope_deny (error, "kex-key.key: another peer's");
}

char *
scope_kex_ct_format (const char *network, const ScopeKexCt *ct)
{
  GString *out = begin (network);

  scope_fields_put_integer (out, "epoch", ct->epoch);
  scope_fields_put_key (out, "from", &ct->from);
  scope_fields_put_key (out, "to", &ct->to);
  scope_fields_put_bytes (out, "kem", ct->kem_digest, sizeof ct->kem_digest);
  scope_fields_put_bytes (out, "ct", ct->ct, sizeof ct->ct);
  scope_fields_put_integer (out, "issued", ct->issued);
  return end (out);
}

gboolean
scope_kex_ct_parse (JsonObject *payload, const char *network, ScopeKexCt *ct, GError **error)
{
  const ScopeFields fields = { payload, "kex-ct" };

  return scope_form_network (&fields, network, error) && scope_fields_count (&fields, "epoch", &ct->epoch, error) &&
         scope_fields_key (&fields, "from", &ct->from, error) && scope_fields_key (&fields, "to", &ct->to, error) &&
         scope_fields_bytes (&fields, "kem", ct->kem_digest, sizeof ct->kem_digest, error) &&
         scope_fields_bytes (&fields, "ct", ct->ct, sizeof ct->ct, error) &&
         scope_form_time (&fields, "issued", &ct->issued, error);
}

gboolean
scope_kex_ct_verify (const ScopeJws *jws, const char *network, const ScopeIdentityPublic *identity,
                     const ScopeKey *from, const ScopeKey *to, ScopeKexCt *out, GError **error)
{
  g_autoptr (JsonObject) payload = scope_jws_verify (jws, identity, SCOPE_TYP_KEX_CT, error);

  if (!payload || !scope_kex_ct_parse (payload, network, out, error))
    return FALSE;
  if (!scope_key_equal (&out->from, from))
    return scope_deny (error, "kex-ct.from: another peer's key");
  return scope_key_equal (&out->to, to) || scope_deny (error, "kex-ct.to: another peer's key");
}
