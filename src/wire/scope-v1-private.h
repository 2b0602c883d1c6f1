/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of scope-v1 share. */
#pragma once

#include "common/scope-fields.h"
#include "crypto/scope-identity.h"
#include "crypto/scope-jws.h"
#include "wire/scope-carry.h"
#include "wire/scope-v1.h"

#define SCOPE_V1_ENVELOPE_MAX SCOPE_JWS_MAX_BYTES
#define SCOPE_V1_NONCE_LEN 32
#define SCOPE_V1_TOKEN_LEN 32
#define SCOPE_V1_NAME_MAX 64 /* bytes of a type, a generation, a network, an error's code */
#define SCOPE_V1_TEXT_MAX 1024
#define SCOPE_V1_MAX_DELEGATIONS 64
#define SCOPE_V1_MAX_EPOCH_SECONDS (7 * 24 * 3600)
#define SCOPE_V1_MAX_TICKET_SECONDS 3600
#define SCOPE_V1_NPQ_MAX 2
#define SCOPE_V1_PQ_MAX 3

const char *scope_v1_type_name (ScopeV1Type type);
ScopeV1Type scope_v1_type_from_name (const char *name);

/* scope-v1-paths.c: what is said of links; as the static functions of scope-v1-parse.c and scope-v1-format.c. */
gboolean scope_v1_parse_links (const ScopeFields *d, ScopeV1Message *message, GError **error);
gboolean scope_v1_parse_paths (const ScopeFields *d, ScopeV1Message *message, GError **error);
void scope_v1_format_links (GString *out, const ScopeV1Message *message);
void scope_v1_format_paths (GString *out, const ScopeV1Message *message);

/* scope-v1-keyed.c: members that say something of each of many peers, by key. @table: (element-type ScopeKey …): made by the
 * reader, also when it fails; the writer takes NULL for an empty one */
typedef struct _ScopeV1Keyed ScopeV1Keyed;
extern const ScopeV1Keyed scope_v1_states, scope_v1_observed, scope_v1_latency, scope_v1_reach;
gboolean scope_v1_keyed_read (const ScopeV1Keyed *kind, const ScopeFields *d, GHashTable **table, GError **error);
void scope_v1_keyed_write (const ScopeV1Keyed *kind, GString *out, GHashTable *table);

/* FALSE: not an integer from 0 to @max */
gboolean scope_v1_read_number (JsonNode *node, gint64 max, guint *value);
