/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "scope-editor-load.h"

#include "scope-editor.h"

#include <dlfcn.h>
#include <glib/gi18n-lib.h>

#define GTK3_EDITOR "libnm-vpn-plugin-scope-editor.so"
#define GTK4_EDITOR "libnm-gtk4-vpn-plugin-scope-editor.so"

/* Each of them has functions that the other lacks. Both in one process abort it, so there is one at most. */
static const char *
choose_library (void)
{
  if (dlsym (RTLD_DEFAULT, "gtk_widget_get_first_child"))
    return GTK4_EDITOR;
  if (dlsym (RTLD_DEFAULT, "gtk_container_add"))
    return GTK3_EDITOR;
  return NULL;
}

/* Beside this library: installed, and in a build tree */
static char *
library_path (const char *name)
{
  Dl_info here;
  g_autofree char *dir = NULL;

  if (!dladdr ((void *) library_path, &here) || !here.dli_fname)
    return g_strdup (name);
  dir = g_path_get_dirname (here.dli_fname);
  return g_build_filename (dir, name, NULL);
}

NMVpnEditor *
scope_editor_load (NMConnection *connection, GError **error)
{
  static ScopeEditorFactory factory; /* found once: types that it registers cannot be unloaded */
  const char *name = choose_library ();
  g_autofree char *path = NULL;
  void *library;

  if (factory)
    return factory (connection, error);
  if (!name)
    {
      g_set_error_literal (error, NM_VPN_PLUGIN_ERROR, NM_VPN_PLUGIN_ERROR_FAILED,
                           _ ("the editor of Scope connections needs a program with GTK 3 or GTK 4; here there is "
                              "nmcli connection edit"));
      return NULL;
    }
  path = library_path (name);
  library = dlopen (path, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
  if (library)
    factory = (ScopeEditorFactory) dlsym (library, SCOPE_EDITOR_FACTORY);
  if (factory)
    return factory (connection, error);
  g_set_error (error, NM_VPN_PLUGIN_ERROR, NM_VPN_PLUGIN_ERROR_FAILED,
               _ ("the editor of Scope connections is not installed (package network-manager-scope-gnome): %s"), dlerror ());
  return NULL;
}
