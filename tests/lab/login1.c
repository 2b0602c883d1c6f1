/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * login1: as much of logind on the system bus as a machine that goes to sleep needs
 *
 * NetworkManager and our service hear PrepareForSleep of org.freedesktop.login1 and may hold sleep up with a lock of
 * Inhibit(). Commands on standard input, one line each: "sleep" (about to sleep; "released" on standard output when
 * nobody holds it up any more), "wake". Says "ready" when it has the name.
 */
#include <errno.h>
#include <gio/gio.h>
#include <gio/gunixfdlist.h>
#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME "org.freedesktop.login1"
#define PATH "/org/freedesktop/login1"
#define INTERFACE "org.freedesktop.login1.Manager"

static const char xml[] = "<node><interface name='" INTERFACE "'>"
                          "<method name='Inhibit'>"
                          "<arg type='s' name='what' direction='in'/><arg type='s' name='who' direction='in'/>"
                          "<arg type='s' name='why' direction='in'/><arg type='s' name='mode' direction='in'/>"
                          "<arg type='h' name='fd' direction='out'/></method>"
                          "<property name='PreparingForSleep' type='b' access='read'/>"
                          "<signal name='PrepareForSleep'><arg type='b' name='start'/></signal>"
                          "</interface></node>";

static GMainLoop *loop;
static GDBusConnection *bus;
static guint locks; /* delay locks that somebody holds */
static gboolean preparing, waiting;

static void
say (const char *word)
{
  puts (word);
  fflush (stdout);
}

static void
check_released (void)
{
  if (!waiting || locks > 0)
    return;
  waiting = FALSE;
  say ("released");
}

/* The holder has closed its end. */
static gboolean
on_released (int fd, GIOCondition condition, gpointer data)
{
  close (fd);
  locks--;
  check_released ();
  return G_SOURCE_REMOVE;
}

static void
on_call (GDBusConnection *connection, const char *sender, const char *path, const char *interface, const char *method,
         GVariant *arguments, GDBusMethodInvocation *invocation, gpointer data)
{
  g_autoptr (GUnixFDList) list = g_unix_fd_list_new ();
  g_autoptr (GError) error = NULL;
  const char *what, *who, *why, *mode;
  int ends[2];

  g_variant_get (arguments, "(&s&s&s&s)", &what, &who, &why, &mode);
  if (!g_unix_open_pipe (ends, FD_CLOEXEC, &error) || g_unix_fd_list_append (list, ends[1], &error) < 0)
    g_error ("%s", error->message);
  close (ends[1]); /* the list has a duplicate */
  if (strstr (what, "sleep") && g_str_equal (mode, "delay"))
    {
      locks++;
      g_printerr ("lock of %s: %s\n", who, why);
      g_unix_fd_add (ends[0], G_IO_HUP, on_released, NULL);
    }
  g_dbus_method_invocation_return_value_with_unix_fd_list (invocation, g_variant_new ("(h)", 0), list);
}

static GVariant *
on_property (GDBusConnection *connection, const char *sender, const char *path, const char *interface, const char *name,
             GError **error, gpointer data)
{
  return g_variant_new_boolean (preparing);
}

static void
prepare (gboolean start)
{
  g_autoptr (GError) error = NULL;

  preparing = start;
  if (!g_dbus_connection_emit_signal (bus, NULL, PATH, INTERFACE, "PrepareForSleep", g_variant_new ("(b)", start), &error) ||
      !g_dbus_connection_flush_sync (bus, NULL, &error))
    g_error ("%s", error->message);
}

static gboolean
on_command (GIOChannel *channel, GIOCondition condition, gpointer data)
{
  g_autofree char *line = NULL;

  if (g_io_channel_read_line (channel, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL)
    {
      g_main_loop_quit (loop);
      return G_SOURCE_REMOVE;
    }
  g_strchomp (line);
  if (g_str_equal (line, "sleep"))
    {
      prepare (TRUE);
      waiting = TRUE;
      check_released ();
    }
  else if (g_str_equal (line, "wake"))
    {
      waiting = FALSE;
      prepare (FALSE);
    }
  else
    g_error ("“%s” is no command", line);
  return G_SOURCE_CONTINUE;
}

/* Those who want a lock take it when they see the name. */
static void
on_name (GDBusConnection *connection, const char *name, gpointer data)
{
  say ("ready");
}

static void
on_no_name (GDBusConnection *connection, const char *name, gpointer data)
{
  g_error ("%s: somebody else has the name, or the bus is gone", name);
}

int
main (void)
{
  static const GDBusInterfaceVTable table = { .method_call = on_call, .get_property = on_property };
  g_autoptr (GDBusNodeInfo) info = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOChannel) in = g_io_channel_unix_new (STDIN_FILENO);

  bus = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, &error);
  info = bus ? g_dbus_node_info_new_for_xml (xml, &error) : NULL;
  if (!info || !g_dbus_connection_register_object (bus, PATH, info->interfaces[0], &table, NULL, NULL, &error))
    g_error ("%s", error->message);
  g_bus_own_name_on_connection (bus, NAME, G_BUS_NAME_OWNER_FLAGS_NONE, on_name, on_no_name, NULL, NULL);
  g_io_add_watch (in, G_IO_IN | G_IO_HUP, on_command, NULL);
  loop = g_main_loop_new (NULL, FALSE);
  g_main_loop_run (loop);
  return 0;
}
