/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-editor-plugin: what NetworkManager's programs (nmcli, GNOME Settings) load to import, export and
 * edit Scope connections. It links no toolkit, since each of them brings its own.
 */
#include "config.h"

#include "common/scope-settings.h"
#include "scope-editor-load.h"
#include "scope-export.h"
#include "scope-import.h"

#include <NetworkManager.h>
#include <glib/gi18n-lib.h>
#include <libintl.h>

/* libnm declares the type of the factory, not the symbol that it looks for. */
NMVpnEditorPlugin *nm_vpn_editor_plugin_factory (GError **error);

#define SCOPE_TYPE_EDITOR_PLUGIN (scope_editor_plugin_get_type ())
G_DECLARE_FINAL_TYPE (ScopeEditorPlugin, scope_editor_plugin, SCOPE, EDITOR_PLUGIN, GObject)

struct _ScopeEditorPlugin {
  GObject parent;
};

enum {
  PROP_0,
  PROP_NAME,
  PROP_DESCRIPTION,
  PROP_SERVICE,
};

static void scope_editor_plugin_interface_init (NMVpnEditorPluginInterface *iface);

G_DEFINE_TYPE_WITH_CODE (ScopeEditorPlugin, scope_editor_plugin, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (NM_TYPE_VPN_EDITOR_PLUGIN, scope_editor_plugin_interface_init))

static NMVpnEditorPluginCapability
get_capabilities (NMVpnEditorPlugin *plugin)
{
  return NM_VPN_EDITOR_PLUGIN_CAPABILITY_IMPORT | NM_VPN_EDITOR_PLUGIN_CAPABILITY_EXPORT |
         NM_VPN_EDITOR_PLUGIN_CAPABILITY_IPV6;
}

static NMVpnEditor *
get_editor (NMVpnEditorPlugin *plugin, NMConnection *connection, GError **error)
{
  return scope_editor_load (connection, error);
}

/* libnm has no place for warnings: standard error is the terminal under nmcli, else the journal. */
static void
tell (const GPtrArray *notes)
{
  for (guint i = 0; i < notes->len; i++)
    g_printerr ("%s\n", (char *) notes->pdata[i]);
}

static NMConnection *
import_from_file (NMVpnEditorPlugin *plugin, const char *path, GError **error)
{
  g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (g_free);
  NMConnection *connection = scope_import_file (path, notes, error);

  tell (notes);
  return connection;
}

static gboolean
export_to_file (NMVpnEditorPlugin *plugin, const char *path, NMConnection *connection, GError **error)
{
  g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (g_free);
  gboolean ok = scope_export_file (path, connection, notes, error);

  tell (notes);
  return ok;
}

static char *
get_suggested_filename (NMVpnEditorPlugin *plugin, NMConnection *connection)
{
  return scope_export_filename (connection);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  switch (id)
    {
    case PROP_NAME:
      g_value_set_static_string (value, _ ("Scope"));
      break;
    case PROP_DESCRIPTION:
      g_value_set_static_string (value, _ ("A mesh of WireGuard peers that find each other through a registry."));
      break;
    case PROP_SERVICE:
      g_value_set_static_string (value, SCOPE_NM_SERVICE);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
scope_editor_plugin_init (ScopeEditorPlugin *self)
{
}

static void
scope_editor_plugin_class_init (ScopeEditorPluginClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = get_property;
  g_object_class_override_property (object_class, PROP_NAME, NM_VPN_EDITOR_PLUGIN_NAME);
  g_object_class_override_property (object_class, PROP_DESCRIPTION, NM_VPN_EDITOR_PLUGIN_DESCRIPTION);
  g_object_class_override_property (object_class, PROP_SERVICE, NM_VPN_EDITOR_PLUGIN_SERVICE);
}

static void
scope_editor_plugin_interface_init (NMVpnEditorPluginInterface *iface)
{
  iface->get_capabilities = get_capabilities;
  iface->get_editor = get_editor;
  iface->import_from_file = import_from_file;
  iface->export_to_file = export_to_file;
  iface->get_suggested_filename = get_suggested_filename;
}

G_MODULE_EXPORT NMVpnEditorPlugin *
nm_vpn_editor_plugin_factory (GError **error)
{
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  return g_object_new (SCOPE_TYPE_EDITOR_PLUGIN, NULL);
}
