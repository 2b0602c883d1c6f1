/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-routes: the kernel's routing table, as far as we ask it: by which interface a network is reached.
 */
#pragma once

#include "common/scope-prefix.h"

/**
 * ScopeRoute:
 * @ifindex: 0 when it has no single interface
 * @via: the router; family 0 for none
 * @mtu: of the route, bytes; 0 for the interface's
 */
typedef struct {
  ScopePrefix to;
  ScopePrefix via;
  guint32 ifindex;
  guint32 metric;
  guint32 mtu;
} ScopeRoute;

/* The unicast routes of the main table, both families; NULL with SCOPE_ERROR_FAILED.
 * (transfer full) (element-type ScopeRoute) */
GArray *scope_routes_read (GError **error);

/**
 * scope_routes_interfaces:
 * @routes: (element-type ScopeRoute)
 * @range: a network
 * @except: index of an interface that does not count
 * @found: (element-type guint32): grows by the interfaces, each once
 *
 * Where a network is: all interfaces with a route to a part of it; without one, that of the longest route around it.
 * For a range that is everything, only that of the default route.
 */
void scope_routes_interfaces (const GArray *routes, const ScopePrefix *range, guint32 except, GArray *found);

/* The route that packets to @to take, NULL without one. Borrowed. */
const ScopeRoute *scope_routes_find (const GArray *routes, const ScopePrefix *to, guint32 except);

/* For tests and fuzzing. @message: one RTM_NEWROUTE with its payload. FALSE: not one that counts */
gboolean scope_routes_parse (ScopeRoute *route, gconstpointer message, gsize len);

typedef struct _ScopeRoutesWatch ScopeRoutesWatch;
typedef void (*ScopeRoutesChanged) (gpointer data);

/* Tells a moment after routes or links have changed, once for many changes; no polling. It may not be freed from @changed.
 * NULL, with a line in the log, when the kernel gives no socket. */
ScopeRoutesWatch *scope_routes_watch_new (ScopeRoutesChanged changed, gpointer data);
void scope_routes_watch_free (ScopeRoutesWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeRoutesWatch, scope_routes_watch_free)
