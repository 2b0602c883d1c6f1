/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-memory.h"

static char *
state_file (const char *state, const char *suffix)
{
  return g_strdup_printf ("%s.%s", state, suffix);
}

char *
scope_memory_confirmed_root (const char *state)
{
  g_autofree char *path = state_file (state, "root");
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL) || !scope_fingerprint_valid (g_strchomp (text)))
    return NULL;
  return g_steal_pointer (&text);
}

gboolean
scope_memory_keep_root (const char *state, const char *fingerprint, GError **error)
{
  g_autofree char *path = state_file (state, "root");

  return g_file_set_contents_full (path, fingerprint, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

gboolean
scope_memory_has_grant (const char *state)
{
  g_autofree char *path = state_file (state, "trust");
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, NULL);

  return file && g_mapped_file_get_length (file) > 0 &&
         g_strstr_len (g_mapped_file_get_contents (file), g_mapped_file_get_length (file), SCOPE_TRUST_OWN_LINE);
}

void
scope_memory_load (const char *state, ScopeTrust *trust, gint64 now)
{
  g_autofree char *path = state_file (state, "trust");
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  gsize len;

  if (g_file_get_contents (path, &text, &len, &error))
    {
      if (!scope_trust_load (trust, text, len, now))
        g_warning ("%s is of another network or root, or broken: not used", path);
    }
  else if (!g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    g_warning ("%s", error->message);
}

gboolean
scope_memory_store (const char *state, ScopeTrust *trust)
{
  g_autofree char *path = state_file (state, "trust");
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) text = NULL;

  if (!scope_trust_is_dirty (trust))
    return TRUE;
  text = scope_trust_serialise (trust);
  if (g_file_set_contents_full (path, text->str, text->len, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
    return TRUE;
  g_warning ("what is known of the network cannot be kept: %s", error->message);
  return FALSE;
}
