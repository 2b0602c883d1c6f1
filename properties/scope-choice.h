/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-choice: a setting that is one of a few values. The combo box of the page has its value; in GTK 4 a drop-down is seen in
 * the place of that, since its combo boxes tell those who do not see neither what is chosen nor what there is to choose (4.8 to 4.18).
 */
#pragma once

#include <gtk/gtk.h>

/* To be called once for each combo box without an entry; @label is the text beside it. */
void scope_choice_init (GtkWidget *combo, GtkWidget *label);

/* One more choice, which is called as its value */
void scope_choice_add (GtkWidget *combo, const char *value);

/* What is seen of a field's widget: itself, but for choices in GTK 4 */
GtkWidget *scope_choice_get_seen (GtkWidget *widget);
