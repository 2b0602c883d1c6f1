/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two ends of scope-punch behind NATs of every kind, on an internet of an event queue. */
#include "peer/scope-punch.h"

#include <string.h>

#define ONE_WAY_MS 20
#define END_MS 10000

/* DEEP: behind so many routers that checks with a short TTL do not pass all of them */
typedef enum { NONE, INDEPENDENT, ADDRESS, PORT, PORT_UNFILTERED, DEEP, SYMMETRIC, DENY, N_KINDS } Kind;
static const char *const kinds[] = { "none", "independent", "address", "port", "unfiltered", "deep", "symmetric", "deny" };

typedef struct _World World;

typedef struct {
  World *world;
  guint number; /* 0, 1 */
  Kind kind;
  ScopePunch *punch;
  ScopePunchSelf self;
  char *candidates[3];
  ScopeSockaddr own;  /* behind the NAT */
  GArray *mappings;   /* Mapping */
  GArray *taken;      /* ScopeSockaddr: an unexpected packet of these has the router's own port */
  guint16 next_port;
  ScopeSockaddr found;
  gint64 found_at;
  gboolean failed;
  guint calls;
} Host;

typedef struct {
  ScopeSockaddr to; /* AF_UNSPEC: any */
  guint16 port;
  GArray *sent; /* ScopeSockaddr: where something went, for the filter */
} Mapping;

typedef struct {
  gint64 at;
  guint order;
  Host *host; /* who gets it */
  ScopePunchMessage *message;
  gboolean answer;
  ScopeSockaddr from;
} Event;

struct _World {
  Host hosts[2];
  GPtrArray *events;
  gint64 now;
  guint order;
  gboolean deaf; /* no message arrives */
  guint far_ms;  /* how much longer messages take than packets: the registry is elsewhere */
};

static ScopeSockaddr
address (const char *text)
{
  ScopeSockaddr sa;

  g_assert_true (scope_sockaddr_parse (&sa, text));
  return sa;
}

static void
set_port (ScopeSockaddr *sa, guint16 port)
{
  if (sa->any.sa_family == AF_INET)
    sa->in.sin_port = g_htons (port);
  else
    sa->in6.sin6_port = g_htons (port);
}

static gboolean
same_address (ScopeSockaddr a, ScopeSockaddr b)
{
  set_port (&a, 1);
  set_port (&b, 1);
  return scope_sockaddr_equal (&a, &b);
}

static gboolean
has (const GArray *list, const ScopeSockaddr *sa, gboolean any_port)
{
  for (guint i = 0; i < list->len; i++)
    {
      const ScopeSockaddr *one = &g_array_index (list, ScopeSockaddr, i);
      if (any_port ? same_address (*one, *sa) : scope_sockaddr_equal (one, sa))
        return TRUE;
    }
  return FALSE;
}

static Mapping *
map (Host *host, const ScopeSockaddr *to)
{
  Mapping mapping = { .sent = g_array_new (FALSE, FALSE, sizeof (ScopeSockaddr)) };
  gboolean shifted = host->kind == PORT_UNFILTERED && has (host->taken, to, FALSE);

  for (guint i = 0; i < host->mappings->len; i++)
    {
      Mapping *one = &g_array_index (host->mappings, Mapping, i);

      if (scope_sockaddr_equal (&one->to, to) || (host->kind != SYMMETRIC && !shifted && one->to.any.sa_family == AF_UNSPEC))
        {
          g_array_unref (mapping.sent);
          return one;
        }
    }
  if (host->kind == SYMMETRIC || shifted)
    mapping.to = *to;
  mapping.port = host->mappings->len == 0 ? 51820 : ++host->next_port;
  g_array_append_val (host->mappings, mapping);
  return &g_array_index (host->mappings, Mapping, host->mappings->len - 1);
}

static ScopeSockaddr
outside (const Host *host, guint16 port)
{
  ScopeSockaddr sa = host->kind == NONE ? host->own : address (host->number ? "203.0.113.2:1" : "203.0.113.1:1");

  set_port (&sa, port);
  return sa;
}

static void
push (World *world, Event event)
{
  Event *copy = g_memdup2 (&event, sizeof event);

  copy->at = world->now + ONE_WAY_MS + (event.message ? world->far_ms : 0);
  copy->order = world->order++;
  g_ptr_array_add (world->events, copy);
}

/* Whether what comes from @from to @port gets in. */
static gboolean
passes (Host *host, const ScopeSockaddr *from, guint16 port)
{
  for (guint i = 0; i < host->mappings->len; i++)
    {
      const Mapping *mapping = &g_array_index (host->mappings, Mapping, i);

      if (mapping->port != port)
        continue;
      if (host->kind == NONE || host->kind == INDEPENDENT)
        return TRUE;
      if (has (mapping->sent, from, host->kind == ADDRESS))
        return TRUE;
      if (host->kind == PORT_UNFILTERED && !has (host->taken, from, FALSE))
        g_array_append_val (host->taken, *from);
    }
  return FALSE;
}

static void
transmit (Host *host, const ScopeSockaddr *to, gboolean answer, int ttl)
{
  Host *other = &host->world->hosts[!host->number];
  Event event = { .host = other, .answer = answer };
  guint16 port;
  Mapping *mapping;

  if (host->kind == DENY || other->kind == DENY)
    return;
  mapping = map (host, to);
  if (ttl != SCOPE_PUNCH_TTL || host->kind != DEEP)
    g_array_append_val (mapping->sent, *to);
  event.from = outside (host, mapping->port);
  port = g_ntohs (to->in.sin_port);
  if (ttl == SCOPE_PUNCH_TTL && host->kind != NONE)
    return;
  if (ttl == SCOPE_PUNCH_TTL && other->kind != NONE)
    return;
  if (same_address (*to, outside (other, port)) && passes (other, &event.from, port))
    push (host->world, event);
}

/* --- calls --------------------------------------------------------------------------------- */

static void
on_say (const ScopePunchMessage *message, gpointer data)
{
  Host *host = data;
  g_autoptr (JsonObject) body = scope_punch_message_format (message);
  GError *error = NULL;
  Event event = { .host = &host->world->hosts[!host->number] };

  host->calls++;
  event.message = scope_punch_message_parse (scope_punch_message_name (message), body, &error);
  g_assert_no_error (error);
  if (host->world->deaf)
    scope_punch_message_free (event.message);
  else
    push (host->world, event);
}

static void
on_check (const ScopePunchMessage *theirs, const ScopeSockaddr *candidates, guint n, int ttl, gpointer data)
{
  Host *host = data;

  g_assert_cmpstr (theirs->id, ==, host->world->hosts[!host->number].self.id);
  for (guint i = 0; i < n; i++)
    transmit (host, &candidates[i], FALSE, ttl);
}

static void
on_found (const ScopeSockaddr *endpoint, gpointer data)
{
  Host *host = data;

  host->found = *endpoint;
  if (!host->found_at)
    host->found_at = host->world->now;
}

static void
on_failed (gpointer data)
{
  ((Host *) data)->failed = TRUE;
}

static const ScopePunchCalls calls = { on_say, on_check, on_found, on_failed };

/* --- the world ----------------------------------------------------------------------------- */

static void
host_init (World *world, guint number, Kind kind)
{
  Host *host = &world->hosts[number];
  ScopeSockaddr stun = address ("198.51.100.1:3478"), mapped;

  *host = (Host){ .world = world, .number = number, .kind = kind, .next_port = 40000 };
  host->mappings = g_array_new (FALSE, FALSE, sizeof (Mapping));
  host->taken = g_array_new (FALSE, FALSE, sizeof (ScopeSockaddr));
  host->own = address (kind == NONE ? (number ? "198.51.100.8:51820" : "198.51.100.7:51820")
                                    : (number ? "192.168.2.5:51820" : "192.168.1.5:51820"));
  g_snprintf (host->self.id, sizeof host->self.id, "host000%u", number);
  g_strlcpy (host->self.pwd, "abcdefghijklmnopqrstuv", sizeof host->self.pwd);
  host->self.nat = kind == NONE ? SCOPE_NAT_NONE : kind == SYMMETRIC ? SCOPE_NAT_CLOSED : kind == DENY ? SCOPE_NAT_DENY : SCOPE_NAT_OPEN;
  mapped = outside (host, map (host, &stun)->port); /* as a STUN server has told */
  host->candidates[0] = scope_sockaddr_format (&host->own);
  host->candidates[1] = kind == NONE || kind == DENY ? NULL : scope_sockaddr_format (&mapped);
  host->self.candidates = host->candidates;
  host->punch = scope_punch_new (number == 0, &host->self, &calls, host);
}

static void
mapping_clear (GArray *mappings)
{
  for (guint i = 0; i < mappings->len; i++)
    g_array_unref (g_array_index (mappings, Mapping, i).sent);
  g_array_unref (mappings);
}

static void
world_clear (World *world)
{
  for (guint i = 0; i < world->events->len; i++)
    {
      Event *event = world->events->pdata[i];
      g_clear_pointer (&event->message, scope_punch_message_free);
      g_free (event);
    }
  g_ptr_array_unref (world->events);
  for (guint i = 0; i < 2; i++)
    {
      scope_punch_free (world->hosts[i].punch);
      mapping_clear (world->hosts[i].mappings);
      g_array_unref (world->hosts[i].taken);
      g_free (world->hosts[i].candidates[0]);
      g_free (world->hosts[i].candidates[1]);
    }
}

static Event *
next_event (World *world)
{
  Event *best = NULL;

  for (guint i = 0; i < world->events->len; i++)
    {
      Event *event = world->events->pdata[i];
      if (!best || event->at < best->at || (event->at == best->at && event->order < best->order))
        best = event;
    }
  return best;
}

static void
handle (World *world, Event *event)
{
  Host *host = event->host;

  g_ptr_array_remove_fast (world->events, event);
  world->now = event->at;
  if (event->message)
    scope_punch_take (host->punch, event->message, world->now);
  else if (event->answer)
    scope_punch_answered (host->punch, &event->from, world->now);
  else
    {
      transmit (host, &event->from, TRUE, 0);
      scope_punch_heard (host->punch, &event->from, world->now);
    }
  g_clear_pointer (&event->message, scope_punch_message_free);
  g_free (event);
}

static void
run (World *world, gint64 until)
{
  while (!world->hosts[0].found_at && !world->hosts[1].found_at)
    {
      gint64 a = scope_punch_tick (world->hosts[0].punch, world->now);
      gint64 b = scope_punch_tick (world->hosts[1].punch, world->now);
      gint64 due = MIN (a, b);
      Event *event = next_event (world);

      if (event && event->at <= due)
        handle (world, event);
      else if (due <= until)
        world->now = MAX (world->now, due);
      else
        break;
    }
}

static void
world_init (World *world, Kind a, Kind b)
{
  *world = (World){ .now = 1000 };
  world->events = g_ptr_array_new ();
  host_init (world, 0, a);
  host_init (world, 1, b);
}

/* Who can meet at all: a port that nobody can know beforehand passes only who does not look at ports. */
static gboolean
can_meet (Kind a, Kind b)
{
  if (a == DENY || b == DENY)
    return FALSE;
  if (a == SYMMETRIC)
    return b < PORT;
  return b != SYMMETRIC || a < PORT;
}

static void
test_all_kinds (void)
{
  gint64 worst = 0;

  for (Kind a = 0; a < N_KINDS; a++)
    for (Kind b = 0; b < N_KINDS; b++)
      for (guint starter = 0; starter < 3; starter++)
        {
          World world;
          gint64 begun, at;

          world_init (&world, a, b);
          begun = world.now;
          /* one of them knows of the other first, or both at once; each thinks that it calls */
          if (starter != 1)
            scope_punch_start (world.hosts[0].punch, TRUE, world.now);
          if (starter != 0)
            scope_punch_start (world.hosts[1].punch, TRUE, world.now);
          run (&world, begun + END_MS);
          at = world.hosts[0].found_at ? world.hosts[0].found_at : world.hosts[1].found_at;
          g_test_message ("%s × %s, %u starts: %" G_GINT64_FORMAT " ms", kinds[a], kinds[b], starter, at ? at - begun : -1);
          g_assert_cmpint (at != 0, ==, can_meet (a, b));
          if (!at)
            g_assert_true (world.hosts[0].failed || world.hosts[1].failed);
          else
            worst = MAX (worst, at - begun);
          world_clear (&world);
        }
  g_test_message ("worst: %" G_GINT64_FORMAT " ms after the start", worst);
  g_assert_cmpint (worst, <=, 600);
}

/* Nothing must come to a router without a filter before its host has sent something there: it would cost the port that the
 * other end was told. However long messages take. */
static void
test_far_registry (void)
{
  for (Kind a = 0; a < DENY; a++)
    for (Kind b = 0; b < DENY; b++)
      {
        World world;
        gint64 begun, at;

        if ((a != PORT_UNFILTERED && b != PORT_UNFILTERED) || !can_meet (a, b))
          continue;
        world_init (&world, a, b);
        world.far_ms = 160;
        begun = world.now;
        scope_punch_start (world.hosts[0].punch, TRUE, begun);
        run (&world, begun + END_MS);
        at = world.hosts[0].found_at ? world.hosts[0].found_at : world.hosts[1].found_at;
        g_test_message ("%s × %s: %" G_GINT64_FORMAT " ms", kinds[a], kinds[b], at ? at - begun : -1);
        g_assert_cmpint (at, >, 0);
        g_assert_cmpint (at - begun, <=, a == DEEP || b == DEEP ? 1000 : 450);
        world_clear (&world);
      }
}

/* A handshake of both ends at once collides: only one is ever told to begin. */
static void
test_one_begins (void)
{
  for (Kind a = 0; a < DENY; a++)
    for (Kind b = 0; b < DENY; b++)
      {
        World world;

        world_init (&world, a, b);
        scope_punch_start (world.hosts[0].punch, TRUE, world.now);
        scope_punch_start (world.hosts[1].punch, TRUE, world.now);
        run (&world, world.now + END_MS);
        while (next_event (&world))
          handle (&world, next_event (&world));
        g_assert_false (world.hosts[0].found_at && world.hosts[1].found_at);
        world_clear (&world);
      }
}

static void
test_nobody_there (void)
{
  World world;

  world_init (&world, PORT, PORT);
  world.deaf = TRUE;
  scope_punch_start (world.hosts[0].punch, TRUE, world.now);
  run (&world, world.now + END_MS);
  g_assert_true (world.hosts[0].failed);
  g_assert_false (scope_punch_is_running (world.hosts[0].punch));
  g_assert_cmpuint (world.hosts[0].calls, ==, 3); /* tries 0, 2, 4 are ours */
  world_clear (&world);
}

static void
test_ip6_is_preferred (void)
{
  World world;
  Host *a, *b;
  ScopePunchMessage open = { .open = TRUE, .id = (char *) "host0001", .pwd = (char *) "abcdefghijklmnopqrstuv" };
  char *candidates[] = { (char *) "[2001:db8::2]:51820", (char *) "198.51.100.8:51820", NULL };
  ScopeSockaddr ip4 = address ("198.51.100.8:51820"), ip6 = address ("[2001:db8::2]:51820");

  for (guint late = 10; late <= 30; late += 20)
    {
      world_init (&world, NONE, NONE);
      a = &world.hosts[0];
      b = &world.hosts[1];
      open.candidates = candidates;
      scope_punch_start (a->punch, TRUE, 0);
      scope_punch_take (a->punch, &open, 40);
      scope_punch_answered (a->punch, &ip4, 80);
      g_assert_cmpint (a->found.any.sa_family, ==, AF_UNSPEC);
      scope_punch_tick (a->punch, 80 + MIN (late, 20));
      scope_punch_answered (a->punch, &ip6, 80 + late);
      g_assert_true (scope_sockaddr_equal (&a->found, late < 20 ? &ip6 : &ip4));
      g_assert_cmpint (b->found.any.sa_family, ==, AF_UNSPEC);
      world_clear (&world);
    }
}

/* Where checks get through and the handshake does not, the next one goes another way: one that answers, at least. */
static void
test_vain_family_is_left (void)
{
  World world;
  ScopePunchMessage message = { .id = (char *) "host0001", .pwd = (char *) "abcdefghijklmnopqrstuv" };
  char *candidates[] = { (char *) "[2001:db8::2]:51820", (char *) "198.51.100.8:51820", NULL };
  ScopeSockaddr ip4 = address ("198.51.100.8:51820"), ip6 = address ("[2001:db8::2]:51820");
  const struct {
    gint64 call;       /* ms after what was found: the other end goes on */
    gboolean ip4;      /* answers, too */
    gboolean to_ip4;
  } cases[] = { { 300, TRUE, TRUE }, { 300, FALSE, FALSE }, { 100, TRUE, FALSE } };

  message.candidates = candidates;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Host *a;

      world_init (&world, NONE, NONE);
      a = &world.hosts[0];
      scope_punch_start (a->punch, TRUE, 0);
      message.open = TRUE;
      message.attempt = 0;
      scope_punch_take (a->punch, &message, 40);
      scope_punch_answered (a->punch, &ip6, 80);
      g_assert_true (scope_sockaddr_equal (&a->found, &ip6));

      message.open = FALSE;
      message.attempt = 1;
      scope_punch_take (a->punch, &message, 80 + cases[i].call);
      a->found.any.sa_family = AF_UNSPEC;
      scope_punch_tick (a->punch, 1200 + cases[i].call);
      message.open = TRUE;
      message.attempt = 2;
      scope_punch_take (a->punch, &message, 1240 + cases[i].call);
      scope_punch_answered (a->punch, &ip6, 1280 + cases[i].call);
      if (cases[i].ip4)
        scope_punch_answered (a->punch, &ip4, 1281 + cases[i].call);
      scope_punch_tick (a->punch, 1400 + cases[i].call);
      g_assert_true (scope_sockaddr_equal (&a->found, cases[i].to_ip4 ? &ip4 : &ip6));
      world_clear (&world);
    }
}

static void
test_messages (void)
{
  static const struct {
    const char *text;
    const char *field;
  } wrong[] = {
    { "{\"id\":\"short\",\"pwd\":\"abcdefghijklmnopqrstuv\",\"nat\":\"open\",\"candidates\":[],\"try\":0}", "punch.call.id" },
    { "{\"id\":\"a:b:c:de\",\"pwd\":\"abcdefghijklmnopqrstuv\",\"nat\":\"open\",\"candidates\":[],\"try\":0}", "punch.call.id" },
    { "{\"id\":\"abcdefgh\",\"pwd\":\"abc\",\"nat\":\"open\",\"candidates\":[],\"try\":0}", "punch.call.pwd" },
    { "{\"id\":\"abcdefgh\",\"pwd\":\"abcdefghijklmnopqrstuv\",\"candidates\":[],\"try\":0}", "punch.call.nat" },
    { "{\"id\":\"abcdefgh\",\"pwd\":\"abcdefghijklmnopqrstuv\",\"nat\":\"open\",\"candidates\":[\"relay.example:1\"],\"try\":0}",
      "punch.call.candidates[0]" },
    { "{\"id\":\"abcdefgh\",\"pwd\":\"abcdefghijklmnopqrstuv\",\"nat\":\"open\",\"candidates\":[],\"try\":99}", "punch.call.try" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (JsonNode) node = json_from_string (wrong[i].text, NULL);
      g_autoptr (GError) error = NULL;

      g_assert_null (scope_punch_message_parse ("punch.call", json_node_get_object (node), &error));
      g_assert_nonnull (strstr (error->message, wrong[i].field));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/punch/all-kinds", test_all_kinds);
  g_test_add_func ("/punch/far-registry", test_far_registry);
  g_test_add_func ("/punch/one-begins", test_one_begins);
  g_test_add_func ("/punch/nobody-there", test_nobody_there);
  g_test_add_func ("/punch/ip6-is-preferred", test_ip6_is_preferred);
  g_test_add_func ("/punch/vain-family-is-left", test_vain_family_is_left);
  g_test_add_func ("/punch/messages", test_messages);
  return g_test_run ();
}
