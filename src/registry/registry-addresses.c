/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-addresses.h"

#include "registry/registry-limits.h"

#include <string.h>

/* @next: all below is taken */
typedef struct {
  ScopePrefix prefix;
  ScopePrefix next;
} Pool;

struct _RegistryAddresses {
  GArray *pools;       /* Pool */
  GHashTable *singles; /* ScopePrefix of full length → how often it is taken */
  GArray *ranges;      /* ScopePrefix: wider ones */
};

RegistryAddresses *
registry_addresses_new (void)
{
  RegistryAddresses *addresses = g_new0 (RegistryAddresses, 1);

  addresses->pools = g_array_new (FALSE, FALSE, sizeof (Pool));
  addresses->singles = g_hash_table_new_full (scope_prefix_hash, scope_prefix_same, g_free, NULL);
  addresses->ranges = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  return addresses;
}

void
registry_addresses_free (RegistryAddresses *addresses)
{
  g_array_unref (addresses->pools);
  g_hash_table_unref (addresses->singles);
  g_array_unref (addresses->ranges);
  g_free (addresses);
}

static guint
bits (const ScopePrefix *prefix)
{
  return prefix->family == AF_INET ? 32 : 128;
}

static gboolean
is_single (const ScopePrefix *prefix)
{
  return prefix->len == bits (prefix);
}

/* The last address of @prefix, as a single one. */
static ScopePrefix
last_of (const ScopePrefix *prefix)
{
  ScopePrefix last = *prefix;

  for (guint bit = prefix->len; bit < bits (prefix); bit++)
    last.addr[bit / 8] |= 0x80 >> bit % 8;
  last.len = bits (prefix);
  return last;
}

/* FALSE: there is none after it. */
static gboolean
increment (ScopePrefix *address)
{
  for (guint i = bits (address) / 8; i > 0; i--)
    if (++address->addr[i - 1])
      return TRUE;
  return FALSE;
}

static ScopePrefix
first_host (const ScopePrefix *prefix)
{
  ScopePrefix first = *prefix;

  scope_prefix_mask (&first);
  first.len = bits (prefix);
  if (prefix->len < bits (prefix) - 1)
    increment (&first);
  return first;
}

void
registry_addresses_set_pool (RegistryAddresses *addresses, const GArray *pool)
{
  g_array_set_size (addresses->pools, 0);
  for (guint i = 0; pool && i < pool->len; i++)
    {
      Pool p = { .prefix = g_array_index (pool, ScopePrefix, i) };

      scope_prefix_mask (&p.prefix);
      p.next = first_host (&p.prefix);
      g_array_append_val (addresses->pools, p);
    }
}

void
registry_addresses_take (RegistryAddresses *addresses, const GArray *ranges)
{
  for (guint i = 0; i < ranges->len; i++)
    {
      const ScopePrefix *range = &g_array_index (ranges, ScopePrefix, i);

      if (is_single (range))
        {
          guint n = GPOINTER_TO_UINT (g_hash_table_lookup (addresses->singles, range));
          g_hash_table_replace (addresses->singles, g_memdup2 (range, sizeof *range), GUINT_TO_POINTER (n + 1));
        }
      else if (range->len > 0) /* an exit (everything) takes nobody's address */
        g_array_append_val (addresses->ranges, *range);
    }
}

static void
forget (RegistryAddresses *addresses, const ScopePrefix *range)
{
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (addresses->singles, range));

  if (n > 1)
    g_hash_table_replace (addresses->singles, g_memdup2 (range, sizeof *range), GUINT_TO_POINTER (n - 1));
  else if (n == 1)
    g_hash_table_remove (addresses->singles, range);
  for (guint i = 0; n == 0 && i < addresses->ranges->len; i++)
    if (scope_prefix_equal (&g_array_index (addresses->ranges, ScopePrefix, i), range))
      {
        g_array_remove_index_fast (addresses->ranges, i);
        return;
      }
}

void
registry_addresses_give_back (RegistryAddresses *addresses, const GArray *ranges)
{
  for (guint i = 0; i < ranges->len; i++)
    {
      const ScopePrefix *range = &g_array_index (ranges, ScopePrefix, i);

      if (range->len == 0)
        continue;
      forget (addresses, range);
      for (guint j = 0; j < addresses->pools->len; j++)
        {
          Pool *pool = &g_array_index (addresses->pools, Pool, j);

          if (!scope_prefix_contains (&pool->prefix, range) && !scope_prefix_contains (range, &pool->prefix))
            continue;
          ScopePrefix first = first_host (&pool->prefix);

          if (!is_single (range) || memcmp (range->addr, first.addr, sizeof first.addr) < 0)
            pool->next = first;
          else if (memcmp (range->addr, pool->next.addr, sizeof range->addr) < 0)
            pool->next = *range;
        }
    }
}

/* Whether @range is around the whole prefix of the pool that @address is in: a network behind somebody, like an exit, of which
 * members' addresses are exceptions (the longest prefix decides). */
static gboolean
is_around_pool (const RegistryAddresses *addresses, const ScopePrefix *range, const ScopePrefix *address)
{
  for (guint i = 0; i < addresses->pools->len; i++)
    {
      const ScopePrefix *pool = &g_array_index (addresses->pools, Pool, i).prefix;
      if (scope_prefix_contains (range, pool) && scope_prefix_contains (pool, address))
        return TRUE;
    }
  return FALSE;
}

/* A part of the pool that somebody has. */
static const ScopePrefix *
range_around (const RegistryAddresses *addresses, const ScopePrefix *address)
{
  for (guint i = 0; i < addresses->ranges->len; i++)
    {
      const ScopePrefix *range = &g_array_index (addresses->ranges, ScopePrefix, i);
      if (scope_prefix_contains (range, address) && !is_around_pool (addresses, range, address))
        return range;
    }
  return NULL;
}

gboolean
registry_addresses_overlap (const RegistryAddresses *addresses, const GArray *ranges)
{
  for (guint i = 0; i < ranges->len; i++)
    {
      const ScopePrefix *range = &g_array_index (ranges, ScopePrefix, i);
      GHashTableIter iter;
      gpointer single;

      if (range->len == 0)
        continue;
      if (g_hash_table_contains (addresses->singles, range) || range_around (addresses, range))
        return TRUE;
      if (is_single (range))
        continue;
      for (guint j = 0; j < addresses->ranges->len; j++)
        if (scope_prefix_contains (range, &g_array_index (addresses->ranges, ScopePrefix, j)))
          return TRUE;
      g_hash_table_iter_init (&iter, addresses->singles);
      while (g_hash_table_iter_next (&iter, &single, NULL))
        if (scope_prefix_contains (range, single))
          return TRUE;
    }
  return FALSE;
}

static gboolean
find_free (RegistryAddresses *addresses, Pool *pool, ScopePrefix *found)
{
  ScopePrefix end = last_of (&pool->prefix);
  gboolean broadcast = pool->prefix.family == AF_INET && pool->prefix.len < 31;
  ScopePrefix address = pool->next;

  while (memcmp (address.addr, end.addr, sizeof end.addr) < (broadcast ? 0 : 1))
    {
      const ScopePrefix *range = range_around (addresses, &address);

      if (!range && !g_hash_table_contains (addresses->singles, &address))
        {
          *found = pool->next = address;
          return TRUE;
        }
      if (range)
        address = last_of (range);
      if (!increment (&address))
        return FALSE;
    }
  return FALSE;
}

GArray *
registry_addresses_find (RegistryAddresses *addresses)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));

  for (guint i = 0; i < addresses->pools->len; i++)
    {
      ScopePrefix address;

      if (!find_free (addresses, &g_array_index (addresses->pools, Pool, i), &address))
        return NULL;
      g_array_append_val (found, address);
    }
  return found->len ? g_steal_pointer (&found) : NULL;
}
