/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scope-editor-load: finds the editor for the toolkit that the program has, without linking any. */
#pragma once

#include <NetworkManager.h>

/**
 * scope_editor_load:
 * @error: %NM_VPN_PLUGIN_ERROR: a program without GTK, or the editor is not installed
 *
 * Returns: (transfer full): an editor of @connection, or %NULL
 */
NMVpnEditor *scope_editor_load (NMConnection *connection, GError **error);
