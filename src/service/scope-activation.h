/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-activation: tells when NetworkManager no longer wants the activation that it has started this
 * service for.
 *
 * Until Connect nobody else does: a connection that is taken down while its service starts gets no
 * Disconnect, as there is no bus name yet to send it to. NetworkManager 1.42 does worse when the name
 * appears while its pre-down scripts still run: it forgets that the connection goes down, and brings it up.
 */
#pragma once

#include <gio/gio.h>

typedef struct _ScopeActivation ScopeActivation;
typedef void (*ScopeActivationEnded) (gpointer data);

/**
 * scope_activation_new:
 * @bus_name: as NetworkManager gave it; its end is the number of the active connection
 * @ended: called once, when the connection goes down, is not there, or NetworkManager itself is not
 *
 * To be made before the bus name is owned: then @ended is called ahead of everything that NetworkManager
 * asks for when it sees the name.
 *
 * Returns: (nullable): NULL when the name is not one of an active connection: a service started by hand
 */
ScopeActivation *scope_activation_new (GDBusConnection *bus, const char *bus_name, ScopeActivationEnded ended,
                                       gpointer data);
/**
 * scope_activation_deactivate:
 *
 * Asks NetworkManager to take the active connection down, as a user would: a connection that only fails is brought
 * up again when it is persistent (vpn.persistent, 1.42).
 *
 * Returns: FALSE when @bus_name is not one of an active connection
 */
gboolean scope_activation_deactivate (GDBusConnection *bus, const char *bus_name);

void scope_activation_free (ScopeActivation *self);
