/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-path-message: what peers say to each other about which way packets go (data/protocol.md, section 9): path.pair,
 * path.attach, path.attached, path.heard. Form only. Each fits into a link message of 1200 bytes.
 */
#pragma once

#include "common/scope-key.h"

#include <json-glib/json-glib.h>

#define SCOPE_PATH_MESSAGE_MAX_IN 60000     /* ms */
#define SCOPE_PATH_MESSAGE_MAX_HOLD 600000  /* ms */
#define SCOPE_PATH_MESSAGE_MAX_LEGS 8
#define SCOPE_PATH_MESSAGE_MAX_EDGES 12
#define SCOPE_PATH_MESSAGE_MAX_NUMBER ((G_GUINT64_CONSTANT (1) << 53) - 1)

typedef enum {
  SCOPE_PATH_PAIR,     /* two peers of one kind: which way between us */
  SCOPE_PATH_ATTACH,   /* edge to relay, on the link: from now on I am attached to you */
  SCOPE_PATH_ATTACHED, /* relay to relay: these edges are attached to me */
  SCOPE_PATH_HEARD,    /* to both: so they are */
} ScopePathMessageType;

typedef enum {
  SCOPE_PATH_DIRECT,
  SCOPE_PATH_RELAYED, /* two edges: over the relays that they are attached to */
  SCOPE_PATH_VIA,     /* two relays: over a third one */
} ScopePathHow;

/* An edge, and the sequence of its word about where it is attached */
typedef struct {
  ScopeKey key;
  guint64 sequence;
} ScopePathEdge;

/**
 * ScopePathMessage:
 * @n: pair: number of what both agree on, 0 for nothing yet; attach: the edge's sequence; attached: number of the message;
 *   heard: that of what was heard, to an edge the newest sequence that is known of it
 * @in: pair, attach, attached: ms until it is so
 * @how: pair
 * @via: pair, SCOPE_PATH_VIA: the third relay
 * @hold: pair: ms for which the direct link is not to be used again
 * @ask: pair: say again all that you have told me, or would have
 * @answer: pair: to one of yours: no answer is wanted
 * @legs: pair, between relays: whom I could go over, best first
 * @edges: attached
 */
typedef struct {
  ScopePathMessageType type;
  guint64 n;
  guint32 in;
  ScopePathHow how;
  ScopeKey via;
  guint32 hold;
  gboolean ask;
  gboolean answer;
  guint n_legs;
  ScopeKey legs[SCOPE_PATH_MESSAGE_MAX_LEGS];
  guint n_edges;
  ScopePathEdge edges[SCOPE_PATH_MESSAGE_MAX_EDGES];
} ScopePathMessage;

/* "path.pair"; NULL for a type that is none */
const char *scope_path_message_name (ScopePathMessageType type);

/**
 * scope_path_message_parse:
 * @name: "t" of the frame
 * @body: "d" of the frame; "from", "to" and "hops" in it are not looked at
 * @error: SCOPE_ERROR_PROTOCOL, naming the field: "path.pair.in: more than 60000"
 */
gboolean scope_path_message_parse (ScopePathMessage *message, const char *name, JsonObject *body, GError **error);

/* (transfer full): "d" without from and to */
JsonObject *scope_path_message_format (const ScopePathMessage *message);
