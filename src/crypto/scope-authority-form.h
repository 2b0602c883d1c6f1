/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Members that payloads of the root and of peers have in common. Errors as scope-fields. */
#pragma once

#include "common/scope-fields.h"
#include "crypto/scope-authority.h"

/* SCOPE_ERROR_DENIED for a network that is not @network. */
gboolean scope_form_network (const ScopeFields *fields, const char *network, GError **error);

/* Seconds */
gboolean scope_form_time (const ScopeFields *fields, const char *name, gint64 *time, GError **error);

/* `issued` and `expires`, which is later */
gboolean scope_form_times (const ScopeFields *fields, gint64 *issued, gint64 *expires, GError **error);

/* What only rises: from 1, so that 0 stands for none yet */
gboolean scope_form_counter (const ScopeFields *fields, const char *name, guint64 *counter, GError **error);
gboolean scope_form_role (const ScopeFields *fields, const char *name, ScopeRole *role, GError **error);

/*
 * SCOPE_ERROR_DENIED unless @now is between; @what: begins the error. For `issued`, a clock may be SCOPE_CLOCK_SKEW
 * wrong.
 */
gboolean scope_form_check_times (const char *what, gint64 issued, gint64 expires, gint64 now, GError **error);
