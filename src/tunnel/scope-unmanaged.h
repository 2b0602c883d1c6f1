/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-unmanaged: tells NetworkManager, over D-Bus, that a TUN device is not one to look after. It would make a connection
 * of its own of it, named like the device, and people would see the network twice. Addresses, routes and DNS
 * come with the VPN connection as before (1.42), and the device's next life begins anew.
 */
#pragma once

typedef struct _ScopeUnmanaged ScopeUnmanaged;

/* Begins now, and waits for the device if NetworkManager does not know it yet. Nothing hangs on it. */
ScopeUnmanaged *scope_unmanaged_new (const char *ifname);
void scope_unmanaged_free (ScopeUnmanaged *unmanaged);
