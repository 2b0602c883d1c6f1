/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "scope-check.h"

#include "common/scope-json.h"

#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include <string.h>

#define TIMEOUT 12 /* seconds: two registries that do not answer */
#define MAX_ANSWER (4 * 1024 * 1024)

/* One question. It outlives its ScopeCheck until its process is gone. */
typedef struct {
  gatomicrefcount refs;
  ScopeCheck *check; /* NULL once nobody wants the answer */
  char **argv;
  GSubprocess *process;
  GCancellable *cancellable;
} Run;

struct _ScopeCheck {
  char *program;
  ScopeCheckDone done;
  gpointer user_data;
  char *registry;
  char *ca;
  guint source; /* the delay, then the time that a run may take */
  Run *run;
};

static void
run_unref (Run *run)
{
  if (!g_atomic_ref_count_dec (&run->refs))
    return;
  g_strfreev (run->argv);
  g_clear_object (&run->process);
  g_clear_object (&run->cancellable);
  g_free (run);
}

static Run *
run_ref (Run *run)
{
  g_atomic_ref_count_inc (&run->refs);
  return run;
}

static void
run_forget (Run *run)
{
  run->check = NULL;
  g_cancellable_cancel (run->cancellable);
  if (run->process)
    g_subprocess_force_exit (run->process);
  run_unref (run);
}

static void
answer (Run *run, const char *const *networks, const char *from, const char *why)
{
  ScopeCheck *self = run->check;

  if (!self)
    return;
  g_clear_handle_id (&self->source, g_source_remove);
  self->run = NULL;
  run_forget (run);
  self->done (networks, from, why, self->user_data);
}

/* What scopectl says of itself is of no use here: "scopectl networks: registry …" */
static char *
complaint (const char *said)
{
  const char *prefix = "scopectl networks: ";
  const char *begin = said ? strstr (said, prefix) : NULL;
  const char *text = begin ? begin + strlen (prefix) : said;
  char *line = text ? g_strndup (text, strcspn (text, "\n")) : NULL;

  if (line && *g_strstrip (line))
    return line;
  g_free (line);
  return g_strdup (_ ("the registry could not be asked"));
}

static void
parse (Run *run, const char *text)
{
  g_autoptr (JsonObject) object = scope_json_parse_object (text, strlen (text), MAX_ANSWER, NULL);
  JsonArray *array = object ? scope_json_get_array (object, "networks") : NULL;
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = 0; array && i < json_array_get_length (array); i++)
    if (json_node_get_value_type (json_array_get_element (array, i)) == G_TYPE_STRING)
      g_ptr_array_add (names, (char *) json_array_get_string_element (array, i));
  g_ptr_array_add (names, NULL);
  if (array)
    answer (run, (const char *const *) names->pdata, scope_json_get_string (object, "registry"), NULL);
  else
    answer (run, NULL, NULL, _ ("the registry could not be asked"));
}

static void
on_output (GObject *source, GAsyncResult *result, gpointer data)
{
  Run *run = data;
  g_autofree char *out = NULL;
  g_autofree char *said = NULL;
  g_autoptr (GError) error = NULL;

  if (!g_subprocess_communicate_utf8_finish (G_SUBPROCESS (source), result, &out, &said, &error))
    answer (run, NULL, NULL, error->message);
  else if (g_subprocess_get_successful (G_SUBPROCESS (source)))
    parse (run, out);
  else
    {
      g_autofree char *why = complaint (said);
      answer (run, NULL, NULL, why);
    }
  run_unref (run);
}

/* On a thread: a new process waits until its program is loaded. */
static void
spawn (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Run *run = data;
  GError *error = NULL;
  GSubprocess *process =
      g_subprocess_newv ((const char *const *) run->argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, &error);

  if (process)
    g_task_return_pointer (task, process, g_object_unref);
  else
    g_task_return_error (task, error);
}

static void
on_spawned (GObject *source, GAsyncResult *result, gpointer data)
{
  Run *run = data;
  g_autoptr (GError) error = NULL;

  run->process = g_task_propagate_pointer (G_TASK (result), &error);
  if (!run->process)
    answer (run, NULL, NULL, error->message);
  else if (run->check)
    g_subprocess_communicate_utf8_async (run->process, NULL, run->cancellable, on_output, run_ref (run));
  else
    g_subprocess_force_exit (run->process);
  run_unref (run);
}

static gboolean
on_timeout (gpointer data)
{
  ScopeCheck *self = data;
  Run *run = run_ref (self->run);

  self->source = 0;
  answer (run, NULL, NULL, _ ("the registry does not answer"));
  run_unref (run);
  return G_SOURCE_REMOVE;
}

static gboolean
on_delay (gpointer data)
{
  ScopeCheck *self = data;
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();
  g_autoptr (GTask) task = NULL;
  Run *run = g_new0 (Run, 1);

  g_strv_builder_add_many (argv, self->program, "networks", "--json", NULL);
  if (self->ca)
    g_strv_builder_add_many (argv, "--ca", self->ca, NULL);
  g_strv_builder_add_many (argv, "--", self->registry, NULL);
  g_atomic_ref_count_init (&run->refs);
  run->check = self;
  run->argv = g_strv_builder_end (argv);
  run->cancellable = g_cancellable_new ();
  self->run = run;
  self->source = g_timeout_add_seconds (TIMEOUT, on_timeout, self);

  task = g_task_new (NULL, NULL, on_spawned, run_ref (run));
  g_task_set_task_data (task, run_ref (run), (GDestroyNotify) run_unref);
  g_task_run_in_thread (task, spawn);
  return G_SOURCE_REMOVE;
}

ScopeCheck *
scope_check_new (const char *program, ScopeCheckDone done, gpointer user_data)
{
  ScopeCheck *self = g_new0 (ScopeCheck, 1);

  self->program = g_strdup (program);
  self->done = done;
  self->user_data = user_data;
  return self;
}

void
scope_check_free (ScopeCheck *self)
{
  scope_check_cancel (self);
  g_free (self->program);
  g_free (self->registry);
  g_free (self->ca);
  g_free (self);
}

void
scope_check_begin (ScopeCheck *self, const char *registry, const char *ca, guint delay_ms)
{
  scope_check_cancel (self);
  g_free (self->registry);
  g_free (self->ca);
  self->registry = g_strdup (registry);
  self->ca = g_strdup (ca);
  self->source = g_timeout_add (delay_ms, on_delay, self);
}

void
scope_check_cancel (ScopeCheck *self)
{
  g_clear_handle_id (&self->source, g_source_remove);
  if (self->run)
    run_forget (g_steal_pointer (&self->run));
}
