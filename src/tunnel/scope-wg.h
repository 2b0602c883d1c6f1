/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-wg: a WireGuard device as it is (read) and as it should be (apply the difference), over the
 * kernel's generic netlink or the UAPI socket of a userspace implementation; never by running `wg`.
 *
 * Calls are synchronous: the kernel answers at once, a UAPI socket is given one second.
 */
#pragma once

#include "common/scope-endpoint.h"
#include "common/scope-key.h"
#include "common/scope-prefix.h"

typedef enum {
  SCOPE_WG_KERNEL, /* generic netlink family "wireguard" */
  SCOPE_WG_UAPI,   /* /var/run/wireguard/<interface>.sock */
} ScopeWgBackend;

/**
 * ScopeWgPeer:
 * @handshake_usec: time of the last handshake, µs since 1970, 0 for never
 * @rx_bytes, @tx_bytes: since the peer was added
 * @keepalive: persistent keepalive in seconds, 0 for off
 * @allowed: (element-type ScopePrefix): masked, sorted
 * @preshared: all zero for none
 */
typedef struct {
  ScopeKey pub;
  ScopeKey preshared;
  ScopeSockaddr endpoint;
  gint64 handshake_usec;
  guint64 rx_bytes;
  guint64 tx_bytes;
  guint16 keepalive;
  GArray *allowed;
} ScopeWgPeer;

ScopeWgPeer *scope_wg_peer_new (const ScopeKey *pub);
void scope_wg_peer_free (ScopeWgPeer *peer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeWgPeer, scope_wg_peer_free)

/**
 * ScopeWgDevice:
 * @pub: own public key, zero when the device has no key yet
 * @peers: (element-type ScopeWgPeer): by key, see scope_wg_device_find()
 */
typedef struct {
  ScopeKey pub;
  guint16 listen_port;
  guint32 fwmark;
  GPtrArray *peers;
  GHashTable *by_key;
} ScopeWgDevice;

ScopeWgDevice *scope_wg_device_new (void);
void scope_wg_device_free (ScopeWgDevice *device);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeWgDevice, scope_wg_device_free)

/* Adds a peer, or returns the one that has this key. Borrowed. */
ScopeWgPeer *scope_wg_device_peer (ScopeWgDevice *device, const ScopeKey *pub);
ScopeWgPeer *scope_wg_device_find (const ScopeWgDevice *device, const ScopeKey *pub);

/**
 * scope_wg_device_read:
 * @ifname: interface name
 * @backend: (out) (optional): where it was found; the kernel is asked first
 * @error: SCOPE_ERROR_GONE when neither knows such a device, SCOPE_ERROR_DENIED without CAP_NET_ADMIN,
 *   SCOPE_ERROR_PROTOCOL for an answer that makes no sense
 */
ScopeWgDevice *scope_wg_device_read (const char *ifname, ScopeWgBackend *backend, GError **error);

/**
 * scope_wg_device_parse_uapi:
 * @text: the answer to "get=1", up to and without the empty line that ends it
 *
 * The decoder alone, for tests and fuzzing.
 */
ScopeWgDevice *scope_wg_device_parse_uapi (const char *text, gsize len, GError **error);

/**
 * scope_wg_device_parse_netlink:
 * @device: grows with each message; a peer may go on in the next one
 * @message: one nlmsghdr with its payload, @len bytes in all (WG_CMD_GET_DEVICE's answer)
 *
 * The decoder alone, for tests and fuzzing.
 */
gboolean scope_wg_device_parse_netlink (ScopeWgDevice *device, gconstpointer message, gsize len, GError **error);

/**
 * ScopeWgChange:
 * @remove: take the peer away (the rest is ignored)
 * @readd: remove and add it in one batch, which makes a new handshake in milliseconds
 * @set_endpoint, @set_keepalive, @set_allowed, @set_preshared: which fields of @peer to write; a field
 *   that is not set stays as it is in the device (an endpoint that roamed is never written back)
 */
typedef struct {
  ScopeWgPeer *peer;
  gboolean remove;
  gboolean readd;
  gboolean set_endpoint;
  gboolean set_keepalive;
  gboolean set_allowed;
  gboolean set_preshared;
} ScopeWgChange;

void scope_wg_change_free (ScopeWgChange *change);

/**
 * scope_wg_apply:
 * @changes: (element-type ScopeWgChange): all of them in one batch (several netlink messages when they
 *   do not fit into one; removals come first, so that allowed IPs can move between peers)
 */
gboolean scope_wg_apply (const char *ifname, ScopeWgBackend backend, const GPtrArray *changes, GError **error);

/**
 * scope_wg_configure:
 * @private_key: the device's key
 * @listen_port: UDP port; 0 lets the system choose
 *
 * Returns: %FALSE with SCOPE_ERROR_TAKEN when the port is used by somebody else
 */
gboolean scope_wg_configure (const char *ifname, ScopeWgBackend backend, const ScopeKey *private_key,
                             guint16 listen_port, GError **error);

/* Whether the kernel knows WireGuard (the netlink family is there; asking loads the module). */
gboolean scope_wg_kernel_available (void);
