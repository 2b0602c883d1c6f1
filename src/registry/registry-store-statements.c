/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The statements of the store, the transaction that they belong to, and how they fail. */
#include "registry/registry-store-private.h"

#include "common/scope-error.h"

#define MEMBER "fingerprint, identity, key, grant_jws, record, kex, admitted, online, seen, revision"

/* The first parameter is the network wherever there is one. */
static const char *const statements[REGISTRY_SQL_N_STATEMENTS] = {
  [REGISTRY_SQL_BEGIN] = "BEGIN IMMEDIATE",
  [REGISTRY_SQL_COMMIT] = "COMMIT",
  [REGISTRY_SQL_FIND_NETWORK] = "SELECT id, generation, ceiling, floor, revocation, kill_counter, kill FROM networks"
                                " WHERE name = ?1 AND root = ?2",
  [REGISTRY_SQL_ADD_NETWORK] = "INSERT INTO networks (name, root, generation) VALUES (?1, ?2, ?3)",
  [REGISTRY_SQL_SET_CEILING] = "UPDATE networks SET ceiling = ?2 WHERE id = ?1",
  [REGISTRY_SQL_SET_FLOOR] = "UPDATE networks SET floor = ?2 WHERE id = ?1",
  [REGISTRY_SQL_SET_REVOCATION] = "UPDATE networks SET revocation = ?2 WHERE id = ?1",
  [REGISTRY_SQL_SET_KILL] = "UPDATE networks SET kill_counter = ?2, kill = ?3 WHERE id = ?1",
  [REGISTRY_SQL_PUT_DELEGATION] = "INSERT OR REPLACE INTO delegations (network, fingerprint, jws) VALUES (?1, ?2, ?3)",
  [REGISTRY_SQL_EACH_DELEGATION] = "SELECT jws FROM delegations WHERE network = ?1",
  [REGISTRY_SQL_PUT_MEMBER] = "INSERT INTO members (network, " MEMBER ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
                              " ON CONFLICT (network, fingerprint) DO UPDATE SET identity = excluded.identity, key = excluded.key,"
                              " grant_jws = excluded.grant_jws, record = excluded.record, kex = excluded.kex,"
                              " admitted = excluded.admitted, online = excluded.online, seen = excluded.seen,"
                              " revision = excluded.revision",
  [REGISTRY_SQL_SET_PRESENCE] = "UPDATE members SET online = ?3, seen = ?4, revision = ?5 WHERE network = ?1 AND fingerprint = ?2",
  [REGISTRY_SQL_SET_RECORD] = "UPDATE members SET record = ?3, revision = ?4 WHERE network = ?1 AND fingerprint = ?2",
  [REGISTRY_SQL_SET_KEX] = "UPDATE members SET kex = ?3, revision = ?4 WHERE network = ?1 AND fingerprint = ?2",
  [REGISTRY_SQL_DELETE_MEMBER] = "DELETE FROM members WHERE network = ?1 AND fingerprint = ?2",
  [REGISTRY_SQL_EACH_MEMBER] = "SELECT " MEMBER " FROM members WHERE network = ?1 ORDER BY revision",
  [REGISTRY_SQL_READ_MEMBER] = "SELECT " MEMBER " FROM members WHERE network = ?1 AND fingerprint = ?2",
  [REGISTRY_SQL_PUT_TOMBSTONE] = "INSERT OR REPLACE INTO tombstones (network, key, revision) VALUES (?1, ?2, ?3)",
  [REGISTRY_SQL_DELETE_TOMBSTONE] = "DELETE FROM tombstones WHERE network = ?1 AND key = ?2",
  [REGISTRY_SQL_TRIM_TOMBSTONES] = "DELETE FROM tombstones WHERE network = ?1 AND revision <= ?2",
  [REGISTRY_SQL_EACH_TOMBSTONE] = "SELECT key, revision FROM tombstones WHERE network = ?1 ORDER BY revision",
  [REGISTRY_SQL_PUT_INVITE] = "INSERT OR IGNORE INTO invites (network, token, role, name, expires) VALUES (?1, ?2, ?3, ?4, ?5)",
  [REGISTRY_SQL_FIND_INVITE] = "SELECT role, name, expires, used_by FROM invites WHERE network = ?1 AND token = ?2",
  [REGISTRY_SQL_USE_INVITE] = "UPDATE invites SET used_by = ?3, used_at = ?4 WHERE network = ?1 AND token = ?2",
  [REGISTRY_SQL_FORGET_INVITES] = "DELETE FROM invites WHERE network = ?1 AND expires < ?2",
};

/* Running statements */

GError *
registry_store_error (RegistryStore *store, const char *what)
{
  int code = sqlite3_errcode (store->db);

  return g_error_new (SCOPE_ERROR, code == SQLITE_BUSY ? SCOPE_ERROR_TAKEN : SCOPE_ERROR_FAILED, "store %s: %s: %s%s",
                      store->path, what, sqlite3_errmsg (store->db),
                      code == SQLITE_BUSY                              ? " (is another scope-registry running?)"
                      : code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? " (restore a copy, or move it away)"
                                                                        : "");
}

static sqlite3_stmt *
statement (RegistryStore *store, RegistryStatement which)
{
  if (!store->prepared[which] &&
      sqlite3_prepare_v3 (store->db, statements[which], -1, SQLITE_PREPARE_PERSISTENT, &store->prepared[which], NULL) != SQLITE_OK)
    g_clear_pointer (&store->prepared[which], sqlite3_finalize);
  return store->prepared[which];
}

void
registry_store_reset (sqlite3_stmt *s)
{
  if (s)
    {
      sqlite3_reset (s);
      sqlite3_clear_bindings (s);
    }
}

static void
bind (sqlite3_stmt *s, const char *types, va_list args)
{
  for (int i = 1; s && types[i - 1]; i++)
    switch (types[i - 1])
      {
      case 'i':
        sqlite3_bind_int64 (s, i, va_arg (args, gint64));
        break;
      case 't':
        sqlite3_bind_text (s, i, va_arg (args, const char *), -1, SQLITE_TRANSIENT);
        break;
      case 'k':
        sqlite3_bind_blob (s, i, va_arg (args, const ScopeKey *)->bytes, SCOPE_KEY_LEN, SQLITE_TRANSIENT);
        break;
      case 'b':
        sqlite3_bind_blob (s, i, va_arg (args, const guint8 *), REGISTRY_TOKEN_LEN, SQLITE_TRANSIENT);
        break;
      default:
        g_assert_not_reached ();
      }
}

sqlite3_stmt *
registry_store_query (RegistryStore *store, RegistryStatement which, const char *types, ...)
{
  sqlite3_stmt *s = statement (store, which);
  va_list args;

  va_start (args, types);
  bind (s, types, args);
  va_end (args);
  return s;
}

static gboolean
step (RegistryStore *store, RegistryStatement which)
{
  g_autoptr (sqlite3_stmt) s = statement (store, which);

  return s && sqlite3_step (s) == SQLITE_DONE;
}

void
registry_store_write (RegistryStore *store, RegistryStatement which, const char *types, ...)
{
  g_autoptr (sqlite3_stmt) s = NULL;
  va_list args;

  if (store->failure)
    return;
  if (!store->dirty)
    {
      if (!step (store, REGISTRY_SQL_BEGIN))
        {
          store->failure = registry_store_error (store, "begin");
          return;
        }
      store->dirty = TRUE;
    }
  s = statement (store, which);
  va_start (args, types);
  bind (s, types, args);
  va_end (args);
  if (!s || sqlite3_step (s) != SQLITE_DONE)
    store->failure = registry_store_error (store, statements[which]);
}

gboolean
registry_store_commit (RegistryStore *store, GError **error)
{
  g_autoptr (GError) failure = g_steal_pointer (&store->failure);

  if (!store->dirty && !failure)
    return TRUE;
  store->dirty = FALSE;
  if (!failure && step (store, REGISTRY_SQL_COMMIT))
    return TRUE;
  if (!failure)
    failure = registry_store_error (store, "commit");
  if (!sqlite3_get_autocommit (store->db))
    sqlite3_exec (store->db, "ROLLBACK", NULL, NULL, NULL);
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

gboolean
registry_store_is_dirty (const RegistryStore *store)
{
  return store->dirty || store->failure;
}

/* Reading rows */

char *
registry_store_text (sqlite3_stmt *s, int column)
{
  return g_strdup ((const char *) sqlite3_column_text (s, column));
}

gboolean
registry_store_done (RegistryStore *store, int result, GError **error)
{
  if (result == SQLITE_DONE)
    return TRUE;
  g_propagate_error (error, registry_store_error (store, "reading"));
  return FALSE;
}
