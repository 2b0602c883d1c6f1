/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-session-tls: src/peer/scope-session.c and certificates: whom it believes to be the registry.
 */
#include "common/scope-error.h"
#include "session-fixture.h"
#include "test-log.h"

#include <string.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined __SANITIZE_ADDRESS__ || __has_feature (address_sanitizer)
/* LeakSanitizer (gcc 12) crashes in a process that has loaded GnuTLS; test-session looks for leaks. */
int __lsan_is_turned_off (void);

int
__lsan_is_turned_off (void)
{
  return 1;
}
#endif

static char *
tls_file (const char *name)
{
  return g_build_filename (SCOPE_SRCDIR, "tests/unit/data/tls", name, NULL);
}

static gboolean
have_tls (void)
{
  if (g_tls_backend_supports_tls (g_tls_backend_get_default ()))
    return TRUE;
  g_test_skip ("GIO has no TLS (glib-networking)");
  return FALSE;
}

/* libsoup 3.6 (Debian 13) says so in the server of this test when a client leaves during the handshake. */
static gboolean
is_ours (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  return !strstr (message, "soup_server_connection_disconnect: assertion");
}

/* GLib's own handler writes “not ok” for what would be fatal. */
static void
log_libsoup (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  if (is_ours (domain, level, message, data))
    g_log_default_handler (domain, level, message, NULL);
}

static void
test_tls_unknown (Fixture *f, gconstpointer data)
{
  if (!have_tls ())
    return;
  Registry *r = registry_new ("server.pem");

  g_test_log_set_fatal_handler (is_ours, NULL);
  make (f, r->url, NULL);
  scope_session_start (f->session);
  wait_for (f->failed == 1);
  g_assert_error (f->error, SCOPE_ERROR, SCOPE_ERROR_TLS);
  g_assert_cmpuint (r->gets + r->sockets, ==, 0);
  drop_session (f);
  registry_free (r);
  forget_warnings ();
}

static void
test_tls_ca (Fixture *f, gconstpointer data)
{
  g_autofree char *ca = tls_file ("ca.pem");

  if (!have_tls ())
    return;
  Registry *r = registry_new ("server.pem");

  make (f, r->url, ca);
  scope_session_start (f->session);
  wait_open (f, r);
  g_assert_cmpuint (f->failed, ==, 0);
  drop_session (f);
  wait_for (r->open->len == 0);
  registry_free (r);
}

static void
test_tls_wrong_host (Fixture *f, gconstpointer data)
{
  g_autofree char *ca = tls_file ("ca.pem");

  if (!have_tls ())
    return;
  Registry *r = registry_new ("other.pem");

  g_test_log_set_fatal_handler (is_ours, NULL);
  make (f, r->url, ca);
  scope_session_start (f->session);
  wait_for (f->failed == 1);
  g_assert_error (f->error, SCOPE_ERROR, SCOPE_ERROR_TLS);
  g_assert_cmpuint (r->gets + r->sockets, ==, 0);
  drop_session (f);
  registry_free (r);
  forget_warnings ();
}

/* The port speaks, but not TLS. */
static void
test_tls_none (Fixture *f, gconstpointer data)
{
  if (!have_tls ())
    return;
  RawServer *raw = raw_new (RAW_SSH);
  g_autofree char *url = g_strconcat ("https", raw->url + strlen ("http"), NULL);

  make (f, url, NULL);
  scope_session_start (f->session);
  wait_for (f->failed == 1);
  g_assert_error (f->error, SCOPE_ERROR, SCOPE_ERROR_TLS);
  drop_session (f);
  raw_free (raw);
  forget_warnings ();
}

static void
test_tls_bad_ca (Fixture *f, gconstpointer data)
{
  g_autofree char *no_pem = tls_file ("README");
  const char *const files[] = { "/nonexistent/ca.pem", "/", no_pem };
  ScopeKey own = { { 1 } };

  if (!have_tls ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autoptr (ScopeSettings) s = settings ("https://registry.example", files[i]);
      g_autoptr (GError) error = NULL;

      g_assert_null (scope_session_new (s, &own, &error));
      g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID);
      g_assert_nonnull (strstr (error->message, files[i]));
    }
}

int
main (int argc, char *argv[])
{
  session_test_init (&argc, &argv);
  g_log_set_handler ("libsoup", G_LOG_LEVEL_CRITICAL | G_LOG_FLAG_FATAL, log_libsoup, NULL);
#define ADD(name, function) g_test_add ("/session-tls/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("unknown", test_tls_unknown);
  ADD ("ca", test_tls_ca);
  ADD ("wrong-host", test_tls_wrong_host);
  ADD ("none", test_tls_none);
  ADD ("bad-ca", test_tls_bad_ca);
  return g_test_run ();
}
