/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-liveness.h"

#include "net/scope-fit.h"
#include "net/scope-prober.h"
#include "net/scope-pulse.h"
#include "net/scope-slow.h"
#include "net/scope-waker.h"

#include <string.h>

#define MS G_GINT64_CONSTANT (1000)
#define SAMPLE (250 * MS)
#define FRESH (50 * MS)        /* counters that are younger are not read again */
#define AWAKE (10 * 1000 * MS) /* then the waker says whether packets still flow */

typedef struct {
  ScopeKey key;
  ScopePulse pulse;
  ScopeSlow slow;
  ScopeSlowAct slow_acts;
  ScopePulseAct acts; /* to be done */
  ScopeLivenessMeasure measure;
  ScopeFit fit;
  gint64 due;
} Link;

typedef struct {
  ScopePrefix prefix;
  Link *link;
} Way;

struct _ScopeLiveness {
  ScopeTunnel *tunnel;
  const ScopeLivenessCalls *calls;
  gpointer data;
  ScopeChannel *channel;
  ScopeProber *prober;
  ScopeWaker *waker;
  GHashTable *links; /* ScopeKey → Link */
  GArray *ways;      /* Way, longest prefix first: whom a packet goes to */
  GSource *timer;
  gint64 sampled; /* when the counters were read last */
  gint64 asleep;  /* when to stop reading them, 0 while the waker waits */
  gboolean running; /* in run(): what is said meanwhile is seen there */
};

static void run (ScopeLiveness *self);

static guint
to_ms (gint64 usec)
{
  return (usec + MS / 2) / MS;
}

static Link *
find (const ScopeLiveness *self, const ScopeKey *key)
{
  return g_hash_table_lookup (self->links, key);
}

/* --- counters ------------------------------------------------------------------------------ */

static void
sample (ScopeLiveness *self, gint64 now)
{
  g_autoptr (ScopeWgDevice) device = NULL;

  if (now - self->sampled < FRESH)
    return;
  device = scope_tunnel_read (self->tunnel, NULL);
  self->sampled = now;
  for (guint i = 0; device && i < device->peers->len; i++)
    {
      const ScopeWgPeer *peer = g_ptr_array_index (device->peers, i);
      Link *link = find (self, &peer->pub);

      if (link)
        {
          scope_pulse_sample (&link->pulse, peer->tx_bytes, peer->rx_bytes, now);
          scope_slow_sample (&link->slow, peer->tx_bytes, peer->rx_bytes);
        }
    }
}

static void
rest_all (ScopeLiveness *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->links);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    scope_pulse_rest (&((Link *) value)->pulse);
}

static Link *
way_to (ScopeLiveness *self, const ScopePrefix *to)
{
  for (guint i = 0; i < self->ways->len; i++)
    {
      const Way *way = &g_array_index (self->ways, Way, i);
      if (scope_prefix_contains (&way->prefix, to))
        return way->link;
    }
  return NULL;
}

/* Once in AWAKE at most. */
static void
flow (ScopeLiveness *self, gint64 now)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->links);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((Link *) value)->measure == SCOPE_LIVENESS_MEASURE_AWAKE)
      scope_pulse_flow (&((Link *) value)->pulse, now);
}

static void
on_wake (const GArray *sent, gpointer data)
{
  ScopeLiveness *self = data;
  gint64 now = g_get_monotonic_time ();

  self->asleep = now + AWAKE;
  if (now - self->sampled > 2 * SAMPLE)
    rest_all (self);
  sample (self, now);
  for (guint i = 0; i < sent->len; i++)
    {
      Link *link = way_to (self, &g_array_index (sent, ScopePrefix, i));
      if (!link)
        continue;
      scope_pulse_sent (&link->pulse, now);
      if (link->measure == SCOPE_LIVENESS_MEASURE_FLOWING)
        scope_pulse_flow (&link->pulse, now);
    }
  flow (self, now);
  run (self);
}

/* No more counters until the next packet, which may come at once. */
static void
fall_asleep (ScopeLiveness *self, gint64 now)
{
  g_autoptr (GError) error = NULL;

  if (scope_waker_arm (self->waker, &error))
    {
      self->asleep = 0;
      return;
    }
  /* Not for want of rights: it was made with them. The interface is about to go. */
  g_debug ("%s", error->message);
  self->asleep = now + AWAKE;
}

/* --- what fits ------------------------------------------------------------------------------ */

static void
try_size (ScopeLiveness *self, Link *link, gint64 now)
{
  guint mtu = scope_tunnel_get_config (self->tunnel)->mtu;

  if (mtu > SCOPE_FIT_MIN && mtu <= SCOPE_FIT_MAX)
    scope_fit_begin (&link->fit, mtu, now);
}

static void
step_fit (ScopeLiveness *self, Link *link, gint64 now, gint64 *next)
{
  char text[SCOPE_KEY_BASE64_LEN + 1];
  ScopeFitAct act;

  act = scope_fit_step (&link->fit, scope_tunnel_get_config (self->tunnel)->mtu, link->pulse.rtt, now, next);
  if (act == SCOPE_FIT_NARROW)
    g_warning ("link to %.8s: packets of %d bytes get lost, smaller ones do not", scope_key_to_base64 (&link->key, text), SCOPE_FIT_MIN);
  if (act != SCOPE_FIT_PROBE)
    return;
  scope_prober_probe (self->prober, &link->key, 0, now);
  scope_prober_probe (self->prober, &link->key, scope_fit_size (&link->fit), now);
}

/* WireGuard has one MTU for all. */
static void
note_size (ScopeLiveness *self, Link *link, guint size)
{
  char text[SCOPE_KEY_BASE64_LEN + 1];
  guint mtu = scope_fit_echo (&link->fit, size);

  if (!mtu || mtu >= scope_tunnel_get_config (self->tunnel)->mtu)
    return;
  g_message ("link to %.8s: no packets of more than %u bytes get through", scope_key_to_base64 (&link->key, text), mtu);
  scope_tunnel_limit_mtu (self->tunnel, mtu);
}

/* --- what the links want ------------------------------------------------------------------- */

static void
step (ScopeLiveness *self, Link *link, gint64 now)
{
  gint64 fit;

  link->acts |= scope_pulse_step (&link->pulse, now, &link->due);
  if (link->acts & SCOPE_PULSE_UP)
    try_size (self, link, now);
  if (link->acts & SCOPE_PULSE_DOWN)
    link->fit = (ScopeFit){ 0 };
  step_fit (self, link, now, &fit);
  link->due = MIN (link->due, fit);
  if (link->pulse.state == SCOPE_PULSE_ALIVE)
    link->slow_acts |= scope_slow_step (&link->slow, now, &link->due);
}

static void
act (ScopeLiveness *self, const ScopeKey *key, ScopePulseAct acts, ScopeSlowAct slow, gint64 now)
{
  if (acts & SCOPE_PULSE_PROBE || slow & SCOPE_SLOW_PROBE)
    scope_prober_probe (self->prober, key, 0, now);
  if (acts & SCOPE_PULSE_UP)
    self->calls->up (key, to_ms (find (self, key)->pulse.rtt), self->data);
  if (acts & SCOPE_PULSE_DOWN)
    self->calls->down (key, self->data);
  else if (slow & SCOPE_SLOW_LATE)
    self->calls->slow (key, self->data);
}

/* Those who hear of it may change everything, so each link is looked up anew. */
static void
act_all (ScopeLiveness *self, gint64 now)
{
  g_autoptr (GArray) keys = g_array_new (FALSE, FALSE, sizeof (ScopeKey));
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->links);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((Link *) value)->acts || ((Link *) value)->slow_acts)
      g_array_append_val (keys, ((Link *) value)->key);
  for (guint i = 0; i < keys->len; i++)
    {
      const ScopeKey *key = &g_array_index (keys, ScopeKey, i);
      Link *link = find (self, key);
      ScopePulseAct acts = link ? link->acts : 0;
      ScopeSlowAct slow = link ? link->slow_acts : 0;

      if (link)
        {
          link->acts = 0;
          link->slow_acts = 0;
        }
      act (self, key, acts, slow, now);
    }
}

static gint64
step_all (ScopeLiveness *self, gint64 now)
{
  gint64 next = SCOPE_PULSE_NEVER;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->links);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Link *link = value;

      step (self, link, now);
      next = MIN (next, link->acts || link->slow_acts ? now : link->due);
    }
  return next;
}

static void
run (ScopeLiveness *self)
{
  gint64 now, next;

  if (self->running)
    return;
  self->running = TRUE;
  do
    {
      now = g_get_monotonic_time ();
      if (self->asleep && now >= self->asleep)
        fall_asleep (self, now);
      next = step_all (self, now);
      act_all (self, now);
    }
  while (next <= now);
  self->running = FALSE;

  if (self->asleep)
    next = MIN (next, self->sampled + SAMPLE);
  g_source_set_ready_time (self->timer, next == SCOPE_PULSE_NEVER ? -1 : next);
}

static gboolean
on_timer (gpointer data)
{
  ScopeLiveness *self = data;

  /* What has come meanwhile takes a doubt away. */
  if (self->asleep)
    sample (self, g_get_monotonic_time ());
  run (self);
  return G_SOURCE_CONTINUE;
}

/* --- messages ------------------------------------------------------------------------------ */

static void
on_send (const ScopeKey *to, const char *text, gsize len, gpointer data)
{
  ScopeLiveness *self = data;
  g_autoptr (GError) error = NULL;

  /* Without an endpoint, say: it counts as a probe that was lost. */
  if (!scope_channel_send (self->channel, to, text, len, &error))
    g_debug ("%s", error->message);
}

/* The first probe of a link waits in WireGuard until the handshake is made, and is sent then. */
static gint64
since_handshake (ScopeLiveness *self, const ScopeKey *key, gint64 usec)
{
  g_autoptr (ScopeWgDevice) device = scope_tunnel_read (self->tunnel, NULL);
  const ScopeWgPeer *peer = device ? scope_wg_device_find (device, key) : NULL;
  gint64 since = peer && peer->handshake_usec ? g_get_real_time () - peer->handshake_usec : usec;

  return since > 0 ? MIN (since, usec) : usec;
}

static void
on_echo (const ScopeKey *from, gint64 usec, guint size, gpointer data)
{
  ScopeLiveness *self = data;
  Link *link = find (self, from);
  gint64 rtt = MAX (scope_prober_rtt (self->prober, from), 0), now = g_get_monotonic_time ();

  if (!link)
    return;
  if (link->pulse.state != SCOPE_PULSE_ALIVE)
    rtt = since_handshake (self, from, rtt);
  note_size (self, link, size);
  scope_pulse_echo (&link->pulse, rtt, now);
  if (!size)
    scope_slow_echo (&link->slow, usec, now);
  if (link->pulse.came_up) /* run() says so */
    scope_prober_restart (self->prober, from, now);
  else
    self->calls->rtt (from, to_ms (rtt), scope_prober_loss (self->prober, from, now), self->data);
}

static const ScopeProberCalls prober_calls = { on_send, on_echo };

static void
on_message (const ScopeKey *from, const char *type, JsonObject *message, const char *text, gsize len, gpointer data)
{
  ScopeLiveness *self = data;
  Link *link = find (self, from);

  if (scope_prober_take (self->prober, from, type, message, g_get_monotonic_time ()))
    {
      /* The other end has begun, and found a way to us. */
      if (link && link->pulse.state != SCOPE_PULSE_ALIVE && g_str_equal (type, "probe"))
        scope_pulse_want (&link->pulse, g_get_monotonic_time ());
      run (self);
    }
  else if (self->calls->message)
    self->calls->message (from, type, message, text, len, self->data);
}

/* --- what is asked of it ------------------------------------------------------------------- */

static int
compare_ways (gconstpointer a, gconstpointer b)
{
  return (int) ((const Way *) b)->prefix.len - (int) ((const Way *) a)->prefix.len;
}

static gboolean
is_unwanted (gpointer key, gpointer link, gpointer data)
{
  gpointer *context = data;

  if (g_hash_table_contains (context[0], key))
    return FALSE;
  scope_prober_forget (context[1], key);
  return TRUE;
}

void
scope_liveness_set_peers (ScopeLiveness *self, const GPtrArray *peers)
{
  g_autoptr (GHashTable) wanted = g_hash_table_new (scope_key_hash, scope_key_equal);
  g_autoptr (GArray) keys = g_array_new (FALSE, FALSE, sizeof (ScopeKey));
  gpointer context[] = { wanted, self->prober };

  g_array_set_size (self->ways, 0);
  for (guint i = 0; i < peers->len; i++)
    {
      const ScopeWgPeer *peer = g_ptr_array_index (peers, i);
      Link *link = find (self, &peer->pub);

      if (!link)
        {
          link = g_new0 (Link, 1);
          link->key = peer->pub;
          link->due = SCOPE_PULSE_NEVER;
          g_hash_table_insert (self->links, &link->key, link);
        }
      g_hash_table_add (wanted, (gpointer) &peer->pub);
      g_array_append_val (keys, peer->pub);
      for (guint j = 0; j < peer->allowed->len; j++)
        {
          Way way = { g_array_index (peer->allowed, ScopePrefix, j), link };
          g_array_append_val (self->ways, way);
        }
    }
  g_array_sort (self->ways, compare_ways);
  g_hash_table_foreach_remove (self->links, is_unwanted, context);
  scope_channel_set_peers (self->channel, (gpointer) keys->data, keys->len);
  run (self);
}

void
scope_liveness_want (ScopeLiveness *self, const ScopeKey *peer)
{
  Link *link = find (self, peer);

  if (!link)
    return;
  scope_pulse_want (&link->pulse, g_get_monotonic_time ());
  run (self);
}

void
scope_liveness_suspect (ScopeLiveness *self, const ScopeKey *peer)
{
  Link *link = find (self, peer);

  if (!link)
    return;
  scope_pulse_suspect (&link->pulse, g_get_monotonic_time ());
  run (self);
}

void
scope_liveness_hasty (ScopeLiveness *self, const ScopeKey *peer, gboolean hasty)
{
  Link *link = find (self, peer);

  if (link)
    scope_pulse_hasty (&link->pulse, hasty);
}

void
scope_liveness_watch (ScopeLiveness *self, const ScopeKey *peer, gboolean watch)
{
  Link *link = find (self, peer);

  if (!link)
    return;
  scope_slow_watch (&link->slow, watch);
  run (self);
}

void
scope_liveness_gone (ScopeLiveness *self, const ScopeKey *peer)
{
  Link *link = find (self, peer);

  if (!link)
    return;
  scope_pulse_forget (&link->pulse);
  link->fit = (ScopeFit){ 0 };
  link->acts = 0;
  scope_prober_forget (self->prober, peer);
  run (self);
}

void
scope_liveness_measure (ScopeLiveness *self, const ScopeKey *peer, ScopeLivenessMeasure measure)
{
  Link *link = find (self, peer);

  if (!link || link->measure == measure)
    return;
  link->measure = measure;
  scope_pulse_measure (&link->pulse, measure == SCOPE_LIVENESS_MEASURE_ALWAYS, g_get_monotonic_time ());
  run (self);
}

void
scope_liveness_check_all (ScopeLiveness *self)
{
  gint64 now = g_get_monotonic_time ();
  GHashTableIter iter;
  gpointer value;

  scope_tunnel_limit_mtu (self->tunnel, 0); /* what paths carry may be more now */
  g_hash_table_iter_init (&iter, self->links);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ScopePulse *pulse = &((Link *) value)->pulse;

      if (pulse->state == SCOPE_PULSE_ALIVE)
        {
          scope_pulse_check (pulse, now);
          try_size (self, value, now);
        }
      else if (pulse->wanted)
        scope_pulse_want (pulse, now);
    }
  run (self);
}

int
scope_liveness_rtt (const ScopeLiveness *self, const ScopeKey *peer)
{
  gint64 rtt = scope_prober_rtt (self->prober, peer);

  return rtt < 0 ? -1 : (int) to_ms (rtt);
}

guint
scope_liveness_loss (const ScopeLiveness *self, const ScopeKey *peer)
{
  return scope_prober_loss (self->prober, peer, g_get_monotonic_time ());
}

gboolean
scope_liveness_send (ScopeLiveness *self, const ScopeKey *to, const char *text, gsize len, GError **error)
{
  return scope_channel_send (self->channel, to, text, len, error);
}

/* --- life ---------------------------------------------------------------------------------- */

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  g_source_set_ready_time (source, -1);
  return callback (data);
}

static GSourceFuncs timer_funcs = { .dispatch = dispatch };

ScopeLiveness *
scope_liveness_new (ScopeTunnel *tunnel, const ScopeKey *own, const ScopeLivenessCalls *calls, gpointer data,
                    GError **error)
{
  const char *ifname = scope_tunnel_get_config (tunnel)->ifname;
  g_autoptr (ScopeLiveness) self = g_new0 (ScopeLiveness, 1);

  self->tunnel = g_object_ref (tunnel);
  self->calls = calls;
  self->data = data;
  self->links = g_hash_table_new_full (scope_key_hash, scope_key_equal, NULL, g_free);
  self->ways = g_array_new (FALSE, FALSE, sizeof (Way));
  self->prober = scope_prober_new (&prober_calls, self);
  self->waker = scope_waker_new (ifname, on_wake, self);
  self->timer = g_source_new (&timer_funcs, sizeof (GSource));
  g_source_set_static_name (self->timer, "scope-liveness");
  g_source_set_callback (self->timer, on_timer, self, NULL);
  g_source_attach (self->timer, NULL);
  self->channel = scope_channel_new (ifname, own, on_message, self, error);
  if (!self->channel || !scope_waker_arm (self->waker, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
scope_liveness_free (ScopeLiveness *self)
{
  g_clear_pointer (&self->waker, scope_waker_free);
  g_clear_pointer (&self->channel, scope_channel_free);
  g_source_destroy (self->timer);
  g_source_unref (self->timer);
  scope_prober_free (self->prober);
  g_hash_table_unref (self->links);
  g_array_unref (self->ways);
  g_clear_object (&self->tunnel);
  g_free (self);
}
