/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pure parts of a v1 network: addresses, members and their order, where they are seen, buckets. */
#include "registry/registry-addresses.h"
#include "registry/registry-limits.h"
#include "registry/registry-members.h"
#include "registry/registry-observed.h"

#include <string.h>

/* Addresses */

static GArray *
prefixes (const char *text)
{
  GArray *list = scope_prefix_parse_list (text, 64, NULL);

  g_assert_nonnull (list);
  return list;
}

static void
take (RegistryAddresses *a, const char *text)
{
  g_autoptr (GArray) list = prefixes (text);

  registry_addresses_take (a, list);
}

static void
give_back (RegistryAddresses *a, const char *text)
{
  g_autoptr (GArray) list = prefixes (text);

  registry_addresses_give_back (a, list);
}

static gboolean
overlap (RegistryAddresses *a, const char *text)
{
  g_autoptr (GArray) list = prefixes (text);

  return registry_addresses_overlap (a, list);
}

static RegistryAddresses *
pool (const char *text)
{
  RegistryAddresses *a = registry_addresses_new ();
  g_autoptr (GArray) list = prefixes (text);

  registry_addresses_set_pool (a, list);
  return a;
}

/* The next address, which is taken then; "full" */
static void
next_is (RegistryAddresses *a, const char *expected)
{
  g_autoptr (GArray) list = registry_addresses_find (a);
  g_autofree char *text = list ? scope_prefix_format_list (list) : g_strdup ("full");

  g_assert_cmpstr (text, ==, expected);
  if (list)
    registry_addresses_take (a, list);
}

static void
test_addresses (void)
{
  g_autoptr (RegistryAddresses) a = pool ("10.77.0.0/29,fd77::/64");

  next_is (a, "10.77.0.1/32,fd77::1/128");
  next_is (a, "10.77.0.2/32,fd77::2/128");
  take (a, "10.77.0.3/32,fd77::/126");
  next_is (a, "10.77.0.4/32,fd77::4/128");
  next_is (a, "10.77.0.5/32,fd77::5/128");
  give_back (a, "10.77.0.2/32");
  next_is (a, "10.77.0.2/32,fd77::6/128");
  next_is (a, "10.77.0.6/32,fd77::7/128");
  next_is (a, "full"); /* 7 is broadcast; no half of an address either */
  give_back (a, "10.77.0.3/32,fd77::/126");
  next_is (a, "10.77.0.3/32,fd77::3/128"); /* 1 and 2 are still taken, each by itself */
}

static void
test_addresses_twice (void)
{
  g_autoptr (RegistryAddresses) a = pool ("10.77.0.0/30");

  take (a, "10.77.0.1/32");
  take (a, "10.77.0.1/32");
  give_back (a, "10.77.0.1/32");
  next_is (a, "10.77.0.2/32");
  give_back (a, "10.77.0.1/32");
  next_is (a, "10.77.0.1/32");
  give_back (a, "10.77.0.99/32"); /* never taken */
  next_is (a, "full");
}

static void
test_addresses_edges (void)
{
  static const struct {
    const char *pool, *first, *second;
  } cases[] = {
    { "10.0.0.4/31", "10.0.0.4/32", "10.0.0.5/32" },
    { "10.0.0.4/32", "10.0.0.4/32", "full" },
    { "10.0.0.4/30", "10.0.0.5/32", "10.0.0.6/32" },
    { "255.255.255.254/31", "255.255.255.254/32", "255.255.255.255/32" },
    { "fd00::8/127", "fd00::8/128", "fd00::9/128" },
    { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffc/126", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffd/128", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/128" },
    { "", "full", "full" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (RegistryAddresses) a = pool (cases[i].pool);

      next_is (a, cases[i].first);
      next_is (a, cases[i].second);
    }
  {
    g_autoptr (RegistryAddresses) a = pool ("10.0.0.4/31");

    next_is (a, "10.0.0.4/32");
    next_is (a, "10.0.0.5/32");
    next_is (a, "full");
  }
  {
    /* A range around a whole prefix of the pool takes no address in it; one in it does. A pool at the end of all addresses */
    g_autoptr (RegistryAddresses) a = pool ("255.255.255.248/29,fd77::/126");

    take (a, "255.255.0.0/16,128.0.0.0/1,fd77::/126");
    next_is (a, "255.255.255.249/32,fd77::1/128");
    take (a, "255.255.255.248/30");
    next_is (a, "255.255.255.252/32,fd77::2/128");
    give_back (a, "255.255.0.0/16,128.0.0.0/1,fd77::/126");
    next_is (a, "255.255.255.253/32,fd77::3/128");
  }
  {
    /* The root may grant a prefix' own address; we do not, also when it is given back */
    g_autoptr (RegistryAddresses) a = pool ("10.0.0.4/30");

    take (a, "10.0.0.4/32");
    next_is (a, "10.0.0.5/32");
    give_back (a, "10.0.0.4/32");
    next_is (a, "10.0.0.6/32");
  }
}

static void
test_addresses_overlap (void)
{
  g_autoptr (RegistryAddresses) a = pool ("10.0.0.0/8");

  take (a, "10.0.0.5/32,10.2.0.0/16");
  g_assert_true (overlap (a, "10.0.0.5/32"));
  g_assert_true (overlap (a, "10.0.0.0/24"));
  g_assert_true (overlap (a, "10.2.3.0/24"));
  g_assert_true (overlap (a, "10.2.0.0/15"));
  g_assert_false (overlap (a, "10.0.0.6/32,10.1.0.0/16"));
  g_assert_false (overlap (a, "fd00::/8"));
  take (a, "0.0.0.0/1"); /* around the pool */
  g_assert_false (overlap (a, "10.0.0.6/32,10.1.0.0/16"));
  g_assert_true (overlap (a, "10.2.3.0/24"));
  g_assert_true (overlap (a, "11.0.0.1/32"));
}

/* Members */

static ScopeKey
key_of (guint8 n)
{
  ScopeKey key;

  memset (key.bytes, n, sizeof key.bytes);
  return key;
}

static RegistryMember *
add (RegistryMembers *members, guint8 n)
{
  g_autofree char *fingerprint = g_strdup_printf ("%u", n);
  ScopeKey key = key_of (n);

  return registry_members_add (members, fingerprint, &key);
}

/* "1 2 -3": in order, who is gone last */
static void
since_is (RegistryMembers *members, guint64 revision, const char *expected)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const GArray *tombstones = registry_members_tombstones (members);

  for (RegistryMember *m = registry_members_after (members, revision); m; m = registry_members_next (m))
    g_string_append_printf (text, "%s%s", text->len ? " " : "", m->fingerprint);
  for (guint i = 0; i < tombstones->len; i++)
    if (g_array_index (tombstones, RegistryTombstone, i).revision > revision)
      g_string_append_printf (text, "%s-%u", text->len ? " " : "", g_array_index (tombstones, RegistryTombstone, i).key.bytes[0]);
  g_assert_cmpstr (text->str, ==, expected);
}

static void
test_order (void)
{
  g_autoptr (RegistryMembers) members = registry_members_new (100, 0);
  RegistryMember *one = add (members, 1), *two = add (members, 2), *three = add (members, 3);
  ScopeKey key = key_of (9);

  since_is (members, 0, ""); /* nobody has come */
  g_assert_cmpuint (registry_members_touch (members, one, REGISTRY_CHANGE_CAME), ==, 101);
  g_assert_cmpuint (registry_members_touch (members, two, REGISTRY_CHANGE_CAME), ==, 102);
  since_is (members, 0, "1 2");
  since_is (members, 101, "2");
  registry_members_touch (members, one, REGISTRY_CHANGE_MOVED);
  g_assert_cmpuint (one->change, ==, REGISTRY_CHANGE_CAME | REGISTRY_CHANGE_MOVED);
  since_is (members, 101, "2 1");
  since_is (members, 103, "");

  g_assert_cmpuint (registry_members_remove (members, three), ==, 0); /* nobody knew it */
  g_assert_cmpuint (registry_members_remove (members, two), ==, 104);
  since_is (members, 101, "1 -2");
  g_assert_null (registry_members_find (members, "2"));
  g_assert_cmpuint (registry_members_size (members), ==, 1);

  /* Another key is another peer to the others; who is back is not gone. */
  g_assert_cmpuint (registry_members_set_key (members, one, &key), ==, 105);
  registry_members_touch (members, one, REGISTRY_CHANGE_MOVED);
  since_is (members, 104, "1 -1");
  g_assert_true (registry_members_find_key (members, &key) == one);
  registry_members_touch (members, add (members, 2), REGISTRY_CHANGE_CAME);
  since_is (members, 0, "1 2 -1");
}

static void
test_tombstones (void)
{
  g_autoptr (RegistryMembers) members = registry_members_new (0, 3);

  g_assert_cmpuint (registry_members_floor (members), ==, 3);
  for (guint i = 0; i <= REGISTRY_MAX_TOMBSTONES; i++)
    {
      g_autofree char *fingerprint = g_strdup_printf ("%u", i);
      ScopeKey key = { { i & 0xff, i >> 8, 1 } };
      RegistryMember *m = registry_members_add (members, fingerprint, &key);

      registry_members_touch (members, m, REGISTRY_CHANGE_CAME);
      registry_members_remove (members, m);
    }
  /* The oldest are forgotten: a roster since then must be whole. */
  g_assert_cmpuint (registry_members_tombstones (members)->len, ==, REGISTRY_MAX_TOMBSTONES * 3 / 4 + 1);
  g_assert_cmpuint (registry_members_floor (members), ==, REGISTRY_MAX_TOMBSTONES / 2);
}

static void
test_progress (void)
{
  g_autoptr (RegistryMembers) members = registry_members_new (0, 0);
  RegistryProgress sum;
  guint peers;

  for (guint i = 1; i <= 4; i++)
    {
      RegistryMember *m = add (members, i);

      registry_members_touch (members, m, REGISTRY_CHANGE_CAME);
      m->online = i != 4;
      m->progress = g_new0 (RegistryProgress, 1);
      m->progress->epoch = i == 1 ? 7 : 8;
      m->progress->has_key = i == 2;
      m->progress->npq[2] = i;
      m->progress->pq[3] = 1;
    }
  g_assert_cmpuint (registry_members_epoch (members), ==, 8);
  registry_members_progress (members, 8, &sum, &peers);
  g_assert_cmpuint (peers, ==, 2);
  g_assert_cmpuint (sum.has_key, ==, 1);
  g_assert_cmpuint (sum.npq[2], ==, 5);
  g_assert_cmpuint (sum.pq[3], ==, 2);
}

/* Where they are seen */

static void
seen_is (RegistryReports *reports, const char *last, const char *expected)
{
  g_auto (GStrv) list = registry_reports_list (reports, last);
  g_autofree char *text = g_strjoinv (" ", list);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_observed (void)
{
  g_autoptr (RegistryReports) reports = registry_reports_new ();
  ScopeKey edge = key_of (1), relay = key_of (2), other = key_of (3);

  seen_is (NULL, NULL, "");
  seen_is (NULL, "192.0.2.9:1", "192.0.2.9:1");
  registry_reports_add (reports, &relay, TRUE, "192.0.2.2:2", 1);
  registry_reports_add (reports, &edge, FALSE, "192.0.2.1:1", 2);
  seen_is (reports, "192.0.2.9:1", "192.0.2.2:2 192.0.2.1:1 192.0.2.9:1");
  registry_reports_add (reports, &other, TRUE, "[2001:db8::1]:3", 3);
  seen_is (reports, NULL, "[2001:db8::1]:3 192.0.2.2:2 192.0.2.1:1");
  registry_reports_add (reports, &relay, TRUE, "192.0.2.3:2", 4); /* one voice each */
  seen_is (reports, NULL, "192.0.2.3:2 [2001:db8::1]:3 192.0.2.1:1");
  registry_reports_add (reports, &edge, FALSE, "192.0.2.3:2", 5); /* told once */
  seen_is (reports, "192.0.2.3:2", "192.0.2.3:2 [2001:db8::1]:3");
  registry_reports_add (reports, &edge, FALSE, "name.example:5", 6); /* WireGuard sees addresses */
  seen_is (reports, NULL, "192.0.2.3:2 [2001:db8::1]:3");

  /* A crowd of edges does not push the relays out. */
  for (guint i = 0; i < 100; i++)
    {
      ScopeKey one = { { i, 7 } };
      g_autofree char *endpoint = g_strdup_printf ("198.51.100.%u:9", i);

      registry_reports_add (reports, &one, FALSE, endpoint, 10 + i);
    }
  {
    g_auto (GStrv) list = registry_reports_list (reports, "192.0.2.9:1");

    g_assert_cmpuint (g_strv_length (list), ==, REGISTRY_OBSERVED_MAX);
    g_assert_cmpstr (list[0], ==, "192.0.2.3:2");
    g_assert_cmpstr (list[2], ==, "198.51.100.99:9");
  }
}

static void
test_bucket (void)
{
  RegistryBucket bucket = { 0 };

  for (guint i = 0; i < 5; i++)
    g_assert_true (registry_bucket_take (&bucket, 2, 1, 10, 1000));
  g_assert_false (registry_bucket_take (&bucket, 1, 1, 10, 1000));
  g_assert_false (registry_bucket_take (&bucket, 2, 1, 10, 1000 + G_USEC_PER_SEC));
  g_assert_true (registry_bucket_take (&bucket, 2, 1, 10, 1000 + 2 * G_USEC_PER_SEC));
  g_assert_true (registry_bucket_take (&bucket, 10, 1, 10, 1000 + 3600 * (gint64) G_USEC_PER_SEC));
  g_assert_false (registry_bucket_take (&bucket, 1, 1, 10, 1000 + 3600 * (gint64) G_USEC_PER_SEC));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/addresses/lowest", test_addresses);
  g_test_add_func ("/addresses/twice", test_addresses_twice);
  g_test_add_func ("/addresses/edges", test_addresses_edges);
  g_test_add_func ("/addresses/overlap", test_addresses_overlap);
  g_test_add_func ("/members/order", test_order);
  g_test_add_func ("/members/tombstones", test_tombstones);
  g_test_add_func ("/members/progress", test_progress);
  g_test_add_func ("/members/observed", test_observed);
  g_test_add_func ("/members/bucket", test_bucket);
  return g_test_run ();
}
