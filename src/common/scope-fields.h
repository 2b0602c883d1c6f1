/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-fields: the members of a JSON object, one by one, each as what it must be (data/protocol.md, section 1).
 * Readers set SCOPE_ERROR_PROTOCOL, naming the field: "hello.identity: missing".
 */
#pragma once

#include "common/scope-key.h"

#include <json-glib/json-glib.h>

#define SCOPE_FIELDS_INTEGER_MAX (G_GINT64_CONSTANT (1) << 53) /* what every JSON reader has exactly (RFC 7493 §2.2) */

/**
 * ScopeFields:
 * @object: borrowed
 * @where: what it is, for errors: "hello", "roster.peers"
 */
typedef struct {
  JsonObject *object;
  const char *where;
} ScopeFields;

/* Sets @error to "where.name: …". Returns FALSE. */
gboolean scope_fields_wrong (const ScopeFields *fields, const char *name, GError **error, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

/* The same for "where.name[i]: …" */
gboolean scope_fields_wrong_element (const ScopeFields *fields, const char *name, guint i, GError **error,
                                     const char *format, ...) G_GNUC_PRINTF (5, 6);

/* Whether it is there and not null. */
gboolean scope_fields_has (const ScopeFields *fields, const char *name);

/* A member that must be there. Borrowed; NULL on error. @max: bytes, characters, elements or members. */
const char *scope_fields_string (const ScopeFields *fields, const char *name, gsize max, GError **error);
JsonObject *scope_fields_object (const ScopeFields *fields, const char *name, guint max, GError **error);
JsonArray *scope_fields_array (const ScopeFields *fields, const char *name, guint max, GError **error);

/* An array's element, which must be a string. Borrowed; NULL on error. */
const char *scope_fields_element (const ScopeFields *fields, const char *name, JsonArray *array, guint i, gsize max,
                                  GError **error);

gboolean scope_fields_boolean (const ScopeFields *fields, const char *name, gboolean *value, GError **error);
gboolean scope_fields_integer (const ScopeFields *fields, const char *name, gint64 min, gint64 max, gint64 *value,
                               GError **error);

/* From 0 to SCOPE_FIELDS_INTEGER_MAX */
gboolean scope_fields_count (const ScopeFields *fields, const char *name, guint64 *value, GError **error);

/* A WireGuard key: base64 with padding, as `wg` writes it. */
gboolean scope_fields_key (const ScopeFields *fields, const char *name, ScopeKey *key, GError **error);
gboolean scope_fields_key_text (ScopeKey *key, const char *text);

/* Base64url of exactly @len bytes */
gboolean scope_fields_bytes (const ScopeFields *fields, const char *name, guint8 *bytes, gsize len, GError **error);

/* (transfer full) (element-type ScopePrefix): with a length, host bits zero, none twice */
GArray *scope_fields_prefixes (const ScopeFields *fields, const char *name, guint max, GError **error);

/* (transfer full): NULL-terminated, at most @max endpoints */
char **scope_fields_endpoints (const ScopeFields *fields, const char *name, guint max, GError **error);

/*
 * Writing: each of these appends a member to an object that is open ("{" was written), with a comma where one is
 * needed. Names are ours and have nothing to escape.
 */
void scope_fields_put_separator (GString *out);
void scope_fields_put_name (GString *out, const char *name);
void scope_fields_put_string (GString *out, const char *name, const char *value);
void scope_fields_put_integer (GString *out, const char *name, guint64 value);
void scope_fields_put_boolean (GString *out, const char *name, gboolean value);
void scope_fields_put_key (GString *out, const char *name, const ScopeKey *key);
void scope_fields_put_bytes (GString *out, const char *name, const guint8 *bytes, gsize len);
void scope_fields_put_prefixes (GString *out, const char *name, const GArray *prefixes);
void scope_fields_put_strings (GString *out, const char *name, char **strings); /* NULL: none */
