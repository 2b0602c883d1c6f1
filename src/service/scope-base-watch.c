/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/scope-base-watch.h"

#include "service/scope-base.h"
#include "service/scope-clock-watch.h"
#include "tunnel/scope-link.h"
#include "tunnel/scope-routes.h"

#include <NetworkManager.h>
#include <arpa/inet.h>
#include <errno.h>
#include <glib-unix.h>
#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#define PROPERTIES "org.freedesktop.DBus.Properties"
#define LOGIND "org.freedesktop.login1"

#define AGAIN_MS 50       /* the first change is looked at at once, the others of a burst together */
#define ISLAND_MS 300     /* how long after an address its default route may come */
#define MESSAGE_SIZE 32768

struct _ScopeBaseWatch {
  GDBusConnection *bus;
  const ScopeBaseCalls *calls;
  gpointer data;
  ScopeBase base;
  GCancellable *cancellable;
  guint nm_id;
  guint sleep_id;
  char *primary; /* NULL until known */
  ScopeClockWatch *clock;
  struct mnl_socket *socket;
  guint socket_id;
  guint look_id;
  gint64 looked;   /* ms */
  gboolean island; /* there was no default route the last time: by now there would be one */
};

static gint64
now_ms (void)
{
  return g_get_monotonic_time () / 1000;
}

static void
act (ScopeBaseWatch *self, ScopeBaseAct acts)
{
  if (acts & (SCOPE_BASE_PAUSE | SCOPE_BASE_RESUME))
    self->calls->paused ((acts & SCOPE_BASE_PAUSE) != 0, self->data);
  if (acts & (SCOPE_BASE_MOVED | SCOPE_BASE_MORE))
    self->calls->changed ((acts & SCOPE_BASE_MOVED) != 0, self->data);
}

/* --- the kernel ---------------------------------------------------------------------------- */

static gboolean
take_address (ScopeBaseAddress *address, const struct ifaddrs *entry)
{
  const struct sockaddr *sa = entry->ifa_addr;
  const void *bytes;

  if (!sa || (entry->ifa_flags & (IFF_UP | IFF_RUNNING | IFF_LOOPBACK)) != (IFF_UP | IFF_RUNNING))
    return FALSE;
  if (sa->sa_family == AF_INET)
    bytes = &((const struct sockaddr_in *) sa)->sin_addr;
  else if (sa->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL (&((const struct sockaddr_in6 *) sa)->sin6_addr))
    bytes = &((const struct sockaddr_in6 *) sa)->sin6_addr;
  else
    return FALSE;
  address->ifindex = if_nametoindex (entry->ifa_name);
  address->family = sa->sa_family;
  return address->ifindex && inet_ntop (sa->sa_family, bytes, address->address, sizeof address->address);
}

static GArray *
read_addresses (void)
{
  GArray *addresses = g_array_new (FALSE, FALSE, sizeof (ScopeBaseAddress));
  struct ifaddrs *list = NULL;

  if (getifaddrs (&list) == 0)
    for (struct ifaddrs *entry = list; entry; entry = entry->ifa_next)
      {
        ScopeBaseAddress address;

        if (take_address (&address, entry))
          g_array_append_val (addresses, address);
      }
  freeifaddrs (list);
  return addresses;
}

static gboolean on_look (gpointer data);

static void
look_in (ScopeBaseWatch *self, guint ms)
{
  if (!self->look_id)
    self->look_id = g_timeout_add (ms, on_look, self);
}

static void
look (ScopeBaseWatch *self)
{
  g_autoptr (GArray) routes = scope_routes_read (NULL);
  g_autoptr (GArray) addresses = read_addresses ();
  const char *ifname = self->calls->ifname (self->data);
  g_auto (GStrv) ways = NULL;
  gboolean is_out, waited = self->island;

  self->looked = now_ms ();
  if (!routes)
    return;
  ways = scope_base_ways (routes, addresses, ifname ? scope_link_index (ifname) : 0, &is_out);
  self->island = !is_out && ways[0];
  if (self->island && !waited)
    look_in (self, ISLAND_MS);
  else
    act (self, scope_base_set_ways (&self->base, g_steal_pointer (&ways), self->looked));
}

static gboolean
on_look (gpointer data)
{
  ScopeBaseWatch *self = data;

  self->look_id = 0;
  look (self);
  return G_SOURCE_REMOVE;
}

/* Of routes only the default ones: a router may learn thousands of others in a minute. */
static int
on_message (const struct nlmsghdr *nlh, void *data)
{
  const struct rtmsg *rtm = mnl_nlmsg_get_payload (nlh);
  gboolean is_route = nlh->nlmsg_type == RTM_NEWROUTE || nlh->nlmsg_type == RTM_DELROUTE;

  if (!is_route || (mnl_nlmsg_get_payload_len (nlh) >= sizeof *rtm && rtm->rtm_dst_len == 0))
    *(gboolean *) data = TRUE;
  return MNL_CB_OK;
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer data)
{
  ScopeBaseWatch *self = data;
  g_autofree char *buf = g_malloc (MESSAGE_SIZE);
  gboolean news = FALSE;
  gint64 since;
  gssize n;

  do
    {
      n = mnl_socket_recvfrom (self->socket, buf, MESSAGE_SIZE);
      if (n > 0)
        mnl_cb_run (buf, n, 0, 0, on_message, &news);
      else if (n < 0 && errno == ENOBUFS) /* some were lost */
        news = TRUE;
    }
  while (n > 0 || errno == ENOBUFS || errno == EINTR || errno == ENOSPC);
  if (!news)
    return G_SOURCE_CONTINUE;
  since = now_ms () - self->looked;
  if (self->island)
    {
      g_clear_handle_id (&self->look_id, g_source_remove);
      self->island = FALSE;
    }
  if (since >= AGAIN_MS && !self->look_id)
    look (self);
  else
    look_in (self, CLAMP (AGAIN_MS - since, 1, AGAIN_MS));
  return G_SOURCE_CONTINUE;
}

static void
watch_kernel (ScopeBaseWatch *self)
{
  const int groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;

  self->socket = mnl_socket_open2 (NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (!self->socket || mnl_socket_bind (self->socket, groups, MNL_SOCKET_AUTOPID) < 0)
    {
      g_warning ("cannot watch addresses and routes: %s", g_strerror (errno));
      return;
    }
  self->socket_id = g_unix_fd_add (mnl_socket_get_fd (self->socket), G_IO_IN | G_IO_ERR, on_readable, self);
  look (self);
}

/* --- NetworkManager ------------------------------------------------------------------------ */

static void
set_primary (ScopeBaseWatch *self, const char *path)
{
  gboolean first = self->primary == NULL;

  if (g_str_equal (path, "/") || g_strcmp0 (path, self->primary) == 0)
    return;
  g_free (self->primary);
  self->primary = g_strdup (path);
  if (!first)
    act (self, scope_base_primary (&self->base, now_ms ()));
}

static void
take_properties (ScopeBaseWatch *self, GVariant *properties)
{
  const char *primary;
  guint32 connectivity;

  if (g_variant_lookup (properties, "Connectivity", "u", &connectivity))
    act (self, scope_base_connectivity (&self->base, connectivity, now_ms ()));
  if (g_variant_lookup (properties, "PrimaryConnection", "&o", &primary))
    set_primary (self, primary);
}

static void
on_properties (GDBusConnection *bus, const char *sender, const char *path, const char *interface, const char *signal,
               GVariant *args, gpointer data)
{
  g_autoptr (GVariant) properties = NULL;

  if (!g_variant_is_of_type (args, G_VARIANT_TYPE ("(sa{sv}as)")))
    return;
  properties = g_variant_get_child_value (args, 1);
  take_properties (data, properties);
}

static void
on_got (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  g_autoptr (GVariant) properties = NULL;

  if (!reply) /* cancelled: the watch is gone; else the signal will tell */
    return;
  properties = g_variant_get_child_value (reply, 0);
  take_properties (data, properties);
}

/* --- sleep --------------------------------------------------------------------------------- */

static void
on_awake (gpointer data)
{
  ScopeBaseWatch *self = data;

  act (self, scope_base_awake (&self->base, now_ms ()));
}

static void
on_sleep (GDBusConnection *bus, const char *sender, const char *path, const char *interface, const char *signal,
          GVariant *args, gpointer data)
{
  gboolean start;

  if (!g_variant_is_of_type (args, G_VARIANT_TYPE ("(b)")))
    return;
  g_variant_get (args, "(b)", &start);
  if (!start)
    on_awake (data);
}

/* --- life ---------------------------------------------------------------------------------- */

ScopeBaseWatch *
scope_base_watch_new (GDBusConnection *bus, const ScopeBaseCalls *calls, gpointer data)
{
  ScopeBaseWatch *self = g_new0 (ScopeBaseWatch, 1);

  self->bus = g_object_ref (bus);
  self->calls = calls;
  self->data = data;
  self->cancellable = g_cancellable_new ();
  self->nm_id = g_dbus_connection_signal_subscribe (bus, NM_DBUS_SERVICE, PROPERTIES, "PropertiesChanged", NM_DBUS_PATH,
                                                    NM_DBUS_INTERFACE, G_DBUS_SIGNAL_FLAGS_NONE, on_properties, self, NULL);
  self->sleep_id = g_dbus_connection_signal_subscribe (bus, LOGIND, LOGIND ".Manager", "PrepareForSleep",
                                                       "/org/freedesktop/login1", NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_sleep,
                                                       self, NULL);
  self->clock = scope_clock_watch_new (on_awake, self);
  watch_kernel (self);
  g_dbus_connection_call (bus, NM_DBUS_SERVICE, NM_DBUS_PATH, PROPERTIES, "GetAll",
                          g_variant_new ("(s)", NM_DBUS_INTERFACE), G_VARIANT_TYPE ("(a{sv})"), G_DBUS_CALL_FLAGS_NONE, -1,
                          self->cancellable, on_got, self);
  return self;
}

void
scope_base_watch_free (ScopeBaseWatch *self)
{
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  g_dbus_connection_signal_unsubscribe (self->bus, self->nm_id);
  g_dbus_connection_signal_unsubscribe (self->bus, self->sleep_id);
  g_object_unref (self->bus);
  g_clear_pointer (&self->clock, scope_clock_watch_free);
  g_clear_handle_id (&self->socket_id, g_source_remove);
  g_clear_handle_id (&self->look_id, g_source_remove);
  if (self->socket)
    mnl_socket_close (self->socket);
  scope_base_clear (&self->base);
  g_free (self->primary);
  g_free (self);
}
