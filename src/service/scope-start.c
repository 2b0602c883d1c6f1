/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/scope-start.h"

#include "common/scope-confirm.h"
#include "common/scope-error.h"
#include "crypto/scope-x25519.h"
#include "peer/scope-memory.h"
#include "service/scope-keystore.h"

static void
copy_item (const char *key, const char *value, gpointer table)
{
  if (!scope_confirm_root (key)) /* an answer of once; NetworkManager may have kept it */
    g_hash_table_insert (table, g_strdup (key), g_strdup (value));
}

static ScopeSettings *
parse_settings (NMConnection *connection, const char *state, GError **error)
{
  NMSettingVpn *s_vpn = nm_connection_get_setting_vpn (connection);
  g_autoptr (GHashTable) data = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GHashTable) secrets =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) scope_secret_free);

  if (s_vpn)
    {
      nm_setting_vpn_foreach_data_item (s_vpn, copy_item, data);
      nm_setting_vpn_foreach_secret (s_vpn, copy_item, secrets);
    }
  /* A root key that a person has confirmed is as good as one in the profile: keys that survive a quantum computer follow. */
  if (!g_hash_table_contains (data, SCOPE_SETTING_ROOT))
    {
      char *root = scope_memory_confirmed_root (state);

      if (root)
        g_hash_table_insert (data, g_strdup (SCOPE_SETTING_ROOT), root);
    }
  return scope_settings_parse (data, secrets, error);
}

/* The profile's private key, else the one that we keep; the profile's public key must be its own. */
static gboolean
find_key (const ScopeSettings *settings, const char *uuid, ScopeKey *private_key, GError **error)
{
  char text[SCOPE_KEY_BASE64_LEN + 1];
  ScopeKey public_key;
  gboolean made = FALSE;

  if (settings->has_private_key)
    *private_key = settings->private_key;
  else if (!scope_keystore_get (uuid, private_key, &made, error))
    return FALSE;
  if (!scope_x25519_public (&public_key, private_key, error))
    return FALSE;
  scope_key_to_base64 (&public_key, text);

  if (settings->has_public_key && !scope_key_equal (&settings->public_key, &public_key))
    {
      if (settings->has_private_key)
        g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "public-key: the private key belongs to %s", text);
      else
        g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
                     "public-key: the profile has no private key for it; give it as the secret private-key, or remove "
                     "public-key and list our own key %s at the root",
                     text);
      return FALSE;
    }
  if (!settings->has_private_key)
    g_message ("%s private key; our public key is %s", made ? "made a" : "using our own", text);
  return TRUE;
}

static int
dns_priority (NMSettingIPConfig *ip)
{
  return ip ? nm_setting_ip_config_get_dns_priority (ip) : 0;
}

ScopeEngineConfig *
scope_start_config (NMConnection *connection, GError **error)
{
  g_autoptr (ScopeEngineConfig) config = g_new0 (ScopeEngineConfig, 1);

  config->vpn_uuid = g_strdup (nm_connection_get_uuid (connection));
  config->state = scope_keystore_path (config->vpn_uuid, NULL, error);
  if (!config->state)
    return NULL;
  config->settings = parse_settings (connection, config->state, error);
  if (!config->settings)
    return NULL;
  config->vpn_id = g_strdup (nm_connection_get_id (connection));
  config->dns_priority[0] = dns_priority (nm_connection_get_setting_ip4_config (connection));
  config->dns_priority[1] = dns_priority (nm_connection_get_setting_ip6_config (connection));
  /* With keys-only the interface has its key, which is nothing that we need. */
  if (config->settings->mode != SCOPE_MODE_KEYS_ONLY &&
      !find_key (config->settings, config->vpn_uuid, &config->private_key, error))
    return NULL;
  config->identity = config->settings->identity ? scope_identity_parse (config->settings->identity, error)
                                                : scope_keystore_identity (config->vpn_uuid, error);
  return config->identity ? g_steal_pointer (&config) : NULL;
}
