/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-outside.h"

#include <string.h>

#define LONGEST 128

static guint
full_len (int family)
{
  return family == AF_INET ? 32 : 128;
}

void
scope_outside_add (GArray *outside, const ScopeSockaddr *sa)
{
  ScopePrefix host = { .family = sa->any.sa_family, .len = full_len (sa->any.sa_family) };

  if (sa->any.sa_family == AF_INET)
    memcpy (host.addr, &sa->in.sin_addr, 4);
  else if (sa->any.sa_family == AF_INET6)
    memcpy (host.addr, &sa->in6.sin6_addr, 16);
  else
    return;
  g_array_append_val (outside, host);
}

void
scope_outside_add_text (GArray *outside, const char *text)
{
  ScopeSockaddr sa;
  ScopePrefix host;

  if (scope_sockaddr_parse (&sa, text))
    scope_outside_add (outside, &sa);
  else if (scope_prefix_parse (&host, text) && host.len == full_len (host.family))
    g_array_append_val (outside, host);
}

static gboolean
is_private (const ScopePrefix *route)
{
  static const char *const ranges[] = { "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7" };

  for (guint i = 0; i < G_N_ELEMENTS (ranges); i++)
    {
      ScopePrefix range;

      if (scope_prefix_parse (&range, ranges[i]) && scope_prefix_contains (&range, route))
        return TRUE;
    }
  return FALSE;
}

/* Those of @routes that hold an address of @outside: by a look for each prefix length that there is, since both may be many.
 * (element-type ScopePrefix) */
static GHashTable *
find_holders (const GArray *routes, const GArray *outside)
{
  GHashTable *holders = g_hash_table_new (scope_prefix_hash, scope_prefix_same);
  g_autoptr (GHashTable) all = g_hash_table_new (scope_prefix_hash, scope_prefix_same);
  gboolean has[2][LONGEST + 1] = { { FALSE } };

  for (guint i = 0; i < routes->len; i++)
    {
      ScopePrefix *route = &g_array_index (routes, ScopePrefix, i);

      g_hash_table_add (all, route);
      has[route->family == AF_INET6][route->len] = TRUE;
    }
  for (guint i = 0; i < outside->len; i++)
    {
      ScopePrefix around = g_array_index (outside, ScopePrefix, i);

      for (int len = around.len; len >= 0; len--)
        {
          gpointer route;

          if (!has[around.family == AF_INET6][len])
            continue;
          around.len = len;
          scope_prefix_mask (&around);
          if (g_hash_table_lookup_extended (all, &around, &route, NULL))
            g_hash_table_add (holders, route);
        }
    }
  return holders;
}

static gboolean
is_in (const GArray *list, const ScopePrefix *prefix)
{
  for (guint i = 0; list && i < list->len; i++)
    if (scope_prefix_equal (&g_array_index (list, ScopePrefix, i), prefix))
      return TRUE;
  return FALSE;
}

GArray *
scope_outside_select (const GArray *routes, const GArray *outside, const GArray *before, GArray **others)
{
  g_autoptr (GHashTable) holders = find_holders (routes, outside);
  GArray *selected = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));

  *others = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  for (guint i = 0; i < routes->len; i++)
    {
      const ScopePrefix *route = &g_array_index (routes, ScopePrefix, i);
      gboolean single = route->len == full_len (route->family);

      if (g_hash_table_contains (holders, route) || (!single && !is_private (route)) || is_in (before, route))
        g_array_append_val (selected, *route);
      else
        g_array_append_val (*others, *route);
    }
  return selected;
}
