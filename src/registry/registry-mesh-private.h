/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-mesh-private: between registry-mesh.c (a network as a whole), registry-mesh-restore.c (what the store
 * has of it), registry-mesh-root.c (what its root says) and registry-mesh-members.c (what members have and say).
 */
#pragma once

#include "registry/registry-mesh.h"

#include <json-glib/json-glib.h>

#define REGISTRY_CEILING_STEP 10000

/* Something is to be stored and published; @durable as in RegistryChangedFunc. */
void registry_mesh_changed (RegistryMesh *mesh, gboolean durable);

/* A change of who is there, or where. @change: RegistryChange bits */
void registry_mesh_touch (RegistryMesh *mesh, RegistryMember *member, guint change);

/* The payload of an envelope that was verified before it was stored; NULL for none. @kid: (out) (optional) */
JsonObject *registry_mesh_payload (const char *text, char **kid);
gint64 registry_mesh_integer (JsonObject *object, const char *name);

/* Reads the store; the network is as it was, and its next revisions are above all that were told. */
gboolean registry_mesh_restore (RegistryMesh *mesh, gint64 now, GError **error);

/* @text: verified. FALSE when it is not a grant at all. */
gboolean registry_mesh_note_grant (RegistryMesh *mesh, RegistryMember *member, const char *text);
/* @endpoint: (nullable): the first one */
void registry_mesh_note_record (RegistryMember *member, const char *text, guint64 sequence, gint64 expires,
                                ScopeRole role, const char *endpoint);
/* SHA-256 of a record's text: 32 bytes */
void registry_mesh_digest (const char *text, guint8 *out);

/* Verifies and keeps it. @fingerprint: (out) (optional): of the delegate, when it counts now, and is to be stored */
gboolean registry_mesh_add_delegation (RegistryMesh *mesh, const char *text, gint64 now, char **fingerprint,
                                       GError **error);
/* Addresses are given from the pool of the delegation that is valid now. */
void registry_mesh_use_pool (RegistryMesh *mesh, gint64 now);
