/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scopectl: makes networks, lets peers in and out, and asks the registry. See scopectl(1). */
#include "config.h"

#include "ctl/scopectl.h"

#include "ctl/ctl-options.h"

#include <glib/gi18n-lib.h>
#include <libintl.h>
#include <locale.h>
#include <stdio.h>
#include <sys/resource.h>

static const ScopectlVerb verbs[] = {
  { "network", N_ ("create NAME"), N_ ("Make a network: its root key, and what its registry needs"), scopectl_network },
  { "networks", N_ ("REGISTRY"), N_ ("List the networks of a registry"), scopectl_networks },
  { "invite", N_ ("NETWORK"), N_ ("Make a file that lets one new member in"), scopectl_invite },
  { "grant", N_ ("NETWORK"), N_ ("Let a peer in by its identity and key"), scopectl_grant },
  { "revoke", N_ ("NETWORK FINGERPRINT…"), N_ ("Put peers or delegates out for good"), scopectl_revoke },
  { "kill", N_ ("NETWORK"), N_ ("Make every peer take the network down"), scopectl_kill },
  { "peers", N_ ("NETWORK"), N_ ("List who is in the network"), scopectl_peers },
  { "local", N_ ("[NETWORK]"), N_ ("Show the networks that are up on this machine, and the way to each peer"), scopectl_local },
  { "ping", N_ ("PEER [NETWORK]"), N_ ("Ping a peer, and say which way packets take"), scopectl_ping },
  { "netcheck", N_ ("[NETWORK]"), N_ ("Find out what stands between this machine and others"), scopectl_netcheck },
  { "status", N_ ("[NETWORK]"), N_ ("The same with what the registry says of each peer"), scopectl_status },
  { "rotate", N_ ("NETWORK"), N_ ("Make new preshared keys with every peer"), scopectl_rotate },
  { "export", N_ ("KEY [NETWORK]"), N_ ("Print a network for wg-quick, on a machine without Scope"), scopectl_export },
  { "keygen", "", N_ ("Make a WireGuard key, or an identity"), scopectl_keygen },
};

static void
print_help (void)
{
  g_print (_ ("Usage:\n  scopectl VERB [ARGUMENT…]\n\nVerbs:\n"));
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    g_print ("  %-9s %s\n", verbs[i].name, _ (verbs[i].summary));
  g_print (_ ("\n“scopectl VERB --help” tells more, scopectl(1) all.\n"));
}

/* What is still in the buffer, or was lost because the disk is full. */
static int
finish (int status)
{
  if (fflush (stdout) == 0 && !ferror (stdout))
    return status;
  g_printerr (_ ("scopectl: cannot write to the standard output\n"));
  return status ? status : CTL_FAILURE;
}

static int
run (int argc, char **argv)
{
  const char *verb = argc > 1 ? argv[1] : NULL;

  if (!verb)
    {
      g_printerr (_ ("scopectl: no verb; “scopectl --help” lists them\n"));
      return CTL_USAGE;
    }
  if (g_str_equal (verb, "--help") || g_str_equal (verb, "-h") || g_str_equal (verb, "help"))
    {
      print_help ();
      return CTL_OK;
    }
  if (g_str_equal (verb, "--version"))
    {
      g_print ("%s\n", PACKAGE_STRING);
      return CTL_OK;
    }
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (g_str_equal (verb, verbs[i].name))
      return verbs[i].run (argc - 1, argv + 1);
  g_printerr (_ ("scopectl: “%s” is not a verb; “scopectl --help” lists them\n"), verb);
  return CTL_USAGE;
}

int
main (int argc, char *argv[])
{
  const struct rlimit none = { 0, 0 };

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  g_set_prgname ("scopectl");
  setrlimit (RLIMIT_CORE, &none); /* root keys and passphrases are in memory */
  return finish (run (argc, argv));
}
