/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-store: what the registry must still know after a crash: one SQLite file, write-ahead log. What
 * is written between two commits belongs to one transaction; after registry_store_commit() it survives
 * kill -9 and power loss (synchronous=FULL: the log is on the disk before the commit returns).
 *
 * Writes return nothing: the first one that fails is what the next commit reports, and nothing since the
 * last commit is kept then.
 */
#pragma once

#include "common/scope-key.h"

#include <gio/gio.h>

#define REGISTRY_STORE_VERSION 2
#define REGISTRY_STORE_FILE "registry.sqlite"

typedef struct _RegistryStore RegistryStore;

/**
 * registry_store_open:
 * @path: made when it is not there, mode 0600
 * @error: SCOPE_ERROR_FAILED: cannot be opened, or is damaged; SCOPE_ERROR_UNSUPPORTED: a newer version wrote it;
 *   SCOPE_ERROR_TAKEN: another process has it. Nothing is overwritten then.
 *
 * Older versions are brought to this one, in one transaction.
 */
RegistryStore *registry_store_open (const char *path, GError **error);

/* Commits what is not committed yet. */
void registry_store_free (RegistryStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RegistryStore, registry_store_free)

const char *registry_store_path (const RegistryStore *store);

/* FALSE: nothing since the last commit is kept. */
gboolean registry_store_commit (RegistryStore *store, GError **error);

/* Whether something is written that is not committed. */
gboolean registry_store_is_dirty (const RegistryStore *store);

/**
 * RegistryStoredNetwork:
 * @id: for the other functions
 * @generation: random, of the roster's revisions
 * @ceiling: no revision above this one was told to anybody
 * @floor: revisions at or below this one may lack tombstones
 * @revocation, @kill: (nullable): envelopes
 */
typedef struct {
  gint64 id;
  char *generation;
  guint64 ceiling;
  guint64 floor;
  char *revocation;
  guint64 kill_counter;
  char *kill;
} RegistryStoredNetwork;

void registry_stored_network_clear (RegistryStoredNetwork *network);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RegistryStoredNetwork, registry_stored_network_clear)

/**
 * registry_store_load_network:
 * @root: the root key's fingerprint: a network of the same name with another root is another network
 *
 * Made when it is not there.
 */
gboolean registry_store_load_network (RegistryStore *store, const char *name, const char *root,
                                      RegistryStoredNetwork *network, GError **error);

void registry_store_set_ceiling (RegistryStore *store, gint64 network, guint64 ceiling);
void registry_store_set_floor (RegistryStore *store, gint64 network, guint64 floor);
void registry_store_set_revocation (RegistryStore *store, gint64 network, const char *jws);
void registry_store_set_kill (RegistryStore *store, gint64 network, guint64 counter, const char *jws);

/* Delegations, one for each delegate. */
void registry_store_put_delegation (RegistryStore *store, gint64 network, const char *fingerprint, const char *jws);
typedef void (*RegistryDelegationFunc) (const char *jws, gpointer user_data);
gboolean registry_store_each_delegation (RegistryStore *store, gint64 network, RegistryDelegationFunc func,
                                         gpointer user_data, GError **error);

typedef enum {
  REGISTRY_ADMITTED_GRANTED,
  REGISTRY_ADMITTED_TOKEN,
  REGISTRY_ADMITTED_LISTED,
} RegistryAdmitted;

/**
 * RegistryStoredMember:
 * @identity: text
 * @grant, @record, @kex: envelopes; the latter two nullable
 * @seen: ms since 1970
 * @revision: of its last change; 0: holds a grant, but never came
 */
typedef struct {
  const char *fingerprint;
  const char *identity;
  ScopeKey key;
  const char *grant;
  const char *record;
  const char *kex;
  RegistryAdmitted admitted;
  gboolean online;
  gint64 seen;
  guint64 revision;
} RegistryStoredMember;

/* All of it. */
void registry_store_put_member (RegistryStore *store, gint64 network, const RegistryStoredMember *member);

/* What changes often. */
void registry_store_set_presence (RegistryStore *store, gint64 network, const char *fingerprint, gboolean online,
                                  gint64 seen, guint64 revision);
void registry_store_set_record (RegistryStore *store, gint64 network, const char *fingerprint, const char *record,
                                guint64 revision);
void registry_store_set_kex (RegistryStore *store, gint64 network, const char *fingerprint, const char *kex,
                             guint64 revision);

/* With a tombstone unless @revision is 0. */
void registry_store_delete_member (RegistryStore *store, gint64 network, const char *fingerprint, const ScopeKey *key,
                                   guint64 revision);
void registry_store_delete_tombstone (RegistryStore *store, gint64 network, const ScopeKey *key);

/* By revision. Do not write in it. */
typedef void (*RegistryMemberFunc) (const RegistryStoredMember *member, gpointer user_data);
gboolean registry_store_each_member (RegistryStore *store, gint64 network, RegistryMemberFunc func, gpointer user_data,
                                     GError **error);
typedef void (*RegistryTombstoneFunc) (const ScopeKey *key, guint64 revision, gpointer user_data);
gboolean registry_store_each_tombstone (RegistryStore *store, gint64 network, RegistryTombstoneFunc func,
                                        gpointer user_data, GError **error);

/* Calls @func for this one, also with what is not committed. FALSE when there is none. */
gboolean registry_store_read_member (RegistryStore *store, gint64 network, const char *fingerprint,
                                     RegistryMemberFunc func, gpointer user_data);

#define REGISTRY_TOKEN_LEN 32

/**
 * RegistryStoredInvite:
 * @name: (nullable)
 * @expires: seconds
 * @used_by: (nullable): fingerprint
 */
typedef struct {
  guint8 token[REGISTRY_TOKEN_LEN];
  char *role;
  char *name;
  gint64 expires;
  char *used_by;
} RegistryStoredInvite;

void registry_stored_invite_clear (RegistryStoredInvite *invite);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RegistryStoredInvite, registry_stored_invite_clear)

/* An invite with this token that is there already stays as it is. */
void registry_store_put_invite (RegistryStore *store, gint64 network, const RegistryStoredInvite *invite);
gboolean registry_store_find_invite (RegistryStore *store, gint64 network, const guint8 *token,
                                     RegistryStoredInvite *invite);
void registry_store_use_invite (RegistryStore *store, gint64 network, const guint8 *token, const char *fingerprint,
                                gint64 now);

/* Invites that expired before @before. */
void registry_store_forget_invites (RegistryStore *store, gint64 network, gint64 before);
