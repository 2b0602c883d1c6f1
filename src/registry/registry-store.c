/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening the store: its schema, and what brings an older one to this version. */
#include "registry/registry-store-private.h"

#include "common/scope-error.h"

#include <errno.h>
#include <fcntl.h>
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
  g_propagate_error (error, registry_store_error (store, "opening"));
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
      g_propagate_error (error, registry_store_error (store, "reading its version"));
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
  g_propagate_error (error, registry_store_error (store, "bringing it to this version"));
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
      g_propagate_error (error, registry_store_error (store, "opening"));
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
  for (guint i = 0; i < REGISTRY_SQL_N_STATEMENTS; i++)
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
