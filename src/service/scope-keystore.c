/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/scope-keystore.h"

#include "common/scope-error.h"
#include "crypto/scope-x25519.h"

#include <errno.h>
#include <string.h>

char *
scope_keystore_path (const char *uuid, const char *suffix, GError **error)
{
  const char *dir = g_getenv ("NM_SCOPE_STATE_DIR"); /* for tests; NetworkManager passes no such thing */

  if (!dir)
    dir = SCOPE_STATE_DIR;
  if (g_mkdir_with_parents (dir, 0700) != 0)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "state directory %s: %s", dir, g_strerror (errno));
      return NULL;
    }
  return suffix ? g_strdup_printf ("%s/%s.%s", dir, uuid, suffix) : g_build_filename (dir, uuid, NULL);
}

static gboolean
make (const char *path, ScopeKey *key, GError **error)
{
  g_autoptr (GError) why = NULL;
  char text[SCOPE_KEY_BASE64_LEN + 2];
  gboolean ok;

  if (!scope_x25519_generate (key, error))
    return FALSE;
  scope_key_to_base64 (key, text);
  strcat (text, "\n");
  ok = g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &why);
  explicit_bzero (text, sizeof text);
  if (!ok)
    {
      scope_key_clear (key);
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "private key: %s", why->message);
    }
  return ok;
}

gboolean
scope_keystore_get (const char *uuid, ScopeKey *key, gboolean *made, GError **error)
{
  g_autofree char *path = scope_keystore_path (uuid, "key", error);
  g_autoptr (GError) why = NULL;
  g_autoptr (ScopeSecret) text = NULL;

  *made = FALSE;
  if (!path)
    return FALSE;
  if (!g_file_get_contents (path, &text, NULL, &why))
    {
      if (g_error_matches (why, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        {
          *made = make (path, key, error);
          return *made;
        }
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "private key: %s", why->message);
      return FALSE;
    }
  if (scope_key_parse (key, g_strchomp (text)))
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED,
               "private key: %s holds no key: restore it, or remove it for a new one", path);
  return FALSE;
}
