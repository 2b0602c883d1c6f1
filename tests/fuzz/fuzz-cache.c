/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-cache.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *gateway = NULL;
  g_autoptr (ScopeRoster) roster = scope_cache_parse ((const char *) data, size, &gateway, &error);

  g_assert_true (!roster == !!error);
  g_assert_true (roster || !gateway);
  return 0;
}
