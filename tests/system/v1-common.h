/* SPDX-License-Identifier: GPL-3.0-or-later */
/* v1-common: what v1-client and carry-client share: a root in a file, signatures, hello. */
#pragma once

#include "crypto/scope-authority.h"
#include "wire/scope-record.h"
#include "wire/scope-v1.h"

/* Ends the program when @good is %FALSE. @error: (nullable): else errno says why */
void must (gboolean good, const char *what, GError *error);

gint64 now (void); /* Unix time, s */

/* @payload: (transfer full) */
char *sign (const ScopeIdentity *who, const char *typ, char *payload);

/* A new root, whose secret is in @dir/root.secret; and that of an earlier call */
ScopeIdentity *make_root (const char *dir);
ScopeIdentity *read_root (const char *dir);

/* A hello that answers a challenge; what the peer shows besides is for the caller to add */
ScopeV1Message *make_hello (const ScopeIdentity *identity, const char *network, const char *nonce, const ScopeKey *key);
