/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interfaces of kernel WireGuard: made, found again, deleted. */
#include "tunnel/scope-rtnl-private.h"

#include "common/scope-error.h"
#include "tunnel/scope-link.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define KIND "wireguard"

static gboolean
set_alias (int ifindex, const char *alias, GError **error)
{
  char buf[1024];
  struct nlmsghdr *nlh = scope_rtnl_request (buf, RTM_SETLINK, 0);
  struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header (nlh, sizeof *ifi);

  ifi->ifi_index = ifindex;
  mnl_attr_put_str (nlh, IFLA_IFALIAS, alias);
  return scope_rtnl_talk (nlh, 0, "cannot set the tunnel interface's alias", error);
}

int
scope_rtnl_wireguard_add (const char *ifname, const char *alias, GError **error)
{
  char buf[512];
  struct nlmsghdr *nlh = scope_rtnl_request (buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  g_autofree char *what = g_strdup_printf ("cannot make interface %s", ifname);
  struct nlattr *info;
  int ifindex;

  mnl_nlmsg_put_extra_header (nlh, sizeof (struct ifinfomsg));
  mnl_attr_put_strz (nlh, IFLA_IFNAME, ifname);
  info = mnl_attr_nest_start (nlh, IFLA_LINKINFO);
  mnl_attr_put_str (nlh, IFLA_INFO_KIND, KIND);
  mnl_attr_nest_end (nlh, info);
  if (!scope_rtnl_talk (nlh, 0, what, error))
    return 0;
  ifindex = scope_link_index (ifname);
  if (!ifindex)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_GONE, "interface %s was deleted", ifname);
  /* Not a word of it is taken with RTM_NEWLINK when that makes an interface (Linux 6.1). */
  if (!ifindex || set_alias (ifindex, alias, error))
    return ifindex;
  scope_rtnl_link_delete (ifindex, NULL);
  return 0;
}

gboolean
scope_rtnl_link_delete (int ifindex, GError **error)
{
  char buf[512];
  struct nlmsghdr *nlh = scope_rtnl_request (buf, RTM_DELLINK, 0);
  struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header (nlh, sizeof *ifi);

  ifi->ifi_index = ifindex;
  return scope_rtnl_talk (nlh, ENODEV, "cannot delete the tunnel interface", error);
}

/* --- reading -------------------------------------------------------------------------------- */

typedef struct {
  GArray *found;
  const char *prefix;
} Reading;

typedef struct {
  const char *alias; /* the message's */
  gboolean is_ours;
} LinkSeen;

static int
on_info_attr (const struct nlattr *attr, void *data)
{
  LinkSeen *seen = data;

  if (mnl_attr_get_type (attr) == IFLA_INFO_KIND)
    seen->is_ours = mnl_attr_validate (attr, MNL_TYPE_NUL_STRING) >= 0 && g_str_equal (mnl_attr_get_str (attr), KIND);
  return MNL_CB_OK;
}

static int
on_link_attr (const struct nlattr *attr, void *data)
{
  LinkSeen *seen = data;
  guint16 type = mnl_attr_get_type (attr);

  if (type == IFLA_IFALIAS && mnl_attr_validate (attr, MNL_TYPE_NUL_STRING) >= 0)
    seen->alias = mnl_attr_get_str (attr);
  else if (type == IFLA_LINKINFO)
    mnl_attr_parse_nested (attr, on_info_attr, seen);
  return MNL_CB_OK;
}

static int
on_link (const struct nlmsghdr *nlh, void *data)
{
  const struct ifinfomsg *ifi = mnl_nlmsg_get_payload (nlh);
  Reading *reading = data;
  LinkSeen seen = { 0 };

  mnl_attr_parse (nlh, sizeof *ifi, on_link_attr, &seen);
  if (seen.is_ours && seen.alias && g_str_has_prefix (seen.alias, reading->prefix))
    {
      ScopeRtnlWireguard link = { ifi->ifi_index, g_strdup (seen.alias) };
      g_array_append_val (reading->found, link);
    }
  return MNL_CB_OK;
}

static void
clear_link (gpointer data)
{
  g_free (((ScopeRtnlWireguard *) data)->alias);
}

GArray *
scope_rtnl_read_wireguard (const char *prefix)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (ScopeRtnlWireguard));
  Reading reading = { found, prefix };

  g_array_set_clear_func (found, clear_link);
  return scope_rtnl_dump (RTM_GETLINK, AF_UNSPEC, on_link, &reading) ? g_steal_pointer (&found) : NULL;
}
