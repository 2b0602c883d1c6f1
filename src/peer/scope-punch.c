/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-punch.h"

#define PREFER_IP6_MS 20  /* an IPv6 answer that comes so much later is still the better one */
#define OTHER_MS 100      /* … and one of the other family, after a handshake came to nothing */
#define VAIN_MS 250       /* what a handshake takes at most where nothing is in its way */
#define HANDSHAKE_MS 1500 /* how long a found endpoint may take to become a link */
#define MAX_CANDIDATES (SCOPE_PUNCH_MAX_CANDIDATES + 8) /* with those that they were heard from */

static const guint tries_ms[] = { 0, 400, 1200, 2800, 6000 };
static const guint checks_ms[] = { 60, 120, 240, 480 }; /* from one round of checks to the next */

typedef enum {
  PHASE_WAITING,  /* for the other end's call */
  PHASE_CALLED,   /* for the answer to ours */
  PHASE_CHECKING, /* caller: one of their candidates should answer */
  PHASE_OPENED,   /* opener: our NAT is open for them */
  PHASE_FOUND,
} Phase;

struct _ScopePunch {
  gboolean lower;
  const ScopePunchSelf *self;
  const ScopePunchCalls *calls;
  gpointer data;

  gboolean running;
  gboolean first; /* we call on even tries */
  guint attempt;
  Phase phase;
  guint rounds; /* of checks in this try */
  gint64 next_try;
  gint64 next_check;
  gint64 settle; /* when @best is taken */
  ScopeSockaddr best;
  gint64 found; /* when it was */
  int vain;     /* family in which the last one that was found became no link; AF_UNSPEC: none */
  ScopePunchMessage *theirs; /* their newest */
  ScopeSockaddr candidates[MAX_CANDIDATES];
  guint n_candidates;
};

ScopePunch *
scope_punch_new (gboolean lower, const ScopePunchSelf *self, const ScopePunchCalls *calls, gpointer data)
{
  ScopePunch *punch = g_new0 (ScopePunch, 1);

  punch->lower = lower;
  punch->self = self;
  punch->calls = calls;
  punch->data = data;
  return punch;
}

void
scope_punch_free (ScopePunch *self)
{
  g_clear_pointer (&self->theirs, scope_punch_message_free);
  g_free (self);
}

gboolean
scope_punch_is_caller (gboolean lower, ScopeNatKind ours, ScopeNatKind theirs)
{
  if ((ours == SCOPE_NAT_CLOSED) != (theirs == SCOPE_NAT_CLOSED))
    return ours == SCOPE_NAT_CLOSED;
  return lower;
}

static void
say (ScopePunch *self, gboolean open)
{
  ScopePunchMessage message = { .open = open, .id = (char *) self->self->id, .pwd = (char *) self->self->pwd,
                                .nat = self->self->nat, .candidates = self->self->candidates, .attempt = self->attempt };

  self->calls->say (&message, self->data);
}

static void
enter (ScopePunch *self, Phase phase, gint64 next_check)
{
  self->phase = phase;
  self->rounds = 0;
  self->next_check = next_check;
  self->settle = G_MAXINT64;
}

static void
begin_try (ScopePunch *self, guint attempt, gint64 now)
{
  self->attempt = attempt;
  self->next_try = attempt + 1 < G_N_ELEMENTS (tries_ms) ? now + tries_ms[attempt + 1] - tries_ms[attempt]
                                                        : now + HANDSHAKE_MS;
}

static void
call (ScopePunch *self)
{
  enter (self, PHASE_CALLED, G_MAXINT64);
  say (self, FALSE);
}

void
scope_punch_start (ScopePunch *self, gboolean first, gint64 now)
{
  if (self->running)
    return;
  self->running = TRUE;
  self->first = first;
  begin_try (self, 0, now);
  if (first)
    call (self);
  else
    enter (self, PHASE_WAITING, G_MAXINT64);
}

void
scope_punch_stop (ScopePunch *self)
{
  self->running = FALSE;
  self->vain = AF_UNSPEC;
}

gboolean
scope_punch_is_running (const ScopePunch *self)
{
  return self->running;
}

static gboolean
add_candidate (ScopePunch *self, const ScopeSockaddr *candidate)
{
  for (guint i = 0; i < self->n_candidates; i++)
    if (scope_sockaddr_equal (&self->candidates[i], candidate))
      return FALSE;
  if (self->n_candidates == MAX_CANDIDATES)
    return FALSE;
  self->candidates[self->n_candidates++] = *candidate;
  return TRUE;
}

static void
learn (ScopePunch *self, const ScopePunchMessage *message)
{
  ScopePunchMessage *copy = g_memdup2 (message, sizeof *message);

  copy->id = g_strdup (message->id);
  copy->pwd = g_strdup (message->pwd);
  copy->candidates = g_strdupv (message->candidates);
  g_clear_pointer (&self->theirs, scope_punch_message_free);
  self->theirs = copy;
  self->n_candidates = 0;
  for (char **text = copy->candidates; text && *text; text++)
    {
      ScopeSockaddr sa;

      if (scope_sockaddr_parse (&sa, *text))
        add_candidate (self, &sa);
    }
}

static void
check (ScopePunch *self, int ttl)
{
  self->calls->check (self->theirs, self->candidates, self->n_candidates, ttl, self->data);
}

/* The other end, or time, goes on to the next try: no link came of what was found. */
static void
give_up_found (ScopePunch *self, gint64 now)
{
  if (self->running && self->phase == PHASE_FOUND && now >= self->found + VAIN_MS)
    self->vain = self->best.any.sa_family;
}

void
scope_punch_take (ScopePunch *self, const ScopePunchMessage *message, gint64 now)
{
  gboolean mine = self->running && self->phase == PHASE_CALLED && self->attempt == message->attempt;

  if (message->open)
    {
      if (!mine)
        return;
      learn (self, message);
      enter (self, PHASE_CHECKING, now);
      scope_punch_tick (self, now);
      return;
    }
  /* Both called: one of the two calls counts, and both know which. */
  if (mine && scope_punch_is_caller (self->lower, self->self->nat, message->nat))
    return;
  learn (self, message);
  give_up_found (self, now);
  self->running = TRUE;
  self->first = message->attempt % 2;
  begin_try (self, message->attempt, now);
  enter (self, PHASE_OPENED, G_MAXINT64);
  check (self, SCOPE_PUNCH_TTL);
  say (self, TRUE);
}

static void
take_best (ScopePunch *self, gint64 now)
{
  enter (self, PHASE_FOUND, G_MAXINT64);
  self->found = now;
  self->next_try = MAX (self->next_try, now + HANDSHAKE_MS);
  self->calls->found (&self->best, self->data);
}

/*
 * IPv6, which costs no NAT a mapping, unless it was tried: checks may pass where WireGuard does not. wireguard-go 0.0.20231211 of
 * Debian 13 writes but four bytes of an IPv6 address once it has sent to an IPv4 one (0.0.20220316 of Debian 12 does not).
 */
static int
better_family (const ScopePunch *self)
{
  return self->vain == AF_INET6 ? AF_INET : AF_INET6;
}

static gboolean
better_may_come (const ScopePunch *self)
{
  int better = better_family (self);

  for (guint i = 0; i < self->n_candidates; i++)
    if (self->candidates[i].any.sa_family == better)
      return self->best.any.sa_family != better;
  return FALSE;
}

void
scope_punch_answered (ScopePunch *self, const ScopeSockaddr *from, gint64 now)
{
  if (!self->running || self->phase != PHASE_CHECKING)
    return;
  if (self->settle == G_MAXINT64)
    {
      self->best = *from;
      self->settle = now + (self->vain == AF_INET6 ? OTHER_MS : PREFER_IP6_MS);
    }
  else if (from->any.sa_family == better_family (self))
    self->best = *from;
  if (!better_may_come (self))
    take_best (self, now);
}

void
scope_punch_heard (ScopePunch *self, const ScopeSockaddr *from, gint64 now)
{
  if (!self->running || !self->theirs)
    return;
  if (add_candidate (self, from) && self->phase == PHASE_CHECKING)
    self->calls->check (self->theirs, from, 1, 0, self->data);
}

static void
next_try (ScopePunch *self, gint64 now)
{
  give_up_found (self, now);
  if (self->attempt + 1 == G_N_ELEMENTS (tries_ms))
    {
      self->running = FALSE;
      self->calls->failed (self->data);
      return;
    }
  begin_try (self, self->attempt + 1, now);
  if ((self->attempt % 2 == 0) == self->first)
    call (self);
  else
    enter (self, PHASE_WAITING, G_MAXINT64);
}

gint64
scope_punch_tick (ScopePunch *self, gint64 now)
{
  if (self->running && now >= self->settle)
    take_best (self, now);
  if (self->running && now >= self->next_check)
    {
      check (self, 0);
      self->next_check = self->rounds < G_N_ELEMENTS (checks_ms) ? now + checks_ms[self->rounds] : G_MAXINT64;
      self->rounds++;
    }
  if (self->running && now >= self->next_try)
    next_try (self, now);
  return self->running ? MIN (MIN (self->settle, self->next_check), self->next_try) : G_MAXINT64;
}
