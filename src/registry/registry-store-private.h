/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-store-private: the statements of the store and how they run: between registry-store.c (opens it),
 * registry-store-statements.c (runs them) and those that know what is in a row.
 */
#pragma once

#include "registry/registry-store.h"

#include <sqlite3.h>

typedef enum {
  REGISTRY_SQL_BEGIN,
  REGISTRY_SQL_COMMIT,
  REGISTRY_SQL_FIND_NETWORK,
  REGISTRY_SQL_ADD_NETWORK,
  REGISTRY_SQL_SET_CEILING,
  REGISTRY_SQL_SET_FLOOR,
  REGISTRY_SQL_SET_REVOCATION,
  REGISTRY_SQL_SET_KILL,
  REGISTRY_SQL_PUT_DELEGATION,
  REGISTRY_SQL_EACH_DELEGATION,
  REGISTRY_SQL_PUT_MEMBER,
  REGISTRY_SQL_SET_PRESENCE,
  REGISTRY_SQL_SET_RECORD,
  REGISTRY_SQL_SET_KEX,
  REGISTRY_SQL_DELETE_MEMBER,
  REGISTRY_SQL_EACH_MEMBER,
  REGISTRY_SQL_READ_MEMBER,
  REGISTRY_SQL_PUT_TOMBSTONE,
  REGISTRY_SQL_DELETE_TOMBSTONE,
  REGISTRY_SQL_TRIM_TOMBSTONES,
  REGISTRY_SQL_EACH_TOMBSTONE,
  REGISTRY_SQL_PUT_INVITE,
  REGISTRY_SQL_FIND_INVITE,
  REGISTRY_SQL_USE_INVITE,
  REGISTRY_SQL_FORGET_INVITES,
  REGISTRY_SQL_N_STATEMENTS,
} RegistryStatement;

struct _RegistryStore {
  sqlite3 *db;
  char *path;
  sqlite3_stmt *prepared[REGISTRY_SQL_N_STATEMENTS];
  gboolean dirty;  /* a transaction is open */
  GError *failure; /* the first write of it that failed */
};

/* The statement is ready for another turn. */
void registry_store_reset (sqlite3_stmt *s);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (sqlite3_stmt, registry_store_reset)

/* What SQLite says of its last call. @what: was tried */
GError *registry_store_error (RegistryStore *store, const char *what);

/*
 * @types: one letter for each parameter: i: integer (gint64), t: text (nullable), k: ScopeKey, b: 32 bytes.
 * To be held in an autoptr.
 */
sqlite3_stmt *registry_store_query (RegistryStore *store, RegistryStatement which, const char *types, ...);

/* Begins a transaction when none is open; fails silently, see registry_store_commit(). */
void registry_store_write (RegistryStore *store, RegistryStatement which, const char *types, ...);

/* Steps through rows; registry_store_done(): whether all were read. */
#define REGISTRY_EACH_ROW(s, result)                                                                   \
  for ((result) = (s) ? sqlite3_step (s) : SQLITE_ERROR; (result) == SQLITE_ROW; (result) = sqlite3_step (s))
gboolean registry_store_done (RegistryStore *store, int result, GError **error);

char *registry_store_text (sqlite3_stmt *s, int column);
