/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a client writes that is not JSON: paths, keys in them, X-Forwarded-For; and PUT /detail, which is. */
#include "registry/registry-detail.h"
#include "registry/registry-limits.h"
#include "registry/registry-network.h"
#include "registry/registry-path.h"

#include <string.h>

#define KEY "/+//aaaaaaaaaaaaaaaa//aaaaaaaaaaaaaaaaaaaaA="

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static ScopeWgDevice *
read_fake (const char *ifname, ScopeWgBackend *backend, GError **error)
{
  ScopeWgDevice *device = scope_wg_device_new ();
  ScopeKey key;

  memset (&device->pub, 7, sizeof device->pub);
  scope_key_parse (&key, KEY);
  scope_wg_device_peer (device, &key);
  return device;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static RegistryConfig *config;
  static RegistryNetwork *network;
  static RegistryDetail *detail;
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_auto (RegistryPath) path = { 0 };
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  ScopePrefix peer = registry_address_from_inet (loopback);
  g_autoptr (GError) error = NULL;
  g_autofree char *field = NULL;
  ScopeKey key;

  if (!config)
    {
      static const char json[] = "{\"networks\":[\"a\"],\"trustedProxies\":[\"127.0.0.1\",\"10.0.0.0/8\"]}";
      g_autoptr (GPtrArray) problems = registry_problems_new ();

      config = registry_config_parse (json, strlen (json), NULL, problems);
      network = registry_network_new ("a", read_fake);
      registry_network_configure (network, registry_config_find (config, "a"));
      registry_network_refresh (network, 1);
      detail = registry_detail_new ("a", NULL);
    }

  registry_path_parse (&path, text, "/p");
  if (path.key)
    registry_network_find (network, path.key);
  registry_network_find (network, text);
  registry_client_address (config, &peer, text);

  scope_key_parse (&key, KEY);
  if (registry_detail_put (detail, network, &key, (const char *) data, size, &field, &error))
    {
      g_autoptr (GBytes) answer = registry_detail_get (detail, network, &key, NULL);
      g_autoptr (ScopeRoster) roster = scope_roster_parse (g_bytes_get_data (answer, NULL), g_bytes_get_size (answer),
                                                           NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (roster->peers->len, ==, 1);
    }
  else
    g_assert_nonnull (field);
  return 0;
}
