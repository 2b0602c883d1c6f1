/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-nft.h"

#include <string.h>

struct _ScopeNft {
  GSubprocess *process;
  GCancellable *cancellable;
  char *rules;
  ScopeNftFailed failed;
  gpointer data;
};

static void
on_written (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  ScopeNft *self = data;

  if (g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error) ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  self->failed (error->message, self->data);
}

/* It ends when it is told to, or when it does not understand us: then its output has said why. */
static void
on_ended (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  ScopeNft *self = data;

  if (!g_subprocess_wait_finish (G_SUBPROCESS (source), result, &error))
    return; /* cancelled */
  self->failed ("nft has ended", self->data);
}

ScopeNft *
scope_nft_new (const char *rules, ScopeNftFailed failed, gpointer data)
{
  g_autofree char *nft = g_find_program_in_path ("nft");
  g_autoptr (GError) error = NULL;
  ScopeNft *self = g_new0 (ScopeNft, 1);
  GSubprocess *process;

  if (!nft && g_file_test ("/usr/sbin/nft", G_FILE_TEST_IS_EXECUTABLE))
    nft = g_strdup ("/usr/sbin/nft");
  /* -i: reads commands from its standard input, and stays */
  process = nft ? g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE, &error, nft, "-i", NULL) : NULL;
  if (!process)
    {
      failed (error ? error->message : "nft is not installed", data);
      return self;
    }
  self->process = process;
  self->cancellable = g_cancellable_new ();
  self->failed = failed;
  self->data = data;
  self->rules = g_strdup (rules);
  g_output_stream_write_all_async (g_subprocess_get_stdin_pipe (process), self->rules, strlen (self->rules), G_PRIORITY_DEFAULT,
                                   self->cancellable, on_written, self);
  g_subprocess_wait_async (process, self->cancellable, on_ended, self);
  return self;
}

void
scope_nft_free (ScopeNft *self)
{
  if (self->process)
    {
      g_cancellable_cancel (self->cancellable);
      g_object_unref (self->cancellable);
      g_subprocess_send_signal (self->process, SIGTERM);
      g_object_unref (self->process);
    }
  g_free (self->rules);
  g_free (self);
}
