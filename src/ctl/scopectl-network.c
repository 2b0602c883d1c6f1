/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scopectl network create: the root key, and the file that its registry needs. */
#include "config.h"

#include "ctl/scopectl.h"

#include "common/scope-error.h"
#include "common/scope-fields.h"
#include "common/scope-secret-service.h"
#include "common/scope-settings.h"
#include "ctl/ctl-file.h"
#include "ctl/ctl-keyring.h"
#include "ctl/ctl-options.h"
#include "ctl/ctl-root.h"
#include "ctl/ctl-terminal.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#define VERB "network"
#define DAY (24 * 3600)

typedef struct {
  CtlRootOptions common;
  char **prefixes;
  char *output;
  int days;
  gboolean keyring;
  gboolean json;

  const char *name;
  GArray *pool;
  char *root_path;
  char *network_path;
} Create;

static void
create_clear (Create *c)
{
  ctl_root_options_clear (&c->common);
  g_strfreev (c->prefixes);
  g_free (c->output);
  g_clear_pointer (&c->pool, g_array_unref);
  g_free (c->root_path);
  g_free (c->network_path);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Create, create_clear)

static gboolean
check (Create *c, GError **error)
{
  if (!ctl_check_network (c->name, error))
    return FALSE;
  if (!c->common.registry)
    {
      g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
                           _ ("--registry: missing; where will the registry be?"));
      return FALSE;
    }
  if (!ctl_check_registry (c->common.registry, error) || !ctl_check_number ("--days", c->days, 1, 36500, error))
    return FALSE;
  c->pool = ctl_parse_prefixes ("--prefix", c->prefixes, SCOPE_GRANT_MAX_RANGES, error);
  return c->pool != NULL;
}

/* What the registry may do on the root's behalf: let edges in, with single addresses of the prefixes. */
static char *
delegate_to (const Create *c, const ScopeIdentity *root, const ScopeIdentity *delegate, GError **error)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  const ScopeDelegation delegation = {
    .network = (char *) c->name,
    .identity = scope_identity_public (delegate),
    .roles = 1 << SCOPE_ROLE_EDGE,
    .pool = c->pool,
    .issued = now,
    .expires = now + (gint64) c->days * DAY,
  };
  g_autofree char *payload = scope_delegation_format (&delegation);

  return scope_jws_sign (root, SCOPE_TYP_DELEGATION, payload, error);
}

/* Has the delegate's secret in it. */
static char *
format_network (const Create *c, const ScopeIdentity *root, const ScopeIdentity *delegate, const char *delegation)
{
  g_autofree char *identity = scope_identity_public_format (scope_identity_public (root));
  g_autoptr (ScopeSecret) secret = scope_identity_format (delegate);
  GString *out = g_string_sized_new (32768); /* in one piece: growing would leave copies of the secret behind */

  g_string_append_c (out, '{');
  scope_fields_put_string (out, "network", c->name);
  scope_fields_put_string (out, "root", identity);
  scope_fields_put_prefixes (out, "prefixes", c->pool);
  scope_fields_put_string (out, "delegate", secret);
  scope_fields_put_name (out, "delegation");
  g_string_append_printf (out, "%s}\n", delegation);
  return g_string_free (out, FALSE);
}

static gboolean
write_files (const Create *c, const ScopeIdentity *root, const ScopeIdentity *delegate, const char *passphrase,
             GError **error)
{
  g_autoptr (ScopeKeyfile) sealed = scope_keyfile_seal (c->name, c->common.registry, root, passphrase, error);
  g_autofree char *root_text = sealed ? scope_keyfile_format (sealed) : NULL;
  g_autofree char *delegation = sealed ? delegate_to (c, root, delegate, error) : NULL;
  g_autoptr (ScopeSecret) network_text = NULL;

  if (!delegation)
    return FALSE;
  network_text = format_network (c, root, delegate, delegation);
  if (!ctl_file_create (c->root_path, root_text, error))
    return FALSE;
  if (ctl_file_create (c->network_path, network_text, error))
    return TRUE;
  g_unlink (c->root_path); /* ours, and of no use alone */
  return FALSE;
}

/* Asked for, or offered to a person who typed it. What goes wrong costs nobody the key. */
static void
keep_passphrase (const Create *c, const char *fingerprint, const char *passphrase)
{
  g_autoptr (GError) error = NULL;

  if (c->common.no_keyring || (!c->keyring && (c->common.passphrase_file || !scope_secret_service_there ())))
    return;
  if (!c->keyring)
    {
      g_autofree char *answer = ctl_terminal_ask (_ ("Keep the passphrase in this session's keyring? [y/N]"), FALSE, NULL);
      if (!answer || g_ascii_tolower (*answer) != 'y')
        return;
    }
  if (!scope_secret_service_there ())
    g_printerr (_ ("scopectl %s: --keyring: this session has no keyring (Secret Service)\n"), VERB);
  else if (!ctl_keyring_store (c->name, fingerprint, passphrase, &error))
    g_printerr (_ ("scopectl %s: the keyring did not take the passphrase: %s\n"), VERB, error->message);
}

static void
print_result (const Create *c, const char *fingerprint)
{
  g_autofree char *file = g_path_get_basename (c->network_path);
  g_autoptr (GString) entry = g_string_new ("{");

  scope_fields_put_string (entry, "name", c->name);
  scope_fields_put_string (entry, "file", file);
  scope_fields_put_name (entry, "admission");
  g_string_append (entry, "[\"token\",\"granted\"]}");
  if (c->json)
    {
      g_autoptr (GString) out = g_string_new ("{");

      scope_fields_put_string (out, "network", c->name);
      scope_fields_put_string (out, "fingerprint", fingerprint);
      scope_fields_put_string (out, "root", c->root_path);
      scope_fields_put_string (out, "file", c->network_path);
      scope_fields_put_name (out, "entry");
      g_print ("%s%s}\n", out->str, entry->str);
      return;
    }
  g_print (_ ("Network:      %s\nFingerprint:  %s\n\n"), c->name, fingerprint);
  g_print (_ ("%s is the root key: keep it off the network, with a copy in a safe place; without it or its\n"
              "passphrase nobody can be let in by name, put out, or stop the network.\n"), c->root_path);
  g_print (_ ("%s is for the registry alone: copy it beside its registry.json, readable for its user only, and\n"
              "add to “networks” there:\n\n  %s\n\n"), c->network_path, entry->str);
  g_print (_ ("The registry may let edges in for %d days. The first one: scopectl invite %s\n"), c->days, c->name);
}

static gboolean
create (Create *c, GError **error)
{
  const char *dir = c->output ? c->output : ".";
  g_autofree char *root_name = g_strconcat (c->name, ".root", NULL);
  g_autofree char *network_name = g_strconcat (c->name, ".network", NULL);
  g_autoptr (ScopeSecret) passphrase = NULL;
  g_autoptr (ScopeIdentity) root = NULL, delegate = NULL;
  const char *fingerprint;

  c->root_path = g_str_equal (dir, ".") ? g_strdup (root_name) : g_build_filename (dir, root_name, NULL);
  c->network_path = g_str_equal (dir, ".") ? g_strdup (network_name) : g_build_filename (dir, network_name, NULL);
  if (!g_file_test (dir, G_FILE_TEST_IS_DIR))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, _ ("--output: %s: no such directory"), dir);
      return FALSE;
    }
  /* Before a person has thought of a passphrase */
  if (!ctl_file_is_free (c->root_path, error) || !ctl_file_is_free (c->network_path, error))
    return FALSE;
  if (!(passphrase = ctl_new_passphrase (&c->common, error)) || !(root = scope_identity_generate (error)) ||
      !(delegate = scope_identity_generate (error)) || !write_files (c, root, delegate, passphrase, error))
    return FALSE;
  fingerprint = scope_identity_public_fingerprint (scope_identity_public (root));
  keep_passphrase (c, fingerprint, passphrase);
  print_result (c, fingerprint);
  return TRUE;
}

int
scopectl_network (int argc, char **argv)
{
  g_auto (Create) c = { .days = 365 };
  const GOptionEntry entries[] = {
    { "registry", 0, 0, G_OPTION_ARG_STRING, &c.common.registry, N_ ("Where the registry will be; remembered in the root key's file"),
      N_ ("URL") },
    { "prefix", 0, 0, G_OPTION_ARG_STRING_ARRAY, &c.prefixes,
      N_ ("Addresses of the network, such as 10.77.0.0/24; give it again for more, IPv4 and IPv6"), N_ ("PREFIX") },
    { "output", 0, 0, G_OPTION_ARG_FILENAME, &c.output, N_ ("Where to write the files [here]"), N_ ("DIRECTORY") },
    { "days", 0, 0, G_OPTION_ARG_INT, &c.days, N_ ("How long the registry may let peers in [365]"), N_ ("N") },
    { "passphrase-file", 0, 0, G_OPTION_ARG_FILENAME, &c.common.passphrase_file,
      N_ ("The passphrase is this file's first line (“-”: the standard input's)"), N_ ("FILE") },
    { "keyring", 0, 0, G_OPTION_ARG_NONE, &c.keyring, N_ ("Keep the passphrase in the session's keyring"), NULL },
    { "no-keyring", 0, 0, G_OPTION_ARG_NONE, &c.common.no_keyring, N_ ("Leave the session's keyring alone"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &c.json, N_ ("Print JSON"), NULL },
    { NULL },
  };
  g_auto (GStrv) rest = NULL;
  g_autoptr (GError) error = NULL;

  if (!ctl_options_parse (VERB, N_ ("create NAME"),
                          N_ ("Makes a network NAME: its root key, encrypted with a passphrase (NAME.root), and the file\n"
                              "that its registry needs (NAME.network)."),
                          entries, argc, argv, 2, 2, &rest))
    return CTL_USAGE;
  if (!g_str_equal (rest[0], "create"))
    {
      g_autofree char *word = ctl_printable (rest[0]);
      g_autofree char *text = g_strdup_printf (_ ("“%s” is not known, expected: create NAME"), word);
      return ctl_usage (VERB, text);
    }
  c.name = rest[1];
  if (!check (&c, &error))
    return ctl_usage (VERB, error->message);
  return create (&c, &error) ? CTL_OK : ctl_failure (VERB, error);
}
