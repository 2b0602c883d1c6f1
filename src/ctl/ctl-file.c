/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "ctl/ctl-file.h"

#include "common/scope-error.h"
#include "common/scope-key.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static gboolean
fail (GError **error, const char *path, int errsv)
{
  g_autofree char *name = g_filename_display_name (path);

  if (errsv == EEXIST)
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, _ ("%s: is there already; nothing is overwritten"), name);
  else
    g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "%s: %s", name, g_strerror (errsv));
  return FALSE;
}

gboolean
ctl_file_is_free (const char *path, GError **error)
{
  struct stat st;

  if (lstat (path, &st) == 0)
    return fail (error, path, EEXIST);
  return errno == ENOENT || fail (error, path, errno);
}

static gboolean
write_all (int fd, const char *text)
{
  for (gsize done = 0, len = strlen (text); done < len;)
    {
      gssize n = write (fd, text + done, len - done);
      if (n < 0 && errno != EINTR)
        return FALSE;
      done += MAX (n, 0);
    }
  return TRUE;
}

/* So that the name survives a crash as the content does. */
static void
sync_directory (const char *path)
{
  g_autofree char *dir = g_path_get_dirname (path);
  int fd = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd >= 0)
    {
      fsync (fd);
      close (fd);
    }
}

/* Returns 0 or an errno. */
static int
move_to_new (const char *from, const char *to)
{
  if (renameat2 (AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
    return 0;
  if (errno != EINVAL && errno != ENOSYS)
    return errno;
  /* A file system without that flag (NFS, for one) */
  if (link (from, to) < 0)
    return errno;
  unlink (from);
  return 0;
}

static gboolean
put (const char *path, const char *text, gboolean replace, GError **error)
{
  g_autofree char *temp = g_strconcat (path, ".XXXXXX", NULL);
  int fd = g_mkstemp_full (temp, O_WRONLY | O_CLOEXEC, 0600), errsv = 0;

  if (fd < 0)
    return fail (error, path, errno);
  if (!write_all (fd, text) || fsync (fd) < 0)
    errsv = errno;
  if (close (fd) < 0 && !errsv)
    errsv = errno;
  if (!errsv && replace && rename (temp, path) < 0)
    errsv = errno;
  if (!errsv && !replace)
    errsv = move_to_new (temp, path);
  if (errsv)
    {
      unlink (temp);
      return fail (error, path, errsv);
    }
  sync_directory (path);
  return TRUE;
}

gboolean
ctl_file_create (const char *path, const char *text, GError **error)
{
  return put (path, text, FALSE, error);
}

gboolean
ctl_file_replace (const char *path, const char *text, GError **error)
{
  return put (path, text, TRUE, error);
}

char *
ctl_file_read (const char *path, gsize max, gsize *len, GError **error)
{
  gboolean standard = g_str_equal (path, "-");
  int fd = standard ? STDIN_FILENO : open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  char *text;
  gssize n = 0;

  if (fd < 0)
    {
      fail (error, path, errno);
      return NULL;
    }
  text = g_malloc0 (max + 2); /* in one piece: growing would leave copies of secrets behind */
  *len = 0;
  while (*len <= max)
    {
      n = read (fd, text + *len, max + 1 - *len);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        break;
      *len += n;
    }
  if (n < 0 || *len > max)
    {
      fail (error, path, n < 0 ? errno : EFBIG);
      explicit_bzero (text, *len);
      g_clear_pointer (&text, g_free);
    }
  if (!standard)
    close (fd);
  return text;
}
