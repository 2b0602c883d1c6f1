/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-forward.h"

#include "common/scope-prefix.h"
#include "tunnel/scope-fence.h"
#include "tunnel/scope-firewall.h"
#include "tunnel/scope-link.h"
#include "tunnel/scope-routes.h"
#include "tunnel/scope-sysctl.h"

#include <net/if.h>

#define IP6_ALL "ipv6/conf/all/forwarding"

struct _ScopeForward {
  char *ifname;
  guint16 port;
  ScopeSysctl *sysctl;
  ScopeFence *fence;
  ScopeFirewall *firewall;
  ScopeRoutesWatch *watch;
  GArray *ranges;
  GHashTable *behind; /* names of the interfaces of networks behind us */
  GHashTable *warned; /* texts: each is said once */
};

static void
say_once (ScopeForward *self, const char *text)
{
  if (g_hash_table_add (self->warned, g_strdup (text)))
    g_warning ("cannot forward for others: %s", text);
}

static char *
key_of (const char *family, const char *ifname, const char *name)
{
  return g_strdup_printf ("%s/conf/%s/%s", family, ifname, name);
}

static void
need (ScopeForward *self, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  if (scope_sysctl_exists (self->sysctl, key) && !scope_sysctl_need (self->sysctl, key, value, &error))
    say_once (self, error->message);
}

/* IPv4 asks the interface where a packet comes in. IPv6 asked nobody but "all" before Linux 6.17, and asks both since. */
static void
open_interface (ScopeForward *self, const char *ifname)
{
  g_autofree char *ip4 = key_of ("ipv4", ifname, "forwarding");
  g_autofree char *ip6 = key_of ("ipv6", ifname, "force_forwarding");

  need (self, ip4, "1");
  need (self, scope_sysctl_exists (self->sysctl, ip6) ? ip6 : IP6_ALL, "1");
}

static void
close_interface (ScopeForward *self, const char *ifname)
{
  g_autofree char *ip4 = key_of ("ipv4", ifname, "forwarding");
  g_autofree char *ip6 = key_of ("ipv6", ifname, "force_forwarding");

  scope_sysctl_drop (self->sysctl, ip4);
  scope_sysctl_drop (self->sysctl, ip6);
}

/* What comes in by the tunnel and leaves by it is no detour that its sender should be told of. An interface sends redirects when
 * it or "all" says so (Linux): "all" gives way to the others' own settings, which then say what it said. */
static void
stop_redirects (ScopeForward *self)
{
  g_autofree char *own = key_of ("ipv4", self->ifname, "send_redirects");
  struct if_nameindex *list;

  need (self, own, "0");
  if (!scope_sysctl_is (self->sysctl, "ipv4/conf/all/send_redirects", "1") || !(list = if_nameindex ()))
    return;
  for (struct if_nameindex *entry = list; entry->if_index; entry++)
    {
      g_autofree char *key = key_of ("ipv4", entry->if_name, "send_redirects");
      if (g_strcmp0 (entry->if_name, self->ifname) != 0)
        need (self, key, "1");
    }
  if_freenameindex (list);
  need (self, "ipv4/conf/all/send_redirects", "0");
}

static gboolean
is_single (const ScopePrefix *prefix)
{
  return prefix->len == (prefix->family == AF_INET ? 32 : 128);
}

/* (element-type utf8) names of the interfaces of the networks behind us */
static GHashTable *
find_behind (ScopeForward *self)
{
  const GArray *ranges = self->ranges;
  GHashTable *behind = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (guint32));
  g_autoptr (GArray) routes = NULL;
  g_autoptr (GError) error = NULL;
  guint32 own = scope_link_index (self->ifname);
  char name[IF_NAMESIZE];

  for (guint i = 0; i < ranges->len; i++)
    {
      const ScopePrefix *range = &g_array_index (ranges, ScopePrefix, i);

      if (is_single (range))
        continue;
      if (!routes && !(routes = scope_routes_read (&error)))
        {
          say_once (self, error->message);
          break;
        }
      scope_routes_interfaces (routes, range, own, found);
    }
  for (guint i = 0; i < found->len; i++)
    if (if_indextoname (g_array_index (found, guint32, i), name))
      g_hash_table_add (behind, g_strdup (name));
  return behind;
}

static void
check_firewall (ScopeForward *self)
{
  g_autofree char **behind = (char **) g_hash_table_get_keys_as_array (self->behind, NULL);

  g_clear_pointer (&self->firewall, scope_firewall_free);
  self->firewall = scope_firewall_check (self->ifname, self->port, behind);
}

static void
follow (gpointer data)
{
  ScopeForward *self = data;
  g_autoptr (GHashTable) before = self->behind;
  GHashTableIter iter;
  gboolean opened;
  gpointer name;

  self->behind = find_behind (self);
  opened = FALSE;
  g_hash_table_iter_init (&iter, self->behind);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    if (!before || !g_hash_table_contains (before, name))
      {
        g_message ("%s: a network behind us is on %s: forwarding to and from it", self->ifname, (char *) name);
        open_interface (self, name);
        opened = TRUE;
      }
  if (!before || opened)
    check_firewall (self);
  if (!before)
    return;
  g_hash_table_iter_init (&iter, before);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    if (!g_hash_table_contains (self->behind, name))
      close_interface (self, name);
}

static gboolean
has_behind (const GArray *ranges)
{
  for (guint i = 0; i < ranges->len; i++)
    if (!is_single (&g_array_index (ranges, ScopePrefix, i)))
      return TRUE;
  return FALSE;
}

void
scope_forward_set_ranges (ScopeForward *self, const GArray *ranges)
{
  gboolean wide = has_behind (ranges);
  g_autoptr (ScopeFence) before = NULL;

  if (self->ranges && scope_prefix_list_equal (self->ranges, ranges))
    return;
  g_clear_pointer (&self->ranges, g_array_unref);
  self->ranges = g_array_copy ((GArray *) ranges);
  before = self->fence;
  self->fence = scope_fence_new (self->ifname, self->ranges);
  if (!wide)
    g_clear_pointer (&self->watch, scope_routes_watch_free);
  else if (!self->watch)
    self->watch = scope_routes_watch_new (follow, self);
  follow (self);
}

ScopeForward *
scope_forward_new (const char *ifname, guint16 port, const GArray *ranges, GError **error)
{
  ScopeSysctl *sysctl = scope_sysctl_new (SCOPE_SYSCTL_PROC, SCOPE_SYSCTL_RUN, ifname, error);
  ScopeForward *self;

  if (!sysctl)
    return NULL;
  self = g_new0 (ScopeForward, 1);
  self->ifname = g_strdup (ifname);
  self->port = port;
  self->sysctl = sysctl;
  self->warned = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  scope_forward_set_ranges (self, ranges);
  open_interface (self, ifname);
  stop_redirects (self);
  g_message ("%s: forwarding for others", ifname);
  return self;
}

void
scope_forward_free (ScopeForward *self)
{
  g_clear_pointer (&self->firewall, scope_firewall_free);
  g_clear_pointer (&self->watch, scope_routes_watch_free);
  g_clear_pointer (&self->ranges, g_array_unref);
  scope_sysctl_free (self->sysctl);
  g_clear_pointer (&self->fence, scope_fence_free);
  g_clear_pointer (&self->behind, g_hash_table_unref);
  g_hash_table_unref (self->warned);
  g_free (self->ifname);
  g_free (self);
}

guint
scope_forward_sweep (void)
{
  return scope_sysctl_sweep (SCOPE_SYSCTL_PROC, SCOPE_SYSCTL_RUN);
}
