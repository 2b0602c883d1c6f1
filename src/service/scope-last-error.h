/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-last-error: why a connection did not start, or ended, kept where it can be read when its service has gone
 * (scopectl local does), see common/scope-failure.h. All users may read it where they may see the profile (no connection.permissions).
 */
#pragma once

#include <NetworkManager.h>

/* A failure to keep it is a debug line: there is another one that matters more. */
void scope_last_error_keep (NMConnection *connection, const GError *error);

/* It has started. */
void scope_last_error_forget (NMConnection *connection);

/* One word for @error, for scripts: "invite", "unreachable", … */
const char *scope_last_error_kind (const GError *error);
