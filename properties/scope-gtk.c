/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "scope-gtk.h"

#define GTK4 GTK_CHECK_VERSION (4, 0, 0)

const char *
scope_gtk_get_text (GtkWidget *entry)
{
#if GTK4
  return gtk_editable_get_text (GTK_EDITABLE (entry));
#else
  return gtk_entry_get_text (GTK_ENTRY (entry));
#endif
}

void
scope_gtk_set_text (GtkWidget *entry, const char *text)
{
  if (g_str_equal (scope_gtk_get_text (entry), text))
    return;
#if GTK4
  gtk_editable_set_text (GTK_EDITABLE (entry), text);
#else
  gtk_entry_set_text (GTK_ENTRY (entry), text);
#endif
}

GtkWidget *
scope_gtk_get_entry (GtkWidget *combo)
{
#if GTK4
  return gtk_combo_box_get_child (GTK_COMBO_BOX (combo));
#else
  return gtk_bin_get_child (GTK_BIN (combo));
#endif
}

void
scope_gtk_set_class (GtkWidget *widget, const char *name, gboolean on)
{
#if GTK4
  if (on)
    gtk_widget_add_css_class (widget, name);
  else
    gtk_widget_remove_css_class (widget, name);
#else
  GtkStyleContext *style = gtk_widget_get_style_context (widget);
  if (on)
    gtk_style_context_add_class (style, name);
  else
    gtk_style_context_remove_class (style, name);
#endif
}

void
scope_gtk_keep_hidden (GtkWidget *widget)
{
#if !GTK4
  gtk_widget_set_no_show_all (widget, TRUE);
#endif
}

static void
on_realize (GtkWidget *page)
{
  if (gtk_widget_get_ancestor (gtk_widget_get_parent (page), GTK_TYPE_SCROLLED_WINDOW))
    g_object_set (page, "max-content-height", -1, "min-content-height", -1, "vscrollbar-policy", GTK_POLICY_NEVER, NULL);
}

void
scope_gtk_scroll_once (GtkWidget *page)
{
  g_signal_connect (page, "realize", G_CALLBACK (on_realize), NULL);
}

#if GTK4
/* GTK 4.8 takes one widget here, later ones take a list that ends with NULL, and either reads wrong what is meant for the other. */
static void
set_error_message (GtkAccessible *accessible, GtkWidget *message)
{
  const GtkAccessibleRelation relation = GTK_ACCESSIBLE_RELATION_ERROR_MESSAGE;
  g_auto (GValue) value = G_VALUE_INIT;

  gtk_accessible_relation_init_value (relation, &value);
  if (G_VALUE_HOLDS_OBJECT (&value))
    gtk_accessible_update_relation (accessible, relation, message, -1);
  else
    gtk_accessible_update_relation (accessible, relation, message, NULL, -1);
}
#endif

void
scope_gtk_set_invalid (GtkWidget *widget, GtkWidget *message, const char *why)
{
#if GTK4
  GtkAccessible *accessible = GTK_ACCESSIBLE (widget);

  if (why)
    {
      gtk_accessible_update_state (accessible, GTK_ACCESSIBLE_STATE_INVALID, GTK_ACCESSIBLE_INVALID_TRUE, -1);
      gtk_accessible_update_property (accessible, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, why, -1);
      set_error_message (accessible, message);
    }
  else
    {
      gtk_accessible_reset_state (accessible, GTK_ACCESSIBLE_STATE_INVALID);
      gtk_accessible_reset_property (accessible, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION);
      gtk_accessible_reset_relation (accessible, GTK_ACCESSIBLE_RELATION_ERROR_MESSAGE);
    }
#else
  AtkObject *accessible = gtk_widget_get_accessible (widget);
  AtkObject *text = gtk_widget_get_accessible (message);

  if (why)
    atk_object_add_relationship (accessible, ATK_RELATION_ERROR_MESSAGE, text);
  else
    atk_object_remove_relationship (accessible, ATK_RELATION_ERROR_MESSAGE, text);
  atk_object_set_description (accessible, why ? why : "");
  atk_object_notify_state_change (accessible, ATK_STATE_INVALID_ENTRY, why != NULL);
#endif
}

void
scope_gtk_set_name (GtkWidget *widget, const char *name)
{
#if GTK4
  gtk_accessible_update_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
#else
  atk_object_set_name (gtk_widget_get_accessible (widget), name);
#endif
}

GtkExpander *
scope_gtk_find_expander (GtkBuilder *builder, const char *const *ids, GtkWidget *widget)
{
  for (const char *const *id = ids; *id; id++)
    {
      GtkExpander *expander = GTK_EXPANDER (gtk_builder_get_object (builder, *id));
#if GTK4
      GtkWidget *child = gtk_expander_get_child (expander);
#else
      GtkWidget *child = gtk_bin_get_child (GTK_BIN (expander));
#endif
      if (gtk_widget_is_ancestor (widget, child))
        return expander;
    }
  return NULL;
}

void
scope_gtk_copy (GtkWidget *widget, const char *text)
{
#if GTK4
  gdk_clipboard_set_text (gtk_widget_get_clipboard (widget), text);
#else
  gtk_clipboard_set_text (gtk_widget_get_clipboard (widget, GDK_SELECTION_CLIPBOARD), text, -1);
#endif
}

GtkWindow *
scope_gtk_get_window (GtkWidget *widget)
{
#if GTK4
  GtkRoot *root = gtk_widget_get_root (widget);
#else
  GtkWidget *root = gtk_widget_get_toplevel (widget);
#endif
  return GTK_IS_WINDOW (root) ? GTK_WINDOW (root) : NULL;
}
