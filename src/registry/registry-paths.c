/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-paths.h"

#include "path/scope-tier.h"
#include "registry/registry-frame.h"
#include "registry/registry-mesh-private.h"
#include "registry/registry-v1-session.h"

#include <string.h>

#define NEVER G_MAXINT64

G_STATIC_ASSERT (SCOPE_TABLE_MAX_LINKS <= SCOPE_V1_MAX_LINKS && SCOPE_TABLE_MAX_RELAYS <= SCOPE_V1_MAX_RELAYS &&
                 SCOPE_TABLE_MAX_MSEC <= SCOPE_V1_MAX_MSEC && SCOPE_TABLE_DOWN == SCOPE_V1_UNREACHABLE);

/**
 * RegistryPaths:
 * @revision, @at, @relays, @links, @frame: the table that was told last; @at: ms since 1970; @frame: NULL until somebody wants it
 * @planned_at: when the next planned change may be told; monotonic, ms, as all that follow
 * @late: losses that may not be told yet
 * @stepped: the last step; @due: when @timer is
 * @skew: what tests have added to the clock
 */
struct _RegistryPaths {
  RegistryMesh *mesh;
  ScopeTable *table;
  ScopeTier *tier;
  guint64 revision;
  gint64 at;
  GArray *relays;
  GArray *links;
  GBytes *frame;
  gint64 planned_at;
  gboolean late;
  gint64 stepped;
  gint64 due;
  guint timer;
  gint64 skew;
  RegistryBucket tables, bytes;
};

static gint64
clock_ms (const RegistryPaths *paths)
{
  return g_get_monotonic_time () / 1000 + paths->skew;
}

RegistryPaths *
registry_paths_new (RegistryMesh *mesh)
{
  RegistryPaths *paths = g_new0 (RegistryPaths, 1);

  paths->mesh = mesh;
  paths->table = scope_table_new ();
  paths->tier = scope_tier_new ();
  paths->revision = 1;
  paths->at = g_get_real_time () / 1000;
  scope_table_get (paths->table, &paths->relays, &paths->links);
  return paths;
}

void
registry_paths_free (RegistryPaths *paths)
{
  g_clear_handle_id (&paths->timer, g_source_remove);
  scope_table_free (paths->table);
  scope_tier_free (paths->tier);
  g_array_unref (paths->relays);
  g_array_unref (paths->links);
  g_clear_pointer (&paths->frame, g_bytes_unref);
  g_free (paths);
}

/* Who is a relay, with the word of the root and its own */
static gboolean
is_relay (const RegistryMember *member)
{
  return member->has_record && member->role != SCOPE_ROLE_EDGE && member->record_role != SCOPE_ROLE_EDGE;
}

gboolean
registry_paths_is_pipe (const RegistryPaths *paths, const RegistryMember *member)
{
  return is_relay (member) && scope_tier_is_pipe (paths->tier, &member->key);
}

/* Telling */

static ScopeV1Message *
message_of (const RegistryPaths *paths)
{
  ScopeV1Message *message = scope_v1_message_new (SCOPE_V1_PATHS);

  message->revision = paths->revision;
  message->at = paths->at;
  message->relays = g_array_ref (paths->relays);
  message->links = g_array_ref (paths->links);
  return message;
}

GBytes *
registry_paths_frame (RegistryPaths *paths, const RegistryMember *member, guint64 *known)
{
  if (!is_relay (member) || *known >= paths->revision)
    return NULL;
  if (!paths->frame)
    {
      g_autoptr (ScopeV1Message) message = message_of (paths);
      g_autofree char *text = scope_v1_format (message);

      paths->frame = registry_frame_new (REGISTRY_FRAME_TEXT, text, strlen (text));
    }
  *known = paths->revision;
  return paths->frame;
}

void
registry_paths_append (const RegistryPaths *paths, GString *out)
{
  g_autoptr (ScopeV1Message) message = message_of (paths);
  g_autofree char *text = scope_v1_format (message);
  const char *data = strchr (strchr (text, ',') + 1, '{');

  g_string_append_len (out, data, strlen (data) - 1); /* without the frame around it */
}

const GArray *
registry_paths_links (const RegistryPaths *paths)
{
  return paths->links;
}

static void
tell (RegistryPaths *paths, guint changes, gint64 delay)
{
  scope_table_commit (paths->table, changes);
  g_array_unref (paths->relays);
  g_array_unref (paths->links);
  scope_table_get (paths->table, &paths->relays, &paths->links);
  paths->revision++;
  paths->at = g_get_real_time () / 1000 + delay;
  g_clear_pointer (&paths->frame, g_bytes_unref);
  for (guint i = 0; i < paths->mesh->sessions->len; i++)
    registry_v1_session_paths (g_ptr_array_index (paths->mesh->sessions, i));
}

/* A liar whose links come and go must not keep the core, or the wires, busy: the table goes to everybody. */
static gboolean
may_tell_loss (RegistryPaths *paths, gint64 now)
{
  double bytes = (double) (paths->links->len * 14 + 256) * scope_table_size (paths->table);

  return registry_bucket_take (&paths->tables, 1, REGISTRY_PATHS_TABLES, REGISTRY_PATHS_TABLES_BURST, now * 1000) &&
         registry_bucket_take (&paths->bytes, MIN (bytes, REGISTRY_PATHS_BYTES_BURST), REGISTRY_PATHS_BYTES,
                               REGISTRY_PATHS_BYTES_BURST, now * 1000);
}

static void arm (RegistryPaths *paths, gint64 due);

static gboolean
on_timer (gpointer user_data)
{
  RegistryPaths *paths = user_data;

  paths->timer = 0;
  registry_paths_publish (paths);
  return G_SOURCE_REMOVE;
}

/* Not later than @due. */
static void
arm (RegistryPaths *paths, gint64 due)
{
  gint64 now = clock_ms (paths);

  if (paths->timer && paths->due <= due)
    return;
  g_clear_handle_id (&paths->timer, g_source_remove);
  paths->due = due;
  paths->timer = g_timeout_add (CLAMP (due - now, 1, REGISTRY_PATHS_STEP_MSEC), on_timer, paths);
}

static void
on_tier (const ScopeKey *relay, gboolean pipe, gpointer user_data)
{
  RegistryPaths *paths = user_data;
  RegistryMember *member = registry_members_find_key (paths->mesh->members, relay);

  if (!member)
    return;
  g_message ("network %s: relay %.8s is %s", paths->mesh->name, member->fingerprint,
             pipe ? "badly connected: a pipe now" : "well connected: no pipe any more");
  registry_mesh_touch (paths->mesh, member, REGISTRY_CHANGE_MOVED);
}

static void
step (RegistryPaths *paths, gint64 now)
{
  if (paths->stepped && now - paths->stepped < REGISTRY_PATHS_STEP_MSEC)
    return;
  paths->stepped = now;
  scope_table_tick (paths->table, now);
  scope_tier_step (paths->tier, paths->table, now, on_tier, paths);
}

void
registry_paths_publish (RegistryPaths *paths)
{
  gint64 now = clock_ms (paths), due = NEVER;
  guint pending;

  step (paths, now);
  paths->late = FALSE;
  if (scope_table_pending (paths->table) & SCOPE_TABLE_LOST)
    {
      if (may_tell_loss (paths, now))
        tell (paths, SCOPE_TABLE_LOST, 0);
      else
        {
          paths->late = TRUE;
          due = now + 1000;
        }
    }
  pending = scope_table_pending (paths->table);
  if (pending && !(pending & SCOPE_TABLE_LOST))
    {
      if (now >= paths->planned_at)
        {
          tell (paths, pending, REGISTRY_PATHS_PLAN_MSEC);
          paths->planned_at = now + REGISTRY_PATHS_PLAN_MSEC;
        }
      else
        due = paths->planned_at;
    }
  if (scope_table_is_waiting (paths->table) || scope_tier_is_waiting (paths->tier))
    due = MIN (due, paths->stepped + REGISTRY_PATHS_STEP_MSEC);
  if (due != NEVER)
    arm (paths, due);
  else
    g_clear_handle_id (&paths->timer, g_source_remove);
}

/* Something was reported, or somebody came or left: with the next publishing, all that came together is told together. */
static void
changed (RegistryPaths *paths)
{
  if (scope_table_pending (paths->table) & SCOPE_TABLE_LOST && !paths->late)
    {
      paths->mesh->dirty = TRUE;
      paths->mesh->changed (paths->mesh, FALSE, paths->mesh->user_data);
    }
  else if (scope_table_pending (paths->table) && !paths->late)
    arm (paths, MAX (paths->planned_at, clock_ms (paths) + 100));
  else
    arm (paths, clock_ms (paths) + REGISTRY_PATHS_STEP_MSEC);
}

/* Hearing */

void
registry_paths_forget (RegistryPaths *paths, const ScopeKey *key)
{
  if (!scope_table_has (paths->table, key))
    return;
  scope_table_leave (paths->table, key);
  scope_tier_leave (paths->tier, key, clock_ms (paths));
  changed (paths);
}

void
registry_paths_note (RegistryPaths *paths, const RegistryMember *member)
{
  gboolean master = member->record_role == SCOPE_ROLE_MASTER;

  if (!is_relay (member) || !member->session || !member->online)
    registry_paths_forget (paths, &member->key);
  else if (scope_table_has (paths->table, &member->key))
    scope_tier_set_master (paths->tier, &member->key, master);
  else if (!scope_table_join (paths->table, &member->key))
    g_message ("network %s: links of relay %.8s do not count: there are %d relays", paths->mesh->name,
               member->fingerprint, SCOPE_TABLE_MAX_RELAYS);
  else
    {
      scope_tier_join (paths->tier, &member->key, master, clock_ms (paths));
      changed (paths);
      registry_v1_session_paths (member->session); /* it may have become a relay just now */
    }
}

void
registry_paths_report (RegistryPaths *paths, const RegistryMember *member, const ScopeV1Message *report,
                       RegistryBucket *bucket)
{
  gint64 now = clock_ms (paths), real = g_get_monotonic_time ();
  GHashTableIter iter;
  gpointer key, value;

  if (!scope_table_has (paths->table, &member->key))
    return;
  if (report->latency)
    {
      g_hash_table_iter_init (&iter, report->latency);
      while (g_hash_table_iter_next (&iter, &key, &value))
        {
          const ScopeV1Latency *link = value;

          if (!registry_bucket_take (bucket, 1, REGISTRY_PATHS_LINKS, REGISTRY_PATHS_LINKS_BURST, real))
            break;
          scope_table_report (paths->table, &member->key, key, link->ms, link->loss, now);
          scope_tier_report (paths->tier, &member->key, key, link->ms != SCOPE_V1_UNREACHABLE, now);
        }
    }
  if (report->reach)
    {
      g_hash_table_iter_init (&iter, report->reach);
      while (g_hash_table_iter_next (&iter, &key, &value))
        {
          if (!registry_bucket_take (bucket, 1, REGISTRY_PATHS_LINKS, REGISTRY_PATHS_LINKS_BURST, real))
            break;
          scope_tier_report (paths->tier, &member->key, key, GPOINTER_TO_UINT (value) <= SCOPE_V1_REACH_RELAY, now);
        }
    }
  if (report->latency || report->reach)
    changed (paths);
}

/* For tests */

void
registry_paths_advance (RegistryPaths *paths, gint64 msec)
{
  while (msec > 0)
    {
      gint64 part = MIN (msec, REGISTRY_PATHS_STEP_MSEC);

      paths->skew += part;
      msec -= part;
      registry_paths_publish (paths);
    }
}

gboolean
registry_paths_is_ticking (const RegistryPaths *paths)
{
  return paths->timer != 0;
}
