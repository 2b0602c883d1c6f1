/* SPDX-License-Identifier: GPL-3.0-or-later */
/* registry-config-private: between registry-config.c, registry-config-networks.c, registry-config-stun.c and
 * registry-network-file.c. */
#pragma once

#include "registry/registry-parse.h"

/* Members networks, self and heartbeat of @root, into @config. */
void registry_networks_parse (RegistryParse *parse, JsonObject *root, RegistryConfig *config);

/* Member stun of @root, into @config, which has listen. */
void registry_stun_parse (RegistryParse *parse, JsonObject *root, RegistryConfig *config);

void registry_network_config_free (RegistryNetworkConfig *network);

/* @error: names the file. Secrets may be in it: others may not read it then. */
RegistryNetworkFile *registry_network_file_load (const RegistryNetworkConfig *network, GError **error);
