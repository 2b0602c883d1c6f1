/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-mesh.h"

#include "common/scope-endpoint.h"
#include "common/scope-error.h"
#include "common/scope-json.h"
#include "registry/registry-admission.h"
#include "registry/registry-publish.h"
#include "registry/registry-v1-session.h"
#include "wire/scope-record.h"
#include "wire/scope-v1.h"

#include <string.h>

#define CEILING_STEP 10000

static void
changed (RegistryMesh *mesh, gboolean durable)
{
  guint64 revision = registry_members_revision (mesh->members);
  guint64 floor = registry_members_floor (mesh->members);

  /* A revision that was told must not be given a second time after a crash. */
  if (revision > mesh->ceiling)
    {
      mesh->ceiling = revision + CEILING_STEP;
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

/* Reading what is stored */

/* The payload of an envelope that was verified before it was stored. */
static JsonObject *
payload_of (const char *text, char **kid)
{
  g_autoptr (ScopeJws) jws = text ? scope_jws_parse (text, strlen (text), NULL) : NULL;

  if (!jws)
    return NULL;
  if (kid)
    *kid = g_steal_pointer (&jws->kid);
  return scope_json_parse_object (g_bytes_get_data (jws->payload, NULL), g_bytes_get_size (jws->payload),
                                  SCOPE_JWS_MAX_BYTES, NULL);
}

static gint64
integer_of (JsonObject *object, const char *name)
{
  return json_object_get_int_member_with_default (object, name, 0);
}

static JsonArray *
array_of (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

static gboolean
note_grant (RegistryMesh *mesh, RegistryMember *member, const char *text)
{
  g_autofree char *kid = NULL;
  g_autoptr (JsonObject) grant = payload_of (text, &kid);
  JsonArray *ranges = grant ? array_of (grant, "ranges") : NULL;

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
  member->issued = integer_of (grant, "issued");
  member->expires = integer_of (grant, "expires");
  member->signer = g_str_equal (kid, mesh->root) ? NULL : g_intern_string (kid);
  return TRUE;
}

static void
digest (const char *text, guint8 *out)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize len = 32;

  g_checksum_update (checksum, (const guchar *) text, -1);
  g_checksum_get_digest (checksum, out, &len);
}

static void
note_record (RegistryMember *member, const char *text, guint64 sequence, gint64 expires, const char *endpoint)
{
  member->has_record = TRUE;
  member->sequence = sequence;
  member->record_expires = expires;
  digest (text, member->record_digest);
  if (!endpoint || !scope_endpoint_parse (endpoint, NULL, &member->port, NULL))
    member->port = 0;
}

static void
restore_member (const RegistryStoredMember *stored, gpointer user_data)
{
  RegistryMesh *mesh = user_data;
  RegistryMember *member = registry_members_add (mesh->members, stored->fingerprint, &stored->key);
  g_autoptr (JsonObject) record = payload_of (stored->record, NULL);

  member->admitted = stored->admitted;
  if (!note_grant (mesh, member, stored->grant))
    g_warning ("network %s: the grant of %.8s in the store is not one", mesh->name, stored->fingerprint);
  if (record)
    {
      JsonArray *endpoints = array_of (record, "endpoints");

      note_record (member, stored->record, integer_of (record, "sequence"), integer_of (record, "expires"),
                   endpoints && json_array_get_length (endpoints) ? json_array_get_string_element (endpoints, 0) : NULL);
    }
  member->online = member->presumed = stored->online;
  member->seen = stored->seen;
  registry_members_restore (mesh->members, member, stored->revision);
}

static void
restore_tombstone (const ScopeKey *key, guint64 revision, gpointer user_data)
{
  registry_members_restore_tombstone (((RegistryMesh *) user_data)->members, key, revision);
}

/* Whose delegation @text is: verified before. */
static char *
delegate_of (const char *text)
{
  g_autoptr (JsonObject) payload = payload_of (text, NULL);
  const char *encoded = payload ? scope_json_get_string (payload, "identity") : NULL;
  g_autoptr (ScopeIdentityPublic) identity = encoded ? scope_identity_public_parse (encoded, NULL) : NULL;

  return identity ? g_strdup (scope_identity_public_fingerprint (identity)) : NULL;
}

static gboolean
add_delegation (RegistryMesh *mesh, const char *text, gint64 now, char **fingerprint, GError **error)
{
  g_autoptr (ScopeJws) jws = scope_jws_parse (text, strlen (text), error);
  const ScopeDelegation *known;
  g_autofree char *who = NULL;
  g_autoptr (JsonObject) payload = NULL;

  if (!jws || !scope_authority_add_delegation (mesh->authority, jws, now / 1000, error))
    return FALSE;
  who = delegate_of (text);
  payload = payload_of (text, NULL);
  known = who ? scope_authority_find_delegation (mesh->authority, who, now / 1000) : NULL;
  if (known && known->issued == integer_of (payload, "issued"))
    {
      g_hash_table_replace (mesh->delegations, g_strdup (who), g_strdup (text));
      if (fingerprint)
        *fingerprint = g_steal_pointer (&who);
    }
  return TRUE;
}

static void
restore_delegation (const char *text, gpointer user_data)
{
  RegistryMesh *mesh = user_data;
  g_autoptr (GError) error = NULL;

  if (!add_delegation (mesh, text, g_get_real_time () / 1000, NULL, &error))
    g_message ("network %s: a delegation in the store: %s", mesh->name, error->message);
}

static gboolean
restore (RegistryMesh *mesh, gint64 now, GError **error)
{
  g_auto (RegistryStoredNetwork) stored = { 0 };

  if (!registry_store_load_network (mesh->store, mesh->name, mesh->root, &stored, error))
    return FALSE;
  mesh->id = stored.id;
  mesh->generation = g_steal_pointer (&stored.generation);
  mesh->kill_counter = stored.kill_counter;
  mesh->kill = g_steal_pointer (&stored.kill);
  mesh->floor = stored.floor;
  mesh->members = registry_members_new (stored.ceiling, stored.floor);
  if (mesh->kill)
    {
      g_autoptr (JsonObject) kill = payload_of (mesh->kill, NULL);
      mesh->kill_issued = kill ? integer_of (kill, "issued") : 0;
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
  mesh->published = registry_members_revision (mesh->members);
  mesh->presumed_until = now + REGISTRY_PRESUMED_MSEC;

  mesh->ceiling = mesh->published + CEILING_STEP;
  registry_store_set_ceiling (mesh->store, mesh->id, mesh->ceiling);
  return registry_store_commit (mesh->store, error);
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
  mesh->config = config;
  if (!restore (mesh, now, error))
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
  g_clear_pointer (&mesh->members, registry_members_free);
  registry_addresses_free (mesh->addresses);
  g_ptr_array_unref (mesh->sessions);
  g_free (mesh);
}

static void
use_pool (RegistryMesh *mesh, gint64 now)
{
  const ScopeDelegation *delegation = registry_mesh_delegation (mesh, now);

  registry_addresses_set_pool (mesh->addresses, delegation ? delegation->pool : NULL);
}

void
registry_mesh_configure (RegistryMesh *mesh, const RegistryNetworkConfig *config, gint64 now)
{
  g_autoptr (GError) error = NULL;

  mesh->config = config;
  if (config->file->delegation && !add_delegation (mesh, config->file->delegation, now, NULL, &error))
    g_warning ("network %s: %s: delegation: %s", mesh->name, config->path, error->message);
  use_pool (mesh, now);
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
registry_mesh_holds (const RegistryMesh *mesh, const RegistryMember *member, gint64 now)
{
  return member->expires > now / 1000 && !scope_authority_is_revoked (mesh->authority, member->fingerprint) &&
         (!member->signer || scope_authority_find_delegation (mesh->authority, member->signer, now / 1000));
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

/* Members */

static void
forget_record (RegistryMember *member)
{
  /* The sequence stays: an old record must not come back. */
  member->has_record = FALSE;
  member->port = 0;
}

/* Who must give way to a grant of the root's: it has @key, or an address in the ranges, on a delegate's word. */
typedef struct {
  const RegistryMember *winner;
  GPtrArray *losers;
} Contest;

static void
find_loser (RegistryMember *member, gpointer user_data)
{
  Contest *contest = user_data;

  if (member == contest->winner || !member->signer)
    return;
  for (guint i = 0; i < member->ranges->len; i++)
    for (guint j = 0; j < contest->winner->ranges->len; j++)
      if (scope_prefix_contains (&g_array_index (contest->winner->ranges, ScopePrefix, j),
                                 &g_array_index (member->ranges, ScopePrefix, i)))
        {
          g_ptr_array_add (contest->losers, member);
          return;
        }
}

static void
make_room (RegistryMesh *mesh, const RegistryMember *winner, gint64 now)
{
  g_autoptr (GPtrArray) losers = g_ptr_array_new ();
  Contest contest = { winner, losers };

  registry_members_foreach (mesh->members, find_loser, &contest);
  for (guint i = 0; i < losers->len; i++)
    {
      RegistryMember *loser = g_ptr_array_index (losers, i);
      g_autoptr (GError) error = NULL;

      if (!registry_admission_renew (mesh, loser, TRUE, now, &error))
        {
          g_message ("network %s: %.8s has an address that the root granted to %.8s: %s", mesh->name,
                     loser->fingerprint, winner->fingerprint, error->message);
          registry_mesh_remove (mesh, loser, "not-admitted");
        }
    }
}

RegistryMember *
registry_mesh_put_grant (RegistryMesh *mesh, const char *fingerprint, const char *identity, const ScopeKey *key,
                         const char *grant, RegistryAdmitted how, gint64 now)
{
  RegistryMember *member = registry_members_find (mesh->members, fingerprint);
  RegistryMember *other = registry_members_find_key (mesh->members, key);
  g_autofree char *record = NULL;
  g_autofree char *kex = NULL;
  RegistryStoredMember stored = { .fingerprint = fingerprint, .identity = identity, .key = *key, .grant = grant,
                                  .admitted = how };

  if (other && other != member)
    registry_mesh_remove (mesh, other, "not-admitted");
  if (!member)
    member = registry_members_add (mesh->members, fingerprint, key);
  else if (!scope_key_equal (&member->key, key))
    {
      ScopeKey old = member->key;
      guint64 revision = registry_members_set_key (mesh->members, member, key);

      registry_store_delete_member (mesh->store, mesh->id, fingerprint, &old, revision);
      forget_record (member);
    }
  else
    registry_mesh_read (mesh, member, NULL, &record, &kex, NULL);
  registry_store_delete_tombstone (mesh->store, mesh->id, key);
  if (!note_grant (mesh, member, grant))
    g_warning ("network %s: a grant that was verified is not one", mesh->name);
  member->admitted = how;
  /* A record may claim what is not granted any more: its peer makes a new one. */
  if (member->revision)
    registry_members_touch (mesh->members, member, REGISTRY_CHANGE_MOVED);
  stored.record = record;
  stored.kex = kex;
  stored.online = member->online;
  stored.seen = member->seen;
  stored.revision = member->revision;
  registry_store_put_member (mesh->store, mesh->id, &stored);
  if (member->session)
    registry_v1_session_grant (member->session);
  if (!member->signer)
    make_room (mesh, member, now);
  changed (mesh, TRUE);
  return member;
}

static void
touch (RegistryMesh *mesh, RegistryMember *member, guint change)
{
  registry_members_touch (mesh->members, member, change);
  registry_store_set_presence (mesh->store, mesh->id, member->fingerprint, member->online, member->seen, member->revision);
  changed (mesh, FALSE);
}

gboolean
registry_mesh_put_record (RegistryMesh *mesh, RegistryMember *member, const ScopeIdentityPublic *identity,
                          const char *text, gint64 now, GError **error)
{
  g_autoptr (ScopeJws) jws = NULL;
  g_autoptr (ScopeRecord) record = NULL;
  ScopeGrant grant = { .network = mesh->name, .identity = (ScopeIdentityPublic *) identity, .key = member->key, .ranges = member->ranges, .role = member->role,
                       .issued = member->issued, .expires = member->expires };
  guint8 hash[32];

  digest (text, hash);
  if (member->has_record && memcmp (hash, member->record_digest, sizeof hash) == 0)
    return TRUE;
  jws = scope_jws_parse (text, strlen (text), error);
  record = jws ? scope_record_verify (jws, mesh->name, identity, now / 1000, error) : NULL;
  if (!record || !scope_record_granted (record, &grant, error))
    return FALSE;
  if (record->sequence <= member->sequence && member->sequence)
    {
      if (record->sequence == member->sequence && member->has_record)
        g_message ("network %s: %.8s has two records with sequence %" G_GUINT64_FORMAT "; the first one stays",
                   mesh->name, member->fingerprint, record->sequence);
      return TRUE;
    }
  note_record (member, text, record->sequence, record->expires, record->endpoints[0]);
  registry_members_touch (mesh->members, member, REGISTRY_CHANGE_MOVED);
  registry_store_set_record (mesh->store, mesh->id, member->fingerprint, text, member->revision);
  changed (mesh, FALSE);
  registry_mesh_observe (mesh, member, now);
  return TRUE;
}

gboolean
registry_mesh_put_kex (RegistryMesh *mesh, RegistryMember *member, const ScopeIdentityPublic *identity,
                       const char *text, gint64 now, GError **error)
{
  g_autofree char *known = NULL;
  g_autoptr (ScopeJws) jws = NULL;
  ScopeKexKey kex;

  if (registry_mesh_read (mesh, member, NULL, NULL, &known, NULL) && g_strcmp0 (known, text) == 0)
    return TRUE;
  jws = scope_jws_parse (text, strlen (text), error);
  if (!jws || !scope_kex_key_verify (jws, mesh->name, identity, &member->key, &kex, error))
    return FALSE;
  registry_members_touch (mesh->members, member, REGISTRY_CHANGE_KEX);
  registry_store_set_kex (mesh->store, mesh->id, member->fingerprint, text, member->revision);
  changed (mesh, FALSE);
  return TRUE;
}

void
registry_mesh_arrive (RegistryMesh *mesh, RegistryMember *member, gint64 now)
{
  gboolean came = !member->online || !member->revision;

  member->online = TRUE;
  member->presumed = FALSE;
  member->seen = now;
  if (came)
    touch (mesh, member, REGISTRY_CHANGE_CAME);
  registry_mesh_observe (mesh, member, now);
}

void
registry_mesh_depart (RegistryMesh *mesh, RegistryMember *member, gint64 now)
{
  member->online = member->presumed = FALSE;
  member->seen = now;
  g_clear_pointer (&member->progress, g_free);
  touch (mesh, member, REGISTRY_CHANGE_LEFT);
}

void
registry_mesh_remove (RegistryMesh *mesh, RegistryMember *member, const char *code)
{
  g_autofree char *fingerprint = g_strdup (member->fingerprint);
  ScopeKey key = member->key;
  guint64 revision;

  if (member->session)
    registry_v1_session_end (member->session, code, "no longer a member");
  registry_addresses_give_back (mesh->addresses, member->ranges);
  revision = registry_members_remove (mesh->members, member);
  registry_store_delete_member (mesh->store, mesh->id, fingerprint, &key, revision);
  changed (mesh, TRUE);
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
  if (member->observed && now - member->observed_at < REGISTRY_OBSERVED_MSEC)
    {
      member->observed_stale = TRUE;
      return;
    }
  g_strfreev (member->observed);
  member->observed = g_steal_pointer (&list);
  member->observed_at = now;
  touch (mesh, member, REGISTRY_CHANGE_MOVED);
}

/* What the root says */

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
registry_mesh_put_delegation (RegistryMesh *mesh, const char *text, gint64 now, GError **error)
{
  g_autofree char *fingerprint = NULL;

  if (!add_delegation (mesh, text, now, &fingerprint, error))
    return FALSE;
  if (fingerprint)
    {
      registry_store_put_delegation (mesh->store, mesh->id, fingerprint, text);
      use_pool (mesh, now);
      changed (mesh, TRUE);
    }
  return TRUE;
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
  changed (mesh, TRUE);

  /* Told at once: it is the root's word, and no harm if a crash makes us forget that we have heard it. */
  message = scope_v1_message_new (SCOPE_V1_REVOCATION);
  message->revocation = g_strdup (text);
  frame = scope_v1_format (message);
  registry_publish_to_all (mesh, frame);
  registry_members_foreach (mesh->members, remove_revoked, mesh);
  use_pool (mesh, now);
  return TRUE;
}

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
  changed (mesh, TRUE);
  message = scope_v1_message_new (SCOPE_V1_KILL);
  message->kill = g_strdup (text);
  frame = scope_v1_format (message);
  registry_publish_to_all (mesh, frame);
  return TRUE;
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

  if (member->presumed && sweep->now >= mesh->presumed_until)
    registry_mesh_depart (mesh, member, MAX (member->seen, 1));
  if (member->observed_stale)
    registry_mesh_observe (mesh, member, sweep->now);
  if (!sweep->thorough)
    return;
  if (member->revision && !member->online && sweep->now - member->seen >= REGISTRY_AWAY_MSEC)
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

  registry_members_foreach (mesh->members, sweep_member, &sweep);
}
