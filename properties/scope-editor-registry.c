/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "scope-editor-private.h"
#include "scope-gtk.h"

#include <glib/gi18n-lib.h>

#define TYPING 500 /* ms without a key pressed */

static void
show_state (ScopeEditor *self, const char *icon, const char *text)
{
  GtkWidget *spinner = scope_editor_get (self, "registry-spinner");
  GtkWidget *image = scope_editor_get (self, "registry-icon");

  gtk_widget_set_visible (scope_editor_get (self, "registry-state"), text != NULL);
  gtk_widget_set_visible (spinner, text && !icon);
  gtk_widget_set_visible (image, icon != NULL);
  if (text && !icon)
    gtk_spinner_start (GTK_SPINNER (spinner));
  else
    gtk_spinner_stop (GTK_SPINNER (spinner));
  if (icon)
    g_object_set (image, "icon-name", icon, NULL);
  gtk_label_set_text (GTK_LABEL (scope_editor_get (self, "registry-status")), text ? text : "");
}

static void
show_hint (ScopeEditor *self)
{
  GtkWidget *label = scope_editor_get (self, "network-hint");
  const char *there = scope_editor_get_text (self, SCOPE_SETTING_NETREG);
  const char *network = scope_editor_get_text (self, SCOPE_SETTING_NETWORK);
  g_autofree char *text = NULL;

  if (!*there)
    there = network;
  if (*there && self->networks && !g_strv_contains ((const char *const *) self->networks, there))
    text = g_strdup_printf (_ ("The registry has no network “%s”"), there);
  else if (!g_str_equal (there, network))
    text = g_strdup_printf (_ ("At the registry it is called “%s”"), there);
  gtk_label_set_text (GTK_LABEL (label), text ? text : "");
  gtk_widget_set_visible (label, text != NULL);
}

static void
fill_networks (ScopeEditor *self, const char *const *networks)
{
  GtkComboBoxText *combo = GTK_COMBO_BOX_TEXT (scope_editor_get (self, SCOPE_SETTING_NETWORK));
  ScopeField *field = scope_field_find (self, SCOPE_SETTING_NETWORK);

  g_strfreev (self->networks);
  self->networks = g_strdupv ((char **) networks);
  self->busy = TRUE;
  gtk_combo_box_text_remove_all (combo);
  for (guint i = 0; networks && networks[i]; i++)
    gtk_combo_box_text_append_text (combo, networks[i]);
  scope_gtk_set_text (field->widget, scope_model_get (self->model, field->info));
  self->busy = FALSE;
  /* There is nothing to choose. */
  if (scope_model_is_new (self->model) && !field->seen && networks && networks[0] && !networks[1])
    scope_gtk_set_text (field->widget, networks[0]);
}

static void
on_answer (const char *const *networks, const char *from, const char *why, gpointer data)
{
  ScopeEditor *self = data;
  guint n = networks ? g_strv_length ((char **) networks) : 0;
  g_autofree char *text = networks ? g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "The registry answers; it has %u network",
                                                                   "The registry answers; it has %u networks", n), n)
                                   : g_strdup (why);

  show_state (self, networks ? "object-select-symbolic" : "dialog-warning-symbolic", text);
  if (networks)
    fill_networks (self, networks);
  show_hint (self);
}

/* What to ask; NULL while it makes no sense. */
static char *
question (ScopeEditor *self)
{
  ScopeField *registry = scope_field_find (self, SCOPE_SETTING_REGISTRY);
  ScopeField *ca = scope_field_find (self, SCOPE_SETTING_CA);

  if (!gtk_widget_get_mapped (self->page) || scope_model_why (self->model, registry->info) ||
      scope_model_why (self->model, ca->info))
    return NULL;
  return g_strdup_printf ("%s\n%s", scope_model_get (self->model, registry->info), scope_model_get (self->model, ca->info));
}

void
scope_editor_registry_update (ScopeEditor *self)
{
  g_autofree char *now = question (self);
  const char *ca = scope_editor_get_text (self, SCOPE_SETTING_CA);

  if (g_strcmp0 (now, self->asked) != 0)
    {
      gboolean first = self->asked == NULL;

      g_free (self->asked);
      self->asked = g_strdup (now);
      g_clear_pointer (&self->networks, g_strfreev);
      scope_check_cancel (self->check);
      show_state (self, NULL, now ? _ ("Asking the registry…") : NULL);
      if (now)
        scope_check_begin (self->check, scope_editor_get_text (self, SCOPE_SETTING_REGISTRY), *ca ? ca : NULL,
                           first && !scope_field_find (self, SCOPE_SETTING_REGISTRY)->seen ? 0 : TYPING);
    }
  show_hint (self);
}

/* A page that nobody sees asks nobody. */
static void
on_mapped (ScopeEditor *self)
{
  scope_editor_registry_update (self);
}

/* The answer's place is there from the start: a window that is made to measure has room for it. */
static void
reserve_state (ScopeEditor *self)
{
  ScopeField *registry = scope_field_find (self, SCOPE_SETTING_REGISTRY);

  if (!scope_model_why (self->model, registry->info))
    show_state (self, NULL, _ ("Asking the registry…"));
}

void
scope_editor_registry_init (ScopeEditor *self)
{
  const char *program = g_getenv ("SCOPE_SCOPECTL"); /* for tests in a build tree */

  self->check = scope_check_new (program ? program : BINDIR "/scopectl", on_answer, self);
  reserve_state (self);
  g_signal_connect_object (self->page, "map", G_CALLBACK (on_mapped), self, G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  g_signal_connect_object (self->page, "unmap", G_CALLBACK (on_mapped), self, G_CONNECT_SWAPPED | G_CONNECT_AFTER);
}

void
scope_editor_registry_end (ScopeEditor *self)
{
  g_clear_pointer (&self->check, scope_check_free);
  g_clear_pointer (&self->asked, g_free);
  g_clear_pointer (&self->networks, g_strfreev);
}
