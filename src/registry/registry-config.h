/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-config: registry.json, a superset of 0.0.x's. Each problem is reported with its line and
 * the field's path, all of them at once; unknown keys are warnings. See scope-registry.json(5).
 */
#pragma once

#include "common/scope-key.h"
#include "common/scope-prefix.h"
#include "crypto/scope-authority.h"

#include <gio/gio.h>

#define REGISTRY_CONFIG_MAX_BYTES (256 * 1024)
#define REGISTRY_MAX_NETWORKS 256
#define REGISTRY_MAX_LISTED 16384
#define REGISTRY_EPOCH_SECONDS 3600
#define REGISTRY_CARRY_QUEUE_MAX (1024 * 1024)
#define REGISTRY_MAX_STUN 16

/**
 * RegistryLimits:
 * @connections: in all; 0 for as many as file descriptors allow
 * @connections_per_address: per client address (IPv6: per /64), 0 for no limit
 * @requests_per_minute: per client address, also the most at once; 0 for no limit
 * @loopback_limited: whether the two above also hold for loopback, where a reverse proxy that is not
 *   in trustedProxies hides everybody behind one address: only when they are written in the file
 * @body_bytes: of a request
 * @frame_bytes: of a WebSocket message
 * @queue_bytes: waiting for a WebSocket that does not read
 * @idle_seconds: keep-alive without a request, WebSocket without a sign of life
 * @request_seconds: from the first byte to the last of one request
 */
typedef struct {
  guint connections;
  guint connections_per_address;
  guint requests_per_minute;
  gboolean loopback_limited;
  guint body_bytes;
  guint frame_bytes;
  guint queue_bytes;
  guint idle_seconds;
  guint request_seconds;
} RegistryLimits;

/**
 * RegistryCarrying:
 * @sessions: that carry packets at once; 0: none, it is switched off
 * @links: of one session, each a UDP socket
 * @bytes_per_second: of one session, each way; 0 for no limit
 * @queue_bytes: waiting for a session that does not read; what does not fit is dropped
 * @idle_seconds: a link, or a session, without a packet
 * @private: also to relays at private addresses where the registry does not see them itself
 */
typedef struct {
  guint sessions;
  guint links;
  guint bytes_per_second;
  guint queue_bytes;
  guint idle_seconds;
  gboolean private;
} RegistryCarrying;

/* How strangers may become members of a v1 network: bits. */
typedef enum {
  REGISTRY_ADMISSION_LISTED = 1 << 0,
  REGISTRY_ADMISSION_TOKEN = 1 << 1,
  REGISTRY_ADMISSION_GRANTED = 1 << 2,
} RegistryAdmission;

/* @name: (nullable) */
typedef struct {
  ScopeRole role;
  char *name;
} RegistryListed;

/**
 * RegistryNetworkFile:
 * @root: the network's root key
 * @prefixes: (element-type ScopePrefix): masked
 * @delegate: (nullable): the registry's own key, to grant with
 * @delegation: (nullable): envelope: what the root lets it grant
 *
 * What `scopectl network create` writes for a registry.
 */
typedef struct {
  char *network;
  ScopeIdentityPublic *root;
  GArray *prefixes;
  ScopeIdentity *delegate;
  char *delegation;
} RegistryNetworkFile;

/* @error: SCOPE_ERROR_INVALID, naming the field */
RegistryNetworkFile *registry_network_file_parse (const char *text, gsize len, GError **error);
void registry_network_file_free (RegistryNetworkFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RegistryNetworkFile, registry_network_file_free)

/**
 * RegistryNetworkConfig:
 * @name: the network's name
 * @interface: (nullable): WireGuard interface to read for 0.0.x clients; @name where it is given as in 0.0.x
 * @heartbeat: seconds
 * @end: (nullable): the root's public endpoint
 * @ranges: (element-type ScopePrefix) (nullable): the root's ranges
 * @path: (nullable): of @file; only v1 networks have one
 * @file: (nullable): loaded by registry_config_load()
 * @admission: RegistryAdmission bits
 * @listed: (element-type ScopeKey RegistryListed) (nullable)
 * @killed: switched off
 */
typedef struct {
  char *name;
  char *interface;
  guint heartbeat;
  char *end;
  GArray *ranges;
  char *path;
  RegistryNetworkFile *file;
  guint admission;
  GHashTable *listed;
  guint epoch_seconds;
  gboolean killed;
} RegistryNetworkConfig;

/**
 * RegistryConfig:
 * @prefix: path prefix without a trailing slash, "" for none
 * @networks: (element-type RegistryNetworkConfig): in the order of the file
 * @tls_certificate, @tls_key: (nullable): PEM files
 * @trusted_proxies: (element-type ScopePrefix): masked
 * @state_directory: (nullable): for what must survive a restart
 * @stun_listen: (element-type GInetAddress): of the STUN server; empty for none
 * @stun_port: UDP; 0: any
 * @stun_required: the file asks for it: without its sockets there is no registry
 */
typedef struct {
  GInetAddress *listen;
  guint16 listen_port;
  char *prefix;
  GPtrArray *networks;
  char *tls_certificate;
  char *tls_key;
  GArray *trusted_proxies;
  char *state_directory;
  GPtrArray *stun_listen;
  guint16 stun_port;
  gboolean stun_required;
  RegistryLimits limits;
  RegistryCarrying carry;
} RegistryConfig;

/**
 * RegistryProblem:
 * @line: from 1; 0 when it is about the file itself
 * @field: path of the member, such as "self.interface-1.end"; "" for the whole
 */
typedef struct {
  gboolean warning;
  guint line;
  char *field;
  char *message;
} RegistryProblem;

/* An array for registry_config_parse() to fill. */
GPtrArray *registry_problems_new (void);

/* "FILE:LINE: field: message", newly allocated */
char *registry_problem_format (const RegistryProblem *problem, const char *file);

/**
 * registry_config_parse:
 * @base: (nullable): directory that relative file names in @text are relative to
 * @problems: (element-type RegistryProblem): grows, by line
 *
 * Touches no file.
 *
 * Returns: (transfer full): %NULL when a problem is more than a warning
 */
RegistryConfig *registry_config_parse (const char *text, gsize len, const char *base, GPtrArray *problems);

/**
 * registry_config_load:
 *
 * Reads, parses, and tries the files that it names.
 */
RegistryConfig *registry_config_load (const char *path, GPtrArray *problems);

void registry_config_free (RegistryConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RegistryConfig, registry_config_free)

const RegistryNetworkConfig *registry_config_find (const RegistryConfig *config, const char *network);
