/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/scope-endpoint.h"

#include "common/scope-error.h"

#include <arpa/inet.h>
#include <string.h>

#define HOST_MAX 253 /* RFC 1035 §2.3.4, in text form */

static gboolean
is_hostname (const char *host)
{
  gsize len = strlen (host);

  if (len == 0 || len > HOST_MAX || host[0] == '-' || host[0] == '.')
    return FALSE;
  return strspn (host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") == len;
}

gboolean
scope_endpoint_parse (const char *text, char **host, guint16 *port, GError **error)
{
  g_autofree char *name = NULL;
  const char *colon;
  guint64 number;

  if (text[0] == '[')
    {
      const char *close = strchr (text, ']');
      name = close ? g_strndup (text + 1, close - text - 1) : NULL;
      colon = close ? close + 1 : "";
      struct in6_addr in6;
      if (name && inet_pton (AF_INET6, name, &in6) != 1)
        g_clear_pointer (&name, g_free);
    }
  else
    {
      colon = strrchr (text, ':');
      if (colon)
        name = g_strndup (text, colon - text);
      if (name && !is_hostname (name))
        g_clear_pointer (&name, g_free);
    }

  if (!name || *colon != ':' || !g_ascii_string_to_unsigned (colon + 1, 10, 1, 65535, &number, NULL))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
                   "“%.80s” is not an endpoint such as 192.0.2.1:51820, [2001:db8::1]:51820 or host.example:51820",
                   text);
      return FALSE;
    }
  if (host)
    *host = g_steal_pointer (&name);
  if (port)
    *port = number;
  return TRUE;
}

gboolean
scope_sockaddr_parse (ScopeSockaddr *sa, const char *text)
{
  g_autofree char *host = NULL;
  g_autoptr (GInetAddress) address = NULL;
  guint16 port;

  memset (sa, 0, sizeof *sa);
  if (!scope_endpoint_parse (text, &host, &port, NULL))
    return FALSE;
  address = g_inet_address_new_from_string (host);
  return address && scope_sockaddr_from_inet (sa, address, port);
}

gboolean
scope_sockaddr_from_inet (ScopeSockaddr *sa, GInetAddress *address, guint16 port)
{
  const guint8 *bytes = g_inet_address_to_bytes (address);

  memset (sa, 0, sizeof *sa);
  switch (g_inet_address_get_family (address))
    {
    case G_SOCKET_FAMILY_IPV4:
      sa->in.sin_family = AF_INET;
      sa->in.sin_port = htons (port);
      memcpy (&sa->in.sin_addr, bytes, 4);
      return TRUE;
    case G_SOCKET_FAMILY_IPV6:
      sa->in6.sin6_family = AF_INET6;
      sa->in6.sin6_port = htons (port);
      memcpy (&sa->in6.sin6_addr, bytes, 16);
      return TRUE;
    default:
      return FALSE;
    }
}

char *
scope_sockaddr_format (const ScopeSockaddr *sa)
{
  char host[INET6_ADDRSTRLEN];

  if (sa->any.sa_family == AF_INET)
    return g_strdup_printf ("%s:%u", inet_ntop (AF_INET, &sa->in.sin_addr, host, sizeof host),
                            ntohs (sa->in.sin_port));
  if (sa->any.sa_family == AF_INET6)
    return g_strdup_printf ("[%s]:%u", inet_ntop (AF_INET6, &sa->in6.sin6_addr, host, sizeof host),
                            ntohs (sa->in6.sin6_port));
  return NULL;
}

socklen_t
scope_sockaddr_len (const ScopeSockaddr *sa)
{
  return sa->any.sa_family == AF_INET6 ? sizeof sa->in6 : sizeof sa->in;
}

gboolean
scope_sockaddr_equal (const ScopeSockaddr *a, const ScopeSockaddr *b)
{
  if (a->any.sa_family != b->any.sa_family)
    return FALSE;
  if (a->any.sa_family == AF_INET)
    return a->in.sin_port == b->in.sin_port && a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
  if (a->any.sa_family == AF_INET6)
    return a->in6.sin6_port == b->in6.sin6_port &&
           memcmp (&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof a->in6.sin6_addr) == 0;
  return TRUE;
}
