/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scopectl keygen: a key pair; the secret half goes into a file, the public one to the standard output. */
#include "config.h"

#include "ctl/scopectl.h"

#include "common/scope-fields.h"
#include "crypto/scope-identity.h"
#include "crypto/scope-x25519.h"
#include "ctl/ctl-file.h"
#include "ctl/ctl-options.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define VERB "keygen"

/* @secret: with its line end; scope_secret_free() */
static gboolean
make_identity (char **secret, char **public, char **fingerprint, GError **error)
{
  g_autoptr (ScopeIdentity) identity = scope_identity_generate (error);
  g_autoptr (ScopeSecret) text = identity ? scope_identity_format (identity) : NULL;

  if (!identity)
    return FALSE;
  *secret = g_strconcat (text, "\n", NULL);
  *public = scope_identity_public_format (scope_identity_public (identity));
  *fingerprint = g_strdup (scope_identity_public_fingerprint (scope_identity_public (identity)));
  return TRUE;
}

static gboolean
make_wireguard (char **secret, char **public, GError **error)
{
  char base64[SCOPE_KEY_BASE64_LEN + 1];
  ScopeKey private_key, public_key;
  gboolean ok = scope_x25519_generate (&private_key, error) && scope_x25519_public (&public_key, &private_key, error);

  if (ok)
    {
      *secret = g_strconcat (scope_key_to_base64 (&private_key, base64), "\n", NULL);
      *public = g_strdup (scope_key_to_base64 (&public_key, base64));
    }
  explicit_bzero (base64, sizeof base64);
  scope_key_clear (&private_key);
  return ok;
}

int
scopectl_keygen (int argc, char **argv)
{
  gboolean identity = FALSE, json = FALSE;
  g_autofree char *output = NULL, *public = NULL, *fingerprint = NULL;
  g_autoptr (ScopeSecret) secret = NULL;
  const GOptionEntry entries[] = {
    { "identity", 0, 0, G_OPTION_ARG_NONE, &identity, N_ ("An identity (Ed448 and ML-DSA-65) instead of a WireGuard key"), NULL },
    { "output", 0, 0, G_OPTION_ARG_FILENAME, &output, N_ ("Where to write the secret half; required"), N_ ("FILE") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print JSON"), NULL },
    { NULL },
  };
  g_auto (GStrv) rest = NULL;
  g_autoptr (GError) error = NULL;

  if (!ctl_options_parse (VERB, "",
                          N_ ("Makes a key pair. The secret half goes into a new file that nobody else may read,\n"
                              "the public half to the standard output."),
                          entries, argc, argv, 0, 0, &rest))
    return CTL_USAGE;
  if (!output)
    return ctl_usage (VERB, _ ("--output: missing; which file is the secret half to go into?"));
  if (!(identity ? make_identity (&secret, &public, &fingerprint, &error) : make_wireguard (&secret, &public, &error)) ||
      !ctl_file_create (output, secret, &error))
    return ctl_failure (VERB, error);
  if (json)
    {
      g_autoptr (GString) out = g_string_new ("{");

      scope_fields_put_string (out, "public", public);
      if (fingerprint)
        scope_fields_put_string (out, "fingerprint", fingerprint);
      scope_fields_put_string (out, "file", output);
      g_print ("%s}\n", out->str);
    }
  else
    g_print ("%s\n", public);
  return CTL_OK;
}
