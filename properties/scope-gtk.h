/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scope-gtk: what GTK 3 and GTK 4 call by different names; the editor is built once for each. */
#pragma once

#include <gtk/gtk.h>

/* Text of a GtkEntry. The setter does nothing when it is the same: no “changed”, no lost cursor. */
const char *scope_gtk_get_text (GtkWidget *entry);
void scope_gtk_set_text (GtkWidget *entry, const char *text);

/* The entry of a combo box that has one */
GtkWidget *scope_gtk_get_entry (GtkWidget *combo);

/* A style class, on or off */
void scope_gtk_set_class (GtkWidget *widget, const char *name, gboolean on);

/* What .ui files cannot say for GTK 3: gtk_widget_show_all(), which hosts call, leaves this widget alone. */
void scope_gtk_keep_hidden (GtkWidget *widget);

/* A page that scrolls, but leaves that to a host that does it itself: GNOME Settings 48, other than 43. */
void scope_gtk_scroll_once (GtkWidget *page);

/**
 * scope_gtk_set_invalid:
 * @message: the label that says why
 * @why: (nullable): its text, %NULL when all is well
 *
 * Tells those who do not see colours.
 */
void scope_gtk_set_invalid (GtkWidget *widget, GtkWidget *message, const char *why);

/* A name for what no label stands beside */
void scope_gtk_set_name (GtkWidget *widget, const char *name);

/* The expander among @ids that has @widget inside, or NULL. One that is closed is no parent of it in GTK 4. */
GtkExpander *scope_gtk_find_expander (GtkBuilder *builder, const char *const *ids, GtkWidget *widget);

void scope_gtk_copy (GtkWidget *widget, const char *text);

/* The window around it, or NULL */
GtkWindow *scope_gtk_get_window (GtkWidget *widget);
