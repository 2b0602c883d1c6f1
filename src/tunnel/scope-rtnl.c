/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-rtnl-private.h"

#include "common/scope-error.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_SIZE 32768
#define ROUTE_METRIC 50 /* as NetworkManager's for VPN routes */

struct nlmsghdr *
scope_rtnl_request (char *buf, guint16 type, guint16 flags)
{
  struct nlmsghdr *nlh = mnl_nlmsg_put_header (buf);

  nlh->nlmsg_type = type;
  nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
  nlh->nlmsg_seq = (guint32) time (NULL);
  return nlh;
}

gboolean
scope_rtnl_talk (struct nlmsghdr *nlh, int ignore_errno, const char *what, GError **error)
{
  char buf[8192];
  struct mnl_socket *nl = mnl_socket_open (NETLINK_ROUTE);
  guint32 seq = nlh->nlmsg_seq;
  gboolean ok = FALSE;
  int saved = errno;

  if (nl && mnl_socket_bind (nl, 0, MNL_SOCKET_AUTOPID) == 0 && mnl_socket_sendto (nl, nlh, nlh->nlmsg_len) >= 0)
    {
      ssize_t n = mnl_socket_recvfrom (nl, buf, sizeof buf);
      ok = n >= 0 && mnl_cb_run (buf, n, seq, mnl_socket_get_portid (nl), NULL, NULL) >= 0;
    }
  saved = errno;
  if (nl)
    mnl_socket_close (nl);
  if (ok || saved == ignore_errno)
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "%s: %s", what, g_strerror (saved));
  return FALSE;
}

gboolean
scope_rtnl_dump (guint16 type, int family, mnl_cb_t func, gpointer data)
{
  g_autofree char *buf = g_malloc0 (MESSAGE_SIZE);
  struct mnl_socket *nl = mnl_socket_open2 (NETLINK_ROUTE, SOCK_CLOEXEC);
  struct nlmsghdr *nlh = scope_rtnl_request (buf, type, NLM_F_DUMP);
  struct ifinfomsg *header = mnl_nlmsg_put_extra_header (nlh, sizeof *header); /* the longest; all begin with the family */
  guint32 seq = nlh->nlmsg_seq;
  int saved, left = MNL_CB_OK;

  nlh->nlmsg_flags &= ~NLM_F_ACK;
  header->ifi_family = family;
  if (!nl || mnl_socket_bind (nl, 0, MNL_SOCKET_AUTOPID) < 0 || mnl_socket_sendto (nl, nlh, nlh->nlmsg_len) < 0)
    left = MNL_CB_ERROR;
  while (left == MNL_CB_OK)
    {
      gssize n = mnl_socket_recvfrom (nl, buf, MESSAGE_SIZE);
      left = n < 0 ? MNL_CB_ERROR : mnl_cb_run (buf, n, seq, mnl_socket_get_portid (nl), func, data);
    }
  saved = errno;
  if (nl)
    mnl_socket_close (nl);
  errno = saved;
  return left == MNL_CB_STOP;
}

static gsize
addr_len (const ScopePrefix *prefix)
{
  return prefix->family == AF_INET ? 4 : 16;
}

gboolean
scope_rtnl_link_up (int ifindex, guint mtu, GError **error)
{
  char buf[512];
  struct nlmsghdr *nlh = scope_rtnl_request (buf, RTM_NEWLINK, 0);
  struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header (nlh, sizeof *ifi);

  ifi->ifi_family = AF_UNSPEC;
  ifi->ifi_index = ifindex;
  ifi->ifi_change = IFF_UP;
  ifi->ifi_flags = IFF_UP;
  if (mtu)
    mnl_attr_put_u32 (nlh, IFLA_MTU, mtu);
  return scope_rtnl_talk (nlh, 0, "cannot set the tunnel interface up", error);
}

gboolean
scope_rtnl_set_mtu (int ifindex, guint mtu, GError **error)
{
  char buf[512];
  struct nlmsghdr *nlh = scope_rtnl_request (buf, RTM_NEWLINK, 0);
  struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header (nlh, sizeof *ifi);

  ifi->ifi_family = AF_UNSPEC;
  ifi->ifi_index = ifindex;
  mnl_attr_put_u32 (nlh, IFLA_MTU, mtu);
  return scope_rtnl_talk (nlh, 0, "cannot set the tunnel interface's MTU", error);
}

guint
scope_rtnl_get_mtu (int ifindex)
{
  struct ifreq request = { 0 };
  int fd = if_indextoname (ifindex, request.ifr_name) ? socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
  guint mtu = fd >= 0 && ioctl (fd, SIOCGIFMTU, &request) == 0 ? request.ifr_mtu : 0;

  if (fd >= 0)
    close (fd);
  return mtu;
}

gboolean
scope_rtnl_no_link_local (int ifindex, GError **error)
{
  char buf[512];
  struct nlmsghdr *nlh = scope_rtnl_request (buf, RTM_SETLINK, 0);
  struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header (nlh, sizeof *ifi);
  struct nlattr *spec, *family;

  ifi->ifi_family = AF_UNSPEC;
  ifi->ifi_index = ifindex;
  spec = mnl_attr_nest_start (nlh, IFLA_AF_SPEC);
  family = mnl_attr_nest_start (nlh, AF_INET6);
  mnl_attr_put_u8 (nlh, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
  mnl_attr_nest_end (nlh, family);
  mnl_attr_nest_end (nlh, spec);
  return scope_rtnl_talk (nlh, 0, "cannot keep the tunnel interface from having a link-local address", error);
}

gboolean
scope_rtnl_route (int ifindex, const ScopePrefix *prefix, gboolean add, GError **error)
{
  char buf[512], text[SCOPE_PREFIX_STRLEN];
  struct nlmsghdr *nlh = scope_rtnl_request (buf, add ? RTM_NEWROUTE : RTM_DELROUTE, add ? NLM_F_CREATE | NLM_F_REPLACE : 0);
  struct rtmsg *rtm = mnl_nlmsg_put_extra_header (nlh, sizeof *rtm);
  g_autofree char *what = g_strdup_printf ("cannot %s the route to %s", add ? "add" : "remove",
                                           scope_prefix_format (prefix, text));

  rtm->rtm_family = prefix->family;
  rtm->rtm_dst_len = prefix->len;
  rtm->rtm_table = RT_TABLE_MAIN;
  rtm->rtm_protocol = RTPROT_STATIC;
  rtm->rtm_scope = RT_SCOPE_LINK;
  rtm->rtm_type = RTN_UNICAST;
  mnl_attr_put (nlh, RTA_DST, addr_len (prefix), prefix->addr);
  mnl_attr_put_u32 (nlh, RTA_OIF, ifindex);
  mnl_attr_put_u32 (nlh, RTA_PRIORITY, ROUTE_METRIC);
  return scope_rtnl_talk (nlh, add ? 0 : ESRCH, what, error);
}

gboolean
scope_rtnl_address_add (int ifindex, const ScopePrefix *prefix, GError **error)
{
  char buf[512], text[SCOPE_PREFIX_STRLEN];
  struct nlmsghdr *nlh = scope_rtnl_request (buf, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header (nlh, sizeof *ifa);
  g_autofree char *what = g_strdup_printf ("cannot add the address %s", scope_prefix_format (prefix, text));

  ifa->ifa_family = prefix->family;
  ifa->ifa_prefixlen = prefix->len;
  ifa->ifa_index = ifindex;
  if (prefix->family == AF_INET6 && prefix->addr[0] == 0xfe && (prefix->addr[1] & 0xc0) == 0x80)
    ifa->ifa_scope = RT_SCOPE_LINK;
  ifa->ifa_flags = IFA_F_NODAD; /* nobody else is on this link who could have it */
  mnl_attr_put (nlh, IFA_LOCAL, addr_len (prefix), prefix->addr);
  mnl_attr_put (nlh, IFA_ADDRESS, addr_len (prefix), prefix->addr);
  return scope_rtnl_talk (nlh, EEXIST, what, error);
}
