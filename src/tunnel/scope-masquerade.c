/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-masquerade.h"

#include <string.h>

/* One command in a line, as nft reads its standard input with -i. */
#define RULES \
  "add table inet scope-%1$s { flags owner; }\n" \
  "add chain inet scope-%1$s postrouting { type nat hook postrouting priority srcnat; policy accept; }\n" \
  "add rule inet scope-%1$s postrouting iifname \"%1$s\" oifname != \"%1$s\" masquerade\n"

struct _ScopeMasquerade {
  GSubprocess *process;
  GCancellable *cancellable;
  char *ifname;
  char *rules;
};

static void
say_by_hand (const char *ifname, const char *why)
{
  g_warning ("%s: cannot masquerade (%s): run “nft add rule inet TABLE POSTROUTING iifname %s oifname != %s masquerade” in a chain "
             "of type nat, hook postrouting",
             ifname, why, ifname, ifname);
}

static void
on_written (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  ScopeMasquerade *self = data;

  if (g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error) ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  say_by_hand (self->ifname, error->message);
}

/* It ends when it is told to, or when it does not understand us: then its output has said why. */
static void
on_ended (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  ScopeMasquerade *self = data;

  if (!g_subprocess_wait_finish (G_SUBPROCESS (source), result, &error))
    return; /* cancelled */
  say_by_hand (self->ifname, "nft has ended");
}

ScopeMasquerade *
scope_masquerade_new (const char *ifname)
{
  g_autofree char *nft = g_find_program_in_path ("nft");
  g_autoptr (GError) error = NULL;
  ScopeMasquerade *self = g_new0 (ScopeMasquerade, 1);
  GSubprocess *process;

  if (!nft && g_file_test ("/usr/sbin/nft", G_FILE_TEST_IS_EXECUTABLE))
    nft = g_strdup ("/usr/sbin/nft");
  process = nft ? g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE, &error, nft, "-i", NULL) : NULL;
  if (!process)
    {
      say_by_hand (ifname, error ? error->message : "nft is not installed");
      return self;
    }
  self->process = process;
  self->cancellable = g_cancellable_new ();
  self->ifname = g_strdup (ifname);
  self->rules = g_strdup_printf (RULES, ifname);
  g_output_stream_write_all_async (g_subprocess_get_stdin_pipe (process), self->rules, strlen (self->rules), G_PRIORITY_DEFAULT,
                                   self->cancellable, on_written, self);
  g_subprocess_wait_async (process, self->cancellable, on_ended, self);
  g_message ("%s: masquerading (nftables table inet scope-%s)", ifname, ifname);
  return self;
}

void
scope_masquerade_free (ScopeMasquerade *self)
{
  if (self->process)
    {
      g_cancellable_cancel (self->cancellable);
      g_object_unref (self->cancellable);
      g_subprocess_send_signal (self->process, SIGTERM);
      g_object_unref (self->process);
    }
  g_free (self->ifname);
  g_free (self->rules);
  g_free (self);
}
