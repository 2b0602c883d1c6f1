/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-tap: a socket that sees the packets of an interface, as they are from the IP header on. For net/ only.
 */
#pragma once

#include <glib.h>
#include <linux/filter.h>

/**
 * scope_tap_open:
 * @protocol: ETH_P_IPV6: those that come in; ETH_P_ALL: those that go out too
 * @filter: which ones (classic BPF); offset 0 is the IP header
 * @error: SCOPE_ERROR_GONE, SCOPE_ERROR_DENIED or SCOPE_ERROR_FAILED
 *
 * Not for close(): see scope_tap_close().
 *
 * Returns: a descriptor that does not block, or -1
 */
int scope_tap_open (const char *ifname, guint16 protocol, const struct sock_filter *filter, gsize n, GError **error);

/* It sees nothing from now on, and is closed without us: the kernel waits until no processor uses it (measured: 4 to
 * 40 ms), and so would the main loop. */
void scope_tap_close (int fd);
