/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-v1-session.h"

#include "common/scope-error.h"
#include "peer/scope-api.h"
#include "peer/scope-intake.h"
#include "peer/scope-soup.h"
#include "peer/scope-timeout.h"

#define PING_MS (25 * 1000) /* less than half of what a registry waits for a sign of life: it then need not ping us */
#define PONG_MS (10 * 1000)
#define MESSAGE_MAX (2 * SCOPE_V1_TO_PEER_MAX) /* in pieces, with all that TLS and WebSocket put around them */

typedef enum {
  STATE_STOPPED,
  STATE_CONNECTING, /* up to the challenge */
  STATE_GREETING,   /* our hello is out */
  STATE_OPEN,       /* welcome */
  STATE_WAITING,    /* the dialer's pause */
} SessionState;

struct _ScopeV1Session {
  GObject parent_instance;

  const ScopeV1SessionCalls *calls;
  gpointer data;
  char *network;
  ScopeDialer *dialer;
  SessionState state;
  GCancellable *attempt;
  SoupWebsocketConnection *socket;
  ScopeIntake *intake; /* of the socket */
  char *gateway;
  gint64 offset; /* ms */
  guint ping_id;
  guint pong_id;
  guint64 pings;         /* number of the last one */
  gint64 ping_sent_usec; /* monotonic */
  gboolean skipped;      /* that entries of this session make no sense was said */
};

G_DEFINE_FINAL_TYPE (ScopeV1Session, scope_v1_session, G_TYPE_OBJECT)

static const char *
registry (ScopeV1Session *self)
{
  return scope_dialer_registry (self->dialer);
}

static void
drop (ScopeV1Session *self)
{
  g_clear_handle_id (&self->ping_id, g_source_remove);
  g_clear_handle_id (&self->pong_id, g_source_remove);
  g_clear_pointer (&self->intake, scope_intake_free);
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
}

/* The one place where a connection ends that we did not end. */
static void
lost (ScopeV1Session *self, GError *error)
{
  gboolean was_open = self->state == STATE_OPEN;

  if (self->state == STATE_STOPPED)
    {
      g_error_free (error);
      return;
    }
  drop (self);
  self->state = STATE_WAITING;
  scope_dialer_lost (self->dialer, error);
  if (was_open && self->state != STATE_STOPPED)
    self->calls->lost (self->data);
}

void
scope_v1_session_reject (ScopeV1Session *self, GError *error)
{
  g_prefix_error (&error, "registry %s: ", registry (self));
  scope_dialer_spoiled (self->dialer);
  lost (self, error);
}

/* --- pings: that the registry lives, and what time it has ----------------------------------- */

static gboolean
on_pong_missing (gpointer data)
{
  ScopeV1Session *self = data;

  self->pong_id = 0;
  lost (self, g_error_new (SCOPE_ERROR, SCOPE_ERROR_UNREACHABLE, "registry %s: no answer to our ping", registry (self)));
  return G_SOURCE_REMOVE;
}

static gboolean
on_ping (gpointer data)
{
  ScopeV1Session *self = data;
  g_autofree char *text = g_strdup_printf ("{\"t\":\"ping\",\"d\":{\"n\":%" G_GUINT64_FORMAT "}}", ++self->pings);

  self->ping_sent_usec = g_get_monotonic_time ();
  soup_websocket_connection_send_text (self->socket, text);
  if (!self->pong_id)
    self->pong_id = scope_timeout_add (PONG_MS, on_pong_missing, self);
  return G_SOURCE_CONTINUE;
}

static void
take_time (ScopeV1Session *self, gint64 time)
{
  gint64 round_trip = self->ping_sent_usec ? g_get_monotonic_time () - self->ping_sent_usec : 0;

  self->offset = time + round_trip / 2000 - g_get_real_time () / 1000;
}

/* --- messages ------------------------------------------------------------------------------ */

/* The registry's refusals, and what they mean to somebody who is not served. */
static GError *
refusal (ScopeV1Session *self, const ScopeV1Message *message)
{
  static const struct {
    const char *code;
    ScopeError error;
    const char *hint;
  } table[] = {
    { "not-admitted", SCOPE_ERROR_NOT_LISTED, "ask for an invite, or a grant" },
    { "denied", SCOPE_ERROR_DENIED, "it does not accept our proof or grant" },
    { "token-used", SCOPE_ERROR_INVITE, "the invite was used already: ask for another one" },
    { "token-expired", SCOPE_ERROR_EXPIRED, "the invite has expired: ask for another one" },
    { "full", SCOPE_ERROR_DENIED, "the network has no address left" },
    { "revoked", SCOPE_ERROR_DENIED, "this machine was revoked" },
    { "disabled", SCOPE_ERROR_DENIED, "the network is switched off in the registry's configuration" },
    { "replaced", SCOPE_ERROR_FAILED, "another machine, or another connection, uses our identity" },
  };
  const char *code = message->code ? message->code : "error";

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++)
    if (g_str_equal (code, table[i].code))
      return g_error_new (SCOPE_ERROR, table[i].error, "registry %s: network %s: %s (%s)", registry (self),
                          self->network, table[i].hint, code);
  return g_error_new (SCOPE_ERROR, SCOPE_ERROR_UNREACHABLE, "registry %s: network %s: it says %s%s%s", registry (self),
                      self->network, code, message->text ? ": " : "", message->text ? message->text : "");
}

static void
greet (ScopeV1Session *self, const ScopeV1Message *challenge)
{
  GError *error = NULL;
  g_autofree char *hello = NULL;

  take_time (self, challenge->time);
  hello = self->calls->hello (challenge, self->data, &error);
  if (!hello)
    {
      scope_v1_session_reject (self, error);
      return;
    }
  self->state = STATE_GREETING;
  soup_websocket_connection_send_text (self->socket, hello);
}

static void
on_text (ScopeV1Session *self, ScopeV1Message *message)
{
  switch (message->type)
    {
    case SCOPE_V1_CHALLENGE:
      if (self->state == STATE_CONNECTING)
        greet (self, message);
      return;
    case SCOPE_V1_PING:
      if (message->n != self->pings || !self->ping_sent_usec)
        return;
      g_clear_handle_id (&self->pong_id, g_source_remove);
      take_time (self, message->time);
      self->ping_sent_usec = 0;
      return;
    case SCOPE_V1_ERROR:
      if (g_strcmp0 (message->code, "busy") == 0)
        {
          g_debug ("registry %s: %s", registry (self), message->text ? message->text : "busy");
          return;
        }
      scope_dialer_spoiled (self->dialer);
      lost (self, refusal (self, message));
      return;
    case SCOPE_V1_WELCOME:
      if (self->state != STATE_GREETING)
        return;
      self->state = STATE_OPEN;
      take_time (self, message->time);
      scope_dialer_connected (self->dialer);
      scope_dialer_served (self->dialer);
      self->ping_id = scope_timeout_add (PING_MS, on_ping, self);
      g_message ("registry %s: connected", registry (self));
      break;
    case SCOPE_V1_REVOCATION: /* also ours: then it is not served */
      if (self->state != STATE_OPEN && self->state != STATE_GREETING)
        return;
      break;
    default:
      if (self->state != STATE_OPEN)
        return;
    }
  self->calls->message (message, self->data);
}

static void
on_message (SoupWebsocketConnection *socket, SoupWebsocketDataType type, GBytes *bytes, gpointer data)
{
  g_autoptr (ScopeV1Session) self = g_object_ref (data); /* who hears of it may let go of us */
  g_autoptr (ScopeV1Message) message = NULL;
  g_autoptr (GError) error = NULL;
  guint skipped = 0;
  gsize len;
  const char *text = g_bytes_get_data (bytes, &len);

  if (self->intake)
    scope_intake_mark (self->intake);
  if (type == SOUP_WEBSOCKET_DATA_TEXT)
    message = scope_v1_parse (text, len, SCOPE_V1_TO_PEER_MAX, &skipped, &error);
  if (skipped && !self->skipped)
    g_warning ("registry %s: %u entries make no sense and are left out", registry (self), skipped);
  self->skipped |= skipped != 0;
  if (message)
    on_text (self, message);
  else
    scope_v1_session_reject (self, error ? g_steal_pointer (&error)
                                         : g_error_new (SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "a message that is not text"));
}

static void
on_endless (gpointer data)
{
  scope_v1_session_reject (data, g_error_new (SCOPE_ERROR, SCOPE_ERROR_PROTOCOL,
                                              "a message that does not end: more than %d bytes", MESSAGE_MAX));
}

static void
on_socket_error (SoupWebsocketConnection *socket, GError *error, gpointer data)
{
  ScopeV1Session *self = data;

  lost (self, g_error_new (SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "registry %s: %s", registry (self), error->message));
}

static void
on_closed (SoupWebsocketConnection *socket, gpointer data)
{
  ScopeV1Session *self = data;

  lost (self, g_error_new (SCOPE_ERROR, SCOPE_ERROR_UNREACHABLE, "registry %s: closed the connection", registry (self)));
}

/* --- connecting ---------------------------------------------------------------------------- */

/* It answered, but not with a WebSocket, or not with ours. */
static gboolean
knows_no_v1 (SoupMessage *message, SoupWebsocketConnection *socket, const GError *error)
{
  guint status = message ? soup_message_get_status (message) : 0;

  if (socket)
    return !soup_websocket_connection_get_protocol (socket);
  return error && error->domain == SOUP_WEBSOCKET_ERROR && (status == 403 || status == 404 || status == 400 || status == 426);
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopeV1Session) self = data;
  g_autoptr (GError) error = NULL;
  SoupMessage *message = soup_session_get_async_result_message (SOUP_SESSION (source), result);
  g_autoptr (SoupWebsocketConnection) socket =
      soup_session_websocket_connect_finish (SOUP_SESSION (source), result, &error);
  GSocketAddress *remote = message ? soup_message_get_remote_address (message) : NULL;
  g_autoptr (GSocketConnection) base = NULL;
  gboolean old = knows_no_v1 (message, socket, error);

  if (self->state != STATE_CONNECTING || self->socket || scope_err_cancelled (error))
    return; /* of an attempt that was given up meanwhile */
  if (old && self->calls->absent)
    {
      drop (self);
      self->state = STATE_STOPPED;
      scope_dialer_stop (self->dialer);
      self->calls->absent (self->data);
      return;
    }
  if (old || !socket)
    {
      ScopeApi api = { .registry = registry (self), .network = self->network };

      lost (self, old ? g_error_new (SCOPE_ERROR, SCOPE_ERROR_DENIED,
                                     "registry %s: does not serve network %s in version 1 (status %u), and the profile "
                                     "is pinned to its root",
                                     registry (self), self->network, soup_message_get_status (message))
                      : scope_api_websocket_error (&api, message, error));
      return;
    }
  if (G_IS_INET_SOCKET_ADDRESS (remote))
    {
      g_free (self->gateway);
      self->gateway = g_inet_address_to_string (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote)));
    }
  self->socket = g_steal_pointer (&socket);
  soup_websocket_connection_set_max_incoming_payload_size (self->socket, SCOPE_V1_TO_PEER_MAX);
  base = scope_soup_base_connection (self->socket);
  if (base)
    self->intake = scope_intake_new (base, MESSAGE_MAX, on_endless, self);
  g_signal_connect (self->socket, "message", G_CALLBACK (on_message), self);
  g_signal_connect (self->socket, "error", G_CALLBACK (on_socket_error), self);
  /* “closed” comes only when the other side has let go of TCP, too. */
  g_signal_connect (self->socket, "closing", G_CALLBACK (on_closed), self);
  g_signal_connect (self->socket, "closed", G_CALLBACK (on_closed), self);
}

static void
dial (gpointer data)
{
  ScopeV1Session *self = data;
  g_autofree char *url = g_strdup_printf ("%s/v1/%s", registry (self), self->network);
  g_autoptr (SoupMessage) message = soup_message_new (SOUP_METHOD_GET, url);
  char *protocols[] = { (char *) SCOPE_V1_SUBPROTOCOL, NULL };

  self->state = STATE_CONNECTING;
  self->ping_sent_usec = 0;
  self->skipped = FALSE;
  self->attempt = g_cancellable_new ();
  soup_session_websocket_connect_async (scope_dialer_soup (self->dialer), message, NULL, protocols, G_PRIORITY_DEFAULT,
                                        self->attempt, on_connected, g_object_ref (self));
}

static void
late (GError *error, gpointer data)
{
  lost (data, error);
}

static void
failed (const GError *error, gpointer data)
{
  ScopeV1Session *self = data;

  self->calls->failed (error, self->data);
}

static const ScopeDialerCalls dialer_calls = { dial, late, failed };

/* --- life ---------------------------------------------------------------------------------- */

ScopeV1Session *
scope_v1_session_new (const ScopeSettings *settings, const ScopeV1SessionCalls *calls, gpointer data, GError **error)
{
  g_autoptr (ScopeV1Session) self = g_object_new (SCOPE_TYPE_V1_SESSION, NULL);

  self->dialer = scope_dialer_new (settings, &dialer_calls, self, error);
  if (!self->dialer)
    return NULL;
  self->network = g_strdup (settings->netreg);
  self->calls = calls;
  self->data = data;
  return g_steal_pointer (&self);
}

ScopeDialerTimings *
scope_v1_session_timings (ScopeV1Session *self)
{
  return scope_dialer_timings (self->dialer);
}

void
scope_v1_session_start (ScopeV1Session *self)
{
  if (self->state == STATE_STOPPED)
    scope_dialer_start (self->dialer);
}

void
scope_v1_session_stop (ScopeV1Session *self)
{
  if (self->state == STATE_OPEN)
    soup_websocket_connection_send_text (self->socket, "{\"t\":\"leave\",\"d\":{}}");
  self->state = STATE_STOPPED;
  drop (self);
  if (self->dialer)
    scope_dialer_stop (self->dialer);
}

void
scope_v1_session_kick (ScopeV1Session *self)
{
  gboolean was_open = self->state == STATE_OPEN;

  if (self->state == STATE_STOPPED)
    return;
  drop (self);
  scope_dialer_stop (self->dialer);
  if (was_open)
    self->calls->lost (self->data);
  if (self->state != STATE_STOPPED)
    scope_dialer_start (self->dialer);
}

void
scope_v1_session_pause (ScopeV1Session *self, gboolean paused)
{
  scope_dialer_pause (self->dialer, paused);
}

gboolean
scope_v1_session_send (ScopeV1Session *self, const char *text)
{
  if (self->state != STATE_OPEN)
    return FALSE;
  soup_websocket_connection_send_text (self->socket, text);
  return TRUE;
}

gint64
scope_v1_session_offset (ScopeV1Session *self)
{
  return self->offset;
}

const char *
scope_v1_session_get_registry (ScopeV1Session *self)
{
  return registry (self);
}

const char *
scope_v1_session_get_gateway (ScopeV1Session *self)
{
  return self->gateway;
}

char *
scope_v1_session_dup_local (ScopeV1Session *self)
{
  g_autoptr (GSocketConnection) base = scope_soup_base_connection (self->socket);
  g_autoptr (GSocketAddress) local = base ? g_socket_connection_get_local_address (base, NULL) : NULL;

  if (!G_IS_INET_SOCKET_ADDRESS (local))
    return NULL;
  return g_inet_address_to_string (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (local)));
}

static void
scope_v1_session_dispose (GObject *object)
{
  scope_v1_session_stop (SCOPE_V1_SESSION (object));
  G_OBJECT_CLASS (scope_v1_session_parent_class)->dispose (object);
}

static void
scope_v1_session_finalize (GObject *object)
{
  ScopeV1Session *self = SCOPE_V1_SESSION (object);

  g_clear_pointer (&self->dialer, scope_dialer_free);
  g_free (self->network);
  g_free (self->gateway);
  G_OBJECT_CLASS (scope_v1_session_parent_class)->finalize (object);
}

static void
scope_v1_session_init (ScopeV1Session *self)
{
}

static void
scope_v1_session_class_init (ScopeV1SessionClass *class)
{
  G_OBJECT_CLASS (class)->dispose = scope_v1_session_dispose;
  G_OBJECT_CLASS (class)->finalize = scope_v1_session_finalize;
}
