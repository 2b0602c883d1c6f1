/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-stale.h"

#define CHECK_SECONDS 30

struct _ScopeStale {
  ScopeResolver *resolver;
  ScopeStaleRead read;
  gpointer data;
  guint check_id;
};

ScopeStale *
scope_stale_new (ScopeResolver *resolver, ScopeStaleRead read, gpointer data)
{
  ScopeStale *self = g_new0 (ScopeStale, 1);

  self->resolver = resolver;
  self->read = read;
  self->data = data;
  return self;
}

void
scope_stale_free (ScopeStale *self)
{
  g_clear_handle_id (&self->check_id, g_source_remove);
  g_free (self);
}

static void
refresh_if_stale (ScopeStale *self, const ScopeWgDevice *device, const ScopeRosterPeer *entry)
{
  const ScopeWgPeer *peer = entry && entry->end ? scope_wg_device_find (device, &entry->pub) : NULL;

  if (peer && peer->handshake_usec < g_get_real_time () - SCOPE_WG_SESSION_USEC)
    scope_resolver_refresh (self->resolver, entry->end);
}

static gboolean
on_check (gpointer data)
{
  ScopeStale *self = data;
  g_autoptr (ScopeWgDevice) device = NULL;
  const ScopeRoster *roster;

  if (!scope_resolver_has_names (self->resolver))
    {
      self->check_id = 0;
      return G_SOURCE_REMOVE;
    }
  device = self->read (&roster, self->data);
  if (device)
    {
      refresh_if_stale (self, device, roster->self);
      for (guint i = 0; i < roster->peers->len; i++)
        refresh_if_stale (self, device, g_ptr_array_index (roster->peers, i));
    }
  return G_SOURCE_CONTINUE;
}

void
scope_stale_watch (ScopeStale *self)
{
  if (!self->check_id && scope_resolver_has_names (self->resolver))
    self->check_id = g_timeout_add_seconds (CHECK_SECONDS, on_check, self);
}
