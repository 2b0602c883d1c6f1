/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth-keyring: agent-owned secrets in the Secret Service, where NetworkManager's agents keep them: schema
 * org.freedesktop.NetworkManager.Connection, attributes connection-uuid, setting-name (vpn) and setting-key.
 */
#pragma once

#include <glib.h>

/* (transfer full) (nullable): free with scope_secret_free(). Nobody is asked to unlock anything unless @unlock. */
char *auth_keyring_lookup (const char *uuid, const char *name, gboolean unlock);

/* @connection: its name, for whoever looks into the keyring */
gboolean auth_keyring_store (const char *uuid, const char *connection, const char *name, const char *value,
                             GError **error);
