/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-jws: signed envelopes: JWS in general JSON serialization (RFC 7515 §7.2.1) with exactly two
 * signatures, "Ed448" (RFC 9864) and "ML-DSA-65", of one identity. Both must verify.
 *
 *   {"payload":"…","signatures":[{"protected":"…","signature":"…"},{"protected":"…","signature":"…"}]}
 *
 * The payload is a JSON object. Each protected header has "alg", "kid" (the signer's fingerprint) and
 * "typ" (what the envelope is, so that one kind never passes for another) and nothing else.
 */
#pragma once

#include "crypto/scope-identity.h"

#include <json-glib/json-glib.h>

#define SCOPE_JWS_MAX_BYTES (64 * 1024)
#define SCOPE_JWS_MAX_TYP 64 /* characters */

/**
 * scope_jws_sign:
 * @typ: such as "scope-grant"
 * @payload: JSON text, signed byte for byte
 * @error: SCOPE_ERROR_INVALID: a payload that nobody would accept: too large, not an object, a name twice
 *
 * Returns: (transfer full): the envelope's text
 */
char *scope_jws_sign (const ScopeIdentity *identity, const char *typ, const char *payload, GError **error);

/**
 * ScopeJws:
 * @kid: fingerprint of who claims to have signed; the same in both headers
 * @payload: the payload's bytes, unverified until scope_jws_verify() has said so
 *
 * An envelope whose form is right.
 */
typedef struct {
  char *kid;
  char *typ;
  GBytes *payload;
  GBytes *signing_input[2]; /* Ed448's, ML-DSA's */
  guint8 *signature[2];
} ScopeJws;

/**
 * scope_jws_parse:
 * @error: SCOPE_ERROR_PROTOCOL naming the field: an unknown, missing or second "alg", kids or typs that differ,
 *   a header with more than it should have, signatures of a wrong length
 */
ScopeJws *scope_jws_parse (const char *text, gsize len, GError **error);

/* The same for an envelope within a message. Of two members of one name in @object itself the last one counts. */
ScopeJws *scope_jws_from_object (JsonObject *object, GError **error);
void scope_jws_free (ScopeJws *jws);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeJws, scope_jws_free)

/**
 * scope_jws_verify:
 * @signer: who must have signed
 * @typ: what it must be
 * @error: SCOPE_ERROR_DENIED: another signer, another type, or a signature that is not good (says which);
 *   SCOPE_ERROR_PROTOCOL: all that is right, but the payload is not a JSON object, or a name in it is there twice
 *
 * Returns: (transfer full): the payload, or %NULL
 */
JsonObject *scope_jws_verify (const ScopeJws *jws, const ScopeIdentityPublic *signer, const char *typ, GError **error);
