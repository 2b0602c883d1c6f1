/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-kex-message: what the two ends of a pair say to each other about their preshared keys, besides
 * the signed things (data/protocol.md, section 6): kex.ok, kex.yes, kex.use, kex.no, kex.rotate. Each carries a MAC
 * by the confirm key of the preshared key that it is about. Form only: who knows the keys checks the MACs.
 */
#pragma once

#include "common/scope-key.h"

#include <json-glib/json-glib.h>

#define SCOPE_KEX_ID_LEN 16
#define SCOPE_KEX_MAC_LEN 32
#define SCOPE_KEX_MESSAGE_MAX_KEYS 4
#define SCOPE_KEX_MESSAGE_MAX_IN 600000 /* ms */
#define SCOPE_KEX_MESSAGE_MAX_NUMBER ((G_GUINT64_CONSTANT (1) << 53) - 1)

typedef enum {
  SCOPE_KEX_OK,     /* decapsulator: I have the key; we install it in @in ms */
  SCOPE_KEX_YES,    /* encapsulator, to each ok: so do I; perhaps earlier */
  SCOPE_KEX_USE,    /* this key is in my WireGuard, and these are the keys that I keep */
  SCOPE_KEX_NO,     /* this key does not work: back to the one before */
  SCOPE_KEX_ROTATE, /* higher key: please make a new key now */
} ScopeKexMessageType;

/* Names a preshared key without telling anything of it: the first bytes of a MAC by its confirm key */
typedef struct {
  guint8 bytes[SCOPE_KEX_ID_LEN];
} ScopeKexId;

typedef struct {
  ScopeKexId id;
  guint8 mac[SCOPE_KEX_MAC_LEN];
} ScopeKexTag;

/**
 * ScopeKexMessage:
 * @epoch: of the key @id
 * @id: the key that it is about
 * @n: rises with every message of the sender to this peer
 * @in: ok, yes: ms from now
 * @hurry: yes, rotate: the lower key makes a handshake at once, whatever flows
 * @confirmed: use: a handshake with this key was seen
 * @answer: use: an answer is wanted
 * @keys: use: the keys that the sender keeps, @id first, each with the MAC by it; otherwise the one key @id
 */
typedef struct {
  ScopeKexMessageType type;
  guint64 epoch;
  ScopeKexId id;
  guint64 n;
  guint32 in;
  gboolean hurry;
  gboolean confirmed;
  gboolean answer;
  guint n_keys;
  ScopeKexTag keys[SCOPE_KEX_MESSAGE_MAX_KEYS];
} ScopeKexMessage;

/* "kex.ok"; NULL for a type that is none */
const char *scope_kex_message_name (ScopeKexMessageType type);

/**
 * scope_kex_message_parse:
 * @name: "t" of the frame
 * @body: "d" of the frame; "from" and "to" in it are not looked at
 * @error: SCOPE_ERROR_PROTOCOL, naming the field: "kex.ok.in: more than 600000"
 */
gboolean scope_kex_message_parse (ScopeKexMessage *message, const char *name, JsonObject *body, GError **error);

/* (transfer full): "d" without from and to, for scope_v1_format_kex() */
JsonObject *scope_kex_message_format (const ScopeKexMessage *message);

/* (transfer full): the text that the MACs are of. Everything but the MACs is in it. */
char *scope_kex_message_mac_text (const ScopeKexMessage *message, const char *network, const ScopeKey *from,
                                  const ScopeKey *to);
