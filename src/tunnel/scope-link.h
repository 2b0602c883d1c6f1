/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-link: network interfaces: whether one is there, a watch that tells when somebody else deletes,
 * renames or downs it (rtnetlink, no polling), and free UDP ports for it.
 */
#pragma once

#include <glib.h>

typedef enum {
  SCOPE_LINK_GONE,    /* deleted, or moved to another network namespace; or never there */
  SCOPE_LINK_DOWN,    /* there, not administratively up (IFF_UP) */
  SCOPE_LINK_UP,
  SCOPE_LINK_RENAMED, /* in callbacks only: still there under another name */
} ScopeLinkState;

typedef struct _ScopeLinkWatch ScopeLinkWatch;

/**
 * ScopeLinkFunc:
 * @event: what it became; only called for a change
 *
 * May free the watch.
 */
typedef void (*ScopeLinkFunc) (ScopeLinkWatch *watch, ScopeLinkState event, gpointer data);

/**
 * scope_link_watch_new:
 * @ifname: interface name; one that is not there yet is waited for
 * @func: called from the thread's default main context, not before this function has returned
 * @error: SCOPE_ERROR_FAILED when the kernel gives no netlink socket
 *
 * Once found the interface is followed by its index, through renames; when it is gone, the next
 * one with the first name is waited for.
 */
ScopeLinkWatch *scope_link_watch_new (const char *ifname, ScopeLinkFunc func, gpointer data, GError **error);
void scope_link_watch_free (ScopeLinkWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeLinkWatch, scope_link_watch_free)

/* GONE, DOWN or UP, as of the last main loop iteration. */
ScopeLinkState scope_link_watch_state (const ScopeLinkWatch *watch);

/* The present name (borrowed), and index: 0 while it is gone. */
const char *scope_link_watch_name (const ScopeLinkWatch *watch);
guint scope_link_watch_index (const ScopeLinkWatch *watch);

gboolean scope_link_exists (const char *ifname);

/* 0 when there is none */
guint scope_link_index (const char *ifname);

/* Whether a WireGuard device could listen on it: nobody has it on IPv4 or IPv6. It may be taken a moment later. */
gboolean scope_udp_port_free (guint16 port);

/* A port that is free on IPv4 and IPv6; 0 when there is none. */
guint16 scope_udp_port_pick (void);
