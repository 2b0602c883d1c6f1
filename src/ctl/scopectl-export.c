/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scopectl export: a network of 0.0.x for wg-quick, on a host without Scope. */
#include "config.h"

#include "ctl/scopectl.h"

#include "common/scope-error.h"
#include "common/scope-wg-quick.h"
#include "ctl/ctl-options.h"
#include "ctl/ctl-service.h"

#include <glib/gi18n-lib.h>

#define VERB "export"

static gboolean
run (const char *network, const ScopeKey *who, GError **error)
{
  g_autoptr (GPtrArray) services = ctl_services_find (network, error);
  g_autofree char *text = NULL;

  if (!services)
    return FALSE;
  if (services->len > 1)
    {
      g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("more than one network is up; say which one"));
      return FALSE;
    }
  text = scope_wg_quick_format (NULL, ((CtlService *) services->pdata[0])->status, who,
                                g_get_real_time () / G_USEC_PER_SEC, error);
  if (text)
    g_print ("%s", text);
  return text != NULL;
}

int
scopectl_export (int argc, char **argv)
{
  const GOptionEntry entries[] = { { NULL } };
  g_auto (GStrv) rest = NULL;
  g_autoptr (GError) error = NULL;
  ScopeKey who;

  if (!ctl_options_parse (VERB, N_ ("KEY [NETWORK]"),
                          N_ ("Prints what wg-quick(8) needs for a machine with WireGuard and without Scope whose public key KEY the\n"
                              "registry lists, in a network without a root key (as Scope 0.0.x has it) that is up here. There are no\n"
                              "secrets in it; its first lines say where wg-quick will look for the private key."),
                          entries, argc, argv, 1, 2, &rest))
    return CTL_USAGE;
  if (!scope_key_parse (&who, rest[0]))
    return ctl_usage (VERB, _ ("KEY: not a WireGuard key (44 characters of base64)"));
  if (rest[1] && !ctl_check_network (rest[1], &error))
    return ctl_usage (VERB, error->message);
  return run (rest[1], &who, &error) ? CTL_OK : ctl_failure (VERB, error);
}
