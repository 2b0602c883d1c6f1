/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/scope-secret-service.h"

#include <gio/gio.h>

#define BUS_NAME "org.freedesktop.secrets"
#define TIMEOUT_MS 5000

static gboolean
bus_has (GDBusConnection *bus, const char *method)
{
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                                            "org.freedesktop.DBus", method, NULL, G_VARIANT_TYPE ("(as)"),
                                                            G_DBUS_CALL_FLAGS_NONE, TIMEOUT_MS, NULL, NULL);
  g_autofree const char **names = NULL;

  if (reply)
    g_variant_get (reply, "(^a&s)", &names);
  return names && g_strv_contains (names, BUS_NAME);
}

gboolean
scope_secret_service_there (void)
{
  const char *runtime = g_getenv ("XDG_RUNTIME_DIR");
  g_autofree char *path = runtime ? g_build_filename (runtime, "bus", NULL) : NULL;
  g_autoptr (GDBusConnection) bus = NULL;

  /* Without either GLib would try to start a bus (dbus-launch). */
  if (!g_getenv ("DBUS_SESSION_BUS_ADDRESS") && !(path && g_file_test (path, G_FILE_TEST_EXISTS)))
    return FALSE;
  bus = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, NULL);
  return bus && (bus_has (bus, "ListNames") || bus_has (bus, "ListActivatableNames"));
}
