/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-json: JSON from outside, strictly as RFC 8259 has it, bounded in size and depth before
 * json-glib sees it. json-glib alone recurses without a limit (1.6 to 1.8: a megabyte of "[" ends the
 * process), takes comments, JavaScript assignments and trailing commas, and does not know lines.
 */
#pragma once

#include <json-glib/json-glib.h>

#define SCOPE_JSON_MAX_DEPTH 32

/**
 * ScopeJsonVisit:
 * @path: where the value is: "self.interface-1.end", "networks[2]", "" for the whole
 * @line: where the member's name, or the element, begins; from 1
 */
typedef void (*ScopeJsonVisit) (const char *path, guint line, gpointer user_data);

/**
 * scope_json_walk:
 * @visit: (nullable): called for each value, parents first
 * @line: (out) (optional): on failure, the line of the first wrong byte
 * @error: SCOPE_ERROR_PROTOCOL
 *
 * Returns: whether @text is one JSON value
 */
gboolean scope_json_walk (const char *text, gsize len, ScopeJsonVisit visit, gpointer user_data, guint *line,
                          GError **error);

/**
 * scope_json_parse_object:
 * @max: bytes to accept
 * @error: SCOPE_ERROR_PROTOCOL
 *
 * Returns: (transfer full): the object, or %NULL when @text is anything else
 */
JsonObject *scope_json_parse_object (const char *text, gsize len, gsize max, GError **error);

/**
 * scope_json_parse_object_strict:
 *
 * As scope_json_parse_object(), and no object in it has two members of one name: json-glib takes the last,
 * others the first, and what is signed must mean one thing. All numbers are finite: it can be written again.
 */
JsonObject *scope_json_parse_object_strict (const char *text, gsize len, gsize max, GError **error);

/* The member when it is a string, else NULL. Borrowed. */
const char *scope_json_get_string (JsonObject *object, const char *name);

/* The member when it is an array, else NULL. Borrowed. */
JsonArray *scope_json_get_array (JsonObject *object, const char *name);

/* Appends @text as a JSON string with its quotes; what is not UTF-8 becomes U+FFFD. */
void scope_json_append_string (GString *out, const char *text);
