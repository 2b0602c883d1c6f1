/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-portmap: asks the router of the base connection for a UDP port that leads to ours: NAT-PMP (RFC 6886, libnatpmp) first,
 * which answers in milliseconds or not at all, then UPnP-IGD (miniupnpc). Renewed at half of its time, asked for anew when the
 * base connection changes, given back at the end. The libraries wait for answers, so a thread asks, and only while it asks.
 *
 * It costs a few packets to the router and one to the LAN's multicast group, and opens a port to everybody: only for those who
 * need it, or are told to.
 */
#pragma once

#include <glib.h>

typedef struct _ScopePortmap ScopePortmap;

/* @endpoint: (nullable): "203.0.113.5:51820", where we are reached; NULL when there is none any more. Called on a change only */
typedef void (*ScopePortmapChanged) (const char *endpoint, gpointer data);

/**
 * scope_portmap_new:
 * @port: ours; the same is asked for outside
 * @except: (nullable): the tunnel's own interface, whose routes do not count
 */
ScopePortmap *scope_portmap_new (guint16 port, const char *except, ScopePortmapChanged changed, gpointer data);

/* Gives the port back, which may take a fifth of a second. */
void scope_portmap_free (ScopePortmap *portmap);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopePortmap, scope_portmap_free)

/* Another base connection, or awake again. */
void scope_portmap_kick (ScopePortmap *portmap);
