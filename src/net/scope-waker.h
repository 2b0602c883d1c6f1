/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-waker: tells of the next packet through an interface, whichever way it goes, and costs nothing until
 * then: no timer, and the socket that sees it is closed at once. What goes to link addresses
 * does not count: nobody but ourselves sends there.
 */
#pragma once

#include "common/scope-prefix.h"

#define SCOPE_WAKER_PACKETS 16 /* of those that wait when it is woken */

typedef struct _ScopeWaker ScopeWaker;

/**
 * ScopeWakerFunc:
 * @sent: (element-type ScopePrefix): where the packets went that made it; empty when all came in
 *
 * Once for each scope_waker_arm(). May arm it again, not free it.
 */
typedef void (*ScopeWakerFunc) (const GArray *sent, gpointer data);

ScopeWaker *scope_waker_new (const char *ifname, ScopeWakerFunc func, gpointer data);
void scope_waker_free (ScopeWaker *waker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeWaker, scope_waker_free)

/* Waits for the next packet; nothing when it does already. SCOPE_ERROR_GONE, SCOPE_ERROR_DENIED, SCOPE_ERROR_FAILED. */
gboolean scope_waker_arm (ScopeWaker *waker, GError **error);
void scope_waker_disarm (ScopeWaker *waker);
