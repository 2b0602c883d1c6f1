/* SPDX-License-Identifier: GPL-3.0-or-later */
/* In the store: members, and the keys of those who are no longer. */
#include "registry/registry-store-private.h"

#include <string.h>

void
registry_store_put_member (RegistryStore *store, gint64 network, const RegistryStoredMember *member)
{
  registry_store_write (store, REGISTRY_SQL_PUT_MEMBER, "ittktttiiii", network, member->fingerprint,
                        member->identity, &member->key, member->grant, member->record, member->kex,
                        (gint64) member->admitted, (gint64) member->online, member->seen, (gint64) member->revision);
}

void
registry_store_set_presence (RegistryStore *store, gint64 network, const char *fingerprint, gboolean online,
                             gint64 seen, guint64 revision)
{
  registry_store_write (store, REGISTRY_SQL_SET_PRESENCE, "itiii", network, fingerprint, (gint64) online, seen,
                        (gint64) revision);
}

void
registry_store_set_record (RegistryStore *store, gint64 network, const char *fingerprint, const char *record,
                           guint64 revision)
{
  registry_store_write (store, REGISTRY_SQL_SET_RECORD, "itti", network, fingerprint, record, (gint64) revision);
}

void
registry_store_set_kex (RegistryStore *store, gint64 network, const char *fingerprint, const char *kex,
                        guint64 revision)
{
  registry_store_write (store, REGISTRY_SQL_SET_KEX, "itti", network, fingerprint, kex, (gint64) revision);
}

void
registry_store_delete_member (RegistryStore *store, gint64 network, const char *fingerprint, const ScopeKey *key,
                              guint64 revision)
{
  registry_store_write (store, REGISTRY_SQL_DELETE_MEMBER, "it", network, fingerprint);
  if (revision)
    registry_store_write (store, REGISTRY_SQL_PUT_TOMBSTONE, "iki", network, key, (gint64) revision);
}

void
registry_store_delete_tombstone (RegistryStore *store, gint64 network, const ScopeKey *key)
{
  registry_store_write (store, REGISTRY_SQL_DELETE_TOMBSTONE, "ik", network, key);
}

static gboolean
column_key (sqlite3_stmt *s, int column, ScopeKey *key)
{
  const void *blob = sqlite3_column_blob (s, column);

  if (!blob || sqlite3_column_bytes (s, column) != SCOPE_KEY_LEN)
    return FALSE;
  memcpy (key->bytes, blob, SCOPE_KEY_LEN);
  return TRUE;
}

static void
deliver_member (sqlite3_stmt *s, RegistryMemberFunc func, gpointer user_data)
{
  RegistryStoredMember member = {
    .fingerprint = (const char *) sqlite3_column_text (s, 0),
    .identity = (const char *) sqlite3_column_text (s, 1),
    .grant = (const char *) sqlite3_column_text (s, 3),
    .record = (const char *) sqlite3_column_text (s, 4),
    .kex = (const char *) sqlite3_column_text (s, 5),
    .admitted = sqlite3_column_int (s, 6),
    .online = sqlite3_column_int (s, 7) != 0,
    .seen = sqlite3_column_int64 (s, 8),
    .revision = sqlite3_column_int64 (s, 9),
  };

  if (member.fingerprint && member.identity && member.grant && column_key (s, 2, &member.key))
    func (&member, user_data);
}

gboolean
registry_store_each_member (RegistryStore *store, gint64 network, RegistryMemberFunc func, gpointer user_data,
                            GError **error)
{
  g_autoptr (sqlite3_stmt) s = registry_store_query (store, REGISTRY_SQL_EACH_MEMBER, "i", network);
  int result;

  REGISTRY_EACH_ROW (s, result)
    deliver_member (s, func, user_data);
  return registry_store_done (store, result, error);
}

gboolean
registry_store_read_member (RegistryStore *store, gint64 network, const char *fingerprint, RegistryMemberFunc func,
                            gpointer user_data)
{
  g_autoptr (sqlite3_stmt) s = registry_store_query (store, REGISTRY_SQL_READ_MEMBER, "it", network, fingerprint);

  if (!s || sqlite3_step (s) != SQLITE_ROW)
    return FALSE;
  deliver_member (s, func, user_data);
  return TRUE;
}

gboolean
registry_store_each_tombstone (RegistryStore *store, gint64 network, RegistryTombstoneFunc func, gpointer user_data,
                               GError **error)
{
  g_autoptr (sqlite3_stmt) s = registry_store_query (store, REGISTRY_SQL_EACH_TOMBSTONE, "i", network);
  ScopeKey key;
  int result;

  REGISTRY_EACH_ROW (s, result)
    if (column_key (s, 0, &key))
      func (&key, sqlite3_column_int64 (s, 1), user_data);
  return registry_store_done (store, result, error);
}
