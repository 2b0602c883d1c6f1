/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files from anybody: the decoders stand them, and what they accept can be exported, without secrets, and read again. */
#include "config.h"

#include "properties/scope-import.h"
#include "properties/scope-profile.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (NMConnection) connection = scope_import_bytes ((const char *) data, size, notes, &error);
  g_autoptr (NMConnection) again = NULL;
  g_autofree char *text = NULL;
  gsize len;

  g_assert_true (connection ? !error : error && *error->message && g_utf8_validate (error->message, -1, NULL));
  if (!connection)
    return 0;
  for (guint i = 0; i < notes->len; i++)
    g_assert_true (g_utf8_validate (notes->pdata[i], -1, NULL));
  text = scope_profile_encode (connection, &len, NULL);
  g_assert_nonnull (text);
  again = scope_import_bytes (text, len, NULL, NULL);
  g_assert_nonnull (again);
  nm_connection_clear_secrets (connection);
  g_assert_true (nm_connection_compare (connection, again, NM_SETTING_COMPARE_FLAG_EXACT));
  return 0;
}
