/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-site: where this machine is on the internet, as far as STUN servers can tell: our reflexive endpoints and the kind
 * of NAT around us. Asked before the tunnel is up and when the base connection changes, never by a timer (but see scope-mapping).
 */
#pragma once

#include "net/scope-nat.h"
#include "net/scope-stun-agent.h"

#define SCOPE_SITE_SERVERS 4 /* asked at most, per round: two that differ are enough to tell one NAT from another */

typedef struct _ScopeSite ScopeSite;

/* @settled: every server has answered or was given up, or the first reflexive endpoint is there */
typedef void (*ScopeSiteChanged) (gboolean settled, gpointer data);

/* @agent: borrowed, outlives it */
ScopeSite *scope_site_new (ScopeStunAgent *agent, ScopeSiteChanged changed, gpointer data);
void scope_site_free (ScopeSite *site);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeSite, scope_site_free)

/* Another place: what was heard before is forgotten. */
void scope_site_reset (ScopeSite *site);

/* Asks @server too, unless it was asked since the last reset, or enough others were. */
void scope_site_ask (ScopeSite *site, const ScopeSockaddr *server);

/* Whether nothing is being waited for. */
gboolean scope_site_settled (const ScopeSite *site);

/* One that has answered; NULL for none */
const ScopeSockaddr *scope_site_server (const ScopeSite *site);

/* The NAT for IPv4; without IPv4 that for IPv6 */
ScopeNatKind scope_site_nat (const ScopeSite *site);

/* (transfer none): where servers see us, NULL-terminated; valid until the next answer */
const char *const *scope_site_reflexive (const ScopeSite *site);
