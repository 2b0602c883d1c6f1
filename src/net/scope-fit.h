/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-fit: whether a link carries packets as large as the tunnel's MTU. Where a router drops what is too large for the next
 * cable, and the messages that would say so get lost, small packets go through and large ones never do. So when a link comes up
 * one probe of full size is sent beside a small one; three full ones without an echo, while small ones have one, and the next
 * smaller size is tried, down to 1280, which IPv6 demands. Pure: the clock (µs, monotonic) is handed in.
 */
#pragma once

#include <glib.h>

#define SCOPE_FIT_MIN 1280
#define SCOPE_FIT_MAX 9000 /* larger ones are not tried */
#define SCOPE_FIT_HEADERS 48 /* of IPv6 and UDP, around a probe */
#define SCOPE_FIT_TRIES 3
#define SCOPE_FIT_NEVER G_MAXINT64

typedef enum {
  SCOPE_FIT_WAIT,
  SCOPE_FIT_PROBE,  /* send one probe without a size, and one of scope_fit_size() */
  SCOPE_FIT_NARROW, /* not even SCOPE_FIT_MIN fits */
} ScopeFitAct;

/**
 * ScopeFit:
 * @mtu: that is tried, 0 when nothing is
 *
 * A value: {0} tries nothing. Only the functions below touch its fields.
 */
typedef struct {
  guint mtu;
  guint failures;   /* of full ones, in a row */
  guint unanswered; /* of both, in a row */
  gboolean sent;
  gboolean small; /* has had its echo */
  gint64 due;
} ScopeFit;

/* Try @mtu now. */
void scope_fit_begin (ScopeFit *fit, guint mtu, gint64 now);

/* Bytes of the full probe, as scope_prober_probe() takes them. */
guint scope_fit_size (const ScopeFit *fit);

/**
 * scope_fit_echo:
 * @size: of the probe, 0 for a small one
 *
 * Returns: the MTU that fits, and nothing more is tried; 0 when that is not known yet
 */
guint scope_fit_echo (ScopeFit *fit, guint size);

/**
 * scope_fit_step:
 * @mtu: the tunnel's now: others may have lowered it
 * @rtt: µs
 * @next: (out): when to ask again, SCOPE_FIT_NEVER for not
 */
ScopeFitAct scope_fit_step (ScopeFit *fit, guint mtu, gint64 rtt, gint64 now, gint64 *next);
