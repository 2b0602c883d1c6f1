/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-base-watch: tells when the machine has moved to another network, was asleep, or sits behind a captive portal: from
 * the kernel's addresses and routes, NetworkManager, logind and the clock. Nothing is polled.
 */
#pragma once

#include <gio/gio.h>

typedef struct _ScopeBaseWatch ScopeBaseWatch;

/**
 * ScopeBaseCalls:
 * @changed: @moved: what we had may be gone, as after a suspend; else there is only more than before, IPv6 say
 * @paused: nobody can be reached: no link at all, or a captive portal. Comes before @changed when it is over
 * @ifname: (nullable): the tunnel's interface, whose changes are our own
 */
typedef struct {
  void (*changed) (gboolean moved, gpointer data);
  void (*paused) (gboolean paused, gpointer data);
  const char *(*ifname) (gpointer data);
} ScopeBaseCalls;

/* It may not be freed from its calls. */
ScopeBaseWatch *scope_base_watch_new (GDBusConnection *bus, const ScopeBaseCalls *calls, gpointer data);
void scope_base_watch_free (ScopeBaseWatch *watch);
