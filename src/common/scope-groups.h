/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-groups: a file of groups and keys (a GKeyFile) from anybody, strictly: what GLib alone lets pass, a key or a
 * group that is there twice for one, is a mistake of somebody here, and the message says in which line it is. It never
 * quotes a line, which may hold a secret: GLib's own messages do.
 */
#pragma once

#include <glib.h>

/**
 * scope_groups_load:
 * @data: the file's content, need not end with a NUL
 * @error: SCOPE_ERROR_INVALID, with the number of the line
 *
 * Returns: (transfer full): the file, or %NULL
 */
GKeyFile *scope_groups_load (const char *data, gsize len, GError **error);

/**
 * scope_groups_get:
 * @value: (out) (transfer full) (nullable): free a secret with scope_secret_free(); %NULL when the key is not there
 * @why: (out) (nullable): what is wrong with it, for people; then there is no value
 */
void scope_groups_get (GKeyFile *file, const char *group, const char *key, char **value, const char **why);

/**
 * scope_groups_note_unknown:
 * @known: (array zero-terminated=1): names of groups
 * @notes: (element-type utf8) (nullable): gets a line for each other group, which has no effect
 */
void scope_groups_note_unknown (GKeyFile *file, const char *const *known, GPtrArray *notes);
