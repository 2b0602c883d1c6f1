/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-tunnel-attached.h"

#include "tunnel/scope-link.h"

#include <NetworkManager.h>

#define PROPERTIES "org.freedesktop.DBus.Properties"

struct _ScopeTunnelAttached {
  ScopeTunnel parent_instance;

  GDBusConnection *bus;
  char *wireguard;
  char *id;     /* of the connection, for people */
  char *ifname; /* what its profile says */
  GTask *up;
  ScopeKey pub;
};

#define SCOPE_TYPE_TUNNEL_ATTACHED (scope_tunnel_attached_get_type ())
G_DECLARE_FINAL_TYPE (ScopeTunnelAttached, scope_tunnel_attached, SCOPE, TUNNEL_ATTACHED, ScopeTunnel)
G_DEFINE_FINAL_TYPE (ScopeTunnelAttached, scope_tunnel_attached, SCOPE_TYPE_TUNNEL_OBJECT)

static ScopeTunnelConfig *
make_config (const char *ifname, guint16 listen_port)
{
  ScopeTunnelConfig *config = g_new0 (ScopeTunnelConfig, 1);

  config->ifname = g_strdup (ifname);
  config->listen_port = listen_port;
  config->addresses = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  config->routes = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  return config;
}

ScopeTunnel *
scope_tunnel_attached_new (GDBusConnection *bus, const char *wireguard)
{
  ScopeTunnelAttached *self = g_object_new (SCOPE_TYPE_TUNNEL_ATTACHED, NULL);

  self->bus = g_object_ref (bus);
  self->wireguard = g_strdup (wireguard);
  scope_tunnel_set_config (SCOPE_TUNNEL (self), make_config (NULL, 0));
  return SCOPE_TUNNEL (self);
}

const ScopeKey *
scope_tunnel_attached_get_key (ScopeTunnel *tunnel)
{
  return &SCOPE_TUNNEL_ATTACHED (tunnel)->pub;
}

/* --- up: the interface --------------------------------------------------------------------- */

static GError *wrong (ScopeError code, const char *format, ...) G_GNUC_PRINTF (2, 3);

static GError *
wrong (ScopeError code, const char *format, ...)
{
  g_autofree char *why = NULL;
  va_list args;

  va_start (args, format);
  why = g_strdup_vprintf (format, args);
  va_end (args);
  return g_error_new (SCOPE_ERROR, code, SCOPE_SETTING_WIREGUARD ": %s", why);
}

static void
up_finish (ScopeTunnelAttached *self, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->up);

  if (error)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
ignore_link (ScopeLinkWatch *watch, ScopeLinkState event, gpointer data)
{
}

/* NULL when everything is as it should be. */
static GError *
look_at (ScopeTunnelAttached *self, const char *ifname)
{
  GError *error = NULL;
  g_autoptr (ScopeLinkWatch) link = scope_link_watch_new (ifname, ignore_link, NULL, &error);
  g_autoptr (ScopeWgDevice) device = NULL;

  if (!link)
    return error;
  if (scope_link_watch_state (link) == SCOPE_LINK_GONE)
    return wrong (SCOPE_ERROR_GONE, "there is no interface %s: bring it up first", ifname);
  device = scope_wg_device_read (ifname, NULL, &error);
  if (!device && scope_err_gone (error))
    {
      g_clear_error (&error);
      return wrong (SCOPE_ERROR_INVALID, "interface %s is not WireGuard", ifname);
    }
  if (!device)
    return error;
  if (scope_link_watch_state (link) == SCOPE_LINK_DOWN)
    return wrong (SCOPE_ERROR_GONE, "interface %s is down: set it up first", ifname);
  if (scope_key_is_zero (&device->pub))
    return wrong (SCOPE_ERROR_INVALID, "interface %s has no private key", ifname);

  self->pub = device->pub;
  scope_tunnel_set_config (SCOPE_TUNNEL (self), make_config (ifname, device->listen_port));
  return NULL;
}

/* --- up: from a UUID to the interface ------------------------------------------------------ */

static void
nm_call (ScopeTunnelAttached *self, const char *path, const char *interface, const char *method, GVariant *args,
         const char *reply_type, GAsyncReadyCallback callback)
{
  g_dbus_connection_call (self->bus, NM_DBUS_SERVICE, path, interface, method, args, G_VARIANT_TYPE (reply_type),
                          G_DBUS_CALL_FLAGS_NONE, -1, g_task_get_cancellable (self->up), callback, g_object_ref (self));
}

/* The reply, or NULL when there is none: with @error (transfer full) the task ends, unless it was cancelled. */
static GVariant *
take_reply (ScopeTunnelAttached *self, GObject *source, GAsyncResult *result, GError *error)
{
  g_autoptr (GError) owned = error;
  GError *why = NULL;
  GVariant *reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &why);

  if (reply)
    return reply;
  if (g_dbus_error_is_remote_error (why))
    {
      g_debug ("NetworkManager: %s", why->message);
      g_error_free (why);
      why = g_steal_pointer (&owned);
    }
  up_finish (self, why);
  return NULL;
}

static GError *
inactive (ScopeTunnelAttached *self)
{
  return wrong (SCOPE_ERROR_GONE, "connection %s is not active: bring it up first", self->id);
}

static void
on_active (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopeTunnelAttached) self = data;
  g_autoptr (GVariant) reply = take_reply (self, source, result, inactive (self));
  g_autoptr (GVariant) properties = NULL;
  const char *uuid = "";
  guint32 state = NM_ACTIVE_CONNECTION_STATE_UNKNOWN;

  if (!reply)
    return;
  properties = g_variant_get_child_value (reply, 0);
  g_variant_lookup (properties, "Uuid", "&s", &uuid);
  g_variant_lookup (properties, "State", "u", &state);
  if (state == NM_ACTIVE_CONNECTION_STATE_ACTIVATED && g_str_equal (uuid, self->wireguard))
    up_finish (self, look_at (self, self->ifname));
  else
    up_finish (self, inactive (self));
}

static void
on_device_active (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopeTunnelAttached) self = data;
  g_autoptr (GVariant) reply = take_reply (self, source, result, inactive (self));
  g_autoptr (GVariant) value = NULL;

  if (!reply)
    return;
  g_variant_get (reply, "(v)", &value);
  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_OBJECT_PATH) || g_str_equal (g_variant_get_string (value, NULL), "/"))
    up_finish (self, inactive (self));
  else
    nm_call (self, g_variant_get_string (value, NULL), PROPERTIES, "GetAll",
             g_variant_new ("(s)", NM_DBUS_INTERFACE_ACTIVE_CONNECTION), "(a{sv})", on_active);
}

static void
on_device (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopeTunnelAttached) self = data;
  g_autoptr (GVariant) reply = take_reply (self, source, result, inactive (self));
  const char *path;

  if (!reply)
    return;
  g_variant_get (reply, "(&o)", &path);
  nm_call (self, path, PROPERTIES, "Get", g_variant_new ("(ss)", NM_DBUS_INTERFACE_DEVICE, "ActiveConnection"), "(v)",
           on_device_active);
}

static void
on_settings (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopeTunnelAttached) self = data;
  g_autoptr (GVariant) reply = take_reply (
      self, source, result, wrong (SCOPE_ERROR_INVALID, "connection %s cannot be read", self->wireguard));
  g_autoptr (GVariant) all = NULL, connection = NULL;
  const char *type = "", *id = self->wireguard;

  if (!reply)
    return;
  all = g_variant_get_child_value (reply, 0);
  connection = g_variant_lookup_value (all, NM_SETTING_CONNECTION_SETTING_NAME, G_VARIANT_TYPE_VARDICT);
  if (connection)
    {
      g_variant_lookup (connection, NM_SETTING_CONNECTION_TYPE, "&s", &type);
      g_variant_lookup (connection, NM_SETTING_CONNECTION_ID, "&s", &id);
      g_variant_lookup (connection, NM_SETTING_CONNECTION_INTERFACE_NAME, "s", &self->ifname);
    }
  self->id = g_strdup (id);
  if (!g_str_equal (type, NM_SETTING_WIREGUARD_SETTING_NAME) || !self->ifname)
    up_finish (self, wrong (SCOPE_ERROR_INVALID, "connection %s is not of type wireguard but %s", self->id, type));
  else
    nm_call (self, NM_DBUS_PATH, NM_DBUS_INTERFACE, "GetDeviceByIpIface", g_variant_new ("(s)", self->ifname), "(o)",
             on_device);
}

static void
on_connection (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopeTunnelAttached) self = data;
  g_autoptr (GVariant) reply = take_reply (
      self, source, result, wrong (SCOPE_ERROR_INVALID, "there is no connection with the UUID %s", self->wireguard));
  const char *path;

  if (!reply)
    return;
  g_variant_get (reply, "(&o)", &path);
  nm_call (self, path, NM_DBUS_INTERFACE_SETTINGS_CONNECTION, "GetSettings", NULL, "(a{sa{sv}})", on_settings);
}

static void
scope_tunnel_attached_up (ScopeTunnel *tunnel, GTask *task)
{
  ScopeTunnelAttached *self = SCOPE_TUNNEL_ATTACHED (tunnel);

  self->up = task;
  if (g_uuid_string_is_valid (self->wireguard))
    nm_call (self, NM_DBUS_PATH_SETTINGS, NM_DBUS_INTERFACE_SETTINGS, "GetConnectionByUuid",
             g_variant_new ("(s)", self->wireguard), "(o)", on_connection);
  else
    up_finish (self, look_at (self, self->wireguard));
}

/* --- while it is up ------------------------------------------------------------------------ */

static gboolean
on_rekeyed (gpointer data)
{
  ScopeTunnel *tunnel = data;

  scope_tunnel_emit_failed (tunnel, SCOPE_ERROR_GONE, "interface %s was given another private key",
                            scope_tunnel_get_config (tunnel)->ifname);
  return G_SOURCE_REMOVE;
}

static gboolean
scope_tunnel_attached_set_peers (ScopeTunnel *tunnel, const GPtrArray *wanted, GError **error)
{
  ScopeTunnelAttached *self = SCOPE_TUNNEL_ATTACHED (tunnel);
  const char *ifname = scope_tunnel_get_config (tunnel)->ifname;
  g_autoptr (ScopeWgDevice) device = scope_tunnel_read (tunnel, error);
  g_autoptr (GPtrArray) changes = NULL;

  if (!device)
    return FALSE;
  if (!scope_key_equal (&device->pub, &self->pub))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_GONE, "interface %s has another private key", ifname);
      /* Later: whoever calls us may not expect to be stopped from in here. */
      g_idle_add_full (G_PRIORITY_DEFAULT, on_rekeyed, g_object_ref (self), g_object_unref);
      return FALSE;
    }
  changes = scope_wg_diff_keys (device, wanted);
  return scope_tunnel_apply (tunnel, changes, error);
}

static void
scope_tunnel_attached_set_routes (ScopeTunnel *tunnel, const GArray *previous)
{
}

static void
scope_tunnel_attached_down (ScopeTunnel *tunnel, GTask *task)
{
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

static void
scope_tunnel_attached_dispose (GObject *object)
{
  ScopeTunnelAttached *self = SCOPE_TUNNEL_ATTACHED (object);

  g_clear_pointer (&self->wireguard, g_free);
  g_clear_pointer (&self->id, g_free);
  g_clear_pointer (&self->ifname, g_free);
  g_clear_object (&self->bus);
  G_OBJECT_CLASS (scope_tunnel_attached_parent_class)->dispose (object);
}

static void
scope_tunnel_attached_init (ScopeTunnelAttached *self)
{
}

static void
scope_tunnel_attached_class_init (ScopeTunnelAttachedClass *class)
{
  ScopeTunnelClass *tunnel_class = SCOPE_TUNNEL_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = scope_tunnel_attached_dispose;
  tunnel_class->up = scope_tunnel_attached_up;
  tunnel_class->down = scope_tunnel_attached_down;
  tunnel_class->set_routes = scope_tunnel_attached_set_routes;
  tunnel_class->set_peers = scope_tunnel_attached_set_peers;
}
