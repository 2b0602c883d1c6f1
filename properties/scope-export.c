/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "scope-export.h"

#include "common/scope-settings.h"
#include "common/scope-wg-quick.h"
#include "scope-import.h"
#include "scope-profile.h"
#include "scope-running.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#define WG_QUICK_SUFFIX ".conf"
#define NAME_MAX_BYTES 200 /* file systems take 255, with our suffix and a copy's " (1)" */

/* wg-quick names the interface after the file. */
static gboolean
check_interface_name (const char *path, GError **error)
{
  g_autofree char *name = g_path_get_basename (path);

  name[strlen (name) - strlen (WG_QUICK_SUFFIX)] = '\0';
  if (scope_ifname_valid (name) && !strpbrk (name, "@"))
    return TRUE;
  g_set_error_literal (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_FAILED,
                       _ ("wg-quick names the interface after the file, so before .conf there are 1 to 15 letters, digits and _.-+="));
  return FALSE;
}

static char *
encode_wg_quick (const char *path, NMConnection *connection, GError **error)
{
  g_autoptr (ScopeSettings) settings = scope_profile_settings (connection, error);
  g_autoptr (JsonObject) status = NULL;
  g_autoptr (GError) why = NULL;
  char *text = NULL;

  if (!settings)
    return NULL;
  if (scope_wg_quick_possible (settings, &why))
    {
      if (!check_interface_name (path, error))
        return NULL;
      status = scope_running_status (settings->network, error);
      if (!status)
        return NULL;
      text = scope_wg_quick_format (settings, status, NULL, g_get_real_time () / G_USEC_PER_SEC, &why);
    }
  if (!text)
    g_set_error_literal (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_FAILED, why->message);
  return text;
}

static void
add_notes (gboolean wg_quick, NMConnection *connection, GPtrArray *notes)
{
  g_autofree char *secrets = scope_profile_secrets (connection);

  if (wg_quick)
    g_ptr_array_add (notes, g_strdup (_ ("the private key is not in this file; its first lines say where wg-quick looks for it")));
  else if (secrets)
    g_ptr_array_add (notes, g_strdup_printf (_ ("the secrets of the connection are not in this file: %s"), secrets));
}

static gboolean
write_file (const char *path, NMConnection *connection, gboolean wg_quick, GError **error)
{
  struct stat st;
  gsize len;
  g_autofree char *text = NULL;

  text = scope_profile_encode (connection, &len, error); /* what is no profile is no WireGuard host's either */
  if (text && wg_quick)
    {
      g_free (text);
      text = encode_wg_quick (path, connection, error);
    }
  if (!text)
    return FALSE;
  /* The file is replaced by renaming, which must not happen to a device such as /dev/stdout. */
  if (g_stat (path, &st) == 0 && !S_ISREG (st.st_mode))
    {
      g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, _ ("not a regular file"));
      return FALSE;
    }
  /* GLib 2.84 (Debian 13) keeps the mode of the file that it replaces, 2.74 does not. */
  g_chmod (path, 0600);
  return g_file_set_contents_full (path, text, strlen (text), G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

gboolean
scope_export_file (const char *path, NMConnection *connection, GPtrArray *notes, GError **error)
{
  gboolean wg_quick = g_str_has_suffix (path, WG_QUICK_SUFFIX);
  g_autofree char *display = g_filename_display_basename (path);
  const char *name = scope_import_printable (display);
  guint had = notes ? notes->len : 0;
  g_autoptr (GError) why = NULL;

  if (!write_file (path, connection, wg_quick, &why))
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&why), "%s: ", name);
      return FALSE;
    }
  if (notes)
    add_notes (wg_quick, connection, notes);
  for (guint i = had; notes && i < notes->len; i++)
    {
      g_autofree char *note = notes->pdata[i];
      notes->pdata[i] = g_strdup_printf ("%s: %s", name, note);
    }
  return TRUE;
}

char *
scope_export_filename (NMConnection *connection)
{
  const char *id = nm_connection_get_id (connection);
  g_autoptr (GString) name = g_string_new (NULL);

  for (const char *p = id ? id : ""; *p; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      gboolean safe = g_unichar_isalnum (c) || (c < 128 && strchr (" _-+=@.,()", (int) c));

      if (name->len + g_unichar_to_utf8 (c, NULL) > NAME_MAX_BYTES)
        break;
      /* A leading dot hides the file, a leading dash makes it an option. */
      if (!safe || (name->len == 0 && (c == '.' || c == '-' || c == ' ')))
        c = '_';
      g_string_append_unichar (name, c);
    }
  if (name->len == 0)
    g_string_append (name, "scope");
  g_string_append (name, SCOPE_PROFILE_SUFFIX);
  return g_string_free (g_steal_pointer (&name), FALSE);
}
