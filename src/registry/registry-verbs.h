/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-verbs: what the API does, see scope-registry(8): the networks that are served, and the
 * answers to who asks for them. Who may ask, and how a request comes here, is registry-server's.
 */
#pragma once

#include "registry/registry-config.h"
#include "registry/registry-messages.h"
#include "registry/registry-network.h"
#include "registry/registry-path.h"

#include <libsoup/soup.h>

typedef struct _RegistryVerbs RegistryVerbs;

/* @messages: borrowed: hears of updates */
RegistryVerbs *registry_verbs_new (RegistryReadFunc read, RegistryMessages *messages);
void registry_verbs_free (RegistryVerbs *verbs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RegistryVerbs, registry_verbs_free)

/* @config: borrowed until the next call; networks that it still names keep what is known of them */
void registry_verbs_configure (RegistryVerbs *verbs, const RegistryConfig *config);

/* Borrowed; NULL for a network that is not served. */
RegistryNetwork *registry_verbs_get_network (const RegistryVerbs *verbs, const char *name);

void registry_verbs_networks (RegistryVerbs *verbs, SoupServerMessage *message);

/**
 * registry_verbs_get:
 * @wait: (inout): 0; set to the milliseconds after which to ask again when a device must not be read
 *   yet: nothing is answered then
 */
void registry_verbs_get (RegistryVerbs *verbs, SoupServerMessage *message, const RegistryPath *path, guint *wait);

/* Both GET and PUT; @links as in registry_detail_get(), @wait as in registry_verbs_get(). */
void registry_verbs_detail (RegistryVerbs *verbs, SoupServerMessage *message, const RegistryPath *path,
                            const GArray *links, guint *wait);

/* Tells all WebSockets; @wait as in registry_verbs_get(). */
void registry_verbs_update (RegistryVerbs *verbs, SoupServerMessage *message, const RegistryPath *path, guint *wait);
