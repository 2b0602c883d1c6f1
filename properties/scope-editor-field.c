/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "scope-choice.h"
#include "scope-editor-private.h"
#include "scope-gtk.h"

#include <glib/gi18n-lib.h>
#include <nma-ui-utils.h>

#define KEY "scope-field"

ScopeField *
scope_field_find (ScopeEditor *self, const char *name)
{
  return &self->fields[scope_setting_find (name) - scope_setting_infos];
}

/* A value that no choice stands for is one more choice, until another one is made. */
static void
show_choice (GtkWidget *combo, const char *value)
{
  if (gtk_combo_box_set_active_id (GTK_COMBO_BOX (combo), value))
    return;
  scope_choice_add (combo, value);
  gtk_combo_box_set_active_id (GTK_COMBO_BOX (combo), value);
}

void
scope_field_show (ScopeEditor *self, ScopeField *field)
{
  const char *value = scope_model_get (self->model, field->info);
  gboolean was_busy = self->busy;

  self->busy = TRUE;
  if (GTK_IS_ENTRY (field->widget))
    scope_gtk_set_text (field->widget, value);
  else if (GTK_IS_COMBO_BOX (field->widget))
    show_choice (field->widget, value);
  else if (GTK_IS_SWITCH (field->widget))
    gtk_switch_set_active (GTK_SWITCH (field->widget), g_str_equal (value, "yes"));
  self->busy = was_busy;
}

static const char *
read_widget (GtkWidget *widget)
{
  const char *value = NULL;

  if (GTK_IS_ENTRY (widget))
    value = scope_gtk_get_text (widget);
  else if (GTK_IS_COMBO_BOX (widget))
    value = gtk_combo_box_get_active_id (GTK_COMBO_BOX (widget));
  else if (gtk_switch_get_active (GTK_SWITCH (widget)))
    value = "yes";
  return value ? value : "";
}

static void
on_changed (ScopeEditor *self, GtkWidget *widget)
{
  ScopeField *field = g_object_get_data (G_OBJECT (widget), KEY);

  if (self->busy)
    return;
  field->seen = TRUE;
  if (scope_model_set (self->model, field->info, read_widget (widget)))
    scope_editor_changed (self);
}

static void
on_switched (ScopeEditor *self, GParamSpec *pspec, GtkWidget *widget)
{
  on_changed (self, widget);
}

/* libnma says with its icon what was chosen in its menu. */
static void
on_icon (ScopeEditor *self, GParamSpec *pspec, GtkWidget *widget)
{
  ScopeField *field = g_object_get_data (G_OBJECT (widget), KEY);

  if (scope_model_set_flags (self->model, field->info, nma_utils_menu_to_secret_flags (widget)))
    scope_editor_changed (self);
}

void
scope_field_connect (ScopeEditor *self, ScopeField *field)
{
  GObject *widget = G_OBJECT (field->widget);

  g_object_set_data (widget, KEY, field);
  if (GTK_IS_SWITCH (widget))
    g_signal_connect_object (widget, "notify::active", G_CALLBACK (on_switched), self, G_CONNECT_SWAPPED);
  else
    g_signal_connect_object (widget, "changed", G_CALLBACK (on_changed), self, G_CONNECT_SWAPPED);
  if (!field->info->secret)
    return;
  nma_utils_setup_password_storage (field->widget, scope_model_get_flags (self->model, field->info), NULL, NULL, TRUE, FALSE);
  g_signal_connect_object (widget, "notify::secondary-icon-name", G_CALLBACK (on_icon), self, G_CONNECT_SWAPPED);
}

void
scope_field_mark (ScopeEditor *self, ScopeField *field)
{
  const char *why = scope_model_why (self->model, field->info);

  /* That nothing stands there yet is not wrong, as long as nobody has been there. */
  if (why && field->info->required && !field->seen && !*scope_model_get (self->model, field->info))
    why = NULL;
  if (g_str_equal (gtk_label_get_text (GTK_LABEL (field->message)), why ? why : ""))
    return;
  gtk_label_set_text (GTK_LABEL (field->message), why ? why : "");
  gtk_widget_set_visible (field->message, why != NULL);
  scope_gtk_set_class (scope_choice_get_seen (field->widget), "error", why != NULL);
  scope_gtk_set_invalid (scope_choice_get_seen (field->widget), field->message, why);
  if (GTK_IS_ENTRY (field->widget)) /* themes do little for this class in the dark */
    gtk_entry_set_icon_from_icon_name (GTK_ENTRY (field->widget), GTK_ENTRY_ICON_PRIMARY, why ? "dialog-warning-symbolic" : NULL);
  /* Whoever does not see it would not know why nothing can be saved. */
  if (why && field->group)
    gtk_expander_set_expanded (field->group, TRUE);
}
