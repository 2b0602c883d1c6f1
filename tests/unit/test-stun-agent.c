/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-stun-agent: src/net/scope-raw and src/net/scope-stun-agent with real sockets: two network namespaces and a cable,
 * the ports held by processes of their own, as WireGuard holds them. Far is a child: it serves STUN, and checks back
 * wherever it hears us.
 */
#include "config.h"

#include "common/scope-error.h"
#include "net/scope-raw.h"
#include "net/scope-stun-agent.h"
#include "net/scope-stun.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEAR_PORT 51820
#define FAR_PORT 51821
#define NEAR_ID "nearnear"
#define NEAR_PASSWORD "a password of this side"
#define FAR_ID "farfarfa"
#define FAR_PASSWORD "a password of that side"
#define SOON 5000 /* ms: a slow machine */

static const char *why_not; /* the namespaces are not there */
static pid_t far_pid, holder_pid;

static ScopeSockaddr
address (const char *text)
{
  ScopeSockaddr sa;

  g_assert_true (scope_sockaddr_parse (&sa, text));
  return sa;
}

static void
assert_address (const ScopeSockaddr *sa, const char *text)
{
  g_autofree char *is = scope_sockaddr_format (sa);

  g_assert_cmpstr (is, ==, text);
}

G_GNUC_PRINTF (1, 2) static gboolean
ip (const char *format, ...)
{
  g_autofree char *arguments = NULL;
  va_list list;

  va_start (list, format);
  arguments = g_strdup_vprintf (format, list);
  va_end (list);
  g_autofree char *command = g_strconcat ("ip ", arguments, NULL);
  g_auto (GStrv) argv = g_strsplit (command, " ", -1);
  int status;

  return g_spawn_sync (NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, NULL) && status == 0;
}

static int
bind_udp (int family, guint16 port)
{
  ScopeSockaddr sa = { 0 };
  int one = 1, fd = socket (family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  sa.any.sa_family = family;
  *(family == AF_INET ? &sa.in.sin_port : &sa.in6.sin6_port) = htons (port);
  if (family == AF_INET6)
    setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  g_assert_cmpint (bind (fd, &sa.any, scope_sockaddr_len (&sa)), ==, 0);
  return fd;
}

/* A process with the port, which like WireGuard says nothing to what it does not understand. */
static pid_t
hold (guint16 port)
{
  int ready[2];
  char byte;
  pid_t pid;

  g_assert_cmpint (pipe (ready), ==, 0);
  pid = fork ();
  if (pid == 0)
    {
      prctl (PR_SET_PDEATHSIG, SIGKILL);
      bind_udp (AF_INET, port);
      bind_udp (AF_INET6, port);
      g_assert_cmpint (write (ready[1], "", 1), ==, 1);
      for (;;)
        pause ();
    }
  close (ready[1]);
  g_assert_cmpint (read (ready[0], &byte, 1), ==, 1);
  close (ready[0]);
  return pid;
}

/* --- far --- */

static void
far_heard (ScopeStunCheck *check, const ScopeSockaddr *endpoint, gpointer data)
{
  scope_stun_check_try (check, endpoint);
}

G_NORETURN static void
far_main (int to_near, int from_near)
{
  static const ScopeStunCheckFuncs funcs = { .heard = far_heard };
  char byte;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  if (unshare (CLONE_NEWNET) < 0 || write (to_near, "", 1) != 1 || read (from_near, &byte, 1) != 1 ||
      !ip ("link set lo up") || !ip ("link set cable up") || !ip ("addr add 10.9.0.2/24 dev cable") ||
      !ip ("addr add 10.9.0.3/24 dev cable") || !ip ("addr add fd09::2/64 dev cable nodad") ||
      !ip ("addr add fd09::3/64 dev cable nodad preferred_lft 0"))
    _exit (1);
  hold (FAR_PORT);
  ScopeStunAgent *agent = scope_stun_agent_new (FAR_PORT, 0, NULL);
  if (!agent)
    _exit (1);
  scope_stun_agent_set_serving (agent, TRUE);
  ScopeStunCheck *check = scope_stun_check_new (agent, FAR_ID, FAR_PASSWORD, &funcs, NULL);
  scope_stun_check_set_remote (check, NEAR_ID, NEAR_PASSWORD);
  if (write (to_near, "", 1) != 1)
    _exit (1);
  for (;;)
    g_main_context_iteration (NULL, TRUE);
}

static void
make_namespaces (void)
{
  int to_far[2], to_near[2];
  char byte;

  if (unshare (CLONE_NEWNET) < 0 && unshare (CLONE_NEWUSER | CLONE_NEWNET) < 0)
    {
      why_not = "no network namespaces";
      return;
    }
  g_assert_cmpint (pipe (to_far), ==, 0);
  g_assert_cmpint (pipe (to_near), ==, 0);
  prctl (PR_SET_CHILD_SUBREAPER, 1);
  far_pid = fork ();
  if (far_pid == 0)
    {
      close (to_near[0]);
      close (to_far[1]);
      far_main (to_near[1], to_far[0]);
    }
  close (to_near[1]);
  close (to_far[0]);
  if (read (to_near[0], &byte, 1) != 1 ||
      !ip ("link add cable type veth peer name cable netns %d", (int) far_pid) || !ip ("link set lo up") ||
      !ip ("link set cable up") || !ip ("addr add 10.9.0.1/24 dev cable") ||
      !ip ("addr add fd09::1/64 dev cable nodad") || write (to_far[1], "", 1) != 1 || read (to_near[0], &byte, 1) != 1)
    {
      why_not = "no virtual cables, no raw sockets or no `ip`";
      return;
    }
  holder_pid = hold (NEAR_PORT);
}

static void
end_namespaces (void)
{
  if (far_pid > 0)
    kill (far_pid, SIGKILL); /* its own child dies with it */
  if (holder_pid > 0)
    kill (holder_pid, SIGKILL);
  while (wait (NULL) > 0)
    ;
}

static gboolean
skip (void)
{
  if (why_not)
    g_test_skip (why_not);
  return why_not != NULL;
}

static gboolean
give_up (gpointer data)
{
  g_assert_not_reached ();
}

/* Runs the main loop until @count is what it should be. */
static void
wait_until (const guint *count, guint wanted)
{
  guint timer = g_timeout_add (SOON, give_up, NULL);

  while (*count < wanted)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (*count, ==, wanted);
  g_source_remove (timer);
}

static gboolean
on_wait_over (gpointer data)
{
  ++*(guint *) data;
  return G_SOURCE_REMOVE;
}

static void
wait_ms (guint ms)
{
  guint over = 0;

  g_timeout_add (ms, on_wait_over, &over);
  wait_until (&over, 1);
}

/* --- raw --- */

typedef struct {
  guint count;
  ScopeSockaddr from, to;
  GBytes *payload;
} Heard;

static void
on_raw (ScopeRaw *raw, const guint8 *payload, gsize len, const ScopeSockaddr *from, const ScopeSockaddr *to,
        gpointer data)
{
  Heard *heard = data;

  heard->count++;
  heard->from = *from;
  heard->to = *to;
  g_clear_pointer (&heard->payload, g_bytes_unref);
  heard->payload = g_bytes_new (payload, len);
}

static const guint8 id[SCOPE_STUN_ID_LEN] = "twelve bytes";

/* To a socket of the kernel's, which verifies the checksum: what comes, its TTL and who sent it. */
static void
check_sent (ScopeRaw *raw, int family, const char *host, const char *from, int ttl)
{
  guint8 sent[SCOPE_STUN_MAX + 1], got[SCOPE_STUN_MAX];
  _Alignas (struct cmsghdr) guint8 control[64];
  int fd = bind_udp (family, 4000), on = 1, is_ttl = 0;
  g_autofree char *target = g_strconcat (host, ":4000", NULL);
  ScopeSockaddr to = address (target), sender = { 0 };
  struct iovec iov = { got, sizeof got };
  struct msghdr message = { .msg_name = &sender, .msg_namelen = sizeof sender, .msg_iov = &iov, .msg_iovlen = 1,
                            .msg_control = control, .msg_controllen = sizeof control };
  g_autoptr (GError) error = NULL;

  if (family == AF_INET)
    setsockopt (fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof on);
  else
    setsockopt (fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof on);
  gsize len = scope_stun_request (sent, id, "them:us", "password");
  for (gsize odd = 0; odd < 2; odd++) /* an odd number of bytes is not STUN, but a case for the checksum */
    {
      sent[len] = 0x5a;
      g_assert_true (scope_raw_send (raw, NULL, &to, ttl, sent, len + odd, &error));
      g_assert_no_error (error);
      struct pollfd poller = { fd, POLLIN, 0 };
      g_assert_cmpint (poll (&poller, 1, SOON), ==, 1);
      message.msg_controllen = sizeof control;
      g_assert_cmpint (recvmsg (fd, &message, 0), ==, len + odd);
      g_assert_cmpmem (got, len + odd, sent, len + odd);
      assert_address (&sender, from);
      for (struct cmsghdr *c = CMSG_FIRSTHDR (&message); c; c = CMSG_NXTHDR (&message, c))
        memcpy (&is_ttl, CMSG_DATA (c), sizeof is_ttl);
      g_assert_cmpint (is_ttl, ==, ttl ? ttl : 64);
    }
  close (fd);
}

static void
test_raw_send (void)
{
  Heard heard = { 0 };
  g_autoptr (GError) error = NULL;

  if (skip ())
    return;
  g_autoptr (ScopeRaw) raw = scope_raw_new (NEAR_PORT, 0, on_raw, &heard, &error);
  g_assert_no_error (error);
  check_sent (raw, AF_INET, "127.0.0.1", "127.0.0.1:51820", 0);
  check_sent (raw, AF_INET, "127.0.0.1", "127.0.0.1:51820", 3);
  check_sent (raw, AF_INET, "10.9.0.1", "10.9.0.1:51820", 0);
  check_sent (raw, AF_INET6, "[::1]", "[::1]:51820", 0);
  check_sent (raw, AF_INET6, "[::1]", "[::1]:51820", 3);
  check_sent (raw, AF_INET6, "[fd09::1]", "[fd09::1]:51820", 200);

  ScopeSockaddr nowhere = address ("192.0.2.1:1"), own;
  g_assert_false (scope_raw_send (raw, NULL, &nowhere, 0, id, sizeof id, &error));
  g_assert_true (scope_err_unreachable (error));
  g_clear_error (&error);
  nowhere = address ("[2001:db8::1]:1");
  g_assert_false (scope_raw_send (raw, NULL, &nowhere, 0, id, sizeof id, &error));
  g_assert_true (scope_err_unreachable (error));
  g_clear_error (&error);
  g_assert_false (scope_raw_route (raw, &nowhere, &own, &error));
  g_assert_true (scope_err_unreachable (error));
  g_assert_cmpint (own.any.sa_family, ==, AF_UNSPEC);
  nowhere = address ("10.9.0.2:1");
  g_assert_true (scope_raw_route (raw, &nowhere, &own, NULL));
  assert_address (&own, "10.9.0.1:51820");
}

static void
send_from (int fd, const char *target, const guint8 *payload, gsize len)
{
  ScopeSockaddr to = address (target);

  g_assert_cmpint (sendto (fd, payload, len, 0, &to.any, scope_sockaddr_len (&to)), ==, len);
}

static void
check_received (ScopeRaw *raw, Heard *heard, int family, const char *target, const char *port_of_nobody)
{
  guint8 packet[SCOPE_STUN_MAX + 100] = { 0 };
  int fd = bind_udp (family, 4001);
  g_autofree char *from = g_strndup (target, strrchr (target, ':') - target);
  gsize len = scope_stun_request (packet, id, NULL, NULL);

  heard->count = 0;
  send_from (fd, target, packet, len);
  wait_until (&heard->count, 1);
  g_assert_cmpmem (g_bytes_get_data (heard->payload, NULL), g_bytes_get_size (heard->payload), packet, len);
  assert_address (&heard->to, target);
  g_autofree char *sender = g_strconcat (from, ":4001", NULL);
  assert_address (&heard->from, sender);

  /* Not even woken: by STUN to another port, WireGuard, what is as long as no request, and without the cookie. */
  send_from (fd, port_of_nobody, packet, len);
  packet[0] = 4;
  packet[1] = 0;
  send_from (fd, target, packet, len);
  packet[0] = 0;
  packet[1] = 1;
  send_from (fd, target, packet, sizeof packet);
  packet[4] ^= 1;
  send_from (fd, target, packet, len);
  send_from (fd, target, packet, 7);
  send_from (fd, target, packet, 0);
  for (int i = 0; i < 20; i++)
    {
      g_assert_false (g_main_context_iteration (NULL, FALSE));
      g_usleep (1000);
    }
  close (fd);
}

static void
test_raw_receive (void)
{
  Heard heard = { 0 };

  if (skip ())
    return;
  g_autoptr (ScopeRaw) raw = scope_raw_new (NEAR_PORT, 0, on_raw, &heard, NULL);
  check_received (raw, &heard, AF_INET, "127.0.0.1:51820", "127.0.0.1:51822");
  check_received (raw, &heard, AF_INET6, "[::1]:51820", "[::1]:51822");
  g_bytes_unref (heard.payload);
}

static void
test_raw_mark (void)
{
  Heard heard = { 0 };

  if (skip ())
    return;
  g_autoptr (ScopeRaw) plain = scope_raw_new (NEAR_PORT, 0, on_raw, &heard, NULL);
  g_autoptr (ScopeRaw) marked = scope_raw_new (NEAR_PORT, 7, on_raw, &heard, NULL);
  const char *const targets[] = { "10.9.0.2:9", "[fd09::2]:9" };
  g_assert_nonnull (marked);
  for (gsize i = 0; i < G_N_ELEMENTS (targets); i++)
    {
      ScopeSockaddr to = address (targets[i]);
      const char *family = i == 0 ? "-4" : "-6";

      g_assert_true (scope_raw_send (marked, NULL, &to, 0, id, sizeof id, NULL));
      g_assert_true (ip ("%s rule add fwmark 7 pref 5 unreachable", family));
      g_assert_false (scope_raw_send (marked, NULL, &to, 0, id, sizeof id, NULL));
      g_assert_true (scope_raw_send (plain, NULL, &to, 0, id, sizeof id, NULL));
      g_assert_true (ip ("%s rule del fwmark 7", family));
    }
}

static void
on_raw_free (ScopeRaw *raw, const guint8 *payload, gsize len, const ScopeSockaddr *from, const ScopeSockaddr *to,
             gpointer data)
{
  ++*(guint *) data;
  scope_raw_free (raw);
}

static void
test_raw_free (void)
{
  guint8 packet[SCOPE_STUN_MAX];
  guint count = 0;

  if (skip ())
    return;
  int fd = bind_udp (AF_INET, 4001);
  g_assert_nonnull (scope_raw_new (NEAR_PORT, 0, on_raw_free, &count, NULL));
  gsize len = scope_stun_request (packet, id, NULL, NULL);
  send_from (fd, "127.0.0.1:51820", packet, len);
  send_from (fd, "127.0.0.1:51820", packet, len);
  wait_until (&count, 1);
  g_assert_false (g_main_context_iteration (NULL, FALSE));
  close (fd);
}

/* --- the agent --- */

typedef struct {
  guint count;
  guint silent;
  ScopeSockaddr mapped, local;
  guint rtt;
} Asked;

static void
on_asked (const ScopeSockaddr *server, const ScopeSockaddr *mapped, const ScopeSockaddr *local, guint rtt,
          gpointer data)
{
  Asked *asked = data;

  asked->count++;
  asked->silent += !mapped;
  if (mapped)
    asked->mapped = *mapped;
  asked->local = *local;
  asked->rtt = rtt;
}

static void
ask (ScopeStunAgent *agent, const char *server, const char *mapped)
{
  ScopeSockaddr to = address (server);
  Asked asked = { 0 };

  g_assert_cmpuint (scope_stun_agent_ask (agent, &to, on_asked, &asked), !=, 0);
  g_assert_cmpuint (asked.count, ==, 0);
  wait_until (&asked.count, 1);
  assert_address (&asked.mapped, mapped);
  assert_address (&asked.local, mapped);
  g_assert_cmpuint (asked.rtt, >, 0);
  g_assert_cmpuint (asked.rtt, <, SOON); /* after a new link, with the second that ARP takes for another question */
}

static void
test_ask (void)
{
  g_autoptr (GError) error = NULL;

  if (skip ())
    return;
  g_autoptr (ScopeStunAgent) agent = scope_stun_agent_new (NEAR_PORT, 0, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (scope_stun_agent_port (agent), ==, NEAR_PORT);
  ask (agent, "10.9.0.2:51821", "10.9.0.1:51820");
  ask (agent, "[fd09::2]:51821", "[fd09::1]:51820");
  /* The answer comes from where the question went, which is not the first address of that machine. */
  ask (agent, "10.9.0.3:51821", "10.9.0.1:51820");
  ask (agent, "[fd09::3]:51821", "[fd09::1]:51820");

  /* Addresses come and go. */
  g_assert_true (ip ("addr del 10.9.0.1/24 dev cable"));
  g_assert_true (ip ("addr add 10.9.0.7/24 dev cable"));
  g_assert_true (ip ("addr add fd09::7/64 dev cable nodad"));
  g_assert_true (ip ("addr del fd09::1/64 dev cable"));
  ask (agent, "10.9.0.2:51821", "10.9.0.7:51820");
  ask (agent, "[fd09::2]:51821", "[fd09::7]:51820");
  g_assert_true (ip ("link set cable down"));
  g_assert_true (ip ("link set cable up"));
  g_assert_true (ip ("addr flush dev cable"));
  g_assert_true (ip ("addr add 10.9.0.1/24 dev cable"));
  g_assert_true (ip ("addr add fd09::1/64 dev cable nodad"));
  ask (agent, "10.9.0.2:51821", "10.9.0.1:51820");
  ask (agent, "[fd09::2]:51821", "[fd09::1]:51820");
}

static void
test_ask_silence (void)
{
  ScopeSockaddr deaf = address ("10.9.0.2:9"), deaf6 = address ("[fd09::2]:9"), nowhere = address ("192.0.2.1:9");
  Asked asked = { 0 }, asked6 = { 0 }, no_way = { 0 }, cancelled = { 0 };
  gint64 began = g_get_monotonic_time ();

  if (skip ())
    return;
  ScopeStunAgent *agent = scope_stun_agent_new (NEAR_PORT, 0, NULL);
  scope_stun_agent_ask (agent, &deaf, on_asked, &asked);
  scope_stun_agent_ask (agent, &deaf6, on_asked, &asked6);
  scope_stun_agent_ask (agent, &nowhere, on_asked, &no_way);
  guint number = scope_stun_agent_ask (agent, &deaf, on_asked, &cancelled);
  g_assert_cmpuint (no_way.count, ==, 0);
  wait_until (&no_way.silent, 1);
  g_assert_cmpint (no_way.local.any.sa_family, ==, AF_UNSPEC);
  g_assert_cmpint (g_get_monotonic_time () - began, <, 1000000);
  scope_stun_agent_cancel (agent, number);
  scope_stun_agent_cancel (agent, number);
  wait_until (&asked.silent, 1);
  wait_until (&asked6.silent, 1);
  assert_address (&asked.local, "10.9.0.1:51820");
  assert_address (&asked6.local, "[fd09::1]:51820");
  g_assert_cmpint (g_get_monotonic_time () - began, >=, 2250000);
  g_assert_cmpuint (cancelled.count, ==, 0);

  scope_stun_agent_ask (agent, &deaf, on_asked, &cancelled); /* goes with the agent */
  scope_stun_agent_free (agent);
  g_assert_false (g_main_context_iteration (NULL, FALSE));
  g_assert_cmpuint (cancelled.count, ==, 0);
}

/* One that serves nobody, and is asked by far. */
static void
test_not_serving (void)
{
  guint8 packet[SCOPE_STUN_MAX];

  if (skip ())
    return;
  g_autoptr (ScopeStunAgent) agent = scope_stun_agent_new (NEAR_PORT, 0, NULL);
  int fd = bind_udp (AF_INET, 4001);
  struct pollfd poller = { fd, POLLIN, 0 };
  gsize len = scope_stun_request (packet, id, NULL, NULL);
  send_from (fd, "127.0.0.1:51820", packet, len);
  wait_ms (50);
  g_assert_cmpint (poll (&poller, 1, 0), ==, 0);

  scope_stun_agent_set_serving (agent, TRUE);
  for (int i = 0; i < 30; i++)
    send_from (fd, "127.0.0.1:51820", packet, len);
  wait_ms (100);
  int answers = 0;
  while (poll (&poller, 1, 0) == 1 && recv (fd, packet, sizeof packet, 0) > 0)
    answers++;
  g_assert_cmpint (answers, >=, 20);
  g_assert_cmpint (answers, <=, 25); /* what grew meanwhile, on a slow machine */
  scope_stun_agent_set_serving (agent, FALSE);
  close (fd);
}

typedef struct {
  guint answered, heard;
  ScopeSockaddr endpoint, mapped, heard_at;
} Checked;

static void
on_answered (ScopeStunCheck *check, const ScopeSockaddr *endpoint, const ScopeSockaddr *mapped, guint rtt,
             gpointer data)
{
  Checked *checked = data;

  checked->answered++;
  checked->endpoint = *endpoint;
  checked->mapped = *mapped;
  g_assert_cmpuint (rtt, >, 0);
}

static void
on_heard (ScopeStunCheck *check, const ScopeSockaddr *endpoint, gpointer data)
{
  Checked *checked = data;

  checked->heard++;
  checked->heard_at = *endpoint;
}

static const ScopeStunCheckFuncs funcs = { on_answered, on_heard };

static void
check_with_far (ScopeStunAgent *agent, const char *far, const char *near)
{
  Checked checked = { 0 };
  ScopeSockaddr to = address (far);

  g_autoptr (ScopeStunCheck) check = scope_stun_check_new (agent, NEAR_ID, NEAR_PASSWORD, &funcs, &checked);
  scope_stun_check_try (check, &to); /* whom? */
  g_assert_true (scope_stun_check_set_remote (check, FAR_ID, FAR_PASSWORD));
  scope_stun_check_try (check, &to);
  scope_stun_check_try (check, &to); /* is going on */
  wait_until (&checked.answered, 1);
  assert_address (&checked.endpoint, far);
  assert_address (&checked.mapped, near);
  wait_until (&checked.heard, 1);
  assert_address (&checked.heard_at, far);

  scope_stun_check_open (check, &to, 1); /* arrives: there is no router between */
  wait_until (&checked.answered, 2);
  wait_until (&checked.heard, 2);
}

static void
test_check (void)
{
  if (skip ())
    return;
  g_autoptr (ScopeStunAgent) agent = scope_stun_agent_new (NEAR_PORT, 0, NULL);
  check_with_far (agent, "10.9.0.2:51821", "10.9.0.1:51820");
  check_with_far (agent, "[fd09::2]:51821", "[fd09::1]:51820");
}

static void
expect_silence (ScopeStunAgent *agent, const char *own_id, const char *their_id, const char *their_password)
{
  ScopeSockaddr to = address ("10.9.0.2:51821");
  Checked checked = { 0 };

  g_autoptr (ScopeStunCheck) check = scope_stun_check_new (agent, own_id, NEAR_PASSWORD, &funcs, &checked);
  scope_stun_check_set_remote (check, their_id, their_password);
  scope_stun_check_try (check, &to);
  wait_ms (250);
  g_assert_cmpuint (checked.answered + checked.heard, ==, 0);
}

static void
test_check_silence (void)
{
  if (skip ())
    return;
  g_autoptr (ScopeStunAgent) agent = scope_stun_agent_new (NEAR_PORT, 0, NULL);
  expect_silence (agent, NEAR_ID, FAR_ID, "another password");
  expect_silence (agent, NEAR_ID, "somebody", FAR_PASSWORD);
  expect_silence (agent, "somebody", FAR_ID, FAR_PASSWORD); /* far knows who it talks to */

  g_autoptr (ScopeStunCheck) check = scope_stun_check_new (agent, NULL, NULL, &funcs, NULL);
  g_assert_cmpuint (strlen (scope_stun_check_id (check)), ==, 8);
  g_assert_cmpuint (strlen (scope_stun_check_password (check)), ==, 24);
  g_assert_false (scope_stun_check_set_remote (check, "with:colon", "x"));
  g_assert_false (scope_stun_check_set_remote (check, "", "x"));
  g_assert_false (scope_stun_check_set_remote (check, "x", ""));
  g_assert_false (scope_stun_check_set_remote (check, "0123456789abcdef0123456789abcdef0", "x"));
}

/* The far peer hears us before we know its credentials; and what is on its way when all goes away. */
static void
test_check_freed (void)
{
  ScopeSockaddr to = address ("10.9.0.2:51821");
  Checked checked = { 0 };

  if (skip ())
    return;
  ScopeStunAgent *agent = scope_stun_agent_new (NEAR_PORT, 0, NULL);
  ScopeStunCheck *check = scope_stun_check_new (agent, NEAR_ID, NEAR_PASSWORD, &funcs, &checked);
  ScopeStunCheck *other = scope_stun_check_new (agent, "whatever", NEAR_PASSWORD, &funcs, &checked);
  scope_stun_check_set_remote (other, FAR_ID, FAR_PASSWORD);
  scope_stun_check_try (other, &to);
  scope_stun_check_free (other);
  scope_stun_check_set_remote (check, FAR_ID, FAR_PASSWORD);
  scope_stun_check_try (check, &to);
  scope_stun_check_stop (check);
  scope_stun_check_try (check, &to);
  scope_stun_agent_free (agent);
  scope_stun_check_try (check, &to);
  scope_stun_check_open (check, &to, 1);
  wait_ms (50);
  scope_stun_check_free (check);
  g_assert_cmpuint (checked.answered + checked.heard, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  make_namespaces ();
  g_test_add_func ("/stun-agent/raw-send", test_raw_send);
  g_test_add_func ("/stun-agent/raw-receive", test_raw_receive);
  g_test_add_func ("/stun-agent/raw-mark", test_raw_mark);
  g_test_add_func ("/stun-agent/raw-free", test_raw_free);
  g_test_add_func ("/stun-agent/ask", test_ask);
  g_test_add_func ("/stun-agent/ask-silence", test_ask_silence);
  g_test_add_func ("/stun-agent/not-serving", test_not_serving);
  g_test_add_func ("/stun-agent/check", test_check);
  g_test_add_func ("/stun-agent/check-silence", test_check_silence);
  g_test_add_func ("/stun-agent/check-freed", test_check_freed);
  int status = g_test_run ();
  end_namespaces ();
  return status;
}
