/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * v1-client: v1 peers as fast as they go, for tests/system/test-registry-crash and tests/bench/bench-registry.
 * Blocking sockets, and frames of its own: cheap where libsoup's clients would cost more than the registry.
 *
 *   v1-client setup DIR NETWORKS     a root and the files of networks n0, n1, …
 *   v1-client load DIR PORT FIRST    joins peers FIRST, FIRST + 1, … for ever, each with an invite of its own, through
 *                                    crashes of the registry; "joined N TOKEN ADDRESS" for each that was acknowledged
 *   v1-client verify DIR PORT        lines "N ADDRESS": comes again without a token, must get the address
 *   v1-client hold DIR PORT COUNT NETWORKS   joins that many, "ready", then does what the lines of its input say: one peer
 *                                    of network n0 has a new "record", does "leave", does "join" again; answers with
 *                                    how long it took to reach the others: median, 99 %, all (µs)
 */
#include "common/scope-base64.h"
#include "common/scope-json.h"
#include "v1-common.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_MAX (2 * 1024 * 1024)

static ScopeIdentity *root;
static guint port;

static ScopeIdentity *
identity_of (guint n)
{
  guint8 secret[SCOPE_IDENTITY_SECRET_LEN] = { n, n >> 8, n >> 16, n >> 24, 1 };
  g_autoptr (GError) error = NULL;
  ScopeIdentity *identity = scope_identity_new (secret, &error);

  must (identity != NULL, "identity", error);
  return identity;
}

static ScopeKey
key_of (guint n)
{
  return (ScopeKey) { { n, n >> 8, n >> 16, n >> 24, 7 } };
}

/* Files */

static void
setup (const char *dir, guint networks)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeIdentity) delegate = scope_identity_generate (&error);
  g_autoptr (GArray) pool = scope_prefix_parse_list ("10.64.0.0/12,fd77::/64", 2, NULL);
  g_autofree char *public = NULL;

  must (delegate != NULL, "generate", error);
  root = make_root (dir);
  public = scope_identity_public_format (scope_identity_public (root));
  for (guint i = 0; i < networks; i++)
    {
      g_autofree char *name = g_strdup_printf ("n%u", i);
      g_autofree char *file = g_strdup_printf ("%s/%s.network", dir, name);
      ScopeDelegation delegation = { .network = name, .identity = scope_identity_public (delegate), .roles = 1 << SCOPE_ROLE_EDGE,
                                     .pool = pool, .issued = now () - 60, .expires = now () + 86400 };
      g_autofree char *jws = sign (root, SCOPE_TYP_DELEGATION, scope_delegation_format (&delegation));
      g_autofree char *delegate_secret = scope_identity_format (delegate);
      g_autofree char *text = g_strdup_printf ("{\"network\":\"%s\",\"root\":\"%s\",\"prefixes\":[\"10.64.0.0/12\",\"fd77::/64\"],"
                                               "\"delegate\":\"%s\",\"delegation\":%s}", name, public, delegate_secret, jws);

      must (g_file_set_contents_full (file, text, -1, 0, 0600, &error), file, error);
    }
}

/* A connection; FALSE and -1 when the registry is gone */

static int
dial (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (port), .sin_addr = { htonl (INADDR_LOOPBACK) } };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

  if (connect (fd, (struct sockaddr *) &address, sizeof address) == 0)
    {
      setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      return fd;
    }
  close (fd);
  return -1;
}

static gboolean
write_all (int fd, const void *data, gsize len)
{
  return send (fd, data, len, MSG_NOSIGNAL) == (gssize) len;
}

static gboolean
read_all (int fd, void *data, gsize len)
{
  return len == 0 || recv (fd, data, len, MSG_WAITALL) == (gssize) len;
}

static gboolean
read_head (int fd, char *head, gsize size)
{
  gsize n = 0;

  while (n + 1 < size && recv (fd, head + n, 1, 0) == 1)
    {
      head[++n] = '\0';
      if (g_str_has_suffix (head, "\r\n\r\n"))
        return TRUE;
    }
  return FALSE;
}

/* The status, 0 when there was no answer */
static guint
post (const char *network, const char *text)
{
  g_autofree char *request = g_strdup_printf ("POST /v1/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                                              network, strlen (text), text);
  char head[4096] = "";
  int fd = dial ();
  guint status = 0;

  if (fd >= 0 && write_all (fd, request, strlen (request)) && read_head (fd, head, sizeof head))
    status = atoi (head + 9);
  if (fd >= 0)
    close (fd);
  return status;
}

static int
upgrade (const char *network)
{
  g_autofree char *request = g_strdup_printf ("GET /v1/%s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                              "Sec-WebSocket-Protocol: scope.v1\r\n\r\n", network);
  char head[4096] = "";
  int fd = dial ();

  if (fd >= 0 && write_all (fd, request, strlen (request)) && read_head (fd, head, sizeof head) && g_str_has_prefix (head, "HTTP/1.1 101"))
    return fd;
  if (fd >= 0)
    close (fd);
  return -1;
}

static gboolean
send_text (int fd, const char *text)
{
  gsize len = strlen (text), header = len < 126 ? 2 : len < 65536 ? 4 : 10;
  g_autofree guint8 *frame = g_malloc0 (header + 4 + len); /* a mask of zeros */

  frame[0] = 0x81;
  frame[1] = 0x80 | (header == 2 ? len : header == 4 ? 126 : 127);
  for (gsize i = header - 1, rest = len; header > 2 && i > 1; i--, rest >>= 8)
    frame[i] = rest & 0xff;
  memcpy (frame + header + 4, text, len);
  return write_all (fd, frame, header + 4 + len);
}

/* The next text message; NULL at the end. */
static ScopeV1Message *
receive (int fd)
{
  for (;;)
    {
      guint8 header[2], extra[8];
      g_autofree char *payload = NULL;
      gsize len;

      if (!read_all (fd, header, 2))
        return NULL;
      len = header[1];
      if (len >= 126)
        {
          gsize n = len == 126 ? 2 : 8;

          if (!read_all (fd, extra, n))
            return NULL;
          len = 0;
          for (gsize i = 0; i < n; i++)
            len = len << 8 | extra[i];
        }
      if (len > FRAME_MAX)
        return NULL;
      payload = g_malloc (len + 1);
      if (!read_all (fd, payload, len) || header[0] == 0x88)
        return NULL;
      if (header[0] == 0x81)
        {
          guint skipped = 0;
          return scope_v1_parse (payload, len, SCOPE_V1_TO_PEER_MAX, &skipped, NULL);
        }
    }
}

/* Joining */

static char *
address_of (const char *grant)
{
  g_autoptr (ScopeJws) jws = scope_jws_parse (grant, strlen (grant), NULL);
  g_autoptr (JsonObject) payload = scope_json_parse_object (g_bytes_get_data (jws->payload, NULL), g_bytes_get_size (jws->payload), 65536, NULL);

  return g_strdup (json_array_get_string_element (json_object_get_array_member (payload, "ranges"), 0));
}

static char *
make_invite (const char *network, const char *token)
{
  ScopeInvite invite = { .network = (char *) network, .role = SCOPE_ROLE_EDGE, .issued = now () - 1, .expires = now () + 3600 };

  scope_token_hash (token, invite.token);
  return sign (root, SCOPE_TYP_INVITE, scope_invite_format (&invite));
}

/* The socket, open, and the welcome's grant; -1 and *code (nullable) when it is refused, or the registry is gone. */
static int
join (const char *network, guint n, const char *token, char **grant, char **code)
{
  g_autoptr (ScopeIdentity) identity = identity_of (n);
  ScopeKey key = key_of (n);
  g_autoptr (ScopeV1Message) challenge = NULL;
  g_autoptr (ScopeV1Message) hello = NULL;
  g_autoptr (ScopeV1Message) answer = NULL;
  g_autofree char *text = NULL;
  int fd = upgrade (network);

  *code = NULL;
  challenge = fd >= 0 ? receive (fd) : NULL;
  if (challenge && challenge->type == SCOPE_V1_CHALLENGE)
    {
      hello = make_hello (identity, network, challenge->nonce, &key);
      hello->token = g_strdup (token);
      text = scope_v1_format (hello);
      answer = send_text (fd, text) ? receive (fd) : NULL;
    }
  if (answer && answer->type == SCOPE_V1_WELCOME)
    {
      *grant = g_strdup (answer->grant);
      return fd;
    }
  if (answer && answer->type == SCOPE_V1_ERROR)
    *code = g_strdup (answer->code);
  if (fd >= 0)
    close (fd);
  return -1;
}

static void
load (guint first)
{
  for (guint n = first;; n++)
    {
      g_autofree char *token = scope_token_new ();
      g_autofree char *invite = make_invite ("n0", token);
      g_autofree char *grant = NULL;
      g_autofree char *address = NULL;
      int fd = -1;

      while (post ("n0", invite) != 200)
        g_usleep (2000);
      while (fd < 0)
        {
          g_autofree char *code = NULL;

          fd = join ("n0", n, token, &grant, &code);
          if (code)
            printf ("refused %u %s\n", n, code);
          if (fd < 0)
            g_usleep (2000);
        }
      address = address_of (grant);
      printf ("joined %u %s %s\n", n, token, address);
      fflush (stdout);
      close (fd);

      /* Somebody else with the same token: never */
      if (n % 4 == 0)
        {
          g_autofree char *stolen = NULL;
          g_autofree char *code = NULL;
          int other = join ("n0", n + 0x40000000, token, &stolen, &code);

          if (other >= 0)
            printf ("stolen %u %s\n", n, token);
          if (other >= 0)
            close (other);
          fflush (stdout);
        }
    }
}

static int
verify (void)
{
  guint n, bad = 0, good = 0;
  char expected[64];

  while (scanf ("%u %63s", &n, expected) == 2)
    {
      g_autofree char *grant = NULL;
      g_autofree char *code = NULL;
      g_autofree char *address = NULL;
      int fd = join ("n0", n, NULL, &grant, &code);

      address = fd >= 0 ? address_of (grant) : NULL;
      if (g_strcmp0 (address, expected) == 0)
        good++;
      else
        {
          printf ("%u has %s, was acknowledged %s\n", n, address ? address : code ? code : "no answer", expected);
          bad++;
        }
      if (fd >= 0)
        close (fd);
    }
  printf ("%u good, %u bad\n", good, bad);
  return bad != 0;
}

/* Holding many */

typedef struct {
  int fd;
  gint64 heard; /* µs */
} Held;

static Held *held;
static int epoll;
static gint heard;

/* Reads what comes; after a record was sent, the first bytes are its event. */
static gpointer
reader (gpointer data)
{
  g_autofree char *buffer = g_malloc (1 << 20);

  for (;;)
    {
      struct epoll_event events[256];
      int n = epoll_wait (epoll, events, 256, -1);

      for (int i = 0; i < n; i++)
        {
          Held *h = events[i].data.ptr;
          gssize len = recv (h->fd, buffer, 1 << 20, MSG_DONTWAIT);

          if (len <= 0 && !(len < 0 && errno == EAGAIN))
            {
              fprintf (stderr, "v1-client: a session has ended\n");
              exit (1);
            }
          if (g_atomic_int_get (&heard) >= 0 && !h->heard && len > 64)
            {
              h->heard = g_get_monotonic_time ();
              g_atomic_int_inc (&heard);
            }
        }
    }
  return NULL;
}

static int
by_time (const void *a, const void *b)
{
  gint64 d = ((const Held *) a)->heard - ((const Held *) b)->heard;

  return d < 0 ? -1 : d > 0;
}

static char *
make_record (const char *network, guint n, guint64 sequence, const char *grant)
{
  g_autoptr (ScopeIdentity) identity = identity_of (n);
  g_autoptr (ScopeRecord) record = scope_record_new (network);
  g_autofree char *address = address_of (grant);
  g_autoptr (ScopeV1Message) message = scope_v1_message_new (SCOPE_V1_RECORD);
  g_autofree char *endpoint = g_strdup_printf ("192.0.2.1:%u", (guint) (sequence % 60000 + 1));
  ScopePrefix range;

  record->key = key_of (n);
  record->sequence = sequence;
  record->issued = now ();
  record->expires = now () + 3600;
  scope_prefix_parse (&range, address);
  g_array_append_val (record->ranges, range);
  g_strfreev (record->endpoints);
  record->endpoints = g_strsplit (endpoint, " ", 1);
  message->record = sign (identity, SCOPE_TYP_RECORD, scope_record_format (record));
  return scope_v1_format (message);
}

static void
hold (guint count, guint networks)
{
  g_autofree char *first_grant = NULL;
  g_autoptr (GThread) thread = NULL;
  char line[64];

  held = g_new0 (Held, count);
  epoll = epoll_create1 (EPOLL_CLOEXEC);
  g_atomic_int_set (&heard, -1);
  thread = g_thread_new ("reader", reader, NULL);
  for (guint i = 0; i < count; i++)
    {
      g_autofree char *network = g_strdup_printf ("n%u", i % networks);
      g_autofree char *token = scope_token_new ();
      g_autofree char *invite = make_invite (network, token);
      g_autofree char *grant = NULL;
      g_autofree char *code = NULL;
      struct epoll_event event = { .events = EPOLLIN, .data.ptr = &held[i] };

      must (post (network, invite) == 200, "invite", NULL);
      held[i].fd = join (network, i + 1, token, &grant, &code);
      must (held[i].fd >= 0, code ? code : "join", NULL);
      epoll_ctl (epoll, EPOLL_CTL_ADD, held[i].fd, &event);
      if (i == 0)
        first_grant = g_steal_pointer (&grant);
    }
  printf ("ready\n");
  fflush (stdout);

  guint members = (count + networks - 1) / networks; /* of network 0 */
  Held *leaver = &held[(members - 1) * networks];
  guint leaver_number = (members - 1) * networks + 1;
  guint64 sequence = now () * 1000;

  while (fgets (line, sizeof line, stdin))
    {
      gboolean record = g_str_has_prefix (line, "record");
      guint hearers = record ? members : members - 1;
      g_autofree char *text = record ? make_record ("n0", 1, ++sequence, first_grant) : NULL;
      g_autofree Held *sorted = g_new (Held, members);
      g_autofree char *grant = NULL;
      g_autofree char *code = NULL;
      gint64 begin;

      for (guint i = 0; i < count; i++)
        held[i].heard = 0;
      g_atomic_int_set (&heard, 0);
      begin = g_get_monotonic_time ();
      if (record)
        must (send_text (held[0].fd, text), "send", NULL);
      else if (g_str_has_prefix (line, "leave"))
        {
          epoll_ctl (epoll, EPOLL_CTL_DEL, leaver->fd, NULL);
          close (leaver->fd);
        }
      else
        {
          leaver->fd = join ("n0", leaver_number, NULL, &grant, &code);
          must (leaver->fd >= 0, code ? code : "join", NULL);
        }
      while ((guint) g_atomic_int_get (&heard) < hearers)
        g_usleep (100);
      for (guint i = 0; i < members; i++)
        sorted[i] = held[i * networks];
      qsort (sorted, members, sizeof *sorted, by_time);
      sorted += members - hearers; /* who has not heard is first */
      printf ("%d %d %d\n", (int) (sorted[hearers / 2].heard - begin), (int) (sorted[hearers * 99 / 100].heard - begin),
              (int) (sorted[hearers - 1].heard - begin));
      sorted -= members - hearers;
      fflush (stdout);
      if (g_str_has_prefix (line, "join"))
        {
          struct epoll_event event = { .events = EPOLLIN, .data.ptr = leaver };
          epoll_ctl (epoll, EPOLL_CTL_ADD, leaver->fd, &event);
        }
      g_usleep (50000);
      g_atomic_int_set (&heard, -1);
    }
}

int
main (int argc, char **argv)
{
  if (argc >= 4 && g_str_equal (argv[1], "setup"))
    {
      setup (argv[2], atoi (argv[3]));
      return 0;
    }
  if (argc < 4)
    {
      fprintf (stderr, "v1-client setup|load|verify|hold DIR …\n");
      return 2;
    }
  root = read_root (argv[2]);
  port = atoi (argv[3]);
  if (g_str_equal (argv[1], "load") && argc == 5)
    load (atoi (argv[4]));
  if (g_str_equal (argv[1], "verify"))
    return verify ();
  if (g_str_equal (argv[1], "hold") && argc == 6)
    hold (atoi (argv[4]), atoi (argv[5]));
  return 0;
}
