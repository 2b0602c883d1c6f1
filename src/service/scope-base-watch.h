/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-base-watch: tells when NetworkManager has another primary connection: the laptop has moved.
 */
#pragma once

#include <gio/gio.h>

typedef struct _ScopeBaseWatch ScopeBaseWatch;
typedef void (*ScopeBaseChanged) (gpointer data);

/* @changed: called for each new primary connection, not for the first one and not for none at all */
ScopeBaseWatch *scope_base_watch_new (GDBusConnection *bus, ScopeBaseChanged changed, gpointer data);
void scope_base_watch_free (ScopeBaseWatch *watch);
