/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-paths: what relays of a v1 network report of their links (data/protocol.md, section 9): the table of paths
 * for all of them, and which of them are pipes. scope-table and scope-tier decide; here are their clock, the one timer
 * (none while nothing can change), and what is told to whom. Nothing of it is stored.
 */
#pragma once

#include "registry/registry-limits.h"
#include "registry/registry-mesh.h"
#include "wire/scope-v1.h"

#define REGISTRY_PATHS_STEP_MSEC 10000
#define REGISTRY_PATHS_PLAN_MSEC 2000 /* planned changes hold so long after they are told; and come no faster */
/* Losses: tables a second, and at once; and bytes of them to all. */
#define REGISTRY_PATHS_TABLES 1
#define REGISTRY_PATHS_TABLES_BURST 20
#define REGISTRY_PATHS_BYTES (4 * 1024 * 1024)
#define REGISTRY_PATHS_BYTES_BURST (256 * 1024 * 1024)
/* Links that a relay reports a second, and at once. */
#define REGISTRY_PATHS_LINKS 1024
#define REGISTRY_PATHS_LINKS_BURST 16384

/* @mesh: borrowed */
RegistryPaths *registry_paths_new (RegistryMesh *mesh);
void registry_paths_free (RegistryPaths *paths);

/* @member came, left, or has another record or grant. */
void registry_paths_note (RegistryPaths *paths, const RegistryMember *member);
/* This key is no member's any more. */
void registry_paths_forget (RegistryPaths *paths, const ScopeKey *key);

gboolean registry_paths_is_pipe (const RegistryPaths *paths, const RegistryMember *member);

/* @bucket: of the session */
void registry_paths_report (RegistryPaths *paths, const RegistryMember *member, const ScopeV1Message *report,
                            RegistryBucket *bucket);

/* What is to be told now, to all who know their roster. */
void registry_paths_publish (RegistryPaths *paths);

/**
 * registry_paths_frame:
 * @known: revision that the session has, 0 for none; (out): the frame's
 *
 * Returns: (transfer none) (nullable): the table as it was told last, when it is for @member and a newer one
 */
GBytes *registry_paths_frame (RegistryPaths *paths, const RegistryMember *member, guint64 *known);

/* (transfer none) (element-type ScopeLatency): as they were told last */
const GArray *registry_paths_links (const RegistryPaths *paths);

/* Appends the table as it was told last, as the data of a `paths` message. */
void registry_paths_append (const RegistryPaths *paths, GString *out);

/* For tests: so much time passes, with its steps. */
void registry_paths_advance (RegistryPaths *paths, gint64 msec);
/* Whether there is a timer. */
gboolean registry_paths_is_ticking (const RegistryPaths *paths);
