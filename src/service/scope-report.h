/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-report: an engine that is up, as NetworkManager hears of it: Config, and Ip4Config and Ip6Config where it is to
 * configure the interface itself. And Config again, which NetworkManager takes while the connection is up (1.42): when the
 * banner has something else to say than at the start, and when firewalld has begun anew, which NetworkManager tells the zones
 * of its devices then, but not those of VPN connections.
 */
#pragma once

#include "peer/scope-engine.h"

#include <NetworkManager.h>

typedef struct _ScopeReport ScopeReport;

/* @plugin, @engine: must outlive the report. NULL when there is no address outside to name as the gateway, without which
 * NetworkManager takes no VPN. */
ScopeReport *scope_report_new (NMVpnServicePlugin *plugin, GDBusConnection *bus, ScopeEngine *engine);
void scope_report_free (ScopeReport *report);
