/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-session-private: the session's clocks, so that a test need not wait for hours.
 */
#pragma once

#include "peer/scope-dialer.h"
#include "peer/scope-session.h"

/**
 * ScopeSessionTimings:
 * @ping_ms: from ping to ping
 * @pong_ms: from a ping to anything that shows that the registry lives
 * @refresh_ms: from roster to roster when nobody announces a change: a safety net
 * @fetch_ms: a whole roster may take this long
 */
typedef struct {
  guint ping_ms;
  guint pong_ms;
  guint refresh_ms;
  guint fetch_ms;
} ScopeSessionTimings;

/* Before scope_session_start(). */
ScopeSessionTimings *scope_session_timings (ScopeSession *session);
ScopeDialerTimings *scope_session_dialer_timings (ScopeSession *session);
