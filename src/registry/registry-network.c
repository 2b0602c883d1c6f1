/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-network.h"

#include <string.h>

/* A reading blocks everything else: it may take a twentieth of the time. */
#define SHARE 20

struct _RegistryNetwork {
  char *name;
  RegistryReadFunc read;
  const RegistryNetworkConfig *config;

  gboolean stale;
  gint64 read_at; /* µs, when the last reading was done */
  gint64 cost;    /* µs, that it took */
  double tokens;  /* readings that may be made at once */
  gint64 tokens_at;
  guint readings;
  char *error; /* of the last reading */

  ScopeRoster *roster;
  GHashTable *by_key; /* ScopeKey → ScopeRosterPeer */
  GHashTable *merged; /* base64 with its slashes merged → ScopeRosterPeer; of keys where that differs */
  GBytes *answer;
};

RegistryNetwork *
registry_network_new (const char *name, RegistryReadFunc read)
{
  RegistryNetwork *network = g_new0 (RegistryNetwork, 1);

  network->name = g_strdup (name);
  network->read = read;
  network->by_key = g_hash_table_new (scope_key_hash, scope_key_equal);
  network->merged = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  network->stale = TRUE;
  network->tokens = REGISTRY_NETWORK_BURST;
  return network;
}

void
registry_network_free (RegistryNetwork *network)
{
  g_free (network->name);
  g_free (network->error);
  g_clear_pointer (&network->roster, scope_roster_free);
  g_hash_table_unref (network->by_key);
  g_hash_table_unref (network->merged);
  g_clear_pointer (&network->answer, g_bytes_unref);
  g_free (network);
}

void
registry_network_configure (RegistryNetwork *network, const RegistryNetworkConfig *config)
{
  network->config = config;
  network->stale = TRUE;
}

const char *
registry_network_get_name (const RegistryNetwork *network)
{
  return network->name;
}

void
registry_network_mark_stale (RegistryNetwork *network)
{
  network->stale = TRUE;
}

/* Runs of "/" as one, none at the ends: what is left of a key in a path that a proxy "normalised". */
static char *
merge_slashes (const char *text)
{
  char *merged = g_malloc (strlen (text) + 1), *out = merged;

  for (const char *p = text; *p; p++)
    if (*p != '/' || (out > merged && out[-1] != '/'))
      *out++ = *p;
  if (out > merged && out[-1] == '/')
    out--;
  *out = '\0';
  return merged;
}

static void
index_peer (RegistryNetwork *network, ScopeRosterPeer *peer)
{
  char text[SCOPE_KEY_BASE64_LEN + 1];

  g_hash_table_insert (network->by_key, &peer->pub, peer);
  scope_key_to_base64 (&peer->pub, text);
  if (text[0] == '/' || strstr (text, "//"))
    g_hash_table_insert (network->merged, merge_slashes (text), peer);
}

static ScopeRoster *
make_roster (RegistryNetwork *network, const ScopeWgDevice *device)
{
  const RegistryNetworkConfig *config = network->config;
  ScopeRoster *roster = scope_roster_new (network->name);

  roster->heartbeat = config->heartbeat;
  roster->self = scope_roster_peer_new (&device->pub);
  roster->self->end = g_strdup (config->end);
  if (config->ranges)
    g_array_append_vals (roster->self->ranges, config->ranges->data, config->ranges->len);

  for (guint i = 0; i < device->peers->len; i++)
    {
      const ScopeWgPeer *wg = g_ptr_array_index (device->peers, i);
      ScopeRosterPeer *peer = scope_roster_peer_new (&wg->pub);

      peer->end = scope_sockaddr_format (&wg->endpoint);
      g_array_append_vals (peer->ranges, wg->allowed->data, wg->allowed->len);
      g_ptr_array_add (roster->peers, peer);
    }
  return roster;
}

static void
read_device (RegistryNetwork *network)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeWgDevice) device = network->read (network->config->interface, NULL, &error);

  network->readings++;
  if (device && scope_key_is_zero (&device->pub))
    g_set_error (&error, G_IO_ERROR, G_IO_ERROR_FAILED, "the device has no key yet");
  if (error)
    {
      /* Once, not once a second. */
      if (g_strcmp0 (network->error, error->message) != 0)
        g_warning ("network %s: %s", network->name, error->message);
      g_free (network->error);
      network->error = g_strdup (error->message);
      return;
    }
  if (network->error)
    g_message ("network %s: the device is back", network->name);
  g_clear_pointer (&network->error, g_free);

  g_hash_table_remove_all (network->by_key);
  g_hash_table_remove_all (network->merged);
  g_clear_pointer (&network->roster, scope_roster_free);
  network->roster = make_roster (network, device);
  index_peer (network, network->roster->self);
  for (guint i = 0; i < network->roster->peers->len; i++)
    index_peer (network, g_ptr_array_index (network->roster->peers, i));
  g_clear_pointer (&network->answer, g_bytes_unref);
  network->answer = g_string_free_to_bytes (scope_roster_format (network->roster, TRUE));
}

/* A bucket of readings: a few at once, so that nobody waits while little happens, then one per interval. */
static guint
wait_for_reading (RegistryNetwork *network, gint64 now)
{
  double interval = MAX (REGISTRY_NETWORK_SPACING_MSEC * 1000, network->cost * SHARE);

  network->tokens = MIN (REGISTRY_NETWORK_BURST, network->tokens + (now - network->tokens_at) / interval);
  network->tokens_at = now;
  if (network->tokens < 1)
    return (guint) ((1 - network->tokens) * interval / 1000) + 1;
  network->tokens -= 1;
  return 0;
}

guint
registry_network_refresh (RegistryNetwork *network, gint64 now)
{
  gint64 age = now - network->read_at;
  guint wait;

  /* An error is an answer too: nobody waits for a device that is not there. */
  if (network->error && age < MAX (REGISTRY_NETWORK_RETRY_MSEC * 1000, network->cost * SHARE))
    return 0;
  if (network->roster && !network->error && !network->stale && age < REGISTRY_NETWORK_WINDOW_MSEC * 1000)
    return 0;
  wait = wait_for_reading (network, now);
  if (wait)
    return wait;

  gint64 before = g_get_monotonic_time ();
  network->stale = FALSE;
  read_device (network);
  network->cost = g_get_monotonic_time () - before;
  network->read_at = now + network->cost;
  return 0;
}

guint
registry_network_recheck (RegistryNetwork *network, gint64 now)
{
  if (now - network->read_at < REGISTRY_NETWORK_RECHECK_MSEC * 1000)
    return 0;
  network->stale = TRUE;
  return registry_network_refresh (network, now);
}

gboolean
registry_network_is_up (const RegistryNetwork *network, const char **error)
{
  if (error)
    *error = network->error;
  return network->roster && !network->error;
}

ScopeRosterPeer *
registry_network_find (const RegistryNetwork *network, const char *text)
{
  g_autofree char *copy = g_strdup (text);
  g_autofree char *merged = NULL;
  gsize len = strlen (copy);
  ScopeRosterPeer *peer = NULL;
  ScopeKey key;

  /* "+" that somebody took for a space of a form, "/" that somebody put at the end */
  g_strdelimit (copy, " ", '+');
  while (len > SCOPE_KEY_BASE64_LEN && copy[len - 1] == '/')
    copy[--len] = '\0';

  if (scope_key_parse (&key, copy))
    peer = g_hash_table_lookup (network->by_key, &key);
  if (peer || g_hash_table_size (network->merged) == 0)
    return peer;
  merged = merge_slashes (copy);
  return g_hash_table_lookup (network->merged, merged);
}

gboolean
registry_network_lists (const RegistryNetwork *network, const ScopeKey *key)
{
  return g_hash_table_contains (network->by_key, key);
}

GBytes *
registry_network_get_answer (const RegistryNetwork *network)
{
  return network->answer;
}

const ScopeRoster *
registry_network_get_roster (const RegistryNetwork *network)
{
  return network->roster;
}

guint
registry_network_get_readings (const RegistryNetwork *network)
{
  return network->readings;
}
