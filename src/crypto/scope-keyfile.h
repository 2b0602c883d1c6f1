/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-keyfile: the root key at rest: an identity encrypted with a passphrase, in a JSON file that says whose it is.
 *
 *   {"version":1,"network":"home","registry":"https://…","identity":"<public>",
 *    "kdf":{"name":"argon2id","memory":65536,"passes":3,"lanes":4,"salt":"…","check":"…"},
 *    "nonce":"…","ciphertext":"…"}
 *
 * Argon2id (RFC 9106, its second recommended choice) makes 48 bytes of the passphrase: the key of AES-256-GCM, and 16
 * that stand in the file as "check", so that a wrong passphrase can be told from a damaged file. Everything that the
 * file says is bound as associated data: nobody makes the root sign for another network, or send to another registry.
 */
#pragma once

#include "crypto/scope-identity.h"

#define SCOPE_KEYFILE_VERSION 1
#define SCOPE_KEYFILE_MAX_BYTES (16 * 1024)

/**
 * ScopeKeyfile:
 * @registry: (nullable): URLs that statements of this root go to
 * @identity: the root's public half; what is below is this module's own
 */
typedef struct {
  char *network;
  char *registry;
  ScopeIdentityPublic *identity;
  guint32 memory; /* KiB */
  guint32 passes;
  guint32 lanes;
  guint8 salt[16];
  guint8 check[16];
  guint8 nonce[12];
  guint8 ciphertext[SCOPE_IDENTITY_SECRET_LEN + 16]; /* with the tag */
} ScopeKeyfile;

void scope_keyfile_free (ScopeKeyfile *keyfile);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeKeyfile, scope_keyfile_free)

/**
 * scope_keyfile_seal:
 * @registry: (nullable)
 * @passphrase: any length but 0, taken byte for byte
 *
 * Takes some 200 ms and 64 MiB.
 *
 * Returns: (transfer full): encrypted
 */
ScopeKeyfile *scope_keyfile_seal (const char *network, const char *registry, const ScopeIdentity *identity,
                                  const char *passphrase, GError **error);

/* The file's content. */
char *scope_keyfile_format (const ScopeKeyfile *keyfile);

/**
 * scope_keyfile_parse:
 * @error: SCOPE_ERROR_INVALID, naming the field; SCOPE_ERROR_UNSUPPORTED for a later version or another KDF
 */
ScopeKeyfile *scope_keyfile_parse (const char *text, gsize len, GError **error);

/**
 * scope_keyfile_open:
 * @error: SCOPE_ERROR_DENIED: wrong passphrase; SCOPE_ERROR_INVALID: it is right, but the file was damaged or changed
 *
 * Returns: (transfer full): the secret
 */
ScopeIdentity *scope_keyfile_open (const ScopeKeyfile *keyfile, const char *passphrase, GError **error);
