/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-self.h"

#include "common/scope-endpoint.h"
#include "common/scope-error.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#define RECORD_SECONDS (14 * 24 * 3600)

struct _ScopeSelf {
  const ScopeSettings *settings;
  ScopeKey own;
  ScopeIdentity *identity;
  char *said;     /* the record's content, without sequence and times */
  char *envelope;
  guint64 sequence;
  gint64 renew;   /* seconds: when to sign it anew */
};

ScopeSelf *
scope_self_new (const ScopeSettings *settings, const ScopeKey *own, ScopeIdentity *identity)
{
  ScopeSelf *self = g_new0 (ScopeSelf, 1);

  self->settings = settings;
  self->own = *own;
  self->identity = identity;
  return self;
}

void
scope_self_free (ScopeSelf *self)
{
  g_free (self->said);
  g_free (self->envelope);
  g_free (self);
}

char *
scope_self_proof (ScopeSelf *self, const char *nonce, gint64 now, GError **error)
{
  g_autofree char *payload = scope_hello_format (self->settings->netreg, nonce, &self->own, now);

  return scope_jws_sign (self->identity, SCOPE_TYP_HELLO, payload, error);
}

static void
add_endpoint (GPtrArray *endpoints, char *text)
{
  if (text && endpoints->len < SCOPE_RECORD_MAX_ENDPOINTS &&
      !g_ptr_array_find_with_equal_func (endpoints, text, g_str_equal, NULL))
    g_ptr_array_add (endpoints, text);
  else
    g_free (text);
}

static char *
with_port (const ScopeSockaddr *address, guint16 port)
{
  ScopeSockaddr sa = *address;

  if (sa.any.sa_family == AF_INET)
    sa.in.sin_port = g_htons (port);
  else
    sa.in6.sin6_port = g_htons (port);
  return scope_sockaddr_format (&sa);
}

static gboolean
is_useful (const struct ifaddrs *entry, const char *tunnel)
{
  const struct sockaddr *sa = entry->ifa_addr;

  if (!sa || !(entry->ifa_flags & IFF_UP) || entry->ifa_flags & (IFF_LOOPBACK | IFF_POINTOPOINT) ||
      g_strcmp0 (entry->ifa_name, tunnel) == 0)
    return FALSE;
  if (sa->sa_family == AF_INET6)
    return !IN6_IS_ADDR_LINKLOCAL (&((const struct sockaddr_in6 *) sa)->sin6_addr);
  return sa->sa_family == AF_INET &&
         (g_ntohl (((const struct sockaddr_in *) sa)->sin_addr.s_addr) >> 16) != 0xa9fe /* 169.254.0.0/16 */;
}

char **
scope_self_endpoints (const ScopeSettings *settings, const char *mapped, const char *local, guint16 port, const char *tunnel)
{
  GPtrArray *endpoints = g_ptr_array_new ();
  struct ifaddrs *list = NULL;

  for (char **p = settings->endpoints; p && *p; p++)
    add_endpoint (endpoints, g_strdup (*p));
  add_endpoint (endpoints, g_strdup (mapped));
  if (local && port)
    {
      g_autoptr (GInetAddress) address = g_inet_address_new_from_string (local);
      ScopeSockaddr sa;

      if (address && !g_inet_address_get_is_loopback (address) && scope_sockaddr_from_inet (&sa, address, port))
        add_endpoint (endpoints, scope_sockaddr_format (&sa));
    }
  if (port && getifaddrs (&list) == 0)
    {
      for (struct ifaddrs *entry = list; entry; entry = entry->ifa_next)
        if (is_useful (entry, tunnel))
          {
            ScopeSockaddr sa = { 0 };

            memcpy (&sa, entry->ifa_addr, entry->ifa_addr->sa_family == AF_INET ? sizeof sa.in : sizeof sa.in6);
            add_endpoint (endpoints, with_port (&sa, port));
          }
      freeifaddrs (list);
    }
  g_ptr_array_add (endpoints, NULL);
  return (char **) g_ptr_array_free (endpoints, FALSE);
}

const char *
scope_self_record (ScopeSelf *self, ScopeTrust *trust, char **endpoints, const ScopeKey *attachment, guint64 sequence,
                   gint64 now, gboolean *changed, GError **error)
{
  const ScopeGrant *grant = scope_trust_own_grant (trust);
  g_autoptr (ScopeRecord) record = NULL;
  g_autofree char *said = NULL, *payload = NULL;
  char *envelope;

  *changed = FALSE;
  if (!grant)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_NOT_LISTED, "network %s: we have no grant", self->settings->netreg);
      return NULL;
    }
  record = scope_record_new (self->settings->netreg);
  record->key = self->own;
  record->role = grant->role;
  g_clear_pointer (&record->ranges, g_array_unref);
  record->ranges = g_array_ref (grant->ranges);
  g_strfreev (record->endpoints);
  record->endpoints = g_strdupv (endpoints);
  record->attachment = *attachment;
  record->pq = self->settings->pq;
  said = scope_record_format (record); /* sequence and times are 0 */
  if (self->envelope && now < self->renew && g_str_equal (said, self->said))
    return self->envelope;

  record->sequence = scope_trust_next_sequence (trust, MAX ((guint64) now * 1000, sequence));
  record->issued = now;
  record->expires = MIN (now + RECORD_SECONDS, grant->expires);
  payload = scope_record_format (record);
  envelope = scope_jws_sign (self->identity, SCOPE_TYP_RECORD, payload, error);
  if (!envelope)
    return NULL;
  g_free (self->envelope);
  self->envelope = envelope;
  self->sequence = record->sequence;
  g_free (self->said);
  self->said = g_steal_pointer (&said);
  self->renew = now + (record->expires - now) / 2;
  *changed = TRUE;
  return self->envelope;
}

guint64
scope_self_sequence (const ScopeSelf *self)
{
  return self->sequence;
}
