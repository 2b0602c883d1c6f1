/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scope-invite: a connection out of an invite (common/scope-invite-file.h). */
#pragma once

#include <NetworkManager.h>

/**
 * scope_invite_decode:
 * @data: the file's content, need not end with a NUL
 * @now: seconds since 1970
 * @notes: (element-type utf8) (nullable): what was ignored, and until when the invite is good
 * @error: %NM_CONNECTION_ERROR; the message names the field
 *
 * Returns: (transfer full): a connection without a UUID, with the token as a secret of the system's, or %NULL
 */
NMConnection *scope_invite_decode (const char *data, gsize len, gint64 now, GPtrArray *notes, GError **error);
