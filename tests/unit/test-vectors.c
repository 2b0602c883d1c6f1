/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The published vectors (data/protocol.md, section 8): identities, envelopes and keys are exactly as they were, so that
 * peers of different versions, and other implementations, agree.
 */
#include "common/scope-base64.h"
#include "common/scope-error.h"
#include "common/scope-json.h"
#include "wire/scope-record.h"

#include <string.h>

static JsonObject *vectors;
static const char *network;
static gint64 now;
static GHashTable *identities; /* name to ScopeIdentity */

static const char *
string_of (JsonObject *object, const char *name)
{
  const char *text = scope_json_get_string (object, name);

  if (!text)
    g_error ("no “%s” in the vectors", name);
  return text;
}

static void
bytes_of (JsonObject *object, const char *name, guint8 *bytes, gsize len)
{
  if (!scope_base64url_decode_exact (string_of (object, name), bytes, len))
    g_error ("“%s” is not %" G_GSIZE_FORMAT " bytes", name, len);
}

static JsonObject *
named (const char *group, const char *name)
{
  return json_object_get_object_member (json_object_get_object_member (vectors, group), name);
}

static ScopeIdentity *
identity_of (const char *name)
{
  ScopeIdentity *identity = g_hash_table_lookup (identities, name);

  if (!identity)
    g_error ("no identity “%s” in the vectors", name);
  return identity;
}

static ScopeIdentityPublic *
public_of (const char *name)
{
  return scope_identity_public (identity_of (name));
}

static ScopeKey
key_of (const char *name)
{
  ScopeKey key;

  g_assert_true (scope_key_parse (&key, string_of (named ("identities", name), "key")));
  return key;
}

static void
load (void)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GList) names = NULL;
  gsize len;

  g_file_get_contents (SCOPE_SRCDIR "/tests/unit/data/vectors/protocol-v1.json", &text, &len, &error);
  g_assert_no_error (error);
  vectors = scope_json_parse_object_strict (text, len, 1024 * 1024, &error);
  g_assert_no_error (error);
  network = string_of (vectors, "network");
  now = json_object_get_int_member (vectors, "now");

  identities = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) scope_identity_unref);
  names = json_object_get_members (json_object_get_object_member (vectors, "identities"));
  for (GList *l = names; l; l = l->next)
    {
      guint8 secret[SCOPE_IDENTITY_SECRET_LEN];

      bytes_of (named ("identities", l->data), "secret", secret, sizeof secret);
      g_hash_table_insert (identities, l->data, scope_identity_new (secret, &error));
      g_assert_no_error (error);
    }
}

static void
test_identities (void)
{
  GHashTableIter iter;
  gpointer name, identity;

  g_assert_cmpuint (g_hash_table_size (identities), ==, 4);
  g_hash_table_iter_init (&iter, identities);
  while (g_hash_table_iter_next (&iter, &name, &identity))
    {
      g_autofree char *pub = scope_identity_public_format (scope_identity_public (identity));

      g_assert_cmpstr (pub, ==, string_of (named ("identities", name), "identity"));
      g_assert_cmpstr (scope_identity_public_fingerprint (scope_identity_public (identity)), ==,
                       string_of (named ("identities", name), "fingerprint"));
    }
}

static char *
envelope_text (const char *name)
{
  return json_to_string (json_object_get_member (named ("envelopes", name), "envelope"), FALSE);
}

static ScopeJws *
envelope (const char *name)
{
  g_autofree char *text = envelope_text (name);
  g_autoptr (GError) error = NULL;
  ScopeJws *jws = scope_jws_parse (text, strlen (text), &error);

  g_assert_no_error (error);
  return jws;
}

/* The signatures are good, and signing again makes the same ones. */
static void
test_envelopes (void)
{
  static const char *const names[] = { "delegation", "grant",  "delegatedGrant", "revocation", "invite", "kill",
                                       "record",     "hello", "kexKey",         "kexCt" };

  g_assert_cmpuint (json_object_get_size (json_object_get_object_member (vectors, "envelopes")), ==, G_N_ELEMENTS (names));
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      JsonObject *entry = named ("envelopes", names[i]);
      const char *payload = string_of (entry, "payload"), *typ = string_of (entry, "typ");
      g_autoptr (ScopeJws) jws = envelope (names[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonObject) verified = scope_jws_verify (jws, public_of (string_of (entry, "signer")), typ, &error);
      g_autofree char *want = envelope_text (names[i]);
      g_autofree char *text = NULL;

      g_assert_no_error (error);
      g_assert_nonnull (verified);
      g_assert_cmpmem (g_bytes_get_data (jws->payload, NULL), g_bytes_get_size (jws->payload), payload, strlen (payload));
      text = scope_jws_sign (identity_of (string_of (entry, "signer")), typ, payload, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (text, ==, want);
    }
}

static void
says (const char *name, char *formatted)
{
  g_assert_cmpstr (formatted, ==, string_of (named ("envelopes", name), "payload"));
  g_free (formatted);
}

/* What is read from each payload makes the same payload. */
static void
test_root (void)
{
  g_autoptr (ScopeAuthority) authority = scope_authority_new (network, public_of ("root"));
  g_autoptr (ScopeJws) jws_delegation = envelope ("delegation");
  g_autoptr (ScopeJws) jws_grant = envelope ("grant");
  g_autoptr (ScopeJws) jws_delegated = envelope ("delegatedGrant");
  g_autoptr (ScopeJws) jws_revocation = envelope ("revocation");
  g_autoptr (ScopeJws) jws_invite = envelope ("invite");
  g_autoptr (ScopeJws) jws_kill = envelope ("kill");
  g_autoptr (ScopeGrant) grant = NULL, delegated = NULL;
  g_autoptr (ScopeInvite) invite = NULL;
  g_autoptr (ScopeKill) kill = NULL;
  g_autoptr (GError) error = NULL;
  guint8 hash[32];

  g_assert_true (scope_authority_add_delegation (authority, jws_delegation, now, &error));
  g_assert_no_error (error);
  says ("delegation", scope_delegation_format (scope_authority_find_delegation (
                          authority, scope_identity_public_fingerprint (public_of ("delegate")), now)));
  grant = scope_authority_grant (authority, jws_grant, now, &error);
  g_assert_no_error (error);
  says ("grant", scope_grant_format (grant));
  delegated = scope_authority_grant (authority, jws_delegated, now, &error);
  g_assert_no_error (error);
  says ("delegatedGrant", scope_grant_format (delegated));
  g_assert_true (scope_identity_public_equal (delegated->identity, public_of ("bob")));
  g_assert_true (scope_authority_set_revocation (authority, jws_revocation, &error));

  invite = scope_authority_invite (authority, jws_invite, now, &error);
  g_assert_no_error (error);
  says ("invite", scope_invite_format (invite));
  g_assert_true (scope_token_valid (string_of (vectors, "token")));
  scope_token_hash (string_of (vectors, "token"), hash);
  g_assert_cmpmem (invite->token, sizeof invite->token, hash, sizeof hash);
  kill = scope_authority_kill (authority, jws_kill, 0, now, &error);
  g_assert_no_error (error);
  says ("kill", scope_kill_format (kill));
}

static void
test_peer (void)
{
  g_autoptr (ScopeAuthority) authority = scope_authority_new (network, public_of ("root"));
  g_autoptr (ScopeJws) jws_grant = envelope ("grant");
  g_autoptr (ScopeJws) jws_record = envelope ("record");
  g_autoptr (ScopeJws) jws_hello = envelope ("hello");
  g_autoptr (ScopeGrant) grant = scope_authority_grant (authority, jws_grant, now, NULL);
  g_autoptr (ScopeRecord) record = NULL;
  g_autoptr (GError) error = NULL;
  ScopeKey alice = key_of ("alice"), key;

  record = scope_record_verify (jws_record, network, public_of ("alice"), now, &error);
  g_assert_no_error (error);
  says ("record", scope_record_format (record));
  g_assert_true (scope_record_granted (record, grant, &error));
  g_assert_no_error (error);
  g_assert_true (scope_hello_verify (jws_hello, network, string_of (vectors, "nonce"), public_of ("alice"), &key, &error));
  g_assert_true (scope_key_equal (&key, &alice));
}

/* Encapsulation with the fixed randomness, decapsulation, and the envelopes around. */
static void
test_kem (void)
{
  JsonObject *kem = json_object_get_object_member (vectors, "kem");
  const char *from = string_of (kem, "encapsulator"), *to = string_of (kem, "decapsulator");
  const ScopeKemContext context = { network, json_object_get_int_member (kem, "epoch"), key_of (from), key_of (to) };
  g_autoptr (ScopeJws) jws_key = envelope ("kexKey");
  g_autoptr (ScopeJws) jws_ct = envelope ("kexCt");
  guint8 secret[SCOPE_KEM_SECRET_LEN], pub[SCOPE_KEM_PUBLIC_LEN], pub_again[SCOPE_KEM_PUBLIC_LEN];
  guint8 randomness[SCOPE_KEM_RANDOMNESS_LEN], ct[SCOPE_KEM_CIPHERTEXT_LEN], ct_again[SCOPE_KEM_CIPHERTEXT_LEN];
  guint8 confirm[SCOPE_KEM_CONFIRM_LEN], digest[32];
  g_auto (ScopeKemKeys) sent = { 0 }, received = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) all = NULL;
  ScopeKexKey key;
  ScopeKexCt ciphertext;
  ScopeKey psk;

  bytes_of (kem, "secret", secret, sizeof secret);
  bytes_of (kem, "public", pub, sizeof pub);
  bytes_of (kem, "randomness", randomness, sizeof randomness);
  bytes_of (kem, "ciphertext", ct, sizeof ct);
  bytes_of (kem, "confirmKey", confirm, sizeof confirm);
  g_assert_true (scope_key_parse (&psk, string_of (kem, "presharedKey")));
  g_assert_cmpint (scope_key_compare (&context.encapsulator, &context.decapsulator), <, 0);

  g_assert_true (scope_kem_public (secret, pub_again, NULL));
  g_assert_cmpmem (pub_again, sizeof pub_again, pub, sizeof pub);
  g_assert_true (scope_kem_encapsulate_with (pub, &context, randomness, ct_again, &sent, &error));
  g_assert_no_error (error);
  g_assert_cmpmem (ct_again, sizeof ct_again, ct, sizeof ct);
  g_assert_true (scope_kem_decapsulate (secret, &context, ct, &received, &error));
  g_assert_no_error (error);
  g_assert_cmpmem (&sent.preshared, sizeof sent.preshared, &psk, sizeof psk);
  g_assert_cmpmem (sent.confirm, sizeof sent.confirm, confirm, sizeof confirm);
  g_assert_cmpmem (&received.preshared, sizeof received.preshared, &psk, sizeof psk);
  g_assert_cmpmem (received.confirm, sizeof received.confirm, confirm, sizeof confirm);

  g_assert_true (scope_kex_key_verify (jws_key, network, public_of (to), &context.decapsulator, &key, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (key.epoch, ==, context.epoch);
  g_assert_cmpmem (key.kem, sizeof key.kem, pub, sizeof pub);
  says ("kexKey", scope_kex_key_format (network, &key));
  g_assert_true (scope_kex_ct_verify (jws_ct, network, public_of (from), &context.encapsulator, &context.decapsulator,
                                      &ciphertext, &error));
  g_assert_no_error (error);
  all = g_bytes_new (pub, sizeof pub);
  scope_sha3_256 (all, digest);
  g_assert_cmpmem (ciphertext.kem_digest, sizeof ciphertext.kem_digest, digest, sizeof digest);
  g_assert_cmpmem (ciphertext.ct, sizeof ciphertext.ct, ct, sizeof ct);
  says ("kexCt", scope_kex_ct_format (network, &ciphertext));
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  load ();
  g_test_add_func ("/vectors/identities", test_identities);
  g_test_add_func ("/vectors/envelopes", test_envelopes);
  g_test_add_func ("/vectors/root", test_root);
  g_test_add_func ("/vectors/peer", test_peer);
  g_test_add_func ("/vectors/kem", test_kem);
  status = g_test_run ();
  g_hash_table_unref (identities);
  json_object_unref (vectors);
  return status;
}
