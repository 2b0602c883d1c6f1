/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/scope-clock-watch.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SLEPT_MS 1000
#define PAUSED_MS 10000

struct _ScopeClockWatch {
  int fd;
  guint source_id;
  ScopeClocks clocks;
  ScopeClockSlept slept;
  gpointer data;
};

gboolean
scope_clocks_slept (const ScopeClocks *before, const ScopeClocks *now)
{
  gint64 boot = now->boot - before->boot;

  return boot - (now->monotonic - before->monotonic) >= SLEPT_MS || now->real - before->real - boot >= PAUSED_MS;
}

static gint64
read_clock (clockid_t id)
{
  struct timespec time;

  clock_gettime (id, &time);
  return time.tv_sec * G_GINT64_CONSTANT (1000) + time.tv_nsec / 1000000;
}

static ScopeClocks
read_clocks (void)
{
  return (ScopeClocks){ read_clock (CLOCK_BOOTTIME), read_clock (CLOCK_MONOTONIC), read_clock (CLOCK_REALTIME) };
}

/* It never expires; it is cancelled whenever somebody sets the clock, and has to be armed again then. */
static gboolean
arm (ScopeClockWatch *self)
{
  const struct itimerspec never = { .it_value.tv_sec = G_MAXINT32 };

  return timerfd_settime (self->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) == 0 || errno == ECANCELED;
}

static gboolean
on_set (int fd, GIOCondition condition, gpointer data)
{
  ScopeClockWatch *self = data;
  ScopeClocks before = self->clocks;
  guint64 expired;

  if (read (fd, &expired, sizeof expired) < 0 && errno == EAGAIN)
    return G_SOURCE_CONTINUE;
  self->clocks = read_clocks ();
  if (!arm (self))
    {
      g_warning ("cannot watch the clock any more: %s", g_strerror (errno));
      self->source_id = 0;
      return G_SOURCE_REMOVE;
    }
  if (scope_clocks_slept (&before, &self->clocks))
    self->slept (self->data);
  return G_SOURCE_CONTINUE;
}

ScopeClockWatch *
scope_clock_watch_new (ScopeClockSlept slept, gpointer data)
{
  ScopeClockWatch *self = g_new0 (ScopeClockWatch, 1);

  self->slept = slept;
  self->data = data;
  self->clocks = read_clocks ();
  self->fd = timerfd_create (CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  if (self->fd < 0 || !arm (self))
    {
      g_warning ("cannot watch the clock: %s", g_strerror (errno));
      scope_clock_watch_free (self);
      return NULL;
    }
  self->source_id = g_unix_fd_add (self->fd, G_IO_IN, on_set, self);
  return self;
}

void
scope_clock_watch_free (ScopeClockWatch *self)
{
  g_clear_handle_id (&self->source_id, g_source_remove);
  if (self->fd >= 0)
    close (self->fd);
  g_free (self);
}
