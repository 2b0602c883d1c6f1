/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-tunnel-sweep.h"

#include "tunnel/scope-forward.h"
#include "tunnel/scope-policy.h"

#include <NetworkManager.h>

/* One sweep: list, look at each, delete what is ours and orphaned. */
typedef struct {
  char *vpn_uuid;
  guint pending;
  int deleted;
} Sweep;

typedef struct {
  GTask *task;
  char *path;
} SweepItem;

static void
sweep_free (gpointer data)
{
  Sweep *sweep = data;
  g_free (sweep->vpn_uuid);
  g_free (sweep);
}

static SweepItem *
sweep_item (GTask *task, const char *path)
{
  SweepItem *item = g_new0 (SweepItem, 1);

  ((Sweep *) g_task_get_task_data (task))->pending++;
  item->task = g_object_ref (task);
  item->path = g_strdup (path);
  return item;
}

static void
sweep_item_done (SweepItem *item, gboolean deleted)
{
  Sweep *sweep = g_task_get_task_data (item->task);

  sweep->deleted += deleted;
  if (--sweep->pending == 0)
    g_task_return_int (item->task, sweep->deleted);
  g_object_unref (item->task);
  g_free (item->path);
  g_free (item);
}

static void
on_swept (GObject *source, GAsyncResult *result, gpointer data)
{
  SweepItem *item = data;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);

  sweep_item_done (item, reply != NULL);
}

static void
sweep_delete (SweepItem *item, GDBusConnection *bus)
{
  g_dbus_connection_call (bus, NM_DBUS_SERVICE, item->path, NM_DBUS_INTERFACE_SETTINGS_CONNECTION, "Delete", NULL, NULL,
                          G_DBUS_CALL_FLAGS_NONE, -1, g_task_get_cancellable (item->task), on_swept, item);
}

static void
on_owner (GObject *source, GAsyncResult *result, gpointer data)
{
  SweepItem *item = data;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  gboolean alive = TRUE;

  if (reply)
    g_variant_get (reply, "(b)", &alive);
  if (alive)
    sweep_item_done (item, FALSE);
  else
    sweep_delete (item, G_DBUS_CONNECTION (source));
}

static void
on_settings (GObject *source, GAsyncResult *result, gpointer data)
{
  SweepItem *item = data;
  Sweep *sweep = g_task_get_task_data (item->task);
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  g_autoptr (GVariant) settings = reply ? g_variant_get_child_value (reply, 0) : NULL;
  g_autoptr (GVariant) user =
      settings ? g_variant_lookup_value (settings, NM_SETTING_USER_SETTING_NAME, G_VARIANT_TYPE_VARDICT) : NULL;
  g_autoptr (GVariant) tags = user ? g_variant_lookup_value (user, NM_SETTING_USER_DATA, G_VARIANT_TYPE ("a{ss}")) : NULL;
  const char *vpn_uuid = NULL, *owner = NULL;

  if (!tags || !g_variant_lookup (tags, SCOPE_TUNNEL_TAG_VPN, "&s", &vpn_uuid) || !g_variant_lookup (tags, SCOPE_TUNNEL_TAG_OWNER, "&s", &owner))
    sweep_item_done (item, FALSE);
  else if (g_strcmp0 (vpn_uuid, sweep->vpn_uuid) == 0)
    sweep_delete (item, G_DBUS_CONNECTION (source));
  else
    g_dbus_connection_call (G_DBUS_CONNECTION (source), "org.freedesktop.DBus", "/org/freedesktop/DBus",
                            "org.freedesktop.DBus", "NameHasOwner", g_variant_new ("(s)", owner), NULL,
                            G_DBUS_CALL_FLAGS_NONE, -1, g_task_get_cancellable (item->task), on_owner, item);
}

static void
on_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GVariantIter) paths = NULL;
  GError *error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  const char *path;

  if (!reply)
    {
      g_task_return_error (task, error);
      return;
    }
  SweepItem *self_item = sweep_item (task, "/"); /* keeps an empty list from finishing never or twice */
  g_variant_get (reply, "(ao)", &paths);
  while (g_variant_iter_next (paths, "&o", &path))
    g_dbus_connection_call (G_DBUS_CONNECTION (source), NM_DBUS_SERVICE, path, NM_DBUS_INTERFACE_SETTINGS_CONNECTION,
                            "GetSettings", NULL, NULL, G_DBUS_CALL_FLAGS_NONE, -1, g_task_get_cancellable (task),
                            on_settings, sweep_item (task, path));
  sweep_item_done (self_item, FALSE);
}

void
scope_tunnel_sweep_async (GDBusConnection *bus, const char *vpn_uuid, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, data);
  Sweep *sweep = g_new0 (Sweep, 1);

  if (scope_forward_sweep () > 0)
    g_message ("set back kernel settings that a service had left behind");
  if (scope_policy_sweep () > 0)
    g_message ("removed routing rules that a service had left behind");
  sweep->vpn_uuid = g_strdup (vpn_uuid);
  g_task_set_task_data (task, sweep, sweep_free);
  g_dbus_connection_call (bus, NM_DBUS_SERVICE, NM_DBUS_PATH_SETTINGS, NM_DBUS_INTERFACE_SETTINGS, "ListConnections",
                          NULL, G_VARIANT_TYPE ("(ao)"), G_DBUS_CALL_FLAGS_NONE, -1, cancellable, on_listed, task);
}

int
scope_tunnel_sweep_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_int (G_TASK (result), error);
}
