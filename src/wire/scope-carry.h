/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-carry: what is said on a WebSocket that carries WireGuard's packets (data/protocol.md, section 10): text
 * messages that say where to, and binary ones with packets. Pure; no I/O.
 */
#pragma once

#include "common/scope-base64.h"
#include "common/scope-key.h"

#define SCOPE_CARRY_SUBPROTOCOL "scope.carry.v1"
#define SCOPE_CARRY_TICKET_LEN 32
#define SCOPE_CARRY_TICKET_CHARS SCOPE_BASE64_CHARS (SCOPE_CARRY_TICKET_LEN)
#define SCOPE_CARRY_TICKET_SECONDS 60
#define SCOPE_CARRY_TEXT_MAX 1024
#define SCOPE_CARRY_CODE_MAX 32
#define SCOPE_CARRY_PACKET_MAX 2048
#define SCOPE_CARRY_HEAD 4 /* before each packet: its link, its length, 2 bytes each, big-endian */
#define SCOPE_CARRY_BATCH 14000 /* where a sender begins another message: so one fits into a record of TLS */
#define SCOPE_CARRY_MESSAGE_MAX (SCOPE_CARRY_BATCH + SCOPE_CARRY_HEAD + SCOPE_CARRY_PACKET_MAX)

typedef enum {
  SCOPE_CARRY_UNKNOWN,
  SCOPE_CARRY_TICKET, /* to the registry: first of all */
  SCOPE_CARRY_READY,  /* from it */
  SCOPE_CARRY_OPEN,   /* to it: a link to a relay */
  SCOPE_CARRY_CLOSE,  /* to it */
  SCOPE_CARRY_OPENED, /* from it */
  SCOPE_CARRY_CLOSED, /* from it: refused, or ended */
} ScopeCarryType;

/**
 * ScopeCarryMessage:
 * @id: of a link, chosen by who opens it; 0 to 65535
 * @key: open: the relay's WireGuard key
 * @ticket: NUL-terminated
 * @links: ready: how many may be open at once
 * @code: closed: why, see data/protocol.md
 */
typedef struct {
  ScopeCarryType type;
  guint16 id;
  ScopeKey key;
  char ticket[SCOPE_CARRY_TICKET_CHARS + 1];
  guint links;
  char code[SCOPE_CARRY_CODE_MAX + 1];
} ScopeCarryMessage;

/* @error: SCOPE_ERROR_PROTOCOL, naming the field. A type that is not known is SCOPE_CARRY_UNKNOWN, no error. */
gboolean scope_carry_parse (ScopeCarryMessage *message, const char *text, gsize len, GError **error);

/* Newly allocated. */
char *scope_carry_format (const ScopeCarryMessage *message);

/**
 * scope_carry_is_wireguard:
 *
 * Whether this is a message of WireGuard's, by type and length: nothing else is carried.
 */
gboolean scope_carry_is_wireguard (const guint8 *packet, gsize len);

/* A handshake's first message: what may begin something. */
gboolean scope_carry_is_initiation (const guint8 *packet, gsize len);

/* Appends a packet to a binary message. @len: at most SCOPE_CARRY_PACKET_MAX */
void scope_carry_append (GByteArray *message, guint16 id, const guint8 *packet, gsize len);

/**
 * ScopeCarryReader:
 * @data, @len: what is left of a binary message; borrowed
 */
typedef struct {
  const guint8 *data;
  gsize len;
} ScopeCarryReader;

/**
 * scope_carry_next:
 * @packet: (out): into the message; one that is WireGuard's
 * @error: SCOPE_ERROR_PROTOCOL
 *
 * The next packet. What is not WireGuard's makes the whole message wrong.
 *
 * Returns: %FALSE at the end, or with @error set
 */
gboolean scope_carry_next (ScopeCarryReader *reader, guint16 *id, const guint8 **packet, gsize *len, GError **error);
