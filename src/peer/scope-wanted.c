/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-wanted.h"

#include "tunnel/scope-exit.h"

#include <string.h>

struct _ScopeWanted {
  const ScopeEngineConfig *config;
  ScopeResolver *resolver;
  GArray *addresses;
  ScopePlan *plan;
  ScopeExit *exit; /* when the profile names one */
  gboolean said_no_exit;
};

ScopeWanted *
scope_wanted_new (const ScopeEngineConfig *config, ScopeResolver *resolver)
{
  ScopeWanted *self = g_new0 (ScopeWanted, 1);

  self->config = config;
  self->resolver = resolver;
  return self;
}

void
scope_wanted_undo (ScopeWanted *self)
{
  g_clear_pointer (&self->exit, scope_exit_free);
}

void
scope_wanted_free (ScopeWanted *self)
{
  scope_wanted_undo (self);
  g_clear_pointer (&self->plan, scope_plan_free);
  g_clear_pointer (&self->addresses, g_array_unref);
  g_free (self);
}

/* The member that is to be our exit, a key that nobody has when there is none (yet); NULL when the profile names none. */
static const ScopeKey *
find_exit (ScopeWanted *self, ScopeSource *source, ScopeKey *key)
{
  const char *name = self->config->settings->exit;

  if (!name)
    return NULL;
  if (!scope_source_find (source, name, key))
    memset (key, 0, sizeof *key);
  return key;
}

void
scope_wanted_make (ScopeWanted *self, ScopeSource *source, const ScopeKey *own, GArray *addresses)
{
  ScopeKey key;

  g_array_ref (addresses);
  g_clear_pointer (&self->addresses, g_array_unref);
  self->addresses = addresses;
  g_clear_pointer (&self->plan, scope_plan_free);
  self->plan = scope_plan_new (scope_source_get_roster (source), self->config->settings, own, addresses,
                               find_exit (self, source, &key), scope_resolver_get_table (self->resolver));
  scope_source_peers (source, self->plan->peers);
  if (self->plan->conflicts)
    g_warning ("network %s: %u ranges are claimed twice; the first one listed has them",
               self->config->settings->netreg, self->plan->conflicts);
}

const ScopePlan *
scope_wanted_get_plan (const ScopeWanted *self)
{
  return self->plan;
}

gboolean
scope_wanted_write_peers (ScopeWanted *self, ScopeTunnel *tunnel, GError **error)
{
  return scope_tunnel_set_peers (tunnel, g_ptr_array_ref (self->plan->peers), error);
}

/* Through the exit goes what we have an address for in the network. It stays so while the exit is away: what was meant for
 * it does not go another way. */
static void
follow_exit (ScopeWanted *self, ScopeTunnel *tunnel)
{
  const char *name = self->config->settings->exit;
  gboolean has[2] = { FALSE, FALSE };

  if (!name || self->config->settings->mode == SCOPE_MODE_KEYS_ONLY)
    return;
  for (guint i = 0; i < self->addresses->len; i++)
    has[g_array_index (self->addresses, ScopePrefix, i).family == AF_INET6] = TRUE;
  if (!self->exit)
    self->exit = scope_exit_new (scope_tunnel_get_config (tunnel)->ifname, self->config->vpn_uuid);
  if (!self->plan->exit4 && !self->plan->exit6 && !self->said_no_exit)
    g_warning ("exit: %s is no member that is granted 0.0.0.0/0 or ::/0: packets go as they went before", name);
  self->said_no_exit = !self->plan->exit4 && !self->plan->exit6;
  scope_exit_set (self->exit, self->plan->exit4 && has[0], self->plan->exit6 && has[1]);
}

void
scope_wanted_write_routes (ScopeWanted *self, ScopeTunnel *tunnel)
{
  scope_tunnel_set_routes (tunnel, g_array_ref (self->plan->routes));
  follow_exit (self, tunnel);
}

void
scope_wanted_follow_base (ScopeWanted *self, ScopeTunnel *tunnel)
{
  follow_exit (self, tunnel);
}
