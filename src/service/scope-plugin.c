/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/scope-plugin.h"

#include "common/scope-confirm.h"
#include "common/scope-error.h"
#include "crypto/scope-x25519.h"
#include "peer/scope-engine.h"
#include "peer/scope-memory.h"
#include "service/scope-activation.h"
#include "service/scope-banner.h"
#include "service/scope-base-watch.h"
#include "service/scope-control.h"
#include "service/scope-keystore.h"
#include "service/scope-last-error.h"
#include "service/scope-network.h"
#include "service/scope-question.h"

#include <arpa/inet.h>
#include <pwd.h>
#include <string.h>

struct _ScopePlugin {
  NMVpnServicePlugin parent_instance;

  GDBusConnection *bus;
  char *bus_name;
  ScopeControl *control;
  ScopeNetwork *network;
  NMConnection *connection; /* that is up, or is to be */
  NMConnection *given;      /* the same as NetworkManager gave it last */
  gboolean interactive;     /* NetworkManager takes questions */
  ScopeQuestion *question;  /* while a person is being asked */
  guint asked;              /* how often, since Connect */
  guint go_id;              /* the answer is looked at when NetworkManager has got ours */
  gboolean go;              /* start anew, once the engine before has stopped */
  ScopeEngine *engine;
  ScopeBaseWatch *base;
  guint stopping; /* engines that are going down */
  gboolean failing;
  NMVpnPluginFailure failure;
};

G_DEFINE_FINAL_TYPE (ScopePlugin, scope_plugin, NM_TYPE_VPN_SERVICE_PLUGIN)

#define MAX_ASKED 5 /* an agent that always gives the same answer is no person */

enum { IDLE, N_SIGNALS };
static guint signals[N_SIGNALS];

/* --- from the connection to the engine ----------------------------------------------------- */

static void
copy_item (const char *key, const char *value, gpointer table)
{
  if (!scope_confirm_root (key)) /* an answer of once; NetworkManager may have kept it */
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
  if (scope_err_denied (error) || scope_err_not_listed (error) || scope_err_tls (error) || scope_err_invite (error) ||
      scope_err_unconfirmed (error))
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
  g_autofree char *status = scope_engine_describe (self->engine);
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

/* libnm (1.42 to 1.58) adds “connect failed” when it stops a plugin that is still starting, and
 * NetworkManager believes the failure that it heard last: so ours is told from within the stop. */
static void
give_up (ScopePlugin *self, const GError *error)
{
  g_warning ("failed: %s", error->message);
  scope_last_error_keep (self->connection, error);
  self->failing = TRUE;
  self->failure = failure_of (error);
  nm_vpn_service_plugin_disconnect (NM_VPN_SERVICE_PLUGIN (self), NULL);
  self->failing = FALSE;
}

/* --- from the engine to a person ----------------------------------------------------------- */

static gboolean begin (ScopePlugin *self, GError **error);
static void stop_engine (ScopePlugin *self);

static void
send_question (ScopePlugin *self)
{
  self->asked++;
  g_message ("asking for %s", self->question->hints[0]);
  nm_vpn_service_plugin_secrets_required (NM_VPN_SERVICE_PLUGIN (self), self->question->message,
                                          (const char **) self->question->hints);
}

/* NetworkManager takes questions with ConnectInteractive only. */
static gboolean
find_question (ScopePlugin *self, const GError *error)
{
  ScopeQuestionCase that = { self->connection, error, NULL, FALSE, self->asked > 0 };

  if (!self->interactive || self->asked >= MAX_ASKED)
    return FALSE;
  if (self->engine)
    {
      that.root = scope_engine_get_met_root (self->engine);
      that.v1 = scope_engine_is_v1 (self->engine);
    }
  self->question = scope_question_new (&that);
  if (!self->question)
    return FALSE;
  g_message ("%s", error->message);
  scope_last_error_keep (self->connection, error); /* should nobody answer */
  return TRUE;
}

/* Before it is up only: then NetworkManager does not listen any more. */
static gboolean
ask (ScopePlugin *self, const GError *error)
{
  NMVpnServiceState state;

  g_object_get (self, NM_VPN_SERVICE_PLUGIN_STATE, &state, NULL);
  if (state != NM_VPN_SERVICE_STATE_STARTING || !find_question (self, error))
    return FALSE;
  stop_engine (self);
  send_question (self);
  return TRUE;
}

static void
fail (ScopePlugin *self, const GError *error)
{
  if (!ask (self, error))
    give_up (self, error);
}

static void
begin_or_fail (ScopePlugin *self)
{
  g_autoptr (GError) error = NULL;

  if (!begin (self, &error))
    fail (self, error);
}

static gboolean
keep_root (ScopePlugin *self, const char *root, GError **error)
{
  g_autofree char *state = scope_keystore_path (nm_connection_get_uuid (self->connection), NULL, error);

  if (!state || !scope_memory_keep_root (state, root, error))
    return FALSE;
  g_message ("the root key %s was confirmed: from now on this profile believes no other", root);
  return TRUE;
}

static void
go (ScopePlugin *self)
{
  g_autoptr (ScopeQuestion) question = g_steal_pointer (&self->question);
  g_autoptr (GError) error = NULL;

  if (question && question->root && !keep_root (self, question->root, &error))
    {
      give_up (self, error);
      return;
    }
  self->go = self->stopping > 0;
  if (!self->go)
    begin_or_fail (self);
}

static void
take_answer (ScopePlugin *self, NMConnection *given)
{
  g_autoptr (NMConnection) before = g_steal_pointer (&self->connection);
  g_autoptr (NMConnection) given_before = g_steal_pointer (&self->given);
  g_autoptr (GError) error = NULL;

  self->given = g_object_ref (given);
  self->connection = nm_simple_connection_new_clone (given);
  switch (scope_question_take (self->question, self->connection, before, given_before))
    {
    case SCOPE_ANSWER_GO:
      go (self);
      break;
    case SCOPE_ANSWER_AGAIN:
      if (self->asked < MAX_ASKED)
        {
          send_question (self);
          break;
        }
      G_GNUC_FALLTHROUGH;
    case SCOPE_ANSWER_NO:
      error = g_error_new (SCOPE_ERROR, SCOPE_ERROR_UNCONFIRMED, "the root key %s was not confirmed", self->question->root);
      give_up (self, error);
      break;
    }
}

void
scope_plugin_forget_question (ScopePlugin *self)
{
  g_clear_pointer (&self->question, scope_question_free);
  g_clear_handle_id (&self->go_id, g_source_remove);
  self->go = FALSE;
}

static void
on_failed (ScopeEngine *engine, GError *error, gpointer data)
{
  ScopePlugin *self = data;

  if (engine != self->engine)
    return;
  /* Down until somebody starts it anew: NetworkManager must not do that by itself. */
  if (scope_err_killed (error) && scope_activation_deactivate (self->bus, self->bus_name))
    {
      g_warning ("%s", error->message);
      scope_last_error_keep (self->connection, error);
    }
  else
    fail (self, error);
}

static void
on_started (ScopeEngine *engine, gpointer data)
{
  ScopePlugin *self = data;
  g_autoptr (GError) error = NULL;

  if (engine != self->engine)
    return;
  if (report_config (self))
    {
      scope_last_error_forget (self->connection);
      return;
    }
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
begin (ScopePlugin *self, GError **error)
{
  ScopeEngineConfig *config = engine_config (self->connection, error);

  if (config)
    self->engine = scope_engine_new (self->bus, config, error);
  if (!self->engine)
    return FALSE;
  g_signal_connect (self->engine, "started", G_CALLBACK (on_started), self);
  g_signal_connect (self->engine, "failed", G_CALLBACK (on_failed), self);
  g_signal_connect (self->engine, "news", G_CALLBACK (on_news), self);
  self->base = scope_base_watch_new (self->bus, &base_calls, self);
  scope_engine_start (self->engine);
  return TRUE;
}

static void
take_connection (ScopePlugin *self, NMConnection *connection, gboolean interactive)
{
  g_set_object (&self->connection, connection);
  g_set_object (&self->given, connection);
  self->interactive = interactive;
  self->asked = 0;
}

static gboolean
refuse (ScopePlugin *self, const GError *why, GError **error)
{
  g_warning ("failed: %s", why->message);
  scope_last_error_keep (self->connection, why);
  g_set_error_literal (error, NM_VPN_PLUGIN_ERROR, NM_VPN_PLUGIN_ERROR_BAD_ARGUMENTS, why->message);
  return FALSE;
}

static gboolean
scope_plugin_connect (NMVpnServicePlugin *plugin, NMConnection *connection, GError **error)
{
  ScopePlugin *self = SCOPE_PLUGIN (plugin);
  g_autoptr (GError) why = NULL;

  take_connection (self, connection, FALSE);
  return begin (self, &why) || refuse (self, why, error);
}

static gboolean
on_ask (gpointer data)
{
  ScopePlugin *self = data;

  self->go_id = 0;
  send_question (self);
  return G_SOURCE_REMOVE;
}

/* What is wrong at once may be asked for, too; NetworkManager listens when it has had the answer to its call. */
static gboolean
scope_plugin_connect_interactive (NMVpnServicePlugin *plugin, NMConnection *connection, GVariant *details, GError **error)
{
  ScopePlugin *self = SCOPE_PLUGIN (plugin);
  g_autoptr (GError) why = NULL;

  take_connection (self, connection, TRUE);
  if (begin (self, &why))
    return TRUE;
  if (!find_question (self, why))
    return refuse (self, why, error);
  self->go_id = g_idle_add (on_ask, self);
  return TRUE;
}

typedef struct {
  ScopePlugin *plugin;
  NMConnection *given;
} Answer;

static gboolean
on_answer (gpointer data)
{
  Answer *answer = data;

  answer->plugin->go_id = 0;
  take_answer (answer->plugin, answer->given);
  return G_SOURCE_REMOVE;
}

static void
answer_free (gpointer data)
{
  g_object_unref (((Answer *) data)->given);
  g_free (data);
}

static gboolean
scope_plugin_new_secrets (NMVpnServicePlugin *plugin, NMConnection *connection, GError **error)
{
  ScopePlugin *self = SCOPE_PLUGIN (plugin);
  Answer *answer;

  if (!self->question || self->go_id)
    {
      g_set_error_literal (error, NM_VPN_PLUGIN_ERROR, NM_VPN_PLUGIN_ERROR_WRONG_STATE, "nothing was asked");
      return FALSE;
    }
  answer = g_new (Answer, 1);
  *answer = (Answer){ self, g_object_ref (connection) };
  self->go_id = g_idle_add_full (G_PRIORITY_DEFAULT_IDLE, on_answer, answer, answer_free);
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
  if (self->go && !self->stopping)
    {
      self->go = FALSE;
      begin_or_fail (self);
    }
  if (!scope_plugin_is_busy (self))
    g_signal_emit (self, signals[IDLE], 0);
}

static void
stop_engine (ScopePlugin *self)
{
  g_autoptr (ScopeEngine) engine = g_steal_pointer (&self->engine);

  g_clear_pointer (&self->base, scope_base_watch_free);
  if (!engine)
    return;
  g_signal_handlers_disconnect_by_data (engine, self);
  scope_network_news (self->network);
  self->stopping++;
  scope_engine_stop_async (engine, on_stopped, g_object_ref (self));
}

static gboolean
scope_plugin_disconnect (NMVpnServicePlugin *plugin, GError **error)
{
  ScopePlugin *self = SCOPE_PLUGIN (plugin);
  gboolean was_busy = scope_plugin_is_busy (self);

  if (self->failing)
    nm_vpn_service_plugin_failure (plugin, self->failure);
  scope_plugin_forget_question (self);
  stop_engine (self);
  if (was_busy && !scope_plugin_is_busy (self))
    g_signal_emit (self, signals[IDLE], 0);
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
  NMSettingConnection *profile = self->connection ? nm_connection_get_setting_connection (self->connection) : NULL;
  const struct passwd *user;

  if (!profile || nm_setting_connection_get_num_permissions (profile) == 0)
    return TRUE;
  user = getpwuid (uid);
  return user && nm_setting_connection_permissions_user_allowed (profile, user->pw_name);
}

static const ScopeNetworkCalls network_calls = { status, may_read };

gboolean
scope_plugin_is_busy (ScopePlugin *self)
{
  return self->engine || self->stopping || self->question || self->go_id || self->go;
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
  scope_plugin_forget_question (self);
  g_clear_object (&self->connection);
  g_clear_object (&self->given);
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
  plugin_class->connect_interactive = scope_plugin_connect_interactive;
  plugin_class->new_secrets = scope_plugin_new_secrets;
  plugin_class->need_secrets = scope_plugin_need_secrets;
  plugin_class->disconnect = scope_plugin_disconnect;
  signals[IDLE] = g_signal_new ("idle", SCOPE_TYPE_PLUGIN, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}
