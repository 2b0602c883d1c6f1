/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-carrier-private: between scope-carrier.c (the WebSocket), scope-carrier-queue.c (what it is to send) and
 * scope-carrier-link.c (a local socket).
 */
#pragma once

#include "peer/scope-carrier.h"
#include "wire/scope-carry.h"

#include <libsoup/soup.h>

typedef struct _ScopeCarrierLink ScopeCarrierLink;

/**
 * ScopeCarrierLinkFunc:
 * @packet: WireGuard's, from our own port
 */
typedef void (*ScopeCarrierLinkFunc) (ScopeCarrierLink *link, const guint8 *packet, gsize len, gpointer data);

#define SCOPE_CARRIER_FIRST_MAX 148 /* bytes: an initiation */

/**
 * ScopeCarrierLink:
 * @local: where WireGuard sends to
 * @id: of what the registry has opened, when @asked
 * @patient_until: monotonic, µs: the registry refused it, and is not asked again before
 * @active: monotonic, µs: the last packet of WireGuard's
 * @first: an initiation that waits for the connection, @first_len bytes
 */
struct _ScopeCarrierLink {
  ScopeKey relay;
  ScopeSockaddr local;
  gboolean asked;
  guint16 id;
  gint64 patient_until;
  gint64 active;
  guint8 first[SCOPE_CARRIER_FIRST_MAX];
  gsize first_len;
  /* scope-carrier-link.c's */
  int fd;
  guint source;
  ScopeCarrierLinkFunc func;
  gpointer data;
};

/* @port: of our WireGuard, 0 when it is not known yet */
ScopeCarrierLink *scope_carrier_link_new (const ScopeKey *relay, guint16 port, ScopeCarrierLinkFunc func, gpointer data,
                                          GError **error);
void scope_carrier_link_free (ScopeCarrierLink *link);
void scope_carrier_link_set_port (ScopeCarrierLink *link, guint16 port);

/* To our WireGuard. */
void scope_carrier_link_deliver (ScopeCarrierLink *link, const guint8 *packet, gsize len);

typedef struct _ScopeCarrierQueue ScopeCarrierQueue;

/* @socket: open; @base: the TCP below it, which is tuned for packets. */
ScopeCarrierQueue *scope_carrier_queue_new (SoupWebsocketConnection *socket, GSocketConnection *base);
void scope_carrier_queue_free (ScopeCarrierQueue *queue);

/* Returns: %FALSE: dropped, since too much is waiting */
gboolean scope_carrier_queue_put (ScopeCarrierQueue *queue, guint16 id, const guint8 *packet, gsize len);
