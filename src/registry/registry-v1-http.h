/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-v1-http: GET and POST of a v1 network (data/protocol.md, section 7): who its root is, and what the
 * root has to say, answered when it is stored.
 */
#pragma once

#include "registry/registry-v1.h"

#include <libsoup/soup.h>

#define REGISTRY_V1_POST_MAX (64 * 1024)

void registry_v1_http_get (RegistryMesh *mesh, SoupServerMessage *message);

/* @client: pays for what is wrong. @mesh may be gone after it. */
void registry_v1_http_post (RegistryV1 *v1, RegistryMesh *mesh, SoupServerMessage *message, const ScopePrefix *client);
