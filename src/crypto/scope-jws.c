/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crypto/scope-jws.h"

#include "common/scope-base64.h"
#include "common/scope-error.h"
#include "common/scope-json.h"
#include "crypto/scope-identity-private.h"

#include <string.h>

#define MAX_HEADER 1024 /* bytes: "kid" and "typ" are bounded */
#define N_SIGNATURES 2

static const struct {
  const char *name;
  gsize len;
} algorithms[N_SIGNATURES] = {
  { "Ed448", SCOPE_ED448_SIGNATURE_LEN },
  { "ML-DSA-65", SCOPE_MLDSA_SIGNATURE_LEN },
};

static GBytes *
format_signing_input (const char *header, const char *payload)
{
  char *text = g_strconcat (header, ".", payload, NULL);

  return g_bytes_new_take (text, strlen (text));
}

static char *
encode (const void *bytes, gsize len)
{
  return scope_base64url_encode (bytes, len, g_malloc (SCOPE_BASE64_CHARS (len) + 1));
}

/* --- writing --- */

static char *
format_header (const char *alg, const char *kid, const char *typ)
{
  g_autoptr (GString) json = g_string_new (NULL);

  g_string_append_printf (json, "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":", alg, kid);
  scope_json_append_string (json, typ);
  g_string_append_c (json, '}');
  return encode (json->str, json->len);
}

static void
append_signature (GString *out, const char *header, const guint8 *signature, gsize len)
{
  g_autofree char *text = encode (signature, len);

  g_string_append_printf (out, "{\"protected\":\"%s\",\"signature\":\"%s\"}", header, text);
}

char *
scope_jws_sign (const ScopeIdentity *identity, const char *typ, const char *payload, GError **error)
{
  const char *kid = scope_identity_public_fingerprint (scope_identity_public (identity));
  g_autoptr (JsonObject) object = NULL;
  g_autoptr (GError) why = NULL;
  guint8 ed448[SCOPE_ED448_SIGNATURE_LEN], mldsa[SCOPE_MLDSA_SIGNATURE_LEN];

  if (!*typ || strlen (typ) > SCOPE_JWS_MAX_TYP)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "type of an envelope: not 1 to %d bytes", SCOPE_JWS_MAX_TYP);
      return NULL;
    }
  object = scope_json_parse_object_strict (payload, strlen (payload), SCOPE_JWS_MAX_BYTES, &why);
  if (!object)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "cannot sign this %s: %s", typ, why->message);
      return NULL;
    }

  g_autofree char *body = encode (payload, strlen (payload));
  g_autofree char *ed448_header = format_header (algorithms[0].name, kid, typ);
  g_autofree char *mldsa_header = format_header (algorithms[1].name, kid, typ);
  g_autoptr (GBytes) ed448_input = format_signing_input (ed448_header, body);
  g_autoptr (GBytes) mldsa_input = format_signing_input (mldsa_header, body);
  if (!scope_identity_sign (identity, ed448_input, ed448, mldsa_input, mldsa, error))
    return NULL;

  g_autoptr (GString) out = g_string_new (NULL);
  g_string_append_printf (out, "{\"payload\":\"%s\",\"signatures\":[", body);
  append_signature (out, ed448_header, ed448, sizeof ed448);
  g_string_append_c (out, ',');
  append_signature (out, mldsa_header, mldsa, sizeof mldsa);
  g_string_append (out, "]}");

  if (out->len > SCOPE_JWS_MAX_BYTES)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "cannot sign this %s: the envelope has more than %d bytes",
                   typ, SCOPE_JWS_MAX_BYTES);
      return NULL;
    }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

/* --- reading --- */

static gboolean G_GNUC_PRINTF (2, 3)
refuse (GError **error, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "signed envelope: %s", message);
  return FALSE;
}

static GBytes *
decode (const char *text)
{
  gsize chars = strlen (text), len = chars * 6 / 8;
  g_autofree guint8 *bytes = g_malloc (len + 1);

  if (!scope_base64url_decode (text, chars, bytes))
    return NULL;
  bytes[len] = '\0';
  return g_bytes_new_take (g_steal_pointer (&bytes), len);
}

/* The header of one signature: sets which algorithm it is of. All of "kid" and "typ" must agree. */
static gboolean
read_header (ScopeJws *jws, const char *text, guint *which, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (JsonObject) header = NULL;
  g_autoptr (GError) why = NULL;
  const char *alg, *kid, *typ;
  gsize len;

  if (strlen (text) > SCOPE_BASE64_CHARS (MAX_HEADER) || !(bytes = decode (text)))
    return refuse (error, "protected: not base64url of at most %d bytes", MAX_HEADER);
  const char *json = g_bytes_get_data (bytes, &len);
  header = scope_json_parse_object_strict (json, len, MAX_HEADER, &why);
  if (!header)
    return refuse (error, "protected: %s", why->message);

  alg = scope_json_get_string (header, "alg");
  kid = scope_json_get_string (header, "kid");
  typ = scope_json_get_string (header, "typ");
  if (!alg || !kid || !typ)
    return refuse (error, "protected: no “%s”", !alg ? "alg" : !kid ? "kid" : "typ");
  if (json_object_get_size (header) != 3)
    return refuse (error, "protected: more than “alg”, “kid” and “typ”");

  for (*which = 0; *which < N_SIGNATURES && strcmp (alg, algorithms[*which].name) != 0; (*which)++)
    ;
  if (*which == N_SIGNATURES)
    return refuse (error, "alg: neither %s nor %s", algorithms[0].name, algorithms[1].name);
  if (jws->signature[*which])
    return refuse (error, "alg: %s twice", alg);
  if (!scope_fingerprint_valid (kid))
    return refuse (error, "kid: not a fingerprint");
  if (!*typ || strlen (typ) > SCOPE_JWS_MAX_TYP)
    return refuse (error, "typ: not 1 to %d bytes", SCOPE_JWS_MAX_TYP);
  if (jws->kid && strcmp (jws->kid, kid) != 0)
    return refuse (error, "kid: two different ones");
  if (jws->typ && strcmp (jws->typ, typ) != 0)
    return refuse (error, "typ: two different ones");
  if (!jws->kid)
    {
      jws->kid = g_strdup (kid);
      jws->typ = g_strdup (typ);
    }
  return TRUE;
}

static gboolean
read_signature (ScopeJws *jws, JsonNode *node, const char *payload, GError **error)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *header = object ? scope_json_get_string (object, "protected") : NULL;
  const char *signature = object ? scope_json_get_string (object, "signature") : NULL;
  guint which = 0;

  if (!header || !signature || json_object_get_size (object) != 2)
    return refuse (error, "signatures: each has “protected” and “signature” and nothing else");
  if (!read_header (jws, header, &which, error))
    return FALSE;

  g_autofree guint8 *bytes = g_malloc (algorithms[which].len);
  if (!scope_base64url_decode_exact (signature, bytes, algorithms[which].len))
    return refuse (error, "signature: %s: not base64url of %" G_GSIZE_FORMAT " bytes", algorithms[which].name,
                   algorithms[which].len);
  jws->signature[which] = g_steal_pointer (&bytes);
  jws->signing_input[which] = format_signing_input (header, payload);
  return TRUE;
}

static gboolean
read_envelope (ScopeJws *jws, JsonObject *object, GError **error)
{
  const char *payload = scope_json_get_string (object, "payload");
  JsonNode *node = json_object_get_member (object, "signatures");
  JsonArray *signatures = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  if (!payload || !signatures)
    return refuse (error, "no “%s”", !payload ? "payload" : "signatures");
  if (json_object_get_size (object) != 2)
    return refuse (error, "more than “payload” and “signatures”");
  if (json_array_get_length (signatures) != N_SIGNATURES)
    return refuse (error, "signatures: not exactly %d", N_SIGNATURES);
  if (strlen (payload) > SCOPE_JWS_MAX_BYTES)
    return refuse (error, "payload: more than %d bytes", SCOPE_JWS_MAX_BYTES);
  jws->payload = decode (payload);
  if (!jws->payload)
    return refuse (error, "payload: not base64url");

  /* Two signatures, none of them twice: so both are there in the end. */
  for (guint i = 0; i < N_SIGNATURES; i++)
    if (!read_signature (jws, json_array_get_element (signatures, i), payload, error))
      return FALSE;
  return TRUE;
}

ScopeJws *
scope_jws_from_object (JsonObject *object, GError **error)
{
  g_autoptr (ScopeJws) jws = g_new0 (ScopeJws, 1);

  return read_envelope (jws, object, error) ? g_steal_pointer (&jws) : NULL;
}

ScopeJws *
scope_jws_parse (const char *text, gsize len, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (JsonObject) object = scope_json_parse_object_strict (text, len, SCOPE_JWS_MAX_BYTES, &why);

  if (object)
    return scope_jws_from_object (object, error);
  refuse (error, "%s", why->message);
  return NULL;
}

void
scope_jws_free (ScopeJws *jws)
{
  if (!jws)
    return;
  g_free (jws->kid);
  g_free (jws->typ);
  g_clear_pointer (&jws->payload, g_bytes_unref);
  for (guint i = 0; i < N_SIGNATURES; i++)
    {
      g_clear_pointer (&jws->signing_input[i], g_bytes_unref);
      g_free (jws->signature[i]);
    }
  g_free (jws);
}

JsonObject *
scope_jws_verify (const ScopeJws *jws, const ScopeIdentityPublic *signer, const char *typ, GError **error)
{
  g_autoptr (GError) why = NULL;
  JsonObject *payload;
  const char *bad = NULL;
  gsize len;

  if (strcmp (jws->typ, typ) != 0)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_DENIED, "signed envelope: not a %s but another type", typ);
      return NULL;
    }
  if (strcmp (jws->kid, scope_identity_public_fingerprint (signer)) != 0)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_DENIED, "%s: signed by %s, not by %s", typ, jws->kid,
                   scope_identity_public_fingerprint (signer));
      return NULL;
    }
  if (!scope_identity_public_verify_ed448 (signer, jws->signing_input[0], jws->signature[0]))
    bad = algorithms[0].name;
  else if (!scope_identity_public_verify_mldsa (signer, jws->signing_input[1], jws->signature[1]))
    bad = algorithms[1].name;
  if (bad)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_DENIED, "%s of %s: the %s signature is not good", typ, jws->kid, bad);
      return NULL;
    }

  const char *text = g_bytes_get_data (jws->payload, &len);
  payload = scope_json_parse_object_strict (text, len, SCOPE_JWS_MAX_BYTES, &why);
  if (!payload)
    refuse (error, "payload: %s", why->message);
  return payload;
}
