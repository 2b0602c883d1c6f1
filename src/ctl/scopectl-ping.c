/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scopectl ping: whether a member answers, which way packets take, and how long. */
#include "config.h"

#include "ctl/scopectl.h"

#include "common/scope-error.h"
#include "common/scope-fields.h"
#include "common/scope-json.h"
#include "ctl/ctl-echo.h"
#include "ctl/ctl-local.h"
#include "ctl/ctl-options.h"
#include "ctl/ctl-service.h"

#include <glib/gi18n-lib.h>
#include <stdio.h>

#define VERB "ping"
#define PAUSE_USEC (500 * 1000) /* from one to the next */

typedef struct {
  int count;
  int timeout;
  gboolean until_direct;
  gboolean json;
} Options;

/* The service whose network has the peer; @peer borrowed from its status. */
static CtlService *
find (GPtrArray *services, const char *who, JsonObject **peer, GError **error)
{
  CtlService *found = NULL;

  for (guint i = 0; i < services->len; i++)
    {
      CtlService *service = services->pdata[i];
      JsonObject *one = ctl_local_find (service->status, who);

      if (one && found)
        {
          g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("PEER: “%s” is in %s and in %s: say which network"), who,
                       ctl_local_text (found->status, "network"), ctl_local_text (service->status, "network"));
          return NULL;
        }
      if (one)
        {
          found = service;
          *peer = one;
        }
    }
  if (!found)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_GONE, _ ("PEER: nobody in the network is called “%s”, or has that address"), who);
  return found;
}

static void
print_json (const char *name, const char *address, JsonObject *peer, JsonObject *status, int number, gint64 usec)
{
  g_autoptr (GString) line = g_string_new ("{");
  g_autofree char *via = ctl_local_path (peer, status);

  scope_fields_put_integer (line, "n", number);
  scope_fields_put_string (line, "peer", name);
  scope_fields_put_string (line, "address", address);
  if (usec >= 0) /* in ms, as `local` has them, but finer */
    g_string_append_printf (line, ",\"latency\":%" G_GINT64_FORMAT ".%03d", usec / 1000, (int) (usec % 1000));
  else
    g_string_append (line, ",\"latency\":null");
  scope_fields_put_string (line, "path", ctl_local_text (peer, "path"));
  scope_fields_put_string (line, "way", via);
  g_string_append (line, ctl_local_is_direct (peer) ? ",\"direct\":true}" : ",\"direct\":false}");
  g_print ("%s\n", line->str);
}

/* "41 ms", and below ten with a decimal that is worth something there */
static char *
duration (gint64 usec)
{
  if (usec < 10 * 1000)
    return g_strdup_printf (_ ("%.1f ms"), usec / 1000.0);
  return g_strdup_printf (_ ("%d ms"), (int) ((usec + 500) / 1000));
}

static void
print_line (const char *name, const char *address, JsonObject *peer, JsonObject *status, gint64 usec)
{
  g_autofree char *way = ctl_local_path (peer, status);
  g_autofree char *took = duration (MAX (usec, 0));
  const char *endpoint = ctl_local_text (peer, "endpoint");

  if (usec < 0)
    g_print (_ ("no answer from %s (%s), way: %s\n"), name, address, *way ? way : "-");
  else if (ctl_local_is_direct (peer))
    g_print (_ ("pong from %s (%s) direct at %s: %s\n"), name, address, endpoint, took);
  else
    g_print (_ ("pong from %s (%s) via %s: %s\n"), name, address, *way ? way : "-", took);
}

/* FALSE with @error, or because nobody answered. */
static gboolean
ping (CtlService *service, const char *who, const Options *options, GError **error)
{
  JsonObject *peer = ctl_local_find (service->status, who);
  g_autofree char *name = ctl_local_name (peer);
  g_autofree char *key = g_strdup (ctl_local_text (peer, "key"));
  g_autofree char *address = ctl_local_address (peer, who);
  g_autoptr (CtlEcho) echo = NULL;
  gboolean answered = FALSE;

  if (!address)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("PEER: %s has no address of its own in the network"), name);
  else
    echo = ctl_echo_new (address, error);
  for (int i = 1; echo && i <= options->count; i++)
    {
      gint64 start = g_get_monotonic_time (), usec = ctl_echo_ask (echo, options->timeout * 1000);

      /* The way as it is now, not as it was when we began. */
      if (!ctl_service_refresh (service, error))
        return FALSE;
      peer = ctl_local_find (service->status, key);
      if (!peer)
        {
          g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_GONE, _ ("%s has left the network"), name);
          return FALSE;
        }
      if (options->json)
        print_json (name, address, peer, service->status, i, usec);
      else
        print_line (name, address, peer, service->status, usec);
      fflush (stdout);
      answered |= usec >= 0;
      if (usec >= 0 && options->until_direct && ctl_local_is_direct (peer))
        break;
      if (i < options->count)
        g_usleep (MAX (0, start + PAUSE_USEC - g_get_monotonic_time ()));
    }
  return answered;
}

int
scopectl_ping (int argc, char **argv)
{
  gboolean until_direct = FALSE, no_until_direct = FALSE;
  Options options = { .count = 10, .timeout = 2 };
  const GOptionEntry entries[] = {
    { "count", 'c', 0, G_OPTION_ARG_INT, &options.count, N_ ("How many pings at most (10)"), N_ ("N") },
    { "until-direct", 0, 0, G_OPTION_ARG_NONE, &until_direct, N_ ("End with the first answer that came directly (default)"), NULL },
    { "no-until-direct", 0, 0, G_OPTION_ARG_NONE, &no_until_direct, N_ ("Send all of them"), NULL },
    { "timeout", 0, 0, G_OPTION_ARG_INT, &options.timeout, N_ ("Seconds to wait for each answer (2)"), N_ ("S") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, N_ ("Print a line of JSON for each ping"), NULL },
    { NULL },
  };
  g_auto (GStrv) rest = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) services = NULL;
  CtlService *service;
  JsonObject *peer = NULL;

  if (!ctl_options_parse (VERB, N_ ("PEER [NETWORK]"),
                          N_ ("Pings a member of a network that is up on this machine, by its name, address, fingerprint or key, and\n"
                              "says which way packets take to it: until that is direct, or ten times."),
                          entries, argc, argv, 1, 2, &rest))
    return CTL_USAGE;
  if (until_direct && no_until_direct)
    return ctl_usage (VERB, _ ("--until-direct: not together with --no-until-direct"));
  if ((rest[1] && !ctl_check_network (rest[1], &error)) ||
      !ctl_check_number ("--count", options.count, 1, 1000000, &error) ||
      !ctl_check_number ("--timeout", options.timeout, 1, 3600, &error))
    return ctl_usage (VERB, error->message);
  options.until_direct = !no_until_direct;
  services = ctl_services_find (rest[1], &error);
  service = services ? find (services, rest[0], &peer, &error) : NULL;
  if (service && ping (service, rest[0], &options, &error))
    return CTL_OK;
  return error ? ctl_failure (VERB, error) : CTL_FAILURE;
}
