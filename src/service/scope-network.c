/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/scope-network.h"

#include "common/scope-json.h"
#include "service/scope-network-state.h"

#include <string.h>

#define PROPERTIES "org.freedesktop.DBus.Properties"
#define STATUS_MAX (64 * 1024 * 1024)
#define GATHER_MS 20    /* what changes together */
#define PAUSE_MS 250    /* between two signals */
#define SETTLED_MS 3000 /* what has no news of its own: keys that are confirmed, endpoints that WireGuard found */

struct _ScopeNetwork {
  GDBusConnection *bus;
  const ScopeNetworkCalls *calls;
  gpointer data;
  GDBusNodeInfo *info;
  guint id;
  GCancellable *cancellable;
  GVariant *read; /* what the first one who read since the last signal has got; NULL: nobody waits for a signal */
  gint64 told;    /* monotonic, µs */
  guint check_id;
  guint settled_id;
};

#define PROPERTY(name, type) "<property name='" name "' type='" type "' access='read'/>"

static const char xml[] = "<node>"
                          "<interface name='" SCOPE_NETWORK_INTERFACE "'>"
                          "<annotation name='org.freedesktop.DBus.Property.EmitsChangedSignal' value='invalidates'/>"
                          "<method name='GetStatus'><arg name='json' type='s' direction='out'/></method>"
                          PROPERTY ("Network", "s")
                          PROPERTY ("Interface", "s")
                          PROPERTY ("Registry", "b")
                          PROPERTY ("Role", "s")
                          PROPERTY ("Nat", "s")
                          PROPERTY ("Attachment", "s")
                          PROPERTY ("Peers", "aa{sv}")
                          "</interface>"
                          "</node>";

static GVariant *
state_of (const char *status)
{
  g_autoptr (JsonObject) object = scope_json_parse_object (status, strlen (status), STATUS_MAX, NULL);
  g_autoptr (JsonObject) none = json_object_new ();

  return scope_network_state_new (object ? object : none);
}

static GVariant *
state_now (ScopeNetwork *self)
{
  g_autofree char *status = self->calls->describe (self->data);

  return state_of (status);
}

/* --- changes ------------------------------------------------------------------------------- */

static void
forget (ScopeNetwork *self)
{
  g_clear_pointer (&self->read, g_variant_unref);
  g_clear_handle_id (&self->check_id, g_source_remove);
  g_clear_handle_id (&self->settled_id, g_source_remove);
}

static void
check (ScopeNetwork *self)
{
  g_autoptr (GVariant) now = state_now (self);
  g_auto (GStrv) names = scope_network_state_diff (self->read, now);

  if (!*names)
    return;
  forget (self);
  self->told = g_get_monotonic_time ();
  g_dbus_connection_emit_signal (self->bus, NULL, SCOPE_NETWORK_PATH, PROPERTIES, "PropertiesChanged",
                                 g_variant_new ("(sa{sv}^as)", SCOPE_NETWORK_INTERFACE, NULL, names), NULL);
}

static gboolean
on_check (gpointer data)
{
  ScopeNetwork *self = data;

  self->check_id = 0;
  check (self);
  return G_SOURCE_REMOVE;
}

static gboolean
on_settled (gpointer data)
{
  ScopeNetwork *self = data;

  self->settled_id = 0;
  check (self);
  return G_SOURCE_REMOVE;
}

static void
check_soon (ScopeNetwork *self)
{
  gint64 rest = PAUSE_MS - (g_get_monotonic_time () - self->told) / 1000;

  if (!self->check_id)
    self->check_id = g_timeout_add (self->told ? MAX (rest, GATHER_MS) : GATHER_MS, on_check, self);
}

void
scope_network_news (ScopeNetwork *self)
{
  if (!self->read)
    return;
  check_soon (self);
  g_clear_handle_id (&self->settled_id, g_source_remove);
  self->settled_id = g_timeout_add (SETTLED_MS, on_settled, self);
}

/* Who has read before is still to hear of what has changed since. */
static void
note_read (ScopeNetwork *self, GVariant *state)
{
  if (!self->read)
    {
      self->read = g_variant_ref (state);
      scope_network_news (self); /* what this reader came too early for */
    }
  else if (!g_variant_equal (self->read, state))
    check_soon (self);
}

/* --- calls --------------------------------------------------------------------------------- */

static void
answer (ScopeNetwork *self, GDBusMethodInvocation *invocation)
{
  const char *method = g_dbus_method_invocation_get_method_name (invocation);
  GVariant *arguments = g_dbus_method_invocation_get_parameters (invocation);
  g_autofree char *status = self->calls->describe (self->data);
  g_autoptr (GVariant) state = state_of (status);

  note_read (self, state);
  if (g_str_equal (method, "GetStatus"))
    g_dbus_method_invocation_return_value (invocation, g_variant_new ("(s)", status));
  else if (g_str_equal (method, "GetAll"))
    g_dbus_method_invocation_return_value (invocation, g_variant_new ("(@a{sv})", state));
  else
    {
      const char *name;
      g_autoptr (GVariant) value = NULL;

      g_variant_get (arguments, "(&s&s)", NULL, &name); /* GDBus has checked that there is one */
      value = g_variant_lookup_value (state, name, NULL);
      g_dbus_method_invocation_return_value (invocation, g_variant_new ("(v)", value));
    }
}

static void
refuse (GDBusMethodInvocation *invocation)
{
  g_dbus_method_invocation_return_error_literal (invocation, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED,
                                                 "the connection is not this user's (connection.permissions)");
}

typedef struct {
  ScopeNetwork *network; /* not to be touched once it is cancelled */
  GDBusMethodInvocation *invocation;
} Question;

static void
on_user (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Question *question = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  guint32 uid;

  if (!reply) /* it has left the bus, or we are going */
    {
      refuse (question->invocation);
      return;
    }
  g_variant_get (reply, "(u)", &uid);
  if (uid == 0 || question->network->calls->may_read (uid, question->network->data))
    answer (question->network, question->invocation);
  else
    refuse (question->invocation);
}

/* Also for Get and GetAll of the properties: there is no get_property() below. */
static void
on_call (GDBusConnection *bus, const char *sender, const char *path, const char *interface, const char *method,
         GVariant *arguments, GDBusMethodInvocation *invocation, gpointer data)
{
  ScopeNetwork *self = data;
  Question *question = g_new (Question, 1);

  *question = (Question){ self, invocation };
  g_dbus_connection_call (bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                          "GetConnectionUnixUser", g_variant_new ("(s)", sender), G_VARIANT_TYPE ("(u)"),
                          G_DBUS_CALL_FLAGS_NONE, -1, self->cancellable, on_user, question);
}

/* --- life ---------------------------------------------------------------------------------- */

ScopeNetwork *
scope_network_new (GDBusConnection *bus, const ScopeNetworkCalls *calls, gpointer data, GError **error)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_call };
  ScopeNetwork *self = g_new0 (ScopeNetwork, 1);

  self->bus = g_object_ref (bus);
  self->calls = calls;
  self->data = data;
  self->cancellable = g_cancellable_new ();
  self->info = g_dbus_node_info_new_for_xml (xml, NULL);
  self->id = g_dbus_connection_register_object (bus, SCOPE_NETWORK_PATH, self->info->interfaces[0], &vtable, self, NULL,
                                                error);
  if (!self->id)
    g_clear_pointer (&self, scope_network_free);
  return self;
}

void
scope_network_free (ScopeNetwork *self)
{
  g_cancellable_cancel (self->cancellable);
  forget (self);
  if (self->id)
    g_dbus_connection_unregister_object (self->bus, self->id);
  g_dbus_node_info_unref (self->info);
  g_object_unref (self->cancellable);
  g_object_unref (self->bus);
  g_free (self);
}
