/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl-registry: HTTP to a registry (data/protocol.md, section 7). Waits for the answer: a verb does nothing else. */
#pragma once

#include "crypto/scope-authority.h"

#include <glib.h>

typedef struct _CtlRegistry CtlRegistry;

/**
 * ctl_registry_new:
 * @urls: (nullable): one or more, as in the setting `registry`; tried in this order
 * @network: (nullable): without one only ctl_registry_list() is possible
 * @ca: (nullable): PEM file
 * @error: SCOPE_ERROR_INVALID, also when it is not known where the registry is
 */
CtlRegistry *ctl_registry_new (const char *urls, const char *network, const char *ca, GError **error);
void ctl_registry_free (CtlRegistry *registry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlRegistry, ctl_registry_free)

/**
 * ctl_registry_list:
 * @from: (out): URL of the registry that answered, borrowed
 * @error: SCOPE_ERROR_UNREACHABLE, SCOPE_ERROR_TLS, SCOPE_ERROR_PROTOCOL
 *
 * Waits less long than the others, since a person may be waiting, too: 5 s for each registry.
 *
 * Returns: (transfer full): names of the networks there
 */
char **ctl_registry_list (CtlRegistry *registry, const char **from, GError **error);

/**
 * CtlNetwork:
 * @authority: the root with the delegations that are good and the registry's revocation
 * @delegates: (element-type utf8): fingerprints with a delegation that is good
 * @revocation: (nullable): that envelope, as text
 * @problems: (element-type utf8): what the registry has that is not good
 */
typedef struct {
  ScopeAuthority *authority;
  GPtrArray *delegates;
  char *revocation;
  GPtrArray *problems;
} CtlNetwork;

void ctl_network_free (CtlNetwork *network);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlNetwork, ctl_network_free)

/* Whether somebody may let peers of this role in. */
gboolean ctl_network_delegates (const CtlNetwork *network, ScopeRole role, gint64 now);

/**
 * ctl_registry_fetch:
 * @root: whose network it must be
 * @error: SCOPE_ERROR_UNREACHABLE, SCOPE_ERROR_TLS, SCOPE_ERROR_PROTOCOL, SCOPE_ERROR_DENIED (no such network, or another root)
 */
CtlNetwork *ctl_registry_fetch (CtlRegistry *registry, ScopeIdentityPublic *root, gint64 now, GError **error);

/**
 * ctl_registry_post:
 * @envelope: signed by the root
 * @stale: (out) (optional): whether the registry knows a higher counter; then @error is set, too
 *
 * Returns: (transfer full): the answer, JSON text
 */
GBytes *ctl_registry_post (CtlRegistry *registry, const char *envelope, gboolean *stale, GError **error);
