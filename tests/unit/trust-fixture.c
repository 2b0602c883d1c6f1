/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trust-fixture.h"

const ScopeIdentity *
trust_person (int who)
{
  static ScopeIdentity *people[256];
  guint8 secret[SCOPE_IDENTITY_SECRET_LEN];

  if (!people[who])
    {
      memset (secret, who, sizeof secret);
      people[who] = scope_identity_new (secret, NULL);
    }
  return people[who];
}

const char *
trust_fingerprint (int who)
{
  return scope_identity_public_fingerprint (scope_identity_public (trust_person (who)));
}

ScopeKey
trust_key (int who)
{
  ScopeKey key;

  memset (key.bytes, who, sizeof key.bytes);
  return key;
}

char *
trust_sign (int signer, const char *typ, char *payload)
{
  g_autoptr (GError) error = NULL;
  char *text = scope_jws_sign (trust_person (signer), typ, payload, &error);

  g_assert_no_error (error);
  g_free (payload);
  return text;
}

static GArray *
ranges_of (const char *text, int who)
{
  g_autofree char *usual = g_strdup_printf ("10.77.0.%d/32", who);
  GArray *ranges = scope_prefix_parse_list (text ? text : usual, SCOPE_GRANT_MAX_RANGES, NULL);

  g_assert_nonnull (ranges);
  return ranges;
}

char *
trust_grant (GrantOf of)
{
  g_autoptr (GArray) ranges = ranges_of (of.ranges, of.who);
  ScopeGrant grant = {
    .network = (char *) (of.network ? of.network : "home"),
    .identity = scope_identity_public (trust_person (of.who)),
    .key = trust_key (of.key ? of.key : of.who),
    .ranges = ranges,
    .role = of.role,
    .issued = of.issued ? of.issued : NOW - 3600,
    .expires = of.expires ? of.expires : NOW + 20 * DAY,
  };

  return trust_sign (of.signer ? of.signer : REGISTRY, SCOPE_TYP_GRANT, scope_grant_format (&grant));
}

char *
trust_record (RecordOf of)
{
  g_autoptr (GArray) ranges = ranges_of (of.ranges, of.who);
  g_autofree char *usual = g_strdup_printf ("192.0.2.%d:51820", of.who);
  const char *endpoints = of.endpoints ? of.endpoints : usual;
  g_auto (GStrv) list = *endpoints ? g_strsplit (endpoints, " ", -1) : g_new0 (char *, 1);
  ScopeRecord record = {
    .network = (char *) (of.network ? of.network : "home"),
    .key = trust_key (of.key ? of.key : of.who),
    .sequence = of.sequence ? of.sequence : 10,
    .issued = of.issued ? of.issued : NOW - 60,
    .expires = of.expires ? of.expires : NOW + 10 * DAY,
    .role = of.role,
    .ranges = ranges,
    .endpoints = list,
    .pq = of.pq,
  };

  return trust_sign (of.signer ? of.signer : of.who, SCOPE_TYP_RECORD, scope_record_format (&record));
}

char *
trust_kex_issued (int who, guint64 epoch, gint64 issued)
{
  ScopeKexKey key = { .key = trust_key (who), .epoch = epoch, .issued = issued };
  guint8 secret[SCOPE_KEM_SECRET_LEN];

  g_assert_true (scope_kem_generate (secret, key.kem, NULL));
  return trust_sign (who, SCOPE_TYP_KEX_KEY, scope_kex_key_format ("home", &key));
}

char *
trust_kex (int who, guint64 epoch)
{
  return trust_kex_issued (who, epoch, NOW);
}

char *
trust_delegation (int delegate, guint roles, const char *pool, gint64 issued, gint64 expires)
{
  g_autoptr (GArray) prefixes = ranges_of (pool, 0);
  ScopeDelegation delegation = {
    .network = (char *) "home",
    .identity = scope_identity_public (trust_person (delegate)),
    .roles = roles,
    .pool = prefixes,
    .issued = issued,
    .expires = expires,
  };

  return trust_sign (ROOT, SCOPE_TYP_DELEGATION, scope_delegation_format (&delegation));
}

char *
trust_revocation (guint64 counter, const char *const *fingerprints)
{
  ScopeRevocation revocation = {
    .network = (char *) "home", .counter = counter, .issued = NOW, .identities = (char **) fingerprints,
  };

  return trust_sign (ROOT, SCOPE_TYP_REVOCATION, scope_revocation_format (&revocation));
}

char *
trust_kill (int signer, const char *network, guint64 counter, gint64 issued)
{
  ScopeKill kill = { .network = (char *) network, .counter = counter, .issued = issued, .reason = (char *) "test" };

  return trust_sign (signer, SCOPE_TYP_KILL, scope_kill_format (&kill));
}

ScopeV1Entry *
trust_entry (int key, char *grant, char *record)
{
  ScopeKey wireguard = trust_key (key);
  ScopeV1Entry *entry = scope_v1_entry_new (&wireguard);

  entry->grant = grant;
  entry->record = record;
  entry->online = TRUE;
  entry->seen = NOW * 1000;
  return entry;
}

ScopeTrust *
trust_new (ScopePq pq)
{
  ScopeKey own = trust_key (SELF);

  return scope_trust_new ("home", trust_fingerprint (ROOT), &own, scope_identity_public (trust_person (SELF)), pq);
}

ScopeTrust *
trust_ready (ScopePq pq)
{
  g_autofree char *root = scope_identity_public_format (scope_identity_public (trust_person (ROOT)));
  g_autofree char *delegation =
    trust_delegation (REGISTRY, 1 << SCOPE_ROLE_EDGE | 1 << SCOPE_ROLE_RELAY, "10.77.0.0/16,fd77::/64", NOW - DAY, NOW + 25 * DAY);
  g_autofree char *grant = GRANT (.who = SELF, .ranges = "10.77.0.3/32,10.77.1.3/32,fd77::3/128");
  ScopeTrust *trust = trust_new (pq);

  g_assert_true (scope_trust_set_root (trust, root, NOW));
  scope_trust_add_delegation (trust, delegation, NOW);
  g_assert_true (scope_trust_set_grant (trust, grant, NOW));
  return trust;
}
