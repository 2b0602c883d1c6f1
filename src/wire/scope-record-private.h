/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a peer signs, from the payload of an envelope whose signature is good: form alone. Errors as scope-authority. */
#pragma once

#include "wire/scope-record.h"

ScopeRecord *scope_record_parse (JsonObject *payload, const char *network, GError **error);

/* @nonce: (out): borrowed; @key: (out) */
gboolean scope_hello_parse (JsonObject *payload, const char *network, const char **nonce, ScopeKey *key,
                            GError **error);
gboolean scope_kex_key_parse (JsonObject *payload, const char *network, ScopeKexKey *key, GError **error);
gboolean scope_kex_ct_parse (JsonObject *payload, const char *network, ScopeKexCt *ct, GError **error);
