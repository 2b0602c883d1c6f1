/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scope-editor: the page of a Scope connection in nm-connection-editor, nm-applet (GTK 3) and GNOME Settings (GTK 4). */
#pragma once

#include <NetworkManager.h>

/* What the loader looks up in the editor's library */
#define SCOPE_EDITOR_FACTORY "scope_editor_new"

/**
 * ScopeEditorFactory:
 *
 * Returns: (transfer full): an editor of @connection, or %NULL
 */
typedef NMVpnEditor *(*ScopeEditorFactory) (NMConnection *connection, GError **error);

NMVpnEditor *scope_editor_new (NMConnection *connection, GError **error);
