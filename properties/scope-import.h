/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-import: makes a VPN connection out of a file that somebody hands over. Three kinds are
 * known: edge.json of Scope 0.0.x, our own profile (scope-profile.h), and invites (scope-invite.h). Everything else is refused before
 * it is read whole, since desktops offer each file to every VPN plugin in turn.
 */
#pragma once

#include <NetworkManager.h>

#define SCOPE_IMPORT_MAX (1024 * 1024) /* bytes; larger files are none of ours */

/**
 * ScopeFileKind:
 * @SCOPE_FILE_FOREIGN: none of ours
 * @SCOPE_FILE_EDGE_JSON: JSON, so perhaps an edge.json
 * @SCOPE_FILE_PROFILE: begins with our magic group
 * @SCOPE_FILE_INVITE: begins with that of invites
 */
typedef enum {
  SCOPE_FILE_FOREIGN,
  SCOPE_FILE_EDGE_JSON,
  SCOPE_FILE_PROFILE,
  SCOPE_FILE_INVITE,
} ScopeFileKind;

/* What a file seems to be, judged by its first bytes; the beginning of a file is enough. */
ScopeFileKind scope_import_sniff (const char *data, gsize len);

/**
 * scope_import_bytes:
 * @data: a file's content, at most SCOPE_IMPORT_MAX bytes; need not end with a NUL
 * @notes: (element-type utf8) (nullable): gets lines that the person who imports should read
 * @error: %NM_CONNECTION_ERROR; the message names the field, and the line where it is one
 *
 * Returns: (transfer full): a connection without a UUID, or %NULL
 */
NMConnection *scope_import_bytes (const char *data, gsize len, GPtrArray *notes, GError **error);

/**
 * scope_import_file:
 * @path: a regular file
 * @notes: as for scope_import_bytes(); each line begins with the file's name
 * @error: %NM_CONNECTION_ERROR for what is in it, %G_FILE_ERROR if it cannot be read; begins with the file's name
 *
 * Returns: (transfer full): a connection without a UUID, or %NULL
 */
NMConnection *scope_import_file (const char *path, GPtrArray *notes, GError **error);

/**
 * scope_import_connection_new:
 * @id: what a person calls the connection
 *
 * Returns: (transfer full): a Scope connection without settings, persistent, and with the private
 * key owned by the system unless that is changed
 */
NMConnection *scope_import_connection_new (const char *id);

/* Puts a space for every control character: file content must not drive the reader's terminal. */
char *scope_import_printable (char *text);
