/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/scope-plugin.h"

#include "common/scope-error.h"
#include "peer/scope-engine.h"
#include "peer/scope-memory.h"
#include "service/scope-activation.h"
#include "service/scope-autoconnect.h"
#include "service/scope-base-watch.h"
#include "service/scope-control.h"
#include "service/scope-keystore.h"
#include "service/scope-last-error.h"
#include "service/scope-network.h"
#include "service/scope-question.h"
#include "service/scope-report.h"
#include "service/scope-start.h"

#include <pwd.h>

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
  char *why;                /* and what has failed, if nobody answers */
  guint asked;              /* how often, since Connect */
  guint go_id;              /* the answer is looked at when NetworkManager has got ours */
  gboolean go;              /* start anew, once the engine before has stopped */
  ScopeEngine *engine;
  ScopeReport *report; /* while it is up */
  ScopeBaseWatch *base;
  guint stopping; /* engines that are going down */
  gboolean failing;
  NMVpnPluginFailure failure;
};

G_DEFINE_FINAL_TYPE (ScopePlugin, scope_plugin, NM_TYPE_VPN_SERVICE_PLUGIN)

#define MAX_ASKED 5 /* an agent that always gives the same answer is no person */

enum { IDLE, N_SIGNALS };
static guint signals[N_SIGNALS];

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
  g_free (self->why);
  self->why = g_strdup (error->message);
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
      g_clear_pointer (&self->question, scope_question_free);
      give_up (self, error);
      break;
    }
}

void
scope_plugin_forget_question (ScopePlugin *self)
{
  if (self->question)
    g_warning ("failed: %s (asked for %s, and got no answer)", self->why, self->question->hints[0]);
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
  if (scope_err_killed (error))
    scope_autoconnect_note_killed (nm_connection_get_uuid (self->connection));
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
  self->report = scope_report_new (NM_VPN_SERVICE_PLUGIN (self), self->bus, self->engine);
  if (self->report)
    {
      scope_last_error_forget (self->connection);
      scope_autoconnect_note_started (self->bus, nm_connection_get_uuid (self->connection));
      nm_connection_clear_secrets (self->connection); /* nobody will be asked any more */
      g_clear_object (&self->given);
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
  ScopeEngineConfig *config = scope_start_config (self->connection, error);

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

/* What an invite lets in stays in without it. */
static gboolean
is_member (NMConnection *connection)
{
  const char *uuid = nm_connection_get_uuid (connection);
  g_autofree char *state = uuid ? scope_keystore_path (uuid, NULL, NULL) : NULL;

  return state && scope_memory_has_grant (state);
}

static gboolean
scope_plugin_need_secrets (NMVpnServicePlugin *plugin, NMConnection *connection, const char **setting_name,
                           GError **error)
{
  NMSettingVpn *s_vpn = nm_connection_get_setting_vpn (connection);

  for (const ScopeSettingInfo *info = scope_setting_infos; s_vpn && info->name; info++)
    {
      NMSettingSecretFlags flags = NM_SETTING_SECRET_FLAG_NONE;

      if (!info->secret || (info->type == SCOPE_TYPE_TOKEN && is_member (connection)))
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

  g_clear_pointer (&self->report, scope_report_free);
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

  if (self->failing)
    nm_vpn_service_plugin_failure (plugin, self->failure);
  scope_plugin_forget_question (self);
  stop_engine (self);
  if (!scope_plugin_is_busy (self))
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

  g_clear_pointer (&self->report, scope_report_free);
  g_clear_pointer (&self->base, scope_base_watch_free);
  g_clear_pointer (&self->control, scope_control_free);
  g_clear_pointer (&self->network, scope_network_free);
  scope_plugin_forget_question (self);
  g_clear_object (&self->connection);
  g_clear_object (&self->given);
  g_clear_object (&self->engine);
  g_clear_object (&self->bus);
  g_clear_pointer (&self->bus_name, g_free);
  g_clear_pointer (&self->why, g_free);
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
