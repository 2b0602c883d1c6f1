/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "ctl/ctl-terminal.h"

#include "common/scope-error.h"
#include "common/scope-key.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

static const int fatal[] = { SIGINT, SIGHUP, SIGTERM, SIGQUIT, SIGTSTP };
static volatile sig_atomic_t caught;

static void
on_signal (int number)
{
  caught = number;
}

static int
open_terminal (void)
{
  return open ("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
}

gboolean
ctl_terminal_there (void)
{
  int fd = open_terminal ();

  if (fd >= 0)
    close (fd);
  return fd >= 0;
}

static void
say (int fd, const char *text)
{
  g_autofree char *local = g_locale_from_utf8 (text, -1, NULL, NULL, NULL);

  if (!local)
    local = g_strdup (text);
  for (gsize done = 0, len = strlen (local); done < len;)
    {
      gssize n = write (fd, local + done, len - done);
      if (n <= 0)
        return;
      done += n;
    }
}

/* Reads to the end of the line; FALSE when that never came. What does not fit counts, but is not kept. */
static gboolean
read_line (int fd, char *line, gsize *len)
{
  char c;

  *len = 0;
  for (;;)
    {
      gssize n = read (fd, &c, 1);
      if (n < 0 && errno == EINTR && !caught)
        continue;
      if (n <= 0)
        return FALSE;
      if (c == '\n')
        return TRUE;
      if (*len < LINE_MAX_BYTES)
        line[*len] = c;
      ++*len;
    }
}

static gboolean
ask_once (int fd, const char *question, gboolean secret, char *line, gsize *len)
{
  struct sigaction action = { .sa_handler = on_signal }, old[G_N_ELEMENTS (fatal)];
  struct termios before, quiet;
  gboolean quieted = FALSE, complete;

  caught = 0;
  for (guint i = 0; i < G_N_ELEMENTS (fatal); i++)
    sigaction (fatal[i], &action, &old[i]);
  if (secret && tcgetattr (fd, &before) == 0)
    {
      quiet = before;
      quiet.c_lflag &= ~(ECHO | ECHONL);
      quieted = tcsetattr (fd, TCSAFLUSH, &quiet) == 0;
    }
  say (fd, question);
  say (fd, " ");
  complete = read_line (fd, line, len);
  if (quieted)
    {
      say (fd, "\n");
      tcsetattr (fd, TCSAFLUSH, &before);
    }
  for (guint i = 0; i < G_N_ELEMENTS (fatal); i++)
    sigaction (fatal[i], &old[i], NULL);
  return complete;
}

char *
ctl_terminal_ask (const char *question, gboolean secret, GError **error)
{
  int fd = open_terminal ();
  char line[LINE_MAX_BYTES + 1];
  gboolean complete;
  char *answer = NULL;
  gsize len;

  if (fd < 0)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, _ ("there is no terminal to ask on: %s"), question);
      return NULL;
    }
  for (;;)
    {
      complete = ask_once (fd, question, secret, line, &len);
      if (!caught)
        break;
      raise (caught); /* may stop here (Ctrl+Z); then the question is asked again */
    }
  close (fd);
  if (!complete || len > LINE_MAX_BYTES)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, complete ? _ ("%s the answer is too long") : _ ("%s no answer"),
                 question);
  else
    answer = g_strndup (line, len);
  explicit_bzero (line, sizeof line);
  return answer;
}

guint
ctl_terminal_columns (void)
{
  struct winsize size;

  return isatty (STDOUT_FILENO) && ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
