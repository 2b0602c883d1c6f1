/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the root may have signed: each payload as each of its kinds, written and read again. */
#include "common/scope-error.h"
#include "common/scope-json.h"
#include "crypto/scope-authority-private.h"

#include <string.h>

#define NETWORK "home"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
refused (const GError *error)
{
  g_assert_true (scope_err_denied (error) || g_error_matches (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL));
}

#define TRY(Type, name)                                                                                               \
  static void try_##name (JsonObject *payload)                                                                        \
  {                                                                                                                   \
    g_autoptr (GError) error = NULL;                                                                                  \
    g_autoptr (Type) value = scope_##name##_parse (payload, NETWORK, &error);                                         \
    g_autoptr (Type) again = NULL;                                                                                    \
    g_autoptr (JsonObject) object = NULL;                                                                             \
    g_autofree char *text = NULL, *text_again = NULL;                                                                 \
                                                                                                                      \
    if (!value)                                                                                                       \
      {                                                                                                               \
        refused (error);                                                                                              \
        return;                                                                                                       \
      }                                                                                                               \
    text = scope_##name##_format (value);                                                                             \
    object = scope_json_parse_object_strict (text, strlen (text), 2 * SCOPE_JWS_MAX_BYTES, &error);                   \
    g_assert_no_error (error);                                                                                        \
    again = scope_##name##_parse (object, NETWORK, &error);                                                           \
    g_assert_no_error (error);                                                                                        \
    text_again = scope_##name##_format (again);                                                                       \
    g_assert_cmpstr (text_again, ==, text);                                                                           \
  }

TRY (ScopeDelegation, delegation)
TRY (ScopeGrant, grant)
TRY (ScopeInvite, invite)
TRY (ScopeKill, kill)
TRY (ScopeRevocation, revocation)

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (JsonObject) payload =
      scope_json_parse_object_strict ((const char *) data, size, SCOPE_JWS_MAX_BYTES, NULL);
  g_autoptr (GError) error = NULL;
  const char *what;
  gint64 issued;

  if (!payload)
    return 0;
  try_delegation (payload);
  try_grant (payload);
  try_invite (payload);
  try_kill (payload);
  try_revocation (payload);
  if (scope_query_parse (payload, NETWORK, &what, &issued, &error))
    g_assert_true (what && issued >= 0);
  else
    refused (error);
  return 0;
}
