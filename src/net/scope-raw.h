/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-raw: sends and receives STUN on a UDP port that somebody else owns: WireGuard's. Raw sockets (CAP_NET_RAW)
 * send with that source port, and get a copy of what arrives there; a filter in the kernel lets only packets through
 * that have STUN's magic cookie (RFC 8489 section 5) and are short, so WireGuard's traffic never wakes us. Nothing is
 * bound or connected: addresses and routes may come and go.
 */
#pragma once

#include "common/scope-endpoint.h"

#define SCOPE_RAW_MAX 548 /* bytes of payload: what every IPv4 path carries unfragmented (RFC 8489 section 6.1) */

typedef struct _ScopeRaw ScopeRaw;

/**
 * ScopeRawFunc:
 * @payload: what is in the UDP packet, 20 to SCOPE_RAW_MAX bytes, with the cookie in its place
 * @from: who sent it
 * @to: where it arrived: our address and port; answers go out from there
 *
 * May free @raw.
 */
typedef void (*ScopeRawFunc) (ScopeRaw *raw, const guint8 *payload, gsize len, const ScopeSockaddr *from,
                              const ScopeSockaddr *to, gpointer data);

/**
 * scope_raw_new:
 * @port: of the tunnel; not 0
 * @mark: firewall mark of what is sent (SO_MARK), as WireGuard's; 0 for none
 * @func: called from the thread's default main context, not before this function has returned
 * @error: SCOPE_ERROR_UNSUPPORTED when raw sockets are not allowed; a machine without IPv6, or without IPv4, is no error
 */
ScopeRaw *scope_raw_new (guint16 port, guint32 mark, ScopeRawFunc func, gpointer data, GError **error);
void scope_raw_free (ScopeRaw *raw);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeRaw, scope_raw_free)

guint16 scope_raw_port (const ScopeRaw *raw);

/**
 * scope_raw_send:
 * @from: (nullable): our address, its port is ignored; %NULL for the one that the kernel takes for this way
 * @to: IPv4 or IPv6
 * @ttl: hops, 1 to 255; 0 for the system's default
 * @error: SCOPE_ERROR_UNREACHABLE: no route, or no such family here
 */
gboolean scope_raw_send (ScopeRaw *raw, const ScopeSockaddr *from, const ScopeSockaddr *to, int ttl,
                         const guint8 *payload, gsize len, GError **error);

/**
 * scope_raw_route:
 * @from: (out): the address that the kernel takes on the way to @to, with our port
 *
 * Sends nothing. @error as in scope_raw_send().
 */
gboolean scope_raw_route (const ScopeRaw *raw, const ScopeSockaddr *to, ScopeSockaddr *from, GError **error);
