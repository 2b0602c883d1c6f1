/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl-roster: whom the registry knows, and what of that is signed as it must be. */
#pragma once

#include "ctl/ctl-registry.h"
#include "ctl/ctl-root.h"
#include "path/scope-least.h"
#include "wire/scope-record.h"
#include "wire/scope-v1.h"

/**
 * CtlPeer:
 * @entry: as the registry says
 * @grant: (nullable): when it is good
 * @record: (nullable): when it is good
 * @problem: (nullable): the first thing that is not
 * @least: (nullable): how a relay is reached from the one that was asked for; borrowed, the caller's
 */
typedef struct {
  const ScopeV1Entry *entry;
  ScopeGrant *grant;
  ScopeRecord *record;
  char *problem;
  const ScopeLeast *least;
} CtlPeer;

/**
 * CtlRoster:
 * @peers: (element-type CtlPeer): sorted: masters, relays, edges, by address; those without a good grant last
 * @paths: (nullable): the links between relays
 */
typedef struct {
  GPtrArray *peers;
  ScopeV1Message *message;
  ScopeV1Message *paths;
} CtlRoster;

void ctl_roster_free (CtlRoster *roster);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlRoster, ctl_roster_free)

/**
 * ctl_roster_fetch:
 * @verb: who tells of what is not good, on standard error
 * @root: is unlocked on the way
 */
CtlRoster *ctl_roster_fetch (const char *verb, CtlRoot *root, CtlRegistry *registry, const CtlRootOptions *options,
                             GError **error);

/* Whether @text is its name, its WireGuard key, or the beginning of its fingerprint (8 characters at least). */
gboolean ctl_peer_is_called (const CtlPeer *peer, const char *text);
