/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/scope-base-watch.h"

#include <NetworkManager.h>

#define PROPERTIES "org.freedesktop.DBus.Properties"

struct _ScopeBaseWatch {
  GDBusConnection *bus;
  ScopeBaseChanged changed;
  gpointer data;
  GCancellable *cancellable;
  guint signal_id;
  char *primary; /* NULL until known */
};

static void
set_primary (ScopeBaseWatch *self, const char *path)
{
  gboolean first = self->primary == NULL;

  if (g_str_equal (path, "/") || g_strcmp0 (path, self->primary) == 0)
    return;
  g_free (self->primary);
  self->primary = g_strdup (path);
  if (!first)
    self->changed (self->data);
}

static void
on_properties (GDBusConnection *bus, const char *sender, const char *path, const char *interface, const char *signal,
               GVariant *args, gpointer data)
{
  g_autoptr (GVariant) properties = NULL;
  const char *primary;

  if (!g_variant_is_of_type (args, G_VARIANT_TYPE ("(sa{sv}as)")))
    return;
  properties = g_variant_get_child_value (args, 1);
  if (g_variant_lookup (properties, "PrimaryConnection", "&o", &primary))
    set_primary (data, primary);
}

static void
on_got (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  g_autoptr (GVariant) value = NULL;
  ScopeBaseWatch *self = data;

  if (!reply) /* cancelled: the watch is gone; else the signal will tell */
    return;
  g_variant_get (reply, "(v)", &value);
  if (!self->primary && g_variant_is_of_type (value, G_VARIANT_TYPE_OBJECT_PATH))
    set_primary (self, g_variant_get_string (value, NULL));
}

ScopeBaseWatch *
scope_base_watch_new (GDBusConnection *bus, ScopeBaseChanged changed, gpointer data)
{
  ScopeBaseWatch *self = g_new0 (ScopeBaseWatch, 1);

  self->bus = g_object_ref (bus);
  self->changed = changed;
  self->data = data;
  self->cancellable = g_cancellable_new ();
  self->signal_id = g_dbus_connection_signal_subscribe (bus, NM_DBUS_SERVICE, PROPERTIES, "PropertiesChanged",
                                                        NM_DBUS_PATH, NM_DBUS_INTERFACE, G_DBUS_SIGNAL_FLAGS_NONE,
                                                        on_properties, self, NULL);
  g_dbus_connection_call (bus, NM_DBUS_SERVICE, NM_DBUS_PATH, PROPERTIES, "Get",
                          g_variant_new ("(ss)", NM_DBUS_INTERFACE, "PrimaryConnection"), G_VARIANT_TYPE ("(v)"),
                          G_DBUS_CALL_FLAGS_NONE, -1, self->cancellable, on_got, self);
  return self;
}

void
scope_base_watch_free (ScopeBaseWatch *self)
{
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  g_dbus_connection_signal_unsubscribe (self->bus, self->signal_id);
  g_object_unref (self->bus);
  g_free (self->primary);
  g_free (self);
}
