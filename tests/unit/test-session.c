/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-session: src/peer/scope-session.c with a registry that listens and never answers.
 */
#include "peer/scope-session.h"

#include <gio/gio.h>

static ScopeSettings *
settings_new (guint16 port)
{
  g_autoptr (GHashTable) data = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GHashTable) secrets = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GError) error = NULL;
  ScopeSettings *settings;

  g_hash_table_insert (data, g_strdup ("registry"), g_strdup_printf ("http://127.0.0.1:%u", port));
  g_hash_table_insert (data, g_strdup ("network"), g_strdup ("net"));
  settings = scope_settings_parse (data, secrets, &error);
  g_assert_no_error (error);
  return settings;
}

static gboolean
on_time (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
run_for (guint ms)
{
  gboolean over = FALSE;

  g_timeout_add (ms, on_time, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
}

/* Requests that are on their way come back, as cancelled, when settings and owner are long gone. */
static void
test_ends_first (gconstpointer data)
{
  g_autoptr (GSocketListener) registry = g_socket_listener_new ();
  guint16 port = g_socket_listener_add_any_inet_port (registry, NULL, NULL);
  ScopeSettings *settings = settings_new (port);
  ScopeKey own = { .bytes = { 1 } };
  ScopeSession *session = scope_session_new (settings, &own, NULL);

  scope_session_start (session);
  run_for (GPOINTER_TO_UINT (data));
  scope_session_announce (session);
  scope_session_stop (session);
  g_object_unref (session);
  scope_settings_free (settings);
  run_for (50);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/session/ends-first/at-once", GUINT_TO_POINTER (0), test_ends_first);
  g_test_add_data_func ("/session/ends-first/connected", GUINT_TO_POINTER (50), test_ends_first);
  return g_test_run ();
}
