/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-tunnel-setup.h"

#include "tunnel/scope-link.h"
#include "tunnel/scope-rtnl.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Off by default on some machines (net.ipv6.conf.default.disable_ipv6). Here it is for ourselves, and the interface is
 * ours: NetworkManager does the same where it has one. */
static void
allow_ipv6 (const char *ifname)
{
  g_autofree char *path = g_strdup_printf ("/proc/sys/net/ipv6/conf/%s/disable_ipv6", ifname);
  int fd = open (path, O_WRONLY | O_CLOEXEC);

  if (fd < 0)
    return;
  if (write (fd, "0", 1) != 1)
    g_debug ("%s: %s", path, g_strerror (errno));
  close (fd);
}

gboolean
scope_tunnel_setup (const ScopeTunnelConfig *config, ScopeWgBackend backend, GError **error)
{
  g_autoptr (GError) odd = NULL;
  int ifindex = scope_link_index (config->ifname);

  if (config->link.family)
    allow_ipv6 (config->ifname);
  /* What follows goes without: this kernel may have no IPv6. */
  if (config->link.family && !scope_rtnl_no_link_local (ifindex, &odd))
    {
      g_message ("%s", odd->message);
      g_clear_error (&odd);
    }
  /* Our own hand sets it up: wireguard-go binds its port when the link comes up, and a handshake
   * need not wait until NetworkManager has taken the addresses. */
  if (!scope_wg_configure (config->ifname, backend, &config->private_key, config->listen_port, error) ||
      (config->fwmark && !scope_wg_set_fwmark (config->ifname, backend, config->fwmark, error)) ||
      !scope_rtnl_link_up (ifindex, config->mtu, error))
    return FALSE;
  for (guint i = 0; i < config->addresses->len; i++)
    if (!scope_rtnl_address_add (ifindex, &g_array_index (config->addresses, ScopePrefix, i), error))
      return FALSE;
  if (config->link.family && !scope_rtnl_address_add (ifindex, &config->link, &odd))
    g_warning ("%s: links to peers cannot be watched", odd->message);
  for (guint i = 0; i < config->routes->len; i++)
    {
      g_autoptr (GError) why = NULL;
      /* One odd route must not cost the tunnel: IPv6 may be off on this machine. */
      if (!scope_rtnl_route (ifindex, &g_array_index (config->routes, ScopePrefix, i), TRUE, &why))
        g_warning ("%s", why->message);
    }
  return TRUE;
}

void
scope_tunnel_setup_routes (ScopeTunnel *tunnel, const GArray *previous)
{
  const ScopeTunnelConfig *config = scope_tunnel_get_config (tunnel);
  const GArray *lists[] = { previous, config->routes };
  int ifindex = scope_link_index (config->ifname);

  /* Those only in the first list go, those only in the second come; both lists are sorted. */
  for (guint pass = 0; pass < 2; pass++)
    for (guint i = 0, j = 0; i < lists[pass]->len; i++)
      {
        const ScopePrefix *prefix = &g_array_index (lists[pass], ScopePrefix, i);
        const GArray *other = lists[!pass];
        g_autoptr (GError) error = NULL;

        while (j < other->len && scope_prefix_compare (&g_array_index (other, ScopePrefix, j), prefix) < 0)
          j++;
        if (j < other->len && scope_prefix_equal (&g_array_index (other, ScopePrefix, j), prefix))
          continue;
        if (!scope_rtnl_route (ifindex, prefix, pass == 1, &error))
          g_warning ("%s", error->message);
      }
}
