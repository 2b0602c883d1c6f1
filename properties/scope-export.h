/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-export: writes a connection to a file, as a profile (scope-profile.h), or, where its name ends in ".conf", for
 * wg-quick(8) on a host without Scope (common/scope-wg-quick.h). Neither has secrets in it: such a file is handed on.
 */
#pragma once

#include <NetworkManager.h>

/**
 * scope_export_file:
 * @path: a file to make or to replace; it appears whole or not at all, with mode 0600
 * @notes: (element-type utf8) (nullable): gets lines that the person who exports should read
 * @error: %NM_CONNECTION_ERROR if @connection is not ours or wrong, or a WireGuard host cannot be in its network;
 *   %G_FILE_ERROR; begins with the file's name
 */
gboolean scope_export_file (const char *path, NMConnection *connection, GPtrArray *notes, GError **error);

/* A file name for a connection, newly allocated: its id with safe characters, and our suffix. */
char *scope_export_filename (NMConnection *connection);
