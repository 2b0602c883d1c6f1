/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-netcheck: src/ctl/ctl-stun.c against STUN servers that say what a test wants, and how ctl-netcheck.c says it. */
#include "ctl/ctl-netcheck.h"

#include "common/scope-json.h"
#include "ctl/ctl-stun.h"
#include "net/scope-stun.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static ScopeSockaddr
address (const char *text)
{
  ScopeSockaddr sa;

  g_assert_true (scope_sockaddr_parse (&sa, text));
  return sa;
}

/* --- two servers on 127.0.0.1 and 127.0.0.2, in a thread --- */

/**
 * Server:
 * @says: (nullable): where it sees everybody; NULL for where they are
 * @deaf: how many requests it does not answer first; -1 for all
 * @forge: answers from another port, first
 */
typedef struct {
  int fd;
  ScopeSockaddr at;
  const char *says;
  int deaf;
  gboolean forge;
  guint asked;
} Server;

typedef struct {
  Server servers[2];
  GThread *thread;
  int stop;
  GArray *addresses;
} Fixture;

static void
serve (Server *server)
{
  guint8 buffer[SCOPE_STUN_MAX], answer[SCOPE_STUN_MAX];
  ScopeSockaddr from = { 0 }, mapped;
  socklen_t from_len = sizeof from;
  ScopeStunMessage message;
  gssize len = recvfrom (server->fd, buffer, sizeof buffer, 0, &from.any, &from_len);

  g_assert_true (len > 0 && scope_stun_parse (&message, buffer, len) && message.kind == SCOPE_STUN_REQUEST);
  server->asked++;
  if (server->deaf < 0 || server->deaf-- > 0)
    return;
  server->deaf = 0;
  if (server->forge)
    {
      ScopeSockaddr lie = address ("198.51.100.66:6666");
      int fd = socket (AF_INET, SOCK_DGRAM, 0);
      gsize n = scope_stun_answer (answer, message.id, &lie, NULL);
      g_assert_cmpint (sendto (fd, answer, n, 0, &from.any, from_len), ==, n);
      close (fd);
    }
  mapped = server->says ? address (server->says) : from;
  len = scope_stun_answer (answer, message.id, &mapped, NULL);
  g_assert_cmpint (sendto (server->fd, answer, len, 0, &from.any, from_len), ==, len);
}

static gpointer
run_servers (gpointer data)
{
  Fixture *f = data;
  struct pollfd fds[3] = { { .fd = f->servers[0].fd, .events = POLLIN }, { .fd = f->servers[1].fd, .events = POLLIN } };

  while (!g_atomic_int_get (&f->stop))
    if (poll (fds, 2, 20) > 0)
      for (guint i = 0; i < 2; i++)
        if (fds[i].revents & POLLIN)
          serve (&f->servers[i]);
  return NULL;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->addresses = g_array_new (FALSE, FALSE, sizeof (ScopeSockaddr));
  for (guint i = 0; i < 2; i++)
    {
      Server *server = &f->servers[i];
      socklen_t len = sizeof server->at;

      server->at.in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = g_htonl (0x7f000001 + i) };
      server->fd = socket (AF_INET, SOCK_DGRAM, 0);
      g_assert_cmpint (bind (server->fd, &server->at.any, sizeof server->at.in), ==, 0);
      g_assert_cmpint (getsockname (server->fd, &server->at.any, &len), ==, 0);
      g_array_append_val (f->addresses, server->at);
    }
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    close (f->servers[i].fd);
  g_array_unref (f->addresses);
}

static ScopeNat
ask (Fixture *f, CtlStun *stun, gint64 *usec)
{
  g_autoptr (GArray) samples = NULL;

  g_atomic_int_set (&f->stop, 0);
  f->thread = g_thread_new ("servers", run_servers, f);
  samples = ctl_stun_ask (stun, f->addresses, usec);
  g_atomic_int_set (&f->stop, 1);
  g_thread_join (f->thread);
  return scope_nat_classify (AF_INET, (const ScopeNatSample *) samples->data, samples->len);
}

static CtlStun *
stun_new (void)
{
  g_autoptr (GError) error = NULL;
  CtlStun *stun = ctl_stun_new (AF_INET, &error);

  g_assert_no_error (error);
  return stun;
}

static void
test_kinds (Fixture *f, gconstpointer data)
{
  const struct {
    const char *says[2];
    int deaf[2];
    ScopeNatKind kind;
  } cases[] = {
    { { NULL, NULL }, { 0, 0 }, SCOPE_NAT_NONE },
    { { "192.0.2.9:1000", "192.0.2.9:1000" }, { 0, 0 }, SCOPE_NAT_OPEN },
    { { "192.0.2.9:1000", "192.0.2.9:1001" }, { 0, 0 }, SCOPE_NAT_CLOSED },
    { { "192.0.2.9:1000", "192.0.2.9:1001" }, { 0, -1 }, SCOPE_NAT_UNKNOWN },
    { { "192.0.2.9:1000", "192.0.2.9:1001" }, { 2, 1 }, SCOPE_NAT_CLOSED }, /* asked again */
    { { NULL, NULL }, { -1, -1 }, SCOPE_NAT_DENY },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (CtlStun) stun = stun_new ();
      ScopeSockaddr six = address ("[2001:db8::1]:3478");
      gint64 usec;
      ScopeNat nat;

      g_test_message ("case %u", i);
      for (guint n = 0; n < 2; n++)
        {
          f->servers[n].says = cases[i].says[n];
          f->servers[n].deaf = cases[i].deaf[n];
        }
      if (i == 0) /* is left out */
        g_array_append_val (f->addresses, six);
      nat = ask (f, stun, &usec);
      g_assert_cmpint (nat.kind, ==, cases[i].kind);
      g_assert_true (nat.kind == SCOPE_NAT_DENY ? usec == -1 : usec > 0 && usec < 2 * G_USEC_PER_SEC);
    }
  g_assert_cmpuint (f->servers[1].asked, >=, 4 + 4);
}

/* What comes from elsewhere than from the server that was asked says nothing. */
static void
test_forged (Fixture *f, gconstpointer data)
{
  g_autoptr (CtlStun) stun = stun_new ();
  gint64 usec;
  ScopeNat nat;

  f->servers[0].forge = f->servers[1].forge = TRUE;
  nat = ask (f, stun, &usec);
  g_assert_cmpint (nat.kind, ==, SCOPE_NAT_NONE);
}

static void
test_hairpin (Fixture *f, gconstpointer data)
{
  g_autoptr (CtlStun) stun = stun_new ();
  gint64 usec;
  ScopeNat nat = ask (f, stun, &usec);
  ScopeSockaddr elsewhere = f->servers[0].at;

  g_assert_true (ctl_stun_hairpin (stun, &nat.mapped)); /* we are our own outer address */
  g_assert_false (ctl_stun_hairpin (stun, &elsewhere));
}

/* --- words --- */

static CtlNetcheck
example (GPtrArray *registries)
{
  CtlRegistryCheck *good = g_new0 (CtlRegistryCheck, 1), *bad = g_new0 (CtlRegistryCheck, 1);
  CtlNetcheck check = { .registries = registries, .nat_pmp = CTL_YES, .upnp = CTL_NO };

  check.ip4 = (CtlFamily){ address ("192.168.1.5:1"), 1492, 3, 12345, { SCOPE_NAT_OPEN, FALSE, 2, 1, address ("192.0.2.9:1000") }, CTL_NO };
  check.ip4.local.in.sin_port = 0;
  check.ip6.usec = -1;
  *good = (CtlRegistryCheck){ g_strdup ("https://r.example"), 4321, NULL, CTL_YES };
  *bad = (CtlRegistryCheck){ g_strdup ("https://s.example"), -1, g_strdup ("Connection \"refused\""), CTL_UNKNOWN };
  g_ptr_array_add (registries, good);
  g_ptr_array_add (registries, bad);
  return check;
}

static void
test_text (void)
{
  g_autoptr (GPtrArray) registries = g_ptr_array_new_with_free_func ((GDestroyNotify) ctl_registry_check_free);
  CtlNetcheck check = example (registries);
  g_autofree char *text = ctl_netcheck_format (&check), *blocked = NULL;

  g_assert_cmpstr (text, ==,
                   "WHAT          FOUND\n"
                   "IPv4          192.168.1.5, seen as 192.0.2.9:1000 (with another port), 1492 bytes a packet\n"
                   "IPv4 NAT      open: the same port for all; direct links can be made with most others\n"
                   "IPv4 hairpin  no\n"
                   "IPv6          no way out\n"
                   "UDP           works, 12 ms to the nearest STUN server\n"
                   "Port mapping  NAT-PMP\n"
                   "Registry      https://r.example: 4.3 ms, carries packets where UDP is blocked\n"
                   "Registry      https://s.example: Connection \"refused\"\n");
  check.ip4.nat = (ScopeNat){ .kind = SCOPE_NAT_DENY };
  check.nat_pmp = check.upnp = CTL_UNKNOWN;
  blocked = ctl_netcheck_format (&check);
  g_assert_nonnull (strstr (blocked, "UDP           blocked"));
  g_assert_nonnull (strstr (blocked, "Port mapping  unknown"));
  g_assert_nonnull (strstr (blocked, "IPv4          192.168.1.5, 1492 bytes"));
}

static void
test_json (void)
{
  g_autoptr (GPtrArray) registries = g_ptr_array_new_with_free_func ((GDestroyNotify) ctl_registry_check_free);
  CtlNetcheck check = example (registries);
  g_autofree char *text = ctl_netcheck_to_json (&check);

  g_assert_cmpstr (text, ==,
                   "{\"ipv4\":{\"there\":true,\"address\":\"192.168.1.5\",\"nat\":\"open\",\"mapped\":\"192.0.2.9:1000\","
                   "\"portPreserved\":false,\"hairpin\":false,\"asked\":3,\"answered\":2,\"latency\":12.345,\"mtu\":1492},"
                   "\"ipv6\":{\"there\":false,\"address\":null,\"nat\":\"unknown\",\"mapped\":null,"
                   "\"portPreserved\":null,\"hairpin\":null,\"asked\":0,\"answered\":0,\"latency\":null,\"mtu\":0},"
                   "\"udp\":true,\"natPmp\":true,\"upnp\":false,\"registries\":["
                   "{\"url\":\"https://r.example\",\"latency\":4.321,\"error\":null,\"carries\":true},"
                   "{\"url\":\"https://s.example\",\"latency\":null,\"error\":\"Connection \\\"refused\\\"\",\"carries\":null}]}");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add ("/netcheck/" path, Fixture, NULL, set_up, func, tear_down)
  ADD ("kinds", test_kinds);
  ADD ("forged", test_forged);
  ADD ("hairpin", test_hairpin);
  g_test_add_func ("/netcheck/text", test_text);
  g_test_add_func ("/netcheck/json", test_json);
  return g_test_run ();
}
