/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-session-private.h"

#include "common/scope-error.h"
#include "peer/scope-fetch.h"
#include "peer/scope-timeout.h"
#include "wire/scope-message.h"

#include <libsoup/soup.h>
#include <string.h>

static const ScopeSessionTimings default_timings = {
  .ping_ms = 20 * 1000,
  .pong_ms = 10 * 1000,
  .refresh_ms = 600 * 1000,
  .fetch_ms = 30 * 1000,
};

typedef enum {
  STATE_STOPPED,
  STATE_CONNECTING, /* WebSocket and first roster side by side */
  STATE_OPEN,       /* both are there */
  STATE_WAITING,    /* back-off */
} SessionState;

struct _ScopeSession {
  GObject parent_instance;

  ScopeDialer *dialer;
  char *network; /* our copy: a cancelled operation comes back after our owner has gone */
  ScopeApi api; /* the registry in use */
  ScopeSessionTimings timings;
  SessionState state;
  ScopeApiKeyForm key_form;
  char *gateway;
  ScopeRoster *roster;

  GCancellable *attempt; /* everything of the current connection */
  SoupWebsocketConnection *socket;
  gboolean served;       /* a roster came since it began */
  guint ping_id;
  guint pong_id;
  guint refresh_id;
  ScopeFetch *fetching;  /* or NULL */
  guint fetch_pause_id;  /* after one that failed */
  guint fetch_failures;  /* in a row: the pause's exponent */
  gboolean fetch_again;
};

G_DEFINE_FINAL_TYPE (ScopeSession, scope_session, G_TYPE_OBJECT)

enum { ROSTER, FAILED, OPEN, N_SIGNALS };
static guint signals[N_SIGNALS];

static void fetch (ScopeSession *self);
static void attempt_failed (ScopeSession *self, GError *error);
static void maybe_open (ScopeSession *self);

ScopeSessionTimings *
scope_session_timings (ScopeSession *self)
{
  return &self->timings;
}

static void dial (gpointer data);
static void late (GError *error, gpointer data);
static void failed (const GError *error, gpointer data);

static const ScopeDialerCalls dialer_calls = { dial, late, failed };

ScopeSession *
scope_session_new (const ScopeSettings *settings, const ScopeKey *own, GError **error)
{
  g_autoptr (ScopeSession) self = g_object_new (SCOPE_TYPE_SESSION, NULL);

  self->dialer = scope_dialer_new (settings, &dialer_calls, self, error);
  if (!self->dialer)
    return NULL;
  self->network = g_strdup (settings->netreg);
  self->api = (ScopeApi) { .network = self->network, .own = *own };
  self->timings = default_timings;
  return g_steal_pointer (&self);
}

ScopeDialerTimings *
scope_session_dialer_timings (ScopeSession *self)
{
  return scope_dialer_timings (self->dialer);
}

/* --- the roster ---------------------------------------------------------------------------- */

static gboolean
on_fetch_pause_over (gpointer data)
{
  ScopeSession *self = data;

  self->fetch_pause_id = 0;
  fetch (self);
  return G_SOURCE_REMOVE;
}

static void
fetch_failed (ScopeSession *self, gboolean stuck, GError *error)
{
  if (self->state == STATE_OPEN && !stuck)
    {
      /* The registry was fine a moment ago, and the roster that we have stays good. But there is news that
       * nobody will announce again: ask until we have it. */
      g_warning ("%s", error->message);
      g_error_free (error);
      self->fetch_pause_id = scope_timeout_add (scope_dialer_backoff (self->dialer, self->fetch_failures++), on_fetch_pause_over, self);
    }
  else
    attempt_failed (self, error);
}

static void
on_fetched (ScopeFetch *fetched, ScopeRoster *roster, GError *error, gpointer data)
{
  g_autoptr (ScopeSession) self = g_object_ref (data); /* who hears of it may let go of us */
  g_autoptr (GCancellable) attempt = g_object_ref (self->attempt);
  g_autoptr (ScopeFetch) over = g_steal_pointer (&self->fetching);

  if (!roster)
    {
      fetch_failed (self, scope_fetch_timed_out (over), error);
      return;
    }
  char *gateway = scope_fetch_get_remote (over);
  if (gateway)
    {
      g_free (self->gateway);
      self->gateway = gateway;
    }
  g_debug ("roster with %u peers", roster->peers->len);
  self->key_form = scope_fetch_get_form (over);
  self->fetch_failures = 0;
  self->served = TRUE;
  g_clear_pointer (&self->roster, scope_roster_free);
  self->roster = roster;
  g_signal_emit (self, signals[ROSTER], 0);
  if (!g_cancellable_is_cancelled (attempt))
    maybe_open (self);
  if (!g_cancellable_is_cancelled (attempt) && self->fetch_again)
    fetch (self);
}

/* One at a time; an update that comes meanwhile makes it run once more. */
static void
fetch (ScopeSession *self)
{
  self->fetch_again = self->fetching || self->fetch_pause_id;
  if (self->fetch_again)
    return;
  g_debug ("asking for the roster");
  self->fetching = scope_fetch_new (scope_dialer_soup (self->dialer), &self->api, self->key_form, self->timings.fetch_ms, on_fetched,
                                    g_object_ref (self), g_object_unref);
}

/* --- announcing ---------------------------------------------------------------------------- */

/* What the answer says is of no interest, and may be long: it is not read. */
static void
on_announced (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (SoupMessage) message = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) body = soup_session_send_finish (SOUP_SESSION (source), result, &error);
  guint status = soup_message_get_status (message);

  if (body)
    g_input_stream_close_async (body, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
  if (!body && !scope_err_cancelled (error))
    g_warning ("announcing to the registry: %s", error->message);
  else if (body && !SOUP_STATUS_IS_SUCCESSFUL (status))
    g_warning ("announcing to the registry: status %u", status);
}

void
scope_session_announce (ScopeSession *self)
{
  if (self->state == STATE_STOPPED || !self->attempt)
    return;
  g_autofree char *url = scope_api_peer_url (&self->api, "update", self->key_form);
  SoupMessage *message = soup_message_new (SOUP_METHOD_POST, url);

  soup_session_send_async (scope_dialer_soup (self->dialer), message, G_PRIORITY_DEFAULT, self->attempt, on_announced, message);
}

/* --- the WebSocket ------------------------------------------------------------------------- */

static gboolean
on_pong_missing (gpointer data)
{
  ScopeSession *self = data;

  self->pong_id = 0;
  attempt_failed (self, g_error_new (SCOPE_ERROR, SCOPE_ERROR_UNREACHABLE, "registry %s: no answer to our ping",
                                     self->api.registry));
  return G_SOURCE_REMOVE;
}

static gboolean
on_ping (gpointer data)
{
  ScopeSession *self = data;
  g_autofree char *text = scope_message_format (SCOPE_MESSAGE_PING, "SYN");

  soup_websocket_connection_send_text (self->socket, text);
  if (!self->pong_id)
    self->pong_id = scope_timeout_add (self->timings.pong_ms, on_pong_missing, self);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_refresh (gpointer data)
{
  fetch (data);
  return G_SOURCE_CONTINUE;
}

static void
on_message (SoupWebsocketConnection *socket, SoupWebsocketDataType type, GBytes *bytes, gpointer data)
{
  ScopeSession *self = data;
  g_auto (ScopeMessage) message = { 0 };
  g_autoptr (GError) error = NULL;
  gsize len;
  const char *text = g_bytes_get_data (bytes, &len);

  g_clear_handle_id (&self->pong_id, g_source_remove); /* anything shows that it lives */
  if (type != SOUP_WEBSOCKET_DATA_TEXT || !scope_message_parse (&message, text, len, &error))
    {
      g_info ("registry %s: message that makes no sense: %s", self->api.registry, error ? error->message : "not text");
      return;
    }
  switch (message.type)
    {
    case SCOPE_MESSAGE_PEER_UPDATE:
      /* 0.0.x sends the network's name to everybody; documented is the peer's key. */
      if (message.data && scope_network_name_valid (message.data) && strlen (message.data) < SCOPE_KEY_BASE64URL_LEN &&
          !g_str_equal (message.data, self->network))
        break;
      fetch (self);
      break;
    case SCOPE_MESSAGE_ERROR:
      g_info ("registry %s: %s", self->api.registry, message.data ? message.data : "error");
      break;
    case SCOPE_MESSAGE_PING:
    case SCOPE_MESSAGE_UNKNOWN:
      break;
    }
}

static void
on_closed (SoupWebsocketConnection *socket, gpointer data)
{
  ScopeSession *self = data;

  attempt_failed (self, g_error_new (SCOPE_ERROR, SCOPE_ERROR_UNREACHABLE, "registry %s: closed the connection",
                                     self->api.registry));
}

static void
on_websocket (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ScopeSession) self = data;
  g_autoptr (GError) error = NULL;
  SoupMessage *message = soup_session_get_async_result_message (SOUP_SESSION (source), result);
  g_autoptr (SoupWebsocketConnection) socket =
      soup_session_websocket_connect_finish (SOUP_SESSION (source), result, &error);

  if (!socket)
    {
      if (scope_err_cancelled (error) || self->state != STATE_CONNECTING)
        return;
      attempt_failed (self, scope_api_websocket_error (&self->api, message, error));
      return;
    }
  if (self->state != STATE_CONNECTING || self->socket)
    return; /* of an attempt that was given up meanwhile */

  scope_dialer_connected (self->dialer);
  self->socket = g_steal_pointer (&socket);
  soup_websocket_connection_set_max_incoming_payload_size (self->socket, SCOPE_MESSAGE_MAX_BYTES);
  g_signal_connect (self->socket, "message", G_CALLBACK (on_message), self);
  /* “closed” comes only when the other side has let go of TCP, too. */
  g_signal_connect (self->socket, "closing", G_CALLBACK (on_closed), self);
  g_signal_connect (self->socket, "closed", G_CALLBACK (on_closed), self);
  self->ping_id = scope_timeout_add (self->timings.ping_ms, on_ping, self);
  self->refresh_id = scope_timeout_add (self->timings.refresh_ms, on_refresh, self);

  /* What was announced before the WebSocket stood we have not heard: ask once more. */
  fetch (self);
  maybe_open (self);
}

/* --- connecting and reconnecting ----------------------------------------------------------- */

static void
drop (ScopeSession *self)
{
  g_clear_handle_id (&self->ping_id, g_source_remove);
  g_clear_handle_id (&self->pong_id, g_source_remove);
  g_clear_handle_id (&self->refresh_id, g_source_remove);
  if (self->attempt)
    g_cancellable_cancel (self->attempt);
  g_clear_object (&self->attempt);
  g_clear_pointer (&self->fetching, scope_fetch_free);
  g_clear_handle_id (&self->fetch_pause_id, g_source_remove);
  if (self->socket)
    {
      g_signal_handlers_disconnect_by_data (self->socket, self);
      if (soup_websocket_connection_get_state (self->socket) == SOUP_WEBSOCKET_STATE_OPEN)
        soup_websocket_connection_close (self->socket, SOUP_WEBSOCKET_CLOSE_GOING_AWAY, NULL);
    }
  g_clear_object (&self->socket);
  self->fetch_again = self->served = FALSE;
  self->fetch_failures = 0;
}

static void
dial (gpointer data)
{
  ScopeSession *self = data;

  self->api.registry = scope_dialer_registry (self->dialer);
  g_autofree char *url = scope_api_messages_url (&self->api);
  g_autoptr (SoupMessage) message = soup_message_new (SOUP_METHOD_GET, url);

  self->state = STATE_CONNECTING;
  self->attempt = g_cancellable_new ();
  fetch (self);
  soup_session_websocket_connect_async (scope_dialer_soup (self->dialer), message, NULL, NULL, G_PRIORITY_DEFAULT,
                                        self->attempt, on_websocket, g_object_ref (self));
}

static void
late (GError *error, gpointer data)
{
  attempt_failed (data, error);
}

static void
failed (const GError *error, gpointer data)
{
  g_signal_emit (data, signals[FAILED], 0, error);
}

/* The WebSocket and the first roster come in any order; without either the registry does not serve us. */
static void
maybe_open (ScopeSession *self)
{
  if (self->state != STATE_CONNECTING || !self->socket || !self->served)
    return;
  self->state = STATE_OPEN;
  g_message ("registry %s: connected", self->api.registry);
  scope_dialer_served (self->dialer);
  g_signal_emit (self, signals[OPEN], 0);
}

/* The one place where a connection ends that we did not end. */
static void
attempt_failed (ScopeSession *self, GError *error)
{
  if (self->state == STATE_STOPPED)
    {
      g_error_free (error);
      return;
    }
  drop (self);
  self->state = STATE_WAITING;
  scope_dialer_lost (self->dialer, error);
}

void
scope_session_start (ScopeSession *self)
{
  if (self->state == STATE_STOPPED)
    scope_dialer_start (self->dialer);
}

void
scope_session_kick (ScopeSession *self)
{
  if (self->state == STATE_STOPPED)
    return;
  drop (self);
  scope_dialer_stop (self->dialer);
  scope_dialer_start (self->dialer);
}

void
scope_session_pause (ScopeSession *self, gboolean paused)
{
  scope_dialer_pause (self->dialer, paused);
}

void
scope_session_stop (ScopeSession *self)
{
  self->state = STATE_STOPPED;
  drop (self);
  if (self->dialer)
    scope_dialer_stop (self->dialer);
}

ScopeRoster *
scope_session_take_roster (ScopeSession *self)
{
  return g_steal_pointer (&self->roster);
}

gboolean
scope_session_is_open (ScopeSession *self)
{
  return self->state == STATE_OPEN;
}

const char *
scope_session_get_gateway (ScopeSession *self)
{
  return self->gateway;
}

static void
scope_session_dispose (GObject *object)
{
  ScopeSession *self = SCOPE_SESSION (object);

  scope_session_stop (self);
  g_clear_pointer (&self->gateway, g_free);
  g_clear_pointer (&self->roster, scope_roster_free);
  G_OBJECT_CLASS (scope_session_parent_class)->dispose (object);
}

static void
scope_session_finalize (GObject *object)
{
  ScopeSession *self = SCOPE_SESSION (object);

  g_clear_pointer (&self->dialer, scope_dialer_free);
  g_free (self->network);
  G_OBJECT_CLASS (scope_session_parent_class)->finalize (object);
}

static void
scope_session_init (ScopeSession *self)
{
}

static void
scope_session_class_init (ScopeSessionClass *class)
{
  G_OBJECT_CLASS (class)->dispose = scope_session_dispose;
  G_OBJECT_CLASS (class)->finalize = scope_session_finalize;
  signals[ROSTER] = g_signal_new ("roster", SCOPE_TYPE_SESSION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[FAILED] = g_signal_new ("failed", SCOPE_TYPE_SESSION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                                  G_TYPE_ERROR);
  signals[OPEN] = g_signal_new ("open", SCOPE_TYPE_SESSION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}
