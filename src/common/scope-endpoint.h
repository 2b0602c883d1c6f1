/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-endpoint: where a WireGuard peer is reached: "192.0.2.1:51820", "[2001:db8::1]:51820" or
 * "relay.example:51820". Text stays text until it is resolved; a resolved one is a socket address.
 */
#pragma once

#include <gio/gio.h>
#include <netinet/in.h>

#define SCOPE_ENDPOINT_MAX 259 /* bytes of the longest text: a DNS name, a colon, five digits */

/**
 * ScopeSockaddr:
 *
 * An IPv4 or IPv6 socket address as a value; family 0 (AF_UNSPEC) when there is none.
 */
typedef union {
  struct sockaddr any;
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
} ScopeSockaddr;

/**
 * scope_endpoint_parse:
 * @text: host and port; IPv6 addresses in brackets
 * @host: (out) (optional) (transfer full): address or DNS name, without brackets
 * @port: (out) (optional): 1 to 65535
 * @error: SCOPE_ERROR_INVALID
 */
gboolean scope_endpoint_parse (const char *text, char **host, guint16 *port, GError **error);

/* Parses a numeric endpoint. Returns: FALSE if it is a DNS name, or wrong. */
gboolean scope_sockaddr_parse (ScopeSockaddr *sa, const char *text);

gboolean scope_sockaddr_from_inet (ScopeSockaddr *sa, GInetAddress *address, guint16 port);

/* "192.0.2.1:51820" or "[2001:db8::1]:51820", newly allocated; NULL for AF_UNSPEC */
char *scope_sockaddr_format (const ScopeSockaddr *sa);

socklen_t scope_sockaddr_len (const ScopeSockaddr *sa);
gboolean scope_sockaddr_equal (const ScopeSockaddr *a, const ScopeSockaddr *b);
