/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-wg-netlink-decode: what netlink sends, attribute by attribute. Every length is checked against what
 * is there. With it is made scope_wg_device_parse_netlink(), which scope-wg.h has; no socket comes in here.
 *
 * Errors are SCOPE_ERROR_PROTOCOL and name the field.
 */
#pragma once

#include <glib.h>

/**
 * ScopeNlSpan:
 * @data: (nullable): borrowed from the message; %NULL when it is not there
 */
typedef struct {
  const guint8 *data;
  gsize len;
} ScopeNlSpan;

/* The error for a field of @len bytes that makes no sense. Returns: %FALSE */
gboolean scope_nl_bad_field (GError **error, const char *field, gsize len);

/* Takes the next attribute from the front of @rest. */
gboolean scope_nl_next (ScopeNlSpan *rest, const char *field, guint16 *type, ScopeNlSpan *payload, GError **error);

/**
 * scope_nl_table:
 * @table: (out): @max + 1 spans: attributes by type; the last one of a type counts, unknown types are ignored
 */
gboolean scope_nl_table (ScopeNlSpan rest, const char *field, ScopeNlSpan *table, guint max, GError **error);

/* Copies a value of exactly @size bytes, if it is there; else leaves @out as it is. */
gboolean scope_nl_take (const ScopeNlSpan *span, const char *field, gpointer out, gsize size, GError **error);
