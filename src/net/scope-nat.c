/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/scope-nat.h"

#include <string.h>

static guint16
port_of (const ScopeSockaddr *sa)
{
  return ntohs (sa->any.sa_family == AF_INET ? sa->in.sin_port : sa->in6.sin6_port);
}

static gboolean
same_host (const ScopeSockaddr *a, const ScopeSockaddr *b)
{
  ScopeSockaddr other = *b;

  if (a->any.sa_family != b->any.sa_family)
    return FALSE;
  if (a->any.sa_family == AF_INET)
    other.in.sin_port = a->in.sin_port;
  else
    other.in6.sin6_port = a->in6.sin6_port;
  return scope_sockaddr_equal (a, &other);
}

static gboolean
answered (const ScopeNatSample *sample)
{
  return sample->mapped.any.sa_family != AF_UNSPEC;
}

static gboolean
is_mapped (const ScopeNatSample *sample)
{
  return answered (sample) && !scope_sockaddr_equal (&sample->mapped, &sample->local);
}

/* Whether an earlier one of those that count has the same server host, or the same mapping. */
static gboolean
seen (const ScopeNatSample *const *counted, guint n, const ScopeNatSample *sample, gboolean by_server)
{
  for (guint i = 0; i < n; i++)
    if (by_server ? same_host (&counted[i]->server, &sample->server)
                  : scope_sockaddr_equal (&counted[i]->mapped, &sample->mapped))
      return TRUE;
  return FALSE;
}

ScopeNat
scope_nat_classify (int family, const ScopeNatSample *samples, guint n)
{
  ScopeNat nat = { .kind = SCOPE_NAT_UNKNOWN };
  g_autofree const ScopeNatSample **counted = g_new (const ScopeNatSample *, n + 1);
  gboolean any_mapped = FALSE, silent = FALSE;
  guint count = 0;

  for (guint i = 0; i < n; i++)
    if (samples[i].server.any.sa_family == family)
      {
        any_mapped |= is_mapped (&samples[i]);
        silent |= !answered (&samples[i]) && samples[i].local.any.sa_family == family;
      }
  for (guint i = 0; i < n; i++)
    {
      const ScopeNatSample *sample = &samples[i];

      if (sample->server.any.sa_family != family || !answered (sample) || (any_mapped && !is_mapped (sample)))
        continue;
      nat.servers += !seen (counted, count, sample, TRUE);
      nat.mappings += !seen (counted, count, sample, FALSE);
      nat.port_preserved = (count == 0 || nat.port_preserved) && port_of (&sample->mapped) == port_of (&sample->local);
      counted[count++] = sample;
    }

  if (count > 0)
    nat.mapped = counted[0]->mapped;
  if (count == 0)
    nat.kind = silent ? SCOPE_NAT_DENY : SCOPE_NAT_UNKNOWN;
  else if (!any_mapped)
    nat.kind = SCOPE_NAT_NONE;
  else if (nat.mappings > 1)
    nat.kind = SCOPE_NAT_CLOSED;
  else if (nat.servers > 1)
    nat.kind = SCOPE_NAT_OPEN;
  return nat;
}
