/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-store.h"

#include "common/scope-error.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CACHE_SIZE "-8192" /* KiB */
#define BUSY_MSEC 2000 /* the process before us may still be at its end */

/* What each version adds to the one before. Never changed, only appended to. */
static const char *const migrations[] = {
  /* 0 → 1 */
  "CREATE TABLE networks ("
  " id INTEGER PRIMARY KEY, name TEXT NOT NULL, root TEXT NOT NULL, generation TEXT NOT NULL,"
  " ceiling INTEGER NOT NULL DEFAULT 0, revocation TEXT, kill_counter INTEGER NOT NULL DEFAULT 0, kill TEXT,"
  " UNIQUE (name, root));"
  "CREATE TABLE delegations ("
  " network INTEGER NOT NULL, fingerprint TEXT NOT NULL, jws TEXT NOT NULL,"
  " PRIMARY KEY (network, fingerprint)) WITHOUT ROWID;"
  "CREATE TABLE members ("
  " id INTEGER PRIMARY KEY, network INTEGER NOT NULL, fingerprint TEXT NOT NULL, identity TEXT NOT NULL,"
  " key BLOB NOT NULL, grant_jws TEXT NOT NULL, record TEXT, kex TEXT, online INTEGER NOT NULL DEFAULT 0,"
  " seen INTEGER NOT NULL DEFAULT 0, revision INTEGER NOT NULL DEFAULT 0,"
  " UNIQUE (network, fingerprint), UNIQUE (network, key));"
  "CREATE TABLE tombstones ("
  " network INTEGER NOT NULL, key BLOB NOT NULL, revision INTEGER NOT NULL,"
  " PRIMARY KEY (network, key)) WITHOUT ROWID;"
  "CREATE TABLE invites ("
  " network INTEGER NOT NULL, token BLOB NOT NULL, role TEXT NOT NULL, name TEXT, expires INTEGER NOT NULL,"
  " used_by TEXT, used_at INTEGER, PRIMARY KEY (network, token)) WITHOUT ROWID;",

  /* 1 → 2: how a member came in; from where on tombstones are complete */
  "ALTER TABLE members ADD COLUMN admitted INTEGER NOT NULL DEFAULT 0;"
  "ALTER TABLE networks ADD COLUMN floor INTEGER NOT NULL DEFAULT 0;",
};
G_STATIC_ASSERT (G_N_ELEMENTS (migrations) == REGISTRY_STORE_VERSION);

typedef enum {
  BEGIN,
  COMMIT,
  FIND_NETWORK,
  ADD_NETWORK,
  SET_CEILING,
  SET_FLOOR,
  SET_REVOCATION,
  SET_KILL,
  PUT_DELEGATION,
  EACH_DELEGATION,
  PUT_MEMBER,
  SET_PRESENCE,
  SET_RECORD,
  SET_KEX,
  DELETE_MEMBER,
  EACH_MEMBER,
  READ_MEMBER,
  PUT_TOMBSTONE,
  DELETE_TOMBSTONE,
  TRIM_TOMBSTONES,
  EACH_TOMBSTONE,
  PUT_INVITE,
  FIND_INVITE,
  USE_INVITE,
  FORGET_INVITES,
  N_STATEMENTS,
} Statement;

#define MEMBER "fingerprint, identity, key, grant_jws, record, kex, admitted, online, seen, revision"

/* The first parameter is the network wherever there is one. */
static const char *const statements[N_STATEMENTS] = {
  [BEGIN] = "BEGIN IMMEDIATE",
  [COMMIT] = "COMMIT",
  [FIND_NETWORK] = "SELECT id, generation, ceiling, floor, revocation, kill_counter, kill FROM networks"
                   " WHERE name = ?1 AND root = ?2",
  [ADD_NETWORK] = "INSERT INTO networks (name, root, generation) VALUES (?1, ?2, ?3)",
  [SET_CEILING] = "UPDATE networks SET ceiling = ?2 WHERE id = ?1",
  [SET_FLOOR] = "UPDATE networks SET floor = ?2 WHERE id = ?1",
  [SET_REVOCATION] = "UPDATE networks SET revocation = ?2 WHERE id = ?1",
  [SET_KILL] = "UPDATE networks SET kill_counter = ?2, kill = ?3 WHERE id = ?1",
  [PUT_DELEGATION] = "INSERT OR REPLACE INTO delegations (network, fingerprint, jws) VALUES (?1, ?2, ?3)",
  [EACH_DELEGATION] = "SELECT jws FROM delegations WHERE network = ?1",
  [PUT_MEMBER] = "INSERT INTO members (network, " MEMBER ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
                 " ON CONFLICT (network, fingerprint) DO UPDATE SET identity = excluded.identity, key = excluded.key,"
                 " grant_jws = excluded.grant_jws, record = excluded.record, kex = excluded.kex,"
                 " admitted = excluded.admitted, online = excluded.online, seen = excluded.seen,"
                 " revision = excluded.revision",
  [SET_PRESENCE] = "UPDATE members SET online = ?3, seen = ?4, revision = ?5 WHERE network = ?1 AND fingerprint = ?2",
  [SET_RECORD] = "UPDATE members SET record = ?3, revision = ?4 WHERE network = ?1 AND fingerprint = ?2",
  [SET_KEX] = "UPDATE members SET kex = ?3, revision = ?4 WHERE network = ?1 AND fingerprint = ?2",
  [DELETE_MEMBER] = "DELETE FROM members WHERE network = ?1 AND fingerprint = ?2",
  [EACH_MEMBER] = "SELECT " MEMBER " FROM members WHERE network = ?1 ORDER BY revision",
  [READ_MEMBER] = "SELECT " MEMBER " FROM members WHERE network = ?1 AND fingerprint = ?2",
  [PUT_TOMBSTONE] = "INSERT OR REPLACE INTO tombstones (network, key, revision) VALUES (?1, ?2, ?3)",
  [DELETE_TOMBSTONE] = "DELETE FROM tombstones WHERE network = ?1 AND key = ?2",
  [TRIM_TOMBSTONES] = "DELETE FROM tombstones WHERE network = ?1 AND revision <= ?2",
  [EACH_TOMBSTONE] = "SELECT key, revision FROM tombstones WHERE network = ?1 ORDER BY revision",
  [PUT_INVITE] = "INSERT OR IGNORE INTO invites (network, token, role, name, expires) VALUES (?1, ?2, ?3, ?4, ?5)",
  [FIND_INVITE] = "SELECT role, name, expires, used_by FROM invites WHERE network = ?1 AND token = ?2",
  [USE_INVITE] = "UPDATE invites SET used_by = ?3, used_at = ?4 WHERE network = ?1 AND token = ?2",
  [FORGET_INVITES] = "DELETE FROM invites WHERE network = ?1 AND expires < ?2",
};

struct _RegistryStore {
  sqlite3 *db;
  char *path;
  sqlite3_stmt *prepared[N_STATEMENTS];
  gboolean dirty;  /* a transaction is open */
  GError *failure; /* the first write of it that failed */
};

/* Running statements */

static GError *
error_of (RegistryStore *store, const char *what)
{
  int code = sqlite3_errcode (store->db);

  return g_error_new (SCOPE_ERROR, code == SQLITE_BUSY ? SCOPE_ERROR_TAKEN : SCOPE_ERROR_FAILED, "store %s: %s: %s%s",
                      store->path, what, sqlite3_errmsg (store->db),
                      code == SQLITE_BUSY                              ? " (is another scope-registry running?)"
                      : code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? " (restore a copy, or move it away)"
                                                                        : "");
}

static sqlite3_stmt *
statement (RegistryStore *store, Statement which)
{
  if (!store->prepared[which] &&
      sqlite3_prepare_v3 (store->db, statements[which], -1, SQLITE_PREPARE_PERSISTENT, &store->prepared[which], NULL) != SQLITE_OK)
    g_clear_pointer (&store->prepared[which], sqlite3_finalize);
  return store->prepared[which];
}

static void
reset (sqlite3_stmt *s)
{
  if (s)
    {
      sqlite3_reset (s);
      sqlite3_clear_bindings (s);
    }
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (sqlite3_stmt, reset)

/* i: integer (gint64), t: text (nullable), k: ScopeKey, b: 32 bytes */
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

static sqlite3_stmt *
query (RegistryStore *store, Statement which, const char *types, ...)
{
  sqlite3_stmt *s = statement (store, which);
  va_list args;

  va_start (args, types);
  bind (s, types, args);
  va_end (args);
  return s;
}

static gboolean
step (RegistryStore *store, Statement which)
{
  g_autoptr (sqlite3_stmt) s = statement (store, which);

  return s && sqlite3_step (s) == SQLITE_DONE;
}

static void
write_row (RegistryStore *store, Statement which, const char *types, ...)
{
  g_autoptr (sqlite3_stmt) s = NULL;
  va_list args;

  if (store->failure)
    return;
  if (!store->dirty)
    {
      if (!step (store, BEGIN))
        {
          store->failure = error_of (store, "begin");
          return;
        }
      store->dirty = TRUE;
    }
  s = statement (store, which);
  va_start (args, types);
  bind (s, types, args);
  va_end (args);
  if (!s || sqlite3_step (s) != SQLITE_DONE)
    store->failure = error_of (store, statements[which]);
}

gboolean
registry_store_commit (RegistryStore *store, GError **error)
{
  g_autoptr (GError) failure = g_steal_pointer (&store->failure);

  if (!store->dirty && !failure)
    return TRUE;
  store->dirty = FALSE;
  if (!failure && step (store, COMMIT))
    return TRUE;
  if (!failure)
    failure = error_of (store, "commit");
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

/* Opening */

static gint64
pragma_int (RegistryStore *store, const char *text, gint64 fallback)
{
  sqlite3_stmt *s = NULL;
  gint64 value = fallback;

  if (sqlite3_prepare_v2 (store->db, text, -1, &s, NULL) == SQLITE_OK && sqlite3_step (s) == SQLITE_ROW)
    value = sqlite3_column_int64 (s, 0);
  sqlite3_finalize (s);
  return value;
}

static gboolean
run (RegistryStore *store, const char *text, GError **error)
{
  if (sqlite3_exec (store->db, text, NULL, NULL, NULL) == SQLITE_OK)
    return TRUE;
  g_propagate_error (error, error_of (store, "opening"));
  return FALSE;
}

static gboolean
check_whole (RegistryStore *store, GError **error)
{
  sqlite3_stmt *s = NULL;
  gboolean good = sqlite3_prepare_v2 (store->db, "PRAGMA quick_check(1)", -1, &s, NULL) == SQLITE_OK &&
                  sqlite3_step (s) == SQLITE_ROW && g_strcmp0 ((const char *) sqlite3_column_text (s, 0), "ok") == 0;

  if (!good)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "store %s is damaged: %s; restore a copy, or move it away",
                 store->path, s && sqlite3_column_text (s, 0) ? (const char *) sqlite3_column_text (s, 0) : sqlite3_errmsg (store->db));
  sqlite3_finalize (s);
  return good;
}

static gboolean
check_version (RegistryStore *store, gint64 *out, GError **error)
{
  gint64 version = *out = pragma_int (store, "PRAGMA user_version", -1);

  if (version < 0)
    {
      g_propagate_error (error, error_of (store, "reading its version"));
      return FALSE;
    }
  if (version > REGISTRY_STORE_VERSION)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_UNSUPPORTED,
                   "store %s has version %" G_GINT64_FORMAT ", this scope-registry knows up to %d: use a newer one",
                   store->path, version, REGISTRY_STORE_VERSION);
      return FALSE;
    }
  if (version == 0 && pragma_int (store, "SELECT count(*) FROM sqlite_master", 0) > 0)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_UNSUPPORTED, "%s is a database, but not a registry's", store->path);
      return FALSE;
    }
  return TRUE;
}

static gboolean
migrate (RegistryStore *store, gint64 version, GError **error)
{
  if (version == REGISTRY_STORE_VERSION)
    return TRUE;

  g_autoptr (GString) script = g_string_new ("BEGIN EXCLUSIVE;");
  for (gint64 v = version; v < REGISTRY_STORE_VERSION; v++)
    g_string_append (script, migrations[v]);
  g_string_append_printf (script, "PRAGMA user_version = %d; COMMIT", REGISTRY_STORE_VERSION);
  if (sqlite3_exec (store->db, script->str, NULL, NULL, NULL) == SQLITE_OK)
    return TRUE;
  g_propagate_error (error, error_of (store, "bringing it to this version"));
  if (!sqlite3_get_autocommit (store->db))
    sqlite3_exec (store->db, "ROLLBACK", NULL, NULL, NULL);
  return FALSE;
}

/* Also the files that SQLite makes beside it take its mode. */
static gboolean
make_private (const char *path, GError **error)
{
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  int saved = errno;

  if (fd >= 0 && fchmod (fd, 0600) == 0)
    return close (fd) == 0;
  saved = fd >= 0 ? errno : saved;
  if (fd >= 0)
    close (fd);
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "store %s: %s", path, g_strerror (saved));
  return FALSE;
}

RegistryStore *
registry_store_open (const char *path, GError **error)
{
  g_autoptr (RegistryStore) store = NULL;
  gint64 version;

  if (!make_private (path, error))
    return NULL;
  store = g_new0 (RegistryStore, 1);
  store->path = g_strdup (path);
  if (sqlite3_open_v2 (path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
    {
      g_propagate_error (error, error_of (store, "opening"));
      return NULL;
    }
  sqlite3_busy_timeout (store->db, BUSY_MSEC);
  /* Nothing is written before the file is known to be ours, and whole. */
  if (!run (store, "PRAGMA locking_mode = EXCLUSIVE", error) || !check_version (store, &version, error) ||
      !check_whole (store, error) || !run (store, "PRAGMA journal_mode = WAL", error) ||
      !run (store, "PRAGMA synchronous = FULL", error) || !run (store, "PRAGMA cache_size = " CACHE_SIZE, error) ||
      !migrate (store, version, error))
    return NULL;
  return g_steal_pointer (&store);
}

void
registry_store_free (RegistryStore *store)
{
  g_autoptr (GError) error = NULL;

  if (store->db && registry_store_is_dirty (store) && !registry_store_commit (store, &error))
    g_warning ("%s", error->message);
  for (guint i = 0; i < N_STATEMENTS; i++)
    sqlite3_finalize (store->prepared[i]);
  if (sqlite3_close (store->db) != SQLITE_OK)
    g_warning ("store %s: %s", store->path, sqlite3_errmsg (store->db));
  g_clear_error (&store->failure);
  g_free (store->path);
  g_free (store);
}

const char *
registry_store_path (const RegistryStore *store)
{
  return store->path;
}

/* Networks */

static char *
column_text (sqlite3_stmt *s, int column)
{
  return g_strdup ((const char *) sqlite3_column_text (s, column));
}

void
registry_stored_network_clear (RegistryStoredNetwork *network)
{
  g_clear_pointer (&network->generation, g_free);
  g_clear_pointer (&network->revocation, g_free);
  g_clear_pointer (&network->kill, g_free);
}

static gboolean
find_network (RegistryStore *store, const char *name, const char *root, RegistryStoredNetwork *network)
{
  g_autoptr (sqlite3_stmt) s = query (store, FIND_NETWORK, "tt", name, root);

  if (!s || sqlite3_step (s) != SQLITE_ROW)
    return FALSE;
  network->id = sqlite3_column_int64 (s, 0);
  network->generation = column_text (s, 1);
  network->ceiling = sqlite3_column_int64 (s, 2);
  network->floor = sqlite3_column_int64 (s, 3);
  network->revocation = column_text (s, 4);
  network->kill_counter = sqlite3_column_int64 (s, 5);
  network->kill = column_text (s, 6);
  return TRUE;
}

gboolean
registry_store_load_network (RegistryStore *store, const char *name, const char *root, RegistryStoredNetwork *network,
                             GError **error)
{
  g_autofree char *generation = NULL;

  memset (network, 0, sizeof *network);
  if (find_network (store, name, root, network))
    return TRUE;
  generation = g_uuid_string_random ();
  write_row (store, ADD_NETWORK, "ttt", name, root, generation);
  if (!registry_store_commit (store, error))
    return FALSE;
  if (find_network (store, name, root, network))
    return TRUE;
  g_propagate_error (error, error_of (store, "adding a network"));
  return FALSE;
}

void
registry_store_set_ceiling (RegistryStore *store, gint64 network, guint64 ceiling)
{
  write_row (store, SET_CEILING, "ii", network, (gint64) ceiling);
}

void
registry_store_set_floor (RegistryStore *store, gint64 network, guint64 floor)
{
  write_row (store, SET_FLOOR, "ii", network, (gint64) floor);
  write_row (store, TRIM_TOMBSTONES, "ii", network, (gint64) floor);
}

void
registry_store_set_revocation (RegistryStore *store, gint64 network, const char *jws)
{
  write_row (store, SET_REVOCATION, "it", network, jws);
}

void
registry_store_set_kill (RegistryStore *store, gint64 network, guint64 counter, const char *jws)
{
  write_row (store, SET_KILL, "iit", network, (gint64) counter, jws);
}

void
registry_store_put_delegation (RegistryStore *store, gint64 network, const char *fingerprint, const char *jws)
{
  write_row (store, PUT_DELEGATION, "itt", network, fingerprint, jws);
}

/* Steps through rows; whether all were read. */
#define EACH_ROW(store, s, result)                                                                     \
  for ((result) = (s) ? sqlite3_step (s) : SQLITE_ERROR; (result) == SQLITE_ROW; (result) = sqlite3_step (s))

static gboolean
done (RegistryStore *store, int result, GError **error)
{
  if (result == SQLITE_DONE)
    return TRUE;
  g_propagate_error (error, error_of (store, "reading"));
  return FALSE;
}

gboolean
registry_store_each_delegation (RegistryStore *store, gint64 network, RegistryDelegationFunc func, gpointer user_data,
                                GError **error)
{
  g_autoptr (sqlite3_stmt) s = query (store, EACH_DELEGATION, "i", network);
  int result;

  EACH_ROW (store, s, result)
    func ((const char *) sqlite3_column_text (s, 0), user_data);
  return done (store, result, error);
}

/* Members */

void
registry_store_put_member (RegistryStore *store, gint64 network, const RegistryStoredMember *member)
{
  write_row (store, PUT_MEMBER, "ittktttiiii", network, member->fingerprint, member->identity, &member->key,
             member->grant, member->record, member->kex, (gint64) member->admitted, (gint64) member->online,
             member->seen, (gint64) member->revision);
}

void
registry_store_set_presence (RegistryStore *store, gint64 network, const char *fingerprint, gboolean online,
                             gint64 seen, guint64 revision)
{
  write_row (store, SET_PRESENCE, "itiii", network, fingerprint, (gint64) online, seen, (gint64) revision);
}

void
registry_store_set_record (RegistryStore *store, gint64 network, const char *fingerprint, const char *record,
                           guint64 revision)
{
  write_row (store, SET_RECORD, "itti", network, fingerprint, record, (gint64) revision);
}

void
registry_store_set_kex (RegistryStore *store, gint64 network, const char *fingerprint, const char *kex,
                        guint64 revision)
{
  write_row (store, SET_KEX, "itti", network, fingerprint, kex, (gint64) revision);
}

void
registry_store_delete_member (RegistryStore *store, gint64 network, const char *fingerprint, const ScopeKey *key,
                              guint64 revision)
{
  write_row (store, DELETE_MEMBER, "it", network, fingerprint);
  if (revision)
    write_row (store, PUT_TOMBSTONE, "iki", network, key, (gint64) revision);
}

void
registry_store_delete_tombstone (RegistryStore *store, gint64 network, const ScopeKey *key)
{
  write_row (store, DELETE_TOMBSTONE, "ik", network, key);
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
  g_autoptr (sqlite3_stmt) s = query (store, EACH_MEMBER, "i", network);
  int result;

  EACH_ROW (store, s, result)
    deliver_member (s, func, user_data);
  return done (store, result, error);
}

gboolean
registry_store_read_member (RegistryStore *store, gint64 network, const char *fingerprint, RegistryMemberFunc func,
                            gpointer user_data)
{
  g_autoptr (sqlite3_stmt) s = query (store, READ_MEMBER, "it", network, fingerprint);

  if (!s || sqlite3_step (s) != SQLITE_ROW)
    return FALSE;
  deliver_member (s, func, user_data);
  return TRUE;
}

gboolean
registry_store_each_tombstone (RegistryStore *store, gint64 network, RegistryTombstoneFunc func, gpointer user_data,
                               GError **error)
{
  g_autoptr (sqlite3_stmt) s = query (store, EACH_TOMBSTONE, "i", network);
  ScopeKey key;
  int result;

  EACH_ROW (store, s, result)
    if (column_key (s, 0, &key))
      func (&key, sqlite3_column_int64 (s, 1), user_data);
  return done (store, result, error);
}

/* Invites */

void
registry_stored_invite_clear (RegistryStoredInvite *invite)
{
  g_clear_pointer (&invite->role, g_free);
  g_clear_pointer (&invite->name, g_free);
  g_clear_pointer (&invite->used_by, g_free);
}

void
registry_store_put_invite (RegistryStore *store, gint64 network, const RegistryStoredInvite *invite)
{
  write_row (store, PUT_INVITE, "ibtti", network, invite->token, invite->role, invite->name, invite->expires);
}

gboolean
registry_store_find_invite (RegistryStore *store, gint64 network, const guint8 *token, RegistryStoredInvite *invite)
{
  g_autoptr (sqlite3_stmt) s = query (store, FIND_INVITE, "ib", network, token);

  if (!s || sqlite3_step (s) != SQLITE_ROW)
    return FALSE;
  memcpy (invite->token, token, REGISTRY_TOKEN_LEN);
  invite->role = column_text (s, 0);
  invite->name = column_text (s, 1);
  invite->expires = sqlite3_column_int64 (s, 2);
  invite->used_by = column_text (s, 3);
  return TRUE;
}

void
registry_store_use_invite (RegistryStore *store, gint64 network, const guint8 *token, const char *fingerprint,
                           gint64 now)
{
  write_row (store, USE_INVITE, "ibti", network, token, fingerprint, now);
}

void
registry_store_forget_invites (RegistryStore *store, gint64 network, gint64 before)
{
  write_row (store, FORGET_INVITES, "ii", network, before);
}
