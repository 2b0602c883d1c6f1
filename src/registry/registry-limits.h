/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-limits: who the client is behind proxies, how many connections it holds, and how fast it
 * may ask. IPv6 clients count per /64, since one host has as many addresses there as it likes.
 */
#pragma once

#include "registry/registry-config.h"

/* Most addresses to tell apart; the rest share one account. */
#define REGISTRY_LIMITS_MAX_ADDRESSES 65536

typedef struct _RegistryAccounts RegistryAccounts;

RegistryAccounts *registry_accounts_new (void);
void registry_accounts_free (RegistryAccounts *accounts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RegistryAccounts, registry_accounts_free)

/* As a full-length prefix; IPv4-mapped addresses as IPv4. */
ScopePrefix registry_address_from_inet (GInetAddress *address);

/**
 * registry_accounts_connect:
 *
 * Counts one more connection of @key; registry_accounts_disconnect() gives it back.
 *
 * Returns: %FALSE, and nothing is counted, when it holds too many
 */
gboolean registry_accounts_connect (RegistryAccounts *accounts, const RegistryConfig *config, const ScopePrefix *key);
void registry_accounts_disconnect (RegistryAccounts *accounts, const ScopePrefix *key);

/**
 * registry_accounts_request:
 * @now: monotonic time, µs
 *
 * Returns: 0 to go on, else the seconds after which the client may ask again
 */
guint registry_accounts_request (RegistryAccounts *accounts, const RegistryConfig *config, const ScopePrefix *key,
                                 gint64 now);

/* As registry_accounts_request(), for something that costs as much as @cost requests. */
guint registry_accounts_charge (RegistryAccounts *accounts, const RegistryConfig *config, const ScopePrefix *key,
                                guint cost, gint64 now);

/* Forgets accounts without connections whose bucket is full again. */
void registry_accounts_sweep (RegistryAccounts *accounts, const RegistryConfig *config, gint64 now);

guint registry_accounts_size (const RegistryAccounts *accounts);

/* Whether X-Forwarded-For from this address is believed. */
gboolean registry_is_trusted_proxy (const RegistryConfig *config, const ScopePrefix *address);

/**
 * registry_client_address:
 * @peer: who is connected, a full-length prefix
 * @forwarded: (nullable): X-Forwarded-For, all of them joined by commas
 *
 * The rightmost hop that is not a trusted proxy; @peer itself unless that is one. A hop that is not
 * an address ends the search: what is left of it could have been written by anybody.
 */
ScopePrefix registry_client_address (const RegistryConfig *config, const ScopePrefix *peer, const char *forwarded);

/* A bucket that fills by so much a second, up to @burst; zero-initialised it is full. */
typedef struct {
  double tokens;
  gint64 stamp;
} RegistryBucket;

/* @now: monotonic time, µs. FALSE: there is not enough in it, and nothing was taken. */
gboolean registry_bucket_take (RegistryBucket *bucket, double cost, double per_second, double burst, gint64 now);
