/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/scope-report.h"

#include "service/scope-banner.h"

#include <arpa/inet.h>
#include <string.h>

static GVariant *
ip_to_variant (int family, const char *text)
{
  guint8 bytes[16];

  if (!text || inet_pton (family, text, bytes) != 1)
    return NULL;
  if (family == AF_INET)
    {
      guint32 u; /* NetworkManager wants network byte order in a native integer */
      memcpy (&u, bytes, sizeof u);
      return g_variant_new_uint32 (u);
    }
  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, 16, 1);
}

static const ScopePrefix *
first_address (const ScopeTunnelConfig *config, int family)
{
  for (guint i = 0; i < config->addresses->len; i++)
    {
      const ScopePrefix *prefix = &g_array_index (config->addresses, ScopePrefix, i);
      if (prefix->family == family)
        return prefix;
    }
  return NULL;
}

static GVariant *
ip_config (const ScopeTunnelConfig *config, int family)
{
  const ScopePrefix *own = first_address (config, family);
  g_autofree char *text = scope_prefix_address (own);
  GVariantBuilder dict, list;
  gboolean v4 = family == AF_INET;

  g_variant_builder_init (&dict, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&dict, "{sv}", NM_VPN_PLUGIN_IP4_CONFIG_ADDRESS, ip_to_variant (family, text));
  g_variant_builder_add (&dict, "{sv}", NM_VPN_PLUGIN_IP4_CONFIG_PREFIX, g_variant_new_uint32 (own->len));
  g_variant_builder_add (&dict, "{sv}", NM_VPN_PLUGIN_IP4_CONFIG_NEVER_DEFAULT, g_variant_new_boolean (TRUE));

  g_variant_builder_init (&list, v4 ? G_VARIANT_TYPE ("au") : G_VARIANT_TYPE ("aay"));
  for (char **dns = config->dns; *dns; dns++)
    if ((strchr (*dns, ':') == NULL) == v4)
      g_variant_builder_add_value (&list, ip_to_variant (family, *dns));
  g_variant_builder_add (&dict, "{sv}", NM_VPN_PLUGIN_IP4_CONFIG_DNS, g_variant_builder_end (&list));
  if (*config->dns_search)
    g_variant_builder_add (&dict, "{sv}", NM_VPN_PLUGIN_IP4_CONFIG_DOMAINS,
                           g_variant_new_strv ((const char *const *) config->dns_search, -1));
  return g_variant_ref_sink (g_variant_builder_end (&dict));
}

gboolean
scope_report (NMVpnServicePlugin *plugin, ScopeEngine *engine)
{
  ScopeTunnel *tunnel = scope_engine_get_tunnel (engine);
  const ScopeTunnelConfig *config = scope_tunnel_get_config (tunnel);
  g_autofree char *gateway = scope_engine_get_gateway (engine);
  g_autofree char *status = scope_engine_describe (engine);
  g_autofree char *banner = scope_banner_new (status);
  gboolean via_nm = scope_tunnel_nm_configures (tunnel);
  gboolean ip4 = via_nm && first_address (config, AF_INET), ip6 = via_nm && first_address (config, AF_INET6);
  g_autoptr (GVariant) dict4 = ip4 ? ip_config (config, AF_INET) : NULL;
  g_autoptr (GVariant) dict6 = ip6 ? ip_config (config, AF_INET6) : NULL;
  g_autoptr (GVariant) generic = NULL;
  GVariantBuilder dict;

  if (!gateway)
    return FALSE;
  g_variant_builder_init (&dict, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&dict, "{sv}", NM_VPN_PLUGIN_CONFIG_EXT_GATEWAY,
                         ip_to_variant (strchr (gateway, ':') ? AF_INET6 : AF_INET, gateway));
  g_variant_builder_add (&dict, "{sv}", NM_VPN_PLUGIN_CAN_PERSIST, g_variant_new_boolean (TRUE));
  g_variant_builder_add (&dict, "{sv}", NM_VPN_PLUGIN_CONFIG_HAS_IP4, g_variant_new_boolean (ip4));
  g_variant_builder_add (&dict, "{sv}", NM_VPN_PLUGIN_CONFIG_HAS_IP6, g_variant_new_boolean (ip6));
  if (banner)
    g_variant_builder_add (&dict, "{sv}", NM_VPN_PLUGIN_CONFIG_BANNER, g_variant_new_string (banner));
  if (via_nm)
    g_variant_builder_add (&dict, "{sv}", NM_VPN_PLUGIN_CONFIG_TUNDEV, g_variant_new_string (config->ifname));
  if (via_nm && config->mtu)
    g_variant_builder_add (&dict, "{sv}", NM_VPN_PLUGIN_CONFIG_MTU, g_variant_new_uint32 (config->mtu));

  /* Ours, not floating: libnm 1.42 takes the references of some and not of others. */
  generic = g_variant_ref_sink (g_variant_builder_end (&dict));
  nm_vpn_service_plugin_set_config (plugin, generic);
  if (ip4)
    nm_vpn_service_plugin_set_ip4_config (plugin, dict4);
  if (ip6)
    nm_vpn_service_plugin_set_ip6_config (plugin, dict6);
  return TRUE;
}
