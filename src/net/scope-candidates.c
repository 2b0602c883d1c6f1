/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/scope-candidates.h"

#include "common/scope-prefix.h"

#include <string.h>

static gboolean
is_ip4 (const ScopeSockaddr *sa)
{
  return sa->any.sa_family == AF_INET;
}

static gboolean
in_ranges (const ScopeSockaddr *sa, const char *const *ranges)
{
  ScopePrefix host = { .family = sa->any.sa_family, .len = is_ip4 (sa) ? 32 : 128 };

  if (is_ip4 (sa))
    memcpy (host.addr, &sa->in.sin_addr, 4);
  else
    memcpy (host.addr, &sa->in6.sin6_addr, 16);
  for (; *ranges; ranges++)
    {
      ScopePrefix range;

      if (scope_prefix_parse (&range, *ranges) && scope_prefix_contains (&range, &host))
        return TRUE;
    }
  return FALSE;
}

gboolean
scope_sockaddr_is_private (const ScopeSockaddr *sa)
{
  static const char *const ranges[] = { "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7",
                                        NULL };

  return in_ranges (sa, ranges);
}

/* A link-local address means nothing without the interface, which is another one on each machine. IPv4 addresses in
 * IPv6 clothes are not for a socket of either family. */
gboolean
scope_sockaddr_is_usable (const ScopeSockaddr *sa)
{
  static const char *const ranges[] = { "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/128",
                                        "::1/128",   "::ffff:0:0/96", "fe80::/10", "ff00::/8", NULL };

  if (sa->any.sa_family != AF_INET && sa->any.sa_family != AF_INET6)
    return FALSE;
  return (is_ip4 (sa) ? sa->in.sin_port : sa->in6.sin6_port) != 0 && !in_ranges (sa, ranges);
}

static gboolean
same_host (const ScopeSockaddr *a, const ScopeSockaddr *b)
{
  if (a->any.sa_family != b->any.sa_family)
    return FALSE;
  return is_ip4 (a) ? a->in.sin_addr.s_addr == b->in.sin_addr.s_addr
                    : memcmp (&a->in6.sin6_addr, &b->in6.sin6_addr, 16) == 0;
}

static gboolean
has (const GArray *list, const ScopeSockaddr *sa)
{
  for (guint i = 0; i < list->len; i++)
    if (scope_sockaddr_equal (&g_array_index (list, ScopeSockaddr, i), sa))
      return TRUE;
  return FALSE;
}

/* Usable ones, each once. */
static GArray *
read_list (const char *const *texts)
{
  GArray *list = g_array_new (FALSE, FALSE, sizeof (ScopeSockaddr));

  for (; texts && *texts; texts++)
    {
      ScopeSockaddr sa;

      if (scope_sockaddr_parse (&sa, *texts) && scope_sockaddr_is_usable (&sa) && !has (list, &sa))
        g_array_append_val (list, sa);
    }
  return list;
}

/* --- ours --- */

static void
say (GPtrArray *out, GArray *said, const char *const *texts, int family)
{
  g_autoptr (GArray) list = read_list (texts);

  for (guint i = 0; i < list->len && said->len < SCOPE_CANDIDATES_MAX; i++)
    {
      const ScopeSockaddr *sa = &g_array_index (list, ScopeSockaddr, i);

      if ((family != AF_UNSPEC && sa->any.sa_family != family) || has (said, sa))
        continue;
      g_array_append_val (said, *sa);
      g_ptr_array_add (out, scope_sockaddr_format (sa));
    }
}

char **
scope_candidates_say (const ScopeCandidates *own)
{
  g_autoptr (GPtrArray) out = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GArray) said = g_array_new (FALSE, FALSE, sizeof (ScopeSockaddr));

  say (out, said, own->configured, AF_UNSPEC);
  say (out, said, own->local, AF_INET);
  say (out, said, own->local, AF_INET6);
  say (out, said, own->reflexive, AF_UNSPEC);
  say (out, said, own->observed, AF_UNSPEC);
  g_ptr_array_add (out, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&out), FALSE);
}

/* --- theirs --- */

typedef struct {
  ScopeSockaddr sa;
  int rank;
  guint place; /* in what they say */
} Ranked;

static int
by_rank (gconstpointer a, gconstpointer b)
{
  const Ranked *x = a, *y = b;

  return x->rank != y->rank ? x->rank - y->rank : (int) x->place - (int) y->place;
}

static gboolean
any_of_family (const GArray *list, int family)
{
  for (guint i = 0; i < list->len; i++)
    if (g_array_index (list, ScopeSockaddr, i).any.sa_family == family)
      return TRUE;
  return FALSE;
}

/* Whether that is our own NAT's public address. */
static gboolean
is_our_nat (const ScopeSockaddr *sa, const GArray *own)
{
  if (!is_ip4 (sa) || scope_sockaddr_is_private (sa))
    return FALSE;
  for (guint i = 0; i < own->len; i++)
    if (same_host (sa, &g_array_index (own, ScopeSockaddr, i)))
      return TRUE;
  return FALSE;
}

static int
rank (const ScopeSockaddr *sa, const GArray *own, gboolean same_site)
{
  if (is_our_nat (sa, own))
    return 4;
  if (scope_sockaddr_is_private (sa))
    return same_site ? 0 : 3;
  return is_ip4 (sa) ? 2 : 1;
}

GArray *
scope_candidates_order (const char *const *theirs, const char *const *own_texts)
{
  g_autoptr (GArray) list = read_list (theirs), own = read_list (own_texts);
  g_autoptr (GArray) ranked = g_array_new (FALSE, FALSE, sizeof (Ranked));
  GArray *out = g_array_new (FALSE, FALSE, sizeof (ScopeSockaddr));
  gboolean same_site = FALSE;

  for (guint i = 0; i < list->len; i++)
    same_site |= is_our_nat (&g_array_index (list, ScopeSockaddr, i), own);
  for (guint i = 0; i < list->len; i++)
    {
      const ScopeSockaddr *sa = &g_array_index (list, ScopeSockaddr, i);
      Ranked entry = { *sa, rank (sa, own, same_site), i };

      if (has (own, sa) || (own->len > 0 && !any_of_family (own, sa->any.sa_family)))
        continue;
      g_array_append_val (ranked, entry);
    }
  g_array_sort (ranked, by_rank);
  for (guint i = 0; i < MIN (ranked->len, SCOPE_CANDIDATES_MAX); i++)
    g_array_append_val (out, g_array_index (ranked, Ranked, i).sa);
  return out;
}

gboolean
scope_candidates_better (const ScopeSockaddr *a, guint rtt_a, const ScopeSockaddr *b, guint rtt_b)
{
  if (is_ip4 (a) != is_ip4 (b))
    return is_ip4 (a) ? rtt_a + SCOPE_CANDIDATES_IP6_BONUS < rtt_b : rtt_a <= rtt_b + SCOPE_CANDIDATES_IP6_BONUS;
  return rtt_a < rtt_b;
}
