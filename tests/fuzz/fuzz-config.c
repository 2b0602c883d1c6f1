/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-config.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GPtrArray) problems = registry_problems_new ();
  g_autoptr (RegistryConfig) config = registry_config_parse ((const char *) data, size, "/", problems);
  guint wrong = 0, line = 0;

  for (guint i = 0; i < problems->len; i++)
    {
      const RegistryProblem *problem = g_ptr_array_index (problems, i);
      g_autofree char *text = registry_problem_format (problem, "f");

      wrong += !problem->warning;
      g_assert_cmpuint (problem->line, >=, line); /* in order */
      line = problem->line;
      g_assert_nonnull (text);
    }
  g_assert_true ((config != NULL) == (wrong == 0));
  return 0;
}
