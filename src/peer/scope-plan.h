/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-plan: from what the registry says and the profile wants to the peers, routes and addresses of
 * our interface. Pure: no I/O, no clock, so that a test can prove it.
 */
#pragma once

#include "common/scope-settings.h"
#include "wire/scope-roster.h"

/**
 * ScopePlan:
 * @peers: (element-type ScopeWgPeer): wanted peer table; each prefix belongs to one peer only
 * @routes: (element-type ScopePrefix): sorted, without those that an own address already covers
 * @exit4, @exit6: the exit takes everything of that family
 * @conflicts: prefixes that a second peer claimed and did not get
 */
typedef struct {
  GPtrArray *peers;
  GArray *routes;
  gboolean exit4;
  gboolean exit6;
  guint conflicts;
} ScopePlan;

/**
 * scope_plan_new:
 * @roster: the network
 * @settings: the profile
 * @own: our public key: never a peer; the ranges that the roster lists for it are ours alone
 * @addresses: (element-type ScopePrefix): our addresses: nobody else gets them
 * @exit: (nullable): the only peer that gets the ranges of length 0, everything; they are never among the routes
 * @resolved: (element-type utf8 ScopeSockaddr): endpoints by their text, as far as they are known
 */
ScopePlan *scope_plan_new (const ScopeRoster *roster, const ScopeSettings *settings, const ScopeKey *own,
                           const GArray *addresses, const ScopeKey *exit, GHashTable *resolved);
void scope_plan_free (ScopePlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopePlan, scope_plan_free)

/**
 * scope_plan_addresses:
 * @error: SCOPE_ERROR_NOT_LISTED without an entry for @own, SCOPE_ERROR_INVALID without an address in it
 *
 * The profile's addresses, else the single addresses (/32, /128) of our entry in the roster; a wider
 * range there is a network behind us.
 *
 * Returns: (transfer full) (element-type ScopePrefix)
 */
GArray *scope_plan_addresses (const ScopeRoster *roster, const ScopeSettings *settings, const ScopeKey *own,
                              GError **error);
