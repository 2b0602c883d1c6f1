/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-nat: what kind of NAT we are behind, from what STUN servers saw. Pure. Each address family by itself.
 */
#pragma once

#include "common/scope-endpoint.h"
#include "wire/scope-punch-message.h"

/**
 * ScopeNatSample:
 * @server: who was asked
 * @local: our address and port on the way there; AF_UNSPEC when there was no way
 * @mapped: what it saw; AF_UNSPEC when it did not answer
 */
typedef struct {
  ScopeSockaddr server;
  ScopeSockaddr local;
  ScopeSockaddr mapped;
} ScopeNatSample;

/**
 * ScopeNat:
 * @port_preserved: every mapping has our own port
 * @servers: hosts that answered
 * @mappings: different ones
 * @mapped: the reflexive endpoint: of the first sample that answered, one behind a NAT before one that is not;
 *   AF_UNSPEC for none
 */
typedef struct {
  ScopeNatKind kind;
  gboolean port_preserved;
  guint servers;
  guint mappings;
  ScopeSockaddr mapped;
} ScopeNat;

/**
 * scope_nat_classify:
 * @family: AF_INET or AF_INET6: samples of the other are left out
 *
 * A server on our side of the NAT (which sees us as we are) says nothing about it when another one sees us mapped.
 * Samples without a way there do not count: without any that has one the family is not there, and the kind is unknown.
 */
ScopeNat scope_nat_classify (int family, const ScopeNatSample *samples, guint n);
