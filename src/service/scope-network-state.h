/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-network-state: what scope_describe() says, as the properties of org.freedesktop.NetworkManager.scope.Network. Pure.
 * Nothing that changes by itself is in them (bytes, ages, round trips): a change of them is news.
 */
#pragma once

#include <json-glib/json-glib.h>

/**
 * scope_network_state_new:
 * @status: of scope_describe(); an empty object when no connection is up
 *
 * Returns: (transfer full): a{sv}, not floating: Network s, Interface s, Registry b, Role s, Nat s, Attachment s,
 *   Peers aa{sv}; what is not known is an empty string
 */
GVariant *scope_network_state_new (JsonObject *status);

/* (transfer full): names of the properties of @after that are others in @before; NULL-terminated, perhaps empty */
char **scope_network_state_diff (GVariant *before, GVariant *after);
