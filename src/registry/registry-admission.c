/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-admission.h"

#include "common/scope-error.h"
#include "common/scope-json.h"

#include <string.h>

void
registry_verdict_clear (RegistryVerdict *verdict)
{
  g_clear_pointer (&verdict->message, g_free);
  g_clear_pointer (&verdict->grant, g_free);
}

G_GNUC_PRINTF (3, 4)
static void
refuse (RegistryVerdict *verdict, const char *code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_free (verdict->message);
  verdict->message = g_strdup_vprintf (format, args);
  va_end (args);
  verdict->code = code;
}

/* Granting on the registry's own word */

static const RegistryListed *
find_listed (const RegistryMesh *mesh, const ScopeKey *key)
{
  if (!(mesh->config->admission & REGISTRY_ADMISSION_LISTED) || !mesh->config->listed)
    return NULL;
  return g_hash_table_lookup (mesh->config->listed, key);
}

/**
 * make_grant:
 * @keep: (nullable): ranges that it has; those of the pool when there are none, or they do not fit any more
 * @after: `issued` must be later
 */
static char *
make_grant (RegistryMesh *mesh, ScopeIdentityPublic *identity, const ScopeKey *key, ScopeRole role, const char *name,
            const GArray *keep, gint64 after, gint64 now, GError **error)
{
  const ScopeDelegation *delegation = registry_mesh_delegation (mesh, now);
  g_autoptr (GArray) ranges = NULL;
  g_autofree char *payload = NULL;
  ScopeGrant grant = { .network = mesh->name, .identity = identity, .key = *key, .role = role, .name = (char *) name };

  if (!delegation || !(delegation->roles & 1 << role))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_DENIED, "the registry has no delegation to let a %s in",
                   scope_role_to_string (role));
      return NULL;
    }
  if (keep && registry_delegation_allows (delegation, role, keep))
    ranges = g_array_copy ((GArray *) keep);
  else
    ranges = registry_addresses_find (mesh->addresses);
  if (!ranges)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_TAKEN, "no address is left");
      return NULL;
    }
  grant.ranges = ranges;
  grant.issued = MAX (MAX (now / 1000, delegation->issued), after + 1);
  grant.expires = MIN (grant.issued + REGISTRY_GRANT_SECONDS, delegation->expires);
  payload = scope_grant_format (&grant);
  return scope_jws_sign (mesh->config->file->delegate, SCOPE_TYP_GRANT, payload, error);
}

static void
grant_to_stranger (RegistryMesh *mesh, ScopeIdentityPublic *identity, const ScopeKey *key, ScopeRole role,
                   const char *name, RegistryAdmitted how, gint64 now, RegistryVerdict *verdict)
{
  const RegistryMember *member = registry_members_find (mesh->members, scope_identity_public_fingerprint (identity));
  g_autoptr (GError) error = NULL;

  verdict->how = how;
  verdict->grant = make_grant (mesh, identity, key, role, name, member ? member->ranges : NULL,
                               member ? member->issued : 0, now, &error);
  if (!verdict->grant)
    refuse (verdict, scope_err_taken (error) ? "full" : "not-admitted", "%s", error->message);
}

gboolean
registry_admission_is_due (const RegistryMesh *mesh, const RegistryMember *member, gint64 now)
{
  return member->signer && (member->expires - now / 1000 < (member->expires - member->issued) / 2 ||
                            !registry_mesh_holds (mesh, member, now));
}

gboolean
registry_admission_renew (RegistryMesh *mesh, RegistryMember *member, gboolean move, gint64 now, GError **error)
{
  const RegistryListed *listed = find_listed (mesh, &member->key);
  const ScopeDelegation *delegation = registry_mesh_delegation (mesh, now);
  g_autofree char *identity_text = NULL;
  g_autofree char *old = NULL;
  g_autofree char *text = NULL;
  g_autofree char *name = NULL;
  g_autoptr (ScopeIdentityPublic) identity = NULL;
  g_autoptr (ScopeJws) jws = NULL;
  g_autoptr (JsonObject) payload = NULL;

  if (!member->signer || (member->admitted == REGISTRY_ADMITTED_LISTED && !listed))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_DENIED, "not a member on the registry's word any more");
      return FALSE;
    }
  /* What could not live longer than the old one is no news. */
  if (!move && delegation && delegation->expires <= member->expires && registry_mesh_holds (mesh, member, now))
    return TRUE;
  if (!registry_mesh_read (mesh, member, &old, NULL, NULL, &identity_text))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "not in the store");
      return FALSE;
    }
  identity = scope_identity_public_parse (identity_text, error);
  jws = identity ? scope_jws_parse (old, strlen (old), error) : NULL;
  if (!jws)
    return FALSE;
  payload = scope_json_parse_object (g_bytes_get_data (jws->payload, NULL), g_bytes_get_size (jws->payload),
                                     SCOPE_JWS_MAX_BYTES, NULL);
  name = g_strdup (listed ? listed->name : payload ? scope_json_get_string (payload, "name") : NULL);
  text = make_grant (mesh, identity, &member->key, listed ? listed->role : member->role, name,
                     move ? NULL : member->ranges, member->issued, now, error);
  if (!text)
    return FALSE;
  registry_mesh_put_grant (mesh, member->fingerprint, identity_text, &member->key, text, member->admitted, now);
  return TRUE;
}

/* Judging */

/* Whether the key that the proof is about, if it is one, is listed. */
static gboolean
claims_listed (const RegistryMesh *mesh, const char *proof)
{
  g_autoptr (ScopeJws) jws = mesh->config->listed ? scope_jws_parse (proof, strlen (proof), NULL) : NULL;
  g_autoptr (JsonObject) payload = NULL;
  const char *text;
  ScopeKey key;

  if (jws)
    payload = scope_json_parse_object (g_bytes_get_data (jws->payload, NULL), g_bytes_get_size (jws->payload),
                                       SCOPE_JWS_MAX_BYTES, NULL);
  text = payload ? scope_json_get_string (payload, "key") : NULL;
  return text && scope_key_parse (&key, text) && find_listed (mesh, &key);
}

const char *
registry_admission_glance (RegistryMesh *mesh, const char *fingerprint, const ScopeV1Message *hello, gint64 now)
{
  g_auto (RegistryStoredInvite) invite = { 0 };
  guint8 token[REGISTRY_TOKEN_LEN];

  if (mesh->config->killed)
    return "disabled";
  if (scope_authority_is_revoked (mesh->authority, fingerprint))
    return "revoked";
  if (registry_members_find (mesh->members, fingerprint))
    return NULL;
  if (hello->grant && (mesh->config->admission & REGISTRY_ADMISSION_GRANTED))
    {
      g_autoptr (ScopeJws) jws = scope_jws_parse (hello->grant, strlen (hello->grant), NULL);

      if (jws && (g_str_equal (jws->kid, mesh->root) ||
                  scope_authority_find_delegation (mesh->authority, jws->kid, now / 1000)))
        return NULL;
    }
  if (hello->token && (mesh->config->admission & REGISTRY_ADMISSION_TOKEN))
    {
      scope_token_hash (hello->token, token);
      if (registry_store_find_invite (mesh->store, mesh->id, token, &invite))
        return NULL;
    }
  return claims_listed (mesh, hello->proof) ? NULL : "not-admitted";
}

/* Whether @key is somebody else's whom @by_root does not move aside. */
static gboolean
is_taken (const RegistryMesh *mesh, const char *fingerprint, const ScopeKey *key, gboolean by_root)
{
  const RegistryMember *other = registry_members_find_key (mesh->members, key);

  return other && !g_str_equal (other->fingerprint, fingerprint) && !(by_root && other->signer);
}

/* Addresses that somebody else has; @member's own do not count. */
static gboolean
overlaps (RegistryMesh *mesh, RegistryMember *member, const GArray *ranges)
{
  gboolean result;

  if (member)
    registry_addresses_give_back (mesh->addresses, member->ranges);
  result = registry_addresses_overlap (mesh->addresses, ranges);
  if (member)
    registry_addresses_take (mesh->addresses, member->ranges);
  return result;
}

/* The grant that it shows, when that is good, and better than what we hold. */
static gboolean
judge_shown (RegistryMesh *mesh, RegistryMember *member, const char *fingerprint, const ScopeKey *key,
             const char *text, gint64 now, RegistryVerdict *verdict, GError **error)
{
  g_autoptr (ScopeJws) jws = NULL;
  g_autoptr (ScopeGrant) grant = NULL;
  g_autofree char *held = NULL;
  gboolean newer;

  if (member && registry_mesh_read (mesh, member, &held, NULL, NULL, NULL) && g_str_equal (held, text))
    return FALSE;
  jws = scope_jws_parse (text, strlen (text), error);
  grant = jws ? scope_authority_grant (mesh->authority, jws, now / 1000, error) : NULL;
  if (!grant)
    return FALSE;
  if (!g_str_equal (scope_identity_public_fingerprint (grant->identity), fingerprint) ||
      !scope_key_equal (&grant->key, key))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_DENIED, "grant: of another identity or WireGuard key");
      return FALSE;
    }
  if (is_taken (mesh, fingerprint, key, grant->by_root) || (!grant->by_root && overlaps (mesh, member, grant->ranges)))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_DENIED, "grant: its WireGuard key or an address belongs to somebody else by now");
      return FALSE;
    }
  newer = !member || grant->issued > member->issued || (grant->issued == member->issued && grant->by_root && member->signer);
  if (!newer && registry_mesh_holds (mesh, member, now))
    return FALSE;
  verdict->grant = g_strdup (text);
  verdict->how = REGISTRY_ADMITTED_GRANTED;
  return TRUE;
}

static gboolean
judge_token (RegistryMesh *mesh, ScopeIdentityPublic *identity, const ScopeKey *key, const char *text, gint64 now,
             RegistryVerdict *verdict)
{
  g_auto (RegistryStoredInvite) invite = { 0 };
  const char *fingerprint = scope_identity_public_fingerprint (identity);
  ScopeRole role;

  scope_token_hash (text, verdict->token);
  if (!registry_store_find_invite (mesh->store, mesh->id, verdict->token, &invite) ||
      !scope_role_parse (&role, invite.role))
    return FALSE;
  if (invite.used_by && !g_str_equal (invite.used_by, fingerprint))
    refuse (verdict, "token-used", "somebody has used this invite already");
  else if (invite.expires <= now / 1000)
    refuse (verdict, "token-expired", "this invite has expired");
  else
    {
      verdict->uses_token = TRUE;
      grant_to_stranger (mesh, identity, key, role, invite.name, REGISTRY_ADMITTED_TOKEN, now, verdict);
    }
  return TRUE;
}

void
registry_admission_judge (RegistryMesh *mesh, const ScopeIdentityPublic *identity, const ScopeKey *key,
                          const ScopeV1Message *hello, gint64 now, RegistryVerdict *verdict)
{
  ScopeIdentityPublic *who = (ScopeIdentityPublic *) identity;
  const char *fingerprint = scope_identity_public_fingerprint (identity);
  RegistryMember *member = registry_members_find (mesh->members, fingerprint);
  const RegistryListed *listed = find_listed (mesh, key);
  g_autoptr (GError) error = NULL;

  if (hello->grant && (member || (mesh->config->admission & REGISTRY_ADMISSION_GRANTED)) &&
      judge_shown (mesh, member, fingerprint, key, hello->grant, now, verdict, &error))
    return;
  if (member && registry_mesh_holds (mesh, member, now))
    {
      if (scope_key_equal (&member->key, key))
        verdict->how = member->admitted;
      else
        refuse (verdict, "denied", "another WireGuard key is granted to this identity");
      return;
    }
  if (is_taken (mesh, fingerprint, key, FALSE))
    {
      refuse (verdict, "denied", "this WireGuard key belongs to another identity");
      return;
    }
  if (listed)
    grant_to_stranger (mesh, who, key, listed->role, listed->name, REGISTRY_ADMITTED_LISTED, now, verdict);
  else if (member && member->admitted != REGISTRY_ADMITTED_LISTED && member->signer && scope_key_equal (&member->key, key))
    grant_to_stranger (mesh, who, key, member->role, NULL, member->admitted, now, verdict);
  else if (!hello->token || !(mesh->config->admission & REGISTRY_ADMISSION_TOKEN) ||
           !judge_token (mesh, who, key, hello->token, now, verdict))
    refuse (verdict, error ? "denied" : "not-admitted", "%s", error ? error->message : "no grant, no invite, not listed");
}

gboolean
registry_admission_put_grant (RegistryMesh *mesh, const char *text, gint64 now, GError **error)
{
  g_autoptr (ScopeJws) jws = scope_jws_parse (text, strlen (text), error);
  g_autoptr (ScopeGrant) grant = jws ? scope_authority_grant (mesh->authority, jws, now / 1000, error) : NULL;
  g_autofree char *identity = NULL;
  const char *fingerprint;
  RegistryMember *member;

  if (!grant)
    return FALSE;
  fingerprint = scope_identity_public_fingerprint (grant->identity);
  member = registry_members_find (mesh->members, fingerprint);
  if (!grant->by_root || is_taken (mesh, fingerprint, &grant->key, TRUE))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_DENIED, "%s", grant->by_root ? "grant.key: of another identity whom the root granted it" : "not signed by the root");
      return FALSE;
    }
  if (member && registry_mesh_holds (mesh, member, now) &&
      (grant->issued < member->issued || (grant->issued == member->issued && !member->signer)))
    return TRUE; /* what it holds is newer, or this one */
  identity = scope_identity_public_format (grant->identity);
  registry_mesh_put_grant (mesh, fingerprint, identity, &grant->key, text, REGISTRY_ADMITTED_GRANTED, now);
  return TRUE;
}
