/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-channel: link messages (data/protocol.md, section 9): JSON frames in UDP packets from link address to link
 * address inside the tunnel. Whom one is from, WireGuard vouches for.
 *
 * Packets are taken from the interface before any firewall sees them, so a restrictive zone does not cut peers off; a
 * process is woken by nothing but messages for us.
 */
#pragma once

#include "common/scope-key.h"

#include <json-glib/json-glib.h>

#define SCOPE_CHANNEL_PORT 51819
#define SCOPE_CHANNEL_MAX 1200     /* bytes of a message that is no probe */
#define SCOPE_CHANNEL_MAX_PEERS 16384

typedef struct _ScopeChannel ScopeChannel;

/**
 * ScopeChannelFunc:
 * @from: a peer that the channel was told of
 * @type: "probe", "punch.call", …
 * @message: the frame's data ("d")
 * @text: the whole frame, @len bytes, NUL-terminated: for scope_v1_parse() or to pass it on
 *
 * May not free the channel.
 */
typedef void (*ScopeChannelFunc) (const ScopeKey *from, const char *type, JsonObject *message, const char *text, gsize len,
                                  gpointer data);

/**
 * scope_channel_new:
 * @ifname: a tunnel's interface, up; no link-layer header
 * @own: our WireGuard public key, whose link address the interface has
 * @error: SCOPE_ERROR_GONE without that interface, SCOPE_ERROR_DENIED without CAP_NET_RAW, SCOPE_ERROR_TAKEN when
 *   somebody has the port
 */
ScopeChannel *scope_channel_new (const char *ifname, const ScopeKey *own, ScopeChannelFunc func, gpointer data,
                                 GError **error);
void scope_channel_free (ScopeChannel *channel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeChannel, scope_channel_free)

/* The peers that WireGuard has with their link address; messages of others are dropped. At most SCOPE_CHANNEL_MAX_PEERS. */
void scope_channel_set_peers (ScopeChannel *channel, const ScopeKey *peers, gsize n);

/**
 * scope_channel_send:
 * @to: any key: WireGuard decides whether it has a peer of that link address
 * @error: SCOPE_ERROR_INVALID when it is too long, else SCOPE_ERROR_FAILED: what the kernel said. A packet that is sent
 *   may still get lost
 *
 * A link without a WireGuard session makes WireGuard begin a handshake.
 */
gboolean scope_channel_send (ScopeChannel *channel, const ScopeKey *to, const char *text, gsize len, GError **error);
