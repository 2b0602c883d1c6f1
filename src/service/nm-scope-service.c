/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nm-scope-service: one process per active connection, started by NetworkManager and gone with it.
 */
#include "config.h"

#include "common/scope-settings.h"
#include "service/scope-activation.h"
#include "service/scope-autoconnect.h"
#include "service/scope-log.h"
#include "service/scope-plugin.h"
#include "tunnel/scope-tunnel-sweep.h"

#include <glib-unix.h>
#include <libintl.h>
#include <locale.h>
#include <openssl/crypto.h>
#include <stdio.h>

static char *bus_name = SCOPE_NM_SERVICE;
static gboolean autoconnect, persist, debug, sweep, version;
static char **rest;

static const GOptionEntry entries[] = {
  { "bus-name", 0, 0, G_OPTION_ARG_STRING, &bus_name, "D-Bus name to own", "NAME" },
  { "persist", 0, 0, G_OPTION_ARG_NONE, &persist, "Stay when the connection has ended", NULL },
  { "debug", 0, 0, G_OPTION_ARG_NONE, &debug, "Log everything to standard error", NULL },
  { "sweep", 0, 0, G_OPTION_ARG_NONE, &sweep, "Remove what killed services left behind (all of connection UUID if given), and exit", NULL },
  { "autoconnect", 0, 0, G_OPTION_ARG_NONE, &autoconnect, "Activate what NetworkManager's start has not brought back, and exit", NULL },
  { "version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version, and exit", NULL },
  { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &rest, NULL, "[UUID]" },
  { NULL },
};

typedef struct {
  GMainLoop *loop;
  ScopePlugin *plugin;
  gboolean quitting;
  int status;
} Main;

static void
on_idle (ScopePlugin *plugin, gpointer data)
{
  Main *m = data;

  if (!persist || m->quitting)
    g_main_loop_quit (m->loop);
}

/* The plugin's own timer, when nobody has connected for a while. */
static void
on_quit (NMVpnServicePlugin *plugin, gpointer data)
{
  Main *m = data;

  if (!persist && !scope_plugin_is_busy (m->plugin))
    g_main_loop_quit (m->loop);
}

/* The user has changed his mind. From Connect on NetworkManager tells the plugin itself. */
static void
on_ended (gpointer data)
{
  Main *m = data;

  scope_plugin_forget_question (m->plugin);
  if (!scope_plugin_is_busy (m->plugin))
    g_main_loop_quit (m->loop);
}

static gboolean
on_term (gpointer data)
{
  Main *m = data;

  m->quitting = TRUE;
  nm_vpn_service_plugin_shutdown (NM_VPN_SERVICE_PLUGIN (m->plugin));
  if (!scope_plugin_is_busy (m->plugin))
    g_main_loop_quit (m->loop);
  return G_SOURCE_CONTINUE;
}

static int
run_service (GDBusConnection *bus)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Main m = { .loop = loop };
  ScopeActivation *activation = persist ? NULL : scope_activation_new (bus, bus_name, on_ended, &m);

  m.plugin = scope_plugin_new (bus, bus_name, &error);
  if (!m.plugin)
    {
      g_clear_pointer (&activation, scope_activation_free);
      g_critical ("cannot offer %s on the system bus: %s", bus_name, error->message);
      return 1;
    }
  g_signal_connect (m.plugin, "idle", G_CALLBACK (on_idle), &m);
  g_signal_connect (m.plugin, "quit", G_CALLBACK (on_quit), &m);
  guint term = g_unix_signal_add (SIGTERM, on_term, &m);
  guint intr = g_unix_signal_add (SIGINT, on_term, &m);
  g_main_loop_run (loop);
  g_source_remove (term);
  g_source_remove (intr);
  g_clear_pointer (&activation, scope_activation_free);
  g_object_unref (m.plugin);
  g_dbus_connection_flush_sync (bus, NULL, NULL); /* the answer to a Connect that failed may be on its way */
  return m.status;
}

int
main (int argc, char *argv[])
{
  g_autoptr (GOptionContext) context = g_option_context_new ("- NetworkManager VPN service of Scope");
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) bus = NULL;

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      fprintf (stderr, "nm-scope-service: %s\n", error->message);
      return 2;
    }
  if (version)
    {
      puts (PACKAGE_STRING);
      return 0;
    }
  if (rest && (!sweep || rest[1]))
    {
      fprintf (stderr, "nm-scope-service: unexpected argument %s\n", sweep ? rest[1] : rest[0]);
      return 2;
    }
  scope_log_init (debug);
  /* Texts of errors and tables of legacy names: half a megabyte that nobody asks OpenSSL for here. */
  OPENSSL_init_crypto (OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_NO_ADD_ALL_CIPHERS |
                       OPENSSL_INIT_NO_ADD_ALL_DIGESTS, NULL);
  if (sweep)
    {
      scope_tunnel_sweep (rest ? rest[0] : NULL);
      return 0;
    }
  if (autoconnect)
    return scope_autoconnect_run ();
  bus = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, &error);
  if (!bus)
    {
      g_critical ("no system bus: %s", error->message);
      return 1;
    }
  return run_service (bus);
}
