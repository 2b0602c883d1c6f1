/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "ctl/ctl-stun.h"

#include "common/scope-error.h"
#include "net/scope-stun.h"

#include <errno.h>
#include <netinet/ip.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define RTO_MS 150 /* until the second try; then twice as much each time */
#define TRIES 4
#define HAIRPIN_MS 500

struct _CtlStun {
  int fd;
  int family;
  guint16 port; /* network byte order */
};

/* What a server is asked with; each try has its own last byte, so the answer tells which one it is to. */
typedef struct {
  guint8 id[SCOPE_STUN_ID_LEN];
  gint64 sent[TRIES];
} Question;

static void
set_port (ScopeSockaddr *sa, guint16 port)
{
  if (sa->any.sa_family == AF_INET)
    sa->in.sin_port = port;
  else
    sa->in6.sin6_port = port;
}

static int
udp_socket (int family)
{
  int one = 1, fd = socket (family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  if (fd >= 0 && family == AF_INET6)
    setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  return fd;
}

CtlStun *
ctl_stun_new (int family, GError **error)
{
  g_autoptr (CtlStun) self = g_new0 (CtlStun, 1);
  ScopeSockaddr own = { .any.sa_family = family };
  socklen_t len = sizeof own;

  self->family = family;
  self->fd = udp_socket (family);
  if (self->fd >= 0 && bind (self->fd, &own.any, scope_sockaddr_len (&own)) == 0 &&
      getsockname (self->fd, &own.any, &len) == 0)
    {
      self->port = family == AF_INET ? own.in.sin_port : own.in6.sin6_port;
      return g_steal_pointer (&self);
    }
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_UNSUPPORTED, "%s: %s", family == AF_INET ? "IPv4" : "IPv6", g_strerror (errno));
  return NULL;
}

void
ctl_stun_free (CtlStun *self)
{
  if (self->fd >= 0)
    close (self->fd);
  g_free (self);
}

gboolean
ctl_stun_way (const ScopeSockaddr *to, ScopeSockaddr *local, guint *mtu)
{
  int family = to->any.sa_family, fd = udp_socket (family), value = 0;
  socklen_t len = sizeof *local, value_len = sizeof value;
  gboolean there = fd >= 0 && connect (fd, &to->any, scope_sockaddr_len (to)) == 0 && getsockname (fd, &local->any, &len) == 0;

  if (there && getsockopt (fd, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, family == AF_INET ? IP_MTU : IPV6_MTU, &value,
                           &value_len) != 0)
    value = 0;
  if (fd >= 0)
    close (fd);
  if (there)
    set_port (local, 0);
  *mtu = MAX (value, 0);
  return there;
}

static void
send_to (CtlStun *self, const guint8 *id, const ScopeSockaddr *to)
{
  guint8 buffer[SCOPE_STUN_MAX];
  gsize len = scope_stun_request (buffer, id, NULL, NULL);

  /* What cannot be sent has no answer. */
  (void) !sendto (self->fd, buffer, len, 0, &to->any, scope_sockaddr_len (to));
}

/* The next STUN message until @end (monotonic, µs). */
static gboolean
receive (CtlStun *self, gint64 end, ScopeStunMessage *message, ScopeSockaddr *from)
{
  gint64 rest;

  while ((rest = end - g_get_monotonic_time ()) > 0)
    {
      struct pollfd poll_fd = { .fd = self->fd, .events = POLLIN };
      guint8 buffer[SCOPE_STUN_MAX];
      socklen_t from_len = sizeof *from;
      gssize len;

      if (poll (&poll_fd, 1, (rest + 999) / 1000) <= 0)
        continue;
      memset (from, 0, sizeof *from);
      len = recvfrom (self->fd, buffer, sizeof buffer, MSG_DONTWAIT, &from->any, &from_len);
      if (len > 0 && scope_stun_parse (message, buffer, len))
        return TRUE;
    }
  return FALSE;
}

/* Whom the answer is of; only the one that was asked counts. */
static gboolean
take (GArray *samples, const Question *questions, const ScopeStunMessage *message, const ScopeSockaddr *from, gint64 *usec)
{
  for (guint i = 0; i < samples->len; i++)
    {
      ScopeNatSample *sample = &g_array_index (samples, ScopeNatSample, i);
      guint8 number = message->id[SCOPE_STUN_ID_LEN - 1] - questions[i].id[SCOPE_STUN_ID_LEN - 1];
      gint64 took;

      if (message->kind != SCOPE_STUN_ANSWER || sample->mapped.any.sa_family != AF_UNSPEC || number >= TRIES ||
          memcmp (message->id, questions[i].id, SCOPE_STUN_ID_LEN - 1) != 0 || !scope_sockaddr_equal (from, &sample->server) ||
          !questions[i].sent[number])
        continue;
      sample->mapped = message->mapped;
      took = g_get_monotonic_time () - questions[i].sent[number];
      *usec = *usec < 0 ? took : MIN (*usec, took);
      return TRUE;
    }
  return FALSE;
}

static GArray *
samples_for (CtlStun *self, const GArray *servers, guint *waiting)
{
  GArray *samples = g_array_new (FALSE, TRUE, sizeof (ScopeNatSample));

  *waiting = 0;
  for (guint i = 0; i < servers->len; i++)
    {
      ScopeNatSample sample = { .server = g_array_index (servers, ScopeSockaddr, i) };
      guint mtu;

      if (sample.server.any.sa_family != self->family)
        continue;
      if (ctl_stun_way (&sample.server, &sample.local, &mtu))
        {
          set_port (&sample.local, self->port);
          (*waiting)++;
        }
      else
        sample.local = (ScopeSockaddr){ 0 };
      g_array_append_val (samples, sample);
    }
  return samples;
}

GArray *
ctl_stun_ask (CtlStun *self, const GArray *servers, gint64 *usec)
{
  guint waiting;
  GArray *samples = samples_for (self, servers, &waiting);
  g_autofree Question *questions = g_new0 (Question, samples->len + 1);
  gint64 end = g_get_monotonic_time ();

  *usec = -1;
  if (getrandom (questions, sizeof (Question) * samples->len, 0) < 0)
    g_error ("getrandom failed");
  for (guint i = 0; i < samples->len; i++)
    memset (questions[i].sent, 0, sizeof questions[i].sent);
  for (guint number = 0; number < TRIES && waiting; number++)
    {
      ScopeStunMessage message;
      ScopeSockaddr from;

      for (guint i = 0; i < samples->len; i++)
        {
          const ScopeNatSample *sample = &g_array_index (samples, ScopeNatSample, i);
          guint8 id[SCOPE_STUN_ID_LEN];

          if (sample->mapped.any.sa_family != AF_UNSPEC || sample->local.any.sa_family == AF_UNSPEC)
            continue;
          memcpy (id, questions[i].id, sizeof id);
          id[sizeof id - 1] += number;
          questions[i].sent[number] = g_get_monotonic_time ();
          send_to (self, id, &sample->server);
        }
      end += (gint64) (RTO_MS << number) * 1000;
      while (waiting && receive (self, end, &message, &from))
        waiting -= take (samples, questions, &message, &from, usec);
    }
  return samples;
}

gboolean
ctl_stun_hairpin (CtlStun *self, const ScopeSockaddr *mapped)
{
  g_autoptr (CtlStun) other = ctl_stun_new (self->family, NULL);
  guint8 id[SCOPE_STUN_ID_LEN];
  gint64 end = g_get_monotonic_time () + HAIRPIN_MS * 1000;
  ScopeStunMessage message;
  ScopeSockaddr from;

  if (!other || getrandom (id, sizeof id, 0) != sizeof id)
    return FALSE;
  send_to (other, id, mapped);
  while (receive (self, end, &message, &from))
    if (message.kind == SCOPE_STUN_REQUEST && memcmp (message.id, id, sizeof id) == 0)
      return TRUE;
  return FALSE;
}
