/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-session-private: the session's clocks, so that a test need not wait for hours.
 */
#pragma once

#include "peer/scope-session.h"

/**
 * ScopeSessionTimings:
 * @ping_ms: from ping to ping
 * @pong_ms: from a ping to anything that shows that the registry lives
 * @refresh_ms: from roster to roster when nobody announces a change: a safety net
 * @attempt_ms: one registry may take this long for the WebSocket
 * @fetch_ms: and this long for a whole roster
 * @stable_ms: a connection that lasted this long was a good one: its loss starts no back-off
 * @backoff_min_ms, @backoff_max_ms: pause after all registries have failed, doubled each time
 */
typedef struct {
  guint ping_ms;
  guint pong_ms;
  guint refresh_ms;
  guint attempt_ms;
  guint fetch_ms;
  guint stable_ms;
  guint backoff_min_ms;
  guint backoff_max_ms;
} ScopeSessionTimings;

/* Before scope_session_start(). */
ScopeSessionTimings *scope_session_timings (ScopeSession *session);
