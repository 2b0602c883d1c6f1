/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-observer.h"

#include "net/scope-candidates.h"
#include "wire/scope-v1.h"

#define FIRST_MS 250
#define LAST_MS (256 * 1000)
#define AT_ONCE 64 /* endpoints in one report */

struct _ScopeObserver {
  ScopeObserverSend send;
  gpointer data;
  ScopeTunnel *tunnel;
  GHashTable *said; /* ScopeKey → endpoint, as the registry has heard it */
  guint ms;
  guint timer_id;
};

ScopeObserver *
scope_observer_new (ScopeObserverSend send, gpointer data)
{
  ScopeObserver *self = g_new0 (ScopeObserver, 1);

  self->send = send;
  self->data = data;
  self->said = g_hash_table_new_full (scope_key_hash, scope_key_equal, g_free, g_free);
  return self;
}

void
scope_observer_free (ScopeObserver *self)
{
  g_clear_handle_id (&self->timer_id, g_source_remove);
  g_clear_object (&self->tunnel);
  g_hash_table_unref (self->said);
  g_free (self);
}

/* What is new since the registry heard of it, of peers with a live session. */
static void
look (ScopeObserver *self)
{
  g_autoptr (ScopeWgDevice) device = scope_tunnel_read (self->tunnel, NULL);
  g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_REPORT);
  g_autofree char *text = NULL;
  gint64 alive_since = g_get_real_time () - SCOPE_WG_SESSION_USEC;
  GHashTableIter iter;
  gpointer key, value;

  message->observed = g_hash_table_new_full (scope_key_hash, scope_key_equal, g_free, g_free);
  for (guint i = 0; device && i < device->peers->len && g_hash_table_size (message->observed) < AT_ONCE; i++)
    {
      const ScopeWgPeer *peer = g_ptr_array_index (device->peers, i);
      gboolean useful = peer->handshake_usec >= alive_since && scope_sockaddr_is_usable (&peer->endpoint); /* not carried */
      g_autofree char *endpoint = useful ? scope_sockaddr_format (&peer->endpoint) : NULL;

      if (endpoint && g_strcmp0 (endpoint, g_hash_table_lookup (self->said, &peer->pub)) != 0)
        g_hash_table_insert (message->observed, g_memdup2 (&peer->pub, sizeof peer->pub), g_steal_pointer (&endpoint));
    }
  if (g_hash_table_size (message->observed) == 0)
    return;
  text = scope_v1_format (message);
  if (!self->send (text, self->data))
    return;
  g_hash_table_iter_init (&iter, message->observed);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_hash_table_replace (self->said, g_memdup2 (key, sizeof (ScopeKey)), g_strdup (value));
}

void
scope_observer_report_fork (ScopeObserver *self, char *fork[2])
{
  g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_REPORT);
  g_autofree char *text = NULL;

  message->fork[0] = fork[0];
  message->fork[1] = fork[1];
  text = scope_v1_format (message);
  self->send (text, self->data);
}

static gboolean
on_timer (gpointer data)
{
  ScopeObserver *self = data;

  look (self);
  self->ms = MIN (self->ms * 2, LAST_MS);
  self->timer_id = self->ms < LAST_MS ? g_timeout_add (self->ms, on_timer, self)
                                      : g_timeout_add_seconds (LAST_MS / 1000, on_timer, self);
  return G_SOURCE_REMOVE;
}

void
scope_observer_wake (ScopeObserver *self)
{
  if (!self->tunnel)
    return;
  g_clear_handle_id (&self->timer_id, g_source_remove);
  self->ms = FIRST_MS;
  self->timer_id = g_timeout_add (self->ms, on_timer, self);
}

void
scope_observer_set_tunnel (ScopeObserver *self, ScopeTunnel *tunnel)
{
  g_set_object (&self->tunnel, tunnel);
  scope_observer_wake (self);
}

void
scope_observer_reset (ScopeObserver *self)
{
  g_hash_table_remove_all (self->said);
  scope_observer_wake (self);
}
