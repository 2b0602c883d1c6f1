/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test-resolver: src/peer/scope-resolver.c against a GResolver of our own, which answers when it is told to.
 */
#include "peer/scope-resolver.h"
#include "test-log.h"

#include <string.h>

/* --- the double ---------------------------------------------------------------------------- */

#define DOUBLE_TYPE_RESOLVER (double_resolver_get_type ())
G_DECLARE_FINAL_TYPE (DoubleResolver, double_resolver, DOUBLE, RESOLVER, GResolver)

struct _DoubleResolver {
  GResolver parent_instance;
  GQueue waiting; /* GTask, its data the host */
};

G_DEFINE_FINAL_TYPE (DoubleResolver, double_resolver, G_TYPE_RESOLVER)

static void
lookup_async (GResolver *resolver, const char *host, GCancellable *cancellable, GAsyncReadyCallback callback,
              gpointer data)
{
  GTask *task = g_task_new (resolver, cancellable, callback, data);

  g_task_set_task_data (task, g_strdup (host), g_free);
  g_queue_push_tail (&DOUBLE_RESOLVER (resolver)->waiting, task);
}

static GList *
lookup_finish (GResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
double_resolver_init (DoubleResolver *self)
{
}

static void
double_resolver_class_init (DoubleResolverClass *class)
{
  G_RESOLVER_CLASS (class)->lookup_by_name_async = lookup_async;
  G_RESOLVER_CLASS (class)->lookup_by_name_finish = lookup_finish;
}

static void
free_addresses (gpointer list)
{
  g_resolver_free_addresses (list);
}

/* Answers the oldest question, which must be for @host, with @addresses, or an error when it is NULL. */
static void
answer (DoubleResolver *dns, const char *host, const char *addresses)
{
  g_autoptr (GTask) task = g_queue_pop_head (&dns->waiting);
  g_auto (GStrv) words = addresses ? g_strsplit (addresses, " ", -1) : NULL;
  GList *list = NULL;

  g_assert_nonnull (task);
  g_assert_cmpstr (g_task_get_task_data (task), ==, host);
  for (char **w = words; w && *w; w++)
    list = g_list_append (list, g_inet_address_new_from_string (*w));
  if (list)
    g_task_return_pointer (task, list, free_addresses);
  else
    g_task_return_new_error (task, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "no such host %s", host);
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* --- fixture ------------------------------------------------------------------------------- */

typedef struct {
  DoubleResolver *dns;
  GResolver *previous;
  ScopeResolver *resolver;
  guint changed;
  gboolean free_when_changed;
} Fixture;

static void
on_changed (gpointer data)
{
  Fixture *f = data;

  f->changed++;
  if (f->free_when_changed)
    g_clear_pointer (&f->resolver, scope_resolver_free);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->previous = g_resolver_get_default ();
  f->dns = g_object_new (DOUBLE_TYPE_RESOLVER, NULL);
  g_resolver_set_default (G_RESOLVER (f->dns));
  f->resolver = scope_resolver_new (on_changed, f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->resolver, scope_resolver_free);
  while (!g_queue_is_empty (&f->dns->waiting))
    {
      g_autoptr (GTask) task = g_queue_pop_head (&f->dns->waiting);
      g_task_return_pointer (task, NULL, NULL);
    }
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_resolver_set_default (f->previous);
  g_object_unref (f->previous);
  g_assert_finalize_object (f->dns);
  test_log_assert_quiet ();
}

/* The network whose peers have these endpoints; the first one is the root's. */
static void
set_roster (Fixture *f, const char *first, ...)
{
  g_autoptr (ScopeRoster) roster = scope_roster_new ("wg0");
  ScopeKey key = { { 1 } };
  va_list args;

  roster->self = scope_roster_peer_new (&key);
  roster->self->end = g_strdup (first);
  va_start (args, first);
  for (const char *end = va_arg (args, const char *); end; end = va_arg (args, const char *))
    {
      ScopeRosterPeer *peer;
      key.bytes[0]++;
      peer = scope_roster_peer_new (&key);
      peer->end = *end ? g_strdup (end) : NULL;
      g_ptr_array_add (roster->peers, peer);
    }
  va_end (args);
  scope_resolver_set_roster (f->resolver, roster);
}

static void
assert_known (Fixture *f, const char *endpoint, const char *expected)
{
  const ScopeSockaddr *sa = g_hash_table_lookup (scope_resolver_get_table (f->resolver), endpoint);
  g_autofree char *text = sa ? scope_sockaddr_format (sa) : NULL;

  g_assert_cmpstr (text, ==, expected);
}

static guint
waiting (Fixture *f)
{
  return g_queue_get_length (&f->dns->waiting);
}

/* --- tests --------------------------------------------------------------------------------- */

static void
test_numeric (Fixture *f, gconstpointer data)
{
  set_roster (f, "192.0.2.1:51820", "[2001:db8::1]:51820", "", NULL);
  assert_known (f, "192.0.2.1:51820", "192.0.2.1:51820");
  assert_known (f, "[2001:db8::1]:51820", "[2001:db8::1]:51820");
  g_assert_cmpuint (waiting (f), ==, 0);
  g_assert_false (scope_resolver_has_names (f->resolver));
  g_assert_cmpuint (g_hash_table_size (scope_resolver_get_table (f->resolver)), ==, 2);

  /* Nothing to ask DNS for. */
  scope_resolver_refresh (f->resolver, "192.0.2.1:51820");
  scope_resolver_refresh (f->resolver, "never.heard.example:51820");
  g_assert_cmpuint (waiting (f), ==, 0);
  /* The caller sees these when set_roster returns: no news. */
  g_assert_cmpuint (f->changed, ==, 0);
}

static void
test_name (Fixture *f, gconstpointer data)
{
  set_roster (f, "root.example:51820", NULL);
  g_assert_true (scope_resolver_has_names (f->resolver));
  assert_known (f, "root.example:51820", NULL);
  g_assert_cmpuint (waiting (f), ==, 1);

  /* The same roster again asks no second time. */
  set_roster (f, "root.example:51820", NULL);
  g_assert_cmpuint (waiting (f), ==, 1);

  answer (f->dns, "root.example", "192.0.2.1 192.0.2.2");
  assert_known (f, "root.example:51820", "192.0.2.1:51820");
  g_assert_cmpuint (f->changed, ==, 1);
  g_assert_cmpuint (waiting (f), ==, 0);

  set_roster (f, "root.example:51820", NULL);
  g_assert_cmpuint (waiting (f), ==, 0);
}

static void
test_one_name_two_ports (Fixture *f, gconstpointer data)
{
  set_roster (f, "root.example:51820", "root.example:51821", NULL);
  g_assert_cmpuint (waiting (f), ==, 2);
  answer (f->dns, "root.example", "2001:db8::1");
  answer (f->dns, "root.example", "2001:db8::1");
  assert_known (f, "root.example:51820", "[2001:db8::1]:51820");
  assert_known (f, "root.example:51821", "[2001:db8::1]:51821");
  g_assert_cmpuint (f->changed, ==, 2);
}

static void
test_refresh (Fixture *f, gconstpointer data)
{
  set_roster (f, "root.example:51820", NULL);
  scope_resolver_refresh (f->resolver, "root.example:51820"); /* one is running */
  g_assert_cmpuint (waiting (f), ==, 1);
  answer (f->dns, "root.example", "192.0.2.1");

  /* The same address is no news. */
  scope_resolver_refresh (f->resolver, "root.example:51820");
  g_assert_cmpuint (waiting (f), ==, 1);
  answer (f->dns, "root.example", "192.0.2.1");
  g_assert_cmpuint (f->changed, ==, 1);

  scope_resolver_refresh (f->resolver, "root.example:51820");
  answer (f->dns, "root.example", "192.0.2.9");
  assert_known (f, "root.example:51820", "192.0.2.9:51820");
  g_assert_cmpuint (f->changed, ==, 2);
}

static void
test_failure (Fixture *f, gconstpointer data)
{
  set_roster (f, "root.example:51820", NULL);
  answer (f->dns, "root.example", NULL);
  test_log_assert_warning ("*root.example*");
  assert_known (f, "root.example:51820", NULL);
  g_assert_cmpuint (f->changed, ==, 0);

  /* It may be asked again, and what is known outlives a failure. */
  scope_resolver_refresh (f->resolver, "root.example:51820");
  answer (f->dns, "root.example", "192.0.2.1");
  assert_known (f, "root.example:51820", "192.0.2.1:51820");
  scope_resolver_refresh (f->resolver, "root.example:51820");
  answer (f->dns, "root.example", NULL);
  test_log_assert_warning ("*root.example*");
  assert_known (f, "root.example:51820", "192.0.2.1:51820");
  g_assert_cmpuint (f->changed, ==, 1);
}

static void
test_forget (Fixture *f, gconstpointer data)
{
  set_roster (f, "root.example:51820", "192.0.2.7:1", "other.example:1", NULL);
  answer (f->dns, "root.example", "192.0.2.1");

  set_roster (f, NULL, "192.0.2.8:1", NULL);
  g_assert_false (scope_resolver_has_names (f->resolver));
  assert_known (f, "root.example:51820", NULL);
  assert_known (f, "192.0.2.7:1", NULL);
  assert_known (f, "192.0.2.8:1", "192.0.2.8:1");

  /* Its answer comes when nobody wants it any more. */
  answer (f->dns, "other.example", "192.0.2.3");
  assert_known (f, "other.example:1", NULL);
  g_assert_cmpuint (f->changed, ==, 1);

  /* And it may come back. */
  set_roster (f, "root.example:51820", NULL);
  answer (f->dns, "root.example", "192.0.2.1");
  assert_known (f, "root.example:51820", "192.0.2.1:51820");
}

/* Forgotten and wanted again while the first question is still open: only the second answer counts. */
static void
test_forget_and_back (Fixture *f, gconstpointer data)
{
  set_roster (f, "root.example:51820", NULL);
  set_roster (f, NULL, NULL);
  set_roster (f, "root.example:51820", NULL);
  g_assert_cmpuint (waiting (f), ==, 2);
  answer (f->dns, "root.example", "192.0.2.1");
  assert_known (f, "root.example:51820", NULL);
  scope_resolver_refresh (f->resolver, "root.example:51820"); /* still running */
  g_assert_cmpuint (waiting (f), ==, 1);
  answer (f->dns, "root.example", "192.0.2.2");
  assert_known (f, "root.example:51820", "192.0.2.2:51820");
  g_assert_cmpuint (f->changed, ==, 1);
}

static void
test_free_while_running (Fixture *f, gconstpointer data)
{
  set_roster (f, "root.example:51820", "other.example:1", NULL);
  g_clear_pointer (&f->resolver, scope_resolver_free);
  answer (f->dns, "root.example", "192.0.2.1");
  g_assert_cmpuint (f->changed, ==, 0);
}

static void
test_free_in_callback (Fixture *f, gconstpointer data)
{
  set_roster (f, "root.example:51820", "other.example:1", NULL);
  f->free_when_changed = TRUE;
  answer (f->dns, "root.example", "192.0.2.1");
  g_assert_null (f->resolver);
  answer (f->dns, "other.example", "192.0.2.1");
  g_assert_cmpuint (f->changed, ==, 1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  test_log_init ();
#define ADD(name, function) g_test_add ("/resolver/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("numeric", test_numeric);
  ADD ("name", test_name);
  ADD ("one-name-two-ports", test_one_name_two_ports);
  ADD ("refresh", test_refresh);
  ADD ("failure", test_failure);
  ADD ("forget", test_forget);
  ADD ("forget-and-back", test_forget_and_back);
  ADD ("free-while-running", test_free_while_running);
  ADD ("free-in-callback", test_free_in_callback);
  return g_test_run ();
}
