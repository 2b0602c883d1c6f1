/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-model: what a person changes in the settings of a connection, without a toolkit. It knows what the connection had, so
 * that what is left alone stays as it is, to the letter.
 */
#pragma once

#include "common/scope-settings.h"

#include <NetworkManager.h>

typedef struct _ScopeModel ScopeModel;

ScopeModel *scope_model_new (NMConnection *connection);
void scope_model_free (ScopeModel *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeModel, scope_model_free)

/* Whether the connection had nothing yet. */
gboolean scope_model_is_new (ScopeModel *model);

/* The text of a setting or secret as it is now, "" when it has none. Borrowed until it is set. */
const char *scope_model_get (ScopeModel *model, const ScopeSettingInfo *info);
/* Spaces around @text do not count; "" is none. Returns whether anything is different now. */
gboolean scope_model_set (ScopeModel *model, const ScopeSettingInfo *info, const char *text);

/* Who keeps a secret. */
NMSettingSecretFlags scope_model_get_flags (ScopeModel *model, const ScopeSettingInfo *info);
gboolean scope_model_set_flags (ScopeModel *model, const ScopeSettingInfo *info, NMSettingSecretFlags flags);

/* The public key of the private one, base64; NULL when there is none. Borrowed until that is set. */
const char *scope_model_get_derived (ScopeModel *model);

/* connection.autoconnect: whether it comes back by itself */
gboolean scope_model_get_autoconnect (ScopeModel *model);
void scope_model_set_autoconnect (ScopeModel *model, gboolean autoconnect);

/**
 * scope_model_why:
 *
 * Returns: (nullable): what is wrong with a setting, a translated sentence without its name; borrowed until something is set
 */
const char *scope_model_why (ScopeModel *model, const ScopeSettingInfo *info);

/* Whether a setting has another value than the connection had. */
gboolean scope_model_is_touched (ScopeModel *model, const ScopeSettingInfo *info);

/**
 * scope_model_apply:
 * @connection: its VPN setting is replaced; keys in it that are none of ours stay. The priority of name servers comes and goes
 *   with an exit that has some
 * @error: %NM_CONNECTION_ERROR, with the label of the first setting that is wrong
 */
gboolean scope_model_apply (ScopeModel *model, NMConnection *connection, GError **error);
