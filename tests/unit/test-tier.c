/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which relays are pipes (src/path/scope-tier.h), with time handed in. */
#include "path/scope-tier.h"

#define SECOND 1000
#define RELAYS 8

/* Relays 1 to RELAYS, and what is so among them */
typedef struct {
  ScopeTable *table;
  ScopeTier *tier;
  gint64 now;
  gboolean online[RELAYS + 1];
  gboolean direct[RELAYS + 1][RELAYS + 1];
  gboolean reached[RELAYS + 1][RELAYS + 1];
  guint changes;
} World;

static ScopeKey
key_of (guint n)
{
  ScopeKey key = { { n, 1 } };
  return key;
}

static void
on_changed (const ScopeKey *relay, gboolean pipe, gpointer user_data)
{
  World *world = user_data;

  g_assert_true (scope_tier_is_pipe (world->tier, relay) == pipe);
  world->changes++;
}

static void
join (World *world, guint n, gboolean master)
{
  ScopeKey key = key_of (n);

  world->online[n] = TRUE;
  scope_table_join (world->table, &key);
  scope_tier_join (world->tier, &key, master, world->now);
}

static void
leave (World *world, guint n)
{
  ScopeKey key = key_of (n);

  world->online[n] = FALSE;
  scope_table_leave (world->table, &key);
  scope_tier_leave (world->tier, &key, world->now);
}

/* @n relays that all see each other */
static void
begin (World *world, guint n)
{
  *world = (World) { .table = scope_table_new (), .tier = scope_tier_new (), .now = 1000 * SECOND };
  for (guint i = 1; i <= RELAYS; i++)
    for (guint j = 1; j <= RELAYS; j++)
      world->direct[i][j] = world->reached[i][j] = i != j;
  for (guint i = 1; i <= n; i++)
    join (world, i, FALSE);
}

static void
end (World *world)
{
  scope_table_free (world->table);
  scope_tier_free (world->tier);
}

/* Reports every 30 seconds, steps every 10. */
static void
run (World *world, guint seconds)
{
  for (guint s = 0; s < seconds; s += 10)
    {
      for (guint i = 1; i <= RELAYS; i++)
        for (guint j = 1; j <= RELAYS; j++)
          {
            ScopeKey a = key_of (i), b = key_of (j);

            if (!world->online[i] || !world->online[j] || i == j || world->now % (30 * SECOND))
              continue;
            scope_table_report (world->table, &a, &b, world->direct[i][j] ? 20 : SCOPE_TABLE_DOWN, 0, world->now);
            scope_tier_report (world->tier, &a, &b, world->reached[i][j], world->now);
          }
      scope_table_tick (world->table, world->now);
      scope_tier_step (world->tier, world->table, world->now, on_changed, world);
      world->now += 10 * SECOND;
    }
}

static gboolean
is_pipe (World *world, guint n)
{
  ScopeKey key = key_of (n);

  return scope_tier_is_pipe (world->tier, &key);
}

static void
part (World *world, guint a, guint b, gboolean reached)
{
  world->direct[a][b] = world->direct[b][a] = FALSE;
  world->reached[a][b] = world->reached[b][a] = reached;
}

static void
test_well (void)
{
  World world;

  begin (&world, 5);
  run (&world, 3600);
  g_assert_cmpuint (world.changes, ==, 0);
  end (&world);
}

/* Of 5 relays, N is 4 others: 2 links are enough, 1 is not. */
static void
test_direct (void)
{
  World world;

  begin (&world, 5);
  part (&world, 1, 2, TRUE);
  part (&world, 1, 3, TRUE);
  run (&world, 3600);
  g_assert_cmpuint (world.changes, ==, 0);
  end (&world);

  begin (&world, 5);
  part (&world, 1, 2, TRUE);
  part (&world, 1, 3, TRUE);
  part (&world, 1, 4, TRUE);
  run (&world, 150);
  g_assert_false (is_pipe (&world, 1)); /* two minutes, and thirty seconds that are bad */
  run (&world, 10);
  g_assert_true (is_pipe (&world, 1));
  g_assert_cmpuint (world.changes, ==, 1);

  /* until it is better, for a minute */
  run (&world, 3600);
  g_assert_cmpuint (world.changes, ==, 1);
  world.direct[1][2] = world.direct[2][1] = TRUE;
  run (&world, 60);
  g_assert_true (is_pipe (&world, 1));
  run (&world, 40);
  g_assert_false (is_pipe (&world, 1));
  run (&world, 3600);
  g_assert_cmpuint (world.changes, ==, 2);
  end (&world);
}

/* ceil (N / 2) for N from 1 */
static void
test_half (void)
{
  for (guint n = 2; n <= RELAYS; n++)
    for (guint links = 0; links < n; links++)
      {
        World world;

        begin (&world, n);
        for (guint j = 2 + links; j <= n; j++)
          part (&world, 1, j, TRUE);
        run (&world, 600);
        g_assert_cmpint (is_pipe (&world, 1), ==, links < n / 2);
        end (&world);
      }
}

/* One end's word is not enough for a link. */
static void
test_liar (void)
{
  World world;

  begin (&world, 5);
  for (guint j = 2; j <= 5; j++)
    world.direct[j][1] = FALSE;
  run (&world, 600);
  g_assert_true (is_pipe (&world, 1));
  g_assert_cmpuint (world.changes, ==, 1); /* and it does no harm to the others */
  end (&world);
}

/* Direct links to half of the others, but one of four is not reached: 75 %. */
static void
test_reach (void)
{
  World world;

  begin (&world, 5);
  part (&world, 1, 2, FALSE);
  run (&world, 170);
  g_assert_cmpuint (world.changes, ==, 0); /* no 150 seconds that count yet */
  run (&world, 60);
  g_assert_true (is_pipe (&world, 1));
  g_assert_true (is_pipe (&world, 2));
  g_assert_false (is_pipe (&world, 3));
  world.reached[1][2] = TRUE;
  run (&world, 400);
  g_assert_false (is_pipe (&world, 1));
  g_assert_true (is_pipe (&world, 2));
  end (&world);
}

/* A short loss of reach is no matter: 90 % of 150 seconds. */
static void
test_short (void)
{
  World world;

  begin (&world, 5);
  run (&world, 600);
  for (guint i = 0; i < 10; i++)
    {
      world.reached[1][2] = FALSE;
      run (&world, 60); /* a quarter, for 60 of 150 seconds */
      world.reached[1][2] = TRUE;
      run (&world, 300);
    }
  g_assert_cmpuint (world.changes, ==, 0);
  end (&world);
}

/* Who says nothing, and of whom nothing was heard for long */
static void
test_silent (void)
{
  World world;

  begin (&world, 3);
  for (guint j = 2; j <= 3; j++)
    world.direct[1][j] = world.reached[1][j] = FALSE;
  run (&world, 300);
  g_assert_true (is_pipe (&world, 1));
  g_assert_false (is_pipe (&world, 2));
  end (&world);
}

/* Where nobody says anything, relays are older than reports are: nothing is known of them. */
static void
test_old (void)
{
  World world;
  ScopeKey one = key_of (1), two = key_of (2);

  begin (&world, 3);
  for (guint i = 0; i < 360; i++)
    {
      scope_tier_step (world.tier, world.table, world.now, on_changed, &world);
      world.now += 10 * SECOND;
    }
  g_assert_cmpuint (world.changes, ==, 0);
  g_assert_false (scope_tier_is_waiting (world.tier));
  scope_tier_report (world.tier, &one, &two, FALSE, world.now); /* the first word */
  for (guint i = 0; i < 6; i++)
    {
      scope_tier_step (world.tier, world.table, world.now, on_changed, &world);
      world.now += 10 * SECOND;
    }
  g_assert_cmpuint (world.changes, ==, 3);
  end (&world);
}

/* Newcomers are not counted among the others: they have no links yet. */
static void
test_newcomers (void)
{
  World world;

  begin (&world, 2);
  run (&world, 600);
  for (guint n = 3; n <= RELAYS; n++)
    {
      join (&world, n, FALSE);
      for (guint j = 1; j < n; j++)
        part (&world, n, j, FALSE);
    }
  run (&world, 120);
  g_assert_cmpuint (world.changes, ==, 0);
  run (&world, 300);
  g_assert_cmpuint (world.changes, ==, RELAYS); /* they do count now */
  end (&world);
}

static void
test_master (void)
{
  World world;
  ScopeKey one;

  begin (&world, 0);
  join (&world, 1, TRUE);
  join (&world, 2, FALSE);
  part (&world, 1, 2, FALSE);
  run (&world, 600);
  g_assert_false (is_pipe (&world, 1));
  g_assert_true (is_pipe (&world, 2)); /* the master counts among the others */

  one = key_of (1);
  scope_tier_set_master (world.tier, &one, FALSE);
  run (&world, 60);
  g_assert_true (is_pipe (&world, 1));
  scope_tier_set_master (world.tier, &one, TRUE);
  g_assert_false (is_pipe (&world, 1));
  end (&world);
}

/* Coming again does not make it better; staying away does. */
static void
test_again (void)
{
  World world;

  begin (&world, 5);
  for (guint j = 2; j <= 5; j++)
    part (&world, 1, j, TRUE);
  run (&world, 600);
  g_assert_true (is_pipe (&world, 1));
  leave (&world, 1);
  g_assert_true (is_pipe (&world, 1));
  run (&world, 300);
  join (&world, 1, FALSE);
  run (&world, 30);
  g_assert_true (is_pipe (&world, 1));
  leave (&world, 1);
  run (&world, 700);
  join (&world, 1, FALSE);
  run (&world, 100);
  g_assert_false (is_pipe (&world, 1));
  run (&world, 100);
  g_assert_true (is_pipe (&world, 1));
  end (&world);
}

/* Links that are there for three minutes and away for three: few changes. */
static void
test_flapping (void)
{
  World world;
  guint hour[4];

  begin (&world, 5);
  for (guint h = 0; h < G_N_ELEMENTS (hour); h++)
    {
      world.changes = 0;
      for (guint i = 0; i < 10; i++)
        {
          for (guint j = 2; j <= 5; j++)
            world.direct[1][j] = world.direct[j][1] = FALSE;
          run (&world, 180);
          for (guint j = 2; j <= 5; j++)
            world.direct[1][j] = world.direct[j][1] = TRUE;
          run (&world, 180);
        }
      hour[h] = world.changes;
      g_test_message ("hour %u: %u changes", h, hour[h]);
    }
  g_assert_cmpuint (hour[0], <=, 8);
  g_assert_cmpuint (hour[1] + hour[2] + hour[3], <=, 6);
  end (&world);
}

/* No wake-ups when nothing can change: alone, or where nobody reports anything. */
static void
test_waiting (void)
{
  World world;

  begin (&world, 0);
  g_assert_false (scope_tier_is_waiting (world.tier));
  join (&world, 1, FALSE);
  g_assert_true (scope_tier_is_waiting (world.tier));
  run (&world, 10);
  g_assert_false (scope_tier_is_waiting (world.tier));
  join (&world, 2, FALSE);
  run (&world, 300);
  g_assert_true (scope_tier_is_waiting (world.tier));
  for (guint i = 0; i < 40; i++) /* both have fallen silent */
    scope_table_tick (world.table, world.now += 10 * SECOND), scope_tier_step (world.tier, world.table, world.now, NULL, NULL);
  g_assert_true (is_pipe (&world, 1) && is_pipe (&world, 2));
  g_assert_false (scope_tier_is_waiting (world.tier));
  g_assert_false (scope_table_is_waiting (world.table));

  /* alone again: as good as can be */
  leave (&world, 2);
  g_assert_true (scope_tier_is_waiting (world.tier));
  run (&world, 600);
  g_assert_false (is_pipe (&world, 1));
  g_assert_false (scope_tier_is_waiting (world.tier));
  end (&world);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tier/well", test_well);
  g_test_add_func ("/tier/direct", test_direct);
  g_test_add_func ("/tier/half", test_half);
  g_test_add_func ("/tier/liar", test_liar);
  g_test_add_func ("/tier/reach", test_reach);
  g_test_add_func ("/tier/short", test_short);
  g_test_add_func ("/tier/silent", test_silent);
  g_test_add_func ("/tier/old", test_old);
  g_test_add_func ("/tier/newcomers", test_newcomers);
  g_test_add_func ("/tier/master", test_master);
  g_test_add_func ("/tier/again", test_again);
  g_test_add_func ("/tier/flapping", test_flapping);
  g_test_add_func ("/tier/waiting", test_waiting);
  return g_test_run ();
}
