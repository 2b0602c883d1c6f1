/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-choose: what we take of this machine when the profile leaves it open.
 */
#include "common/scope-error.h"
#include "peer/scope-choose.h"

#include <arpa/inet.h>
#include <unistd.h>

static ScopeSettings *
settings (const char *network, const char *ifname, const char *port)
{
  g_autoptr (GHashTable) data = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GError) error = NULL;
  ScopeSettings *s;

  g_hash_table_insert (data, (gpointer) "registry", (gpointer) "https://r.example");
  g_hash_table_insert (data, (gpointer) "network", (gpointer) network);
  if (ifname)
    g_hash_table_insert (data, (gpointer) "interface", (gpointer) ifname);
  if (port)
    g_hash_table_insert (data, (gpointer) "listen-port", (gpointer) port);
  s = scope_settings_parse (data, NULL, &error);
  g_assert_no_error (error);
  return s;
}

static void
test_ifname (void)
{
  static const struct {
    const char *network, *ifname, *expected;
  } cases[] = {
    { "office", NULL, "office" },
    { "office", "tun-office", "tun-office" },
    { "a-name-of-16-byte", NULL, "scope0" },
    { "exactly-15-byte", NULL, "exactly-15-byte" },
    { "lo", NULL, "scope0" },  /* taken */
    { "all", NULL, "scope0" }, /* means something else to the kernel */
    { "office", "lo", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ScopeSettings) s = settings (cases[i].network, cases[i].ifname, NULL);
      g_autoptr (GError) error = NULL;
      g_autofree char *name = scope_choose_ifname (s, &error);

      g_assert_cmpstr (name, ==, cases[i].expected);
      if (!cases[i].expected)
        {
          g_assert_true (scope_err_taken (error));
          g_assert_true (g_str_has_prefix (error->message, "interface: lo is taken"));
        }
    }
}

static void
test_port (void)
{
  g_autoptr (ScopeSettings) fixed = settings ("n", NULL, "51820");
  g_autoptr (ScopeSettings) open = settings ("n", NULL, NULL);
  const char *uuid = "62524d47-bf84-427f-b721-ea9ba6defbdc";
  guint16 port = scope_choose_port (open, uuid), other;
  struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons (port) };
  int fd = socket (AF_INET, SOCK_DGRAM, 0);

  g_assert_cmpint (scope_choose_port (fixed, uuid), ==, 51820);
  g_assert_cmpint (port, >=, 49152);
  g_assert_cmpint (scope_choose_port (open, uuid), ==, port); /* the same after a restart */

  g_assert_cmpint (bind (fd, (struct sockaddr *) &sa, sizeof sa), ==, 0);
  other = scope_choose_port (open, uuid);
  g_assert_cmpint (other, >=, 49152);
  g_assert_cmpint (other, !=, port);
  close (fd);
}

static void
test_gateway (void)
{
  ScopeSockaddr root, loopback;
  g_autoptr (GPtrArray) peers = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_wg_peer_free);
  ScopeKey key = { { 1 } };
  ScopeWgPeer *peer = scope_wg_peer_new (&key);

  g_ptr_array_add (peers, peer);
  g_assert_true (scope_sockaddr_parse (&root, "[2001:db8::1]:51820"));
  g_assert_true (scope_sockaddr_parse (&loopback, "127.0.0.1:51820"));
  g_assert_true (scope_sockaddr_parse (&peer->endpoint, "192.0.2.7:1"));

  g_autofree char *registry = scope_choose_gateway ("192.0.2.1", &root, peers);
  g_autofree char *at_root = scope_choose_gateway ("::1", &root, peers);
  g_autofree char *no_registry = scope_choose_gateway (NULL, &root, NULL);
  g_autofree char *at_peer = scope_choose_gateway ("127.0.0.1", &loopback, peers);
  g_autofree char *nowhere = scope_choose_gateway ("127.0.0.1", &loopback, NULL);

  g_assert_cmpstr (registry, ==, "192.0.2.1");
  g_assert_cmpstr (at_root, ==, "2001:db8::1");
  g_assert_cmpstr (no_registry, ==, "2001:db8::1");
  g_assert_cmpstr (at_peer, ==, "192.0.2.7");
  g_assert_null (nowhere);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/choose/ifname", test_ifname);
  g_test_add_func ("/choose/port", test_port);
  g_test_add_func ("/choose/gateway", test_gateway);
  return g_test_run ();
}
