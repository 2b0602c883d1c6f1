/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A network as a whole, who is there, and what time does. */
#include "registry/registry-mesh-private.h"

#include "registry/registry-admission.h"
#include "registry/registry-paths.h"
#include "registry/registry-v1-session.h"

void
registry_mesh_changed (RegistryMesh *mesh, gboolean durable)
{
  guint64 revision = registry_members_revision (mesh->members);
  guint64 floor = registry_members_floor (mesh->members);

  /* A revision that was told must not be given a second time after a crash. */
  if (revision > mesh->ceiling)
    {
      mesh->ceiling = revision + REGISTRY_CEILING_STEP;
      registry_store_set_ceiling (mesh->store, mesh->id, mesh->ceiling);
      durable = TRUE;
    }
  if (floor > mesh->floor)
    {
      mesh->floor = floor;
      registry_store_set_floor (mesh->store, mesh->id, floor);
    }
  mesh->dirty = TRUE;
  mesh->changed (mesh, durable, mesh->user_data);
}

/* The network */

RegistryMesh *
registry_mesh_new (RegistryStore *store, const RegistryNetworkConfig *config, gint64 now, RegistryChangedFunc func,
                   gpointer user_data, GError **error)
{
  g_autoptr (RegistryMesh) mesh = g_new0 (RegistryMesh, 1);

  mesh->name = g_strdup (config->name);
  mesh->root = g_strdup (scope_identity_public_fingerprint (config->file->root));
  mesh->store = store;
  mesh->changed = func;
  mesh->user_data = user_data;
  mesh->authority = scope_authority_new (config->name, config->file->root);
  mesh->delegations = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  mesh->addresses = registry_addresses_new ();
  mesh->sessions = g_ptr_array_new ();
  mesh->paths = registry_paths_new (mesh);
  mesh->config = config;
  if (!registry_mesh_restore (mesh, now, error))
    return NULL;
  registry_mesh_configure (mesh, config, now);
  return g_steal_pointer (&mesh);
}

void
registry_mesh_free (RegistryMesh *mesh)
{
  g_free (mesh->name);
  g_free (mesh->root);
  g_free (mesh->generation);
  g_clear_pointer (&mesh->authority, scope_authority_free);
  g_hash_table_unref (mesh->delegations);
  g_free (mesh->revocation);
  g_free (mesh->kill);
  g_clear_pointer (&mesh->paths, registry_paths_free);
  g_clear_pointer (&mesh->members, registry_members_free);
  registry_addresses_free (mesh->addresses);
  g_ptr_array_unref (mesh->sessions);
  g_free (mesh);
}

void
registry_mesh_configure (RegistryMesh *mesh, const RegistryNetworkConfig *config, gint64 now)
{
  g_autoptr (GError) error = NULL;

  mesh->config = config;
  if (config->file->delegation && !registry_mesh_add_delegation (mesh, config->file->delegation, now, NULL, &error))
    g_warning ("network %s: %s: delegation: %s", mesh->name, config->path, error->message);
  registry_mesh_use_pool (mesh, now);
  if ((config->admission & (REGISTRY_ADMISSION_TOKEN | REGISTRY_ADMISSION_LISTED)) && !registry_mesh_delegation (mesh, now))
    g_message ("network %s: no delegation for this registry's key: nobody is let in by token or listing", mesh->name);
  if (config->killed)
    {
      g_message ("network %s: switched off by the configuration (killed)", mesh->name);
      for (guint i = mesh->sessions->len; i > 0; i--)
        registry_v1_session_end (g_ptr_array_index (mesh->sessions, i - 1), "disabled", "switched off by the registry's configuration");
    }
}

const ScopeDelegation *
registry_mesh_delegation (const RegistryMesh *mesh, gint64 now)
{
  ScopeIdentity *delegate = mesh->config->file->delegate;

  if (!delegate)
    return NULL;
  return scope_authority_find_delegation (mesh->authority,
                                          scope_identity_public_fingerprint (scope_identity_public (delegate)), now / 1000);
}

char **
registry_mesh_delegations (const RegistryMesh *mesh, gint64 now)
{
  GPtrArray *list = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer fingerprint, text;

  g_hash_table_iter_init (&iter, mesh->delegations);
  while (g_hash_table_iter_next (&iter, &fingerprint, &text))
    if (scope_authority_find_delegation (mesh->authority, fingerprint, now / 1000))
      g_ptr_array_add (list, g_strdup (text));
  g_ptr_array_add (list, NULL);
  return (char **) g_ptr_array_free (list, FALSE);
}

gboolean
registry_delegation_allows (const ScopeDelegation *delegation, ScopeRole role, const GArray *ranges)
{
  for (guint i = 0; i < ranges->len; i++)
    {
      const ScopePrefix *range = &g_array_index (ranges, ScopePrefix, i);
      guint j = 0;

      while (j < delegation->pool->len &&
             !scope_prefix_contains (&g_array_index (delegation->pool, ScopePrefix, j), range))
        j++;
      if (j == delegation->pool->len || range->len != (range->family == AF_INET ? 32 : 128))
        return FALSE;
    }
  return ranges->len > 0 && (delegation->roles & 1u << role);
}

gboolean
registry_mesh_holds (const RegistryMesh *mesh, const RegistryMember *member, gint64 now)
{
  const ScopeDelegation *delegation;

  if (member->expires <= now / 1000 || scope_authority_is_revoked (mesh->authority, member->fingerprint))
    return FALSE;
  if (!member->signer)
    return TRUE;
  /* There may be another delegation since: a later one, with a smaller pool, without this role. */
  delegation = scope_authority_find_delegation (mesh->authority, member->signer, now / 1000);
  return delegation && member->issued >= delegation->issued && member->expires <= delegation->expires &&
         registry_delegation_allows (delegation, member->role, member->ranges);
}

typedef struct {
  char **grant, **record, **kex, **identity;
} Wanted;

static void
copy_wanted (const RegistryStoredMember *stored, gpointer user_data)
{
  Wanted *wanted = user_data;

  if (wanted->grant)
    *wanted->grant = g_strdup (stored->grant);
  if (wanted->record)
    *wanted->record = g_strdup (stored->record);
  if (wanted->kex)
    *wanted->kex = g_strdup (stored->kex);
  if (wanted->identity)
    *wanted->identity = g_strdup (stored->identity);
}

gboolean
registry_mesh_read (const RegistryMesh *mesh, const RegistryMember *member, char **grant, char **record, char **kex,
                    char **identity)
{
  Wanted wanted = { grant, record, kex, identity };

  return registry_store_read_member (mesh->store, mesh->id, member->fingerprint, copy_wanted, &wanted);
}

/* Who is there */

void
registry_mesh_touch (RegistryMesh *mesh, RegistryMember *member, guint change)
{
  registry_members_touch (mesh->members, member, change);
  registry_store_set_presence (mesh->store, mesh->id, member->fingerprint, member->online, member->seen, member->revision);
  registry_mesh_changed (mesh, FALSE);
}

void
registry_mesh_arrive (RegistryMesh *mesh, RegistryMember *member, gint64 now)
{
  gboolean came = !member->online || !member->revision;

  member->online = TRUE;
  member->presumed = FALSE;
  member->seen = now;
  if (came)
    registry_mesh_touch (mesh, member, REGISTRY_CHANGE_CAME);
  registry_paths_note (mesh->paths, member);
  registry_mesh_observe (mesh, member, now);
}

void
registry_mesh_depart (RegistryMesh *mesh, RegistryMember *member, gint64 now)
{
  member->online = member->presumed = FALSE;
  member->seen = now;
  g_clear_pointer (&member->progress, g_free);
  registry_paths_note (mesh->paths, member);
  registry_mesh_touch (mesh, member, REGISTRY_CHANGE_LEFT);
}

void
registry_mesh_remove (RegistryMesh *mesh, RegistryMember *member, const char *code)
{
  g_autofree char *fingerprint = g_strdup (member->fingerprint);
  ScopeKey key = member->key;
  guint64 revision;

  if (member->session)
    registry_v1_session_end (member->session, code, "no longer a member");
  registry_paths_forget (mesh->paths, &member->key);
  registry_addresses_give_back (mesh->addresses, member->ranges);
  revision = registry_members_remove (mesh->members, member);
  registry_store_delete_member (mesh->store, mesh->id, fingerprint, &key, revision);
  registry_mesh_changed (mesh, TRUE);
}

/* Where members are seen */

void
registry_mesh_report (RegistryMesh *mesh, const RegistryMember *reporter, RegistryMember *member, const char *endpoint,
                      gint64 now)
{
  if (!member->reports)
    member->reports = registry_reports_new ();
  registry_reports_add (member->reports, &reporter->key, reporter->role != SCOPE_ROLE_EDGE, endpoint, now);
  registry_mesh_observe (mesh, member, now);
}

void
registry_mesh_observe (RegistryMesh *mesh, RegistryMember *member, gint64 now)
{
  g_autofree char *last = member->session && member->port ? registry_v1_session_endpoint (member->session, member->port) : NULL;
  g_auto (GStrv) list = registry_reports_list (member->reports, last);
  static const char *const none[] = { NULL };

  member->observed_stale = FALSE;
  if (g_strv_equal ((const char *const *) list, member->observed ? (const char *const *) member->observed : none))
    return;
  if (member->observed && now >= member->observed_at && now - member->observed_at < REGISTRY_OBSERVED_MSEC)
    {
      member->observed_stale = TRUE;
      return;
    }
  g_strfreev (member->observed);
  member->observed = g_steal_pointer (&list);
  member->observed_at = now;
  registry_mesh_touch (mesh, member, REGISTRY_CHANGE_MOVED);
}

/* Time */

typedef struct {
  RegistryMesh *mesh;
  gboolean thorough;
  gint64 now;
} Sweep;

static void
renew (RegistryMesh *mesh, RegistryMember *member, gint64 now)
{
  g_autoptr (GError) error = NULL;

  if (registry_admission_is_due (mesh, member, now) && !registry_admission_renew (mesh, member, FALSE, now, &error))
    g_message ("network %s: the grant of %.8s is not renewed: %s", mesh->name, member->fingerprint, error->message);
}

static void
sweep_member (RegistryMember *member, gpointer user_data)
{
  Sweep *sweep = user_data;
  RegistryMesh *mesh = sweep->mesh;

  /* When it left is not known; when it came, which may be long ago, is not when it was seen last. */
  if (member->presumed && sweep->now >= mesh->presumed_until)
    registry_mesh_depart (mesh, member, sweep->now);
  if (member->observed_stale)
    registry_mesh_observe (mesh, member, sweep->now);
  if (!sweep->thorough)
    return;
  if (member->revision && !member->online && sweep->now - member->seen >= REGISTRY_AWAY_MSEC &&
      sweep->now >= mesh->patient_until)
    {
      registry_mesh_remove (mesh, member, "not-admitted");
      return;
    }
  if (member->online && !member->presumed)
    renew (mesh, member, sweep->now);
  /* Who has come stays, also with a grant that nobody could renew in time: it would lose its address. */
  if (!member->revision && !registry_mesh_holds (mesh, member, sweep->now))
    registry_mesh_remove (mesh, member, "not-admitted");
}

void
registry_mesh_sweep (RegistryMesh *mesh, gboolean thorough, gint64 now)
{
  Sweep sweep = { mesh, thorough, now };

  if (ABS (now - mesh->swept) >= REGISTRY_JUMP_MSEC)
    {
      mesh->presumed_until = now + REGISTRY_PRESUMED_MSEC;
      mesh->patient_until = now + REGISTRY_PATIENCE_MSEC;
    }
  mesh->swept = now;
  registry_members_foreach (mesh->members, sweep_member, &sweep);
}
