/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-publish.h"

#include "common/scope-json.h"
#include "registry/registry-frame.h"
#include "registry/registry-paths.h"
#include "registry/registry-v1-session.h"
#include "wire/scope-v1.h"

#include <string.h>

static GBytes *
text_frame (const char *text)
{
  return registry_frame_new (REGISTRY_FRAME_TEXT, text, strlen (text));
}

static GBytes *
message_frame (const ScopeV1Message *message)
{
  g_autofree char *text = scope_v1_format (message);

  return text_frame (text);
}

/* Entries */

static ScopeV1Entry *
entry_of (const RegistryMesh *mesh, const RegistryMember *member)
{
  g_autoptr (ScopeV1Entry) entry = scope_v1_entry_new (&member->key);

  if (!registry_mesh_read (mesh, member, &entry->grant, &entry->record, &entry->kex, NULL))
    return NULL;
  entry->online = member->online;
  entry->seen = member->seen;
  entry->pipe = registry_paths_is_pipe (mesh->paths, member);
  g_strfreev (entry->observed);
  entry->observed = member->observed ? g_strdupv (member->observed) : g_new0 (char *, 1);
  return g_steal_pointer (&entry);
}

gboolean
registry_publish_entry (const RegistryMesh *mesh, const RegistryMember *member, GString *out)
{
  g_autoptr (ScopeV1Entry) entry = entry_of (mesh, member);

  if (entry)
    scope_v1_entry_append (entry, out);
  return entry != NULL;
}

/* Events */

static GBytes *
event_of (const RegistryMesh *mesh, const RegistryMember *member)
{
  g_autoptr (ScopeV1Message) message = NULL;
  ScopeV1Entry *entry;

  if (member->change == REGISTRY_CHANGE_LEFT && !member->online)
    {
      message = scope_v1_message_new (SCOPE_V1_LEAVE);
      message->key = member->key;
      message->seen = member->seen;
    }
  else if (member->change == REGISTRY_CHANGE_KEX)
    {
      message = scope_v1_message_new (SCOPE_V1_KEX_KEY);
      message->has_other = TRUE;
      message->other = member->key;
      if (!registry_mesh_read (mesh, member, NULL, NULL, &message->kex, NULL) || !message->kex)
        return NULL;
    }
  else
    {
      entry = entry_of (mesh, member);
      if (!entry)
        return NULL;
      message = scope_v1_message_new (member->change & REGISTRY_CHANGE_CAME && member->online ? SCOPE_V1_JOIN
                                                                                             : SCOPE_V1_MOVE);
      message->peers = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_v1_entry_free);
      g_ptr_array_add (message->peers, entry);
    }
  message->revision = member->revision;
  return message_frame (message);
}

static void
tell (RegistryMesh *mesh, GBytes *frame, guint64 revision)
{
  for (guint i = 0; frame && i < mesh->sessions->len; i++)
    registry_v1_session_event (g_ptr_array_index (mesh->sessions, i), frame, revision);
}

static void
tell_gone (RegistryMesh *mesh, const RegistryTombstone *tombstone)
{
  g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_GONE);
  g_autoptr (GBytes) frame = NULL;

  message->revision = tombstone->revision;
  message->key = tombstone->key;
  frame = message_frame (message);
  tell (mesh, frame, tombstone->revision);
}

static guint
tombstones_after (const GArray *tombstones, guint64 revision)
{
  guint i = tombstones->len;

  while (i > 0 && g_array_index (tombstones, RegistryTombstone, i - 1).revision > revision)
    i--;
  return i;
}

void
registry_publish (RegistryMesh *mesh, gint64 now)
{
  const GArray *tombstones = registry_members_tombstones (mesh->members);
  guint64 revision = registry_members_revision (mesh->members);
  guint gone = tombstones_after (tombstones, mesh->published);
  RegistryMember *member = registry_members_after (mesh->members, mesh->published);

  mesh->dirty = FALSE;
  while (member || gone < tombstones->len)
    {
      const RegistryTombstone *tombstone =
          gone < tombstones->len ? &g_array_index (tombstones, RegistryTombstone, gone) : NULL;

      if (tombstone && (!member || tombstone->revision < member->revision))
        {
          tell_gone (mesh, tombstone);
          gone++;
          continue;
        }
      g_autoptr (GBytes) frame = event_of (mesh, member);
      tell (mesh, frame, member->revision);
      member->change = 0;
      member = registry_members_next (member);
    }
  mesh->published = revision;
  for (guint i = 0; i < mesh->sessions->len; i++)
    registry_v1_session_go_on (g_ptr_array_index (mesh->sessions, i), now);
  registry_paths_publish (mesh->paths);
}

void
registry_publish_to_all (RegistryMesh *mesh, const char *text)
{
  g_autoptr (GBytes) frame = text_frame (text);

  for (guint i = 0; i < mesh->sessions->len; i++)
    registry_v1_session_tell (g_ptr_array_index (mesh->sessions, i), frame);
}

/* To one */

GBytes *
registry_publish_welcome (RegistryMesh *mesh, const RegistryMember *member, const char *const *stun, gint64 now)
{
  g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_WELCOME);

  if (!registry_mesh_read (mesh, member, &message->grant, NULL, NULL, NULL))
    return NULL;
  message->delegations = registry_mesh_delegations (mesh, now);
  message->revocation = g_strdup (mesh->revocation);
  if (mesh->kill && now / 1000 - mesh->kill_issued < SCOPE_KILL_WINDOW)
    message->kill = g_strdup (mesh->kill);
  message->time = now;
  message->generation = g_strdup (mesh->generation);
  message->revision = mesh->published;
  message->heartbeat = mesh->config->heartbeat;
  message->epoch_seconds = mesh->config->epoch_seconds;
  if (stun && *stun)
    message->stun = g_strdupv ((char **) stun);
  return message_frame (message);
}

RegistryCursor
registry_publish_begin (const RegistryMesh *mesh, const char *generation, guint64 since)
{
  gboolean lost = since > mesh->kept && since < mesh->started;
  gboolean whole = g_strcmp0 (generation, mesh->generation) != 0 || since > mesh->published || lost ||
                   since < registry_members_floor (mesh->members);
  guint64 from = whole ? 0 : since;

  return (RegistryCursor) { .since = from, .at = from, .gone = from ? from : mesh->published };
}

GBytes *
registry_publish_roster (RegistryMesh *mesh, RegistryCursor *cursor, gboolean *more)
{
  g_autoptr (GString) entries = g_string_new (NULL);
  g_autoptr (GString) entry = g_string_new (NULL);
  g_autoptr (GArray) gone = g_array_new (FALSE, FALSE, sizeof (ScopeKey));
  const GArray *tombstones = registry_members_tombstones (mesh->members);
  RegistryMember *member;
  g_autofree char *text = NULL;

  /* It may have had to wait for its turn. */
  if (cursor->at == cursor->since && cursor->since < registry_members_floor (mesh->members))
    *cursor = (RegistryCursor) { .gone = mesh->published };
  member = registry_members_after (mesh->members, cursor->at);
  for (; member && member->revision <= mesh->published; member = registry_members_next (member))
    {
      g_string_truncate (entry, 0);
      if (registry_publish_entry (mesh, member, entry))
        {
          if (entries->len && entries->len + entry->len + 1024 > SCOPE_V1_ROSTER_FRAME)
            break;
          if (entries->len)
            g_string_append_c (entries, ',');
          g_string_append_len (entries, entry->str, entry->len);
        }
      cursor->at = member->revision;
    }
  *more = member && member->revision <= mesh->published;

  /* With the last frame, when there is room: a key that came back since is no tombstone any more. */
  if (!*more)
    {
      guint first = tombstones_after (tombstones, cursor->gone);

      if (entries->len && entries->len + (tombstones->len - first) * (SCOPE_KEY_BASE64_LEN + 3) + 1024 > SCOPE_V1_ROSTER_FRAME)
        *more = TRUE;
      for (guint i = first; !*more && i < tombstones->len; i++)
        {
          const RegistryTombstone *tombstone = &g_array_index (tombstones, RegistryTombstone, i);
          if (tombstone->revision <= mesh->published)
            g_array_append_val (gone, tombstone->key);
        }
    }
  if (!*more)
    cursor->at = cursor->gone = mesh->published;
  text = scope_v1_format_roster (mesh->generation, *more ? cursor->at : mesh->published, cursor->since, *more,
                                 entries->str, gone);
  return text_frame (text);
}

GBytes *
registry_publish_query (const RegistryMesh *mesh)
{
  g_autoptr (GString) out = g_string_new ("{\"generation\":");
  guint64 epoch = registry_members_epoch (mesh->members);
  RegistryProgress sum;
  gboolean first = TRUE;
  guint peers;

  scope_json_append_string (out, mesh->generation);
  g_string_append_printf (out, ",\"revision\":%" G_GUINT64_FORMAT ",\"since\":0,\"more\":false,\"peers\":[", mesh->published);
  for (RegistryMember *member = registry_members_after (mesh->members, 0); member; member = registry_members_next (member))
    {
      gsize before = out->len;

      if (!first)
        g_string_append_c (out, ',');
      if (registry_publish_entry (mesh, member, out))
        first = FALSE;
      else
        g_string_truncate (out, before);
    }
  registry_members_progress (mesh->members, epoch, &sum, &peers);
  g_string_append_printf (out,
                          "],\"gone\":[],\"killed\":%s,\"kex\":{\"epoch\":%" G_GUINT64_FORMAT ",\"peers\":%u,\"haveKey\":%u,"
                          "\"npq\":[%u,%u,%u],\"pq\":[%u,%u,%u,%u]},\"paths\":",
                          mesh->config->killed ? "true" : "false", epoch, peers, sum.has_key, sum.npq[0], sum.npq[1],
                          sum.npq[2], sum.pq[0], sum.pq[1], sum.pq[2], sum.pq[3]);
  registry_paths_append (mesh->paths, out);
  g_string_append_c (out, '}');
  return g_string_free_to_bytes (g_steal_pointer (&out));
}
