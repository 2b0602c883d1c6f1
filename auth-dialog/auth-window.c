/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "auth-dialog/auth-window.h"

#include "auth-dialog/auth-quit.h"
#include "common/scope-confirm.h"

#include <glib/gi18n-lib.h>
#include <gtk/gtk.h>
#include <string.h>

#define SPACING 12

typedef struct {
  AuthRequest *request;
  GtkWidget *dialog;
  GtkWidget *grid;
  int rows;
  gboolean typed; /* there is a field to type into */
  GPtrArray *fields;
} Window;

typedef struct {
  Window *window;
  AuthSecret *secret;
  GtkWidget *entry; /* NULL for the question: OK is the answer */
  GtkWidget *error;
  gboolean good;
} Field;

/* Tests and assistive tools find a widget by the name that it would have in a .ui file. */
static void
call (GtkWidget *widget, const char *name, const char *suffix)
{
  g_autofree char *id = g_strconcat (name, suffix, NULL);

  gtk_buildable_set_name (GTK_BUILDABLE (widget), id);
}

/* --- fields -------------------------------------------------------------------------------- */

static void
look (Window *self)
{
  gboolean good = TRUE;

  for (guint i = 0; i < self->fields->len; i++)
    good &= ((Field *) g_ptr_array_index (self->fields, i))->good;
  gtk_dialog_set_response_sensitive (GTK_DIALOG (self->dialog), GTK_RESPONSE_OK, good);
}

static void
on_changed (GtkEditable *editable, Field *field)
{
  const char *text = gtk_entry_get_text (GTK_ENTRY (editable));
  GtkStyleContext *style = gtk_widget_get_style_context (field->entry);
  AtkObject *accessible = gtk_widget_get_accessible (field->entry);
  g_autoptr (GError) error = NULL;
  gboolean empty = strspn (text, " \t") == strlen (text);

  field->good = auth_secret_take (field->secret, text, &error) && !empty;
  if (field->good || empty) /* nobody is blamed who has not begun */
    {
      gtk_style_context_remove_class (style, GTK_STYLE_CLASS_ERROR);
      gtk_widget_hide (field->error);
      atk_object_set_description (accessible, "");
    }
  else
    {
      gtk_style_context_add_class (style, GTK_STYLE_CLASS_ERROR);
      gtk_label_set_text (GTK_LABEL (field->error), error->message);
      gtk_widget_show (field->error);
      atk_object_set_description (accessible, error->message);
    }
  look (field->window);
}

static GtkWidget *
text_label (const char *text)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_line_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_line_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 60);
  return label;
}

static GtkWidget *
field_label (const char *text, GtkWidget *target)
{
  g_autofree char *mnemonic = g_strdup_printf ("%s%s:", g_ascii_isalnum (*text) ? "_" : "", text);
  GtkWidget *label = gtk_label_new_with_mnemonic (mnemonic);

  gtk_label_set_xalign (GTK_LABEL (label), 1);
  gtk_label_set_mnemonic_widget (GTK_LABEL (label), target);
  return label;
}

static void
add_entry (Window *self, Field *field)
{
  GtkWidget *entry = field->entry = gtk_entry_new ();
  GtkWidget *label = field_label (field->secret->label, entry);

  field->error = text_label (NULL); /* not of the class “error”, which nobody can read in the dark */
  gtk_widget_set_no_show_all (field->error, TRUE);
  gtk_entry_set_visibility (GTK_ENTRY (entry), FALSE);
  gtk_entry_set_input_purpose (GTK_ENTRY (entry), GTK_INPUT_PURPOSE_PASSWORD);
  gtk_entry_set_activates_default (GTK_ENTRY (entry), TRUE);
  gtk_entry_set_width_chars (GTK_ENTRY (entry), 44);
  gtk_widget_set_hexpand (entry, TRUE);
  call (entry, field->secret->name, "");
  call (label, field->secret->name, "-label");
  call (field->error, field->secret->name, "-error");
  gtk_grid_attach (GTK_GRID (self->grid), label, 0, self->rows, 1, 1);
  gtk_grid_attach (GTK_GRID (self->grid), entry, 1, self->rows++, 1, 1);
  gtk_grid_attach (GTK_GRID (self->grid), field->error, 1, self->rows++, 1, 1);
  g_signal_connect (entry, "changed", G_CALLBACK (on_changed), field);
  if (field->secret->value)
    gtk_entry_set_text (GTK_ENTRY (entry), field->secret->value);
}

static void
add_fact (Window *self, const char *label, const char *value, const char *id)
{
  GtkWidget *fact = text_label (value), *name = field_label (label, fact);

  gtk_label_set_selectable (GTK_LABEL (fact), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (fact), 70); /* a fingerprint in one line */
  gtk_style_context_add_class (gtk_widget_get_style_context (fact), GTK_STYLE_CLASS_MONOSPACE);
  call (fact, id, "");
  call (name, id, "-label");
  gtk_grid_attach (GTK_GRID (self->grid), name, 0, self->rows, 1, 1);
  gtk_grid_attach (GTK_GRID (self->grid), fact, 1, self->rows++, 1, 1);
}

static void
add_question (Window *self, Field *field)
{
  const char *root = self->request->root;
  g_autofree char *grouped = scope_confirm_group (root);
  g_autofree char *brief = g_strndup (root, SCOPE_CONFIRM_SHORT_LEN);

  field->good = TRUE;
  add_fact (self, _ ("Short name"), brief, "root-short");
  add_fact (self, _ ("Root key"), grouped, "root");
  gtk_grid_attach (GTK_GRID (self->grid), text_label (_ ("Compare it with what the network’s admin gave you. Whoever holds another root key could read along.")),
                   1, self->rows++, 1, 1);
  scope_secret_free (field->secret->value);
  field->secret->value = g_strdup (root);
}

static void
add_field (Window *self, AuthSecret *secret)
{
  Field *field = g_new0 (Field, 1);

  field->window = self;
  field->secret = secret;
  g_ptr_array_add (self->fields, field);
  if (secret->info)
    add_entry (self, field);
  else
    add_question (self, field);
}

static void
on_show (GtkToggleButton *button, Window *self)
{
  for (guint i = 0; i < self->fields->len; i++)
    {
      Field *field = g_ptr_array_index (self->fields, i);

      if (field->entry)
        gtk_entry_set_visibility (GTK_ENTRY (field->entry), gtk_toggle_button_get_active (button));
    }
}

/* --- the window ---------------------------------------------------------------------------- */

gboolean
auth_window_init (void)
{
  return gtk_init_check (NULL, NULL);
}

static void
on_quit (gpointer data)
{
  gtk_dialog_response (GTK_DIALOG (((Window *) data)->dialog), GTK_RESPONSE_CANCEL);
}

static void
build (Window *self)
{
  gboolean trust = self->request->root != NULL;
  GtkWidget *box, *message = text_label (self->request->message);

  self->dialog = gtk_dialog_new_with_buttons (_ ("Authentication required"), NULL, 0, _ ("_Cancel"), GTK_RESPONSE_CANCEL,
                                              trust ? _ ("_Trust this network") : _ ("_OK"), GTK_RESPONSE_OK, NULL);
  call (gtk_dialog_get_widget_for_response (GTK_DIALOG (self->dialog), GTK_RESPONSE_OK), "ok", "");
  call (gtk_dialog_get_widget_for_response (GTK_DIALOG (self->dialog), GTK_RESPONSE_CANCEL), "cancel", "");
  gtk_window_set_icon_name (GTK_WINDOW (self->dialog), "dialog-password");
  gtk_window_set_position (GTK_WINDOW (self->dialog), GTK_WIN_POS_CENTER);
  box = gtk_dialog_get_content_area (GTK_DIALOG (self->dialog));
  gtk_box_set_spacing (GTK_BOX (box), SPACING);
  g_object_set (box, "margin", SPACING, NULL);
  call (message, "message", "");
  gtk_container_add (GTK_CONTAINER (box), message);
  self->grid = gtk_grid_new ();
  gtk_grid_set_row_spacing (GTK_GRID (self->grid), SPACING / 2);
  gtk_grid_set_column_spacing (GTK_GRID (self->grid), SPACING);
  gtk_container_add (GTK_CONTAINER (box), self->grid);
  for (guint i = 0; i < self->request->secrets->len; i++)
    {
      AuthSecret *secret = g_ptr_array_index (self->request->secrets, i);

      if (secret->ask)
        add_field (self, secret);
      self->typed |= secret->ask && secret->info;
    }
  /* Nobody trusts by pressing Return once too often. */
  gtk_dialog_set_default_response (GTK_DIALOG (self->dialog), self->typed ? GTK_RESPONSE_OK : GTK_RESPONSE_CANCEL);
  if (self->typed)
    {
      GtkWidget *show = gtk_check_button_new_with_mnemonic (_ ("_Show what is typed"));

      call (show, "show", "");
      g_signal_connect (show, "toggled", G_CALLBACK (on_show), self);
      gtk_grid_attach (GTK_GRID (self->grid), show, 1, self->rows++, 1, 1);
    }
}

gboolean
auth_window_run (AuthRequest *request)
{
  Window self = { .request = request, .fields = g_ptr_array_new_with_free_func (g_free) };
  AuthQuit *quit;
  int response;

  build (&self);
  gtk_widget_show_all (self.dialog);
  look (&self);
  if (!self.typed)
    gtk_widget_grab_focus (gtk_dialog_get_widget_for_response (GTK_DIALOG (self.dialog), GTK_RESPONSE_CANCEL));
  gtk_window_present (GTK_WINDOW (self.dialog));
  quit = auth_quit_watch (on_quit, &self);
  response = gtk_dialog_run (GTK_DIALOG (self.dialog));
  auth_quit_free (quit);
  gtk_widget_destroy (self.dialog);
  g_ptr_array_unref (self.fields);
  return response == GTK_RESPONSE_OK;
}
