/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-settings: the one table of every vpn.data key and secret, and their checked values. Service,
 * editor, import and export take names, types and limits from here; nobody else names a key.
 */
#pragma once

#include "common/scope-key.h"
#include "common/scope-pq.h"
#include "common/scope-prefix.h"

#include <glib.h>

#define SCOPE_NM_SERVICE "org.freedesktop.NetworkManager.scope"

#define SCOPE_SETTING_REGISTRY "registry"
#define SCOPE_SETTING_NETWORK "network"
#define SCOPE_SETTING_NETREG "netreg"
#define SCOPE_SETTING_ROOT "root"
#define SCOPE_SETTING_PQ "pq"
#define SCOPE_SETTING_MODE "mode"
#define SCOPE_SETTING_WIREGUARD "wireguard"
#define SCOPE_SETTING_ENDPOINT "endpoint"
#define SCOPE_SETTING_STUN_SERVERS "stun-servers"
#define SCOPE_SETTING_PUBLIC_KEY "public-key"
#define SCOPE_SETTING_LISTEN_PORT "listen-port"
#define SCOPE_SETTING_ADDRESSES "addresses"
#define SCOPE_SETTING_INTERFACE "interface"
#define SCOPE_SETTING_KEEPALIVE "keepalive"
#define SCOPE_SETTING_MTU "mtu"
#define SCOPE_SETTING_DNS "dns"
#define SCOPE_SETTING_DNS_SEARCH "dns-search"
#define SCOPE_SETTING_ROUTES "routes"
#define SCOPE_SETTING_EXIT "exit"
#define SCOPE_SETTING_MASQUERADE "masquerade"
#define SCOPE_SETTING_PORT_MAPPING "port-mapping"
#define SCOPE_SETTING_TUNNEL "tunnel"
#define SCOPE_SETTING_CARRY "carry"
#define SCOPE_SETTING_CA "ca"
#define SCOPE_SETTING_PRIVATE_KEY "private-key"
#define SCOPE_SETTING_PRESHARED_KEY "preshared-key"
#define SCOPE_SETTING_TOKEN "token"
#define SCOPE_SETTING_IDENTITY "identity"

#define SCOPE_IFNAME_MAX 15 /* bytes; IFNAMSIZ - 1 */
#define SCOPE_SETTING_VALUE_MAX 4096
#define SCOPE_EXIT_DNS_PRIORITY (-50) /* ipv4 and ipv6.dns-priority: below 0 no other name servers are asked */
#define SCOPE_DESCRIPTION_MAX 120 /* characters */
#define SCOPE_MAX_REGISTRIES 16
#define SCOPE_MAX_PREFIXES 256
#define SCOPE_MAX_ENDPOINTS 16

typedef enum {
  SCOPE_TYPE_URLS,      /* http(s) URLs, separated by spaces or commas */
  SCOPE_TYPE_NETWORK,   /* a network's name at the registry */
  SCOPE_TYPE_KEY,       /* base64 WireGuard key */
  SCOPE_TYPE_PORT,      /* 1 to 65535 */
  SCOPE_TYPE_ADDRESSES, /* addresses with prefix length */
  SCOPE_TYPE_IFNAME,    /* interface name */
  SCOPE_TYPE_SECONDS,   /* 0 to 65535 */
  SCOPE_TYPE_MTU,       /* 576 to 65535 */
  SCOPE_TYPE_IPS,       /* addresses without prefix */
  SCOPE_TYPE_DOMAINS,   /* DNS search domains */
  SCOPE_TYPE_PREFIXES,  /* routed networks */
  SCOPE_TYPE_MEMBER,    /* a member's name, or its WireGuard key */
  SCOPE_TYPE_YES_NO,    /* yes, no */
  SCOPE_TYPE_TUNNEL,    /* auto, kernel, userspace */
  SCOPE_TYPE_USE,       /* auto, off, always */
  SCOPE_TYPE_FILE,      /* absolute path */
  SCOPE_TYPE_ROOT,      /* an identity's fingerprint */
  SCOPE_TYPE_PQ,        /* required, preferred, off */
  SCOPE_TYPE_MODE,      /* full, keys-only */
  SCOPE_TYPE_WIREGUARD, /* a connection's UUID, or an interface name */
  SCOPE_TYPE_ENDPOINTS, /* hosts with ports */
  SCOPE_TYPE_TOKEN,     /* 32 bytes in base64url */
  SCOPE_TYPE_IDENTITY,  /* 89 bytes in base64url */
} ScopeSettingType;

/**
 * ScopeSettingInfo:
 * @name: the key in vpn.data or vpn.secrets
 * @label: (translatable): what a person reads
 * @description: (translatable): what it does, its unit and default: one sentence of at most %SCOPE_DESCRIPTION_MAX
 *   characters without a full stop, for a tooltip and for the first line in nm-settings-scope(5)
 */
typedef struct {
  const char *name;
  ScopeSettingType type;
  gboolean required;
  gboolean secret;
  const char *label;
  const char *description;
} ScopeSettingInfo;

/* The table, ended by a row without a name. */
extern const ScopeSettingInfo scope_setting_infos[];

/* NULL when there is no such key */
const ScopeSettingInfo *scope_setting_find (const char *name);

/* Whether this is the "<secret>-flags" key that NetworkManager keeps beside a secret. */
gboolean scope_setting_is_flags (const char *name);

/* Checks one value; the error (SCOPE_ERROR_INVALID) begins with the key's name. */
gboolean scope_setting_check (const ScopeSettingInfo *info, const char *value, GError **error);

/* What the message of an error of these settings says without the key's name before it; NULL when it is not about this one. */
const char *scope_setting_complaint (const ScopeSettingInfo *info, const char *message);

typedef enum {
  SCOPE_TUNNEL_KIND_AUTO,
  SCOPE_TUNNEL_KIND_KERNEL,
  SCOPE_TUNNEL_KIND_USERSPACE,
} ScopeTunnelKind;

/**
 * ScopeUse:
 * @SCOPE_USE_AUTO: where it does not work without
 *
 * Of a thing that has its price.
 */
typedef enum {
  SCOPE_USE_AUTO,
  SCOPE_USE_OFF,
  SCOPE_USE_ALWAYS,
} ScopeUse;

typedef enum {
  SCOPE_MODE_FULL,
  SCOPE_MODE_KEYS_ONLY,
} ScopeMode;

/**
 * ScopeSettings:
 * @registries: base URLs without a trailing slash, tried in order
 * @network: the network's local name
 * @netreg: its name at the registry (@network unless given)
 * @root: (nullable): fingerprint of the root key that the network is pinned to: v1 and nothing else
 * @pq: SCOPE_PQ_REQUIRED with a root, SCOPE_PQ_OFF without one, unless given
 * @wireguard: (nullable): UUID or interface name of the connection that gets keys; set with SCOPE_MODE_KEYS_ONLY only
 * @endpoints: own public endpoints, possibly empty
 * @stun_servers: endpoints of STUN servers to ask where there is no relay, possibly empty
 * @has_public_key: whether @public_key was given (else it follows from the private key)
 * @listen_port: UDP port, 0 to let the service choose one and keep it
 * @addresses: (element-type ScopePrefix): own addresses; empty to take them from the roster
 * @interface: (nullable): wanted interface name
 * @keepalive: seconds, -1 to follow the registry
 * @mtu: bytes, 0 for the tunnel's own
 * @dns, @dns_search: possibly empty
 * @routes: (element-type ScopePrefix): networks to route to the root on top of the listed ranges
 * @exit: (nullable): name or WireGuard key of the member that everything goes through that has no better way
 * @masquerade: as a relay: what leaves the network for elsewhere has this machine's address
 * @port_mapping: whether to ask the router for a way in; AUTO: when nothing else leads to us
 * @ca: (nullable): PEM file to trust for the registry instead of the system's
 * @token: (nullable): what an invite let this machine in with, once
 * @identity: (nullable): secret identity, base64url; the service keeps one of its own otherwise
 */
typedef struct {
  char **registries;
  char *network;
  char *netreg;
  char *root;
  ScopePq pq;
  ScopeMode mode;
  char *wireguard;
  char **endpoints;
  char **stun_servers;
  gboolean has_public_key;
  ScopeKey public_key;
  guint16 listen_port;
  GArray *addresses;
  char *interface;
  int keepalive;
  guint mtu;
  char **dns;
  char **dns_search;
  GArray *routes;
  char *exit;
  gboolean masquerade;
  ScopeUse port_mapping;
  ScopeTunnelKind tunnel;
  ScopeUse carry;
  char *ca;
  gboolean has_private_key;
  ScopeKey private_key;
  gboolean has_preshared_key;
  ScopeKey preshared_key;
  char *token;
  char *identity;
} ScopeSettings;

/**
 * scope_settings_parse:
 * @data: (element-type utf8 utf8): vpn.data
 * @secrets: (element-type utf8 utf8) (nullable): vpn.secrets
 * @error: SCOPE_ERROR_INVALID, naming the key
 *
 * Returns: (transfer full): checked settings, or %NULL
 */
ScopeSettings *scope_settings_parse (GHashTable *data, GHashTable *secrets, GError **error);

void scope_settings_free (ScopeSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeSettings, scope_settings_free)

/* 1 to 15 bytes of letters, digits and "_.-+=@", not ".", "..", "all" or "default" */
gboolean scope_ifname_valid (const char *name);

/* 1 to 64 characters of letters, digits and "_.-+=@", not "." or "..": safe in a URL path and a file name */
gboolean scope_network_name_valid (const char *name);
