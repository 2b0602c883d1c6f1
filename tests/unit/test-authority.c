/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the root says, and who is believed (data/protocol.md, section 3). */
#include "signed-fixture.h"

#include "common/scope-error.h"
#include "common/scope-json.h"
#include "crypto/scope-authority-private.h"

#include <string.h>

#define DENIED SCOPE_ERROR_DENIED
#define PROTOCOL SCOPE_ERROR_PROTOCOL

#define DELEGATION                                                                                                    \
  "{\"network\":\"home\",\"identity\":\"@identity@\",\"roles\":[\"edge\",\"relay\"],"                                 \
  "\"pool\":[\"10.77.0.0/24\",\"fd77::/64\"],\"issued\":1799990000,\"expires\":1800100000}"
#define GRANT                                                                                                         \
  "{\"network\":\"home\",\"identity\":\"@identity@\",\"key\":\"" KEY_A "\","                                          \
  "\"ranges\":[\"10.77.0.5/32\",\"fd77::5/128\"],\"role\":\"edge\",\"name\":\"Zoë's\","                               \
  "\"issued\":1799995000,\"expires\":1800050000}"
#define REVOCATION "{\"network\":\"home\",\"counter\":3,\"issued\":1799999000,\"identities\":[\"@fingerprint@\"]}"
#define TOKEN "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define INVITE                                                                                                        \
  "{\"network\":\"home\",\"token\":\"" TOKEN "\",\"role\":\"edge\",\"name\":\"guest\","                               \
  "\"issued\":1799999000,\"expires\":1800001000}"
#define KILL "{\"network\":\"home\",\"counter\":5,\"issued\":1800000000,\"reason\":\"leak\"}"
#define QUERY "{\"network\":\"home\",\"issued\":1800000000,\"what\":\"peers\"}"

static ScopeAuthority *
authority_new (void)
{
  return scope_authority_new (NETWORK, scope_identity_public (fixture.root));
}

static void
add_delegation (ScopeAuthority *authority, const char *payload, gint64 now)
{
  g_autofree char *text = payload_about (payload, fixture.delegate);
  g_autoptr (ScopeJws) jws = signed_by (fixture.root, SCOPE_TYP_DELEGATION, text);
  g_autoptr (GError) error = NULL;

  g_assert_true (scope_authority_add_delegation (authority, jws, now, &error));
  g_assert_no_error (error);
}

static void
set_revoked (ScopeAuthority *authority, const ScopeIdentity *whom)
{
  g_autofree char *text = payload_about (REVOCATION, whom);
  g_autoptr (ScopeJws) jws = signed_by (fixture.root, SCOPE_TYP_REVOCATION, text);

  g_assert_true (scope_authority_set_revocation (authority, jws, NULL));
}

static ScopeGrant *
grant (const ScopeAuthority *authority, const ScopeIdentity *signer, const char *payload, gint64 now, GError **error)
{
  g_autoptr (ScopeJws) jws = signed_by (signer, SCOPE_TYP_GRANT, payload);

  return scope_authority_grant (authority, jws, now, error);
}

static void
test_roles (void)
{
  ScopeRole role;

  for (guint i = SCOPE_ROLE_EDGE; i <= SCOPE_ROLE_MASTER; i++)
    {
      g_assert_true (scope_role_parse (&role, scope_role_to_string (i)));
      g_assert_cmpint (role, ==, i);
    }
  g_assert_false (scope_role_parse (&role, "Edge") || scope_role_parse (&role, "") || scope_role_parse (&role, NULL));
}

static JsonObject *
object_of (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonObject *object = scope_json_parse_object_strict (text, strlen (text), SCOPE_JWS_MAX_BYTES, &error);

  g_assert_no_error (error);
  return object;
}

/* What one end formats, the other end reads; and formats the same. */
#define ROUND_TRIP(type, template, about)                                                                             \
  {                                                                                                                   \
    g_autofree char *text = payload_about (template, about);                                                          \
    g_autoptr (JsonObject) object = object_of (text);                                                                 \
    g_autoptr (GError) error = NULL;                                                                                  \
    g_autoptr (Scope##type) value = FORM (type, parse) (object, NETWORK, &error);                                     \
    g_assert_no_error (error);                                                                                        \
    g_autofree char *again = FORM (type, format) (value);                                                             \
    g_assert_cmpstr (again, ==, text);                                                                                \
  }
#define FORM(type, verb) FORM_##type (verb)
#define FORM_Delegation(verb) scope_delegation_##verb
#define FORM_Grant(verb) scope_grant_##verb
#define FORM_Invite(verb) scope_invite_##verb
#define FORM_Kill(verb) scope_kill_##verb
#define FORM_Revocation(verb) scope_revocation_##verb

static void
test_round_trip (void)
{
  ROUND_TRIP (Delegation, DELEGATION, fixture.delegate);
  ROUND_TRIP (Grant, GRANT, fixture.alice);
  ROUND_TRIP (Invite, INVITE, fixture.root);
  ROUND_TRIP (Kill, KILL, fixture.root);
  ROUND_TRIP (Revocation, REVOCATION, fixture.alice);
  ROUND_TRIP (Kill, "{\"network\":\"home\",\"counter\":9007199254740992,\"issued\":0}", fixture.root);
  ROUND_TRIP (Revocation, "{\"network\":\"home\",\"counter\":1,\"issued\":0,\"identities\":[]}", fixture.root);
}

/* The form of each, one member wrong at a time; a signature is asked for by the tests below. */
typedef gboolean (*Judge) (const ScopeJws *jws, GError **error);

static gboolean
judge_delegation (const ScopeJws *jws, GError **error)
{
  g_autoptr (ScopeAuthority) authority = authority_new ();

  return scope_authority_add_delegation (authority, jws, NOW, error);
}

static gboolean
judge_grant (const ScopeJws *jws, GError **error)
{
  g_autoptr (ScopeAuthority) authority = authority_new ();
  g_autoptr (ScopeGrant) got = NULL;

  add_delegation (authority, DELEGATION, NOW);
  got = scope_authority_grant (authority, jws, NOW, error);
  return got != NULL;
}

static gboolean
judge_revocation (const ScopeJws *jws, GError **error)
{
  g_autoptr (ScopeAuthority) authority = authority_new ();

  return scope_authority_set_revocation (authority, jws, error);
}

static gboolean
judge_invite (const ScopeJws *jws, GError **error)
{
  g_autoptr (ScopeAuthority) authority = authority_new ();
  g_autoptr (ScopeInvite) got = scope_authority_invite (authority, jws, NOW, error);

  return got != NULL;
}

static gboolean
judge_kill (const ScopeJws *jws, GError **error)
{
  g_autoptr (ScopeAuthority) authority = authority_new ();
  g_autoptr (ScopeKill) got = scope_authority_kill (authority, jws, 4, NOW, error);

  return got != NULL;
}

static gboolean
judge_query (const ScopeJws *jws, GError **error)
{
  g_autoptr (ScopeAuthority) authority = authority_new ();

  return scope_authority_query (authority, jws, "peers", NOW, error);
}

static void
wrong_members (Judge judge, const char *typ, const ScopeIdentity *signer, const char *payload,
               const WrongMember *cases, guint n)
{
  g_autofree char *good = payload_about (payload, fixture.alice);
  g_autoptr (ScopeJws) jws = signed_by (signer, typ, good);
  g_autoptr (ScopeJws) other_typ = signed_by (signer, "scope-other", good);
  g_autoptr (ScopeJws) other_signer = signed_by (fixture.bob, typ, good);
  g_autoptr (GError) error = NULL;

  g_assert_true (judge (jws, &error));
  g_assert_no_error (error);
  g_assert_false (judge (other_typ, &error));
  expect_error (&error, DENIED, "type", typ);
  g_assert_false (judge (other_signer, &error));
  expect_error (&error, DENIED, "signed by", typ);

  /* members that we do not know say nothing, one that is there twice nothing good */
  {
    g_autofree char *unknown = payload_with (payload, fixture.alice, "{", "{\"x\":[{}],");
    g_autofree char *twice = payload_with (payload, fixture.alice, "{", "{\"network\":\"home\",");
    g_autoptr (ScopeJws) jws_unknown = signed_by (signer, typ, unknown);

    g_assert_true (judge (jws_unknown, &error));
    g_assert_null (scope_jws_sign (signer, typ, twice, &error));
    expect_error (&error, SCOPE_ERROR_INVALID, "same name", typ);
  }

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *text = payload_with (payload, fixture.alice, cases[i].member, cases[i].instead);
      g_autoptr (ScopeJws) bad = signed_by (signer, typ, text);

      if (judge (bad, &error))
        g_error ("accepted, not “%s”: %s", cases[i].error, cases[i].instead);
      expect_error (&error, cases[i].code, cases[i].error, cases[i].instead);
    }
}

#define NETWORK_CASES(what)                                                                                           \
  { "\"network\":\"home\"", "\"network\":\"office\"", DENIED, what ".network: “office”, not “home”" },               \
  { "\"network\":\"home\"", "\"network\":7", PROTOCOL, what ".network: not a string" },                              \
  { "\"network\":\"home\"", "\"network\":\"a b\"", PROTOCOL, what ".network: not a network's name" },                \
  { "\"network\":\"home\"", "\"x\":7", PROTOCOL, what ".network: missing" }

static void
test_delegation_form (void)
{
  static const WrongMember cases[] = {
    NETWORK_CASES ("delegation"),
    { "\"identity\":\"@identity@\"", "\"x\":7", PROTOCOL, "delegation.identity: missing" },
    { "@identity@", "AAAA", PROTOCOL, "delegation.identity: not 2009 bytes" },
    { "[\"edge\",\"relay\"]", "[]", PROTOCOL, "delegation.roles: empty" },
    { "[\"edge\",\"relay\"]", "\"edge\"", PROTOCOL, "delegation.roles: not an array" },
    { "[\"edge\",\"relay\"]", "[\"edge\",7]", PROTOCOL, "delegation.roles[1]: not a string" },
    { "[\"edge\",\"relay\"]", "[\"king\"]", PROTOCOL, "delegation.roles[0]: not edge" },
    { "[\"edge\",\"relay\"]", "[\"edge\",\"edge\"]", PROTOCOL, "delegation.roles[1]: edge is there twice" },
    { "[\"edge\",\"relay\"]", "[\"edge\",\"edge\",\"edge\",\"edge\"]", PROTOCOL, "delegation.roles: more than 3" },
    { "[\"10.77.0.0/24\",\"fd77::/64\"]", "[]", PROTOCOL, "delegation.pool: empty" },
    { "10.77.0.0/24", "10.77.0.1/24", PROTOCOL, "delegation.pool[0]: 10.77.0.1/24 has host bits" },
    { "fd77::/64", "fd77::1/64", PROTOCOL, "delegation.pool[1]: fd77::1/64 has host bits" },
    { "\"pool\"", "\"x\"", PROTOCOL, "delegation.pool: missing" },
    { "1799990000", "1800100000", PROTOCOL, "delegation.expires: not later" },
    { "1799990000", "-1", PROTOCOL, "delegation.issued: not from 0" },
    { "1799990000", "1800000601", DENIED, "delegation of " },
    { "1800100000", "1800000000", DENIED, "expired 0 s ago" },
    { "1800100000", "9007199254740993", PROTOCOL, "delegation.expires: not from 0" },
    { "1800100000", "1.8e9", PROTOCOL, "delegation.expires: not an integer" },
  };

  wrong_members (judge_delegation, SCOPE_TYP_DELEGATION, fixture.root, DELEGATION, cases, G_N_ELEMENTS (cases));
}

/* "p/32,…" of @n addresses */
static char *
many_ranges (guint n)
{
  g_autoptr (GString) out = g_string_new ("[");

  for (guint i = 0; i < n; i++)
    g_string_append_printf (out, "%s\"10.77.0.%u/32\"", i ? "," : "", i);
  g_string_append_c (out, ']');
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static void
test_grant_form (void)
{
  g_autofree char *most = many_ranges (SCOPE_GRANT_MAX_RANGES);
  g_autofree char *more = many_ranges (SCOPE_GRANT_MAX_RANGES + 1);
  g_autofree char *name = g_strnfill (SCOPE_NAME_MAX + 1, 'n');
  const WrongMember cases[] = {
    NETWORK_CASES ("grant"),
    { "@identity@", "AAAA", PROTOCOL, "grant.identity: not 2009 bytes" },
    { "\"key\":\"" KEY_A "\"", "\"x\":7", PROTOCOL, "grant.key: missing" },
    { KEY_A, "x", PROTOCOL, "grant.key: not a WireGuard key" },
    { KEY_A, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", PROTOCOL, "grant.key: not a WireGuard key" },
    { "[\"10.77.0.5/32\",\"fd77::5/128\"]", "[]", PROTOCOL, "grant.ranges: empty" },
    { "[\"10.77.0.5/32\",\"fd77::5/128\"]", "\"10.77.0.5/32\"", PROTOCOL, "grant.ranges: not an array" },
    { "[\"10.77.0.5/32\",\"fd77::5/128\"]", more, PROTOCOL, "grant.ranges: more than 64" },
    { "fd77::5/128", "10.77.0.5/32", PROTOCOL, "grant.ranges[1]: 10.77.0.5/32 is there twice" },
    { "fd77::5/128", "fd77::5", PROTOCOL, "grant.ranges[1]: “fd77::5” is not a prefix" },
    { "fd77::5/128", "fd77::5/129", PROTOCOL, "grant.ranges[1]: “fd77::5/129” is not a prefix" },
    { "fd77::5/128", "fd77::5/127", PROTOCOL, "grant.ranges[1]: fd77::5/127 has host bits" },
    { "\"role\":\"edge\"", "\"x\":7", PROTOCOL, "grant.role: missing" },
    { "\"edge\"", "\"king\"", PROTOCOL, "grant.role: not edge" },
    { "Zoë's", name, PROTOCOL, "grant.name: longer than 64 characters" },
    { "Zoë's", "\\u001b[2J", PROTOCOL, "grant.name: a control character" },
    { "Zoë's", "\\u009b2J", PROTOCOL, "grant.name: a control character" },
    { "\"Zoë's\"", "7", PROTOCOL, "grant.name: not a string" },
    { "1799995000", "1800050000", PROTOCOL, "grant.expires: not later" },
    { "1799995000", "1800000601", DENIED, "issued 601 s in the future" },
    { "1800050000", "1800000000", DENIED, "expired 0 s ago" },
  };
  g_autoptr (ScopeAuthority) authority = authority_new ();
  g_autofree char *text = payload_with (GRANT, fixture.alice, "[\"10.77.0.5/32\",\"fd77::5/128\"]", most);
  g_autoptr (ScopeGrant) got = grant (authority, fixture.root, text, NOW, NULL);

  g_assert_cmpuint (got->ranges->len, ==, SCOPE_GRANT_MAX_RANGES);
  wrong_members (judge_grant, SCOPE_TYP_GRANT, fixture.root, GRANT, cases, G_N_ELEMENTS (cases));
}

static void
test_grant_by_root (void)
{
  g_autoptr (ScopeAuthority) authority = authority_new ();
  g_autofree char *text = payload_with (GRANT, fixture.alice, "10.77.0.5/32", "192.168.0.0/16");
  g_autoptr (ScopeGrant) got = grant (authority, fixture.root, text, NOW, NULL);
  ScopeKey key;

  scope_key_parse (&key, KEY_A);
  g_assert_true (got->by_root && scope_key_equal (&got->key, &key));
  g_assert_cmpstr (got->name, ==, "Zoë's");
  g_assert_cmpstr (got->network, ==, NETWORK);
  g_assert_cmpstr (got->signer, ==, fingerprint_of (fixture.root));
  g_assert_true (scope_identity_public_equal (got->identity, scope_identity_public (fixture.alice)));
  g_assert_true (scope_authority_root (authority) == scope_identity_public (fixture.root));
  g_assert_cmpstr (scope_authority_network (authority), ==, NETWORK);
}

/* What the root may say and a delegate may not */
static void
test_grant_by_delegate (void)
{
  static const WrongMember cases[] = {
    { "\"edge\"", "\"master\"", DENIED, ": role: delegate " },
    { "fd77::5/128", "fd77:0:0:1::5/128", DENIED, ": ranges[1]: fd77:0:0:1::5/128 is not in the pool of delegate " },
    { "10.77.0.5/32", "10.9.0.1/32", DENIED, ": ranges[0]: 10.9.0.1/32 is not in the pool of delegate " },
    { "10.77.0.5/32", "10.77.0.0/24", DENIED, ": ranges[0]: 10.77.0.0/24 is not a single address" },
    { "fd77::5/128", "fd77::/64", DENIED, ": ranges[1]: fd77::/64 is not a single address" },
    { "10.77.0.5/32", "10.77.0.4/31", DENIED, ": ranges[0]: 10.77.0.4/31 is not a single address" },
    { "1799995000", "1799989999", DENIED, ": issued: before the delegation of " },
    { "1800050000", "1800100001", DENIED, ": expires: after the delegation of " },
    NETWORK_CASES ("grant"),
  };
  g_autoptr (ScopeAuthority) authority = authority_new ();
  g_autofree char *text = payload_about (GRANT, fixture.alice);
  g_autofree char *bounds = payload_with (GRANT, fixture.alice, "\"issued\":1799995000,\"expires\":1800050000",
                                          "\"issued\":1799990000,\"expires\":1800100000");
  g_autoptr (ScopeGrant) got = NULL, at_bounds = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (grant (authority, fixture.delegate, text, NOW, &error));
  expect_error (&error, DENIED, "who is neither the root nor a delegate", "no delegation");
  add_delegation (authority, DELEGATION, NOW);
  got = grant (authority, fixture.delegate, text, NOW, &error);
  g_assert_no_error (error);
  g_assert_false (got->by_root);
  g_assert_cmpstr (got->signer, ==, fingerprint_of (fixture.delegate));
  at_bounds = grant (authority, fixture.delegate, bounds, NOW, &error);
  g_assert_no_error (error);

  wrong_members (judge_grant, SCOPE_TYP_GRANT, fixture.delegate, GRANT, cases, G_N_ELEMENTS (cases));
}

/* Time passes; then the grant does not hold any more, since it or the delegation has ended. */
static void
test_grant_in_time (void)
{
  g_autoptr (ScopeAuthority) authority = authority_new ();
  g_autofree char *text = payload_about (GRANT, fixture.alice);
  g_autofree char *longer = payload_with (GRANT, fixture.alice, "1800050000", "1800200000");
  g_autoptr (ScopeGrant) by_root = grant (authority, fixture.root, longer, NOW, NULL);
  g_autoptr (ScopeGrant) by_delegate = NULL;
  g_autoptr (GError) error = NULL;

  add_delegation (authority, DELEGATION, NOW);
  by_delegate = grant (authority, fixture.delegate, text, NOW, NULL);
  g_assert_true (scope_authority_grant_holds (authority, by_root, 1800199999, NULL));
  g_assert_false (scope_authority_grant_holds (authority, by_root, 1800200000, &error));
  expect_error (&error, DENIED, "expired", "root's");
  g_assert_true (scope_authority_grant_holds (authority, by_delegate, 1800049999, NULL));
  g_assert_false (scope_authority_grant_holds (authority, by_delegate, 1800050000, NULL));
  g_assert_true (scope_authority_grant_holds (authority, by_root, 1799995000 - SCOPE_CLOCK_SKEW, NULL));
  g_assert_false (scope_authority_grant_holds (authority, by_root, 1799995000 - SCOPE_CLOCK_SKEW - 1, &error));
  expect_error (&error, DENIED, "in the future", "skew");

  /* A delegate's grant ends with the delegation, whatever it says itself. */
  by_delegate->expires = 1800200000;
  g_assert_false (scope_authority_grant_holds (authority, by_delegate, NOW, &error));
  expect_error (&error, DENIED, "after the delegation", "longer");
  g_assert_nonnull (scope_authority_find_delegation (authority, fingerprint_of (fixture.delegate), 1800099999));
  g_assert_null (scope_authority_find_delegation (authority, fingerprint_of (fixture.delegate), 1800100000));
  g_assert_null (scope_authority_find_delegation (authority, fingerprint_of (fixture.bob), NOW));
  g_assert_false (scope_authority_grant_holds (authority, by_delegate, 1800100000, &error));
  expect_error (&error, DENIED, "delegation of ", "ended");
}

/* A later delegation replaces the one before; an earlier one does not. */
static void
test_delegation_replaced (void)
{
  g_autoptr (ScopeAuthority) authority = authority_new ();
  g_autofree char *narrow = payload_with (DELEGATION, fixture.delegate, "1799990000", "1799990001");
  g_autofree char *renewed = payload_with (DELEGATION, fixture.delegate, "1800100000", "1800300000");
  g_autofree char *future = payload_with (DELEGATION, fixture.delegate, "1799990000", "1800050000");
  g_autoptr (ScopeJws) in_future = signed_by (fixture.root, SCOPE_TYP_DELEGATION, future);
  const ScopeDelegation *known;
  const char *who = fingerprint_of (fixture.delegate);

  add_delegation (authority, DELEGATION, NOW);
  known = scope_authority_find_delegation (authority, who, NOW);
  g_assert_cmpuint (known->roles, ==, 1u << SCOPE_ROLE_EDGE | 1u << SCOPE_ROLE_RELAY);
  g_assert_cmpuint (known->pool->len, ==, 2);

  /* the same time, longer: renewed; and not shortened again by who still has the old one */
  add_delegation (authority, renewed, NOW);
  add_delegation (authority, DELEGATION, NOW);
  g_assert_cmpint (scope_authority_find_delegation (authority, who, NOW)->expires, ==, 1800300000);

  add_delegation (authority, narrow, NOW);
  add_delegation (authority, renewed, NOW);
  g_assert_cmpint (scope_authority_find_delegation (authority, who, NOW)->issued, ==, 1799990001);

  /* one for later does not end the one for now */
  g_assert_false (scope_authority_add_delegation (authority, in_future, NOW, NULL));
  g_assert_nonnull (scope_authority_find_delegation (authority, who, NOW));
}

static void
test_revocation (void)
{
  g_autofree char *text = payload_about (GRANT, fixture.alice);
  g_autofree char *none = payload_with (REVOCATION, fixture.alice, "\"@fingerprint@\"", "");
  g_autofree char *none_4 = payload_with (none, fixture.alice, "\"counter\":3", "\"counter\":4");
  g_autoptr (ScopeJws) same = signed_by (fixture.root, SCOPE_TYP_REVOCATION, none);
  g_autoptr (ScopeJws) next = signed_by (fixture.root, SCOPE_TYP_REVOCATION, none_4);
  g_autoptr (ScopeAuthority) authority = authority_new ();
  g_autoptr (ScopeGrant) got = grant (authority, fixture.root, text, NOW, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (scope_authority_revocation_counter (authority), ==, 0);
  g_assert_true (scope_authority_grant_holds (authority, got, NOW, NULL));
  set_revoked (authority, fixture.alice);
  g_assert_cmpuint (scope_authority_revocation_counter (authority), ==, 3);
  g_assert_true (scope_authority_is_revoked (authority, fingerprint_of (fixture.alice)));
  g_assert_false (scope_authority_is_revoked (authority, fingerprint_of (fixture.bob)));
  g_assert_false (scope_authority_grant_holds (authority, got, NOW, &error));
  expect_error (&error, DENIED, ": revoked", "revoked");
  g_assert_null (grant (authority, fixture.root, text, NOW, &error));
  expect_error (&error, DENIED, ": revoked", "revoked");

  /* not higher: ignored, without an error; higher: the whole list is new */
  g_assert_false (scope_authority_set_revocation (authority, same, &error));
  g_assert_no_error (error);
  g_assert_true (scope_authority_is_revoked (authority, fingerprint_of (fixture.alice)));
  g_assert_true (scope_authority_set_revocation (authority, next, &error));
  g_assert_false (scope_authority_is_revoked (authority, fingerprint_of (fixture.alice)));
  g_assert_true (scope_authority_grant_holds (authority, got, NOW, NULL));
}

static void
test_delegate_revoked (void)
{
  g_autofree char *text = payload_about (GRANT, fixture.alice);
  g_autoptr (ScopeAuthority) authority = authority_new ();
  g_autoptr (ScopeGrant) got = NULL;
  g_autoptr (GError) error = NULL;

  add_delegation (authority, DELEGATION, NOW);
  got = grant (authority, fixture.delegate, text, NOW, NULL);
  set_revoked (authority, fixture.delegate);
  g_assert_null (scope_authority_find_delegation (authority, fingerprint_of (fixture.delegate), NOW));
  g_assert_false (scope_authority_grant_holds (authority, got, NOW, &error));
  expect_error (&error, DENIED, ": revoked", "delegate");
  g_assert_null (grant (authority, fixture.delegate, text, NOW, &error));
  expect_error (&error, DENIED, ": revoked", "delegate");
}

static void
test_revocation_form (void)
{
  g_autofree char *twice = g_strdup_printf ("\"%s\",\"%s\"", fingerprint_of (fixture.bob), fingerprint_of (fixture.bob));
  const WrongMember cases[] = {
    NETWORK_CASES ("revocation"),
    { "\"counter\":3", "\"x\":3", PROTOCOL, "revocation.counter: missing" },
    { "\"counter\":3", "\"counter\":0", PROTOCOL, "revocation.counter: not from 1" },
    { "\"counter\":3", "\"counter\":9007199254740993", PROTOCOL, "revocation.counter: not from 1" },
    { "1799999000", "\"now\"", PROTOCOL, "revocation.issued: not an integer" },
    { "\"identities\"", "\"x\"", PROTOCOL, "revocation.identities: missing" },
    { "@fingerprint@", "@fingerprint@a", PROTOCOL, "revocation.identities[0]: not a string of at most 52" },
    { "@fingerprint@", "abc", PROTOCOL, "revocation.identities[0]: not a fingerprint" },
    { "\"@fingerprint@\"", "7", PROTOCOL, "revocation.identities[0]: not a string" },
    { "\"@fingerprint@\"", twice, PROTOCOL, "revocation.identities[1]: " },
  };

  wrong_members (judge_revocation, SCOPE_TYP_REVOCATION, fixture.root, REVOCATION, cases, G_N_ELEMENTS (cases));
}

static void
test_revocation_bounds (void)
{
  g_autoptr (GString) text = g_string_new ("{\"network\":\"home\",\"counter\":1,\"issued\":0,\"identities\":[0");
  g_autoptr (JsonObject) object = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < SCOPE_REVOCATION_MAX_IDENTITIES; i++)
    g_string_append (text, ",0");
  g_string_append (text, "]}");
  object = object_of (text->str);
  g_assert_null (scope_revocation_parse (object, NETWORK, &error));
  expect_error (&error, PROTOCOL, "revocation.identities: more than 1024", "bounds");
}

static void
test_pool_bounds (void)
{
  g_autofree char *more = many_ranges (SCOPE_DELEGATION_MAX_POOL + 1);
  g_autofree char *text = payload_with (DELEGATION, fixture.alice, "[\"10.77.0.0/24\",\"fd77::/64\"]", more);
  g_autoptr (JsonObject) object = object_of (text);
  g_autoptr (GError) error = NULL;

  g_assert_null (scope_delegation_parse (object, NETWORK, &error));
  expect_error (&error, PROTOCOL, "delegation.pool: more than 64", "bounds");
}

static void
test_invite (void)
{
  static const WrongMember cases[] = {
    NETWORK_CASES ("invite"),
    { TOKEN, "AAAA", PROTOCOL, "invite.token: not 32 bytes" },
    { "\"token\"", "\"x\"", PROTOCOL, "invite.token: missing" },
    { "\"edge\"", "\"king\"", PROTOCOL, "invite.role: not edge" },
    { "\"role\"", "\"x\"", PROTOCOL, "invite.role: missing" },
    { "guest", "\\n", PROTOCOL, "invite.name: a control character" },
    { "1799999000", "1800001000", PROTOCOL, "invite.expires: not later" },
    { "1799999000", "1800000601", DENIED, "invite: issued 601 s in the future" },
    { "1800001000", "1800000000", DENIED, "invite: expired" },
  };

  wrong_members (judge_invite, SCOPE_TYP_INVITE, fixture.root, INVITE, cases, G_N_ELEMENTS (cases));
}

static void
test_kill (void)
{
  g_autofree char *reason = g_strnfill (SCOPE_REASON_MAX + 1, 'r');
  const WrongMember cases[] = {
    NETWORK_CASES ("kill"),
    { "\"counter\":5", "\"counter\":4", DENIED, "kill.counter: 4 is not higher than 4" },
    { "\"counter\":5", "\"counter\":0", PROTOCOL, "kill.counter: not from 1" },
    { "\"counter\"", "\"x\"", PROTOCOL, "kill.counter: missing" },
    { "1800000000", "1800000121", DENIED, "kill: issued -121 s ago" },
    { "1800000000", "1799999879", DENIED, "kill: issued 121 s ago" },
    { "\"issued\"", "\"x\"", PROTOCOL, "kill.issued: missing" },
    { "leak", reason, PROTOCOL, "kill.reason: longer than 256" },
    { "leak", "\\r", PROTOCOL, "kill.reason: a control character" },
  };
  g_autoptr (ScopeAuthority) authority = authority_new ();
  g_autoptr (ScopeJws) jws = signed_by (fixture.root, SCOPE_TYP_KILL, KILL);

  wrong_members (judge_kill, SCOPE_TYP_KILL, fixture.root, KILL, cases, G_N_ELEMENTS (cases));
  for (gint64 off = -SCOPE_KILL_WINDOW; off <= SCOPE_KILL_WINDOW; off += 2 * SCOPE_KILL_WINDOW)
    {
      g_autoptr (ScopeKill) kill = scope_authority_kill (authority, jws, 0, NOW + off, NULL);

      g_assert_cmpstr (kill->reason, ==, "leak");
      g_assert_cmpuint (kill->counter, ==, 5);
    }

  /* a registry's store has no clock, but counters */
  g_autoptr (ScopeKill) stored = scope_authority_kill (authority, jws, 0, -1, NULL);
  g_assert_nonnull (stored);
  g_assert_null (scope_authority_kill (authority, jws, 5, -1, NULL));
}

static void
test_query (void)
{
  static const WrongMember cases[] = {
    NETWORK_CASES ("query"),
    { "peers", "everything", DENIED, "query.what: “everything”, not “peers”" },
    { "\"what\"", "\"x\"", PROTOCOL, "query.what: missing" },
    { "1800000000", "1800000121", DENIED, "query: issued -121 s ago" },
    { "1800000000", "1799999879", DENIED, "query: issued 121 s ago" },
    { "\"issued\"", "\"x\"", PROTOCOL, "query.issued: missing" },
  };

  wrong_members (judge_query, SCOPE_TYP_QUERY, fixture.root, QUERY, cases, G_N_ELEMENTS (cases));
}

/* Root before delegates, then the first, then the lower fingerprint; of one identity, the last, then the root's. */
static void
test_order (void)
{
  gboolean alice_lower = strcmp (fingerprint_of (fixture.alice), fingerprint_of (fixture.bob)) < 0;
  ScopeGrant lower = { .identity = scope_identity_public (alice_lower ? fixture.alice : fixture.bob), .issued = 7 };
  ScopeGrant higher = { .identity = scope_identity_public (alice_lower ? fixture.bob : fixture.alice), .issued = 7 };

  g_assert_true (scope_grant_wins (&lower, &higher) && !scope_grant_wins (&higher, &lower));
  higher.issued = 6;
  g_assert_true (scope_grant_wins (&higher, &lower) && !scope_grant_wins (&lower, &higher));
  lower.by_root = TRUE;
  g_assert_true (scope_grant_wins (&lower, &higher) && !scope_grant_wins (&higher, &lower));

  ScopeGrant first = { .issued = 6, .by_root = TRUE }, second = { .issued = 7 }, by_root = { .issued = 7, .by_root = TRUE };
  g_assert_true (scope_grant_supersedes (&second, &first) && !scope_grant_supersedes (&first, &second));
  g_assert_true (scope_grant_supersedes (&by_root, &second) && !scope_grant_supersedes (&second, &by_root));
  g_assert_false (scope_grant_supersedes (&by_root, &by_root));
}

static void
test_token (void)
{
  /* hashlib.sha3_256(b"A" * 43) */
  static const guint8 want[4] = { 0xfa, 0x84, 0x57, 0xc2 };
  g_autoptr (ScopeSecret) token = scope_token_new ();
  g_autoptr (ScopeSecret) another = scope_token_new ();
  guint8 hash[32];

  g_assert_true (scope_token_valid (token));
  g_assert_cmpstr (token, !=, another);
  g_assert_true (scope_token_valid (TOKEN));
  g_assert_false (scope_token_valid ("") || scope_token_valid ("A" TOKEN));
  g_assert_false (scope_token_valid ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB")); /* not canonical */
  g_assert_false (scope_token_valid ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+"));
  scope_token_hash (TOKEN, hash);
  g_assert_cmpmem (hash, sizeof want, want, sizeof want);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  signed_fixture_init ();
  g_test_add_func ("/authority/roles", test_roles);
  g_test_add_func ("/authority/round-trip", test_round_trip);
  g_test_add_func ("/authority/delegation/form", test_delegation_form);
  g_test_add_func ("/authority/delegation/replaced", test_delegation_replaced);
  g_test_add_func ("/authority/delegation/pool-bounds", test_pool_bounds);
  g_test_add_func ("/authority/grant/form", test_grant_form);
  g_test_add_func ("/authority/grant/by-root", test_grant_by_root);
  g_test_add_func ("/authority/grant/by-delegate", test_grant_by_delegate);
  g_test_add_func ("/authority/grant/in-time", test_grant_in_time);
  g_test_add_func ("/authority/grant/order", test_order);
  g_test_add_func ("/authority/revocation", test_revocation);
  g_test_add_func ("/authority/revocation/form", test_revocation_form);
  g_test_add_func ("/authority/revocation/bounds", test_revocation_bounds);
  g_test_add_func ("/authority/revocation/delegate", test_delegate_revoked);
  g_test_add_func ("/authority/invite", test_invite);
  g_test_add_func ("/authority/kill", test_kill);
  g_test_add_func ("/authority/query", test_query);
  g_test_add_func ("/authority/token", test_token);
  status = g_test_run ();
  signed_fixture_clear ();
  return status;
}
