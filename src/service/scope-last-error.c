/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/scope-last-error.h"

#include "common/scope-error.h"
#include "common/scope-failure.h"
#include "common/scope-settings.h"

#include <glib/gstdio.h>
#include <sys/stat.h>

#define GROUP SCOPE_FAILURE_GROUP

const char *
scope_last_error_kind (const GError *error)
{
  static const char *const kinds[] = {
    [SCOPE_ERROR_FAILED] = "failed",           [SCOPE_ERROR_INVALID] = "invalid",
    [SCOPE_ERROR_NOT_LISTED] = "not-listed",   [SCOPE_ERROR_DENIED] = "denied",
    [SCOPE_ERROR_INVITE] = "invite",           [SCOPE_ERROR_EXPIRED] = "invite",
    [SCOPE_ERROR_UNCONFIRMED] = "unconfirmed",
    [SCOPE_ERROR_UNREACHABLE] = "unreachable", [SCOPE_ERROR_TLS] = "tls",
    [SCOPE_ERROR_TAKEN] = "taken",             [SCOPE_ERROR_PROTOCOL] = "protocol",
    [SCOPE_ERROR_UNSUPPORTED] = "unsupported", [SCOPE_ERROR_GONE] = "gone",
    [SCOPE_ERROR_KILLED] = "killed",
  };

  if (error->domain != SCOPE_ERROR || error->code < 0 || (gsize) error->code >= G_N_ELEMENTS (kinds))
    return "failed";
  return kinds[error->code];
}

static char *
path_of (NMConnection *connection)
{
  const char *uuid = nm_connection_get_uuid (connection);

  return uuid ? g_strdup_printf (SCOPE_FAILURE_DIR "/%s" SCOPE_FAILURE_SUFFIX, uuid) : NULL;
}

static gboolean
is_everybodys (NMConnection *connection)
{
  NMSettingConnection *s_con = nm_connection_get_setting_connection (connection);

  return !s_con || nm_setting_connection_get_num_permissions (s_con) == 0;
}

void
scope_last_error_keep (NMConnection *connection, const GError *error)
{
  NMSettingVpn *s_vpn = nm_connection_get_setting_vpn (connection);
  const char *network = s_vpn ? nm_setting_vpn_get_data_item (s_vpn, SCOPE_SETTING_NETWORK) : NULL;
  g_autofree char *path = path_of (connection), *text = NULL;
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) why = NULL;
  mode_t mode = is_everybodys (connection) ? 0644 : 0600;

  if (!path)
    return;
  g_key_file_set_string (file, GROUP, SCOPE_FAILURE_CONNECTION, nm_connection_get_id (connection) ? nm_connection_get_id (connection) : "");
  g_key_file_set_string (file, GROUP, SCOPE_FAILURE_NETWORK, network ? network : "");
  g_key_file_set_int64 (file, GROUP, SCOPE_FAILURE_TIME, g_get_real_time () / G_USEC_PER_SEC);
  g_key_file_set_string (file, GROUP, SCOPE_FAILURE_KIND, scope_last_error_kind (error));
  g_key_file_set_string (file, GROUP, SCOPE_FAILURE_MESSAGE, error->message);
  text = g_key_file_to_data (file, NULL, NULL);
  g_mkdir_with_parents (SCOPE_FAILURE_DIR, 0755);
  g_chmod (SCOPE_FAILURE_DIR, 0755); /* whatever NetworkManager's umask is */
  if (!g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, mode, &why) || g_chmod (path, mode) != 0)
    g_debug ("the failure is not kept: %s", why ? why->message : path);
}

void
scope_last_error_forget (NMConnection *connection)
{
  g_autofree char *path = path_of (connection);

  if (path)
    g_unlink (path);
}
