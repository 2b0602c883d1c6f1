/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-wg.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeWgDevice) device = scope_wg_device_parse_uapi ((const char *) data, size, &error);

  g_assert_true (!device == !!error);
  return 0;
}
