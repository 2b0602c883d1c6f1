/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-portmap.h"

#include "peer/scope-portmap-private.h"
#include "tunnel/scope-link.h"
#include "tunnel/scope-routes.h"

#include <arpa/inet.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RENEW_MIN_SECONDS 60
#define RENEW_MAX_SECONDS (SCOPE_PORTMAP_SECONDS / 2) /* also one that holds for ever: routers forget when they start anew */
#define AGAIN_MS 500             /* after a change of the base connection, which comes in several steps */
#define GIVE_BACK_USEC (200 * 1000)

struct _ScopePortmap {
  guint16 port;
  char *except;
  ScopePortmapChanged changed;
  gpointer data;
  GCancellable *cancellable;
  ScopePortmapRequest *held; /* NULL when there is none */
  char *endpoint;
  gboolean asking;
  gboolean again;            /* once the answer is there */
  guint timer_id;
};

/* The router of the default route, and our address towards it. */
static ScopePortmapRequest *
find_router (ScopePortmap *self)
{
  g_autoptr (GArray) routes = scope_routes_read (NULL);
  guint32 except = self->except ? scope_link_index (self->except) : 0;
  ScopePrefix all = { .family = AF_INET };
  const ScopeRoute *route = routes ? scope_routes_find (routes, &all, except) : NULL;
  struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons (5351) }, from = { 0 };
  socklen_t len = sizeof from;
  ScopePortmapRequest *request;
  gboolean ok;
  int fd;

  if (!route || route->via.family != AF_INET)
    return NULL;
  memcpy (&to.sin_addr, route->via.addr, 4);
  fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ok = fd >= 0 && connect (fd, (struct sockaddr *) &to, sizeof to) == 0 && getsockname (fd, (struct sockaddr *) &from, &len) == 0;
  if (fd >= 0)
    close (fd);
  if (!ok || scope_portmap_is_public (from.sin_addr)) /* no NAT between us and the internet */
    return NULL;
  request = g_new0 (ScopePortmapRequest, 1);
  request->gateway = to.sin_addr;
  request->local = from.sin_addr;
  request->port = self->port;
  return request;
}

static void
tell (ScopePortmap *self, char *endpoint)
{
  g_autofree char *before = self->endpoint;

  self->endpoint = endpoint;
  if (g_strcmp0 (before, endpoint) != 0)
    self->changed (endpoint, self->data);
}

static void
hold (ScopePortmap *self, ScopePortmapRequest *request)
{
  char text[INET_ADDRSTRLEN];
  const char *how = NULL;

  g_clear_pointer (&self->held, scope_portmap_request_free);
  self->held = request;
  if (!request)
    {
      tell (self, NULL);
      return;
    }
  how = request->how == SCOPE_PORTMAP_NATPMP ? "NAT-PMP" : "UPnP";
  inet_ntop (AF_INET, &request->external, text, sizeof text);
  if (!scope_portmap_is_public (request->external))
    {
      g_info ("port mapping by %s: the router's own address %s is behind a NAT, too", how, text);
      tell (self, NULL);
      return;
    }
  if (!self->endpoint)
    g_message ("port mapping by %s: %s:%u leads to us for %u s", how, text, request->outer, request->seconds);
  tell (self, g_strdup_printf ("%s:%u", text, request->outer));
}

static void ask (ScopePortmap *self);

static gboolean
on_timer (gpointer data)
{
  ScopePortmap *self = data;

  self->timer_id = 0;
  ask (self);
  return G_SOURCE_REMOVE;
}

static void
plan (ScopePortmap *self, guint ms)
{
  g_clear_handle_id (&self->timer_id, g_source_remove);
  self->timer_id = g_timeout_add (ms, on_timer, self);
}

static void
run (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  ScopePortmapRequest *request = scope_portmap_request_copy (data);

  if (!scope_portmap_ask (request))
    g_clear_pointer (&request, scope_portmap_request_free);
  /* Nobody wants it any more. */
  if (request && g_cancellable_is_cancelled (cancellable))
    scope_portmap_give_back (request);
  g_task_return_pointer (task, request, (GDestroyNotify) scope_portmap_request_free);
}

static void
on_asked (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  ScopePortmapRequest *request = g_task_propagate_pointer (G_TASK (result), &error);
  ScopePortmap *self = data;
  guint seconds;

  if (error) /* cancelled: @self is gone */
    return;
  self->asking = FALSE;
  hold (self, request);
  if (self->again)
    {
      self->again = FALSE;
      plan (self, AGAIN_MS);
      return;
    }
  if (!request) /* until the base connection changes */
    return;
  seconds = request->seconds ? CLAMP (request->seconds / 2, RENEW_MIN_SECONDS, RENEW_MAX_SECONDS) : RENEW_MAX_SECONDS;
  self->timer_id = g_timeout_add_seconds (seconds, on_timer, self);
}

static void
ask (ScopePortmap *self)
{
  ScopePortmapRequest *request = find_router (self);
  g_autoptr (GTask) task = NULL;

  if (!request)
    {
      hold (self, NULL);
      return;
    }
  if (self->held)
    request->outer = self->held->outer;
  task = g_task_new (NULL, self->cancellable, on_asked, self);
  g_task_set_task_data (task, request, (GDestroyNotify) scope_portmap_request_free);
  self->asking = TRUE;
  g_task_run_in_thread (task, run);
}

void
scope_portmap_kick (ScopePortmap *self)
{
  if (self->asking)
    self->again = TRUE;
  else
    plan (self, AGAIN_MS);
}

ScopePortmap *
scope_portmap_new (guint16 port, const char *except, ScopePortmapChanged changed, gpointer data)
{
  ScopePortmap *self = g_new0 (ScopePortmap, 1);

  self->port = port;
  self->except = g_strdup (except);
  self->changed = changed;
  self->data = data;
  self->cancellable = g_cancellable_new ();
  ask (self);
  return self;
}

/* The process may end a moment later: it waits for the thread, but not for a router that does not answer. */
typedef struct {
  gatomicrefcount refs;
  GMutex mutex;
  GCond cond;
  gboolean done;
  ScopePortmapRequest *request;
} Farewell;

static void
farewell_unref (Farewell *farewell)
{
  if (!g_atomic_ref_count_dec (&farewell->refs))
    return;
  scope_portmap_request_free (farewell->request);
  g_mutex_clear (&farewell->mutex);
  g_cond_clear (&farewell->cond);
  g_free (farewell);
}

static gpointer
say_farewell (gpointer data)
{
  Farewell *farewell = data;

  scope_portmap_give_back (farewell->request);
  g_mutex_lock (&farewell->mutex);
  farewell->done = TRUE;
  g_cond_signal (&farewell->cond);
  g_mutex_unlock (&farewell->mutex);
  farewell_unref (farewell);
  return NULL;
}

static void
give_back (ScopePortmapRequest *request)
{
  Farewell *farewell = g_new0 (Farewell, 1);
  gint64 end = g_get_monotonic_time () + GIVE_BACK_USEC;

  g_atomic_ref_count_init (&farewell->refs);
  g_atomic_ref_count_inc (&farewell->refs);
  g_mutex_init (&farewell->mutex);
  g_cond_init (&farewell->cond);
  farewell->request = request;
  g_thread_unref (g_thread_new ("portmap", say_farewell, farewell));
  g_mutex_lock (&farewell->mutex);
  while (!farewell->done && g_cond_wait_until (&farewell->cond, &farewell->mutex, end))
    ;
  g_mutex_unlock (&farewell->mutex);
  farewell_unref (farewell);
}

void
scope_portmap_free (ScopePortmap *self)
{
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  g_clear_handle_id (&self->timer_id, g_source_remove);
  if (self->held)
    give_back (g_steal_pointer (&self->held));
  g_free (self->endpoint);
  g_free (self->except);
  g_free (self);
}
