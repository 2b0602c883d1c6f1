/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-editor: what its files share. -field: one setting and its widget; -keys: keys, and how they are shown; -registry: the
 * mark beside the registry, and the list of networks.
 */
#pragma once

#include "scope-check.h"
#include "scope-editor.h"
#include "scope-model.h"

#include <gtk/gtk.h>

typedef struct {
  const ScopeSettingInfo *info;
  GtkWidget *widget;  /* of a combo box with an entry, that; NULL: the page has none, and the setting is kept */
  GtkWidget *message; /* below it */
  GtkExpander *group; /* (nullable): that it is in */
  gboolean seen;      /* a person has been there: what is missing may be told */
} ScopeField;

#define SCOPE_TYPE_EDITOR (scope_editor_get_type ())
G_DECLARE_FINAL_TYPE (ScopeEditor, scope_editor, SCOPE, EDITOR, GObject)

struct _ScopeEditor {
  GObject parent;
  GtkBuilder *builder;
  GtkWidget *page;
  ScopeModel *model;
  ScopeField *fields; /* as scope_setting_infos */
  gboolean busy;      /* writing to widgets: what they signal is no news */
  ScopeCheck *check;
  char *asked;        /* the registry and certificate of the last question */
  char **networks;    /* (nullable): what the registry has */
  GtkNativeDialog *chooser;
};

/* A widget of the page, by id */
GtkWidget *scope_editor_get (ScopeEditor *self, const char *id);

/* The text, now, of the setting @name */
const char *scope_editor_get_text (ScopeEditor *self, const char *name);

/* Something is different: shows what is wrong, and tells the host. */
void scope_editor_changed (ScopeEditor *self);

/* From the model into the page, from the page into the model */
void scope_field_show (ScopeEditor *self, ScopeField *field);
void scope_field_connect (ScopeEditor *self, ScopeField *field);
void scope_field_mark (ScopeEditor *self, ScopeField *field);
ScopeField *scope_field_find (ScopeEditor *self, const char *name);

void scope_editor_keys_init (ScopeEditor *self);
void scope_editor_keys_update (ScopeEditor *self);

void scope_editor_registry_init (ScopeEditor *self);
void scope_editor_registry_update (ScopeEditor *self);
void scope_editor_registry_end (ScopeEditor *self);
