/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "ctl/ctl-service.h"

#include "common/scope-error.h"
#include "common/scope-json.h"
#include "common/scope-settings.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define PATH "/org/freedesktop/NetworkManager/scope/Control"
#define INTERFACE "org.freedesktop.NetworkManager.scope.Control"
#define STATUS_MAX (32 * 1024 * 1024)

void
ctl_service_free (CtlService *service)
{
  g_clear_object (&service->bus);
  g_free (service->name);
  g_clear_pointer (&service->status, json_object_unref);
  g_free (service);
}

GVariant *
ctl_service_call (const CtlService *service, const char *method, GVariant *arguments, GError **error)
{
  g_autoptr (GError) why = NULL;
  GVariant *answer = g_dbus_connection_call_sync (service->bus, service->name, PATH, INTERFACE, method, arguments, NULL,
                                                  G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, &why);

  if (answer)
    return answer;
  g_dbus_error_strip_remote_error (why);
  if (g_error_matches (why, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED))
    g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_DENIED, _ ("only root may ask the service"));
  else
    g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, why->message);
  return NULL;
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

static gboolean
ask (CtlService *service, GError **error)
{
  g_autoptr (GVariant) answer = ctl_service_call (service, "GetStatus", NULL, error);
  const char *text;

  if (!answer)
    return FALSE;
  if (!g_variant_is_of_type (answer, G_VARIANT_TYPE ("(s)")))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, _ ("%s does not answer as the service does"), service->name);
      return FALSE;
    }
  g_variant_get (answer, "(&s)", &text);
  service->status = scope_json_parse_object (text, strlen (text), STATUS_MAX, error);
  return service->status != NULL;
}

GPtrArray *
ctl_services_find (const char *network, GError **error)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func ((GDestroyNotify) ctl_service_free);
  g_autoptr (GError) why = NULL;
  g_autoptr (GDBusConnection) bus = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, &why);
  g_auto (GStrv) names = bus ? list_names (bus, &why) : NULL;

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
      if (!ask (service, error))
        return NULL;
      if (!network || g_strcmp0 (scope_json_get_string (service->status, "network"), network) == 0)
        g_ptr_array_add (found, g_steal_pointer (&service));
    }
  if (found->len)
    return g_steal_pointer (&found);
  if (network)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_GONE, _ ("no connection of network “%s” is up on this machine"), network);
  else
    g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_GONE, _ ("no connection is up on this machine"));
  return NULL;
}
