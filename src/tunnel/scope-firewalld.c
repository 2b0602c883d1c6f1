/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-firewalld.h"

#define FIREWALLD "org.fedoraproject.FirewallD1"
#define FIREWALLD_PATH "/org/fedoraproject/FirewallD1"
#define FIREWALLD_ZONE FIREWALLD ".zone"
#define WIREGUARD_PORT 51820 /* of firewalld's service “wireguard” */

/* One question after the other: the default zone, the zone of each interface, settings of two zones. */
struct _ScopeFirewalld {
  GDBusConnection *bus;
  GCancellable *cancellable;
  void (*answered) (gboolean runs, gpointer data);
  gpointer data;
  GPtrArray *interfaces; /* the tunnel's, then those of networks behind us, last the one outside if @has_outside */
  GPtrArray *zones;      /* of each */
  gboolean has_outside;
  char *fallback; /* the default zone */
  gboolean looked_outside;
  guint16 port;
};

static gboolean
accepts (GVariant *settings)
{
  const char *target = NULL;

  return g_variant_lookup (settings, "target", "&s", &target) && g_str_equal (target, "ACCEPT");
}

gboolean
scope_firewalld_forwards (GVariant *settings, gboolean anywhere)
{
  gboolean forward = FALSE;

  g_variant_lookup (settings, "forward", "b", &forward);
  return accepts (settings) || (forward && !anywhere);
}

/* "51820", "50000-52000" */
static gboolean
is_in_range (const char *text, guint16 port)
{
  char *end;
  guint64 first = g_ascii_strtoull (text, &end, 10), last = *end == '-' ? g_ascii_strtoull (end + 1, &end, 10) : first;

  return *end == '\0' && first <= port && port <= last;
}

gboolean
scope_firewalld_opens (GVariant *settings, guint16 port)
{
  g_autoptr (GVariant) ports = g_variant_lookup_value (settings, "ports", G_VARIANT_TYPE ("a(ss)"));
  g_autoptr (GVariant) services = g_variant_lookup_value (settings, "services", G_VARIANT_TYPE ("as"));
  const char *text, *protocol;

  for (gsize i = 0; ports && i < g_variant_n_children (ports); i++)
    {
      g_variant_get_child (ports, i, "(&s&s)", &text, &protocol);
      if (g_str_equal (protocol, "udp") && is_in_range (text, port))
        return TRUE;
    }
  for (gsize i = 0; services && i < g_variant_n_children (services); i++)
    {
      g_variant_get_child (services, i, "&s", &text);
      if (port == WIREGUARD_PORT && g_str_equal (text, "wireguard"))
        return TRUE;
    }
  return accepts (settings);
}

static void on_reply (GObject *source, GAsyncResult *result, gpointer data);

static void
ask (ScopeFirewalld *self, const char *interface, const char *method, const char *argument)
{
  g_dbus_connection_call (self->bus, FIREWALLD, FIREWALLD_PATH, interface, method,
                          argument ? g_variant_new ("(s)", argument) : NULL, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1,
                          self->cancellable, on_reply, self);
}

static const char *
zone_outside (ScopeFirewalld *self)
{
  return self->zones->pdata[self->zones->len - 1];
}

static void
judge_tunnel (ScopeFirewalld *self, GVariant *settings)
{
  const char *ifname = self->interfaces->pdata[0], *zone = self->zones->pdata[0];

  if (!scope_firewalld_forwards (settings, FALSE))
    g_warning ("%s: the firewall of this machine: zone %s of firewalld forwards nothing: “firewall-cmd --permanent --zone=%s "
               "--add-forward && firewall-cmd --reload” would let it through",
               ifname, zone, zone);
  for (guint i = 1; i < self->interfaces->len - self->has_outside; i++)
    if (!g_str_equal (self->zones->pdata[i], zone) && !scope_firewalld_forwards (settings, TRUE))
      g_warning ("%s: the firewall of this machine: firewalld forwards nothing from zone %s (%s) to zone %s (%s): "
                 "“nmcli connection modify CONNECTION connection.zone %s” would have them in one",
                 ifname, zone, ifname, (char *) self->zones->pdata[i], (char *) self->interfaces->pdata[i],
                 (char *) self->zones->pdata[i]);
}

static void
judge_outside (ScopeFirewalld *self, GVariant *settings)
{
  const char *zone = zone_outside (self);

  if (!scope_firewalld_opens (settings, self->port))
    g_warning ("%s: the firewall of this machine: UDP port %u is not open in zone %s of firewalld: “firewall-cmd --permanent "
               "--zone=%s --add-port=%u/udp && firewall-cmd --reload” would open it, and a relay should be reached by itself",
               (char *) self->interfaces->pdata[0], self->port, zone, zone, self->port);
}

static void
next (ScopeFirewalld *self)
{
  if (self->zones->len < self->interfaces->len)
    ask (self, FIREWALLD_ZONE, "getZoneOfInterface", self->interfaces->pdata[self->zones->len]);
  else
    ask (self, FIREWALLD_ZONE, "getZoneSettings2", self->looked_outside ? zone_outside (self) : self->zones->pdata[0]);
}

/* FALSE when that was the last answer. */
static gboolean
take (ScopeFirewalld *self, GVariant *reply)
{
  g_autoptr (GVariant) value = g_variant_get_child_value (reply, 0);

  if (!self->fallback)
    self->fallback = g_variant_dup_string (value, NULL);
  else if (self->zones->len < self->interfaces->len)
    g_ptr_array_add (self->zones, g_strdup (*g_variant_get_string (value, NULL) ? g_variant_get_string (value, NULL) : self->fallback));
  else if (!self->looked_outside)
    {
      judge_tunnel (self, value);
      self->looked_outside = TRUE;
      return self->has_outside;
    }
  else
    {
      judge_outside (self, value);
      return FALSE;
    }
  return TRUE;
}

static void
on_reply (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  ScopeFirewalld *self = data;
  gboolean about_zone;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return; /* @self is gone */
  about_zone = self->fallback && self->zones->len == self->interfaces->len;
  if (!reply || !g_variant_is_of_type (reply, about_zone ? G_VARIANT_TYPE ("(a{sv})") : G_VARIANT_TYPE ("(s)")))
    {
      if (self->fallback)
        g_message ("firewalld: %s", error ? error->message : "an answer that is not understood");
      self->answered (self->fallback != NULL, self->data);
      return;
    }
  if (take (self, reply))
    next (self);
  else
    self->answered (TRUE, self->data);
}

ScopeFirewalld *
scope_firewalld_ask (GDBusConnection *bus, const ScopeFirewalldWhat *what, void (*answered) (gboolean runs, gpointer data),
                     gpointer data)
{
  ScopeFirewalld *self = g_new0 (ScopeFirewalld, 1);

  self->bus = g_object_ref (bus);
  self->cancellable = g_cancellable_new ();
  self->answered = answered;
  self->data = data;
  self->port = what->port;
  self->interfaces = g_ptr_array_new_with_free_func (g_free);
  self->zones = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (self->interfaces, g_strdup (what->ifname));
  for (guint i = 0; what->behind && what->behind[i]; i++)
    g_ptr_array_add (self->interfaces, g_strdup (what->behind[i]));
  self->has_outside = what->outside != NULL;
  if (what->outside)
    g_ptr_array_add (self->interfaces, g_strdup (what->outside));
  ask (self, FIREWALLD, "getDefaultZone", NULL);
  return self;
}

void
scope_firewalld_free (ScopeFirewalld *self)
{
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  g_object_unref (self->bus);
  g_ptr_array_unref (self->interfaces);
  g_ptr_array_unref (self->zones);
  g_free (self->fallback);
  g_free (self);
}
