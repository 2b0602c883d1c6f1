/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl-echo: one ICMP echo after the other (RFC 792, RFC 4443), each waited for. Without privileges where the kernel has ping sockets
 * for everybody (net.ipv4.ping_group_range), else as root. */
#pragma once

#include <glib.h>

typedef struct _CtlEcho CtlEcho;

/**
 * ctl_echo_new:
 * @address: numeric
 * @error: SCOPE_ERROR_INVALID for what is no address, SCOPE_ERROR_DENIED without the right to ping, SCOPE_ERROR_FAILED
 */
CtlEcho *ctl_echo_new (const char *address, GError **error);
void ctl_echo_free (CtlEcho *echo);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlEcho, ctl_echo_free)

/* Microseconds there and back; -1 when no answer came within @timeout_ms. A router's complaint is no answer. */
gint64 ctl_echo_ask (CtlEcho *echo, guint timeout_ms);
