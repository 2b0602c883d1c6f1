/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-authority: what a network's root key says: delegations, grants, revocations, invites and kills
 * (data/protocol.md, section 3), and the judgement over them. Pure: the clock is handed in. Registry and peers
 * judge with the same code.
 *
 * Times are seconds since 1970. Errors: SCOPE_ERROR_PROTOCOL when the form is wrong (names the field),
 * SCOPE_ERROR_DENIED when it is well-formed, but not good.
 */
#pragma once

#include "common/scope-key.h"
#include "common/scope-prefix.h"
#include "crypto/scope-jws.h"

#define SCOPE_TYP_DELEGATION "scope-delegation"
#define SCOPE_TYP_GRANT "scope-grant"
#define SCOPE_TYP_REVOCATION "scope-revocation"
#define SCOPE_TYP_INVITE "scope-invite"
#define SCOPE_TYP_KILL "scope-kill"
#define SCOPE_TYP_QUERY "scope-query"
#define SCOPE_TYP_HELLO "scope-hello"
#define SCOPE_TYP_RECORD "scope-record"
#define SCOPE_TYP_KEX_KEY "scope-kex-key"
#define SCOPE_TYP_KEX_CT "scope-kex-ct"

#define SCOPE_CLOCK_SKEW 600 /* seconds that `issued` may lie in the future */
#define SCOPE_KILL_WINDOW 120
#define SCOPE_GRANT_MAX_RANGES 64

typedef enum {
  SCOPE_ROLE_EDGE,
  SCOPE_ROLE_RELAY,
  SCOPE_ROLE_MASTER,
} ScopeRole;

/* Whether who has it forwards for others. */
static inline gboolean
scope_role_is_relay (ScopeRole role)
{
  return role != SCOPE_ROLE_EDGE;
}

const char *scope_role_to_string (ScopeRole role);
gboolean scope_role_parse (ScopeRole *role, const char *text);

/* The root delegates. @roles: bits, 1 << ScopeRole. @pool: (element-type ScopePrefix) */
typedef struct {
  char *network;
  ScopeIdentityPublic *identity;
  guint roles;
  GArray *pool;
  gint64 issued;
  gint64 expires;
} ScopeDelegation;

void scope_delegation_free (ScopeDelegation *delegation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeDelegation, scope_delegation_free)

/*
 * @by_root: whether the root itself signed; @signer: fingerprint of who did, set by scope_authority_grant();
 * @name: (nullable); @ranges: (element-type ScopePrefix)
 */
typedef struct {
  char *network;
  ScopeIdentityPublic *identity;
  ScopeKey key;
  GArray *ranges;
  ScopeRole role;
  char *name;
  gint64 issued;
  gint64 expires;
  gboolean by_root;
  char *signer;
} ScopeGrant;

void scope_grant_free (ScopeGrant *grant);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeGrant, scope_grant_free)

/* @token: 32 bytes: SHA3-256 of the token's text */
typedef struct {
  char *network;
  guint8 token[32];
  ScopeRole role;
  char *name;
  gint64 issued;
  gint64 expires;
} ScopeInvite;

void scope_invite_free (ScopeInvite *invite);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeInvite, scope_invite_free)

/* @reason: (nullable) */
typedef struct {
  char *network;
  guint64 counter;
  gint64 issued;
  char *reason;
} ScopeKill;

void scope_kill_free (ScopeKill *kill);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeKill, scope_kill_free)

/* @identities: fingerprints, NULL-terminated */
typedef struct {
  char *network;
  guint64 counter;
  gint64 issued;
  char **identities;
} ScopeRevocation;

void scope_revocation_free (ScopeRevocation *revocation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeRevocation, scope_revocation_free)

/* The payloads to sign with scope_jws_sign() and the SCOPE_TYP above: JSON text, newly allocated. */
char *scope_delegation_format (const ScopeDelegation *delegation);
char *scope_grant_format (const ScopeGrant *grant);
char *scope_invite_format (const ScopeInvite *invite);
char *scope_kill_format (const ScopeKill *kill);
char *scope_revocation_format (const ScopeRevocation *revocation);

/**
 * ScopeAuthority:
 *
 * The root of one network and what is known of its will: the delegations, the newest revocation.
 */
typedef struct _ScopeAuthority ScopeAuthority;

ScopeAuthority *scope_authority_new (const char *network, ScopeIdentityPublic *root);
void scope_authority_free (ScopeAuthority *authority);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeAuthority, scope_authority_free)

const char *scope_authority_network (const ScopeAuthority *authority);
ScopeIdentityPublic *scope_authority_root (const ScopeAuthority *authority);

/**
 * scope_authority_add_delegation:
 *
 * Verifies, and remembers it; a later one for the same delegate replaces an earlier one (by `issued`, then `expires`).
 * One that does not count now (expired, or not yet issued) is an error, and replaces nothing.
 */
gboolean scope_authority_add_delegation (ScopeAuthority *authority, const ScopeJws *jws, gint64 now, GError **error);

/* The delegation of @identity that is valid now, or NULL. Borrowed. */
const ScopeDelegation *scope_authority_find_delegation (const ScopeAuthority *authority, const char *fingerprint,
                                                        gint64 now);

/* FALSE without an error when the counter is not higher than the known one. */
gboolean scope_authority_set_revocation (ScopeAuthority *authority, const ScopeJws *jws, GError **error);
guint64 scope_authority_revocation_counter (const ScopeAuthority *authority);
gboolean scope_authority_is_revoked (const ScopeAuthority *authority, const char *fingerprint);

/**
 * scope_authority_grant:
 *
 * Verifies the chain: root → grant, or root → delegation → grant; network, times, ranges, role, revocation.
 *
 * Returns: (transfer full)
 */
ScopeGrant *scope_authority_grant (const ScopeAuthority *authority, const ScopeJws *jws, gint64 now, GError **error);

/* Whether a grant that was good still is: neither expired nor revoked, its delegation neither. */
gboolean scope_authority_grant_holds (const ScopeAuthority *authority, const ScopeGrant *grant, gint64 now, GError **error);

ScopeInvite *scope_authority_invite (const ScopeAuthority *authority, const ScopeJws *jws, gint64 now, GError **error);

/* @counter: the highest that was obeyed. Does not look at the clock when @now is negative (a registry's store). */
ScopeKill *scope_authority_kill (const ScopeAuthority *authority, const ScopeJws *jws, guint64 counter, gint64 now,
                                 GError **error);

/* For who must have signed "what" within SCOPE_KILL_WINDOW: a `scope-query`. */
gboolean scope_authority_query (const ScopeAuthority *authority, const ScopeJws *jws, const char *what, gint64 now,
                                GError **error);

/**
 * scope_grant_wins:
 *
 * Which of two valid grants of different identities has a range that both claim (data/protocol.md, section 3).
 */
gboolean scope_grant_wins (const ScopeGrant *a, const ScopeGrant *b);

/* Of two valid grants of one identity: whether @a supersedes @b. */
gboolean scope_grant_supersedes (const ScopeGrant *a, const ScopeGrant *b);

/* SHA3-256 of the token's text: 32 bytes */
void scope_token_hash (const char *token, guint8 *hash);
gboolean scope_token_valid (const char *token);

/* To be freed with scope_secret_free(); NULL when the system has no random bytes. */
char *scope_token_new (void);
