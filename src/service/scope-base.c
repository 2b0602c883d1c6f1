/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/scope-base.h"

#include "tunnel/scope-routes.h"

#include <NetworkManager.h>
#include <arpa/inet.h>
#include <string.h>

#define SAME_MS 3000 /* the same move, told by others: NetworkManager waits for what it calls activated */

/* --- ways ---------------------------------------------------------------------------------- */

static void
add_ways (GPtrArray *ways, const GArray *addresses, int family, guint32 ifindex, const ScopeRoute *route)
{
  char router[INET6_ADDRSTRLEN] = "-";

  if (route && route->via.family)
    inet_ntop (route->via.family, route->via.addr, router, sizeof router);
  for (guint i = 0; i < addresses->len; i++)
    {
      const ScopeBaseAddress *entry = &g_array_index (addresses, ScopeBaseAddress, i);

      if (entry->ifindex == ifindex && entry->family == family)
        g_ptr_array_add (ways, g_strdup_printf ("%s %u %s", entry->address, ifindex, router));
    }
}

static const ScopeRoute *
default_route (const GArray *routes, int family, guint32 except)
{
  const ScopeRoute *best = NULL;

  for (guint i = 0; i < routes->len; i++)
    {
      const ScopeRoute *route = &g_array_index (routes, ScopeRoute, i);

      if (route->to.family == family && route->to.len == 0 && route->ifindex != except &&
          (!best || route->metric < best->metric))
        best = route;
    }
  return best;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

char **
scope_base_ways (const GArray *routes, const GArray *addresses, guint32 except, gboolean *is_out)
{
  static const int families[] = { AF_INET, AF_INET6 };
  GPtrArray *ways = g_ptr_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (families); i++)
    {
      const ScopeRoute *route = default_route (routes, families[i], except);

      if (route)
        add_ways (ways, addresses, families[i], route->ifindex, route);
    }
  *is_out = ways->len > 0;
  for (guint i = 0; !*is_out && i < addresses->len; i++)
    {
      const ScopeBaseAddress *entry = &g_array_index (addresses, ScopeBaseAddress, i);

      if (entry->ifindex != except)
        g_ptr_array_add (ways, g_strdup_printf ("%s %u -", entry->address, entry->ifindex));
    }
  g_ptr_array_sort (ways, compare);
  g_ptr_array_add (ways, NULL);
  return (char **) g_ptr_array_free (ways, FALSE);
}

static gboolean
has_all (char **ways, char **of)
{
  for (; *of; of++)
    if (!g_strv_contains ((const char *const *) ways, *of))
      return FALSE;
  return TRUE;
}

/* --- what it means ------------------------------------------------------------------------- */

static ScopeBaseAct
pause_or_not (ScopeBase *self)
{
  gboolean paused = self->portal || self->lost;

  if (paused == self->paused)
    return 0;
  self->paused = paused;
  return paused ? SCOPE_BASE_PAUSE : SCOPE_BASE_RESUME;
}

static ScopeBaseAct
moved (ScopeBase *self, gint64 now)
{
  self->moved = now;
  return SCOPE_BASE_MOVED | pause_or_not (self);
}

void
scope_base_clear (ScopeBase *self)
{
  g_clear_pointer (&self->ways, g_strfreev);
}

ScopeBaseAct
scope_base_set_ways (ScopeBase *self, char **ways, gint64 now)
{
  g_auto (GStrv) before = g_steal_pointer (&self->ways);
  gboolean was_lost = self->lost;

  self->ways = ways;
  self->lost = !ways[0];
  if (self->lost || !before)
    return pause_or_not (self);
  if (was_lost || !has_all (ways, before))
    {
      self->portal = FALSE; /* that one was elsewhere; here NetworkManager will say so again */
      return moved (self, now);
    }
  return has_all (before, ways) ? 0 : SCOPE_BASE_MORE;
}

ScopeBaseAct
scope_base_primary (ScopeBase *self, gint64 now)
{
  if (self->lost || (self->moved && now - self->moved < SAME_MS))
    return 0;
  return moved (self, now);
}

/* Without an answer to its check NetworkManager says LIMITED: there may be a registry all the same. NONE and UNKNOWN come with
 * each change, before the check is made: they say nothing that the ways do not. */
ScopeBaseAct
scope_base_connectivity (ScopeBase *self, guint connectivity, gint64 now)
{
  gboolean was = self->portal;

  if (connectivity == NM_CONNECTIVITY_PORTAL)
    self->portal = TRUE;
  else if (connectivity == NM_CONNECTIVITY_LIMITED || connectivity == NM_CONNECTIVITY_FULL)
    self->portal = FALSE;
  return was && !self->portal && !self->lost ? moved (self, now) : pause_or_not (self);
}

ScopeBaseAct
scope_base_awake (ScopeBase *self, gint64 now)
{
  if (self->lost || (self->moved && now - self->moved < SAME_MS))
    return 0;
  return moved (self, now);
}
