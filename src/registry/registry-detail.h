/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-detail: what peers measured and uploaded with PUT /detail: kept in memory, and in a small
 * file per network when there is a state directory, so that it survives a restart.
 */
#pragma once

#include "registry/registry-network.h"

#include <json-glib/json-glib.h>

/* Measurements in all of a network's reports. */
#define REGISTRY_DETAIL_MAX_ENTRIES (256 * 1024)
#define REGISTRY_DETAIL_SAVE_SECONDS 5
#define REGISTRY_DETAIL_MAX_MSEC 1e9

typedef struct _RegistryDetail RegistryDetail;

/**
 * registry_detail_new:
 * @file: (nullable): where to keep it
 *
 * A file that cannot be read is set aside as FILE.broken, with a warning.
 */
RegistryDetail *registry_detail_new (const char *network, const char *file);
/* Saves what is not saved yet. */
void registry_detail_free (RegistryDetail *detail);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RegistryDetail, registry_detail_free)

/**
 * registry_detail_put:
 * @network: who is listed; entries about others are left out
 * @reporter: who measured; replaces its earlier report
 * @text: {"ifname", "peer": [{"pub", "sum", "mode", "leastSource"}]}
 * @field: (out): on SCOPE_ERROR_INVALID, the field that is wrong: "peer[3].sum"
 * @error: SCOPE_ERROR_INVALID, or SCOPE_ERROR_DENIED when there is no more room
 */
gboolean registry_detail_put (RegistryDetail *detail, const RegistryNetwork *network, const ScopeKey *reporter,
                              const char *text, gsize len, char **field, GError **error);

/**
 * registry_detail_get:
 * @links: (nullable) (element-type ScopeLatency): between relays of the v1 network of this name
 *
 * The roster with what @reporter measured, as JSON; of whom it did not measure, what the links say.
 */
GBytes *registry_detail_get (RegistryDetail *detail, const RegistryNetwork *network, const ScopeKey *reporter,
                             const GArray *links);
