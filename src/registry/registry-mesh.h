/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-mesh: one v1 network: what its root said, who is a member, who is connected. Every change goes
 * through here: into memory, into the store (registry-store), and to those who are connected
 * (registry-publish), in this order: nobody hears of what could still be lost.
 *
 * Times: @now is ms since 1970 unless it is said otherwise.
 */
#pragma once

#include "registry/registry-addresses.h"
#include "registry/registry-config.h"
#include "registry/registry-members.h"
#include "registry/registry-store.h"

#define REGISTRY_GRANT_SECONDS (30 * 24 * 3600)
#define REGISTRY_OBSERVED_MSEC 5000 /* between two changes of what others are told of a member's endpoints */
#define REGISTRY_PRESUMED_MSEC 60000 /* who was there before a restart may take so long to come back */
#define REGISTRY_JUMP_MSEC 3600000 /* between two sweeps: the clock was set, or all stood still */
#define REGISTRY_PATIENCE_MSEC 86400000 /* after that, and after a start: nobody is away for too long */

typedef struct _RegistryV1Session RegistryV1Session;
typedef struct _RegistryMesh RegistryMesh;
typedef struct _RegistryPaths RegistryPaths;

/**
 * RegistryChangedFunc:
 * @durable: somebody waits until it is stored; without, it may be lost in a crash
 *
 * Something is to be stored, and then published.
 */
typedef void (*RegistryChangedFunc) (RegistryMesh *mesh, gboolean durable, gpointer user_data);

/**
 * RegistryMesh:
 * @config: borrowed
 * @id: in the store
 * @delegations: fingerprint → envelope
 * @sessions: (element-type RegistryV1Session): whose hello was good
 * @paths: of relays
 * @published: all sessions that are live know of the changes up to this revision
 * @kept, @started: revisions between them were perhaps told before the start, and lost
 * @dirty: there is something to publish
 * @swept: the last time; @patient_until: until then nobody is removed for having been away
 */
struct _RegistryMesh {
  char *name;
  char *root; /* fingerprint */
  RegistryStore *store;
  const RegistryNetworkConfig *config;
  RegistryChangedFunc changed;
  gpointer user_data;

  gint64 id;
  char *generation;
  ScopeAuthority *authority;
  GHashTable *delegations;
  char *revocation;
  char *kill;
  guint64 kill_counter;
  gint64 kill_issued;

  RegistryMembers *members;
  RegistryAddresses *addresses;
  GPtrArray *sessions;
  RegistryPaths *paths;
  guint64 published;
  guint64 ceiling;
  guint64 floor;
  guint64 kept;
  guint64 started;
  gboolean dirty;
  gint64 presumed_until;
  gint64 swept;
  gint64 patient_until;
};

/* @config: borrowed until the next registry_mesh_configure(); with its file. @store: borrowed */
RegistryMesh *registry_mesh_new (RegistryStore *store, const RegistryNetworkConfig *config, gint64 now,
                                 RegistryChangedFunc changed, gpointer user_data, GError **error);
/* Its sessions must be gone. */
void registry_mesh_free (RegistryMesh *mesh);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RegistryMesh, registry_mesh_free)

/* The same root, else it is another network. Sessions stay, unless it is killed now. */
void registry_mesh_configure (RegistryMesh *mesh, const RegistryNetworkConfig *config, gint64 now);

/* The registry's own delegation that is valid now, or NULL. */
const ScopeDelegation *registry_mesh_delegation (const RegistryMesh *mesh, gint64 now);

/* The delegations that are valid now: envelopes, NULL-terminated. */
char **registry_mesh_delegations (const RegistryMesh *mesh, gint64 now);

/* Whether @delegation allows single addresses in @ranges, and @role. @ranges: (element-type ScopePrefix) */
gboolean registry_delegation_allows (const ScopeDelegation *delegation, ScopeRole role, const GArray *ranges);

/* Whether what @member holds is good now, as peers judge it. */
gboolean registry_mesh_holds (const RegistryMesh *mesh, const RegistryMember *member, gint64 now);

/* What the store has of @member. Copies, freed with g_free(); each is optional. */
gboolean registry_mesh_read (const RegistryMesh *mesh, const RegistryMember *member, char **grant, char **record,
                             char **kex, char **identity);

/**
 * registry_mesh_put_grant:
 * @identity: text
 * @grant: verified
 *
 * Adds the member when it is not there. Who held @key, or an address of it, on a delegate's word makes room.
 */
RegistryMember *registry_mesh_put_grant (RegistryMesh *mesh, const char *fingerprint, const char *identity,
                                         const ScopeKey *key, const char *grant, RegistryAdmitted how, gint64 now);

/**
 * registry_mesh_put_record:
 * @error: SCOPE_ERROR_DENIED, SCOPE_ERROR_PROTOCOL
 *
 * Returns: whether it is good; also when it is not a new one
 */
gboolean registry_mesh_put_record (RegistryMesh *mesh, RegistryMember *member, const ScopeIdentityPublic *identity,
                                   const char *record, gint64 now, GError **error);
gboolean registry_mesh_put_kex (RegistryMesh *mesh, RegistryMember *member, const ScopeIdentityPublic *identity,
                                const char *kex, gint64 now, GError **error);

/* @member has a session now, or has none any more. */
void registry_mesh_arrive (RegistryMesh *mesh, RegistryMember *member, gint64 now);
void registry_mesh_depart (RegistryMesh *mesh, RegistryMember *member, gint64 now);

/* Where @reporter sees @member. */
void registry_mesh_report (RegistryMesh *mesh, const RegistryMember *reporter, RegistryMember *member,
                           const char *endpoint, gint64 now);
/* What others are told of it, when that has changed, and not too often. */
void registry_mesh_observe (RegistryMesh *mesh, RegistryMember *member, gint64 now);

/* @member is no longer one. Its session, if any, ends with @code. */
void registry_mesh_remove (RegistryMesh *mesh, RegistryMember *member, const char *code);

/* What the root says; FALSE without an error: a counter that is not higher. @text: envelope */
gboolean registry_mesh_put_delegation (RegistryMesh *mesh, const char *text, gint64 now, GError **error);
gboolean registry_mesh_put_revocation (RegistryMesh *mesh, const char *text, gint64 now, GError **error);
gboolean registry_mesh_put_kill (RegistryMesh *mesh, const char *text, gint64 now, GError **error);

/* What time does; registry-v1 calls it every second, and with @thorough once in a while. */
void registry_mesh_sweep (RegistryMesh *mesh, gboolean thorough, gint64 now);
