/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "ctl/ctl-root.h"

#include "common/scope-error.h"
#include "common/scope-json.h"
#include "common/scope-key.h"
#include "common/scope-secret-service.h"
#include "ctl/ctl-file.h"
#include "ctl/ctl-keyring.h"
#include "ctl/ctl-options.h"
#include "ctl/ctl-terminal.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>

#define PASSPHRASE_MAX 1024
#define PASSPHRASE_MIN 8 /* bytes */
#define STATE_MAX (128 * 1024)
#define TRIES 3

void
ctl_root_options_clear (CtlRootOptions *options)
{
  g_clear_pointer (&options->file, g_free);
  g_clear_pointer (&options->passphrase_file, g_free);
  g_clear_pointer (&options->registry, g_free);
  g_clear_pointer (&options->ca, g_free);
}

/* --- the file --- */

static char *
find (const char *network, GError **error)
{
  g_autofree char *name = g_strconcat (network, ".root", NULL);
  g_autofree char *home = g_build_filename (g_get_user_config_dir (), "nm-scope", name, NULL);

  if (g_file_test (name, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&name);
  if (g_file_test (home, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&home);
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED,
               _ ("no root key of “%s”: neither %s here nor %s; say where it is with --root"), network, name, home);
  return NULL;
}

static void
warn_of_readers (const char *path)
{
  struct stat st;

  if (stat (path, &st) == 0 && S_ISREG (st.st_mode) && (st.st_mode & 077))
    g_printerr (_ ("%s: others may read this file: chmod 600 it\n"), path);
}

CtlRoot *
ctl_root_load (const char *network, const CtlRootOptions *options, GError **error)
{
  g_autoptr (CtlRoot) root = g_new0 (CtlRoot, 1);
  g_autoptr (GError) why = NULL;
  g_autofree char *text = NULL;
  gsize len;

  root->path = options->file ? g_strdup (options->file) : find (network, error);
  if (!root->path || !(text = ctl_file_read (root->path, SCOPE_KEYFILE_MAX_BYTES, &len, error)))
    return NULL;
  root->file = scope_keyfile_parse (text, len, &why);
  if (!root->file)
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&why), "%s: ", root->path);
      return NULL;
    }
  if (!g_str_equal (root->file->network, network))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("%s: network: this is the root key of “%s”, not of “%s”"),
                   root->path, root->file->network, network);
      return NULL;
    }
  warn_of_readers (root->path);
  root->registry = g_strdup (options->registry ? options->registry : root->file->registry);
  return g_steal_pointer (&root);
}

void
ctl_root_free (CtlRoot *root)
{
  g_free (root->path);
  g_free (root->registry);
  g_clear_pointer (&root->file, scope_keyfile_free);
  g_clear_pointer (&root->identity, scope_identity_unref);
  g_free (root);
}

/* --- the passphrase --- */

static char *
read_passphrase (const char *path, GError **error)
{
  gsize len;
  char *text = ctl_file_read (path, PASSPHRASE_MAX, &len, error);

  if (!text)
    return NULL;
  text[strcspn (text, "\r\n")] = '\0';
  if (*text)
    return text;
  scope_secret_free (text);
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("--passphrase-file: %s: its first line is empty"), path);
  return NULL;
}

static gboolean
unlock_with (CtlRoot *root, const char *passphrase, GError **error)
{
  g_autoptr (GError) why = NULL;

  root->identity = scope_keyfile_open (root->file, passphrase, &why);
  if (root->identity)
    return TRUE;
  g_propagate_prefixed_error (error, g_steal_pointer (&why), "%s: ", root->path);
  return FALSE;
}

static gboolean
unlock_from_keyring (CtlRoot *root)
{
  g_autoptr (ScopeSecret) kept =
      ctl_keyring_lookup (root->file->network, scope_identity_public_fingerprint (root->file->identity));

  return kept && unlock_with (root, kept, NULL);
}

static gboolean
unlock_from_terminal (CtlRoot *root, GError **error)
{
  g_autofree char *question = g_strdup_printf (_ ("Passphrase of %s:"), root->path);

  for (guint i = 1;; i++)
    {
      g_autoptr (ScopeSecret) answer = ctl_terminal_ask (question, TRUE, error);
      g_autoptr (GError) why = NULL;

      if (!answer)
        return FALSE;
      if (unlock_with (root, answer, &why))
        return TRUE;
      if (i == TRIES || !scope_err_denied (why))
        {
          g_propagate_error (error, g_steal_pointer (&why));
          return FALSE;
        }
      g_printerr (_ ("The passphrase is wrong. Once more.\n"));
    }
}

gboolean
ctl_root_unlock (CtlRoot *root, const CtlRootOptions *options, GError **error)
{
  if (options->passphrase_file)
    {
      g_autoptr (ScopeSecret) passphrase = read_passphrase (options->passphrase_file, error);
      return passphrase && unlock_with (root, passphrase, error);
    }
  if (!options->no_keyring && scope_secret_service_there () && unlock_from_keyring (root))
    return TRUE;
  if (ctl_terminal_there ())
    return unlock_from_terminal (root, error);
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED,
               _ ("%s: there is no terminal to ask for the passphrase on; use --passphrase-file"), root->path);
  return FALSE;
}

static gboolean
check_new (const char *passphrase, GError **error)
{
  if (strlen (passphrase) >= PASSPHRASE_MIN)
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
               _ ("the passphrase is shorter than %d characters, and it is all that protects the network"),
               PASSPHRASE_MIN);
  return FALSE;
}

char *
ctl_new_passphrase (const CtlRootOptions *options, GError **error)
{
  g_autoptr (ScopeSecret) first = NULL, second = NULL;

  if (options->passphrase_file)
    {
      first = read_passphrase (options->passphrase_file, error);
      return first && check_new (first, error) ? g_steal_pointer (&first) : NULL;
    }
  if (!ctl_terminal_there ())
    {
      g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_FAILED,
                           _ ("there is no terminal to ask for a passphrase on; use --passphrase-file"));
      return NULL;
    }
  if (!(first = ctl_terminal_ask (_ ("Passphrase for the root key:"), TRUE, error)) || !check_new (first, error) ||
      !(second = ctl_terminal_ask (_ ("The same again:"), TRUE, error)))
    return NULL;
  if (g_str_equal (first, second))
    return g_steal_pointer (&first);
  g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("the two passphrases differ"));
  return NULL;
}

/* --- the state beside it --- */

static char *
state_path (const CtlRoot *root)
{
  return g_strconcat (root->path, ".state", NULL);
}

CtlState *
ctl_state_load (const CtlRoot *root, GError **error)
{
  g_autofree char *path = state_path (root);
  g_autofree char *text = NULL;
  g_autoptr (CtlState) state = g_new0 (CtlState, 1);
  g_autoptr (JsonObject) object = NULL;
  g_autoptr (GError) why = NULL;
  JsonNode *kill;
  const char *revocation;
  gsize len;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&state);
  if (!(text = ctl_file_read (path, STATE_MAX, &len, error)))
    return NULL;
  object = scope_json_parse_object_strict (text, len, STATE_MAX, &why);
  kill = object ? json_object_get_member (object, "kill") : NULL;
  revocation = object ? scope_json_get_string (object, "revocation") : NULL;
  if (!kill || json_node_get_value_type (kill) != G_TYPE_INT64 || json_node_get_int (kill) < 0)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("%s: damaged (%s); restore it, or remove it"), path,
                   why ? why->message : "kill");
      return NULL;
    }
  state->kill = json_node_get_int (kill);
  state->revocation = g_strdup (revocation);
  return g_steal_pointer (&state);
}

gboolean
ctl_state_save (const CtlRoot *root, const CtlState *state, GError **error)
{
  g_autofree char *path = state_path (root);
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text, "{\"kill\":%" G_GUINT64_FORMAT, state->kill);
  if (state->revocation)
    {
      g_string_append (text, ",\"revocation\":");
      scope_json_append_string (text, state->revocation);
    }
  g_string_append (text, "}\n");
  return ctl_file_replace (path, text->str, error);
}

void
ctl_state_free (CtlState *state)
{
  g_free (state->revocation);
  g_free (state);
}
