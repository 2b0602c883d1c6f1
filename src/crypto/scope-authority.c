/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crypto/scope-authority-private.h"

#include "common/scope-base64.h"
#include "common/scope-error.h"
#include "crypto/scope-authority-form.h"
#include "crypto/scope-openssl.h"

#include <string.h>

#define TOKEN_LEN 32

/* @delegations: by the delegate's fingerprint; @revoked: fingerprints */
struct _ScopeAuthority {
  char *network;
  ScopeIdentityPublic *root;
  GHashTable *delegations;
  GHashTable *revoked;
  guint64 revocation_counter;
};

ScopeAuthority *
scope_authority_new (const char *network, ScopeIdentityPublic *root)
{
  ScopeAuthority *authority = g_new0 (ScopeAuthority, 1);

  authority->network = g_strdup (network);
  authority->root = scope_identity_public_ref (root);
  authority->delegations = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) scope_delegation_free);
  authority->revoked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return authority;
}

void
scope_authority_free (ScopeAuthority *authority)
{
  if (!authority)
    return;
  g_free (authority->network);
  scope_identity_public_unref (authority->root);
  g_hash_table_unref (authority->delegations);
  g_hash_table_unref (authority->revoked);
  g_free (authority);
}

const char *
scope_authority_network (const ScopeAuthority *authority)
{
  return authority->network;
}

ScopeIdentityPublic *
scope_authority_root (const ScopeAuthority *authority)
{
  return authority->root;
}

/* Delegations */

/* A later one replaces; of the same time, the one that lives longer: so one is renewed without voiding its grants. */
static gboolean
replaces (const ScopeDelegation *delegation, const ScopeDelegation *known)
{
  if (!known || delegation->issued != known->issued)
    return !known || delegation->issued > known->issued;
  return delegation->expires > known->expires;
}

gboolean
scope_authority_add_delegation (ScopeAuthority *authority, const ScopeJws *jws, gint64 now, GError **error)
{
  g_autoptr (JsonObject) payload = scope_jws_verify (jws, authority->root, SCOPE_TYP_DELEGATION, error);
  g_autoptr (ScopeDelegation) delegation = NULL;
  g_autofree char *what = NULL;
  const char *fingerprint;

  if (!payload)
    return FALSE;
  delegation = scope_delegation_parse (payload, authority->network, error);
  if (!delegation)
    return FALSE;
  fingerprint = scope_identity_public_fingerprint (delegation->identity);
  what = g_strdup_printf ("delegation of %.8s", fingerprint);
  if (!scope_form_check_times (what, delegation->issued, delegation->expires, now, error))
    return FALSE;
  if (replaces (delegation, g_hash_table_lookup (authority->delegations, fingerprint)))
    g_hash_table_replace (authority->delegations, (char *) fingerprint, g_steal_pointer (&delegation));
  return TRUE;
}

/* With an error that says why not. @what: begins it */
static const ScopeDelegation *
valid_delegation (const ScopeAuthority *authority, const char *what, const char *fingerprint, gint64 now,
                  GError **error)
{
  const ScopeDelegation *delegation = g_hash_table_lookup (authority->delegations, fingerprint);
  g_autofree char *whose = g_strdup_printf ("%s: delegation of %.8s", what, fingerprint);

  if (!delegation)
    scope_deny (error, "%s: signed by %.8s, who is neither the root nor a delegate", what, fingerprint);
  else if (scope_authority_is_revoked (authority, fingerprint))
    scope_deny (error, "%s: revoked", whose);
  else if (scope_form_check_times (whose, delegation->issued, delegation->expires, now, error))
    return delegation;
  return NULL;
}

const ScopeDelegation *
scope_authority_find_delegation (const ScopeAuthority *authority, const char *fingerprint, gint64 now)
{
  return valid_delegation (authority, "", fingerprint, now, NULL);
}

/* Revocations */

gboolean
scope_authority_set_revocation (ScopeAuthority *authority, const ScopeJws *jws, GError **error)
{
  g_autoptr (JsonObject) payload = scope_jws_verify (jws, authority->root, SCOPE_TYP_REVOCATION, error);
  g_autoptr (ScopeRevocation) revocation = NULL;

  if (!payload)
    return FALSE;
  revocation = scope_revocation_parse (payload, authority->network, error);
  if (!revocation || revocation->counter <= authority->revocation_counter)
    return FALSE;
  authority->revocation_counter = revocation->counter;
  g_hash_table_remove_all (authority->revoked);
  for (char **fingerprint = revocation->identities; *fingerprint; fingerprint++)
    g_hash_table_add (authority->revoked, g_strdup (*fingerprint));
  return TRUE;
}

guint64
scope_authority_revocation_counter (const ScopeAuthority *authority)
{
  return authority->revocation_counter;
}

gboolean
scope_authority_is_revoked (const ScopeAuthority *authority, const char *fingerprint)
{
  return g_hash_table_contains (authority->revoked, fingerprint);
}

/* Grants */

static gboolean
is_single_address (const ScopePrefix *prefix)
{
  return prefix->len == (prefix->family == AF_INET ? 32 : 128);
}

static gboolean
in_pool (const ScopeDelegation *delegation, const ScopePrefix *range)
{
  for (guint i = 0; i < delegation->pool->len; i++)
    if (scope_prefix_contains (&g_array_index (delegation->pool, ScopePrefix, i), range))
      return TRUE;
  return FALSE;
}

/* Whether the root lets the delegate say so. */
static gboolean
is_delegated (const ScopeGrant *grant, const ScopeDelegation *delegation, const char *what, GError **error)
{
  if (!(delegation->roles & 1u << grant->role))
    return scope_deny (error, "%s: role: delegate %.8s may not grant %s", what, grant->signer,
                 scope_role_to_string (grant->role));
  for (guint i = 0; i < grant->ranges->len; i++)
    {
      const ScopePrefix *range = &g_array_index (grant->ranges, ScopePrefix, i);
      char text[SCOPE_PREFIX_STRLEN];

      scope_prefix_format (range, text);
      if (!is_single_address (range))
        return scope_deny (error, "%s: ranges[%u]: %s is not a single address, which is all that delegate %.8s may grant", what,
                     i, text, grant->signer);
      if (!in_pool (delegation, range))
        return scope_deny (error, "%s: ranges[%u]: %s is not in the pool of delegate %.8s", what, i, text, grant->signer);
    }
  if (grant->issued < delegation->issued)
    return scope_deny (error, "%s: issued: before the delegation of %.8s", what, grant->signer);
  if (grant->expires > delegation->expires)
    return scope_deny (error, "%s: expires: after the delegation of %.8s", what, grant->signer);
  return TRUE;
}

gboolean
scope_authority_grant_holds (const ScopeAuthority *authority, const ScopeGrant *grant, gint64 now, GError **error)
{
  const char *fingerprint = scope_identity_public_fingerprint (grant->identity);
  g_autofree char *what = g_strdup_printf ("grant of %.8s", fingerprint);
  const ScopeDelegation *delegation;

  if (scope_authority_is_revoked (authority, fingerprint))
    return scope_deny (error, "%s: revoked", what);
  if (!scope_form_check_times (what, grant->issued, grant->expires, now, error))
    return FALSE;
  if (grant->by_root)
    return TRUE;
  delegation = valid_delegation (authority, what, grant->signer, now, error);
  return delegation && is_delegated (grant, delegation, what, error);
}

ScopeGrant *
scope_authority_grant (const ScopeAuthority *authority, const ScopeJws *jws, gint64 now, GError **error)
{
  gboolean by_root = g_str_equal (jws->kid, scope_identity_public_fingerprint (authority->root));
  const ScopeIdentityPublic *signer = authority->root;
  g_autoptr (JsonObject) payload = NULL;
  g_autoptr (ScopeGrant) grant = NULL;

  if (!by_root)
    {
      const ScopeDelegation *delegation = valid_delegation (authority, "grant", jws->kid, now, error);

      if (!delegation)
        return NULL;
      signer = delegation->identity;
    }
  payload = scope_jws_verify (jws, signer, SCOPE_TYP_GRANT, error);
  if (!payload)
    return NULL;
  grant = scope_grant_parse (payload, authority->network, error);
  if (!grant)
    return NULL;
  grant->by_root = by_root;
  grant->signer = g_strdup (jws->kid);
  return scope_authority_grant_holds (authority, grant, now, error) ? g_steal_pointer (&grant) : NULL;
}

static int
compare_identities (const ScopeGrant *a, const ScopeGrant *b)
{
  return strcmp (scope_identity_public_fingerprint (a->identity), scope_identity_public_fingerprint (b->identity));
}

gboolean
scope_grant_wins (const ScopeGrant *a, const ScopeGrant *b)
{
  if (a->by_root != b->by_root)
    return a->by_root;
  if (a->issued != b->issued)
    return a->issued < b->issued;
  return compare_identities (a, b) < 0;
}

gboolean
scope_grant_supersedes (const ScopeGrant *a, const ScopeGrant *b)
{
  if (a->issued != b->issued)
    return a->issued > b->issued;
  return a->by_root && !b->by_root;
}

/* Invites, kills, queries */

ScopeInvite *
scope_authority_invite (const ScopeAuthority *authority, const ScopeJws *jws, gint64 now, GError **error)
{
  g_autoptr (JsonObject) payload = scope_jws_verify (jws, authority->root, SCOPE_TYP_INVITE, error);
  g_autoptr (ScopeInvite) invite = payload ? scope_invite_parse (payload, authority->network, error) : NULL;

  if (!invite || !scope_form_check_times ("invite", invite->issued, invite->expires, now, error))
    return NULL;
  return g_steal_pointer (&invite);
}

static gboolean
is_recent (const char *what, gint64 issued, gint64 now, GError **error)
{
  if (ABS (now - issued) <= SCOPE_KILL_WINDOW)
    return TRUE;
  return scope_deny (error, "%s: issued %" G_GINT64_FORMAT " s ago, not within %d s: compare the clocks", what, now - issued,
               SCOPE_KILL_WINDOW);
}

ScopeKill *
scope_authority_kill (const ScopeAuthority *authority, const ScopeJws *jws, guint64 counter, gint64 now,
                      GError **error)
{
  g_autoptr (JsonObject) payload = scope_jws_verify (jws, authority->root, SCOPE_TYP_KILL, error);
  g_autoptr (ScopeKill) kill = payload ? scope_kill_parse (payload, authority->network, error) : NULL;

  if (!kill || (now >= 0 && !is_recent ("kill", kill->issued, now, error)))
    return NULL;
  if (kill->counter <= counter)
    {
      scope_deny (error, "kill.counter: %" G_GUINT64_FORMAT " is not higher than %" G_GUINT64_FORMAT, kill->counter, counter);
      return NULL;
    }
  return g_steal_pointer (&kill);
}

gboolean
scope_authority_query (const ScopeAuthority *authority, const ScopeJws *jws, const char *what, gint64 now,
                       GError **error)
{
  g_autoptr (JsonObject) payload = scope_jws_verify (jws, authority->root, SCOPE_TYP_QUERY, error);
  const char *asked;
  gint64 issued;

  if (!payload || !scope_query_parse (payload, authority->network, &asked, &issued, error) ||
      !is_recent ("query", issued, now, error))
    return FALSE;
  return g_str_equal (asked, what) || scope_deny (error, "query.what: “%s”, not “%s”", asked, what);
}

/* Tokens */

void
scope_token_hash (const char *token, guint8 *hash)
{
  scope_openssl_sha3_256 ((const guint8 *) token, strlen (token), hash);
}

gboolean
scope_token_valid (const char *token)
{
  guint8 bytes[TOKEN_LEN];
  gboolean valid = scope_base64url_decode_exact (token, bytes, sizeof bytes);

  explicit_bzero (bytes, sizeof bytes);
  return valid;
}

char *
scope_token_new (void)
{
  guint8 bytes[TOKEN_LEN];
  char *token = NULL;

  if (scope_random_secret (bytes, sizeof bytes, NULL))
    token = scope_base64url_encode (bytes, sizeof bytes, g_malloc (SCOPE_BASE64_CHARS (sizeof bytes) + 1));
  explicit_bzero (bytes, sizeof bytes);
  return token;
}
