/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-dialer: which registry to call, and when. Registries in order; when all have failed a pause,
 * jittered and doubled each time; the same complaint said only once. Whatever is spoken then, 0.0.x or
 * v1, is the session's.
 */
#pragma once

#include "common/scope-settings.h"

#include <libsoup/soup.h>

/**
 * ScopeDialerTimings:
 * @attempt_ms: one registry may take this long to be connected
 * @stable_ms: a connection that lasted this long was a good one: its loss starts no back-off
 * @backoff_min_ms, @backoff_max_ms: pause after all registries have failed, doubled each time
 */
typedef struct {
  guint attempt_ms;
  guint stable_ms;
  guint backoff_min_ms;
  guint backoff_max_ms;
} ScopeDialerTimings;

/**
 * ScopeDialerCalls:
 * @dial: connect to scope_dialer_registry() now, then call scope_dialer_connected() or _lost()
 * @late: it took too long: end the attempt and call scope_dialer_lost() with @error (transfer full)
 * @failed: every registry was tried and none served us for long
 */
typedef struct {
  void (*dial) (gpointer data);
  void (*late) (GError *error, gpointer data);
  void (*failed) (const GError *error, gpointer data);
} ScopeDialerCalls;

typedef struct _ScopeDialer ScopeDialer;

/* @error: SCOPE_ERROR_INVALID when the CA file cannot be read */
ScopeDialer *scope_dialer_new (const ScopeSettings *settings, const ScopeDialerCalls *calls, gpointer data,
                               GError **error);
void scope_dialer_free (ScopeDialer *dialer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeDialer, scope_dialer_free)

/* Before scope_dialer_start(). */
ScopeDialerTimings *scope_dialer_timings (ScopeDialer *dialer);

SoupSession *scope_dialer_soup (ScopeDialer *dialer);
const char *scope_dialer_registry (ScopeDialer *dialer);

/* Dials at once, as if nothing had ever failed. */
void scope_dialer_start (ScopeDialer *dialer);
void scope_dialer_stop (ScopeDialer *dialer);

/* While paused nothing is dialed; what is under way goes on. Afterwards scope_dialer_start() is needed. */
void scope_dialer_pause (ScopeDialer *dialer, gboolean paused);

/* The attempt's time limit is over; the connection itself may still turn out to be no good. */
void scope_dialer_connected (ScopeDialer *dialer);

/* It is good: we are served. And no more: its loss starts a back-off, however long it lasted. */
void scope_dialer_served (ScopeDialer *dialer);
void scope_dialer_spoiled (ScopeDialer *dialer);

/* (transfer full) @error: the connection, or the attempt, has ended: the next registry at once, or a pause. */
void scope_dialer_lost (ScopeDialer *dialer, GError *error);

/* Milliseconds to wait after so many failures in a row. */
guint scope_dialer_backoff (ScopeDialer *dialer, guint failures);
