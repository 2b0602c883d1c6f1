/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How far relays are from one of them (src/path/scope-least.h). */
#include "path/scope-least.h"

static ScopeKey
key_of (guint n)
{
  ScopeKey key = { { n, 1 } };
  return key;
}

static void
add (GArray *links, guint a, guint b, guint ms)
{
  ScopeLatency link = { key_of (MIN (a, b)), key_of (MAX (a, b)), ms };

  g_array_append_val (links, link);
}

/* @sum 0: not reached; @source 0: direct */
static void
expect (const GArray *links, guint from, guint to, guint sum, guint source)
{
  ScopeKey a = key_of (from), b = key_of (to), over = key_of (source);
  g_autoptr (GHashTable) ways = scope_least_from (links, &a);
  const ScopeLeast *way = g_hash_table_lookup (ways, &b);

  g_assert_cmpuint (way ? way->sum : 0, ==, sum);
  g_assert_null (g_hash_table_lookup (ways, &a));
  if (way && source)
    g_assert_true (scope_key_equal (&way->source, &over));
  else if (way)
    g_assert_true (scope_key_is_zero (&way->source));
}

static void
test_ways (void)
{
  g_autoptr (GArray) links = g_array_new (FALSE, FALSE, sizeof (ScopeLatency));

  expect (links, 1, 2, 0, 0);
  add (links, 1, 2, 100);
  add (links, 2, 3, 30);
  add (links, 3, 4, 5);
  expect (links, 1, 2, 100, 0);
  expect (links, 1, 3, 130, 2);
  expect (links, 3, 1, 130, 2);
  expect (links, 1, 4, 0, 0); /* three links are too many */
  add (links, 1, 4, 60);
  expect (links, 1, 3, 65, 4);
  expect (links, 2, 4, 35, 3);
  expect (links, 1, 2, 100, 0); /* 60 + 5 + 30 would be shorter, but are three */
  add (links, 2, 4, 40);
  expect (links, 1, 2, 100, 0); /* as long as 60 + 40: direct */
  g_array_index (links, ScopeLatency, 0).ms = 101;
  expect (links, 1, 2, 100, 4);
}

/* Of two that are equally long the lower key, in whichever order they come. */
static void
test_tie (void)
{
  for (guint turn = 0; turn < 2; turn++)
    {
      g_autoptr (GArray) links = g_array_new (FALSE, FALSE, sizeof (ScopeLatency));
      guint first = turn ? 5 : 4, second = turn ? 4 : 5;

      add (links, 1, first, 10);
      add (links, 2, first, 20);
      add (links, 1, second, 15);
      add (links, 2, second, 15);
      expect (links, 1, 2, 30, 4);
      expect (links, 2, 1, 30, 4);
    }
}

/* Both ends choose the same one: the way back is the reverse. */
static void
test_symmetric (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);

  for (guint round = 0; round < 50; round++)
    {
      g_autoptr (GArray) links = g_array_new (FALSE, FALSE, sizeof (ScopeLatency));

      for (guint a = 1; a < 12; a++)
        for (guint b = a + 1; b <= 12; b++)
          if (g_rand_int_range (rand, 0, 3))
            add (links, a, b, g_rand_int_range (rand, 1, 8));
      for (guint a = 1; a < 12; a++)
        for (guint b = a + 1; b <= 12; b++)
          {
            ScopeKey one = key_of (a), two = key_of (b);
            g_autoptr (GHashTable) there = scope_least_from (links, &one), back = scope_least_from (links, &two);
            const ScopeLeast *x = g_hash_table_lookup (there, &two), *y = g_hash_table_lookup (back, &one);

            g_assert_true (!x == !y);
            g_assert_true (!x || (x->sum == y->sum && scope_key_equal (&x->source, &y->source)));
          }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/least/ways", test_ways);
  g_test_add_func ("/least/tie", test_tie);
  g_test_add_func ("/least/symmetric", test_symmetric);
  return g_test_run ();
}
