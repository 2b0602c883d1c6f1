/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-profile: our own file format, nm-settings-scope(5): a keyfile whose first group is
 * [scope-profile] with the format's version, then every setting under [vpn], and secrets under [secrets] where somebody
 * has written them there: it is a file to hand on, so we do not.
 */
#pragma once

#include "common/scope-settings.h"

#include <NetworkManager.h>

#define SCOPE_PROFILE_GROUP "scope-profile" /* the magic: always the first group */
#define SCOPE_PROFILE_VERSION 1
#define SCOPE_PROFILE_SUFFIX ".scope"

/**
 * scope_profile_decode:
 * @data: the file's content, need not end with a NUL
 * @notes: (element-type utf8) (nullable): gets a line for each key that was ignored
 * @error: %NM_CONNECTION_ERROR; the message names the field
 *
 * Returns: (transfer full): a connection without a UUID, or %NULL
 */
NMConnection *scope_profile_decode (const char *data, gsize len, GPtrArray *notes, GError **error);

/**
 * scope_profile_encode:
 * @len: (out): bytes in the result
 * @error: %NM_CONNECTION_ERROR: not a Scope connection, or one that scope_profile_decode() would refuse
 *
 * Without secrets, but with their flags; a comment names those that @connection has.
 *
 * Returns: (transfer full): the file's content, or %NULL
 */
char *scope_profile_encode (NMConnection *connection, gsize *len, GError **error);

/* Names of the secrets that a Scope connection carries, separated by commas, newly allocated; NULL for none. */
char *scope_profile_secrets (NMConnection *connection);

/* The settings and secrets of a Scope connection, checked; %NM_CONNECTION_ERROR, naming the field. */
ScopeSettings *scope_profile_settings (NMConnection *connection, GError **error);
