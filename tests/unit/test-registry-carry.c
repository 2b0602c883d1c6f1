/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The registry carries packets between a WebSocket and a relay, which is a UDP socket of ours here. */
#include "v1-fixture.h"

#include "registry/registry-carry-private.h"
#include "test-log.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONFIG ",\"carry\":{\"private\":true,\"links\":2,\"sessions\":3,\"bytesPerSecond\":0,\"queueBytes\":65536}"

static RegistryCarry *
carry_of (Fixture *f)
{
  return registry_v1_get_carry (registry_server_get_v1 (f->server));
}

/* A WebSocket with packets */

typedef struct {
  Fixture *f;
  SoupWebsocketConnection *ws;
  GQueue texts; /* ScopeCarryMessage */
  GPtrArray *packets; /* GBytes, each with its head */
  gboolean closed, failed;
} Carry;

static void
on_message (SoupWebsocketConnection *ws, gint type, GBytes *bytes, gpointer user_data)
{
  Carry *c = user_data;
  gsize len, packet_len;
  const guint8 *data = g_bytes_get_data (bytes, &len), *packet;
  g_autoptr (GError) error = NULL;
  guint16 id;

  if (type == SOUP_WEBSOCKET_DATA_TEXT)
    {
      ScopeCarryMessage message;

      scope_carry_parse (&message, (const char *) data, len, &error);
      g_assert_no_error (error);
      g_queue_push_tail (&c->texts, g_memdup2 (&message, sizeof message));
      return;
    }
  for (ScopeCarryReader reader = { data, len }; scope_carry_next (&reader, &id, &packet, &packet_len, &error);)
    g_ptr_array_add (c->packets, g_bytes_new (packet - SCOPE_CARRY_HEAD, packet_len + SCOPE_CARRY_HEAD));
  g_assert_no_error (error);
}

static void
on_closed (SoupWebsocketConnection *ws, gpointer user_data)
{
  ((Carry *) user_data)->closed = TRUE;
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Carry *c = user_data;

  c->ws = soup_session_websocket_connect_finish (SOUP_SESSION (source), result, NULL);
  c->failed = c->ws == NULL;
  if (!c->ws)
    return;
  g_signal_connect (c->ws, "message", G_CALLBACK (on_message), c);
  g_signal_connect (c->ws, "closed", G_CALLBACK (on_closed), c);
}

static Carry *
carry_connect (Fixture *f)
{
  static char *protocols[] = { (char *) SCOPE_CARRY_SUBPROTOCOL, NULL };
  g_autofree char *url = g_strdup_printf ("ws://127.0.0.1:%u/v1/home/carry", f->port);
  g_autoptr (SoupMessage) message = soup_message_new ("GET", url);
  Carry *c = g_new0 (Carry, 1);

  c->f = f;
  c->packets = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  soup_session_websocket_connect_async (f->soup, message, NULL, protocols, G_PRIORITY_DEFAULT, NULL, on_connected, c);
  wait_until (c->ws || c->failed);
  return c;
}

static void
carry_free (Carry *c)
{
  if (c->ws)
    {
      g_signal_handlers_disconnect_by_data (c->ws, c);
      if (soup_websocket_connection_get_state (c->ws) == SOUP_WEBSOCKET_STATE_OPEN)
        soup_websocket_connection_close (c->ws, 1000, NULL);
    }
  g_clear_object (&c->ws);
  g_queue_clear_full (&c->texts, g_free);
  g_ptr_array_unref (c->packets);
  g_free (c);
  run_main_loop (0);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Carry, carry_free)

static void
say (Carry *c, ScopeCarryMessage message)
{
  g_autofree char *text = scope_carry_format (&message);

  soup_websocket_connection_send_text (c->ws, text);
}

static ScopeCarryMessage
expect (Carry *c, ScopeCarryType type)
{
  g_autofree ScopeCarryMessage *message = NULL;

  wait_until (c->texts.length || c->closed);
  g_assert_cmpuint (c->texts.length, >, 0);
  message = g_queue_pop_head (&c->texts);
  g_assert_cmpint (message->type, ==, type);
  return *message;
}

static void
expect_end (Carry *c, guint code)
{
  wait_until (c->closed);
  g_assert_cmpuint (soup_websocket_connection_get_close_code (c->ws), ==, code);
}

static void
show (Carry *c, const char *ticket)
{
  ScopeCarryMessage message = { .type = SCOPE_CARRY_TICKET };

  g_strlcpy (message.ticket, ticket, sizeof message.ticket);
  say (c, message);
}

static char *
ask_for_ticket (Peer *peer)
{
  g_autoptr (ScopeV1Message) answer = NULL;

  peer_send_text (peer, "{\"t\":\"carry\",\"d\":{}}");
  /* Others may have joined meanwhile. */
  do
    {
      g_clear_pointer (&answer, scope_v1_message_free);
      wait_until (peer->inbox.length);
      answer = g_queue_pop_head (&peer->inbox);
    }
  while (answer->type != SCOPE_V1_CARRY);
  g_assert_true (!answer->token || answer->seconds == SCOPE_CARRY_TICKET_SECONDS);
  return g_strdup (answer->token);
}

static Carry *
carry_begin (Peer *peer)
{
  g_autofree char *ticket = ask_for_ticket (peer);
  Carry *c = carry_connect (peer->f);

  show (c, ticket);
  g_assert_cmpuint (expect (c, SCOPE_CARRY_READY).links, ==, 2);
  return c;
}

static void
send_packet (Carry *c, guint16 id, const guint8 *packet, gsize len)
{
  g_autoptr (GByteArray) message = g_byte_array_new ();
  g_autoptr (GBytes) bytes = NULL;

  scope_carry_append (message, id, packet, len);
  bytes = g_bytes_new (message->data, message->len);
  soup_websocket_connection_send_message (c->ws, SOUP_WEBSOCKET_DATA_BINARY, bytes);
}

static void
open_link (Carry *c, guint16 id, const ScopeKey *key)
{
  say (c, (ScopeCarryMessage) { .type = SCOPE_CARRY_OPEN, .id = id, .key = *key });
}

/* Relays */

typedef struct {
  int fd;
  guint16 port;
  struct sockaddr_in6 from; /* of the last packet */
  guint got;
} Relay;

static Relay
relay_new (void)
{
  Relay relay = { .fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) };
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl (INADDR_LOOPBACK) } };
  socklen_t len = sizeof address;
  int size = 4 * 1024 * 1024;

  g_assert_cmpint (bind (relay.fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (getsockname (relay.fd, (struct sockaddr *) &address, &len), ==, 0);
  setsockopt (relay.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  relay.port = ntohs (address.sin_port);
  return relay;
}

static gboolean
relay_read (Relay *relay, guint8 *packet, gsize *len)
{
  socklen_t from_len = sizeof relay->from;
  gssize n = recvfrom (relay->fd, packet, 4096, 0, (struct sockaddr *) &relay->from, &from_len);

  if (n < 0)
    return FALSE;
  *len = n;
  relay->got++;
  return TRUE;
}

static void
relay_expect (Relay *relay, const guint8 *packet, gsize len)
{
  guint8 got[4096];
  gsize got_len = 0;
  gboolean read = FALSE;

  wait_until (read = read || relay_read (relay, got, &got_len));
  g_assert_cmpmem (got, got_len, packet, len);
}

static void
relay_answer (Relay *relay, const guint8 *packet, gsize len)
{
  g_assert_cmpint (sendto (relay->fd, packet, len, 0, (struct sockaddr *) &relay->from, sizeof (struct sockaddr_in)), ==, len);
}

static void
relay_close (Relay *relay)
{
  close (relay->fd);
}

/* A member with that role and these endpoints, by the root's grant. */
static void
join_as (Peer *peer, ScopeRole role, const char *ranges, const char *endpoints)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  g_autoptr (GArray) list = scope_prefix_parse_list (ranges, 2, NULL);
  ScopeGrant grant = { .network = (char *) "home", .identity = scope_identity_public (peer->identity), .key = peer->key,
                       .ranges = list, .role = role, .issued = now - 5, .expires = now + 86400 };
  g_autofree char *payload = scope_grant_format (&grant);
  g_autoptr (ScopeRecord) record = scope_record_new ("home");
  g_autofree char *record_payload = NULL;
  g_autoptr (ScopeV1Message) hello = NULL;
  g_autoptr (ScopeV1Message) welcome = NULL;
  g_autoptr (ScopeV1Message) roster = NULL;

  peer_connect (peer);
  hello = peer_make_hello (peer, NULL);
  hello->grant = root_signs (peer->f, SCOPE_TYP_GRANT, payload);
  record->key = peer->key;
  record->role = role;
  record->sequence = 1;
  record->issued = now;
  record->expires = now + 3600;
  g_array_unref (record->ranges);
  record->ranges = g_array_ref (list);
  g_strfreev (record->endpoints);
  record->endpoints = g_strsplit (endpoints, " ", -1);
  record_payload = scope_record_format (record);
  hello->record = scope_jws_sign (peer->identity, SCOPE_TYP_RECORD, record_payload, NULL);
  peer_send (peer, hello);
  welcome = peer_expect (peer, SCOPE_V1_WELCOME);
  roster = peer_expect (peer, SCOPE_V1_ROSTER);
}

static void
join_relay (Peer *peer, const Relay *relay)
{
  g_autofree char *endpoint = g_strdup_printf ("127.0.0.1:%u", relay->port);

  join_as (peer, SCOPE_ROLE_RELAY, "10.77.0.200/32", endpoint);
}

static const guint8 initiation[148] = { 1, 0, 0, 0, 42 };
static const guint8 response[92] = { 2, 0, 0, 0, 43 };
static const guint8 keepalive[32] = { 4, 0, 0, 0, 44 };

static void
start (Fixture *f, const char *top)
{
  fixture_top = top;
  fixture_start (f, "");
  fixture_top = "";
}

/* Tests */

static void
test_ticket_opens_once (void)
{
  Fixture f;
  start (&f, CONFIG);
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Carry) first = NULL, second = NULL, third = NULL, fourth = NULL, fifth = NULL;
    g_autofree char *token = invite (&f, 3600);
    g_autofree char *ticket = NULL, *later = NULL;

    peer_join (a, token);
    ticket = ask_for_ticket (a);
    first = carry_connect (&f);
    show (first, ticket);
    expect (first, SCOPE_CARRY_READY);
    second = carry_connect (&f);
    show (second, ticket);
    expect_end (second, 1008);
    g_assert_cmpuint (registry_carry_get_tickets (carry_of (&f)), ==, 0);

    /* Another ticket: the one before is void, and its WebSocket follows the one before. */
    g_free (ticket);
    ticket = ask_for_ticket (a);
    later = ask_for_ticket (a);
    g_assert_cmpuint (registry_carry_get_tickets (carry_of (&f)), ==, 1);
    third = carry_connect (&f);
    show (third, ticket);
    expect_end (third, 1008);
    g_assert_false (first->closed);
    fourth = carry_connect (&f);
    show (fourth, later);
    expect (fourth, SCOPE_CARRY_READY);
    expect_end (first, 1000);

    /* Without one nothing is said. */
    fifth = carry_connect (&f);
    open_link (fifth, 1, &a->key);
    expect_end (fifth, 1008);
  }
  fixture_stop (&f);
}

static void
test_time (void)
{
  Fixture f;
  start (&f, CONFIG);
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Carry) late = NULL, silent = NULL, idle = NULL;
    g_autofree char *token = invite (&f, 3600);
    g_autofree char *ticket = NULL;
    gint64 now;

    peer_join (a, token);
    ticket = ask_for_ticket (a);
    now = g_get_monotonic_time ();
    registry_carry_sweep (carry_of (&f), now + 59 * G_USEC_PER_SEC);
    g_assert_cmpuint (registry_carry_get_tickets (carry_of (&f)), ==, 1);
    registry_carry_sweep (carry_of (&f), now + 61 * G_USEC_PER_SEC);
    g_assert_cmpuint (registry_carry_get_tickets (carry_of (&f)), ==, 0);
    late = carry_connect (&f);
    show (late, ticket);
    expect_end (late, 1008);

    silent = carry_connect (&f);
    registry_carry_sweep (carry_of (&f), g_get_monotonic_time () + 11 * G_USEC_PER_SEC);
    expect_end (silent, 1008);

    idle = carry_begin (a);
    registry_carry_sweep (carry_of (&f), g_get_monotonic_time () + 170 * G_USEC_PER_SEC);
    run_main_loop (20);
    g_assert_false (idle->closed);
    registry_carry_sweep (carry_of (&f), g_get_monotonic_time () + 181 * G_USEC_PER_SEC);
    expect_end (idle, 1000);
  }
  fixture_stop (&f);
}

static void
test_there_and_back (void)
{
  Fixture f;
  start (&f, CONFIG);
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autoptr (Carry) c = NULL;
    g_autofree char *token = invite (&f, 3600);
    Relay relay = relay_new (), stranger = relay_new ();
    guint8 data[1400] = { 4 };
    guint8 big[SCOPE_CARRY_PACKET_MAX + 1] = { 4 };

    peer_join (a, token);
    join_relay (b, &relay);
    c = carry_begin (a);
    g_assert_cmpint (carry_of (&f)->epoll, ==, -1);
    open_link (c, 0x1234, &b->key);
    /* Without waiting for the answer. */
    send_packet (c, 0x1234, initiation, sizeof initiation);
    g_assert_cmpuint (expect (c, SCOPE_CARRY_OPENED).id, ==, 0x1234);
    relay_expect (&relay, initiation, sizeof initiation);

    /* Nobody else may answer, and nothing that is not WireGuard's. */
    stranger.from = relay.from;
    relay_answer (&stranger, response, sizeof response);
    relay_answer (&relay, (const guint8 *) "GET / HTTP/1.1\r\n\r\n and more, 32 bytes", 38);
    relay_answer (&relay, big, sizeof big);
    relay_answer (&relay, response, sizeof response);
    wait_until (c->packets->len);
    run_main_loop (20);
    g_assert_cmpuint (c->packets->len, ==, 1);
    g_assert_cmpmem ((const guint8 *) g_bytes_get_data (c->packets->pdata[0], NULL) + SCOPE_CARRY_HEAD,
                     g_bytes_get_size (c->packets->pdata[0]) - SCOPE_CARRY_HEAD, response, sizeof response);
    g_assert_cmpmem (g_bytes_get_data (c->packets->pdata[0], NULL), 2, "\x12\x34", 2);
    relay_answer (&stranger, response, sizeof response);

    send_packet (c, 0x1234, keepalive, sizeof keepalive);
    relay_expect (&relay, keepalive, sizeof keepalive);
    for (guint i = 0; i < 50; i++)
      relay_answer (&relay, data, sizeof data);
    wait_until (c->packets->len == 51);

    /* An id that is not open is no error; its packets go nowhere. */
    send_packet (c, 7, keepalive, sizeof keepalive);
    say (c, (ScopeCarryMessage) { .type = SCOPE_CARRY_CLOSE, .id = 0x1234 });
    send_packet (c, 0x1234, keepalive, sizeof keepalive);
    wait_until (carry_of (&f)->epoll == -1);
    run_main_loop (20);
    g_assert_cmpuint (relay.got, ==, 2);
    g_assert_false (c->closed);

    /* What is not WireGuard's is the end. */
    open_link (c, 1, &b->key);
    expect (c, SCOPE_CARRY_OPENED);
    send_packet (c, 1, (const guint8 *) "0123456789012345678901234567890123456789", 40);
    expect_end (c, 1008);
    wait_until (registry_carry_get_size (carry_of (&f)) == 0);
    g_assert_cmpint (carry_of (&f)->epoll, ==, -1);
    g_assert_null (carry_of (&f)->carriers);
    g_assert_null (carry_of (&f)->holders);
    g_assert_null (carry_of (&f)->tickets);
    relay_close (&relay);
    relay_close (&stranger);
  }
  fixture_stop (&f);
}

static void
test_limits (void)
{
  Fixture f;
  start (&f, CONFIG);
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autoptr (Carry) c = NULL;
    Carry *more[3] = { NULL };
    g_autofree char *token = invite (&f, 3600);
    Relay relay = relay_new ();

    peer_join (a, token);
    join_relay (b, &relay);
    c = carry_begin (a);
    open_link (c, 1, &b->key);
    open_link (c, 2, &b->key);
    open_link (c, 3, &b->key);
    expect (c, SCOPE_CARRY_OPENED);
    expect (c, SCOPE_CARRY_OPENED);
    g_assert_cmpstr (expect (c, SCOPE_CARRY_CLOSED).code, ==, "full");
    /* An edge is no relay, nor is a stranger. */
    say (c, (ScopeCarryMessage) { .type = SCOPE_CARRY_CLOSE, .id = 2 });
    open_link (c, 4, &a->key);
    g_assert_cmpstr (expect (c, SCOPE_CARRY_CLOSED).code, ==, "not-a-relay");
    open_link (c, 4, &(ScopeKey) { { 99 } });
    g_assert_cmpstr (expect (c, SCOPE_CARRY_CLOSED).code, ==, "not-a-relay");

    /* So many WebSockets at once. */
    for (guint i = 0; i < G_N_ELEMENTS (more); i++)
      more[i] = carry_connect (&f);
    expect_end (more[2], 1013);
    g_assert_false (more[1]->closed);

    /* One link twice. */
    open_link (c, 1, &b->key);
    expect_end (c, 1008);
    for (guint i = 0; i < G_N_ELEMENTS (more); i++)
      g_clear_pointer (&more[i], carry_free);
    relay_close (&relay);
  }
  fixture_stop (&f);
}

/* A relay at an address where the registry does not see it, and which is not public. */
static void
test_private (void)
{
  Fixture f;
  start (&f, ",\"carry\":{\"links\":2}");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autoptr (Carry) c = NULL;
    g_autofree char *token = invite (&f, 3600);

    peer_join (a, token);
    join_as (b, SCOPE_ROLE_RELAY, "10.77.0.200/32", "10.1.2.3:51820 127.0.0.1:51820");
    c = carry_begin (a);
    open_link (c, 1, &b->key);
    g_assert_cmpstr (expect (c, SCOPE_CARRY_CLOSED).code, ==, "nowhere");
  }
  fixture_stop (&f);
}

static guint
count (Relay *relay)
{
  guint8 packet[4096];
  gsize len;
  guint n = 0;

  while (relay_read (relay, packet, &len))
    n++;
  return n;
}

static void
test_speed_limit (void)
{
  Fixture f;
  start (&f, ",\"carry\":{\"private\":true,\"links\":2,\"bytesPerSecond\":20000}");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autoptr (Carry) c = NULL;
    g_autofree char *token = invite (&f, 3600);
    Relay relay = relay_new ();
    guint8 data[1000] = { 4 };

    peer_join (a, token);
    join_relay (b, &relay);
    c = carry_begin (a);
    open_link (c, 1, &b->key);
    send_packet (c, 1, initiation, sizeof initiation);
    relay_expect (&relay, initiation, sizeof initiation);
    relay_answer (&relay, response, sizeof response);
    wait_until (c->packets->len == 1);
    for (guint i = 0; i < 200; i++)
      {
        send_packet (c, 1, data, sizeof data);
        relay_answer (&relay, data, sizeof data);
      }
    run_main_loop (300);
    count (&relay);
    g_assert_cmpuint (relay.got, >=, 15);
    g_assert_cmpuint (relay.got, <=, 60);
    g_assert_cmpuint (c->packets->len, >=, 15);
    g_assert_cmpuint (c->packets->len, <=, 60);
    g_assert_false (c->closed);
    relay_close (&relay);
  }
  fixture_stop (&f);
}

/* A WebSocket by hand: libsoup's would read. */

typedef struct {
  int fd;
  GByteArray *got;
} Raw;

static void
raw_read (Raw *raw)
{
  guint8 buffer[65536];
  gssize n;

  while ((n = recv (raw->fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
    g_byte_array_append (raw->got, buffer, n);
}

/* All within 126 to 65535 bytes, or less than 126; a mask of zeros. */
static void
raw_send (Raw *raw, guint8 opcode, const void *data, gsize len)
{
  g_autoptr (GByteArray) frame = g_byte_array_new ();
  guint8 head[] = { 0x80 | opcode, 0x80 | (len < 126 ? len : 126), len >> 8, len }, mask[4] = { 0 };

  g_byte_array_append (frame, head, len < 126 ? 2 : 4);
  g_byte_array_append (frame, mask, 4);
  g_byte_array_append (frame, data, len);
  g_assert_cmpint (send (raw->fd, frame->data, frame->len, 0), ==, frame->len);
}

static void
raw_say (Raw *raw, ScopeCarryMessage message)
{
  g_autofree char *text = scope_carry_format (&message);

  raw_send (raw, REGISTRY_FRAME_TEXT, text, strlen (text));
}

/* The next whole frame, taken away; NULL when there is none. */
static GBytes *
raw_frame (Raw *raw, guint8 *opcode)
{
  const guint8 *d;
  gsize head, len;
  GBytes *frame;

  raw_read (raw);
  d = raw->got->data;
  if (raw->got->len < 4)
    return NULL;
  *opcode = d[0] & 0x0f;
  g_assert_cmpuint (d[1], <, 127);
  head = d[1] == 126 ? 4 : 2;
  len = d[1] == 126 ? d[2] << 8 | d[3] : d[1];
  if (raw->got->len < head + len)
    return NULL;
  frame = g_bytes_new (d + head, len);
  g_byte_array_remove_range (raw->got, 0, head + len);
  return frame;
}

static void
raw_skip (Raw *raw)
{
  GBytes *frame = NULL;
  guint8 opcode;

  wait_until (frame || (frame = raw_frame (raw, &opcode)));
  g_bytes_unref (frame);
}

static void
raw_connect (Raw *raw, Fixture *f)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (f->port), .sin_addr = { htonl (INADDR_LOOPBACK) } };
  static const char request[] = "GET /v1/home/carry HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                "Sec-WebSocket-Protocol: scope.carry.v1\r\n\r\n";
  const char *end = NULL;
  int size = 4096;

  raw->fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  raw->got = g_byte_array_new ();
  setsockopt (raw->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  g_assert_cmpint (connect (raw->fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (send (raw->fd, request, strlen (request), 0), ==, strlen (request));
  wait_until ((raw_read (raw), raw->got->len && (end = g_strstr_len ((char *) raw->got->data, raw->got->len, "\r\n\r\n"))));
  g_assert_true (g_str_has_prefix ((char *) raw->got->data, "HTTP/1.1 101"));
  g_byte_array_remove_range (raw->got, 0, end + 4 - (char *) raw->got->data);
}

/* Reads all that comes; how many packets, and whether their numbers only rise. @last: the highest */
static guint
raw_packets (Raw *raw, guint32 *last)
{
  g_autoptr (GError) error = NULL;
  const guint8 *packet;
  guint8 opcode;
  GBytes *frame;
  guint16 id;
  gsize len;
  guint n = 0;

  while ((frame = raw_frame (raw, &opcode)))
    {
      ScopeCarryReader reader = { g_bytes_get_data (frame, NULL), g_bytes_get_size (frame) };

      g_assert_cmpuint (opcode, ==, REGISTRY_FRAME_BINARY);
      while (scope_carry_next (&reader, &id, &packet, &len, &error))
        {
          guint32 number;

          memcpy (&number, packet + 4, sizeof number);
          g_assert_cmpuint (number, >, *last);
          *last = number;
          n++;
        }
      g_assert_no_error (error);
      g_bytes_unref (frame);
    }
  return n;
}

static void
flood (Relay *relay, guint32 *number, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      guint8 data[1400] = { 4 };

      ++*number;
      memcpy (data + 4, number, sizeof *number);
      relay_answer (relay, data, sizeof data);
    }
}

/* Who does not read loses the newest packets, and nothing else; what waits for it is bounded. */
static void
test_slow_reader (void)
{
  Fixture f;
  start (&f, CONFIG);
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autofree char *token = invite (&f, 3600);
    g_autofree char *ticket = NULL;
    Relay relay = relay_new ();
    RegistryCarrier *carrier;
    ScopeCarryMessage show = { .type = SCOPE_CARRY_TICKET };
    guint32 sent = 0, last = 0;
    guint got = 0, most = 0;
    Raw raw;

    peer_join (a, token);
    join_relay (b, &relay);
    ticket = ask_for_ticket (a);
    raw_connect (&raw, &f);
    g_strlcpy (show.ticket, ticket, sizeof show.ticket);
    raw_say (&raw, show);
    raw_skip (&raw);
    raw_say (&raw, (ScopeCarryMessage) { .type = SCOPE_CARRY_OPEN, .id = 1, .key = b->key });
    raw_skip (&raw);
    {
      g_autoptr (GByteArray) message = g_byte_array_new ();

      scope_carry_append (message, 1, initiation, sizeof initiation);
      raw_send (&raw, REGISTRY_FRAME_BINARY, message->data, message->len);
    }
    relay_expect (&relay, initiation, sizeof initiation);
    carrier = carry_of (&f)->carriers->pdata[0];

    for (guint round = 0; round < 100; round++)
      {
        flood (&relay, &sent, 50);
        run_main_loop (1);
        most = MAX (most, registry_socket_queued (carrier->socket));
      }
    g_assert_cmpuint (most, >, 32768);
    g_assert_cmpuint (most, <=, 65536);
    g_assert_true (registry_socket_is_open (carrier->socket));
    for (guint i = 0; i < 50; i++)
      {
        got += raw_packets (&raw, &last);
        run_main_loop (2);
      }
    /* The oldest: what is there is what came first. */
    g_test_message ("of %u packets %u waited, the last one number %u; %u bytes at most", sent, got, last, most);
    g_assert_cmpuint (got, >=, 32768 / 1404);
    g_assert_cmpuint (got, <, sent / 4);
    g_assert_cmpuint (last, <, sent / 2);
    g_assert_cmpuint (registry_socket_queued (carrier->socket), ==, 0);
    /* And it goes on. */
    flood (&relay, &sent, 5);
    wait_until ((got = raw_packets (&raw, &last), last == sent));
    close (raw.fd);
    g_byte_array_unref (raw.got);
    wait_until (registry_carry_get_size (carry_of (&f)) == 0);
    relay_close (&relay);
  }
  fixture_stop (&f);
}

/* Of two places that a relay may be at, the one that answers; when that falls silent, both again. */
static void
test_search (void)
{
  Fixture f;
  start (&f, CONFIG);
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autoptr (Carry) c = NULL;
    g_autofree char *token = invite (&f, 3600);
    g_autofree char *endpoints = NULL;
    Relay one = relay_new (), two = relay_new ();
    RegistryCarrier *carrier;
    gint64 now;

    peer_join (a, token);
    endpoints = g_strdup_printf ("127.0.0.1:%u 127.0.0.1:%u", one.port, two.port);
    join_as (b, SCOPE_ROLE_MASTER, "10.77.0.200/32", endpoints);
    c = carry_begin (a);
    open_link (c, 1, &b->key);
    expect (c, SCOPE_CARRY_OPENED);
    /* Nobody answers: it is a trickle. */
    for (guint i = 0; i < 100; i++)
      send_packet (c, 1, initiation, sizeof initiation);
    run_main_loop (100);
    count (&one);
    g_assert_cmpuint (one.got, >=, 4);
    g_assert_cmpuint (one.got, <=, 12);
    g_assert_cmpuint (count (&two), ==, one.got);
    relay_answer (&two, response, sizeof response);
    wait_until (c->packets->len == 1);
    one.got = two.got = 0;
    for (guint i = 0; i < 20; i++)
      send_packet (c, 1, keepalive, sizeof keepalive);
    wait_until ((count (&two), two.got >= 20));
    g_assert_cmpuint (count (&one), ==, 0);

    carrier = carry_of (&f)->carriers->pdata[0];
    now = g_get_monotonic_time ();
    registry_carry_link_send (carrier->links->pdata[0], initiation, sizeof initiation, now + 19 * G_USEC_PER_SEC);
    g_assert_cmpuint (count (&one), ==, 0);
    registry_carry_link_send (carrier->links->pdata[0], initiation, sizeof initiation, now + 21 * G_USEC_PER_SEC);
    one.got = 0;
    wait_until ((count (&one), one.got == 1));
    relay_answer (&one, response, sizeof response);
    wait_until (c->packets->len == 2);
    relay_close (&one);
    relay_close (&two);
  }
  fixture_stop (&f);
}

static void
test_ends (void)
{
  Fixture f;
  start (&f, CONFIG);
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Peer) b = peer_new (&f, 2);
    g_autoptr (Carry) c = NULL, d = NULL;
    g_autofree char *token = invite (&f, 3600);
    g_autofree char *ticket = NULL;
    Relay relay = relay_new ();
    guint status;

    peer_join (a, token);
    join_relay (b, &relay);
    c = carry_begin (a);
    open_link (c, 1, &b->key);
    expect (c, SCOPE_CARRY_OPENED);
    /* A link without packets */
    ((RegistryCarrier *) carry_of (&f)->carriers->pdata[0])->active += 100 * G_USEC_PER_SEC;
    registry_carry_sweep (carry_of (&f), g_get_monotonic_time () + 181 * G_USEC_PER_SEC);
    g_assert_cmpstr (expect (c, SCOPE_CARRY_CLOSED).code, ==, "idle");
    g_assert_cmpint (carry_of (&f)->epoll, ==, -1);
    open_link (c, 2, &b->key);
    expect (c, SCOPE_CARRY_OPENED);
    /* Who is a member no more is not carried, nor is a ticket of its any good. */
    ticket = ask_for_ticket (a);
    registry_mesh_remove (fixture_mesh (&f), registry_members_find_key (fixture_mesh (&f)->members, &a->key), "revoked");
    registry_carry_sweep (carry_of (&f), g_get_monotonic_time ());
    expect_end (c, 1008);
    g_assert_cmpint (carry_of (&f)->epoll, ==, -1);
    d = carry_connect (&f);
    show (d, ticket);
    expect_end (d, 1008);
    g_free (get (&f, "/v1/home/carry", &status));
    g_assert_cmpuint (status, ==, 404);
    relay_close (&relay);
  }
  fixture_stop (&f);
}

static void
test_off (void)
{
  Fixture f;
  start (&f, ",\"carry\":false");
  {
    g_autoptr (Peer) a = peer_new (&f, 1);
    g_autoptr (Carry) c = NULL;
    g_autofree char *token = invite (&f, 3600);
    g_autofree char *ticket = NULL;

    peer_join (a, token);
    ticket = ask_for_ticket (a);
    g_assert_null (ticket);
    c = carry_connect (&f);
    g_assert_true (c->failed);
    g_assert_cmpuint (registry_carry_get_size (carry_of (&f)), ==, 0);
  }
  fixture_stop (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  test_log_init ();
  g_test_add_func ("/registry-carry/ticket-opens-once", test_ticket_opens_once);
  g_test_add_func ("/registry-carry/time", test_time);
  g_test_add_func ("/registry-carry/there-and-back", test_there_and_back);
  g_test_add_func ("/registry-carry/limits", test_limits);
  g_test_add_func ("/registry-carry/private", test_private);
  g_test_add_func ("/registry-carry/speed-limit", test_speed_limit);
  g_test_add_func ("/registry-carry/slow-reader", test_slow_reader);
  g_test_add_func ("/registry-carry/search", test_search);
  g_test_add_func ("/registry-carry/ends", test_ends);
  g_test_add_func ("/registry-carry/off", test_off);
  return g_test_run ();
}
