/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-tunnel-kernel.h"

#include "tunnel/scope-link.h"
#include "tunnel/scope-rtnl.h"
#include "tunnel/scope-tunnel-sweep.h"

#include <NetworkManager.h>

#define NM_SETTINGS_CONNECTION_INTERFACE NM_DBUS_INTERFACE_SETTINGS_CONNECTION
#define NM_ACTIVE_INTERFACE NM_DBUS_INTERFACE_ACTIVE_CONNECTION

#define UPDATE_FLAGS \
  (NM_SETTINGS_UPDATE2_FLAG_IN_MEMORY_ONLY | NM_SETTINGS_UPDATE2_FLAG_VOLATILE | NM_SETTINGS_UPDATE2_FLAG_NO_REAPPLY)
#define DELETE_WAIT_MS 20
#define DELETE_WAIT_TRIES 150

typedef enum { STEP_ADD, STEP_ACTIVATE, STEP_WAIT, STEP_DONE } UpStep;

struct _ScopeTunnelKernel {
  ScopeTunnel parent_instance;

  GDBusConnection *bus;
  GTask *up;
  UpStep step;
  NMConnection *profile;
  char *profile_path;
  char *active_path;
  guint state_id;
};

#define SCOPE_TYPE_TUNNEL_KERNEL (scope_tunnel_kernel_get_type ())
G_DECLARE_FINAL_TYPE (ScopeTunnelKernel, scope_tunnel_kernel, SCOPE, TUNNEL_KERNEL, ScopeTunnel)
G_DEFINE_FINAL_TYPE (ScopeTunnelKernel, scope_tunnel_kernel, SCOPE_TYPE_TUNNEL_OBJECT)

ScopeTunnel *
scope_tunnel_kernel_new (GDBusConnection *bus)
{
  ScopeTunnelKernel *self = g_object_new (SCOPE_TYPE_TUNNEL_KERNEL, NULL);

  self->bus = g_object_ref (bus);
  return SCOPE_TUNNEL (self);
}

static void
nm_call (ScopeTunnelKernel *self, const char *path, const char *interface, const char *method, GVariant *args,
         GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  g_dbus_connection_call (self->bus, NM_DBUS_SERVICE, path, interface, method, args, NULL, G_DBUS_CALL_FLAGS_NONE, -1,
                          cancellable, callback, data);
}

/* --- the profile --------------------------------------------------------------------------- */

static void
add_address (NMSettingIPConfig *ip, int family, const ScopePrefix *prefix)
{
  g_autofree char *text = scope_prefix_address (prefix);
  NMIPAddress *address = prefix->family == family ? nm_ip_address_new (family, text, prefix->len, NULL) : NULL;

  if (!address)
    return;
  nm_setting_ip_config_add_address (ip, address);
  nm_ip_address_unref (address);
}

static NMSetting *
ip_setting (int family, const ScopeTunnelConfig *config)
{
  NMSetting *s = family == AF_INET ? nm_setting_ip4_config_new () : nm_setting_ip6_config_new ();
  NMSettingIPConfig *ip = NM_SETTING_IP_CONFIG (s);

  for (guint i = 0; i < config->addresses->len; i++)
    add_address (ip, family, &g_array_index (config->addresses, ScopePrefix, i));
  if (config->link.family)
    add_address (ip, family, &config->link);
  if (nm_setting_ip_config_get_num_addresses (ip) == 0)
    {
      /* “disabled” for IPv6 would write disable_ipv6 and lose routes; there is nothing to configure. */
      g_object_set (s, NM_SETTING_IP_CONFIG_METHOD, NM_SETTING_IP4_CONFIG_METHOD_DISABLED, NULL);
      return s;
    }

  g_object_set (s, NM_SETTING_IP_CONFIG_METHOD, NM_SETTING_IP4_CONFIG_METHOD_MANUAL, NM_SETTING_IP_CONFIG_NEVER_DEFAULT,
                TRUE, NULL);
  /* NetworkManager would make a second link-local address; of this kind it can make none for want of a hardware address. */
  if (family == AF_INET6 && config->link.family)
    g_object_set (s, NM_SETTING_IP6_CONFIG_ADDR_GEN_MODE, NM_SETTING_IP6_CONFIG_ADDR_GEN_MODE_EUI64, NULL);
  for (guint i = 0; i < config->routes->len; i++)
    {
      const ScopePrefix *prefix = &g_array_index (config->routes, ScopePrefix, i);
      g_autofree char *text = scope_prefix_address (prefix);
      NMIPRoute *route = prefix->family == family ? nm_ip_route_new (family, text, prefix->len, NULL, -1, NULL) : NULL;

      if (route)
        {
          nm_setting_ip_config_add_route (ip, route);
          nm_ip_route_unref (route);
        }
    }
  for (char **dns = config->dns; *dns; dns++)
    if ((strchr (*dns, ':') != NULL) == (family == AF_INET6))
      nm_setting_ip_config_add_dns (ip, *dns);
  g_object_set (s, NM_SETTING_IP_CONFIG_DNS_PRIORITY, config->dns_priority[family == AF_INET6], NULL);
  for (char **domain = config->dns_search; *domain; domain++)
    nm_setting_ip_config_add_dns_search (ip, *domain);
  return s;
}

static NMConnection *
build_profile (ScopeTunnelKernel *self)
{
  const ScopeTunnelConfig *config = scope_tunnel_get_config (SCOPE_TUNNEL (self));
  NMConnection *profile = nm_simple_connection_new ();
  NMSetting *s_con = nm_setting_connection_new ();
  NMSetting *s_wg = nm_setting_wireguard_new ();
  NMSetting *s_user = nm_setting_user_new ();
  g_autofree char *uuid = nm_utils_uuid_generate ();
  g_autofree char *id = g_strdup_printf ("%s (tunnel)", config->vpn_id);
  char secret[SCOPE_KEY_BASE64_LEN + 1];

  /* Only root sees it in nm_client_get_connections(): desktops then list the network once. */
  g_object_set (s_con, NM_SETTING_CONNECTION_ID, id, NM_SETTING_CONNECTION_UUID, uuid, NM_SETTING_CONNECTION_TYPE,
                NM_SETTING_WIREGUARD_SETTING_NAME, NM_SETTING_CONNECTION_INTERFACE_NAME, config->ifname,
                NM_SETTING_CONNECTION_AUTOCONNECT, FALSE, NM_SETTING_CONNECTION_ZONE, config->zone, NULL);
  nm_setting_connection_add_permission (NM_SETTING_CONNECTION (s_con), "user", "root", NULL);

  g_object_set (s_wg, NM_SETTING_WIREGUARD_PRIVATE_KEY, scope_key_to_base64 (&config->private_key, secret),
                NM_SETTING_WIREGUARD_LISTEN_PORT, (guint) config->listen_port, NM_SETTING_WIREGUARD_FWMARK, config->fwmark,
                NM_SETTING_WIREGUARD_IP4_AUTO_DEFAULT_ROUTE, NM_TERNARY_FALSE,
                NM_SETTING_WIREGUARD_IP6_AUTO_DEFAULT_ROUTE, NM_TERNARY_FALSE, NULL);
  explicit_bzero (secret, sizeof secret);

  nm_setting_user_set_data (NM_SETTING_USER (s_user), SCOPE_TUNNEL_TAG_VPN, config->vpn_uuid, NULL);
  nm_setting_user_set_data (NM_SETTING_USER (s_user), SCOPE_TUNNEL_TAG_OWNER, g_dbus_connection_get_unique_name (self->bus), NULL);

  nm_connection_add_setting (profile, s_con);
  nm_connection_add_setting (profile, s_wg);
  nm_connection_add_setting (profile, s_user);
  nm_connection_add_setting (profile, ip_setting (AF_INET, config));
  nm_connection_add_setting (profile, ip_setting (AF_INET6, config));
  return profile;
}

static GVariant *
profile_to_dbus (ScopeTunnelKernel *self)
{
  return nm_connection_to_dbus (self->profile, NM_CONNECTION_SERIALIZE_ALL);
}

/* Writes the profile, volatile from then on: only once it is active, as an inactive one is deleted at once. */
static void
update_profile (ScopeTunnelKernel *self, GAsyncReadyCallback callback, gpointer data)
{
  nm_call (self, self->profile_path, NM_SETTINGS_CONNECTION_INTERFACE, "Update2",
           g_variant_new ("(@a{sa{sv}}ua{sv})", profile_to_dbus (self), (guint) UPDATE_FLAGS, NULL), NULL, callback,
           data);
}

/* --- up ------------------------------------------------------------------------------------ */

static void up_step (ScopeTunnelKernel *self);

static void
up_finish (ScopeTunnelKernel *self, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->up);

  if (!task)
    g_clear_error (&error);
  else if (error)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
active_state (ScopeTunnelKernel *self, guint state, guint reason)
{
  const char *ifname = scope_tunnel_get_config (SCOPE_TUNNEL (self))->ifname;

  if (state == NM_ACTIVE_CONNECTION_STATE_ACTIVATED && self->step == STEP_WAIT)
    {
      self->step = STEP_DONE;
      up_step (self);
    }
  else if (state == NM_ACTIVE_CONNECTION_STATE_DEACTIVATING || state == NM_ACTIVE_CONNECTION_STATE_DEACTIVATED)
    {
      if (self->up)
        up_finish (self, g_error_new (SCOPE_ERROR, SCOPE_ERROR_TAKEN,
                                      "interface %s: NetworkManager could not activate it (reason %u)", ifname, reason));
      else
        scope_tunnel_emit_failed (SCOPE_TUNNEL (self), SCOPE_ERROR_GONE, "interface %s was deactivated (reason %u)",
                                  ifname, reason);
    }
}

static void
on_active_state (GDBusConnection *bus, const char *sender, const char *path, const char *interface, const char *signal,
                 GVariant *args, gpointer data)
{
  ScopeTunnelKernel *self = data;
  guint state, reason;

  if (g_strcmp0 (path, self->active_path) != 0 || !g_variant_is_of_type (args, G_VARIANT_TYPE ("(uu)")))
    return;
  g_variant_get (args, "(uu)", &state, &reason);
  active_state (self, state, reason);
}

static void
on_got_state (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopeTunnelKernel) self = data;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  g_autoptr (GVariant) state = NULL;

  if (!self->up || self->step != STEP_WAIT || !reply)
    return;
  g_variant_get (reply, "(v)", &state);
  active_state (self, g_variant_get_uint32 (state), 0);
}

static void
on_activated (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopeTunnelKernel) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (!reply)
    {
      g_dbus_error_strip_remote_error (error);
      up_finish (self, g_error_new (SCOPE_ERROR, scope_err_cancelled (error) ? SCOPE_ERROR_FAILED : SCOPE_ERROR_TAKEN,
                                    "cannot activate interface %s: %s",
                                    scope_tunnel_get_config (SCOPE_TUNNEL (self))->ifname, error->message));
      return;
    }
  g_variant_get (reply, "(o)", &self->active_path);
  self->step = STEP_WAIT;
  up_step (self);
}

static void
on_added (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopeTunnelKernel) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (!reply)
    {
      g_dbus_error_strip_remote_error (error);
      up_finish (self, g_error_new (SCOPE_ERROR, SCOPE_ERROR_FAILED, "cannot add the tunnel profile: %s", error->message));
      return;
    }
  g_variant_get (reply, "(o@a{sv})", &self->profile_path, NULL);
  self->step = STEP_ACTIVATE;
  up_step (self);
}

/* Not in the profile: NetworkManager (1.42) writes that one again with each Reapply, and reapplies nothing at all once it
 * has been changed (wireguard.mtu cannot be reapplied). What is not in there it leaves alone. */
static void
set_mtu (ScopeTunnelKernel *self)
{
  const ScopeTunnelConfig *config = scope_tunnel_get_config (SCOPE_TUNNEL (self));
  g_autoptr (GError) error = NULL;

  if (config->mtu && !scope_rtnl_set_mtu (scope_link_index (config->ifname), config->mtu, &error))
    g_warning ("%s", error->message);
}

/* AddAndActivateConnection2 does all in one, but fails on 1.42 for a device that does not exist yet. */
static void
up_step (ScopeTunnelKernel *self)
{
  GCancellable *cancellable = self->up ? g_task_get_cancellable (self->up) : NULL;

  if (self->up && g_cancellable_is_cancelled (cancellable))
    {
      up_finish (self, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled"));
      return;
    }

  switch (self->step)
    {
    case STEP_ADD:
      /* Not cancellable: a profile that NetworkManager has made must be known here to be deleted. */
      nm_call (self, NM_DBUS_PATH_SETTINGS, NM_DBUS_INTERFACE_SETTINGS, "AddConnection2",
               g_variant_new ("(@a{sa{sv}}ua{sv})", profile_to_dbus (self),
                              (guint) (NM_SETTINGS_ADD_CONNECTION2_FLAG_IN_MEMORY |
                                       NM_SETTINGS_ADD_CONNECTION2_FLAG_BLOCK_AUTOCONNECT),
                              NULL),
               NULL, on_added, g_object_ref (self));
      break;
    case STEP_ACTIVATE:
      self->state_id = g_dbus_connection_signal_subscribe (self->bus, NM_DBUS_SERVICE, NM_ACTIVE_INTERFACE,
                                                           "StateChanged", NULL, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
                                                           on_active_state, self, NULL);
      nm_call (self, NM_DBUS_PATH, NM_DBUS_INTERFACE, "ActivateConnection",
               g_variant_new ("(ooo)", self->profile_path, "/", "/"), cancellable, on_activated, g_object_ref (self));
      break;
    case STEP_WAIT:
      nm_call (self, self->active_path, "org.freedesktop.DBus.Properties", "Get",
               g_variant_new ("(ss)", NM_ACTIVE_INTERFACE, "State"), cancellable, on_got_state, g_object_ref (self));
      break;
    case STEP_DONE:
      set_mtu (self);
      update_profile (self, NULL, NULL);
      up_finish (self, NULL);
      break;
    }
}

static void
scope_tunnel_kernel_up (ScopeTunnel *tunnel, GTask *task)
{
  ScopeTunnelKernel *self = SCOPE_TUNNEL_KERNEL (tunnel);
  const ScopeTunnelConfig *config = scope_tunnel_get_config (tunnel);

  if (!scope_udp_port_free (config->listen_port))
    {
      g_task_return_new_error (task, SCOPE_ERROR, SCOPE_ERROR_TAKEN, "listen-port: UDP port %u is taken",
                               config->listen_port);
      g_object_unref (task);
      return;
    }
  self->up = task;
  self->profile = build_profile (self);
  self->step = STEP_ADD;
  up_step (self);
}

/* --- routes -------------------------------------------------------------------------------- */

static void
on_reapplied (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (!reply)
    g_warning ("routes of the tunnel could not be changed: %s", error->message);
}

static void
on_device_found (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopeTunnelKernel) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  const char *path;

  if (!reply)
    {
      g_warning ("routes of the tunnel could not be changed: %s", error->message);
      return;
    }
  g_variant_get (reply, "(&o)", &path);
  nm_call (self, path, NM_DBUS_INTERFACE_DEVICE, "Reapply",
           g_variant_new ("(a{sa{sv}}tu)", NULL, G_GUINT64_CONSTANT (0), 0u), NULL, on_reapplied, NULL);
}

static void
on_updated (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopeTunnelKernel) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (!reply)
    {
      g_warning ("routes of the tunnel could not be changed: %s", error->message);
      return;
    }
  nm_call (self, NM_DBUS_PATH, NM_DBUS_INTERFACE, "GetDeviceByIpIface",
           g_variant_new ("(s)", scope_tunnel_get_config (SCOPE_TUNNEL (self))->ifname), NULL, on_device_found,
           g_object_ref (self));
}

static void
scope_tunnel_kernel_set_routes (ScopeTunnel *tunnel, const GArray *previous)
{
  ScopeTunnelKernel *self = SCOPE_TUNNEL_KERNEL (tunnel);
  const ScopeTunnelConfig *config = scope_tunnel_get_config (tunnel);

  if (!self->profile_path)
    return;
  nm_connection_add_setting (self->profile, ip_setting (AF_INET, config));
  nm_connection_add_setting (self->profile, ip_setting (AF_INET6, config));
  /* Update2 alone would reapply some things by itself; we want exactly one Reapply, after it. */
  update_profile (self, on_updated, g_object_ref (self));
}

/* --- down ---------------------------------------------------------------------------------- */

static gboolean
link_gone_yet (gpointer data)
{
  GTask *task = data;
  const char *ifname = scope_tunnel_get_config (g_task_get_source_object (task))->ifname;
  int tries = GPOINTER_TO_INT (g_task_get_task_data (task));

  if (scope_link_exists (ifname) && tries < DELETE_WAIT_TRIES)
    {
      g_task_set_task_data (task, GINT_TO_POINTER (tries + 1), NULL);
      return G_SOURCE_CONTINUE;
    }
  if (tries == DELETE_WAIT_TRIES)
    g_task_return_new_error (task, SCOPE_ERROR, SCOPE_ERROR_FAILED, "interface %s is still there", ifname);
  else
    g_task_return_boolean (task, TRUE);
  return G_SOURCE_REMOVE;
}

static void
on_deleted (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  /* Already gone is what we want: a volatile profile vanishes by itself. */
  if (!reply && !g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD) &&
      !g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT))
    g_warning ("cannot delete the tunnel profile: %s", error->message);
  g_timeout_add_full (G_PRIORITY_DEFAULT, DELETE_WAIT_MS, link_gone_yet, task, g_object_unref);
}

static void
scope_tunnel_kernel_down (ScopeTunnel *tunnel, GTask *task)
{
  ScopeTunnelKernel *self = SCOPE_TUNNEL_KERNEL (tunnel);

  if (self->state_id)
    g_dbus_connection_signal_unsubscribe (self->bus, self->state_id);
  self->state_id = 0;
  if (!self->profile_path)
    {
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
      return;
    }
  nm_call (self, self->profile_path, NM_SETTINGS_CONNECTION_INTERFACE, "Delete", NULL, NULL, on_deleted, task);
}

static void
scope_tunnel_kernel_dispose (GObject *object)
{
  ScopeTunnelKernel *self = SCOPE_TUNNEL_KERNEL (object);

  if (self->state_id)
    g_dbus_connection_signal_unsubscribe (self->bus, self->state_id);
  self->state_id = 0;
  g_clear_object (&self->profile);
  g_clear_pointer (&self->profile_path, g_free);
  g_clear_pointer (&self->active_path, g_free);
  g_clear_object (&self->bus);
  G_OBJECT_CLASS (scope_tunnel_kernel_parent_class)->dispose (object);
}

static void
scope_tunnel_kernel_init (ScopeTunnelKernel *self)
{
}

static void
scope_tunnel_kernel_class_init (ScopeTunnelKernelClass *class)
{
  ScopeTunnelClass *tunnel_class = SCOPE_TUNNEL_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = scope_tunnel_kernel_dispose;
  tunnel_class->up = scope_tunnel_kernel_up;
  tunnel_class->down = scope_tunnel_kernel_down;
  tunnel_class->set_routes = scope_tunnel_kernel_set_routes;
}
