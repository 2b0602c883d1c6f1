/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-wg-quick: a network of 0.0.x as wg-quick(8) wants it, for a host with WireGuard and without Scope. Who is in it comes
 * from a service that is up (its GetStatus): a profile does not know. Without secrets: wg-quick takes them from files
 * beside it. Pure.
 */
#pragma once

#include "common/scope-settings.h"

#include <json-glib/json-glib.h>

/**
 * scope_wg_quick_format:
 * @settings: (nullable): the profile whose own host it is for: its port, DNS, MTU, keepalive, routes, exit
 * @status: what the service says: see scope_describe()
 * @who: (nullable): the listed key that it is for; else the service's own
 * @now: seconds since 1970
 * @error: SCOPE_ERROR_INVALID where a plain WireGuard host cannot be in the network, SCOPE_ERROR_NOT_LISTED
 *
 * Returns: (transfer full): the file's text, or %NULL
 */
char *scope_wg_quick_format (const ScopeSettings *settings, JsonObject *status, const ScopeKey *who, gint64 now,
                             GError **error);

/* SCOPE_ERROR_INVALID for a network with a root key, or a profile without a tunnel of its own. */
gboolean scope_wg_quick_possible (const ScopeSettings *settings, GError **error);
