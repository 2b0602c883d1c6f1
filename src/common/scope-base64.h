/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-base64: base64 (RFC 4648 §4) and base64url (§5), without padding, one text for each value: the bits
 * that the last character has too many are zero. Takes the same time for all values of a length, since
 * secrets pass here too.
 */
#pragma once

#include <glib.h>

/* Characters that @len bytes become, without the final NUL. */
#define SCOPE_BASE64_CHARS(len) (((len) * 8 + 5) / 6)

/* @out: at least SCOPE_BASE64_CHARS (@len) + 1 bytes; returns @out */
char *scope_base64_encode (const guint8 *bytes, gsize len, char *out);
char *scope_base64url_encode (const guint8 *bytes, gsize len, char *out);

/**
 * scope_base64_decode:
 * @text: @chars characters of either alphabet
 * @out: (out): @chars * 6 / 8 bytes, cleared when the text is wrong
 *
 * Returns: whether @text is base64 or base64url, or a mixture
 */
gboolean scope_base64_decode (const char *text, gsize chars, guint8 *out);

/* The same, but of base64url alone. */
gboolean scope_base64url_decode (const char *text, gsize chars, guint8 *out);

/* @text: NUL-terminated; @len: bytes that it must be */
gboolean scope_base64url_decode_exact (const char *text, guint8 *out, gsize len);
