/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-plugin: what NetworkManager talks to: an NMVpnServicePlugin that starts and stops one engine
 * and reports it as Config, Ip4Config, Ip6Config and failures.
 */
#pragma once

#include <NetworkManager.h>

#define SCOPE_TYPE_PLUGIN (scope_plugin_get_type ())
G_DECLARE_FINAL_TYPE (ScopePlugin, scope_plugin, SCOPE, PLUGIN, NMVpnServicePlugin)

/**
 * scope_plugin_new:
 * @bus: the system bus
 * @bus_name: name to own, as NetworkManager asked for with --bus-name
 *
 * Signal "idle": a connection has ended and left nothing behind.
 */
ScopePlugin *scope_plugin_new (GDBusConnection *bus, const char *bus_name, GError **error);

/* Nobody waits for the answer any more: the activation has ended. */
void scope_plugin_forget_question (ScopePlugin *plugin);

/* Whether an engine runs or is still being stopped, or a person is being asked. */
gboolean scope_plugin_is_busy (ScopePlugin *plugin);
