/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-base: src/service/scope-base and the pure part of scope-clock-watch */
#include "config.h"

#include "service/scope-base.h"
#include "service/scope-clock-watch.h"
#include "tunnel/scope-routes.h"

#include <NetworkManager.h>
#include <arpa/inet.h>

#define TUNNEL 9

typedef struct {
  GArray *routes;
  GArray *addresses;
} Host;

static void
add_route (Host *host, const char *to, const char *via, guint32 ifindex, guint32 metric)
{
  ScopeRoute route = { .ifindex = ifindex, .metric = metric };

  g_assert_true (scope_prefix_parse (&route.to, to));
  if (via)
    g_assert_true (scope_prefix_parse (&route.via, via));
  g_array_append_val (host->routes, route);
}

static void
add_address (Host *host, guint32 ifindex, const char *text)
{
  ScopeBaseAddress address = { .ifindex = ifindex, .family = strchr (text, ':') ? AF_INET6 : AF_INET };

  g_strlcpy (address.address, text, sizeof address.address);
  g_array_append_val (host->addresses, address);
}

static Host
host_new (void)
{
  return (Host){ g_array_new (FALSE, FALSE, sizeof (ScopeRoute)), g_array_new (FALSE, FALSE, sizeof (ScopeBaseAddress)) };
}

static void
host_clear (Host *host)
{
  g_array_unref (host->routes);
  g_array_unref (host->addresses);
}

static char *
ways (const Host *host, gboolean *is_out)
{
  g_auto (GStrv) ways = scope_base_ways (host->routes, host->addresses, TUNNEL, is_out);

  return g_strjoinv ("|", ways);
}

#define assert_ways(host, out, text)                                                                                   \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    gboolean is_out;                                                                                                   \
    g_autofree char *found = ways (host, &is_out);                                                                     \
    g_assert_cmpstr (found, ==, text);                                                                                 \
    g_assert_cmpint (is_out, ==, out);                                                                                 \
  }                                                                                                                    \
  G_STMT_END

static void
test_ways (void)
{
  Host host = host_new ();

  assert_ways (&host, FALSE, "");
  add_address (&host, 2, "192.0.2.7");
  add_address (&host, 3, "198.51.100.7");
  add_address (&host, 3, "2001:db8::7");
  add_address (&host, TUNNEL, "10.0.0.1");
  assert_ways (&host, FALSE, "192.0.2.7 2 -|198.51.100.7 3 -|2001:db8::7 3 -");

  add_route (&host, "192.0.2.0/24", NULL, 2, 100);
  add_route (&host, "0.0.0.0/0", NULL, TUNNEL, 0); /* routes=0.0.0.0/0: a way through ourselves is none */
  assert_ways (&host, FALSE, "192.0.2.7 2 -|198.51.100.7 3 -|2001:db8::7 3 -");
  add_route (&host, "0.0.0.0/0", "192.0.2.1", 2, 600);
  assert_ways (&host, TRUE, "192.0.2.7 2 192.0.2.1");
  add_route (&host, "0.0.0.0/0", "198.51.100.1", 3, 100);
  assert_ways (&host, TRUE, "198.51.100.7 3 198.51.100.1");
  add_route (&host, "::/0", "fe80::1", 3, 100);
  assert_ways (&host, TRUE, "198.51.100.7 3 198.51.100.1|2001:db8::7 3 fe80::1");
  host_clear (&host);
}

static ScopeBaseAct
set (ScopeBase *base, const char *text, gint64 now)
{
  return scope_base_set_ways (base, g_strsplit (text, "|", -1), now);
}

static void
test_moves (void)
{
  ScopeBase base = { 0 };

  g_assert_cmpint (set (&base, "a", 0), ==, 0);
  g_assert_cmpint (set (&base, "a", 10), ==, 0);
  g_assert_cmpint (set (&base, "b", 10000), ==, SCOPE_BASE_MOVED);
  g_assert_cmpint (scope_base_primary (&base, 10500), ==, 0); /* the same, told by NetworkManager */
  g_assert_cmpint (set (&base, "a|b", 11000), ==, SCOPE_BASE_MORE);
  g_assert_cmpint (set (&base, "a", 11100), ==, SCOPE_BASE_MOVED);
  g_assert_cmpint (scope_base_primary (&base, 20000), ==, SCOPE_BASE_MOVED);
  scope_base_clear (&base);
}

/* Another network, where by chance everything is called the same: there was nothing in between. */
static void
test_lost (void)
{
  ScopeBase base = { 0 };

  set (&base, "a", 0);
  g_assert_cmpint (set (&base, "", 5000), ==, SCOPE_BASE_PAUSE);
  g_assert_cmpint (set (&base, "", 5010), ==, 0);
  g_assert_cmpint (scope_base_primary (&base, 5020), ==, 0);
  g_assert_cmpint (scope_base_awake (&base, 5030), ==, 0); /* the link will tell */
  g_assert_cmpint (scope_base_connectivity (&base, NM_CONNECTIVITY_NONE, 5040), ==, 0);
  g_assert_cmpint (set (&base, "a", 6000), ==, SCOPE_BASE_MOVED | SCOPE_BASE_RESUME);
  scope_base_clear (&base);

  base = (ScopeBase){ 0 };
  g_assert_cmpint (set (&base, "", 0), ==, SCOPE_BASE_PAUSE);
  g_assert_cmpint (set (&base, "a", 100), ==, SCOPE_BASE_MOVED | SCOPE_BASE_RESUME);
  scope_base_clear (&base);
}

static void
test_portal (void)
{
  ScopeBase base = { 0 };

  set (&base, "a", 0);
  g_assert_cmpint (scope_base_connectivity (&base, NM_CONNECTIVITY_FULL, 100), ==, 0);
  g_assert_cmpint (scope_base_connectivity (&base, NM_CONNECTIVITY_PORTAL, 200), ==, SCOPE_BASE_PAUSE);
  g_assert_cmpint (scope_base_connectivity (&base, NM_CONNECTIVITY_PORTAL, 210), ==, 0);
  g_assert_cmpint (scope_base_connectivity (&base, NM_CONNECTIVITY_UNKNOWN, 220), ==, 0); /* while it is asked again */
  g_assert_cmpint (scope_base_connectivity (&base, NM_CONNECTIVITY_LIMITED, 300), ==, SCOPE_BASE_MOVED | SCOPE_BASE_RESUME);
  scope_base_connectivity (&base, NM_CONNECTIVITY_PORTAL, 400);
  g_assert_cmpint (scope_base_connectivity (&base, NM_CONNECTIVITY_FULL, 500), ==, SCOPE_BASE_MOVED | SCOPE_BASE_RESUME);

  /* away from it */
  scope_base_connectivity (&base, NM_CONNECTIVITY_PORTAL, 600);
  g_assert_cmpint (set (&base, "a|b", 700), ==, SCOPE_BASE_MORE);
  g_assert_cmpint (set (&base, "", 800), ==, 0);
  g_assert_cmpint (set (&base, "c", 900), ==, SCOPE_BASE_MOVED | SCOPE_BASE_RESUME);

  /* without a link there is nothing to resume */
  scope_base_connectivity (&base, NM_CONNECTIVITY_PORTAL, 1000);
  set (&base, "", 1100);
  g_assert_cmpint (scope_base_connectivity (&base, NM_CONNECTIVITY_FULL, 1200), ==, 0);
  g_assert_cmpint (set (&base, "c", 1300), ==, SCOPE_BASE_MOVED | SCOPE_BASE_RESUME);
  scope_base_clear (&base);
}

static void
test_awake (void)
{
  ScopeBase base = { 0 };

  set (&base, "a", 0);
  g_assert_cmpint (scope_base_awake (&base, 10000), ==, SCOPE_BASE_MOVED);
  g_assert_cmpint (scope_base_awake (&base, 10400), ==, 0); /* the clock, and logind */
  g_assert_cmpint (scope_base_primary (&base, 12000), ==, 0);
  g_assert_cmpint (set (&base, "b", 12500), ==, SCOPE_BASE_MOVED);
  g_assert_cmpint (scope_base_awake (&base, 20000), ==, SCOPE_BASE_MOVED);
  scope_base_clear (&base);
}

static void
test_clocks (void)
{
  const ScopeClocks before = { 5000, 4000, 1000000 };
  const struct {
    ScopeClocks now;
    gboolean slept;
  } table[] = {
    { { 6000, 5000, 1001000 }, FALSE },
    { { 615000, 4000, 1610000 }, TRUE },    /* 10 minutes */
    { { 615000, 4000, 1000000 }, TRUE },    /* the same, with a clock that was not told */
    { { 6001, 4000, 1001001 }, TRUE },
    { { 5999, 4000, 1000999 }, FALSE },     /* a second is nothing */
    { { 6000, 5000, 1010999 }, FALSE },     /* somebody has set the clock, */
    { { 6000, 5000, 1011000 }, TRUE },      /* or we were a virtual machine that was paused */
    { { 6000, 5000, 1000 }, FALSE },        /* back in time */
  };

  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_test_message ("%u", i);
      g_assert_cmpint (scope_clocks_slept (&before, &table[i].now), ==, table[i].slept);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/ways", test_ways);
  g_test_add_func ("/base/moves", test_moves);
  g_test_add_func ("/base/lost", test_lost);
  g_test_add_func ("/base/portal", test_portal);
  g_test_add_func ("/base/awake", test_awake);
  g_test_add_func ("/base/clocks", test_clocks);
  return g_test_run ();
}
