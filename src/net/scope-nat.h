/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-nat: what kind of NAT we are behind, from what STUN servers saw. Pure. Each address family by itself.
 */
#pragma once

#include "common/scope-endpoint.h"

/**
 * ScopeNatKind:
 * @SCOPE_NAT_UNKNOWN: not enough was heard: one server only, or nobody was asked
 * @SCOPE_NAT_NONE: we are seen with our own address and port
 * @SCOPE_NAT_OPEN: the same mapping towards different hosts: who knows it can send to us (once we have sent there)
 * @SCOPE_NAT_CLOSED: another mapping for every destination: nobody knows it before we have sent to them
 * @SCOPE_NAT_DENY: nobody answered: no UDP here
 */
typedef enum {
  SCOPE_NAT_UNKNOWN,
  SCOPE_NAT_NONE,
  SCOPE_NAT_OPEN,
  SCOPE_NAT_CLOSED,
  SCOPE_NAT_DENY,
} ScopeNatKind;

/* "unknown", "none", "open", "closed", "deny", as in `punch.*` */
const char *scope_nat_to_string (ScopeNatKind kind);

/* What is none of these is SCOPE_NAT_UNKNOWN and FALSE. */
gboolean scope_nat_from_string (const char *text, ScopeNatKind *kind);

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
