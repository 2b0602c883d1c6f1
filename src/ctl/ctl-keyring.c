/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "ctl/ctl-keyring.h"

#include "common/scope-key.h"

#include <glib/gi18n-lib.h>
#include <libsecret/secret.h>

#define BUS_NAME "org.freedesktop.secrets"

static const SecretSchema schema = {
  "org.freedesktop.NetworkManager.scope.Root",
  SECRET_SCHEMA_NONE,
  { { "network", SECRET_SCHEMA_ATTRIBUTE_STRING }, { "fingerprint", SECRET_SCHEMA_ATTRIBUTE_STRING }, { NULL, 0 } },
};

static gboolean
bus_has (GDBusConnection *bus, const char *method, const char *name)
{
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                                            "org.freedesktop.DBus", method, NULL, G_VARIANT_TYPE ("(as)"),
                                                            G_DBUS_CALL_FLAGS_NONE, 5000, NULL, NULL);
  g_autofree const char **names = NULL;

  if (reply)
    g_variant_get (reply, "(^a&s)", &names);
  return names && g_strv_contains (names, name);
}

gboolean
ctl_keyring_there (void)
{
  const char *runtime = g_getenv ("XDG_RUNTIME_DIR");
  g_autofree char *path = runtime ? g_build_filename (runtime, "bus", NULL) : NULL;
  g_autoptr (GDBusConnection) bus = NULL;

  /* Without either GLib would try to start a bus (dbus-launch). */
  if (!g_getenv ("DBUS_SESSION_BUS_ADDRESS") && !(path && g_file_test (path, G_FILE_TEST_EXISTS)))
    return FALSE;
  bus = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, NULL);
  return bus && (bus_has (bus, "ListNames", BUS_NAME) || bus_has (bus, "ListActivatableNames", BUS_NAME));
}

char *
ctl_keyring_lookup (const char *network, const char *fingerprint)
{
  char *found = secret_password_lookup_sync (&schema, NULL, NULL, "network", network, "fingerprint", fingerprint, NULL);
  char *copy = g_strdup (found);

  secret_password_free (found);
  return copy;
}

gboolean
ctl_keyring_store (const char *network, const char *fingerprint, const char *passphrase, GError **error)
{
  g_autofree char *label = g_strdup_printf (_ ("Root key of the Scope network “%s”"), network);

  return secret_password_store_sync (&schema, SECRET_COLLECTION_DEFAULT, label, passphrase, NULL, error, "network",
                                     network, "fingerprint", fingerprint, NULL);
}
