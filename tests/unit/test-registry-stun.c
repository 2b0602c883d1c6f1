/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The registry's STUN server: what it answers, where it listens, and what peers hear of it. */
#include "common/scope-endpoint.h"
#include "common/scope-error.h"
#include "net/scope-stun-limit.h"
#include "net/scope-stun.h"
#include "registry/registry-stun.h"
#include "test-log.h"
#include "v1-fixture.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const guint8 id[SCOPE_STUN_ID_LEN] = "twelve bytes";

static RegistryConfig *
config_of (const char *listen, const char *stun)
{
  g_autofree char *text = g_strdup_printf ("{\"networks\":[\"a\"],\"listen\":\"%s\"%s%s}", listen, stun ? ",\"stun\":" : "",
                                           stun ? stun : "");
  g_autoptr (GPtrArray) problems = registry_problems_new ();
  RegistryConfig *config = registry_config_parse (text, strlen (text), NULL, problems);

  g_assert_nonnull (config);
  g_assert_cmpuint (problems->len, ==, 0);
  return config;
}

static gboolean
configure (RegistryStun *stun, const char *listen, const char *member, GError **error)
{
  g_autoptr (RegistryConfig) config = config_of (listen, member);

  if (!registry_stun_prepare (stun, config, error))
    return FALSE;
  registry_stun_configure (stun);
  return TRUE;
}

/* A client on @host. @port: (out): its own */
static int
client (const char *host, ScopeSockaddr *own)
{
  g_autofree char *text = g_strconcat (host, ":1", NULL);
  int fd = socket (host[0] == '[' ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  socklen_t len = sizeof *own;

  g_assert_true (scope_sockaddr_parse (own, text));
  *(own->any.sa_family == AF_INET ? &own->in.sin_port : &own->in6.sin6_port) = 0;
  g_assert_cmpint (bind (fd, &own->any, scope_sockaddr_len (own)), ==, 0);
  g_assert_cmpint (getsockname (fd, &own->any, &len), ==, 0);
  return fd;
}

static void
turn (void)
{
  for (int i = 0; i < 5; i++)
    {
      while (g_main_context_iteration (NULL, FALSE))
        ;
      g_usleep (2000);
    }
}

static void
send_to (int fd, const ScopeSockaddr *to, const guint8 *data, gsize len)
{
  g_assert_cmpint (sendto (fd, data, len, 0, &to->any, scope_sockaddr_len (to)), ==, len);
  turn ();
}

static gboolean
has_answer (int fd)
{
  struct pollfd poller = { fd, POLLIN, 0 };

  return poll (&poller, 1, 0) == 1;
}

/* The question from @host to @server, and the right answer, from where it was asked. */
static void
ask (const char *host, const char *server)
{
  guint8 buffer[SCOPE_STUN_MAX];
  ScopeSockaddr own, to, from;
  socklen_t from_len = sizeof from;
  ScopeStunMessage message;
  int fd = client (host, &own);

  g_assert_true (scope_sockaddr_parse (&to, server));
  send_to (fd, &to, buffer, scope_stun_request (buffer, id, NULL, NULL));
  g_assert_true (has_answer (fd));
  ssize_t n = recvfrom (fd, buffer, sizeof buffer, 0, &from.any, &from_len);
  g_assert_true (scope_stun_parse (&message, buffer, n));
  g_assert_cmpint (message.kind, ==, SCOPE_STUN_ANSWER);
  g_assert_cmpmem (message.id, SCOPE_STUN_ID_LEN, id, SCOPE_STUN_ID_LEN);
  g_assert_true (scope_sockaddr_equal (&message.mapped, &own));
  g_assert_true (scope_sockaddr_equal (&from, &to));
  close (fd);
}

/* The port of what is told as "…:PORT", @i-th */
static guint16
told_port (RegistryStun *stun, guint i)
{
  const char *const *told = registry_stun_told (stun);

  g_assert_cmpuint (g_strv_length ((char **) told), >, i);
  return atoi (strrchr (told[i], ':') + 1);
}

static gboolean
have_ip6 (void)
{
  ScopeSockaddr loopback;
  int fd = socket (AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  scope_sockaddr_parse (&loopback, "[::1]:1");
  loopback.in6.sin6_port = 0;
  gboolean ok = fd >= 0 && bind (fd, &loopback.any, scope_sockaddr_len (&loopback)) == 0;
  if (fd >= 0)
    close (fd);
  return ok;
}

static void
test_answers (void)
{
  g_autoptr (RegistryStun) stun = registry_stun_new ();
  g_autoptr (GError) error = NULL;

  g_assert_true (configure (stun, "0.0.0.0", "{\"port\":0}", &error));
  g_assert_no_error (error);
  g_assert_true (registry_stun_told (stun)[0][0] == ':');
  g_assert_null (registry_stun_told (stun)[1]);
  g_autofree char *first = g_strdup_printf ("127.0.0.1:%u", told_port (stun, 0));
  g_autofree char *second = g_strdup_printf ("127.0.0.2:%u", told_port (stun, 0));
  ask ("127.0.0.3", first);
  ask ("127.0.0.3", second); /* from the address that was asked, not the machine's first */

  /* Both families: one socket each */
  if (have_ip6 ())
    {
      g_assert_true (configure (stun, "::", "{\"port\":0}", &error));
      g_autofree char *ip4 = g_strdup_printf ("127.0.0.1:%u", told_port (stun, 0));
      g_autofree char *ip6 = g_strdup_printf ("[::1]:%u", told_port (stun, 1));
      ask ("127.0.0.3", ip4);
      ask ("[::1]", ip6);
    }
  test_log_assert_quiet ();
}

static void
test_silence (void)
{
  g_autoptr (RegistryStun) stun = registry_stun_new ();
  guint8 buffer[2000] = { 0 };
  ScopeSockaddr own, to, mapped;
  int fd = client ("127.0.0.3", &own);

  g_assert_true (configure (stun, "0.0.0.0", "{\"port\":0}", NULL));
  g_autofree char *server = g_strdup_printf ("127.0.0.1:%u", told_port (stun, 0));
  g_assert_true (scope_sockaddr_parse (&to, server) && scope_sockaddr_parse (&mapped, "192.0.2.1:1"));
  send_to (fd, &to, buffer, 0);
  send_to (fd, &to, buffer, sizeof buffer);
  send_to (fd, &to, (const guint8 *) "GET / HTTP/1.1\r\n\r\n", 18);
  send_to (fd, &to, buffer, scope_stun_request (buffer, id, "them:us", "password"));
  send_to (fd, &to, buffer, scope_stun_answer (buffer, id, &mapped, NULL));
  gsize len = scope_stun_request (buffer, id, NULL, NULL);
  buffer[len - 1] ^= 1;
  send_to (fd, &to, buffer, len);
  g_assert_false (has_answer (fd));

  /* As fast as it likes: a burst, and no more */
  buffer[len - 1] ^= 1;
  int answers = 0;
  for (int i = 0; i < SCOPE_STUN_LIMIT_BURST + 30; i++)
    sendto (fd, buffer, len, 0, &to.any, scope_sockaddr_len (&to));
  turn ();
  while (has_answer (fd) && recv (fd, buffer, sizeof buffer, 0) > 0)
    answers++;
  g_assert_cmpint (answers, >=, SCOPE_STUN_LIMIT_BURST);
  g_assert_cmpint (answers, <=, SCOPE_STUN_LIMIT_BURST + 5); /* what grew meanwhile, on a slow machine */
  close (fd);
}

static void
test_taken (void)
{
  g_autoptr (RegistryStun) stun = registry_stun_new ();
  g_autoptr (RegistryStun) other = registry_stun_new ();
  g_autoptr (GError) error = NULL;

  g_assert_true (configure (stun, "127.0.0.1", "{\"listen\":\"127.0.0.4\",\"port\":0}", NULL));
  g_assert_null (registry_stun_told (stun)[0]); /* loopback is nobody else's */
  g_assert_true (configure (stun, "0.0.0.0", "{\"port\":0}", NULL));
  guint16 port = told_port (stun, 0);
  g_autofree char *same = g_strdup_printf ("{\"port\":%u}", port);
  g_autofree char *server = g_strdup_printf ("127.0.0.1:%u", port);

  g_assert_false (configure (other, "0.0.0.0", same, &error));
  g_assert_true (scope_err_taken (error));
  g_autofree char *expected = g_strdup_printf ("stun: cannot listen on 0.0.0.0:%u (UDP): *", port);
  g_assert_true (g_pattern_match_simple (expected, error->message));
  g_clear_error (&error);

  /* By default it is a warning */
  g_autoptr (RegistryConfig) config = config_of ("0.0.0.0", NULL);
  g_assert_cmpuint (config->stun_port, ==, SCOPE_STUN_PORT);
  config->stun_port = port;
  g_assert_true (registry_stun_prepare (other, config, &error));
  registry_stun_configure (other);
  g_assert_null (registry_stun_told (other)[0]);
  test_log_assert_warning ("stun: cannot listen on 0.0.0.0:*; peers cannot ask here*");

  /* A new configuration with what is there keeps it, one that fails changes nothing, one without ends it. */
  g_assert_true (configure (stun, "0.0.0.0", "{\"port\":0}", NULL));
  g_assert_cmpuint (told_port (stun, 0), ==, port);
  g_assert_false (configure (stun, "0.0.0.0", "{\"listen\":[\"127.0.0.1\",\"192.0.2.1\"],\"port\":0}", &error));
  g_assert_nonnull (error);
  g_assert_cmpuint (told_port (stun, 0), ==, port);
  ask ("127.0.0.3", server);
  g_assert_true (configure (stun, "0.0.0.0", "false", NULL));
  g_assert_null (registry_stun_told (stun)[0]);
  g_clear_error (&error);
  g_assert_true (configure (other, "0.0.0.0", same, &error)); /* the port is free again */
  g_assert_no_error (error);
  test_log_assert_quiet ();
}

static void
test_welcome (void)
{
  Fixture f = { 0 };

  fixture_top = ",\"stun\":{\"listen\":\"0.0.0.0\",\"port\":0}";
  fixture_start (&f, "");
  for (guint8 n = 1; n <= 2; n++)
    {
      g_autoptr (Peer) peer = peer_new (&f, n);
      g_autofree char *token = invite (&f, 3600);
      g_autoptr (ScopeV1Message) hello = NULL;
      g_autoptr (ScopeV1Message) welcome = NULL;

      peer_connect (peer);
      hello = peer_make_hello (peer, token);
      peer_send (peer, hello);
      welcome = peer_expect (peer, SCOPE_V1_WELCOME);
      if (n == 1)
        {
          g_assert_cmpuint (g_strv_length (welcome->stun), ==, 1);
          g_autofree char *server = scope_v1_stun_endpoint (welcome->stun[0], "127.0.0.1");
          ask ("127.0.0.3", server);
          fixture_top = ",\"stun\":false";
          fixture_reload (&f, "");
        }
      else
        g_assert_null (welcome->stun);
    }
  fixture_top = "";
  fixture_stop (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  test_log_init ();
  g_test_add_func ("/registry/stun/answers", test_answers);
  g_test_add_func ("/registry/stun/silence", test_silence);
  g_test_add_func ("/registry/stun/taken", test_taken);
  g_test_add_func ("/registry/stun/welcome", test_welcome);
  return g_test_run ();
}
