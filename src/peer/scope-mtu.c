/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-mtu.h"

#include "tunnel/scope-link.h"
#include "tunnel/scope-routes.h"
#include "tunnel/scope-rtnl.h"

#define OVER_IP4 60
#define OVER_IP6 80

guint
scope_mtu_choose (guint base, gboolean ip6)
{
  guint over = ip6 ? OVER_IP6 : OVER_IP4;

  return base == 0 ? SCOPE_MTU_MAX : CLAMP (base, SCOPE_MTU_MIN + over, SCOPE_MTU_MAX + over) - over;
}

/* Takes the way to @text into account; whether there is one */
static gboolean
take_way (const GArray *routes, const char *text, guint32 except, guint *base)
{
  ScopePrefix to;
  const ScopeRoute *route = scope_prefix_parse (&to, text) ? scope_routes_find (routes, &to, except) : NULL;
  guint mtu = 0;

  if (route)
    mtu = route->mtu ? route->mtu : scope_rtnl_get_mtu (route->ifindex);
  if (mtu && (!*base || mtu < *base))
    *base = mtu;
  return route != NULL;
}

guint
scope_mtu_read (const char *address, const char *except)
{
  g_autoptr (GArray) routes = scope_routes_read (NULL);
  guint32 own = except ? scope_link_index (except) : 0;
  guint base = 0;
  gboolean ip6;

  if (!routes)
    return scope_mtu_choose (0, TRUE);
  take_way (routes, "0.0.0.0/0", own, &base);
  ip6 = take_way (routes, "::/0", own, &base);
  if (address)
    take_way (routes, address, own, &base);
  return scope_mtu_choose (base, ip6);
}
