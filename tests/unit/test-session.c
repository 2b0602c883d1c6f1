/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-session: src/peer/scope-session.c against registries on 127.0.0.1 that behave as each test says.
 */
#include "common/scope-error.h"
#include "session-fixture.h"
#include "test-log.h"

#include <string.h>

/* --- a good registry ----------------------------------------------------------------------- */

static void
test_defaults (Fixture *f, gconstpointer data)
{
  g_autoptr (ScopeSettings) s = settings ("http://127.0.0.1:1", NULL);
  ScopeKey own = { { 1 } };
  g_autoptr (ScopeSession) session = scope_session_new (s, &own, NULL);

  g_assert_cmpuint (scope_session_timings (session)->ping_ms, ==, 20000);
  g_assert_cmpuint (scope_session_dialer_timings (session)->backoff_max_ms, ==, 60000);
  g_assert_false (scope_session_is_open (session));
  g_assert_null (scope_session_get_gateway (session));
  g_assert_null (scope_session_take_roster (session));
  /* Nothing to do before it starts. */
  scope_session_announce (session);
  scope_session_kick (session);
  scope_session_stop (session);
}

static void
test_happy (Fixture *f, gconstpointer data)
{
  g_autoptr (ScopeRoster) roster = NULL;

  start (f);
  g_assert_cmpuint (f->rosters, ==, 0);
  wait_for (f->rosters == 1);
  roster = scope_session_take_roster (f->session);
  g_assert_nonnull (roster);
  g_assert_cmpstr (roster->network, ==, "wg0");
  g_assert_cmpuint (roster->peers->len, ==, 1);
  g_assert_null (scope_session_take_roster (f->session));
  g_assert_cmpstr (scope_session_get_gateway (f->session), ==, "127.0.0.1");
  g_assert_cmpstr (g_ptr_array_index (f->registry->paths, 0), ==, "GET /p/get/wg0/" KEY);

  wait_for (f->opened == 1 && f->rosters == 2);
  g_assert_true (scope_session_is_open (f->session));
  run_for (50);
  g_assert_cmpuint (f->registry->sockets, ==, 1);
  g_assert_cmpuint (f->registry->gets, ==, 2); /* once more when the WebSocket stood, and no more */
  g_assert_cmpuint (f->rosters, ==, 2);
  g_assert_cmpuint (f->opened, ==, 1);
  g_assert_cmpuint (f->failed, ==, 0);

  drop_session (f);
  wait_for (f->registry->open->len == 0);
}

/* The roster is slower than the WebSocket: open is when both are there. */
static void
test_socket_first (Fixture *f, gconstpointer data)
{
  f->registry->get = HOLD;
  start (f);
  wait_for (f->registry->open->len == 1 && f->registry->gets == 1);
  run_for (50);
  g_assert_cmpuint (f->opened, ==, 0);
  g_assert_false (scope_session_is_open (f->session));
  f->registry->get = ANSWER;
  registry_release (f->registry);
  wait_open (f, f->registry);
  g_assert_cmpuint (f->opened, ==, 1);
  g_assert_cmpuint (f->registry->gets, ==, 2);
}

static void
test_ping (Fixture *f, gconstpointer data)
{
  make (f, f->registry->url, NULL);
  scope_session_timings (f->session)->ping_ms = 20;
  scope_session_timings (f->session)->pong_ms = 500;
  scope_session_start (f->session);
  wait_open (f, f->registry);
  wait_for (f->registry->pings >= 40); /* longer than pong_ms */
  g_assert_cmpuint (f->registry->sockets, ==, 1);

  /* Anything at all shows that it lives. */
  f->registry->deaf = TRUE;
  for (guint i = 0; i < 8; i++)
    {
      registry_send (f->registry, "{\"t\":\"whatever\"}");
      run_for (100);
    }
  g_assert_cmpuint (f->registry->sockets, ==, 1);

  /* A registry that is deaf and dumb is left, and tried again. */
  f->registry->deaf = FALSE;
  g_assert_true (scope_session_is_open (f->session));
  f->registry->deaf = TRUE;
  wait_for (!scope_session_is_open (f->session));
  test_log_assert_warning ("registry * no answer to our ping");
  f->registry->deaf = FALSE;
  wait_for (scope_session_is_open (f->session));
  g_assert_cmpuint (f->registry->sockets, ==, 2);
}

static void
test_refresh (Fixture *f, gconstpointer data)
{
  make (f, f->registry->url, NULL);
  scope_session_timings (f->session)->refresh_ms = 20;
  scope_session_start (f->session);
  wait_for (f->rosters >= 6);
}

static void
test_skipped (Fixture *f, gconstpointer data)
{
  f->registry->body = "{\"ifname\":\"wg0\",\"peer\":[{\"pub\":\"x\"},7]}";
  start (f);
  wait_open (f, f->registry);
  test_log_assert_warning ("registry * 2 entries of network wg0 *");
  forget_warnings ();
}

/* --- messages ------------------------------------------------------------------------------ */

static void
test_updates (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *text;
    gboolean fetches;
  } cases[] = {
    { "{\"t\":\"peerUpdate\",\"d\":\"wg0\"}", TRUE },
    { "{\"t\":\"peerUpdate\",\"d\":\"other\"}", FALSE },
    { "{\"t\":\"peerUpdate\",\"d\":\"home\"}", FALSE }, /* our name of it is nobody else's business */
    { "{\"t\":\"peerUpdate\",\"d\":\"TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=\"}", TRUE },
    { "{\"t\":\"peerUpdate\",\"d\":\"TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi-y71lOWWXX0\"}", TRUE },
    { "{\"t\":\"peerUpdate\"}", TRUE },
    { "{\"t\":\"peerUpdate\",\"d\":null}", TRUE },
    { "{\"t\":\"peerUpdate\",\"d\":{}}", TRUE },
    { "{\"t\":\"ping\",\"d\":\"ACK\"}", FALSE },
    { "{\"t\":\"ping\",\"d\":\"SYN\"}", FALSE },
    { "{\"t\":\"error\",\"d\":\"unknownType\"}", FALSE },
    { "{\"t\":\"error\"}", FALSE },
    { "{\"t\":\"news\",\"d\":\"wg0\"}", FALSE },
    { "{\"d\":\"wg0\"}", FALSE },
    { "peerUpdate", FALSE },
    { "null", FALSE },
    { "[]", FALSE },
    { "{", FALSE },
    { "", FALSE },
    { "{\"t\":\"peerUpdate\",\"d\":\"wg0\"}", TRUE }, /* still in its senses */
  };

  start (f);
  wait_open (f, f->registry);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      guint gets = f->registry->gets, rosters = f->rosters;

      registry_send (f->registry, cases[i].text);
      if (cases[i].fetches)
        wait_for (f->rosters == rosters + 1);
      run_for (15);
      g_assert_cmpuint (f->registry->gets, ==, gets + cases[i].fetches);
    }
  g_assert_cmpuint (f->registry->sockets, ==, 1);
  g_assert_cmpuint (f->failed, ==, 0);
}

static void
test_binary (Fixture *f, gconstpointer data)
{
  static const char update[] = "{\"t\":\"peerUpdate\",\"d\":\"wg0\"}";

  start (f);
  wait_open (f, f->registry);
  soup_websocket_connection_send_binary (g_ptr_array_index (f->registry->open, 0), update, sizeof update - 1);
  soup_websocket_connection_send_binary (g_ptr_array_index (f->registry->open, 0), "\xff\0\xfe", 3);
  soup_websocket_connection_send_binary (g_ptr_array_index (f->registry->open, 0), NULL, 0);
  run_for (50);
  g_assert_cmpuint (f->registry->gets, ==, 2);
  g_assert_true (scope_session_is_open (f->session));
}

static void
test_long_message (Fixture *f, gconstpointer data)
{
  g_autofree char *text = g_strnfill (1024 * 1024, ' ');

  start (f);
  wait_open (f, f->registry);
  registry_send (f->registry, text);
  wait_for (f->opened == 2);
  g_assert_cmpuint (f->registry->sockets, ==, 2);
  test_log_assert_warning ("registry * closed the connection");
}

static void
test_coalescing (Fixture *f, gconstpointer data)
{
  start (f);
  wait_open (f, f->registry);
  f->registry->gets = f->registry->most_running = 0;
  f->registry->get = HOLD;
  registry_send (f->registry, "{\"t\":\"peerUpdate\",\"d\":\"wg0\"}");
  wait_for (f->registry->gets == 1);
  for (guint i = 0; i < 100; i++)
    registry_send (f->registry, "{\"t\":\"peerUpdate\",\"d\":\"wg0\"}");
  run_for (50);
  g_assert_cmpuint (f->registry->gets, ==, 1);

  f->registry->get = ANSWER;
  registry_release (f->registry);
  wait_for (f->registry->gets == 2 && f->registry->running == 0);
  run_for (50);
  g_assert_cmpuint (f->registry->gets, ==, 2);
  g_assert_cmpuint (f->registry->most_running, ==, 1);
}

/* News that came while a fetch failed are fetched nevertheless: nobody announces them again. */
static void
test_failed_refetch (Fixture *f, gconstpointer data)
{
  guint rosters;

  start (f);
  wait_open (f, f->registry);
  rosters = f->rosters;
  f->registry->status = 500;
  registry_send (f->registry, "{\"t\":\"peerUpdate\",\"d\":\"wg0\"}");
  wait_for (test_log_warnings->len >= 3); /* and again, and again, but not at once */
  g_assert_cmpuint (f->registry->gets, <, 8);
  test_log_assert_warning ("registry * (status 500)");
  f->registry->status = 200;
  wait_for (f->rosters == rosters + 1);
  /* The connection was never in doubt. */
  g_assert_cmpuint (f->registry->sockets, ==, 1);
  g_assert_cmpuint (f->failed, ==, 0);
  forget_warnings ();
  run_for (60);
  g_assert_cmpuint (f->rosters, ==, rosters + 1);
  test_log_assert_quiet ();
}

/* A registry that is too busy is not made busier by what it tells us. */
static void
test_failed_refetch_pause (Fixture *f, gconstpointer data)
{
  guint gets;

  start (f);
  wait_open (f, f->registry);
  scope_session_dialer_timings (f->session)->backoff_min_ms = scope_session_dialer_timings (f->session)->backoff_max_ms = 300;
  f->registry->status = 429;
  registry_send (f->registry, "{\"t\":\"peerUpdate\",\"d\":\"wg0\"}");
  wait_for (test_log_warnings->len == 1);
  gets = f->registry->gets;
  for (guint i = 0; i < 50; i++)
    registry_send (f->registry, "{\"t\":\"peerUpdate\",\"d\":\"wg0\"}");
  run_for (100);
  g_assert_cmpuint (f->registry->gets, ==, gets);
  f->registry->status = 200;
  wait_for (f->registry->gets > gets);
  forget_warnings ();
}

/* A fetch that never ends must not keep later ones from being made. */
static void
test_stuck_refetch (Fixture *f, gconstpointer data)
{
  make (f, f->registry->url, NULL);
  scope_session_timings (f->session)->fetch_ms = 150;
  scope_session_start (f->session);
  wait_open (f, f->registry);
  f->registry->get = DRIP;
  guint drip = g_timeout_add (10, on_drip, f->registry);
  registry_send (f->registry, "{\"t\":\"peerUpdate\",\"d\":\"wg0\"}");
  wait_for (!scope_session_is_open (f->session));
  test_log_assert_warning ("registry * no whole roster *");
  f->registry->get = ANSWER;
  guint rosters = f->rosters;
  wait_for (f->opened == 2 && f->rosters > rosters);
  g_source_remove (drip);
}

/* Four answers that are given up half way: no connection stays in use, of which there are two. */
static void
test_huge_refetch (Fixture *f, gconstpointer data)
{
  start (f);
  wait_open (f, f->registry);
  f->registry->get = ENDLESS;
  registry_send (f->registry, "{\"t\":\"peerUpdate\",\"d\":\"wg0\"}");
  wait_for (test_log_warnings->len == 4);
  f->registry->get = ANSWER;
  guint rosters = f->rosters;
  wait_for (f->rosters > rosters);
  test_log_assert_warning ("registry * roster longer than *");
  forget_warnings ();
}

/* --- announcing ---------------------------------------------------------------------------- */

static void
test_announce (Fixture *f, gconstpointer data)
{
  start (f);
  wait_open (f, f->registry);
  scope_session_announce (f->session);
  wait_for (f->registry->updates == 1);
  g_assert_cmpstr (last_path (f->registry), ==, "POST /p/update/wg0/" KEY);

  f->registry->status = 503;
  scope_session_announce (f->session);
  wait_for (test_log_warnings->len == 1);
  test_log_assert_warning ("announcing to the registry: status 503");
  g_assert_true (scope_session_is_open (f->session));

  scope_session_stop (f->session);
  scope_session_announce (f->session);
  run_for (20);
  g_assert_cmpuint (f->registry->updates, ==, 2);
}

static void
test_announce_base64url (Fixture *f, gconstpointer data)
{
  f->registry->raw_status = 404;
  start (f);
  wait_open (f, f->registry);
  scope_session_announce (f->session);
  wait_for (f->registry->updates == 1);
  g_assert_cmpstr (last_path (f->registry), ==, "POST /p/update/wg0/" KEY_URL);
}

/* An answer without end is not read to its end. */
static void
test_announce_endless (Fixture *f, gconstpointer data)
{
  start (f);
  wait_open (f, f->registry);
  f->registry->update = ENDLESS;
  scope_session_announce (f->session);
  wait_for (f->registry->updates == 1);
  run_for (200);
  g_assert_cmpuint (f->registry->dripped, <, 64 * 1024 * 1024);
}

static void
test_stop_while_announcing (Fixture *f, gconstpointer data)
{
  start (f);
  wait_open (f, f->registry);
  f->registry->update = HOLD;
  scope_session_announce (f->session);
  wait_for (f->registry->updates == 1);
  drop_session (f);
  run_for (20); /* no warning: it was us */
}

/* --- forms of the key ---------------------------------------------------------------------- */

static void
test_key_forms (Fixture *f, gconstpointer data)
{
  f->registry->raw_status = 404;
  start (f);
  wait_open (f, f->registry);
  g_assert_cmpstr (g_ptr_array_index (f->registry->paths, 0), ==, "GET /p/get/wg0/" KEY);
  g_assert_cmpstr (g_ptr_array_index (f->registry->paths, 1), ==, "GET /p/get/wg0/" KEY_URL);
  g_assert_cmpuint (f->failed, ==, 0);

  /* What worked is what it begins with the next time. */
  guint gets = f->registry->gets, rosters = f->rosters;
  registry_send (f->registry, "{\"t\":\"peerUpdate\",\"d\":\"wg0\"}");
  wait_for (f->rosters > rosters);
  g_assert_cmpuint (f->registry->gets, ==, gets + 1);
  g_assert_cmpstr (last_path (f->registry), ==, "GET /p/get/wg0/" KEY_URL);

  /* But it is not stuck with it. */
  f->registry->raw_status = 0;
  f->registry->url_status = 404;
  rosters = f->rosters;
  registry_send (f->registry, "{\"t\":\"peerUpdate\",\"d\":\"wg0\"}");
  wait_for (f->rosters > rosters);
  g_assert_cmpstr (last_path (f->registry), ==, "GET /p/get/wg0/" KEY);
}

/* --- registries that do not serve us ------------------------------------------------------- */

typedef struct {
  const char *name;
  guint status;
  const char *body;
  ScopeError code;
} Refusal;

static const Refusal refusals[] = {
  { "404", 404, "{\"code\":404}", SCOPE_ERROR_NOT_LISTED },
  { "404-html", 404, "<!doctype html><title>404</title>", SCOPE_ERROR_PROTOCOL }, /* some web server's */
  { "404-empty", 404, "", SCOPE_ERROR_PROTOCOL },
  { "403", 403, "", SCOPE_ERROR_DENIED },
  { "401", 401, "", SCOPE_ERROR_DENIED },
  { "400", 400, "", SCOPE_ERROR_PROTOCOL },
  { "204", 204, "", SCOPE_ERROR_PROTOCOL },
  { "429", 429, "", SCOPE_ERROR_UNREACHABLE },
  { "500", 500, "", SCOPE_ERROR_UNREACHABLE },
  { "503", 503, "", SCOPE_ERROR_UNREACHABLE },
  { "empty", 200, "", SCOPE_ERROR_PROTOCOL },
  { "null", 200, "null", SCOPE_ERROR_PROTOCOL },
  { "array", 200, "[]", SCOPE_ERROR_PROTOCOL },
  { "html", 200, "<!doctype html><title>Welcome to nginx!</title>", SCOPE_ERROR_PROTOCOL },
  { "object", 200, "{}", SCOPE_ERROR_PROTOCOL },
  { "half", 200, "{\"ifname\":\"wg0\",\"peer\":[{\"pub\":", SCOPE_ERROR_PROTOCOL },
};

/* Whether the WebSocket or the answer is there first: the answer counts. */
static void
test_refusal (Fixture *f, gconstpointer data)
{
  const Refusal *refusal = data;

  for (guint socket_first = 0; socket_first < 2; socket_first++)
    {
      f->registry->status = refusal->status;
      f->registry->body = refusal->body;
      f->registry->get = socket_first ? HOLD : ANSWER;
      f->registry->sockets = f->failed = 0;
      start (f);
      if (socket_first)
        {
          wait_for (f->registry->sockets == 1 && f->registry->held->len == 1);
          run_for (20);
          g_assert_cmpuint (f->failed, ==, 0);
          f->registry->get = ANSWER;
          registry_release (f->registry);
        }
      wait_for (f->failed == 1);
      g_assert_error (f->error, SCOPE_ERROR, (int) refusal->code);
      g_assert_true (g_str_has_prefix (f->error->message, "registry http://127.0.0.1:"));
      if (refusal->code == SCOPE_ERROR_NOT_LISTED)
        g_assert_nonnull (strstr (f->error->message, KEY));

      /* It goes on, and finds a registry that has come to its senses. */
      guint rosters = f->rosters;
      f->registry->status = 200;
      f->registry->body = ROSTER;
      wait_for (scope_session_is_open (f->session) && f->rosters > rosters);
      drop_session (f);
      wait_for (f->registry->open->len == 0);
    }
  g_assert_cmpuint (test_log_warnings->len, >=, 2);
  forget_warnings ();
}

static void
test_huge (Fixture *f, gconstpointer data)
{
  f->registry->get = ENDLESS;
  start (f);
  wait_for (f->failed == 1);
  g_assert_error (f->error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
  g_assert_cmpuint (f->registry->dripped, <, 64 * 1024 * 1024);
  f->registry->get = ANSWER;
  wait_for (f->opened == 1);
  forget_warnings ();
}

static void
test_drip (Fixture *f, gconstpointer data)
{
  guint drip;

  make (f, f->registry->url, NULL);
  scope_session_timings (f->session)->fetch_ms = 200;
  f->registry->get = DRIP;
  scope_session_start (f->session);
  drip = g_timeout_add (5, on_drip, f->registry);
  wait_for (f->failed == 1);
  g_assert_error (f->error, SCOPE_ERROR, SCOPE_ERROR_UNREACHABLE);
  g_assert_cmpuint (f->registry->dripped, >=, 5);
  g_source_remove (drip);
  forget_warnings ();
}

static void
test_socket_refused (Fixture *f, gconstpointer data)
{
  static const struct {
    guint status;
    ScopeError code;
  } cases[] = {
    { 502, SCOPE_ERROR_UNREACHABLE }, { 429, SCOPE_ERROR_UNREACHABLE }, { 403, SCOPE_ERROR_DENIED },
    { 404, SCOPE_ERROR_PROTOCOL },    { 200, SCOPE_ERROR_PROTOCOL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      f->failed = 0;
      f->registry->socket_status = cases[i].status;
      start (f);
      wait_for (f->failed == 1);
      g_assert_error (f->error, SCOPE_ERROR, (int) cases[i].code);
      drop_session (f);
    }
  g_assert_cmpuint (f->opened, ==, 0);
  forget_warnings ();
}

/* A proxy that does not know WebSockets and keeps quiet: there is a roster, but nothing to be told on. */
static void
test_socket_silent (Fixture *f, gconstpointer data)
{
  f->registry->hold_socket = TRUE;
  make (f, f->registry->url, NULL);
  scope_session_dialer_timings (f->session)->attempt_ms = 100;
  scope_session_start (f->session);
  wait_for (f->failed == 2);
  g_assert_error (f->error, SCOPE_ERROR, SCOPE_ERROR_UNREACHABLE);
  g_assert_cmpuint (f->rosters, ==, 2);
  g_assert_cmpuint (f->opened, ==, 0);
  registry_release (f->registry);
  f->registry->hold_socket = FALSE;
  wait_for (f->opened == 1);
  forget_warnings ();
}

/* --- what is no registry at all ------------------------------------------------------------ */

static void
test_raw (Fixture *f, gconstpointer data)
{
  Raw manner = GPOINTER_TO_UINT (data);
  RawServer *raw = raw_new (manner);
  gint64 began = g_get_monotonic_time ();

  make (f, raw->url, NULL);
  scope_session_dialer_timings (f->session)->attempt_ms = 150;
  scope_session_start (f->session);
  wait_for (f->failed == 2);
  if (manner == RAW_SILENT || manner == RAW_CLOSE)
    g_assert_error (f->error, SCOPE_ERROR, SCOPE_ERROR_UNREACHABLE);
  g_assert_true (f->error->code == SCOPE_ERROR_UNREACHABLE || f->error->code == SCOPE_ERROR_PROTOCOL);
  if (manner == RAW_SILENT)
    g_assert_cmpint (g_get_monotonic_time () - began, >=, 2 * 150 * 1000);
  drop_session (f);
  raw_free (raw);
  forget_warnings ();
}

static void
test_nobody (Fixture *f, gconstpointer data)
{
  g_autofree char *url = closed_port ();

  make (f, url, NULL);
  scope_session_start (f->session);
  wait_for (f->failed == 1);
  g_assert_error (f->error, SCOPE_ERROR, SCOPE_ERROR_UNREACHABLE);
  forget_warnings ();
}

/* --- several registries, and the pauses ---------------------------------------------------- */

static void
test_two (Fixture *f, gconstpointer data)
{
  g_autofree char *dead = closed_port ();
  g_autofree char *urls = g_strdup_printf ("%s %s", dead, f->registry->url);

  make (f, urls, NULL);
  scope_session_dialer_timings (f->session)->backoff_min_ms = 100 * 1000; /* there is no pause on the way */
  scope_session_start (f->session);
  wait_open (f, f->registry);
  g_assert_cmpuint (f->failed, ==, 0);
  test_log_assert_warning ("registry http://127.0.0.1:*");
}

static void
test_two_refuse (Fixture *f, gconstpointer data)
{
  g_autofree char *dead = closed_port ();
  g_autofree char *urls = g_strdup_printf ("%s %s", dead, f->registry->url);

  f->registry->status = 403;
  make (f, urls, NULL);
  scope_session_start (f->session);
  wait_for (f->failed == 1);
  g_assert_error (f->error, SCOPE_ERROR, SCOPE_ERROR_DENIED); /* the last one's word */
  g_assert_cmpuint (test_log_warnings->len, ==, 2);
  forget_warnings ();
}

static void
test_moves_on (Fixture *f, gconstpointer data)
{
  Registry *first = registry_new (NULL);
  g_autofree char *urls = g_strdup_printf ("%s %s", first->url, f->registry->url);

  /* One takes only this form of the key, the other only that. */
  first->raw_status = 404;
  f->registry->url_status = 404;
  make (f, urls, NULL);
  scope_session_start (f->session);
  wait_open (f, first);
  g_assert_cmpuint (f->registry->gets, ==, 0);
  soup_websocket_connection_close (g_ptr_array_index (first->open, 0), SOUP_WEBSOCKET_CLOSE_GOING_AWAY, NULL);
  wait_for (f->opened == 2);
  g_assert_cmpuint (f->registry->sockets, ==, 1);
  g_assert_cmpuint (f->failed, ==, 0);
  test_log_assert_warning ("registry * closed the connection");
  wait_for (first->open->len == 0);
  registry_free (first);
}

static gint64
wait_failed (Fixture *f)
{
  guint failed = f->failed;

  wait_for (f->failed > failed);
  return g_get_monotonic_time ();
}

static void
test_backoff (Fixture *f, gconstpointer data)
{
  static const guint expected_ms[] = { 20, 40, 80, 160, 160, 160, 160, 160, 160, 160, 160 };
  g_autofree char *url = closed_port ();
  gint64 last, shortest = G_MAXINT64;

  make (f, url, NULL);
  scope_session_dialer_timings (f->session)->backoff_min_ms = 20;
  scope_session_dialer_timings (f->session)->backoff_max_ms = 160;
  scope_session_start (f->session);
  last = wait_failed (f);
  for (guint i = 0; i < G_N_ELEMENTS (expected_ms); i++)
    {
      gint64 now = wait_failed (f);

      /* Half of it to all of it; what is above is a busy machine. */
      g_assert_cmpint (now - last, >=, expected_ms[i] * 1000 / 2 - 2000);
      g_assert_cmpint (now - last, <, expected_ms[i] * 1000 + 1000 * 1000);
      if (expected_ms[i] == 160)
        shortest = MIN (shortest, now - last);
      last = now;
    }
  g_assert_cmpint (shortest, <, 155 * 1000); /* jitter: not so once in 4 × 10⁹ runs */
  forget_warnings ();
}

/* It takes us, and drops us at once, for ever: that is no success. */
static void
test_unstable (Fixture *f, gconstpointer data)
{
  guint sockets;

  make (f, f->registry->url, NULL);
  scope_session_dialer_timings (f->session)->stable_ms = 100 * 1000;
  scope_session_dialer_timings (f->session)->backoff_max_ms = 400;
  f->registry->close_socket = TRUE;
  scope_session_start (f->session);
  wait_for (f->failed == 5); /* 20, 40, 80, 160, 320 */
  sockets = f->registry->sockets;
  run_for (150);
  g_assert_cmpuint (f->registry->sockets, <=, sockets + 1);
  forget_warnings ();
}

/* --- kick ---------------------------------------------------------------------------------- */

static void
test_kick_waiting (Fixture *f, gconstpointer data)
{
  make (f, f->registry->url, NULL);
  scope_session_dialer_timings (f->session)->backoff_min_ms = 100 * 1000;
  scope_session_dialer_timings (f->session)->backoff_max_ms = 100 * 1000;
  f->registry->status = 500;
  scope_session_start (f->session);
  wait_for (f->failed == 1);
  run_for (50);
  g_assert_cmpuint (f->rosters, ==, 0);
  f->registry->status = 200;
  scope_session_kick (f->session);
  wait_for (f->opened == 1);
  forget_warnings ();
}

static void
test_kick_open (Fixture *f, gconstpointer data)
{
  start (f);
  wait_open (f, f->registry);
  g_object_ref (g_ptr_array_index (f->registry->open, 0));
  g_autoptr (SoupWebsocketConnection) old = g_ptr_array_index (f->registry->open, 0);
  scope_session_kick (f->session);
  g_assert_false (scope_session_is_open (f->session));
  wait_for (f->opened == 2);
  wait_for (f->registry->open->len == 1);
  g_assert_true (g_ptr_array_index (f->registry->open, 0) != old);
  g_assert_cmpuint (f->failed, ==, 0);
}

static void
test_kick_connecting (Fixture *f, gconstpointer data)
{
  f->registry->get = HOLD;
  start (f);
  for (guint i = 0; i < 20; i++)
    {
      run_for (i);
      scope_session_kick (f->session);
    }
  f->registry->get = ANSWER;
  registry_release (f->registry); /* answers to questions of long ago */
  scope_session_kick (f->session);
  wait_for (f->opened == 1);
  run_for (50);
  g_assert_cmpuint (f->opened, ==, 1);
  g_assert_cmpuint (f->failed, ==, 0);
  wait_for (f->registry->open->len == 1);
}

/* Also while a fetch runs, whose flag must not outlive it. */
static void
test_kick_fetching (Fixture *f, gconstpointer data)
{
  start (f);
  wait_open (f, f->registry);
  f->registry->get = HOLD;
  registry_send (f->registry, "{\"t\":\"peerUpdate\",\"d\":\"wg0\"}");
  wait_for (f->registry->held->len == 1);
  f->registry->get = ANSWER;
  scope_session_kick (f->session);
  guint rosters = f->rosters;
  wait_for (f->opened == 2 && f->rosters == rosters + 2);
  rosters = f->rosters;
  registry_send (f->registry, "{\"t\":\"peerUpdate\",\"d\":\"wg0\"}");
  wait_for (f->rosters > rosters);
}

/* A captive portal: nothing is tried, until it is over. */
static void
test_pause (Fixture *f, gconstpointer data)
{
  make (f, f->registry->url, NULL);
  scope_session_dialer_timings (f->session)->backoff_min_ms = 5;
  scope_session_dialer_timings (f->session)->backoff_max_ms = 10;
  f->registry->status = 500;
  scope_session_start (f->session);
  wait_for (f->failed == 2);
  scope_session_pause (f->session, TRUE);
  run_for (20); /* what was under way ends */
  guint failed = f->failed;
  f->registry->status = 200;
  run_for (200);
  g_assert_cmpuint (f->failed, ==, failed);
  g_assert_cmpuint (f->opened, ==, 0);
  scope_session_kick (f->session);
  run_for (50);
  g_assert_cmpuint (f->opened, ==, 0);
  scope_session_pause (f->session, FALSE);
  scope_session_kick (f->session);
  wait_for (f->opened == 1);

  scope_session_pause (f->session, TRUE); /* one that is open stays */
  run_for (50);
  g_assert_true (scope_session_is_open (f->session));
  forget_warnings ();
}

/* --- stop ---------------------------------------------------------------------------------- */

/* Stopped, and nothing more is heard of it whatever the registry does. */
static void
assert_silent (Fixture *f)
{
  guint rosters = f->rosters, opened = f->opened, failed = f->failed;

  registry_release (f->registry);
  run_for (60);
  g_assert_cmpuint (f->rosters, ==, rosters);
  g_assert_cmpuint (f->opened, ==, opened);
  g_assert_cmpuint (f->failed, ==, failed);
}

static void
test_stop (Fixture *f, gconstpointer data)
{
  /* At any time after the start: whatever is under way then. */
  for (guint i = 0; i < 40; i++)
    {
      f->registry->get = i % 2 ? HOLD : ANSWER;
      start (f);
      for (guint n = 0; n < i; n++)
        g_main_context_iteration (NULL, FALSE);
      scope_session_stop (f->session);
      g_assert_false (scope_session_is_open (f->session));
      assert_silent (f);
      drop_session (f);
    }
}

static void
test_stop_waiting (Fixture *f, gconstpointer data)
{
  f->registry->status = 500;
  start (f);
  wait_for (f->failed == 1);
  scope_session_stop (f->session);
  assert_silent (f);
  forget_warnings ();

  /* It may start again. */
  f->registry->status = 200;
  scope_session_start (f->session);
  wait_open (f, f->registry);
  scope_session_stop (f->session);
  assert_silent (f);
}

/* Dropped without a stop, with everything under way. */
static void
test_drop (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 40; i++)
    {
      gpointer weak;

      start (f);
      for (guint n = 0; n < i; n++)
        g_main_context_iteration (NULL, FALSE);
      g_signal_handlers_disconnect_by_data (f->session, f);
      weak = f->session;
      g_object_add_weak_pointer (G_OBJECT (f->session), &weak);
      g_clear_object (&f->session);
      wait_for (weak == NULL);
    }
}

static void
test_in_handler (Fixture *f, gconstpointer data)
{
  f->act_on = GPOINTER_TO_UINT (data) / 8;
  f->action = GPOINTER_TO_UINT (data) % 8;
  if (f->act_on == SIGNAL_FAILED)
    f->registry->status = 500;
  start (f);
  wait_for (f->act_on == SIGNAL_NONE);
  if (f->action != DO_KICK)
    {
      assert_silent (f);
      drop_session (f);
    }
  else
    {
      f->registry->status = 200;
      f->opened = 0;
      wait_for (f->opened == 1);
      run_for (20);
    }
  forget_warnings ();
}

int
main (int argc, char *argv[])
{
  static const struct {
    const char *name;
    Signal signal;
    Action action;
  } handlers[] = {
    { "stop/roster", SIGNAL_ROSTER, DO_STOP }, { "stop/open", SIGNAL_OPEN, DO_STOP },
    { "stop/failed", SIGNAL_FAILED, DO_STOP }, { "drop/roster", SIGNAL_ROSTER, DO_DROP },
    { "drop/open", SIGNAL_OPEN, DO_DROP },     { "drop/failed", SIGNAL_FAILED, DO_DROP },
    { "kick/roster", SIGNAL_ROSTER, DO_KICK }, { "kick/open", SIGNAL_OPEN, DO_KICK },
    { "kick/failed", SIGNAL_FAILED, DO_KICK },
  };
  static const char *const raw_names[] = { "silent", "close", "ssh", "half" };

  session_test_init (&argc, &argv);
#define ADD(name, function) g_test_add ("/session/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("defaults", test_defaults);
  ADD ("happy", test_happy);
  ADD ("socket-first", test_socket_first);
  ADD ("ping", test_ping);
  ADD ("refresh", test_refresh);
  ADD ("skipped", test_skipped);
  ADD ("updates", test_updates);
  ADD ("binary", test_binary);
  ADD ("long-message", test_long_message);
  ADD ("coalescing", test_coalescing);
  ADD ("failed-refetch", test_failed_refetch);
  ADD ("failed-refetch-pause", test_failed_refetch_pause);
  ADD ("stuck-refetch", test_stuck_refetch);
  ADD ("huge-refetch", test_huge_refetch);
  ADD ("announce", test_announce);
  ADD ("announce-base64url", test_announce_base64url);
  ADD ("announce-endless", test_announce_endless);
  ADD ("stop-while-announcing", test_stop_while_announcing);
  ADD ("key-forms", test_key_forms);
  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      g_autofree char *path = g_strconcat ("/session/refusal/", refusals[i].name, NULL);
      g_test_add (path, Fixture, &refusals[i], set_up, test_refusal, tear_down);
    }
  ADD ("huge", test_huge);
  ADD ("drip", test_drip);
  ADD ("socket-refused", test_socket_refused);
  ADD ("socket-silent", test_socket_silent);
  for (guint i = 0; i < G_N_ELEMENTS (raw_names); i++)
    {
      g_autofree char *path = g_strconcat ("/session/raw/", raw_names[i], NULL);
      g_test_add (path, Fixture, GUINT_TO_POINTER (i), set_up, test_raw, tear_down);
    }
  ADD ("nobody", test_nobody);
  ADD ("two", test_two);
  ADD ("two-refuse", test_two_refuse);
  ADD ("moves-on", test_moves_on);
  ADD ("backoff", test_backoff);
  ADD ("unstable", test_unstable);
  ADD ("kick/waiting", test_kick_waiting);
  ADD ("kick/open", test_kick_open);
  ADD ("kick/connecting", test_kick_connecting);
  ADD ("kick/fetching", test_kick_fetching);
  ADD ("pause", test_pause);
  ADD ("stop/any-time", test_stop);
  ADD ("stop/waiting", test_stop_waiting);
  ADD ("drop/any-time", test_drop);
  for (guint i = 0; i < G_N_ELEMENTS (handlers); i++)
    {
      g_autofree char *path = g_strconcat ("/session/in-handler/", handlers[i].name, NULL);
      g_test_add (path, Fixture, GUINT_TO_POINTER (handlers[i].signal * 8 + handlers[i].action), set_up,
                  test_in_handler, tear_down);
    }
  return g_test_run ();
}
