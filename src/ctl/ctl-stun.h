/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl-stun: asks STUN servers (RFC 8489) from a UDP socket of its own, and waits. One socket for all of them, so that their answers
 * can be compared. */
#pragma once

#include "net/scope-nat.h"

typedef struct _CtlStun CtlStun;

/* @error: SCOPE_ERROR_UNSUPPORTED: this machine does not have the family */
CtlStun *ctl_stun_new (int family, GError **error);
void ctl_stun_free (CtlStun *stun);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlStun, ctl_stun_free)

/**
 * ctl_stun_ask:
 * @servers: (element-type ScopeSockaddr): those of other families are left out
 * @usec: (out): of the fastest answer; -1 when there is none
 *
 * Sent at 0, 150, 450 and 1050 ms; given up after 2250.
 *
 * Returns: (transfer full) (element-type ScopeNatSample): one for each server of the family
 */
GArray *ctl_stun_ask (CtlStun *stun, const GArray *servers, gint64 *usec);

/* Whether a packet that this machine sends to its own @mapped comes back to it, within half a second. */
gboolean ctl_stun_hairpin (CtlStun *stun, const ScopeSockaddr *mapped);

/* The address that packets to @to leave from, with port 0; FALSE without a way there. @mtu: (out): bytes, 0 when not known */
gboolean ctl_stun_way (const ScopeSockaddr *to, ScopeSockaddr *local, guint *mtu);
