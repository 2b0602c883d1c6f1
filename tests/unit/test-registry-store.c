/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The store: what is acknowledged is kept, what is not ours is left alone. */
#include "common/scope-error.h"
#include "registry/registry-store.h"

#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
  char *dir, *path;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  f->dir = g_dir_make_tmp ("test-store-XXXXXX", NULL);
  f->path = g_build_filename (f->dir, "registry.sqlite", NULL);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  g_autoptr (GDir) dir = g_dir_open (f->dir, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)))
    {
      g_autofree char *path = g_build_filename (f->dir, name, NULL);
      g_remove (path);
    }
  g_remove (f->dir);
  g_free (f->dir);
  g_free (f->path);
}

static RegistryStore *
open_good (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  RegistryStore *store = registry_store_open (f->path, &error);

  g_assert_no_error (error);
  return store;
}

static void
commit_good (RegistryStore *store)
{
  g_autoptr (GError) error = NULL;

  registry_store_commit (store, &error);
  g_assert_no_error (error);
}

static void
load (RegistryStore *store, const char *name, const char *root, RegistryStoredNetwork *network)
{
  g_autoptr (GError) error = NULL;

  registry_store_load_network (store, name, root, network, &error);
  g_assert_no_error (error);
}

static void
sql (const char *path, const char *text)
{
  sqlite3 *db;
  char *message = NULL;

  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  if (sqlite3_exec (db, text, NULL, NULL, &message) != SQLITE_OK)
    g_error ("%s: %s", text, message);
  sqlite3_close (db);
}

static RegistryStoredMember
member (guint8 n, const char *fingerprint, guint64 revision)
{
  RegistryStoredMember m = { .fingerprint = fingerprint, .identity = "i", .grant = "g", .revision = revision, .seen = 5 };

  memset (m.key.bytes, n, sizeof m.key.bytes);
  return m;
}

static void
list (const RegistryStoredMember *m, gpointer user_data)
{
  g_string_append_printf (user_data, "%s %d %s %s %s %d %d %d %d;", m->fingerprint, m->key.bytes[0], m->grant,
                          m->record ? m->record : "-", m->kex ? m->kex : "-", m->admitted, m->online, (int) m->seen,
                          (int) m->revision);
}

static void
list_tombstone (const ScopeKey *key, guint64 revision, gpointer user_data)
{
  g_string_append_printf (user_data, "gone %d %d;", key->bytes[0], (int) revision);
}

static char *
content (RegistryStore *store, gint64 id)
{
  GString *text = g_string_new (NULL);

  g_assert_true (registry_store_each_member (store, id, list, text, NULL));
  g_assert_true (registry_store_each_tombstone (store, id, list_tombstone, text, NULL));
  return g_string_free (text, FALSE);
}

#define assert_content(store, id, expected)                \
  G_STMT_START                                             \
  {                                                        \
    g_autofree char *content_ = content (store, id);       \
    g_assert_cmpstr (content_, ==, expected);              \
  }                                                        \
  G_STMT_END

static void
test_members (Fixture *f, gconstpointer data)
{
  g_autoptr (RegistryStore) store = open_good (f);
  g_auto (RegistryStoredNetwork) network = { 0 };
  g_auto (RegistryStoredNetwork) other = { 0 };
  RegistryStoredMember a = member (1, "a", 7), b = member (2, "b", 3);
  GStatBuf st;

  g_assert_cmpint (g_stat (f->path, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 0777, ==, 0600);
  load (store, "home", "root", &network);
  load (store, "home", "another root", &other);
  g_assert_cmpint (network.id, !=, other.id);
  g_assert_cmpstr (network.generation, !=, other.generation);

  a.record = "r";
  b.admitted = REGISTRY_ADMITTED_LISTED;
  registry_store_put_member (store, network.id, &a);
  registry_store_put_member (store, network.id, &b);
  assert_content (store, network.id, "b 2 g - - 2 0 5 3;a 1 g r - 0 0 5 7;");
  assert_content (store, other.id, "");
  registry_store_set_presence (store, network.id, "b", TRUE, 9, 8);
  registry_store_set_kex (store, network.id, "a", "k", 9);
  registry_store_set_record (store, network.id, "b", "R", 10);
  commit_good (store);
  assert_content (store, network.id, "a 1 g r k 0 0 5 9;b 2 g R - 2 1 9 10;");
  registry_store_delete_member (store, network.id, "a", &a.key, 11);
  commit_good (store);
  g_clear_pointer (&store, registry_store_free);

  store = open_good (f);
  registry_stored_network_clear (&network);
  load (store, "home", "root", &network);
  assert_content (store, network.id, "b 2 g R - 2 1 9 10;gone 1 11;");
  registry_store_delete_tombstone (store, network.id, &a.key);
  assert_content (store, network.id, "b 2 g R - 2 1 9 10;");
  registry_store_delete_member (store, network.id, "b", &b.key, 12);
  registry_store_set_floor (store, network.id, 12);
  assert_content (store, network.id, "");
}

static void
collect (const char *jws, gpointer user_data)
{
  g_string_append_printf (user_data, "%s;", jws);
}

static void
test_network (Fixture *f, gconstpointer data)
{
  g_autoptr (RegistryStore) store = open_good (f);
  g_auto (RegistryStoredNetwork) network = { 0 };
  g_autofree char *generation = NULL;
  g_autoptr (GString) delegations = g_string_new (NULL);

  load (store, "home", "root", &network);
  generation = g_strdup (network.generation);
  g_assert_cmpuint (strlen (generation), >=, 16);
  registry_store_set_ceiling (store, network.id, 5000);
  registry_store_set_floor (store, network.id, 7);
  registry_store_set_revocation (store, network.id, "rev");
  registry_store_set_kill (store, network.id, 4, "kill");
  registry_store_put_delegation (store, network.id, "x", "1");
  registry_store_put_delegation (store, network.id, "x", "2");
  registry_store_put_delegation (store, network.id, "y", "3");
  commit_good (store);
  g_clear_pointer (&store, registry_store_free);

  store = open_good (f);
  registry_stored_network_clear (&network);
  load (store, "home", "root", &network);
  g_assert_cmpstr (network.generation, ==, generation);
  g_assert_cmpuint (network.ceiling, ==, 5000);
  g_assert_cmpuint (network.floor, ==, 7);
  g_assert_cmpstr (network.revocation, ==, "rev");
  g_assert_cmpuint (network.kill_counter, ==, 4);
  g_assert_cmpstr (network.kill, ==, "kill");
  g_assert_true (registry_store_each_delegation (store, network.id, collect, delegations, NULL));
  g_assert_cmpstr (delegations->str, ==, "2;3;");
}

static void
test_invites (Fixture *f, gconstpointer data)
{
  g_autoptr (RegistryStore) store = open_good (f);
  RegistryStoredInvite invite = { .token = { 7 }, .role = (char *) "edge", .expires = 100 };
  const guint8 unknown[REGISTRY_TOKEN_LEN] = { 8 };

  registry_store_put_invite (store, 1, &invite);
  registry_store_use_invite (store, 1, invite.token, "a", 50);
  invite.expires = 200;
  registry_store_put_invite (store, 1, &invite); /* does not make it unused */
  commit_good (store);
  {
    g_auto (RegistryStoredInvite) found = { 0 };

    g_assert_true (registry_store_find_invite (store, 1, invite.token, &found));
    g_assert_cmpstr (found.used_by, ==, "a");
    g_assert_cmpint (found.expires, ==, 100);
    g_assert_null (found.name);
    g_assert_false (registry_store_find_invite (store, 1, unknown, &found));
    g_assert_false (registry_store_find_invite (store, 2, invite.token, &found));
  }
  registry_store_forget_invites (store, 1, 100);
  {
    g_auto (RegistryStoredInvite) found = { 0 };
    g_assert_true (registry_store_find_invite (store, 1, invite.token, &found));
  }
  registry_store_forget_invites (store, 1, 101);
  {
    g_auto (RegistryStoredInvite) found = { 0 };
    g_assert_false (registry_store_find_invite (store, 1, invite.token, &found));
  }
}

/* All since the last commit, or nothing. */
static void
test_failure (Fixture *f, gconstpointer data)
{
  g_autoptr (RegistryStore) store = open_good (f);
  g_autoptr (GError) error = NULL;
  RegistryStoredMember a = member (1, "a", 1), b = member (2, "b", 2), thief = member (1, "t", 3);

  registry_store_put_member (store, 1, &a);
  commit_good (store);
  registry_store_put_member (store, 1, &b);
  registry_store_put_member (store, 1, &thief);
  registry_store_set_presence (store, 1, "a", TRUE, 1, 4);
  g_assert_true (registry_store_is_dirty (store));
  g_assert_false (registry_store_commit (store, &error));
  g_assert_nonnull (strstr (error->message, "UNIQUE"));
  g_assert_false (registry_store_is_dirty (store));
  assert_content (store, 1, "a 1 g - - 0 0 5 1;");
  registry_store_put_member (store, 1, &b); /* and it goes on */
  commit_good (store);
  assert_content (store, 1, "a 1 g - - 0 0 5 1;b 2 g - - 0 0 5 2;");
}

/* A process that is killed right after the commit; one that is killed before it. */
static void
test_killed (Fixture *f, gconstpointer data)
{
  for (guint committed = 0; committed < 2; committed++)
    {
      pid_t pid = fork ();
      int status;

      if (pid == 0)
        {
          RegistryStore *store = registry_store_open (f->path, NULL);
          RegistryStoredMember a = member (committed, committed ? "kept" : "lost", 1);

          registry_store_put_member (store, 1, &a);
          if (committed)
            registry_store_commit (store, NULL);
          kill (getpid (), SIGKILL);
        }
      g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
      g_assert_true (WIFSIGNALED (status));
    }
  {
    g_autoptr (RegistryStore) store = open_good (f);
    assert_content (store, 1, "kept 1 g - - 0 0 5 1;");
  }
}

/* How often the log was told to reach the disk: SQLite's own file functions, counted. */

static guint syncs, writes_after_sync;
static const sqlite3_io_methods *real_methods;
static sqlite3_io_methods counting_methods;
static int (*real_open) (sqlite3_vfs *, const char *, sqlite3_file *, int, int *);

static int
count_sync (sqlite3_file *file, int flags)
{
  syncs++;
  writes_after_sync = 0;
  return real_methods->xSync (file, flags);
}

static int
count_write (sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
  writes_after_sync++;
  return real_methods->xWrite (file, data, len, offset);
}

static int
counting_open (sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
  int result = real_open (vfs, name, file, flags, out);

  if (result == SQLITE_OK && (flags & SQLITE_OPEN_WAL))
    {
      real_methods = file->pMethods;
      counting_methods = *real_methods;
      counting_methods.xSync = count_sync;
      counting_methods.xWrite = count_write;
      file->pMethods = &counting_methods;
    }
  return result;
}

/* Power loss: when the commit returns, all that was written for it has reached the disk. */
static void
test_synced (Fixture *f, gconstpointer data)
{
  static sqlite3_vfs counting;
  sqlite3_vfs *vfs = sqlite3_vfs_find (NULL);
  RegistryStoredMember a = member (1, "a", 1);

  counting = *vfs;
  counting.zName = "counting";
  real_open = vfs->xOpen;
  counting.xOpen = counting_open;
  g_assert_cmpint (sqlite3_vfs_register (&counting, TRUE), ==, SQLITE_OK);
  {
    g_autoptr (RegistryStore) store = open_good (f);

    for (guint i = 0; i < 5; i++)
      {
        a.revision = i;
        syncs = 0;
        registry_store_put_member (store, 1, &a);
        g_assert_cmpuint (syncs, ==, 0);
        commit_good (store);
        g_assert_cmpuint (syncs, >=, 1);
        g_assert_cmpuint (writes_after_sync, ==, 0);
      }
  }
  sqlite3_vfs_register (vfs, TRUE);
  sqlite3_vfs_unregister (&counting);
}

/* What is there and not good stays as it is. */

static void
refuse (Fixture *f, ScopeError code, const char *message)
{
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autoptr (GError) error = NULL;
  RegistryStore *store;
  gsize len_before, len_after;

  g_assert_true (g_file_get_contents (f->path, &before, &len_before, NULL));
  store = registry_store_open (f->path, &error);
  g_assert_null (store);
  if (!g_error_matches (error, SCOPE_ERROR, code) || !strstr (error->message, message) || !strstr (error->message, f->path))
    g_error ("%s, where “%s” was expected", error->message, message);
  g_assert_true (g_file_get_contents (f->path, &after, &len_after, NULL));
  g_assert_cmpmem (before, len_before, after, len_after);
}

static void
test_newer (Fixture *f, gconstpointer data)
{
  sql (f->path, "CREATE TABLE future (x); PRAGMA user_version = 1000");
  refuse (f, SCOPE_ERROR_UNSUPPORTED, "has version 1000");
}

static void
test_foreign (Fixture *f, gconstpointer data)
{
  sql (f->path, "CREATE TABLE bookmarks (x)");
  refuse (f, SCOPE_ERROR_UNSUPPORTED, "not a registry's");
}

static void
test_garbage (Fixture *f, gconstpointer data)
{
  g_assert_true (g_file_set_contents (f->path, "this is not a database, not at all, but long enough to look like one", -1, NULL));
  refuse (f, SCOPE_ERROR_FAILED, "not a database");
}

static void
test_damaged (Fixture *f, gconstpointer data)
{
  g_autofree char *bytes = NULL;
  gsize len;

  {
    g_autoptr (RegistryStore) store = open_good (f);
    g_autofree char *big = g_strnfill (3000, 'x');

    for (guint i = 0; i < 50; i++)
      {
        g_autofree char *name = g_strdup_printf ("m%u", i);
        RegistryStoredMember m = member (i, name, i);

        m.grant = big;
        registry_store_put_member (store, 1, &m);
      }
    commit_good (store);
  }
  g_assert_true (g_file_get_contents (f->path, &bytes, &len, NULL));
  g_assert_cmpuint (len, >, 100000);
  for (gsize page = 4 * 4096; page < len; page += 3 * 4096)
    memset (bytes + page, 0xa5, 64);
  g_assert_true (g_file_set_contents (f->path, bytes, len, NULL));
  refuse (f, SCOPE_ERROR_FAILED, "damaged");
}

static void
test_nowhere (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->dir, "missing", "x.sqlite", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (registry_store_open (path, &error));
  g_assert_nonnull (strstr (error->message, path));
  g_clear_error (&error);
  g_assert_null (registry_store_open (f->dir, &error));
  g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED);
}

/* Two registries of one state directory would give addresses twice. */
static void
test_two (Fixture *f, gconstpointer data)
{
  g_autoptr (RegistryStore) store = open_good (f);
  pid_t pid = fork ();
  int status;

  g_assert_nonnull (store);
  if (pid == 0)
    {
      GError *error = NULL;
      RegistryStore *second = registry_store_open (f->path, &error);
      _exit (second ? 1 : !g_error_matches (error, SCOPE_ERROR, SCOPE_ERROR_TAKEN) ? 2 : strstr (error->message, "another scope-registry") ? 0 : 3);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
}

/* A store of version 1, made by hand. */
static void
test_migration (Fixture *f, gconstpointer data)
{
  sql (f->path,
       "PRAGMA journal_mode = WAL;"
       "CREATE TABLE networks (id INTEGER PRIMARY KEY, name TEXT NOT NULL, root TEXT NOT NULL, generation TEXT NOT NULL,"
       " ceiling INTEGER NOT NULL DEFAULT 0, revocation TEXT, kill_counter INTEGER NOT NULL DEFAULT 0, kill TEXT, UNIQUE (name, root));"
       "CREATE TABLE delegations (network INTEGER NOT NULL, fingerprint TEXT NOT NULL, jws TEXT NOT NULL,"
       " PRIMARY KEY (network, fingerprint)) WITHOUT ROWID;"
       "CREATE TABLE members (id INTEGER PRIMARY KEY, network INTEGER NOT NULL, fingerprint TEXT NOT NULL, identity TEXT NOT NULL,"
       " key BLOB NOT NULL, grant_jws TEXT NOT NULL, record TEXT, kex TEXT, online INTEGER NOT NULL DEFAULT 0,"
       " seen INTEGER NOT NULL DEFAULT 0, revision INTEGER NOT NULL DEFAULT 0, UNIQUE (network, fingerprint), UNIQUE (network, key));"
       "CREATE TABLE tombstones (network INTEGER NOT NULL, key BLOB NOT NULL, revision INTEGER NOT NULL,"
       " PRIMARY KEY (network, key)) WITHOUT ROWID;"
       "CREATE TABLE invites (network INTEGER NOT NULL, token BLOB NOT NULL, role TEXT NOT NULL, name TEXT, expires INTEGER NOT NULL,"
       " used_by TEXT, used_at INTEGER, PRIMARY KEY (network, token)) WITHOUT ROWID;"
       "INSERT INTO networks (id, name, root, generation, ceiling) VALUES (1, 'home', 'root', 'gen', 99);"
       "INSERT INTO members (network, fingerprint, identity, key, grant_jws, revision)"
       " VALUES (1, 'old', 'i', x'0101010101010101010101010101010101010101010101010101010101010101', 'g', 6);"
       "PRAGMA user_version = 1");
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (RegistryStore) store = open_good (f);
      g_auto (RegistryStoredNetwork) network = { 0 };

      load (store, "home", "root", &network);
      g_assert_cmpstr (network.generation, ==, "gen");
      g_assert_cmpuint (network.ceiling, ==, 99);
      g_assert_cmpuint (network.floor, ==, 0);
      assert_content (store, network.id, "old 1 g - - 0 0 0 6;");
    }
}

/* A migration that cannot be finished leaves the old version. */
static void
test_migration_fails (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  sql (f->path, "CREATE TABLE members (admitted); CREATE TABLE networks (x); PRAGMA user_version = 1");
  g_assert_null (registry_store_open (f->path, &error));
  g_assert_nonnull (strstr (error->message, "bringing it to this version"));
  sql (f->path, "INSERT INTO members (admitted) VALUES (1); INSERT INTO networks (x) VALUES (1)");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/store/" name, Fixture, NULL, setup, func, teardown)
  ADD ("members", test_members);
  ADD ("network", test_network);
  ADD ("invites", test_invites);
  ADD ("failure", test_failure);
  ADD ("killed", test_killed);
  ADD ("synced", test_synced);
  ADD ("newer", test_newer);
  ADD ("foreign", test_foreign);
  ADD ("garbage", test_garbage);
  ADD ("damaged", test_damaged);
  ADD ("nowhere", test_nowhere);
  ADD ("two", test_two);
  ADD ("migration", test_migration);
  ADD ("migration-fails", test_migration_fails);
  return g_test_run ();
}
