/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-routes.h"

#include "common/scope-error.h"
#include "tunnel/scope-rtnl-private.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>

typedef struct {
  ScopeRoute *route;
  guint32 table;
  gboolean wrong;
} Parse;

static int
take_metric (const struct nlattr *attr, void *data)
{
  if (mnl_attr_get_type (attr) == RTAX_MTU && mnl_attr_validate (attr, MNL_TYPE_U32) >= 0)
    *(guint32 *) data = mnl_attr_get_u32 (attr);
  return MNL_CB_OK;
}

/* Of several ways that are shared the first one's interface. */
static void
take_nexthop (Parse *parse, const struct nlattr *attr)
{
  const struct rtnexthop *hop = mnl_attr_get_payload (attr);

  if (mnl_attr_get_payload_len (attr) >= sizeof *hop)
    parse->route->ifindex = hop->rtnh_ifindex;
}

static int
take_attr (const struct nlattr *attr, void *data)
{
  Parse *parse = data;
  gsize len = parse->route->to.family == AF_INET ? 4 : 16;

  switch (mnl_attr_get_type (attr))
    {
    case RTA_DST:
      if (mnl_attr_get_payload_len (attr) != len)
        parse->wrong = TRUE;
      else
        memcpy (parse->route->to.addr, mnl_attr_get_payload (attr), len);
      break;
    case RTA_GATEWAY:
      if (mnl_attr_get_payload_len (attr) != len)
        break;
      parse->route->via.family = parse->route->to.family;
      parse->route->via.len = len * 8;
      memcpy (parse->route->via.addr, mnl_attr_get_payload (attr), len);
      break;
    case RTA_OIF:
      if (mnl_attr_validate (attr, MNL_TYPE_U32) >= 0)
        parse->route->ifindex = mnl_attr_get_u32 (attr);
      break;
    case RTA_PRIORITY:
      if (mnl_attr_validate (attr, MNL_TYPE_U32) >= 0)
        parse->route->metric = mnl_attr_get_u32 (attr);
      break;
    case RTA_TABLE:
      if (mnl_attr_validate (attr, MNL_TYPE_U32) >= 0)
        parse->table = mnl_attr_get_u32 (attr);
      break;
    case RTA_METRICS:
      if (mnl_attr_validate (attr, MNL_TYPE_NESTED) >= 0)
        mnl_attr_parse_nested (attr, take_metric, &parse->route->mtu);
      break;
    case RTA_MULTIPATH:
      take_nexthop (parse, attr);
      break;
    }
  return MNL_CB_OK;
}

gboolean
scope_routes_parse (ScopeRoute *route, gconstpointer message, gsize len)
{
  const struct nlmsghdr *nlh = message;
  const struct rtmsg *rtm;
  Parse parse = { .route = route };

  memset (route, 0, sizeof *route);
  /* libmnl (1.0.4) takes a length of more than 2 GB for a negative one. */
  if (len < sizeof *nlh || nlh->nlmsg_len > len || !mnl_nlmsg_ok (nlh, (int) len) || nlh->nlmsg_type != RTM_NEWROUTE ||
      mnl_nlmsg_get_payload_len (nlh) < sizeof *rtm)
    return FALSE;
  rtm = mnl_nlmsg_get_payload (nlh);
  if ((rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6) || rtm->rtm_type != RTN_UNICAST ||
      (rtm->rtm_flags & RTM_F_CLONED) || rtm->rtm_dst_len > (rtm->rtm_family == AF_INET ? 32 : 128))
    return FALSE;
  route->to.family = rtm->rtm_family;
  route->to.len = rtm->rtm_dst_len;
  parse.table = rtm->rtm_table;
  mnl_attr_parse (nlh, sizeof *rtm, take_attr, &parse);
  scope_prefix_mask (&route->to);
  return !parse.wrong && parse.table == RT_TABLE_MAIN && route->ifindex != 0;
}

static int
on_message (const struct nlmsghdr *nlh, void *data)
{
  ScopeRoute route;

  if (scope_routes_parse (&route, nlh, nlh->nlmsg_len))
    g_array_append_val ((GArray *) data, route);
  return MNL_CB_OK;
}

GArray *
scope_routes_read (GError **error)
{
  g_autoptr (GArray) routes = g_array_new (FALSE, FALSE, sizeof (ScopeRoute));

  if (scope_rtnl_dump (RTM_GETROUTE, AF_UNSPEC, on_message, routes))
    return g_steal_pointer (&routes);
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "cannot read the routing table: %s", g_strerror (errno));
  return NULL;
}

const ScopeRoute *
scope_routes_find (const GArray *routes, const ScopePrefix *to, guint32 except)
{
  const ScopeRoute *best = NULL;

  for (guint i = 0; i < routes->len; i++)
    {
      const ScopeRoute *route = &g_array_index (routes, ScopeRoute, i);

      if (route->ifindex == except || !scope_prefix_contains (&route->to, to))
        continue;
      if (!best || route->to.len > best->to.len || (route->to.len == best->to.len && route->metric < best->metric))
        best = route;
    }
  return best;
}

static void
add (GArray *found, guint32 ifindex)
{
  for (guint i = 0; i < found->len; i++)
    if (g_array_index (found, guint32, i) == ifindex)
      return;
  g_array_append_val (found, ifindex);
}

void
scope_routes_interfaces (const GArray *routes, const ScopePrefix *range, guint32 except, GArray *found)
{
  const ScopeRoute *around;
  gboolean inside = FALSE;

  for (guint i = 0; range->len > 0 && i < routes->len; i++)
    {
      const ScopeRoute *route = &g_array_index (routes, ScopeRoute, i);

      if (route->ifindex == except || !scope_prefix_contains (range, &route->to))
        continue;
      inside = TRUE;
      add (found, route->ifindex);
    }
  around = inside ? NULL : scope_routes_find (routes, range, except);
  if (around)
    add (found, around->ifindex);
}
