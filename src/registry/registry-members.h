/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-members: who is in a v1 network: what is granted to each, who is there, and in which order all of
 * that changed, so that a roster can travel as what is new since a revision. Pure: no I/O, clock handed in.
 *
 * Envelopes are not kept here, the store has them: a member must cost little memory.
 */
#pragma once

#include "common/scope-key.h"
#include "common/scope-prefix.h"
#include "crypto/scope-authority.h"
#include "registry/registry-observed.h"
#include "registry/registry-store.h"

#define REGISTRY_AWAY_MSEC (30 * 24 * 3600 * G_GINT64_CONSTANT (1000))
#define REGISTRY_MAX_TOMBSTONES 4096

/* What others have not heard yet: bits. */
typedef enum {
  REGISTRY_CHANGE_CAME = 1 << 0,
  REGISTRY_CHANGE_MOVED = 1 << 1,
  REGISTRY_CHANGE_LEFT = 1 << 2,
  REGISTRY_CHANGE_KEX = 1 << 3,
} RegistryChange;

/* How far a member is with the others in an epoch, as it says itself. */
typedef struct {
  guint64 epoch;
  guint has_key; /* in a sum: how many */
  guint32 npq[3]; /* pairs by state */
  guint32 pq[4];
} RegistryProgress;

/**
 * RegistryMember:
 * @signer: (nullable): fingerprint of the grant's signer when that is not the root; interned
 * @ranges: (element-type ScopePrefix): granted
 * @issued, @expires: of the grant, seconds
 * @sequence, @record_digest: of the record; @has_record: whether there is one
 * @record_expires: seconds; @record_role: what it wants to be
 * @port: of the record's first endpoint, 0 for none
 * @seen: ms since 1970
 * @presumed: was there when the registry stopped, and has not come back yet
 * @revision: of its last change; 0: holds a grant, but never came
 * @change: RegistryChange bits
 * @reports: where others see it
 * @observed: (nullable): what others are told of that
 * @observed_at: ms, when that changed
 * @session: (nullable): its session; not ours
 */
typedef struct {
  char fingerprint[SCOPE_FINGERPRINT_LEN + 1];
  ScopeKey key;
  RegistryAdmitted admitted;
  const char *signer;
  GArray *ranges;
  ScopeRole role;
  gint64 issued;
  gint64 expires;

  gboolean has_record;
  guint64 sequence;
  guint8 record_digest[32];
  gint64 record_expires;
  ScopeRole record_role;
  guint16 port;

  gboolean online;
  gboolean presumed;
  gint64 seen;
  guint64 revision;
  guint change;

  RegistryReports *reports;
  char **observed;
  gint64 observed_at;
  gboolean observed_stale;
  RegistryProgress *progress;
  gpointer session;
  GList link;
} RegistryMember;

typedef struct {
  ScopeKey key;
  guint64 revision;
} RegistryTombstone;

typedef struct _RegistryMembers RegistryMembers;

/* @revision: the last one that was given */
RegistryMembers *registry_members_new (guint64 revision, guint64 floor);
void registry_members_free (RegistryMembers *members);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RegistryMembers, registry_members_free)

RegistryMember *registry_members_find (const RegistryMembers *members, const char *fingerprint);
RegistryMember *registry_members_find_key (const RegistryMembers *members, const ScopeKey *key);
guint registry_members_size (const RegistryMembers *members);
guint64 registry_members_revision (const RegistryMembers *members);

/* Nobody may have @fingerprint or @key yet. Revision 0. */
RegistryMember *registry_members_add (RegistryMembers *members, const char *fingerprint, const ScopeKey *key);

/* When loading, in the order of revisions. */
void registry_members_restore (RegistryMembers *members, RegistryMember *member, guint64 revision);
void registry_members_restore_tombstone (RegistryMembers *members, const ScopeKey *key, guint64 revision);

/* Another key, which nobody may have; the old one is gone. Returns the revision of that, or 0 when it never came. */
guint64 registry_members_set_key (RegistryMembers *members, RegistryMember *member, const ScopeKey *key);

/* A change: gives the member the next revision. @change: RegistryChange bits, added to what is pending */
guint64 registry_members_touch (RegistryMembers *members, RegistryMember *member, guint change);

/* Frees it. Returns the tombstone's revision, or 0 when it never came: then nobody knows of it. */
guint64 registry_members_remove (RegistryMembers *members, RegistryMember *member);

/* Revisions at or below it may lack tombstones: a roster since then must be whole. */
guint64 registry_members_floor (const RegistryMembers *members);

/* Who changed after @revision, the earliest first; NULL at the end. */
RegistryMember *registry_members_after (const RegistryMembers *members, guint64 revision);
RegistryMember *registry_members_next (const RegistryMember *member);

/* (element-type RegistryTombstone): by revision */
const GArray *registry_members_tombstones (const RegistryMembers *members);

/* All of them, also who never came, in no order. */
void registry_members_foreach (const RegistryMembers *members, void (*func) (RegistryMember *, gpointer),
                               gpointer user_data);

/* Sums of the members that are there and speak of @epoch; @peers: how many that are. */
void registry_members_progress (const RegistryMembers *members, guint64 epoch, RegistryProgress *sum, guint *peers);
/* The newest epoch that anybody speaks of, 0 for none. */
guint64 registry_members_epoch (const RegistryMembers *members);
