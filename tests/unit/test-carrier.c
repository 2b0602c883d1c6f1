/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scope-carrier against a registry in this process; WireGuard and the relay are UDP sockets of ours. */
#include "v1-fixture.h"

#include "peer/scope-carrier.h"
#include "registry/registry-carry.h"
#include "test-log.h"
#include "wire/scope-carry.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONFIG ",\"carry\":{\"private\":true,\"links\":2,\"idleSeconds\":180}"

static const guint8 initiation[148] = { 1, 0, 0, 0, 42 };
static const guint8 response[92] = { 2, 0, 0, 0, 43 };
static const guint8 keepalive[32] = { 4, 0, 0, 0, 44 };

typedef struct {
  Fixture f;
  Peer *peer, *relay_peer;
  ScopeCarrier *carrier;
  gboolean silent; /* no session to ask */
  guint asked;
  ScopeCarrierState state;
  guint changes;
  char *refused;
  int wireguard, relay; /* sockets */
  guint16 wireguard_port, relay_port;
  struct sockaddr_in from; /* of what the relay got last */
} Scene;

static int
udp (guint16 *port)
{
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl (INADDR_LOOPBACK) } };
  socklen_t len = sizeof address;

  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &address, &len), ==, 0);
  *port = ntohs (address.sin_port);
  return fd;
}

static gboolean
ask (gpointer data)
{
  Scene *s = data;

  if (s->silent)
    return FALSE;
  s->asked++;
  peer_send_text (s->peer, "{\"t\":\"carry\",\"d\":{}}");
  return TRUE;
}

static void
changed (ScopeCarrierState state, gpointer data)
{
  Scene *s = data;

  g_assert_cmpint (state, !=, s->state);
  s->state = state;
  s->changes++;
}

static void
refused (const ScopeKey *relay, const char *code, gpointer data)
{
  Scene *s = data;

  g_assert_true (scope_key_equal (relay, &s->peer->key));
  g_free (s->refused);
  s->refused = g_strdup (code);
}

static const ScopeCarrierCalls calls = { ask, changed, refused };

/* The founder's part: what the session says is handed on. */
static void
pass_on (Scene *s)
{
  ScopeV1Message *message;

  while ((message = g_queue_pop_head (&s->peer->inbox)))
    {
      g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%u", s->f.port);

      if (message->type == SCOPE_V1_CARRY)
        scope_carrier_ticket (s->carrier, url, message->token);
      scope_v1_message_free (message);
    }
}

#define until(condition) wait_until ((pass_on (&s), (condition)))

static void
join_relay (Scene *s)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  g_autoptr (GArray) ranges = scope_prefix_parse_list ("10.77.0.200/32", 1, NULL);
  ScopeGrant grant = { .network = (char *) "home", .identity = scope_identity_public (s->relay_peer->identity),
                       .key = s->relay_peer->key, .ranges = ranges, .role = SCOPE_ROLE_RELAY, .issued = now - 5,
                       .expires = now + 86400 };
  g_autofree char *payload = scope_grant_format (&grant);
  g_autoptr (ScopeRecord) record = scope_record_new ("home");
  g_autofree char *record_payload = NULL;
  g_autoptr (ScopeV1Message) hello = NULL;
  g_autoptr (ScopeV1Message) welcome = NULL;

  peer_connect (s->relay_peer);
  hello = peer_make_hello (s->relay_peer, NULL);
  hello->grant = root_signs (&s->f, SCOPE_TYP_GRANT, payload);
  record->key = s->relay_peer->key;
  record->role = SCOPE_ROLE_RELAY;
  record->sequence = g_get_real_time ();
  record->issued = now;
  record->expires = now + 3600;
  g_array_unref (record->ranges);
  record->ranges = g_array_ref (ranges);
  g_strfreev (record->endpoints);
  record->endpoints = g_new0 (char *, 2);
  record->endpoints[0] = g_strdup_printf ("127.0.0.1:%u", s->relay_port);
  record_payload = scope_record_format (record);
  hello->record = scope_jws_sign (s->relay_peer->identity, SCOPE_TYP_RECORD, record_payload, NULL);
  peer_send (s->relay_peer, hello);
  welcome = peer_expect (s->relay_peer, SCOPE_V1_WELCOME);
}

static void
scene_begin (Scene *s, const char *top)
{
  g_autofree char *token = NULL;

  *s = (Scene) { 0 };
  fixture_top = top;
  fixture_start (&s->f, "");
  token = invite (&s->f, 3600);
  s->peer = peer_new (&s->f, 1);
  s->relay_peer = peer_new (&s->f, 2);
  s->wireguard = udp (&s->wireguard_port);
  s->relay = udp (&s->relay_port);
  peer_join (s->peer, token);
  join_relay (s);
  s->carrier = scope_carrier_new (NULL, "home", &calls, s);
  scope_carrier_set_port (s->carrier, s->wireguard_port);
}

static void
scene_end (Scene *s)
{
  g_clear_object (&s->carrier);
  run_main_loop (20);
  g_clear_pointer (&s->peer, peer_free);
  g_clear_pointer (&s->relay_peer, peer_free);
  close (s->wireguard);
  close (s->relay);
  g_free (s->refused);
  fixture_stop (&s->f);
  fixture_top = "";
}

static void
to_endpoint (int fd, const ScopeSockaddr *endpoint, const guint8 *packet, gsize len)
{
  g_assert_cmpint (sendto (fd, packet, len, 0, &endpoint->any, sizeof endpoint->in), ==, len);
}

/* Bytes, or 0 for nothing; @from: who sent it */
static gsize
take (int fd, struct sockaddr_in *from)
{
  guint8 packet[4096];
  socklen_t len = sizeof *from;
  gssize n = recvfrom (fd, packet, sizeof packet, 0, (struct sockaddr *) from, &len);

  return MAX (n, 0);
}

#define until_taken(fd, from, expected)                  \
  G_STMT_START                                           \
  {                                                      \
    gsize n_ = 0;                                        \
    until (n_ || (n_ = take (fd, from)));                \
    g_assert_cmpuint (n_, ==, expected);                 \
  }                                                      \
  G_STMT_END

static void
answer (Scene *s, const guint8 *packet, gsize len)
{
  g_assert_cmpint (sendto (s->relay, packet, len, 0, (struct sockaddr *) &s->from, sizeof s->from), ==, len);
}

static void
test_there_and_back (void)
{
  Scene s;
  ScopeSockaddr endpoint, again;
  struct sockaddr_in from;
  guint16 port;
  int stranger;

  scene_begin (&s, CONFIG);
  run_main_loop (20);
  g_assert_cmpuint (s.asked, ==, 0);
  g_assert_true (scope_carrier_open (s.carrier, &s.relay_peer->key, &endpoint, NULL));
  g_assert_cmpint (endpoint.any.sa_family, ==, AF_INET);
  g_assert_cmpuint (ntohl (endpoint.in.sin_addr.s_addr), ==, INADDR_LOOPBACK);
  g_assert_true (scope_carrier_owns (s.carrier, &endpoint));
  g_assert_cmpint (s.state, ==, SCOPE_CARRIER_CONNECTING);
  /* The first one waits for the connection. */
  to_endpoint (s.wireguard, &endpoint, initiation, sizeof initiation);
  until_taken (s.relay, &s.from, sizeof initiation);
  g_assert_cmpint (s.state, ==, SCOPE_CARRIER_USABLE);
  answer (&s, response, sizeof response);
  until_taken (s.wireguard, &from, sizeof response);
  g_assert_cmpuint (from.sin_port, ==, endpoint.in.sin_port);

  /* Nobody but WireGuard, and nothing but WireGuard's. */
  stranger = udp (&port);
  sendto (stranger, initiation, sizeof initiation, 0, &endpoint.any, sizeof endpoint.in);
  to_endpoint (s.wireguard, &endpoint, (const guint8 *) "x", 1);
  to_endpoint (s.wireguard, &endpoint, keepalive, sizeof keepalive);
  until_taken (s.relay, &s.from, sizeof keepalive);
  run_main_loop (20);
  g_assert_cmpuint (take (s.relay, &s.from), ==, 0);
  g_assert_cmpuint (scope_carrier_get_stats (s.carrier).sent, ==, 2);
  g_assert_cmpuint (scope_carrier_get_stats (s.carrier).received, ==, 1);

  /* WireGuard moves to another port: the endpoint stays. */
  scope_carrier_set_port (s.carrier, port);
  g_assert_true (scope_carrier_open (s.carrier, &s.relay_peer->key, &again, NULL));
  g_assert_true (scope_sockaddr_equal (&endpoint, &again));
  to_endpoint (stranger, &endpoint, keepalive, sizeof keepalive);
  until_taken (s.relay, &s.from, sizeof keepalive);
  answer (&s, keepalive, sizeof keepalive);
  until_taken (stranger, &from, sizeof keepalive);
  close (stranger);

  scope_carrier_close (s.carrier, &s.relay_peer->key);
  g_assert_cmpint (s.state, ==, SCOPE_CARRIER_IDLE);
  g_assert_false (scope_carrier_owns (s.carrier, &endpoint));
  until (registry_carry_get_size (registry_v1_get_carry (registry_server_get_v1 (s.f.server))) == 0);
  scene_end (&s);
}

static void
test_many_at_once (void)
{
  Scene s;
  ScopeSockaddr endpoint;
  guint8 data[1400] = { 4 };
  guint got = 0;
  gint64 end;

  scene_begin (&s, CONFIG);
  g_assert_true (scope_carrier_open (s.carrier, &s.relay_peer->key, &endpoint, NULL));
  to_endpoint (s.wireguard, &endpoint, initiation, sizeof initiation);
  until_taken (s.relay, &s.from, sizeof initiation);
  answer (&s, response, sizeof response);
  until (scope_carrier_get_stats (s.carrier).received == 1);
  /* As much as fits into the queue passes, in messages of several; what is more is dropped, and counted. */
  for (guint round = 0; round < 40; round++)
    {
      for (guint i = 0; i < 50; i++)
        to_endpoint (s.wireguard, &endpoint, data, sizeof data);
      run_main_loop (2);
      while (take (s.relay, &s.from))
        got++;
    }
  end = g_get_monotonic_time () + G_USEC_PER_SEC;
  while (g_get_monotonic_time () < end && got < 2000)
    {
      run_main_loop (1);
      while (take (s.relay, &s.from))
        got++;
    }
  g_test_message ("%u of 2000 passed, %" G_GUINT64_FORMAT " dropped", got, scope_carrier_get_stats (s.carrier).dropped);
  g_assert_cmpuint (got, >, 500);
  g_assert_cmpint (s.state, ==, SCOPE_CARRIER_USABLE);
  scene_end (&s);
}

static void
test_refused (void)
{
  Scene s;
  ScopeSockaddr endpoint;

  scene_begin (&s, CONFIG);
  g_assert_true (scope_carrier_open (s.carrier, &s.peer->key, &endpoint, NULL));
  until (s.refused);
  g_assert_cmpstr (s.refused, ==, "not-a-relay");
  g_assert_cmpint (s.state, ==, SCOPE_CARRIER_USABLE);
  /* It is not asked again for each packet. */
  g_clear_pointer (&s.refused, g_free);
  to_endpoint (s.wireguard, &endpoint, initiation, sizeof initiation);
  run_main_loop (30);
  g_assert_null (s.refused);
  scene_end (&s);
}

static void
test_none (void)
{
  Scene s;
  ScopeSockaddr endpoint;

  scene_begin (&s, ",\"carry\":false");
  g_assert_true (scope_carrier_open (s.carrier, &s.relay_peer->key, &endpoint, NULL));
  until (s.state == SCOPE_CARRIER_NONE);
  g_assert_cmpuint (s.asked, ==, 1);
  to_endpoint (s.wireguard, &endpoint, initiation, sizeof initiation);
  run_main_loop (30);
  g_assert_cmpuint (s.asked, ==, 1);
  scope_carrier_kick (s.carrier);
  g_assert_cmpuint (s.asked, ==, 2);
  scene_end (&s);
}

/* The registry is gone, and comes back; nothing of it is WireGuard's matter. */
static void
test_lost (void)
{
  Scene s;
  ScopeSockaddr endpoint;

  scene_begin (&s, CONFIG);
  g_assert_true (scope_carrier_open (s.carrier, &s.relay_peer->key, &endpoint, NULL));
  to_endpoint (s.wireguard, &endpoint, initiation, sizeof initiation);
  until_taken (s.relay, &s.from, sizeof initiation);
  s.silent = TRUE;
  fixture_restart (&s.f, "");
  until (s.state == SCOPE_CARRIER_LOST);
  to_endpoint (s.wireguard, &endpoint, initiation, sizeof initiation);
  /* Without a session it waits for one. */
  run_main_loop (1200);
  g_assert_cmpint (s.state, ==, SCOPE_CARRIER_LOST);
  peer_join (s.peer, NULL);
  join_relay (&s);
  s.silent = FALSE;
  scope_carrier_resume (s.carrier);
  until (s.state == SCOPE_CARRIER_USABLE);
  until_taken (s.relay, &s.from, sizeof initiation);
  /* What works is left alone; a change of the network is not. */
  scope_carrier_resume (s.carrier);
  g_assert_cmpint (s.state, ==, SCOPE_CARRIER_USABLE);
  scope_carrier_kick (s.carrier);
  g_assert_cmpint (s.state, ==, SCOPE_CARRIER_CONNECTING);
  until (s.state == SCOPE_CARRIER_USABLE);
  to_endpoint (s.wireguard, &endpoint, keepalive, sizeof keepalive);
  until_taken (s.relay, &s.from, sizeof keepalive);
  scene_end (&s);
}

/* What nobody uses the registry closes; the next packet has it opened again. */
static void
test_idle (void)
{
  Scene s;
  ScopeSockaddr endpoint;
  RegistryCarry *carry;

  scene_begin (&s, CONFIG);
  g_assert_true (scope_carrier_open (s.carrier, &s.relay_peer->key, &endpoint, NULL));
  until (s.state == SCOPE_CARRIER_USABLE);
  carry = registry_v1_get_carry (registry_server_get_v1 (s.f.server));
  registry_carry_sweep (carry, g_get_monotonic_time () + 200 * G_USEC_PER_SEC);
  until (s.state == SCOPE_CARRIER_IDLE);
  run_main_loop (1200);
  g_assert_cmpint (s.state, ==, SCOPE_CARRIER_IDLE);
  g_assert_cmpuint (s.asked, ==, 1);
  to_endpoint (s.wireguard, &endpoint, initiation, sizeof initiation);
  until_taken (s.relay, &s.from, sizeof initiation);
  g_assert_cmpuint (s.asked, ==, 2);
  scene_end (&s);
}

/* Nothing is called any more once it is stopped, whatever was under way. */
static void
test_stop_anywhere (void)
{
  for (guint turns = 0; turns < 12; turns++)
    {
      ScopeSockaddr endpoint;
      guint changes;
      Scene s;

      scene_begin (&s, CONFIG);
      g_assert_true (scope_carrier_open (s.carrier, &s.relay_peer->key, &endpoint, NULL));
      to_endpoint (s.wireguard, &endpoint, initiation, sizeof initiation);
      for (guint i = 0; i < turns; i++)
        {
          pass_on (&s);
          g_main_context_iteration (NULL, FALSE);
          g_usleep (300);
        }
      changes = s.changes;
      scope_carrier_stop (s.carrier);
      run_main_loop (10);
      g_assert_cmpuint (s.changes, ==, changes);
      scene_end (&s);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  test_log_init ();
  g_test_add_func ("/carrier/there-and-back", test_there_and_back);
  g_test_add_func ("/carrier/many-at-once", test_many_at_once);
  g_test_add_func ("/carrier/refused", test_refused);
  g_test_add_func ("/carrier/none", test_none);
  g_test_add_func ("/carrier/lost", test_lost);
  g_test_add_func ("/carrier/idle", test_idle);
  g_test_add_func ("/carrier/stop-anywhere", test_stop_anywhere);
  return g_test_run ();
}
