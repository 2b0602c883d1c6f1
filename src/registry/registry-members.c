/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-members.h"

#include <string.h>

struct _RegistryMembers {
  GHashTable *by_fingerprint;
  GHashTable *by_key;
  GQueue order; /* by revision; without those that never came */
  GArray *tombstones;
  guint64 revision;
  guint64 floor;
};

static void
member_free (gpointer data)
{
  RegistryMember *member = data;

  g_array_unref (member->ranges);
  g_clear_pointer (&member->reports, registry_reports_free);
  g_strfreev (member->observed);
  g_free (member->progress);
  g_free (member);
}

RegistryMembers *
registry_members_new (guint64 revision, guint64 floor)
{
  RegistryMembers *members = g_new0 (RegistryMembers, 1);

  members->by_fingerprint = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, member_free);
  members->by_key = g_hash_table_new (scope_key_hash, scope_key_equal);
  members->tombstones = g_array_new (FALSE, FALSE, sizeof (RegistryTombstone));
  members->revision = revision;
  members->floor = floor;
  return members;
}

void
registry_members_free (RegistryMembers *members)
{
  g_hash_table_unref (members->by_key);
  g_hash_table_unref (members->by_fingerprint);
  g_array_unref (members->tombstones);
  g_free (members);
}

RegistryMember *
registry_members_find (const RegistryMembers *members, const char *fingerprint)
{
  return g_hash_table_lookup (members->by_fingerprint, fingerprint);
}

RegistryMember *
registry_members_find_key (const RegistryMembers *members, const ScopeKey *key)
{
  return g_hash_table_lookup (members->by_key, key);
}

guint
registry_members_size (const RegistryMembers *members)
{
  return g_hash_table_size (members->by_fingerprint);
}

guint64
registry_members_revision (const RegistryMembers *members)
{
  return members->revision;
}

guint64
registry_members_floor (const RegistryMembers *members)
{
  return members->floor;
}

const GArray *
registry_members_tombstones (const RegistryMembers *members)
{
  return members->tombstones;
}

/* A key that is there again is not gone any more. */
static void
forget_tombstone (RegistryMembers *members, const ScopeKey *key)
{
  for (guint i = 0; i < members->tombstones->len; i++)
    if (scope_key_equal (&g_array_index (members->tombstones, RegistryTombstone, i).key, key))
      {
        g_array_remove_index (members->tombstones, i);
        return;
      }
}

static void
add_tombstone (RegistryMembers *members, const ScopeKey *key, guint64 revision)
{
  RegistryTombstone tombstone = { *key, revision };

  g_array_append_val (members->tombstones, tombstone);
  if (members->tombstones->len > REGISTRY_MAX_TOMBSTONES)
    {
      guint n = REGISTRY_MAX_TOMBSTONES / 4;

      members->floor = g_array_index (members->tombstones, RegistryTombstone, n - 1).revision;
      g_array_remove_range (members->tombstones, 0, n);
    }
}

RegistryMember *
registry_members_add (RegistryMembers *members, const char *fingerprint, const ScopeKey *key)
{
  RegistryMember *member = g_new0 (RegistryMember, 1);

  g_strlcpy (member->fingerprint, fingerprint, sizeof member->fingerprint);
  member->key = *key;
  member->ranges = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  member->link.data = member;
  g_hash_table_insert (members->by_fingerprint, member->fingerprint, member);
  g_hash_table_insert (members->by_key, &member->key, member);
  forget_tombstone (members, key);
  return member;
}

void
registry_members_restore (RegistryMembers *members, RegistryMember *member, guint64 revision)
{
  member->revision = revision;
  if (revision)
    g_queue_push_tail_link (&members->order, &member->link);
  members->revision = MAX (members->revision, revision);
}

void
registry_members_restore_tombstone (RegistryMembers *members, const ScopeKey *key, guint64 revision)
{
  add_tombstone (members, key, revision);
  members->revision = MAX (members->revision, revision);
}

guint64
registry_members_set_key (RegistryMembers *members, RegistryMember *member, const ScopeKey *key)
{
  ScopeKey old = member->key;
  guint64 revision = member->revision ? ++members->revision : 0;

  g_hash_table_remove (members->by_key, &member->key);
  member->key = *key;
  g_hash_table_insert (members->by_key, &member->key, member);
  forget_tombstone (members, key);
  if (revision)
    add_tombstone (members, &old, revision);
  return revision;
}

guint64
registry_members_touch (RegistryMembers *members, RegistryMember *member, guint change)
{
  if (member->revision)
    g_queue_unlink (&members->order, &member->link);
  g_queue_push_tail_link (&members->order, &member->link);
  member->revision = ++members->revision;
  member->change |= change;
  return member->revision;
}

guint64
registry_members_remove (RegistryMembers *members, RegistryMember *member)
{
  guint64 revision = member->revision ? ++members->revision : 0;

  if (revision)
    {
      g_queue_unlink (&members->order, &member->link);
      add_tombstone (members, &member->key, revision);
    }
  g_hash_table_remove (members->by_key, &member->key);
  g_hash_table_remove (members->by_fingerprint, member->fingerprint);
  return revision;
}

RegistryMember *
registry_members_after (const RegistryMembers *members, guint64 revision)
{
  RegistryMember *first = NULL;

  for (GList *l = members->order.tail; l; l = l->prev)
    {
      RegistryMember *member = l->data;

      if (member->revision <= revision)
        break;
      first = member;
    }
  return first;
}

RegistryMember *
registry_members_next (const RegistryMember *member)
{
  return member->link.next ? member->link.next->data : NULL;
}

void
registry_members_foreach (const RegistryMembers *members, void (*func) (RegistryMember *, gpointer), gpointer user_data)
{
  g_autoptr (GList) all = g_hash_table_get_values (members->by_fingerprint);

  for (GList *l = all; l; l = l->next)
    func (l->data, user_data);
}

void
registry_members_progress (const RegistryMembers *members, guint64 epoch, RegistryProgress *sum, guint *peers)
{
  memset (sum, 0, sizeof *sum);
  sum->epoch = epoch;
  *peers = 0;
  for (GList *l = members->order.head; l; l = l->next)
    {
      const RegistryMember *member = l->data;

      if (!member->online || !member->progress || member->progress->epoch != epoch)
        continue;
      *peers += 1;
      sum->has_key += member->progress->has_key;
      for (guint i = 0; i < G_N_ELEMENTS (sum->npq); i++)
        sum->npq[i] += member->progress->npq[i];
      for (guint i = 0; i < G_N_ELEMENTS (sum->pq); i++)
        sum->pq[i] += member->progress->pq[i];
    }
}

guint64
registry_members_epoch (const RegistryMembers *members)
{
  guint64 epoch = 0;

  for (GList *l = members->order.head; l; l = l->next)
    {
      const RegistryMember *member = l->data;
      if (member->online && member->progress)
        epoch = MAX (epoch, member->progress->epoch);
    }
  return epoch;
}
