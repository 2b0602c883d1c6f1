/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-path-attach: which relay an edge is attached to. */
#include "path-small.h"

/* The edge's relay dies without a word; the registry may be gone. */
static void
test_attachment_dies (gconstpointer data)
{
  Small w = small_new (5, FALSE);

  if (data)
    {
      sim_registry (w.sim, FALSE);
      sim_pass (w.sim, 10 * SECOND);
    }
  sim_kill (w.sim, w.r);
  sim_pass (w.sim, SIM_DETECT_MAX_MS + 300);
  g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.t);
  sim_assert_connected (w.sim, w.a, w.b, 3);
  sim_assert_connected (w.sim, w.a, w.s, 2);
  /* back: a returns, but not before it was better for 300 s */
  sim_revive (w.sim, w.r);
  sim_pass (w.sim, 4 * MINUTE + 50 * SECOND);
  g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.t);
  sim_assert_connected (w.sim, w.a, w.b, 3);
  sim_pass (w.sim, 3 * MINUTE);
  g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.r);
  sim_assert_connected (w.sim, w.a, w.b, 3);
  sim_free (w.sim);
}

/* With a goodbye it takes a one-way delay. */
static void
test_attachment_leaves (void)
{
  Small w = small_new (6, FALSE);

  sim_leave (w.sim, w.r);
  g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.t);
  sim_pass (w.sim, 100);
  sim_assert_connected (w.sim, w.a, w.b, 3);
  sim_free (w.sim);
}

/* Everything between a and b but their link is gone: that, though it was held down. */
static void
test_lone (void)
{
  Small w = small_new (7, TRUE);

  sim_cut (w.sim, w.a, w.b, TRUE);
  sim_pass (w.sim, 5 * SECOND);
  sim_cut (w.sim, w.a, w.b, FALSE);
  sim_pass (w.sim, 2 * SECOND);
  sim_assert_connected (w.sim, w.a, w.b, 3);
  sim_cut (w.sim, w.a, w.r, TRUE);
  sim_cut (w.sim, w.a, w.t, TRUE);
  sim_pass (w.sim, SIM_DETECT_MAX_MS + 200);
  g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, G_MAXUINT);
  sim_assert_connected (w.sim, w.a, w.b, 1);
  sim_assert_hop (w.sim, w.a, w.s, G_MAXUINT); /* never a relay that it is not attached to */
  sim_free (w.sim);
}

/* A pipe is left for a relay, a master is the last resort. */
static void
test_classes (void)
{
  Sim *sim = sim_new (10);
  guint master = sim_add (sim, SCOPE_ROLE_MASTER), r = sim_add (sim, SCOPE_ROLE_RELAY), s = sim_add (sim, SCOPE_ROLE_RELAY);
  guint a = sim_add (sim, SCOPE_ROLE_EDGE);

  sim_know_all (sim);
  for (guint i = 0; i < 3; i++)
    for (guint j = 0; j < i; j++)
      sim_link (sim, i, j, 20, 0);
  sim_link (sim, a, master, 4, 0);
  sim_link (sim, a, r, 30, 0);
  sim_link (sim, a, s, 60, 0);
  sim_start (sim);
  sim_pass (sim, 10 * SECOND);
  g_assert_cmpuint (sim_attachment (sim, a), ==, r);
  sim_pipe (sim, r);
  sim_pass (sim, SECOND);
  g_assert_cmpuint (sim_attachment (sim, a), ==, s);
  sim_assert_connected (sim, a, r, 2);
  sim_kill (sim, s);
  sim_pass (sim, 3 * SECOND);
  g_assert_cmpuint (sim_attachment (sim, a), ==, r);
  g_assert_cmpint (sim_way (sim, a, master), ==, SCOPE_PATH_WAY_PIPE);
  sim_kill (sim, r);
  sim_pass (sim, 3 * SECOND);
  g_assert_cmpuint (sim_attachment (sim, a), ==, master);
  sim_free (sim);
}

/* The exit's relay, however slow, as long as its link works; then the usual rules, until its hold is over. */
static void
test_prefers (void)
{
  Small w = small_new (20, FALSE);

  g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.r);
  sim_prefer (w.sim, w.a, w.t);
  sim_pass (w.sim, SECOND);
  g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.t);
  sim_assert_connected (w.sim, w.a, w.b, 3);
  for (guint i = 0; i < 20; i++)
    {
      sim_pass (w.sim, MINUTE);
      g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.t);
    }
  sim_find_link (w.sim, w.a, w.t)->loss = 50;
  sim_pipe (w.sim, w.t);
  for (guint i = 0; i < 20; i++)
    {
      sim_pass (w.sim, MINUTE);
      g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.t);
    }
  sim_find_link (w.sim, w.a, w.t)->loss = 0;

  sim_cut (w.sim, w.a, w.t, TRUE);
  sim_pass (w.sim, SIM_DETECT_MAX_MS + SECOND);
  g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.r);
  sim_assert_connected (w.sim, w.a, w.b, 3);
  sim_cut (w.sim, w.a, w.t, FALSE);
  sim_pass (w.sim, 10 * SECOND);
  sim_pipe (w.sim, w.s); /* it looks again */
  sim_pass (w.sim, 10 * SECOND);
  g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.r);
  sim_pass (w.sim, 12 * SECOND);
  g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.t);
  sim_assert_connected (w.sim, w.a, w.b, 3);

  sim_prefer (w.sim, w.a, w.r);
  sim_pass (w.sim, 10);
  sim_prefer (w.sim, w.a, w.t); /* under way to r */
  sim_pass (w.sim, 2 * SECOND);
  g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.t);

  sim_prefer (w.sim, w.a, G_MAXUINT);
  sim_pass (w.sim, 30 * MINUTE);
  g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.r);
  sim_free (w.sim);
}

/* It comes up while another change is under way, when there is no other one, or is none any more. */
static void
test_prefers_late (void)
{
  for (guint ms = 0; ms <= 600; ms += 20)
    {
      Small w = small_new (21, FALSE);

      sim_cut (w.sim, w.a, w.t, TRUE);
      sim_prefer (w.sim, w.a, w.t);
      sim_pass (w.sim, 10 * MINUTE); /* its hold is over */
      g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.r);
      sim_cut (w.sim, w.a, w.t, FALSE);
      sim_pass (w.sim, ms);
      sim_cut (w.sim, w.a, w.r, TRUE);
      sim_pass (w.sim, SIM_DETECT_MAX_MS + SECOND);
      g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.t);
      sim_cut (w.sim, w.a, w.r, FALSE);
      sim_pass (w.sim, 10 * MINUTE);
      g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.t);
      sim_assert_connected (w.sim, w.a, w.b, 3);
      sim_prefer (w.sim, w.a, w.b); /* no relay */
      sim_pass (w.sim, 20 * MINUTE);
      g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.r);
      sim_free (w.sim);
    }
}

static guint
moves (Sim *sim, guint edge, gint64 ms)
{
  guint at = sim_attachment (sim, edge), n = 0;

  for (gint64 end = sim_now (sim) + ms; sim_now (sim) < end;)
    {
      sim_pass (sim, 10);
      if (sim_attachment (sim, edge) != at)
        n++;
      at = sim_attachment (sim, edge);
    }
  return n;
}

#define LEFT_MS (SIM_DETECT_MAX_MS + 6 * SECOND)

/* a's relay works for a, and reaches nobody else: a leaves it, and comes back when it was better for 300 s. */
static void
test_alone (gconstpointer data)
{
  for (guint64 seed = 40; seed < 48; seed++)
    {
      Small w = small_new (seed, FALSE);

      if (data)
        {
          sim_registry (w.sim, FALSE);
          sim_pass (w.sim, 10 * SECOND);
        }
      g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.r);
      sim_cut (w.sim, w.r, w.s, TRUE);
      sim_pass (w.sim, 10 * SECOND);
      g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.r);
      sim_assert_connected (w.sim, w.a, w.b, 4);
      sim_cut (w.sim, w.r, w.t, TRUE);
      g_assert_cmpuint (moves (w.sim, w.a, LEFT_MS), ==, 1);
      g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.t);
      sim_assert_connected (w.sim, w.a, w.b, 3);
      g_assert_cmpuint (moves (w.sim, w.a, 30 * MINUTE), ==, 0);
      sim_kill (w.sim, w.a); /* a new life hears of it at once */
      sim_revive (w.sim, w.a);
      sim_pass (w.sim, SIM_CONNECT_MAX_MS + LEFT_MS);
      g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.t);
      sim_assert_connected (w.sim, w.a, w.b, 3);
      g_assert_cmpuint (moves (w.sim, w.a, 10 * MINUTE), ==, 0);
      sim_cut (w.sim, w.r, w.t, FALSE);
      g_assert_cmpuint (moves (w.sim, w.a, 4 * MINUTE + 50 * SECOND), ==, 0);
      g_assert_cmpuint (moves (w.sim, w.a, 5 * MINUTE), ==, 1);
      g_assert_cmpuint (sim_attachment (w.sim, w.a), ==, w.r);
      g_assert_cmpuint (moves (w.sim, w.a, 10 * MINUTE), ==, 0);
      sim_free (w.sim);
    }
}

/* A link that is lost for a moment is no reason, nor is a relay without others. */
static void
test_alone_for_a_moment (void)
{
  Small w = small_new (50, FALSE);
  Sim *sim = sim_new (51);
  guint r = sim_add (sim, SCOPE_ROLE_RELAY), a = sim_add (sim, SCOPE_ROLE_EDGE);

  sim_cut (w.sim, w.r, w.s, TRUE);
  sim_pass (w.sim, 10 * SECOND);
  for (guint i = 0; i < 20; i++)
    {
      sim_cut (w.sim, w.r, w.t, TRUE);
      g_assert_cmpuint (moves (w.sim, w.a, 1600), ==, 0);
      sim_cut (w.sim, w.r, w.t, FALSE);
      g_assert_cmpuint (moves (w.sim, w.a, MINUTE), ==, 0);
    }
  sim_free (w.sim);

  sim_know_all (sim);
  sim_link (sim, a, r, 20, 0);
  sim_start (sim);
  sim_pass (sim, MINUTE);
  g_assert_cmpuint (sim_attachment (sim, a), ==, r);
  g_assert_cmpuint (moves (sim, a, 10 * MINUTE), ==, 0);
  sim_free (sim);
}

/* Two relays that lose each other: whoever has links to both goes to the same one, once. */
static void
test_gather (void)
{
  for (guint64 seed = 60; seed < 76; seed++)
    {
      Sim *sim = sim_new (seed);
      guint r = sim_add (sim, SCOPE_ROLE_RELAY), s = sim_add (sim, SCOPE_ROLE_RELAY);
      guint a = sim_add (sim, SCOPE_ROLE_EDGE), b = sim_add (sim, SCOPE_ROLE_EDGE), n;

      sim_know_all (sim);
      sim_link (sim, r, s, 20, 0);
      sim_link (sim, a, r, 10, 0);
      sim_link (sim, a, s, 60, 0);
      sim_link (sim, b, s, 10, 0);
      sim_link (sim, b, r, 60, 0);
      sim_start (sim);
      sim_pass (sim, 30 * SECOND);
      sim_assert_connected (sim, a, b, 3);
      sim_cut (sim, r, s, TRUE);
      n = moves (sim, a, LEFT_MS);
      sim_assert_connected (sim, a, b, 2);
      g_assert_cmpuint (n, ==, sim_attachment (sim, a) == s);
      g_assert_cmpuint (moves (sim, a, 20 * MINUTE), ==, 0);
      sim_assert_connected (sim, a, b, 2);
      sim_cut (sim, r, s, FALSE);
      sim_pass (sim, 20 * MINUTE);
      sim_assert_connected (sim, a, b, 3);
      sim_free (sim);
    }
}

/* The root makes a relay of an edge that runs, and whose links are up; and takes it back. */
static void
test_turned (void)
{
  ScopePathMember other = { .key = { { 2 } }, .role = SCOPE_ROLE_EDGE, .online = TRUE };
  ScopeKey own = { { 1 } }, relay;
  ScopePath *path = scope_path_new (&own, SCOPE_ROLE_EDGE, 1);

  scope_path_member (path, 1000, &other);
  scope_path_link_up (path, 1010, &other.key, 20);
  scope_path_attachment (path, &relay);
  g_assert_true (scope_key_is_zero (&relay));
  other.role = SCOPE_ROLE_RELAY;
  scope_path_member (path, 2000, &other);
  scope_path_attachment (path, &relay);
  g_assert_true (scope_key_equal (&relay, &other.key));
  other.role = SCOPE_ROLE_EDGE;
  scope_path_member (path, 3000, &other);
  scope_path_attachment (path, &relay);
  g_assert_true (scope_key_is_zero (&relay));
  scope_path_free (path);
}

/* A better relay, once we have looked around; it has died meanwhile, or answers. */
static void
test_moving (gconstpointer dead)
{
  ScopePathMember r = { .key = { { 2 } }, .role = SCOPE_ROLE_RELAY, .online = TRUE };
  ScopePathMember s = { .key = { { 3 } }, .role = SCOPE_ROLE_RELAY, .online = TRUE };
  ScopePathMessage heard = { .type = SCOPE_PATH_HEARD };
  ScopeKey own = { { 1 } }, relay;
  ScopePath *path = scope_path_new (&own, SCOPE_ROLE_EDGE, 1);
  ScopePathSend send;
  gint64 now = 1000;

  scope_path_member (path, now, &r);
  scope_path_member (path, now, &s);
  scope_path_link_up (path, now, &r.key, 80);
  g_assert_false (scope_path_is_moving (path));
  while (scope_path_pop (path, &send))
    if (send.message.type == SCOPE_PATH_ATTACH)
      heard.n = send.message.n;
  scope_path_handle (path, now, &r.key, TRUE, &heard);
  scope_path_link_up (path, now + 10, &s.key, 20);

  for (; !scope_path_is_moving (path) && now < 60000; now += 100)
    scope_path_tick (path, now);
  g_assert_true (scope_path_is_moving (path));
  scope_path_attachment (path, &relay);
  g_assert_true (scope_key_equal (&relay, &s.key));
  heard.n = 0;
  while (scope_path_pop (path, &send))
    if (send.message.type == SCOPE_PATH_ATTACH && scope_key_equal (&send.to, &s.key))
      heard.n = send.message.n;
  g_assert_cmpuint (heard.n, >, 0);

  if (dead)
    scope_path_link_down (path, now, &s.key);
  else
    scope_path_handle (path, now, &s.key, TRUE, &heard);
  scope_path_tick (path, now + 2000);
  g_assert_false (scope_path_is_moving (path));
  scope_path_attachment (path, &relay);
  g_assert_true (scope_key_equal (&relay, dead ? &r.key : &s.key));
  scope_path_free (path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  sim_verbose = g_getenv ("SCOPE_SIM_VERBOSE") != NULL;
  g_test_add_data_func ("/path/attachment-dies", NULL, test_attachment_dies);
  g_test_add_data_func ("/path/attachment-dies-without-registry", "gone", test_attachment_dies);
  g_test_add_func ("/path/attachment-leaves", test_attachment_leaves);
  g_test_add_func ("/path/lone", test_lone);
  g_test_add_func ("/path/classes", test_classes);
  g_test_add_func ("/path/prefers", test_prefers);
  g_test_add_func ("/path/prefers-late", test_prefers_late);
  g_test_add_data_func ("/path/alone", NULL, test_alone);
  g_test_add_data_func ("/path/alone-without-registry", "gone", test_alone);
  g_test_add_func ("/path/alone-for-a-moment", test_alone_for_a_moment);
  g_test_add_func ("/path/gather", test_gather);
  g_test_add_func ("/path/turned", test_turned);
  g_test_add_data_func ("/path/moving", NULL, test_moving);
  g_test_add_data_func ("/path/moving-to-a-dead-one", "dead", test_moving);
  return g_test_run ();
}
