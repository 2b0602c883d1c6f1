/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-link: src/tunnel/scope-link against the kernel, in a network namespace of its own.
 */
#include "config.h"

#include "tunnel/scope-link.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static gboolean have_netns;
static int control = -1; /* any socket of the namespace */

static int
create_tun (const char *name)
{
  struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
  int fd = open ("/dev/net/tun", O_RDWR | O_CLOEXEC);

  g_strlcpy (request.ifr_name, name, sizeof request.ifr_name);
  if (fd >= 0 && ioctl (fd, TUNSETIFF, &request) < 0)
    {
      close (fd);
      return -1;
    }
  return fd;
}

static void
set_up (const char *name, gboolean up)
{
  struct ifreq request = { .ifr_flags = up ? IFF_UP : 0 };

  g_strlcpy (request.ifr_name, name, sizeof request.ifr_name);
  g_assert_cmpint (ioctl (control, SIOCSIFFLAGS, &request), ==, 0);
}

static void
rename_link (const char *from, const char *to)
{
  struct ifreq request = { 0 };

  g_strlcpy (request.ifr_name, from, sizeof request.ifr_name);
  g_strlcpy (request.ifr_newname, to, sizeof request.ifr_newname);
  g_assert_cmpint (ioctl (control, SIOCSIFNAME, &request), ==, 0);
}

static void
on_event (ScopeLinkWatch *watch, ScopeLinkState event, gpointer data)
{
  g_string_append_c (data, "gdur"[event]);
}

/* What was told since the last time, one letter each. */
static void
expect (GString *events, const char *letters)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpstr (events->str, ==, letters);
  g_string_truncate (events, 0);
}

static void
test_watch (void)
{
  g_autoptr (GString) events = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  if (!have_netns)
    {
      g_test_skip ("no network namespace");
      return;
    }
  g_autoptr (ScopeLinkWatch) watch = scope_link_watch_new ("scopet0", on_event, events, &error);
  g_assert_no_error (error);
  g_assert_cmpint (scope_link_watch_state (watch), ==, SCOPE_LINK_GONE);
  g_assert_false (scope_link_exists ("scopet0"));

  int fd = create_tun ("scopet0");
  int other = create_tun ("scopet1");
  if (fd < 0 || other < 0)
    {
      g_test_skip ("no TUN device");
      return;
    }
  expect (events, "d");
  g_assert_true (scope_link_exists ("scopet0"));
  g_assert_cmpuint (scope_link_watch_index (watch), ==, scope_link_index ("scopet0"));
  set_up ("scopet0", TRUE);
  expect (events, "u");
  set_up ("scopet1", TRUE); /* somebody else's */
  set_up ("scopet1", FALSE);
  expect (events, "");
  set_up ("scopet0", FALSE);
  expect (events, "d");
  rename_link ("scopet0", "scopet9");
  expect (events, "r");
  g_assert_cmpstr (scope_link_watch_name (watch), ==, "scopet9");
  rename_link ("scopet1", "scopet0"); /* takes the name, is not it */
  expect (events, "");
  set_up ("scopet9", TRUE);
  expect (events, "u");

  g_autoptr (ScopeLinkWatch) late = scope_link_watch_new ("scopet9", on_event, events, &error);
  g_assert_cmpint (scope_link_watch_state (late), ==, SCOPE_LINK_UP);
  close (fd);
  expect (events, "dgdg"); /* an interface that is up goes down first */
  g_assert_cmpuint (scope_link_watch_index (watch), ==, 0);
  g_assert_cmpint (scope_link_watch_state (late), ==, SCOPE_LINK_GONE);
  close (other);
  expect (events, "");
  fd = create_tun ("scopet0"); /* the next one with the first name */
  expect (events, "d");
  close (fd);
  expect (events, "g");
}

static void
on_event_free (ScopeLinkWatch *watch, ScopeLinkState event, gpointer data)
{
  ++*(guint *) data;
  scope_link_watch_free (watch);
}

static void
test_watch_free (void)
{
  guint calls = 0;

  if (!have_netns)
    {
      g_test_skip ("no network namespace");
      return;
    }
  int fd = create_tun ("scopet0");
  if (fd < 0)
    {
      g_test_skip ("no TUN device");
      return;
    }
  g_assert_nonnull (scope_link_watch_new ("scopet0", on_event_free, &calls, NULL));
  set_up ("scopet0", TRUE);
  set_up ("scopet0", FALSE);
  close (fd);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (calls, ==, 1);
}

/* More messages than the socket holds: the kernel drops some, the watch must still end up right. */
static void
test_watch_overrun (void)
{
  g_autoptr (GString) events = g_string_new (NULL);

  if (!have_netns)
    {
      g_test_skip ("no network namespace");
      return;
    }
  int fd = create_tun ("scopet0"), noise = create_tun ("scopet1");
  if (fd < 0 || noise < 0)
    {
      g_test_skip ("no TUN device");
      return;
    }
  g_autoptr (ScopeLinkWatch) watch = scope_link_watch_new ("scopet0", on_event, events, NULL);
  g_assert_nonnull (watch);
  for (int i = 0; i < 2000; i++)
    set_up ("scopet1", i & 1);
  close (fd);
  expect (events, "g");
  close (noise);
}

static int
bind_port (int family, guint16 port)
{
  struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons (port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons (port), .sin6_addr = IN6ADDR_ANY_INIT };
  int one = 1, fd = socket (family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  if (family == AF_INET6)
    setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  if (bind (fd, family == AF_INET ? (struct sockaddr *) &in : (struct sockaddr *) &in6,
            family == AF_INET ? sizeof in : sizeof in6) < 0)
    {
      close (fd);
      return -1;
    }
  return fd;
}

static void
test_ports (void)
{
  guint16 port = scope_udp_port_pick ();

  g_assert_cmpuint (port, !=, 0);
  g_assert_true (scope_udp_port_free (port));
  const int families[] = { AF_INET, AF_INET6 };
  for (gsize i = 0; i < G_N_ELEMENTS (families); i++)
    {
      int fd = bind_port (families[i], port);

      if (fd < 0)
        {
          g_test_message ("no IPv6");
          continue;
        }
      g_assert_false (scope_udp_port_free (port));
      close (fd);
    }
  g_assert_true (scope_udp_port_free (port));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  have_netns = unshare (CLONE_NEWNET) == 0 || unshare (CLONE_NEWUSER | CLONE_NEWNET) == 0;
  control = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (have_netns)
    set_up ("lo", TRUE); /* 127.0.0.1 cannot be bound without */
  g_test_add_func ("/link/watch", test_watch);
  g_test_add_func ("/link/watch-free", test_watch_free);
  g_test_add_func ("/link/watch-overrun", test_watch_overrun);
  g_test_add_func ("/link/ports", test_ports);
  return g_test_run ();
}
