/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For tests/desktop/test-files:
 *   files-tool keys                   the settings table: one line "NAME secret|plain" each
 *   files-tool import PLUGIN FILE…    imports each file as NetworkManager's programs do: by libnm, with our library, and
 *                                     what comes of it is added to the NetworkManager on the bus. A line of JSON each:
 *                                     {"file", "error"} or {"file", "id"}
 *   files-tool export PLUGIN UUID FILE   exports a connection with its secrets in hand, as nm-connection-editor does; nmcli has none
 *   files-tool list                   the connections that libnm shows, "ID\tTYPE\tstate" each, state "active" or "-"
 */
#include "config.h"

#include "common/scope-settings.h"

#include <NetworkManager.h>
#include <json-glib/json-glib.h>
#include <locale.h>
#include <stdio.h>

static int
keys (void)
{
  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    g_print ("%s %s\n", info->name, info->secret ? "secret" : "plain");
  return 0;
}

static void
say (const char *file, const char *what, const char *text)
{
  g_autoptr (JsonBuilder) out = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *line = NULL;

  json_builder_begin_object (out);
  json_builder_set_member_name (out, "file");
  json_builder_add_string_value (out, file);
  json_builder_set_member_name (out, what);
  json_builder_add_string_value (out, text);
  json_builder_end_object (out);
  root = json_builder_get_root (out);
  line = json_to_string (root, FALSE);
  g_print ("%s\n", line);
  fflush (stdout);
}

typedef struct {
  GMainLoop *loop;
  GError *error;
} Added;

static void
on_added (GObject *client, GAsyncResult *result, gpointer data)
{
  Added *added = data;
  NMRemoteConnection *remote = nm_client_add_connection_finish (NM_CLIENT (client), result, &added->error);

  g_clear_object (&remote);
  g_main_loop_quit (added->loop);
}

static gboolean
add (NMClient *client, NMConnection *connection, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autofree char *uuid = nm_utils_uuid_generate ();
  Added added = { loop, NULL };

  g_object_set (nm_connection_get_setting_connection (connection), NM_SETTING_CONNECTION_UUID, uuid, NULL);
  if (!nm_connection_normalize (connection, NULL, NULL, error))
    return FALSE;
  nm_client_add_connection_async (client, connection, TRUE, NULL, on_added, &added);
  g_main_loop_run (loop);
  if (added.error)
    g_propagate_error (error, added.error);
  return added.error == NULL;
}

static int
import (const char *so, char **files)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (NMVpnEditorPlugin) plugin = nm_vpn_editor_plugin_load_from_file (so, SCOPE_NM_SERVICE, -1, NULL, NULL, &error);
  g_autoptr (NMClient) client = plugin ? nm_client_new (NULL, &error) : NULL;

  if (!client)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }
  for (char **file = files; *file; file++)
    {
      g_autoptr (GError) why = NULL;
      g_autoptr (NMConnection) connection = nm_vpn_editor_plugin_import (plugin, *file, &why);

      if (connection && add (client, connection, &why))
        say (*file, "id", nm_connection_get_id (connection));
      else
        say (*file, "error", why ? why->message : "");
    }
  return 0;
}

typedef struct {
  GMainLoop *loop;
  GVariant *secrets;
  GError *error;
} Secrets;

static void
on_secrets (GObject *connection, GAsyncResult *result, gpointer data)
{
  Secrets *secrets = data;

  secrets->secrets = nm_remote_connection_get_secrets_finish (NM_REMOTE_CONNECTION (connection), result, &secrets->error);
  g_main_loop_quit (secrets->loop);
}

static gboolean
export_with_secrets (const char *so, const char *uuid, const char *file, GError **error)
{
  g_autoptr (NMVpnEditorPlugin) plugin = nm_vpn_editor_plugin_load_from_file (so, SCOPE_NM_SERVICE, -1, NULL, NULL, error);
  g_autoptr (NMClient) client = plugin ? nm_client_new (NULL, error) : NULL;
  NMRemoteConnection *remote = client ? nm_client_get_connection_by_uuid (client, uuid) : NULL;
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (NMConnection) connection = NULL;
  Secrets secrets = { loop, NULL, NULL };
  gboolean ok;

  if (!remote)
    return FALSE;
  nm_remote_connection_get_secrets_async (remote, NM_SETTING_VPN_SETTING_NAME, NULL, on_secrets, &secrets);
  g_main_loop_run (loop);
  if (secrets.error)
    {
      g_propagate_error (error, secrets.error);
      return FALSE;
    }
  connection = nm_simple_connection_new_clone (NM_CONNECTION (remote));
  ok = nm_connection_update_secrets (connection, NM_SETTING_VPN_SETTING_NAME, secrets.secrets, error);
  g_variant_unref (secrets.secrets);
  g_print ("%d secrets\n", nm_setting_vpn_get_num_secrets (nm_connection_get_setting_vpn (connection)));
  return ok && nm_vpn_editor_plugin_export (plugin, file, connection, error);
}

static int
export (const char *so, const char *uuid, const char *file)
{
  g_autoptr (GError) error = NULL;

  if (export_with_secrets (so, uuid, file, &error))
    return 0;
  g_printerr ("%s\n", error ? error->message : "no such connection");
  return 1;
}

static int
list (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (NMClient) client = nm_client_new (NULL, &error);
  const GPtrArray *connections, *active;

  if (!client)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }
  connections = nm_client_get_connections (client);
  active = nm_client_get_active_connections (client);
  for (guint i = 0; i < connections->len; i++)
    {
      NMConnection *connection = connections->pdata[i];
      gboolean is_active = FALSE;

      for (guint j = 0; j < active->len; j++)
        is_active |= (gpointer) nm_active_connection_get_connection (active->pdata[j]) == connections->pdata[i];
      g_print ("%s\t%s\t%s\n", nm_connection_get_id (connection), nm_connection_get_connection_type (connection),
               is_active ? "active" : "-");
    }
  return 0;
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  if (argc == 2 && g_str_equal (argv[1], "keys"))
    return keys ();
  if (argc == 2 && g_str_equal (argv[1], "list"))
    return list ();
  if (argc > 3 && g_str_equal (argv[1], "import"))
    return import (argv[2], argv + 3);
  if (argc == 5 && g_str_equal (argv[1], "export"))
    return export (argv[2], argv[3], argv[4]);
  g_printerr ("files-tool keys | export PLUGIN UUID FILE | import PLUGIN FILE… | list\n");
  return 2;
}
