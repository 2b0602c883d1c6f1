/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scopectl revoke: adds fingerprints to the revocation, the whole list of those who are out. */
#include "config.h"

#include "ctl/scopectl.h"

#include "common/scope-error.h"
#include "crypto/scope-authority-private.h"
#include "ctl/ctl-options.h"
#include "ctl/ctl-registry.h"
#include "ctl/ctl-root.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define VERB "revoke"

static gboolean
check (char **arguments, GError **error)
{
  if (!ctl_check_network (arguments[0], error))
    return FALSE;
  for (char **f = arguments + 1; *f; f++)
    if (!scope_fingerprint_valid (*f))
      {
        g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
                     _ ("FINGERPRINT: “%.60s” is not one (52 lower-case letters and digits 2 to 7, as "
                        "“scopectl peers --json” prints them; a short name will not do)"), *f);
        return FALSE;
      }
  return TRUE;
}

/* Adds what an envelope of the root's revokes. */
static gboolean
merge (const CtlRoot *root, const char *envelope, GHashTable *fingerprints, guint64 *counter, GError **error)
{
  g_autoptr (ScopeJws) jws = scope_jws_parse (envelope, strlen (envelope), error);
  g_autoptr (JsonObject) payload = jws ? scope_jws_verify (jws, root->file->identity, SCOPE_TYP_REVOCATION, error) : NULL;
  g_autoptr (ScopeRevocation) revocation =
      payload ? scope_revocation_parse (payload, root->file->network, error) : NULL;

  if (!revocation)
    return FALSE;
  for (char **f = revocation->identities; *f; f++)
    g_hash_table_add (fingerprints, g_strdup (*f));
  *counter = MAX (*counter, revocation->counter);
  return TRUE;
}

static char *
sign (const CtlRoot *root, GHashTable *fingerprints, guint64 counter, GError **error)
{
  g_autofree char **identities = (char **) g_hash_table_get_keys_as_array (fingerprints, NULL);
  const ScopeRevocation revocation = {
    .network = root->file->network,
    .counter = counter,
    .issued = g_get_real_time () / G_USEC_PER_SEC,
    .identities = identities,
  };
  g_autofree char *payload = NULL;

  if (g_hash_table_size (fingerprints) > SCOPE_REVOCATION_MAX_IDENTITIES)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("more than %d identities would be revoked; the list has no room"),
                   SCOPE_REVOCATION_MAX_IDENTITIES);
      return NULL;
    }
  payload = scope_revocation_format (&revocation);
  return scope_jws_sign (root->identity, SCOPE_TYP_REVOCATION, payload, error);
}

/*
 * The registry's list, and our own newest one: a registry that shows an old list, or none, must not make us let
 * somebody in again.
 */
static gboolean
collect (const CtlRoot *root, const CtlState *state, CtlRegistry *registry, GHashTable *fingerprints, guint64 *counter,
         GError **error)
{
  g_autoptr (CtlNetwork) network =
      ctl_registry_fetch (registry, root->file->identity, g_get_real_time () / G_USEC_PER_SEC, error);
  g_autoptr (GError) why = NULL;

  if (!network)
    return FALSE;
  for (guint i = 0; i < network->problems->len; i++)
    g_printerr (_ ("scopectl %s: the registry's %s\n"), VERB, (char *) network->problems->pdata[i]);
  if (network->revocation && !merge (root, network->revocation, fingerprints, counter, error))
    return FALSE;
  if (state->revocation && !merge (root, state->revocation, fingerprints, counter, &why))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("%s.state: %s; restore it, or remove it"), root->path,
                   why->message);
      return FALSE;
    }
  return TRUE;
}

static gboolean
run (char **arguments, const CtlRootOptions *options, GError **error)
{
  g_autoptr (CtlRoot) root = ctl_root_load (arguments[0], options, error);
  g_autoptr (CtlRegistry) registry = root ? ctl_registry_new (root->registry, arguments[0], options->ca, error) : NULL;
  g_autoptr (CtlState) state = registry ? ctl_state_load (root, error) : NULL;
  g_autoptr (GHashTable) fingerprints = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GBytes) answer = NULL;
  guint64 counter = 0;
  guint added = 0;

  if (!state || !ctl_root_unlock (root, options, error) ||
      !collect (root, state, registry, fingerprints, &counter, error))
    return FALSE;
  for (char **f = arguments + 1; *f; f++)
    {
      if (g_str_equal (*f, scope_identity_public_fingerprint (root->file->identity)))
        {
          g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
                               _ ("FINGERPRINT: that is the root key itself; only “scopectl kill” ends a network"));
          return FALSE;
        }
      if (g_hash_table_add (fingerprints, g_strdup (*f)))
        added++;
      else
        g_printerr (_ ("scopectl %s: %s is revoked already\n"), VERB, *f);
    }

  /* Sent even when nobody was added: the registry may have lost what we know. */
  g_free (state->revocation);
  if (!(state->revocation = sign (root, fingerprints, counter + 1, error)) || !ctl_state_save (root, state, error) ||
      !(answer = ctl_registry_post (registry, state->revocation, NULL, error)))
    return FALSE;
  g_print (ngettext ("%u identity revoked; the list has %u\n", "%u identities revoked; the list has %u\n", added), added,
           g_hash_table_size (fingerprints));
  return TRUE;
}

int
scopectl_revoke (int argc, char **argv)
{
  CtlRootOptions common = { NULL };
  const GOptionEntry entries[] = { CTL_ROOT_ENTRIES (common), { NULL } };
  g_auto (GStrv) rest = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  if (!ctl_options_parse (VERB, N_ ("NETWORK FINGERPRINT…"),
                          N_ ("Puts peers, or a registry's delegate, out of the network for good. A peer that is to come back\n"
                              "needs a new identity."),
                          entries, argc, argv, 2, G_MAXUINT, &rest))
    status = CTL_USAGE;
  else if (!check (rest, &error))
    status = ctl_usage (VERB, error->message);
  else
    status = run (rest, &common, &error) ? CTL_OK : ctl_failure (VERB, error);
  ctl_root_options_clear (&common);
  return status;
}
