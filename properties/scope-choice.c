/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "scope-choice.h"

#define SEEN "scope-seen"

GtkWidget *
scope_choice_get_seen (GtkWidget *widget)
{
  GtkWidget *seen = g_object_get_data (G_OBJECT (widget), SEEN);

  return seen ? seen : widget;
}

#if GTK_CHECK_VERSION (4, 0, 0)
static void
on_setup (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_list_item_set_child (item, label);
}

static void
on_bind (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  gtk_label_set_text (GTK_LABEL (gtk_list_item_get_child (item)),
                      gtk_string_object_get_string (gtk_list_item_get_item (item)));
}

/* The longest choice does not decide how wide the window is. */
static void
let_shrink (GtkDropDown *seen)
{
  g_autoptr (GtkListItemFactory) factory = gtk_signal_list_item_factory_new ();

  g_signal_connect (factory, "setup", G_CALLBACK (on_setup), NULL);
  g_signal_connect (factory, "bind", G_CALLBACK (on_bind), NULL);
  gtk_drop_down_set_list_factory (seen, gtk_drop_down_get_factory (seen));
  gtk_drop_down_set_factory (seen, factory);
}

static GtkStringList *
get_texts (GtkTreeModel *choices)
{
  GtkStringList *texts = gtk_string_list_new (NULL);
  GtkTreeIter iter;

  for (gboolean more = gtk_tree_model_get_iter_first (choices, &iter); more; more = gtk_tree_model_iter_next (choices, &iter))
    {
      char *text = NULL;

      gtk_tree_model_get (choices, &iter, 0, &text, -1);
      gtk_string_list_take (texts, text);
    }
  return texts;
}

void
scope_choice_init (GtkWidget *combo, GtkWidget *label)
{
  GtkStringList *texts = get_texts (gtk_combo_box_get_model (GTK_COMBO_BOX (combo)));
  GtkWidget *seen = gtk_drop_down_new (G_LIST_MODEL (texts), NULL);
  GtkWidget *grid = gtk_widget_get_parent (combo);
  int column, row, width, height;

  let_shrink (GTK_DROP_DOWN (seen));
  gtk_grid_query_child (GTK_GRID (grid), combo, &column, &row, &width, &height);
  gtk_grid_attach (GTK_GRID (grid), seen, column, row, width, height);
  gtk_widget_insert_after (seen, grid, combo); /* read in that order */
  g_object_set (seen, "hexpand", TRUE, "valign", GTK_ALIGN_CENTER, NULL);
  gtk_widget_set_visible (combo, FALSE);
  gtk_label_set_mnemonic_widget (GTK_LABEL (label), seen);
  g_object_bind_property (combo, "active", seen, "selected", G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE);
  g_object_bind_property (combo, "tooltip-text", seen, "tooltip-text", G_BINDING_SYNC_CREATE);
  g_object_set_data (G_OBJECT (combo), SEEN, seen);
}

void
scope_choice_add (GtkWidget *combo, const char *value)
{
  GtkDropDown *seen = GTK_DROP_DOWN (scope_choice_get_seen (combo));

  gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (combo), value, value);
  gtk_string_list_append (GTK_STRING_LIST (gtk_drop_down_get_model (seen)), value);
}
#else
/* The longest choice does not decide how wide the window is. */
void
scope_choice_init (GtkWidget *combo, GtkWidget *label)
{
  GList *cells = gtk_cell_layout_get_cells (GTK_CELL_LAYOUT (combo));

  for (GList *cell = cells; cell; cell = cell->next)
    g_object_set (cell->data, "ellipsize", PANGO_ELLIPSIZE_END, NULL);
  g_list_free (cells);
}

void
scope_choice_add (GtkWidget *combo, const char *value)
{
  gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (combo), value, value);
}
#endif
