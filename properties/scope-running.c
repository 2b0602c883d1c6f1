/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "scope-running.h"

#include "common/scope-json.h"
#include "common/scope-settings.h"

#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include <string.h>

#define PATH "/org/freedesktop/NetworkManager/scope/Network"
#define INTERFACE "org.freedesktop.NetworkManager.scope.Network"
#define CALL_MS 3000
#define STATUS_MAX (32 * 1024 * 1024)

static JsonObject *
status_of (GDBusConnection *bus, const char *name, gboolean *denied)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_sync (bus, name, PATH, INTERFACE, "GetStatus", NULL,
                                                             G_VARIANT_TYPE ("(s)"), G_DBUS_CALL_FLAGS_NO_AUTO_START,
                                                             CALL_MS, NULL, &why);
  const char *text;

  if (!answer)
    {
      *denied |= g_error_matches (why, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED);
      return NULL;
    }
  g_variant_get (answer, "(&s)", &text);
  return scope_json_parse_object (text, strlen (text), STATUS_MAX, NULL);
}

JsonObject *
scope_running_status (const char *network, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (GDBusConnection) bus = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, &why);
  g_autoptr (GVariant) answer = NULL;
  g_auto (GStrv) names = NULL;
  gboolean denied = FALSE;

  if (bus)
    answer = g_dbus_connection_call_sync (bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                          "ListNames", NULL, G_VARIANT_TYPE ("(as)"), G_DBUS_CALL_FLAGS_NONE, CALL_MS,
                                          NULL, &why);
  if (!answer)
    {
      g_set_error (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_FAILED, _ ("the system bus: %s"), why->message);
      return NULL;
    }
  g_variant_get (answer, "(^as)", &names);
  for (char **name = names; *name; name++)
    {
      g_autoptr (JsonObject) status = g_str_has_prefix (*name, SCOPE_NM_SERVICE) ? status_of (bus, *name, &denied) : NULL;

      if (status && g_strcmp0 (scope_json_get_string (status, "network"), network) == 0)
        return g_steal_pointer (&status);
    }
  g_set_error_literal (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_FAILED,
                       denied ? _ ("who is in the network is known to the connection that is up, which is not this user's; root may ask")
                              : _ ("who is in the network is known only while the connection is up: activate it first, "
                                   "or export to a file NAME.scope"));
  return NULL;
}
