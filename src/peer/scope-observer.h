/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-observer: tells the registry where our WireGuard sees the others: that is how a peer behind a NAT
 * gets an endpoint that the rest can use. It looks shortly after something has changed, then seldom.
 */
#pragma once

#include "tunnel/scope-tunnel.h"

typedef struct _ScopeObserver ScopeObserver;

/* Sends a frame; FALSE when there is no session. */
typedef gboolean (*ScopeObserverSend) (const char *text, gpointer data);

ScopeObserver *scope_observer_new (ScopeObserverSend send, gpointer data);
void scope_observer_free (ScopeObserver *observer);

void scope_observer_set_tunnel (ScopeObserver *observer, ScopeTunnel *tunnel);

/* Somebody has come or moved: look a few times soon. */
void scope_observer_wake (ScopeObserver *observer);

/* Two records of one peer that contradict each other. @fork: (transfer full): their envelopes */
void scope_observer_report_fork (ScopeObserver *observer, char *fork[2]);

/* Another session: what was said before is forgotten there. */
void scope_observer_reset (ScopeObserver *observer);
