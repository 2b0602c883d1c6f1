/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-control: what root may ask a running service over the system bus, besides what NetworkManager
 * asks (scopectl does): org.freedesktop.NetworkManager.scope.Control at SCOPE_CONTROL_PATH.
 */
#pragma once

#include <gio/gio.h>

#define SCOPE_CONTROL_PATH "/org/freedesktop/NetworkManager/scope/Control"
#define SCOPE_CONTROL_INTERFACE "org.freedesktop.NetworkManager.scope.Control"

/**
 * ScopeControlCalls:
 * @status: (transfer full): JSON for people and scripts
 * @rotate: new keys with every peer, see scope_kex_rotate(); FALSE when there are none to be made
 */
typedef struct {
  char *(*status) (gpointer data);
  gboolean (*rotate) (gboolean hurry, gpointer data);
} ScopeControlCalls;

typedef struct _ScopeControl ScopeControl;

/* @calls: borrowed. Before the bus name is owned. */
ScopeControl *scope_control_new (GDBusConnection *bus, const ScopeControlCalls *calls, gpointer data, GError **error);
void scope_control_free (ScopeControl *control);
