/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-unmanaged: tells NetworkManager, over D-Bus, that a tunnel's device is not one to look after. It would make a connection
 * of its own of it, named like the device, and people would see the network twice. Addresses, routes and DNS
 * come with the VPN connection as before (1.42), and the device's next life begins anew.
 */
#pragma once

#include <glib.h>

typedef struct _ScopeUnmanaged ScopeUnmanaged;

/**
 * scope_unmanaged_new:
 * @settled: once: NetworkManager knows; or it does not answer in time, and nothing hangs on it. Until then the device
 *   should be down, since NetworkManager takes those that go up. It may free.
 *
 * Begins now, and waits for the device if NetworkManager does not know it yet.
 */
ScopeUnmanaged *scope_unmanaged_new (const char *ifname, void (*settled) (gpointer data), gpointer data);
void scope_unmanaged_free (ScopeUnmanaged *unmanaged);
