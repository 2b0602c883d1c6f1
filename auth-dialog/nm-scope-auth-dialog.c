/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nm-scope-auth-dialog: what NetworkManager's agents (GNOME Shell, nm-applet, nmcli) start when a Scope connection needs
 * secrets. It gets the connection on its standard input and answers on its standard output.
 */
#include "config.h"

#include "auth-dialog/auth-keyring.h"
#include "auth-dialog/auth-output.h"
#include "auth-dialog/auth-quit.h"
#include "auth-dialog/auth-request.h"
#ifdef HAVE_GTK3
#include "auth-dialog/auth-window.h"
#endif
#include "common/scope-secret-service.h"

#include <glib/gi18n-lib.h>
#include <libintl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char *uuid, *name, *service;
static gboolean allow_interaction, reprompt, external, version;
static char **hints;

static const GOptionEntry entries[] = {
  { "uuid", 'u', 0, G_OPTION_ARG_STRING, &uuid, N_ ("UUID of the connection"), "UUID" },
  { "name", 'n', 0, G_OPTION_ARG_STRING, &name, N_ ("Name of the connection"), "NAME" },
  { "service", 's', 0, G_OPTION_ARG_STRING, &service, N_ ("VPN service type"), "SERVICE" },
  { "allow-interaction", 'i', 0, G_OPTION_ARG_NONE, &allow_interaction, N_ ("A person may be asked"), NULL },
  { "reprompt", 'r', 0, G_OPTION_ARG_NONE, &reprompt, N_ ("What is known is wrong: ask again"), NULL },
  { "hint", 't', 0, G_OPTION_ARG_STRING_ARRAY, &hints, N_ ("What is wanted, or why"), "HINT" },
  { "external-ui-mode", 0, 0, G_OPTION_ARG_NONE, &external, N_ ("Describe the questions, do not put them"), NULL },
  { "version", 0, 0, G_OPTION_ARG_NONE, &version, N_ ("Print the version, and exit"), NULL },
  { NULL },
};

static int
fail (const char *message)
{
  fprintf (stderr, "nm-scope-auth-dialog: %s\n", message);
  return 1;
}

static gboolean
put (char *text)
{
  g_autoptr (ScopeSecret) owned = text;

  setvbuf (stdout, NULL, _IONBF, 0); /* no copy of a secret stays in a buffer */
  return fputs (owned, stdout) >= 0 && fflush (stdout) == 0;
}

static char *
look_up (const char *connection, const char *key, gpointer data)
{
  return auth_keyring_lookup (connection, key, allow_interaction && !external);
}

static void
store (const AuthRequest *request)
{
  for (guint i = 0; i < request->secrets->len; i++)
    {
      const AuthSecret *secret = g_ptr_array_index (request->secrets, i);
      g_autoptr (GError) error = NULL;

      if (secret->ask && secret->stored && scope_secret_service_there () &&
          !auth_keyring_store (request->uuid, request->name, secret->name, secret->value, &error))
        fprintf (stderr, "nm-scope-auth-dialog: %s is not kept: %s\n", secret->name, error->message);
    }
}

/* Asks where it must. FALSE when there is no answer. */
static gboolean
answer (AuthRequest *request)
{
  if (!auth_request_asks (request))
    return TRUE;
#ifdef HAVE_GTK3
  if (!auth_window_init ())
    return fail ("there is something to ask, and no display"), FALSE;
  if (!auth_window_run (request))
    return FALSE;
  store (request);
  return TRUE;
#else
  return fail ("there is something to ask, and this build has no window: only --external-ui-mode"), FALSE;
#endif
}

static int
run (GHashTable *data, GHashTable *secrets)
{
  AuthQuery query = { .uuid = uuid,
                      .name = name,
                      .data = data,
                      .secrets = secrets,
                      .hints = (const char *const *) hints,
                      .allow_interaction = allow_interaction,
                      .reprompt = reprompt,
                      .external = external };
  g_autoptr (AuthRequest) request = auth_request_new (&query, scope_secret_service_there () ? look_up : NULL, NULL);

  if (external)
    return put (auth_output_external (request)) ? 0 : fail ("cannot write to the standard output");
  if (!answer (request))
    return 1;
  if (!put (auth_output_legacy (request)))
    return fail ("cannot write to the standard output");
  auth_quit_wait ();
  return 0;
}

int
main (int argc, char *argv[])
{
  g_autoptr (GOptionContext) context = NULL;
  g_autoptr (GHashTable) data = NULL;
  g_autoptr (GHashTable) secrets = NULL;
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  context = g_option_context_new (_ ("- asks for the secrets of Scope connections"));
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    return fail (error->message);
  if (version)
    return puts (PACKAGE_STRING) < 0;
  if (argc > 1 || !uuid || !name || !service)
    return fail ("usage: nm-scope-auth-dialog -u UUID -n NAME -s SERVICE [-i] [-r] [-t HINT]… [--external-ui-mode]");
  if (!g_str_equal (service, SCOPE_NM_SERVICE))
    return fail ("this is for the service " SCOPE_NM_SERVICE " only");
  if (!nm_vpn_service_plugin_read_vpn_details (STDIN_FILENO, &data, &secrets))
    return fail ("no connection on the standard input (DATA_KEY=, DATA_VAL=, DONE)");
  return run (data, secrets);
}
