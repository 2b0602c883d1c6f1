/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-prefix: an IPv4 or IPv6 address with a prefix length (CIDR, RFC 4632 and RFC 4291 §2.3):
 * allowed IPs, interface addresses, routes. Host bits are kept; mask them where a network is meant.
 */
#pragma once

#include <glib.h>
#include <sys/socket.h>

#define SCOPE_PREFIX_STRLEN 50 /* longest text with the final NUL */

/**
 * ScopePrefix:
 * @family: AF_INET or AF_INET6
 * @len: prefix length in bits, 0 to 32 or 128
 * @addr: network byte order; the first 4 bytes for IPv4, the rest zero
 */
typedef struct {
  guint8 family;
  guint8 len;
  guint8 addr[16];
} ScopePrefix;

/**
 * scope_prefix_parse:
 * @prefix: (out): the result
 * @text: "10.0.0.1/32", "fd00::/64", or a bare address (full length)
 *
 * Returns: %FALSE when @text is anything else
 */
gboolean scope_prefix_parse (ScopePrefix *prefix, const char *text);

/* out: at least SCOPE_PREFIX_STRLEN bytes; returns out */
char *scope_prefix_format (const ScopePrefix *prefix, char *out);

/* The address alone, newly allocated. */
char *scope_prefix_address (const ScopePrefix *prefix);

/**
 * scope_prefix_parse_list:
 * @text: prefixes, each separated by a comma, spaces or both; "" and "(none)" are an empty list
 * @max: most entries to accept
 * @error: SCOPE_ERROR_INVALID, naming the entry
 *
 * Returns: (transfer full) (element-type ScopePrefix): an array, or %NULL with @error set
 */
GArray *scope_prefix_parse_list (const char *text, guint max, GError **error);

/* "a/len,b/len" as `wg show` has it without the spaces */
char *scope_prefix_format_list (const GArray *prefixes);

void scope_prefix_mask (ScopePrefix *prefix);
gboolean scope_prefix_equal (const ScopePrefix *a, const ScopePrefix *b);
gboolean scope_prefix_list_equal (const GArray *a, const GArray *b);
int scope_prefix_compare (gconstpointer a, gconstpointer b);

/* For a GHashTable with prefixes as keys. */
guint scope_prefix_hash (gconstpointer prefix);
gboolean scope_prefix_same (gconstpointer a, gconstpointer b);

/* Whether @inner lies wholly in @outer (same family). */
gboolean scope_prefix_contains (const ScopePrefix *outer, const ScopePrefix *inner);
