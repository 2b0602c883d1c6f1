/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What relays tell the registry of the links between them, and what it makes of that: the table of paths. */
#include "peer/scope-links-private.h"

#include "path/scope-table.h"
#include "wire/scope-v1.h"

#define NEWS_MS 200    /* several links come up or go together */
#define LOSSY_MS 4000  /* what a measurement takes that was begun for it */
#define ROUTINE_MS 15000

static ScopeV1Reach
reach (ScopePathWay way)
{
  return way == SCOPE_PATH_WAY_DIRECT ? SCOPE_V1_REACH_DIRECT
         : way == SCOPE_PATH_WAY_MASTER ? SCOPE_V1_REACH_MASTER
                                        : SCOPE_V1_REACH_RELAY;
}

static gboolean
on_report (gpointer data)
{
  ScopeLinks *self = data;
  g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_REPORT);
  g_autofree char *text = NULL;
  GHashTableIter iter;
  gpointer value;

  self->report_id = 0;
  message->latency = g_hash_table_new_full (scope_key_hash, scope_key_equal, g_free, g_free);
  message->reach = g_hash_table_new_full (scope_key_hash, scope_key_equal, g_free, NULL);
  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const ScopeLink *link = value;
      int ms = link->up ? scope_liveness_rtt (self->liveness, &link->key) : -1;
      ScopePathWay way = scope_path_way (self->path, &link->key);
      ScopeV1Latency latency = { ms >= 0 ? MIN ((guint) ms, SCOPE_V1_MAX_MSEC) : SCOPE_V1_UNREACHABLE,
                                 ms >= 0 ? scope_liveness_loss (self->liveness, &link->key) : 0 };

      if (!scope_role_is_relay (link->role) || !link->online || g_hash_table_size (message->latency) == SCOPE_V1_MAX_RELAYS)
        continue;
      g_hash_table_insert (message->latency, g_memdup2 (&link->key, sizeof link->key), g_memdup2 (&latency, sizeof latency));
      if (way != SCOPE_PATH_WAY_NONE)
        g_hash_table_insert (message->reach, g_memdup2 (&link->key, sizeof link->key), GUINT_TO_POINTER (reach (way)));
    }
  if (g_hash_table_size (message->latency) > 0)
    {
      text = scope_v1_format (message);
      self->calls->send (text, self->data);
    }
  return G_SOURCE_REMOVE;
}

static guint
report_in (ScopeLinks *self, const ScopeLink *link, gboolean news)
{
  if (news)
    return NEWS_MS;
  return link && scope_liveness_loss (self->liveness, &link->key) >= SCOPE_TABLE_LOSSY ? LOSSY_MS : ROUTINE_MS;
}

void
scope_links_report (ScopeLinks *self, const ScopeLink *link, gboolean news)
{
  gint64 now = scope_links_now ();
  guint wait;

  if (!self->path || !self->connected || !scope_role_is_relay (self->role) || (link && !scope_role_is_relay (link->role)))
    return;
  wait = report_in (self, link, news);
  if (self->report_id && (self->report_at <= now + wait))
    return;
  g_clear_handle_id (&self->report_id, g_source_remove);
  self->report_at = now + wait;
  self->report_id = g_timeout_add (wait, on_report, self);
}

void
scope_links_take_table (ScopeLinks *self, const ScopeV1Message *message)
{
  gint64 now = scope_links_now (), registry = g_get_real_time () / 1000 + self->offset;

  if (!self->path)
    return;
  scope_path_table (self->path, now, (const ScopeLatency *) message->links->data, message->links->len,
                    now + CLAMP (message->at - registry, 0, 60000));
  scope_links_run (self);
}
