/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "ctl/ctl-failure.h"

#include "common/scope-failure.h"

#include <glib/gi18n-lib.h>

typedef struct {
  gint64 time;
  char *text;
} Failure;

static void
failure_free (Failure *failure)
{
  g_free (failure->text);
  g_free (failure);
}

static char *
ago (gint64 seconds)
{
  int some = CLAMP (seconds, 0, G_MAXINT);

  if (some < 120)
    return g_strdup_printf (_ ("%d s ago"), some);
  if (some < 2 * 3600)
    return g_strdup_printf (_ ("%d min ago"), some / 60);
  return g_strdup_printf (_ ("%d h ago"), some / 3600);
}

/* NULL when it is another network's, or no such file */
static Failure *
failure_read (const char *path, const char *network, gint64 now)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *name = NULL, *where = NULL, *message = NULL, *when = NULL;
  Failure *failure;
  gint64 time;

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL))
    return NULL;
  name = g_key_file_get_string (file, SCOPE_FAILURE_GROUP, SCOPE_FAILURE_CONNECTION, NULL);
  where = g_key_file_get_string (file, SCOPE_FAILURE_GROUP, SCOPE_FAILURE_NETWORK, NULL);
  message = g_key_file_get_string (file, SCOPE_FAILURE_GROUP, SCOPE_FAILURE_MESSAGE, NULL);
  time = g_key_file_get_int64 (file, SCOPE_FAILURE_GROUP, SCOPE_FAILURE_TIME, NULL);
  if (!name || !message || (network && g_strcmp0 (where, network) != 0))
    return NULL;
  when = ago (now - time);
  failure = g_new (Failure, 1);
  *failure = (Failure){ time, g_strdup_printf (_ ("%s failed %s: %s"), name, when, message) };
  return failure;
}

static int
newest_first (gconstpointer a, gconstpointer b)
{
  const Failure *const *pa = a, *const *pb = b;

  return ((*pa)->time < (*pb)->time) - ((*pa)->time > (*pb)->time);
}

char *
ctl_failures_format (const char *path, const char *network, gint64 now)
{
  g_autoptr (GPtrArray) failures = g_ptr_array_new_with_free_func ((GDestroyNotify) failure_free);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  GString *text = g_string_new (NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir)))
    {
      g_autofree char *file = g_build_filename (path, name, NULL);
      Failure *failure = g_str_has_suffix (name, SCOPE_FAILURE_SUFFIX) ? failure_read (file, network, now) : NULL;

      if (failure)
        g_ptr_array_add (failures, failure);
    }
  g_ptr_array_sort (failures, newest_first);
  for (guint i = 0; i < failures->len; i++)
    g_string_append_printf (text, "%s\n", ((Failure *) failures->pdata[i])->text);
  return g_string_free (text, FALSE);
}
