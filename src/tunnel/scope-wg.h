/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-wg: a WireGuard device as it is (read) and as it should be (apply the difference), over the
 * kernel's generic netlink or the UAPI socket of a userspace implementation; never by running `wg`.
 *
 * Calls are synchronous: the kernel answers at once, a UAPI socket is given one second.
 *
 * State the peers that are wanted, let scope_wg_diff() find the difference, hand it to scope_wg_apply().
 */
#pragma once

#include "common/scope-endpoint.h"
#include "common/scope-key.h"
#include "common/scope-prefix.h"

/* WireGuard's REJECT_AFTER_TIME, µs: with a handshake older than this the session with a peer is over. */
#define SCOPE_WG_SESSION_USEC (180 * G_USEC_PER_SEC)

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
ScopeWgPeer *scope_wg_peer_copy (const ScopeWgPeer *peer);

/* Brings @allowed into its form: masked, sorted, each prefix once. */
void scope_wg_peer_normalise (ScopeWgPeer *peer);

/* Overwrites the preshared key. */
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
 * @peer: (transfer full): whom to change, and the new values
 * @remove: take the peer away (the rest is ignored)
 * @add: the peer is new and written whole. Without it the peer must exist: one that somebody else took
 *   away stays away
 * @readd: remove and add it whole in one message, which makes a new handshake in milliseconds. @peer is all
 *   that the device will know of it, endpoint included: see scope_wg_change_readd()
 * @set_endpoint, @set_keepalive, @set_allowed, @set_preshared: which fields of @peer to write; a field
 *   that is not set stays as it is in the device (an endpoint that roamed is never written back)
 */
typedef struct {
  ScopeWgPeer *peer;
  gboolean remove;
  gboolean add;
  gboolean readd;
  gboolean set_endpoint;
  gboolean set_keepalive;
  gboolean set_allowed;
  gboolean set_preshared;
} ScopeWgChange;

/* All flags clear. @peer: (transfer full) */
ScopeWgChange *scope_wg_change_new (ScopeWgPeer *peer);
void scope_wg_change_free (ScopeWgChange *change);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeWgChange, scope_wg_change_free)

/**
 * scope_wg_change_readd:
 * @actual: the device as it was read
 * @wanted: the peer as it should be
 *
 * Removing a peer forgets where it is. So the endpoint that the device has now, which may have roamed,
 * wins over the wanted one.
 *
 * Returns: (transfer full)
 */
ScopeWgChange *scope_wg_change_readd (const ScopeWgDevice *actual, const ScopeWgPeer *wanted);

/**
 * scope_wg_diff:
 * @actual: the device as it was read
 * @wanted: (element-type ScopeWgPeer): all peers that it should have; statistics are ignored. An AF_UNSPEC
 *   endpoint means "leave it alone". The first of two entries for one key, and the first of two peers that
 *   claim the same prefix, wins; an entry with the device's own key is dropped, as WireGuard drops it
 * @previous: (nullable) (element-type ScopeWgPeer): what was wanted the last time. The endpoint of a peer that
 *   has one is only written when the wanted one changed since, because the actual one may have roamed
 *
 * The only place that finds a difference. Peers that are not wanted are removed, new ones added whole,
 * others changed only in the fields that differ.
 *
 * Returns: (transfer full) (element-type ScopeWgChange): removals first; empty when nothing is to do
 */
GPtrArray *scope_wg_diff (const ScopeWgDevice *actual, const GPtrArray *wanted, const GPtrArray *previous);

/**
 * scope_wg_diff_keys:
 * @wanted: (element-type ScopeWgPeer): only public and preshared keys count
 *
 * For a device that is somebody else's: the preshared keys of the peers that it has and that are wanted with one.
 * Nobody is added or removed, and no preshared key is taken away.
 *
 * Returns: (transfer full) (element-type ScopeWgChange)
 */
GPtrArray *scope_wg_diff_keys (const ScopeWgDevice *actual, const GPtrArray *wanted);

/**
 * scope_wg_apply:
 * @changes: (element-type ScopeWgChange): all of them in one batch (several netlink messages when they
 *   do not fit into one; removals come first, so that allowed IPs can move between peers)
 * @error: as scope_wg_device_read(), and SCOPE_ERROR_FAILED when WireGuard refuses. Changes before the refused
 *   one may have been made: read the device again and apply the difference
 */
gboolean scope_wg_apply (const char *ifname, ScopeWgBackend backend, const GPtrArray *changes, GError **error);

/**
 * scope_wg_configure:
 * @private_key: the device's key
 * @listen_port: UDP port; 0 lets the system choose
 *
 * Kernel WireGuard takes the port when its interface goes up: while it is down, a port that is used by
 * somebody else shows only then, as the EADDRINUSE of that call. See scope_udp_port_free().
 *
 * Returns: %FALSE with SCOPE_ERROR_TAKEN when the port is used by somebody else; the key is then as it was,
 *   but wireguard-go (0.0.20220316) has closed its old port and shows 0
 */
gboolean scope_wg_configure (const char *ifname, ScopeWgBackend backend, const ScopeKey *private_key,
                             guint16 listen_port, GError **error);

/* What the device's own packets carry, 0 for nothing. Errors as scope_wg_apply(). */
gboolean scope_wg_set_fwmark (const char *ifname, ScopeWgBackend backend, guint32 fwmark, GError **error);

/* Whether the kernel knows WireGuard (the netlink family is there; asking loads the module). */
gboolean scope_wg_kernel_available (void);
