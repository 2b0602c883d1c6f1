/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-error: the one error domain. Codes say what kind of thing went wrong, so that a caller can
 * choose (retry, give up, tell the user); the message says what was tried, on what, and what to do.
 * Ask with the scope_err_*() predicates instead of comparing codes.
 */
#pragma once

#include <glib.h>

#define SCOPE_ERROR (scope_error_quark ())

/**
 * ScopeError:
 * @SCOPE_ERROR_FAILED: anything without a better code
 * @SCOPE_ERROR_INVALID: input (setting, file, message) is wrong; the message names the field
 * @SCOPE_ERROR_NOT_LISTED: the registry does not list this key in the network
 * @SCOPE_ERROR_DENIED: the registry refuses: it does not serve this network to us
 * @SCOPE_ERROR_INVITE: the invite (join token) was used already
 * @SCOPE_ERROR_EXPIRED: the invite has expired
 * @SCOPE_ERROR_UNCONFIRMED: nobody has said yet whether the network's root key is the right one
 * @SCOPE_ERROR_UNREACHABLE: no route, no answer, name not found: worth a retry
 * @SCOPE_ERROR_TLS: certificate or handshake refused
 * @SCOPE_ERROR_TAKEN: interface name or port is used by somebody else
 * @SCOPE_ERROR_PROTOCOL: the other side answers, but not as a registry or WireGuard device does
 * @SCOPE_ERROR_UNSUPPORTED: this machine lacks what is needed (no TUN, no WireGuard)
 * @SCOPE_ERROR_KILLED: the network's root key ordered it down
 * @SCOPE_ERROR_GONE: the interface, or the process that held it, went away
 */
typedef enum {
  SCOPE_ERROR_FAILED,
  SCOPE_ERROR_INVALID,
  SCOPE_ERROR_NOT_LISTED,
  SCOPE_ERROR_DENIED,
  SCOPE_ERROR_INVITE,
  SCOPE_ERROR_EXPIRED,
  SCOPE_ERROR_UNCONFIRMED,
  SCOPE_ERROR_UNREACHABLE,
  SCOPE_ERROR_TLS,
  SCOPE_ERROR_TAKEN,
  SCOPE_ERROR_PROTOCOL,
  SCOPE_ERROR_UNSUPPORTED,
  SCOPE_ERROR_GONE,
  SCOPE_ERROR_KILLED,
} ScopeError;

GQuark scope_error_quark (void);

gboolean scope_err_invalid (const GError *error);
gboolean scope_err_not_listed (const GError *error);
gboolean scope_err_denied (const GError *error);
gboolean scope_err_invite (const GError *error); /* used or expired */
gboolean scope_err_expired (const GError *error);
gboolean scope_err_unconfirmed (const GError *error);
gboolean scope_err_unreachable (const GError *error);
gboolean scope_err_tls (const GError *error);
gboolean scope_err_taken (const GError *error);
gboolean scope_err_gone (const GError *error);
gboolean scope_err_killed (const GError *error);
gboolean scope_err_cancelled (const GError *error);

/* Sets SCOPE_ERROR_DENIED and returns FALSE. */
gboolean scope_deny (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);
