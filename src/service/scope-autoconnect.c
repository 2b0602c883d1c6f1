/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/scope-autoconnect.h"

#include "common/scope-settings.h"
#include "service/scope-keystore.h"

#include <NetworkManager.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define KILLED "killed"

/* What NetworkManager is called from its start to its end, and never again; @owner: its unique name on the bus */
static char *
life_of (const char *owner)
{
  g_autofree char *boot = NULL;

  if (!g_file_get_contents (BOOT_ID, &boot, NULL, NULL))
    return NULL;
  return g_strconcat (g_strchomp (boot), " ", owner, NULL);
}

static char *
path_of (const char *uuid)
{
  return uuid ? scope_keystore_path (uuid, "started", NULL) : NULL;
}

static void
note (const char *path, const char *text)
{
  g_autofree char *line = g_strconcat (text, "\n", NULL);
  g_autoptr (GError) error = NULL;

  if (!g_file_set_contents_full (path, line, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
    g_debug ("not kept for the next start of NetworkManager: %s", error->message);
}

static void
on_owner (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  g_autofree char *path = data, *life = NULL;
  const char *owner;

  if (!reply)
    return;
  g_variant_get (reply, "(&s)", &owner);
  life = life_of (owner);
  if (life)
    note (path, life);
}

void
scope_autoconnect_note_started (GDBusConnection *bus, const char *uuid)
{
  char *path = path_of (uuid);

  if (path)
    g_dbus_connection_call (bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetNameOwner",
                            g_variant_new ("(s)", NM_DBUS_SERVICE), G_VARIANT_TYPE ("(s)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL,
                            on_owner, path);
}

void
scope_autoconnect_note_killed (const char *uuid)
{
  g_autofree char *path = path_of (uuid);

  if (path)
    note (path, KILLED);
}

static gboolean
is_active (NMClient *client, const char *uuid)
{
  const GPtrArray *active = nm_client_get_active_connections (client);

  for (guint i = 0; i < active->len; i++)
    if (g_strcmp0 (nm_active_connection_get_uuid (active->pdata[i]), uuid) == 0)
      return TRUE;
  return FALSE;
}

/* Whoever wants to be asked each time wants to be there. */
static gboolean
asks (NMSettingVpn *s_vpn)
{
  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    {
      NMSettingSecretFlags flags = NM_SETTING_SECRET_FLAG_NONE;

      if (info->secret && info->type != SCOPE_TYPE_TOKEN &&
          nm_setting_get_secret_flags (NM_SETTING (s_vpn), info->name, &flags, NULL) &&
          flags & NM_SETTING_SECRET_FLAG_NOT_SAVED)
        return TRUE;
    }
  return FALSE;
}

static gboolean
is_wanted (NMConnection *connection)
{
  NMSettingConnection *s_con = nm_connection_get_setting_connection (connection);
  NMSettingVpn *s_vpn = nm_connection_get_setting_vpn (connection);

  return s_con && s_vpn && g_strcmp0 (nm_setting_vpn_get_service_type (s_vpn), SCOPE_NM_SERVICE) == 0 &&
         nm_setting_connection_get_autoconnect (s_con) && nm_setting_connection_get_num_permissions (s_con) == 0 &&
         !asks (s_vpn);
}

/* Whether it was up in an earlier life of NetworkManager, and not in @life. */
static gboolean
is_due (const char *uuid, const char *life)
{
  g_autofree char *path = path_of (uuid), *text = NULL;

  if (!path || !g_file_get_contents (path, &text, NULL, NULL))
    return FALSE;
  g_strchomp (text);
  return strcmp (text, KILLED) != 0 && strcmp (text, life) != 0;
}

typedef struct {
  GMainLoop *loop;
  guint waiting;
} Run;

static void
on_activated (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (NMActiveConnection) active = nm_client_activate_connection_finish (NM_CLIENT (source), result, &error);
  Run *run = data;

  if (!active)
    g_warning ("autoconnect: %s", error->message);
  if (--run->waiting == 0)
    g_main_loop_quit (run->loop);
}

int
scope_autoconnect_run (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (NMClient) client = nm_client_new (NULL, &error);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autofree char *life = NULL;
  const GPtrArray *connections;
  Run run = { loop, 0 };

  if (!client)
    {
      g_critical ("autoconnect: %s", error->message);
      return 1;
    }
  /* Without a primary connection there is none that a VPN could be based on. */
  if (!nm_client_get_nm_running (client) || !nm_client_get_primary_connection (client))
    return 0;
  life = life_of (nm_client_get_dbus_name_owner (client));
  if (!life)
    return 0;
  connections = nm_client_get_connections (client);
  for (guint i = 0; i < connections->len; i++)
    {
      NMConnection *connection = connections->pdata[i];
      const char *uuid = nm_connection_get_uuid (connection);

      if (!is_wanted (connection) || !is_due (uuid, life) || is_active (client, uuid))
        continue;
      g_message ("autoconnect: %s", nm_connection_get_id (connection));
      nm_client_activate_connection_async (client, connection, NULL, NULL, NULL, on_activated, &run);
      run.waiting++;
    }
  if (run.waiting)
    g_main_loop_run (loop);
  return 0;
}
