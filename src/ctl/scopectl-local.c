/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scopectl local: the networks that are up on this machine, and how each of their peers is reached now. */
#include "config.h"

#include "ctl/scopectl.h"

#include "common/scope-error.h"
#include "common/scope-failure.h"
#include "ctl/ctl-failure.h"
#include "ctl/ctl-local.h"
#include "ctl/ctl-options.h"
#include "ctl/ctl-service.h"
#include "ctl/ctl-terminal.h"

#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <stdio.h>

#define VERB "local"
#define COUNTERS_SECONDS 2 /* what changes without a signal */

typedef struct {
  const char *network;
  gboolean json;
  gboolean again; /* there was something on the screen */
  GMainLoop *loop;
  GDBusConnection *bus;
  GError *error;
} Local;

static void
print (Local *self, GPtrArray *services)
{
  for (guint i = 0; i < services->len; i++)
    {
      const CtlService *service = services->pdata[i];
      g_autofree char *text = self->json ? ctl_local_to_json (service->status, !self->loop) : ctl_local_format (service->status);

      g_print (self->json ? "%s\n" : i ? "\n%s" : "%s", text);
    }
}

static gboolean
once (Local *self, GError **error)
{
  g_autoptr (GPtrArray) services = ctl_services_find (self->network, error);

  if (services)
    print (self, services);
  if (!self->json)
    {
      g_autofree char *failures = ctl_failures_format (SCOPE_FAILURE_DIR, self->network, g_get_real_time () / G_USEC_PER_SEC);

      g_print ("%s%s", services && *failures ? "\n" : "", failures);
    }
  return services != NULL;
}

/* --- watching --- */

/* On a terminal each time from the top; a file or a pipe gets one after the other. */
static void
clear_screen (Local *self)
{
  if (self->json)
    return;
  if (ctl_terminal_columns ())
    g_print ("\033[H\033[2J");
  else if (self->again)
    g_print ("\n");
  self->again = TRUE;
}

static gboolean
redraw (gpointer data)
{
  Local *self = data;
  g_autoptr (GError) why = NULL;
  g_autoptr (GPtrArray) services = ctl_services_find (self->network, &why);

  if (!services && !scope_err_gone (why))
    {
      g_propagate_error (&self->error, g_steal_pointer (&why));
      g_main_loop_quit (self->loop);
      return G_SOURCE_REMOVE;
    }
  clear_screen (self);
  if (services)
    print (self, services);
  else if (!self->json) /* it may come up again */
    g_print ("%s\n", why->message);
  if (fflush (stdout) != 0) /* who read it is gone */
    g_main_loop_quit (self->loop);
  return G_SOURCE_CONTINUE;
}

static void
on_change (gpointer data)
{
  redraw (data);
}

static gboolean
on_interrupt (gpointer data)
{
  g_main_loop_quit (((Local *) data)->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
watch (Local *self, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);

  self->bus = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, error);
  if (!self->bus)
    return FALSE;
  self->loop = loop;
  g_unix_signal_add (SIGINT, on_interrupt, self);
  g_unix_signal_add (SIGTERM, on_interrupt, self);
  ctl_services_watch (self->bus, on_change, self);
  g_timeout_add_seconds (COUNTERS_SECONDS, redraw, self);
  redraw (self);
  if (!self->error)
    g_main_loop_run (loop);
  g_clear_object (&self->bus);
  if (self->error)
    g_propagate_error (error, g_steal_pointer (&self->error));
  return *error == NULL;
}

int
scopectl_local (int argc, char **argv)
{
  gboolean json = FALSE, watching = FALSE;
  const GOptionEntry entries[] = {
    { "watch", 'w', 0, G_OPTION_ARG_NONE, &watching, N_ ("Go on: with each change, and every two seconds, until Ctrl+C"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print JSON; with --watch one line each time"), NULL },
    { NULL },
  };
  g_auto (GStrv) rest = NULL;
  g_autoptr (GError) error = NULL;
  Local self = { 0 };

  if (!ctl_options_parse (VERB, N_ ("[NETWORK]"),
                          N_ ("Shows the networks that are up on this machine, and for each peer which way packets take to it, where\n"
                              "it is, how long a direct link takes and loses, how old its handshake is, and how far its key is. After them\n"
                              "those that did not come up, and why."),
                          entries, argc, argv, 0, 1, &rest))
    return CTL_USAGE;
  if (rest[0] && !ctl_check_network (rest[0], &error))
    return ctl_usage (VERB, error->message);
  self.network = rest[0];
  self.json = json;
  return (watching ? watch (&self, &error) : once (&self, &error)) ? CTL_OK : ctl_failure (VERB, error);
}
