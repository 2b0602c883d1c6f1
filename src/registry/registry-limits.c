/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-limits.h"

#include "common/scope-endpoint.h"

#include <math.h>
#include <string.h>

typedef struct {
  ScopePrefix key;
  guint connections;
  double tokens;
  gint64 stamp; /* when tokens was right; 0 for an account that never asked */
} Account;

struct _RegistryAccounts {
  GHashTable *table; /* Account, by its key */
  Account others;
};

RegistryAccounts *
registry_accounts_new (void)
{
  RegistryAccounts *accounts = g_new0 (RegistryAccounts, 1);

  accounts->table = g_hash_table_new_full (scope_prefix_hash, scope_prefix_same, NULL, g_free);
  return accounts;
}

void
registry_accounts_free (RegistryAccounts *accounts)
{
  g_hash_table_unref (accounts->table);
  g_free (accounts);
}

guint
registry_accounts_size (const RegistryAccounts *accounts)
{
  return g_hash_table_size (accounts->table);
}

static gboolean
is_mapped (const guint8 *bytes)
{
  static const guint8 mapped[12] = { [10] = 0xff, [11] = 0xff };

  return memcmp (bytes, mapped, sizeof mapped) == 0;
}

ScopePrefix
registry_address_from_inet (GInetAddress *address)
{
  ScopePrefix prefix = { 0 };
  const guint8 *bytes = g_inet_address_to_bytes (address);
  gboolean v4 = g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV4;

  if (!v4 && is_mapped (bytes))
    {
      v4 = TRUE;
      bytes += 12;
    }
  prefix.family = v4 ? AF_INET : AF_INET6;
  prefix.len = v4 ? 32 : 128;
  memcpy (prefix.addr, bytes, v4 ? 4 : 16);
  return prefix;
}

static gboolean
is_loopback (const ScopePrefix *prefix)
{
  static const guint8 one[16] = { [15] = 1 };

  return prefix->family == AF_INET ? prefix->addr[0] == 127 : memcmp (prefix->addr, one, prefix->len / 8) == 0;
}

/* ::/64 holds nothing but ::1 that could be connected to us, so it stays apart. */
static ScopePrefix
account_key (ScopePrefix address)
{
  if (address.family == AF_INET6 && !is_loopback (&address))
    {
      address.len = 64;
      scope_prefix_mask (&address);
    }
  return address;
}

static Account *
find (RegistryAccounts *accounts, const ScopePrefix *address, gboolean add)
{
  ScopePrefix key = account_key (*address);
  Account *account = g_hash_table_lookup (accounts->table, &key);

  if (account)
    return account;
  if (!add || g_hash_table_size (accounts->table) >= REGISTRY_LIMITS_MAX_ADDRESSES)
    return &accounts->others;
  account = g_new0 (Account, 1);
  account->key = key;
  g_hash_table_insert (accounts->table, &account->key, account);
  return account;
}

static gboolean
is_exempt (const RegistryConfig *config, const ScopePrefix *key)
{
  return registry_is_trusted_proxy (config, key) || (!config->limits.loopback_limited && is_loopback (key));
}

gboolean
registry_accounts_connect (RegistryAccounts *accounts, const RegistryConfig *config, const ScopePrefix *key)
{
  guint max = is_exempt (config, key) ? 0 : config->limits.connections_per_address;
  Account *account = find (accounts, key, TRUE);

  if (max && account != &accounts->others && account->connections >= max)
    return FALSE;
  account->connections++;
  return TRUE;
}

void
registry_accounts_disconnect (RegistryAccounts *accounts, const ScopePrefix *key)
{
  Account *account = find (accounts, key, FALSE);

  /* An account that was opened while its first connection was counted with the others may come up short. */
  if (account->connections)
    account->connections--;
}

static void
refill (Account *account, double rate, double capacity, gint64 now)
{
  account->tokens = account->stamp ? MIN (capacity, account->tokens + (now - account->stamp) * rate) : capacity;
  account->stamp = now;
}

guint
registry_accounts_request (RegistryAccounts *accounts, const RegistryConfig *config, const ScopePrefix *key, gint64 now)
{
  return registry_accounts_charge (accounts, config, key, 1, now);
}

guint
registry_accounts_charge (RegistryAccounts *accounts, const RegistryConfig *config, const ScopePrefix *key, guint cost,
                          gint64 now)
{
  double capacity = config->limits.requests_per_minute;
  double rate = capacity / (60.0 * G_USEC_PER_SEC);
  Account *account;

  if (config->limits.requests_per_minute == 0 || is_exempt (config, key))
    return 0;
  account = find (accounts, key, TRUE);
  refill (account, rate, capacity, now);
  cost = MIN (cost, MAX (1, config->limits.requests_per_minute)); /* a full account can pay it */
  if (account->tokens >= cost)
    {
      account->tokens -= cost;
      return 0;
    }
  return MAX (1, (guint) ceil ((cost - account->tokens) / rate / G_USEC_PER_SEC));
}

gboolean
registry_bucket_take (RegistryBucket *bucket, double cost, double per_second, double burst, gint64 now)
{
  double tokens = bucket->stamp ? bucket->tokens + (now - bucket->stamp) * per_second / G_USEC_PER_SEC : burst;

  bucket->stamp = now;
  bucket->tokens = MIN (tokens, burst);
  if (bucket->tokens < cost)
    return FALSE;
  bucket->tokens -= cost;
  return TRUE;
}

void
registry_accounts_sweep (RegistryAccounts *accounts, const RegistryConfig *config, gint64 now)
{
  double capacity = config->limits.requests_per_minute;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, accounts->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Account *account = value;

      if (account->connections)
        continue;
      if (account->stamp)
        refill (account, capacity / (60.0 * G_USEC_PER_SEC), capacity, now);
      if (!account->stamp || account->tokens >= capacity)
        g_hash_table_iter_remove (&iter);
    }
}

gboolean
registry_is_trusted_proxy (const RegistryConfig *config, const ScopePrefix *address)
{
  for (guint i = 0; i < config->trusted_proxies->len; i++)
    if (scope_prefix_contains (&g_array_index (config->trusted_proxies, ScopePrefix, i), address))
      return TRUE;
  return FALSE;
}

/* "192.0.2.1", "192.0.2.1:1234", "2001:db8::1" or "[2001:db8::1]:1234" */
static gboolean
parse_hop (const char *hop, ScopePrefix *address)
{
  g_autoptr (GInetAddress) inet = g_inet_address_new_from_string (hop);
  g_autofree char *host = NULL;

  if (!inet && hop[0] == '[' && g_str_has_suffix (hop, "]"))
    host = g_strndup (hop + 1, strlen (hop) - 2);
  else if (!inet && !scope_endpoint_parse (hop, &host, NULL, NULL))
    return FALSE;
  if (!inet)
    inet = g_inet_address_new_from_string (host);
  if (!inet)
    return FALSE;
  *address = registry_address_from_inet (inet);
  return TRUE;
}

ScopePrefix
registry_client_address (const RegistryConfig *config, const ScopePrefix *peer, const char *forwarded)
{
  ScopePrefix client = *peer;
  g_auto (GStrv) hops = NULL;

  if (!forwarded || !registry_is_trusted_proxy (config, peer))
    return client;
  hops = g_strsplit (forwarded, ",", -1);
  for (guint i = g_strv_length (hops); i > 0; i--)
    {
      ScopePrefix hop;

      if (!parse_hop (g_strstrip (hops[i - 1]), &hop))
        break;
      client = hop;
      if (!registry_is_trusted_proxy (config, &hop))
        break;
    }
  return client;
}
