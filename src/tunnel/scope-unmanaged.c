/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-unmanaged.h"

#include <gio/gio.h>

#define NM "org.freedesktop.NetworkManager"
#define NM_PATH "/org/freedesktop/NetworkManager"
#define PATIENCE_MS 5000

struct _ScopeUnmanaged {
  char *ifname;
  GCancellable *cancellable;
  GDBusConnection *bus;
  guint signal_id;
  gboolean asking;
  gboolean again; /* a device came while we asked */
  guint patience_id;
  void (*settled) (gpointer data);
  gpointer data;
};

static void ask (ScopeUnmanaged *self);

static void
stop_listening (ScopeUnmanaged *self)
{
  if (self->signal_id)
    g_dbus_connection_signal_unsubscribe (self->bus, self->signal_id);
  self->signal_id = 0;
}

static void
settle (ScopeUnmanaged *self)
{
  void (*settled) (gpointer data) = self->settled;

  g_clear_handle_id (&self->patience_id, g_source_remove);
  self->settled = NULL;
  if (settled)
    settled (self->data);
}

static gboolean
on_patience_over (gpointer data)
{
  ScopeUnmanaged *self = data;

  self->patience_id = 0;
  settle (self);
  return G_SOURCE_REMOVE;
}

static void
on_set (GObject *bus, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (bus), result, &error);

  if (!answer && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (!answer)
    g_debug ("NetworkManager shows the interface as a connection of its own: %s", error->message);
  settle (data);
}

static void
on_device (GObject *bus, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (bus), result, &error);
  ScopeUnmanaged *self = data;
  const char *path;

  if (!answer && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  self->asking = FALSE;
  if (!answer)
    {
      if (self->again)
        ask (self);
      return;
    }
  stop_listening (self);
  g_variant_get (answer, "(&o)", &path);
  g_dbus_connection_call (self->bus, NM, path, "org.freedesktop.DBus.Properties", "Set",
                          g_variant_new ("(ssv)", NM ".Device", "Managed", g_variant_new_boolean (FALSE)), NULL,
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, self->cancellable, on_set, self);
}

static void
ask (ScopeUnmanaged *self)
{
  self->again = self->asking;
  if (self->asking)
    return;
  self->asking = TRUE;
  g_dbus_connection_call (self->bus, NM, NM_PATH, NM, "GetDeviceByIpIface", g_variant_new ("(s)", self->ifname),
                          G_VARIANT_TYPE ("(o)"), G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, self->cancellable, on_device, self);
}

static void
on_device_added (GDBusConnection *bus, const char *sender, const char *path, const char *interface, const char *signal,
                 GVariant *arguments, gpointer data)
{
  ask (data);
}

static void
on_bus (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *bus = g_bus_get_finish (result, &error);
  ScopeUnmanaged *self = data;

  if (!bus)
    {
      if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        g_debug ("the system bus: %s", error->message);
      return;
    }
  self->bus = bus;
  self->signal_id = g_dbus_connection_signal_subscribe (bus, NM, NM, "DeviceAdded", NM_PATH, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
                                                        on_device_added, self, NULL);
  ask (self);
}

ScopeUnmanaged *
scope_unmanaged_new (const char *ifname, void (*settled) (gpointer data), gpointer data)
{
  ScopeUnmanaged *self = g_new0 (ScopeUnmanaged, 1);

  self->ifname = g_strdup (ifname);
  self->settled = settled;
  self->data = data;
  self->patience_id = g_timeout_add (PATIENCE_MS, on_patience_over, self);
  self->cancellable = g_cancellable_new ();
  g_bus_get (G_BUS_TYPE_SYSTEM, self->cancellable, on_bus, self);
  return self;
}

void
scope_unmanaged_free (ScopeUnmanaged *self)
{
  g_clear_handle_id (&self->patience_id, g_source_remove);
  g_cancellable_cancel (self->cancellable);
  stop_listening (self);
  g_clear_object (&self->bus);
  g_clear_object (&self->cancellable);
  g_free (self->ifname);
  g_free (self);
}
