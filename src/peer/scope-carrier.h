/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-carrier: WireGuard through a network that lets no UDP pass: a WebSocket to the registry carries the packets
 * of links to relays (data/protocol.md, section 10). Each carried link is a UDP socket on 127.0.0.1 that WireGuard
 * takes for the relay's endpoint. Whether to use it is somebody else's decision.
 *
 * How to drive it:
 *
 *   carrier = scope_carrier_new (…);                       costs nothing yet
 *   scope_carrier_set_port (carrier, tunnel's port);
 *   scope_carrier_open (carrier, &relay, &endpoint, …);    connects; write @endpoint into WireGuard for that peer
 *   … calls.ask: send {"t":"carry","d":{}} on the session; its answer (SCOPE_V1_CARRY):
 *   scope_carrier_ticket (carrier, scope_v1_session_get_registry (session), message->token);
 *   … calls.changed: SCOPE_CARRIER_USABLE: packets get through to the registry; calls.refused: not to this relay
 *   scope_carrier_close (carrier, &relay);                 UDP works again: write the real endpoint first
 *
 * WireGuard keeps a peer's last endpoint: after scope_carrier_close() nobody listens at the old one.
 * A relay sees a carried peer at the registry's address: what relays report of it is of no use to others.
 */
#pragma once

#include "common/scope-endpoint.h"
#include "common/scope-key.h"

#define SCOPE_TYPE_CARRIER (scope_carrier_get_type ())
G_DECLARE_FINAL_TYPE (ScopeCarrier, scope_carrier, SCOPE, CARRIER, GObject)

/**
 * ScopeCarrierState:
 * @SCOPE_CARRIER_IDLE: no connection: no link is open, or none was used for minutes; the next packet makes one
 * @SCOPE_CARRIER_CONNECTING: the first time, or anew after a loss
 * @SCOPE_CARRIER_USABLE: the registry takes packets
 * @SCOPE_CARRIER_LOST: a pause after a failure, then it tries again
 * @SCOPE_CARRIER_NONE: this registry does not carry; tried again after scope_carrier_resume(), or ten minutes
 */
typedef enum {
  SCOPE_CARRIER_IDLE,
  SCOPE_CARRIER_CONNECTING,
  SCOPE_CARRIER_USABLE,
  SCOPE_CARRIER_LOST,
  SCOPE_CARRIER_NONE,
} ScopeCarrierState;

/**
 * ScopeCarrierCalls:
 * @ask: ask the registry for a ticket. %FALSE: there is no session now; scope_carrier_resume() when there is one
 * @changed: (nullable): @state is another one
 * @refused: (nullable): the registry does not carry to this relay, and says why: not-a-relay, nowhere (it knows no
 *   address of the relay's that it would send to), full, busy. Asked again with a packet half a minute later, as long
 *   as the link is open
 *
 * They must not free the carrier; everything else is allowed.
 */
typedef struct {
  gboolean (*ask) (gpointer data);
  void (*changed) (ScopeCarrierState state, gpointer data);
  void (*refused) (const ScopeKey *relay, const char *code, gpointer data);
} ScopeCarrierCalls;

/* @ca: (nullable): as the setting. @network: its name at the registry. @calls: borrowed */
ScopeCarrier *scope_carrier_new (const char *ca, const char *network, const ScopeCarrierCalls *calls, gpointer data);

/* Closes all links; nothing is called any more. */
void scope_carrier_stop (ScopeCarrier *carrier);

/* The port that our WireGuard listens at: what comes from elsewhere is not carried. Links stay. */
void scope_carrier_set_port (ScopeCarrier *carrier, guint16 port);

/**
 * scope_carrier_open:
 * @relay: its WireGuard key
 * @endpoint: (out): what to tell WireGuard; the same each time while the link is open
 * @error: SCOPE_ERROR_FAILED: no socket
 */
gboolean scope_carrier_open (ScopeCarrier *carrier, const ScopeKey *relay, ScopeSockaddr *endpoint, GError **error);
void scope_carrier_close (ScopeCarrier *carrier, const ScopeKey *relay);
gboolean scope_carrier_is_open (ScopeCarrier *carrier, const ScopeKey *relay);

/* The answer to calls.ask(). @registry: URL of who gave it; @ticket: (nullable): %NULL: it does not carry */
void scope_carrier_ticket (ScopeCarrier *carrier, const char *registry, const char *ticket);

/* There is a session again, perhaps with another registry: ends a pause. What works is left alone. */
void scope_carrier_resume (ScopeCarrier *carrier);

/* The network changed below us: drop the connection, and make another at once when it is in use. */
void scope_carrier_kick (ScopeCarrier *carrier);

ScopeCarrierState scope_carrier_get_state (ScopeCarrier *carrier);

/**
 * ScopeCarrierStats:
 * @sent, @received: packets
 * @dropped: of those to send, because the connection is slow, or not there
 */
typedef struct {
  guint64 sent;
  guint64 received;
  guint64 dropped;
} ScopeCarrierStats;

ScopeCarrierStats scope_carrier_get_stats (ScopeCarrier *carrier);

/* Whether @sa is one of those that scope_carrier_open() gives out: an endpoint that WireGuard shows may be ours. */
gboolean scope_carrier_owns (ScopeCarrier *carrier, const ScopeSockaddr *sa);
