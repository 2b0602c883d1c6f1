/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "ctl/ctl-service.h"

#include "common/scope-error.h"
#include "common/scope-json.h"
#include "common/scope-settings.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define ROOM "/org/freedesktop/NetworkManager/scope/"
#define PREFIX "org.freedesktop.NetworkManager.scope."
#define STATUS_MAX (32 * 1024 * 1024)

void
ctl_service_free (CtlService *service)
{
  g_clear_object (&service->bus);
  g_free (service->name);
  g_clear_pointer (&service->status, json_object_unref);
  g_free (service);
}

static GVariant *
call (const CtlService *service, const char *object, const char *method, GVariant *arguments, const char *denied,
      GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autofree char *path = g_strconcat (ROOM, object, NULL);
  g_autofree char *interface = g_strconcat (PREFIX, object, NULL);
  GVariant *answer = g_dbus_connection_call_sync (service->bus, service->name, path, interface, method, arguments, NULL,
                                                  G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, &why);

  if (answer)
    return answer;
  g_dbus_error_strip_remote_error (why);
  if (g_error_matches (why, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED))
    g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_DENIED, denied);
  else if (g_error_matches (why, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
           g_error_matches (why, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER) ||
           g_error_matches (why, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY))
    g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_GONE, _ ("the connection went down"));
  else if (g_error_matches (why, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD) ||
           g_error_matches (why, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_INTERFACE) ||
           g_error_matches (why, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT)) /* the service has its name, and no more yet */
    g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_GONE, _ ("the connection is coming up"));
  else
    g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, why->message);
  return NULL;
}

GVariant *
ctl_service_call (const CtlService *service, const char *method, GVariant *arguments, GError **error)
{
  return call (service, "Control", method, arguments, _ ("only root may ask the service"), error);
}

static char **
list_names (GDBusConnection *bus, GError **error)
{
  g_autoptr (GVariant) answer =
      g_dbus_connection_call_sync (bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                   "ListNames", NULL, G_VARIANT_TYPE ("(as)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, error);
  char **names = NULL;

  if (answer)
    g_variant_get (answer, "(^as)", &names);
  return names;
}

gboolean
ctl_service_refresh (CtlService *service, GError **error)
{
  g_autoptr (GVariant) answer = call (service, "Network", "GetStatus", NULL,
                                      _ ("the connection is not this user's; root may ask"), error);
  const char *text;

  g_clear_pointer (&service->status, json_object_unref);
  if (!answer)
    return FALSE;
  if (!g_variant_is_of_type (answer, G_VARIANT_TYPE ("(s)")))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, _ ("%s does not answer as the service does"), service->name);
      return FALSE;
    }
  g_variant_get (answer, "(&s)", &text);
  service->status = scope_json_parse_object (text, strlen (text), STATUS_MAX, error);
  if (service->status && !json_object_has_member (service->status, "network"))
    {
      g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_GONE, _ ("the connection went down"));
      return FALSE;
    }
  return service->status != NULL;
}

/* --- watching --- */

typedef struct {
  void (*func) (gpointer data);
  gpointer data;
} Watch;

static void
on_signal (GDBusConnection *bus, const char *sender, const char *path, const char *interface, const char *signal,
           GVariant *arguments, gpointer data)
{
  const Watch *watch = data;

  watch->func (watch->data);
}

void
ctl_services_watch (GDBusConnection *bus, void (*func) (gpointer data), gpointer data)
{
  Watch *changes = g_new (Watch, 1), *names = g_new (Watch, 1);

  *changes = *names = (Watch){ func, data };
  g_dbus_connection_signal_subscribe (bus, NULL, "org.freedesktop.DBus.Properties", "PropertiesChanged", ROOM "Network",
                                      PREFIX "Network", G_DBUS_SIGNAL_FLAGS_NONE, on_signal, changes, g_free);
  g_dbus_connection_signal_subscribe (bus, "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged",
                                      "/org/freedesktop/DBus", SCOPE_NM_SERVICE, G_DBUS_SIGNAL_FLAGS_MATCH_ARG0_NAMESPACE,
                                      on_signal, names, g_free);
}

/* --- all of them --- */

GPtrArray *
ctl_services_find (const char *network, GError **error)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func ((GDestroyNotify) ctl_service_free);
  g_autoptr (GError) why = NULL;
  g_autoptr (GDBusConnection) bus = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, &why);
  g_auto (GStrv) names = bus ? list_names (bus, &why) : NULL;
  gboolean denied = FALSE;

  if (!names)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, _ ("the system bus: %s"), why->message);
      return NULL;
    }
  for (char **name = names; *name; name++)
    {
      g_autoptr (CtlService) service = NULL;

      if (!g_str_has_prefix (*name, SCOPE_NM_SERVICE))
        continue;
      service = g_new0 (CtlService, 1);
      service->bus = g_object_ref (bus);
      service->name = g_strdup (*name);
      if (!ctl_service_refresh (service, &why))
        {
          if (scope_err_denied (why))
            denied = TRUE;
          else if (!scope_err_gone (why))
            {
              g_propagate_error (error, g_steal_pointer (&why));
              return NULL;
            }
          g_clear_error (&why);
          continue;
        }
      if (!network || g_strcmp0 (scope_json_get_string (service->status, "network"), network) == 0)
        g_ptr_array_add (found, g_steal_pointer (&service));
    }
  if (found->len)
    return g_steal_pointer (&found);
  if (denied)
    g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_DENIED,
                         _ ("what is up on this machine is not this user's; root may ask"));
  else if (network)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_GONE, _ ("no connection of network “%s” is up on this machine"), network);
  else
    g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_GONE, _ ("no connection is up on this machine"));
  return NULL;
}
