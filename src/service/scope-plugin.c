/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/scope-plugin.h"

#include "common/scope-error.h"
#include "crypto/scope-x25519.h"
#include "peer/scope-engine.h"
#include "service/scope-activation.h"
#include "service/scope-base-watch.h"
#include "service/scope-control.h"
#include "service/scope-keystore.h"
#include "service/scope-network.h"

#include <arpa/inet.h>
#include <pwd.h>
#include <string.h>

struct _ScopePlugin {
  NMVpnServicePlugin parent_instance;

  GDBusConnection *bus;
  char *bus_name;
  ScopeControl *control;
  ScopeNetwork *network;
  NMSettingConnection *profile; /* of the connection that is up */
  ScopeEngine *engine;
  ScopeBaseWatch *base;
  guint stopping; /* engines that are going down */
  gboolean failing;
  NMVpnPluginFailure failure;
};

G_DEFINE_FINAL_TYPE (ScopePlugin, scope_plugin, NM_TYPE_VPN_SERVICE_PLUGIN)

enum { IDLE, N_SIGNALS };
static guint signals[N_SIGNALS];

/* --- from the connection to the engine ----------------------------------------------------- */

static void
copy_item (const char *key, const char *value, gpointer table)
{
  g_hash_table_insert (table, g_strdup (key), g_strdup (value));
}

static ScopeSettings *
parse_settings (NMConnection *connection, GError **error)
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

static ScopeEngineConfig *
engine_config (NMConnection *connection, GError **error)
{
  g_autoptr (ScopeEngineConfig) config = g_new0 (ScopeEngineConfig, 1);
  NMSettingConnection *s_con = nm_connection_get_setting_connection (connection);

  config->settings = parse_settings (connection, error);
  if (!config->settings)
    return NULL;
  config->vpn_uuid = g_strdup (nm_connection_get_uuid (connection));
  config->vpn_id = g_strdup (nm_connection_get_id (connection));
  config->zone = g_strdup (s_con ? nm_setting_connection_get_zone (s_con) : NULL);
  config->dns_priority[0] = dns_priority (nm_connection_get_setting_ip4_config (connection));
  config->dns_priority[1] = dns_priority (nm_connection_get_setting_ip6_config (connection));
  config->state = scope_keystore_path (config->vpn_uuid, NULL, error);
  if (!config->state)
    return NULL;
  /* With keys-only the interface has its key, which is nothing that we need. */
  if (config->settings->mode != SCOPE_MODE_KEYS_ONLY &&
      !find_key (config->settings, config->vpn_uuid, &config->private_key, error))
    return NULL;
  config->identity = config->settings->identity ? scope_identity_parse (config->settings->identity, error)
                                                : scope_keystore_identity (config->vpn_uuid, error);
  return config->identity ? g_steal_pointer (&config) : NULL;
}

/* --- from the engine to NetworkManager ----------------------------------------------------- */

/* NetworkManager knows three failures of a plugin; the log line tells them apart further. */
static NMVpnPluginFailure
failure_of (const GError *error)
{
  if (scope_err_denied (error) || scope_err_not_listed (error) || scope_err_tls (error))
    return NM_VPN_PLUGIN_FAILURE_LOGIN_FAILED;
  if (scope_err_taken (error) || scope_err_invalid (error))
    return NM_VPN_PLUGIN_FAILURE_BAD_IP_CONFIG;
  return NM_VPN_PLUGIN_FAILURE_CONNECT_FAILED;
}

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

static gboolean
report_config (ScopePlugin *self)
{
  NMVpnServicePlugin *plugin = NM_VPN_SERVICE_PLUGIN (self);
  ScopeTunnel *tunnel = scope_engine_get_tunnel (self->engine);
  const ScopeTunnelConfig *config = scope_tunnel_get_config (tunnel);
  g_autofree char *gateway = scope_engine_get_gateway (self->engine);
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

/* libnm (1.42 to 1.58) adds “connect failed” when it stops a plugin that is still starting, and
 * NetworkManager believes the failure that it heard last: so ours is told from within the stop. */
static void
give_up (ScopePlugin *self, const GError *error)
{
  g_warning ("failed: %s", error->message);
  self->failing = TRUE;
  self->failure = failure_of (error);
  nm_vpn_service_plugin_disconnect (NM_VPN_SERVICE_PLUGIN (self), NULL);
  self->failing = FALSE;
}

static void
on_failed (ScopeEngine *engine, GError *error, gpointer data)
{
  ScopePlugin *self = data;

  if (engine != self->engine)
    return;
  /* Down until somebody starts it anew: NetworkManager must not do that by itself. */
  if (scope_err_killed (error) && scope_activation_deactivate (self->bus, self->bus_name))
    g_warning ("%s", error->message);
  else
    give_up (self, error);
}

static void
on_started (ScopeEngine *engine, gpointer data)
{
  ScopePlugin *self = data;
  g_autoptr (GError) error = NULL;

  if (engine != self->engine || report_config (self))
    return;
  error = g_error_new_literal (SCOPE_ERROR, SCOPE_ERROR_UNREACHABLE,
                               "neither the registry nor any peer has an address outside this machine");
  give_up (self, error);
}

static void
on_news (ScopeEngine *engine, gpointer data)
{
  ScopePlugin *self = data;

  scope_network_news (self->network);
}

static void
on_base_changed (gboolean moved, gpointer data)
{
  ScopePlugin *self = data;

  if (self->engine)
    scope_engine_base_changed (self->engine, moved);
}

static void
on_base_paused (gboolean paused, gpointer data)
{
  ScopePlugin *self = data;

  g_info (paused ? "nobody can be reached from here: waiting" : "there is a way out again");
  if (self->engine)
    scope_engine_pause (self->engine, paused);
}

static const char *
tunnel_ifname (gpointer data)
{
  ScopePlugin *self = data;
  ScopeTunnel *tunnel = self->engine ? scope_engine_get_tunnel (self->engine) : NULL;

  return tunnel ? scope_tunnel_get_config (tunnel)->ifname : NULL;
}

static const ScopeBaseCalls base_calls = { on_base_changed, on_base_paused, tunnel_ifname };

/* --- what NetworkManager calls ------------------------------------------------------------- */

static gboolean
scope_plugin_connect (NMVpnServicePlugin *plugin, NMConnection *connection, GError **error)
{
  ScopePlugin *self = SCOPE_PLUGIN (plugin);
  g_autoptr (GError) why = NULL;
  ScopeEngineConfig *config = engine_config (connection, &why);

  if (config)
    self->engine = scope_engine_new (self->bus, config, &why);
  if (!self->engine)
    {
      g_warning ("failed: %s", why->message);
      g_set_error_literal (error, NM_VPN_PLUGIN_ERROR, NM_VPN_PLUGIN_ERROR_BAD_ARGUMENTS, why->message);
      return FALSE;
    }
  g_signal_connect (self->engine, "started", G_CALLBACK (on_started), self);
  g_signal_connect (self->engine, "failed", G_CALLBACK (on_failed), self);
  g_signal_connect (self->engine, "news", G_CALLBACK (on_news), self);
  g_set_object (&self->profile, nm_connection_get_setting_connection (connection));
  self->base = scope_base_watch_new (self->bus, &base_calls, self);
  scope_engine_start (self->engine);
  return TRUE;
}

static gboolean
scope_plugin_need_secrets (NMVpnServicePlugin *plugin, NMConnection *connection, const char **setting_name,
                           GError **error)
{
  NMSettingVpn *s_vpn = nm_connection_get_setting_vpn (connection);

  for (const ScopeSettingInfo *info = scope_setting_infos; s_vpn && info->name; info++)
    {
      NMSettingSecretFlags flags = NM_SETTING_SECRET_FLAG_NONE;

      if (!info->secret)
        continue;
      /* Without flags a missing secret is no secret at all: we make the private key ourselves. */
      nm_setting_get_secret_flags (NM_SETTING (s_vpn), info->name, &flags, NULL);
      if (flags & (NM_SETTING_SECRET_FLAG_AGENT_OWNED | NM_SETTING_SECRET_FLAG_NOT_SAVED) &&
          !(flags & NM_SETTING_SECRET_FLAG_NOT_REQUIRED) && !nm_setting_vpn_get_secret (s_vpn, info->name))
        {
          g_message ("%s is to be asked for (%s-flags=%d)", info->name, info->name, flags);
          *setting_name = NM_SETTING_VPN_SETTING_NAME;
          return TRUE;
        }
    }
  return FALSE;
}

static void
on_stopped (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopePlugin) self = data;
  g_autoptr (GError) error = NULL;

  if (!scope_engine_stop_finish (SCOPE_ENGINE (source), result, &error))
    g_warning ("%s", error->message);
  self->stopping--;
  if (!scope_plugin_is_busy (self))
    g_signal_emit (self, signals[IDLE], 0);
}

static gboolean
scope_plugin_disconnect (NMVpnServicePlugin *plugin, GError **error)
{
  ScopePlugin *self = SCOPE_PLUGIN (plugin);
  g_autoptr (ScopeEngine) engine = g_steal_pointer (&self->engine);

  if (self->failing)
    nm_vpn_service_plugin_failure (plugin, self->failure);
  g_clear_pointer (&self->base, scope_base_watch_free);
  if (!engine)
    return TRUE;
  g_signal_handlers_disconnect_by_data (engine, self);
  scope_network_news (self->network);
  self->stopping++;
  scope_engine_stop_async (engine, on_stopped, g_object_ref (self));
  return TRUE;
}

static char *
status (gpointer data)
{
  ScopePlugin *self = data;

  return self->engine ? scope_engine_describe (self->engine) : g_strdup ("{}");
}

static gboolean
rotate (gboolean hurry, gpointer data)
{
  ScopePlugin *self = data;

  return self->engine && scope_engine_rotate (self->engine, hurry);
}

static const ScopeControlCalls control_calls = { status, rotate };

/* As NetworkManager has it: whoever may see the profile may see what becomes of it. */
static gboolean
may_read (uid_t uid, gpointer data)
{
  ScopePlugin *self = data;
  const struct passwd *user;

  if (!self->profile || nm_setting_connection_get_num_permissions (self->profile) == 0)
    return TRUE;
  user = getpwuid (uid);
  return user && nm_setting_connection_permissions_user_allowed (self->profile, user->pw_name);
}

static const ScopeNetworkCalls network_calls = { status, may_read };

gboolean
scope_plugin_is_busy (ScopePlugin *self)
{
  return self->engine || self->stopping;
}

ScopePlugin *
scope_plugin_new (GDBusConnection *bus, const char *bus_name, GError **error)
{
  ScopePlugin *self = g_initable_new (SCOPE_TYPE_PLUGIN, NULL, error, NM_VPN_SERVICE_PLUGIN_DBUS_SERVICE_NAME, bus_name,
                                      NM_VPN_SERVICE_PLUGIN_DBUS_WATCH_PEER, TRUE, NULL);

  if (!self)
    return NULL;
  self->bus = g_object_ref (bus);
  self->bus_name = g_strdup (bus_name);
  self->control = scope_control_new (bus, &control_calls, self, error);
  self->network = self->control ? scope_network_new (bus, &network_calls, self, error) : NULL;
  if (!self->network)
    g_clear_object (&self);
  return self;
}

static void
scope_plugin_dispose (GObject *object)
{
  ScopePlugin *self = SCOPE_PLUGIN (object);

  g_clear_pointer (&self->base, scope_base_watch_free);
  g_clear_pointer (&self->control, scope_control_free);
  g_clear_pointer (&self->network, scope_network_free);
  g_clear_object (&self->profile);
  g_clear_object (&self->engine);
  g_clear_object (&self->bus);
  g_clear_pointer (&self->bus_name, g_free);
  G_OBJECT_CLASS (scope_plugin_parent_class)->dispose (object);
}

static void
scope_plugin_init (ScopePlugin *self)
{
}

static void
scope_plugin_class_init (ScopePluginClass *class)
{
  NMVpnServicePluginClass *plugin_class = NM_VPN_SERVICE_PLUGIN_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = scope_plugin_dispose;
  plugin_class->connect = scope_plugin_connect;
  plugin_class->need_secrets = scope_plugin_need_secrets;
  plugin_class->disconnect = scope_plugin_disconnect;
  signals[IDLE] = g_signal_new ("idle", SCOPE_TYPE_PLUGIN, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}
