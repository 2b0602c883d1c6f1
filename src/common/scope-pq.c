/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/scope-pq.h"

static const char *const names[] = { [SCOPE_PQ_OFF] = "off",
                                     [SCOPE_PQ_PREFERRED] = "preferred",
                                     [SCOPE_PQ_REQUIRED] = "required" };

const char *
scope_pq_to_string (ScopePq pq)
{
  g_return_val_if_fail (pq < G_N_ELEMENTS (names), NULL);
  return names[pq];
}

gboolean
scope_pq_parse (ScopePq *pq, const char *text)
{
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_strcmp0 (text, names[i]) == 0)
      {
        *pq = i;
        return TRUE;
      }
  return FALSE;
}
