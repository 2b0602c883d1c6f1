/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "common/scope-invite-file.h"

#include "common/scope-error.h"
#include "common/scope-groups.h"
#include "common/scope-settings.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define KEY_VERSION "version"
#define KEY_EXPIRES "expires"
#define KEY_NAME "name"
#define MEMBER_NAME_MAX 64 /* characters */

static const char header[] = "# nmcli connection import type scope file FILE\n";

/* The keys that are settings, with the same names and limits. */
static const struct {
  const char *name;
  gsize offset;
  gboolean required;
} fields[] = {
  { SCOPE_SETTING_REGISTRY, G_STRUCT_OFFSET (ScopeInviteFile, registry), TRUE },
  { SCOPE_SETTING_NETWORK, G_STRUCT_OFFSET (ScopeInviteFile, network), TRUE },
  { SCOPE_SETTING_ROOT, G_STRUCT_OFFSET (ScopeInviteFile, root), TRUE },
  { SCOPE_SETTING_TOKEN, G_STRUCT_OFFSET (ScopeInviteFile, token), TRUE },
  { SCOPE_SETTING_PQ, G_STRUCT_OFFSET (ScopeInviteFile, pq), FALSE },
  { SCOPE_SETTING_CA, G_STRUCT_OFFSET (ScopeInviteFile, ca), FALSE },
};

gboolean
scope_member_name_valid (const char *name)
{
  if (!*name || !g_utf8_validate (name, -1, NULL) || g_utf8_strlen (name, -1) > MEMBER_NAME_MAX)
    return FALSE;
  for (const char *p = name; *p; p = g_utf8_next_char (p))
    if (g_unichar_iscntrl (g_utf8_get_char (p)))
      return FALSE;
  return TRUE;
}

static gboolean
refuse (GError **error, const char *key, const char *why)
{
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "[" SCOPE_INVITE_GROUP "] %s: %s", key, why);
  return FALSE;
}

static gboolean
parse_version (GKeyFile *file, GError **error)
{
  g_autofree char *value = g_key_file_get_string (file, SCOPE_INVITE_GROUP, KEY_VERSION, NULL);
  guint64 version;

  if (!value || !g_ascii_string_to_unsigned (value, 10, 1, G_MAXUINT, &version, NULL))
    return refuse (error, KEY_VERSION, value ? _ ("not a number") : _ ("missing"));
  if (version <= SCOPE_INVITE_VERSION)
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
               _ ("[%s] %s: %u: written by a newer NetworkManager-scope; this one reads up to version %d"),
               SCOPE_INVITE_GROUP, KEY_VERSION, (guint) version, SCOPE_INVITE_VERSION);
  return FALSE;
}

static gboolean
parse_fields (GKeyFile *file, ScopeInviteFile *invite, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      g_autoptr (GError) why = NULL;
      g_autoptr (ScopeSecret) value = NULL;
      const char *wrong;

      scope_groups_get (file, SCOPE_INVITE_GROUP, fields[i].name, &value, &wrong);
      if (wrong)
        return refuse (error, fields[i].name, wrong);
      if (!value || !*value)
        {
          if (fields[i].required)
            return refuse (error, fields[i].name, _ ("missing"));
          continue;
        }
      if (!scope_setting_check (scope_setting_find (fields[i].name), value, &why))
        {
          g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "[" SCOPE_INVITE_GROUP "] %s", why->message);
          return FALSE;
        }
      G_STRUCT_MEMBER (char *, invite, fields[i].offset) = g_steal_pointer (&value);
    }
  return TRUE;
}

static gboolean
parse_name (GKeyFile *file, ScopeInviteFile *invite, GError **error)
{
  const char *wrong;

  scope_groups_get (file, SCOPE_INVITE_GROUP, KEY_NAME, &invite->name, &wrong);
  if (wrong)
    return refuse (error, KEY_NAME, wrong);
  if (invite->name && !scope_member_name_valid (invite->name))
    return refuse (error, KEY_NAME, _ ("expected 1 to 64 characters, none of them a control character"));
  return TRUE;
}

static gboolean
parse_expires (GKeyFile *file, ScopeInviteFile *invite, gint64 now, GError **error)
{
  g_autofree char *value = g_key_file_get_string (file, SCOPE_INVITE_GROUP, KEY_EXPIRES, NULL);
  g_autoptr (GDateTime) time = value ? g_date_time_new_from_iso8601 (value, NULL) : NULL;
  g_autoptr (GDateTime) clock = g_date_time_new_from_unix_utc (now);
  g_autofree char *then = NULL, *today = NULL;

  if (!time)
    return refuse (error, KEY_EXPIRES, value ? _ ("not a time such as 2030-01-31T12:00:00Z") : _ ("missing"));
  invite->expires = g_date_time_to_unix (time);
  if (invite->expires > now || !clock)
    return TRUE;
  then = g_date_time_format (time, "%Y-%m-%d %H:%M %Z");
  today = g_date_time_format (clock, "%Y-%m-%d %H:%M %Z");
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
               _ ("[%s] %s: the invite expired on %s (this machine's clock says %s); ask for a new one"),
               SCOPE_INVITE_GROUP, KEY_EXPIRES, then, today);
  return FALSE;
}

static gboolean
is_known (const char *key)
{
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    if (g_str_equal (key, fields[i].name))
      return TRUE;
  return g_str_equal (key, KEY_VERSION) || g_str_equal (key, KEY_EXPIRES) || g_str_equal (key, KEY_NAME);
}

ScopeInviteFile *
scope_invite_file_parse (const char *data, gsize len, gint64 now, GPtrArray *notes, GError **error)
{
  static const char *const groups[] = { SCOPE_INVITE_GROUP, NULL };
  g_autoptr (GKeyFile) file = NULL;
  g_autoptr (ScopeInviteFile) invite = g_new0 (ScopeInviteFile, 1);
  g_auto (GStrv) keys = NULL;

  if (len > SCOPE_INVITE_FILE_MAX)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("larger than %d bytes, so not an invite"),
                   SCOPE_INVITE_FILE_MAX);
      return NULL;
    }
  file = scope_groups_load (data, len, error);
  if (!file)
    return NULL;
  if (!g_key_file_has_group (file, SCOPE_INVITE_GROUP))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("[%s]: missing"), SCOPE_INVITE_GROUP);
      return NULL;
    }
  if (!parse_version (file, error) || !parse_fields (file, invite, error) || !parse_name (file, invite, error) ||
      !parse_expires (file, invite, now, error))
    return NULL;
  keys = g_key_file_get_keys (file, SCOPE_INVITE_GROUP, NULL, NULL);
  for (char **key = keys; notes && key && *key; key++)
    if (!is_known (*key))
      g_ptr_array_add (notes, g_strdup_printf (_ ("[%s] %.60s: not known, ignored"), SCOPE_INVITE_GROUP, *key));
  scope_groups_note_unknown (file, groups, notes);
  return g_steal_pointer (&invite);
}

char *
scope_invite_file_format (const ScopeInviteFile *invite)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GDateTime) expires = g_date_time_new_from_unix_utc (invite->expires);
  g_autofree char *time = expires ? g_date_time_format (expires, "%Y-%m-%dT%H:%M:%SZ") : NULL;
  g_autoptr (ScopeSecret) body = NULL;

  g_key_file_set_integer (file, SCOPE_INVITE_GROUP, KEY_VERSION, SCOPE_INVITE_VERSION);
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      const char *value = G_STRUCT_MEMBER (char *, invite, fields[i].offset);
      if (value)
        g_key_file_set_string (file, SCOPE_INVITE_GROUP, fields[i].name, value);
    }
  if (invite->name)
    g_key_file_set_string (file, SCOPE_INVITE_GROUP, KEY_NAME, invite->name);
  g_key_file_set_string (file, SCOPE_INVITE_GROUP, KEY_EXPIRES, time ? time : "");
  body = g_key_file_to_data (file, NULL, NULL);
  return g_strconcat (header, body, NULL);
}

void
scope_invite_file_free (ScopeInviteFile *invite)
{
  g_free (invite->registry);
  g_free (invite->network);
  g_free (invite->root);
  scope_secret_free (invite->token);
  g_free (invite->name);
  g_free (invite->pq);
  g_free (invite->ca);
  g_free (invite);
}
