/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-exit.h"

#include "common/scope-error.h"
#include "tunnel/scope-link.h"
#include "tunnel/scope-routes.h"
#include "tunnel/scope-rtnl.h"
#include "tunnel/scope-sysctl.h"

#include <net/if.h>
#include <sys/socket.h>

#define FIRST_TABLE 0x5c0000u
#define TABLES 1024u
#define FIRST_PRIORITY 20000u /* before main (32766) and NetworkManager's usual rules (30000 on) */

struct _ScopeExit {
  char *ifname;
  char *name; /* of what is kept in /run */
  ScopeRtnlRule rules[2]; /* main without its default routes, then our table; in the order of the kernel */
  gboolean open[2];       /* IPv4, IPv6 */
  ScopeSysctl *sysctl;
  gboolean said;
};

static const int families[] = { AF_INET, AF_INET6 };

static const char *
family_name (int family)
{
  return family == AF_INET ? "IPv4" : "IPv6";
}

static char *
slot_name (guint slot)
{
  return g_strdup_printf ("exit-%u", slot);
}

ScopeExit *
scope_exit_new (const char *ifname, const char *uuid)
{
  ScopeExit *self = g_new0 (ScopeExit, 1);
  guint slot = g_str_hash (uuid) % TABLES;

  self->ifname = g_strdup (ifname);
  self->name = slot_name (slot);
  self->rules[0] = (ScopeRtnlRule){ .priority = FIRST_PRIORITY + 2 * slot, .no_default = TRUE };
  self->rules[1] = (ScopeRtnlRule){ .priority = FIRST_PRIORITY + 2 * slot + 1, .table = FIRST_TABLE + slot, .not_mark = SCOPE_FWMARK };
  return self;
}

static gboolean
open_family (ScopeExit *self, int family, GError **error)
{
  if (!scope_rtnl_default_route (scope_link_index (self->ifname), family, self->rules[1].table, error))
    return FALSE;
  for (int i = G_N_ELEMENTS (self->rules) - 1; i >= 0; i--)
    if (!scope_rtnl_rule (family, &self->rules[i], TRUE, error))
      return FALSE;
  return TRUE;
}

static void
close_family (ScopeExit *self, int family)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->rules); i++)
    {
      g_autoptr (GError) error = NULL;
      if (!scope_rtnl_rule (family, &self->rules[i], FALSE, &error))
        g_warning ("%s", error->message);
    }
  scope_rtnl_flush_table (family, self->rules[1].table);
}

/* What answers WireGuard comes in by the base interface, where a strict filter (1, RFC 3704) would look for the way back
 * without a mark, find the tunnel, and drop it. 2 asks for any way. The kernel takes the greater one of "all" and the
 * interface's. */
static void
loosen (ScopeExit *self)
{
  g_autoptr (GArray) routes = scope_routes_read (NULL);

  for (guint i = 0; routes && i < routes->len; i++)
    {
      const ScopeRoute *route = &g_array_index (routes, ScopeRoute, i);
      g_autoptr (GError) error = NULL;
      char name[IF_NAMESIZE];
      g_autofree char *key = NULL;

      if (route->to.len > 0 || route->to.family != AF_INET || !if_indextoname (route->ifindex, name))
        continue;
      key = g_strdup_printf ("ipv4/conf/%s/rp_filter", name);
      if (!scope_sysctl_is (self->sysctl, "ipv4/conf/all/rp_filter", "1") && !scope_sysctl_is (self->sysctl, key, "1"))
        continue;
      if (!scope_sysctl_need (self->sysctl, key, "2", &error))
        g_warning ("%s", error->message);
    }
}

/* First: rules without it would be swept. */
static gboolean
take_slot (ScopeExit *self)
{
  g_autoptr (GError) error = NULL;

  self->sysctl = scope_sysctl_new (SCOPE_SYSCTL_PROC, SCOPE_SYSCTL_RUN, self->name, &error);
  if (!self->sysctl && !self->said)
    g_warning ("nothing goes through the exit: %s", error->message);
  self->said = !self->sysctl;
  return self->sysctl != NULL;
}

void
scope_exit_set (ScopeExit *self, gboolean ip4, gboolean ip6)
{
  const gboolean wanted[] = { ip4, ip6 };

  if ((ip4 || ip6) && !self->sysctl && !take_slot (self))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (families); i++)
    {
      g_autoptr (GError) error = NULL;

      if (wanted[i] == self->open[i])
        continue;
      self->open[i] = wanted[i];
      if (!wanted[i])
        close_family (self, families[i]);
      else if (!open_family (self, families[i], &error))
        g_warning ("%s does not go through the tunnel: %s", family_name (families[i]), error->message);
      g_message ("%s: %s %s through the exit", self->ifname, family_name (families[i]), wanted[i] ? "goes" : "no longer goes");
    }
  if (!ip4 && !ip6)
    g_clear_pointer (&self->sysctl, scope_sysctl_free);
  else if (ip4)
    loosen (self);
}

void
scope_exit_free (ScopeExit *self)
{
  scope_exit_set (self, FALSE, FALSE);
  g_free (self->ifname);
  g_free (self->name);
  g_free (self);
}

guint
scope_exit_sweep (void)
{
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (families); i++)
    {
      g_autoptr (GArray) rules = scope_rtnl_read_rules (families[i], FIRST_PRIORITY, FIRST_PRIORITY + 2 * TABLES);

      for (guint j = 0; rules && j < rules->len; j++)
        {
          const ScopeRtnlRule *rule = &g_array_index (rules, ScopeRtnlRule, j);
          g_autofree char *name = slot_name ((rule->priority - FIRST_PRIORITY) / 2);

          n += !scope_sysctl_is_held (SCOPE_SYSCTL_RUN, name) && scope_rtnl_rule (families[i], rule, FALSE, NULL);
        }
    }
  return n;
}
