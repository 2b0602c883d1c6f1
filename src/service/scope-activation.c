/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/scope-activation.h"

#include <NetworkManager.h>
#include <string.h>

#define NAME_MARK ".Connection_"

struct _ScopeActivation {
  GDBusConnection *bus;
  ScopeActivationEnded ended; /* NULL when it has been called */
  gpointer data;
  GCancellable *cancellable;
  guint signal_id;
  guint name_id;
};

static void
end (ScopeActivation *self)
{
  ScopeActivationEnded ended = g_steal_pointer (&self->ended);

  if (ended)
    ended (self->data);
}

static void
take_state (ScopeActivation *self, guint32 state)
{
  if (state == NM_ACTIVE_CONNECTION_STATE_DEACTIVATING || state == NM_ACTIVE_CONNECTION_STATE_DEACTIVATED)
    end (self);
}

static void
on_state (GDBusConnection *bus, const char *sender, const char *path, const char *interface, const char *signal,
          GVariant *args, gpointer data)
{
  guint32 state;

  if (!g_variant_is_of_type (args, G_VARIANT_TYPE ("(uu)")))
    return;
  g_variant_get (args, "(uu)", &state, NULL);
  take_state (data, state);
}

static void
on_got (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  g_autoptr (GVariant) value = NULL;
  ScopeActivation *self = data;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (!reply) /* it has ended, and NetworkManager has forgotten it */
    {
      end (self);
      return;
    }
  g_variant_get (reply, "(v)", &value);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT32))
    take_state (self, g_variant_get_uint32 (value));
}

static void
on_vanished (GDBusConnection *bus, const char *name, gpointer data)
{
  end (data);
}

/* NULL for a name that is not one of an active connection */
static char *
active_path (const char *bus_name)
{
  const char *number = strstr (bus_name, NAME_MARK);
  g_autofree char *path =
      number ? g_strdup_printf (NM_DBUS_PATH "/ActiveConnection/%s", number + strlen (NAME_MARK)) : NULL;

  return path && g_variant_is_object_path (path) ? g_steal_pointer (&path) : NULL;
}

gboolean
scope_activation_deactivate (GDBusConnection *bus, const char *bus_name)
{
  g_autofree char *path = active_path (bus_name);

  if (!path)
    return FALSE;
  g_dbus_connection_call (bus, NM_DBUS_SERVICE, NM_DBUS_PATH, NM_DBUS_INTERFACE, "DeactivateConnection",
                          g_variant_new ("(o)", path), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
  return TRUE;
}

ScopeActivation *
scope_activation_new (GDBusConnection *bus, const char *bus_name, ScopeActivationEnded ended, gpointer data)
{
  g_autofree char *path = active_path (bus_name);
  ScopeActivation *self;

  if (!path)
    return NULL;

  self = g_new0 (ScopeActivation, 1);
  self->bus = g_object_ref (bus);
  self->ended = ended;
  self->data = data;
  self->cancellable = g_cancellable_new ();
  self->name_id = g_bus_watch_name_on_connection (bus, NM_DBUS_SERVICE, G_BUS_NAME_WATCHER_FLAGS_NONE, NULL, on_vanished,
                                                  self, NULL);
  /* First listen, then ask: nothing falls between. */
  self->signal_id = g_dbus_connection_signal_subscribe (bus, NM_DBUS_SERVICE, NM_DBUS_INTERFACE ".Connection.Active",
                                                        "StateChanged", path, NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_state,
                                                        self, NULL);
  g_dbus_connection_call (bus, NM_DBUS_SERVICE, path, "org.freedesktop.DBus.Properties", "Get",
                          g_variant_new ("(ss)", NM_DBUS_INTERFACE ".Connection.Active", "State"), G_VARIANT_TYPE ("(v)"),
                          G_DBUS_CALL_FLAGS_NONE, -1, self->cancellable, on_got, self);
  return self;
}

void
scope_activation_free (ScopeActivation *self)
{
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  g_dbus_connection_signal_unsubscribe (self->bus, self->signal_id);
  g_bus_unwatch_name (self->name_id);
  g_object_unref (self->bus);
  g_free (self);
}
