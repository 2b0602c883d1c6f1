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
keep (const char *path, const char *what, const char *text, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (ScopeSecret) line = g_strconcat (text, "\n", NULL);

  if (g_file_set_contents_full (path, line, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &why))
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "%s: %s", what, why->message);
  return FALSE;
}

/* @text: (out) (nullable): NULL when there is no such file yet */
static gboolean
read (const char *path, const char *what, char **text, GError **error)
{
  g_autoptr (GError) why = NULL;

  *text = NULL;
  if (g_file_get_contents (path, text, NULL, &why))
    {
      g_strchomp (*text);
      return TRUE;
    }
  if (g_error_matches (why, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "%s: %s", what, why->message);
  return FALSE;
}

static gboolean
make (const char *path, ScopeKey *key, GError **error)
{
  char text[SCOPE_KEY_BASE64_LEN + 1];
  gboolean ok;

  if (!scope_x25519_generate (key, error))
    return FALSE;
  scope_key_to_base64 (key, text);
  ok = keep (path, "private key", text, error);
  explicit_bzero (text, sizeof text);
  if (!ok)
    scope_key_clear (key);
  return ok;
}

gboolean
scope_keystore_get (const char *uuid, ScopeKey *key, gboolean *made, GError **error)
{
  g_autofree char *path = scope_keystore_path (uuid, "key", error);
  g_autoptr (ScopeSecret) text = NULL;

  *made = FALSE;
  if (!path || !read (path, "private key", &text, error))
    return FALSE;
  if (!text)
    return *made = make (path, key, error);
  if (scope_key_parse (key, text))
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED,
               "private key: %s holds no key: restore it, or remove it for a new one", path);
  return FALSE;
}

ScopeIdentity *
scope_keystore_identity (const char *uuid, GError **error)
{
  g_autofree char *path = scope_keystore_path (uuid, "identity", error);
  g_autoptr (ScopeIdentity) identity = NULL;
  g_autoptr (ScopeSecret) text = NULL;

  if (!path || !read (path, "identity", &text, error))
    return NULL;
  if (text)
    {
      identity = scope_identity_parse (text, NULL);
      if (!identity)
        g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED,
                     "identity: %s holds none: restore it, or remove it for a new one, which must be granted anew", path);
      return g_steal_pointer (&identity);
    }
  identity = scope_identity_generate (error);
  if (!identity)
    return NULL;
  text = scope_identity_format (identity);
  if (!keep (path, "identity", text, error))
    return NULL;
  return g_steal_pointer (&identity);
}
