/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-admission: who gets into a v1 network, and with which grant (data/protocol.md, section 5):
 * members, who shows a grant, who shows an invite's token, whom the configuration lists.
 */
#pragma once

#include "registry/registry-mesh.h"
#include "wire/scope-v1.h"

/**
 * RegistryVerdict:
 * @code: (nullable): the error's code when it is refused
 * @grant: (nullable): to hold from now on; %NULL when what it holds stays
 * @uses_token: @token is used up by it
 */
typedef struct {
  const char *code;
  char *message;
  char *grant;
  RegistryAdmitted how;
  gboolean uses_token;
  guint8 token[REGISTRY_TOKEN_LEN];
} RegistryVerdict;

void registry_verdict_clear (RegistryVerdict *verdict);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RegistryVerdict, registry_verdict_clear)

/**
 * registry_admission_glance:
 *
 * Before a signature is looked at: whether a good proof could change anything. Strangers cost little then.
 *
 * Returns: %NULL to go on, else the error's code
 */
const char *registry_admission_glance (RegistryMesh *mesh, const char *fingerprint, const ScopeV1Message *hello,
                                       gint64 now);

/* @hello: its proof is verified, and of @key. */
void registry_admission_judge (RegistryMesh *mesh, const ScopeIdentityPublic *identity, const ScopeKey *key,
                               const ScopeV1Message *hello, gint64 now, RegistryVerdict *verdict);

/**
 * registry_admission_renew:
 * @move: with other addresses
 * @error: SCOPE_ERROR_DENIED: cannot be, now
 *
 * A newer grant for who is a member on the registry's own word.
 */
gboolean registry_admission_renew (RegistryMesh *mesh, RegistryMember *member, gboolean move, gint64 now,
                                   GError **error);

/* Whether less than half of an automatic grant is left, or it does not hold any more. */
gboolean registry_admission_is_due (const RegistryMesh *mesh, const RegistryMember *member, gint64 now);

/* A root-signed grant for somebody who need not be here. */
gboolean registry_admission_put_grant (RegistryMesh *mesh, const char *text, gint64 now, GError **error);
