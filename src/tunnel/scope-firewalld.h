/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-firewalld: whether firewalld (1.0 and later), when it runs, lets a relay do its work: asked over D-Bus. NetworkManager
 * tells it the zone of each interface (connection.zone).
 */
#pragma once

#include <gio/gio.h>

typedef struct _ScopeFirewalld ScopeFirewalld;

/**
 * ScopeFirewalldWhat:
 * @ifname: the tunnel's interface
 * @port: WireGuard's UDP port
 * @outside: (nullable): the interface that others reach it by
 * @behind: (nullable): interfaces of networks behind us, NULL-terminated
 */
typedef struct {
  const char *ifname;
  guint16 port;
  const char *outside;
  const char *const *behind;
} ScopeFirewalldWhat;

/* @answered: once: whether it runs; then what it does not let through has been said, as warnings. It may free. */
ScopeFirewalld *scope_firewalld_ask (GDBusConnection *bus, const ScopeFirewalldWhat *what,
                                     void (*answered) (gboolean runs, gpointer data), gpointer data);
void scope_firewalld_free (ScopeFirewalld *firewalld);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeFirewalld, scope_firewalld_free)

/**
 * scope_firewalld_opens:
 * @settings: (type a{sv}): of a zone, as getZoneSettings2 gives them
 *
 * Whether UDP packets to @port may come in. Rich rules and services are not looked into, but WireGuard's.
 */
gboolean scope_firewalld_opens (GVariant *settings, guint16 port);

/* Whether what comes in by the zone may leave by another interface of it, or @anywhere. */
gboolean scope_firewalld_forwards (GVariant *settings, gboolean anywhere);
