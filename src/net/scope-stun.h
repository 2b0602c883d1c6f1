/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-stun: STUN binding requests and their answers (RFC 8489), to and from bytes. Pure: no sockets, no state.
 * Everything has a FINGERPRINT; what has short-term credentials has USERNAME (requests) and MESSAGE-INTEGRITY.
 */
#pragma once

#include "common/scope-endpoint.h"

#define SCOPE_STUN_ID_LEN 12
#define SCOPE_STUN_MIN 20       /* bytes of the shortest message: a header */
#define SCOPE_STUN_MAX 548      /* bytes that are read or written */
#define SCOPE_STUN_USER_MAX 128 /* bytes of a USERNAME that is read */
#define SCOPE_STUN_PASSWORD_MAX 256
#define SCOPE_STUN_PORT 3478    /* where servers listen, RFC 8489 section 8 */

typedef enum {
  SCOPE_STUN_REQUEST,
  SCOPE_STUN_ANSWER, /* with @mapped */
  SCOPE_STUN_ERROR,
} ScopeStunKind;

/**
 * ScopeStunMessage:
 * @id: transaction
 * @user: of a request; empty for none
 * @sealed: has MESSAGE-INTEGRITY, see scope_stun_verify()
 * @mapped: of an answer: where the request came from
 */
typedef struct {
  ScopeStunKind kind;
  guint8 id[SCOPE_STUN_ID_LEN];
  char user[SCOPE_STUN_USER_MAX + 1];
  gboolean sealed;
  ScopeSockaddr mapped;
} ScopeStunMessage;

/**
 * scope_stun_parse:
 *
 * FALSE for all that is not one of these messages, whole, with a right FINGERPRINT (answers of others may be without
 * one). A request with an attribute that must be understood and is not, is none.
 */
gboolean scope_stun_parse (ScopeStunMessage *message, const guint8 *data, gsize len);

/**
 * scope_stun_verify:
 * @data: which scope_stun_parse() has accepted
 * @password: the receiver's for a request, the same for its answer
 */
gboolean scope_stun_verify (const guint8 *data, gsize len, const char *password);

/**
 * scope_stun_request:
 * @buffer: SCOPE_STUN_MAX bytes
 * @user, @password: (nullable): credentials, both or none
 *
 * Returns: bytes written
 */
gsize scope_stun_request (guint8 *buffer, const guint8 *id, const char *user, const char *password);

/**
 * scope_stun_answer:
 * @id: of the request
 * @mapped: where it came from
 * @password: (nullable): that the request was sealed with
 *
 * Returns: bytes written, for a plain request never more than three times its size
 */
gsize scope_stun_answer (guint8 *buffer, const guint8 *id, const ScopeSockaddr *mapped, const char *password);
