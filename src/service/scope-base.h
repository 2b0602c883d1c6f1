/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-base: what the machine's ways out tell: whether it has moved, and whether trying to reach anybody makes
 * sense. A pure decision: what the kernel, NetworkManager and logind say is handed in with the clock (ms,
 * monotonic), what to do comes out.
 *
 * The kernel's word counts most: its routes are there when it tells, while NetworkManager (1.42) names a primary
 * connection whose routes may still be on their way, or have been there for a while.
 */
#pragma once

#include <glib.h>

/**
 * ScopeBaseAddress:
 * @address: numeric
 */
typedef struct {
  guint32 ifindex;
  int family;
  char address[46];
} ScopeBaseAddress;

/**
 * scope_base_ways:
 * @routes: (element-type ScopeRoute)
 * @addresses: (element-type ScopeBaseAddress): those of interfaces that run, without loopback and link-local ones
 * @except: index of the tunnel, 0 for none
 * @is_out: (out): they have a default route
 *
 * The best default route of each family with its interface's addresses; where there is none at all, all
 * addresses: it may be an island. Packets that take the same ways come from the same place, as far as others see.
 *
 * Returns: (transfer full): one line for each address, sorted
 */
char **scope_base_ways (const GArray *routes, const GArray *addresses, guint32 except, gboolean *is_out);

/* What is to be done; several at once. */
typedef enum {
  SCOPE_BASE_MOVED = 1 << 0,  /* what we had may be gone: all anew */
  SCOPE_BASE_MORE = 1 << 1,   /* there are more ways than before; those that we had are there */
  SCOPE_BASE_PAUSE = 1 << 2,  /* nobody can be reached: do not try */
  SCOPE_BASE_RESUME = 1 << 3,
} ScopeBaseAct;

/**
 * ScopeBase:
 *
 * {0} is a machine of which nothing is known yet. Only the functions below touch its fields.
 */
typedef struct {
  char **ways; /* the last ones, NULL until known */
  gboolean lost; /* there are none now */
  gboolean portal;
  gboolean paused;
  gint64 moved; /* when that was seen last by the kernel's word, or by waking; 0 for never */
} ScopeBase;

void scope_base_clear (ScopeBase *base);

/* @ways: (transfer full): those of now */
ScopeBaseAct scope_base_set_ways (ScopeBase *base, char **ways, gint64 now);

/* NetworkManager has another primary connection. */
ScopeBaseAct scope_base_primary (ScopeBase *base, gint64 now);

/* @connectivity: an NMConnectivityState */
ScopeBaseAct scope_base_connectivity (ScopeBase *base, guint connectivity, gint64 now);

/* The machine was asleep, or its clock stood still. */
ScopeBaseAct scope_base_awake (ScopeBase *base, gint64 now);
