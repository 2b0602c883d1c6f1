/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/scope-mapping.h"

#define HOLD SCOPE_MAPPING_HOLD_MS

static const ScopeMappingNeed alone = { .nat = SCOPE_NAT_OPEN, .mapped = TRUE, .keepalive = 20, .reachable = TRUE };

static void
test_who_needs_none (void)
{
  static const struct {
    ScopeMappingNeed need;
    gboolean wanted;
  } cases[] = {
    { { SCOPE_NAT_OPEN, TRUE, FALSE, 20, TRUE }, TRUE },
    { { SCOPE_NAT_UNKNOWN, TRUE, FALSE, 20, TRUE }, TRUE }, /* one server alone */
    { { SCOPE_NAT_NONE, FALSE, FALSE, 20, TRUE }, FALSE },
    { { SCOPE_NAT_UNKNOWN, FALSE, FALSE, 20, TRUE }, FALSE },
    { { SCOPE_NAT_CLOSED, TRUE, FALSE, 20, TRUE }, FALSE },
    { { SCOPE_NAT_DENY, FALSE, FALSE, 20, TRUE }, FALSE },
    { { SCOPE_NAT_OPEN, TRUE, TRUE, 20, TRUE }, FALSE },
    { { SCOPE_NAT_OPEN, TRUE, FALSE, 0, TRUE }, FALSE },
    { { SCOPE_NAT_OPEN, TRUE, FALSE, 20, FALSE }, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ScopeMapping mapping = { .due = G_MAXINT64 };

      scope_mapping_review (&mapping, &cases[i].need, 1000);
      g_assert_cmpint (mapping.due, ==, cases[i].wanted ? 1000 + HOLD : G_MAXINT64);
    }
}

/* Well within the 30 s after which the first routers forget, and not more often than that needs. */
static void
test_held (void)
{
  ScopeMapping mapping = { .due = G_MAXINT64 };
  gint64 now = 5000;

  g_assert_cmpint (HOLD, >=, 20000);
  g_assert_cmpint (HOLD, <=, 25000);
  scope_mapping_answered (&mapping, TRUE, now);
  g_assert_cmpint (mapping.due, ==, G_MAXINT64);
  scope_mapping_review (&mapping, &alone, now + 100);
  for (guint i = 0; i < 10; i++)
    {
      g_assert_cmpint (mapping.due, ==, now + HOLD);
      scope_mapping_review (&mapping, &alone, now + 200); /* nothing new */
      g_assert_cmpint (mapping.due, ==, now + HOLD);
      now = mapping.due;
      scope_mapping_asked (&mapping);
      g_assert_cmpint (mapping.due, ==, G_MAXINT64);
      scope_mapping_review (&mapping, &alone, now + 10);
      g_assert_cmpint (mapping.due, ==, G_MAXINT64);
      now += 40;
      scope_mapping_answered (&mapping, TRUE, now);
    }
}

/* Links hold it; when the last one goes there is as long as after any other packet. */
static void
test_links_come_and_go (void)
{
  ScopeMapping mapping = { .due = G_MAXINT64 };
  ScopeMappingNeed linked = alone;

  linked.held = TRUE;
  scope_mapping_review (&mapping, &alone, 1000);
  scope_mapping_review (&mapping, &linked, 2000);
  g_assert_cmpint (mapping.due, ==, G_MAXINT64);
  scope_mapping_review (&mapping, &linked, 100000);
  scope_mapping_review (&mapping, &alone, 101000);
  g_assert_cmpint (mapping.due, ==, 100000 + HOLD);
}

/* Nobody could ask us to meet, so it was let go: then it is to be looked at before anybody does. */
static void
test_back_again (void)
{
  ScopeMapping mapping = { .due = G_MAXINT64 };
  ScopeMappingNeed away = alone;

  away.reachable = FALSE;
  scope_mapping_answered (&mapping, TRUE, 1000);
  scope_mapping_review (&mapping, &alone, 1000);
  scope_mapping_review (&mapping, &away, 2000);
  g_assert_cmpint (mapping.due, ==, G_MAXINT64);
  scope_mapping_review (&mapping, &alone, 500000);
  g_assert_cmpint (mapping.due, ==, 500000);
}

static void
test_no_answer (void)
{
  ScopeMapping mapping = { .due = G_MAXINT64 };
  gint64 now = 1000;

  scope_mapping_review (&mapping, &alone, now);
  for (guint i = 1; i < 10; i++)
    {
      scope_mapping_asked (&mapping);
      scope_mapping_answered (&mapping, FALSE, now);
      g_assert_cmpint (mapping.due - now, ==, HOLD << MIN (i, 5));
      now = mapping.due;
    }
  scope_mapping_asked (&mapping);
  scope_mapping_answered (&mapping, TRUE, now);
  g_assert_cmpint (mapping.due, ==, now + HOLD);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mapping/who-needs-none", test_who_needs_none);
  g_test_add_func ("/mapping/held", test_held);
  g_test_add_func ("/mapping/links-come-and-go", test_links_come_and_go);
  g_test_add_func ("/mapping/back-again", test_back_again);
  g_test_add_func ("/mapping/no-answer", test_no_answer);
  return g_test_run ();
}
