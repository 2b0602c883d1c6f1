/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-autoconnect: connection.autoconnect, which NetworkManager heeds for devices but not for VPNs (nm-settings(5)).
 *
 * The dispatcher script runs it when there is a base connection. It activates what has been up before, and not yet since
 * NetworkManager's start: so a network is there after a boot, stays down when a person takes it down, and also
 * after a boot when its root key did. A profile that is only for some users is left to them.
 */
#pragma once

#include <gio/gio.h>

/* Kept in STATEDIR/<uuid>.started; what cannot be kept is a debug line. */
void scope_autoconnect_note_started (GDBusConnection *bus, const char *uuid);
void scope_autoconnect_note_killed (const char *uuid);

/* Returns when NetworkManager has taken what is to be activated; the exit status. */
int scope_autoconnect_run (void);
