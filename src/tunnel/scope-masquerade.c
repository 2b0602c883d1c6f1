/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-masquerade.h"

#include "tunnel/scope-nft.h"

#define RULES \
  "add table inet scope-%1$s { flags owner; }\n" \
  "add chain inet scope-%1$s postrouting { type nat hook postrouting priority srcnat; policy accept; }\n" \
  "add rule inet scope-%1$s postrouting iifname \"%1$s\" oifname != \"%1$s\" masquerade\n"

struct _ScopeMasquerade {
  ScopeNft *nft;
  char *ifname;
};

static void
say_by_hand (const char *why, gpointer data)
{
  const char *ifname = ((ScopeMasquerade *) data)->ifname;

  g_warning ("%s: cannot masquerade (%s): run “nft add rule inet TABLE POSTROUTING iifname %s oifname != %s masquerade” in a chain "
             "of type nat, hook postrouting",
             ifname, why, ifname, ifname);
}

ScopeMasquerade *
scope_masquerade_new (const char *ifname)
{
  ScopeMasquerade *self = g_new0 (ScopeMasquerade, 1);
  g_autofree char *rules = g_strdup_printf (RULES, ifname);

  self->ifname = g_strdup (ifname);
  g_message ("%s: masquerading (nftables table inet scope-%s)", ifname, ifname);
  self->nft = scope_nft_new (rules, say_by_hand, self);
  return self;
}

void
scope_masquerade_free (ScopeMasquerade *self)
{
  scope_nft_free (self->nft);
  g_free (self->ifname);
  g_free (self);
}
