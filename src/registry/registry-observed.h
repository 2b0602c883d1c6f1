/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-observed: where others say that they see a member. One voice each; those of relays and masters
 * count before those of edges, new ones before old ones. Pure. Not signed: only a hint where to try.
 */
#pragma once

#include "common/scope-key.h"

#define REGISTRY_REPORTS_MAX 32 /* kept per member */
#define REGISTRY_OBSERVED_MAX 16 /* told */

typedef struct _RegistryReports RegistryReports;

RegistryReports *registry_reports_new (void);
void registry_reports_free (RegistryReports *reports);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RegistryReports, registry_reports_free)

/**
 * registry_reports_add:
 * @trusted: the reporter is a relay or a master
 * @endpoint: what is not an address and a port is ignored
 * @now: any clock that rises
 */
void registry_reports_add (RegistryReports *reports, const ScopeKey *reporter, gboolean trusted, const char *endpoint,
                           gint64 now);

/**
 * registry_reports_list:
 * @reports: (nullable)
 * @last: (nullable): a candidate to end with
 *
 * Returns: (transfer full): endpoints, each once, NULL-terminated
 */
char **registry_reports_list (const RegistryReports *reports, const char *last);
