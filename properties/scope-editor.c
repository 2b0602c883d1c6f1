/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "scope-choice.h"
#include "scope-editor-private.h"
#include "scope-gtk.h"
#include "scope-mnemonic.h"

#include <glib/gi18n-lib.h>

#define UI "/org/freedesktop/NetworkManager/scope/editor.ui"

static void scope_editor_interface_init (NMVpnEditorInterface *iface);

G_DEFINE_TYPE_WITH_CODE (ScopeEditor, scope_editor, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (NM_TYPE_VPN_EDITOR, scope_editor_interface_init))

GtkWidget *
scope_editor_get (ScopeEditor *self, const char *id)
{
  return GTK_WIDGET (gtk_builder_get_object (self->builder, id));
}

const char *
scope_editor_get_text (ScopeEditor *self, const char *name)
{
  return scope_model_get (self->model, scope_setting_find (name));
}

static void
update (ScopeEditor *self)
{
  for (ScopeField *field = self->fields; field->info; field++)
    if (field->widget)
      scope_field_mark (self, field);
  scope_editor_keys_update (self);
  scope_editor_registry_update (self);
}

void
scope_editor_changed (ScopeEditor *self)
{
  update (self);
  g_signal_emit_by_name (self, "changed");
}

/* --- what the host calls --- */

static GObject *
get_widget (NMVpnEditor *editor)
{
  return G_OBJECT (SCOPE_EDITOR (editor)->page);
}

static void
placeholder (void)
{
}

static gboolean
update_connection (NMVpnEditor *editor, NMConnection *connection, GError **error)
{
  return scope_model_apply (SCOPE_EDITOR (editor)->model, connection, error);
}

/* --- the page --- */

static void
set_label (ScopeEditor *self, const ScopeField *field, GString *used)
{
  g_autofree char *id = g_strconcat (field->info->name, "-label", NULL);
  g_autofree char *text = scope_mnemonic_add (used, _ (field->info->label));

  gtk_label_set_text_with_mnemonic (GTK_LABEL (scope_editor_get (self, id)), text);
  if (GTK_IS_COMBO_BOX (field->widget))
    scope_choice_init (field->widget, scope_editor_get (self, id));
  gtk_widget_set_tooltip_text (field->widget, _ (field->info->description));
}

static void
set_zone_hint (ScopeEditor *self, NMConnection *connection)
{
  NMSettingConnection *setting = nm_connection_get_setting_connection (connection);
  const char *zone = setting ? nm_setting_connection_get_zone (setting) : NULL;
  g_autofree char *text = NULL;

  if (zone && *zone)
    text = g_strdup_printf (_ ("The firewall zone, “%s”, belongs to the connection (connection.zone) and holds for the interface"),
                            zone);
  else
    text = g_strdup (_ ("The firewall zone belongs to the connection (connection.zone): none is set, the default zone holds for the "
                        "interface"));
  gtk_label_set_text (GTK_LABEL (scope_editor_get (self, "zone-hint")), text);
}

/* Those of the page itself, which translators place */
static void
reserve_mnemonics (ScopeEditor *self, const char *const *ids, GString *used)
{
  for (; *ids; ids++)
    {
      g_autofree char *text = NULL;

      g_object_get (scope_editor_get (self, *ids), "label", &text, NULL);
      scope_mnemonic_reserve (used, text);
    }
}

/* GTK 4's expanders have no name of their own. */
static void
name_groups (ScopeEditor *self, const char *const *ids)
{
  for (; *ids; ids++)
    {
      GtkWidget *expander = scope_editor_get (self, *ids);
      const char *label = gtk_expander_get_label (GTK_EXPANDER (expander));
      g_auto (GStrv) parts = g_strsplit (label, "_", -1);
      g_autofree char *name = g_strjoinv (NULL, parts);

      scope_gtk_set_name (expander, name);
    }
}

static void
init_fields (ScopeEditor *self)
{
  static const char *const buttons[] = { "generate", "copy", "show-secrets", "autoconnect", "ca-choose", NULL };
  static const char *const groups[] = { "group-trust", "group-addresses", "group-reach", "group-interface", NULL };
  g_autoptr (GString) used = g_string_new (NULL);
  guint n = 0;

  reserve_mnemonics (self, buttons, used);
  reserve_mnemonics (self, groups, used);
  name_groups (self, groups);
  while (scope_setting_infos[n].name)
    n++;
  self->fields = g_new0 (ScopeField, n + 1);
  for (guint i = 0; i < n; i++)
    {
      ScopeField *field = &self->fields[i];
      g_autofree char *message = g_strconcat (scope_setting_infos[i].name, "-error", NULL);

      field->info = &scope_setting_infos[i];
      field->widget = scope_editor_get (self, field->info->name);
      if (!field->widget)
        continue;
      if (GTK_IS_COMBO_BOX (field->widget) && gtk_combo_box_get_has_entry (GTK_COMBO_BOX (field->widget)))
        {
          field->widget = scope_gtk_get_entry (field->widget);
          scope_gtk_set_name (field->widget, _ (field->info->label));
        }
      field->message = scope_editor_get (self, message);
      scope_gtk_keep_hidden (field->message);
      field->group = scope_gtk_find_expander (self->builder, groups, field->widget);
      set_label (self, field, used);
      scope_field_show (self, field);
      scope_field_connect (self, field);
    }
}

static void
on_autoconnect (ScopeEditor *self)
{
  gboolean active;

  g_object_get (scope_editor_get (self, "autoconnect"), "active", &active, NULL);
  scope_model_set_autoconnect (self->model, active);
  g_signal_emit_by_name (self, "changed");
}

/* The programs that use GTK 3 have a page of their own for it. */
static void
init_autoconnect (ScopeEditor *self)
{
  GtkWidget *check = scope_editor_get (self, "autoconnect");

  scope_gtk_keep_hidden (check);
  gtk_widget_set_visible (check, GTK_MAJOR_VERSION >= 4);
  g_object_set (check, "active", scope_model_get_autoconnect (self->model), NULL);
  g_signal_connect_object (check, "toggled", G_CALLBACK (on_autoconnect), self, G_CONNECT_SWAPPED);
}

static gboolean
load (ScopeEditor *self, NMConnection *connection, GError **error)
{
  self->builder = gtk_builder_new ();
  gtk_builder_set_translation_domain (self->builder, GETTEXT_PACKAGE);
  if (!gtk_builder_add_from_resource (self->builder, UI, error))
    return FALSE;
  self->page = g_object_ref_sink (scope_editor_get (self, "scope-page"));
  scope_gtk_scroll_once (self->page);
  scope_gtk_keep_hidden (scope_editor_get (self, "registry-state"));
  scope_gtk_keep_hidden (scope_editor_get (self, "registry-spinner"));
  scope_gtk_keep_hidden (scope_editor_get (self, "registry-icon"));
  scope_gtk_keep_hidden (scope_editor_get (self, "network-hint"));
  self->model = scope_model_new (connection);
  self->busy = TRUE;
  init_fields (self);
  set_zone_hint (self, connection);
  init_autoconnect (self);
  scope_editor_keys_init (self);
  scope_editor_registry_init (self);
  self->busy = FALSE;
  update (self);
  return TRUE;
}

static void
scope_editor_dispose (GObject *object)
{
  ScopeEditor *self = SCOPE_EDITOR (object);

  scope_editor_registry_end (self);
  if (self->chooser)
    gtk_native_dialog_destroy (self->chooser);
  g_clear_object (&self->chooser);
  g_clear_object (&self->page);
  g_clear_object (&self->builder);
  G_OBJECT_CLASS (scope_editor_parent_class)->dispose (object);
}

static void
scope_editor_finalize (GObject *object)
{
  ScopeEditor *self = SCOPE_EDITOR (object);

  g_clear_pointer (&self->model, scope_model_free);
  g_free (self->fields);
  G_OBJECT_CLASS (scope_editor_parent_class)->finalize (object);
}

static void
scope_editor_init (ScopeEditor *self)
{
}

static void
scope_editor_class_init (ScopeEditorClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = scope_editor_dispose;
  G_OBJECT_CLASS (klass)->finalize = scope_editor_finalize;
}

static void
scope_editor_interface_init (NMVpnEditorInterface *iface)
{
  iface->get_widget = get_widget;
  iface->placeholder = placeholder;
  iface->update_connection = update_connection;
}

G_MODULE_EXPORT NMVpnEditor *
scope_editor_new (NMConnection *connection, GError **error)
{
  g_autoptr (ScopeEditor) self = g_object_new (SCOPE_TYPE_EDITOR, NULL);

  if (!load (self, connection, error))
    return NULL;
  return NM_VPN_EDITOR (g_steal_pointer (&self));
}
