/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-sysctl.h"

#include "common/scope-error.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".sysctl"
#define LOCK "lock"
#define FILE_MAX (256 * 1024)
#define IP6_ALL "ipv6/conf/all/forwarding"

/* A file has a line for each setting: key, what it was, what it is. "Was" equals "is" when somebody else had set it;
 * if that was another connection of ours, it hands over what it had found (hand_over()). */
typedef struct {
  char *key;
  char *before;
  char *after;
} Entry;

struct _ScopeSysctl {
  char *proc;
  char *run;
  char *name;
  int fd; /* locked while we live */
};

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_free (entry->key);
  g_free (entry->before);
  g_free (entry->after);
  g_free (entry);
}

/* --- the kernel's files --------------------------------------------------------------------- */

static char *
read_value (const char *proc, const char *key)
{
  g_autofree char *path = g_build_filename (proc, key, NULL);
  char *value = NULL;

  return g_file_get_contents (path, &value, NULL, NULL) ? g_strstrip (value) : NULL;
}

static gboolean
write_plain (const char *proc, const char *key, const char *value)
{
  g_autofree char *path = g_build_filename (proc, key, NULL);
  gsize len = strlen (value);
  int fd = open (path, O_WRONLY | O_CLOEXEC); /* never creates one: the interface may be gone */
  gboolean ok = fd >= 0 && write (fd, value, len) == (gssize) len;
  int code = errno;

  if (fd >= 0)
    close (fd);
  errno = code;
  return ok;
}

typedef struct {
  char *key;
  char *value;
} Kept;

static void
kept_free (gpointer data)
{
  Kept *kept = data;

  g_free (kept->key);
  g_free (kept->value);
  g_free (kept);
}

static void
note (GPtrArray *list, const char *proc, char *key)
{
  Kept *kept = g_new0 (Kept, 1);

  kept->key = key;
  kept->value = read_value (proc, key);
  g_ptr_array_add (list, kept);
}

/* Linux writes it to every interface, to "default" as well, and where the kernel listens to router advertisements
 * itself (accept_ra 1; with NetworkManager it is 0) it drops their default routes, unless accept_ra is 2. */
static gboolean
write_ip6_all (const char *proc, const char *value)
{
  g_autofree char *path = g_build_filename (proc, "ipv6/conf", NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  g_autoptr (GPtrArray) forwarding = g_ptr_array_new_with_free_func (kept_free);
  g_autoptr (GPtrArray) listening = g_ptr_array_new_with_free_func (kept_free);
  const char *name;
  gboolean ok;
  int code;

  while (dir && (name = g_dir_read_name (dir)))
    {
      if (g_str_equal (name, "all"))
        continue;
      note (forwarding, proc, g_strdup_printf ("ipv6/conf/%s/forwarding", name));
      note (listening, proc, g_strdup_printf ("ipv6/conf/%s/accept_ra", name));
    }
  for (guint i = 0; i < listening->len; i++)
    {
      const Kept *kept = g_ptr_array_index (listening, i);
      if (g_strcmp0 (kept->value, "1") == 0)
        write_plain (proc, kept->key, "2");
    }
  ok = write_plain (proc, IP6_ALL, value);
  code = errno;
  for (guint i = 0; i < forwarding->len; i++)
    {
      const Kept *kept = g_ptr_array_index (forwarding, i);
      g_autofree char *now = read_value (proc, kept->key);

      if (kept->value && g_strcmp0 (now, kept->value) != 0)
        write_plain (proc, kept->key, kept->value);
    }
  for (guint i = 0; i < listening->len; i++)
    {
      const Kept *kept = g_ptr_array_index (listening, i);
      if (g_strcmp0 (kept->value, "1") == 0)
        write_plain (proc, kept->key, kept->value);
    }
  errno = code;
  return ok;
}

static gboolean
write_value (const char *proc, const char *key, const char *value)
{
  return g_str_equal (key, IP6_ALL) ? write_ip6_all (proc, value) : write_plain (proc, key, value);
}

/* --- our files ------------------------------------------------------------------------------ */

static gboolean
key_valid (const char *key)
{
  return (g_str_has_prefix (key, "ipv4/") || g_str_has_prefix (key, "ipv6/")) && !strstr (key, "/../");
}

static GPtrArray *
load (int fd)
{
  GPtrArray *entries = g_ptr_array_new_with_free_func (entry_free);
  g_autofree char *text = g_malloc0 (FILE_MAX + 1);
  g_auto (GStrv) lines = NULL;

  if (pread (fd, text, FILE_MAX, 0) <= 0)
    return entries;
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line; line++)
    {
      g_auto (GStrv) words = g_strsplit (*line, " ", 4);
      Entry *entry;

      if (g_strv_length (words) != 3 || !key_valid (words[0]))
        continue;
      entry = g_new0 (Entry, 1);
      entry->key = g_strdup (words[0]);
      entry->before = g_strdup (words[1]);
      entry->after = g_strdup (words[2]);
      g_ptr_array_add (entries, entry);
    }
  return entries;
}

/* In place: the lock is the file's. */
static gboolean
save (int fd, const GPtrArray *entries)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < entries->len; i++)
    {
      const Entry *entry = g_ptr_array_index (entries, i);
      g_string_append_printf (text, "%s %s %s\n", entry->key, entry->before, entry->after);
    }
  return ftruncate (fd, 0) == 0 && pwrite (fd, text->str, text->len, 0) == (gssize) text->len;
}

static Entry *
find (const GPtrArray *entries, const char *key, guint *index)
{
  for (guint i = 0; i < entries->len; i++)
    {
      Entry *entry = g_ptr_array_index (entries, i);

      if (!g_str_equal (entry->key, key))
        continue;
      if (index)
        *index = i;
      return entry;
    }
  return NULL;
}

/* Held for a moment by who changes something: connections are processes of their own. Close it to end it. */
static int
take_turn (const char *run)
{
  g_autofree char *path = g_build_filename (run, LOCK, NULL);
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

  if (fd >= 0)
    flock (fd, LOCK_EX);
  return fd;
}

static void
end_turn (int fd)
{
  if (fd >= 0)
    close (fd);
}

/* Whether another connection needs the same: then it is that one's to undo. */
static gboolean
hand_over (const char *run, const char *name, const Entry *entry)
{
  g_autoptr (GDir) dir = g_dir_open (run, 0, NULL);
  const char *other;
  gboolean taken = FALSE;

  while (!taken && dir && (other = g_dir_read_name (dir)))
    {
      g_autofree char *path = g_build_filename (run, other, NULL);
      g_autoptr (GPtrArray) entries = NULL;
      Entry *same;
      int fd;

      if (!g_str_has_suffix (other, SUFFIX) || g_str_equal (other, name) || (fd = open (path, O_RDWR | O_CLOEXEC)) < 0)
        continue;
      entries = load (fd);
      same = find (entries, entry->key, NULL);
      if (same && g_str_equal (same->after, entry->after))
        {
          taken = TRUE;
          if (g_str_equal (same->before, same->after) && !g_str_equal (entry->before, entry->after))
            {
              g_free (same->before);
              same->before = g_strdup (entry->before);
              save (fd, entries);
            }
        }
      close (fd);
    }
  return taken;
}

static void
undo (const char *proc, const char *run, const char *name, const Entry *entry)
{
  g_autofree char *now = NULL;

  if (hand_over (run, name, entry) || g_str_equal (entry->before, entry->after))
    return;
  now = read_value (proc, entry->key);
  if (g_strcmp0 (now, entry->after) == 0 && !write_value (proc, entry->key, entry->before))
    g_warning ("cannot set %s/%s back to %s: %s", proc, entry->key, entry->before, g_strerror (errno));
}

static void
undo_all (const char *proc, const char *run, const char *name, int fd)
{
  g_autoptr (GPtrArray) entries = load (fd);

  for (guint i = entries->len; i-- > 0;)
    undo (proc, run, name, g_ptr_array_index (entries, i));
}

/* --- for others ----------------------------------------------------------------------------- */

ScopeSysctl *
scope_sysctl_new (const char *proc, const char *run, const char *name, GError **error)
{
  g_autofree char *file = g_strconcat (name, SUFFIX, NULL);
  g_autofree char *path = g_build_filename (run, file, NULL);
  ScopeSysctl *self;
  int turn, fd;

  g_mkdir_with_parents (run, 0755);
  turn = take_turn (run);
  fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (turn < 0 || fd < 0 || flock (fd, LOCK_EX | LOCK_NB) < 0)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "cannot keep in %s what kernel settings were: %s", path,
                   g_strerror (errno));
      if (fd >= 0)
        close (fd);
      end_turn (turn);
      return NULL;
    }
  undo_all (proc, run, file, fd); /* of one before us who was killed */
  if (ftruncate (fd, 0) < 0)
    g_debug ("%s: %s", path, g_strerror (errno));
  end_turn (turn);
  self = g_new0 (ScopeSysctl, 1);
  self->proc = g_strdup (proc);
  self->run = g_strdup (run);
  self->name = g_steal_pointer (&file);
  self->fd = fd;
  return self;
}

void
scope_sysctl_free (ScopeSysctl *self)
{
  g_autofree char *path = g_build_filename (self->run, self->name, NULL);
  int turn = take_turn (self->run);

  undo_all (self->proc, self->run, self->name, self->fd);
  unlink (path);
  close (self->fd);
  end_turn (turn);
  g_free (self->proc);
  g_free (self->run);
  g_free (self->name);
  g_free (self);
}

gboolean
scope_sysctl_is_held (const char *run, const char *name)
{
  g_autofree char *path = g_strconcat (run, "/", name, SUFFIX, NULL);

  return access (path, F_OK) == 0;
}

gboolean
scope_sysctl_exists (ScopeSysctl *self, const char *key)
{
  g_autofree char *path = g_build_filename (self->proc, key, NULL);

  return access (path, F_OK) == 0;
}

gboolean
scope_sysctl_is (ScopeSysctl *self, const char *key, const char *value)
{
  g_autofree char *now = read_value (self->proc, key);

  return g_strcmp0 (now, value) == 0;
}

/* As sysctl(8) names it; a dot in an interface's name is a slash there. */
static char *
sysctl_name (const char *key)
{
  char *name = g_strconcat ("net/", key, NULL);

  for (char *p = name; *p; p++)
    *p = *p == '/' ? '.' : *p == '.' ? '/' : *p;
  return name;
}

static gboolean
set (ScopeSysctl *self, const char *key, const char *value, GError **error)
{
  g_autofree char *now = read_value (self->proc, key);
  g_autoptr (GPtrArray) entries = load (self->fd);
  g_autofree char *name = sysctl_name (key);
  Entry *entry = find (entries, key, NULL);
  gboolean known = entry != NULL;

  if (!now)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "%s: this kernel or interface has no such setting", name);
      return FALSE;
    }
  if (!entry)
    {
      entry = g_new0 (Entry, 1);
      entry->key = g_strdup (key);
      entry->before = g_strdup (now);
      entry->after = g_strdup (value);
      g_ptr_array_add (entries, entry);
      if (!save (self->fd, entries)) /* first: what cannot be undone is not done */
        {
          g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "cannot write %s/%s: %s", self->run, self->name,
                       g_strerror (errno));
          return FALSE;
        }
    }
  if (g_str_equal (now, value) || write_value (self->proc, key, value))
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "%s is %s and cannot be set (%s): run “sysctl -w %s=%s”", name, now,
               g_strerror (errno), name, value);
  if (!known)
    {
      g_ptr_array_remove (entries, entry);
      save (self->fd, entries);
    }
  return FALSE;
}

gboolean
scope_sysctl_need (ScopeSysctl *self, const char *key, const char *value, GError **error)
{
  int turn = take_turn (self->run);
  gboolean ok = set (self, key, value, error);

  end_turn (turn);
  return ok;
}

void
scope_sysctl_drop (ScopeSysctl *self, const char *key)
{
  int turn = take_turn (self->run);
  g_autoptr (GPtrArray) entries = load (self->fd);
  guint index;
  Entry *entry = find (entries, key, &index);

  if (entry)
    {
      undo (self->proc, self->run, self->name, entry);
      g_ptr_array_remove_index (entries, index);
      save (self->fd, entries);
    }
  end_turn (turn);
}

guint
scope_sysctl_sweep (const char *proc, const char *run)
{
  g_autoptr (GDir) dir = g_dir_open (run, 0, NULL);
  const char *name;
  guint n = 0;
  int turn;

  if (!dir)
    return 0;
  turn = take_turn (run);
  while ((name = g_dir_read_name (dir)))
    {
      g_autofree char *path = g_build_filename (run, name, NULL);
      int fd;

      if (!g_str_has_suffix (name, SUFFIX) || (fd = open (path, O_RDWR | O_CLOEXEC)) < 0)
        continue;
      if (flock (fd, LOCK_EX | LOCK_NB) == 0) /* its process has ended */
        {
          undo_all (proc, run, name, fd);
          unlink (path);
          n++;
        }
      close (fd);
    }
  end_turn (turn);
  return n;
}
