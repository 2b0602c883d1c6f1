/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "crypto/scope-x25519.h"
#include "scope-editor-private.h"
#include "scope-gtk.h"

#include <glib/gi18n-lib.h>
#include <nma-ui-utils.h>

static gboolean
is_kept (NMSettingSecretFlags flags)
{
  return flags == NM_SETTING_SECRET_FLAG_NONE || flags == NM_SETTING_SECRET_FLAG_AGENT_OWNED;
}

static void
on_generate (ScopeEditor *self)
{
  ScopeField *field = scope_field_find (self, SCOPE_SETTING_PRIVATE_KEY);
  char text[SCOPE_KEY_BASE64_LEN + 1];
  g_autoptr (GError) error = NULL;
  ScopeKey key;

  if (!scope_x25519_generate (&key, &error))
    {
      g_warning ("%s", error->message);
      return;
    }
  /* A key that nobody keeps would be of no use. */
  if (!is_kept (scope_model_get_flags (self->model, field->info)))
    nma_utils_update_password_storage (field->widget, NM_SETTING_SECRET_FLAG_NONE, NULL, NULL);
  scope_gtk_set_text (field->widget, scope_key_to_base64 (&key, text));
  scope_key_clear (&key);
  explicit_bzero (text, sizeof text);
}

static void
on_copy (ScopeEditor *self)
{
  scope_gtk_copy (self->page, scope_gtk_get_text (scope_editor_get (self, SCOPE_SETTING_PUBLIC_KEY)));
}

static void
on_show (ScopeEditor *self)
{
  GtkWidget *check = scope_editor_get (self, "show-secrets");
  gboolean show;

  g_object_get (check, "active", &show, NULL);
  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    if (info->secret)
      gtk_entry_set_visibility (GTK_ENTRY (scope_editor_get (self, info->name)), show);
}

/* --- the certificate's file --- */

static void
on_chosen (ScopeEditor *self, int response)
{
  g_autoptr (GtkNativeDialog) chooser = g_steal_pointer (&self->chooser);
  g_autoptr (GFile) file = NULL;
  g_autofree char *path = NULL;

  if (response != GTK_RESPONSE_ACCEPT)
    return;
  file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (chooser));
  path = file ? g_file_get_path (file) : NULL;
  if (path)
    scope_gtk_set_text (scope_editor_get (self, SCOPE_SETTING_CA), path);
}

static void
on_choose (ScopeEditor *self)
{
  GtkFileFilter *certificates, *all;

  if (self->chooser)
    return;
  self->chooser = GTK_NATIVE_DIALOG (gtk_file_chooser_native_new (_ ("Certificates to trust"), scope_gtk_get_window (self->page),
                                                                  GTK_FILE_CHOOSER_ACTION_OPEN, NULL, NULL));
  certificates = gtk_file_filter_new ();
  gtk_file_filter_set_name (certificates, _ ("Certificates (PEM)"));
  gtk_file_filter_add_pattern (certificates, "*.pem");
  gtk_file_filter_add_pattern (certificates, "*.crt");
  gtk_file_filter_add_pattern (certificates, "*.cer");
  all = gtk_file_filter_new ();
  gtk_file_filter_set_name (all, _ ("All files"));
  gtk_file_filter_add_pattern (all, "*");
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (self->chooser), certificates);
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (self->chooser), all);
  gtk_native_dialog_set_modal (self->chooser, TRUE);
  g_signal_connect_object (self->chooser, "response", G_CALLBACK (on_chosen), self, G_CONNECT_SWAPPED);
  gtk_native_dialog_show (self->chooser);
}

void
scope_editor_keys_init (ScopeEditor *self)
{
  g_signal_connect_object (scope_editor_get (self, "generate"), "clicked", G_CALLBACK (on_generate), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (scope_editor_get (self, "copy"), "clicked", G_CALLBACK (on_copy), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (scope_editor_get (self, "show-secrets"), "toggled", G_CALLBACK (on_show), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (scope_editor_get (self, "ca-choose"), "clicked", G_CALLBACK (on_choose), self, G_CONNECT_SWAPPED);
}

/* The public key follows from the private one. Only where none is at hand, or another was listed, it is typed. */
void
scope_editor_keys_update (ScopeEditor *self)
{
  ScopeField *field = scope_field_find (self, SCOPE_SETTING_PUBLIC_KEY);
  const char *derived = scope_model_get_derived (self->model);
  gboolean follows = derived && !scope_model_why (self->model, field->info);
  const char *text = follows ? derived : scope_model_get (self->model, field->info);
  gboolean was_busy = self->busy;

  self->busy = TRUE;
  /* What is being typed there is not put right under the cursor. */
  if (follows || !gtk_editable_get_editable (GTK_EDITABLE (field->widget)))
    scope_gtk_set_text (field->widget, text);
  self->busy = was_busy;
  gtk_editable_set_editable (GTK_EDITABLE (field->widget), !follows);
  gtk_widget_set_sensitive (scope_editor_get (self, "copy"), *scope_gtk_get_text (field->widget) != '\0');
}
