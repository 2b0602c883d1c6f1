/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-network: what local users may read of a running service over the system bus:
 * org.freedesktop.NetworkManager.scope.Network at SCOPE_NETWORK_PATH.
 *
 * Who may: root, and whom NetworkManager lets see the profile (its connection.permissions; all users where it has
 * none). So the signal of a change, which everybody on the bus may hear, names properties and says no values.
 *
 * It costs nothing while nobody looks: only after somebody has read is the state compared with what was read, and a
 * change is told once, until somebody reads again. Counters and measures are no change.
 */
#pragma once

#include <gio/gio.h>

#define SCOPE_NETWORK_PATH "/org/freedesktop/NetworkManager/scope/Network"
#define SCOPE_NETWORK_INTERFACE "org.freedesktop.NetworkManager.scope.Network"

/**
 * ScopeNetworkCalls:
 * @describe: (transfer full): JSON, see scope_describe(); "{}" when nothing is up
 * @may_read: a user that is not root
 */
typedef struct {
  char *(*describe) (gpointer data);
  gboolean (*may_read) (uid_t uid, gpointer data);
} ScopeNetworkCalls;

typedef struct _ScopeNetwork ScopeNetwork;

/* @calls: borrowed. Before the bus name is owned. */
ScopeNetwork *scope_network_new (GDBusConnection *bus, const ScopeNetworkCalls *calls, gpointer data, GError **error);
void scope_network_free (ScopeNetwork *network);

/* There may be something else to read now. */
void scope_network_news (ScopeNetwork *network);
