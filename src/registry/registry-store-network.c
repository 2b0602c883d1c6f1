/* SPDX-License-Identifier: GPL-3.0-or-later */
/* In the store: networks, and what their root said: delegations, invites. */
#include "registry/registry-store-private.h"

#include <string.h>

/* Networks */

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
  g_autoptr (sqlite3_stmt) s = registry_store_query (store, REGISTRY_SQL_FIND_NETWORK, "tt", name, root);

  if (!s || sqlite3_step (s) != SQLITE_ROW)
    return FALSE;
  network->id = sqlite3_column_int64 (s, 0);
  network->generation = registry_store_text (s, 1);
  network->ceiling = sqlite3_column_int64 (s, 2);
  network->floor = sqlite3_column_int64 (s, 3);
  network->revocation = registry_store_text (s, 4);
  network->kill_counter = sqlite3_column_int64 (s, 5);
  network->kill = registry_store_text (s, 6);
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
  registry_store_write (store, REGISTRY_SQL_ADD_NETWORK, "ttt", name, root, generation);
  if (!registry_store_commit (store, error))
    return FALSE;
  if (find_network (store, name, root, network))
    return TRUE;
  g_propagate_error (error, registry_store_error (store, "adding a network"));
  return FALSE;
}

void
registry_store_set_ceiling (RegistryStore *store, gint64 network, guint64 ceiling)
{
  registry_store_write (store, REGISTRY_SQL_SET_CEILING, "ii", network, (gint64) ceiling);
}

void
registry_store_set_floor (RegistryStore *store, gint64 network, guint64 floor)
{
  registry_store_write (store, REGISTRY_SQL_SET_FLOOR, "ii", network, (gint64) floor);
  registry_store_write (store, REGISTRY_SQL_TRIM_TOMBSTONES, "ii", network, (gint64) floor);
}

void
registry_store_set_revocation (RegistryStore *store, gint64 network, const char *jws)
{
  registry_store_write (store, REGISTRY_SQL_SET_REVOCATION, "it", network, jws);
}

void
registry_store_set_kill (RegistryStore *store, gint64 network, guint64 counter, const char *jws)
{
  registry_store_write (store, REGISTRY_SQL_SET_KILL, "iit", network, (gint64) counter, jws);
}

void
registry_store_put_delegation (RegistryStore *store, gint64 network, const char *fingerprint, const char *jws)
{
  registry_store_write (store, REGISTRY_SQL_PUT_DELEGATION, "itt", network, fingerprint, jws);
}

gboolean
registry_store_each_delegation (RegistryStore *store, gint64 network, RegistryDelegationFunc func, gpointer user_data,
                                GError **error)
{
  g_autoptr (sqlite3_stmt) s = registry_store_query (store, REGISTRY_SQL_EACH_DELEGATION, "i", network);
  int result;

  REGISTRY_EACH_ROW (s, result)
    func ((const char *) sqlite3_column_text (s, 0), user_data);
  return registry_store_done (store, result, error);
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
  registry_store_write (store, REGISTRY_SQL_PUT_INVITE, "ibtti", network, invite->token, invite->role,
                        invite->name, invite->expires);
}

gboolean
registry_store_find_invite (RegistryStore *store, gint64 network, const guint8 *token, RegistryStoredInvite *invite)
{
  g_autoptr (sqlite3_stmt) s = registry_store_query (store, REGISTRY_SQL_FIND_INVITE, "ib", network, token);

  if (!s || sqlite3_step (s) != SQLITE_ROW)
    return FALSE;
  memcpy (invite->token, token, REGISTRY_TOKEN_LEN);
  invite->role = registry_store_text (s, 0);
  invite->name = registry_store_text (s, 1);
  invite->expires = sqlite3_column_int64 (s, 2);
  invite->used_by = registry_store_text (s, 3);
  return TRUE;
}

void
registry_store_use_invite (RegistryStore *store, gint64 network, const guint8 *token, const char *fingerprint,
                           gint64 now)
{
  registry_store_write (store, REGISTRY_SQL_USE_INVITE, "ibti", network, token, fingerprint, now);
}

void
registry_store_forget_invites (RegistryStore *store, gint64 network, gint64 before)
{
  registry_store_write (store, REGISTRY_SQL_FORGET_INVITES, "ii", network, before);
}
