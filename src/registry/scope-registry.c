/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-registry: the registry server. See scope-registry(8).
 */
#include "config.h"

#include "registry/registry-server.h"

#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#define SELF "scope-registry"
#define DRAIN_SECONDS 5
#define DEFAULT_CONFIG "registry.json" /* as 0.0.x, in the working directory */

typedef struct {
  GMainLoop *loop;
  RegistryServer *server;
  const char *path;
  gint64 drain_until;
} Main;

/* Structured to the journal; a line with the priority that systemd understands, or without, elsewhere. */
static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  static const struct {
    GLogLevelFlags level;
    int priority;
    const char *name;
  } levels[] = {
    { G_LOG_LEVEL_ERROR, 2, "error: " },   { G_LOG_LEVEL_CRITICAL, 3, "error: " }, { G_LOG_LEVEL_WARNING, 4, "warning: " },
    { G_LOG_LEVEL_MESSAGE, 5, "" },        { G_LOG_LEVEL_INFO, 6, "" },            { G_LOG_LEVEL_DEBUG, 7, "" },
  };
  gboolean systemd = g_getenv ("JOURNAL_STREAM") != NULL;
  const char *message = "", *self;

  if (g_log_writer_default_would_drop (level, NULL))
    return G_LOG_WRITER_HANDLED;
  if (g_log_writer_is_journald (fileno (stderr)) && g_log_writer_journald (level, fields, n_fields, NULL) == G_LOG_WRITER_HANDLED)
    return G_LOG_WRITER_HANDLED;
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "MESSAGE"))
      message = fields[i].value;
  self = g_str_has_prefix (message, SELF " ") ? "" : SELF ": ";
  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    if (level & levels[i].level)
      {
        if (systemd)
          fprintf (stderr, "<%d>%s\n", levels[i].priority, message);
        else
          fprintf (stderr, "%s%s%s\n", self, levels[i].name, message);
        break;
      }
  return G_LOG_WRITER_HANDLED;
}

static void
raise_descriptors (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max)
    {
      limit.rlim_cur = limit.rlim_max;
      setrlimit (RLIMIT_NOFILE, &limit);
    }
}

static RegistryConfig *
load (const char *path, GPtrArray *problems)
{
  RegistryConfig *config = registry_config_load (path, problems);
  const char *state = g_getenv ("STATE_DIRECTORY"); /* systemd's StateDirectory= */

  if (config && !config->state_directory && state)
    config->state_directory = g_strdup (state);
  return config;
}

static void
log_problems (const char *path, GPtrArray *problems)
{
  for (guint i = 0; i < problems->len; i++)
    {
      g_autofree char *line = registry_problem_format (g_ptr_array_index (problems, i), path);
      g_warning ("%s", line);
    }
}

/* @port: that was found where the configuration says 0 */
static char *
describe (const RegistryConfig *config, guint16 port)
{
  g_autofree char *address = g_inet_address_to_string (config->listen);
  g_autoptr (GString) text = g_string_new (NULL);
  gboolean v6 = g_inet_address_get_family (config->listen) == G_SOCKET_FAMILY_IPV6;

  if (config->listen_port)
    port = config->listen_port;
  g_string_append_printf (text, "%s://%s%s%s:%u%s, networks:", config->tls_certificate ? "https" : "http",
                          v6 ? "[" : "", address, v6 ? "]" : "", port, config->prefix);
  for (guint i = 0; i < config->networks->len; i++)
    g_string_append_printf (text, "%s %s", i ? "," : "",
                            ((RegistryNetworkConfig *) g_ptr_array_index (config->networks, i))->name);
  if (config->networks->len == 0)
    g_string_append (text, " none");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
print_problems (const char *path, GPtrArray *problems)
{
  for (guint i = 0; i < problems->len; i++)
    {
      g_autofree char *line = registry_problem_format (g_ptr_array_index (problems, i), path);
      g_printerr ("%s\n", line);
    }
}

static int
check (const char *path)
{
  g_autoptr (GPtrArray) problems = registry_problems_new ();
  g_autoptr (RegistryConfig) config = load (path, problems);
  g_autofree char *summary = NULL;

  print_problems (path, problems);
  if (!config)
    return EXIT_FAILURE;
  summary = describe (config, 0);
  g_print ("%s: OK: %s\n", path, summary);
  return EXIT_SUCCESS;
}

static gboolean
on_drained (gpointer user_data)
{
  Main *m = user_data;

  if (registry_server_is_drained (m->server) || g_get_monotonic_time () >= m->drain_until)
    g_main_loop_quit (m->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_terminate (gpointer user_data)
{
  Main *m = user_data;

  if (m->drain_until) /* asked twice: at once */
    {
      g_main_loop_quit (m->loop);
      return G_SOURCE_CONTINUE;
    }
  sd_notify (FALSE, "STOPPING=1\nSTATUS=Finishing requests");
  g_message ("stopping: %u WebSockets are told, requests finish", registry_server_get_sockets (m->server));
  m->drain_until = g_get_monotonic_time () + DRAIN_SECONDS * G_USEC_PER_SEC;
  registry_server_drain (m->server);
  g_timeout_add (20, on_drained, m);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_reload (gpointer user_data)
{
  Main *m = user_data;
  g_autoptr (GPtrArray) problems = registry_problems_new ();
  g_autoptr (RegistryConfig) config = NULL;
  g_autoptr (GError) error = NULL;
  const RegistryConfig *next;

  sd_notifyf (FALSE, "RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT, g_get_monotonic_time ());
  next = config = load (m->path, problems);
  log_problems (m->path, problems);
  if (!config)
    g_warning ("%s is wrong, the old configuration stays", m->path);
  else if (!registry_server_configure (m->server, g_steal_pointer (&config), &error))
    g_warning ("%s; the old configuration stays", error->message);
  else
    {
      g_autofree char *summary = describe (next, registry_server_get_port (m->server));
      g_message ("reloaded: %s", summary);
    }
  sd_notify (FALSE, "READY=1");
  return G_SOURCE_CONTINUE;
}

static gboolean
on_watchdog (gpointer user_data)
{
  sd_notify (FALSE, "WATCHDOG=1");
  return G_SOURCE_CONTINUE;
}

static int
serve (const char *path)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (RegistryServer) server = NULL;
  g_autoptr (GPtrArray) problems = registry_problems_new ();
  g_autoptr (RegistryConfig) config = load (path, problems);
  const RegistryConfig *served = config;
  g_autofree char *summary = NULL;
  g_autoptr (GError) error = NULL;
  Main m = { .loop = loop, .path = path };
  guint64 watchdog;

  if (!config)
    {
      print_problems (path, problems);
      return EXIT_FAILURE;
    }
  log_problems (path, problems);
  raise_descriptors ();
  signal (SIGPIPE, SIG_IGN);

  server = registry_server_new (scope_wg_device_read, &error);
  if (!server || !registry_server_configure (server, g_steal_pointer (&config), &error))
    {
      g_printerr ("scope-registry: %s\n", error->message);
      return EXIT_FAILURE;
    }
  m.server = server;
  g_unix_signal_add (SIGTERM, on_terminate, &m);
  g_unix_signal_add (SIGINT, on_terminate, &m);
  g_unix_signal_add (SIGHUP, on_reload, &m);
  if (sd_watchdog_enabled (FALSE, &watchdog) > 0)
    g_timeout_add (MAX (1, watchdog / 2000), on_watchdog, NULL);

  summary = describe (served, registry_server_get_port (server));
  g_message (SELF " " PACKAGE_VERSION " serves %s", summary);
  sd_notifyf (FALSE, "READY=1\nSTATUS=%s", summary);
  g_main_loop_run (loop);
  g_message ("stopped");
  return EXIT_SUCCESS;
}

int
main (int argc, char **argv)
{
  gboolean only_check = FALSE, version = FALSE;
  g_autoptr (GOptionContext) context = g_option_context_new ("[CONFIG]");
  g_autoptr (GError) error = NULL;
  const GOptionEntry options[] = {
    { "check", 0, 0, G_OPTION_ARG_NONE, &only_check, "Validate CONFIG, name what is wrong, and exit", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version and exit", NULL },
    { NULL },
  };

  setlocale (LC_ALL, ""); /* the encoding of what is printed */
  g_log_set_writer_func (write_log, NULL, NULL);
  g_option_context_set_summary (context, "Serves WireGuard peer information to the peers of a network.");
  g_option_context_set_description (context, "CONFIG is registry.json in the working directory unless given.\n"
                                             "See scope-registry(8) and scope-registry.json(5).");
  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      g_printerr ("scope-registry: %s\n", error->message);
      return 2;
    }
  if (version)
    {
      g_print ("scope-registry (NetworkManager-scope) %s\n", PACKAGE_VERSION);
      return EXIT_SUCCESS;
    }
  if (argc > 2)
    {
      g_printerr ("scope-registry: one configuration file, not %d\n", argc - 1);
      return 2;
    }

  const char *path = argc == 2 ? argv[1] : DEFAULT_CONFIG;
  if (g_str_equal (path, "-"))
    {
      g_printerr ("scope-registry: the configuration must be a file: it is read again at SIGHUP\n");
      return 2;
    }
  if (argc < 2 && !g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_printerr (DEFAULT_CONFIG ": there is none here: give CONFIG, or run where " DEFAULT_CONFIG " is\n");
      return EXIT_FAILURE;
    }
  return only_check ? check (path) : serve (path);
}
