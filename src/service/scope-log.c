/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/scope-log.h"

#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

static int max_level = LOG_NOTICE;
static gboolean use_syslog;

static int
syslog_level (GLogLevelFlags flags)
{
  if (flags & G_LOG_LEVEL_ERROR)
    return LOG_CRIT;
  if (flags & G_LOG_LEVEL_CRITICAL)
    return LOG_ERR;
  if (flags & G_LOG_LEVEL_WARNING)
    return LOG_WARNING;
  if (flags & G_LOG_LEVEL_MESSAGE)
    return LOG_NOTICE;
  return flags & G_LOG_LEVEL_INFO ? LOG_INFO : LOG_DEBUG;
}

static GLogWriterOutput
writer (GLogLevelFlags flags, const GLogField *fields, gsize n_fields, gpointer data)
{
  static const char *const names[] = { "emerg", "alert", "crit", "error", "warning", "notice", "info", "debug" };
  int level = syslog_level (flags);
  const char *message = "";
  gboolean ours = FALSE;

  if (level > max_level)
    return G_LOG_WRITER_HANDLED;
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "MESSAGE"))
      message = fields[i].value;
    else if (g_str_equal (fields[i].key, "GLIB_DOMAIN"))
      ours = g_str_equal (fields[i].value, G_LOG_DOMAIN);
  if (level == LOG_DEBUG && !ours) /* GLib's own, about sockets and modules */
    return G_LOG_WRITER_HANDLED;
  if (use_syslog)
    syslog (level, "%s", message);
  else
    fprintf (stderr, "nm-scope[%d] <%s> %s\n", (int) getpid (), names[level], message);
  return G_LOG_WRITER_HANDLED;
}

void
scope_log_init (gboolean debug)
{
  const char *level = g_getenv ("NM_VPN_LOG_LEVEL");
  const char *where = g_getenv ("NM_VPN_LOG_SYSLOG");
  guint64 number;

  /* 0 is what NetworkManager says when nobody has asked for VPN_PLUGIN: then what went wrong would be said nowhere. */
  if (level && g_ascii_string_to_unsigned (level, 10, LOG_ALERT, LOG_DEBUG, &number, NULL))
    max_level = number;
  /* NetworkManager asks for syslog also where none runs (a container): say it on standard error then. */
  use_syslog = where && g_str_equal (where, "1") && access ("/dev/log", W_OK) == 0;
  if (debug)
    {
      max_level = LOG_DEBUG;
      use_syslog = FALSE;
    }
  if (use_syslog)
    openlog ("nm-scope", LOG_PID, LOG_DAEMON);
  g_log_set_writer_func (writer, NULL, NULL);
}
