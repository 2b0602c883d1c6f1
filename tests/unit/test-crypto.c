/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-crypto: src/crypto: identities, envelopes, hybrid encapsulation.
 */
#include "common/scope-base64.h"
#include "common/scope-error.h"
#include "common/scope-json.h"
#include "crypto/scope-jws.h"
#include "crypto/scope-kem.h"
#include "crypto/scope-link-address.h"

#include <string.h>

static void
from_hex (const char *hex, guint8 *out, gsize len)
{
  g_assert_cmpuint (strlen (hex), ==, 2 * len);
  for (gsize i = 0; i < len; i++)
    out[i] = g_ascii_xdigit_value (hex[2 * i]) << 4 | g_ascii_xdigit_value (hex[2 * i + 1]);
}

static void
assert_hex (const guint8 *bytes, gsize len, const char *hex)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (gsize i = 0; i < len; i++)
    g_string_append_printf (text, "%02x", bytes[i]);
  g_assert_cmpstr (text->str, ==, hex);
}

/* For values too long to stand here. */
static void
assert_sha3 (const guint8 *bytes, gsize len, const char *hex)
{
  g_autoptr (GBytes) all = g_bytes_new (bytes, len);
  guint8 digest[32];

  scope_sha3_256 (all, digest);
  assert_hex (digest, sizeof digest, hex);
}

/* Whose secret is @first, @first + 1, … */
static ScopeIdentity *
fixed_identity (guint8 first)
{
  guint8 secret[SCOPE_IDENTITY_SECRET_LEN];
  g_autoptr (GError) error = NULL;
  ScopeIdentity *identity;

  for (guint i = 0; i < sizeof secret; i++)
    secret[i] = first + i;
  identity = scope_identity_new (secret, &error);
  g_assert_no_error (error);
  return identity;
}

/* --- identities --- */

/* RFC 8032 §7.4 “blank”, and of Project Wycheproof the first of mldsa_65_sign_seed. */
static void
test_identity_vectors (void)
{
  g_autoptr (GBytes) blank = g_bytes_new_static ("", 0);
  g_autoptr (GBytes) hello = g_bytes_new_static ("Hello world", 11);
  g_autoptr (ScopeIdentity) identity = NULL;
  g_autoptr (GError) error = NULL;
  guint8 secret[SCOPE_IDENTITY_SECRET_LEN], ed448[SCOPE_ED448_SIGNATURE_LEN], mldsa[SCOPE_MLDSA_SIGNATURE_LEN];

  from_hex ("6c82a562cb808d10d632be89c8513ebf6c929f34ddfa8c9f63c9960ef6e348a3528c8a3fcc2f044e39a3fc5b94492f8f032e7549a20098f95b",
            secret, SCOPE_ED448_LEN);
  memset (secret + SCOPE_ED448_LEN, 0x2a, SCOPE_MLDSA_SEED_LEN);
  identity = scope_identity_new (secret, &error);
  g_assert_no_error (error);

  const guint8 *pub = scope_identity_public_bytes (scope_identity_public (identity));
  assert_hex (pub, SCOPE_ED448_LEN,
              "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061bd6783df1e50f6cd1fa1abeafe8256180");
  assert_sha3 (pub + SCOPE_ED448_LEN, SCOPE_MLDSA_PUBLIC_LEN,
               "1d03e2a9e7c138287c5df09602562d02b94a8cc38a612d97a0922f554b0e2cee");

  g_assert_true (scope_identity_sign (identity, blank, ed448, hello, mldsa, &error));
  g_assert_no_error (error);
  assert_hex (ed448, sizeof ed448,
              "533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f2b233f034f628281f2fd7a22ddd47d7828c59bd0a21bfd39"
              "80ff0d2028d4b18a9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdda8530a113a0f4dbb61149f05a7363268c71d95808ff2e652600");
  assert_sha3 (mldsa, sizeof mldsa, "77c944aaa59ead1318b9eeee229db108765f12000b49535756e2513d0e94de03");
  g_assert_true (scope_identity_public_verify (scope_identity_public (identity), blank, ed448, hello, mldsa));
}

static void
test_identity_texts (void)
{
  g_autoptr (ScopeIdentity) identity = fixed_identity (0);
  ScopeIdentityPublic *pub = scope_identity_public (identity);
  g_autoptr (ScopeIdentityPublic) again = NULL;
  g_autoptr (ScopeIdentity) same = NULL;
  g_autoptr (ScopeSecret) secret = scope_identity_format (identity);
  g_autofree char *text = scope_identity_public_format (pub);
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (scope_identity_public_fingerprint (pub), ==, "7huppepri6nz3pplqwsbfi5xwp7n76vkams4r3ksfiiaqa6qft7a");
  g_assert_cmpstr (secret, ==,
                   "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1g");

  again = scope_identity_public_parse (text, &error);
  g_assert_no_error (error);
  g_assert_true (scope_identity_public_equal (pub, again));
  g_assert_cmpstr (scope_identity_public_fingerprint (again), ==, scope_identity_public_fingerprint (pub));
  same = scope_identity_parse (secret, &error);
  g_assert_no_error (error);
  g_assert_true (scope_identity_public_equal (scope_identity_public (same), pub));

  text[0] ^= 1;
  g_clear_pointer (&again, scope_identity_public_unref);
  again = scope_identity_public_parse (text, &error);
  g_assert_no_error (error);
  g_assert_false (scope_identity_public_equal (pub, again));
  g_assert_cmpstr (scope_identity_public_fingerprint (again), !=, scope_identity_public_fingerprint (pub));
}

static void
test_identity_bad_texts (void)
{
  g_autoptr (ScopeIdentity) identity = fixed_identity (0);
  g_autoptr (ScopeSecret) secret = scope_identity_format (identity);
  g_autofree char *text = scope_identity_public_format (scope_identity_public (identity));
  g_autofree char *longer = g_strconcat (text, "A", NULL);
  g_autofree char *shorter = g_strndup (text, strlen (text) - 1);
  const char *const bad[] = { "", "A", secret, longer, shorter };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (scope_identity_public_parse (bad[i], &error));
      g_assert_true (scope_err_invalid (error));
    }

  g_autoptr (GError) error = NULL;
  g_assert_null (scope_identity_parse (text, &error));
  g_assert_true (scope_err_invalid (error));
  g_clear_error (&error);
  secret[3] = '+';
  g_assert_null (scope_identity_parse (secret, &error));
  g_assert_true (scope_err_invalid (error));
}

static void
test_identity_fingerprints (void)
{
#define GOOD "7huppepri6nz3pplqwsbfi5xwp7n76vkams4r3ksfiiaqa6qft7a"
  static const char *const bad[] = {
    "", "7huppepr", GOOD "a", GOOD "=", GOOD "\n", "7HUPPEPRI6NZ3PPLQWSBFI5XWP7N76VKAMS4R3KSFIIAQA6QFT7A",
    "7huppepri6nz3pplqwsbfi5xwp7n76vkams4r3ksfiiaqa6qft7b", /* a bit too many */
    "7huppepri6nz3pplqwsbfi5xwp7n76vkams4r3ksfiiaqa6qft7",  /* one short */
    "1huppepri6nz3pplqwsbfi5xwp7n76vkams4r3ksfiiaqa6qft7a", /* no 1 in Base32 */
  };

  g_assert_true (scope_fingerprint_valid (GOOD));
  g_assert_false (scope_fingerprint_valid (NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_test_message ("“%s”", bad[i]);
      g_assert_false (scope_fingerprint_valid (bad[i]));
    }
#undef GOOD
}

static void
test_identity_signatures (void)
{
  g_autoptr (ScopeIdentity) identity = NULL;
  g_autoptr (ScopeIdentity) other = fixed_identity (1);
  g_autoptr (GBytes) one = g_bytes_new_static ("one", 3);
  g_autoptr (GBytes) two = g_bytes_new_static ("two", 3);
  g_autoptr (GError) error = NULL;
  guint8 ed448[SCOPE_ED448_SIGNATURE_LEN], mldsa[SCOPE_MLDSA_SIGNATURE_LEN];
  guint8 ed448_again[SCOPE_ED448_SIGNATURE_LEN], mldsa_again[SCOPE_MLDSA_SIGNATURE_LEN];
  ScopeIdentityPublic *pub;

  identity = scope_identity_generate (&error);
  g_assert_no_error (error);
  pub = scope_identity_public (identity);
  g_assert_true (scope_fingerprint_valid (scope_identity_public_fingerprint (pub)));
  g_assert_true (scope_identity_sign (identity, one, ed448, two, mldsa, &error));
  g_assert_true (scope_identity_sign (identity, one, ed448_again, two, mldsa_again, &error));
  g_assert_no_error (error);
  g_assert_cmpmem (ed448, sizeof ed448, ed448_again, sizeof ed448_again);
  g_assert_cmpmem (mldsa, sizeof mldsa, mldsa_again, sizeof mldsa_again);

  g_assert_true (scope_identity_public_verify (pub, one, ed448, two, mldsa));
  g_assert_false (scope_identity_public_verify (pub, two, ed448, two, mldsa));
  g_assert_false (scope_identity_public_verify (pub, one, ed448, one, mldsa));
  g_assert_false (scope_identity_public_verify (scope_identity_public (other), one, ed448, two, mldsa));

  /* Each alone is not enough. */
  for (gsize i = 0; i < sizeof ed448; i += 7)
    {
      ed448[i] ^= 1;
      g_assert_false (scope_identity_public_verify (pub, one, ed448, two, mldsa));
      ed448[i] ^= 1;
    }
  for (gsize i = 0; i < sizeof mldsa; i += 301)
    {
      mldsa[i] ^= 1;
      g_assert_false (scope_identity_public_verify (pub, one, ed448, two, mldsa));
      mldsa[i] ^= 1;
    }

  /* Half of one identity with half of another is a third, whom neither can sign for. */
  guint8 mixed[SCOPE_IDENTITY_PUBLIC_LEN];
  memcpy (mixed, scope_identity_public_bytes (pub), sizeof mixed);
  memcpy (mixed, scope_identity_public_bytes (scope_identity_public (other)), SCOPE_ED448_LEN);
  g_autoptr (ScopeIdentityPublic) third = scope_identity_public_new (mixed);
  g_assert_false (scope_identity_public_verify (third, one, ed448, two, mldsa));
  g_assert_cmpstr (scope_identity_public_fingerprint (third), !=, scope_identity_public_fingerprint (pub));
}

/* --- envelopes --- */

#define TYP "scope-test"
#define PAYLOAD "{\"hello\": \"w\xc3\xb6rld\"}"

static char *
sign (const ScopeIdentity *identity, const char *typ, const char *payload)
{
  g_autoptr (GError) error = NULL;
  char *text = scope_jws_sign (identity, typ, payload, &error);

  g_assert_no_error (error);
  return text;
}

static char *
encode (const char *text)
{
  return scope_base64url_encode ((const guint8 *) text, strlen (text), g_malloc (SCOPE_BASE64_CHARS (strlen (text)) + 1));
}

static char *
decode (const char *text)
{
  guint8 *out = g_malloc0 (strlen (text));

  g_assert_true (scope_base64url_decode (text, strlen (text), out));
  return (char *) out;
}

/* An envelope in its parts, to be put together wrongly. */
typedef struct {
  char *payload;
  char *header[2]; /* decoded */
  char *signature[2];
} Parts;

static void
parts_clear (Parts *parts)
{
  g_free (parts->payload);
  for (int i = 0; i < 2; i++)
    {
      g_free (parts->header[i]);
      g_free (parts->signature[i]);
    }
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Parts, parts_clear)

static void
take_apart (Parts *parts, const char *text)
{
  g_autoptr (JsonObject) object = scope_json_parse_object (text, strlen (text), SCOPE_JWS_MAX_BYTES, NULL);
  JsonArray *signatures = json_object_get_array_member (object, "signatures");

  parts->payload = g_strdup (scope_json_get_string (object, "payload"));
  for (int i = 0; i < 2; i++)
    {
      JsonObject *signature = json_array_get_object_element (signatures, i);
      parts->header[i] = decode (scope_json_get_string (signature, "protected"));
      parts->signature[i] = g_strdup (scope_json_get_string (signature, "signature"));
    }
}

static char *
put_together (const Parts *parts)
{
  g_autofree char *first = encode (parts->header[0]);
  g_autofree char *second = encode (parts->header[1]);

  return g_strdup_printf ("{\"payload\":\"%s\",\"signatures\":[{\"protected\":\"%s\",\"signature\":\"%s\"},"
                          "{\"protected\":\"%s\",\"signature\":\"%s\"}]}",
                          parts->payload, first, parts->signature[0], second, parts->signature[1]);
}

static char *
replaced (const char *text, const char *from, const char *to)
{
  g_auto (GStrv) parts = g_strsplit (text, from, 2);

  g_assert_cmpuint (g_strv_length (parts), ==, 2);
  return g_strconcat (parts[0], to, parts[1], NULL);
}

/* Not even the form is right; the message names @field. */
static void
assert_malformed (const char *text, const char *field)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (scope_jws_parse (text, strlen (text), &error));
  g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, field));
}

/* The form is right, but @signer has not signed it. */
static void
assert_denied (const char *text, const ScopeIdentity *signer, const char *typ, const char *why)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeJws) jws = scope_jws_parse (text, strlen (text), &error);

  g_assert_no_error (error);
  g_assert_null (scope_jws_verify (jws, scope_identity_public (signer), typ, &error));
  g_assert_true (scope_err_denied (error));
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, why));
}

static void
assert_good (const char *text, const ScopeIdentity *signer)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeJws) jws = scope_jws_parse (text, strlen (text), &error);
  g_autoptr (JsonObject) payload = NULL;
  gsize len;

  g_assert_no_error (error);
  g_assert_cmpstr (jws->kid, ==, scope_identity_public_fingerprint (scope_identity_public (signer)));
  g_assert_cmpstr (jws->typ, ==, TYP);
  const char *bytes = g_bytes_get_data (jws->payload, &len);
  g_assert_cmpmem (bytes, len, PAYLOAD, strlen (PAYLOAD));
  payload = scope_jws_verify (jws, scope_identity_public (signer), TYP, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (scope_json_get_string (payload, "hello"), ==, "w\xc3\xb6rld");
}

static void
test_jws_good (void)
{
  g_autoptr (ScopeIdentity) identity = fixed_identity (0);
  g_autofree char *text = sign (identity, TYP, PAYLOAD);
  g_autofree char *same = sign (identity, TYP, PAYLOAD);
  g_auto (Parts) parts = { NULL };

  g_assert_cmpstr (text, ==, same);
  assert_good (text, identity);

  /* As written: Ed448 first; as read: either order. */
  take_apart (&parts, text);
  g_assert_cmpstr (parts.header[0], ==,
                   "{\"alg\":\"Ed448\",\"kid\":\"7huppepri6nz3pplqwsbfi5xwp7n76vkams4r3ksfiiaqa6qft7a\",\"typ\":\"" TYP "\"}");
  g_assert_cmpstr (parts.header[1], ==,
                   "{\"alg\":\"ML-DSA-65\",\"kid\":\"7huppepri6nz3pplqwsbfi5xwp7n76vkams4r3ksfiiaqa6qft7a\",\"typ\":\"" TYP "\"}");
  g_autofree char *again = put_together (&parts);
  g_assert_cmpstr (again, ==, text);
  Parts swapped = { parts.payload, { parts.header[1], parts.header[0] }, { parts.signature[1], parts.signature[0] } };
  g_autofree char *other_order = put_together (&swapped);
  g_assert_cmpstr (other_order, !=, text);
  assert_good (other_order, identity);
}

/* From tests/fuzz/corpus/jws/good, which another implementation made (python3-cryptography). */
static void
test_jws_foreign (void)
{
  g_autoptr (ScopeIdentity) identity = fixed_identity (0);
  g_autofree char *ours = sign (identity, TYP, "{\"hello\":\"world\"}");
  g_autofree char *foreign = NULL;

  g_assert_true (g_file_get_contents (SCOPE_SRCDIR "/tests/fuzz/corpus/jws/good", &foreign, NULL, NULL));
  g_strchomp (foreign);
  /* Its ML-DSA signature is a randomized one. */
  g_assert_cmpuint (strlen (foreign), ==, strlen (ours));
  g_assert_true (g_str_has_prefix (ours, "{\"payload\":\"eyJoZWxsbyI6IndvcmxkIn0\","));
  g_assert_cmpint (strncmp (ours, foreign, strlen (ours) - SCOPE_BASE64_CHARS (SCOPE_MLDSA_SIGNATURE_LEN) - 4), ==, 0);

  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeJws) jws = scope_jws_parse (foreign, strlen (foreign), &error);
  g_assert_no_error (error);
  g_autoptr (JsonObject) payload = scope_jws_verify (jws, scope_identity_public (identity), TYP, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (scope_json_get_string (payload, "hello"), ==, "world");
}

static void
test_jws_denied (void)
{
  g_autoptr (ScopeIdentity) identity = fixed_identity (0);
  g_autoptr (ScopeIdentity) other = fixed_identity (1);
  g_autofree char *text = sign (identity, TYP, PAYLOAD);
  g_autofree char *second = sign (identity, TYP, "{}");
  g_autofree char *others = sign (other, TYP, PAYLOAD);

  assert_denied (text, other, TYP, "signed by");
  assert_denied (text, identity, "scope-other", "type");

  /* Who claims to be the signer, but has another key. */
  g_auto (Parts) forged = { NULL };
  take_apart (&forged, others);
  for (int i = 0; i < 2; i++)
    {
      g_autofree char *header = forged.header[i];
      forged.header[i] = replaced (header, scope_identity_public_fingerprint (scope_identity_public (other)),
                                   scope_identity_public_fingerprint (scope_identity_public (identity)));
    }
  g_autofree char *claimed = put_together (&forged);
  assert_denied (claimed, identity, TYP, "Ed448");

  /* One signature of something else by the same signer, each; and another payload. */
  g_auto (Parts) parts = { NULL };
  g_auto (Parts) parts2 = { NULL };
  take_apart (&parts, text);
  take_apart (&parts2, second);
  Parts bad_ed448 = { parts.payload, { parts.header[0], parts.header[1] }, { parts2.signature[0], parts.signature[1] } };
  Parts bad_mldsa = { parts.payload, { parts.header[0], parts.header[1] }, { parts.signature[0], parts2.signature[1] } };
  Parts bad_payload = { parts2.payload, { parts.header[0], parts.header[1] }, { parts.signature[0], parts.signature[1] } };
  g_autofree char *a = put_together (&bad_ed448);
  g_autofree char *b = put_together (&bad_mldsa);
  g_autofree char *c = put_together (&bad_payload);
  assert_denied (a, identity, TYP, "the Ed448");
  assert_denied (b, identity, TYP, "the ML-DSA-65");
  assert_denied (c, identity, TYP, "the Ed448");

  /* Both headers renamed: what was signed as one kind does not pass for another. */
  for (int i = 0; i < 2; i++)
    {
      g_autofree char *header = parts.header[i];
      parts.header[i] = replaced (header, TYP, "scope-kill");
    }
  g_autofree char *renamed = put_together (&parts);
  assert_denied (renamed, identity, "scope-kill", "the Ed448");
}

static void
test_jws_headers (void)
{
  static const struct {
    const char *from[2], *to[2]; /* in either header */
    const char *field;
  } cases[] = {
    { { "Ed448" }, { "EdDSA" }, "alg" },
    { { "Ed448" }, { "none" }, "alg" },
    { { "Ed448" }, { "ed448" }, "alg" },
    { { NULL, "ML-DSA-65" }, { NULL, "ML-DSA-44" }, "alg" },
    { { NULL, "ML-DSA-65" }, { NULL, "Ed448" }, "alg" },
    { { "Ed448" }, { "ML-DSA-65" }, "signature" },
    { { "\"alg\":\"Ed448\"," }, { "" }, "alg" },
    { { "\"Ed448\"" }, { "448" }, "alg" },
    { { "\"kid\"" }, { "\"jku\"" }, "kid" },
    { { "7huppepri6" }, { "7huppepri7" }, "kid: two" },
    { { NULL, "7huppepri6" }, { NULL, "7HUPPEPRI6" }, "kid: not" },
    { { "\"7hupp" }, { "7,\"x\":\"7hupp" }, "kid" },
    { { TYP }, { "scope-kill" }, "typ: two" },
    { { NULL, TYP }, { NULL, "" }, "typ: not" },
    { { "\"typ\":\"" TYP "\"" }, { "\"typ\":null" }, "typ" },
    { { "}" }, { ",\"crit\":[\"exp\"]}" }, "more than" },
    { { NULL, "}" }, { NULL, ",\"b64\":false}" }, "more than" },
    { { "}" }, { ",\"alg\":\"Ed448\"}" }, "two members" },
    { { "}" }, { ",\"\\u0061lg\":\"Ed448\"}" }, "two members" },
    { { "}" }, { "} " "x" }, "protected" },
    { { "{" }, { "[" }, "protected" },
    { { TYP }, { "scope-that-has-a-type-which-is-longer-than-anybody-would-ever-need-it-to-be" }, "typ" },
  };
  g_autoptr (ScopeIdentity) identity = fixed_identity (0);
  g_autofree char *text = sign (identity, TYP, PAYLOAD);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (Parts) parts = { NULL };

      g_test_message ("case %" G_GSIZE_FORMAT, i);
      take_apart (&parts, text);
      for (int j = 0; j < 2; j++)
        if (cases[i].from[j])
          {
            g_autofree char *header = parts.header[j];
            parts.header[j] = replaced (header, cases[i].from[j], cases[i].to[j]);
          }
      g_autofree char *wrong = put_together (&parts);
      assert_malformed (wrong, cases[i].field);
    }
}

static void
test_jws_malformed (void)
{
  g_autoptr (ScopeIdentity) identity = fixed_identity (0);
  g_autofree char *text = sign (identity, TYP, PAYLOAD);
  g_auto (Parts) parts = { NULL };
  static const struct {
    const char *from, *to, *field;
  } cases[] = {
    { "{\"payload\"", "{\"x\":1,\"payload\"", "more than" },
    { "{\"payload\"", "{\"payload\":\"e30\",\"payload\"", "two members" },
    { "{\"payload\"", "{\"header\"", "payload" },
    { "\"payload\":\"", "\"payload\":\"=", "payload" },
    { "\"payload\":\"", "\"payload\":\" ", "payload" },
    { "\"payload\":\"", "\"payload\":\"\\n", "payload" },
    { "\"payload\":\"", "\"payload\":\"AAA", "payload" },
    { "\"signatures\"", "\"signature\"", "signatures" },
    { "[{", "[{},{", "signatures" },
    { "[{\"protected\"", "[{\"header\":{},\"protected\"", "nothing else" },
    { "[{\"protected\"", "[{\"protected\":\"e30\",\"protected\"", "two members" },
    { "\"protected\":\"", "\"protected\":\"=", "protected" },
    { "\"signature\":\"", "\"signature\":\"A", "signature" },
    { "\"signature\":\"", "\"signature\":\"=", "signature" },
    { "]}", "]}{}", "envelope" },
    { "]}", "]", "envelope" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *wrong = replaced (text, cases[i].from, cases[i].to);
      assert_malformed (wrong, cases[i].field);
    }

  take_apart (&parts, text);

  /* Stripped of one signature, of both; one of them twice. */
  g_autofree char *ed448 = encode (parts.header[0]);
  g_autofree char *mldsa = encode (parts.header[1]);
  g_autofree char *only_ed448 = g_strdup_printf ("{\"payload\":\"%s\",\"signatures\":[{\"protected\":\"%s\",\"signature\":\"%s\"}]}",
                                                 parts.payload, ed448, parts.signature[0]);
  g_autofree char *only_mldsa = g_strdup_printf ("{\"payload\":\"%s\",\"signatures\":[{\"protected\":\"%s\",\"signature\":\"%s\"}]}",
                                                 parts.payload, mldsa, parts.signature[1]);
  g_autofree char *none = g_strdup_printf ("{\"payload\":\"%s\",\"signatures\":[]}", parts.payload);
  Parts twice_ed448 = { parts.payload, { parts.header[0], parts.header[0] }, { parts.signature[0], parts.signature[0] } };
  Parts twice_mldsa = { parts.payload, { parts.header[1], parts.header[1] }, { parts.signature[1], parts.signature[1] } };
  g_autofree char *ed448_twice = put_together (&twice_ed448);
  g_autofree char *mldsa_twice = put_together (&twice_mldsa);
  assert_malformed (only_ed448, "signatures: not exactly 2");
  assert_malformed (only_mldsa, "signatures: not exactly 2");
  assert_malformed (none, "signatures: not exactly 2");
  assert_malformed (ed448_twice, "Ed448 twice");
  assert_malformed (mldsa_twice, "ML-DSA-65 twice");

  /* The same signature in other characters: 114 bytes are 152 characters, 3309 are 4412; the payload's 19 are 26, whose
   * last has four bits too many. */
  g_assert_cmpuint (strlen (parts.payload) % 4, !=, 0);
  g_autofree char *payload = g_strdup (parts.payload);
  payload[strlen (payload) - 1]++;
  g_autofree char *other_bits = replaced (text, parts.payload, payload);
  assert_malformed (other_bits, "payload");
  g_autofree char *padded = g_strconcat (parts.payload, "=", NULL);
  g_autofree char *with_padding = replaced (text, parts.payload, padded);
  assert_malformed (with_padding, "payload");

  assert_malformed ("{\"payload\":\"e30\",\"signatures\":[[],{}]}", "nothing else");
  assert_malformed ("{\"payload\":\"e30\",\"signatures\":{}}", "signatures");
  assert_malformed ("{\"payload\":1,\"signatures\":[]}", "payload");

  /* Every beginning of it. */
  for (gsize len = 0; len < strlen (text); len += 13)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (scope_jws_parse (text, len, &error));
      g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
    }
}

/* What nobody accepts is not signed either. */
static void
test_jws_sign_refused (void)
{
  static const char *const bad[] = { "", "[]", "\"text\"", "{", "{} {}", "{\"a\":1,\"a\":2}", "{\"a\":{\"b\":1,\"\\u0062\":1}}",
                                     "{\"a\":[{\"b\":1,\"b\":1}]}", "{\"a\":\"\xff\"}" };
  g_autoptr (ScopeIdentity) identity = fixed_identity (0);
  g_autofree char *spaces = g_strnfill (SCOPE_JWS_MAX_BYTES * 3 / 4, ' ');
  g_autofree char *large = g_strconcat (spaces, "{}", NULL);
  g_autofree char *long_typ = g_strnfill (SCOPE_JWS_MAX_TYP + 1, 'x');
  const struct {
    const char *typ, *payload;
  } others[] = { { TYP, large }, { "", "{}" }, { long_typ, "{}" } };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (scope_jws_sign (identity, TYP, bad[i], &error));
      g_assert_true (scope_err_invalid (error));
    }
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (scope_jws_sign (identity, others[i].typ, others[i].payload, &error));
      g_assert_true (scope_err_invalid (error));
    }

  /* Nearly as large as it may be. */
  spaces[SCOPE_JWS_MAX_BYTES * 3 / 4 - 5000] = '\0';
  g_autofree char *fits = g_strconcat (spaces, PAYLOAD, NULL);
  g_autofree char *text = sign (identity, TYP, fits);
  g_autoptr (ScopeJws) jws = scope_jws_parse (text, strlen (text), NULL);
  g_assert_nonnull (jws);
}

static GBytes *
signing_input (const Parts *parts, int which)
{
  g_autofree char *header = encode (parts->header[which]);
  char *input = g_strconcat (header, ".", parts->payload, NULL);

  return g_bytes_new_take (input, strlen (input));
}

/* A signer that signs what scope_jws_sign() does not: all is good but the payload. */
static void
test_jws_bad_payload (void)
{
  static const char *const payloads[] = { "[]", "{\"a\":1,\"a\":2}", "hello", "" };
  g_autoptr (ScopeIdentity) identity = fixed_identity (0);
  g_autofree char *text = sign (identity, TYP, PAYLOAD);

  for (gsize i = 0; i < G_N_ELEMENTS (payloads); i++)
    {
      g_auto (Parts) parts = { NULL };
      g_autoptr (GBytes) ed448_input = NULL;
      g_autoptr (GBytes) mldsa_input = NULL;
      guint8 ed448[SCOPE_ED448_SIGNATURE_LEN], mldsa[SCOPE_MLDSA_SIGNATURE_LEN];
      g_autoptr (GError) error = NULL;

      take_apart (&parts, text);
      g_free (parts.payload);
      parts.payload = encode (payloads[i]);
      ed448_input = signing_input (&parts, 0);
      mldsa_input = signing_input (&parts, 1);
      g_assert_true (scope_identity_sign (identity, ed448_input, ed448, mldsa_input, mldsa, NULL));
      scope_base64url_encode (ed448, sizeof ed448, parts.signature[0]);
      scope_base64url_encode (mldsa, sizeof mldsa, parts.signature[1]);

      g_autofree char *envelope = put_together (&parts);
      g_autoptr (ScopeJws) jws = scope_jws_parse (envelope, strlen (envelope), &error);
      g_assert_no_error (error);
      g_assert_null (scope_jws_verify (jws, scope_identity_public (identity), TYP, &error));
      g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
      g_assert_nonnull (strstr (error->message, "payload"));
    }
}

/* --- encapsulation --- */

static const char x448_alice[] = "9a8f4925d1519f5775cf46b04b5800d4ee9ee8bae8bc5565d498c28dd9c9baf574a9419744897391006382a6f127ab1d9ac2d8c0a598726b";
static const char x448_bob[] = "1c306a7ac2a0e2e0990b294470cba339e6453772b075811d8fad0d1d6927c120bb5ee8972b0d3e21374c9c921b09d1b0366f10b65173992d";

static ScopeKemContext
fixed_context (void)
{
  ScopeKemContext context = { .network = "home", .epoch = 7 };

  memset (&context.encapsulator, 1, sizeof context.encapsulator);
  memset (&context.decapsulator, 2, sizeof context.decapsulator);
  return context;
}

/*
 * X448 of RFC 7748 §6.2 and the first of BoringSSL's ML-KEM-768 vectors ("Official test vector 0"); from
 * their published secrets the keys were computed with Python's hmac and hashlib, following RFC 5869.
 */
static void
test_kem_vector (void)
{
  ScopeKemContext context = fixed_context ();
  guint8 secret[SCOPE_KEM_SECRET_LEN], pub[SCOPE_KEM_PUBLIC_LEN], randomness[SCOPE_KEM_RANDOMNESS_LEN];
  guint8 ciphertext[SCOPE_KEM_CIPHERTEXT_LEN], mac[SCOPE_KEM_CONFIRM_LEN];
  g_autoptr (GError) error = NULL;
  ScopeKemKeys keys;

  from_hex (x448_alice, secret, SCOPE_X448_LEN);
  from_hex ("7c9935a0b07694aa0c6d10e4db6b1add2fd81a25ccb148032dcd739936737f2d"
            "8626ed79d451140800e03b59b956f8210e556067407d13dc90fa9e8b872bfb8f", secret + SCOPE_X448_LEN, SCOPE_MLKEM_SEED_LEN);
  g_assert_true (scope_kem_public (secret, pub, &error));
  g_assert_no_error (error);
  assert_hex (pub, SCOPE_X448_LEN,
              "9b08f7cc31b7e3e67d22d5aea121074a273bd2b83de09c63faa73d2c22c5d9bbc836647241d953d40c5b12da88120d53177f80e532c41fa0");
  assert_sha3 (pub + SCOPE_X448_LEN, SCOPE_MLKEM_PUBLIC_LEN,
               "f57262661358cde8d3ebf990e5fd1d5b896c992ccfaadb5256b68bbf5943b132");

  from_hex (x448_bob, randomness, SCOPE_X448_LEN);
  from_hex ("147c03f7a5bebba406c8fae1874d7f13c80efe79a3a9a874cc09fe76f6997615", randomness + SCOPE_X448_LEN, 32);
  g_assert_true (scope_kem_encapsulate_with (pub, &context, randomness, ciphertext, &keys, &error));
  g_assert_no_error (error);
  assert_hex (ciphertext, SCOPE_X448_LEN,
              "3eb7a829b0cd20f5bcfc0b599b6feccf6da4627107bdb0d4f345b43027d8b972fc3e34fb4232a13ca706dcb57aec3dae07bdc1c67bf33609");
  assert_sha3 (ciphertext + SCOPE_X448_LEN, SCOPE_MLKEM_CIPHERTEXT_LEN,
               "6e777e2cf8054659136a971d9e70252f301226930c19c470ee0688163a63c15b");

  for (int i = 0; i < 2; i++)
    {
      assert_hex (keys.preshared.bytes, SCOPE_KEY_LEN, "3a3cf2abfc5f8947381247ce507621f78fd8ce7b80b5feec726b1137bb23729d");
      assert_hex (keys.confirm, SCOPE_KEM_CONFIRM_LEN, "86176ab212428300a5ea7b8521007720628c3e3d773ca45560135914b45c8e56");
      scope_kem_confirm (&keys, "scope kex confirm", mac);
      assert_hex (mac, sizeof mac, "f42c840626f9394fd691b8fef1173ce360e586673fb58cc49bb51f54c5768f3a");
      scope_kem_keys_clear (&keys);
      g_assert_true (scope_key_is_zero (&keys.preshared));
      g_assert_true (scope_kem_decapsulate (secret, &context, ciphertext, &keys, &error));
      g_assert_no_error (error);
    }
}

static gboolean
same_keys (const ScopeKemKeys *a, const ScopeKemKeys *b)
{
  gboolean preshared = scope_key_equal (&a->preshared, &b->preshared);

  g_assert_cmpint (preshared, ==, memcmp (a->confirm, b->confirm, SCOPE_KEM_CONFIRM_LEN) == 0);
  return preshared;
}

static void
test_kem_round_trip (void)
{
  ScopeKemContext context = fixed_context ();
  guint8 secret[SCOPE_KEM_SECRET_LEN], pub[SCOPE_KEM_PUBLIC_LEN], again[SCOPE_KEM_PUBLIC_LEN];
  guint8 ciphertext[SCOPE_KEM_CIPHERTEXT_LEN], second[SCOPE_KEM_CIPHERTEXT_LEN];
  guint8 mac[SCOPE_KEM_CONFIRM_LEN], theirs[SCOPE_KEM_CONFIRM_LEN];
  g_autoptr (GError) error = NULL;
  g_auto (ScopeKemKeys) ours = { 0 };
  g_auto (ScopeKemKeys) keys = { 0 };

  g_assert_true (scope_kem_generate (secret, pub, &error));
  g_assert_true (scope_kem_public (secret, again, &error));
  g_assert_cmpmem (pub, sizeof pub, again, sizeof again);
  g_assert_true (scope_kem_encapsulate (pub, &context, ciphertext, &ours, &error));
  g_assert_true (scope_kem_decapsulate (secret, &context, ciphertext, &keys, &error));
  g_assert_no_error (error);
  g_assert_true (same_keys (&ours, &keys));
  g_assert_false (scope_key_is_zero (&ours.preshared));
  g_assert_cmpint (memcmp (ours.preshared.bytes, ours.confirm, SCOPE_KEY_LEN), !=, 0);

  scope_kem_confirm (&ours, "m", mac);
  scope_kem_confirm (&keys, "m", theirs);
  g_assert_true (scope_kem_confirm_equal (mac, theirs));
  scope_kem_confirm (&keys, "n", theirs);
  g_assert_false (scope_kem_confirm_equal (mac, theirs));

  /* Every time anew, both parts. */
  g_assert_true (scope_kem_encapsulate (pub, &context, second, &keys, &error));
  g_assert_cmpint (memcmp (ciphertext, second, SCOPE_X448_LEN), !=, 0);
  g_assert_cmpint (memcmp (ciphertext + SCOPE_X448_LEN, second + SCOPE_X448_LEN, SCOPE_MLKEM_CIPHERTEXT_LEN), !=, 0);
  g_assert_false (same_keys (&ours, &keys));
}

/* Whoever believes another context has other keys. */
static void
test_kem_context (void)
{
  ScopeKemContext context = fixed_context ();
  ScopeKemContext others[5] = { context, context, context, context, context };
  guint8 secret[SCOPE_KEM_SECRET_LEN], pub[SCOPE_KEM_PUBLIC_LEN], ciphertext[SCOPE_KEM_CIPHERTEXT_LEN];
  g_autoptr (GError) error = NULL;
  ScopeKemKeys ours, keys;

  others[0].network = "hom";
  others[1].network = "homf";
  others[2].epoch = 8;
  others[3].encapsulator.bytes[31] ^= 0x80;
  others[4].decapsulator.bytes[0] ^= 1;
  g_assert_true (scope_kem_generate (secret, pub, &error));
  g_assert_true (scope_kem_encapsulate (pub, &context, ciphertext, &ours, &error));
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_assert_true (scope_kem_decapsulate (secret, &others[i], ciphertext, &keys, &error));
      g_assert_false (same_keys (&ours, &keys));
    }

  g_autofree char *name = g_strnfill (G_MAXUINT16 + 1, 'x');
  context.network = name;
  g_assert_false (scope_kem_encapsulate (pub, &context, ciphertext, &ours, &error));
  g_assert_true (scope_err_invalid (error));
  g_assert_true (scope_key_is_zero (&ours.preshared));
  g_clear_error (&error);
  g_assert_false (scope_kem_decapsulate (secret, &context, ciphertext, &ours, &error));
  g_assert_true (scope_err_invalid (error));
}

static void
test_kem_tampered (void)
{
  static const gsize places[] = { 0, 55, 56, 57, 700, SCOPE_KEM_CIPHERTEXT_LEN - 1 };
  ScopeKemContext context = fixed_context ();
  guint8 secret[SCOPE_KEM_SECRET_LEN], pub[SCOPE_KEM_PUBLIC_LEN], ciphertext[SCOPE_KEM_CIPHERTEXT_LEN];
  guint8 mac[SCOPE_KEM_CONFIRM_LEN], theirs[SCOPE_KEM_CONFIRM_LEN];
  g_autoptr (GError) error = NULL;
  ScopeKemKeys ours, keys;

  g_assert_true (scope_kem_generate (secret, pub, &error));
  g_assert_true (scope_kem_encapsulate (pub, &context, ciphertext, &ours, &error));
  scope_kem_confirm (&ours, "m", mac);
  for (gsize i = 0; i < G_N_ELEMENTS (places); i++)
    {
      ciphertext[places[i]] ^= 1;
      g_assert_true (scope_kem_decapsulate (secret, &context, ciphertext, &keys, &error));
      g_assert_no_error (error);
      g_assert_false (same_keys (&ours, &keys));
      scope_kem_confirm (&keys, "m", theirs);
      g_assert_false (scope_kem_confirm_equal (mac, theirs));
      ciphertext[places[i]] ^= 1;
    }

  /* Whoever knows only one of the two secrets does not know the keys. */
  secret[20] ^= 1;
  g_assert_true (scope_kem_decapsulate (secret, &context, ciphertext, &keys, &error));
  g_assert_false (same_keys (&ours, &keys));
  secret[20] ^= 1;
  secret[SCOPE_X448_LEN] ^= 1;
  g_assert_true (scope_kem_decapsulate (secret, &context, ciphertext, &keys, &error));
  g_assert_false (same_keys (&ours, &keys));
  secret[SCOPE_X448_LEN] ^= 1;
  g_assert_true (scope_kem_decapsulate (secret, &context, ciphertext, &keys, &error));
  g_assert_true (same_keys (&ours, &keys));
}

static void
test_kem_bad_points (void)
{
  /* 0, 1, p − 1, and p and p + 1 in the encoding that is not canonical: p = 2^448 − 2^224 − 1 */
  guint8 points[5][SCOPE_X448_LEN] = { { 0 }, { 1 } };
  ScopeKemContext context = fixed_context ();
  guint8 secret[SCOPE_KEM_SECRET_LEN], pub[SCOPE_KEM_PUBLIC_LEN], ciphertext[SCOPE_KEM_CIPHERTEXT_LEN];
  g_autoptr (GError) error = NULL;
  ScopeKemKeys keys;

  for (int i = 2; i < 5; i++)
    {
      memset (points[i], 0xff, SCOPE_X448_LEN);
      points[i][28] = 0xfe;
    }
  points[2][0] = 0xfe;
  memset (points[4], 0, 28);
  points[4][28] = 0xff;

  g_assert_true (scope_kem_generate (secret, pub, &error));
  g_assert_true (scope_kem_encapsulate (pub, &context, ciphertext, &keys, &error));
  g_assert_no_error (error);
  for (gsize i = 0; i < G_N_ELEMENTS (points); i++)
    {
      guint8 bad_pub[SCOPE_KEM_PUBLIC_LEN], out[SCOPE_KEM_CIPHERTEXT_LEN];

      memcpy (bad_pub, pub, sizeof pub);
      memcpy (bad_pub, points[i], SCOPE_X448_LEN);
      memset (&keys, 0xee, sizeof keys);
      g_assert_false (scope_kem_encapsulate (bad_pub, &context, out, &keys, &error));
      g_assert_true (scope_err_invalid (error));
      g_assert_nonnull (strstr (error->message, "X448"));
      g_clear_error (&error);
      g_assert_true (scope_key_is_zero (&keys.preshared));
      memset (&keys, 0xee, sizeof keys);
      g_assert_false (scope_kem_encapsulate_with (bad_pub, &context, secret, out, &keys, NULL));
      g_assert_true (scope_key_is_zero (&keys.preshared));

      memcpy (ciphertext, points[i], SCOPE_X448_LEN);
      memset (&keys, 0xee, sizeof keys);
      g_assert_false (scope_kem_decapsulate (secret, &context, ciphertext, &keys, &error));
      g_assert_true (scope_err_invalid (error));
      g_clear_error (&error);
      g_assert_true (scope_key_is_zero (&keys.preshared));
    }

  /* FIPS 203 §7.2: coefficients are below q; here all are 4095. */
  memset (pub + SCOPE_X448_LEN, 0xff, 1152);
  g_assert_false (scope_kem_encapsulate (pub, &context, ciphertext, &keys, &error));
  g_assert_true (scope_err_invalid (error));
  g_assert_nonnull (strstr (error->message, "ML-KEM"));
}

static void
test_sha3 (void)
{
  /* FIPS 202's example values */
  assert_sha3 ((const guint8 *) "", 0, "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a");
  assert_sha3 ((const guint8 *) "abc", 3, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532");
}

/* Computed with Python's hashlib.sha3_256. */
static void
test_link_address (void)
{
  ScopeKey counted, ones;
  ScopePrefix address;
  char text[SCOPE_PREFIX_STRLEN];

  for (guint i = 0; i < SCOPE_KEY_LEN; i++)
    {
      counted.bytes[i] = i;
      ones.bytes[i] = 0xff;
    }
  scope_link_address (&counted, &address);
  g_assert_cmpstr (scope_prefix_format (&address, text), ==, "fe80::6f6a:9700:f59b:1bd8/128");
  scope_link_address (&ones, &address);
  g_assert_cmpstr (scope_prefix_format (&address, text), ==, "fe80::41eb:fa53:7746:da2c/128");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/crypto/identity/vectors", test_identity_vectors);
  g_test_add_func ("/crypto/identity/texts", test_identity_texts);
  g_test_add_func ("/crypto/identity/bad-texts", test_identity_bad_texts);
  g_test_add_func ("/crypto/identity/fingerprints", test_identity_fingerprints);
  g_test_add_func ("/crypto/identity/signatures", test_identity_signatures);
  g_test_add_func ("/crypto/jws/good", test_jws_good);
  g_test_add_func ("/crypto/jws/foreign", test_jws_foreign);
  g_test_add_func ("/crypto/jws/denied", test_jws_denied);
  g_test_add_func ("/crypto/jws/headers", test_jws_headers);
  g_test_add_func ("/crypto/jws/malformed", test_jws_malformed);
  g_test_add_func ("/crypto/jws/sign-refused", test_jws_sign_refused);
  g_test_add_func ("/crypto/jws/bad-payload", test_jws_bad_payload);
  g_test_add_func ("/crypto/kem/vector", test_kem_vector);
  g_test_add_func ("/crypto/kem/round-trip", test_kem_round_trip);
  g_test_add_func ("/crypto/kem/context", test_kem_context);
  g_test_add_func ("/crypto/kem/tampered", test_kem_tampered);
  g_test_add_func ("/crypto/kem/bad-points", test_kem_bad_points);
  g_test_add_func ("/crypto/link-address", test_link_address);
  g_test_add_func ("/crypto/sha3", test_sha3);
  return g_test_run ();
}
