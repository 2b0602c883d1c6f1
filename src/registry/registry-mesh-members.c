/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is granted to members, and what they say of themselves: taken in, and stored. */
#include "registry/registry-mesh-private.h"

#include "common/scope-error.h"
#include "registry/registry-admission.h"
#include "registry/registry-paths.h"
#include "registry/registry-v1-session.h"
#include "wire/scope-record.h"

#include <string.h>

static void
forget_record (RegistryMember *member)
{
  /* The sequence stays: an old record must not come back. */
  member->has_record = FALSE;
  member->port = 0;
}

/* Who must give way to a grant of the root's: it has @key, or an address in the ranges, on a delegate's word. */
typedef struct {
  const RegistryMember *winner;
  GPtrArray *losers;
} Contest;

static void
find_loser (RegistryMember *member, gpointer user_data)
{
  Contest *contest = user_data;

  if (member == contest->winner || !member->signer)
    return;
  for (guint i = 0; i < member->ranges->len; i++)
    for (guint j = 0; j < contest->winner->ranges->len; j++)
      if (g_array_index (contest->winner->ranges, ScopePrefix, j).len > 0 && /* everything is an exit, nobody's address */
          scope_prefix_contains (&g_array_index (contest->winner->ranges, ScopePrefix, j),
                                 &g_array_index (member->ranges, ScopePrefix, i)))
        {
          g_ptr_array_add (contest->losers, member);
          return;
        }
}

static void
make_room (RegistryMesh *mesh, const RegistryMember *winner, gint64 now)
{
  g_autoptr (GPtrArray) losers = g_ptr_array_new ();
  Contest contest = { winner, losers };

  registry_members_foreach (mesh->members, find_loser, &contest);
  for (guint i = 0; i < losers->len; i++)
    {
      RegistryMember *loser = g_ptr_array_index (losers, i);
      g_autoptr (GError) error = NULL;

      if (!registry_admission_renew (mesh, loser, TRUE, now, &error))
        {
          g_message ("network %s: %.8s has an address that the root granted to %.8s: %s", mesh->name,
                     loser->fingerprint, winner->fingerprint, error->message);
          registry_mesh_remove (mesh, loser, "not-admitted");
        }
    }
}

RegistryMember *
registry_mesh_put_grant (RegistryMesh *mesh, const char *fingerprint, const char *identity, const ScopeKey *key,
                         const char *grant, RegistryAdmitted how, gint64 now)
{
  RegistryMember *member = registry_members_find (mesh->members, fingerprint);
  RegistryMember *other = registry_members_find_key (mesh->members, key);
  g_autofree char *record = NULL;
  g_autofree char *kex = NULL;
  RegistryStoredMember stored = { .fingerprint = fingerprint, .identity = identity, .key = *key, .grant = grant,
                                  .admitted = how };

  if (other && other != member)
    registry_mesh_remove (mesh, other, "not-admitted");
  if (!member)
    member = registry_members_add (mesh->members, fingerprint, key);
  else if (!scope_key_equal (&member->key, key))
    {
      ScopeKey old = member->key;

      registry_paths_forget (mesh->paths, &old);
      guint64 revision = registry_members_set_key (mesh->members, member, key);

      registry_store_delete_member (mesh->store, mesh->id, fingerprint, &old, revision);
      forget_record (member);
    }
  else
    registry_mesh_read (mesh, member, NULL, &record, &kex, NULL);
  registry_store_delete_tombstone (mesh->store, mesh->id, key);
  if (!registry_mesh_note_grant (mesh, member, grant))
    g_warning ("network %s: a grant that was verified is not one", mesh->name);
  member->admitted = how;
  registry_paths_note (mesh->paths, member);
  /* A record may claim what is not granted any more: its peer makes a new one. */
  if (member->revision)
    registry_members_touch (mesh->members, member, REGISTRY_CHANGE_MOVED);
  stored.record = record;
  stored.kex = kex;
  stored.online = member->online;
  stored.seen = member->seen;
  stored.revision = member->revision;
  registry_store_put_member (mesh->store, mesh->id, &stored);
  if (member->session)
    registry_v1_session_grant (member->session);
  if (!member->signer)
    make_room (mesh, member, now);
  registry_mesh_changed (mesh, TRUE);
  return member;
}

gboolean
registry_mesh_put_record (RegistryMesh *mesh, RegistryMember *member, const ScopeIdentityPublic *identity,
                          const char *text, gint64 now, GError **error)
{
  g_autoptr (ScopeJws) jws = NULL;
  g_autoptr (ScopeRecord) record = NULL;
  ScopeGrant grant = { .network = mesh->name, .identity = (ScopeIdentityPublic *) identity, .key = member->key,
                       .ranges = member->ranges, .role = member->role, .issued = member->issued, .expires = member->expires };
  guint8 hash[32];

  registry_mesh_digest (text, hash);
  if (member->has_record && memcmp (hash, member->record_digest, sizeof hash) == 0)
    return TRUE;
  jws = scope_jws_parse (text, strlen (text), error);
  record = jws ? scope_record_verify (jws, mesh->name, identity, now / 1000, error) : NULL;
  if (!record || !scope_record_granted (record, &grant, error))
    return FALSE;
  if (record->sequence <= member->sequence && member->sequence)
    {
      if (record->sequence == member->sequence && member->has_record)
        g_message ("network %s: %.8s has two records with sequence %" G_GUINT64_FORMAT "; the first one stays",
                   mesh->name, member->fingerprint, record->sequence);
      return TRUE;
    }
  registry_mesh_note_record (member, text, record->sequence, record->expires, record->role,
                             record->endpoints[0]);
  registry_paths_note (mesh->paths, member);
  registry_members_touch (mesh->members, member, REGISTRY_CHANGE_MOVED);
  registry_store_set_record (mesh->store, mesh->id, member->fingerprint, text, member->revision);
  registry_mesh_changed (mesh, FALSE);
  registry_mesh_observe (mesh, member, now);
  return TRUE;
}

gboolean
registry_mesh_put_kex (RegistryMesh *mesh, RegistryMember *member, const ScopeIdentityPublic *identity,
                       const char *text, gint64 now, GError **error)
{
  g_autofree char *known = NULL;
  g_autoptr (ScopeJws) jws = NULL;
  ScopeKexKey kex;

  if (registry_mesh_read (mesh, member, NULL, NULL, &known, NULL) && g_strcmp0 (known, text) == 0)
    return TRUE;
  jws = scope_jws_parse (text, strlen (text), error);
  if (!jws || !scope_kex_key_verify (jws, mesh->name, identity, &member->key, &kex, error))
    return FALSE;
  registry_members_touch (mesh->members, member, REGISTRY_CHANGE_KEX);
  registry_store_set_kex (mesh->store, mesh->id, member->fingerprint, text, member->revision);
  registry_mesh_changed (mesh, FALSE);
  return TRUE;
}
