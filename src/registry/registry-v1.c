/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-v1.h"

#include "common/scope-error.h"
#include "registry/registry-publish.h"
#include "registry/registry-v1-session.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#define THOROUGH_SECONDS 60
#define INVITES_KEPT (30 * 24 * 3600) /* seconds after they expired: who comes late hears why */

struct _RegistryV1 {
  RegistryHub *hub;
  RegistryV1Shared shared;
  RegistryStore *store;
  GHashTable *meshes; /* name → RegistryMesh */
  GHashTable *next;   /* those of the next configuration that are new */
  GHashTable *sessions;
  guint flush;
  gboolean urgent;
  guint sweep;
  guint sweeps;
};

static gint64
now_ms (void)
{
  return g_get_real_time () / 1000;
}

static GHashTable *
meshes_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) registry_mesh_free);
}

/* Storing and publishing */

static gboolean
on_flush (gpointer user_data)
{
  RegistryV1 *v1 = user_data;

  v1->flush = 0;
  registry_v1_flush (v1);
  return G_SOURCE_REMOVE;
}

/* Not at once: what comes together is committed together. */
static void
on_changed (RegistryMesh *mesh, gboolean durable, gpointer user_data)
{
  RegistryV1 *v1 = user_data;

  v1->urgent |= durable;
  if (!v1->flush)
    v1->flush = g_idle_add_full (G_PRIORITY_DEFAULT, on_flush, v1, NULL);
}

static void
orphan_sessions (RegistryV1 *v1, const RegistryMesh *mesh)
{
  GHashTableIter iter;
  gpointer session;

  g_hash_table_iter_init (&iter, v1->sessions);
  while (g_hash_table_iter_next (&iter, &session, NULL))
    if (registry_v1_session_mesh (session) == mesh)
      registry_v1_session_orphan (session);
}

void
registry_v1_stop (RegistryV1 *v1)
{
  GHashTableIter iter;
  gpointer session;

  g_hash_table_iter_init (&iter, v1->sessions);
  while (g_hash_table_iter_next (&iter, &session, NULL))
    registry_v1_session_orphan (session);
}

static void
drop_mesh (RegistryV1 *v1, RegistryMesh *mesh)
{
  orphan_sessions (v1, mesh);
  g_hash_table_remove (v1->meshes, mesh->name);
}

static void
revive (RegistryV1 *v1)
{
  for (guint i = 0; i < v1->shared.config->networks->len; i++)
    {
      const RegistryNetworkConfig *network = g_ptr_array_index (v1->shared.config->networks, i);
      g_autoptr (GError) error = NULL;
      RegistryMesh *mesh;

      if (!network->path || g_hash_table_contains (v1->meshes, network->name))
        continue;
      mesh = registry_mesh_new (v1->store, network, now_ms (), on_changed, v1, &error);
      if (mesh)
        g_hash_table_insert (v1->meshes, mesh->name, mesh);
      else
        g_warning ("network %s is not served: %s", network->name, error->message);
    }
}

gboolean
registry_v1_flush (RegistryV1 *v1)
{
  g_autoptr (GError) error = NULL;
  GHashTableIter iter;
  gpointer mesh;

  if (v1->urgent && !registry_store_commit (v1->store, &error))
    {
      g_warning ("%s; all sessions end, and what is stored counts", error->message);
      v1->urgent = FALSE;
      g_hash_table_iter_init (&iter, v1->meshes);
      while (g_hash_table_iter_next (&iter, NULL, &mesh))
        orphan_sessions (v1, mesh);
      g_hash_table_remove_all (v1->meshes);
      revive (v1);
      return FALSE;
    }
  v1->urgent = FALSE;
  g_hash_table_iter_init (&iter, v1->meshes);
  while (g_hash_table_iter_next (&iter, NULL, &mesh))
    if (((RegistryMesh *) mesh)->dirty)
      registry_publish (mesh, now_ms ());
  return TRUE;
}

/* Time */

void
registry_v1_sweep (RegistryV1 *v1, gint64 now)
{
  GHashTableIter iter;
  gpointer session;

  g_hash_table_iter_init (&iter, v1->sessions);
  while (g_hash_table_iter_next (&iter, &session, NULL))
    {
      gint64 deadline = registry_v1_session_deadline (session);
      if (deadline && now >= deadline)
        registry_v1_session_end (session, "denied", "no hello came");
    }
}

static gboolean
on_sweep (gpointer user_data)
{
  RegistryV1 *v1 = user_data;
  gboolean thorough = ++v1->sweeps % THOROUGH_SECONDS == 0;
  GHashTableIter iter;
  gpointer value;

  registry_v1_sweep (v1, g_get_monotonic_time ());
  registry_carry_sweep (v1->shared.carry, g_get_monotonic_time ());
  g_hash_table_iter_init (&iter, v1->meshes);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      RegistryMesh *mesh = value;

      registry_mesh_sweep (mesh, thorough, now_ms ());
      if (thorough && v1->sweeps % 3600 == 0)
        registry_store_forget_invites (v1->store, mesh->id, now_ms () / 1000 - INVITES_KEPT);
    }
  /* What nobody waits for, too. */
  if (v1->store && registry_store_is_dirty (v1->store))
    {
      v1->urgent = TRUE;
      registry_v1_flush (v1);
    }
  if (thorough && v1->shared.config)
    revive (v1);
  return G_SOURCE_CONTINUE;
}

/* Sessions */

RegistryMesh *
registry_v1_find (const RegistryV1 *v1, const char *network)
{
  return g_hash_table_lookup (v1->meshes, network);
}

static RegistryMesh *
find_for_carry (const char *network, gpointer user_data)
{
  return registry_v1_find (user_data, network);
}

RegistryCarry *
registry_v1_get_carry (const RegistryV1 *v1)
{
  return v1->shared.carry;
}

static void
on_closed (RegistryV1Session *session, gpointer user_data)
{
  g_hash_table_remove (((RegistryV1 *) user_data)->sessions, session);
}

void
registry_v1_add (RegistryV1 *v1, const char *network, GIOStream *stream, RegistryConnection *connection,
                 const ScopePrefix *client)
{
  RegistryMesh *mesh = registry_v1_find (v1, network);
  RegistryV1Session *session = registry_v1_session_new (mesh, &v1->shared);
  RegistrySocket *socket;

  g_hash_table_add (v1->sessions, session);
  socket = registry_hub_add (v1->hub, stream, connection, client, &registry_v1_session_class, session);
  if (mesh)
    registry_v1_session_begin (session, socket);
  else
    registry_socket_close (socket, REGISTRY_CLOSE_GOING_AWAY); /* it has gone between question and answer */
}

void
registry_v1_charge (RegistryV1 *v1, const ScopePrefix *client)
{
  registry_accounts_charge (v1->shared.accounts, v1->shared.config, client, REGISTRY_HELLO_COST,
                            g_get_monotonic_time ());
}

/* The networks */

RegistryV1 *
registry_v1_new (RegistryHub *hub, RegistryAccounts *accounts)
{
  RegistryV1 *v1 = g_new0 (RegistryV1, 1);

  v1->hub = hub;
  v1->shared.accounts = accounts;
  v1->shared.carry = registry_carry_new (hub, find_for_carry, v1);
  v1->shared.closed = on_closed;
  v1->shared.user_data = v1;
  v1->meshes = meshes_new ();
  v1->sessions = g_hash_table_new (NULL, NULL);
  v1->sweep = g_timeout_add_seconds (1, on_sweep, v1);
  return v1;
}

void
registry_v1_free (RegistryV1 *v1)
{
  g_clear_handle_id (&v1->sweep, g_source_remove);
  g_clear_handle_id (&v1->flush, g_source_remove);
  registry_v1_abandon (v1);
  registry_carry_free (v1->shared.carry);
  g_hash_table_unref (v1->meshes);
  g_hash_table_unref (v1->sessions);
  g_clear_pointer (&v1->store, registry_store_free);
  g_free (v1);
}

static gboolean
open_store (RegistryV1 *v1, const RegistryConfig *config, const char *network, GError **error)
{
  g_autofree char *path = NULL;

  if (!config->state_directory)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
                   "network %s: a v1 network needs a stateDirectory (or systemd's StateDirectory=)", network);
      return FALSE;
    }
  path = g_build_filename (config->state_directory, REGISTRY_STORE_FILE, NULL);
  if (v1->store)
    {
      if (!g_str_equal (path, registry_store_path (v1->store)))
        g_warning ("the store stays at %s until the next start", registry_store_path (v1->store));
      return TRUE;
    }
  if (g_mkdir_with_parents (config->state_directory, 0700) < 0)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "state directory %s: %s", config->state_directory, g_strerror (errno));
      return FALSE;
    }
  v1->store = registry_store_open (path, error);
  return v1->store != NULL;
}

/* Whether @mesh goes on as what @network says. */
static gboolean
is_same (const RegistryMesh *mesh, const RegistryNetworkConfig *network)
{
  return mesh && network && network->file &&
         g_str_equal (mesh->root, scope_identity_public_fingerprint (network->file->root));
}

gboolean
registry_v1_prepare (RegistryV1 *v1, const RegistryConfig *config, GError **error)
{
  /* What is pending is another matter: new networks commit too, and must not swallow its failure. */
  if (v1->store && registry_store_is_dirty (v1->store))
    {
      v1->urgent = TRUE;
      registry_v1_flush (v1);
    }
  registry_v1_abandon (v1);
  v1->next = meshes_new ();
  for (guint i = 0; i < config->networks->len; i++)
    {
      const RegistryNetworkConfig *network = g_ptr_array_index (config->networks, i);
      RegistryMesh *mesh;

      if (!network->file || is_same (registry_v1_find (v1, network->name), network))
        continue;
      mesh = open_store (v1, config, network->name, error)
                 ? registry_mesh_new (v1->store, network, now_ms (), on_changed, v1, error)
                 : NULL;
      if (!mesh)
        {
          registry_v1_abandon (v1);
          return FALSE;
        }
      g_hash_table_insert (v1->next, mesh->name, mesh);
    }
  return TRUE;
}

void
registry_v1_set_stun (RegistryV1 *v1, const char *const *stun)
{
  v1->shared.stun = stun;
}

void
registry_v1_abandon (RegistryV1 *v1)
{
  g_clear_pointer (&v1->next, g_hash_table_unref);
}

void
registry_v1_configure (RegistryV1 *v1, const RegistryConfig *config)
{
  g_autoptr (GList) old = g_hash_table_get_values (v1->meshes);
  GHashTableIter iter;
  gpointer mesh;

  v1->shared.config = config;
  registry_carry_configure (v1->shared.carry, config);
  for (GList *l = old; l; l = l->next)
    {
      RegistryMesh *known = l->data;
      const RegistryNetworkConfig *network = registry_config_find (config, known->name);

      if (is_same (known, network))
        registry_mesh_configure (known, network, now_ms ());
      else
        drop_mesh (v1, known);
    }
  g_hash_table_iter_init (&iter, v1->next);
  while (g_hash_table_iter_next (&iter, NULL, &mesh))
    {
      g_hash_table_iter_steal (&iter);
      g_hash_table_insert (v1->meshes, ((RegistryMesh *) mesh)->name, mesh);
    }
  registry_v1_abandon (v1);
}
