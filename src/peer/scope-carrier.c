/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-carrier-private.h"

#include "common/scope-error.h"
#include "peer/scope-intake.h"
#include "peer/scope-soup.h"
#include "peer/scope-timeout.h"

#define ASK_MS (10 * 1000)
#define CONNECT_MS (15 * 1000)
#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS (60 * 1000)
#define NONE_MS (600 * 1000)
#define STABLE_USEC (30 * G_USEC_PER_SEC)    /* a connection that lasted so long was a good one */
#define FRESH_USEC (5 * G_USEC_PER_SEC)      /* WireGuard makes another initiation then */
#define PATIENCE_USEC (30 * G_USEC_PER_SEC)  /* after a refusal */
#define IN_USE_USEC (180 * G_USEC_PER_SEC)   /* who had no packet for so long waits for one before it connects */
#define INTAKE_MAX (4 * SCOPE_CARRY_MESSAGE_MAX + 64 * 1024)

typedef enum {
  STEP_IDLE,
  STEP_ASKING,     /* for a ticket */
  STEP_CONNECTING, /* up to ready */
  STEP_OPEN,
  STEP_WAITING, /* a pause */
  STEP_NONE,    /* a long one: there is nothing to be had */
} Step;

struct _ScopeCarrier {
  GObject parent_instance;

  const ScopeCarrierCalls *calls;
  gpointer data;
  char *ca;
  char *network;
  guint16 port;
  GPtrArray *links;
  guint16 last_id;

  Step step;
  ScopeCarrierState told;
  guint timer; /* of the step */
  guint failures;
  gint64 since; /* monotonic, µs: when it was open */
  SoupSession *soup;
  GCancellable *attempt;
  char *ticket;
  SoupWebsocketConnection *socket;
  ScopeIntake *intake;
  ScopeCarrierQueue *queue; /* of the socket */
  ScopeCarrierStats stats;
};

G_DEFINE_FINAL_TYPE (ScopeCarrier, scope_carrier, G_TYPE_OBJECT)

static void start (ScopeCarrier *self);

static void
tell (ScopeCarrier *self)
{
  static const ScopeCarrierState states[] = {
    [STEP_IDLE] = SCOPE_CARRIER_IDLE,   [STEP_ASKING] = SCOPE_CARRIER_CONNECTING, [STEP_CONNECTING] = SCOPE_CARRIER_CONNECTING,
    [STEP_OPEN] = SCOPE_CARRIER_USABLE, [STEP_WAITING] = SCOPE_CARRIER_LOST,      [STEP_NONE] = SCOPE_CARRIER_NONE,
  };
  ScopeCarrierState state = states[self->step];

  if (state == self->told)
    return;
  self->told = state;
  if (self->calls->changed)
    self->calls->changed (state, self->data);
}

/* --- the end of a connection --------------------------------------------------------------- */

static void
drop (ScopeCarrier *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_pointer (&self->intake, scope_intake_free);
  g_clear_pointer (&self->queue, scope_carrier_queue_free);
  if (self->attempt)
    g_cancellable_cancel (self->attempt);
  g_clear_object (&self->attempt);
  if (self->socket)
    {
      g_signal_handlers_disconnect_by_data (self->socket, self);
      if (soup_websocket_connection_get_state (self->socket) == SOUP_WEBSOCKET_STATE_OPEN)
        soup_websocket_connection_close (self->socket, SOUP_WEBSOCKET_CLOSE_GOING_AWAY, NULL);
    }
  g_clear_object (&self->socket);
  g_clear_pointer (&self->ticket, scope_secret_free);
  for (guint i = 0; i < self->links->len; i++)
    ((ScopeCarrierLink *) self->links->pdata[i])->asked = FALSE;
}

static void
rest (ScopeCarrier *self)
{
  drop (self);
  g_clear_object (&self->soup);
  self->step = STEP_IDLE;
}

static gboolean
is_in_use (ScopeCarrier *self)
{
  gint64 now = g_get_monotonic_time ();

  for (guint i = 0; i < self->links->len; i++)
    if (now - ((ScopeCarrierLink *) self->links->pdata[i])->active < IN_USE_USEC)
      return TRUE;
  return FALSE;
}

static gboolean
on_pause_over (gpointer data)
{
  ScopeCarrier *self = data;

  self->timer = 0;
  if (is_in_use (self))
    start (self);
  else
    rest (self);
  tell (self);
  return G_SOURCE_REMOVE;
}

/* With jitter, so that those whom a registry's restart has dropped do not come back in the same instant. */
static void
lost (ScopeCarrier *self, Step next, const char *why)
{
  guint ms = MIN (BACKOFF_MIN_MS << MIN (self->failures, 10u), BACKOFF_MAX_MS);

  if (self->step == STEP_IDLE)
    return;
  if (self->step == STEP_OPEN && g_get_monotonic_time () - self->since > STABLE_USEC)
    {
      self->failures = 0;
      ms = BACKOFF_MIN_MS;
    }
  g_debug ("carrying: %s", why);
  drop (self);
  self->step = next;
  self->failures++;
  self->timer = g_timeout_add (next == STEP_NONE ? NONE_MS : (guint) g_random_int_range (ms / 2, ms + 1), on_pause_over, self);
  tell (self);
}

static gboolean
on_late (gpointer data)
{
  ScopeCarrier *self = data;

  self->timer = 0;
  /* A registry that does not know the question does not answer it. */
  if (self->step == STEP_ASKING)
    lost (self, STEP_NONE, "the registry gives no ticket");
  else
    lost (self, STEP_WAITING, "no answer");
  return G_SOURCE_REMOVE;
}

/* --- sending ------------------------------------------------------------------------------- */

static void
put (ScopeCarrier *self, ScopeCarrierLink *link, const guint8 *packet, gsize len)
{
  if (scope_carrier_queue_put (self->queue, link->id, packet, len))
    self->stats.sent++;
  else
    self->stats.dropped++;
}

static void
say (ScopeCarrier *self, const ScopeCarryMessage *message)
{
  g_autofree char *text = scope_carry_format (message);

  soup_websocket_connection_send_text (self->socket, text);
}

/* --- links --------------------------------------------------------------------------------- */

static ScopeCarrierLink *
find (ScopeCarrier *self, const ScopeKey *relay)
{
  for (guint i = 0; i < self->links->len; i++)
    if (scope_key_equal (&((ScopeCarrierLink *) self->links->pdata[i])->relay, relay))
      return self->links->pdata[i];
  return NULL;
}

static ScopeCarrierLink *
find_id (ScopeCarrier *self, guint16 id)
{
  for (guint i = 0; i < self->links->len; i++)
    {
      ScopeCarrierLink *link = self->links->pdata[i];
      if (link->asked && link->id == id)
        return link;
    }
  return NULL;
}

/* An id that was used before may still be in packets that are on their way. */
static void
ask_for (ScopeCarrier *self, ScopeCarrierLink *link)
{
  ScopeCarryMessage message = { .type = SCOPE_CARRY_OPEN, .key = link->relay };

  do
    link->id = ++self->last_id;
  while (find_id (self, link->id));
  link->asked = TRUE;
  message.id = link->id;
  say (self, &message);
}

static void
keep_first (ScopeCarrier *self, ScopeCarrierLink *link, const guint8 *packet, gsize len)
{
  if (scope_carry_is_initiation (packet, len))
    {
      memcpy (link->first, packet, len);
      link->first_len = len;
    }
  else
    self->stats.dropped++;
}

static void
on_packet (ScopeCarrierLink *link, const guint8 *packet, gsize len, gpointer data)
{
  ScopeCarrier *self = data;

  link->active = g_get_monotonic_time ();
  if (self->step == STEP_OPEN && (link->asked || link->active >= link->patient_until))
    {
      /* What follows the question is taken before the answer comes. */
      if (!link->asked)
        ask_for (self, link);
      put (self, link, packet, len);
      return;
    }
  keep_first (self, link, packet, len);
  if (self->step == STEP_IDLE)
    {
      start (self);
      tell (self);
    }
}

/* --- messages ------------------------------------------------------------------------------ */

static void
on_ready (ScopeCarrier *self)
{
  gint64 now = g_get_monotonic_time ();

  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_pointer (&self->ticket, scope_secret_free);
  self->step = STEP_OPEN;
  self->since = now;
  for (guint i = 0; i < self->links->len; i++)
    {
      ScopeCarrierLink *link = self->links->pdata[i];

      if (now - link->active > IN_USE_USEC)
        continue;
      ask_for (self, link);
      if (link->first_len && now - link->active < FRESH_USEC)
        put (self, link, link->first, link->first_len);
      link->first_len = 0;
    }
  g_debug ("carrying: ready");
  tell (self);
}

static void
on_closed_link (ScopeCarrier *self, const ScopeCarryMessage *message)
{
  ScopeCarrierLink *link = find_id (self, message->id);
  ScopeKey relay;

  if (!link)
    return;
  link->asked = FALSE;
  if (g_str_equal (message->code, "idle"))
    return;
  link->patient_until = g_get_monotonic_time () + PATIENCE_USEC;
  relay = link->relay;
  if (self->calls->refused)
    self->calls->refused (&relay, message->code, self->data);
}

static void
on_text (ScopeCarrier *self, const char *text, gsize len)
{
  ScopeCarryMessage message;
  g_autoptr (GError) error = NULL;

  if (!scope_carry_parse (&message, text, len, &error))
    lost (self, STEP_WAITING, error->message);
  else if (message.type == SCOPE_CARRY_READY && self->step == STEP_CONNECTING)
    on_ready (self);
  else if (message.type == SCOPE_CARRY_CLOSED && self->step == STEP_OPEN)
    on_closed_link (self, &message);
}

static void
on_binary (ScopeCarrier *self, const guint8 *data, gsize len)
{
  ScopeCarryReader reader = { data, len };
  g_autoptr (GError) error = NULL;
  const guint8 *packet;
  gsize packet_len;
  guint16 id;

  while (scope_carry_next (&reader, &id, &packet, &packet_len, &error))
    {
      ScopeCarrierLink *link = find_id (self, id);

      if (!link)
        continue;
      self->stats.received++;
      scope_carrier_link_deliver (link, packet, packet_len);
    }
  if (error)
    lost (self, STEP_WAITING, error->message);
}

static void
on_message (SoupWebsocketConnection *socket, SoupWebsocketDataType type, GBytes *bytes, gpointer data)
{
  g_autoptr (ScopeCarrier) self = g_object_ref (data);
  gsize len;
  const guint8 *payload = g_bytes_get_data (bytes, &len);

  if (self->intake)
    scope_intake_mark (self->intake);
  if (type == SOUP_WEBSOCKET_DATA_TEXT)
    on_text (self, (const char *) payload, len);
  else
    on_binary (self, payload, len);
}

static void
on_endless (gpointer data)
{
  lost (data, STEP_WAITING, "a message that does not end");
}

static void
on_socket_error (SoupWebsocketConnection *socket, GError *error, gpointer data)
{
  lost (data, STEP_WAITING, error->message);
}

static void
on_closed (SoupWebsocketConnection *socket, gpointer data)
{
  ScopeCarrier *self = data;

  /* With 1000 it says that nothing was carried for long: the next packet makes another connection. */
  if (soup_websocket_connection_get_close_code (socket) != SOUP_WEBSOCKET_CLOSE_NORMAL && is_in_use (self))
    {
      lost (self, STEP_WAITING, "the registry has closed the connection");
      return;
    }
  rest (self);
  tell (self);
}

/* --- connecting ---------------------------------------------------------------------------- */

static gboolean
set_up (ScopeCarrier *self)
{
  g_autoptr (GSocketConnection) base = scope_soup_base_connection (self->socket);

  if (!base)
    return FALSE;
  self->queue = scope_carrier_queue_new (self->socket, base);
  self->intake = scope_intake_new (base, INTAKE_MAX, on_endless, self);
  return TRUE;
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopeCarrier) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SoupWebsocketConnection) socket =
      soup_session_websocket_connect_finish (SOUP_SESSION (source), result, &error);
  ScopeCarryMessage message = { .type = SCOPE_CARRY_TICKET };

  if (self->step != STEP_CONNECTING || self->socket || !self->ticket || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return; /* of an attempt that was given up meanwhile */
  if (!socket || !soup_websocket_connection_get_protocol (socket))
    {
      lost (self, STEP_WAITING, error ? error->message : "no subprotocol");
      return;
    }
  self->socket = g_steal_pointer (&socket);
  soup_websocket_connection_set_max_incoming_payload_size (self->socket, SCOPE_CARRY_MESSAGE_MAX);
  if (!set_up (self))
    {
      lost (self, STEP_WAITING, "no TCP below the WebSocket");
      return;
    }
  g_signal_connect (self->socket, "message", G_CALLBACK (on_message), self);
  g_signal_connect (self->socket, "error", G_CALLBACK (on_socket_error), self);
  g_signal_connect (self->socket, "closing", G_CALLBACK (on_closed), self);
  g_signal_connect (self->socket, "closed", G_CALLBACK (on_closed), self);
  g_strlcpy (message.ticket, self->ticket, sizeof message.ticket);
  say (self, &message);
}

void
scope_carrier_ticket (ScopeCarrier *self, const char *registry, const char *ticket)
{
  char *protocols[] = { (char *) SCOPE_CARRY_SUBPROTOCOL, NULL };
  g_autofree char *url = g_strdup_printf ("%s/v1/%s/carry", registry, self->network);
  g_autoptr (SoupMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  if (self->step != STEP_ASKING)
    return;
  g_clear_handle_id (&self->timer, g_source_remove);
  if (!ticket)
    {
      lost (self, STEP_NONE, "the registry does not carry");
      return;
    }
  if (!self->soup)
    self->soup = scope_soup_new (self->ca, NULL, &error);
  message = self->soup ? soup_message_new (SOUP_METHOD_GET, url) : NULL;
  if (!message)
    {
      lost (self, STEP_WAITING, error ? error->message : url);
      return;
    }
  self->step = STEP_CONNECTING;
  self->ticket = g_strdup (ticket);
  self->timer = scope_timeout_add (CONNECT_MS, on_late, self);
  self->attempt = g_cancellable_new ();
  soup_session_websocket_connect_async (self->soup, message, NULL, protocols, G_PRIORITY_DEFAULT, self->attempt,
                                        on_connected, g_object_ref (self));
}

/* Its callers tell. */
static void
start (ScopeCarrier *self)
{
  drop (self);
  self->step = STEP_ASKING;
  self->timer = scope_timeout_add (ASK_MS, on_late, self);
  if (!self->calls->ask (self->data))
    lost (self, STEP_WAITING, "no session to get a ticket with");
}

void
scope_carrier_resume (ScopeCarrier *self)
{
  if (self->step == STEP_WAITING || self->step == STEP_NONE)
    scope_carrier_kick (self);
}

void
scope_carrier_kick (ScopeCarrier *self)
{
  self->failures = 0;
  if (self->step == STEP_IDLE)
    return;
  rest (self);
  if (is_in_use (self))
    start (self);
  tell (self);
}

/* --- life ---------------------------------------------------------------------------------- */

gboolean
scope_carrier_open (ScopeCarrier *self, const ScopeKey *relay, ScopeSockaddr *endpoint, GError **error)
{
  ScopeCarrierLink *link = find (self, relay);

  if (!link)
    {
      link = scope_carrier_link_new (relay, self->port, on_packet, self, error);
      if (!link)
        return FALSE;
      link->active = g_get_monotonic_time ();
      g_ptr_array_add (self->links, link);
      if (self->step == STEP_OPEN)
        ask_for (self, link);
      else if (self->step == STEP_IDLE)
        start (self);
    }
  *endpoint = link->local;
  tell (self);
  return TRUE;
}

void
scope_carrier_close (ScopeCarrier *self, const ScopeKey *relay)
{
  ScopeCarrierLink *link = find (self, relay);
  ScopeCarryMessage message = { .type = SCOPE_CARRY_CLOSE };

  if (!link)
    return;
  message.id = link->id;
  if (self->step == STEP_OPEN && link->asked)
    say (self, &message);
  g_ptr_array_remove (self->links, link);
  if (self->links->len)
    return;
  rest (self);
  self->failures = 0;
  tell (self);
}

gboolean
scope_carrier_is_open (ScopeCarrier *self, const ScopeKey *relay)
{
  return find (self, relay) != NULL;
}

gboolean
scope_carrier_owns (ScopeCarrier *self, const ScopeSockaddr *sa)
{
  for (guint i = 0; i < self->links->len; i++)
    if (scope_sockaddr_equal (&((ScopeCarrierLink *) self->links->pdata[i])->local, sa))
      return TRUE;
  return FALSE;
}

void
scope_carrier_set_port (ScopeCarrier *self, guint16 port)
{
  if (port == self->port)
    return;
  self->port = port;
  for (guint i = 0; i < self->links->len; i++)
    scope_carrier_link_set_port (self->links->pdata[i], port);
}

ScopeCarrierState
scope_carrier_get_state (ScopeCarrier *self)
{
  return self->told;
}

ScopeCarrierStats
scope_carrier_get_stats (ScopeCarrier *self)
{
  return self->stats;
}

ScopeCarrier *
scope_carrier_new (const char *ca, const char *network, const ScopeCarrierCalls *calls, gpointer data)
{
  ScopeCarrier *self = g_object_new (SCOPE_TYPE_CARRIER, NULL);

  self->ca = g_strdup (ca);
  self->network = g_strdup (network);
  self->calls = calls;
  self->data = data;
  return self;
}

void
scope_carrier_stop (ScopeCarrier *self)
{
  rest (self);
  g_ptr_array_set_size (self->links, 0);
  self->told = SCOPE_CARRIER_IDLE;
}

static void
scope_carrier_dispose (GObject *object)
{
  scope_carrier_stop (SCOPE_CARRIER (object));
  G_OBJECT_CLASS (scope_carrier_parent_class)->dispose (object);
}

static void
scope_carrier_finalize (GObject *object)
{
  ScopeCarrier *self = SCOPE_CARRIER (object);

  g_ptr_array_unref (self->links);
  g_free (self->ca);
  g_free (self->network);
  G_OBJECT_CLASS (scope_carrier_parent_class)->finalize (object);
}

static void
scope_carrier_init (ScopeCarrier *self)
{
  self->links = g_ptr_array_new_with_free_func ((GDestroyNotify) scope_carrier_link_free);
}

static void
scope_carrier_class_init (ScopeCarrierClass *class)
{
  G_OBJECT_CLASS (class)->dispose = scope_carrier_dispose;
  G_OBJECT_CLASS (class)->finalize = scope_carrier_finalize;
}
