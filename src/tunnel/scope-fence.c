/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-fence.h"

#include "common/scope-prefix.h"
#include "tunnel/scope-nft.h"

struct _ScopeFence {
  ScopeNft *nft;
  char *ifname;
};

char *
scope_fence_rules (const char *table, const char *ifname, const GArray *ranges)
{
  GString *rules = g_string_new (NULL);

  g_string_append_printf (rules,
                          "add table inet %1$s { flags owner; }\n"
                          "add chain inet %1$s forward { type filter hook forward priority filter; policy accept; }\n",
                          table);
  for (guint i = 0; i < ranges->len; i++)
    {
      const ScopePrefix *range = &g_array_index (ranges, ScopePrefix, i);
      char text[SCOPE_PREFIX_STRLEN];

      g_string_append_printf (rules, "add rule inet %s forward iifname \"%s\" oifname != \"%s\" %s daddr %s accept\n", table, ifname,
                              ifname, range->family == AF_INET ? "ip" : "ip6", scope_prefix_format (range, text));
    }
  g_string_append_printf (rules, "add rule inet %s forward iifname \"%s\" oifname != \"%s\" drop\n", table, ifname, ifname);
  return g_string_free (rules, FALSE);
}

static void
on_failed (const char *why, gpointer data)
{
  g_warning ("%s: no fence (%s): members can send to all networks that this machine reaches, announced or not",
             ((ScopeFence *) data)->ifname, why);
}

ScopeFence *
scope_fence_new (const char *ifname, const GArray *ranges)
{
  static guint count;
  ScopeFence *self = g_new0 (ScopeFence, 1);
  /* Another name each time: the one before may be there still when its successor comes. */
  g_autofree char *table = g_strdup_printf ("scope-%s-fence-%u", ifname, ++count);
  g_autofree char *rules = scope_fence_rules (table, ifname, ranges);

  self->ifname = g_strdup (ifname);
  self->nft = scope_nft_new (rules, on_failed, self);
  return self;
}

void
scope_fence_free (ScopeFence *self)
{
  scope_nft_free (self->nft);
  g_free (self->ifname);
  g_free (self);
}
