/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-record: what peers sign themselves: records, the proof of a hello, keys and ciphertexts of an
 * epoch (data/protocol.md, sections 4 to 6). Form and signature; whether it is granted, see scope_record_granted().
 */
#pragma once

#include "common/scope-pq.h"
#include "crypto/scope-authority.h"
#include "crypto/scope-kem.h"

#define SCOPE_RECORD_MAX_ENDPOINTS 16
#define SCOPE_RECORD_MAX_SECONDS (30 * 24 * 3600)

/**
 * ScopeRecord:
 * @ranges: (element-type ScopePrefix)
 * @endpoints: NULL-terminated
 * @attachment: zero for none
 */
typedef struct {
  char *network;
  ScopeKey key;
  guint64 sequence;
  gint64 issued;
  gint64 expires;
  ScopeRole role;
  GArray *ranges;
  char **endpoints;
  ScopeKey attachment;
  ScopePq pq;
} ScopeRecord;

ScopeRecord *scope_record_new (const char *network);
void scope_record_free (ScopeRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeRecord, scope_record_free)

char *scope_record_format (const ScopeRecord *record);

/* Verifies signature, form and times. */
ScopeRecord *scope_record_verify (const ScopeJws *jws, const char *network, const ScopeIdentityPublic *identity,
                                  gint64 now, GError **error);

/* SCOPE_ERROR_DENIED, naming the field, unless key, role and ranges are within @grant. */
gboolean scope_record_granted (const ScopeRecord *record, const ScopeGrant *grant, GError **error);

/* The proof of a hello. @key: (out) */
char *scope_hello_format (const char *network, const char *nonce, const ScopeKey *key, gint64 issued);
gboolean scope_hello_verify (const ScopeJws *jws, const char *network, const char *nonce,
                             const ScopeIdentityPublic *identity, ScopeKey *key, GError **error);

typedef struct {
  ScopeKey key;
  guint64 epoch;
  guint8 kem[SCOPE_KEM_PUBLIC_LEN];
  gint64 issued;
} ScopeKexKey;

char *scope_kex_key_format (const char *network, const ScopeKexKey *key);

/* @out: (out); @key: whose it must be */
gboolean scope_kex_key_verify (const ScopeJws *jws, const char *network, const ScopeIdentityPublic *identity,
                               const ScopeKey *key, ScopeKexKey *out, GError **error);

typedef struct {
  ScopeKey from;
  ScopeKey to;
  guint64 epoch;
  guint8 kem_digest[32];
  guint8 ct[SCOPE_KEM_CIPHERTEXT_LEN];
  gint64 issued;
} ScopeKexCt;

char *scope_kex_ct_format (const char *network, const ScopeKexCt *ct);
gboolean scope_kex_ct_verify (const ScopeJws *jws, const char *network, const ScopeIdentityPublic *identity,
                              const ScopeKey *from, const ScopeKey *to, ScopeKexCt *out, GError **error);
