/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-session: our conversation with the registry about one network: the 0.0.x API over libsoup.
 * A WebSocket for `ping` and `peerUpdate`, `GET /get` for the roster, `POST /update` to announce
 * ourselves. Registries are tried in order; a lost one is tried again with jittered exponential
 * back-off, at once after scope_session_kick().
 */
#pragma once

#include "common/scope-settings.h"
#include "wire/scope-roster.h"

#include <gio/gio.h>

#define SCOPE_TYPE_SESSION (scope_session_get_type ())
G_DECLARE_FINAL_TYPE (ScopeSession, scope_session, SCOPE, SESSION, GObject)

/**
 * scope_session_new:
 * @settings: registries, network and CA
 * @own: our public key
 * @error: SCOPE_ERROR_INVALID when the CA file cannot be read
 *
 * Signals:
 * - "roster": there is a fresh roster: scope_session_take_roster()
 * - "failed" (GError): every registry was tried and none served us for long; the error is the last one's
 *   (SCOPE_ERROR_DENIED, _NOT_LISTED, _TLS, _UNREACHABLE, _PROTOCOL). The session goes on trying.
 * - "open": the WebSocket is up, and the first roster has come
 */
ScopeSession *scope_session_new (const ScopeSettings *settings, const ScopeKey *own, GError **error);

void scope_session_start (ScopeSession *session);

/* Ends everything at once; no signal comes any more. */
void scope_session_stop (ScopeSession *session);

/* The network changed below us: drop what we have and connect now. */
void scope_session_kick (ScopeSession *session);

/* While paused no connection is begun; one that is open stays. Over with scope_session_kick() after it. */
void scope_session_pause (ScopeSession *session, gboolean paused);

/* (transfer full) (nullable): the newest roster, once */
ScopeRoster *scope_session_take_roster (ScopeSession *session);

gboolean scope_session_is_open (ScopeSession *session);

/* Tell the others that they should look again: POST /update. */
void scope_session_announce (ScopeSession *session);

/* (nullable): numeric address of the registry that answered last */
const char *scope_session_get_gateway (ScopeSession *session);
