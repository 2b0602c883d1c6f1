/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * wg-tool: reads and changes a WireGuard interface through src/tunnel/scope-wg, for test-wg-device and test-rotate.
 *
 *   wg-tool IF dump                      as `wg show IF dump`, without the private key
 *   wg-tool IF backend                   "kernel" or "uapi"
 *   wg-tool IF configure PORT            private key on standard input
 *   wg-tool IF sync WANTED [PREVIOUS]    files: lines of key, psk, endpoint, allowed IPs, keepalive;
 *                                        prints how many changes that took
 *   wg-tool IF readd WANTED              every peer in the file
 *   wg-tool IF watch COUNT               prints that many events of the link
 *   wg-tool IF spoil PEER                until it is killed: a preshared key that somebody gives to the peer is replaced
 *                                        by a wrong one; not the one that it has now. Prints how often
 */
#include "tunnel/scope-link.h"
#include "tunnel/scope-wg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
fail (const char *what, const GError *error)
{
  fprintf (stderr, "wg-tool: %s: %s\n", what, error ? error->message : "bad argument");
  return 1;
}

static void
dump (const ScopeWgDevice *device)
{
  char pub[SCOPE_KEY_BASE64_LEN + 1], psk[SCOPE_KEY_BASE64_LEN + 1];

  printf ("%s\t%u\t", scope_key_to_base64 (&device->pub, pub), device->listen_port);
  printf (device->fwmark ? "0x%x\n" : "off\n", device->fwmark);
  for (guint i = 0; i < device->peers->len; i++)
    {
      const ScopeWgPeer *peer = g_ptr_array_index (device->peers, i);
      g_autofree char *endpoint = scope_sockaddr_format (&peer->endpoint);
      g_autofree char *allowed = scope_prefix_format_list (peer->allowed);

      printf ("%s\t%s\t%s\t%s\t%" G_GINT64_FORMAT "\t%" G_GUINT64_FORMAT "\t%" G_GUINT64_FORMAT "\t",
              scope_key_to_base64 (&peer->pub, pub),
              scope_key_is_zero (&peer->preshared) ? "(none)" : scope_key_to_base64 (&peer->preshared, psk),
              endpoint ? endpoint : "(none)", *allowed ? allowed : "(none)", peer->handshake_usec / G_USEC_PER_SEC,
              peer->rx_bytes, peer->tx_bytes);
      if (peer->keepalive)
        printf ("%u\n", peer->keepalive);
      else
        printf ("off\n");
    }
}

static GPtrArray *
load (const char *path)
{
  g_autoptr (GPtrArray) peers = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_wg_peer_free);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, &error))
    exit (fail (path, error));
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line && **line; line++)
    {
      g_auto (GStrv) words = g_strsplit (*line, "\t", -1);
      ScopeKey key;

      if (g_strv_length (words) != 5 || !scope_key_parse (&key, words[0]))
        exit (fail (*line, NULL));
      ScopeWgPeer *peer = scope_wg_peer_new (&key);
      g_ptr_array_add (peers, peer);
      scope_key_parse (&peer->preshared, words[1]);   /* "(none)" */
      scope_sockaddr_parse (&peer->endpoint, words[2]); /* "(none)" */
      g_array_unref (peer->allowed);
      peer->allowed = scope_prefix_parse_list (words[3], 1000000, &error);
      if (!peer->allowed)
        exit (fail (*line, error));
      peer->keepalive = atoi (words[4]);
    }
  return g_steal_pointer (&peers);
}

static guint events_left;

static void
on_event (ScopeLinkWatch *watch, ScopeLinkState event, gpointer loop)
{
  const char *const names[] = { "gone", "down", "up", "renamed" };

  printf ("%s %s\n", names[event], scope_link_watch_name (watch));
  fflush (stdout);
  if (--events_left == 0)
    g_main_loop_quit (loop);
}

static int
spoil (const char *ifname, ScopeWgBackend backend, const ScopeKey *pub)
{
  ScopeKey good = { 0 }, wrong;
  gboolean has_good = FALSE;
  guint n = 0;

  memset (wrong.bytes, 0x55, sizeof wrong.bytes);
  for (;; g_usleep (500))
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_wg_change_free);
      g_autoptr (ScopeWgDevice) device = scope_wg_device_read (ifname, &backend, &error);
      const ScopeWgPeer *peer = device ? scope_wg_device_find (device, pub) : NULL;

      if (!device)
        return fail ("spoil", error);
      if (!peer)
        continue;
      if (!has_good)
        {
          good = peer->preshared;
          has_good = TRUE;
          printf ("ready\n");
          fflush (stdout);
        }
      if (scope_key_equal (&peer->preshared, &good) || scope_key_equal (&peer->preshared, &wrong))
        continue;
      ScopeWgChange *change = scope_wg_change_new (scope_wg_peer_new (pub));
      change->peer->preshared = wrong;
      change->set_preshared = TRUE;
      g_ptr_array_add (changes, change);
      if (!scope_wg_apply (ifname, backend, changes, &error))
        return fail ("spoil", error);
      printf ("%u at %.3f\n", ++n, g_get_real_time () / 1e6);
      fflush (stdout);
    }
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  ScopeWgBackend backend;

  if (argc < 3)
    return fail ("usage", NULL);
  const char *ifname = argv[1], *verb = argv[2];

  if (g_str_equal (verb, "watch") && argc == 4)
    {
      g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
      g_autoptr (ScopeLinkWatch) watch = scope_link_watch_new (ifname, on_event, loop, &error);

      if (!watch)
        return fail ("watch", error);
      printf ("ready\n");
      fflush (stdout);
      events_left = atoi (argv[3]);
      g_main_loop_run (loop);
      return 0;
    }

  g_autoptr (ScopeWgDevice) device = scope_wg_device_read (ifname, &backend, &error);
  if (!device)
    return fail ("read", error);
  if (g_str_equal (verb, "dump"))
    dump (device);
  else if (g_str_equal (verb, "backend"))
    printf ("%s\n", backend == SCOPE_WG_KERNEL ? "kernel" : "uapi");
  else if (g_str_equal (verb, "configure") && argc == 4)
    {
      char text[64] = "";
      ScopeKey key;

      if (!fgets (text, sizeof text, stdin) || !scope_key_parse (&key, g_strchomp (text)))
        return fail ("configure", NULL);
      if (!scope_wg_configure (ifname, backend, &key, atoi (argv[3]), &error))
        return fail ("configure", error);
    }
  else if (g_str_equal (verb, "sync") && (argc == 4 || argc == 5))
    {
      g_autoptr (GPtrArray) wanted = load (argv[3]);
      g_autoptr (GPtrArray) previous = argc == 5 ? load (argv[4]) : NULL;
      g_autoptr (GPtrArray) changes = scope_wg_diff (device, wanted, previous);

      if (!scope_wg_apply (ifname, backend, changes, &error))
        return fail ("sync", error);
      printf ("%u\n", changes->len);
    }
  else if (g_str_equal (verb, "readd") && argc == 4)
    {
      g_autoptr (GPtrArray) wanted = load (argv[3]);
      g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_wg_change_free);

      for (guint i = 0; i < wanted->len; i++)
        g_ptr_array_add (changes, scope_wg_change_readd (device, g_ptr_array_index (wanted, i)));
      if (!scope_wg_apply (ifname, backend, changes, &error))
        return fail ("readd", error);
    }
  else if (g_str_equal (verb, "spoil") && argc == 4)
    {
      ScopeKey pub;

      return scope_key_parse (&pub, argv[3]) ? spoil (ifname, backend, &pub) : fail (argv[3], NULL);
    }
  else
    return fail (verb, NULL);
  return 0;
}
