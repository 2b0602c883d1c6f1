/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * carry-client: a member of a v1 network without a tunnel of its own, for tests/system/test-carry: it joins, records an
 * endpoint, and has what it is told carried for a WireGuard that somebody else set up.
 *
 *   carry-client setup DIR                       a root, and DIR/home.network for the registry
 *   carry-client run DIR URL ROLE KEY ENDPOINT [CA]   joins as KEY (public), a relay or an edge; ENDPOINT may be "-"
 *
 * Then lines of its input: "port N" (WireGuard's), "open KEY", "close KEY", "kick", "stats", "quit". It answers in lines:
 * "joined", "gone" (the session), "endpoint KEY ADDRESS:PORT", "state idle|connecting|usable|lost|none",
 * "refused KEY CODE", "stats SENT RECEIVED DROPPED WAKEUPS" (turns of its loop).
 */
#include "common/scope-error.h"
#include "peer/scope-carrier.h"
#include "peer/scope-v1-session.h"
#include "v1-common.h"

#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  GMainLoop *loop;
  ScopeIdentity *root, *identity;
  ScopeKey key;
  ScopeRole role;
  const char *endpoint;
  GArray *ranges;
  ScopeV1Session *session;
  ScopeCarrier *carrier;
  gboolean joined;
  guint64 turns;
} Client;

static void
setup (const char *dir)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeIdentity) root = make_root (dir);
  g_autofree char *public = scope_identity_public_format (scope_identity_public (root));
  g_autofree char *path = g_build_filename (dir, "home.network", NULL);
  g_autofree char *text = g_strdup_printf ("{\"network\":\"home\",\"root\":\"%s\",\"prefixes\":[\"10.77.0.0/24\"]}", public);

  must (g_file_set_contents_full (path, text, -1, 0, 0600, &error), path, error);
}

/* The session */

static char *
hello (const ScopeV1Message *challenge, gpointer data, GError **error)
{
  Client *c = data;
  g_autoptr (ScopeV1Message) message = make_hello (c->identity, "home", challenge->nonce, &c->key);
  g_autoptr (ScopeRecord) record = scope_record_new ("home");
  ScopeGrant grant = { .network = (char *) "home", .identity = scope_identity_public (c->identity), .key = c->key,
                       .ranges = c->ranges, .role = c->role, .issued = now () - 5, .expires = now () + 86400 };

  message->grant = sign (c->root, SCOPE_TYP_GRANT, scope_grant_format (&grant));
  record->key = c->key;
  record->role = c->role;
  record->sequence = g_get_real_time () / 1000;
  record->issued = now ();
  record->expires = now () + 86400;
  g_array_unref (record->ranges);
  record->ranges = g_array_ref (c->ranges);
  g_strfreev (record->endpoints);
  record->endpoints = g_new0 (char *, 2);
  if (!g_str_equal (c->endpoint, "-"))
    record->endpoints[0] = g_strdup (c->endpoint);
  message->record = sign (c->identity, SCOPE_TYP_RECORD, scope_record_format (record));
  return scope_v1_format (message);
}

static void
on_message (ScopeV1Message *message, gpointer data)
{
  Client *c = data;

  if (message->type == SCOPE_V1_WELCOME)
    {
      c->joined = TRUE;
      puts ("joined");
      scope_carrier_resume (c->carrier);
    }
  else if (message->type == SCOPE_V1_CARRY)
    scope_carrier_ticket (c->carrier, scope_v1_session_get_registry (c->session), message->token);
}

static void
on_lost (gpointer data)
{
  ((Client *) data)->joined = FALSE;
  puts ("gone");
}

static void
on_failed (const GError *error, gpointer data)
{
  fprintf (stderr, "carry-client: %s\n", error->message);
}

static const ScopeV1SessionCalls session_calls = { hello, on_message, on_lost, on_failed, NULL };

/* The carrier */

static gboolean
ask (gpointer data)
{
  Client *c = data;

  return c->joined && scope_v1_session_send (c->session, "{\"t\":\"carry\",\"d\":{}}");
}

static void
on_changed (ScopeCarrierState state, gpointer data)
{
  static const char *const names[] = { "idle", "connecting", "usable", "lost", "none" };

  printf ("state %s\n", names[state]);
}

static void
on_refused (const ScopeKey *relay, const char *code, gpointer data)
{
  char text[SCOPE_KEY_BASE64_LEN + 1];

  printf ("refused %s %s\n", scope_key_to_base64 (relay, text), code);
}

static const ScopeCarrierCalls carrier_calls = { ask, on_changed, on_refused };

/* What it is told */

static void
tell_stats (Client *c)
{
  ScopeCarrierStats stats = scope_carrier_get_stats (c->carrier);

  printf ("stats %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "\n", stats.sent,
          stats.received, stats.dropped, c->turns);
}

static void
obey (Client *c, const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", 2);
  const char *argument = words[0] && words[1] ? words[1] : "";
  g_autoptr (GError) error = NULL;
  ScopeSockaddr endpoint;
  ScopeKey key;

  if (g_strcmp0 (words[0], "port") == 0)
    scope_carrier_set_port (c->carrier, atoi (argument));
  else if (g_strcmp0 (words[0], "open") == 0 && scope_key_parse (&key, argument))
    {
      g_autofree char *text = NULL;

      must (scope_carrier_open (c->carrier, &key, &endpoint, &error), "open", error);
      text = scope_sockaddr_format (&endpoint);
      printf ("endpoint %s %s\n", argument, text);
    }
  else if (g_strcmp0 (words[0], "close") == 0 && scope_key_parse (&key, argument))
    scope_carrier_close (c->carrier, &key);
  else if (g_strcmp0 (words[0], "kick") == 0)
    scope_carrier_kick (c->carrier);
  else if (g_strcmp0 (words[0], "stats") == 0)
    tell_stats (c);
  else
    g_main_loop_quit (c->loop);
}

static gboolean
on_input (int fd, GIOCondition condition, gpointer data)
{
  Client *c = data;
  char buffer[1024];
  gssize n = read (fd, buffer, sizeof buffer - 1);
  g_auto (GStrv) lines = NULL;

  if (n <= 0)
    {
      g_main_loop_quit (c->loop);
      return G_SOURCE_REMOVE;
    }
  buffer[n] = '\0';
  lines = g_strsplit (buffer, "\n", -1);
  for (char **line = lines; *line; line++)
    if (**line)
      obey (c, *line);
  return G_SOURCE_CONTINUE;
}

static GPollFunc poll_before;
static guint64 *turns;

static int
count_turns (GPollFD *fds, guint n, int timeout)
{
  if (timeout)
    ++*turns;
  return poll_before (fds, n, timeout);
}

static void
run (Client *c, const char *url, const char *ca)
{
  g_autoptr (GHashTable) data = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (ScopeSettings) settings = NULL;
  g_autoptr (GError) error = NULL;

  g_hash_table_insert (data, (char *) SCOPE_SETTING_REGISTRY, (char *) url);
  g_hash_table_insert (data, (char *) SCOPE_SETTING_NETWORK, (char *) "home");
  if (ca)
    g_hash_table_insert (data, (char *) SCOPE_SETTING_CA, (char *) ca);
  settings = scope_settings_parse (data, NULL, &error);
  must (settings != NULL, "settings", error);
  c->loop = g_main_loop_new (NULL, FALSE);
  c->session = scope_v1_session_new (settings, &session_calls, c, &error);
  must (c->session != NULL, "session", error);
  scope_v1_session_timings (c->session)->backoff_max_ms = 2000;
  c->carrier = scope_carrier_new (ca, "home", &carrier_calls, c);
  turns = &c->turns;
  poll_before = g_main_context_get_poll_func (NULL);
  g_main_context_set_poll_func (NULL, count_turns);
  g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP, on_input, c);
  scope_v1_session_start (c->session);
  g_main_loop_run (c->loop);
  scope_carrier_stop (c->carrier);
  scope_v1_session_stop (c->session);
  g_clear_object (&c->carrier);
  g_clear_object (&c->session);
  g_main_loop_unref (c->loop);
}

int
main (int argc, char **argv)
{
  g_autofree char *address = NULL;
  g_autoptr (GError) error = NULL;
  Client c = { 0 };

  setlinebuf (stdout);
  if (argc == 3 && g_str_equal (argv[1], "setup"))
    {
      setup (argv[2]);
      return 0;
    }
  must (argc >= 7 && g_str_equal (argv[1], "run"), "usage: setup DIR | run DIR URL ROLE KEY ENDPOINT [CA]", NULL);
  c.root = read_root (argv[2]);
  c.identity = scope_identity_generate (&error);
  must (c.identity != NULL, "identity", error);
  must (scope_role_parse (&c.role, argv[4]), "role", NULL);
  must (scope_key_parse (&c.key, argv[5]), "key", NULL);
  c.endpoint = argv[6];
  address = g_strdup_printf ("10.77.0.%u/32", 1 + c.key.bytes[0] % 250);
  c.ranges = scope_prefix_parse_list (address, 1, NULL);
  run (&c, argv[3], argv[7]);
  g_array_unref (c.ranges);
  scope_identity_unref (c.identity);
  scope_identity_unref (c.root);
  return 0;
}
