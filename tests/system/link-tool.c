/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link-tool: src/peer/scope-liveness on a WireGuard interface that somebody else has set up, for test-link.
 *
 *   link-tool IF    until standard input ends; commands, one a line:
 *     want KEY | gone KEY | measure KEY | check
 *     send KEY TYPE     a link message {"t":"TYPE","d":{"n":1}}
 *     read COUNT        how long it takes to read the device, µs
 *   prints: SECONDS up KEY MS | rtt KEY MS | down KEY | message KEY TYPE
 */
#include "peer/scope-liveness.h"
#include "tunnel/scope-tunnel-attached.h"

#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ScopeTunnel *tunnel;
static ScopeLiveness *liveness;
static GMainLoop *loop;

static void
say (const char *what, const ScopeKey *peer, const char *more)
{
  char key[SCOPE_KEY_BASE64_LEN + 1];

  printf ("%.3f %s %s %s\n", g_get_real_time () / 1e6, what, scope_key_to_base64 (peer, key), more);
  fflush (stdout);
}

static void
say_ms (const char *what, const ScopeKey *peer, guint ms)
{
  g_autofree char *text = g_strdup_printf ("%u", ms);

  say (what, peer, text);
}

static void
on_up (const ScopeKey *peer, guint ms, gpointer data)
{
  say_ms ("up", peer, ms);
}

static void
on_rtt (const ScopeKey *peer, guint ms, guint loss, gpointer data)
{
  say_ms ("rtt", peer, ms);
}

static void
on_down (const ScopeKey *peer, gpointer data)
{
  say ("down", peer, "");
}

static void
on_message (const ScopeKey *from, const char *type, JsonObject *message, const char *text, gsize len, gpointer data)
{
  say ("message", from, type);
}

static void
on_slow (const ScopeKey *peer, gpointer data)
{
}

static const ScopeLivenessCalls calls = { on_up, on_rtt, on_down, on_slow, on_message };

static void
read_often (guint count)
{
  gint64 begin = g_get_monotonic_time ();

  for (guint i = 0; i < count; i++)
    scope_wg_device_free (scope_tunnel_read (tunnel, NULL));
  printf ("%.3f read %.1f\n", g_get_real_time () / 1e6, (g_get_monotonic_time () - begin) / (double) count);
  fflush (stdout);
}

static void
obey (const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", 3);
  ScopeKey key;

  if (g_str_equal (line, "check"))
    scope_liveness_check_all (liveness);
  else if (words[0] && words[1] && g_str_equal (words[0], "read"))
    read_often (MAX (atoi (words[1]), 1));
  else if (!words[0] || !words[1] || !scope_key_parse (&key, words[1]))
    fprintf (stderr, "link-tool: what is “%s”?\n", line);
  else if (g_str_equal (words[0], "want"))
    scope_liveness_want (liveness, &key);
  else if (g_str_equal (words[0], "gone"))
    scope_liveness_gone (liveness, &key);
  else if (g_str_equal (words[0], "measure"))
    scope_liveness_measure (liveness, &key, SCOPE_LIVENESS_MEASURE_ALWAYS);
  else if (g_str_equal (words[0], "send") && words[2])
    {
      g_autofree char *frame = g_strdup_printf ("{\"t\":\"%s\",\"d\":{\"n\":1}}", words[2]);
      g_autoptr (GError) error = NULL;

      if (!scope_liveness_send (liveness, &key, frame, strlen (frame), &error))
        fprintf (stderr, "link-tool: %s\n", error->message);
    }
}

static gboolean
on_command (int fd, GIOCondition condition, gpointer data)
{
  GString *pending = data;
  char buffer[1024], *end;
  ssize_t n = read (fd, buffer, sizeof buffer);

  if (n <= 0)
    {
      g_main_loop_quit (loop);
      return G_SOURCE_REMOVE;
    }
  g_string_append_len (pending, buffer, n);
  while ((end = strchr (pending->str, '\n')))
    {
      g_autofree char *line = g_strndup (pending->str, end - pending->str);

      g_string_erase (pending, 0, end + 1 - pending->str);
      obey (line);
    }
  return G_SOURCE_CONTINUE;
}

static void
on_tunnel_up (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeWgDevice) device = NULL;

  if (scope_tunnel_up_finish (tunnel, result, &error))
    device = scope_tunnel_read (tunnel, &error);
  if (device)
    liveness = scope_liveness_new (tunnel, &device->pub, &calls, NULL, &error);
  if (!liveness)
    {
      fprintf (stderr, "link-tool: %s\n", error->message);
      exit (1);
    }
  scope_liveness_set_peers (liveness, device->peers);
  printf ("ready\n");
  fflush (stdout);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) pending = g_string_new (NULL);
  g_autoptr (GDBusConnection) bus = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, &error);

  if (argc != 2 || !bus)
    {
      fprintf (stderr, "link-tool: %s\n", bus ? "which interface?" : error->message);
      return 1;
    }
  loop = g_main_loop_new (NULL, FALSE);
  tunnel = scope_tunnel_attached_new (bus, argv[1]);
  scope_tunnel_up_async (tunnel, NULL, on_tunnel_up, NULL);
  g_unix_fd_add (0, G_IO_IN | G_IO_HUP, on_command, pending);
  g_main_loop_run (loop);
  g_clear_pointer (&liveness, scope_liveness_free);
  g_object_unref (tunnel);
  g_main_loop_unref (loop);
  return 0;
}
