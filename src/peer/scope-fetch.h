/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-fetch: asks the registry for the roster of one network, once: `GET /get`, with either form of
 * our key, a body of bounded length and a limit to the time that all of it may take.
 */
#pragma once

#include "peer/scope-api.h"
#include "wire/scope-roster.h"

typedef struct _ScopeFetch ScopeFetch;

/**
 * ScopeFetchDone:
 * @fetch: still the caller's; it may be freed here
 * @roster: (transfer full) (nullable): what came, or %NULL
 * @error: (transfer full) (nullable): then this: SCOPE_ERROR_NOT_LISTED, _DENIED, _TLS, _UNREACHABLE or
 *   _PROTOCOL, with the registry named
 */
typedef void (*ScopeFetchDone) (ScopeFetch *fetch, ScopeRoster *roster, GError *error, gpointer data);

/**
 * scope_fetch_new:
 * @api: whom to ask; its texts must outlive the fetch
 * @form: how to write the key first; the other form follows when that is not found
 * @limit_ms: for everything, from now to the last byte
 * @done: called once, later, unless the fetch is freed first
 * @data: for @done
 * @let_go: called with @data when nothing is under way any more, which for a fetch that was freed while it
 *   ran is later: a cancelled operation comes back, and its connection is closed by then
 *
 * Returns: (transfer full): the fetch, which runs
 */
ScopeFetch *scope_fetch_new (SoupSession *soup, const ScopeApi *api, ScopeApiKeyForm form, guint limit_ms,
                             ScopeFetchDone done, gpointer data, GDestroyNotify let_go);

/* Cancels it if it runs: @done is not called any more. */
void scope_fetch_free (ScopeFetch *fetch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeFetch, scope_fetch_free)

/* Whether it failed because its time was over. */
gboolean scope_fetch_timed_out (const ScopeFetch *fetch);

/* The form of the key that was asked with last: once there is a roster, the one that the registry takes. */
ScopeApiKeyForm scope_fetch_get_form (const ScopeFetch *fetch);

/* (transfer full) (nullable): numeric address of who answered */
char *scope_fetch_get_remote (const ScopeFetch *fetch);
