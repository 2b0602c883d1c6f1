/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-prober: `probe` and `echo` of section 9 of data/protocol.md: how long a link takes there and back. It sends and
 * counts; when to probe is somebody else's decision. No I/O, the clock is handed in (µs, monotonic).
 */
#pragma once

#include "common/scope-key.h"

#include <json-glib/json-glib.h>

#define SCOPE_PROBER_SAMPLES 5          /* of each peer's round trips */
#define SCOPE_PROBER_OUTSTANDING 8      /* probes that wait for an echo, per peer: older ones are lost */
#define SCOPE_PROBER_LOST_USEC (10 * G_USEC_PER_SEC) /* and what has waited for so long */

typedef struct _ScopeProber ScopeProber;

/**
 * ScopeProberCalls:
 * @send: a frame for @to
 * @echo: one came back: @usec there and back, @size as it was asked for
 */
typedef struct {
  void (*send) (const ScopeKey *to, const char *text, gsize len, gpointer data);
  void (*echo) (const ScopeKey *from, gint64 usec, guint size, gpointer data);
} ScopeProberCalls;

ScopeProber *scope_prober_new (const ScopeProberCalls *calls, gpointer data);
void scope_prober_free (ScopeProber *prober);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeProber, scope_prober_free)

/* Sends a probe; @size: bytes that the frame is to have, 0 for as few as it takes: a path's MTU less 48 for the headers. */
void scope_prober_probe (ScopeProber *prober, const ScopeKey *to, guint size, gint64 now);

/**
 * scope_prober_take:
 * @type, @message: as ScopeChannelFunc has them
 *
 * Returns: whether it was a probe, which has been answered, or an echo
 */
gboolean scope_prober_take (ScopeProber *prober, const ScopeKey *from, const char *type, JsonObject *message, gint64 now);

/* The median of the last round trips of probes without a size, µs; -1 when there was none. */
gint64 scope_prober_rtt (const ScopeProber *prober, const ScopeKey *peer);

/* Probes without echo since the last echo, and since the beginning, those that still wait not among them. */
guint scope_prober_lost (const ScopeProber *prober, const ScopeKey *peer, guint *ever, gint64 now);

void scope_prober_forget (ScopeProber *prober, const ScopeKey *peer);
