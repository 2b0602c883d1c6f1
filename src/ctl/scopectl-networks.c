/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scopectl networks: what a registry serves. It needs no root key: editors ask it while a person types. */
#include "config.h"

#include "ctl/scopectl.h"

#include "common/scope-fields.h"
#include "ctl/ctl-options.h"
#include "ctl/ctl-registry.h"

#include <glib/gi18n-lib.h>

#define VERB "networks"

static void
print (const char *registry, char **names, gboolean json)
{
  g_autoptr (GString) out = g_string_new ("{");

  for (guint i = 0; !json && names[i]; i++)
    g_print ("%s\n", names[i]);
  if (!json)
    return;
  scope_fields_put_string (out, "registry", registry);
  scope_fields_put_strings (out, "networks", names);
  g_print ("%s}\n", out->str);
}

int
scopectl_networks (int argc, char **argv)
{
  g_autofree char *ca = NULL;
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "ca", 0, 0, G_OPTION_ARG_FILENAME, &ca, N_ ("Certificates to trust for the registry, instead of the system's"), N_ ("FILE") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print JSON"), NULL },
    { NULL },
  };
  g_auto (GStrv) rest = NULL;
  g_autoptr (CtlRegistry) registry = NULL;
  g_auto (GStrv) names = NULL;
  g_autoptr (GError) error = NULL;
  const char *from;

  if (!ctl_options_parse (VERB, N_ ("REGISTRY"), N_ ("Lists the networks of the registry at the URL REGISTRY."), entries, argc,
                          argv, 1, 1, &rest))
    return CTL_USAGE;
  registry = ctl_registry_new (rest[0], NULL, ca, &error);
  if (!registry)
    return ctl_usage (VERB, error->message);
  names = ctl_registry_list (registry, &from, &error);
  if (!names)
    return ctl_failure (VERB, error);
  print (from, names, json);
  return CTL_OK;
}
