/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-network: one network: reads its WireGuard device, and keeps the answer that all callers
 * share until it is old, or an update says that it is.
 */
#pragma once

#include "registry/registry-config.h"
#include "tunnel/scope-wg.h"
#include "wire/scope-roster.h"

#define REGISTRY_NETWORK_WINDOW_MSEC 5000 /* an answer lasts: as 0.0.x */
#define REGISTRY_NETWORK_BURST 5          /* readings at once when updates come */
#define REGISTRY_NETWORK_SPACING_MSEC 100 /* then one per this time, however many updates come */
#define REGISTRY_NETWORK_RECHECK_MSEC 200
#define REGISTRY_NETWORK_RETRY_MSEC 1000 /* after a reading that failed */

/* As scope_wg_device_read(); tests have their own. */
typedef ScopeWgDevice *(*RegistryReadFunc) (const char *ifname, ScopeWgBackend *backend, GError **error);

typedef struct _RegistryNetwork RegistryNetwork;

RegistryNetwork *registry_network_new (const char *name, RegistryReadFunc read);
void registry_network_free (RegistryNetwork *network);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RegistryNetwork, registry_network_free)

/* @config: borrowed until the next call; what is known goes stale */
void registry_network_configure (RegistryNetwork *network, const RegistryNetworkConfig *config);

const char *registry_network_get_name (const RegistryNetwork *network);

/* Something changed: the next refresh reads anew. */
void registry_network_mark_stale (RegistryNetwork *network);

/**
 * registry_network_refresh:
 * @now: monotonic time, µs
 *
 * Reads the device if it is time to.
 *
 * Returns: 0 when what is known is fresh, else the milliseconds until it may be read again: ask then
 */
guint registry_network_refresh (RegistryNetwork *network, gint64 now);

/**
 * registry_network_recheck:
 *
 * Somebody asks who is not listed: perhaps since a moment ago. Reads if what is known is older than
 * REGISTRY_NETWORK_RECHECK_MSEC, so that strangers cause one reading in that time at most.
 *
 * Returns: as registry_network_refresh()
 */
guint registry_network_recheck (RegistryNetwork *network, gint64 now);

/* Whether the last reading was good; @error says what was wrong. */
gboolean registry_network_is_up (const RegistryNetwork *network, const char **error);

/**
 * registry_network_find:
 * @text: a key as it came in a path: base64 or base64url; "/" may have got lost beside another
 *
 * Returns: (transfer none) (nullable): the entry, %NULL for a key that is not listed
 */
ScopeRosterPeer *registry_network_find (const RegistryNetwork *network, const char *text);
gboolean registry_network_lists (const RegistryNetwork *network, const ScopeKey *key);

/* The answer to GET /get; NULL when the device was never read. Borrowed. */
GBytes *registry_network_get_answer (const RegistryNetwork *network);

/* NULL when the device was never read. Borrowed. */
const ScopeRoster *registry_network_get_roster (const RegistryNetwork *network);

/* How often the device was read. */
guint registry_network_get_readings (const RegistryNetwork *network);
