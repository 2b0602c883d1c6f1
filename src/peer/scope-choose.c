/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-choose.h"

#include "common/scope-error.h"
#include "tunnel/scope-link.h"

#define NUMBERED_NAMES 100
#define PORT_FIRST 49152 /* the dynamic ports, RFC 6335 §6 */
#define PORT_RANGE 16384
#define PORT_TRIES 64

const char *
scope_choose_wanted_ifname (const ScopeSettings *settings)
{
  return settings->interface ? settings->interface : settings->network;
}

char *
scope_choose_ifname (const ScopeSettings *settings, GError **error)
{
  const char *wanted = scope_choose_wanted_ifname (settings);

  if (scope_ifname_valid (wanted) && !scope_link_exists (wanted))
    return g_strdup (wanted);
  if (settings->interface)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_TAKEN,
                   "interface: %s is taken by another interface: choose another name", wanted);
      return NULL;
    }
  for (guint i = 0; i < NUMBERED_NAMES; i++)
    {
      g_autofree char *name = g_strdup_printf ("scope%u", i);
      if (!scope_link_exists (name))
        return g_steal_pointer (&name);
    }
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_TAKEN, "interface: scope0 to scope%d are all taken",
               NUMBERED_NAMES - 1);
  return NULL;
}

guint16
scope_choose_wanted_port (const ScopeSettings *settings, const char *uuid)
{
  return settings->listen_port ? settings->listen_port : PORT_FIRST + g_str_hash (uuid) % PORT_RANGE;
}

guint16
scope_choose_port (const ScopeSettings *settings, const char *uuid)
{
  guint start = g_str_hash (uuid);

  if (settings->listen_port)
    return settings->listen_port;
  for (guint i = 0; i < PORT_TRIES; i++)
    {
      guint16 port = PORT_FIRST + (start + i) % PORT_RANGE;
      if (scope_udp_port_free (port))
        return port;
    }
  return scope_udp_port_pick ();
}

static char *
outside (GInetAddress *address)
{
  return address && !g_inet_address_get_is_loopback (address) ? g_inet_address_to_string (address) : NULL;
}

static char *
outside_of (const ScopeSockaddr *sa)
{
  g_autoptr (GInetAddress) address = NULL;

  if (sa && sa->any.sa_family == AF_INET)
    address = g_inet_address_new_from_bytes ((const guint8 *) &sa->in.sin_addr, G_SOCKET_FAMILY_IPV4);
  else if (sa && sa->any.sa_family == AF_INET6)
    address = g_inet_address_new_from_bytes ((const guint8 *) &sa->in6.sin6_addr, G_SOCKET_FAMILY_IPV6);
  return outside (address);
}

char *
scope_choose_gateway (const char *registry, const ScopeSockaddr *root, const GPtrArray *peers)
{
  g_autoptr (GInetAddress) address = registry ? g_inet_address_new_from_string (registry) : NULL;
  char *gateway = outside (address);

  if (!gateway)
    gateway = outside_of (root);
  for (guint i = 0; !gateway && peers && i < peers->len; i++)
    gateway = outside_of (&((const ScopeWgPeer *) g_ptr_array_index (peers, i))->endpoint);
  return gateway;
}
