/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-outfit.h"

#include "crypto/scope-link-address.h"
#include "crypto/scope-x25519.h"
#include "peer/scope-choose.h"
#include "tunnel/scope-policy.h"

void
scope_engine_config_free (ScopeEngineConfig *config)
{
  g_free (config->vpn_uuid);
  g_free (config->vpn_id);
  g_clear_pointer (&config->settings, scope_settings_free);
  scope_key_clear (&config->private_key);
  g_clear_pointer (&config->identity, scope_identity_unref);
  g_free (config->state);
  g_free (config);
}

/* With an exit its name servers answer for everything: “~.” is NetworkManager's word for that. */
static char **
search_domains (const ScopeSettings *settings)
{
  const char *const *own = (const char *const *) settings->dns_search;
  g_autoptr (GStrvBuilder) domains = g_strv_builder_new ();

  for (guint i = 0; own[i]; i++)
    g_strv_builder_add (domains, own[i]);
  if (settings->exit && settings->dns[0] && !g_strv_contains (own, "~."))
    g_strv_builder_add (domains, "~.");
  return g_strv_builder_end (domains);
}

void
scope_outfit_say_dns (const ScopeEngineConfig *config)
{
  if (config->settings->exit && config->settings->dns[0] && (!config->dns_priority[0] || !config->dns_priority[1]))
    g_warning ("dns: NetworkManager asks the base connection's name servers, too, when these do not answer: “nmcli connection modify "
               "%s ipv4.dns-priority %d ipv6.dns-priority %d” keeps it from that",
               config->vpn_id, SCOPE_EXIT_DNS_PRIORITY, SCOPE_EXIT_DNS_PRIORITY);
}

ScopeTunnelConfig *
scope_outfit_new (const ScopeEngineConfig *config, const ScopeKey *linked, GArray *addresses, GArray *routes,
                  GError **error)
{
  const ScopeSettings *settings = config->settings;
  g_autofree char *ifname = scope_choose_ifname (settings, error);
  ScopeTunnelConfig *outfit;

  if (!ifname)
    return NULL;
  outfit = g_new0 (ScopeTunnelConfig, 1);
  outfit->vpn_uuid = g_strdup (config->vpn_uuid);
  outfit->ifname = g_steal_pointer (&ifname);
  outfit->private_key = config->private_key;
  outfit->listen_port = scope_choose_port (settings, config->vpn_uuid);
  outfit->addresses = g_array_ref (addresses);
  outfit->routes = g_array_ref (routes);
  if (linked)
    {
      scope_link_address (linked, &outfit->link);
      outfit->link.len = SCOPE_LINK_ADDRESS_LEN;
    }
  outfit->dns = g_strdupv (settings->dns);
  outfit->dns_search = search_domains (settings);
  outfit->fwmark = SCOPE_FWMARK;
  return outfit;
}

gboolean
scope_outfit_fits (const ScopeSettings *settings, const char *ifname, const ScopeKey *own, GError **error)
{
  char text[SCOPE_KEY_BASE64_LEN + 1];
  ScopeKey given;

  scope_key_to_base64 (own, text);
  if (settings->has_private_key &&
      (!scope_x25519_public (&given, &settings->private_key, error) || !scope_key_equal (&given, own)))
    {
      g_clear_error (error);
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
                   SCOPE_SETTING_PRIVATE_KEY ": not that of interface %s, whose public key is %s; none is needed here",
                   ifname, text);
      return FALSE;
    }
  if (settings->has_public_key && !scope_key_equal (&settings->public_key, own))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, SCOPE_SETTING_PUBLIC_KEY ": that of interface %s is %s", ifname,
                   text);
      return FALSE;
    }
  return TRUE;
}
