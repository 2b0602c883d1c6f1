/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-policy: src/peer/scope-outside.c: which routes our own packets must not take; src/tunnel/scope-policy.c: the rules that
 * make two routing tables look like one.
 */
#include "common/scope-error.h"
#include "peer/scope-outside.h"
#include "tunnel/scope-policy.h"
#include "tunnel/scope-rtnl.h"

#define TABLE 77u

static GArray *
prefixes (const char *text)
{
  g_autoptr (GError) error = NULL;
  GArray *list = scope_prefix_parse_list (text, G_MAXUINT, &error);

  g_assert_no_error (error);
  g_array_sort (list, scope_prefix_compare);
  return list;
}

static GArray *
addresses (const char *text)
{
  GArray *list = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));
  g_auto (GStrv) words = g_strsplit (text, ",", -1);

  for (char **word = words; *word; word++)
    scope_outside_add_text (list, *word);
  return list;
}

/* --- which routes -------------------------------------------------------------------------- */

static void
select_routes (const char *routes, const char *outside, const char *before, const char *selected, const char *others)
{
  g_autoptr (GArray) all = prefixes (routes), was = before ? prefixes (before) : NULL;
  g_autoptr (GArray) hosts = addresses (outside);
  g_autoptr (GArray) rest = NULL;
  g_autoptr (GArray) got = scope_outside_select (all, hosts, was, &rest);
  g_autofree char *got_text = scope_prefix_format_list (got), *rest_text = scope_prefix_format_list (rest);

  g_assert_cmpstr (got_text, ==, selected);
  g_assert_cmpstr (rest_text, ==, others);
}

static void
test_select (void)
{
  /* A network as most are: nothing but members and a LAN of which nobody is known. */
  select_routes ("10.77.0.2/32,192.168.7.0/24,fd77::2/128", "203.0.113.9:51820,[2001:db8::9]:51820", NULL, "",
                 "10.77.0.2/32,192.168.7.0/24,fd77::2/128");
  /* Somebody's address is in it: as an endpoint, as an address, in either family, in all that are around it. */
  select_routes ("10.0.0.0/8,192.168.7.0/24,192.168.8.0/24", "192.168.7.5:51820", NULL, "192.168.7.0/24",
                 "10.0.0.0/8,192.168.8.0/24");
  select_routes ("10.0.0.0/8,10.1.0.0/16,10.2.0.0/16", "10.1.2.3", NULL, "10.0.0.0/8,10.1.0.0/16", "10.2.0.0/16");
  select_routes ("fd01::/64,fd02::/64", "[fd02::5]:51820", NULL, "fd02::/64", "fd01::/64");
  select_routes ("203.0.113.9/32,203.0.113.10/32", "203.0.113.9:51820", NULL, "203.0.113.9/32", "203.0.113.10/32");
  /* Names and nonsense are nobody's address; neither is a network. */
  select_routes ("10.0.0.0/8", "relay.example:51820,,10.0.0.0/24", NULL, "", "10.0.0.0/8");
  /* Public ones, also in part. */
  select_routes ("128.0.0.0/1,198.51.100.0/24,100.64.0.0/10,100.0.0.0/8,2000::/3,fc00::/7,8000::/1", "", NULL,
                 "100.0.0.0/8,128.0.0.0/1,198.51.100.0/24,2000::/3,8000::/1", "100.64.0.0/10,fc00::/7");
  /* What was selected stays, as long as it is there. */
  select_routes ("10.0.0.0/8,192.168.7.0/24", "", "172.16.0.0/12,192.168.7.0/24", "192.168.7.0/24", "10.0.0.0/8");
}

/* --- which rules --------------------------------------------------------------------------- */

/* Length of the longest route of @table to @to, -1 without one. */
static int
look_up (const GArray *table, const ScopePrefix *to)
{
  int best = -1;

  for (guint i = 0; i < table->len; i++)
    {
      const ScopePrefix *route = &g_array_index (table, ScopePrefix, i);
      if (scope_prefix_contains (route, to))
        best = MAX (best, route->len);
    }
  return best;
}

/* As the kernel does it. Returns: whether the route is one of ours */
static gboolean
ask_kernel (const GArray *rules, const GArray *main_table, const GArray *ours, const ScopePrefix *to, gboolean marked, int *len)
{
  for (guint i = 0; i < rules->len; i++)
    {
      const ScopeRtnlRule *rule = &g_array_index (rules, ScopeRtnlRule, i);

      if (rule->not_mark && marked)
        continue;
      *len = look_up (rule->table ? ours : main_table, to);
      if (*len > rule->longer)
        return rule->table == TABLE;
    }
  *len = look_up (main_table, to);
  return FALSE;
}

static ScopePrefix
random_prefix (GRand *rand, guint len)
{
  ScopePrefix prefix = { .family = AF_INET, .len = len };

  for (guint i = 0; i < 4; i++)
    prefix.addr[i] = g_rand_int_range (rand, 0, 4) << 6 | g_rand_int_range (rand, 0, 4);
  scope_prefix_mask (&prefix);
  return prefix;
}

static GArray *
random_table (GRand *rand, guint n)
{
  GArray *table = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));

  for (guint i = 0; i < n; i++)
    {
      ScopePrefix prefix = random_prefix (rand, g_rand_int_range (rand, 0, 33));
      g_array_append_val (table, prefix);
    }
  return table;
}

static void
test_rules_are_one_table (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (4);
  guint by_ours = 0, by_main = 0;

  for (guint round = 0; round < 500; round++)
    {
      g_autoptr (GArray) ours = random_table (rand, g_rand_int_range (rand, 1, 6));
      g_autoptr (GArray) main_table = random_table (rand, g_rand_int_range (rand, 0, 6));
      g_autoptr (GArray) rules = scope_policy_rules (ours, AF_INET, 20000, TABLE);

      for (guint i = 0; i < 50; i++)
        {
          ScopePrefix to = random_prefix (rand, 32);
          int len, in_ours = look_up (ours, &to), in_main = look_up (main_table, &to);

          g_assert_false (ask_kernel (rules, main_table, ours, &to, TRUE, &len));
          g_assert_cmpint (len, ==, in_main);
          g_assert_cmpint (ask_kernel (rules, main_table, ours, &to, FALSE, &len), ==, in_ours >= 0 && in_ours >= in_main);
          g_assert_cmpint (len, ==, MAX (in_ours, in_main));
          by_ours += in_ours >= 0 && in_ours >= in_main;
          by_main += in_main > in_ours;
        }
    }
  g_assert_cmpuint (by_ours, >, 1000);
  g_assert_cmpuint (by_main, >, 1000);
}

static void
test_rules (void)
{
  g_autoptr (GArray) routes = prefixes ("0.0.0.0/0,192.168.0.0/24,2000::/3,203.0.113.0/24");
  g_autoptr (GArray) ip4 = scope_policy_rules (routes, AF_INET, 20010, TABLE);
  g_autoptr (GArray) ip6 = scope_policy_rules (routes, AF_INET6, 20010, TABLE);
  g_autoptr (GArray) none = prefixes ("10.0.0.0/8");
  g_autoptr (GArray) nothing = scope_policy_rules (none, AF_INET6, 20010, TABLE);
  static const gint32 longer[] = { 24, 23, 0, -1 };

  g_assert_cmpuint (ip4->len, ==, 4); /* one pair for each length */
  for (guint i = 0; i < ip4->len; i++)
    {
      const ScopeRtnlRule *rule = &g_array_index (ip4, ScopeRtnlRule, i);

      g_assert_cmpint (rule->longer, ==, longer[i]);
      g_assert_cmpuint (rule->table, ==, i % 2 ? TABLE : 0);
      g_assert_cmpuint (rule->not_mark, ==, i % 2 ? SCOPE_FWMARK : 0);
      g_assert_cmpuint (rule->priority, ==, 20010);
    }
  g_assert_cmpuint (ip6->len, ==, 2);
  g_assert_cmpuint (nothing->len, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/policy/select", test_select);
  g_test_add_func ("/policy/rules", test_rules);
  g_test_add_func ("/policy/rules-are-one-table", test_rules_are_one_table);
  return g_test_run ();
}
