/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scope-running: asks the service of a connection that is up, over the system bus, what it knows of its network. */
#pragma once

#include <NetworkManager.h>
#include <json-glib/json-glib.h>

/**
 * scope_running_status:
 * @network: its local name
 * @error: %NM_CONNECTION_ERROR: it is not up, or not this user's
 *
 * Waits for the answers, some seconds at most.
 *
 * Returns: (transfer full): see scope_describe()
 */
JsonObject *scope_running_status (const char *network, GError **error);
