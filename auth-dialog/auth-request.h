/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth-request: what an agent wants to know of us, and what of it a person has to be asked. Pure: the keyring is handed in.
 */
#pragma once

#include "common/scope-settings.h"

#include <NetworkManager.h>

/**
 * AuthSecret:
 * @name: key in vpn.secrets
 * @info: (nullable): its row of the settings table; %NULL for the question of scope-confirm
 * @label: what a person reads
 * @value: (nullable): what is known of it, or what the person said
 * @ask: whether the person is to be asked
 * @stored: it is the agent's: belongs in the keyring
 * @from_keyring: @value was there
 */
typedef struct {
  char *name;
  const ScopeSettingInfo *info;
  const char *label;
  char *value;
  gboolean ask;
  gboolean stored;
  gboolean from_keyring;
} AuthSecret;

/**
 * AuthRequest:
 * @uuid, @name: of the connection
 * @message: what it is all about
 * @root: (nullable): the fingerprint that is to be confirmed
 * @secrets: (element-type AuthSecret): those that are known or asked for, in the order of the settings table
 */
typedef struct {
  char *uuid;
  char *name;
  char *message;
  char *root;
  GPtrArray *secrets;
} AuthRequest;

/**
 * AuthQuery: what the agent said
 * @data, @secrets: (element-type utf8 utf8): of the connection
 * @hints: (nullable): names of secrets that are wanted anew, "x-vpn-message:TEXT"
 * @allow_interaction: a person may be asked
 * @reprompt: what is known is wrong
 * @external: the agent asks, not we
 */
typedef struct {
  const char *uuid;
  const char *name;
  GHashTable *data;
  GHashTable *secrets;
  const char *const *hints;
  gboolean allow_interaction;
  gboolean reprompt;
  gboolean external;
} AuthQuery;

/* (transfer full) (nullable): the stored secret; free with scope_secret_free() */
typedef char *(*AuthLookup) (const char *uuid, const char *name, gpointer data);

AuthRequest *auth_request_new (const AuthQuery *query, AuthLookup lookup, gpointer data);
void auth_request_free (AuthRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AuthRequest, auth_request_free)

/* Whether there is anything to ask for. */
gboolean auth_request_asks (const AuthRequest *request);

/**
 * auth_secret_take:
 * @text: what a person typed or pasted: the secret with space around it, or for a token the invite that it is in
 * @error: SCOPE_ERROR_INVALID; the message is about the text alone and fits under its field
 *
 * Returns: whether it is good; then it is the secret's value
 */
gboolean auth_secret_take (AuthSecret *secret, const char *text, GError **error);
