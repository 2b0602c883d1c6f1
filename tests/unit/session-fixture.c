/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session-fixture.h"

#include "common/scope-error.h"
#include "test-log.h"

#include <string.h>

gboolean
on_tick (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

void
run_for (guint ms)
{
  gint64 end = g_get_monotonic_time () + ms * 1000;

  wait_for (g_get_monotonic_time () >= end);
}

/* --- a registry ---------------------------------------------------------------------------- */

/* A chunk after the other, for as long as the client takes them. */
static void
on_wrote_chunk (SoupServerMessage *message, gpointer data)
{
  Registry *r = data;
  gsize size = r->get == DRIP ? 1 : 1024 * 1024;
  g_autofree char *chunk = g_strnfill (size, ' ');

  if (r->get == DRIP)
    {
      g_ptr_array_add (r->held, g_object_ref (message)); /* the next one comes with release_drop() */
      soup_server_message_pause (message);
    }
  r->dripped += size;
  soup_message_body_append (soup_server_message_get_response_body (message), SOUP_MEMORY_COPY, chunk, size);
}

gboolean
on_drip (gpointer data)
{
  Registry *r = data;
  g_autoptr (GPtrArray) held = g_steal_pointer (&r->held);

  r->held = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < held->len; i++)
    soup_server_message_unpause (g_ptr_array_index (held, i));
  return G_SOURCE_CONTINUE;
}

static void
respond (Registry *r, SoupServerMessage *message, guint status, Manner manner)
{
  soup_server_message_set_status (message, status, NULL);
  switch (manner)
    {
    case ANSWER:
      soup_server_message_set_response (message, "application/json", SOUP_MEMORY_COPY, r->body, strlen (r->body));
      break;
    case HOLD:
      soup_server_message_set_response (message, "application/json", SOUP_MEMORY_COPY, r->body, strlen (r->body));
      g_ptr_array_add (r->held, g_object_ref (message));
      soup_server_message_pause (message);
      break;
    case DRIP:
    case ENDLESS:
      soup_message_headers_set_encoding (soup_server_message_get_response_headers (message), SOUP_ENCODING_CHUNKED);
      soup_message_body_set_accumulate (soup_server_message_get_response_body (message), FALSE);
      soup_message_body_append (soup_server_message_get_response_body (message), SOUP_MEMORY_STATIC, " ", 1);
      g_signal_connect (message, "wrote-chunk", G_CALLBACK (on_wrote_chunk), r);
      break;
    }
}

static void
on_get_finished (SoupServerMessage *message, gpointer data)
{
  ((Registry *) data)->running--;
}

static void
note (Registry *r, SoupServerMessage *message)
{
  g_ptr_array_add (r->paths, g_strdup_printf ("%s %s", soup_server_message_get_method (message),
                                              g_uri_get_path (soup_server_message_get_uri (message))));
}

static void
on_get (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query, gpointer data)
{
  Registry *r = data;
  guint status = r->status;

  note (r, message);
  if (r->raw_status && strstr (path, KEY))
    status = r->raw_status;
  if (r->url_status && strstr (path, KEY_URL))
    status = r->url_status;
  r->gets++;
  r->running++;
  r->most_running = MAX (r->most_running, r->running);
  g_signal_connect (message, "finished", G_CALLBACK (on_get_finished), r);
  respond (r, message, status, r->get);
}

static void
on_update (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query, gpointer data)
{
  Registry *r = data;

  note (r, message);
  r->updates++;
  respond (r, message, r->status, r->update);
}

static void
on_frame (SoupWebsocketConnection *socket, SoupWebsocketDataType type, GBytes *bytes, gpointer data)
{
  Registry *r = data;

  g_assert_cmpint (type, ==, SOUP_WEBSOCKET_DATA_TEXT);
  g_assert_cmpstr (g_bytes_get_data (bytes, NULL), ==, "{\"t\":\"ping\",\"d\":\"SYN\"}");
  r->pings++;
  if (!r->deaf)
    soup_websocket_connection_send_text (socket, "{\"t\":\"ping\",\"d\":\"ACK\"}");
}

static void
on_socket_closed (SoupWebsocketConnection *socket, gpointer data)
{
  g_ptr_array_remove (((Registry *) data)->open, socket);
}

static void
on_socket (SoupServer *server, SoupServerMessage *message, const char *path, SoupWebsocketConnection *socket,
           gpointer data)
{
  Registry *r = data;

  r->sockets++;
  g_ptr_array_add (r->open, g_object_ref (socket));
  g_signal_connect (socket, "message", G_CALLBACK (on_frame), r);
  g_signal_connect (socket, "closed", G_CALLBACK (on_socket_closed), r);
  if (r->close_socket)
    soup_websocket_connection_close (socket, SOUP_WEBSOCKET_CLOSE_GOING_AWAY, NULL);
}

static void
on_socket_early (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query, gpointer data)
{
  Registry *r = data;

  if (r->socket_status || r->hold_socket)
    {
      r->sockets++;
      soup_server_message_set_status (message, r->socket_status ? r->socket_status : 503, NULL);
    }
  if (r->hold_socket)
    {
      g_ptr_array_add (r->held, g_object_ref (message));
      soup_server_message_pause (message);
    }
}

Registry *
registry_new (const char *certificate)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GTlsCertificate) tls = NULL;
  Registry *r = g_new0 (Registry, 1);

  r->body = ROSTER;
  r->status = 200;
  r->paths = g_ptr_array_new_with_free_func (g_free);
  r->open = g_ptr_array_new_with_free_func (g_object_unref);
  r->held = g_ptr_array_new_with_free_func (g_object_unref);
  if (certificate)
    {
      g_autofree char *path = g_build_filename (SCOPE_SRCDIR, "tests/unit/data/tls", certificate, NULL);
      tls = g_tls_certificate_new_from_file (path, &error);
      g_assert_no_error (error);
    }
  r->soup = soup_server_new ("raw-paths", FALSE, "tls-certificate", tls, NULL);
  soup_server_add_handler (r->soup, "/p/get", on_get, r, NULL);
  soup_server_add_handler (r->soup, "/p/update", on_update, r, NULL);
  soup_server_add_early_handler (r->soup, "/p/messages", on_socket_early, r, NULL);
  soup_server_add_websocket_handler (r->soup, "/p/messages", NULL, NULL, on_socket, r, NULL);
  soup_server_listen_local (r->soup, 0, SOUP_SERVER_LISTEN_IPV4_ONLY | (tls ? SOUP_SERVER_LISTEN_HTTPS : 0), &error);
  g_assert_no_error (error);
  GSList *uris = soup_server_get_uris (r->soup);
  r->url = g_strdup_printf ("%s://127.0.0.1:%d/p", tls ? "https" : "http", g_uri_get_port (uris->data));
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
  return r;
}

void
registry_release (Registry *r)
{
  g_autoptr (GPtrArray) held = g_steal_pointer (&r->held);

  r->held = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < held->len; i++)
    soup_server_message_unpause (g_ptr_array_index (held, i));
}

void
registry_send (Registry *r, const char *text)
{
  g_assert_cmpuint (r->open->len, >=, 1);
  soup_websocket_connection_send_text (g_ptr_array_index (r->open, r->open->len - 1), text);
}

void
registry_free (Registry *r)
{
  soup_server_disconnect (r->soup);
  run_for (1);
  for (guint i = 0; i < r->open->len; i++)
    g_signal_handlers_disconnect_by_data (g_ptr_array_index (r->open, i), r);
  g_clear_pointer (&r->open, g_ptr_array_unref);
  g_clear_pointer (&r->held, g_ptr_array_unref);
  g_object_unref (r->soup);
  g_ptr_array_unref (r->paths);
  g_free (r->url);
  g_free (r);
}

/* --- what is no registry at all ------------------------------------------------------------ */

static void
on_wrote (GObject *source, GAsyncResult *result, gpointer data)
{
  g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, NULL);
  if (data)
    g_io_stream_close (data, NULL, NULL);
}

static gboolean
on_incoming (GSocketService *service, GSocketConnection *connection, GObject *source, gpointer data)
{
  static const char *const texts[] = { NULL, NULL, "SSH-2.0-OpenSSH_9.2p1\r\n\r\n",
                                       "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"ifname\":" };
  RawServer *raw = data;

  if (raw->manner == RAW_CLOSE)
    g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
  else
    g_ptr_array_add (raw->connections, g_object_ref (connection));
  if (texts[raw->manner])
    g_output_stream_write_all_async (g_io_stream_get_output_stream (G_IO_STREAM (connection)), texts[raw->manner],
                                     strlen (texts[raw->manner]), 0, NULL, on_wrote,
                                     raw->manner == RAW_HALF ? connection : NULL);
  return TRUE;
}

RawServer *
raw_new (Raw manner)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) bound = NULL;
  g_autoptr (GError) error = NULL;
  RawServer *raw = g_new0 (RawServer, 1);

  raw->manner = manner;
  raw->connections = g_ptr_array_new_with_free_func (g_object_unref);
  raw->service = g_socket_service_new ();
  g_socket_listener_add_address (G_SOCKET_LISTENER (raw->service), any, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP,
                                 NULL, &bound, &error);
  g_assert_no_error (error);
  g_signal_connect (raw->service, "incoming", G_CALLBACK (on_incoming), raw);
  raw->url = g_strdup_printf ("http://127.0.0.1:%u", g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)));
  return raw;
}

void
raw_free (RawServer *raw)
{
  g_socket_service_stop (raw->service);
  g_socket_listener_close (G_SOCKET_LISTENER (raw->service));
  g_object_unref (raw->service);
  g_ptr_array_unref (raw->connections);
  g_free (raw->url);
  g_free (raw);
}

char *
closed_port (void)
{
  RawServer *raw = raw_new (RAW_CLOSE);
  char *url = g_steal_pointer (&raw->url);

  raw_free (raw);
  return url;
}

/* --- fixture ------------------------------------------------------------------------------- */

static void
act (Fixture *f, Signal signal)
{
  if (f->act_on != signal)
    return;
  f->act_on = SIGNAL_NONE;
  if (f->action == DO_KICK)
    scope_session_kick (f->session);
  else if (f->action == DO_STOP)
    scope_session_stop (f->session);
  else
    {
      g_signal_handlers_disconnect_by_data (f->session, f);
      g_clear_object (&f->session);
    }
}

static void
on_roster (ScopeSession *session, gpointer data)
{
  Fixture *f = data;

  f->rosters++;
  act (f, SIGNAL_ROSTER);
}

static void
on_open (ScopeSession *session, gpointer data)
{
  Fixture *f = data;

  g_assert_true (scope_session_is_open (session));
  f->opened++;
  act (f, SIGNAL_OPEN);
}

static void
on_failed (ScopeSession *session, GError *error, gpointer data)
{
  Fixture *f = data;

  g_assert_false (scope_session_is_open (session));
  g_assert_nonnull (error);
  g_clear_error (&f->error);
  f->error = g_error_copy (error);
  f->failed++;
  act (f, SIGNAL_FAILED);
}

ScopeSettings *
settings (const char *urls, const char *ca)
{
  g_autoptr (GHashTable) data = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GError) error = NULL;
  ScopeSettings *s;

  g_hash_table_insert (data, (gpointer) "registry", (gpointer) urls);
  g_hash_table_insert (data, (gpointer) "network", (gpointer) "home");
  g_hash_table_insert (data, (gpointer) "netreg", (gpointer) "wg0");
  if (ca)
    g_hash_table_insert (data, (gpointer) "ca", (gpointer) ca);
  s = scope_settings_parse (data, NULL, &error);
  g_assert_no_error (error);
  return s;
}

void
make (Fixture *f, const char *urls, const char *ca)
{
  g_autoptr (ScopeSettings) s = settings (urls, ca);
  g_autoptr (GError) error = NULL;
  ScopeKey own;

  g_assert_true (scope_key_parse (&own, KEY));
  f->session = scope_session_new (s, &own, &error);
  g_assert_no_error (error);
  g_signal_connect (f->session, "roster", G_CALLBACK (on_roster), f);
  g_signal_connect (f->session, "open", G_CALLBACK (on_open), f);
  g_signal_connect (f->session, "failed", G_CALLBACK (on_failed), f);
  *scope_session_timings (f->session) = (ScopeSessionTimings) {
    .ping_ms = 100 * 1000,
    .pong_ms = 100 * 1000,
    .refresh_ms = 100 * 1000,
    .fetch_ms = 100 * 1000,
  };
  *scope_session_dialer_timings (f->session) = (ScopeDialerTimings) {
    .attempt_ms = 100 * 1000,
    .stable_ms = 0,
    .backoff_min_ms = 20,
    .backoff_max_ms = 100,
  };
}

void
start (Fixture *f)
{
  make (f, f->registry->url, NULL);
  scope_session_start (f->session);
}

void
forget_warnings (void)
{
  g_ptr_array_set_size (test_log_warnings, 0);
}

void
set_up (Fixture *f, gconstpointer data)
{
  f->registry = registry_new (NULL);
}

void
drop_session (Fixture *f)
{
  gpointer weak = f->session;

  if (!f->session)
    return;
  g_object_add_weak_pointer (G_OBJECT (f->session), &weak);
  scope_session_stop (f->session);
  g_clear_object (&f->session);
  wait_for (weak == NULL);
}

void
tear_down (Fixture *f, gconstpointer data)
{
  drop_session (f);
  wait_for (f->registry->open->len == 0); /* the connection is closed, not just forgotten */
  registry_free (f->registry);
  g_clear_error (&f->error);
  test_log_assert_quiet ();
}

void
wait_open (Fixture *f, Registry *r)
{
  guint opened = f->opened;

  wait_for (f->opened > opened && r->running == 0 && f->rosters >= 2);
}

const char *
last_path (Registry *r)
{
  return r->paths->len ? g_ptr_array_index (r->paths, r->paths->len - 1) : NULL;
}

/* libsoup and GIO tell everything, through a way of logging that GLib's tests print. */
static void
discard (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
}

void
session_test_init (int *argc, char ***argv)
{
  g_test_init (argc, argv, NULL);
  test_log_init ();
  g_log_set_handler ("GLib-GIO", G_LOG_LEVEL_DEBUG | G_LOG_LEVEL_INFO, discard, NULL);
  g_log_set_handler ("libsoup", G_LOG_LEVEL_DEBUG | G_LOG_LEVEL_INFO, discard, NULL);
}
