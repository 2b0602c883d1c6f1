/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a network's root says: delegations, revocations, kills; taken in, stored, told. */
#include "registry/registry-mesh-private.h"

#include "common/scope-json.h"
#include "registry/registry-publish.h"
#include "wire/scope-v1.h"

#include <string.h>

/* Delegations */

/* Whose delegation @text is: verified before. */
static char *
delegate_of (const char *text)
{
  g_autoptr (JsonObject) payload = registry_mesh_payload (text, NULL);
  const char *encoded = payload ? scope_json_get_string (payload, "identity") : NULL;
  g_autoptr (ScopeIdentityPublic) identity = encoded ? scope_identity_public_parse (encoded, NULL) : NULL;

  return identity ? g_strdup (scope_identity_public_fingerprint (identity)) : NULL;
}

gboolean
registry_mesh_add_delegation (RegistryMesh *mesh, const char *text, gint64 now, char **fingerprint, GError **error)
{
  g_autoptr (ScopeJws) jws = scope_jws_parse (text, strlen (text), error);
  const ScopeDelegation *known;
  g_autofree char *who = NULL;
  g_autoptr (JsonObject) payload = NULL;

  if (!jws || !scope_authority_add_delegation (mesh->authority, jws, now / 1000, error))
    return FALSE;
  who = delegate_of (text);
  payload = registry_mesh_payload (text, NULL);
  known = who ? scope_authority_find_delegation (mesh->authority, who, now / 1000) : NULL;
  if (known && known->issued == registry_mesh_integer (payload, "issued"))
    {
      g_hash_table_replace (mesh->delegations, g_strdup (who), g_strdup (text));
      if (fingerprint)
        *fingerprint = g_steal_pointer (&who);
    }
  return TRUE;
}

void
registry_mesh_use_pool (RegistryMesh *mesh, gint64 now)
{
  const ScopeDelegation *delegation = registry_mesh_delegation (mesh, now);

  registry_addresses_set_pool (mesh->addresses, delegation ? delegation->pool : NULL);
}

gboolean
registry_mesh_put_delegation (RegistryMesh *mesh, const char *text, gint64 now, GError **error)
{
  g_autofree char *fingerprint = NULL;

  if (!registry_mesh_add_delegation (mesh, text, now, &fingerprint, error))
    return FALSE;
  if (fingerprint)
    {
      registry_store_put_delegation (mesh->store, mesh->id, fingerprint, text);
      registry_mesh_use_pool (mesh, now);
      registry_mesh_changed (mesh, TRUE);
    }
  return TRUE;
}

/* Revocations */

static void
remove_revoked (RegistryMember *member, gpointer user_data)
{
  RegistryMesh *mesh = user_data;

  if (scope_authority_is_revoked (mesh->authority, member->fingerprint))
    registry_mesh_remove (mesh, member, "revoked");
  else if (member->signer && scope_authority_is_revoked (mesh->authority, member->signer))
    registry_mesh_remove (mesh, member, "not-admitted");
}

gboolean
registry_mesh_put_revocation (RegistryMesh *mesh, const char *text, gint64 now, GError **error)
{
  g_autoptr (ScopeJws) jws = scope_jws_parse (text, strlen (text), error);
  g_autoptr (ScopeV1Message) message = NULL;
  g_autofree char *frame = NULL;

  if (!jws || !scope_authority_set_revocation (mesh->authority, jws, error))
    return FALSE;
  g_free (mesh->revocation);
  mesh->revocation = g_strdup (text);
  registry_store_set_revocation (mesh->store, mesh->id, text);
  registry_mesh_changed (mesh, TRUE);

  /* Told at once: it is the root's word, and no harm if a crash makes us forget that we have heard it. */
  message = scope_v1_message_new (SCOPE_V1_REVOCATION);
  message->revocation = g_strdup (text);
  frame = scope_v1_format (message);
  registry_publish_to_all (mesh, frame);
  registry_members_foreach (mesh->members, remove_revoked, mesh);
  registry_mesh_use_pool (mesh, now);
  return TRUE;
}

/* Kills */

gboolean
registry_mesh_put_kill (RegistryMesh *mesh, const char *text, gint64 now, GError **error)
{
  g_autoptr (ScopeJws) jws = scope_jws_parse (text, strlen (text), error);
  g_autoptr (ScopeKill) kill = NULL;
  g_autoptr (ScopeV1Message) message = NULL;
  g_autofree char *frame = NULL;

  /* A counter that is not higher is told apart from all else that may be wrong: that is no one's fault. */
  kill = jws ? scope_authority_kill (mesh->authority, jws, 0, now / 1000, error) : NULL;
  if (!kill || kill->counter <= mesh->kill_counter)
    return FALSE;
  g_free (mesh->kill);
  mesh->kill = g_strdup (text);
  mesh->kill_counter = kill->counter;
  mesh->kill_issued = kill->issued;
  g_warning ("network %s: the root kills it (counter %" G_GUINT64_FORMAT "%s%s): telling %u peers", mesh->name,
             kill->counter, kill->reason ? ", reason: " : "", kill->reason ? kill->reason : "", mesh->sessions->len);
  registry_store_set_kill (mesh->store, mesh->id, kill->counter, text);
  registry_mesh_changed (mesh, TRUE);
  message = scope_v1_message_new (SCOPE_V1_KILL);
  message->kill = g_strdup (text);
  frame = scope_v1_format (message);
  registry_publish_to_all (mesh, frame);
  return TRUE;
}
