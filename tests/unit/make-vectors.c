/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * make-vectors: writes tests/unit/data/vectors/protocol-v1.json to standard output, from fixed secrets and times. Run it
 * when the protocol changes, never to make a test pass. See data/protocol.md, section 8.
 */
#include "common/scope-base64.h"
#include "crypto/scope-x25519.h"
#include "wire/scope-record.h"

#include <stdio.h>

#define NETWORK "home"
#define NOW 1800000000
#define EPOCH (NOW / 3600)

typedef struct {
  const char *name;
  ScopeIdentity *identity;
  ScopeKey key;
} Actor;

/* @first, @first + 1, …: two parts in the wrong order would show. */
static void
count_up (guint8 first, guint8 *bytes, gsize len)
{
  for (gsize i = 0; i < len; i++)
    bytes[i] = first + i;
}

static void
must (gboolean done, const GError *error)
{
  if (!done)
    g_error ("%s", error ? error->message : "failed");
}

static void
add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
add_integer (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

static void
add_bytes (JsonBuilder *builder, const char *name, const guint8 *bytes, gsize len)
{
  g_autofree char *text = g_malloc (SCOPE_BASE64_CHARS (len) + 1);

  add_string (builder, name, scope_base64url_encode (bytes, len, text));
}

static void
add_key (JsonBuilder *builder, const char *name, const ScopeKey *key)
{
  char text[SCOPE_KEY_BASE64_LEN + 1];

  add_string (builder, name, scope_key_to_base64 (key, text));
}

static void
add_actor (JsonBuilder *builder, Actor *actor, const char *name, guint8 first)
{
  guint8 secret[SCOPE_IDENTITY_SECRET_LEN];
  g_autoptr (GError) error = NULL;
  ScopeIdentityPublic *pub;
  ScopeKey private_key;

  count_up (first, secret, sizeof secret);
  count_up (first, private_key.bytes, sizeof private_key.bytes);
  actor->name = name;
  actor->identity = scope_identity_new (secret, &error);
  must (actor->identity && scope_x25519_public (&actor->key, &private_key, &error), error);
  pub = scope_identity_public (actor->identity);

  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  add_bytes (builder, "secret", secret, sizeof secret);
  add_bytes (builder, "identity", scope_identity_public_bytes (pub), SCOPE_IDENTITY_PUBLIC_LEN);
  add_string (builder, "fingerprint", scope_identity_public_fingerprint (pub));
  add_key (builder, "key", &actor->key);
  json_builder_end_object (builder);
}

/* Takes @payload. */
static void
add_envelope (JsonBuilder *builder, const char *name, const Actor *signer, const char *typ, char *payload)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = scope_jws_sign (signer->identity, typ, payload, &error);

  must (text != NULL, error);
  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  add_string (builder, "typ", typ);
  add_string (builder, "signer", signer->name);
  add_string (builder, "payload", payload);
  json_builder_set_member_name (builder, "envelope");
  json_builder_add_value (builder, json_from_string (text, NULL));
  json_builder_end_object (builder);
  g_free (payload);
}

static void
add_what_root_says (JsonBuilder *builder, const Actor *root, const Actor *delegate, const Actor *alice,
                    const Actor *bob, const char *token)
{
  g_autoptr (GArray) pool = scope_prefix_parse_list ("10.77.0.0/24,fd77::/64", 2, NULL);
  g_autoptr (GArray) alice_ranges = scope_prefix_parse_list ("10.77.0.5/32,fd77::5/128,192.168.7.0/24", 3, NULL);
  g_autoptr (GArray) bob_ranges = scope_prefix_parse_list ("10.77.0.6/32,fd77::6/128", 2, NULL);
  char *revoked[] = { (char *) "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL };
  ScopeDelegation delegation = { (char *) NETWORK, scope_identity_public (delegate->identity), 1u << SCOPE_ROLE_EDGE, pool,
                                 NOW - 86400, NOW + 30 * 86400 };
  ScopeGrant grant = { .network = (char *) NETWORK, .issued = NOW - 3600, .expires = NOW + 86400 };
  ScopeRevocation revocation = { (char *) NETWORK, 3, NOW - 60, revoked };
  ScopeInvite invite = { .network = (char *) NETWORK, .role = SCOPE_ROLE_EDGE, .name = (char *) "guest", .issued = NOW - 60,
                         .expires = NOW + 3600 };
  ScopeKill kill = { (char *) NETWORK, 5, NOW, (char *) "leak" };

  add_envelope (builder, "delegation", root, SCOPE_TYP_DELEGATION, scope_delegation_format (&delegation));
  grant.identity = scope_identity_public (alice->identity);
  grant.key = alice->key;
  grant.ranges = alice_ranges;
  grant.role = SCOPE_ROLE_RELAY;
  grant.name = (char *) "Zoë";
  add_envelope (builder, "grant", root, SCOPE_TYP_GRANT, scope_grant_format (&grant));
  grant.identity = scope_identity_public (bob->identity);
  grant.key = bob->key;
  grant.ranges = bob_ranges;
  grant.role = SCOPE_ROLE_EDGE;
  grant.name = NULL;
  add_envelope (builder, "delegatedGrant", delegate, SCOPE_TYP_GRANT, scope_grant_format (&grant));
  add_envelope (builder, "revocation", root, SCOPE_TYP_REVOCATION, scope_revocation_format (&revocation));
  scope_token_hash (token, invite.token);
  add_envelope (builder, "invite", root, SCOPE_TYP_INVITE, scope_invite_format (&invite));
  add_envelope (builder, "kill", root, SCOPE_TYP_KILL, scope_kill_format (&kill));
}

static void
add_record (JsonBuilder *builder, const Actor *alice, const Actor *bob, const char *nonce)
{
  g_autoptr (GArray) ranges = scope_prefix_parse_list ("10.77.0.5/32,192.168.7.0/24", 2, NULL);
  char *endpoints[] = { (char *) "192.0.2.7:51820", (char *) "[2001:db8::7]:51820", NULL };
  ScopeRecord record = { .network = (char *) NETWORK, .key = alice->key, .sequence = 17, .issued = NOW - 30,
                         .expires = NOW + 86400, .role = SCOPE_ROLE_EDGE, .ranges = ranges, .endpoints = endpoints,
                         .attachment = bob->key, .pq = SCOPE_PQ_REQUIRED };

  add_envelope (builder, "record", alice, SCOPE_TYP_RECORD, scope_record_format (&record));
  add_envelope (builder, "hello", alice, SCOPE_TYP_HELLO, scope_hello_format (NETWORK, nonce, &alice->key, NOW));
}

/* The higher key decapsulates. Both envelopes, then what comes out of them. */
static void
add_kex (JsonBuilder *builder, const Actor *from, const Actor *to)
{
  const ScopeKemContext context = { NETWORK, EPOCH, from->key, to->key };
  ScopeKexKey key = { .key = to->key, .epoch = EPOCH, .issued = NOW };
  ScopeKexCt ct = { .from = from->key, .to = to->key, .epoch = EPOCH, .issued = NOW };
  guint8 secret[SCOPE_KEM_SECRET_LEN], randomness[SCOPE_KEM_RANDOMNESS_LEN];
  g_auto (ScopeKemKeys) keys = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) pub = NULL;

  count_up (0xa0, secret, sizeof secret);
  count_up (0x30, randomness, sizeof randomness);
  must (scope_kem_public (secret, key.kem, &error), error);
  must (scope_kem_encapsulate_with (key.kem, &context, randomness, ct.ct, &keys, &error), error);
  pub = g_bytes_new (key.kem, sizeof key.kem);
  scope_sha3_256 (pub, ct.kem_digest);
  add_envelope (builder, "kexKey", to, SCOPE_TYP_KEX_KEY, scope_kex_key_format (NETWORK, &key));
  add_envelope (builder, "kexCt", from, SCOPE_TYP_KEX_CT, scope_kex_ct_format (NETWORK, &ct));
  json_builder_end_object (builder);

  json_builder_set_member_name (builder, "kem");
  json_builder_begin_object (builder);
  add_integer (builder, "epoch", EPOCH);
  add_string (builder, "encapsulator", from->name);
  add_string (builder, "decapsulator", to->name);
  add_bytes (builder, "secret", secret, sizeof secret);
  add_bytes (builder, "public", key.kem, sizeof key.kem);
  add_bytes (builder, "randomness", randomness, sizeof randomness);
  add_bytes (builder, "ciphertext", ct.ct, sizeof ct.ct);
  add_key (builder, "presharedKey", &keys.preshared);
  add_bytes (builder, "confirmKey", keys.confirm, sizeof keys.confirm);
}

int
main (int argc, char **argv)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root_node = NULL;
  g_autofree char *text = NULL;
  Actor root, delegate, alice, bob;
  char token[SCOPE_KEY_BASE64URL_LEN + 1], nonce[SCOPE_KEY_BASE64URL_LEN + 1];
  guint8 bytes[32];

  json_builder_begin_object (builder);
  add_string (builder, "network", NETWORK);
  add_integer (builder, "now", NOW);
  json_builder_set_member_name (builder, "identities");
  json_builder_begin_object (builder);
  add_actor (builder, &root, "root", 0x00);
  add_actor (builder, &delegate, "delegate", 0x20);
  add_actor (builder, &alice, "alice", 0x40);
  add_actor (builder, &bob, "bob", 0x60);
  json_builder_end_object (builder);

  count_up (0x80, bytes, sizeof bytes);
  scope_base64url_encode (bytes, sizeof bytes, token);
  count_up (0xc0, bytes, sizeof bytes);
  scope_base64url_encode (bytes, sizeof bytes, nonce);
  add_string (builder, "token", token);
  add_string (builder, "nonce", nonce);

  json_builder_set_member_name (builder, "envelopes");
  json_builder_begin_object (builder);
  add_what_root_says (builder, &root, &delegate, &alice, &bob, token);
  add_record (builder, &alice, &bob, nonce);
  if (scope_key_compare (&alice.key, &bob.key) < 0)
    add_kex (builder, &alice, &bob); /* ends the envelopes */
  else
    add_kex (builder, &bob, &alice);
  json_builder_end_object (builder);
  json_builder_end_object (builder);

  root_node = json_builder_get_root (builder);
  text = json_to_string (root_node, TRUE);
  puts (text); /* g_print() would write "?" for what the locale does not have */
  scope_identity_unref (root.identity);
  scope_identity_unref (delegate.identity);
  scope_identity_unref (alice.identity);
  scope_identity_unref (bob.identity);
  return 0;
}
