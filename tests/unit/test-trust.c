/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-trust: src/peer/scope-trust*.c: what is believed, and each lie that a registry can tell: what was verified
 * stays, and one line says so.
 */
#include "peer/scope-trust-private.h"
#include "peer/scope-plan.h"
#include "test-log.h"
#include "trust-fixture.h"

#include <malloc.h>
#include <string.h>
#include <time.h>

/* --- helpers ------------------------------------------------------------------------------- */

/* All that is handed out, as text. */
static char *
describe (const ScopeTrust *trust)
{
  g_autoptr (GPtrArray) peers = scope_trust_peers (trust);
  GString *out = g_string_new (NULL);
  const ScopeGrant *own = scope_trust_own_grant (trust);
  g_autofree char *ours = own ? scope_prefix_format_list (own->ranges) : g_strdup ("none");

  g_string_append_printf (out, "own %s\n", ours);
  for (guint i = 0; i < peers->len; i++)
    {
      const ScopeTrustPeer *peer = g_ptr_array_index (peers, i);
      g_autofree char *ranges = scope_prefix_format_list (peer->ranges);
      g_autofree char *candidates = g_strjoinv (" ", (char **) peer->candidates);
      g_string_append_printf (out, "%d %.8s %s %s [%s] %" G_GUINT64_FORMAT "%s%s%s\n", peer->key.bytes[0],
                              scope_identity_public_fingerprint (peer->identity), scope_role_to_string (peer->role), ranges,
                              candidates, peer->record->sequence, peer->listed ? " listed" : "",
                              peer->online ? " online" : "", peer->needs_pq ? " pq" : "");
    }
  g_assert_cmpuint (scope_trust_n_peers (trust), ==, peers->len);
  return g_string_free (out, FALSE);
}

static gboolean
take (ScopeTrust *trust, int key, char *grant, char *record)
{
  g_autoptr (ScopeV1Entry) entry = trust_entry (key, grant, record);

  return scope_trust_take_entry (trust, entry, NOW);
}

static const ScopeTrustPeer *
find (const ScopeTrust *trust, int key)
{
  ScopeKey wireguard = trust_key (key);

  return scope_trust_find (trust, &wireguard);
}

static void
assert_ranges (const ScopeTrust *trust, int key, const char *expected)
{
  const ScopeTrustPeer *peer = find (trust, key);

  g_assert_nonnull (peer);
  g_autofree char *text = scope_prefix_format_list (peer->ranges);
  g_assert_cmpstr (text, ==, expected);
}

/* Alice (with pq) and Bob are in force; by a delegate and by the root. */
static ScopeTrust *
with_peers (ScopePq pq)
{
  ScopeTrust *trust = trust_ready (pq);

  g_assert_true (take (trust, ALICE, GRANT (.who = ALICE, .role = SCOPE_ROLE_RELAY),
                       RECORD (.who = ALICE, .role = SCOPE_ROLE_RELAY, .pq = SCOPE_PQ_PREFERRED)));
  g_assert_true (take (trust, BOB, GRANT (.signer = ROOT, .who = BOB, .ranges = "10.77.0.5/32,10.5.0.0/24"),
                       RECORD (.who = BOB, .ranges = "10.77.0.5/32,10.5.0.0/24", .pq = SCOPE_PQ_PREFERRED)));
  g_assert_cmpuint (scope_trust_n_peers (trust), ==, 2);
  test_log_assert_quiet ();
  return trust;
}

static char *
save (ScopeTrust *trust)
{
  return g_string_free (scope_trust_serialise (trust), FALSE);
}

static ScopeTrust *
load (const char *text, ScopePq pq, gint64 now)
{
  ScopeTrust *trust = trust_new (pq);

  g_assert_true (scope_trust_load (trust, text, strlen (text), now));
  return trust;
}

static ScopeTrust *
restart (ScopeTrust *trust, gint64 now)
{
  g_autofree char *text = save (trust);
  ScopePq pq = trust->pq;

  scope_trust_free (trust);
  return load (text, pq, now);
}

static ScopeV1Message *
roster (guint64 since, guint64 revision, gboolean more)
{
  ScopeV1Message *message = scope_v1_message_new (SCOPE_V1_ROSTER);

  message->generation = g_strdup ("g1");
  message->since = since;
  message->revision = revision;
  message->more = more;
  message->peers = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_v1_entry_free);
  return message;
}

static void
add (ScopeV1Message *message, int key, char *grant, char *record)
{
  g_ptr_array_add (message->peers, trust_entry (key, grant, record));
}

/* --- the envelope -------------------------------------------------------------------------- */

static void
test_envelope (void)
{
  g_autofree char *grant = GRANT (.who = ALICE);
  g_autofree char *identity = scope_identity_public_format (scope_identity_public (trust_person (ALICE)));
  g_autoptr (ScopeJws) jws = scope_jws_parse (grant, strlen (grant), NULL);
  g_autoptr (GBytes) whole = scope_envelope_pack (jws, NULL);
  g_autoptr (GBytes) short_one = scope_envelope_pack (jws, identity);
  g_autofree char *from_whole = scope_envelope_unpack (whole, NULL);
  g_autofree char *from_short = scope_envelope_unpack (short_one, identity);

  g_assert_cmpstr (from_whole, ==, grant);
  g_assert_cmpstr (from_short, ==, grant);
  g_assert_cmpuint (g_bytes_get_size (short_one), ==, g_bytes_get_size (whole) - strlen (identity));
  g_assert_cmpuint (g_bytes_get_size (short_one), <, strlen (grant) / 2);
}

/* --- what is good -------------------------------------------------------------------------- */

static void
test_root (void)
{
  g_autoptr (ScopeTrust) trust = trust_new (SCOPE_PQ_OFF);
  g_autofree char *wrong = scope_identity_public_format (scope_identity_public (trust_person (MALLORY)));
  g_autofree char *right = scope_identity_public_format (scope_identity_public (trust_person (ROOT)));
  g_autofree char *kill = trust_kill (ROOT, "home", 1, NOW);

  g_assert_false (take (trust, ALICE, GRANT (.signer = ROOT, .who = ALICE), RECORD (.who = ALICE)));
  test_log_assert_warning ("network home: the root's identity is not known yet*");
  g_assert_null (scope_trust_kill (trust, kill, NOW));
  test_log_assert_warning ("*kill refused*not known yet*");
  g_assert_false (scope_trust_set_root (trust, wrong, NOW));
  test_log_assert_warning ("network home: root refused: it is *");
  g_assert_false (scope_trust_set_root (trust, "nonsense", NOW));
  test_log_assert_warning ("network home: root refused: *");
  g_assert_false (scope_trust_has_root (trust));

  g_assert_true (scope_trust_set_root (trust, right, NOW));
  g_assert_true (scope_trust_set_root (trust, right, NOW));
  test_log_assert_quiet ();
  g_assert_true (scope_trust_set_root (trust, wrong, NOW)); /* the right one is known, and stays */
  g_ptr_array_set_size (test_log_warnings, 0);
  g_assert_true (take (trust, ALICE, GRANT (.signer = ROOT, .who = ALICE), RECORD (.who = ALICE)));
  test_log_assert_quiet ();
}

static void
test_challenge (void)
{
  g_autoptr (ScopeTrust) trust = trust_new (SCOPE_PQ_OFF);
  g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_CHALLENGE);

  message->network = g_strdup ("work");
  message->identity = scope_identity_public_format (scope_identity_public (trust_person (ROOT)));
  scope_trust_take (trust, message, NOW);
  test_log_assert_warning ("*another network here: work");
  g_assert_false (scope_trust_has_root (trust));
  g_free (message->network);
  message->network = g_strdup ("home");
  scope_trust_take (trust, message, NOW);
  g_assert_true (scope_trust_has_root (trust));
}

static void
test_hand_out (void)
{
  g_autoptr (ScopeTrust) trust = trust_ready (SCOPE_PQ_PREFERRED);
  g_autoptr (ScopeV1Entry) entry =
    trust_entry (ALICE, GRANT (.who = ALICE, .role = SCOPE_ROLE_RELAY, .ranges = "10.77.0.4/32,10.77.9.9/32"),
                 RECORD (.who = ALICE, .pq = SCOPE_PQ_REQUIRED,
                         .endpoints = "0.0.0.0:1 alice.example:7 192.0.2.4:1 224.0.0.1:1"));
  static const char *const observed[] = { "203.0.113.4:9", "evil.example:1", "127.0.0.1:22", "192.0.2.4:1", "[::]:5",
                                          "255.255.255.255:9", "[2001:db8::4]:9", NULL };

  entry->observed = g_strdupv ((char **) observed);
  entry->pipe = TRUE;
  g_assert_true (scope_trust_take_entry (trust, entry, NOW));
  const ScopeTrustPeer *peer = find (trust, ALICE);
  g_assert_nonnull (peer);
  g_assert_cmpstr (scope_identity_public_fingerprint (peer->identity), ==, trust_fingerprint (ALICE));
  g_assert_cmpint (peer->grant->role, ==, SCOPE_ROLE_RELAY);
  g_assert_cmpint (peer->role, ==, SCOPE_ROLE_EDGE); /* as it says itself */
  assert_ranges (trust, ALICE, "10.77.0.4/32");
  g_autofree char *candidates = g_strjoinv (" ", (char **) peer->candidates);
  g_assert_cmpstr (candidates, ==, "alice.example:7 192.0.2.4:1 203.0.113.4:9 [2001:db8::4]:9");
  g_assert_true (peer->listed && peer->online && peer->pipe && peer->needs_pq);
  g_assert_cmpint (peer->seen, ==, NOW * 1000);

  /* Again: nothing new. */
  g_assert_false (scope_trust_take_entry (trust, entry, NOW));
  entry->online = FALSE;
  g_assert_true (scope_trust_take_entry (trust, entry, NOW));
  test_log_assert_quiet ();

  g_autoptr (ScopeRoster) out = scope_trust_roster (trust);
  ScopeKey own = trust_key (SELF), key = trust_key (ALICE);
  g_assert_null (out->self);
  g_assert_cmpuint (out->peers->len, ==, 2);
  g_assert_cmpstr (scope_roster_find (out, &key)->end, ==, "alice.example:7");
  g_assert_cmpuint (scope_roster_find (out, &own)->ranges->len, ==, 3);

  g_autoptr (GArray) addresses = scope_trust_addresses (trust);
  g_autofree char *text = scope_prefix_format_list (addresses);
  g_assert_cmpstr (text, ==, "10.77.0.3/32,fd77::3/128");
  g_autofree char *grant = scope_trust_own_envelope (trust);
  g_autoptr (ScopeJws) jws = scope_jws_parse (grant, strlen (grant), NULL);
  g_autoptr (ScopeGrant) again = scope_authority_grant (scope_trust_authority (trust), jws, NOW, NULL);
  g_assert_nonnull (again);
}

static void
test_no_record (void)
{
  g_autoptr (ScopeTrust) trust = trust_ready (SCOPE_PQ_OFF);
  g_autofree char *grant = GRANT (.who = ALICE);

  g_assert_false (take (trust, ALICE, g_strdup (grant), NULL));
  g_assert_null (find (trust, ALICE));
  /* Its range is kept for it, though. */
  take (trust, BOB, GRANT (.who = BOB, .ranges = "10.77.0.4/32,10.77.0.5/32", .issued = NOW - 60),
        RECORD (.who = BOB, .ranges = "10.77.0.4/32,10.77.0.5/32"));
  test_log_assert_warning ("*range 10.77.0.4/32 belongs to *");
  assert_ranges (trust, BOB, "10.77.0.5/32");
  g_assert_true (take (trust, ALICE, g_strdup (grant), RECORD (.who = ALICE)));
  g_assert_true (find (trust, ALICE)->online);
  /* An entry without a record does not take the one away that is known. */
  g_assert_false (take (trust, ALICE, g_strdup (grant), NULL));
  g_assert_nonnull (find (trust, ALICE));
  test_log_assert_quiet ();
}

/* --- lies ---------------------------------------------------------------------------------- */

static char *
break_signature (char *envelope, guint which)
{
  char *at = envelope;

  for (guint i = 0; i <= which; i++)
    at = strstr (at, "\"signature\":\"") + strlen ("\"signature\":\"");
  at[10] = at[10] == 'A' ? 'B' : 'A';
  return envelope;
}

static char *
strip_signature (char *envelope)
{
  g_autofree char *whole = envelope;
  char *comma = strstr (strstr (whole, "\"signature\":\""), "},{");

  return g_strdup_printf ("%.*s}]}", (int) (comma - whole), whole);
}

typedef struct {
  const char *name;
  int key;
  GrantOf grant;
  RecordOf record; /* none without who */
  char *(*spoil_grant) (char *);
  char *(*spoil_record) (char *);
  const char *pattern;
} Lie;

static char *
break_ed448 (char *envelope)
{
  return break_signature (envelope, 0);
}

static char *
break_mldsa (char *envelope)
{
  return break_signature (envelope, 1);
}

#define ALICE_GRANT .grant = { .who = ALICE, .role = SCOPE_ROLE_RELAY }
#define ALICE_RECORD(...) .record = { .who = ALICE, .pq = SCOPE_PQ_PREFERRED, __VA_ARGS__ }

static const Lie lies[] = {
  { "foreign-peer", MALLORY, .grant = { .signer = MALLORY, .who = MALLORY }, .record = { .who = MALLORY },
    .pattern = "*peer $MALLORY: grant refused: *neither the root nor a delegate*" },
  { "self-signed-root", DAVE, .grant = { .signer = DAVE, .who = DAVE }, .record = { .who = DAVE },
    .pattern = "*peer $DAVE: grant refused: *" },
  { "stripped-grant", CAROL, .grant = { .who = CAROL }, .record = { .who = CAROL }, .spoil_grant = strip_signature,
    .pattern = "*grant refused: *exactly 2*" },
  { "grant-ed448", CAROL, .grant = { .who = CAROL }, .record = { .who = CAROL }, .spoil_grant = break_ed448,
    .pattern = "*peer $CAROL: grant refused: *Ed448 signature is not good*" },
  { "grant-mldsa", CAROL, .grant = { .who = CAROL }, .record = { .who = CAROL }, .spoil_grant = break_mldsa,
    .pattern = "*peer $CAROL: grant refused: *ML-DSA-65 signature is not good*" },
  { "other-network", CAROL, .grant = { .signer = ROOT, .who = CAROL, .network = "work" }, .record = { .who = CAROL },
    .pattern = "*peer $CAROL: grant refused: *network*" },
  { "beyond-pool", CAROL, .grant = { .who = CAROL, .ranges = "10.78.0.6/32" },
    .record = { .who = CAROL, .ranges = "10.78.0.6/32" }, .pattern = "*peer $CAROL: grant refused: *not in the pool*" },
  { "beyond-single", CAROL, .grant = { .who = CAROL, .ranges = "10.77.6.0/24" },
    .record = { .who = CAROL, .ranges = "10.77.6.0/24" }, .pattern = "*grant refused: *not a single address*" },
  { "beyond-role", CAROL, .grant = { .who = CAROL, .role = SCOPE_ROLE_MASTER }, .record = { .who = CAROL },
    .pattern = "*peer $CAROL: grant refused: *may not grant master*" },
  { "beyond-time", CAROL, .grant = { .who = CAROL, .expires = NOW + 26 * DAY }, .record = { .who = CAROL },
    .pattern = "*peer $CAROL: grant refused: *after the delegation*" },
  { "before-time", CAROL, .grant = { .who = CAROL, .issued = NOW - 2 * DAY }, .record = { .who = CAROL },
    .pattern = "*peer $CAROL: grant refused: *before the delegation*" },
  { "expired-grant", CAROL, .grant = { .who = CAROL, .expires = NOW - 1 }, .record = { .who = CAROL },
    .pattern = "*peer $CAROL: grant refused: *expired*" },
  { "listed-under-another-key", CAROL, .grant = { .who = CAROL, .key = MALLORY }, .record = { .who = CAROL, .key = MALLORY },
    .pattern = "*peer $CAROL: grant refused: of another WireGuard key*" },
  { "own-key", SELF, .grant = { .signer = ROOT, .who = CAROL, .key = SELF }, .record = { .who = CAROL, .key = SELF },
    .pattern = "*peer $CAROL: grant refused: it has our own WireGuard key" },

  { "grant-as-record", ALICE, ALICE_GRANT, ALICE_RECORD (.sequence = 11, .signer = MALLORY),
    .pattern = "*peer $ALICE: record refused: *signed by *" },
  { "changed-key", ALICE, ALICE_GRANT, ALICE_RECORD (.sequence = 11, .key = MALLORY), .pattern = "*peer $ALICE: record refused: *key*" },
  { "delegate-rekeys", MALLORY, .grant = { .who = ALICE, .key = MALLORY, .role = SCOPE_ROLE_RELAY, .issued = NOW - 10 },
    .pattern = "*peer $ALICE: grant refused: a delegate's, without a record of the peer under it" },
  { "delegate-rekeys-and-forges", MALLORY,
    .grant = { .who = ALICE, .key = MALLORY, .role = SCOPE_ROLE_RELAY, .issued = NOW - 10 },
    .record = { .who = ALICE, .signer = MALLORY, .key = MALLORY, .sequence = 11 },
    .pattern = "*peer $ALICE: record refused: *signed by *" },
  { "delegate-readdresses", ALICE,
    .grant = { .who = ALICE, .ranges = "10.77.0.44/32", .role = SCOPE_ROLE_RELAY, .issued = NOW - 10 },
    .pattern = "*peer $ALICE: grant refused: a delegate's, without a record of the peer under it" },
  { "delegate-shortens", ALICE, .grant = { .who = ALICE, .role = SCOPE_ROLE_RELAY, .issued = NOW - 10, .expires = NOW + 60 },
    .pattern = "*peer $ALICE: grant refused: a delegate cannot shorten*" },
  { "delegate-shortens-the-root", BOB, .grant = { .who = BOB, .issued = NOW - 10, .expires = NOW + 60 },
    .pattern = "*peer $BOB: grant refused: a delegate cannot shorten*" },
  { "older-grant-other-key", MALLORY, .grant = { .who = ALICE, .key = MALLORY, .issued = NOW - 7200 },
    .pattern = "*peer $ALICE: grant refused: older than the one that holds" },
  { "changed-range", ALICE, ALICE_GRANT, ALICE_RECORD (.sequence = 11, .ranges = "10.77.0.44/32"),
    .pattern = "*peer $ALICE: record refused: *ranges*" },
  { "wider-range", ALICE, ALICE_GRANT, ALICE_RECORD (.sequence = 11, .ranges = "10.77.0.0/24"),
    .pattern = "*peer $ALICE: record refused: *ranges*" },
  { "role-raised", ALICE, ALICE_GRANT, ALICE_RECORD (.sequence = 11, .role = SCOPE_ROLE_MASTER),
    .pattern = "*peer $ALICE: record refused: *role*" },
  { "old-record", ALICE, ALICE_GRANT, ALICE_RECORD (.sequence = 9),
    .pattern = "*peer $ALICE: record refused: sequence 9 is older than 10" },
  { "forked-record", ALICE, ALICE_GRANT, ALICE_RECORD (.sequence = 10, .endpoints = "203.0.113.66:1"),
    .pattern = "*peer $ALICE: record refused: it contradicts another one of the same sequence*" },
  { "stripped-record", ALICE, ALICE_GRANT, ALICE_RECORD (.sequence = 11), .spoil_record = strip_signature,
    .pattern = "*peer $ALICE: record refused: *exactly 2*" },
  { "record-ed448", ALICE, ALICE_GRANT, ALICE_RECORD (.sequence = 11), .spoil_record = break_ed448,
    .pattern = "*peer $ALICE: record refused: *Ed448*" },
  { "record-mldsa", ALICE, ALICE_GRANT, ALICE_RECORD (.sequence = 11), .spoil_record = break_mldsa,
    .pattern = "*peer $ALICE: record refused: *ML-DSA-65*" },
  { "record-other-network", ALICE, ALICE_GRANT, ALICE_RECORD (.sequence = 11, .network = "work"),
    .pattern = "*peer $ALICE: record refused: *network*" },
  { "record-expired", ALICE, ALICE_GRANT, ALICE_RECORD (.sequence = 11, .expires = NOW - 1),
    .pattern = "*peer $ALICE: record refused: *expired*" },
  { "pq-downgrade", ALICE, ALICE_GRANT, .record = { .who = ALICE, .sequence = 11, .pq = SCOPE_PQ_OFF },
    .pattern = "*peer $ALICE: record refused: it once had post-quantum keys*" },
  { "stolen-key", ALICE, .grant = { .who = CAROL, .key = ALICE }, .record = { .who = CAROL, .key = ALICE },
    .pattern = "*peer $CAROL: grant refused: its WireGuard key belongs to $ALICE" },
  { "stolen-key-backdated", ALICE, .grant = { .who = CAROL, .key = ALICE, .issued = NOW - 7200 },
    .record = { .who = CAROL, .key = ALICE }, .pattern = "*peer $CAROL: grant refused: its WireGuard key belongs to $ALICE" },
  { "stolen-key-of-the-root's", BOB, .grant = { .who = CAROL, .key = BOB, .issued = NOW - 7200 },
    .record = { .who = CAROL, .key = BOB }, .pattern = "*peer $CAROL: grant refused: its WireGuard key belongs to $BOB" },
};

static char *
expand (const char *pattern)
{
  static const struct {
    const char *name;
    int who;
  } names[] = { { "$ALICE", ALICE }, { "$BOB", BOB }, { "$CAROL", CAROL }, { "$DAVE", DAVE }, { "$MALLORY", MALLORY } };
  g_autoptr (GString) text = g_string_new (pattern);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *name = g_strndup (trust_fingerprint (names[i].who), SCOPE_SHORT_NAME_LEN);
      g_string_replace (text, names[i].name, name, 0);
    }
  return g_strdup (text->str);
}

static void
tell (ScopeTrust *trust, const ScopeV1Entry *entry, const char *pattern)
{
  g_autofree char *before = describe (trust);
  g_autofree char *line = expand (pattern);

  scope_trust_take_entry (trust, entry, NOW);
  g_autofree char *after = describe (trust);
  g_assert_cmpstr (after, ==, before);
  test_log_assert_warning (line);
  test_log_assert_quiet ();

  /* Again: no further line; nor is anything else different. */
  scope_trust_take_entry (trust, entry, NOW);
  g_autofree char *again = describe (trust);
  g_assert_cmpstr (again, ==, before);
  test_log_assert_quiet ();
}

static void
test_lie (gconstpointer data)
{
  const Lie *lie = data;
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_PREFERRED);
  char *grant = trust_grant (lie->grant);
  char *record = lie->record.who ? trust_record (lie->record) : NULL;
  g_autoptr (ScopeV1Entry) entry = NULL;

  if (lie->spoil_grant)
    grant = lie->spoil_grant (grant);
  if (lie->spoil_record)
    record = lie->spoil_record (record);
  entry = trust_entry (lie->key, grant, record);
  tell (trust, entry, lie->pattern);

  /* Nor does it come true by a restart. */
  trust = restart (g_steal_pointer (&trust), NOW);
  test_log_assert_quiet ();
  tell (trust, entry, lie->pattern);
}

static void
test_revoked (void)
{
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_OFF);
  const char *alice[] = { trust_fingerprint (ALICE), NULL };
  const char *nobody[] = { NULL };
  g_autofree char *revocation = trust_revocation (3, alice);
  g_autofree char *older = trust_revocation (2, nobody);
  g_autofree char *forged = break_mldsa (trust_revocation (9, nobody));

  g_assert_true (scope_trust_set_revocation (trust, revocation, NOW));
  g_assert_null (find (trust, ALICE));
  g_assert_nonnull (find (trust, BOB));
  g_assert_false (scope_trust_set_revocation (trust, older, NOW));
  g_assert_false (scope_trust_set_revocation (trust, revocation, NOW));
  test_log_assert_quiet ();
  g_assert_false (scope_trust_set_revocation (trust, forged, NOW));
  test_log_assert_warning ("*revocation refused: *");
  for (guint i = 0; i < 2; i++)
    {
      g_assert_false (take (trust, ALICE, GRANT (.who = ALICE), RECORD (.who = ALICE, .sequence = 20)));
      test_log_assert_warning ("*peer *: grant refused: *revoked*");
      trust = restart (g_steal_pointer (&trust), NOW);
      test_log_assert_quiet ();
      g_assert_null (find (trust, ALICE));
    }
  g_assert_cmpuint (scope_authority_revocation_counter (scope_trust_authority (trust)), ==, 3);
}

static void
test_delegate_revoked (void)
{
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_OFF);
  const char *registry[] = { trust_fingerprint (REGISTRY), NULL };
  g_autofree char *revocation = trust_revocation (1, registry);

  g_assert_true (scope_trust_set_revocation (trust, revocation, NOW));
  g_assert_null (find (trust, ALICE)); /* granted by it */
  g_assert_nonnull (find (trust, BOB));
  g_assert_null (scope_trust_own_grant (trust));
  test_log_assert_quiet ();
}

static void
test_delegations (void)
{
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_OFF);
  g_autofree char *forged = break_ed448 (trust_delegation (DAVE, 1, "10.77.0.0/24", NOW - DAY, NOW + DAY));
  g_autofree char *smaller = trust_delegation (REGISTRY, 1 << SCOPE_ROLE_EDGE, "10.77.0.0/24,10.77.1.0/24,fd77::/64",
                                               NOW - 4000, NOW + 25 * DAY);
  gint64 next;

  g_assert_false (scope_trust_add_delegation (trust, forged, NOW));
  test_log_assert_warning ("*delegation refused: *");
  g_assert_false (scope_trust_add_delegation (trust, "{}", NOW));
  test_log_assert_warning ("*delegation refused: *");
  /* The root's will counts at once: no relays by this delegate any more. */
  g_assert_true (scope_trust_add_delegation (trust, smaller, NOW));
  g_assert_null (find (trust, ALICE));
  g_assert_nonnull (scope_trust_own_grant (trust));
  test_log_assert_quiet ();
  trust = restart (g_steal_pointer (&trust), NOW);
  g_assert_false (take (trust, ALICE, GRANT (.who = ALICE, .role = SCOPE_ROLE_RELAY), NULL));
  test_log_assert_warning ("*peer *: grant refused: *may not grant relay*");

  /* Many of them are cut. */
  for (int i = 0; i < SCOPE_TRUST_MAX_DELEGATIONS + 1; i++)
    {
      g_autofree char *more = trust_delegation (100 + i, 1, "10.99.0.0/24", NOW - DAY, NOW + DAY);
      scope_trust_add_delegation (trust, more, NOW);
    }
  test_log_assert_warning ("*more than 64 delegations*");
  test_log_assert_quiet ();
  scope_trust_tick (trust, NOW, &next);
  g_assert_cmpint (next, ==, NOW + DAY);
}

/* --- our own grant ------------------------------------------------------------------------- */

static void
test_own_grant (void)
{
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_OFF);
  g_autofree char *before = describe (trust);
  const struct {
    GrantOf grant;
    const char *pattern;
  } cases[] = {
    { { .who = CAROL }, "*our grant refused: it is of another identity" },
    { { .who = SELF, .key = CAROL }, "*our grant refused: it is of another WireGuard key" },
    { { .who = SELF, .signer = MALLORY }, "*our grant refused: *" },
    { { .who = SELF, .expires = NOW - 1 }, "*our grant refused: *expired*" },
    { { .who = SELF, .issued = NOW - 10, .expires = NOW + 60 }, "*our grant refused: a delegate cannot shorten*" },
    { { .who = SELF, .issued = NOW - 7200 }, NULL }, /* an older one: no news */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *grant = trust_grant (cases[i].grant);
      for (guint j = 0; j < 2; j++)
        {
          g_assert_false (scope_trust_set_grant (trust, grant, NOW));
          if (j == 0 && cases[i].pattern)
            test_log_assert_warning (cases[i].pattern);
          test_log_assert_quiet ();
        }
      g_autofree char *after = describe (trust);
      g_assert_cmpstr (after, ==, before);
    }
  g_autofree char *newer = GRANT (.who = SELF, .ranges = "10.77.0.33/32", .issued = NOW - 10);
  g_assert_true (scope_trust_set_grant (trust, newer, NOW));
  g_autoptr (GArray) addresses = scope_trust_addresses (trust);
  g_assert_cmpuint (addresses->len, ==, 1);
  trust = restart (g_steal_pointer (&trust), NOW);
  g_assert_cmpuint (scope_trust_own_grant (trust)->ranges->len, ==, 1);
  g_assert_true (scope_trust_tick (trust, NOW + 21 * DAY, NULL));
  g_assert_null (scope_trust_own_grant (trust));
  g_autoptr (GArray) none = scope_trust_addresses (trust);
  g_assert_cmpuint (none->len, ==, 0);
}

static void
test_own_entry (void)
{
  g_autoptr (ScopeTrust) trust = trust_ready (SCOPE_PQ_OFF);

  g_assert_cmpuint (scope_trust_next_sequence (trust, 1000), ==, 1000);
  g_assert_cmpuint (scope_trust_next_sequence (trust, 1000), ==, 1001);
  g_assert_cmpuint (scope_trust_next_sequence (trust, 500), ==, 1002);
  trust = restart (g_steal_pointer (&trust), NOW);
  g_assert_cmpuint (scope_trust_next_sequence (trust, 0), ==, 1003);
  g_assert_cmpuint (scope_trust_next_sequence (trust, NOW * 1000), ==, NOW * 1000);

  /* The registry knows one of ours that we have lost. */
  g_assert_false (take (trust, SELF, GRANT (.who = SELF), RECORD (.who = SELF, .sequence = 2 * NOW * 1000)));
  g_assert_cmpuint (scope_trust_next_sequence (trust, NOW * 1000), ==, 2 * NOW * 1000 + 1);
  /* It cannot make one up. */
  g_assert_false (take (trust, SELF, GRANT (.who = SELF), RECORD (.who = SELF, .signer = MALLORY, .sequence = 3 * NOW * 1000)));
  g_assert_cmpuint (scope_trust_next_sequence (trust, NOW * 1000), ==, 2 * NOW * 1000 + 2);
  /* Ourselves, with the key before this one. */
  g_assert_false (take (trust, CAROL, GRANT (.who = SELF, .key = CAROL), RECORD (.who = SELF, .key = CAROL)));
  g_assert_cmpuint (scope_trust_n_peers (trust), ==, 0);
  test_log_assert_quiet ();
}

/* --- ranges and keys ----------------------------------------------------------------------- */

static void
test_stolen_range (void)
{
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_OFF);
  g_autofree char *grant = GRANT (.who = CAROL, .ranges = "10.77.0.6/32,10.77.0.4/32,10.77.0.5/32,10.77.0.3/32", .issued = NOW - 60);
  g_autofree char *record = RECORD (.who = CAROL, .ranges = "10.77.0.6/32,10.77.0.4/32,10.77.0.5/32,10.77.0.3/32");

  for (guint i = 0; i < 2; i++)
    {
      take (trust, CAROL, g_strdup (grant), g_strdup (record));
      assert_ranges (trust, ALICE, "10.77.0.4/32"); /* granted earlier */
      assert_ranges (trust, BOB, "10.77.0.5/32,10.5.0.0/24"); /* granted by the root */
      assert_ranges (trust, CAROL, "10.77.0.6/32");
      if (i == 0)
        {
          test_log_assert_warning ("*peer *: range 10.77.0.4/32 belongs to *");
          test_log_assert_warning ("*peer *: range 10.77.0.5/32 belongs to *");
          test_log_assert_warning ("*peer *: range 10.77.0.3/32 is our own*");
        }
      test_log_assert_quiet ();
    }
  /* The root's word: Carol has it, and Alice loses only that. */
  g_assert_true (take (trust, CAROL,
                       GRANT (.signer = ROOT, .who = CAROL, .ranges = "10.77.0.6/32,10.77.0.4/32", .issued = NOW - 30),
                       RECORD (.who = CAROL, .ranges = "10.77.0.6/32,10.77.0.4/32", .sequence = 11)));
  test_log_assert_warning ("*peer *: range 10.77.0.4/32 belongs to *");
  test_log_assert_quiet ();
  assert_ranges (trust, ALICE, "");
  assert_ranges (trust, CAROL, "10.77.0.6/32,10.77.0.4/32");
  /* When Carol ends, it is Alice's again. */
  const char *carol[] = { trust_fingerprint (CAROL), NULL };
  g_autofree char *revocation = trust_revocation (1, carol);
  g_assert_true (scope_trust_set_revocation (trust, revocation, NOW));
  assert_ranges (trust, ALICE, "10.77.0.4/32");
  test_log_assert_quiet ();
}

/* A delegate may say that its grant is older than Alice's: she stays, also after a restart. */
static void
test_backdated_range (void)
{
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_OFF);
  g_autoptr (ScopeV1Entry) entry = trust_entry (CAROL, GRANT (.who = CAROL, .ranges = "10.77.0.6/32,10.77.0.4/32", .issued = NOW - DAY / 2),
                                                RECORD (.who = CAROL, .ranges = "10.77.0.6/32,10.77.0.4/32"));

  g_assert_true (scope_trust_take_entry (trust, entry, NOW + 1));
  test_log_assert_warning ("*peer *: range 10.77.0.4/32 belongs to *");
  for (guint i = 0; i < 2; i++)
    {
      assert_ranges (trust, ALICE, "10.77.0.4/32");
      assert_ranges (trust, CAROL, "10.77.0.6/32");
      trust = restart (trust, NOW + 2);
      test_log_assert_warning ("*peer *: range 10.77.0.4/32 belongs to *");
    }
  test_log_assert_quiet ();
}

/* A wider range around an address, or a single address inside a range, is ordinary routing. */
static void
test_nested_ranges (void)
{
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_OFF);

  take (trust, CAROL, GRANT (.signer = ROOT, .who = CAROL, .ranges = "0.0.0.0/0,10.77.0.0/24,10.5.0.9/32"),
        RECORD (.who = CAROL, .ranges = "0.0.0.0/0,10.77.0.0/24,10.5.0.9/32"));
  assert_ranges (trust, ALICE, "10.77.0.4/32");
  assert_ranges (trust, BOB, "10.77.0.5/32,10.5.0.0/24");
  assert_ranges (trust, CAROL, "0.0.0.0/0,10.77.0.0/24,10.5.0.9/32");
  test_log_assert_quiet ();
  /* But for a part that is only recorded: that is Bob's network, and our own address. */
  take (trust, CAROL, GRANT (.signer = ROOT, .who = CAROL, .ranges = "0.0.0.0/0,10.77.0.0/24,10.5.0.9/32"),
        RECORD (.who = CAROL, .sequence = 11, .ranges = "10.5.0.0/25,10.77.0.3/32,10.77.0.128/25,192.0.2.0/24"));
  test_log_assert_warning ("*range 10.5.0.0/25 belongs to *");
  test_log_assert_warning ("*range 10.77.0.3/32 is our own*");
  assert_ranges (trust, CAROL, "10.77.0.128/25,192.0.2.0/24");
  test_log_assert_quiet ();
}

static void
test_own_range (void)
{
  g_autoptr (ScopeTrust) trust = trust_ready (SCOPE_PQ_OFF);

  /* Not even the root's grant for somebody else takes it. */
  take (trust, CAROL, GRANT (.signer = ROOT, .who = CAROL, .ranges = "10.77.0.3/32,10.77.0.6/32", .issued = NOW - 9000),
        RECORD (.who = CAROL, .ranges = "10.77.0.3/32,10.77.0.6/32"));
  test_log_assert_warning ("*peer *: range 10.77.0.3/32 is our own*");
  test_log_assert_quiet ();
  assert_ranges (trust, CAROL, "10.77.0.6/32");
}

static void
test_key_of_two (void)
{
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_OFF);

  /* The root grants Alice's key to Carol. */
  g_assert_true (take (trust, ALICE, GRANT (.signer = ROOT, .who = CAROL, .key = ALICE), RECORD (.who = CAROL, .key = ALICE)));
  test_log_assert_warning ("*: the root has granted its WireGuard key to *");
  test_log_assert_quiet ();
  g_assert_cmpstr (scope_identity_public_fingerprint (find (trust, ALICE)->identity), ==, trust_fingerprint (CAROL));
  /* Bob's, which the root granted at the same time: a later one of the root's does not win. */
  take (trust, BOB, GRANT (.signer = ROOT, .who = DAVE, .key = BOB, .issued = NOW - 60), RECORD (.who = DAVE, .key = BOB));
  test_log_assert_warning ("*grant refused: its WireGuard key belongs to *");
  g_assert_cmpstr (scope_identity_public_fingerprint (find (trust, BOB)->identity), ==, trust_fingerprint (BOB));
  /* An earlier one does. */
  take (trust, BOB, GRANT (.signer = ROOT, .who = DAVE, .key = BOB, .issued = NOW - 7200), RECORD (.who = DAVE, .key = BOB));
  test_log_assert_warning ("*: the root has granted its WireGuard key to *");
  g_assert_cmpstr (scope_identity_public_fingerprint (find (trust, BOB)->identity), ==, trust_fingerprint (DAVE));
  test_log_assert_quiet ();
}

/* A peer changes its key, with a delegate's grant and its own record. */
static void
test_new_key (void)
{
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_OFF);

  g_assert_true (take (trust, 40, GRANT (.who = ALICE, .key = 40, .issued = NOW - 60), RECORD (.who = ALICE, .key = 40, .sequence = 11)));
  g_assert_null (find (trust, ALICE));
  assert_ranges (trust, 40, "10.77.0.4/32");
  test_log_assert_quiet ();
  /* The root's new grant counts without a record, too. */
  g_assert_true (take (trust, 41, GRANT (.signer = ROOT, .who = ALICE, .key = 41, .issued = NOW - 50), NULL));
  g_assert_null (find (trust, 40));
  g_assert_null (find (trust, 41));
  g_assert_true (take (trust, 41, GRANT (.signer = ROOT, .who = ALICE, .key = 41, .issued = NOW - 50),
                       RECORD (.who = ALICE, .key = 41, .sequence = 12)));
  g_assert_nonnull (find (trust, 41));
  /* It may shorten one. */
  g_assert_true (take (trust, 41, GRANT (.signer = ROOT, .who = ALICE, .key = 41, .issued = NOW - 40, .expires = NOW + 60), NULL));
  scope_trust_tick (trust, NOW + 60, NULL);
  g_assert_null (find (trust, 41));
  test_log_assert_quiet ();
}

/* --- listing ------------------------------------------------------------------------------- */

static void
test_not_listed (void)
{
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_OFF);
  g_autoptr (ScopeV1Message) empty = roster (0, 7, FALSE);
  g_autoptr (ScopeV1Message) leave = scope_v1_message_new (SCOPE_V1_LEAVE);
  g_autoptr (ScopeV1Message) gone = scope_v1_message_new (SCOPE_V1_GONE);
  gint64 next;

  leave->key = gone->key = trust_key (ALICE);
  leave->seen = NOW * 1000 + 5;
  g_assert_true (scope_trust_take (trust, leave, NOW));
  g_assert_true (find (trust, ALICE)->listed);
  g_assert_false (find (trust, ALICE)->online);
  g_assert_cmpint (find (trust, ALICE)->seen, ==, NOW * 1000 + 5);
  g_assert_true (scope_trust_take (trust, gone, NOW));
  g_assert_false (find (trust, ALICE)->listed);
  g_assert_true (find (trust, BOB)->listed);

  /* A registry that forgets everybody throws nobody out. */
  g_assert_true (scope_trust_take (trust, empty, NOW));
  g_assert_false (scope_trust_take (trust, empty, NOW));
  g_assert_cmpuint (scope_trust_n_peers (trust), ==, 2);
  g_assert_false (find (trust, BOB)->listed);
  g_assert_false (find (trust, BOB)->online);
  assert_ranges (trust, BOB, "10.77.0.5/32,10.5.0.0/24");
  trust = restart (g_steal_pointer (&trust), NOW);
  g_assert_cmpuint (scope_trust_n_peers (trust), ==, 2);
  g_assert_false (find (trust, BOB)->listed);

  /* Until their records end. */
  g_assert_false (scope_trust_tick (trust, NOW + 10 * DAY - 1, &next));
  g_assert_cmpint (next, ==, NOW + 10 * DAY);
  g_assert_true (scope_trust_tick (trust, NOW + 10 * DAY, &next));
  g_assert_cmpuint (scope_trust_n_peers (trust), ==, 0);
  g_assert_cmpint (next, ==, NOW + 20 * DAY);
  scope_trust_tick (trust, NOW + 20 * DAY, &next);
  g_assert_cmpuint (g_hash_table_size (trust->peers), ==, 0);
  g_assert_cmpuint (g_hash_table_size (trust->known), ==, 2); /* what they said is remembered */
  test_log_assert_quiet ();
}

static void
test_whole_roster (void)
{
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_OFF);
  g_autofree char *alice = GRANT (.who = ALICE, .role = SCOPE_ROLE_RELAY);
  g_autofree char *bob = GRANT (.signer = ROOT, .who = BOB, .ranges = "10.77.0.5/32,10.5.0.0/24");
  g_autoptr (ScopeV1Message) first = roster (0, 4, TRUE); /* as far as it goes */
  g_autoptr (ScopeV1Message) second = roster (0, 7, FALSE);
  g_autoptr (ScopeV1Message) delta = roster (7, 9, FALSE);
  g_autoptr (ScopeV1Message) hole = roster (12, 13, FALSE);
  g_autoptr (ScopeV1Message) event = scope_v1_message_new (SCOPE_V1_GONE);
  const char *generation;

  g_assert_cmpuint (scope_trust_since (trust, NOW, &generation), ==, 0);
  add (first, ALICE, g_strdup (alice), NULL);
  add (second, BOB, g_strdup (bob), NULL);
  scope_trust_take (trust, first, NOW);
  g_assert_cmpuint (scope_trust_since (trust, NOW, &generation), ==, 0); /* not before its end */
  g_assert_true (find (trust, BOB)->listed);
  scope_trust_take (trust, second, NOW);
  g_assert_true (find (trust, ALICE)->listed && find (trust, BOB)->listed);
  g_assert_cmpuint (scope_trust_since (trust, NOW, &generation), ==, 7);
  g_assert_cmpstr (generation, ==, "g1");

  event->revision = 8;
  event->key = trust_key (BOB);
  scope_trust_take (trust, event, NOW);
  g_assert_cmpuint (scope_trust_since (trust, NOW, &generation), ==, 8);
  trust = restart (g_steal_pointer (&trust), NOW);
  g_assert_cmpuint (scope_trust_since (trust, NOW, &generation), ==, 8);
  g_assert_cmpstr (generation, ==, "g1");
  scope_trust_take (trust, delta, NOW);
  g_assert_cmpuint (scope_trust_since (trust, NOW, &generation), ==, 9);
  g_assert_true (find (trust, ALICE)->listed);

  /* One that breaks off leaves nobody unlisted, and is asked for again. */
  scope_trust_take (trust, first, NOW);
  g_assert_cmpuint (scope_trust_since (trust, NOW, &generation), ==, 0);
  trust = restart (g_steal_pointer (&trust), NOW);
  g_assert_cmpuint (scope_trust_since (trust, NOW, &generation), ==, 0);
  g_assert_null (generation);
  scope_trust_take (trust, first, NOW);
  scope_trust_take (trust, second, NOW);
  g_assert_cmpuint (scope_trust_since (trust, NOW, &generation), ==, 7);
  /* A delta to what we do not have. */
  scope_trust_take (trust, hole, NOW);
  g_assert_cmpuint (scope_trust_since (trust, NOW, &generation), ==, 0);
  test_log_assert_quiet ();
}

/* Who was refused comes in no delta: after a change, and each day, the whole is asked for. */
static void
test_refused_again (void)
{
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_REQUIRED);
  g_autoptr (ScopeV1Message) whole = roster (0, 7, FALSE);
  const char *nobody[] = { NULL };
  g_autofree char *revocation = trust_revocation (1, nobody);
  const char *generation;

  add (whole, CAROL, GRANT (.who = CAROL), RECORD (.who = CAROL));
  scope_trust_take (trust, whole, NOW);
  test_log_assert_warning ("*peer *: record refused: our profile has pq=required and it says pq=off");
  g_assert_cmpuint (scope_trust_since (trust, NOW, &generation), ==, 7);
  g_assert_cmpuint (scope_trust_since (trust, NOW + DAY + 1, &generation), ==, 0);
  scope_trust_set_revocation (trust, revocation, NOW);
  g_assert_cmpuint (scope_trust_since (trust, NOW, &generation), ==, 0);
  scope_trust_take (trust, whole, NOW);
  g_assert_cmpuint (scope_trust_since (trust, NOW, &generation), ==, 7);

  g_autofree char *text = save (trust);
  g_autoptr (ScopeTrust) same = load (text, SCOPE_PQ_REQUIRED, NOW);
  g_autoptr (ScopeTrust) other = load (text, SCOPE_PQ_PREFERRED, NOW);
  g_assert_cmpuint (scope_trust_since (same, NOW, &generation), ==, 7);
  g_assert_cmpuint (scope_trust_since (other, NOW, &generation), ==, 0);
  g_assert_true (scope_trust_take (other, whole, NOW));
  g_assert_nonnull (find (other, CAROL));
  test_log_assert_quiet ();
}

static void
test_messages (void)
{
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_OFF);
  g_autoptr (ScopeV1Message) welcome = scope_v1_message_new (SCOPE_V1_WELCOME);
  g_autoptr (ScopeV1Message) move = scope_v1_message_new (SCOPE_V1_MOVE);
  g_autoptr (ScopeV1Message) ping = scope_v1_message_new (SCOPE_V1_PING);
  const char *alice[] = { trust_fingerprint (ALICE), NULL };

  welcome->delegations = g_new0 (char *, 2);
  welcome->delegations[0] = trust_delegation (DAVE, 1, "10.99.0.0/24", NOW - DAY, NOW + DAY);
  welcome->revocation = trust_revocation (1, alice);
  welcome->grant = GRANT (.signer = DAVE, .who = SELF, .ranges = "10.99.0.3/32", .issued = NOW - 5, .expires = NOW + 50);
  g_assert_true (scope_trust_take (trust, welcome, NOW)); /* the delegation is known before the grant */
  test_log_assert_warning ("*our grant refused: a delegate cannot shorten*");
  g_assert_null (find (trust, ALICE));
  move->peers = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_v1_entry_free);
  add (move, 99, GRANT (.signer = DAVE, .who = CAROL, .key = 99, .ranges = "10.99.0.6/32", .expires = NOW + DAY),
       RECORD (.who = CAROL, .key = 99, .ranges = "10.99.0.6/32"));
  g_assert_true (scope_trust_take (trust, move, NOW));
  g_assert_nonnull (find (trust, 99));
  g_assert_false (scope_trust_take (trust, ping, NOW));
  test_log_assert_quiet ();
}

/* --- time and sequences -------------------------------------------------------------------- */

static void
test_clock_set_back (void)
{
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_OFF);
  const char *alice[] = { trust_fingerprint (ALICE), NULL };
  g_autofree char *revocation = trust_revocation (1, alice);

  scope_trust_tick (trust, NOW - 400 * DAY, NULL);
  g_assert_cmpuint (scope_trust_n_peers (trust), ==, 2);
  scope_trust_set_revocation (trust, revocation, NOW - 400 * DAY);
  g_assert_cmpuint (scope_trust_n_peers (trust), ==, 1);
}

/* Whoever was dropped cannot come back with an older record. */
static void
test_remembered_sequence (void)
{
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_OFF);

  g_assert_true (take (trust, ALICE, GRANT (.who = ALICE, .expires = NOW + 20 * DAY), RECORD (.who = ALICE, .sequence = 12, .expires = NOW + DAY)));
  scope_trust_tick (trust, NOW + DAY, NULL);
  g_assert_null (find (trust, ALICE));
  for (guint i = 0; i < 2; i++)
    {
      g_assert_false (take (trust, ALICE, GRANT (.who = ALICE), RECORD (.who = ALICE, .sequence = 11)));
      test_log_assert_warning ("*sequence 11 is older than 12");
      g_assert_false (take (trust, ALICE, GRANT (.who = ALICE), RECORD (.who = ALICE, .sequence = 12)));
      test_log_assert_warning ("*contradicts*");
      trust = restart (g_steal_pointer (&trust), NOW + DAY);
    }
  /* The very same may. */
  g_assert_true (take (trust, ALICE, GRANT (.who = ALICE), RECORD (.who = ALICE, .sequence = 12, .expires = NOW + DAY)));
  g_assert_nonnull (find (trust, ALICE));
  test_log_assert_quiet ();
}

static void
test_memory_is_bounded (void)
{
  g_autoptr (ScopeTrust) trust = trust_ready (SCOPE_PQ_OFF);
  char fingerprint[SCOPE_FINGERPRINT_LEN + 1];

  trust->now = NOW;
  memset (fingerprint, 'a', sizeof fingerprint);
  fingerprint[SCOPE_FINGERPRINT_LEN] = '\0';
  for (guint i = 0; i < SCOPE_TRUST_MAX_KNOWN; i++)
    {
      for (guint j = 0; j < 4; j++)
        fingerprint[j] = 'a' + (i >> (4 * j)) % 16;
      Known *known = scope_trust_know (trust, fingerprint);
      g_assert_nonnull (known);
      known->until = NOW + 1;
      known->pq = i % 2;
    }
  g_assert_cmpuint (g_hash_table_size (trust->known), ==, SCOPE_TRUST_MAX_KNOWN);
  g_assert_false (take (trust, ALICE, GRANT (.who = ALICE), RECORD (.who = ALICE)));
  test_log_assert_warning ("*20000 identities are remembered*");
  test_log_assert_quiet ();
  /* Old sequences can be forgotten; that somebody had post-quantum keys cannot. */
  g_autoptr (ScopeV1Entry) entry = trust_entry (ALICE, GRANT (.who = ALICE), RECORD (.who = ALICE));
  g_assert_true (scope_trust_take_entry (trust, entry, NOW + 2));
  g_assert_cmpuint (g_hash_table_size (trust->known), ==, SCOPE_TRUST_MAX_KNOWN / 2 + 1);
  test_log_assert_quiet ();
}

static void
test_fork (void)
{
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_OFF);
  g_autofree char *grant = GRANT (.who = ALICE, .role = SCOPE_ROLE_RELAY);
  g_autofree char *kept = RECORD (.who = ALICE, .role = SCOPE_ROLE_RELAY, .pq = SCOPE_PQ_PREFERRED);
  g_autofree char *other = RECORD (.who = ALICE, .endpoints = "203.0.113.1:1");
  char *fork[2];

  g_assert_false (scope_trust_take_fork (trust, fork));
  for (guint i = 0; i < 2; i++)
    {
      take (trust, ALICE, g_strdup (grant), g_strdup (other));
      test_log_assert_warning ("*contradicts*");
      if (i == 0)
        {
          g_assert_true (scope_trust_take_fork (trust, fork));
          g_assert_cmpstr (fork[0], ==, kept);
          g_assert_cmpstr (fork[1], ==, other);
          g_free (fork[0]);
          g_free (fork[1]);
        }
      g_assert_false (scope_trust_take_fork (trust, fork)); /* once, also over a restart */
      trust = restart (g_steal_pointer (&trust), NOW);
    }
  g_assert_cmpstr (find (trust, ALICE)->candidates[0], ==, "192.0.2.4:51820");
  g_assert_true (take (trust, ALICE, g_strdup (grant), RECORD (.who = ALICE, .sequence = 11)));
  take (trust, ALICE, g_strdup (grant), RECORD (.who = ALICE, .sequence = 11, .endpoints = "203.0.113.1:1"));
  test_log_assert_warning ("*contradicts*");
  g_assert_true (scope_trust_take_fork (trust, fork));
  g_free (fork[0]);
  g_free (fork[1]);
  test_log_assert_quiet ();
}

/* --- post-quantum -------------------------------------------------------------------------- */

static void
test_pq (void)
{
  g_autofree char *grant = GRANT (.who = ALICE);
  g_autofree char *off = RECORD (.who = ALICE, .sequence = 11);
  g_autofree char *offered = RECORD (.who = ALICE, .pq = SCOPE_PQ_PREFERRED);
  g_autoptr (ScopeTrust) none = trust_ready (SCOPE_PQ_OFF);
  g_autoptr (ScopeTrust) preferred = trust_ready (SCOPE_PQ_PREFERRED);
  g_autoptr (ScopeTrust) required = trust_ready (SCOPE_PQ_REQUIRED);

  /* Never offered */
  take (none, ALICE, g_strdup (grant), g_strdup (off));
  take (preferred, ALICE, g_strdup (grant), g_strdup (off));
  test_log_assert_quiet ();
  take (required, ALICE, g_strdup (grant), g_strdup (off));
  test_log_assert_warning ("*peer *: record refused: our profile has pq=required and it says pq=off");
  g_assert_false (find (none, ALICE)->needs_pq);
  g_assert_false (find (preferred, ALICE)->needs_pq);
  g_assert_null (find (required, ALICE));
  take (required, ALICE, g_strdup (grant), g_strdup (offered));
  g_assert_true (find (required, ALICE)->needs_pq);
  /* Proof from elsewhere */
  ScopeKey key = trust_key (ALICE);
  scope_trust_note_pq (preferred, &key);
  g_assert_true (find (preferred, ALICE)->needs_pq);
  take (preferred, ALICE, g_strdup (grant), RECORD (.who = ALICE, .sequence = 12));
  test_log_assert_warning ("*it once had post-quantum keys*");

  /* Offered, then not; also after the peer was dropped and we were restarted. */
  take (none, ALICE, g_strdup (grant), RECORD (.who = ALICE, .sequence = 12, .pq = SCOPE_PQ_REQUIRED, .expires = NOW + DAY));
  scope_trust_tick (none, NOW + 60 * DAY, NULL);
  g_autofree char *text = save (none);
  g_autoptr (ScopeTrust) later = load (text, SCOPE_PQ_PREFERRED, NOW);
  g_autoptr (ScopeTrust) still = load (text, SCOPE_PQ_OFF, NOW);
  g_autofree char *delegation = trust_delegation (REGISTRY, 1, "10.77.0.0/16", NOW - DAY, NOW + 25 * DAY);
  scope_trust_add_delegation (later, delegation, NOW);
  scope_trust_add_delegation (still, delegation, NOW);
  take (later, ALICE, g_strdup (grant), RECORD (.who = ALICE, .sequence = 13));
  test_log_assert_warning ("*it once had post-quantum keys*");
  g_assert_null (find (later, ALICE));
  take (still, ALICE, g_strdup (grant), RECORD (.who = ALICE, .sequence = 13));
  g_assert_false (find (still, ALICE)->needs_pq); /* without it ourselves we do not care */
  test_log_assert_quiet ();
}

static void
test_policy_changed (void)
{
  g_autoptr (ScopeTrust) trust = trust_ready (SCOPE_PQ_PREFERRED);

  take (trust, ALICE, GRANT (.who = ALICE), RECORD (.who = ALICE));
  g_autofree char *text = save (trust);
  g_autoptr (ScopeTrust) required = load (text, SCOPE_PQ_REQUIRED, NOW);
  test_log_assert_warning ("*peer *: record refused: our profile has pq=required and it says pq=off");
  g_assert_null (find (required, ALICE));
  test_log_assert_quiet ();
}

static void
test_kex (void)
{
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_PREFERRED);
  g_autofree char *kex = trust_kex (BOB, 7);
  g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_KEX_KEY);
  ScopeKey key = trust_key (BOB);

  message->other = key;
  message->has_other = TRUE;
  message->kex = g_strdup (kex);
  g_assert_true (scope_trust_take (trust, message, NOW));
  g_assert_true (find (trust, BOB)->has_kex);
  g_autofree char *text = scope_trust_peer_kex (find (trust, BOB));
  g_assert_cmpstr (text, ==, kex);
  g_assert_false (scope_trust_take (trust, message, NOW));
  /* An older one, another's, a forged one. */
  g_free (message->kex);
  message->kex = trust_kex (BOB, 6);
  g_assert_false (scope_trust_take (trust, message, NOW));
  test_log_assert_quiet ();
  g_free (message->kex);
  message->kex = trust_kex (ALICE, 8);
  g_assert_false (scope_trust_take (trust, message, NOW));
  test_log_assert_warning ("*peer *: key for an epoch refused: *");
  g_free (message->kex);
  message->kex = break_mldsa (trust_kex (BOB, 8));
  g_assert_false (scope_trust_take (trust, message, NOW));
  test_log_assert_warning ("*peer *: key for an epoch refused: *");
  g_autofree char *same = scope_trust_peer_kex (find (trust, BOB));
  g_assert_cmpstr (same, ==, kex);
  scope_trust_drop_kex (trust, &key);
  g_assert_null (scope_trust_peer_kex (find (trust, BOB)));
  g_assert_false (find (trust, BOB)->has_kex);

  /* Bob has started anew: another key for the same epoch, but not one from before. */
  g_free (message->kex);
  message->kex = trust_kex_issued (BOB, 7, NOW - 1);
  g_assert_false (scope_trust_take (trust, message, NOW));
  g_assert_false (find (trust, BOB)->has_kex);
  g_free (message->kex);
  message->kex = trust_kex_issued (BOB, 7, NOW + 5);
  g_assert_true (scope_trust_take (trust, message, NOW + 5));
  g_assert_true (find (trust, BOB)->has_kex);
  test_log_assert_quiet ();

  /* It is proof that Carol has it; and without a policy of ours it is nothing. */
  g_autoptr (ScopeV1Entry) entry = trust_entry (CAROL, GRANT (.who = CAROL), RECORD (.who = CAROL));
  entry->kex = trust_kex (CAROL, 7);
  scope_trust_take_entry (trust, entry, NOW);
  g_assert_true (find (trust, CAROL)->needs_pq);
  g_autoptr (ScopeTrust) off = with_peers (SCOPE_PQ_OFF);
  scope_trust_take_entry (off, entry, NOW);
  g_assert_false (find (off, CAROL)->has_kex);
  test_log_assert_quiet ();
}

/* --- kill ---------------------------------------------------------------------------------- */

static void
test_kill (void)
{
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_OFF);
  const struct {
    int signer;
    const char *network;
    guint64 counter;
    gint64 issued;
    const char *pattern;
  } forged[] = {
    { REGISTRY, "home", 1, NOW, "*kill refused: *signed by*" },
    { MALLORY, "home", 1, NOW, "*kill refused: *signed by*" },
    { ROOT, "work", 1, NOW, "*kill refused: *network*" },
    { ROOT, "home", 1, NOW - 121, "*kill refused: *121 s ago*" },
    { ROOT, "home", 1, NOW + 121, "*kill refused: *" },
  };
  g_autofree char *before = describe (trust);

  for (guint i = 0; i < G_N_ELEMENTS (forged); i++)
    {
      g_autofree char *text = trust_kill (forged[i].signer, forged[i].network, forged[i].counter, forged[i].issued);
      for (guint j = 0; j < 2; j++)
        {
          g_assert_null (scope_trust_kill (trust, text, NOW));
          if (j == 0)
            test_log_assert_warning (forged[i].pattern);
          test_log_assert_quiet ();
        }
    }
  g_autofree char *kill = trust_kill (ROOT, "home", 5, NOW - 120);
  g_autofree char *lower = trust_kill (ROOT, "home", 4, NOW);
  g_autofree char *higher = trust_kill (ROOT, "home", 6, NOW + 120);
  g_autofree char *broken = break_ed448 (trust_kill (ROOT, "home", 6, NOW));
  g_assert_null (scope_trust_kill (trust, broken, NOW));
  test_log_assert_warning ("*kill refused: *Ed448*");
  g_free (save (trust));
  g_assert_false (scope_trust_is_dirty (trust));
  g_autoptr (ScopeKill) first = scope_trust_kill (trust, kill, NOW);
  g_assert_nonnull (first);
  g_assert_cmpuint (first->counter, ==, 5);
  g_assert_true (scope_trust_is_dirty (trust));
  for (guint i = 0; i < 2; i++)
    {
      g_assert_null (scope_trust_kill (trust, kill, NOW));
      test_log_assert_warning ("*kill refused: *5 is not higher than 5*");
      g_assert_null (scope_trust_kill (trust, lower, NOW));
      test_log_assert_warning ("*kill refused: *4 is not higher than 5*");
      trust = restart (g_steal_pointer (&trust), NOW);
    }
  g_autoptr (ScopeKill) second = scope_trust_kill (trust, higher, NOW);
  g_assert_nonnull (second);
  test_log_assert_quiet ();
  g_autofree char *after = describe (trust);
  g_assert_cmpstr (after, ==, before);
}

/* --- bounds -------------------------------------------------------------------------------- */

static void
test_endless_roster (void)
{
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_OFF);
  g_autoptr (ScopeV1Message) whole = roster (0, 7, FALSE);

  trust->max_peers = 3;
  for (int i = 100; i < 110; i++)
    add (whole, i, GRANT (.who = i), RECORD (.who = i));
  add (whole, ALICE, GRANT (.who = ALICE, .role = SCOPE_ROLE_RELAY), RECORD (.who = ALICE, .sequence = 11));
  g_assert_true (scope_trust_take (trust, whole, NOW));
  test_log_assert_warning ("*more than 3 peers*");
  test_log_assert_quiet ();
  g_assert_cmpuint (scope_trust_n_peers (trust), ==, 3);
  g_assert_cmpuint (find (trust, ALICE)->record->sequence, ==, 11);
}

/* "Expired 1 s ago" is no other reason than "expired 2 s ago". */
static void
test_said_once (void)
{
  g_autoptr (ScopeTrust) trust = trust_ready (SCOPE_PQ_OFF);
  g_autoptr (ScopeV1Entry) entry = trust_entry (CAROL, GRANT (.who = CAROL, .expires = NOW), RECORD (.who = CAROL));

  for (guint i = 0; i < 9; i++)
    scope_trust_take_entry (trust, entry, NOW + i);
  test_log_assert_warning ("*expired*");
  test_log_assert_quiet ();
}

static void
test_log_is_bounded (void)
{
  g_autoptr (ScopeTrust) trust = trust_ready (SCOPE_PQ_OFF);
  ScopeKey key = trust_key (CAROL);

  for (guint round = 0; round < 2; round++)
    {
      for (guint i = 0; i < 3 * SCOPE_TRUST_MAX_LINES; i++)
        {
          g_autoptr (ScopeV1Entry) entry = scope_v1_entry_new (&key);
          entry->grant = g_strdup_printf ("{\"lie\":%u}", i);
          scope_trust_take_entry (trust, entry, NOW + round * 3601);
        }
      g_assert_cmpuint (test_log_warnings->len, ==, SCOPE_TRUST_MAX_LINES + 1);
      g_assert_nonnull (strstr (g_ptr_array_index (test_log_warnings, SCOPE_TRUST_MAX_LINES), "more is refused"));
      g_ptr_array_set_size (test_log_warnings, 0);
    }
}

/* --- the cache ----------------------------------------------------------------------------- */

static void
test_cache (void)
{
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_PREFERRED);
  g_autoptr (ScopeV1Entry) entry = trust_entry (CAROL, GRANT (.who = CAROL), RECORD (.who = CAROL));
  gint64 next, next_again;

  entry->observed = g_strsplit ("203.0.113.6:1", " ", -1);
  entry->online = FALSE;
  scope_trust_take_entry (trust, entry, NOW);
  g_assert_true (scope_trust_is_dirty (trust));
  g_autofree char *text = save (trust);
  g_assert_false (scope_trust_is_dirty (trust));
  g_autoptr (ScopeTrust) again = load (text, SCOPE_PQ_PREFERRED, NOW);
  g_autofree char *before = describe (trust);
  g_autofree char *after = describe (again);
  g_assert_nonnull (strstr (before, " online"));
  g_assert_cmpstr (after, ==, before);
  g_assert_nonnull (strstr (after, "203.0.113.6:1"));
  scope_trust_tick (trust, NOW, &next);
  scope_trust_tick (again, NOW, &next_again);
  g_assert_cmpint (next, ==, next_again);
  /* What the registry sends next is not new. */
  g_assert_false (scope_trust_take_entry (again, entry, NOW));
  test_log_assert_quiet ();

  /* What has ended meanwhile is left out without a word. */
  g_autoptr (ScopeTrust) later = load (text, SCOPE_PQ_PREFERRED, NOW + 11 * DAY);
  g_assert_cmpuint (scope_trust_n_peers (later), ==, 0);
  g_assert_nonnull (scope_trust_own_grant (later));
  g_autoptr (ScopeTrust) much_later = load (text, SCOPE_PQ_PREFERRED, NOW + 100 * DAY);
  g_assert_cmpuint (g_hash_table_size (much_later->peers), ==, 0);
  g_assert_null (scope_trust_own_grant (much_later));
  test_log_assert_quiet ();
}

static void
test_cache_of_others (void)
{
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_OFF);
  g_autofree char *text = save (trust);
  ScopeKey own = trust_key (SELF);
  ScopeIdentityPublic *identity = scope_identity_public (trust_person (SELF));
  g_autoptr (ScopeTrust) network = scope_trust_new ("work", trust_fingerprint (ROOT), &own, identity, SCOPE_PQ_OFF);
  g_autoptr (ScopeTrust) root = scope_trust_new ("home", trust_fingerprint (MALLORY), &own, identity, SCOPE_PQ_OFF);
  g_autoptr (ScopeTrust) fresh = trust_new (SCOPE_PQ_OFF);
  static const char *const broken[] = { "", "\n", "{}", "[]", "{\"scope-trust\":2}", "{\"scope-trust\":\"1\"}", "\xff\xff" };

  g_assert_false (scope_trust_load (network, text, strlen (text), NOW));
  g_assert_false (scope_trust_load (root, text, strlen (text), NOW));
  test_log_assert_quiet ();
  g_assert_false (scope_trust_has_root (network) || scope_trust_has_root (root));
  for (guint i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_assert_false (scope_trust_load (fresh, broken[i], strlen (broken[i]), NOW));
      test_log_assert_warning ("*the cache is broken*");
    }
  g_assert_false (scope_trust_load (fresh, text, (gsize) SCOPE_TRUST_MAX_BYTES + 1, NOW));
  test_log_assert_warning ("*longer than*");
  g_assert_cmpuint (g_hash_table_size (fresh->peers), ==, 0);
}

/* Each line, broken in each of several ways, costs what hangs on it and nothing else. */
static void
test_cache_tampered (void)
{
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_OFF);
  const char *dave[] = { trust_fingerprint (DAVE), NULL };
  g_autofree char *revocation = trust_revocation (2, dave);
  g_autoptr (ScopeV1Message) whole = roster (0, 7, FALSE);
  const char *generation;
  scope_trust_set_revocation (trust, revocation, NOW);
  scope_trust_take (trust, whole, NOW);
  g_autofree char *text = save (trust);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  guint n = g_strv_length (lines) - 1;

  for (guint i = 1; i < n; i++)
    for (guint way = 0; way < 3; way++)
      {
        g_autofree char *line = g_strdup (lines[i]);
        gboolean signature = strstr (line, "\"signature\"") != NULL;
        char *good = lines[i];

        if (way == 0)
          line[strlen (line) / 2] = '"';
        else if (way == 1)
          line[strlen (line) - 1] = '\0';
        else if (signature)
          line = break_mldsa (line);
        else
          continue;
        lines[i] = line;
        g_autofree char *tampered = g_strjoinv ("\n", lines);
        lines[i] = good;

        g_autoptr (ScopeTrust) out = load (tampered, SCOPE_PQ_OFF, NOW);
        guint expected = strstr (good, "\"identity\":\"") == good + 1 ? 0
                         : strstr (good, "\"delegation\"")            ? 1
                         : g_str_has_prefix (good, "{\"peer\"")       ? 1
                                                                      : 2;
        if (strstr (good, "\"identity\":\"") == good + 1 && way == 0)
          expected = scope_trust_n_peers (out) ? 2 : 0; /* the middle of it may have been that */
        g_assert_cmpuint (scope_trust_n_peers (out), ==, expected);
        if (expected < 2) /* who is missing comes in no delta */
          g_assert_cmpuint (scope_trust_since (out, NOW, &generation), ==, 0);
        g_assert_cmpuint (test_log_warnings->len, >=, 1);
        g_ptr_array_set_size (test_log_warnings, 0);
      }

  /* The end is missing: what is there counts. */
  for (gsize cut = strlen (text) - 1; cut > 200; cut -= MIN (cut, 997))
    {
      g_autoptr (ScopeTrust) out = trust_new (SCOPE_PQ_OFF);
      g_assert_true (scope_trust_load (out, text, cut, NOW));
      g_assert_cmpuint (scope_trust_n_peers (out), <=, 2);
      g_ptr_array_set_size (test_log_warnings, 0);
    }
}

/* What a peer costs. Under a sanitizer malloc does not say. */
static void
test_bytes (void)
{
  enum { N = 100 };
  g_autoptr (ScopeTrust) trust = trust_ready (SCOPE_PQ_PREFERRED);
  g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_v1_entry_free);
  gsize text = 0, packed = 0;
  GHashTableIter iter;
  gpointer value;

  for (int i = 0; i < N; i++)
    {
      ScopeV1Entry *entry = trust_entry (100 + i, GRANT (.who = 100 + i, .ranges = NULL),
                                         RECORD (.who = 100 + i, .pq = SCOPE_PQ_PREFERRED, .endpoints = "192.0.2.1:51820 10.0.0.1:51820"));
      entry->observed = g_strsplit ("203.0.113.1:51820", " ", -1);
      text += strlen (entry->grant) + strlen (entry->record);
      g_ptr_array_add (entries, entry);
    }
  /* The first one also pays for what OpenSSL keeps. */
  g_assert_true (scope_trust_take_entry (trust, g_ptr_array_index (entries, 0), NOW));
  struct mallinfo2 before = mallinfo2 ();
  clock_t start = clock ();
  for (guint i = 1; i < N; i++)
    g_assert_true (scope_trust_take_entry (trust, g_ptr_array_index (entries, i), NOW));
  gint64 took = (gint64) (clock () - start) * G_USEC_PER_SEC / CLOCKS_PER_SEC;
  struct mallinfo2 after = mallinfo2 ();
  g_hash_table_iter_init (&iter, trust->peers);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    packed += g_bytes_get_size (((Peer *) value)->grant_packed) + g_bytes_get_size (((Peer *) value)->record_packed);
  g_test_message ("a peer: %" G_GSIZE_FORMAT " bytes on the heap (envelopes %" G_GSIZE_FORMAT ", as text %" G_GSIZE_FORMAT
                  "), %" G_GINT64_FORMAT " us to verify",
                  (after.uordblks - before.uordblks) / N, packed / N, text / N, took / N);
  g_autofree char *cache = save (trust);
  start = clock ();
  g_autoptr (ScopeTrust) again = load (cache, SCOPE_PQ_PREFERRED, NOW);
  g_assert_cmpuint (scope_trust_n_peers (again), ==, N);
  g_test_message ("a peer in the cache: %" G_GSIZE_FORMAT " bytes, %" G_GINT64_FORMAT " us to load", strlen (cache) / N,
                  (gint64) (clock () - start) * G_USEC_PER_SEC / CLOCKS_PER_SEC / N);
  g_assert_cmpuint (packed / N, <, 8 * 1024);
  if (after.uordblks > before.uordblks)
    g_assert_cmpuint ((after.uordblks - before.uordblks) / N, <, 12 * 1024);
  test_log_assert_quiet ();
}

/* The seeds of fuzz-trust-cache: SCOPE_TRUST_CORPUS=tests/fuzz/corpus/trust-cache test-trust -p /trust/corpus */
static void
test_corpus (void)
{
  const char *dir = g_getenv ("SCOPE_TRUST_CORPUS");
  g_autoptr (ScopeTrust) trust = with_peers (SCOPE_PQ_PREFERRED);
  const char *dave[] = { trust_fingerprint (DAVE), NULL };
  g_autofree char *revocation = trust_revocation (2, dave);
  g_autoptr (ScopeV1Message) whole = roster (0, 7, FALSE);

  scope_trust_set_revocation (trust, revocation, NOW);
  scope_trust_take (trust, whole, NOW);
  g_autofree char *text = save (trust);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; dir && lines[i] && *lines[i]; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%u", dir, i);
      /* Each line behind what it needs: the header and the root. */
      g_autofree char *seed = i == 0 ? g_strdup (text) : g_strdup_printf ("%s\n%s\n", lines[0], lines[i]);
      g_assert_true (g_file_set_contents (path, seed, -1, NULL));
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  test_log_init ();
  g_test_add_func ("/trust/envelope", test_envelope);
  g_test_add_func ("/trust/root", test_root);
  g_test_add_func ("/trust/challenge", test_challenge);
  g_test_add_func ("/trust/hand-out", test_hand_out);
  g_test_add_func ("/trust/no-record", test_no_record);
  for (guint i = 0; i < G_N_ELEMENTS (lies); i++)
    {
      g_autofree char *path = g_strconcat ("/trust/lie/", lies[i].name, NULL);
      g_test_add_data_func (path, &lies[i], test_lie);
    }
  g_test_add_func ("/trust/lie/revoked", test_revoked);
  g_test_add_func ("/trust/delegate-revoked", test_delegate_revoked);
  g_test_add_func ("/trust/delegations", test_delegations);
  g_test_add_func ("/trust/own-grant", test_own_grant);
  g_test_add_func ("/trust/own-entry", test_own_entry);
  g_test_add_func ("/trust/stolen-range", test_stolen_range);
  g_test_add_func ("/trust/backdated-range", test_backdated_range);
  g_test_add_func ("/trust/nested-ranges", test_nested_ranges);
  g_test_add_func ("/trust/own-range", test_own_range);
  g_test_add_func ("/trust/key-of-two", test_key_of_two);
  g_test_add_func ("/trust/new-key", test_new_key);
  g_test_add_func ("/trust/not-listed", test_not_listed);
  g_test_add_func ("/trust/whole-roster", test_whole_roster);
  g_test_add_func ("/trust/refused-again", test_refused_again);
  g_test_add_func ("/trust/messages", test_messages);
  g_test_add_func ("/trust/clock-set-back", test_clock_set_back);
  g_test_add_func ("/trust/remembered-sequence", test_remembered_sequence);
  g_test_add_func ("/trust/memory-is-bounded", test_memory_is_bounded);
  g_test_add_func ("/trust/fork", test_fork);
  g_test_add_func ("/trust/pq", test_pq);
  g_test_add_func ("/trust/policy-changed", test_policy_changed);
  g_test_add_func ("/trust/kex", test_kex);
  g_test_add_func ("/trust/kill", test_kill);
  g_test_add_func ("/trust/endless-roster", test_endless_roster);
  g_test_add_func ("/trust/said-once", test_said_once);
  g_test_add_func ("/trust/log-is-bounded", test_log_is_bounded);
  g_test_add_func ("/trust/cache", test_cache);
  g_test_add_func ("/trust/cache-of-others", test_cache_of_others);
  g_test_add_func ("/trust/cache-tampered", test_cache_tampered);
  g_test_add_func ("/trust/bytes", test_bytes);
  g_test_add_func ("/trust/corpus", test_corpus);
  return g_test_run ();
}
