/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-key: a WireGuard key (32 bytes) and its text forms. Base64 as `wg` writes it (44 characters,
 * RFC 4648 §4) and base64url (43 characters without padding, §5), which survives in URL paths.
 * Encoding and decoding take the same time for every key, since private keys pass here too.
 */
#pragma once

#include <glib.h>

#define SCOPE_KEY_LEN 32
#define SCOPE_KEY_BASE64_LEN 44    /* without the final NUL */
#define SCOPE_KEY_BASE64URL_LEN 43 /* without the final NUL */

/**
 * ScopeKey:
 * @bytes: the key
 *
 * A value: copy it by assignment, clear a secret one with scope_key_clear().
 */
typedef struct {
  guint8 bytes[SCOPE_KEY_LEN];
} ScopeKey;

/**
 * scope_key_parse:
 * @key: (out): the key
 * @text: base64 or base64url, padded or not, nothing around it
 *
 * Returns: %FALSE and a cleared @key when @text is not exactly one key
 */
gboolean scope_key_parse (ScopeKey *key, const char *text);

/* out: at least SCOPE_KEY_BASE64_LEN + 1 bytes; returns out */
char *scope_key_to_base64 (const ScopeKey *key, char *out);

/* out: at least SCOPE_KEY_BASE64URL_LEN + 1 bytes; returns out */
char *scope_key_to_base64url (const ScopeKey *key, char *out);

/* GHashTable helpers, and the order that protocol tie-breaks use ("lower key first") */
guint scope_key_hash (gconstpointer key);
gboolean scope_key_equal (gconstpointer a, gconstpointer b);
int scope_key_compare (gconstpointer a, gconstpointer b);

gboolean scope_key_is_zero (const ScopeKey *key);

/* Overwrites the key in a way that the compiler must not remove. */
void scope_key_clear (ScopeKey *key);

/**
 * scope_secret_free:
 * @secret: (nullable): NUL-terminated text, overwritten before it is freed
 */
void scope_secret_free (char *secret);

typedef char ScopeSecret;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeSecret, scope_secret_free)
