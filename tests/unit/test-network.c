/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-network: org.freedesktop.NetworkManager.scope.Network as a client on a bus sees it. */
#include "service/scope-network.h"

#include "common/scope-json.h"
#include "service/scope-network-state.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* --- the state, without a bus --- */

static GVariant *
state (const char *text)
{
  g_autoptr (JsonObject) object = scope_json_parse_object (text, strlen (text), 1 << 16, NULL);

  g_assert_nonnull (object);
  return scope_network_state_new (object);
}

static char *
diff (const char *before, const char *after)
{
  g_autoptr (GVariant) a = state (before), b = state (after);
  g_auto (GStrv) names = scope_network_state_diff (a, b);

  return g_strjoinv (" ", names);
}

static void
test_state (void)
{
  g_autoptr (GVariant) up = state ("{\"network\":\"home\",\"interface\":\"wg0\",\"registry\":true,\"role\":\"edge\",\"nat\":\"open\","
                                   "\"attachment\":null,\"peers\":[{\"key\":\"K\",\"name\":\"b\",\"ranges\":[\"10.0.0.2/32\"],"
                                   "\"online\":true,\"path\":\"relay\",\"via\":\"R\",\"rx\":7,\"latency\":12,\"loss\":50}]}");
  g_autofree char *text = g_variant_print (up, TRUE);
  g_autoptr (GVariant) none = state ("{}"), wrong = state ("{\"network\":7,\"registry\":\"x\",\"peers\":{}}");

  g_assert_cmpstr (text, ==,
                   "{'Network': <'home'>, 'Interface': <'wg0'>, 'Registry': <true>, 'Role': <'edge'>, 'Nat': <'open'>, "
                   "'Attachment': <''>, 'Peers': <[{'key': <'K'>, 'identity': <''>, 'name': <'b'>, 'role': <''>, "
                   "'tier': <''>, 'endpoint': <''>, 'path': <'relay'>, 'via': <'R'>, 'keyState': <''>, 'online': <true>, "
                   "'link': <false>, 'carried': <false>, 'ranges': <['10.0.0.2/32']>}]>}");
  g_assert_true (g_variant_equal (none, wrong));
}

static void
test_diff (void)
{
  const struct {
    const char *before, *after, *names;
  } cases[] = {
    { "{}", "{}", "" },
    { "{\"nat\":\"open\"}", "{\"nat\":\"closed\"}", "Nat" },
    { "{\"registry\":true,\"nat\":\"open\"}", "{\"registry\":false}", "Registry Nat" },
    { "{\"peers\":[]}", "{\"peers\":[{\"key\":\"K\"}]}", "Peers" },
    { "{\"peers\":[{\"path\":\"relay\"}]}", "{\"peers\":[{\"path\":\"direct\"}]}", "Peers" },
    { "{\"peers\":[{\"endpoint\":\"192.0.2.1:1\"}]}", "{\"peers\":[{\"endpoint\":\"192.0.2.1:2\"}]}", "Peers" },
    { "{\"peers\":[{\"link\":false}]}", "{\"peers\":[{\"link\":true}]}", "Peers" },
    /* What counts by itself is no change. */
    { "{\"peers\":[{\"rx\":1,\"tx\":1,\"handshake\":1,\"latency\":1,\"loss\":1,\"epoch\":1}]}",
      "{\"peers\":[{\"rx\":2,\"tx\":2,\"handshake\":2,\"latency\":2,\"loss\":2,\"epoch\":2}]}", "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *names = diff (cases[i].before, cases[i].after);
      g_assert_cmpstr (names, ==, cases[i].names);
    }
}

/* --- on a bus --- */

typedef struct {
  GSubprocess *dbus;
  GDBusConnection *service;
  GDBusConnection *client;
  ScopeNetwork *network;
  const char *status;
  gboolean allowed;
  guint described;
  GPtrArray *signals; /* "names" */
  GArray *times;
  GVariant *answer; /* of the last call */
  GError *error;
  gboolean done;
} Fixture;

static char *
describe (gpointer data)
{
  Fixture *f = data;

  f->described++;
  return g_strdup (f->status);
}

static gboolean
may_read (uid_t uid, gpointer data)
{
  g_assert_cmpuint (uid, ==, getuid ());
  return ((Fixture *) data)->allowed;
}

static const ScopeNetworkCalls calls = { describe, may_read };

static void
on_signal (GDBusConnection *bus, const char *sender, const char *path, const char *interface, const char *signal,
           GVariant *arguments, gpointer data)
{
  Fixture *f = data;
  gint64 now = g_get_monotonic_time ();
  g_autoptr (GVariant) values = NULL;
  g_auto (GStrv) names = NULL;
  const char *about;

  g_variant_get (arguments, "(&s@a{sv}^as)", &about, &values, &names);
  g_assert_cmpstr (about, ==, SCOPE_NETWORK_INTERFACE);
  g_assert_cmpuint (g_variant_n_children (values), ==, 0); /* everybody hears it */
  g_ptr_array_add (f->signals, g_strjoinv (" ", names));
  g_array_append_val (f->times, now);
}

/* GTestDBus leaves its daemon behind, with our output, when a test fails. */
static void
with_us (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static char *
start_bus (Fixture *f)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autoptr (GDataInputStream) out = NULL;
  g_autoptr (GError) error = NULL;
  char *address;

  g_subprocess_launcher_set_child_setup (launcher, with_us, NULL, NULL);
  f->dbus = g_subprocess_launcher_spawn (launcher, &error, "dbus-daemon", "--session", "--nofork", "--print-address", NULL);
  g_assert_no_error (error);
  out = g_data_input_stream_new (g_subprocess_get_stdout_pipe (f->dbus));
  address = g_data_input_stream_read_line (out, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (address);
  return address;
}

static GDBusConnection *
connect_to (const char *address)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *bus = g_dbus_connection_new_for_address_sync (
      address,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL, NULL, &error);

  g_assert_no_error (error);
  return bus;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *address = start_bus (f);

  f->service = connect_to (address);
  f->client = connect_to (address);
  f->status = "{\"network\":\"home\",\"nat\":\"unknown\",\"peers\":[]}";
  f->allowed = TRUE;
  f->signals = g_ptr_array_new_with_free_func (g_free);
  f->times = g_array_new (FALSE, FALSE, sizeof (gint64));
  f->network = scope_network_new (f->service, &calls, f, &error);
  g_assert_no_error (error);
  g_dbus_connection_signal_subscribe (f->client, NULL, "org.freedesktop.DBus.Properties", "PropertiesChanged",
                                      SCOPE_NETWORK_PATH, NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_signal, f, NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->network, scope_network_free);
  g_clear_pointer (&f->answer, g_variant_unref);
  g_clear_error (&f->error);
  g_object_unref (f->service);
  g_object_unref (f->client);
  g_subprocess_force_exit (f->dbus);
  g_object_unref (f->dbus);
  g_ptr_array_unref (f->signals);
  g_array_unref (f->times);
}

static gboolean
on_time (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
pass (guint ms)
{
  gboolean over = FALSE;

  g_timeout_add (ms, on_time, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  Fixture *f = data;

  f->answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &f->error);
  f->done = TRUE;
}

static void
call (Fixture *f, const char *interface, const char *method, GVariant *arguments)
{
  g_clear_pointer (&f->answer, g_variant_unref);
  g_clear_error (&f->error);
  f->done = FALSE;
  g_dbus_connection_call (f->client, g_dbus_connection_get_unique_name (f->service), SCOPE_NETWORK_PATH, interface, method,
                          arguments, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_answer, f);
  while (!f->done)
    g_main_context_iteration (NULL, TRUE);
}

static void
read_all (Fixture *f)
{
  call (f, "org.freedesktop.DBus.Properties", "GetAll", g_variant_new ("(s)", SCOPE_NETWORK_INTERFACE));
}

static void
change (Fixture *f, const char *status)
{
  f->status = status;
  scope_network_news (f->network);
}

static void
test_read (Fixture *f, gconstpointer data)
{
  g_autofree char *text = NULL, *one = NULL, *json = NULL;

  read_all (f);
  g_assert_no_error (f->error);
  text = g_variant_print (f->answer, FALSE);
  g_assert_nonnull (strstr (text, "'Network': <'home'>"));
  call (f, "org.freedesktop.DBus.Properties", "Get", g_variant_new ("(ss)", SCOPE_NETWORK_INTERFACE, "Nat"));
  g_assert_no_error (f->error);
  one = g_variant_print (f->answer, FALSE);
  g_assert_cmpstr (one, ==, "(<'unknown'>,)");
  call (f, SCOPE_NETWORK_INTERFACE, "GetStatus", NULL);
  g_assert_no_error (f->error);
  json = g_variant_print (f->answer, FALSE);
  g_assert_nonnull (strstr (json, "\"network\":\"home\""));
  call (f, "org.freedesktop.DBus.Properties", "Set",
        g_variant_new ("(ssv)", SCOPE_NETWORK_INTERFACE, "Nat", g_variant_new_string ("open")));
  g_assert_nonnull (f->error);
  call (f, "org.freedesktop.DBus.Properties", "Get", g_variant_new ("(ss)", SCOPE_NETWORK_INTERFACE, "Secret"));
  g_assert_nonnull (f->error);
}

static void
test_not_allowed (Fixture *f, gconstpointer data)
{
  const char *const methods[] = { "GetStatus", "GetAll", "Get" };

  if (getuid () == 0)
    {
      f->allowed = FALSE; /* root is not asked about */
      read_all (f);
      g_assert_no_error (f->error);
      return;
    }
  f->allowed = FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      call (f, i ? "org.freedesktop.DBus.Properties" : SCOPE_NETWORK_INTERFACE, methods[i],
            i == 0   ? NULL
            : i == 1 ? g_variant_new ("(s)", SCOPE_NETWORK_INTERFACE)
                     : g_variant_new ("(ss)", SCOPE_NETWORK_INTERFACE, "Nat"));
      g_assert_error (f->error, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED);
    }
  g_assert_cmpuint (f->described, ==, 0);
}

/* As long as nobody has read, news are not even looked at. */
static void
test_nobody (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 5; i++)
    change (f, i % 2 ? "{\"nat\":\"open\"}" : "{\"nat\":\"closed\"}");
  pass (400);
  g_assert_cmpuint (f->described, ==, 0);
  g_assert_cmpuint (f->signals->len, ==, 0);
}

static void
test_signals (Fixture *f, gconstpointer data)
{
  const char *last;

  read_all (f);
  /* Many together are one, with what has changed between the reading and now. */
  change (f, "{\"network\":\"home\",\"nat\":\"closed\",\"peers\":[]}");
  change (f, "{\"network\":\"home\",\"nat\":\"open\",\"peers\":[]}");
  change (f, "{\"network\":\"home\",\"nat\":\"open\",\"peers\":[{\"key\":\"K\"}]}");
  pass (150);
  g_assert_cmpuint (f->signals->len, ==, 1);
  g_assert_cmpstr (f->signals->pdata[0], ==, "Nat Peers");
  /* Nobody has read since. */
  change (f, "{\"network\":\"home\",\"nat\":\"closed\"}");
  pass (400);
  g_assert_cmpuint (f->signals->len, ==, 1);

  /* Whoever reads after each: four a second, however fast it changes, and the last one is told. */
  for (guint i = 0; i < 60; i++)
    {
      read_all (f);
      change (f, last = i % 2 ? "{\"nat\":\"open\"}" : "{\"nat\":\"deny\"}");
      pass (20);
    }
  g_assert_cmpuint (f->signals->len, >, 3);
  for (guint i = 1; i < f->times->len; i++)
    g_assert_cmpint (g_array_index (f->times, gint64, i) - g_array_index (f->times, gint64, i - 1), >, 225 * 1000);
  g_assert_nonnull (last);
}

static void
test_no_news (Fixture *f, gconstpointer data)
{
  f->status = "{\"peers\":[{\"key\":\"K\",\"rx\":1,\"latency\":5}]}";
  read_all (f);
  for (guint i = 0; i < 10; i++)
    change (f, "{\"peers\":[{\"key\":\"K\",\"rx\":2,\"latency\":7}]}");
  pass (200);
  g_assert_cmpuint (f->signals->len, ==, 0);
  g_assert_cmpuint (f->described, <=, 4); /* one look for all of them */
}

/* What became different without any news: a second reader notices, for the first. Then what settles by itself, at rest. */
static void
test_silent (Fixture *f, gconstpointer data)
{
  read_all (f);
  pass (100);
  f->status = "{\"network\":\"home\",\"nat\":\"closed\",\"peers\":[]}";
  read_all (f);
  pass (100);
  g_assert_cmpuint (f->signals->len, ==, 1);
  g_assert_cmpstr (f->signals->pdata[0], ==, "Nat");

  read_all (f);
  pass (100);
  f->status = "{\"network\":\"home\",\"nat\":\"open\",\"peers\":[]}";
  pass (3200);
  g_assert_cmpuint (f->signals->len, ==, 2);
  f->described = 0;
  pass (3500);
  g_assert_cmpuint (f->described, ==, 0);
}

/* Gone before the bus has said who asks. */
static void
test_gone (Fixture *f, gconstpointer data)
{
  f->done = FALSE;
  g_dbus_connection_call (f->client, g_dbus_connection_get_unique_name (f->service), SCOPE_NETWORK_PATH,
                          SCOPE_NETWORK_INTERFACE, "GetStatus", NULL, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_answer, f);
  g_dbus_connection_flush_sync (f->client, NULL, NULL);
  g_usleep (50 * 1000);
  while (!f->described && !f->done && g_main_context_iteration (NULL, FALSE))
    continue;
  g_clear_pointer (&f->network, scope_network_free);
  while (!f->done)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (f->answer || f->error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/network/state", test_state);
  g_test_add_func ("/network/diff", test_diff);
#define ADD(path, func) g_test_add ("/network/" path, Fixture, NULL, set_up, func, tear_down)
  ADD ("read", test_read);
  ADD ("not-allowed", test_not_allowed);
  ADD ("nobody", test_nobody);
  ADD ("signals", test_signals);
  ADD ("no-news", test_no_news);
  ADD ("silent", test_silent);
  ADD ("gone", test_gone);
  return g_test_run ();
}
