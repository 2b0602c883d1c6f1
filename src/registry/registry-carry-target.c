/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-carry-target.h"

#include <string.h>

typedef enum { PUBLIC, PRIVATE, LOOPBACK, NEVER } Kind;

/* What the IANA's registries of special addresses say, as far as somebody could live there; 6to4 and NAT64 hide
 * any IPv4 address. Documentation prefixes are public: nobody is there, but in tests. */
static const struct {
  const char *prefix;
  Kind kind;
} special[] = {
  { "0.0.0.0/8", NEVER },      { "10.0.0.0/8", PRIVATE },   { "100.64.0.0/10", PRIVATE }, { "127.0.0.0/8", LOOPBACK },
  { "169.254.0.0/16", NEVER }, { "172.16.0.0/12", PRIVATE }, { "192.0.0.0/24", PRIVATE },  { "192.88.99.0/24", NEVER },
  { "192.168.0.0/16", PRIVATE }, { "198.18.0.0/15", PRIVATE }, { "224.0.0.0/3", NEVER },   { "::1/128", LOOPBACK },
  { "::/96", NEVER },          { "::ffff:0:0/96", NEVER },  { "64:ff9b::/96", NEVER },    { "64:ff9b:1::/48", NEVER },
  { "100::/64", NEVER },       { "2001::/32", NEVER },      { "2002::/16", NEVER },       { "fc00::/7", PRIVATE },
  { "fe80::/9", NEVER },       { "ff00::/8", NEVER },
};

static ScopePrefix
prefix_of (const ScopeSockaddr *sa)
{
  ScopePrefix prefix = { .family = sa->any.sa_family };

  prefix.len = prefix.family == AF_INET ? 32 : 128;
  if (prefix.family == AF_INET)
    memcpy (prefix.addr, &sa->in.sin_addr, 4);
  else
    memcpy (prefix.addr, &sa->in6.sin6_addr, 16);
  return prefix;
}

static Kind
kind_of (const ScopePrefix *address)
{
  for (guint i = 0; i < G_N_ELEMENTS (special); i++)
    {
      ScopePrefix prefix;

      if (scope_prefix_parse (&prefix, special[i].prefix) && scope_prefix_contains (&prefix, address))
        return special[i].kind;
    }
  return PUBLIC;
}

static gboolean
is_own (const ScopePrefix *address, const GArray *own)
{
  for (guint i = 0; own && i < own->len; i++)
    if (scope_prefix_contains (&g_array_index (own, ScopePrefix, i), address))
      return TRUE;
  return FALSE;
}

static void
add_once (GArray *targets, const ScopeSockaddr *sa)
{
  if (targets->len == REGISTRY_CARRY_TARGETS)
    return;
  for (guint i = 0; i < targets->len; i++)
    if (scope_sockaddr_equal (&g_array_index (targets, ScopeSockaddr, i), sa))
      return;
  g_array_append_val (targets, *sa);
}

/* @seen: (nullable): where it is for certain */
static void
consider (GArray *targets, const char *endpoint, const ScopePrefix *seen, const GArray *own, gboolean private)
{
  ScopeSockaddr sa = { 0 };
  ScopePrefix address;
  Kind kind;

  if (!scope_sockaddr_parse (&sa, endpoint))
    return;
  address = prefix_of (&sa);
  kind = kind_of (&address);
  if (kind == NEVER || is_own (&address, own))
    return;
  if (kind == PUBLIC || private || (kind == PRIVATE && seen && scope_prefix_equal (seen, &address)))
    add_once (targets, &sa);
}

GArray *
registry_carry_targets (char **recorded, const char *observed, const GArray *own, gboolean private)
{
  GArray *targets = g_array_new (FALSE, TRUE, sizeof (ScopeSockaddr));
  ScopeSockaddr sa = { 0 };
  ScopePrefix seen = { 0 };

  if (observed && scope_sockaddr_parse (&sa, observed))
    seen = prefix_of (&sa);
  for (char **endpoint = recorded; endpoint && *endpoint; endpoint++)
    consider (targets, *endpoint, seen.family ? &seen : NULL, own, private);
  if (seen.family)
    consider (targets, observed, &seen, own, private);
  return targets;
}
