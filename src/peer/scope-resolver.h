/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-resolver: endpoint texts to socket addresses. Numeric ones at once, DNS names in the
 * background, and again on request when a handshake goes stale behind a name.
 */
#pragma once

#include "wire/scope-roster.h"

typedef struct _ScopeResolver ScopeResolver;

/* A name has a new address. */
typedef void (*ScopeResolverChanged) (gpointer data);

ScopeResolver *scope_resolver_new (ScopeResolverChanged changed, gpointer data);
void scope_resolver_free (ScopeResolver *resolver);

/* The endpoints of interest are those of @roster: start what is new, forget the rest. */
void scope_resolver_set_roster (ScopeResolver *resolver, const ScopeRoster *roster);

/* Ask DNS again; does nothing for a numeric endpoint. */
void scope_resolver_refresh (ScopeResolver *resolver, const char *endpoint);

gboolean scope_resolver_has_names (ScopeResolver *resolver);

/* (element-type utf8 ScopeSockaddr): what is known, by endpoint text. Borrowed. */
GHashTable *scope_resolver_get_table (ScopeResolver *resolver);
