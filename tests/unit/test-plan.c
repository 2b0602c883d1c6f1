/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-plan: src/peer/scope-plan.c: from roster and profile to peers, routes and addresses.
 */
#include "common/scope-error.h"
#include "peer/scope-plan.h"
#include "tunnel/scope-wg.h"

#include <string.h>

typedef struct {
  ScopeSettings *settings;
  ScopeRoster *roster;
  GHashTable *resolved;
  ScopeKey own;
  GArray *addresses;
  ScopePlan *plan;
  ScopeKey *exit;
} Fixture;

static ScopeKey
key (guint n)
{
  ScopeKey k = { { 0 } };

  k.bytes[0] = n & 0xff;
  k.bytes[1] = n >> 8;
  k.bytes[31] = 1;
  return k;
}

static GArray *
prefixes (const char *text)
{
  g_autoptr (GError) error = NULL;
  GArray *list = scope_prefix_parse_list (text, G_MAXUINT, &error);

  g_assert_no_error (error);
  return list;
}

static ScopeRosterPeer *
entry (guint n, const char *ranges, const char *end)
{
  ScopeKey k = key (n);
  ScopeRosterPeer *peer = scope_roster_peer_new (&k);

  g_array_unref (peer->ranges);
  peer->ranges = prefixes (ranges);
  peer->end = g_strdup (end);
  return peer;
}

static void
add (Fixture *f, guint n, const char *ranges, const char *end)
{
  g_ptr_array_add (f->roster->peers, entry (n, ranges, end));
}

/* What the resolver would know of @end. */
static void
resolve (Fixture *f, const char *end, const char *numeric)
{
  ScopeSockaddr sa;

  g_assert_true (scope_sockaddr_parse (&sa, numeric));
  g_hash_table_insert (f->resolved, g_strdup (end), g_memdup2 (&sa, sizeof sa));
}

static ScopeSettings *
settings (const char *first, ...)
{
  g_autoptr (GHashTable) data = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) secrets = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GError) error = NULL;
  ScopeSettings *s;
  va_list args;

  g_hash_table_insert (data, (gpointer) "registry", (gpointer) "https://registry.example");
  g_hash_table_insert (data, (gpointer) "network", (gpointer) "wg0");
  va_start (args, first);
  for (const char *name = first; name; name = va_arg (args, const char *))
    {
      const ScopeSettingInfo *info = scope_setting_find (name);
      g_hash_table_insert (info->secret ? secrets : data, (gpointer) name, va_arg (args, gpointer));
    }
  va_end (args);
  s = scope_settings_parse (data, secrets, &error);
  g_assert_no_error (error);
  return s;
}

static void
set_settings (Fixture *f, ScopeSettings *s)
{
  scope_settings_free (f->settings);
  f->settings = s;
}

static void
set_addresses (Fixture *f, const char *text)
{
  g_array_unref (f->addresses);
  f->addresses = prefixes (text);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->settings = settings (NULL);
  f->roster = scope_roster_new ("wg0");
  f->roster->heartbeat = 25;
  f->resolved = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  f->own = key (2);
  f->addresses = prefixes ("10.0.0.2/32");
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->plan, scope_plan_free);
  scope_settings_free (f->settings);
  scope_roster_free (f->roster);
  g_hash_table_unref (f->resolved);
  g_array_unref (f->addresses);
}

static void
make (Fixture *f)
{
  g_clear_pointer (&f->plan, scope_plan_free);
  f->plan = scope_plan_new (f->roster, f->settings, &f->own, f->addresses, f->exit, f->resolved);
}

static const ScopeWgPeer *
find (Fixture *f, guint n)
{
  ScopeKey k = key (n);
  const ScopeWgPeer *found = NULL;

  for (guint i = 0; i < f->plan->peers->len; i++)
    {
      const ScopeWgPeer *peer = g_ptr_array_index (f->plan->peers, i);
      if (!scope_key_equal (&peer->pub, &k))
        continue;
      g_assert_null (found);
      found = peer;
    }
  return found;
}

static void
assert_prefixes (const GArray *actual, const char *expected)
{
  g_autofree char *text = scope_prefix_format_list (actual);

  g_assert_cmpstr (text, ==, expected);
}

static void
assert_allowed (Fixture *f, guint n, const char *expected)
{
  const ScopeWgPeer *peer = find (f, n);

  g_assert_nonnull (peer);
  assert_prefixes (peer->allowed, expected);
}

static void
assert_endpoint (Fixture *f, guint n, const char *expected)
{
  const ScopeWgPeer *peer = find (f, n);
  g_autofree char *text = scope_sockaddr_format (&peer->endpoint);

  g_assert_cmpstr (text, ==, expected);
}

/* --- peers --------------------------------------------------------------------------------- */

/* Everything: a filter for the first who has it, or what goes to whom we choose. */
static void
test_exit (Fixture *f, gconstpointer data)
{
  ScopeKey second = key (5);

  g_ptr_array_add (f->roster->peers, entry (4, "0.0.0.0/0,::/0,10.0.0.4/32", "203.0.113.4:51820"));
  g_ptr_array_add (f->roster->peers, entry (5, "0.0.0.0/0,10.0.0.5/32", "203.0.113.5:51820"));
  make (f);
  assert_allowed (f, 4, "0.0.0.0/0,10.0.0.4/32,::/0");
  assert_allowed (f, 5, "10.0.0.5/32");
  g_assert_false (f->plan->exit4 || f->plan->exit6);
  g_assert_cmpuint (f->plan->conflicts, ==, 0);
  f->exit = &second;
  make (f);
  assert_allowed (f, 4, "10.0.0.4/32");
  assert_allowed (f, 5, "0.0.0.0/0,10.0.0.5/32");
  assert_prefixes (f->plan->routes, "10.0.0.4/32,10.0.0.5/32");
  g_assert_true (f->plan->exit4);
  g_assert_false (f->plan->exit6);
  second = key (9); /* nobody */
  make (f);
  assert_allowed (f, 4, "10.0.0.4/32");
  g_assert_false (f->plan->exit4);
}

static void
test_empty (Fixture *f, gconstpointer data)
{
  make (f);
  g_assert_cmpuint (f->plan->peers->len, ==, 0);
  g_assert_cmpuint (f->plan->routes->len, ==, 0);
  g_assert_cmpuint (f->plan->conflicts, ==, 0);
}

static void
test_own_left_out (Fixture *f, gconstpointer data)
{
  f->roster->self = entry (1, "10.0.0.1/32", NULL);
  add (f, 2, "10.0.0.2/32", NULL);
  add (f, 3, "10.0.0.3/32", NULL);
  make (f);
  g_assert_cmpuint (f->plan->peers->len, ==, 2);
  g_assert_null (find (f, 2));
  assert_prefixes (f->plan->routes, "10.0.0.1/32,10.0.0.3/32");
  g_assert_cmpuint (f->plan->conflicts, ==, 0);

  /* The root itself may run us. */
  f->own = key (1);
  set_addresses (f, "10.0.0.1/32");
  make (f);
  g_assert_cmpuint (f->plan->peers->len, ==, 2);
  g_assert_null (find (f, 1));
}

static void
test_duplicate_keys (Fixture *f, gconstpointer data)
{
  f->roster->self = entry (1, "10.0.0.1/32", NULL);
  add (f, 3, "10.0.0.3/32", NULL);
  add (f, 3, "10.0.0.33/32", NULL);
  add (f, 1, "10.0.0.11/32", NULL);
  make (f);
  g_assert_cmpuint (f->plan->peers->len, ==, 2);
  assert_allowed (f, 1, "10.0.0.1/32");
  assert_allowed (f, 3, "10.0.0.3/32");
}

static void
test_keepalive (Fixture *f, gconstpointer data)
{
  f->roster->self = entry (1, "10.0.0.1/32", "192.0.2.1:51820");
  add (f, 3, "10.0.0.3/32", "192.0.2.3:51820");
  make (f);
  /* Without an endpoint it would only keep WireGuard from a handshake for 5 s. */
  g_assert_cmpuint (find (f, 1)->keepalive, ==, 0);
  g_assert_cmpuint (find (f, 3)->keepalive, ==, 0);

  resolve (f, "192.0.2.1:51820", "192.0.2.1:51820");
  resolve (f, "192.0.2.3:51820", "192.0.2.3:51820");
  make (f);
  g_assert_cmpuint (find (f, 1)->keepalive, ==, 25);
  g_assert_cmpuint (find (f, 3)->keepalive, ==, 25);

  f->roster->heartbeat = 0;
  make (f);
  g_assert_cmpuint (find (f, 3)->keepalive, ==, 0);

  f->roster->heartbeat = 25;
  set_settings (f, settings ("keepalive", "7", NULL));
  make (f);
  g_assert_cmpuint (find (f, 1)->keepalive, ==, 7);
  g_assert_cmpuint (find (f, 3)->keepalive, ==, 7);

  /* Zero is a wish too, not the absence of one. */
  set_settings (f, settings ("keepalive", "0", NULL));
  make (f);
  g_assert_cmpuint (find (f, 3)->keepalive, ==, 0);

  /* A number that WireGuard's 16 bits cannot hold must not wrap to a short one. */
  set_settings (f, settings (NULL));
  f->roster->heartbeat = 65536 + 1;
  make (f);
  g_assert_cmpuint (find (f, 3)->keepalive, ==, 65535);
}

static void
test_preshared (Fixture *f, gconstpointer data)
{
  f->roster->self = entry (1, "10.0.0.1/32", NULL);
  add (f, 3, "10.0.0.3/32", NULL);
  make (f);
  g_assert_true (scope_key_is_zero (&find (f, 1)->preshared));

  set_settings (f, settings ("preshared-key", "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=", NULL));
  make (f);
  g_assert_false (scope_key_is_zero (&f->settings->preshared_key));
  g_assert_true (scope_key_equal (&find (f, 1)->preshared, &f->settings->preshared_key));
  g_assert_true (scope_key_equal (&find (f, 3)->preshared, &f->settings->preshared_key));
}

/* --- ranges -------------------------------------------------------------------------------- */

static void
test_claimed_twice (Fixture *f, gconstpointer data)
{
  /* The root wins wherever it is, then the first one listed. */
  add (f, 3, "10.1.0.0/16,10.3.0.0/16", NULL);
  add (f, 4, "10.3.0.0/16,10.4.0.0/16", NULL);
  f->roster->self = entry (1, "10.1.0.0/16", NULL);
  make (f);
  assert_allowed (f, 1, "10.1.0.0/16");
  assert_allowed (f, 3, "10.3.0.0/16");
  assert_allowed (f, 4, "10.4.0.0/16");
  g_assert_cmpuint (f->plan->conflicts, ==, 2);
  assert_prefixes (f->plan->routes, "10.1.0.0/16,10.3.0.0/16,10.4.0.0/16");
}

static void
test_claimed_unmasked (Fixture *f, gconstpointer data)
{
  /* The same network in two spellings is one network. */
  add (f, 3, "10.3.7.9/16", NULL);
  add (f, 4, "10.3.200.1/16", NULL);
  make (f);
  assert_allowed (f, 3, "10.3.0.0/16");
  assert_allowed (f, 4, "");
  g_assert_cmpuint (f->plan->conflicts, ==, 1);
}

/* Only a second peer makes a conflict: a warning for each roster would be wrong else. */
static void
test_claimed_by_itself (Fixture *f, gconstpointer data)
{
  set_settings (f, settings ("routes", "192.168.0.0/16,10.1.0.0/16", NULL));
  f->roster->self = entry (1, "10.1.0.0/16,10.1.0.0/16,10.1.2.3/16", NULL);
  make (f);
  assert_allowed (f, 1, "10.1.0.0/16,192.168.0.0/16");
  g_assert_cmpuint (f->plan->conflicts, ==, 0);
}

static void
test_own_address_claimed (Fixture *f, gconstpointer data)
{
  set_addresses (f, "10.0.0.2/24,fd00::2/64");
  f->roster->self = entry (1, "10.0.0.2/32,10.0.0.1/32", NULL);
  add (f, 3, "fd00::2/128,fd00::3/128", NULL);
  make (f);
  assert_allowed (f, 1, "10.0.0.1/32");
  assert_allowed (f, 3, "fd00::3/128");
  g_assert_cmpuint (f->plan->conflicts, ==, 2);

  /* A wider range that holds our address is no claim to the address: the longest prefix wins. */
  g_clear_pointer (&f->roster->self, scope_roster_peer_free);
  f->roster->self = entry (1, "10.0.0.0/24", NULL);
  make (f);
  assert_allowed (f, 1, "10.0.0.0/24");
}

/* A network that the roster lists behind us stays ours: no route into the tunnel takes it away. */
static void
test_own_network_claimed (Fixture *f, gconstpointer data)
{
  f->roster->self = entry (1, "10.0.0.1/32", NULL);
  add (f, 2, "10.0.0.2/32,192.168.7.0/24", NULL);
  add (f, 3, "10.0.0.3/32,192.168.7.0/24", NULL);
  make (f);
  assert_allowed (f, 3, "10.0.0.3/32");
  assert_prefixes (f->plan->routes, "10.0.0.1/32,10.0.0.3/32");
  g_assert_cmpuint (f->plan->conflicts, ==, 1);
}

static void
test_settings_routes (Fixture *f, gconstpointer data)
{
  set_settings (f, settings ("routes", "192.168.1.5/24 fd01::/48", NULL));
  f->roster->self = entry (1, "10.0.0.1/32", NULL);
  add (f, 3, "192.168.1.0/24,10.0.0.3/32", NULL);
  make (f);
  assert_allowed (f, 1, "10.0.0.1/32,192.168.1.0/24,fd01::/48");
  assert_allowed (f, 3, "10.0.0.3/32");
  assert_prefixes (f->plan->routes, "10.0.0.1/32,10.0.0.3/32,192.168.1.0/24,fd01::/48");

  /* Without a root there is nobody to route to. */
  g_clear_pointer (&f->roster->self, scope_roster_peer_free);
  make (f);
  assert_prefixes (f->plan->routes, "10.0.0.3/32,192.168.1.0/24");
}

static void
test_routes_sorted (Fixture *f, gconstpointer data)
{
  f->roster->self = entry (1, "fd00::1/128 10.0.0.1/32", NULL);
  add (f, 3, "172.16.0.0/12,10.0.0.3/32", NULL);
  add (f, 4, "fd00::4/128 10.0.0.0/8", NULL);
  make (f);
  for (guint i = 1; i < f->plan->routes->len; i++)
    g_assert_cmpint (scope_prefix_compare (&g_array_index (f->plan->routes, ScopePrefix, i - 1),
                                           &g_array_index (f->plan->routes, ScopePrefix, i)),
                     <, 0);
  g_assert_cmpuint (f->plan->routes->len, ==, 6);
  for (guint n = 1; n <= 4; n++)
    for (guint i = 1; n != 2 && i < find (f, n)->allowed->len; i++)
      g_assert_cmpint (scope_prefix_compare (&g_array_index (find (f, n)->allowed, ScopePrefix, i - 1),
                                             &g_array_index (find (f, n)->allowed, ScopePrefix, i)),
                       <, 0);
}

static void
test_routes_covered (Fixture *f, gconstpointer data)
{
  set_addresses (f, "10.0.0.2/24,fd00::2/64");
  f->roster->self = entry (1, "10.0.0.1/32,10.0.0.0/24,10.0.0.0/16,fd00::1/128,fd00:0:0:1::/64", NULL);
  make (f);
  assert_prefixes (f->plan->routes, "10.0.0.0/16,fd00:0:0:1::/64");
  assert_allowed (f, 1, "10.0.0.0/16,10.0.0.0/24,10.0.0.1/32,fd00::1/128,fd00:0:0:1::/64");
}

static void
test_default_route (Fixture *f, gconstpointer data)
{
  f->roster->self = entry (1, "0.0.0.0/0,::/0,10.0.0.1/32", "203.0.113.1:51820");
  resolve (f, "203.0.113.1:51820", "203.0.113.1:51820");
  make (f);
  assert_allowed (f, 1, "0.0.0.0/0,10.0.0.1/32,::/0");
  assert_prefixes (f->plan->routes, "10.0.0.1/32");
  assert_endpoint (f, 1, "203.0.113.1:51820");
}

/* --- endpoints ----------------------------------------------------------------------------- */

static void
test_endpoints (Fixture *f, gconstpointer data)
{
  set_addresses (f, "10.0.0.2/24,fd00::2/128");
  f->roster->self = entry (1, "10.0.0.1/32", "root.example:51820");
  add (f, 3, "10.3.0.0/16", "10.3.0.1:51820");                   /* inside its own range: that is taken care of */
  add (f, 4, "10.0.0.4/32", "unknown.example:51820");            /* not resolved (yet) */
  add (f, 5, "10.0.0.5/32", NULL);                               /* never seen */
  add (f, 6, "10.0.0.6/32", "10.0.0.77:51820");                  /* in the network itself */
  add (f, 7, "fd07::/32,10.0.0.7/32", "[2001:db8::7]:51820");
  add (f, 8, "fd08::/32", "[fd00::2]:51820");
  resolve (f, "root.example:51820", "203.0.113.1:51820");
  resolve (f, "10.3.0.1:51820", "10.3.0.1:51820");
  resolve (f, "10.0.0.77:51820", "10.0.0.77:51820");
  resolve (f, "[2001:db8::7]:51820", "[2001:db8::7]:51820");
  resolve (f, "[fd00::2]:51820", "[fd00::2]:51820");
  make (f);
  assert_endpoint (f, 1, "203.0.113.1:51820");
  assert_endpoint (f, 3, "10.3.0.1:51820");
  assert_endpoint (f, 4, NULL);
  assert_endpoint (f, 5, NULL);
  assert_endpoint (f, 6, NULL);
  assert_endpoint (f, 7, "[2001:db8::7]:51820");
  assert_endpoint (f, 8, "[fd00::2]:51820");
}

/* --- addresses ----------------------------------------------------------------------------- */

static void
test_addresses_profile (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) addresses = NULL;

  set_settings (f, settings ("addresses", "10.9.0.2/24,fd09::2/64", NULL));
  /* Not even listed: the profile's word is enough. */
  addresses = scope_plan_addresses (f->roster, f->settings, &f->own, &error);
  g_assert_no_error (error);
  assert_prefixes (addresses, "10.9.0.2/24,fd09::2/64");
}

static void
test_addresses_roster (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) addresses = NULL;
  g_autoptr (GArray) root = NULL;

  f->roster->self = entry (1, "10.0.0.1/32", NULL);
  add (f, 2, "192.168.7.0/24,10.0.0.2/32,fd00::2/128,fd02::/48", NULL);
  addresses = scope_plan_addresses (f->roster, f->settings, &f->own, &error);
  g_assert_no_error (error);
  assert_prefixes (addresses, "10.0.0.2/32,fd00::2/128");

  f->own = key (1);
  root = scope_plan_addresses (f->roster, f->settings, &f->own, &error);
  g_assert_no_error (error);
  assert_prefixes (root, "10.0.0.1/32");
}

static void
test_addresses_not_listed (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  add (f, 3, "10.0.0.3/32", NULL);
  g_assert_null (scope_plan_addresses (f->roster, f->settings, &f->own, &error));
  g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_NOT_LISTED);
  g_assert_nonnull (strstr (error->message, "wg0"));
}

static void
test_addresses_none (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  add (f, 2, "192.168.7.0/24", NULL);
  g_assert_null (scope_plan_addresses (f->roster, f->settings, &f->own, &error));
  g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "addresses"));
}

/* --- size ---------------------------------------------------------------------------------- */

static void
test_thousand (Fixture *f, gconstpointer data)
{
  gint64 start;

  f->roster->self = entry (1, "10.0.0.1/32,0.0.0.0/0", NULL);
  for (guint i = 0; i < 1000; i++)
    {
      guint n = i + 16;
      g_autofree char *end = g_strdup_printf ("198.51.%u.%u:51820", n >> 8, n & 0xff);
      g_autofree char *ranges = g_strdup_printf ("10.1.%u.%u/32,10.%u.%u.0/24,fd00::%x/128,fd00:%x::/32", n >> 8,
                                                 n & 0xff, 16 + (n >> 8), n & 0xff, n, n);
      add (f, n, ranges, end);
      resolve (f, end, end);
    }
  start = g_get_monotonic_time ();
  make (f);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 200 * 1000); /* 3 ms here; room for ASan and a busy machine */
  g_assert_cmpuint (f->plan->peers->len, ==, 1001);
  g_assert_cmpuint (f->plan->routes->len, ==, 1 + 4 * 1000);
  g_assert_cmpuint (f->plan->conflicts, ==, 0);
  g_test_message ("1,000 peers: %" G_GINT64_FORMAT " µs", g_get_monotonic_time () - start);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/plan/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("empty", test_empty);
  ADD ("own-left-out", test_own_left_out);
  ADD ("duplicate-keys", test_duplicate_keys);
  ADD ("keepalive", test_keepalive);
  ADD ("preshared", test_preshared);
  ADD ("claimed-twice", test_claimed_twice);
  ADD ("claimed-unmasked", test_claimed_unmasked);
  ADD ("claimed-by-itself", test_claimed_by_itself);
  ADD ("own-address-claimed", test_own_address_claimed);
  ADD ("own-network-claimed", test_own_network_claimed);
  ADD ("settings-routes", test_settings_routes);
  ADD ("routes-sorted", test_routes_sorted);
  ADD ("routes-covered", test_routes_covered);
  ADD ("default-route", test_default_route);
  ADD ("exit", test_exit);
  ADD ("endpoints", test_endpoints);
  ADD ("addresses-profile", test_addresses_profile);
  ADD ("addresses-roster", test_addresses_roster);
  ADD ("addresses-not-listed", test_addresses_not_listed);
  ADD ("addresses-none", test_addresses_none);
  ADD ("thousand", test_thousand);
  return g_test_run ();
}
