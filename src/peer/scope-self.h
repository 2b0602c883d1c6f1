/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-self: what we say of ourselves: the hello's proof and our record, signed anew only when it says
 * something else, or is half over.
 */
#pragma once

#include "common/scope-settings.h"
#include "peer/scope-trust.h"

typedef struct _ScopeSelf ScopeSelf;

/* @settings, @identity: borrowed, and outlive it */
ScopeSelf *scope_self_new (const ScopeSettings *settings, const ScopeKey *own, ScopeIdentity *identity);
void scope_self_free (ScopeSelf *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeSelf, scope_self_free)

/* The proof for a hello: an envelope. */
char *scope_self_proof (ScopeSelf *self, const char *nonce, gint64 now, GError **error);

/**
 * scope_self_endpoints:
 * @local: (nullable): our address on the way to the registry
 * @mapped: (nullable): what the router has mapped to us
 * @port: of the tunnel; 0 when it has none
 * @tunnel: (nullable): name of our own interface
 *
 * Where we may be reached as far as we know ourselves: the profile's endpoints, @mapped, @local, this machine's other
 * addresses that are more than link-local.
 *
 * Returns: (transfer full): NULL-terminated
 */
char **scope_self_endpoints (const ScopeSettings *settings, const char *mapped, const char *local, guint16 port,
                             const char *tunnel);

/**
 * scope_self_record:
 * @trust: has our grant, and our sequence: store it before the record is published if this returns a new one
 * @endpoints: see scope_self_endpoints()
 * @attachment: our relay, zero for none; @sequence: what the record's must be at least, or 0
 * @changed: (out): whether it is a new one
 *
 * Returns: (transfer none): the envelope, or %NULL with an error
 */
const char *scope_self_record (ScopeSelf *self, ScopeTrust *trust, char **endpoints, const ScopeKey *attachment,
                               guint64 sequence, gint64 now, gboolean *changed, GError **error);

/* Of the last record; 0 for none yet. */
guint64 scope_self_sequence (const ScopeSelf *self);
