/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scope-portmap-private: one request to the router, which waits for the answer: for a thread. */
#pragma once

#include <glib.h>
#include <netinet/in.h>

#define SCOPE_PORTMAP_SECONDS 7200 /* RFC 6886 §3.3 */

typedef enum { SCOPE_PORTMAP_NONE, SCOPE_PORTMAP_NATPMP, SCOPE_PORTMAP_UPNP } ScopePortmapHow;

/**
 * ScopePortmapRequest:
 * @gateway: the router, as seen from @local
 * @port: ours
 * @outer: the port outside: wanted at first (0 for the same), given then
 * @external: the router's address outside
 * @seconds: how long it holds; 0 for ever
 * @how: who gave it. Wanted at first when it is given back
 * @url, @service: of the router, with UPnP
 */
typedef struct {
  struct in_addr gateway;
  struct in_addr local;
  guint16 port;
  guint16 outer;
  struct in_addr external;
  guint seconds;
  ScopePortmapHow how;
  char *url;
  char *service;
} ScopePortmapRequest;

ScopePortmapRequest *scope_portmap_request_copy (const ScopePortmapRequest *request);
void scope_portmap_request_free (ScopePortmapRequest *request);

/* TRUE: a port leads to us. */
gboolean scope_portmap_ask (ScopePortmapRequest *request);
void scope_portmap_give_back (const ScopePortmapRequest *request);

/* Whether an address is one of the internet's: behind a second NAT the router's is not. */
gboolean scope_portmap_is_public (struct in_addr address);
