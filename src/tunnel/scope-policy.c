/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-policy.h"

#include "common/scope-error.h"
#include "tunnel/scope-link.h"
#include "tunnel/scope-nft.h"
#include "tunnel/scope-routes.h"
#include "tunnel/scope-rtnl.h"
#include "tunnel/scope-sysctl.h"

#include <net/if.h>

#define FIRST_TABLE 0x5c0000u
#define TABLES 1024u
#define FIRST_PRIORITY 20000u /* before main (32766) and NetworkManager's usual rules (30000 on) */
#define LONGEST 128

/* Of one family. A list of rules has one priority, where the kernel keeps their order; the next list is written at the other one
 * before this one goes, so that nothing falls between two. */
typedef struct {
  int family;
  GArray *routes;
  GArray *rules;
  guint turn;
} Half;

struct _ScopePolicy {
  char *ifname;
  char *name; /* of what is kept in /run */
  guint32 priority;
  guint32 table;
  Half halves[2];
  ScopeSysctl *sysctl;
  ScopeNft *marks;
  guint16 port;
  gboolean said;
};

/* IPv6 has no rp_filter; firewalld (IPv6_rpfilter) does the same by a rule that asks for the way back with the packet's mark. So
 * what comes to WireGuard's port, and what answers connections with our mark, gets it before that rule (raw, -300, to filter, 0). */
#define MARKS \
  "add table inet scope-%1$s-marks { flags owner; }\n" \
  "add chain inet scope-%1$s-marks output { type filter hook output priority mangle; policy accept; }\n" \
  "add rule inet scope-%1$s-marks output meta mark %2$u ct mark set %2$u\n" \
  "add chain inet scope-%1$s-marks prerouting { type filter hook prerouting priority mangle; policy accept; }\n" \
  "add rule inet scope-%1$s-marks prerouting ct mark %2$u meta mark set %2$u\n" \
  "add rule inet scope-%1$s-marks prerouting iifname != \"%1$s\" udp dport %3$u meta mark set %2$u\n"

static char *
slot_name (guint slot)
{
  return g_strdup_printf ("routes-%u", slot);
}

ScopePolicy *
scope_policy_new (const char *ifname, guint16 port, const char *uuid)
{
  static const int families[] = { AF_INET, AF_INET6 };
  ScopePolicy *self = g_new0 (ScopePolicy, 1);
  guint slot = g_str_hash (uuid) % TABLES;

  self->ifname = g_strdup (ifname);
  self->port = port;
  self->name = slot_name (slot);
  self->priority = FIRST_PRIORITY + 2 * slot;
  self->table = FIRST_TABLE + slot;
  for (guint i = 0; i < G_N_ELEMENTS (self->halves); i++)
    self->halves[i] = (Half){ .family = families[i],
                              .routes = g_array_new (FALSE, FALSE, sizeof (ScopePrefix)),
                              .rules = g_array_new (FALSE, FALSE, sizeof (ScopeRtnlRule)) };
  return self;
}

GArray *
scope_policy_rules (const GArray *routes, int family, guint32 priority, guint32 table)
{
  GArray *rules = g_array_new (FALSE, FALSE, sizeof (ScopeRtnlRule));
  gboolean has[LONGEST + 1] = { FALSE };

  for (guint i = 0; i < routes->len; i++)
    if (g_array_index (routes, ScopePrefix, i).family == family)
      has[g_array_index (routes, ScopePrefix, i).len] = TRUE;
  for (int len = LONGEST; len >= 0; len--)
    if (has[len])
      {
        ScopeRtnlRule pair[] = {
          { .priority = priority, .longer = len },
          { .priority = priority, .table = table, .not_mark = SCOPE_FWMARK, .longer = len - 1 },
        };
        g_array_append_vals (rules, pair, G_N_ELEMENTS (pair));
      }
  return rules;
}

static gboolean
is_in (const GArray *list, const ScopePrefix *prefix)
{
  for (guint i = 0; i < list->len; i++)
    if (scope_prefix_equal (&g_array_index (list, ScopePrefix, i), prefix))
      return TRUE;
  return FALSE;
}

/* Those of @routes that @other has not come, or go. */
static void
write_routes (ScopePolicy *self, const GArray *routes, const GArray *other, gboolean add)
{
  guint32 ifindex = scope_link_index (self->ifname);
  char text[SCOPE_PREFIX_STRLEN];

  for (guint i = 0; i < routes->len; i++)
    {
      const ScopePrefix *prefix = &g_array_index (routes, ScopePrefix, i);
      g_autoptr (GError) error = NULL;

      if (is_in (other, prefix))
        continue;
      if (ifindex && !scope_rtnl_route_in (ifindex, prefix, self->table, add, &error))
        g_warning ("%s", error->message);
      else if (prefix->len == 0)
        g_message ("%s: %s %s through the exit", self->ifname, prefix->family == AF_INET ? "IPv4" : "IPv6",
                   add ? "goes" : "no longer goes");
      else
        g_message ("%s: %s %s through the tunnel, but for our own packets", self->ifname, scope_prefix_format (prefix, text),
                   add ? "goes" : "no longer goes");
    }
}

static void
write_rules (const GArray *rules, int family, gboolean add)
{
  /* Backwards when they go: what is left in between decides as before, or leaves it to those that follow. */
  for (guint i = 0; i < rules->len; i++)
    {
      const ScopeRtnlRule *rule = &g_array_index (rules, ScopeRtnlRule, add ? i : rules->len - 1 - i);
      g_autoptr (GError) error = NULL;

      if (!scope_rtnl_rule (family, rule, add, &error))
        g_warning ("%s", error->message);
    }
}

static gboolean
same_rules (const GArray *a, const GArray *b)
{
  if (a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++)
    if (g_array_index (a, ScopeRtnlRule, i).longer != g_array_index (b, ScopeRtnlRule, i).longer)
      return FALSE;
  return TRUE;
}

static void
set_half (ScopePolicy *self, Half *half, const GArray *routes)
{
  g_autoptr (GArray) before = half->routes;
  g_autoptr (GArray) rules = scope_policy_rules (routes, half->family, self->priority + !half->turn, self->table);

  half->routes = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  for (guint i = 0; i < routes->len; i++)
    if (g_array_index (routes, ScopePrefix, i).family == half->family)
      g_array_append_val (half->routes, g_array_index (routes, ScopePrefix, i));
  write_routes (self, half->routes, before, TRUE);
  if (!same_rules (rules, half->rules))
    {
      write_rules (rules, half->family, TRUE);
      write_rules (half->rules, half->family, FALSE);
      g_array_unref (half->rules);
      half->rules = g_steal_pointer (&rules);
      half->turn = !half->turn;
    }
  write_routes (self, before, half->routes, FALSE);
}

static gboolean
holds_one (const ScopePrefix *to, const GArray *routes)
{
  for (guint i = 0; i < routes->len; i++)
    if (scope_prefix_contains (to, &g_array_index (routes, ScopePrefix, i)))
      return TRUE;
  return FALSE;
}

/* What answers WireGuard comes in by the base interface, where a strict filter (1, RFC 3704) would look for the way back
 * without a mark, find the tunnel, and drop it. 2 asks for any way. The kernel takes the greater one of "all" and the
 * interface's. */
static void
loosen (ScopePolicy *self, const GArray *diverted)
{
  g_autoptr (GArray) routes = scope_routes_read (NULL);
  guint32 own = scope_link_index (self->ifname);

  for (guint i = 0; routes && i < routes->len; i++)
    {
      const ScopeRoute *route = &g_array_index (routes, ScopeRoute, i);
      g_autoptr (GError) error = NULL;
      char name[IF_NAMESIZE];
      g_autofree char *key = NULL;

      if (route->to.family != AF_INET || route->ifindex == own || !holds_one (&route->to, diverted) ||
          !if_indextoname (route->ifindex, name))
        continue;
      key = g_strdup_printf ("ipv4/conf/%s/rp_filter", name);
      if (!scope_sysctl_is (self->sysctl, "ipv4/conf/all/rp_filter", "1") && !scope_sysctl_is (self->sysctl, key, "1"))
        continue;
      if (!scope_sysctl_need (self->sysctl, key, "2", &error))
        g_warning ("%s", error->message);
    }
}

/* Without nft there may be firewalld all the same, but then there is nothing that we could do. */
static void
on_marks_failed (const char *why, gpointer data)
{
  const ScopePolicy *self = data;

  g_message ("%s: a firewall that looks for the way back of IPv6 packets may drop those to us: %s", self->ifname, why);
}

static void
follow_marks (ScopePolicy *self)
{
  if (self->halves[1].routes->len == 0)
    g_clear_pointer (&self->marks, scope_nft_free);
  else if (!self->marks)
    {
      g_autofree char *rules = g_strdup_printf (MARKS, self->ifname, SCOPE_FWMARK, self->port);
      self->marks = scope_nft_new (rules, on_marks_failed, self);
    }
}

/* First: rules without it would be swept. */
static gboolean
take_slot (ScopePolicy *self)
{
  g_autoptr (GError) error = NULL;

  self->sysctl = scope_sysctl_new (SCOPE_SYSCTL_PROC, SCOPE_SYSCTL_RUN, self->name, &error);
  if (!self->sysctl && !self->said)
    g_warning ("%s: nothing goes through the exit, nor to networks that hold our peers' addresses: %s", self->ifname, error->message);
  self->said = !self->sysctl;
  return self->sysctl != NULL;
}

void
scope_policy_set (ScopePolicy *self, const GArray *routes)
{
  if (routes->len > 0 && !self->sysctl && !take_slot (self))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (self->halves); i++)
    set_half (self, &self->halves[i], routes);
  follow_marks (self);
  if (routes->len == 0)
    g_clear_pointer (&self->sysctl, scope_sysctl_free);
  else
    loosen (self, self->halves[0].routes);
}

void
scope_policy_free (ScopePolicy *self)
{
  g_autoptr (GArray) nothing = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));

  scope_policy_set (self, nothing);
  for (guint i = 0; i < G_N_ELEMENTS (self->halves); i++)
    {
      g_array_unref (self->halves[i].routes);
      g_array_unref (self->halves[i].rules);
    }
  g_free (self->ifname);
  g_free (self->name);
  g_free (self);
}

guint
scope_policy_sweep (void)
{
  static const int families[] = { AF_INET, AF_INET6 };
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
