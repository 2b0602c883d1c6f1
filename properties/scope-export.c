/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "scope-export.h"

#include "common/scope-key.h"
#include "scope-profile.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#define NAME_MAX_BYTES 200 /* file systems take 255, with our suffix and a copy's " (1)" */

gboolean
scope_export_file (const char *path, NMConnection *connection, GError **error)
{
  struct stat st;
  gsize len;
  g_autoptr (ScopeSecret) text = scope_profile_encode (connection, &len, error);

  if (!text)
    return FALSE;
  /* The file is replaced by renaming, which must not happen to a device such as /dev/stdout. */
  if (g_stat (path, &st) == 0 && !S_ISREG (st.st_mode))
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, _ ("%s: not a regular file"), path);
      return FALSE;
    }
  return g_file_set_contents_full (path, text, len, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
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
