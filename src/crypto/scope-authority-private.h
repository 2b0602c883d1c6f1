/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the root says, from the payload of an envelope whose signature is good: form alone. Errors:
 * SCOPE_ERROR_PROTOCOL naming the field; SCOPE_ERROR_DENIED for another network.
 */
#pragma once

#include "crypto/scope-authority.h"

#define SCOPE_DELEGATION_MAX_POOL 64
#define SCOPE_REVOCATION_MAX_IDENTITIES 1024 /* an envelope has no room for more */
#define SCOPE_NAME_MAX 64                    /* characters */
#define SCOPE_REASON_MAX 256                 /* characters */

ScopeDelegation *scope_delegation_parse (JsonObject *payload, const char *network, GError **error);
ScopeGrant *scope_grant_parse (JsonObject *payload, const char *network, GError **error);
ScopeInvite *scope_invite_parse (JsonObject *payload, const char *network, GError **error);
ScopeKill *scope_kill_parse (JsonObject *payload, const char *network, GError **error);
ScopeRevocation *scope_revocation_parse (JsonObject *payload, const char *network, GError **error);

/* @what, @issued: (out); @what borrowed */
gboolean scope_query_parse (JsonObject *payload, const char *network, const char **what, gint64 *issued,
                            GError **error);
