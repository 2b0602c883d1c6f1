/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-report: an engine that is up, as NetworkManager hears of it: Config, and Ip4Config and Ip6Config where it is to
 * configure the interface itself.
 */
#pragma once

#include "peer/scope-engine.h"

#include <NetworkManager.h>

/* FALSE when there is no address outside to name as the gateway, without which NetworkManager takes no VPN. */
gboolean scope_report (NMVpnServicePlugin *plugin, ScopeEngine *engine);
