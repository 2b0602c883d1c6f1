/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/scope-control.h"

struct _ScopeControl {
  GDBusConnection *bus;
  const ScopeControlCalls *calls;
  gpointer data;
  GDBusNodeInfo *info;
  guint id;
};

static const char xml[] = "<node>"
                          "<interface name='" SCOPE_CONTROL_INTERFACE "'>"
                          "<method name='GetStatus'><arg name='json' type='s' direction='out'/></method>"
                          "<method name='Rotate'><arg name='hurry' type='b' direction='in'/></method>"
                          "</interface>"
                          "</node>";

/* Who may call is the bus's matter: nm-scope-service.conf lets root only. */
static void
on_call (GDBusConnection *bus, const char *sender, const char *path, const char *interface, const char *method,
         GVariant *arguments, GDBusMethodInvocation *invocation, gpointer data)
{
  ScopeControl *self = data;

  gboolean hurry = FALSE;

  if (g_str_equal (method, "Rotate"))
    g_variant_get (arguments, "(b)", &hurry);
  if (g_str_equal (method, "GetStatus"))
    {
      g_autofree char *status = self->calls->status (self->data);

      g_dbus_method_invocation_return_value (invocation, g_variant_new ("(s)", status));
    }
  else if (self->calls->rotate (hurry, self->data))
    g_dbus_method_invocation_return_value (invocation, NULL);
  else
    g_dbus_method_invocation_return_error_literal (invocation, G_DBUS_ERROR, G_DBUS_ERROR_NOT_SUPPORTED,
                                                   "this connection has no keys to rotate: it is not up, or 0.0.x");
}

ScopeControl *
scope_control_new (GDBusConnection *bus, const ScopeControlCalls *calls, gpointer data, GError **error)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_call };
  ScopeControl *self = g_new0 (ScopeControl, 1);

  self->bus = g_object_ref (bus);
  self->calls = calls;
  self->data = data;
  self->info = g_dbus_node_info_new_for_xml (xml, NULL);
  self->id = g_dbus_connection_register_object (bus, SCOPE_CONTROL_PATH, self->info->interfaces[0], &vtable, self, NULL,
                                                error);
  if (!self->id)
    g_clear_pointer (&self, scope_control_free);
  return self;
}

void
scope_control_free (ScopeControl *self)
{
  if (self->id)
    g_dbus_connection_unregister_object (self->bus, self->id);
  g_dbus_node_info_unref (self->info);
  g_object_unref (self->bus);
  g_free (self);
}
