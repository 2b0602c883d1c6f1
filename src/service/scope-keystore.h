/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-keystore: files that the service keeps per connection: private key and identity that it made
 * because the profile has none, and the path of what the peer keeps.
 */
#pragma once

#include "common/scope-key.h"
#include "crypto/scope-identity.h"

/* STATEDIR/<uuid>.<suffix>, or without one when it is NULL; the directory is made (0700) when it is missing. */
char *scope_keystore_path (const char *uuid, const char *suffix, GError **error);

/**
 * scope_keystore_get:
 * @uuid: of the connection
 * @key: (out): the private key kept for it; a new one is made, stored (0600) and used when there is none
 * @made: (out): whether it is new
 * @error: SCOPE_ERROR_FAILED naming the file; a file that holds no key is never overwritten
 */
gboolean scope_keystore_get (const char *uuid, ScopeKey *key, gboolean *made, GError **error);

/* The identity kept for the connection; a new one is made and stored (0600) when there is none. Errors as above. */
ScopeIdentity *scope_keystore_identity (const char *uuid, GError **error);
