/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-mtu: src/peer/scope-mtu */
#include "config.h"

#include "peer/scope-mtu.h"

static void
test_choose (void)
{
  g_assert_cmpuint (scope_mtu_choose (1500, TRUE), ==, 1420);
  g_assert_cmpuint (scope_mtu_choose (1500, FALSE), ==, 1420);
  g_assert_cmpuint (scope_mtu_choose (1480, FALSE), ==, 1420);
  g_assert_cmpuint (scope_mtu_choose (1480, TRUE), ==, 1400);
  g_assert_cmpuint (scope_mtu_choose (1400, TRUE), ==, 1320);
  g_assert_cmpuint (scope_mtu_choose (1400, FALSE), ==, 1340);
  g_assert_cmpuint (scope_mtu_choose (1360, TRUE), ==, 1280);
  g_assert_cmpuint (scope_mtu_choose (1280, TRUE), ==, 1280);
  g_assert_cmpuint (scope_mtu_choose (576, FALSE), ==, 1280);
  g_assert_cmpuint (scope_mtu_choose (9000, TRUE), ==, 1420);
  g_assert_cmpuint (scope_mtu_choose (65536, TRUE), ==, 1420);
  g_assert_cmpuint (scope_mtu_choose (G_MAXUINT, TRUE), ==, 1420);
  g_assert_cmpuint (scope_mtu_choose (0, TRUE), ==, 1420);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mtu/choose", test_choose);
  return g_test_run ();
}
