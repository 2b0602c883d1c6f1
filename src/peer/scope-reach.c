/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-reach.h"

#include "common/scope-endpoint.h"

#include <string.h>

/* A name may be anything, and is taken for public: somebody has written it down. */
static gboolean
is_private (const char *endpoint)
{
  static const char *const ranges[] = { "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10" };
  ScopePrefix host = { 0 };
  ScopeSockaddr sa;

  if (!scope_sockaddr_parse (&sa, endpoint))
    return FALSE;
  host.family = sa.any.sa_family;
  host.len = host.family == AF_INET ? 32 : 128;
  if (host.family == AF_INET)
    memcpy (host.addr, &sa.in.sin_addr, 4);
  else
    memcpy (host.addr, &sa.in6.sin6_addr, 16);
  for (gsize i = 0; i < G_N_ELEMENTS (ranges); i++)
    {
      ScopePrefix range;

      if (scope_prefix_parse (&range, ranges[i]) && scope_prefix_contains (&range, &host))
        return TRUE;
    }
  return FALSE;
}

static gboolean
is_ip6 (const char *endpoint)
{
  return endpoint[0] == '[';
}

/* Whether @endpoint's family can leave this machine, as far as our own endpoints tell. */
static gboolean
in_our_family (const char *endpoint, const char *const *own)
{
  if (!is_ip6 (endpoint))
    return TRUE;
  for (; own && *own; own++)
    if (is_ip6 (*own))
      return TRUE;
  return FALSE;
}

static gboolean
same_host (const char *a, const char *b)
{
  gsize len_a = strrchr (a, ':') - a, len_b = strrchr (b, ':') - b;

  return len_a == len_b && strncmp (a, b, len_a) == 0;
}

static gboolean
same_site (const char *const *observed, const char *const *own_observed)
{
  for (; observed && *observed; observed++)
    for (const char *const *ours = own_observed; ours && *ours; ours++)
      if (same_host (*observed, *ours))
        return TRUE;
  return FALSE;
}

static const char *
first (const char *const *list, gboolean private, const char *const *own)
{
  for (; list && *list; list++)
    if (is_private (*list) == private && in_our_family (*list, own))
      return *list;
  return NULL;
}

const char *
scope_reach_pick (const char *const *said, const char *const *observed, const char *const *own,
                  const char *const *own_observed)
{
  const char *pick = first (said, FALSE, own);

  if (!pick && same_site (observed, own_observed))
    pick = first (said, TRUE, own);
  if (!pick)
    pick = first (observed, FALSE, own);
  if (!pick)
    pick = first (observed, TRUE, own);
  return pick ? pick : first (said, TRUE, own);
}

gboolean
scope_reach_is_plausible (const char *const *said, const char *const *observed, const char *const *own,
                          const char *const *own_observed)
{
  return first (said, FALSE, own) || (same_site (observed, own_observed) && first (said, TRUE, own));
}

gboolean
scope_reach_note_own (char ***observed, const ScopeV1Message *message, const ScopeKey *own)
{
  for (guint i = 0; message->peers && i < message->peers->len; i++)
    {
      const ScopeV1Entry *entry = g_ptr_array_index (message->peers, i);

      if (!scope_key_equal (&entry->key, own) || !entry->observed ||
          (*observed && g_strv_equal ((const char *const *) *observed, (const char *const *) entry->observed)))
        continue;
      g_strfreev (*observed);
      *observed = g_strdupv (entry->observed);
      return TRUE;
    }
  return FALSE;
}

void
scope_reach_choose (ScopeRoster *roster, const ScopeTrust *trust, const char *const *own,
                    const char *const *own_observed)
{
  for (guint i = 0; i < roster->peers->len; i++)
    {
      ScopeRosterPeer *entry = g_ptr_array_index (roster->peers, i);
      const ScopeTrustPeer *peer = scope_trust_find (trust, &entry->pub);
      const char *const *said, *const *observed;

      if (!peer)
        continue;
      said = (const char *const *) peer->record->endpoints;
      observed = (const char *const *) peer->candidates + g_strv_length (peer->record->endpoints);
      g_free (entry->end);
      entry->end = g_strdup (scope_reach_pick (said, observed, own, own_observed));
    }
}
