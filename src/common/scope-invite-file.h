/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-invite-file: what a new member is handed: a keyfile with the group [scope-invite] that says where the
 * registry is, which root key the network has, and a token that opens the door once. scopectl writes it, the
 * import makes a connection out of it, see nm-settings-scope(5).
 */
#pragma once

#include <glib.h>

#define SCOPE_INVITE_GROUP "scope-invite" /* the magic: always the first group */
#define SCOPE_INVITE_VERSION 1
#define SCOPE_INVITE_FILE_MAX (16 * 1024) /* bytes */

/**
 * ScopeInviteFile:
 * @registry: URLs as in the setting
 * @root: the root key's fingerprint
 * @token: secret
 * @expires: seconds since 1970
 * @name: (nullable): what the new member will be called
 * @pq, @ca: (nullable): as the settings
 */
typedef struct {
  char *registry;
  char *network;
  char *root;
  char *token;
  gint64 expires;
  char *name;
  char *pq;
  char *ca;
} ScopeInviteFile;

void scope_invite_file_free (ScopeInviteFile *invite);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeInviteFile, scope_invite_file_free)

/**
 * scope_invite_file_parse:
 * @data: the file's content, need not end with a NUL
 * @now: seconds since 1970
 * @notes: (element-type utf8) (nullable): gets a line for each key that was ignored
 * @error: SCOPE_ERROR_INVALID: the message names the field; also when it has expired
 *
 * Returns: (transfer full): checked, or %NULL
 */
ScopeInviteFile *scope_invite_file_parse (const char *data, gsize len, gint64 now, GPtrArray *notes, GError **error);

/* The file's content; has the token in it, so free it with scope_secret_free(). */
char *scope_invite_file_format (const ScopeInviteFile *invite);

/* Whether a member may be called so: 1 to 64 characters, none of them a control character. */
gboolean scope_member_name_valid (const char *name);
