/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/scope-error.h"

#include <gio/gio.h>

G_DEFINE_QUARK (scope-error-quark, scope_error)

#define SCOPE_DEFINE_PREDICATE(name, CODE)                              \
  gboolean scope_err_##name (const GError *error)                       \
  {                                                                     \
    return g_error_matches (error, SCOPE_ERROR, SCOPE_ERROR_##CODE);    \
  }

SCOPE_DEFINE_PREDICATE (invalid, INVALID)
SCOPE_DEFINE_PREDICATE (not_listed, NOT_LISTED)
SCOPE_DEFINE_PREDICATE (denied, DENIED)
SCOPE_DEFINE_PREDICATE (expired, EXPIRED)
SCOPE_DEFINE_PREDICATE (unconfirmed, UNCONFIRMED)
SCOPE_DEFINE_PREDICATE (unreachable, UNREACHABLE)
SCOPE_DEFINE_PREDICATE (tls, TLS)
SCOPE_DEFINE_PREDICATE (taken, TAKEN)
SCOPE_DEFINE_PREDICATE (gone, GONE)
SCOPE_DEFINE_PREDICATE (killed, KILLED)

gboolean
scope_err_invite (const GError *error)
{
  return g_error_matches (error, SCOPE_ERROR, SCOPE_ERROR_INVITE) || scope_err_expired (error);
}

gboolean
scope_err_cancelled (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

gboolean
scope_deny (GError **error, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_DENIED, message);
  return FALSE;
}
