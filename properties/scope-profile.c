/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "scope-profile.h"

#include "common/scope-error.h"
#include "common/scope-groups.h"
#include "common/scope-settings.h"
#include "scope-import.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define GROUP_VPN "vpn"
#define GROUP_SECRETS "secrets"
#define KEY_VERSION "version"
#define KEY_ID "id"
#define KEY_PERSISTENT "persistent"
#define ID_MAX 255 /* bytes */
#define FLAGS_MAX \
  (NM_SETTING_SECRET_FLAG_AGENT_OWNED | NM_SETTING_SECRET_FLAG_NOT_SAVED | NM_SETTING_SECRET_FLAG_NOT_REQUIRED)

/* Comments of the file: not translated, since it is handed on to others. */
static const char header[] = "# A connection of NetworkManager-scope, see nm-settings-scope(5). To use it:\n"
                             "# nmcli connection import type scope file FILE\n";
static const char left_out[] = "# Secrets are not in this file. The connection that it came from had: %s.\n"
                               "# To give them to the new connection: nmcli connection modify NAME vpn.secrets 'KEY=..., KEY=...'\n";

static gboolean
refuse (GError **error, const char *group, const char *key, const char *why)
{
  g_set_error (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_INVALID_PROPERTY, "[%s] %s: %s", group, key, why);
  return FALSE;
}

/* Whether @name stands in [secrets] or in [vpn]; FALSE as well for what is no setting at all. */
static gboolean
belongs (const char *name, gboolean secret)
{
  const ScopeSettingInfo *info = scope_setting_find (name);

  return info ? info->secret == secret : !secret && scope_setting_is_flags (name);
}

/* One value of a setting, a secret or a secret's flags; the error names its group and key. */
static gboolean
check (const char *group, const char *name, const char *value, GError **error)
{
  const ScopeSettingInfo *info = scope_setting_find (name);
  g_autoptr (GError) why = NULL;

  if (!info && scope_setting_is_flags (name))
    return g_ascii_string_to_unsigned (value, 10, 0, FLAGS_MAX, NULL, &why) ||
           refuse (error, group, name, why->message);
  if (!info)
    return refuse (error, group, name, _ ("no such setting"));
  if (scope_setting_check (info, value, &why))
    return TRUE;
  g_set_error (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_INVALID_PROPERTY, "[%s] %s", group, why->message);
  return FALSE;
}

static gboolean
decode_version (GKeyFile *file, GError **error)
{
  g_autofree char *value = g_key_file_get_string (file, SCOPE_PROFILE_GROUP, KEY_VERSION, NULL);
  guint64 version;

  if (!value || !g_ascii_string_to_unsigned (value, 10, 1, G_MAXUINT, &version, NULL))
    return refuse (error, SCOPE_PROFILE_GROUP, KEY_VERSION, value ? _ ("not a number") : _ ("missing"));
  if (version <= SCOPE_PROFILE_VERSION)
    return TRUE;
  g_set_error (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_FAILED,
               _ ("written in version %u of the format by a newer NetworkManager-scope; "
                  "this one reads up to version %d"),
               (guint) version, SCOPE_PROFILE_VERSION);
  return FALSE;
}

static gboolean
decode_connection (GKeyFile *file, NMConnection *connection, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autofree char *id = NULL;
  const char *wrong;
  gboolean persistent = g_key_file_get_boolean (file, SCOPE_PROFILE_GROUP, KEY_PERSISTENT, &why);

  scope_groups_get (file, SCOPE_PROFILE_GROUP, KEY_ID, &id, &wrong);
  if (wrong)
    return refuse (error, SCOPE_PROFILE_GROUP, KEY_ID, wrong);
  if (id && (!*id || strlen (id) > ID_MAX))
    return refuse (error, SCOPE_PROFILE_GROUP, KEY_ID, _ ("empty or too long"));
  if (id)
    g_object_set (nm_connection_get_setting_connection (connection), NM_SETTING_CONNECTION_ID, id, NULL);
  if (!why)
    g_object_set (nm_connection_get_setting_vpn (connection), NM_SETTING_VPN_PERSISTENT, persistent, NULL);
  else if (!g_error_matches (why, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_KEY_NOT_FOUND))
    return refuse (error, SCOPE_PROFILE_GROUP, KEY_PERSISTENT, _ ("neither true nor false"));
  return TRUE;
}

static gboolean
decode_value (GKeyFile *file, gboolean secret, const char *name, NMSettingVpn *vpn, GPtrArray *notes, GError **error)
{
  const char *group = secret ? GROUP_SECRETS : GROUP_VPN;
  g_autoptr (ScopeSecret) value = NULL;
  const char *why;

  scope_groups_get (file, group, name, &value, &why);
  if (why)
    return refuse (error, group, name, why);
  if (!secret && belongs (name, TRUE))
    return refuse (error, group, name, _ ("a secret, it belongs into [secrets]"));
  if (!belongs (name, secret))
    {
      if (notes)
        g_ptr_array_add (notes, g_strdup_printf (_ ("[%s] %.60s: no such setting, ignored"), group, name));
      return TRUE;
    }
  if (!*value)
    return TRUE; /* as if it were not there: libnm keeps no empty values */
  if (!check (group, name, value, error))
    return FALSE;
  if (secret)
    nm_setting_vpn_add_secret (vpn, name, value);
  else
    nm_setting_vpn_add_data_item (vpn, name, value);
  return TRUE;
}

/* libnm hands out copies that are gone when it returns. */
static void
collect (const char *name, const char *value, gpointer table)
{
  g_hash_table_insert (table, g_strdup (name), g_strdup (value));
}

ScopeSettings *
scope_profile_settings (NMConnection *connection, GError **error)
{
  NMSettingVpn *vpn = nm_connection_get_setting_vpn (connection);
  g_autoptr (GHashTable) data = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GHashTable) secrets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) scope_secret_free);
  g_autoptr (GError) why = NULL;
  ScopeSettings *settings;

  nm_setting_vpn_foreach_data_item (vpn, collect, data);
  nm_setting_vpn_foreach_secret (vpn, collect, secrets);
  settings = scope_settings_parse (data, secrets, &why);
  if (!settings)
    g_set_error (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_INVALID_PROPERTY, "[%s] %s", GROUP_VPN, why->message);
  return settings;
}

/* What one setting says of another: a connection that can never come up is no good. */
static gboolean
check_together (NMConnection *connection, GError **error)
{
  g_autoptr (ScopeSettings) settings = scope_profile_settings (connection, error);

  return settings != NULL;
}

/* Explicit flags for every secret: what a missing flag means is up to who reads it. */
static void
complete_flags (NMSettingVpn *vpn)
{
  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    {
      g_autofree char *flags = g_strconcat (info->name, "-flags", NULL);
      if (info->secret && nm_setting_vpn_get_secret (vpn, info->name) && !nm_setting_vpn_get_data_item (vpn, flags))
        nm_setting_set_secret_flags (NM_SETTING (vpn), info->name, NM_SETTING_SECRET_FLAG_NONE, NULL);
    }
}

static gboolean
decode_groups (GKeyFile *file, NMSettingVpn *vpn, GPtrArray *notes, GError **error)
{
  for (int secret = 0; secret <= 1; secret++)
    {
      g_auto (GStrv) names = g_key_file_get_keys (file, secret ? GROUP_SECRETS : GROUP_VPN, NULL, NULL);
      for (char **name = names; name && *name; name++)
        if (!decode_value (file, secret, *name, vpn, notes, error))
          return FALSE;
    }
  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    if (info->required && !nm_setting_vpn_get_data_item (vpn, info->name))
      return refuse (error, GROUP_VPN, info->name, _ ("missing"));
  complete_flags (vpn);
  return TRUE;
}

NMConnection *
scope_profile_decode (const char *data, gsize len, GPtrArray *notes, GError **error)
{
  static const char *const groups[] = { SCOPE_PROFILE_GROUP, GROUP_VPN, GROUP_SECRETS, NULL };
  g_autoptr (NMConnection) connection = scope_import_connection_new ("");
  NMSettingVpn *vpn = nm_connection_get_setting_vpn (connection);
  g_autoptr (GError) why = NULL;
  g_autoptr (GKeyFile) file = scope_groups_load (data, len, &why);

  if (!file)
    {
      g_set_error_literal (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_FAILED, why->message);
      return NULL;
    }
  if (!decode_version (file, error) || !decode_connection (file, connection, error) ||
      !decode_groups (file, vpn, notes, error) || !check_together (connection, error))
    return NULL;
  scope_groups_note_unknown (file, groups, notes);
  if (!*nm_connection_get_id (connection))
    g_object_set (nm_connection_get_setting_connection (connection), NM_SETTING_CONNECTION_ID,
                  nm_setting_vpn_get_data_item (vpn, SCOPE_SETTING_NETWORK), NULL);
  return g_steal_pointer (&connection);
}

/* Settings that the table does not know would be lost without a word, so they are refused. */
static gboolean
check_names (NMSettingVpn *vpn, GError **error)
{
  guint n;
  g_autofree const char **names = nm_setting_vpn_get_data_keys (vpn, &n);

  for (guint i = 0; i < n; i++)
    if (!belongs (names[i], FALSE))
      return refuse (error, GROUP_VPN, names[i], _ ("no such setting"));
  return TRUE;
}

static gboolean
encode_value (GKeyFile *file, const char *group, const char *name, const char *value, GError **error)
{
  if (!value || !*value)
    return TRUE;
  if (!check (group, name, value, error))
    return FALSE;
  g_key_file_set_string (file, group, name, value);
  return TRUE;
}

static gboolean
encode_setting (GKeyFile *file, const ScopeSettingInfo *info, NMSettingVpn *vpn, GError **error)
{
  g_autofree char *flags = g_strconcat (info->name, "-flags", NULL);
  const char *value = nm_setting_vpn_get_data_item (vpn, info->name);

  if (info->secret)
    return encode_value (file, GROUP_VPN, flags, nm_setting_vpn_get_data_item (vpn, flags), error);
  if (info->required && (!value || !*value))
    return refuse (error, GROUP_VPN, info->name, _ ("missing"));
  return encode_value (file, GROUP_VPN, info->name, value, error);
}

char *
scope_profile_secrets (NMConnection *connection)
{
  NMSettingVpn *vpn = nm_connection_get_setting_vpn (connection);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    if (info->secret && nm_setting_vpn_get_secret (vpn, info->name))
      g_ptr_array_add (names, (gpointer) info->name);
  if (names->len == 0)
    return NULL;
  g_ptr_array_add (names, NULL);
  return g_strjoinv (", ", (char **) names->pdata);
}

char *
scope_profile_encode (NMConnection *connection, gsize *len, GError **error)
{
  NMSettingVpn *vpn = nm_connection_get_setting_vpn (connection);
  const char *id = nm_connection_get_id (connection);
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *body = NULL, *secrets = NULL, *note = NULL;
  char *all;

  if (!vpn || g_strcmp0 (nm_setting_vpn_get_service_type (vpn), SCOPE_NM_SERVICE) != 0)
    {
      g_set_error_literal (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_INVALID_SETTING,
                           _ ("not a Scope connection"));
      return NULL;
    }
  if (!check_names (vpn, error))
    return NULL;

  g_key_file_set_integer (file, SCOPE_PROFILE_GROUP, KEY_VERSION, SCOPE_PROFILE_VERSION);
  if (id && *id)
    g_key_file_set_string (file, SCOPE_PROFILE_GROUP, KEY_ID, id);
  g_key_file_set_boolean (file, SCOPE_PROFILE_GROUP, KEY_PERSISTENT, nm_setting_vpn_get_persistent (vpn));
  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    if (!encode_setting (file, info, vpn, error))
      return NULL;
  if (!check_together (connection, error))
    return NULL;

  secrets = scope_profile_secrets (connection);
  note = secrets ? g_strdup_printf (left_out, secrets) : g_strdup ("");
  body = g_key_file_to_data (file, NULL, NULL);
  all = g_strconcat (header, note, body, NULL);
  *len = strlen (all);
  return all;
}
