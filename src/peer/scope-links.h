/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-links: the links of a member to all others (data/protocol.md, section 9): makes them through NATs (scope-punch),
 * watches them (scope-liveness), and gives WireGuard's peers their endpoints and allowed IPs as scope-path decides.
 *
 * Handshakes that cross collide, so a peer's entry has an endpoint only at the end that begins: the newcomer, or who
 * found it by a check. The other learns it from the handshake.
 */
#pragma once

#include "path/scope-path.h"
#include "peer/scope-keys.h"
#include "peer/scope-trust.h"
#include "tunnel/scope-tunnel.h"
#include "wire/scope-punch-message.h"

typedef struct _ScopeLinks ScopeLinks;

/**
 * ScopeLinksCalls:
 * @send: a frame for the registry; FALSE when there is no session
 * @changed: scope_links_shape() would do something else
 * @attached: scope_links_attachment() is another
 * @news: something else that is shown may be: the NAT around us
 */
typedef struct {
  gboolean (*send) (const char *text, gpointer data);
  void (*changed) (gpointer data);
  void (*attached) (gpointer data);
  void (*news) (gpointer data);
} ScopeLinksCalls;

/* @settings: borrowed, outlives it */
ScopeLinks *scope_links_new (const ScopeSettings *settings, const ScopeKey *own, const ScopeLinksCalls *calls,
                             gpointer data);
void scope_links_free (ScopeLinks *links);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeLinks, scope_links_free)

/**
 * scope_links_open:
 * @port: that the tunnel will have
 *
 * Asks where we are, and looks for ways to others, while the tunnel is still coming up. What arrives on the port until then
 * is answered by the kernel, too: with an ICMP error, which no NAT takes for the end of a mapping (RFC 4787, REQ-10).
 */
void scope_links_open (ScopeLinks *links, guint16 port);

/* It is up. */
void scope_links_set_tunnel (ScopeLinks *links, ScopeTunnel *tunnel);

/* Where we may be reached as we know it, and as others told the registry; both nullable. */
void scope_links_set_own (ScopeLinks *links, char **endpoints, char **observed);

/* "host:port", numeric, of somebody who answers STUN. */
void scope_links_add_server (ScopeLinks *links, const char *server);

/* @offset: the registry's clock minus ours, ms */
void scope_links_set_time (ScopeLinks *links, gint64 offset);

/* The member that is to be our exit, if any: we attach to it when it is a relay. */
void scope_links_set_exit (ScopeLinks *links, const ScopeKey *exit);

/* The answer to a question for a ticket; see scope_carrier_ticket(). */
void scope_links_take_ticket (ScopeLinks *links, const char *registry, const char *ticket);

/**
 * scope_links_set_peers:
 * @connected: a session is open: what @trust says of who is online is the registry's word of now
 * @arrived: this is the roster that we found when we came: we are the newcomer, and begin
 * @keepalive: seconds
 */
void scope_links_set_peers (ScopeLinks *links, const ScopeTrust *trust, gboolean connected, gboolean arrived,
                            guint keepalive);

/* punch.* and path.* of others, paths, join. */
void scope_links_take (ScopeLinks *links, const ScopeV1Message *message);

/* The session with the registry is lost. */
void scope_links_close (ScopeLinks *links);

/* Another base connection, or awake again; not @moved: there is only more of it. After scope_links_set_own(). */
void scope_links_kick (ScopeLinks *links, gboolean moved);

/* Nobody can be reached: no punching, no STUN, nothing carried, until scope_links_kick(). */
void scope_links_pause (ScopeLinks *links, gboolean paused);

/**
 * scope_links_shape:
 * @wanted: (element-type ScopeWgPeer): each with its own ranges and the endpoint to try first
 * @bare: (element-type ScopeWgPeer): those that have no key yet, so cannot have a link
 *
 * Endpoints, keepalives, and ranges moved to the peer that their packets go through.
 */
void scope_links_shape (ScopeLinks *links, GPtrArray *wanted, const GPtrArray *bare, ScopeKeys *keys);

/* @wanted: what has been written to WireGuard. */
void scope_links_applied (ScopeLinks *links, const GPtrArray *wanted);

/* Our relay (zero for none), and what the record's sequence must be at least. */
guint64 scope_links_attachment (ScopeLinks *links, ScopeKey *relay);

/* Our record has this sequence. */
void scope_links_signed (ScopeLinks *links, guint64 sequence);

/**
 * ScopeLinksState:
 * @up: there is a direct link that answers
 * @ms: its round trip, -1 when not known
 * @way: how packets go; @via: to whom first, when that is not the peer
 */
typedef struct {
  gboolean up;
  int ms;
  ScopePathWay way;
  gboolean has_via;
  ScopeKey via;
} ScopeLinksState;

/* FALSE for who is not known here. */
gboolean scope_links_state (ScopeLinks *links, const ScopeKey *peer, ScopeLinksState *state);

/* The NAT around us. */
ScopeNatKind scope_links_nat (ScopeLinks *links);

/* All links that are not up: at once, with candidates of now, as if they had never failed. */
void scope_links_punch_anew (ScopeLinks *links);

/* Whether others do not get in to us by what we can do here: the NAT has a mapping for each, or may have, and punching has failed. */
gboolean scope_links_is_shut (ScopeLinks *links);
