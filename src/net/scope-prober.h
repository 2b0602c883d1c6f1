/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-prober: `probe` and `echo` of section 9 of data/protocol.md: how long a link takes there and back. It sends and
 * counts; when to probe is somebody else's decision. No I/O, the clock is handed in (µs, monotonic).
 */
#pragma once

#include "common/scope-key.h"

#include <json-glib/json-glib.h>

#define SCOPE_PROBER_SAMPLES 5          /* of each peer's round trips */
#define SCOPE_PROBER_WINDOW 40          /* probes that loss is computed from */
#define SCOPE_PROBER_LOSS_MIN 8         /* fewer say nothing of it */
#define SCOPE_PROBER_LATE_USEC (G_USEC_PER_SEC / 2)  /* or four round trips: lost, unless the echo does come */
#define SCOPE_PROBER_LOST_USEC (10 * G_USEC_PER_SEC) /* no echo is taken any more */
#define SCOPE_PROBER_OLD_USEC (180 * G_USEC_PER_SEC) /* says nothing of today */

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

/* Per cent of the last SCOPE_PROBER_WINDOW probes without a size that had no echo, those that may still come not among them. */
guint scope_prober_loss (const ScopeProber *prober, const ScopeKey *peer, gint64 now);

/* It is another link from now on: what was sent before says nothing of its loss. */
void scope_prober_restart (ScopeProber *prober, const ScopeKey *peer, gint64 now);

void scope_prober_forget (ScopeProber *prober, const ScopeKey *peer);
