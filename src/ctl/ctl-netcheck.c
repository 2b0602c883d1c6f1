/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "ctl/ctl-netcheck.h"

#include "common/scope-fields.h"
#include "ctl/ctl-table.h"

#include <arpa/inet.h>
#include <glib/gi18n-lib.h>

void
ctl_registry_check_free (CtlRegistryCheck *check)
{
  g_free (check->url);
  g_free (check->error);
  g_free (check);
}

CtlAnswer
ctl_netcheck_udp (const CtlNetcheck *check)
{
  if (check->ip4.nat.servers || check->ip6.nat.servers)
    return CTL_YES;
  return check->ip4.asked || check->ip6.asked ? CTL_NO : CTL_UNKNOWN;
}

/* --- for people --- */

static char *
host_of (const ScopeSockaddr *sa)
{
  char text[INET6_ADDRSTRLEN];
  const void *address = sa->any.sa_family == AF_INET ? (const void *) &sa->in.sin_addr : &sa->in6.sin6_addr;

  return g_strdup (inet_ntop (sa->any.sa_family, address, text, sizeof text));
}

static char *
milliseconds (gint64 usec)
{
  if (usec < 10 * 1000)
    return g_strdup_printf (_ ("%.1f ms"), usec / 1000.0);
  return g_strdup_printf (_ ("%d ms"), (int) ((usec + 500) / 1000));
}

static void
add (CtlTable *table, const char *what, char *found)
{
  ctl_table_add (table, what);
  ctl_table_add (table, found);
  g_free (found);
}

static char *
family_text (const CtlFamily *family)
{
  gboolean there = family->local.any.sa_family != AF_UNSPEC;
  g_autofree char *host = there ? host_of (&family->local) : NULL;
  GString *out = g_string_new (there ? host : _ ("no way out"));

  if (family->nat.mapped.any.sa_family != AF_UNSPEC && family->nat.kind != SCOPE_NAT_NONE)
    {
      g_autofree char *mapped = scope_sockaddr_format (&family->nat.mapped);
      g_string_append_printf (out, _ (", seen as %s (%s)"), mapped,
                              family->nat.port_preserved ? _ ("the port is kept") : _ ("with another port"));
    }
  if (family->mtu)
    g_string_append_printf (out, _ (", %u bytes a packet"), family->mtu);
  return g_string_free (out, FALSE);
}

static const char *
nat_text (const CtlFamily *family)
{
  switch (family->nat.kind)
    {
    case SCOPE_NAT_NONE:
      return _ ("none: others see our own address");
    case SCOPE_NAT_OPEN:
      return _ ("open: the same port for all; direct links can be made with most others");
    case SCOPE_NAT_CLOSED:
      return _ ("closed: another port for each; direct links only with those who are not closed, too");
    case SCOPE_NAT_DENY:
      return _ ("deny: no STUN server answers, no UDP gets through");
    default:
      return family->nat.servers ? _ ("there is one, of unknown kind: it takes answers of two servers to tell") : _ ("unknown");
    }
}

static char *
udp_text (const CtlNetcheck *check)
{
  gint64 usec = check->ip4.usec < 0 ? check->ip6.usec
                : check->ip6.usec < 0 ? check->ip4.usec : MIN (check->ip4.usec, check->ip6.usec);
  g_autofree char *took = milliseconds (MAX (usec, 0));

  switch (ctl_netcheck_udp (check))
    {
    case CTL_YES:
      return g_strdup_printf (_ ("works, %s to the nearest STUN server"), took);
    case CTL_NO:
      return g_strdup (_ ("blocked, or all STUN servers are away"));
    default:
      return g_strdup (_ ("unknown: there was no STUN server to ask"));
    }
}

static char *
mapping_text (const CtlNetcheck *check)
{
  if (check->nat_pmp == CTL_YES || check->upnp == CTL_YES)
    return g_strjoin (check->nat_pmp == check->upnp ? ", " : "", check->nat_pmp == CTL_YES ? "NAT-PMP" : "",
                      check->upnp == CTL_YES ? "UPnP" : "", NULL);
  return g_strdup (check->nat_pmp == CTL_UNKNOWN && check->upnp == CTL_UNKNOWN ? _ ("unknown") : _ ("no router offers it"));
}

static char *
registry_text (const CtlRegistryCheck *registry)
{
  g_autofree char *took = milliseconds (MAX (registry->usec, 0));

  if (registry->error)
    return g_strdup_printf ("%s: %s", registry->url, registry->error);
  return g_strconcat (registry->url, ": ", took,
                      registry->carries == CTL_YES ? _ (", carries packets where UDP is blocked")
                      : registry->carries == CTL_NO ? _ (", does not carry packets") : "",
                      NULL);
}

static void
add_nat (CtlTable *table, const char *nat, const char *hairpin, const CtlFamily *family)
{
  if (family->asked)
    add (table, nat, g_strdup (nat_text (family)));
  if (family->hairpin != CTL_UNKNOWN)
    add (table, hairpin, g_strdup (family->hairpin == CTL_YES ? _ ("works: our own outer address leads back to us") : _ ("no")));
}

char *
ctl_netcheck_format (const CtlNetcheck *check)
{
  const char *const headings[] = { _ ("WHAT"), _ ("FOUND"), NULL };
  g_autoptr (CtlTable) table = ctl_table_new (headings);

  add (table, "IPv4", family_text (&check->ip4));
  add_nat (table, _ ("IPv4 NAT"), _ ("IPv4 hairpin"), &check->ip4);
  add (table, "IPv6", family_text (&check->ip6));
  add_nat (table, _ ("IPv6 NAT"), _ ("IPv6 hairpin"), &check->ip6);
  add (table, "UDP", udp_text (check));
  add (table, _ ("Port mapping"), mapping_text (check));
  for (guint i = 0; i < check->registries->len; i++)
    add (table, _ ("Registry"), registry_text (check->registries->pdata[i]));
  return ctl_table_format (table);
}

/* --- for scripts --- */

static void
put_raw (GString *out, const char *name, const char *value)
{
  scope_fields_put_name (out, name);
  g_string_append (out, value);
}

static void
put_answer (GString *out, const char *name, CtlAnswer answer)
{
  put_raw (out, name, answer == CTL_UNKNOWN ? "null" : answer == CTL_YES ? "true" : "false");
}

static void
put_text (GString *out, const char *name, const char *text)
{
  if (text)
    scope_fields_put_string (out, name, text);
  else
    put_raw (out, name, "null");
}

static void
put_usec (GString *out, const char *name, gint64 usec)
{
  char text[64];

  g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT ".%03d", MAX (usec, 0) / 1000, (int) (MAX (usec, 0) % 1000));
  put_raw (out, name, usec < 0 ? "null" : text);
}

static void
put_family (GString *out, const char *name, const CtlFamily *family)
{
  gboolean there = family->local.any.sa_family != AF_UNSPEC;
  g_autofree char *host = there ? host_of (&family->local) : NULL;
  g_autofree char *mapped = scope_sockaddr_format (&family->nat.mapped);

  put_raw (out, name, "{");
  put_answer (out, "there", there ? CTL_YES : CTL_NO);
  put_text (out, "address", host);
  put_text (out, "nat", scope_nat_to_string (family->nat.kind));
  put_text (out, "mapped", mapped);
  put_answer (out, "portPreserved", !family->nat.servers ? CTL_UNKNOWN : family->nat.port_preserved ? CTL_YES : CTL_NO);
  put_answer (out, "hairpin", family->hairpin);
  scope_fields_put_integer (out, "asked", family->asked);
  scope_fields_put_integer (out, "answered", family->nat.servers);
  put_usec (out, "latency", family->usec);
  scope_fields_put_integer (out, "mtu", family->mtu);
  g_string_append_c (out, '}');
}

char *
ctl_netcheck_to_json (const CtlNetcheck *check)
{
  GString *out = g_string_new ("{");

  put_family (out, "ipv4", &check->ip4);
  put_family (out, "ipv6", &check->ip6);
  put_answer (out, "udp", ctl_netcheck_udp (check));
  put_answer (out, "natPmp", check->nat_pmp);
  put_answer (out, "upnp", check->upnp);
  put_raw (out, "registries", "[");
  for (guint i = 0; i < check->registries->len; i++)
    {
      const CtlRegistryCheck *registry = check->registries->pdata[i];

      g_string_append (out, i ? ",{" : "{");
      scope_fields_put_string (out, "url", registry->url);
      put_usec (out, "latency", registry->error ? -1 : registry->usec);
      put_text (out, "error", registry->error);
      put_answer (out, "carries", registry->carries);
      g_string_append_c (out, '}');
    }
  g_string_append (out, "]}");
  return g_string_free (out, FALSE);
}
