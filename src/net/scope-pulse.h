/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-pulse: whether a WireGuard link carries packets both ways (design, "Liveness"). A pure decision: the clock
 * (µs, monotonic), the device's counters and the echoes are handed in, what to do comes out.
 *
 * Counters alone prove nothing: WireGuard answers one-way traffic only after 10 s, with a keepalive; its
 * own keepalives and retried handshakes count as well; and what was received may be their handshake while ours do not
 * arrive. So counters raise a doubt or take it away, and probes decide: a link is up with its first echo, and silent
 * when three probes have none.
 */
#pragma once

#include <glib.h>

#define SCOPE_PULSE_NEVER G_MAXINT64

typedef enum {
  SCOPE_PULSE_UNKNOWN, /* nobody has looked */
  SCOPE_PULSE_ALIVE,
  SCOPE_PULSE_SILENT,
} ScopePulseState;

/* What scope_pulse_step() says; several at once. */
typedef enum {
  SCOPE_PULSE_PROBE = 1 << 0, /* send a probe now */
  SCOPE_PULSE_UP = 1 << 1,    /* it is alive, and was not */
  SCOPE_PULSE_DOWN = 1 << 2,  /* it is silent, and was alive, or scope_pulse_want() asked */
} ScopePulseAct;

/**
 * ScopePulse:
 *
 * A value: {0} is a link that nobody has looked at. Only the functions below touch its fields.
 */
typedef struct {
  ScopePulseState state;
  gboolean wanted;
  gboolean measured;
  gboolean sampled; /* tx and rx are those of a moment ago */
  gboolean looking; /* three probes, or what is left of them */
  gboolean strict;  /* that only an echo ends well */
  gboolean asked;
  gboolean hasty; /* there is another way: a doubt is not weighed for long */
  gboolean came_up;
  guint64 tx, rx;
  gint64 at;      /* when that was */
  gint64 owed;    /* since when something was sent and nothing came, 0 for not */
  gint64 rtt;     /* 0 when it is not known */
  gint64 next;    /* the next probe, 0 for none */
  gint64 verdict; /* the three are sent: without an echo by then it is silent */
  gint64 measure; /* the next round trip to measure, 0 for none */
  gint64 retry;   /* silent: no other probe before */
  gint64 pause;   /* silent: between two */
  gint64 gap;       /* between two of them */
  guint probes;   /* of the three */
  gint64 begun;   /* the last train, 0 for never */
  gint64 train_next;
  guint train;    /* probes that are left of it */
  guint length;   /* that it had */
  guint heard;    /* echoes since it began */
  gint64 judge;   /* its echoes are there by then, 0 when that is done */
  gboolean poor;  /* the last one was */
} ScopePulse;

/* The device's counters at @now. The first ones are only what the next are compared with. */
void scope_pulse_sample (ScopePulse *pulse, guint64 tx, guint64 rx, gint64 now);

/* A packet was given to the link at @now, though the counters may not show it yet, or do so already. */
void scope_pulse_sent (ScopePulse *pulse, gint64 now);

/* Sampling stops: what the counters do until the next one says nothing. */
void scope_pulse_rest (ScopePulse *pulse);

/* An echo. @rtt: µs, smoothed */
void scope_pulse_echo (ScopePulse *pulse, gint64 rtt, gint64 now);

/* Look at it at once, and believe nothing but an echo. */
void scope_pulse_check (ScopePulse *pulse, gint64 now);

/* Another has lost the same peer: as a check, but three probes in 120 ms and two round trips decide. */
void scope_pulse_suspect (ScopePulse *pulse, gint64 now);

/* There is another way than this link: when nothing comes back for 350 ms, three probes in 160 ms and two
 * round trips decide. */
void scope_pulse_hasty (ScopePulse *pulse, gboolean hasty);

/* Somebody wants it: a check at once; whenever it is silent it is probed after 1, 2, 4 … s, 30 s at most
 * while packets go there or it is measured, else 16 minutes. */
void scope_pulse_want (ScopePulse *pulse, gint64 now);

/* Nobody wants it any more: a link that nobody has looked at. */
void scope_pulse_forget (ScopePulse *pulse);

/*
 * Measure the round trip and what gets lost, with a train of 8 probes every 30 s, or 10 s after more than one of the last got
 * lost, the first time with 32 more at once: when it is silent it is wanted.
 */
void scope_pulse_measure (ScopePulse *pulse, gboolean measured, gint64 now);

/* Packets flow that it matters for: measured as above, but every 15 s, and not again by itself. Nothing unless it is alive. */
void scope_pulse_flow (ScopePulse *pulse, gint64 now);

/**
 * scope_pulse_step:
 * @next: (out): when to ask again at the latest, SCOPE_PULSE_NEVER when only an event changes something
 *
 * To be called after each of the above, and at @next: just after a sample when there are any, which may take a
 * doubt away.
 */
ScopePulseAct scope_pulse_step (ScopePulse *pulse, gint64 now, gint64 *next);
