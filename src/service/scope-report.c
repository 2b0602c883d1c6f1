/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/scope-report.h"

#include "service/scope-banner.h"

#include <arpa/inet.h>
#include <string.h>

#define FIREWALLD "org.fedoraproject.FirewallD1"
#define FIREWALLD_PATH "/org/fedoraproject/FirewallD1"
#define SETTLED_SECONDS 5 /* by then those who can be reached directly are */

struct _ScopeReport {
  NMVpnServicePlugin *plugin;
  ScopeEngine *engine;
  GDBusConnection *bus;
  char *banner; /* as it was said last */
  guint settled_id;
  guint watch_id;
  guint signal_id;
  gboolean looked; /* for firewalld: when it comes from now on it is new */
};

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

/* Ours, not floating: libnm 1.42 takes the references of some and not of others. NULL without a gateway. */
static GVariant *
generic_config (ScopeEngine *engine, const char *banner)
{
  ScopeTunnel *tunnel = scope_engine_get_tunnel (engine);
  const ScopeTunnelConfig *config = scope_tunnel_get_config (tunnel);
  g_autofree char *gateway = scope_engine_get_gateway (engine);
  gboolean via_nm = scope_tunnel_nm_configures (tunnel);
  GVariantBuilder dict;

  if (!gateway)
    return NULL;
  g_variant_builder_init (&dict, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&dict, "{sv}", NM_VPN_PLUGIN_CONFIG_EXT_GATEWAY,
                         ip_to_variant (strchr (gateway, ':') ? AF_INET6 : AF_INET, gateway));
  g_variant_builder_add (&dict, "{sv}", NM_VPN_PLUGIN_CAN_PERSIST, g_variant_new_boolean (TRUE));
  g_variant_builder_add (&dict, "{sv}", NM_VPN_PLUGIN_CONFIG_HAS_IP4,
                         g_variant_new_boolean (via_nm && first_address (config, AF_INET)));
  g_variant_builder_add (&dict, "{sv}", NM_VPN_PLUGIN_CONFIG_HAS_IP6,
                         g_variant_new_boolean (via_nm && first_address (config, AF_INET6)));
  if (banner)
    g_variant_builder_add (&dict, "{sv}", NM_VPN_PLUGIN_CONFIG_BANNER, g_variant_new_string (banner));
  if (via_nm)
    g_variant_builder_add (&dict, "{sv}", NM_VPN_PLUGIN_CONFIG_TUNDEV, g_variant_new_string (config->ifname));
  if (via_nm && config->mtu)
    g_variant_builder_add (&dict, "{sv}", NM_VPN_PLUGIN_CONFIG_MTU, g_variant_new_uint32 (config->mtu));
  return g_variant_ref_sink (g_variant_builder_end (&dict));
}

static char *
make_banner (ScopeReport *self)
{
  g_autofree char *status = scope_engine_describe (self->engine);

  return scope_banner_new (status);
}

/* @banner: (transfer full) */
static gboolean
say (ScopeReport *self, char *banner)
{
  g_autoptr (GVariant) config = generic_config (self->engine, banner);

  g_free (self->banner);
  self->banner = banner;
  if (!config)
    return FALSE;
  nm_vpn_service_plugin_set_config (self->plugin, config);
  return TRUE;
}

static void
say_addresses (ScopeReport *self)
{
  ScopeTunnel *tunnel = scope_engine_get_tunnel (self->engine);
  const ScopeTunnelConfig *config = scope_tunnel_get_config (tunnel);
  gboolean via_nm = scope_tunnel_nm_configures (tunnel);
  g_autoptr (GVariant) ip4 = via_nm && first_address (config, AF_INET) ? ip_config (config, AF_INET) : NULL;
  g_autoptr (GVariant) ip6 = via_nm && first_address (config, AF_INET6) ? ip_config (config, AF_INET6) : NULL;

  if (ip4)
    nm_vpn_service_plugin_set_ip4_config (self->plugin, ip4);
  if (ip6)
    nm_vpn_service_plugin_set_ip6_config (self->plugin, ip6);
}

/* --- again --------------------------------------------------------------------------------- */

static gboolean
on_settled (gpointer data)
{
  ScopeReport *self = data;
  g_autofree char *banner = make_banner (self);

  self->settled_id = 0;
  if (g_strcmp0 (banner, self->banner) != 0)
    say (self, g_steal_pointer (&banner));
  return G_SOURCE_REMOVE;
}

static void
on_firewalld (GDBusConnection *bus, const char *name, const char *owner, gpointer data)
{
  ScopeReport *self = data;

  if (self->looked)
    say (self, make_banner (self));
  self->looked = TRUE;
}

static void
on_no_firewalld (GDBusConnection *bus, const char *name, gpointer data)
{
  ((ScopeReport *) data)->looked = TRUE;
}

static void
on_reloaded (GDBusConnection *bus, const char *sender, const char *path, const char *interface, const char *signal,
             GVariant *arguments, gpointer data)
{
  say (data, make_banner (data));
}

ScopeReport *
scope_report_new (NMVpnServicePlugin *plugin, GDBusConnection *bus, ScopeEngine *engine)
{
  ScopeReport *self = g_new0 (ScopeReport, 1);

  self->plugin = plugin;
  self->engine = engine;
  if (!say (self, make_banner (self)))
    {
      g_free (self->banner);
      g_free (self);
      return NULL;
    }
  say_addresses (self);
  self->settled_id = g_timeout_add_seconds (SETTLED_SECONDS, on_settled, self);
  self->bus = g_object_ref (bus);
  self->watch_id = g_bus_watch_name_on_connection (self->bus, FIREWALLD, G_BUS_NAME_WATCHER_FLAGS_NONE, on_firewalld,
                                                   on_no_firewalld, self, NULL);
  self->signal_id = g_dbus_connection_signal_subscribe (self->bus, FIREWALLD, FIREWALLD, "Reloaded", FIREWALLD_PATH, NULL,
                                                        G_DBUS_SIGNAL_FLAGS_NONE, on_reloaded, self, NULL);
  return self;
}

void
scope_report_free (ScopeReport *self)
{
  g_clear_handle_id (&self->settled_id, g_source_remove);
  g_bus_unwatch_name (self->watch_id);
  g_dbus_connection_signal_unsubscribe (self->bus, self->signal_id);
  g_object_unref (self->bus);
  g_free (self->banner);
  g_free (self);
}
