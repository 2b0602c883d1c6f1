/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "v1-fixture.h"

#include "common/scope-error.h"
#include "common/scope-json.h"

#include <glib/gstdio.h>
#include <string.h>

ScopeV1Message *last_roster;
const char *fixture_top = "";
GArray *fixture_device;

void
run_main_loop (guint msec)
{
  gint64 end = g_get_monotonic_time () + msec * 1000;

  do
    {
      while (g_main_context_iteration (NULL, FALSE))
        ;
      g_usleep (200);
    }
  while (g_get_monotonic_time () < end);
}

static ScopeIdentity *
identity_of (guint8 seed)
{
  guint8 secret[SCOPE_IDENTITY_SECRET_LEN];
  g_autoptr (GError) error = NULL;
  ScopeIdentity *identity;

  memset (secret, seed, sizeof secret);
  identity = scope_identity_new (secret, &error);
  g_assert_no_error (error);
  return identity;
}

static char *
sign (const ScopeIdentity *who, const char *typ, const char *payload)
{
  g_autoptr (GError) error = NULL;
  char *text = scope_jws_sign (who, typ, payload, &error);

  g_assert_no_error (error);
  return text;
}

/* The server */

static ScopeWgDevice *
read_device (const char *ifname, ScopeWgBackend *backend, GError **error)
{
  ScopeWgDevice *device;

  if (!fixture_device)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_GONE, "%s: no such device", ifname);
      return NULL;
    }
  device = scope_wg_device_new ();
  device->pub = g_array_index (fixture_device, ScopeKey, 0);
  for (guint i = 1; i < fixture_device->len; i++)
    scope_wg_device_peer (device, &g_array_index (fixture_device, ScopeKey, i));
  return device;
}

static RegistryConfig *
load_config (Fixture *f, const char *more)
{
  g_autofree char *path = g_build_filename (f->dir, "registry.json", NULL);
  g_autofree char *text = g_strdup_printf ("{\"listenPort\":0,\"stateDirectory\":\"state\",\"networks\":[{\"name\":\"home\","
                                           "\"file\":\"home.network\"%s}]%s}", more, fixture_top);
  g_autoptr (GPtrArray) problems = registry_problems_new ();
  RegistryConfig *config;

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  config = registry_config_load (path, problems);
  for (guint i = 0; i < problems->len; i++)
    g_error ("%s", ((RegistryProblem *) g_ptr_array_index (problems, i))->message);
  return config;
}

static void
serve (Fixture *f, const char *more)
{
  g_autoptr (GError) error = NULL;

  f->server = registry_server_new (read_device, &error);
  g_assert_no_error (error);
  registry_server_configure (f->server, load_config (f, more), &error);
  g_assert_no_error (error);
  f->port = registry_server_get_port (f->server);
}

static void
write_network_file (Fixture *f, const char *pool)
{
  g_autoptr (GArray) prefixes = scope_prefix_parse_list (pool, 8, NULL);
  ScopeDelegation delegation = { .network = (char *) "home", .identity = scope_identity_public (f->delegate),
                                 .roles = 1 << SCOPE_ROLE_EDGE | 1 << SCOPE_ROLE_RELAY, .pool = prefixes,
                                 .issued = f->since, .expires = f->since + 90 * 86400 };
  g_autofree char *payload = scope_delegation_format (&delegation);
  g_autofree char *jws = sign (f->root, SCOPE_TYP_DELEGATION, payload);
  g_autofree char *root = scope_identity_public_format (scope_identity_public (f->root));
  g_autofree char *secret = scope_identity_format (f->delegate);
  g_autofree char *path = g_build_filename (f->dir, "home.network", NULL);
  g_autofree char *text = g_strdup_printf ("{\"network\":\"home\",\"root\":\"%s\",\"prefixes\":[\"10.77.0.0/24\"],"
                                           "\"delegate\":\"%s\",\"delegation\":%s}", root, secret, jws);

  g_assert_true (g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

void
fixture_start_with_pool (Fixture *f, const char *more, const char *pool)
{
  memset (f, 0, sizeof *f);
  f->dir = g_dir_make_tmp ("test-v1-XXXXXX", NULL);
  f->root = identity_of (201);
  f->delegate = identity_of (202);
  f->since = g_get_real_time () / G_USEC_PER_SEC - 100;
  f->soup = soup_session_new ();
  write_network_file (f, pool);
  serve (f, more);
}

void
fixture_start (Fixture *f, const char *more)
{
  fixture_start_with_pool (f, more, "10.77.0.0/24,fd77::/64");
}

void
fixture_reload (Fixture *f, const char *more)
{
  g_autoptr (GError) error = NULL;
  RegistryConfig *config = load_config (f, more);

  config->listen_port = 0;
  registry_server_configure (f->server, config, &error);
  g_assert_no_error (error);
}

void
fixture_restart (Fixture *f, const char *more)
{
  g_clear_pointer (&f->server, registry_server_free);
  run_main_loop (0);
  serve (f, more);
}

static void
remove_all (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir)))
    {
      g_autofree char *child = g_build_filename (path, name, NULL);
      remove_all (child);
    }
  g_remove (path);
}

void
fixture_stop (Fixture *f)
{
  soup_session_abort (f->soup);
  g_clear_object (&f->soup);
  g_clear_pointer (&f->server, registry_server_free);
  run_main_loop (0);
  remove_all (f->dir);
  g_free (f->dir);
  scope_identity_unref (f->root);
  scope_identity_unref (f->delegate);
  g_clear_pointer (&last_roster, scope_v1_message_free);
}

RegistryMesh *
fixture_mesh (Fixture *f)
{
  return registry_v1_find (registry_server_get_v1 (f->server), "home");
}

/* The root */

char *
root_signs (Fixture *f, const char *typ, const char *payload)
{
  return sign (f->root, typ, payload);
}

typedef struct {
  GBytes *body;
  gboolean done;
} Answer;

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Answer *answer = user_data;
  g_autoptr (GError) error = NULL;

  answer->body = soup_session_send_and_read_finish (SOUP_SESSION (source), result, &error);
  g_assert_no_error (error);
  answer->done = TRUE;
}

static char *
ask (Fixture *f, const char *method, const char *path, const char *text, guint *status)
{
  g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%u%s", f->port, path);
  g_autoptr (SoupMessage) message = soup_message_new (method, url);
  Answer answer = { 0 };
  char *body;

  if (text)
    {
      g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
      soup_message_set_request_body_from_bytes (message, "application/json", bytes);
    }
  soup_session_send_and_read_async (f->soup, message, G_PRIORITY_DEFAULT, NULL, on_answer, &answer);
  wait_until (answer.done);
  *status = soup_message_get_status (message);
  body = g_strndup (g_bytes_get_data (answer.body, NULL), g_bytes_get_size (answer.body));
  g_bytes_unref (answer.body);
  return body;
}

char *
get (Fixture *f, const char *path, guint *status)
{
  return ask (f, "GET", path, NULL, status);
}

char *
post (Fixture *f, const char *text, guint *status)
{
  return ask (f, "POST", "/v1/home", text, status);
}

void
post_good (Fixture *f, const char *text)
{
  guint status;
  g_autofree char *body = post (f, text, &status);

  if (status != 200 || !g_str_has_prefix (body, "{\"revision\":"))
    g_error ("%u: %s", status, body);
}

void
post_bad (Fixture *f, const char *text, guint status, const char *error)
{
  guint got;
  g_autofree char *body = post (f, text, &got);
  g_autofree char *expected = g_strdup_printf ("{\"error\":\"%s\"", error);

  if (status != got || !g_str_has_prefix (body, expected))
    g_error ("%u: %s", got, body);
}

char *
invite (Fixture *f, gint64 expires_in)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  ScopeInvite data = { .network = (char *) "home", .role = SCOPE_ROLE_EDGE, .name = (char *) "guest",
                       .issued = now - 10, .expires = now + expires_in };
  char *token = scope_token_new ();
  g_autofree char *payload = NULL;
  g_autofree char *jws = NULL;

  scope_token_hash (token, data.token);
  payload = scope_invite_format (&data);
  jws = sign (f->root, SCOPE_TYP_INVITE, payload);
  post_good (f, jws);
  return token;
}

/* Peers */

Peer *
peer_new (Fixture *f, guint8 n)
{
  Peer *peer = g_new0 (Peer, 1);

  peer->f = f;
  peer->identity = identity_of (n);
  memset (peer->key.bytes, n, sizeof peer->key.bytes);
  return peer;
}

void
peer_close (Peer *peer)
{
  if (peer->ws)
    g_signal_handlers_disconnect_by_data (peer->ws, peer);
  if (peer->ws && soup_websocket_connection_get_state (peer->ws) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_close (peer->ws, 1000, NULL);
  g_clear_object (&peer->ws);
  g_queue_clear_full (&peer->inbox, (GDestroyNotify) scope_v1_message_free);
  run_main_loop (0);
}

void
peer_free (Peer *peer)
{
  peer_close (peer);
  scope_identity_unref (peer->identity);
  g_free (peer->nonce);
  g_free (peer->grant);
  g_free (peer->generation);
  g_free (peer);
}

static void
on_ws_message (SoupWebsocketConnection *ws, gint type, GBytes *bytes, gpointer user_data)
{
  Peer *peer = user_data;
  gsize len;
  const char *text = g_bytes_get_data (bytes, &len);
  g_autoptr (GError) error = NULL;
  guint skipped = 0;
  ScopeV1Message *message = scope_v1_parse (text, len, SCOPE_V1_TO_PEER_MAX, &skipped, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (skipped, ==, 0);
  g_queue_push_tail (&peer->inbox, message);
}

static void
on_ws_closed (SoupWebsocketConnection *ws, gpointer user_data)
{
  ((Peer *) user_data)->closed = TRUE;
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *peer = user_data;
  g_autoptr (GError) error = NULL;

  peer->ws = soup_session_websocket_connect_finish (SOUP_SESSION (source), result, &error);
  g_assert_no_error (error);
  soup_websocket_connection_set_max_incoming_payload_size (peer->ws, SCOPE_V1_TO_PEER_MAX);
  g_signal_connect (peer->ws, "message", G_CALLBACK (on_ws_message), peer);
  g_signal_connect (peer->ws, "closed", G_CALLBACK (on_ws_closed), peer);
}

void
peer_connect (Peer *peer)
{
  static char *protocols[] = { (char *) SCOPE_V1_SUBPROTOCOL, NULL };
  g_autofree char *url = g_strdup_printf ("ws://127.0.0.1:%u/v1/home", peer->f->port);
  g_autoptr (SoupMessage) message = soup_message_new ("GET", url);
  g_autoptr (ScopeV1Message) challenge = NULL;
  g_autofree char *root = scope_identity_public_format (scope_identity_public (peer->f->root));

  peer_close (peer);
  peer->closed = FALSE;
  soup_session_websocket_connect_async (peer->f->soup, message, NULL, protocols, G_PRIORITY_DEFAULT, NULL, on_connected, peer);
  wait_until (peer->ws);
  g_assert_cmpstr (soup_websocket_connection_get_protocol (peer->ws), ==, SCOPE_V1_SUBPROTOCOL);
  challenge = peer_expect (peer, SCOPE_V1_CHALLENGE);
  g_assert_cmpstr (challenge->network, ==, "home");
  g_assert_cmpstr (challenge->identity, ==, root);
  g_free (peer->nonce);
  peer->nonce = g_strdup (challenge->nonce);
}

ScopeV1Message *
peer_make_hello (Peer *peer, const char *token)
{
  ScopeV1Message *hello = scope_v1_message_new (SCOPE_V1_HELLO);
  g_autofree char *proof = scope_hello_format ("home", peer->nonce, &peer->key, g_get_real_time () / G_USEC_PER_SEC);

  hello->identity = scope_identity_public_format (scope_identity_public (peer->identity));
  hello->proof = sign (peer->identity, SCOPE_TYP_HELLO, proof);
  hello->token = g_strdup (token);
  return hello;
}

void
peer_send_text (Peer *peer, const char *text)
{
  soup_websocket_connection_send_text (peer->ws, text);
}

void
peer_send (Peer *peer, const ScopeV1Message *message)
{
  g_autofree char *text = scope_v1_format (message);

  peer_send_text (peer, text);
}

ScopeV1Message *
peer_expect (Peer *peer, ScopeV1Type type)
{
  ScopeV1Message *message;

  wait_until (peer->inbox.length || peer->closed);
  if (!peer->inbox.length)
    g_error ("closed (%u), where type %d was expected", soup_websocket_connection_get_close_code (peer->ws), type);
  message = g_queue_pop_head (&peer->inbox);
  if (message->type != type)
    g_error ("%s (%s %s), where type %d was expected", message->name, message->code ? message->code : "",
             message->text ? message->text : "", type);
  return message;
}

void
peer_expect_error (Peer *peer, const char *code)
{
  g_autoptr (ScopeV1Message) message = peer_expect (peer, SCOPE_V1_ERROR);

  if (!g_str_equal (message->code, code))
    g_error ("%s (%s), where %s was expected", message->code, message->text, code);
  if (g_str_equal (code, "busy"))
    return;
  wait_until (peer->closed);
  g_assert_cmpuint (soup_websocket_connection_get_close_code (peer->ws), ==, 1008);
}

void
peer_expect_silence (Peer *peer)
{
  run_main_loop (100);
  if (peer->inbox.length)
    g_error ("%s, where nothing was expected", ((ScopeV1Message *) g_queue_peek_head (&peer->inbox))->name);
}

static void
take_welcome (Peer *peer)
{
  g_autoptr (ScopeV1Message) welcome = peer_expect (peer, SCOPE_V1_WELCOME);
  g_autoptr (ScopeV1Message) roster = NULL;

  g_free (peer->grant);
  g_free (peer->generation);
  peer->grant = g_strdup (welcome->grant);
  peer->generation = g_strdup (welcome->generation);
  do
    {
      g_clear_pointer (&roster, scope_v1_message_free);
      roster = peer_expect (peer, SCOPE_V1_ROSTER);
    }
  while (roster->more);
  peer->revision = roster->revision;
  g_clear_pointer (&last_roster, scope_v1_message_free);
  last_roster = g_steal_pointer (&roster);
}

void
peer_join (Peer *peer, const char *token)
{
  g_autoptr (ScopeV1Message) hello = NULL;

  peer_connect (peer);
  hello = peer_make_hello (peer, token);
  peer_send (peer, hello);
  take_welcome (peer);
}

/* Envelopes */

JsonObject *
payload_of (const char *text)
{
  g_autoptr (ScopeJws) jws = scope_jws_parse (text, strlen (text), NULL);
  JsonObject *object = scope_json_parse_object (g_bytes_get_data (jws->payload, NULL), g_bytes_get_size (jws->payload), 65536, NULL);

  g_assert_nonnull (object);
  return object;
}

GArray *
ranges_of (const char *grant)
{
  g_autoptr (JsonObject) payload = payload_of (grant);
  JsonArray *array = json_object_get_array_member (payload, "ranges");
  GArray *ranges = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));

  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      ScopePrefix prefix;

      g_assert_true (scope_prefix_parse (&prefix, json_array_get_string_element (array, i)));
      g_array_append_val (ranges, prefix);
    }
  return ranges;
}

char *
address_of (const char *grant)
{
  g_autoptr (GArray) ranges = ranges_of (grant);
  char text[SCOPE_PREFIX_STRLEN];

  return g_strdup (scope_prefix_format (&g_array_index (ranges, ScopePrefix, 0), text));
}

char *
peer_record (Peer *peer, guint64 sequence, const char *endpoint)
{
  g_autoptr (ScopeRecord) record = scope_record_new ("home");
  g_autofree char *payload = NULL;

  record->key = peer->key;
  record->sequence = sequence;
  record->issued = g_get_real_time () / G_USEC_PER_SEC;
  record->expires = record->issued + 3600;
  g_array_unref (record->ranges);
  record->ranges = ranges_of (peer->grant);
  g_strfreev (record->endpoints);
  record->endpoints = g_new0 (char *, 2);
  record->endpoints[0] = g_strdup (endpoint);
  payload = scope_record_format (record);
  return sign (peer->identity, SCOPE_TYP_RECORD, payload);
}

char *
peer_kex (Peer *peer, guint64 epoch)
{
  ScopeKexKey kex = { .key = peer->key, .epoch = epoch, .issued = g_get_real_time () / G_USEC_PER_SEC };
  g_autofree char *payload = NULL;

  memset (kex.kem, (int) epoch & 0x7f, sizeof kex.kem);
  payload = scope_kex_key_format ("home", &kex);
  return sign (peer->identity, SCOPE_TYP_KEX_KEY, payload);
}
