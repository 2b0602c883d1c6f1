/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-wanted.h"

#include "peer/scope-outside.h"
#include "tunnel/scope-policy.h"

#include <string.h>

struct _ScopeWanted {
  const ScopeEngineConfig *config;
  ScopeResolver *resolver;
  GArray *addresses;
  ScopePlan *plan;
  GArray *routes;      /* of the plan's, those in the main table */
  GArray *diverted;    /* and those that our own packets do not take */
  ScopePolicy *policy; /* while there was one of those, or an exit */
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
  g_clear_pointer (&self->policy, scope_policy_free);
}

void
scope_wanted_free (ScopeWanted *self)
{
  scope_wanted_undo (self);
  g_clear_pointer (&self->plan, scope_plan_free);
  g_clear_pointer (&self->routes, g_array_unref);
  g_clear_pointer (&self->diverted, g_array_unref);
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

static GArray *
find_outside (ScopeWanted *self, ScopeSource *source)
{
  GArray *outside = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  g_autofree char *registry = scope_source_dup_gateway (source);
  GHashTableIter iter;
  gpointer resolved;

  if (registry)
    scope_outside_add_text (outside, registry);
  g_hash_table_iter_init (&iter, scope_resolver_get_table (self->resolver));
  while (g_hash_table_iter_next (&iter, NULL, &resolved))
    scope_outside_add (outside, resolved);
  for (guint i = 0; i < self->plan->peers->len; i++)
    scope_outside_add (outside, &((const ScopeWgPeer *) g_ptr_array_index (self->plan->peers, i))->endpoint);
  scope_source_outside (source, outside);
  return outside;
}

/* The tunnel's routes are the plan's but for those that our own packets must not take. */
static void
divide_routes (ScopeWanted *self, ScopeSource *source)
{
  g_autoptr (GArray) outside = find_outside (self, source);
  g_autoptr (GArray) before = g_steal_pointer (&self->diverted);

  g_clear_pointer (&self->routes, g_array_unref);
  self->diverted = scope_outside_select (self->plan->routes, outside, before, &self->routes);
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
  divide_routes (self, source);
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

/* Of what we have an address for in the network; with an exit all of that. It stays so while the exit is away: what was meant
 * for it does not go another way. (transfer full) */
static GArray *
find_policy (ScopeWanted *self)
{
  GArray *routes = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  static const ScopePrefix all[] = { { .family = AF_INET }, { .family = AF_INET6 } };
  const gboolean exit[] = { self->plan->exit4, self->plan->exit6 };
  gboolean has[2] = { FALSE, FALSE };

  for (guint i = 0; i < self->addresses->len; i++)
    has[g_array_index (self->addresses, ScopePrefix, i).family == AF_INET6] = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    if (exit[i] && has[i])
      g_array_append_val (routes, all[i]);
  for (guint i = 0; i < self->diverted->len; i++)
    {
      const ScopePrefix *route = &g_array_index (self->diverted, ScopePrefix, i);

      if (has[route->family == AF_INET6])
        g_array_append_val (routes, *route);
    }
  g_array_sort (routes, scope_prefix_compare);
  return routes;
}

static void
follow_policy (ScopeWanted *self, ScopeTunnel *tunnel)
{
  const char *name = self->config->settings->exit;
  g_autoptr (GArray) routes = find_policy (self);

  if (self->config->settings->mode == SCOPE_MODE_KEYS_ONLY)
    return;
  if (name && !self->plan->exit4 && !self->plan->exit6 && !self->said_no_exit)
    g_warning ("exit: %s is no member that is granted 0.0.0.0/0 or ::/0: packets go as they went before", name);
  self->said_no_exit = !self->plan->exit4 && !self->plan->exit6;
  if (!self->policy && routes->len == 0)
    return;
  if (!self->policy)
    self->policy = scope_policy_new (scope_tunnel_get_config (tunnel)->ifname, scope_tunnel_get_config (tunnel)->listen_port,
                                     self->config->vpn_uuid);
  scope_policy_set (self->policy, routes);
}

GArray *
scope_wanted_get_routes (const ScopeWanted *self)
{
  return self->routes;
}

void
scope_wanted_write_routes (ScopeWanted *self, ScopeTunnel *tunnel)
{
  follow_policy (self, tunnel); /* first: a route that moves there was in the main table before */
  scope_tunnel_set_routes (tunnel, g_array_ref (self->routes));
}

void
scope_wanted_follow_base (ScopeWanted *self, ScopeTunnel *tunnel)
{
  follow_policy (self, tunnel);
}
