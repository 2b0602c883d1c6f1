/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trust-fixture: a network of made-up identities for the tests of scope-trust: who signs what.
 */
#pragma once

#include "peer/scope-trust.h"

#define NOW G_GINT64_CONSTANT (1800000000)
#define DAY (24 * 3600)

enum { ROOT = 1, REGISTRY, SELF, ALICE, BOB, CAROL, DAVE, MALLORY, N_PEOPLE };

/* Zero and NULL stand for what is usual: signed by the registry, their own key, the network "home", issued an hour ago,
 * for 20 days; the address 10.77.0.<who>/32. */
typedef struct {
  int signer;
  int who;
  int key;
  const char *ranges;
  ScopeRole role;
  gint64 issued;
  gint64 expires;
  const char *network;
} GrantOf;

typedef struct {
  int signer;
  int who;
  int key;
  const char *ranges;
  ScopeRole role;
  guint64 sequence;
  gint64 issued;
  gint64 expires;
  const char *network;
  const char *endpoints; /* with spaces between; NULL: 192.0.2.<who>:51820 */
  ScopePq pq;
} RecordOf;

/* Made when first asked for, then kept. */
const ScopeIdentity *trust_person (int who);
const char *trust_fingerprint (int who);
ScopeKey trust_key (int who);

/* Envelopes. */
char *trust_grant (GrantOf of);
char *trust_record (RecordOf of);
char *trust_kex (int who, guint64 epoch);
char *trust_kex_issued (int who, guint64 epoch, gint64 issued);
char *trust_delegation (int delegate, guint roles, const char *pool, gint64 issued, gint64 expires);
char *trust_revocation (guint64 counter, const char *const *fingerprints);
char *trust_kill (int signer, const char *network, guint64 counter, gint64 issued);
char *trust_sign (int signer, const char *typ, char *payload);

#define GRANT(...) trust_grant ((GrantOf) { __VA_ARGS__ })
#define RECORD(...) trust_record ((RecordOf) { __VA_ARGS__ })

/* Takes @grant and @record (nullable). */
ScopeV1Entry *trust_entry (int key, char *grant, char *record);

/* SELF's, of "home" and ROOT. */
ScopeTrust *trust_new (ScopePq pq);

/* The same, with the root, the registry's delegation (10.77.0.0/16, fd77::/64; edge and relay) and our own grant. */
ScopeTrust *trust_ready (ScopePq pq);
