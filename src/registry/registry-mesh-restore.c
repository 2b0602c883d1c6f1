/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the store has of a network, read when it is served again; and what a stored envelope says. */
#include "registry/registry-mesh-private.h"

#include "common/scope-endpoint.h"
#include "common/scope-json.h"

#include <string.h>

/* The payload of an envelope that was verified before it was stored. */
JsonObject *
registry_mesh_payload (const char *text, char **kid)
{
  g_autoptr (ScopeJws) jws = text ? scope_jws_parse (text, strlen (text), NULL) : NULL;

  if (!jws)
    return NULL;
  if (kid)
    *kid = g_steal_pointer (&jws->kid);
  return scope_json_parse_object (g_bytes_get_data (jws->payload, NULL), g_bytes_get_size (jws->payload),
                                  SCOPE_JWS_MAX_BYTES, NULL);
}

gint64
registry_mesh_integer (JsonObject *object, const char *name)
{
  return json_object_get_int_member_with_default (object, name, 0);
}

gboolean
registry_mesh_note_grant (RegistryMesh *mesh, RegistryMember *member, const char *text)
{
  g_autofree char *kid = NULL;
  g_autoptr (JsonObject) grant = registry_mesh_payload (text, &kid);
  JsonArray *ranges = grant ? scope_json_get_array (grant, "ranges") : NULL;

  if (!ranges)
    return FALSE;
  registry_addresses_give_back (mesh->addresses, member->ranges);
  g_array_set_size (member->ranges, 0);
  for (guint i = 0; i < json_array_get_length (ranges); i++)
    {
      const char *range = json_array_get_string_element (ranges, i);
      ScopePrefix prefix;

      if (range && scope_prefix_parse (&prefix, range))
        g_array_append_val (member->ranges, prefix);
    }
  registry_addresses_take (mesh->addresses, member->ranges);
  scope_role_parse (&member->role, json_object_get_string_member_with_default (grant, "role", "edge"));
  member->issued = registry_mesh_integer (grant, "issued");
  member->expires = registry_mesh_integer (grant, "expires");
  member->signer = g_str_equal (kid, mesh->root) ? NULL : g_intern_string (kid);
  return TRUE;
}

void
registry_mesh_digest (const char *text, guint8 *out)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize len = 32;

  g_checksum_update (checksum, (const guchar *) text, -1);
  g_checksum_get_digest (checksum, out, &len);
}

void
registry_mesh_note_record (RegistryMember *member, const char *text, guint64 sequence, gint64 expires,
                           ScopeRole role, const char *endpoint)
{
  member->has_record = TRUE;
  member->sequence = sequence;
  member->record_expires = expires;
  member->record_role = role;
  registry_mesh_digest (text, member->record_digest);
  if (!endpoint || !scope_endpoint_parse (endpoint, NULL, &member->port, NULL))
    member->port = 0;
}

static void
restore_member (const RegistryStoredMember *stored, gpointer user_data)
{
  RegistryMesh *mesh = user_data;
  RegistryMember *member = registry_members_add (mesh->members, stored->fingerprint, &stored->key);
  g_autoptr (JsonObject) record = registry_mesh_payload (stored->record, NULL);

  member->admitted = stored->admitted;
  if (!registry_mesh_note_grant (mesh, member, stored->grant))
    g_warning ("network %s: the grant of %.8s in the store is not one", mesh->name, stored->fingerprint);
  if (record)
    {
      JsonArray *endpoints = scope_json_get_array (record, "endpoints");
      gboolean any = endpoints && json_array_get_length (endpoints);
      const char *role = scope_json_get_string (record, "role");
      ScopeRole is = SCOPE_ROLE_EDGE;

      if (role && !scope_role_parse (&is, role))
        is = SCOPE_ROLE_EDGE;

      registry_mesh_note_record (member, stored->record, registry_mesh_integer (record, "sequence"),
                                 registry_mesh_integer (record, "expires"), is,
                                 any ? json_array_get_string_element (endpoints, 0) : NULL);
    }
  mesh->kept = MAX (mesh->kept, stored->revision);
  member->online = member->presumed = stored->online;
  member->seen = stored->seen;
  registry_members_restore (mesh->members, member, stored->revision);
}

static void
restore_tombstone (const ScopeKey *key, guint64 revision, gpointer user_data)
{
  RegistryMesh *mesh = user_data;

  mesh->kept = MAX (mesh->kept, revision);
  registry_members_restore_tombstone (mesh->members, key, revision);
}

static void
restore_delegation (const char *text, gpointer user_data)
{
  RegistryMesh *mesh = user_data;
  g_autoptr (GError) error = NULL;

  if (!registry_mesh_add_delegation (mesh, text, g_get_real_time () / 1000, NULL, &error))
    g_message ("network %s: a delegation in the store: %s", mesh->name, error->message);
}

gboolean
registry_mesh_restore (RegistryMesh *mesh, gint64 now, GError **error)
{
  g_auto (RegistryStoredNetwork) stored = { 0 };

  if (!registry_store_load_network (mesh->store, mesh->name, mesh->root, &stored, error))
    return FALSE;
  mesh->id = stored.id;
  mesh->generation = g_steal_pointer (&stored.generation);
  mesh->kill_counter = stored.kill_counter;
  mesh->kill = g_steal_pointer (&stored.kill);
  mesh->floor = stored.floor;
  mesh->members = registry_members_new (stored.ceiling ? stored.ceiling + 1 : 0, stored.floor);
  if (mesh->kill)
    {
      g_autoptr (JsonObject) kill = registry_mesh_payload (mesh->kill, NULL);
      mesh->kill_issued = kill ? registry_mesh_integer (kill, "issued") : 0;
    }
  if (stored.revocation)
    {
      g_autoptr (ScopeJws) jws = scope_jws_parse (stored.revocation, strlen (stored.revocation), error);

      if (!jws || !scope_authority_set_revocation (mesh->authority, jws, error))
        {
          g_prefix_error (error, "network %s: the revocation in the store: ", mesh->name);
          return FALSE;
        }
      mesh->revocation = g_steal_pointer (&stored.revocation);
    }
  if (!registry_store_each_delegation (mesh->store, mesh->id, restore_delegation, mesh, error) ||
      !registry_store_each_tombstone (mesh->store, mesh->id, restore_tombstone, mesh, error) ||
      !registry_store_each_member (mesh->store, mesh->id, restore_member, mesh, error))
    return FALSE;
  mesh->published = mesh->started = registry_members_revision (mesh->members);
  mesh->presumed_until = now + REGISTRY_PRESUMED_MSEC;
  mesh->patient_until = now + REGISTRY_PATIENCE_MSEC;
  mesh->swept = now;

  /* The ceiling was stored together with all up to the revision that it is a step above. */
  if (stored.ceiling >= REGISTRY_CEILING_STEP)
    mesh->kept = MAX (mesh->kept, stored.ceiling - REGISTRY_CEILING_STEP);

  mesh->ceiling = mesh->published + REGISTRY_CEILING_STEP;
  registry_store_set_ceiling (mesh->store, mesh->id, mesh->ceiling);
  return registry_store_commit (mesh->store, error);
}
