/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What peers sign themselves (data/protocol.md, sections 4 to 6). */
#include "signed-fixture.h"

#include "common/scope-base64.h"
#include "common/scope-error.h"
#include "common/scope-json.h"
#include "wire/scope-record-private.h"

#include <string.h>

#define DENIED SCOPE_ERROR_DENIED
#define PROTOCOL SCOPE_ERROR_PROTOCOL

#define NONCE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define RECORD                                                                                                        \
  "{\"network\":\"home\",\"key\":\"" KEY_A "\",\"sequence\":17,\"issued\":1799999000,\"expires\":1800001000,"         \
  "\"role\":\"relay\",\"ranges\":[\"10.77.0.5/32\",\"fd77::/64\"],"                                                   \
  "\"endpoints\":[\"192.0.2.7:51820\",\"[2001:db8::1]:1\"],\"attachment\":\"" KEY_B "\",\"pq\":\"preferred\"}"
#define HELLO "{\"network\":\"home\",\"nonce\":\"" NONCE "\",\"key\":\"" KEY_A "\",\"issued\":1}"
#define KEX_KEY "{\"network\":\"home\",\"key\":\"" KEY_A "\",\"epoch\":500000,\"kem\":\"@kem@\",\"issued\":1800000000}"
#define KEX_CT                                                                                                        \
  "{\"network\":\"home\",\"epoch\":500000,\"from\":\"" KEY_A "\",\"to\":\"" KEY_B "\",\"kem\":\"" NONCE "\","         \
  "\"ct\":\"@ct@\",\"issued\":1800000000}"

static ScopeKey key_a, key_b;

/* @kem@ and @ct@ in a template: bytes nobody wants to read */
static char *
expand (const char *template)
{
  g_autofree char *kem = g_strnfill (SCOPE_BASE64_CHARS (SCOPE_KEM_PUBLIC_LEN), 'A');
  g_autofree char *ct = g_strnfill (SCOPE_BASE64_CHARS (SCOPE_KEM_CIPHERTEXT_LEN), 'A');
  g_autoptr (GString) out = g_string_new (template);

  g_string_replace (out, "@kem@", kem, 0);
  g_string_replace (out, "@ct@", ct, 0);
  return g_string_free (g_steal_pointer (&out), FALSE);
}

/* Each of these is alice's message, read by somebody who knows that. */
typedef gboolean (*Read) (const ScopeJws *jws, char **again, GError **error);

static gboolean
read_record (const ScopeJws *jws, char **again, GError **error)
{
  g_autoptr (ScopeRecord) record =
      scope_record_verify (jws, NETWORK, scope_identity_public (fixture.alice), NOW, error);

  if (record)
    *again = scope_record_format (record);
  return record != NULL;
}

static gboolean
read_hello (const ScopeJws *jws, char **again, GError **error)
{
  ScopeKey key;

  if (!scope_hello_verify (jws, NETWORK, NONCE, scope_identity_public (fixture.alice), &key, error))
    return FALSE;
  *again = scope_hello_format (NETWORK, NONCE, &key, 1);
  return TRUE;
}

static gboolean
read_kex_key (const ScopeJws *jws, char **again, GError **error)
{
  ScopeKexKey key;

  if (!scope_kex_key_verify (jws, NETWORK, scope_identity_public (fixture.alice), &key_a, &key, error))
    return FALSE;
  *again = scope_kex_key_format (NETWORK, &key);
  return TRUE;
}

static gboolean
read_kex_ct (const ScopeJws *jws, char **again, GError **error)
{
  ScopeKexCt ct;

  if (!scope_kex_ct_verify (jws, NETWORK, scope_identity_public (fixture.alice), &key_a, &key_b, &ct, error))
    return FALSE;
  *again = scope_kex_ct_format (NETWORK, &ct);
  return TRUE;
}

static void
check (Read read, const char *typ, const char *template, const WrongMember *cases, guint n)
{
  g_autofree char *good = expand (template);
  g_autofree char *again = NULL;
  g_autofree char *unknown = payload_with (good, fixture.alice, "{", "{\"x\":[{}],");
  g_autoptr (ScopeJws) jws = signed_by (fixture.alice, typ, good);
  g_autoptr (ScopeJws) jws_unknown = signed_by (fixture.alice, typ, unknown);
  g_autoptr (ScopeJws) other_typ = signed_by (fixture.alice, "scope-other", good);
  g_autoptr (ScopeJws) other_signer = signed_by (fixture.bob, typ, good);
  g_autoptr (GError) error = NULL;

  g_assert_true (read (jws, &again, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (again, ==, good);
  g_clear_pointer (&again, g_free);
  g_assert_true (read (jws_unknown, &again, &error));
  g_assert_cmpstr (again, ==, good);
  g_assert_false (read (other_typ, NULL, &error));
  expect_error (&error, DENIED, "type", typ);
  g_assert_false (read (other_signer, NULL, &error));
  expect_error (&error, DENIED, "signed by", typ);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *changed = payload_with (template, fixture.alice, cases[i].member, cases[i].instead);
      g_autofree char *text = expand (changed);
      g_autoptr (ScopeJws) bad = signed_by (fixture.alice, typ, text);
      g_autofree char *unused = NULL;

      if (read (bad, &unused, &error))
        g_error ("accepted, not “%s”: %s", cases[i].error, cases[i].instead);
      expect_error (&error, cases[i].code, cases[i].error, cases[i].instead);
    }
}

#define NETWORK_CASES(what)                                                                                           \
  { "\"network\":\"home\"", "\"network\":\"office\"", DENIED, what ".network: “office”, not “home”" },               \
  { "\"network\":\"home\"", "\"x\":7", PROTOCOL, what ".network: missing" }
#define TIME_CASES(what, issued)                                                                                      \
  { "\"issued\":" issued, "\"x\":7", PROTOCOL, what ".issued: missing" },                                            \
  { "\"issued\":" issued, "\"issued\":-1", PROTOCOL, what ".issued: not from 0" }
#define KEY_CASES(what, name, key)                                                                                    \
  { "\"" name "\":\"" key "\"", "\"x\":7", PROTOCOL, what "." name ": missing" },                                    \
  { "\"" name "\":\"" key "\"", "\"" name "\":\"x\"", PROTOCOL, what "." name ": not a WireGuard key" }

static void
test_record (void)
{
  static const WrongMember cases[] = {
    NETWORK_CASES ("record"),
    KEY_CASES ("record", "key", KEY_A),
    TIME_CASES ("record", "1799999000"),
    { "\"sequence\":17", "\"x\":17", PROTOCOL, "record.sequence: missing" },
    { "\"sequence\":17", "\"sequence\":0", PROTOCOL, "record.sequence: not from 1" },
    { "\"sequence\":17", "\"sequence\":9007199254740993", PROTOCOL, "record.sequence: not from 1" },
    { "1800001000", "1799999000", PROTOCOL, "record.expires: not later" },
    { "1800001000", "1802591001", PROTOCOL, "record.expires: more than 2592000 s" },
    { "1800001000", "1800000000", DENIED, "expired 0 s ago" },
    { "1799999000", "1800000601", DENIED, "issued 601 s in the future" },
    { "\"relay\"", "\"king\"", PROTOCOL, "record.role: not edge" },
    { "\"role\"", "\"x\"", PROTOCOL, "record.role: missing" },
    { "\"ranges\"", "\"x\"", PROTOCOL, "record.ranges: missing" },
    { "fd77::/64", "fd77::1/64", PROTOCOL, "record.ranges[1]: fd77::1/64 has host bits" },
    { "fd77::/64", "10.77.0.5/32", PROTOCOL, "record.ranges[1]: 10.77.0.5/32 is there twice" },
    { "\"endpoints\"", "\"x\"", PROTOCOL, "record.endpoints: missing" },
    { "\"[2001:db8::1]:1\"", "7", PROTOCOL, "record.endpoints[1]: not a string" },
    { "[2001:db8::1]:1", "nowhere", PROTOCOL, "record.endpoints[1]: not an endpoint" },
    { "[2001:db8::1]:1", "h:1\",\"h:2\",\"h:3\",\"h:4\",\"h:5\",\"h:6\",\"h:7\",\"h:8\",\"h:9\",\"h:10\",\"h:11\",\"h:12\",\"h:13\",\"h:14\",\"h:15\",\"h:16",
      PROTOCOL, "record.endpoints: more than 16" },
    { "\"attachment\":\"" KEY_B "\"", "\"attachment\":\"" KEY_A "\"", PROTOCOL, "record.attachment: the peer itself" },
    { "\"attachment\":\"" KEY_B "\"", "\"attachment\":\"\"", PROTOCOL, "record.attachment: not a WireGuard key" },
    { "\"pq\"", "\"x\"", PROTOCOL, "record.pq: missing" },
    { "\"preferred\"", "\"maybe\"", PROTOCOL, "record.pq: not required, preferred or off" },
  };

  check (read_record, SCOPE_TYP_RECORD, RECORD, cases, G_N_ELEMENTS (cases));
}

static void
test_record_fields (void)
{
  static const char *const pq[] = { "off", "preferred", "required" };
  g_autofree char *plain = payload_with (RECORD, fixture.alice, "\"attachment\":\"" KEY_B "\"", "\"attachment\":null");
  g_autofree char *month = payload_with (RECORD, fixture.alice, "1800001000", "1802591000");
  g_autofree char *again = NULL, *again_month = NULL;
  g_autoptr (ScopeJws) jws = signed_by (fixture.alice, SCOPE_TYP_RECORD, RECORD);
  g_autoptr (ScopeJws) jws_plain = signed_by (fixture.alice, SCOPE_TYP_RECORD, plain);
  g_autoptr (ScopeJws) jws_month = signed_by (fixture.alice, SCOPE_TYP_RECORD, month);
  g_autoptr (ScopeRecord) record =
      scope_record_verify (jws, NETWORK, scope_identity_public (fixture.alice), NOW, NULL);
  ScopePq value;

  g_assert_cmpstr (record->network, ==, NETWORK);
  g_assert_true (scope_key_equal (&record->key, &key_a) && scope_key_equal (&record->attachment, &key_b));
  g_assert_cmpuint (record->sequence, ==, 17);
  g_assert_cmpint (record->role, ==, SCOPE_ROLE_RELAY);
  g_assert_cmpint (record->pq, ==, SCOPE_PQ_PREFERRED);
  g_assert_cmpuint (record->ranges->len, ==, 2);
  g_assert_cmpstr (record->endpoints[1], ==, "[2001:db8::1]:1");

  g_assert_true (read_record (jws_plain, &again, NULL));
  g_assert_cmpstr (again, ==, plain);
  g_assert_true (read_record (jws_month, &again_month, NULL));

  for (guint i = 0; i < G_N_ELEMENTS (pq); i++)
    {
      g_assert_true (scope_pq_parse (&value, pq[i]));
      g_assert_cmpstr (scope_pq_to_string (value), ==, pq[i]);
    }
  g_assert_false (scope_pq_parse (&value, "on") || scope_pq_parse (&value, NULL));
}

static GArray *
prefixes (const char *text)
{
  return scope_prefix_parse_list (text, SCOPE_GRANT_MAX_RANGES, NULL);
}

static void
test_granted (void)
{
  g_autoptr (ScopeRecord) record = scope_record_new (NETWORK);
  g_autoptr (GArray) granted = prefixes ("10.77.0.5/32 192.168.0.0/16 fd77::/64");
  g_autoptr (GError) error = NULL;
  ScopeGrant grant = { .identity = scope_identity_public (fixture.alice), .key = key_a, .ranges = granted,
                       .role = SCOPE_ROLE_RELAY };
  static const struct {
    const char *ranges, *error;
  } cases[] = {
    { "10.77.0.5/32", NULL },
    { "fd77::5/128 192.168.7.0/24", NULL },
    { "10.77.0.5/32 10.77.0.6/32", ": ranges[1]: 10.77.0.6/32 is not granted" },
    { "192.0.0.0/8", ": ranges[0]: 192.0.0.0/8 is not granted" },
    { "fd77::/63", ": ranges[0]: fd77::/63 is not granted" },
    { "0.0.0.0/0", ": ranges[0]: 0.0.0.0/0 is not granted" },
  };

  record->key = key_a;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_array_unref (record->ranges);
      record->ranges = prefixes (cases[i].ranges);
      gboolean good = scope_record_granted (record, &grant, &error);

      g_assert_true (good == !cases[i].error);
      if (!good)
        expect_error (&error, DENIED, cases[i].error, cases[i].ranges);
    }

  g_array_set_size (record->ranges, 0);
  for (record->role = SCOPE_ROLE_EDGE; record->role <= SCOPE_ROLE_RELAY; record->role++)
    g_assert_true (scope_record_granted (record, &grant, NULL));
  g_assert_false (scope_record_granted (record, &grant, &error));
  expect_error (&error, DENIED, ": role: master, but granted is relay", "role");
  record->role = SCOPE_ROLE_EDGE;
  record->key = key_b;
  g_assert_false (scope_record_granted (record, &grant, &error));
  expect_error (&error, DENIED, ": key: not the granted one", "key");
}

static void
test_hello (void)
{
  static const WrongMember cases[] = {
    NETWORK_CASES ("proof"),
    KEY_CASES ("proof", "key", KEY_A),
    TIME_CASES ("proof", "1"),
    { NONCE, "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", DENIED, "proof.nonce: not the one of this session" },
    { NONCE, NONCE "A", PROTOCOL, "proof.nonce: longer" },
    { "\"nonce\"", "\"x\"", PROTOCOL, "proof.nonce: missing" },
  };

  check (read_hello, SCOPE_TYP_HELLO, HELLO, cases, G_N_ELEMENTS (cases));
}

static void
test_kex_key (void)
{
  static const WrongMember cases[] = {
    NETWORK_CASES ("kex-key"),
    KEY_CASES ("kex-key", "key", KEY_A),
    TIME_CASES ("kex-key", "1800000000"),
    { KEY_A, KEY_B, DENIED, "kex-key.key: another peer's" },
    { "\"epoch\"", "\"x\"", PROTOCOL, "kex-key.epoch: missing" },
    { "500000", "-1", PROTOCOL, "kex-key.epoch: not from 0" },
    { "@kem@", "AAAA", PROTOCOL, "kex-key.kem: not 1240 bytes" },
    { "@kem@", "@kem@A", PROTOCOL, "kex-key.kem: longer" },
    { "\"kem\"", "\"x\"", PROTOCOL, "kex-key.kem: missing" },
  };

  check (read_kex_key, SCOPE_TYP_KEX_KEY, KEX_KEY, cases, G_N_ELEMENTS (cases));
}

static void
test_kex_ct (void)
{
  static const WrongMember cases[] = {
    NETWORK_CASES ("kex-ct"),
    KEY_CASES ("kex-ct", "from", KEY_A),
    KEY_CASES ("kex-ct", "to", KEY_B),
    TIME_CASES ("kex-ct", "1800000000"),
    { "\"from\":\"" KEY_A "\"", "\"from\":\"" KEY_B "\"", DENIED, "kex-ct.from: another peer's key" },
    { "\"to\":\"" KEY_B "\"", "\"to\":\"" KEY_A "\"", DENIED, "kex-ct.to: another peer's key" },
    { "\"epoch\"", "\"x\"", PROTOCOL, "kex-ct.epoch: missing" },
    { NONCE, "AAAA", PROTOCOL, "kex-ct.kem: not 32 bytes" },
    { "\"kem\"", "\"x\"", PROTOCOL, "kex-ct.kem: missing" },
    { "@ct@", "AAAA", PROTOCOL, "kex-ct.ct: not 1144 bytes" },
    { "\"ct\"", "\"x\"", PROTOCOL, "kex-ct.ct: missing" },
  };

  check (read_kex_ct, SCOPE_TYP_KEX_CT, KEX_CT, cases, G_N_ELEMENTS (cases));
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  signed_fixture_init ();
  scope_key_parse (&key_a, KEY_A);
  scope_key_parse (&key_b, KEY_B);
  g_test_add_func ("/record/form", test_record);
  g_test_add_func ("/record/fields", test_record_fields);
  g_test_add_func ("/record/granted", test_granted);
  g_test_add_func ("/record/hello", test_hello);
  g_test_add_func ("/record/kex-key", test_kex_key);
  g_test_add_func ("/record/kex-ct", test_kex_ct);
  status = g_test_run ();
  signed_fixture_clear ();
  return status;
}
