/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-resolver.h"

#include "common/scope-error.h"

struct _ScopeResolver {
  ScopeResolverChanged changed;
  gpointer data;
  GHashTable *table;   /* endpoint text → ScopeSockaddr */
  GHashTable *lookups; /* endpoint text of a DNS name → GCancellable, or NULL when idle */
};

typedef struct {
  ScopeResolver *resolver;
  GCancellable *cancellable;
  char *endpoint;
  guint16 port;
} Lookup;

static void
cancel (gpointer data)
{
  GCancellable *cancellable = data;

  if (cancellable)
    {
      g_cancellable_cancel (cancellable);
      g_object_unref (cancellable);
    }
}

ScopeResolver *
scope_resolver_new (ScopeResolverChanged changed, gpointer data)
{
  ScopeResolver *self = g_new0 (ScopeResolver, 1);

  self->changed = changed;
  self->data = data;
  self->table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->lookups = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, cancel);
  return self;
}

void
scope_resolver_free (ScopeResolver *self)
{
  g_hash_table_unref (self->lookups);
  g_hash_table_unref (self->table);
  g_free (self);
}

static void
on_resolved (GObject *source, GAsyncResult *result, gpointer data)
{
  Lookup *lookup = data;
  g_autoptr (GError) error = NULL;
  GList *addresses = g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, &error);

  if (!g_cancellable_is_cancelled (lookup->cancellable)) /* else the resolver may be gone */
    {
      ScopeResolver *self = lookup->resolver;
      ScopeSockaddr sa;
      const ScopeSockaddr *known = g_hash_table_lookup (self->table, lookup->endpoint);

      g_hash_table_insert (self->lookups, g_strdup (lookup->endpoint), NULL);
      if (!addresses)
        g_warning ("endpoint %s: %s", lookup->endpoint, error->message);
      else if (scope_sockaddr_from_inet (&sa, addresses->data, lookup->port) && !(known && scope_sockaddr_equal (known, &sa)))
        {
          g_hash_table_insert (self->table, g_strdup (lookup->endpoint), g_memdup2 (&sa, sizeof sa));
          self->changed (self->data);
        }
    }
  g_resolver_free_addresses (addresses);
  g_object_unref (lookup->cancellable);
  g_free (lookup->endpoint);
  g_free (lookup);
}

void
scope_resolver_refresh (ScopeResolver *self, const char *endpoint)
{
  g_autoptr (GResolver) resolver = g_resolver_get_default ();
  g_autofree char *host = NULL;
  gpointer running;
  Lookup *lookup;
  guint16 port;

  if (!g_hash_table_lookup_extended (self->lookups, endpoint, NULL, &running) || running)
    return;
  if (!scope_endpoint_parse (endpoint, &host, &port, NULL))
    return;
  lookup = g_new0 (Lookup, 1);
  lookup->resolver = self;
  lookup->cancellable = g_cancellable_new ();
  lookup->endpoint = g_strdup (endpoint);
  lookup->port = port;
  g_hash_table_insert (self->lookups, g_strdup (endpoint), g_object_ref (lookup->cancellable));
  g_resolver_lookup_by_name_async (resolver, host, lookup->cancellable, on_resolved, lookup);
}

static void
want (ScopeResolver *self, GHashTable *wanted, const ScopeRosterPeer *peer)
{
  ScopeSockaddr sa;

  if (!peer || !peer->end)
    return;
  g_hash_table_add (wanted, peer->end);
  if (g_hash_table_contains (self->table, peer->end) || g_hash_table_contains (self->lookups, peer->end))
    return;
  if (scope_sockaddr_parse (&sa, peer->end))
    g_hash_table_insert (self->table, g_strdup (peer->end), g_memdup2 (&sa, sizeof sa));
  else
    {
      g_hash_table_insert (self->lookups, g_strdup (peer->end), NULL);
      scope_resolver_refresh (self, peer->end);
    }
}

static gboolean
not_wanted (gpointer endpoint, gpointer value, gpointer wanted)
{
  return !g_hash_table_contains (wanted, endpoint);
}

void
scope_resolver_set_roster (ScopeResolver *self, const ScopeRoster *roster)
{
  g_autoptr (GHashTable) wanted = g_hash_table_new (g_str_hash, g_str_equal);

  want (self, wanted, roster->self);
  for (guint i = 0; i < roster->peers->len; i++)
    want (self, wanted, g_ptr_array_index (roster->peers, i));
  g_hash_table_foreach_remove (self->table, not_wanted, wanted);
  g_hash_table_foreach_remove (self->lookups, not_wanted, wanted);
}

gboolean
scope_resolver_has_names (ScopeResolver *self)
{
  return g_hash_table_size (self->lookups) > 0;
}

GHashTable *
scope_resolver_get_table (ScopeResolver *self)
{
  return self->table;
}
