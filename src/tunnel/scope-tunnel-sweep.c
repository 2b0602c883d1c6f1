/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-tunnel-sweep.h"

#include "tunnel/scope-forward.h"
#include "tunnel/scope-policy.h"
#include "tunnel/scope-rtnl.h"

#include <string.h>
#include <unistd.h>

#define TAG "nm-scope "
#define START_FIELD 19 /* behind the name, proc(5) */

/* A living process, told from others that had its number before: "1234.567890", since it began; NULL when there is none. */
static char *
process_name (const char *pid)
{
  g_autofree char *path = g_build_filename ("/proc", pid, "stat", NULL);
  g_autofree char *stat = NULL;
  g_auto (GStrv) fields = NULL;

  if (!g_file_get_contents (path, &stat, NULL, NULL) || !strrchr (stat, ')'))
    return NULL;
  fields = g_strsplit (strrchr (stat, ')') + 2, " ", START_FIELD + 2);
  if (g_strv_length (fields) <= START_FIELD || strchr ("ZX", fields[0][0]))
    return NULL; /* dead, though nobody has asked for its status yet */
  return g_strconcat (pid, ".", fields[START_FIELD], NULL);
}

char *
scope_tunnel_sweep_tag (const char *vpn_uuid)
{
  g_autofree char *pid = g_strdup_printf ("%d", getpid ());
  g_autofree char *process = process_name (pid);

  return g_strconcat (TAG, vpn_uuid, " ", process ? process : pid, NULL);
}

/* Whether an interface with this tag is to go. */
static gboolean
is_left (const char *tag, const char *vpn_uuid)
{
  g_auto (GStrv) words = g_strsplit (tag + strlen (TAG), " ", 2);
  g_autofree char *pid = words[0] && words[1] ? g_strndup (words[1], strcspn (words[1], ".")) : NULL;
  g_autofree char *process = pid && *pid ? process_name (pid) : NULL;

  return g_strcmp0 (words[0], vpn_uuid) == 0 || g_strcmp0 (words[1], process) != 0;
}

static guint
sweep_interfaces (const char *vpn_uuid)
{
  g_autoptr (GArray) links = scope_rtnl_read_wireguard (TAG);
  guint n = 0;

  for (guint i = 0; links && i < links->len; i++)
    {
      const ScopeRtnlWireguard *link = &g_array_index (links, ScopeRtnlWireguard, i);
      g_autoptr (GError) error = NULL;

      if (!is_left (link->alias, vpn_uuid))
        continue;
      if (scope_rtnl_link_delete (link->ifindex, &error))
        n++;
      else
        g_warning ("%s", error->message);
    }
  return n;
}

void
scope_tunnel_sweep (const char *vpn_uuid)
{
  if (sweep_interfaces (vpn_uuid) > 0)
    g_message ("removed tunnel interfaces that a service had left behind");
  if (scope_forward_sweep () > 0)
    g_message ("set back kernel settings that a service had left behind");
  if (scope_policy_sweep () > 0)
    g_message ("removed routing rules that a service had left behind");
}
