/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Policy routing: rules, and tables of our own. */
#include "tunnel/scope-rtnl-private.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#define PROTOCOL 92 /* who made a rule: below 128 nobody registered it (linux/rtnetlink.h) */

gboolean
scope_rtnl_rule (int family, const ScopeRtnlRule *rule, gboolean add, GError **error)
{
  char buf[512];
  struct nlmsghdr *nlh = scope_rtnl_request (buf, add ? RTM_NEWRULE : RTM_DELRULE, add ? NLM_F_CREATE | NLM_F_EXCL : 0);
  struct fib_rule_hdr *header = mnl_nlmsg_put_extra_header (nlh, sizeof *header);
  g_autofree char *what = g_strdup_printf ("cannot %s the IPv%d routing rule %u", add ? "add" : "remove",
                                           family == AF_INET ? 4 : 6, rule->priority);

  header->family = family;
  header->action = FR_ACT_TO_TBL;
  header->flags = rule->not_mark ? FIB_RULE_INVERT : 0;
  mnl_attr_put_u32 (nlh, FRA_PRIORITY, rule->priority);
  mnl_attr_put_u32 (nlh, FRA_TABLE, rule->table ? rule->table : RT_TABLE_MAIN);
  mnl_attr_put_u8 (nlh, FRA_PROTOCOL, PROTOCOL);
  if (rule->not_mark)
    mnl_attr_put_u32 (nlh, FRA_FWMARK, rule->not_mark);
  if (rule->longer >= 0)
    mnl_attr_put_u32 (nlh, FRA_SUPPRESS_PREFIXLEN, rule->longer);
  return scope_rtnl_talk (nlh, add ? EEXIST : ENOENT, what, error);
}

gboolean
scope_rtnl_route_in (int ifindex, const ScopePrefix *prefix, guint32 table, gboolean add, GError **error)
{
  char buf[512], text[SCOPE_PREFIX_STRLEN];
  struct nlmsghdr *nlh = scope_rtnl_request (buf, add ? RTM_NEWROUTE : RTM_DELROUTE, add ? NLM_F_CREATE | NLM_F_REPLACE : 0);
  struct rtmsg *rtm = mnl_nlmsg_put_extra_header (nlh, sizeof *rtm);
  g_autofree char *what = g_strdup_printf ("cannot %s the route to %s through the tunnel", add ? "add" : "remove",
                                           scope_prefix_format (prefix, text));

  rtm->rtm_family = prefix->family;
  rtm->rtm_dst_len = prefix->len;
  rtm->rtm_table = RT_TABLE_UNSPEC;
  rtm->rtm_protocol = RTPROT_STATIC;
  rtm->rtm_scope = prefix->family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  rtm->rtm_type = RTN_UNICAST;
  mnl_attr_put (nlh, RTA_DST, prefix->family == AF_INET ? 4 : 16, prefix->addr);
  mnl_attr_put_u32 (nlh, RTA_TABLE, table);
  mnl_attr_put_u32 (nlh, RTA_OIF, ifindex);
  return scope_rtnl_talk (nlh, add ? 0 : ESRCH, what, error);
}

/* --- reading -------------------------------------------------------------------------------- */

typedef struct {
  GArray *found;
  guint32 first;
  guint32 end;
} Reading;

typedef struct {
  ScopeRtnlRule rule;
  guint8 protocol;
} RuleSeen;

static int
on_rule_attr (const struct nlattr *attr, void *data)
{
  RuleSeen *seen = data;

  switch (mnl_attr_get_type (attr))
    {
    case FRA_PRIORITY:
      seen->rule.priority = mnl_attr_get_u32 (attr);
      break;
    case FRA_TABLE:
      seen->rule.table = mnl_attr_get_u32 (attr);
      break;
    case FRA_FWMARK:
      seen->rule.not_mark = mnl_attr_get_u32 (attr);
      break;
    case FRA_SUPPRESS_PREFIXLEN:
      seen->rule.longer = (gint32) mnl_attr_get_u32 (attr);
      break;
    case FRA_PROTOCOL:
      seen->protocol = mnl_attr_get_u8 (attr);
      break;
    }
  return MNL_CB_OK;
}

static int
on_rule (const struct nlmsghdr *nlh, void *data)
{
  Reading *reading = data;
  RuleSeen seen = { .rule = { .longer = -1 } };

  mnl_attr_parse (nlh, sizeof (struct fib_rule_hdr), on_rule_attr, &seen);
  if (seen.protocol == PROTOCOL && seen.rule.priority >= reading->first && seen.rule.priority < reading->end)
    g_array_append_val (reading->found, seen.rule);
  return MNL_CB_OK;
}

GArray *
scope_rtnl_read_rules (int family, guint32 first, guint32 end)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (ScopeRtnlRule));
  Reading reading = { found, first, end };

  return scope_rtnl_dump (RTM_GETRULE, family, on_rule, &reading) ? g_steal_pointer (&found) : NULL;
}
