/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth-dialog/auth-quit.h"

#include <gio/gio.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#define QUIT "QUIT"

struct _AuthQuit {
  void (*quit) (gpointer data);
  gpointer data;
  guint id;
  char line[sizeof QUIT]; /* as much of it as matters */
  gsize len;
};

/* TRUE when a line that says QUIT has come to its end. */
static gboolean
take (AuthQuit *self, char c)
{
  gboolean quit;

  if (c != '\n')
    {
      if (self->len < sizeof self->line)
        self->line[self->len++] = c;
      return FALSE;
    }
  quit = self->len == strlen (QUIT) && memcmp (self->line, QUIT, self->len) == 0;
  self->len = 0;
  return quit;
}

static gboolean
on_input (int fd, GIOCondition condition, gpointer data)
{
  AuthQuit *self = data;
  char c;
  ssize_t n = read (fd, &c, 1);

  if (n == 1 && !take (self, c))
    return G_SOURCE_CONTINUE;
  self->id = 0;
  if (n == 1)
    self->quit (self->data);
  return G_SOURCE_REMOVE;
}

AuthQuit *
auth_quit_watch (void (*quit) (gpointer data), gpointer data)
{
  AuthQuit *self = g_new0 (AuthQuit, 1);

  self->quit = quit;
  self->data = data;
  self->id = g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, on_input, self);
  return self;
}

void
auth_quit_free (AuthQuit *self)
{
  g_clear_handle_id (&self->id, g_source_remove);
  g_free (self);
}

void
auth_quit_wait (void)
{
  AuthQuit self = { .len = 0 };
  char c;

  while (read (STDIN_FILENO, &c, 1) == 1 && !take (&self, c))
    ;
}
