/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-v1-session: our conversation with the registry about one network in v1: a WebSocket, challenge,
 * hello, welcome, then messages both ways (data/protocol.md, section 5). It knows the line, not what is
 * said: whom to believe is the member's matter.
 */
#pragma once

#include "peer/scope-dialer.h"
#include "wire/scope-v1.h"

#define SCOPE_TYPE_V1_SESSION (scope_v1_session_get_type ())
G_DECLARE_FINAL_TYPE (ScopeV1Session, scope_v1_session, SCOPE, V1_SESSION, GObject)

/**
 * ScopeV1SessionCalls:
 * @hello: returns the hello to answer @challenge with (transfer full), or %NULL with an error: this registry is
 *   not ours
 * @message: everything from the welcome on, but for pings and errors
 * @lost: the connection has ended; the session goes on trying
 * @failed: every registry was tried and none served us for long; @error as scope_session's, for a refusal with the
 *   registry's own words
 * @absent: (nullable): the registry answers, but does not know v1; without it that counts as a failure
 */
typedef struct {
  char *(*hello) (const ScopeV1Message *challenge, gpointer data, GError **error);
  void (*message) (ScopeV1Message *message, gpointer data);
  void (*lost) (gpointer data);
  void (*failed) (const GError *error, gpointer data);
  void (*absent) (gpointer data);
} ScopeV1SessionCalls;

/* @calls: borrowed. @error: SCOPE_ERROR_INVALID when the CA file cannot be read */
ScopeV1Session *scope_v1_session_new (const ScopeSettings *settings, const ScopeV1SessionCalls *calls, gpointer data,
                                      GError **error);

/* Before scope_v1_session_start(). */
ScopeDialerTimings *scope_v1_session_timings (ScopeV1Session *session);

void scope_v1_session_start (ScopeV1Session *session);

/* Ends everything at once; nothing is called any more. */
void scope_v1_session_stop (ScopeV1Session *session);

/* The network changed below us: drop what we have and connect now. */
void scope_v1_session_kick (ScopeV1Session *session);

/* While paused no connection is begun; one that is open stays. Over with scope_v1_session_kick() after it. */
void scope_v1_session_pause (ScopeV1Session *session, gboolean paused);

/* What the registry said is not to be borne: end this connection. @error: (transfer full) */
void scope_v1_session_reject (ScopeV1Session *session, GError *error);

/* Sends a frame when the session is open (welcomed), else drops it. */
gboolean scope_v1_session_send (ScopeV1Session *session, const char *text);

/* The registry's clock minus ours, ms; 0 before it was heard. */
gint64 scope_v1_session_offset (ScopeV1Session *session);

/* URL of the registry that we speak with, or try to */
const char *scope_v1_session_get_registry (ScopeV1Session *session);

/* (nullable): numeric address of the registry that answered last */
const char *scope_v1_session_get_gateway (ScopeV1Session *session);

/* (nullable) (transfer full): our numeric address on the way to the registry, while there is a connection */
char *scope_v1_session_dup_local (ScopeV1Session *session);
