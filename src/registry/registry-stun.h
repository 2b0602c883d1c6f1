/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-stun: the registry's STUN server on UDP (RFC 8489, binding requests only): tells who asks where the question
 * came from, so that peers of a network without relays learn how their NAT maps them. Stateless but for the rate limit.
 */
#pragma once

#include "registry/registry-config.h"

typedef struct _RegistryStun RegistryStun;

RegistryStun *registry_stun_new (void);
void registry_stun_free (RegistryStun *stun);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RegistryStun, registry_stun_free)

/**
 * registry_stun_prepare:
 * @error: SCOPE_ERROR_TAKEN or SCOPE_ERROR_FAILED: an address that the configuration asks for cannot be had. Where it
 *   only is the default, that is a warning in the log
 *
 * Opens what a new configuration needs. Nothing that is served changes before registry_stun_configure(), or ever, after
 * registry_stun_abandon().
 */
gboolean registry_stun_prepare (RegistryStun *stun, const RegistryConfig *config, GError **error);
void registry_stun_configure (RegistryStun *stun);
void registry_stun_abandon (RegistryStun *stun);

/* What to tell peers (`stun` of the welcome): borrowed, NULL-terminated, until the next configuration. */
const char *const *registry_stun_told (const RegistryStun *stun);
