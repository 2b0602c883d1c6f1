/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-parse: the members of a configuration file one by one, and the problems with them, each with its line.
 * Internal to registry-config and registry-config-networks.
 */
#pragma once

#include "registry/registry-config.h"

#include <json-glib/json-glib.h>

/* @lines: path → line; @base: (nullable): see registry_config_parse() */
typedef struct {
  GPtrArray *problems;
  GHashTable *lines;
  const char *base;
} RegistryParse;

void registry_parse_report (RegistryParse *parse, gboolean warning, const char *field, const char *format, ...)
    G_GNUC_PRINTF (4, 5);
#define registry_wrong(parse, ...) registry_parse_report (parse, FALSE, __VA_ARGS__)
#define registry_warn(parse, ...) registry_parse_report (parse, TRUE, __VA_ARGS__)

/* For scope_json_walk(); @user_data: RegistryParse */
void registry_parse_note_line (const char *path, guint line, gpointer user_data);

/* @object: (nullable) */
JsonNode *registry_parse_member (JsonObject *object, const char *name);

/* @node: (nullable): then NULL or the fallback, and no problem. What is returned is borrowed. */
const char *registry_parse_string (RegistryParse *parse, JsonNode *node, const char *field);
guint registry_parse_number (RegistryParse *parse, JsonNode *node, const char *field, guint min, guint max,
                             guint fallback);
gboolean registry_parse_boolean (RegistryParse *parse, JsonNode *node, const char *field);
JsonObject *registry_parse_object (RegistryParse *parse, JsonNode *node, const char *field);
/* @example: of an element; @max: elements */
JsonArray *registry_parse_array (RegistryParse *parse, JsonNode *node, const char *field, const char *example,
                                 guint max);

/* An absolute path, newly allocated. */
char *registry_parse_file (RegistryParse *parse, JsonObject *root, const char *name);

/* Warns of members that are not in @known. @object: (nullable) */
void registry_parse_names (RegistryParse *parse, JsonObject *object, const char *path, const char *const *known);
